// SPDX-License-Identifier: Apache-2.0
// Sending and receiving frames: the only code in lpad that does.
#include "proto/link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

// A 64 KiB frame of many tiny sub-messages unpacks to fifty times its size; no honest one comes near this.
#define LINK_ARENA_MAX (512u * 1024)
// Room for more descriptors than any message may carry, so that a surplus is seen and closed, not lost.
#define LINK_DESCRIPTORS_MAX 8

enum err link_init(struct link *l, int fd, const struct link_end *end)
{
    void *frame = mmap(NULL, LINK_FRAME_MAX, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (frame == MAP_FAILED) {
        close(fd);
        return ERR_MEMORY;
    }
    struct link made = {.fd = fd, .end = end, .frame = frame};
    enum err e = arena_init(&made.arena, LINK_ARENA_MAX);
    if (e != ERR_OK) {
        munmap(frame, LINK_FRAME_MAX);
        close(fd);
        return e;
    }
    *l = made;
    return ERR_OK;
}

void link_close(struct link *l)
{
    if (l->fd >= 0)
        close(l->fd);
    if (l->frame != NULL) {
        link_wipe(l);
        munmap(l->frame, LINK_FRAME_MAX);
    }
    arena_free(&l->arena);
    *l = LINK_NONE;
}

void link_wipe(struct link *l)
{
    arena_reset(&l->arena);
}

// Frames carry secrets, and pages that were touched once would count for ever.
static void forget_frame(struct link *l, size_t len)
{
    explicit_bzero(l->frame, len < 8192 ? len : 8192);
    if (len > 8192)
        madvise(l->frame + 8192, LINK_FRAME_MAX - 8192, MADV_DONTNEED);
}

static void *arena_alloc(void *arena, size_t size)
{
    return arena_take(arena, size);
}

static void arena_ignore_free(void *arena, void *p)
{
    (void)arena;
    (void)p;
}

static bool carries_descriptor(const ProtobufCMessage *frame)
{
    for (size_t i = 0; i < link_descriptor_rule_count; i++) {
        const struct link_descriptor_rule *rule = &link_descriptor_rules[i];
        if (!link_names_message(rule->root, frame->descriptor))
            continue;
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field(frame->descriptor, rule->body_field);
        LPAD_ASSERT(f != NULL && (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF));
        if (*(const uint32_t *)((const uint8_t *)frame + f->quantifier_offset) == rule->body_field)
            return true;
    }
    return false;
}

static bool may_carry_descriptor(const ProtobufCMessageDescriptor *root)
{
    for (size_t i = 0; i < link_descriptor_rule_count; i++)
        if (link_names_message(link_descriptor_rules[i].root, root))
            return true;
    return false;
}

// Compares what comes out of packing with what was received, without a second buffer.
struct comparing_buffer {
    ProtobufCBuffer base;
    struct bytes rest;
    bool same;
};

static void compare_append(ProtobufCBuffer *base, size_t len, const uint8_t *data)
{
    struct comparing_buffer *c = (struct comparing_buffer *)base;
    if (!c->same || len > c->rest.len || (len > 0 && memcmp(c->rest.data, data, len) != 0)) {
        c->same = false;
        return;
    }
    c->rest.data += len;
    c->rest.len -= len;
}

static bool packs_to(const ProtobufCMessage *m, struct bytes data, bool exact)
{
    if (protobuf_c_message_get_packed_size(m) != data.len)
        return false;
    if (!exact)
        return true;
    struct comparing_buffer c = {.base = {.append = compare_append}, .rest = data, .same = true};
    protobuf_c_message_pack_to_buffer(m, &c.base);
    return c.same && c.rest.len == 0;
}

enum err link_unpack(const ProtobufCMessageDescriptor *root, struct bytes data, bool exact,
                     struct arena *arena, const ProtobufCMessage **ret_message)
{
    ProtobufCAllocator allocator = {.alloc = arena_alloc, .free = arena_ignore_free, .allocator_data = arena};
    ProtobufCMessage *m = protobuf_c_message_unpack(root, &allocator, data.len, data.data);
    if (m == NULL)
        return ERR_PEER_UNPARSABLE;
    LPAD_TRY(link_check(m));
    if (!packs_to(m, data, exact))
        return ERR_PEER_ENCODING;
    *ret_message = m;
    return ERR_OK;
}

enum err link_send(struct link *l, const ProtobufCMessage *frame, int fd)
{
    LPAD_ASSERT(frame->descriptor == l->end->sends);
    LPAD_ASSERT((fd >= 0) == carries_descriptor(frame));
    size_t len = protobuf_c_message_get_packed_size(frame);
    if (link_check(frame) != ERR_OK || len > LINK_FRAME_MAX)
        return ERR_LIMIT;
    if (protobuf_c_message_pack(frame, l->frame) != len)
        LPAD_BUG("a message changed while it was packed");

