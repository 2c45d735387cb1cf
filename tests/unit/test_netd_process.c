// SPDX-License-Identifier: Apache-2.0
// The real lpad-netd, in its sandbox, between a scripted broker and a scripted server.
#include "tests/unit/unit.h"

#include "lib/sealed.h"
#include "proto/convert.h"
#include "proto/link.h"
#include "tests/unit/netd_server.h"

#include "net.pb-c.h"
#include "supervisor.pb-c.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 20000

#define TRANSACTION_ID "0102030405060708090A0B0C0D0E0F10"
#define OK_HEADER      "\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-Success\"}}"
#define INITIATED                                                                                            \
    "{" OK_HEADER ",\"transactionId\":\"" TRANSACTION_ID "\",\"serverSigned1\":"                             \
    "\"MEiAEAECAwQFBgcICQoLDA0ODxCBEKq7zN3u\\/"                                                              \
    "wARIjNEVWZ3iJmDEHNtZHAuZXhhbXBsZS5jb22EEPDh0sO0pZaHeGlaSzwtHg8=\","                                     \
    "\"serverSignature1\":\"XzdAJVs9QUguckUTVNBBBo7GRfErMsYCR4lMtK5Tl0TLJxpDsAwOg6acEfgghd8RYirFGzsnQR4rh/"  \
    "GzqXw9By9nSQ==\","                                                                                      \
    "\"euiccCiPKIdToBeUsed\":\"BBT1QXK9+YqV1ly+uIo4ocEdgAqFww==\",\"serverCertificate\":\"MAMCAQE=\"}"
#define AUTHENTICATED                                                                                        \
    "{" OK_HEADER ",\"transactionId\":\"" TRANSACTION_ID "\",\"profileMetadata\":"                           \
    "\"vyUvWgqYABAyVHaYEDIUkQlldWljYy1yc3CSFmV1aWNjLXJzcCB0ZXN0IHByb2ZpbGU=\","                              \
    "\"smdpSigned2\":\"MBWAEAECAwQFBgcICQoLDA0ODxABAf8=\","                                                  \
    "\"smdpSignature2\":\"XzdAJVs9QUguckUTVNBBBo7GRfErMsYCR4lMtK5Tl0TLJxpDsAwOg6acEfgghd8RYirFGzsnQR4rh/"    \
    "GzqXw9By9nSQ==\","                                                                                      \
    "\"smdpCertificate\":\"MAMCAQE=\"}"
#define PACKAGED                                                                                             \
    "{" OK_HEADER ",\"transactionId\":\"" TRANSACTION_ID "\",\"boundProfilePackage\":\"vzYFAQID\\r\\nBAU="   \
    "\"}"

// The header of a reply is written by reply_text, which knows the length.
static const char *reply_text(const char *status, const char *body)
{
    static char texts[8][8192];
    static unsigned next;
    char *out = texts[next++ % 8];
    snprintf(out, sizeof(texts[0]),
             "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
             strlen(body), body);
    return out;
}

// --- the process under test ---

struct fixture {
    struct server server;
    struct link link; // the broker's end
    pid_t pid;
    int status; // of wait, once it ended
    bool ended;
    struct rusage usage;
    // changes to the settings
    bool public_only;
    const char *hosts_address; // NULL: 127.0.0.1
    uint32_t total_timeout_ms;
};

#define PORT_IN_URL 443

