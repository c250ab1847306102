/* Ask the kernel to load code, with nothing to load: only whether it would. modules module|kexec */
#include "common.h"

int main(int count, char **words) {
    int kexec = count > 1 && strcmp(words[1], "kexec") == 0;
    long code = kexec ? syscall(SYS_kexec_load, 0, 1000, NULL, 0xffffffffL)
                      : syscall(SYS_finit_module, -1, "", 0);
    if (code == 0 || errno == EPERM || errno == ENOSYS) return held(kexec ? "kexec_load" : "finit_module");
    return show(flag(), strlen(flag()));
}
