// SPDX-License-Identifier: Apache-2.0
// The client library against a socket of the test's own, and its example program against a scripted broker.
#include "client/lpad_client.h"
#include "proto/convert.h"
#include "tests/unit/ctl_run.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define ICCID "\x98\x94\x44\x99\x99\x99\x99\x99\x30\xF1"

// Connects; nobody need take the connection for that. The broker's end goes into `*ret_broker`.
static struct lpad_client *connect_both(struct ctl_run *r, int timeout_ms, struct link *ret_broker)
{
    struct lpad_client *c = NULL;
    assert_int_equal(lpad_client_open(r->socket, timeout_ms, &c), ERR_OK);
    int fd = accept4(r->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(link_init(ret_broker, fd, &link_broker_client), ERR_OK);
    return c;
}

static Lpad__ClientToBroker status_request(Lpad__GetStatus *get)
{
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    lpad__get_status__init(get);
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS;
    request.get_status = get;
    return request;
}

static Lpad__ClientToBroker take_request(struct link *broker)
{
    const ProtobufCMessage *message = NULL;
    int fd = -1;
    assert_int_equal(link_recv(broker, 1000, &message, &fd), ERR_OK);
    return *(const Lpad__ClientToBroker *)message;
}

static void send_done(struct link *broker, uint32_t id)
{
    Lpad__DoneReply done = LPAD__DONE_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    frame.id = id;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DONE;
    frame.done = &done;
    assert_int_equal(link_send(broker, &frame.base, -1), ERR_OK);
}

static void send_ask(struct link *broker, uint32_t id)
{
    Lpad__Ask ask = LPAD__ASK__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    ask.question = LPAD__QUESTION__ASK_CONSENT;
    frame.id = id;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_ASK;
    frame.ask = &ask;
    assert_int_equal(link_send(broker, &frame.base, -1), ERR_OK);
}

static void no_socket(void **state)
{
    (void)state;
    struct lpad_client *c = NULL;
    assert_int_equal(lpad_client_open("/nonexistent/control.sock", 1000, &c), ERR_IO);
    assert_int_equal(errno, ENOENT);
    assert_null(c);
    lpad_client_close(NULL);
}

static void every_reply_will_do(void **state)
{
    struct link broker = LINK_NONE;
    struct lpad_client *c = connect_both(*state, 1000, &broker);
    Lpad__GetStatus get;
    Lpad__ClientToBroker request = status_request(&get);
    send_done(&broker, 1);
    struct lpad_client_result result =
        lpad_client_request(c, &request, LPAD__BROKER_TO_CLIENT__BODY__NOT_SET, NULL);
    assert_int_equal(result.end, LPAD_CLIENT_REPLIED);
    assert_int_equal(result.reply->body_case, LPAD__BROKER_TO_CLIENT__BODY_DONE);
    lpad_client_close(c);
    link_close(&broker);
}

static void another_reply(void **state)
{
    struct link broker = LINK_NONE;
    struct lpad_client *c = connect_both(*state, 1000, &broker);
    Lpad__GetStatus get;
    Lpad__ClientToBroker request = status_request(&get);
    send_done(&broker, 1);
    struct lpad_client_result result =
        lpad_client_request(c, &request, LPAD__BROKER_TO_CLIENT__BODY_STATUS, NULL);
    assert_int_equal(result.end, LPAD_CLIENT_ERROR);
    assert_int_equal(result.error, ERR_PEER_UNEXPECTED);
    lpad_client_close(c);
    link_close(&broker);
}

// Each request has an id of its own, and goes to the card that was set.
static void ids_and_cards(void **state)
{
    struct link broker = LINK_NONE;
    struct lpad_client *c = connect_both(*state, 1000, &broker);
    Lpad__GetStatus get;
    Lpad__ClientToBroker request = status_request(&get);
    for (uint32_t id = 1; id <= 2; id++) {
        lpad_client_set_card(c, id == 2 ? "modem" : NULL);
        send_done(&broker, id);
        assert_int_equal(lpad_client_request(c, &request, LPAD__BROKER_TO_CLIENT__BODY_DONE, NULL).end,
                         LPAD_CLIENT_REPLIED);
        Lpad__ClientToBroker seen = take_request(&broker);
        assert_int_equal(seen.id, id);
        if (id == 1)
            assert_null(seen.card);
        else
            assert_string_equal(seen.card, "modem");
    }
    lpad_client_close(c);
    link_close(&broker);
}

static void questions_without_a_taker_are_a_no(void **state)
{
    struct link broker = LINK_NONE;
    struct lpad_client *c = connect_both(*state, 1000, &broker);
    Lpad__GetStatus get;
    Lpad__ClientToBroker request = status_request(&get);
    send_ask(&broker, 1);
    send_done(&broker, 1);
    assert_int_equal(lpad_client_request(c, &request, LPAD__BROKER_TO_CLIENT__BODY_DONE, NULL).end,
                     LPAD_CLIENT_REPLIED);
    (void)take_request(&broker);
    Lpad__ClientToBroker answer = take_request(&broker);
    assert_int_equal(answer.body_case, LPAD__CLIENT_TO_BROKER__BODY_ANSWER);
    assert_int_equal(answer.id, 1);
    assert_false(answer.answer->yes);
    lpad_client_close(c);
    link_close(&broker);
}

static void silence_ends(void **state)
{
    struct link broker = LINK_NONE;
    struct lpad_client *c = connect_both(*state, 50, &broker);
    Lpad__GetStatus get;
    Lpad__ClientToBroker request = status_request(&get);
    struct lpad_client_result result =
        lpad_client_request(c, &request, LPAD__BROKER_TO_CLIENT__BODY_STATUS, NULL);
    assert_int_equal(result.end, LPAD_CLIENT_ERROR);
    assert_int_equal(result.error, ERR_IO_TIMEOUT);
    lpad_client_close(c);
    link_close(&broker);
}

static void watched_descriptor_ends(void **state)
{
    struct link broker = LINK_NONE;
    struct lpad_client *c = connect_both(*state, -1, &broker);
    Lpad__GetStatus get;
    Lpad__ClientToBroker request = status_request(&get);
    int fd = eventfd(1, EFD_CLOEXEC);
    lpad_client_watch(c, fd);
    assert_int_equal(lpad_client_request(c, &request, LPAD__BROKER_TO_CLIENT__BODY_STATUS, NULL).end,
                     LPAD_CLIENT_SIGNAL);
    close(fd);
    lpad_client_close(c);
    link_close(&broker);
}

static void over_long_request_is_not_sent(void **state)
{
    struct link broker = LINK_NONE;
    struct lpad_client *c = connect_both(*state, 1000, &broker);
    Lpad__GetStatus get;
    Lpad__ClientToBroker request = status_request(&get);
    lpad_client_set_card(c, "123456789012345678901234567890123");
    assert_int_equal(lpad_client_send(c, &request), ERR_LIMIT);
    struct pollfd p = {.fd = broker.fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    lpad_client_close(c);
    link_close(&broker);
}

// Nothing is shared between two connections of one program.
static void two_at_once(void **state)
{
    struct link brokers[2] = {LINK_NONE, LINK_NONE};
    struct lpad_client *c[2];
    Lpad__GetStatus get;
    Lpad__ClientToBroker request = status_request(&get);
    for (size_t i = 0; i < 2; i++)
        c[i] = connect_both(*state, 1000, &brokers[i]);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(lpad_client_send(c[i], &request), ERR_OK);
    for (size_t i = 2; i-- > 0;) {
        send_done(&brokers[i], 1);
        assert_int_equal(lpad_client_wait(c[i], LPAD__BROKER_TO_CLIENT__BODY_DONE, NULL).end,
                         LPAD_CLIENT_REPLIED);
    }
    for (size_t i = 0; i < 2; i++) {
        lpad_client_close(c[i]);
        link_close(&brokers[i]);
    }
}

static void example_lists(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Profile p = LPAD__PROFILE__INIT;
    Lpad__Profile *list[] = {&p};
    Lpad__ProfilesReply reply = LPAD__PROFILES_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    p.iccid = binary_from(ICCID, 10);
    p.state = LPAD__PROFILE_STATE__PROFILE_ENABLED;
    p.profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    reply.profiles = list;
    reply.n_profiles = 1;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_PROFILES;
    frame.profiles = &reply;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS(NULL));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    ctl_send(r, &frame);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "8949449999999999031 enabled\n");
}

static void example_is_refused(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_CARD_GONE;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS(NULL));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 1);
    assert_string_equal(r->err, "lpad says no: the card is gone\n");
}

#define RUN(f) cmocka_unit_test_setup_teardown(f, ctl_run_setup, ctl_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(no_socket),
        RUN(every_reply_will_do),
        RUN(another_reply),
        RUN(ids_and_cards),
        RUN(questions_without_a_taker_are_a_no),
        RUN(silence_ends),
        RUN(watched_descriptor_ends),
        RUN(over_long_request_is_not_sent),
        RUN(two_at_once),
        RUN(example_lists),
        RUN(example_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