static int settings_fd(const struct fixture *f)
{
    Lpad__NetdSettings s = LPAD__NETD_SETTINGS__INIT;
    Lpad__HostEntry host = LPAD__HOST_ENTRY__INIT;
    Lpad__HostEntry *hosts[] = {&host};
    uint32_t ports[] = {PORT_IN_URL};
    uint32_t connect_ports[] = {PORT_IN_URL, f->server.port};
    host.name = (char *)(uintptr_t)SERVER_NAME;
    host.address = (char *)(uintptr_t)(f->hosts_address != NULL ? f->hosts_address : "127.0.0.1");
    host.has_port = true;
    host.port = f->server.port;
    s.sandbox = LPAD__SANDBOX_MODE__SANDBOX_REQUIRED;
    s.ci_certificates = binary_from(f->server.ci_pem, strlen(f->server.ci_pem));
    s.n_hosts = 1;
    s.hosts = hosts;
    s.n_ports = 1;
    s.ports = ports;
    s.n_connect_ports = 2;
    s.connect_ports = connect_ports;
    s.connect_timeout_ms = 5000;
    s.total_timeout_ms = f->total_timeout_ms != 0 ? f->total_timeout_ms : 10000;
    s.low_speed_bytes = 100;
    s.low_speed_time_ms = 1000;
    s.reply_max = 65536;
    s.package_max = 1024 * 1024;
    s.allow_private_addresses = !f->public_only;
    s.user_agent = (char *)(uintptr_t) "gsma-rsp-lpad";
    s.admin_protocol = (char *)(uintptr_t) "gsma/rsp/v2.2.0";
    uint8_t packed[16384];
    assert_true(lpad__netd_settings__get_packed_size(&s) <= sizeof(packed));
    size_t len = lpad__netd_settings__pack(&s, packed);
    int fd;
    assert_int_equal(sealed_make("settings", bytes_make(packed, len), &fd), ERR_OK);
    return fd;
}

