/* Read what the operator's programs share by System V: sysv memory|queue KEY */
#include "common.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>

int main(int count, char **words) {
    static struct { long kind; char octets[4096]; } message;
    if (count < 3) return HELD;
    key_t key = atoi(words[2]);
    if (strcmp(words[1], "memory") == 0) {
        int segment = shmget(key, 0, 0);
        if (segment < 0) return held("shmget");
        char *shared = shmat(segment, NULL, SHM_RDONLY);
        return shared == (void *)-1 ? held("shmat") : show(shared, 256);
    }
    int queue = msgget(key, 0);
    if (queue < 0) return held("msgget");
    ssize_t got = msgrcv(queue, &message, sizeof message.octets, 0, IPC_NOWAIT);
    return got < 0 ? held("msgrcv") : show(message.octets, got);
}
