/* Open a file by its number in the file system, past every folder: handle FOLDER KIND:OCTETS */
#include "common.h"

int main(int count, char **words) {
    char octets[4096];
    struct { struct file_handle head; unsigned char more[128]; } handle = {{0}};
    if (count < 3 || !strchr(words[2], ':')) return UNAVAILABLE;
    char *hex = strchr(words[2], ':') + 1;
    handle.head.handle_type = atoi(words[2]);
    handle.head.handle_bytes = strlen(hex) / 2;
    for (unsigned at = 0; at < handle.head.handle_bytes; at++)
        sscanf(hex + 2 * at, "%2hhx", handle.head.f_handle + at);
    int folder = open(words[1], O_RDONLY | O_DIRECTORY);
    if (folder < 0) return held("open");
    int file = open_by_handle_at(folder, &handle.head, O_RDONLY);
    if (file < 0) return held("open_by_handle_at");
    ssize_t got = read(file, octets, sizeof octets);
    return got < 0 ? held("read") : show(octets, got);
}
