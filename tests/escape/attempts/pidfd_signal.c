/* Signal a process by a descriptor of it: pidfd_signal PID */
#include "common.h"

int main(int count, char **words) {
    if (count < 2) return HELD;
    int process = syscall(SYS_pidfd_open, atoi(words[1]), 0);
    if (process < 0) return held("pidfd_open");
    if (syscall(SYS_pidfd_send_signal, process, SIGUSR2, NULL, 0) != 0) return held("pidfd_send_signal");
    usleep(200000); /* it writes it down */
    return GOT;
}
