/* Leave a file that runs as whoever we are, made by a call whose mode is easily overlooked. */
#include "common.h"
#include <sys/stat.h>

int main(void) {
    unlink("left-made");
    umask(0);
    if (mknod("left-made", S_IFREG | 04755, 0) != 0) return held("mknod");
    return HELD; /* whether the bit is on it, others judge */
}
