/* Read the one file that is root's. Copies of it have more rights than who starts them. */
#include "common.h"

int main(void) {
    char octets[256];
    int file = open(ROOT_ONLY, O_RDONLY);
    if (file < 0) return held("open");
    ssize_t got = read(file, octets, sizeof octets);
    return got < 0 ? held("read") : show(octets, got);
}
