// SPDX-License-Identifier: Apache-2.0
// Datagrams that are no frames of their link: the process ends at the first one, with the code that says
// whose fault it was, and the card hears nothing.
#include "tests/hostile/download.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ICCID    "98944499999999990051"
#define OCTETS8  "0000000000000000"
#define OCTETS64 OCTETS8 OCTETS8 OCTETS8 OCTETS8 OCTETS8 OCTETS8 OCTETS8 OCTETS8

struct frame {
    const char *name;
    const char *hex;
    unsigned count; // times that `repeated` follows
    const char *repeated, *rest;
    int descriptors; // that come along
};

static const struct frame to_cardd[] = {
    {"no body",                         "0801",                                                 0,     NULL,   NULL, 0 },
    {"no id",                           "1A00",                                                 0,     NULL,   NULL, 0 },
    {"an unknown body",                 "0801FA0100",                                           0,     NULL,   NULL, 0 },
    {"an unknown field beside",         "08011A00F80101",                                       0,     NULL,   NULL, 0 },
    {"an unknown field within",         "08011A027801",                                         0,     NULL,   NULL, 0 },
    {"an unknown field before",         "F8010108011A00",                                       0,     NULL,   NULL, 0 },
    {"two bodies",                      "08011A00120408001000",                                 0,     NULL,   NULL, 0 },
    {"the same body twice",             "08011A001A00",                                         0,     NULL,   NULL, 0 },
    {"two ids",                         "080108021A00",                                         0,     NULL,   NULL, 0 },
    {"the body before the id",          "1A000801",                                             0,     NULL,   NULL, 0 },
    {"a long varint",                   "0881001A00",                                           0,     NULL,   NULL, 0 },
    {"an id of 64 bits",                "08FFFFFFFFFFFFFFFFFF011A00",                           0,     NULL,   NULL, 0 },
    {"a truth value of two",            "0801120408021000",                                     0,     NULL,   NULL, 0 },
    {"a truth value that is missing",   "080112020800",                                         0,     NULL,   NULL, 0 },
    {"a length past the end",           "08011A05",                                             0,     NULL,   NULL, 0 },
    {"half a tag",                      "08019A",                                               0,     NULL,   NULL, 0 },
    {"a wire type that is none",        "08011F",                                               0,     NULL,   NULL, 0 },
    {"a group",                         "08011B1C",                                             0,     NULL,   NULL, 0 },
    {"an operation that is none",       "0801520E0863120A" ICCID,                               0,     NULL,   NULL, 0 },
    {"an operation of zero",            "0801520E0800120A" ICCID,                               0,     NULL,   NULL, 0 },
    {"a short ICCID",                   "0801520D08031209989444999999999900",                   0,     NULL,   NULL, 0 },
    {"a long ICCID",                    "0801520F0803120B" ICCID "00",                          0,     NULL,   NULL, 0 },
    {"no ICCID",                        "080152020803",                                         0,     NULL,   NULL, 0 },
    {"a name of 65 octets",             "08015A4F0A0A" ICCID "1241",                            65,    "41",   NULL, 0 },
    {"a name with a NUL",               "08015A0F0A0A" ICCID "120100",                          0,     NULL,   NULL, 0 },
    {"a name that is no UTF-8",         "08015A0F0A0A" ICCID "1201C0",                          0,     NULL,   NULL, 0 },
    {"an address that is too long",     "08012283020A8002",                                     256,   "61",   NULL, 0 },
    {"a code that is too long",         "08013290010A0230001243" OCTETS64 "0000001A0230002241", 65,    "31",   NULL, 0 },
    {"a short signature",               "0801324C0A0230001242" OCTETS64 "00001A023000",         0,     NULL,   NULL, 0 },
    {"noise",                           "DEADBEEFDEADBEEF",                                     0,     NULL,   NULL, 0 },
    {"a lot of noise",                  "FF",                                                   65535, "FF",   NULL, 0 },
    {"a frame of 64 KiB and one octet", "08011A00",                                             65533, "00",   NULL, 0 },
    {"many small unknown fields",       "08011AF0D403",                                         30008, "0801", NULL, 0 },
    {"a descriptor with a read",        "08011A00",                                             0,     NULL,   NULL, 1 },
    {"two descriptors with a read",     "08011A00",                                             0,     NULL,   NULL, 2 },
    {"a stage without a descriptor",    "08013A00",                                             0,     NULL,   NULL, 0 },
    {"a stage with two",                "08013A00",                                             0,     NULL,   NULL, 2 },
    {"a stage with many",               "08013A00",                                             0,     NULL,   NULL, 40},
    {"a load with a descriptor",        "08014200",                                             0,     NULL,   NULL, 1 },
    {"a stage with an unknown field",   "08013A020801",                                         0,     NULL,   NULL, 1 },
};

