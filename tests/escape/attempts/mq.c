/* Take a message out of a POSIX queue of the operator's: mq NAME */
#include "common.h"
#include <mqueue.h>

int main(int count, char **words) {
    static char octets[65536];
    if (count < 2 || !*words[1]) return UNAVAILABLE;
    mqd_t queue = mq_open(words[1], O_RDONLY | O_NONBLOCK);
    if (queue < 0) return held("mq_open");
    ssize_t got = mq_receive(queue, octets, sizeof octets, NULL);
    return got < 0 ? held("mq_receive") : show(octets, got);
}
