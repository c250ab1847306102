/* Take an open file out of another process: getfd PID DESCRIPTOR */
#include "common.h"

int main(int count, char **words) {
    char octets[4096];
    if (count < 3) return HELD;
    int process = syscall(SYS_pidfd_open, atoi(words[1]), 0);
    if (process < 0) return held("pidfd_open");
    int taken = syscall(SYS_pidfd_getfd, process, atoi(words[2]), 0);
    if (taken < 0) return held("pidfd_getfd");
    ssize_t got = pread(taken, octets, sizeof octets, 0);
    return got < 0 ? held("pread") : show(octets, got);
}
