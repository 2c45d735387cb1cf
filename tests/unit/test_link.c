// SPDX-License-Identifier: Apache-2.0
// proto/link.c: what gets past it, and what does not. The peer here writes raw datagrams.
#include "proto/convert.h"
#include "proto/link.h"
#include "tests/unit/unit.h"

#include "approval.pb-c.h"
#include "card.pb-c.h"
#include "control.pb-c.h"
#include "net.pb-c.h"
#include "policy.pb-c.h"
#include "probe.pb-c.h"
#include "supervisor.pb-c.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct link_end *const all_ends[] = {
    &link_broker_netd,       &link_netd_broker,       &link_broker_cardd,       &link_cardd_broker,
    &link_broker_policyd,    &link_policyd_broker,    &link_cardd_policyd,      &link_policyd_cardd,
    &link_broker_supervisor, &link_supervisor_broker, &link_policyd_supervisor, &link_supervisor_policyd,
    &link_broker_client,     &link_client_broker,     &link_broker_probed,      &link_probed_broker,
};
static const ProtobufCMessageDescriptor *const settings[] = {
    &lpad__broker_settings__descriptor, &lpad__netd_settings__descriptor,
    &lpad__cardd_settings__descriptor,  &lpad__policyd_settings__descriptor,
    &lpad__probed_settings__descriptor,
};

// --- properties of the messages themselves ---

#define ROWS_MAX 1024

struct walk {
    const ProtobufCMessageDescriptor *path[16];
    unsigned depth;
    unsigned rows_seen;
    unsigned seen[ROWS_MAX]; // how often each row of proto/limits.c was met
};

static bool is_row_of(const struct link_limit *l, const ProtobufCMessageDescriptor *d, const char *field)
{
    return strcmp(l->field, field) == 0 && link_names_message(l->message, d);
}

static void walk_message(const ProtobufCMessageDescriptor *d, struct walk *w)
{
    for (unsigned i = 0; i < w->depth; i++)
        assert_ptr_not_equal(w->path[i], d); // a message that contains itself
    assert_true(w->depth < 16);
    w->path[w->depth++] = d;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        bool sized = f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_BYTES ||
                     f->label == PROTOBUF_C_LABEL_REPEATED;
        unsigned rows = 0;
        for (size_t r = 0; r < link_limit_count; r++)
            if (is_row_of(&link_limits[r], d, f->name)) {
                rows++;
                w->seen[r]++;
            }
        if (rows != (sized ? 1u : 0u))
            fail_msg("%s.%s has %u rows in proto/limits.c, not %u", d->name, f->name, rows, sized ? 1u : 0u);
        w->rows_seen += rows;
        if (f->type == PROTOBUF_C_TYPE_MESSAGE)
            walk_message(f->descriptor, w);
    }
    w->depth--;
}

static void every_field_has_its_limit_and_no_message_recurses(void **state)
{
    (void)state;
    struct walk w = {0};
    assert_true(link_limit_count <= ROWS_MAX);
    for (size_t i = 0; i < sizeof all_ends / sizeof all_ends[0]; i++)
        walk_message(all_ends[i]->sends, &w);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        walk_message(settings[i], &w);
    for (size_t r = 0; r < link_limit_count; r++) {
        const struct link_limit *l = &link_limits[r];
        if (w.seen[r] == 0)
            fail_msg("proto/limits.c names %s.%s, which no link carries", l->message, l->field);
        assert_true(l->min_length <= l->max_length && l->max_count > 0);
    }
}

static void a_root_message_is_an_id_and_one_body(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all_ends / sizeof all_ends[0]; i++) {
        const ProtobufCMessageDescriptor *d = all_ends[i]->sends;
        for (unsigned f = 0; f < d->n_fields; f++) {
            if (strcmp(d->fields[f].name, "id") == 0)
                continue;
            // Which of several cards a client means stands beside what it wants.
            if (d == &lpad__client_to_broker__descriptor && strcmp(d->fields[f].name, "card") == 0)
                continue;
            assert_true(d->fields[f].flags & PROTOBUF_C_FIELD_FLAG_ONEOF);
            assert_int_equal(d->fields[f].type, PROTOBUF_C_TYPE_MESSAGE);
        }
    }
}

