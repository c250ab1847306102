/* Connect by io_uring: ring_connect PORT */
#include "ring.h"
#include <arpa/inet.h>
#include <sys/socket.h>

int main(int count, char **words) {
    static char octets[4096];
    struct ring ring;
    if (count < 2) return HELD;
    struct sockaddr_in there = {AF_INET, htons(atoi(words[1])), {htonl(INADDR_LOOPBACK)}};
    if (ring_open(&ring) != 0) return held("io_uring_setup");
    int line = socket(AF_INET, SOCK_STREAM, 0);
    int code = ring_do(&ring, IORING_OP_CONNECT, line, &there, 0, sizeof there);
    if (code < 0) return errno = -code, held("connect");
    ring_do(&ring, IORING_OP_SEND, line, flag(), strlen(flag()), 0);
    int got = ring_do(&ring, IORING_OP_RECV, line, octets, sizeof octets, 0);
    return got < 0 ? (errno = -got, held("recv")) : show(octets, got);
}
