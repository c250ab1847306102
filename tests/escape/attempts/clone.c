/* Be root in a new user name space by the old clone. */
#include "common.h"

int main(void) {
    int status = 0;
    pid_t child = syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
    if (child < 0) return held("clone");
    if (child == 0) exit(name_host());
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : HELD;
}