    struct iovec iov = {.iov_base = l->frame, .iov_len = len};
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        msg.msg_control = control.space;
        msg.msg_controllen = sizeof control.space;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    ssize_t n;
    do
        n = sendmsg(l->fd, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    int error = errno;
    forget_frame(l, len);
    if (n >= 0)
        return ERR_OK;
    if (error == EAGAIN || error == EWOULDBLOCK)
        return ERR_IO_TIMEOUT;
    return error == EPIPE || error == ECONNRESET || error == ENOTCONN ? ERR_CLOSED : ERR_IO;
}

// Collects every descriptor that came along; all but the first are closed. Returns how many there were.
static unsigned take_descriptors(struct msghdr *msg, int *ret_first)
{
    unsigned count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < fds; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (count++ == 0)
                *ret_first = fd;
            else
                close(fd);
        }
    }
    return count;
}

static enum err wait_readable(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n;
    do
        n = poll(&p, 1, timeout_ms);
    while (n < 0 && errno == EINTR && timeout_ms < 0);
    if (n > 0)
        return ERR_OK;
    return n == 0 || errno == EINTR ? ERR_IO_TIMEOUT : ERR_IO;
}

// Reads one datagram into l->frame. A descriptor that must not be kept is closed here.
static enum err receive_datagram(struct link *l, size_t *ret_len, int *ret_fd)
{
    union {
        char space[CMSG_SPACE(LINK_DESCRIPTORS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    bool may_carry = may_carry_descriptor(l->end->receives);
    struct iovec iov = {.iov_base = l->frame, .iov_len = LINK_FRAME_MAX};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = may_carry ? control.space : NULL,
                         .msg_controllen = may_carry ? sizeof control.space : 0};
    ssize_t n = recvmsg(l->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
            return ERR_IO_TIMEOUT;
        return errno == ECONNRESET ? ERR_CLOSED : ERR_IO;
    }
    int fd = -1;
    unsigned fds = take_descriptors(&msg, &fd);
    if (fds > 1 || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        if (fd >= 0)
            close(fd);
        return fds > 1 || (msg.msg_flags & MSG_CTRUNC) ? ERR_PEER_DESCRIPTOR : ERR_PEER_TRUNCATED;
    }
    if (n == 0) {
        if (fd >= 0)
            close(fd);
        return ERR_CLOSED;
    }
    *ret_len = (size_t)n;
    *ret_fd = fd;
    return ERR_OK;
}

enum err link_recv(struct link *l, int timeout_ms, const ProtobufCMessage **ret_frame, int *ret_fd)
{
    size_t len;
    int fd;
    arena_reset(&l->arena);
    if (timeout_ms != 0)
        LPAD_TRY(wait_readable(l->fd, timeout_ms));
    LPAD_TRY(receive_datagram(l, &len, &fd));

    const ProtobufCMessage *frame = NULL;
    enum err e = link_unpack(l->end->receives, bytes_make(l->frame, len), l->end->exact, &l->arena, &frame);
    forget_frame(l, len);
    if (e == ERR_OK && carries_descriptor(frame) != (fd >= 0))
        e = ERR_PEER_DESCRIPTOR;
    if (e != ERR_OK) {
        if (fd >= 0)
            close(fd);
        return e;
    }
    *ret_frame = frame;
    *ret_fd = fd;
    return ERR_OK;
}
