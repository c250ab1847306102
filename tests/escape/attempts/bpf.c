/* Open a map of the kernel's that somebody else has filled: bpf NUMBER */
#include "common.h"
#include <linux/bpf.h>

int main(int count, char **words) {
    char octets[256] = "";
    union bpf_attr asked;
    uint32_t key = 0;
    if (count < 2 || !*words[1]) return UNAVAILABLE;
    memset(&asked, 0, sizeof asked);
    asked.map_id = atoi(words[1]);
    int map = syscall(SYS_bpf, BPF_MAP_GET_FD_BY_ID, &asked, sizeof asked);
    if (map < 0) return held("BPF_MAP_GET_FD_BY_ID");
    memset(&asked, 0, sizeof asked);
    asked.map_fd = map;
    asked.key = (uintptr_t)&key;
    asked.value = (uintptr_t)octets;
    if (syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &asked, sizeof asked) != 0) return held("lookup");
    return show(octets, sizeof octets);
}
