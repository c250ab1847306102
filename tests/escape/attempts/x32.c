/* Be root in a new user name space by the calls of the x32 ABI: the same numbers, with a bit set. */
#include "common.h"

int main(void) {
#ifdef __x86_64__
    if (syscall(0x40000000L | SYS_unshare, CLONE_NEWUSER | CLONE_NEWUTS) != 0) return held("unshare of x32");
    return name_host();
#else
    return UNAVAILABLE;
#endif
}