static const struct frame to_policyd[] = {
    {"no body",                        "0801",                                   0,     NULL,   NULL,   0 },
    {"no id",                          "3200",                                   0,     NULL,   NULL,   0 },
    {"an unknown body",                "0801FA0100",                             0,     NULL,   NULL,   0 },
    {"an unknown field beside",        "08013200F80101",                         0,     NULL,   NULL,   0 },
    {"an unknown field within",        "080132027801",                           0,     NULL,   NULL,   0 },
    {"two bodies",                     "080122002A00",                           0,     NULL,   NULL,   0 },
    {"two ids",                        "080108023200",                           0,     NULL,   NULL,   0 },
    {"the body before the id",         "32000801",                               0,     NULL,   NULL,   0 },
    {"an intent without an actor",     "080112021003",                           0,     NULL,   NULL,   0 },
    {"an intent without an operation", "080112020A00",                           0,     NULL,   NULL,   0 },
    {"an operation that is none",      "080112040A001063",                       0,     NULL,   NULL,   0 },
    {"an intent with a short ICCID",   "0801120F0A0010032209989444999999999900", 0,     NULL,   NULL,   0 },
    {"a host that is empty",           "080112060A0010021A00",                   0,     NULL,   NULL,   0 },
    {"a host that is too long",        "08011285020A0010021AFE01",               254,   "61",   NULL,   0 },
    {"a name with a NUL",              "080112130A001006220A" ICCID "2A0100",    0,     NULL,   NULL,   0 },
    {"257 groups",                     "08011287040A8204",                       257,   "1801", "1003", 0 },
    {"an install intent of nothing",   "08011A00",                               0,     NULL,   NULL,   0 },
    {"noise",                          "DEADBEEF",                               0,     NULL,   NULL,   0 },
    {"a lot of noise",                 "FF",                                     65535, "FF",   NULL,   0 },
    {"more than a frame",              "00",                                     65536, "00",   NULL,   0 },
    {"a descriptor",                   "08013200",                               0,     NULL,   NULL,   1 },
    {"many descriptors",               "08013200",                               0,     NULL,   NULL,   40},
};

static size_t put_hex(uint8_t *out, size_t at, size_t cap, const char *hex)
{
    for (; hex != NULL && *hex != 0; hex += 2) {
        unsigned octet;
        assert_int_equal(sscanf(hex, "%2x", &octet), 1);
        assert_true(at < cap);
        out[at++] = (uint8_t)octet;
    }
    return at;
}

// One datagram, whatever is in it.
static void send_raw(const struct link *l, const struct frame *f)
{
    static uint8_t data[128 * 1024];
    int fds[64], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    union {
        char space[CMSG_SPACE(sizeof fds)];
        struct cmsghdr align;
    } control = {0};
    size_t len = put_hex(data, 0, sizeof data, f->hex);
    for (unsigned i = 0; i < f->count; i++)
        len = put_hex(data, len, sizeof data, f->repeated);
    len = put_hex(data, len, sizeof data, f->rest);
    struct iovec iov = {.iov_base = data, .iov_len = len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (f->descriptors > 0) {
        size_t size = (size_t)f->descriptors * sizeof fds[0];
        for (int i = 0; i < f->descriptors; i++)
            fds[i] = null;
        msg.msg_control = control.space;
        msg.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(c), fds, size);
    }
    assert_int_equal(sendmsg(l->fd, &msg, MSG_NOSIGNAL), (ssize_t)len);
    close(null);
}

