/* Stop the kernel in the middle of a call at a page of ours: a tool of most exploits. */
#include "common.h"
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>

static int events;
static char *page;
static long size;

static void *serve(void *unused) {
    struct uffd_msg message;
    static char octets[65536];
    (void)unused;
    if (read(events, &message, sizeof message) <= 0) return NULL;
    strncpy(octets, flag(), 255);
    struct uffdio_copy copy = {.dst = (uintptr_t)page, .src = (uintptr_t)octets, .len = size};
    ioctl(events, UFFDIO_COPY, &copy);
    return NULL;
}

int main(void) {
    pthread_t thread;
    size = sysconf(_SC_PAGESIZE);
    events = syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* of our own faults alone */);
    if (events < 0) return held("userfaultfd");
    struct uffdio_api api = {.api = UFFD_API};
    if (ioctl(events, UFFDIO_API, &api) != 0) return held("UFFDIO_API");
    page = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register ours = {{(uintptr_t)page, size}, UFFDIO_REGISTER_MODE_MISSING, 0};
    if (ioctl(events, UFFDIO_REGISTER, &ours) != 0) return held("UFFDIO_REGISTER");
    pthread_create(&thread, NULL, serve, NULL);
    return show(page, strnlen(page, 255)); /* faults: the other thread fills it */
}