static _Noreturn void become_netd(int settings, int link)
{
    static char name[] = "lpad-netd";
    char *const argv[] = {name, NULL};
    char *const envp[] = {NULL};
    int null = open("/dev/null", O_RDWR);
    // High first, so that no target is overwritten before it was used.
    int high_settings = fcntl(settings, F_DUPFD, 100);
    int high_link = fcntl(link, F_DUPFD, 100);
    dup2(null, 0);
    dup2(null, 1);
    dup2(high_settings, 3);
    dup2(high_link, 4);
    close_range(5, ~0u, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execve(NETD_PROGRAM, argv, envp);
    _exit(127);
}

static void start_netd(struct fixture *f)
{
    int pair[2];
    int settings = settings_fd(f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0)
        become_netd(settings, pair[1]);
    close(settings);
    close(pair[1]);
    assert_int_equal(link_init(&f->link, pair[0], &link_broker_netd), ERR_OK);
}

static const Lpad__NetdToBroker *receive(struct fixture *f, int *ret_fd)
{
    const ProtobufCMessage *frame = NULL;
    int fd = -1;
    assert_int_equal(link_recv(&f->link, ANSWER_MS, &frame, &fd), ERR_OK);
    if (ret_fd != NULL)
        *ret_fd = fd;
    return (const Lpad__NetdToBroker *)frame;
}

static void begin(struct fixture *f, enum server_certificate certificate, const struct server_step *script,
                  size_t count)
{
    server_start(&f->server, certificate, script, count);
    start_netd(f);
    assert_int_equal(receive(f, NULL)->body_case, LPAD__NETD_TO_BROKER__BODY_HELLO);
}

// Waits for its end, which must come by itself.
static void await_end(struct fixture *f)
{
    assert_int_equal(wait4(f->pid, &f->status, 0, &f->usage), f->pid);
    f->ended = true;
}

static void assert_exit(const struct fixture *f, int code)
{
    assert_true(WIFEXITED(f->status));
    assert_int_equal(WEXITSTATUS(f->status), code);
}

static void end(struct fixture *f)
{
    link_close(&f->link);
    if (!f->ended) {
        await_end(f);
        assert_exit(f, 0);
    }
    server_stop(&f->server);
}

static void send_request(struct fixture *f, Lpad__BrokerToNetd *request)
{
    static uint32_t id = 100;
    request->id = ++id;
    assert_int_equal(link_send(&f->link, &request->base, -1), ERR_OK);
}

// --- requests ---

static const uint8_t info1[] = {0xBF, 0x20, 0x09, 0x82, 0x03, 0x02, 0x00, 0x00, 0xA9, 0x00, 0xAA, 0x00};
static const uint8_t challenge[] = {0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0x00, 0x11,
                                    0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99};
static const uint8_t transaction_id[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t card_response[] = {0xBF, 0x38, 0x03, 0x80, 0x01, 0x00};

static void send_open_to(struct fixture *f, const char *host, uint32_t port, bool early)
{
    Lpad__NetOpen open = LPAD__NET_OPEN__INIT;
    Lpad__BrokerToNetd r = LPAD__BROKER_TO_NETD__INIT;
    open.host = (char *)(uintptr_t)host;
    open.smdp_address = open.host;
    open.port = port;
    open.has_euicc_info1 = early;
    open.euicc_info1 = binary_from(info1, sizeof(info1));
    r.body_case = LPAD__BROKER_TO_NETD__BODY_OPEN;
    r.open = &open;
    send_request(f, &r);
}

static void send_open(struct fixture *f, bool early)
{
    send_open_to(f, SERVER_NAME, PORT_IN_URL, early);
}

static void send_initiate(struct fixture *f, struct bytes with_info1)
{
    Lpad__NetInitiateAuthentication m = LPAD__NET_INITIATE_AUTHENTICATION__INIT;
    Lpad__BrokerToNetd r = LPAD__BROKER_TO_NETD__INIT;
    m.euicc_challenge = binary_from(challenge, sizeof(challenge));
    m.euicc_info1 = binary_from_bytes(with_info1);
    r.body_case = LPAD__BROKER_TO_NETD__BODY_INITIATE_AUTHENTICATION;
    r.initiate_authentication = &m;
    send_request(f, &r);
}

static void send_authenticate_client(struct fixture *f)
{
    Lpad__NetAuthenticateClient m = LPAD__NET_AUTHENTICATE_CLIENT__INIT;
    Lpad__BrokerToNetd r = LPAD__BROKER_TO_NETD__INIT;
    m.transaction_id = binary_from(transaction_id, sizeof(transaction_id));
    m.authenticate_server_response = binary_from(card_response, sizeof(card_response));
    r.body_case = LPAD__BROKER_TO_NETD__BODY_AUTHENTICATE_CLIENT;
    r.authenticate_client = &m;
    send_request(f, &r);
}

static void send_get_package(struct fixture *f)
{
    Lpad__NetGetBoundProfilePackage m = LPAD__NET_GET_BOUND_PROFILE_PACKAGE__INIT;
    Lpad__BrokerToNetd r = LPAD__BROKER_TO_NETD__INIT;
    m.transaction_id = binary_from(transaction_id, sizeof(transaction_id));
    m.prepare_download_response = binary_from(card_response, sizeof(card_response));
    r.body_case = LPAD__BROKER_TO_NETD__BODY_GET_BOUND_PROFILE_PACKAGE;
    r.get_bound_profile_package = &m;
    send_request(f, &r);
}

static void send_notification(struct fixture *f)
{
    Lpad__NetHandleNotification m = LPAD__NET_HANDLE_NOTIFICATION__INIT;
    Lpad__BrokerToNetd r = LPAD__BROKER_TO_NETD__INIT;
    m.pending_notification = binary_from(card_response, sizeof(card_response));
    r.body_case = LPAD__BROKER_TO_NETD__BODY_HANDLE_NOTIFICATION;
    r.handle_notification = &m;
    send_request(f, &r);
}

static void send_cancel(struct fixture *f)
{
    Lpad__NetCancelSession m = LPAD__NET_CANCEL_SESSION__INIT;
    Lpad__BrokerToNetd r = LPAD__BROKER_TO_NETD__INIT;
    m.transaction_id = binary_from(transaction_id, sizeof(transaction_id));
    m.cancel_session_response = binary_from(card_response, sizeof(card_response));
    r.body_case = LPAD__BROKER_TO_NETD__BODY_CANCEL_SESSION;
    r.cancel_session = &m;
    send_request(f, &r);
}

static void send_initiate_ok(struct fixture *f)
{
    send_initiate(f, bytes_make(info1, sizeof(info1)));
}

static void expect(struct fixture *f, Lpad__NetdToBroker__BodyCase body)
{
    const Lpad__NetdToBroker *m = receive(f, NULL);
    if (m->body_case == LPAD__NETD_TO_BROKER__BODY_FAILURE && body != LPAD__NETD_TO_BROKER__BODY_FAILURE)
        fail_msg("%s: %s", err_words((enum err)m->failure->error), m->failure->detail);
    assert_int_equal(m->body_case, body);
}

static void expect_failure(struct fixture *f, enum err error, const char *detail)
{
    const Lpad__NetdToBroker *m = receive(f, NULL);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_FAILURE);
    if (m->failure->error != (uint32_t)error || m->failure->detail == NULL ||
        strstr(m->failure->detail, detail) == NULL)
        fail_msg("%x: %s; expected %x: %s", m->failure->error, m->failure->detail, (unsigned)error, detail);
}

static unsigned filters_in_force(const struct fixture *f)
{
    char path[64];
    char line[256];
    unsigned filters = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)f->pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL)
        sscanf(line, "Seccomp_filters: %u", &filters);
    fclose(file);
    return filters;
}

