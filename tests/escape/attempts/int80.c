/* Be root in a new user name space by the calls of 32-bit programs, which have other numbers. */
#include "common.h"

static void absent(int number) {
    (void)number;
    _exit(UNAVAILABLE);
}

int main(void) {
#ifdef __x86_64__
    long code;
    signal(SIGSEGV, absent); /* of a kernel that does not have them */
    __asm__ volatile("int $0x80"
                     : "=a"(code)
                     : "a"(310L), "b"((long)(CLONE_NEWUSER | CLONE_NEWUTS))
                     : "memory", "r8", "r9", "r10", "r11");
    errno = code < 0 ? -code : 0;
    return code < 0 ? held("unshare of 32 bits") : name_host();
#else
    return UNAVAILABLE;
#endif
}