// --- a link and a raw peer ---

struct pair {
    struct link link; // cardd's end towards the broker
    int raw;
};

static struct pair make_pair(const struct link_end *end)
{
    int fds[2];
    struct pair p;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(link_init(&p.link, fds[0], end), ERR_OK);
    p.raw = fds[1];
    return p;
}

static void free_pair(struct pair *p)
{
    link_close(&p->link);
    close(p->raw);
}

static enum err receive_raw(const struct link_end *end, const void *data, size_t len)
{
    struct pair p = make_pair(end);
    const ProtobufCMessage *m = NULL;
    int fd = -1;
    assert_int_equal(send(p.raw, data, len, 0), (ssize_t)len);
    enum err e = link_recv(&p.link, 1000, &m, &fd);
    assert_int_equal(fd, -1);
    if (e != ERR_OK)
        assert_null(m);
    free_pair(&p);
    return e;
}

#define RAW(end, ...)                                                                                        \
    receive_raw((end), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void raw_frames(void **state)
{
    (void)state;
    const struct link_end *e = &link_cardd_broker;
    // id 1, get_challenge{smdp_address "a.b"}
    assert_int_equal(RAW(e, 0x08, 1, 0x22, 5, 0x0A, 3, 'a', '.', 'b'), ERR_OK);
    assert_int_equal(RAW(e, 0x08, 1), ERR_PEER_UNKNOWN);                                     // no body
    assert_int_equal(RAW(e, 0x22, 5, 0x0A, 3, 'a', '.', 'b'), ERR_PEER_UNPARSABLE);          // no id
    assert_int_equal(RAW(e, 0x08, 1, 0x22, 6, 0x0A, 3, 'a', '.', 'b'), ERR_PEER_UNPARSABLE); // cut
    assert_int_equal(RAW(e, 0x08, 1, 0x22, 5, 0x0A, 3, 'a', '.', 'b', 0xF8, 1, 1), ERR_PEER_UNKNOWN);
    assert_int_equal(RAW(e, 0x08, 1, 0x22, 7, 0x0A, 3, 'a', '.', 'b', 0x78, 1), ERR_PEER_UNKNOWN); // inside
    assert_int_equal(RAW(e, 0x08, 1, 0x22, 5, 0x0A, 3, 'a', 0, 'b'), ERR_PEER_ENCODING);           // NUL
    assert_int_equal(RAW(e, 0x08, 1, 0x22, 5, 0x0A, 3, 'a', 0xFF, 'b'), ERR_PEER_ENCODING); // not UTF-8
    assert_int_equal(RAW(e, 0x08, 1, 0x22, 2, 0x0A, 0), ERR_PEER_LIMIT);                    // too short
    assert_int_equal(RAW(e, 0x08, 1, 0x08, 2, 0x22, 5, 0x0A, 3, 'a', '.', 'b'),
                     ERR_PEER_ENCODING); // id twice
    assert_int_equal(RAW(e, 0x08, 0x81, 0x00, 0x22, 5, 0x0A, 3, 'a', '.', 'b'),
                     ERR_PEER_ENCODING);                                                   // long varint
    assert_int_equal(RAW(e, 0x22, 5, 0x0A, 3, 'a', '.', 'b', 0x08, 1), ERR_PEER_ENCODING); // other order
    // two bodies: get_challenge and load
    assert_int_equal(RAW(e, 0x08, 1, 0x22, 5, 0x0A, 3, 'a', '.', 'b', 0x42, 0), ERR_PEER_ENCODING);
    // change_profile with an operation that does not exist; with an ICCID of 9 bytes
    assert_int_equal(RAW(e, 0x08, 1, 0x52, 14, 0x08, 99, 0x12, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0),
                     ERR_PEER_UNKNOWN);
    assert_int_equal(RAW(e, 0x08, 1, 0x52, 13, 0x08, 3, 0x12, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9), ERR_PEER_LIMIT);
    // what belongs to another link is nothing here
    assert_int_equal(
        RAW(&link_netd_broker, 0x08, 1, 0x52, 14, 0x08, 3, 0x12, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0),
        ERR_PEER_UNKNOWN);
    // a client's encoder may order fields as it likes, but no more than that
    assert_int_equal(RAW(&link_broker_client, 0x12, 0, 0x08, 1), ERR_OK);
    assert_int_equal(RAW(&link_broker_client, 0x12, 0, 0x08, 1, 0x08, 1), ERR_PEER_ENCODING);
}

static void amplification_is_capped(void **state)
{
    (void)state;
    // 20,000 empty profiles would be megabytes.
    static uint8_t frame[40000 + 8];
    size_t n = 0;
    frame[n++] = 0x08;
    frame[n++] = 1;
    frame[n++] = 0x2A; // profiles
    size_t body = 40000;
    frame[n++] = (uint8_t)(body | 0x80);
    frame[n++] = (uint8_t)(body >> 7 | 0x80);
    frame[n++] = (uint8_t)(body >> 14);
    for (size_t i = 0; i < body; i += 2)
        frame[n + i] = 0x0A;
    enum err e = receive_raw(&link_broker_cardd, frame, n + body);
    assert_int_equal(err_class_of(e), ERR_CLASS_PEER);
}

static void long_lists_and_frames(void **state)
{
    (void)state;
    struct pair p = make_pair(&link_cardd_broker);
    static uint8_t big[LINK_FRAME_MAX + 1];
    const ProtobufCMessage *m = NULL;
    int fd;
    assert_int_equal(send(p.raw, big, sizeof big, 0), (ssize_t)sizeof big);
    assert_int_equal(link_recv(&p.link, 1000, &m, &fd), ERR_PEER_TRUNCATED);
    assert_int_equal(link_recv(&p.link, 0, &m, &fd), ERR_IO_TIMEOUT);
    close(p.raw);
    p.raw = -1;
    assert_int_equal(link_recv(&p.link, 1000, &m, &fd), ERR_CLOSED);
    link_close(&p.link);
}

// Every truncation and every bit flip of a real frame: never more than an error, and what is accepted packs
// back.
static void mutations(void **state)
{
    (void)state;
    static const uint8_t good[] = {0x08, 7,    0x52, 16,   0x08, 3,    0x12, 10,   0x98, 0x94,
                                   0x44, 0x99, 0x99, 0x99, 0x99, 0x99, 0x30, 0xF1, 0x18, 1};
    assert_int_equal(receive_raw(&link_cardd_broker, good, sizeof good), ERR_OK);
    for (size_t cut = 1; cut < sizeof good; cut++)
        assert_int_not_equal(receive_raw(&link_cardd_broker, good, cut), ERR_OK);
    unsigned accepted = 0;
    for (size_t bit = 0; bit < sizeof good * 8; bit++) {
        uint8_t flipped[sizeof good];
        memcpy(flipped, good, sizeof good);
        flipped[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        enum err e = receive_raw(&link_cardd_broker, flipped, sizeof flipped);
        if (e != ERR_OK)
            assert_int_equal(err_class_of(e), ERR_CLASS_PEER);
        accepted += e == ERR_OK;
    }
    // Only bits of values may change: 80 of the ICCID, 7 of the id, 1 of the flag and some of the operation.
    assert_in_range(accepted, 80, 96);
}

// --- descriptors ---

static void send_with(int to, const void *data, size_t len, const int *fds, size_t count)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    union {
        char space[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (count > 0) {
        msg.msg_control = control.space;
        msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    }
    assert_int_equal(sendmsg(to, &msg, 0), (ssize_t)len);
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void descriptors_come_only_when_called_for(void **state)
{
    (void)state;
    static const uint8_t stage[] = {0x08, 1, 0x3A, 0}, load[] = {0x08, 1, 0x42, 0};
    struct pair p = make_pair(&link_cardd_broker);
    const int fds[3] = {p.raw, p.raw, p.raw};
    const ProtobufCMessage *m = NULL;
    int fd = -1;
    unsigned before = open_descriptors();

    send_with(p.raw, stage, sizeof stage, fds, 1);
    assert_int_equal(link_recv(&p.link, 1000, &m, &fd), ERR_OK);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    fd = -1;
    send_with(p.raw, stage, sizeof stage, fds, 0);
    assert_int_equal(link_recv(&p.link, 1000, &m, &fd), ERR_PEER_DESCRIPTOR);
    send_with(p.raw, load, sizeof load, fds, 1);
    assert_int_equal(link_recv(&p.link, 1000, &m, &fd), ERR_PEER_DESCRIPTOR);
    send_with(p.raw, stage, sizeof stage, fds, 2);
    assert_int_equal(link_recv(&p.link, 1000, &m, &fd), ERR_PEER_DESCRIPTOR);
    send_with(p.raw, stage, sizeof stage, fds, 3);
    assert_int_equal(link_recv(&p.link, 1000, &m, &fd), ERR_PEER_DESCRIPTOR);
    assert_int_equal(fd, -1);
    assert_int_equal(open_descriptors(), before); // nothing was left behind
    free_pair(&p);

    // A link on which no message carries one does not even receive it.
    p = make_pair(&link_policyd_cardd);
    static const uint8_t any[] = {0x08, 1};
    before = open_descriptors();
    send_with(p.raw, any, sizeof any, fds, 0);
    assert_int_equal(link_recv(&p.link, 1000, &m, &fd), ERR_PEER_UNKNOWN);
    const int real[1] = {p.raw};
    send_with(p.raw, any, sizeof any, real, 1);
    assert_int_equal(link_recv(&p.link, 1000, &m, &fd), ERR_PEER_DESCRIPTOR);
    assert_int_equal(open_descriptors(), before);
    free_pair(&p);
}

static void round_trip_with_a_descriptor(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    struct link broker, cardd;
    assert_int_equal(link_init(&broker, fds[0], &link_broker_cardd), ERR_OK);
    assert_int_equal(link_init(&cardd, fds[1], &link_cardd_broker), ERR_OK);
    Lpad__CardStage stage = LPAD__CARD_STAGE__INIT;
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    frame.id = 77;
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_STAGE;
    frame.stage = &stage;
    assert_int_equal(link_send(&broker, &frame.base, broker.fd), ERR_OK);
    const ProtobufCMessage *m = NULL;
    int fd = -1;
    assert_int_equal(link_recv(&cardd, 1000, &m, &fd), ERR_OK);
    const Lpad__BrokerToCardd *got = (const Lpad__BrokerToCardd *)m;
    assert_int_equal(got->id, 77);
    assert_int_equal(got->body_case, LPAD__BROKER_TO_CARDD__BODY_STAGE);
    close(fd);

    // What breaks the link's own limits is not sent.
    Lpad__CardGetChallenge challenge = LPAD__CARD_GET_CHALLENGE__INIT;
    challenge.smdp_address = (char *)(uintptr_t) "";
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_GET_CHALLENGE;
    frame.get_challenge = &challenge;
    assert_int_equal(link_send(&broker, &frame.base, -1), ERR_LIMIT);
    assert_int_equal(link_recv(&cardd, 0, &m, &fd), ERR_IO_TIMEOUT);
    link_close(&broker);
    assert_int_equal(link_recv(&cardd, 1000, &m, &fd), ERR_CLOSED);
    link_close(&cardd);
}

static void a_peer_that_does_not_read_is_dead(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    struct link l;
    assert_int_equal(link_init(&l, fds[0], &link_broker_cardd), ERR_OK);
    Lpad__CardLoad load = LPAD__CARD_LOAD__INIT;
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_LOAD;
    frame.load = &load;
    enum err e = ERR_OK;
    for (unsigned i = 0; i < 100000 && e == ERR_OK; i++)
        e = link_send(&l, &frame.base, -1);
    assert_int_equal(e, ERR_IO_TIMEOUT);
    link_close(&l);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_has_its_limit_and_no_message_recurses),
        cmocka_unit_test(a_root_message_is_an_id_and_one_body),
        cmocka_unit_test(raw_frames),
        cmocka_unit_test(amplification_is_capped),
        cmocka_unit_test(long_lists_and_frames),
        cmocka_unit_test(mutations),
        cmocka_unit_test(descriptors_come_only_when_called_for),
        cmocka_unit_test(round_trip_with_a_descriptor),
        cmocka_unit_test(a_peer_that_does_not_read_is_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