// --- tests ---

static void whole_session_on_one_connection(void **state)
{
    (void)state;
    struct fixture f = {0};
    const struct server_step script[] = {
        {SERVER_SEND,          reply_text("200 OK", INITIATED)},
        {SERVER_SEND,                    reply_text("200 OK",                             AUTHENTICATED)},
        {SERVER_SEND,      reply_text("200 OK",PACKAGED)},
        {SERVER_SEND,"HTTP/1.1 204 No Content\r\n\r\n"         },
    };
    begin(&f, SERVER_GOOD, script, 4);
    unsigned before = filters_in_force(&f);
    send_open(&f, true);
    const Lpad__NetdToBroker *m = receive(&f, NULL);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_OPENED);
    char peer[64];
    snprintf(peer, sizeof(peer), "127.0.0.1:%u", (unsigned)f.server.port);
    assert_string_equal(m->opened->peer, peer);
    assert_string_equal(m->opened->tls_version, "TLSv1.3");
    assert_int_equal(f.server.seen->requests, 0);
    assert_int_equal(filters_in_force(&f), before + 1);

    send_initiate_ok(&f);
    m = receive(&f, NULL);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION);
    assert_int_equal(m->initiate_authentication->server_signed1.len, 0x4A);
    assert_memory_equal(m->initiate_authentication->transaction_id.data, transaction_id, 16);
    send_authenticate_client(&f);
    m = receive(&f, NULL);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_AUTHENTICATE_CLIENT);
    assert_true(m->authenticate_client->confirmation_code_required);
    assert_string_equal(m->authenticate_client->metadata->profile_name, "euicc-rsp test profile");
    int fd;
    send_get_package(&f);
    m = receive(&f, &fd);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_BOUND_PROFILE_PACKAGE);
    struct bytes package;
    assert_int_equal(sealed_map(fd, 1024, &package), ERR_OK);
    assert_bytes_hex(package, "BF36050102030405");
    assert_int_equal(m->bound_profile_package->size, package.len);
    sealed_unmap(package);
    close(fd);
    send_notification(&f);
    m = receive(&f, NULL);
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
                        "{\"transactionId\":\"" TRANSACTION_ID
                        "\",\"authenticateServerResponse\":\"vzgDgAEA\"}");
    end(&f);
}