// The end of a link, after at most one more frame.
static void expect_closed(struct link *l)
{
    const ProtobufCMessage *frame;
    int none;
    assert_int_equal(link_recv(l, 20000, &frame, &none), ERR_CLOSED);
}

static void cardd_ends_at_a_malformed_frame(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof to_cardd / sizeof to_cardd[0]; i++) {
        print_message("%s\n", to_cardd[i].name);
        send_raw(&r.card, &to_cardd[i]);
        expect_closed(&r.card);
        assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_VIOLATION_BROKER);
        rig_start_cardd(&r);
    }
    assert_int_equal(rig_log_count(&r, " > "), 0);
    // What was sent without a fault is served.
    static const struct frame good = {.hex = "08011A00"};
    send_raw(&r.card, &good);
    r.id = 1;
    struct outcome o;
    rig_wait_card(&r, &o);
    expect_ok(o);
    rig_close(&r);
}

static void policyd_ends_at_a_malformed_frame(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof to_policyd / sizeof to_policyd[0]; i++) {
        print_message("%s\n", to_policyd[i].name);
        assert_int_equal(policy_change(&r, RIG_ADMIN, LPAD__OPERATION__OPERATION_ENABLE, RIG_DISABLED, NULL),
                         0);
        send_raw(&r.policy, &to_policyd[i]);
        expect_closed(&r.policy);
        assert_int_equal(rig_end_of(&r.policyd), PROC_EXIT_VIOLATION_BROKER);
        // Nothing changes without lpad-policyd: lpad-cardd goes, too.
        assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_OK);
        rig_start_policyd(&r);
        rig_start_cardd(&r);
        // And what was allowed before is not allowed any more.
        expect_denied(card_change(&r, LPAD__OPERATION__OPERATION_ENABLE, RIG_DISABLED), DENY_NO_INTENT);
    }
    rig_expect_reads_only(&r);
    static const struct frame good = {.hex = "08013200"};
    send_raw(&r.policy, &good);
    const ProtobufCMessage *frame;
    int none;
    assert_int_equal(link_recv(&r.policy, 20000, &frame, &none), ERR_OK);
    assert_int_equal(((const Lpad__PolicydToBroker *)(const void *)frame)->body_case,
                     LPAD__POLICYD_TO_BROKER__BODY_STATUS);
    rig_close(&r);
}

// An empty datagram cannot be told from the end of a link, and is taken for it.
static void an_empty_datagram_is_an_end(void **state)
{
    (void)state;
    static const struct frame empty = {.hex = ""};
    struct rig r;
    rig_open(&r, NULL);
    send_raw(&r.card, &empty);
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_OK);
    rig_start_cardd(&r);
    send_raw(&r.policy, &empty);
    expect_closed(&r.policy);
    assert_true(rig_lives(&r.policyd));
    rig_new_broker_link(&r);
    expect_ok(card_list(&r));
    rig_close(&r);
}

// A frame that is wrong in the middle of a session: the session's end on the card is lpad-cardd's last act.
static void a_session_is_cancelled_before_the_end(void **state)
{
    (void)state;
    static const struct frame bad = {.hex = "0801"};
    static const uint32_t once[] = {0xBF41, 0};
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_STAGE);
    rig_mark(&r);
    send_raw(&r.card, &bad);
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_VIOLATION_BROKER);
    rig_expect_only(&r, once);
    assert_int_equal(rig_log_count(&r, " > 007080"), 1); // the channel is given back
    download_free(&d);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cardd_ends_at_a_malformed_frame),
        cmocka_unit_test(policyd_ends_at_a_malformed_frame),
        cmocka_unit_test(an_empty_datagram_is_an_end),
        cmocka_unit_test(a_session_is_cancelled_before_the_end),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
