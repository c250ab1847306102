/* What the attempts in C share: the codes they end with, and the flag they carry. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GOT = 0, HELD = 1, UNAVAILABLE = 77 };

static inline int held(const char *what) {
    int number = errno;
    printf("%s: %s\n", what, strerror(number));
    return number == ENOSYS ? UNAVAILABLE : HELD;
}

static inline int show(const void *octets, size_t length) {
    fwrite(octets, 1, length, stdout);
    return GOT;
}

static inline const char *flag(void) {
    const char *found = getenv("ESCAPE_FLAG");
    return found ? found : "";
}

/* Show that a name space of host names is ours, by carrying the flag through it. */
static inline int name_host(void) {
    char name[64] = "";
    if (sethostname(flag(), strlen(flag())) != 0) return held("sethostname");
    if (gethostname(name, sizeof name) != 0) return held("gethostname");
    return show(name, strlen(name));
}