static void first_request_connects_without_info1(void **state)
{
    (void)state;
    struct fixture f = {0};
    const struct server_step script[] = {
        {SERVER_SEND, "HTTP/1.1 204 No Content\r\n\r\n"}
    };
    begin(&f, SERVER_NO_ROLE, script, 1);
    send_open(&f, false);
    expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    assert_int_equal(f.server.seen->accepted, 0);
    unsigned before = filters_in_force(&f);
    send_notification(&f);
    expect(&f, LPAD__NETD_TO_BROKER__BODY_HANDLE_NOTIFICATION);
    assert_int_equal(filters_in_force(&f), before + 1);
    end(&f);
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
        {SERVER_OTHER_NAME, ERR_REMOTE_TLS, "another name"         },
        {SERVER_EXPIRED,    ERR_REMOTE_TLS, "clock"                },
        {SERVER_UNKNOWN_CI, ERR_REMOTE_TLS, "CI certificates"      },
        {SERVER_OTHER_ROLE, ERR_REMOTE_TLS, "GSMA role"            },
        {SERVER_NO_TLS,     ERR_REMOTE_TLS, "no trusted connection"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture f = {0};
        begin(&f, cases[i].certificate, NULL, 0);
        send_open(&f, true);
        expect_failure(&f, cases[i].error, cases[i].detail);
        assert_int_equal(f.server.seen->requests, 0);
        end(&f);
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
        {{SERVER_SEND, reply_text("500 Internal Server Error", "{}")},                                         ERR_REMOTE_HTTP,    "HTTP 500"           },
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
        {{SERVER_SEND, reply_text("200 OK", "[1]")},                                                           ERR_REMOTE_SHAPE,   "not a JSON object"  },
        {{SERVER_SEND, reply_text("200 OK", "{" OK_HEADER "}")},                                               ERR_REMOTE_SHAPE,   "transactionId"      },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture f = {0};
        begin(&f, SERVER_GOOD, &cases[i].step, 1);
        send_open(&f, true);
        expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
        send_initiate_ok(&f);
        expect_failure(&f, cases[i].error, cases[i].detail);
        assert_int_equal(f.server.seen->accepted, 1);
        assert_int_equal(f.server.seen->requests, 1);
        end(&f);
    }
}

static void total_time_is_bounded(void **state)
{
    (void)state;
    struct fixture f = {.total_timeout_ms = 700};
    const struct server_step script[] = {
        {SERVER_SILENT, NULL}
    };
    begin(&f, SERVER_GOOD, script, 1);
    send_open(&f, true);
    expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    send_initiate_ok(&f);
    expect_failure(&f, ERR_REMOTE_TIMEOUT, "within the time allowed");
    end(&f);
}

static void refusal_carries_codes_and_words(void **state)
{
    (void)state;
    struct fixture f = {0};
    const struct server_step script[] = {
        {SERVER_SEND,
         reply_text("200 OK",
         "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Failed\",\"statusCodeData\":{"
                    "\"subjectCode\":\"8.8.1\",\"reasonCode\":\"3.8\",\"message\":\"no \\u001b[31m\"}}}}")},
    };
    begin(&f, SERVER_GOOD, script, 1);
    send_open(&f, true);
    expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    send_initiate_ok(&f);
    const Lpad__NetdToBroker *m = receive(&f, NULL);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_FAILURE);
    assert_int_equal(m->failure->error, ERR_REMOTE_REFUSED);
    assert_int_equal(m->failure->function, LPAD__FUNCTION__ES9P_INITIATE_AUTHENTICATION);
    assert_string_equal(m->failure->subject_code, "8.8.1");
    assert_string_equal(m->failure->reason_code, "3.8");
    assert_string_equal(m->failure->remote_text, "no \x1b[31m");
    end(&f);
}

