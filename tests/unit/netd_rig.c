// SPDX-License-Identifier: Apache-2.0
// The rig of lpad-netd's tests.
#include "tests/unit/netd_rig.h"

#include "lib/sealed.h"
#include "proto/convert.h"

#include "supervisor.pb-c.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 20000
#define LOG_MAX   16384

// The header of a reply is written by reply_text, which knows the length.
const char *rig_reply_text(const char *status, const char *body)
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

static const char *server_name(const struct netd_rig *f)
{
    return f->name != NULL ? f->name : SERVER_NAME;
}

static int settings_fd(const struct netd_rig *f)
{
    Lpad__NetdSettings s = LPAD__NETD_SETTINGS__INIT;
    Lpad__HostEntry host = LPAD__HOST_ENTRY__INIT;
    Lpad__HostEntry *hosts[] = {&host};
    uint32_t ports[] = {RIG_PORT};
    uint32_t connect_ports[] = {RIG_PORT, f->server.port};
    host.name = (char *)(uintptr_t)server_name(f);
    host.address = (char *)(uintptr_t)(f->hosts_address != NULL ? f->hosts_address : "127.0.0.1");
    host.has_port = true;
    host.port = f->server.port;
    s.sandbox = LPAD__SANDBOX_MODE__SANDBOX_REQUIRED;
    const char *ci_pem = f->ci_pem != NULL ? f->ci_pem : f->server.ci_pem;
    s.ci_certificates = binary_from(ci_pem, strlen(ci_pem));
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

static _Noreturn void become_netd(int settings, int link, int log)
{
    static char name[] = "lpad-netd";
    char *const argv[] = {name, NULL};
    char *const envp[] = {NULL};
    int null = open("/dev/null", O_RDWR);
    // High first, so that no target is overwritten before it was used.
    int high_settings = fcntl(settings, F_DUPFD, 100);
    int high_link = fcntl(link, F_DUPFD, 100);
    int high_log = fcntl(log, F_DUPFD, 100);
    dup2(null, 0);
    dup2(null, 1);
    dup2(high_log, 2);
    dup2(high_settings, 3);
    dup2(high_link, 4);
    close_range(5, ~0u, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execve(NETD_PROGRAM, argv, envp);
    _exit(127);
}

static void start_netd(struct netd_rig *f)
{
    int pair[2];
    int settings = settings_fd(f);
    f->log = memfd_create("log", MFD_CLOEXEC);
    assert_true(f->log >= 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0)
        become_netd(settings, pair[1], f->log);
    close(settings);
    close(pair[1]);
    assert_int_equal(link_init(&f->link, pair[0], &link_broker_netd), ERR_OK);
}

const Lpad__NetdToBroker *rig_receive(struct netd_rig *f, int *ret_fd)
{
    const ProtobufCMessage *frame = NULL;
    int fd = -1;
    assert_int_equal(link_recv(&f->link, ANSWER_MS, &frame, &fd), ERR_OK);
    if (ret_fd != NULL)
        *ret_fd = fd;
    return (const Lpad__NetdToBroker *)frame;
}

void rig_begin(struct netd_rig *f, enum server_certificate certificate, const struct server_step *script,
               size_t count)
{
    server_start(&f->server, certificate, script, count);
    start_netd(f);
    assert_int_equal(rig_receive(f, NULL)->body_case, LPAD__NETD_TO_BROKER__BODY_HELLO);
}

void rig_begin_at(struct netd_rig *f, uint16_t port)
{
    f->server.port = port;
    start_netd(f);
    assert_int_equal(rig_receive(f, NULL)->body_case, LPAD__NETD_TO_BROKER__BODY_HELLO);
}

// Waits for its end, which must come by itself.
void rig_await_end(struct netd_rig *f)
{
    assert_int_equal(waitpid(f->pid, &f->status, 0), f->pid);
    f->ended = true;
}

void rig_assert_exit(const struct netd_rig *f, int code)
{
    assert_true(WIFEXITED(f->status));
    assert_int_equal(WEXITSTATUS(f->status), code);
}

static size_t read_log(const struct netd_rig *f, char *out, size_t cap)
{
    ssize_t n = pread(f->log, out, cap - 1, 0);
    out[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

// For the reader of a test's output, once it is over.
static void show_log(const struct netd_rig *f)
{
    char text[LOG_MAX];
    size_t len = read_log(f, text, sizeof(text));
    assert_int_equal(fwrite(text, 1, len, stderr), len);
}

void rig_end(struct netd_rig *f)
{
    link_close(&f->link);
    if (!f->ended) {
        rig_await_end(f);
        rig_assert_exit(f, 0);
    }
    if (f->server.pid != 0)
        server_stop(&f->server);
    show_log(f);
    close(f->log);
}

bool rig_has_logged(const struct netd_rig *f, const char *text)
{
    char log[LOG_MAX];
    read_log(f, log, sizeof(log));
    return strstr(log, text) != NULL;
}

void rig_send_request(struct netd_rig *f, Lpad__BrokerToNetd *request)
{
    static uint32_t id = 100;
    request->id = ++id;
    assert_int_equal(link_send(&f->link, &request->base, -1), ERR_OK);
}

// --- requests ---

const uint8_t rig_info1[RIG_INFO1_SIZE] = {0xBF, 0x20, 0x09, 0x82, 0x03, 0x02,
                                           0x00, 0x00, 0xA9, 0x00, 0xAA, 0x00};
static const uint8_t challenge[RIG_CHALLENGE_SIZE] = {0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0x00, 0x11,
                                                      0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99};
const uint8_t rig_transaction_id[RIG_TRANSACTION_ID_SIZE] = {1, 2,  3,  4,  5,  6,  7,  8,
                                                             9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t card_response[RIG_CARD_RESPONSE_SIZE] = {0xBF, 0x38, 0x03, 0x80, 0x01, 0x00};

static ProtobufCBinaryData given_or(struct bytes given, const uint8_t *fixed, size_t size)
{
    return given.len > 0 ? binary_from_bytes(given) : binary_from(fixed, size);
}

void rig_send_open_to(struct netd_rig *f, const char *host, uint32_t port, bool early)
{
    Lpad__NetOpen open = LPAD__NET_OPEN__INIT;
    Lpad__BrokerToNetd r = LPAD__BROKER_TO_NETD__INIT;
    open.host = (char *)(uintptr_t)host;
    open.smdp_address = open.host;
    open.port = port;
    open.has_euicc_info1 = early;
    open.euicc_info1 = given_or(f->info1, rig_info1, RIG_INFO1_SIZE);
    ProtobufCBinaryData id = binary_from(f->ci_pk_id, SERVER_CI_PK_ID_SIZE);
    open.n_ci_pk_ids = f->ci_pk_id != NULL ? 1 : 0;
    open.ci_pk_ids = &id;
    r.body_case = LPAD__BROKER_TO_NETD__BODY_OPEN;
    r.open = &open;
    rig_send_request(f, &r);
}

void rig_send_open(struct netd_rig *f, bool early)
{
    rig_send_open_to(f, server_name(f), RIG_PORT, early);
}

void rig_send_initiate(struct netd_rig *f, struct bytes with_info1)
{
    Lpad__NetInitiateAuthentication m = LPAD__NET_INITIATE_AUTHENTICATION__INIT;
    Lpad__BrokerToNetd r = LPAD__BROKER_TO_NETD__INIT;
    m.euicc_challenge = given_or(f->challenge, challenge, RIG_CHALLENGE_SIZE);
    m.euicc_info1 = binary_from_bytes(with_info1);
    r.body_case = LPAD__BROKER_TO_NETD__BODY_INITIATE_AUTHENTICATION;
    r.initiate_authentication = &m;
    rig_send_request(f, &r);
}

void rig_send_authenticate_client(struct netd_rig *f)
{
    Lpad__NetAuthenticateClient m = LPAD__NET_AUTHENTICATE_CLIENT__INIT;
    Lpad__BrokerToNetd r = LPAD__BROKER_TO_NETD__INIT;
    m.transaction_id = given_or(f->transaction_id, rig_transaction_id, RIG_TRANSACTION_ID_SIZE);
    m.authenticate_server_response = given_or(f->card_response, card_response, RIG_CARD_RESPONSE_SIZE);
    m.has_discovery = f->discovery;
    m.discovery = f->discovery;
    r.body_case = LPAD__BROKER_TO_NETD__BODY_AUTHENTICATE_CLIENT;
    r.authenticate_client = &m;
    rig_send_request(f, &r);
}

void rig_send_get_package(struct netd_rig *f)
{
    Lpad__NetGetBoundProfilePackage m = LPAD__NET_GET_BOUND_PROFILE_PACKAGE__INIT;
    Lpad__BrokerToNetd r = LPAD__BROKER_TO_NETD__INIT;
    m.transaction_id = given_or(f->transaction_id, rig_transaction_id, RIG_TRANSACTION_ID_SIZE);
    m.prepare_download_response = given_or(f->card_response, card_response, RIG_CARD_RESPONSE_SIZE);
    r.body_case = LPAD__BROKER_TO_NETD__BODY_GET_BOUND_PROFILE_PACKAGE;
    r.get_bound_profile_package = &m;
    rig_send_request(f, &r);
}

void rig_send_notification(struct netd_rig *f)
{
    Lpad__NetHandleNotification m = LPAD__NET_HANDLE_NOTIFICATION__INIT;
    Lpad__BrokerToNetd r = LPAD__BROKER_TO_NETD__INIT;
    m.pending_notification = given_or(f->card_response, card_response, RIG_CARD_RESPONSE_SIZE);
    r.body_case = LPAD__BROKER_TO_NETD__BODY_HANDLE_NOTIFICATION;
    r.handle_notification = &m;
    rig_send_request(f, &r);
}

void rig_send_cancel(struct netd_rig *f)
{
    Lpad__NetCancelSession m = LPAD__NET_CANCEL_SESSION__INIT;
    Lpad__BrokerToNetd r = LPAD__BROKER_TO_NETD__INIT;
    m.transaction_id = given_or(f->transaction_id, rig_transaction_id, RIG_TRANSACTION_ID_SIZE);
    m.cancel_session_response = given_or(f->card_response, card_response, RIG_CARD_RESPONSE_SIZE);
    r.body_case = LPAD__BROKER_TO_NETD__BODY_CANCEL_SESSION;
    r.cancel_session = &m;
    rig_send_request(f, &r);
}

void rig_send_initiate_ok(struct netd_rig *f)
{
    rig_send_initiate(f, f->info1.len > 0 ? f->info1 : bytes_make(rig_info1, RIG_INFO1_SIZE));
}

const Lpad__NetdToBroker *rig_expect(struct netd_rig *f, Lpad__NetdToBroker__BodyCase body)
{
    const Lpad__NetdToBroker *m = rig_receive(f, NULL);
    if (m->body_case == LPAD__NETD_TO_BROKER__BODY_FAILURE && body != LPAD__NETD_TO_BROKER__BODY_FAILURE)
        fail_msg("%s: %s", err_words((enum err)m->failure->error), m->failure->detail);
    assert_int_equal(m->body_case, body);
    return m;
}

const Lpad__Failure *rig_expect_failure(struct netd_rig *f, enum err error, const char *detail)
{
    const Lpad__NetdToBroker *m = rig_receive(f, NULL);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_FAILURE);
    if (m->failure->error != (uint32_t)error || m->failure->detail == NULL ||
        strstr(m->failure->detail, detail) == NULL)
        fail_msg("%x: %s; expected %x: %s", m->failure->error, m->failure->detail, (unsigned)error, detail);
    return m->failure;
}

unsigned rig_filters_in_force(const struct netd_rig *f)
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
