/* Attach to a process as a debugger and read its memory: ptrace PID ADDRESS LENGTH */
#include "common.h"
#include <sys/ptrace.h>

int main(int count, char **words) {
    if (count < 4) return HELD;
    pid_t pid = atoi(words[1]);
    char *address = (char *)strtoull(words[2], NULL, 10);
    size_t length = strtoul(words[3], NULL, 10);
    if (ptrace(PTRACE_ATTACH, pid, 0, 0) != 0) return held("PTRACE_ATTACH");
    waitpid(pid, NULL, __WALL);
    for (size_t at = 0; at < length; at += sizeof(long)) {
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, pid, address + at, 0);
        if (errno) return held("PTRACE_PEEKDATA");
        show(&word, sizeof word);
    }
    ptrace(PTRACE_DETACH, pid, 0, 0);
    return GOT;
}
