/* An io_uring of one entry, by system calls alone: no other call opens, reads or connects. */
#include "common.h"
#include <linux/io_uring.h>

struct ring {
    int fd;
    unsigned *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_mask;
    struct io_uring_sqe *entries;
    struct io_uring_cqe *results;
};

static inline int ring_open(struct ring *ring) {
    struct io_uring_params asked = {0};
    ring->fd = syscall(SYS_io_uring_setup, 2, &asked);
    if (ring->fd < 0) return -1;
    size_t sq = asked.sq_off.array + asked.sq_entries * sizeof(unsigned);
    size_t cq = asked.cq_off.cqes + asked.cq_entries * sizeof(struct io_uring_cqe);
    int how = PROT_READ | PROT_WRITE, shared = MAP_SHARED | MAP_POPULATE;
    char *s = mmap(0, sq, how, shared, ring->fd, IORING_OFF_SQ_RING);
    char *c = mmap(0, cq, how, shared, ring->fd, IORING_OFF_CQ_RING);
    ring->entries = mmap(0, asked.sq_entries * sizeof(struct io_uring_sqe), how, shared, ring->fd,
                         IORING_OFF_SQES);
    if (s == MAP_FAILED || c == MAP_FAILED || ring->entries == MAP_FAILED) return -1;
    ring->sq_tail = (unsigned *)(s + asked.sq_off.tail);
    ring->sq_mask = (unsigned *)(s + asked.sq_off.ring_mask);
    ring->sq_array = (unsigned *)(s + asked.sq_off.array);
    ring->cq_head = (unsigned *)(c + asked.cq_off.head);
    ring->cq_mask = (unsigned *)(c + asked.cq_off.ring_mask);
    ring->results = (struct io_uring_cqe *)(c + asked.cq_off.cqes);
    return 0;
}

/* Have one operation done and return its result, negative as the kernel says it. */
static inline int ring_do(struct ring *ring, int operation, int fd, const void *at, unsigned length,
                          uint64_t offset) {
    unsigned slot = *ring->sq_tail & *ring->sq_mask;
    struct io_uring_sqe *entry = ring->entries + slot;
    memset(entry, 0, sizeof *entry);
    entry->opcode = operation;
    entry->fd = fd;
    entry->addr = (uintptr_t)at;
    entry->len = length;
    entry->off = offset;
    ring->sq_array[slot] = slot;
    __atomic_store_n(ring->sq_tail, *ring->sq_tail + 1, __ATOMIC_RELEASE);
    if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0) return -errno;
    int result = ring->results[*ring->cq_head & *ring->cq_mask].res;
    __atomic_store_n(ring->cq_head, *ring->cq_head + 1, __ATOMIC_RELEASE);
    return result;
}
