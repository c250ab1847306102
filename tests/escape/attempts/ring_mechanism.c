/* Only have a ring at all: what it does is out of sight of a filter. The flag goes through a pipe. */
#include "ring.h"

int main(void) {
    static char octets[256];
    struct ring ring;
    int ends[2];
    if (ring_open(&ring) != 0) return held("io_uring_setup");
    if (pipe(ends) != 0) return held("pipe");
    if (ring_do(&ring, IORING_OP_WRITE, ends[1], flag(), strlen(flag()), 0) < 0) return HELD;
    int got = ring_do(&ring, IORING_OP_READ, ends[0], octets, sizeof octets, 0);
    return got < 0 ? (errno = -got, held("read")) : show(octets, got);
}
