/* Mount by the calls that came after mount(2), in a name space of our own where we may have one. */
#include "common.h"
#include <linux/mount.h>

static void put(const char *path, const char *words, unsigned number) {
    int file = open(path, O_WRONLY);
    if (file < 0) return;
    dprintf(file, words, number);
    close(file);
}

int main(void) {
    char octets[256] = "";
    unsigned user = geteuid(), group = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) { /* the calls that follow are what is tried */
        put("/proc/self/setgroups", "deny", 0);
        put("/proc/self/uid_map", "0 %u 1", user);
        put("/proc/self/gid_map", "0 %u 1", group);
    }
    int made = syscall(SYS_fsopen, "tmpfs", 0);
    if (made < 0) return held("fsopen");
    if (syscall(SYS_fsconfig, made, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0) return held("fsconfig");
    int mounted = syscall(SYS_fsmount, made, 0, 0);
    if (mounted < 0) return held("fsmount");
    int file = openat(mounted, "flag", O_RDWR | O_CREAT, 0600);
    if (file < 0) return held("openat");
    if (write(file, flag(), strlen(flag())) < 0) return held("write");
    ssize_t got = pread(file, octets, sizeof octets, 0);
    return got < 0 ? held("pread") : show(octets, got);
}
