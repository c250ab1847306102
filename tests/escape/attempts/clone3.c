/* Be root in a new user name space by clone3, whose arguments a filter cannot look into. */
#include "common.h"
#include <linux/sched.h>

int main(void) {
    struct clone_args asked = {.flags = CLONE_NEWUSER | CLONE_NEWUTS, .exit_signal = SIGCHLD};
    int status = 0;
    pid_t child = syscall(SYS_clone3, &asked, sizeof asked);
    if (child < 0) return held("clone3");
    if (child == 0) exit(name_host());
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : HELD;
}
