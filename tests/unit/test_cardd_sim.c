// SPDX-License-Identifier: Apache-2.0
// The simulator transport: frames in pieces, late, too long, or not at all.
#include "cardd/transports/transport.h"

#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct {
    struct transport transport;
    int card; // the other end
    uint8_t response[TRANSPORT_RESPONSE_MAX];
    size_t len;
} rig;

static int set_up(void **state)
{
    int fds[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(transport_open("sim", fds[0], &rig.transport), ERR_OK);
    rig.card = fds[1];
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    transport_close(&rig.transport);
    if (rig.card >= 0)
        close(rig.card);
    return 0;
}

// The card's frames are written before they are asked for: the socket holds them.
static void card_says(const char *hex)
{
    struct bytes v = unit_hex(hex);
    assert_int_equal(write(rig.card, v.data, v.len), (ssize_t)v.len);
    unit_free(v);
}

static enum err transmit(const char *command, int timeout_ms)
{
    struct bytes v = unit_hex(command);
    enum err e = transport_transmit(&rig.transport, v, timeout_ms, rig.response, &rig.len);
    unit_free(v);
    return e;
}

static void assert_card_heard(const char *hex)
{
    uint8_t heard[512];
    ssize_t n = read(rig.card, heard, sizeof heard);
    assert_true(n >= 0);
    assert_bytes_hex(bytes_make(heard, (size_t)n), hex);
}

static void test_names(void **state)
{
    (void)state;
    struct transport t;
    assert_int_equal(transport_open("sim2", -1, &t), ERR_INPUT);
    assert_int_equal(transport_open("", -1, &t), ERR_INPUT);
}

static void test_exchange(void **state)
{
    (void)state;
    card_says("0003019000");
    assert_int_equal(transmit("0070000001", 1000), ERR_OK);
    assert_bytes_hex(bytes_make(rig.response, rig.len), "019000");
    assert_card_heard("00050070000001");
}

static void *say_in_pieces(void *unused)
{
    static const char *const pieces[] = {"00", "03", "01", "90", "00"};
    const struct timespec pause = {.tv_nsec = 2000000};
    (void)unused;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        card_says(pieces[i]);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void test_pieces(void **state)
{
    (void)state;
    pthread_t card;
    assert_int_equal(pthread_create(&card, NULL, say_in_pieces, NULL), 0);
    assert_int_equal(transmit("0070000001", 10000), ERR_OK);
    assert_bytes_hex(bytes_make(rig.response, rig.len), "019000");
    assert_int_equal(pthread_join(card, NULL), 0);
}

static void test_longest(void **state)
{
    (void)state;
    uint8_t frame[2 + TRANSPORT_RESPONSE_MAX] = {0x01, 0x02};
    frame[sizeof frame - 2] = 0x90;
    assert_int_equal(write(rig.card, frame, sizeof frame), (ssize_t)sizeof frame);
    assert_int_equal(transmit("00C0000000", 1000), ERR_OK);
    assert_int_equal(rig.len, TRANSPORT_RESPONSE_MAX);
}

static void test_too_long(void **state)
{
    (void)state;
    card_says("0103");
    assert_int_equal(transmit("00C0000000", 1000), ERR_CARD_RESPONSE);
    assert_int_equal(transmit("00C0000000", 1000), ERR_CARD_GONE);
}

static void test_too_short(void **state)
{
    (void)state;
    card_says("000190");
    assert_int_equal(transmit("00C0000000", 1000), ERR_CARD_RESPONSE);
    // Still in step.
    card_says("00029000");
    assert_int_equal(transmit("00C0000000", 1000), ERR_OK);
    card_says("0000");
    assert_int_equal(transmit("00C0000000", 1000), ERR_CARD_RESPONSE);
}

static void test_closed(void **state)
{
    (void)state;
    card_says("000401");
    close(rig.card);
    rig.card = -1;
    assert_int_equal(transmit("00C0000000", 1000), ERR_CARD_GONE);
    assert_int_equal(transport_reset(&rig.transport), ERR_CARD_GONE);
}

// A response that comes too late is dropped, not taken for the next one's.
static void test_late(void **state)
{
    (void)state;
    assert_int_equal(transmit("0070000001", 20), ERR_CARD_TIMEOUT);
    assert_card_heard("00050070000001");
    card_says("0003AA6F00");
    card_says("00043B9F9600");
    card_says("0003BB9000");
    assert_int_equal(transmit("0070000002", 1000), ERR_OK);
    assert_bytes_hex(bytes_make(rig.response, rig.len), "BB9000");
    // The ATR request stands before the command.
    assert_card_heard("00010400050070000002");
    card_says("0003CC9000");
    assert_int_equal(transmit("0070000003", 1000), ERR_OK);
    assert_card_heard("00050070000003");
}

static void test_silent(void **state)
{
    (void)state;
    assert_int_equal(transmit("0070000001", 20), ERR_CARD_TIMEOUT);
    assert_int_equal(transmit("0070000001", 20), ERR_CARD_GONE);
}

// Half a frame has no continuation that could be told from the next one.
static void test_half_a_frame(void **state)
{
    (void)state;
    card_says("000301");
    assert_int_equal(transmit("0070000001", 20), ERR_CARD_GONE);
}

// A reset finds the step again: whether the late response comes or never does.
static void test_reset_after_silence(void **state)
{
    (void)state;
    for (unsigned late = 0; late < 2; late++) {
        assert_int_equal(transmit("0070000001", 20), ERR_CARD_TIMEOUT);
        if (late)
            card_says("0003AA9000");
        card_says("00043B9F9600");
        assert_int_equal(transport_reset(&rig.transport), ERR_OK);
        card_says("0003BB9000");
        assert_int_equal(transmit("0070000001", 1000), ERR_OK);
        assert_bytes_hex(bytes_make(rig.response, rig.len), "BB9000");
    }
}

static void test_reset_when_in_step(void **state)
{
    (void)state;
    assert_int_equal(transport_reset(&rig.transport), ERR_OK);
    // Power on and reset; nothing is waited for.
    assert_card_heard("000101000102");
}

int main(void)
{
#define TRANSPORT_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        TRANSPORT_TEST(test_exchange),
        TRANSPORT_TEST(test_pieces),
        TRANSPORT_TEST(test_longest),
        TRANSPORT_TEST(test_too_long),
        TRANSPORT_TEST(test_too_short),
        TRANSPORT_TEST(test_closed),
        TRANSPORT_TEST(test_late),
        TRANSPORT_TEST(test_silent),
        TRANSPORT_TEST(test_half_a_frame),
        TRANSPORT_TEST(test_reset_after_silence),
        TRANSPORT_TEST(test_reset_when_in_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
