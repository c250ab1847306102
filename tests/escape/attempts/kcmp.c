/* Read bits out of which descriptors of a process are the same file: kcmp PID FIRST BITS */
#include "common.h"
#include <linux/kcmp.h>

int main(int count, char **words) {
    unsigned long long told = 0;
    if (count < 4) return HELD;
    int pid = atoi(words[1]), first = atoi(words[2]), bits = atoi(words[3]);
    for (int bit = 0; bit < bits; bit++) {
        long order = syscall(SYS_kcmp, pid, pid, KCMP_FILE, first + 2 * bit, first + 2 * bit + 1);
        if (order < 0) return held("kcmp");
        told = told << 1 | (order == 0);
    }
    printf("%016llx\n", told);
    return GOT;
}
