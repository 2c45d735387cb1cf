// SPDX-License-Identifier: Apache-2.0
// The real lpad-netd, in its sandbox, between a scripted broker and a scripted server.
#include "tests/unit/netd_rig.h"

#include "lib/sealed.h"

#include <stdio.h>
#include <unistd.h>

// --- tests ---

static void whole_session_on_one_connection(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    const struct server_step script[] = {
        {SERVER_SEND,              rig_reply_text("200 OK", RIG_INITIATED)},
        {SERVER_SEND,                        rig_reply_text("200 OK",                                     RIG_AUTHENTICATED)},
        {SERVER_SEND,      rig_reply_text("200 OK",RIG_PACKAGED)},
        {SERVER_SEND,"HTTP/1.1 204 No Content\r\n\r\n"             },
    };
    rig_begin(&f, SERVER_GOOD, script, 4);
    unsigned before = rig_filters_in_force(&f);
    rig_send_open(&f, true);
    const Lpad__NetdToBroker *m = rig_receive(&f, NULL);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_OPENED);
    char peer[64];
    snprintf(peer, sizeof(peer), "127.0.0.1:%u", (unsigned)f.server.port);
    assert_string_equal(m->opened->peer, peer);
    assert_string_equal(m->opened->tls_version, "TLSv1.3");
    assert_int_equal(f.server.seen->requests, 0);
    assert_int_equal(rig_filters_in_force(&f), before + 1);

    rig_send_initiate_ok(&f);
    m = rig_receive(&f, NULL);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION);
    assert_int_equal(m->initiate_authentication->server_signed1.len, 0x4A);
    assert_memory_equal(m->initiate_authentication->transaction_id.data, rig_transaction_id, 16);
    rig_send_authenticate_client(&f);
    m = rig_receive(&f, NULL);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_AUTHENTICATE_CLIENT);
    assert_true(m->authenticate_client->confirmation_code_required);
    assert_string_equal(m->authenticate_client->metadata->profile_name, "euicc-rsp test profile");
    int fd;
    rig_send_get_package(&f);
    m = rig_receive(&f, &fd);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_BOUND_PROFILE_PACKAGE);
    struct bytes package;
    assert_int_equal(sealed_map(fd, 1024, &package), ERR_OK);
    assert_bytes_hex(package, "BF36050102030405");
    assert_int_equal(m->bound_profile_package->size, package.len);
    sealed_unmap(package);
    close(fd);
    rig_send_notification(&f);
    m = rig_receive(&f, NULL);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_HANDLE_NOTIFICATION);
    assert_int_equal(m->handle_notification->http_status, 204);
    assert_int_equal(f.server.seen->accepted, 1);
    assert_int_equal(f.server.seen->handshakes, 1);
    assert_int_equal(f.server.seen->requests, 4);

    const char *first = f.server.seen->request[0];
    assert_non_null(strstr(first, "POST /gsma/rsp2/es9plus/initiateAuthentication HTTP/1.1\r\n"));
    assert_non_null(strstr(first, "Host: " SERVER_NAME "\r\n"));
    assert_non_null(strstr(first, "User-Agent: gsma-rsp-lpad\r\n"));
    assert_non_null(strstr(first, "X-Admin-Protocol: gsma/rsp/v2.2.0\r\n"));
    assert_non_null(strstr(first, "Content-Type: application/json\r\n"));
    assert_null(strstr(first, "Expect"));
    // SGP.22 v2.5, 6.5.2.6: the worked example's body, byte for byte.
    assert_string_equal(
        strstr(first, "\r\n\r\n") + 4,
        "{\"euiccChallenge\":\"qrvM3e7/ABEiM0RVZneImQ==\",\"euiccInfo1\":\"vyAJggMCAACpAKoA\","
        "\"smdpAddress\":\"smdp.example.com\"}");
    assert_string_equal(strstr(f.server.seen->request[1], "\r\n\r\n") + 4,
                        "{\"transactionId\":\"" RIG_TRANSACTION_ID
                        "\",\"authenticateServerResponse\":\"vzgDgAEA\"}");
    rig_end(&f);
}

static void first_request_connects_without_info1(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    const struct server_step script[] = {
        {SERVER_SEND, "HTTP/1.1 204 No Content\r\n\r\n"}
    };
    rig_begin(&f, SERVER_NO_ROLE, script, 1);
    rig_send_open(&f, false);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    assert_int_equal(f.server.seen->accepted, 0);
    unsigned before = rig_filters_in_force(&f);
    rig_send_notification(&f);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_HANDLE_NOTIFICATION);
    assert_int_equal(rig_filters_in_force(&f), before + 1);
    rig_end(&f);
}

struct tls_case {
    enum server_certificate certificate;
    enum err error;
    const char *detail;
};