// A server that ends the connection gets no second one, and the process stays to say so.
static void closed_connection_is_not_made_anew(void **state)
{
    (void)state;
    struct fixture f = {0};
    const struct server_step script[] = {
        {SERVER_SEND_CLOSE, reply_text("200 OK", INITIATED)    },
        {SERVER_SEND,       reply_text("200 OK", AUTHENTICATED)},
    };
    begin(&f, SERVER_GOOD, script, 2);
    send_open(&f, true);
    expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    send_initiate_ok(&f);
    expect(&f, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION);
    send_authenticate_client(&f);
    expect_failure(&f, ERR_REMOTE_CONNECT, "the server closed the connection");
    send_cancel(&f);
    expect_failure(&f, ERR_REMOTE_CONNECT, "the server closed the connection");
    assert_int_equal(f.server.seen->accepted, 1);
    end(&f);
}

static void cancel_session_admits_a_missing_header(void **state)
{
    (void)state;
    struct fixture f = {0};
    const struct server_step script[] = {
        {SERVER_SEND, reply_text("200 OK", INITIATED)},
        {SERVER_SEND, reply_text("200 OK", "{}")     },
    };
    begin(&f, SERVER_GOOD, script, 2);
    send_open(&f, true);
    expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    send_initiate_ok(&f);
    expect(&f, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION);
    send_cancel(&f);
    expect(&f, LPAD__NETD_TO_BROKER__BODY_CANCEL_SESSION);
    end(&f);
}

static void targets_that_are_not_admitted(void **state)
{
    (void)state;
    struct fixture private = {.public_only = true};
    begin(&private, SERVER_GOOD, NULL, 0);
    send_open(&private, true);
    expect_failure(&private, ERR_DENIED, "a loopback address");
    end(&private);

    struct fixture literal = {.public_only = true};
    begin(&literal, SERVER_GOOD, NULL, 0);
    send_open_to(&literal, "192.0.2.1", PORT_IN_URL, true);
    expect_failure(&literal, ERR_DENIED, "an address, not a name");
    end(&literal);

    struct fixture port = {0};
    begin(&port, SERVER_GOOD, NULL, 0);
    send_open_to(&port, SERVER_NAME, 8443, true);
    expect_failure(&port, ERR_DENIED, "port 8443");
    end(&port);

    struct fixture name = {0};
    begin(&name, SERVER_GOOD, NULL, 0);
    send_open_to(&name, "user@smdp.example.com", PORT_IN_URL, true);
    expect_failure(&name, ERR_INPUT, "not a host name");
    end(&name);
}

static void nobody_listens(void **state)
{
    (void)state;
    // 127.0.0.2 is this machine too, but the server listens on 127.0.0.1 alone.
    struct fixture f = {.hosts_address = "127.0.0.2"};
    begin(&f, SERVER_GOOD, NULL, 0);
    send_open(&f, true);
    expect_failure(&f, ERR_REMOTE_CONNECT, "no connection to " SERVER_NAME);
    end(&f);
}

static void violations_end_the_process(void **state)
{
    (void)state;
    static const uint8_t other_info1[] = {0xBF, 0x20, 0x00};
    struct fixture early = {0};
    begin(&early, SERVER_GOOD, NULL, 0);
    send_initiate_ok(&early);
    await_end(&early);
    assert_exit(&early, 80);
    end(&early);

    struct fixture twice = {0};
    begin(&twice, SERVER_GOOD, NULL, 0);
    send_open(&twice, true);
    expect(&twice, LPAD__NETD_TO_BROKER__BODY_OPENED);
    send_open(&twice, true);
    await_end(&twice);
    assert_exit(&twice, 80);
    end(&twice);

    struct fixture other = {0};
    begin(&other, SERVER_GOOD, NULL, 0);
    send_open(&other, true);
    expect(&other, LPAD__NETD_TO_BROKER__BODY_OPENED);
    send_initiate(&other, bytes_make(other_info1, sizeof(other_info1)));
    await_end(&other);
    assert_exit(&other, 80);
    end(&other);

    struct fixture order = {0};
    begin(&order, SERVER_GOOD, NULL, 0);
    send_open(&order, true);
    expect(&order, LPAD__NETD_TO_BROKER__BODY_OPENED);
    send_get_package(&order);
    await_end(&order);
    assert_exit(&order, 80);
    end(&order);
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