static void untrusted_servers_are_refused(void **state)
{
    (void)state;
    static const struct tls_case cases[] = {
        {SERVER_OTHER_NAME,  ERR_REMOTE_TLS, "another name"         },
        {SERVER_EXPIRED,     ERR_REMOTE_TLS, "clock"                },
        {SERVER_UNKNOWN_CI,  ERR_REMOTE_TLS, "CI certificates"      },
        {SERVER_OTHER_ROLE,  ERR_REMOTE_TLS, "GSMA role"            },
        {SERVER_OTHER_USAGE, ERR_REMOTE_TLS, "not made for a server"},
        {SERVER_OLD_TLS,     ERR_REMOTE_TLS, "protocol"             },
        {SERVER_OTHER_SUITE, ERR_REMOTE_TLS, "handshake"            },
        {SERVER_NO_TLS,      ERR_REMOTE_TLS, "no trusted connection"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct netd_rig f = {0};
        rig_begin(&f, cases[i].certificate, NULL, 0);
        rig_send_open(&f, true);
        rig_expect_failure(&f, cases[i].error, cases[i].detail);
        assert_int_equal(f.server.seen->requests, 0);
        rig_end(&f);
    }
}

struct reply_case {
    struct server_step step;
    enum err error;
    const char *detail;
};

static void hostile_replies_end_in_an_error(void **state)
{
    (void)state;
    const struct reply_case cases[] = {
        {{SERVER_SEND,
          "HTTP/1.1 302 Found\r\nLocation: https://other.example.com/\r\nContent-Length: 0\r\n\r\n"},
         ERR_REMOTE_HTTP,                                                                                                          "redirect"           },
        {{SERVER_SEND, rig_reply_text("500 Internal Server Error", "{}")},                                     ERR_REMOTE_HTTP,    "HTTP 500"           },
        {{SERVER_SEND, "HTTP/1.1 204 No Content\r\n\r\n"},                                                     ERR_REMOTE_HTTP,    "HTTP 204"           },
        {{SERVER_ENDLESS_BODY, "HTTP/1.1 200 OK\r\n\r\n"},                                                     ERR_LIMIT,          "65536 bytes"        },
        {{SERVER_ENDLESS_HEADER, "HTTP/1.1 200 OK\r\n"},                                                       ERR_LIMIT,          "HTTP header"        },
        {{SERVER_ENDLESS_HEADER, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"},
         ERR_LIMIT,                                                                                                                "HTTP header"        },
        {{SERVER_DRIP, "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"},
         ERR_REMOTE_TIMEOUT,                                                                                                       "bytes a second"     },
        {{SERVER_SILENT, NULL},                                                                                ERR_REMOTE_TIMEOUT, "bytes a second"     },
        {{SERVER_SEND_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n{"},
         ERR_REMOTE_CONNECT,                                                                                                       "closed"             },
        {{SERVER_SEND_CLOSE, "nonsense"},                                                                      ERR_REMOTE_HTTP,    "does not speak HTTP"},
        {{SERVER_SEND, rig_reply_text("200 OK", "[1]")},                                                       ERR_REMOTE_SHAPE,   "not a JSON object"  },
        {{SERVER_SEND, rig_reply_text("200 OK", "{" RIG_OK_HEADER "}")},                                       ERR_REMOTE_SHAPE,   "transactionId"      },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct netd_rig f = {0};
        rig_begin(&f, SERVER_GOOD, &cases[i].step, 1);
        rig_send_open(&f, true);
        rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
        rig_send_initiate_ok(&f);
        rig_expect_failure(&f, cases[i].error, cases[i].detail);
        assert_int_equal(f.server.seen->accepted, 1);
        assert_int_equal(f.server.seen->requests, 1);
        rig_end(&f);
    }
}

static void total_time_is_bounded(void **state)
{
    (void)state;
    struct netd_rig f = {.total_timeout_ms = 700};
    const struct server_step script[] = {
        {SERVER_SILENT, NULL}
    };
    rig_begin(&f, SERVER_GOOD, script, 1);
    rig_send_open(&f, true);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    rig_send_initiate_ok(&f);
    rig_expect_failure(&f, ERR_REMOTE_TIMEOUT, "within the time allowed");
    rig_end(&f);
}

static void refusal_carries_codes_and_words(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    const struct server_step script[] = {
        {SERVER_SEND,
         rig_reply_text(
             "200 OK", "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Failed\",\"statusCodeData\":{"
             "\"subjectCode\":\"8.8.1\",\"reasonCode\":\"3.8\",\"message\":\"no \\u001b[31m\"}}}}")},
    };
    rig_begin(&f, SERVER_GOOD, script, 1);
    rig_send_open(&f, true);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    rig_send_initiate_ok(&f);
    const Lpad__NetdToBroker *m = rig_receive(&f, NULL);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_FAILURE);
    assert_int_equal(m->failure->error, ERR_REMOTE_REFUSED);
    assert_int_equal(m->failure->function, LPAD__FUNCTION__ES9P_INITIATE_AUTHENTICATION);
    assert_string_equal(m->failure->subject_code, "8.8.1");
    assert_string_equal(m->failure->reason_code, "3.8");
    assert_string_equal(m->failure->remote_text, "no \x1b[31m");
    rig_end(&f);
}

// A server that ends the connection gets no second one, and the process stays to say so.
static void closed_connection_is_not_made_anew(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    const struct server_step script[] = {
        {SERVER_SEND_CLOSE, rig_reply_text("200 OK", RIG_INITIATED)    },
        {SERVER_SEND,       rig_reply_text("200 OK", RIG_AUTHENTICATED)},
    };
    rig_begin(&f, SERVER_GOOD, script, 2);
    rig_send_open(&f, true);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    rig_send_initiate_ok(&f);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION);
    rig_send_authenticate_client(&f);
    rig_expect_failure(&f, ERR_REMOTE_CONNECT, "the server closed the connection");
    rig_send_cancel(&f);
    rig_expect_failure(&f, ERR_REMOTE_CONNECT, "the server closed the connection");
    assert_int_equal(f.server.seen->accepted, 1);
    rig_end(&f);
}

static void cancel_session_admits_a_missing_header(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    const struct server_step script[] = {
        {SERVER_SEND, rig_reply_text("200 OK", RIG_INITIATED)},
        {SERVER_SEND, rig_reply_text("200 OK", "{}")         },
    };
    rig_begin(&f, SERVER_GOOD, script, 2);
    rig_send_open(&f, true);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    rig_send_initiate_ok(&f);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION);
    rig_send_cancel(&f);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_CANCEL_SESSION);
    rig_end(&f);
}

static void targets_that_are_not_admitted(void **state)
{
    (void)state;
    struct netd_rig private = {.public_only = true};
    rig_begin(&private, SERVER_GOOD, NULL, 0);
    rig_send_open(&private, true);
    rig_expect_failure(&private, ERR_DENIED, "a loopback address");
    rig_end(&private);

    struct netd_rig literal = {.public_only = true};
    rig_begin(&literal, SERVER_GOOD, NULL, 0);
    rig_send_open_to(&literal, "192.0.2.1", RIG_PORT, true);
    rig_expect_failure(&literal, ERR_DENIED, "an address, not a name");
    rig_end(&literal);

    struct netd_rig port = {0};
    rig_begin(&port, SERVER_GOOD, NULL, 0);
    rig_send_open_to(&port, SERVER_NAME, 8443, true);
    rig_expect_failure(&port, ERR_DENIED, "port 8443");
    rig_end(&port);

    struct netd_rig name = {0};
    rig_begin(&name, SERVER_GOOD, NULL, 0);
    rig_send_open_to(&name, "user@smdp.example.com", RIG_PORT, true);
    rig_expect_failure(&name, ERR_INPUT, "not a host name");
    rig_end(&name);
}

static void nobody_listens(void **state)
{
    (void)state;
    // 127.0.0.2 is this machine too, but the server listens on 127.0.0.1 alone.
    struct netd_rig f = {.hosts_address = "127.0.0.2"};
    rig_begin(&f, SERVER_GOOD, NULL, 0);
    rig_send_open(&f, true);
    rig_expect_failure(&f, ERR_REMOTE_CONNECT, "no connection to " SERVER_NAME);
    rig_end(&f);
}

static void violations_end_the_process(void **state)
{
    (void)state;
    static const uint8_t other_info1[] = {0xBF, 0x20, 0x00};
    struct netd_rig early = {0};
    rig_begin(&early, SERVER_GOOD, NULL, 0);
    rig_send_initiate_ok(&early);
    rig_await_end(&early);
    rig_assert_exit(&early, 80);
    rig_end(&early);

    struct netd_rig twice = {0};
    rig_begin(&twice, SERVER_GOOD, NULL, 0);
    rig_send_open(&twice, true);
    rig_expect(&twice, LPAD__NETD_TO_BROKER__BODY_OPENED);
    rig_send_open(&twice, true);
    rig_await_end(&twice);
    rig_assert_exit(&twice, 80);
    rig_end(&twice);

    struct netd_rig other = {0};
    rig_begin(&other, SERVER_GOOD, NULL, 0);
    rig_send_open(&other, true);
    rig_expect(&other, LPAD__NETD_TO_BROKER__BODY_OPENED);
    rig_send_initiate(&other, bytes_make(other_info1, sizeof(other_info1)));
    rig_await_end(&other);
    rig_assert_exit(&other, 80);
    rig_end(&other);

    struct netd_rig order = {0};
    rig_begin(&order, SERVER_GOOD, NULL, 0);
    rig_send_open(&order, true);
    rig_expect(&order, LPAD__NETD_TO_BROKER__BODY_OPENED);
    rig_send_get_package(&order);
    rig_await_end(&order);
    rig_assert_exit(&order, 80);
    rig_end(&order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_session_on_one_connection),
        cmocka_unit_test(first_request_connects_without_info1),
        cmocka_unit_test(untrusted_servers_are_refused),
        cmocka_unit_test(hostile_replies_end_in_an_error),
        cmocka_unit_test(total_time_is_bounded),
        cmocka_unit_test(refusal_carries_codes_and_words),
        cmocka_unit_test(closed_connection_is_not_made_anew),
        cmocka_unit_test(cancel_session_admits_a_missing_header),
        cmocka_unit_test(targets_that_are_not_admitted),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(violations_end_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
