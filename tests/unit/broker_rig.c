// SPDX-License-Identifier: Apache-2.0
// The scripted peers around a real lpad-broker.
#include "tests/unit/broker_rig.h"

#include "lib/sealed.h"
#include "proto/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 20000
static int64_t now_ms(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void rig_init(struct rig *r)
{
    *r = (struct rig){
        .consent_timeout_ms = 10000, .stop_timeout_ms = 10000, .audit = -1, .audit_key = -1, .journal = -1};
    r->matching_id = RIG_SECRET;
    for (size_t i = 0; i < RIG_PEER_MAX; i++)
        r->links[i] = LINK_NONE;
    for (size_t i = 0; i < RIG_CLIENTS; i++)
        r->clients[i] = LINK_NONE;
    for (size_t i = 0; i < 8; i++)
        r->addresses[i] = RIG_HOST;
    strcpy(r->dir, "/tmp/lpad-broker-rig-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->control, sizeof r->control, "%s/control", r->dir);
}

void rig_add_fault(struct rig *r, enum rig_peer peer, const char *request, unsigned nth, enum rig_act act,
                   uint32_t value)
{
    assert_true(r->fault_count < RIG_FAULTS_MAX);
    r->faults[r->fault_count++] =
        (struct rig_fault){.peer = peer, .request = request, .nth = nth, .act = act, .value = value};
}

void rig_clear_log(struct rig *r)
{
    r->log[0] = '\0';
}

const struct rig_fault *rig_find_fault(struct rig *r, enum rig_peer peer, const char *request)
{
    const struct rig_fault *found = NULL;
    for (size_t i = 0; i < r->fault_count; i++) {
        struct rig_fault *f = &r->faults[i];
        if (f->peer != peer || strcmp(f->request, request) != 0)
            continue;
        f->seen++;
        if (f->nth == 0 || f->nth == f->seen)
            found = f;
    }
    return found;
}

// --- the program ---

static int settings_fd(const struct rig *r)
{
    uint32_t ports[] = {443};
    uint8_t packed[256];
    Lpad__BrokerSettings s = LPAD__BROKER_SETTINGS__INIT;
    s.sandbox = LPAD__SANDBOX_MODE__SANDBOX_BEST_EFFORT;
    s.clients_max = 3;
    s.stop_timeout_ms = r->stop_timeout_ms;
    s.consent_timeout_ms = r->consent_timeout_ms;
    s.n_ports = 1;
    s.ports = ports;
    s.file_size_max = 64 << 20;
    s.generation = 1;
    s.has_test_trust = s.test_trust = true;
    s.has_notification_retry_ms = s.has_notification_retry_max_ms = r->notify_retry_ms != 0;
    s.notification_retry_ms = r->notify_retry_ms;
    s.notification_retry_max_ms = 4 * r->notify_retry_ms;
    size_t len = lpad__broker_settings__pack(&s, packed);
    int fd;
    assert_int_equal(sealed_make("settings", bytes_make(packed, len), &fd), ERR_OK);
    return fd;
}

static int listen_control(const struct rig *r)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", r->control);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static void exec_broker(const int *fds, size_t count)
{
    int high[16];
    // Away from where they are to be, then there.
    for (size_t i = 0; i < count; i++)
        high[i] = fcntl(fds[i], F_DUPFD, 100);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (dup2(null, 0) < 0 || dup2(null, 1) < 0)
        _exit(99);
    for (size_t i = 0; i < count; i++)
        if (dup2(high[i], 3 + (int)i) < 0)
            _exit(99);
    if (close_range(3 + (unsigned)count, ~0u, 0) != 0)
        _exit(99);
    char *const argv[] = {(char *)(uintptr_t) "lpad-broker", NULL}, *const env[] = {NULL};
    execve(BROKER_PROGRAM, argv, env);
    _exit(99);
}

static void make_link(struct rig *r, enum rig_peer peer, const struct link_end *end, int *ret_other)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
    link_close(&r->links[peer]);
    assert_int_equal(link_init(&r->links[peer], pair[0], end), ERR_OK);
    *ret_other = pair[1];
}

void rig_send_supervisor(struct rig *r, Lpad__SupervisorToBroker *m, int fd)
{
    enum err e = link_send(&r->links[RIG_SUPERVISOR], &m->base, fd);
    assert_true(e == ERR_OK || e == ERR_CLOSED);
}

static const Lpad__Process processes[RIG_PEER_MAX] = {
    [RIG_CARDD] = LPAD__PROCESS__PROCESS_CARDD,
    [RIG_POLICYD] = LPAD__PROCESS__PROCESS_POLICYD,
    [RIG_NETD] = LPAD__PROCESS__PROCESS_NETD,
    [RIG_PROBED] = LPAD__PROCESS__PROCESS_PROBED,
};

static void say_hello(struct rig *r, enum rig_peer peer)
{
    Lpad__Hello hello = LPAD__HELLO__INIT;
    Lpad__CarddToBroker c = LPAD__CARDD_TO_BROKER__INIT;
    Lpad__PolicydToBroker p = LPAD__POLICYD_TO_BROKER__INIT;
    Lpad__NetdToBroker n = LPAD__NETD_TO_BROKER__INIT;
    Lpad__ProbedToBroker b = LPAD__PROBED_TO_BROKER__INIT;
    c.body_case = LPAD__CARDD_TO_BROKER__BODY_HELLO;
    c.hello = &hello;
    p.body_case = LPAD__POLICYD_TO_BROKER__BODY_HELLO;
    p.hello = &hello;
    n.body_case = LPAD__NETD_TO_BROKER__BODY_HELLO;
    b.body_case = LPAD__PROBED_TO_BROKER__BODY_HELLO;
    b.hello = &hello;
    n.hello = &hello;
    const ProtobufCMessage *m = peer == RIG_CARDD     ? &c.base
                                : peer == RIG_POLICYD ? &p.base
                                : peer == RIG_NETD    ? &n.base
                                                      : &b.base;
    assert_int_equal(link_send(&r->links[peer], m, -1), ERR_OK);
}

void rig_start_peer(struct rig *r, enum rig_peer peer)
{
    static const struct link_end *const ends[RIG_PEER_MAX] = {[RIG_CARDD] = &link_cardd_broker,
                                                              [RIG_POLICYD] = &link_policyd_broker,
                                                              [RIG_NETD] = &link_netd_broker,
                                                              [RIG_PROBED] = &link_probed_broker};
    int other;
    Lpad__Started started = LPAD__STARTED__INIT;
    Lpad__SupervisorToBroker m = LPAD__SUPERVISOR_TO_BROKER__INIT;
    make_link(r, peer, ends[peer], &other);
    r->peer_pids[peer] += 10;
    started.process = processes[peer];
    started.netd = peer == RIG_NETD ? ++r->netd_number : 0;
    started.pid = 1000 * (int)peer + r->peer_pids[peer];
    m.body_case = LPAD__SUPERVISOR_TO_BROKER__BODY_STARTED;
    m.started = &started;
    rig_send_supervisor(r, &m, other);
    close(other);
    if (rig_find_fault(r, peer, "hello") == NULL)
        say_hello(r, peer);
}

void rig_end_peer(struct rig *r, enum rig_peer peer, uint32_t signal_number, uint32_t exit_code)
{
    Lpad__Ended ended = LPAD__ENDED__INIT;
    Lpad__SupervisorToBroker m = LPAD__SUPERVISOR_TO_BROKER__INIT;
    link_close(&r->links[peer]);
    ended.process = processes[peer];
    ended.netd = peer == RIG_NETD ? r->netd_number : 0;
    ended.pid = 1000 * (int)peer + r->peer_pids[peer];
    ended.signal = signal_number;
    ended.exit_code = exit_code;
    ended.restart_ms = r->restart_ms;
    m.body_case = LPAD__SUPERVISOR_TO_BROKER__BODY_ENDED;
    m.ended = &ended;
    rig_send_supervisor(r, &m, -1);
}

static void tell_no_card(struct rig *r)
{
    Lpad__Ended ended = LPAD__ENDED__INIT;
    Lpad__SupervisorToBroker m = LPAD__SUPERVISOR_TO_BROKER__INIT;
    ended.process = LPAD__PROCESS__PROCESS_CARDD;
    ended.restart_ms = 1000;
    m.body_case = LPAD__SUPERVISOR_TO_BROKER__BODY_ENDED;
    m.ended = &ended;
    rig_send_supervisor(r, &m, -1);
}

static int temp_file(int flags)
{
    char name[] = "/tmp/lpad-broker-rig-file-XXXXXX";
    int fd = mkostemp(name, flags | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    return fd;
}

static const char *const peer_names[RIG_PEER_MAX] = {"supervisor", "cardd", "policyd", "netd", "probed"};

// The name of the frame's body, from its descriptor; both fields stand first in every root message.
static const char *body_name(const ProtobufCMessage *m)
{
    const Lpad__BrokerToCardd *any = (const Lpad__BrokerToCardd *)m;
    return protobuf_c_message_descriptor_get_field(m->descriptor, (unsigned)any->body_case)->name;
}

static void serve(struct rig *r, enum rig_peer peer)
{
    const ProtobufCMessage *m;
    int fd = -1;
    enum err e = link_recv(&r->links[peer], 0, &m, &fd);
    // A peer that ends with something unread resets the connection; what it said last still comes after that.
    if (e == ERR_CLOSED)
        e = link_recv(&r->links[peer], 0, &m, &fd);
    if (e == ERR_CLOSED)
        link_close(&r->links[peer]);
    if (e == ERR_CLOSED || e == ERR_IO_TIMEOUT)
        return;
    assert_int_equal(e, ERR_OK);
    const char *request = body_name(m);
    assert_true(strlen(r->log) < RIG_LOG_MAX - 256);
    sprintf(r->log + strlen(r->log), "%s%s.%s", r->log[0] != '\0' ? " " : "", peer_names[peer], request);
    rig_answer(r, peer, m, request, fd);
}

// Waits for one thing and serves it. False: nothing came in time, or only `client` has something.
static bool serve_one(struct rig *r, const struct link *client, int timeout_ms)
{
    struct pollfd p[RIG_PEER_MAX + 1];
    for (size_t i = 0; i < RIG_PEER_MAX; i++)
        p[i] = (struct pollfd){.fd = r->links[i].fd, .events = POLLIN};
    p[RIG_PEER_MAX] = (struct pollfd){.fd = client != NULL ? client->fd : -1, .events = POLLIN};
    int n = poll(p, RIG_PEER_MAX + 1, timeout_ms);
    if (n <= 0)
        return false;
    for (size_t i = 0; i < RIG_PEER_MAX; i++)
        if (p[i].revents != 0) {
            serve(r, (enum rig_peer)i);
            return true;
        }
    return false;
}

// --- starting and ending ---

void rig_start(struct rig *r, bool wait)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(link_init(&r->links[RIG_SUPERVISOR], pair[0], &link_supervisor_broker), ERR_OK);
    if (r->audit < 0) {
        r->audit = temp_file(O_APPEND);
        r->archive[0] = temp_file(0);
        r->archive[1] = temp_file(0);
    }
    if (r->audit_key < 0)
        r->audit_key = temp_file(0);
    int settings = settings_fd(r), control = listen_control(r);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int routes = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    assert_true(routes >= 0);
    const int fds[] = {settings,      pair[1],       control, r->audit,
                       r->archive[0], r->archive[1], routes,  r->journal >= 0 ? r->journal : null,
                       r->audit_key};
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0)
        exec_broker(fds, sizeof fds / sizeof fds[0]);
    close(pair[1]);
    close(settings);
    close(control);
    close(routes);
    close(null);
    rig_start_peer(r, RIG_POLICYD);
    if (r->no_card)
        tell_no_card(r);
    else
        rig_start_peer(r, RIG_CARDD);
    int64_t deadline = now_ms() + WAIT_MS;
    while (wait && !r->ready) {
        serve_one(r, NULL, 100);
        assert_true(now_ms() < deadline);
    }
}

const Lpad__BrokerToClient *rig_wait_client(struct rig *r, unsigned client)
{
    int64_t deadline = now_ms() + WAIT_MS;
    for (;;) {
        const ProtobufCMessage *m;
        int none;
        enum err e = link_recv(&r->clients[client], 0, &m, &none);
        if (e == ERR_OK)
            return (const Lpad__BrokerToClient *)m;
        if (e == ERR_CLOSED)
            return NULL;
        assert_int_equal(e, ERR_IO_TIMEOUT);
        assert_true(now_ms() < deadline);
        serve_one(r, &r->clients[client], 200);
    }
}

const Lpad__BrokerToClient *rig_wait_reply(struct rig *r, unsigned client)
{
    const Lpad__BrokerToClient *m;
    do
        m = rig_wait_client(r, client);
    while (m != NULL && m->body_case == LPAD__BROKER_TO_CLIENT__BODY_PROGRESS);
    return m;
}

void rig_wait_log(struct rig *r, const char *text)
{
    int64_t deadline = now_ms() + WAIT_MS;
    while (strstr(r->log, text) == NULL) {
        serve_one(r, NULL, 100);
        if (now_ms() >= deadline)
            print_error("waited for %s, got %s\n", text, r->log);
        assert_true(now_ms() < deadline);
    }
}

void rig_settle(struct rig *r, int quiet_ms)
{
    while (serve_one(r, NULL, quiet_ms))
        continue;
}

void rig_connect(struct rig *r, unsigned client)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", r->control);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
    link_close(&r->clients[client]);
    assert_int_equal(link_init(&r->clients[client], fd, &link_client_broker), ERR_OK);
}

void rig_send(struct rig *r, unsigned client, Lpad__ClientToBroker *m)
{
    m->id = 100 + client;
    enum err e = link_send(&r->clients[client], &m->base, -1);
    assert_true(e == ERR_OK || e == ERR_CLOSED);
}

void rig_send_stop(struct rig *r)
{
    Lpad__Stop stop = LPAD__STOP__INIT;
    Lpad__SupervisorToBroker m = LPAD__SUPERVISOR_TO_BROKER__INIT;
    m.body_case = LPAD__SUPERVISOR_TO_BROKER__BODY_STOP;
    m.stop = &stop;
    rig_send_supervisor(r, &m, -1);
}

int rig_wait_exit(struct rig *r)
{
    int64_t deadline = now_ms() + WAIT_MS;
    int status;
    while (waitpid(r->pid, &status, WNOHANG) == 0) {
        // Its end closes the supervisor's link, which wakes this up.
        if (link_is_open(&r->links[RIG_SUPERVISOR]))
            serve_one(r, NULL, 100);
        else
            poll(NULL, 0, 5);
        assert_true(now_ms() < deadline);
    }
    r->pid = 0;
    // What it said last is still to be read.
    while (link_is_open(&r->links[RIG_SUPERVISOR]) && serve_one(r, NULL, 1000))
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void rig_done(struct rig *r)
{
    if (r->pid > 0) {
        kill(r->pid, SIGKILL);
        waitpid(r->pid, NULL, 0);
    }
    for (size_t i = 0; i < RIG_PEER_MAX; i++)
        link_close(&r->links[i]);
    for (size_t i = 0; i < RIG_CLIENTS; i++)
        link_close(&r->clients[i]);
    if (r->audit >= 0) {
        close(r->audit);
        close(r->archive[0]);
        close(r->archive[1]);
        close(r->audit_key);
    }
    unlink(r->control);
    rmdir(r->dir);
}

char *rig_read_audit(const struct rig *r)
{
    off_t size = lseek(r->audit, 0, SEEK_END);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(pread(r->audit, text, (size_t)size, 0), size);
    text[size] = '\0';
    return text;
}

// --- the switching engine's side ---

void rig_send_plan(struct rig *r, uint32_t generation, unsigned probes)
{
    char *targets[] = {(char *)(uintptr_t) "192.0.2.1:443"};
    Lpad__ProbePlan probe = LPAD__PROBE_PLAN__INIT, *probe_list[] = {&probe};
    Lpad__WatchPlan watch = LPAD__WATCH_PLAN__INIT, *link_list[] = {&watch};
    Lpad__SwitchPlan plan = LPAD__SWITCH_PLAN__INIT;
    Lpad__PolicydToBroker m = LPAD__POLICYD_TO_BROKER__INIT;
    probe.kind = LPAD__PROBE_KIND__PROBE_TCP;
    probe.n_targets = 1;
    probe.targets = targets;
    probe.interval_ms = probe.failure_interval_ms = probe.timeout_ms = 1000;
    watch.interface = (char *)(uintptr_t) "wwan0";
    plan.generation = generation;
    plan.n_probes = plan.n_links = probes;
    plan.probes = probe_list;
    plan.links = link_list;
    m.body_case = LPAD__POLICYD_TO_BROKER__BODY_SWITCH_PLAN;
    m.switch_plan = &plan;
    assert_int_equal(link_send(&r->links[RIG_POLICYD], &m.base, -1), ERR_OK);
}

void rig_send_round(struct rig *r, uint32_t generation, uint32_t probe, bool good)
{
    Lpad__ProbeRound round = LPAD__PROBE_ROUND__INIT;
    Lpad__ProbedToBroker m = LPAD__PROBED_TO_BROKER__INIT;
    round.generation = generation;
    round.probe = probe;
    round.passed = good;
    round.failed = !good;
    m.body_case = LPAD__PROBED_TO_BROKER__BODY_ROUND;
    m.round = &round;
    assert_int_equal(link_send(&r->links[RIG_PROBED], &m.base, -1), ERR_OK);
}

void rig_send_loaded(struct rig *r)
{
    Lpad__PolicyStatus status = LPAD__POLICY_STATUS__INIT;
    Lpad__PolicyLoaded loaded = LPAD__POLICY_LOADED__INIT;
    Lpad__PolicydToBroker m = LPAD__POLICYD_TO_BROKER__INIT;
    status.state = LPAD__POLICY_STATE__POLICY_LOADED;
    loaded.status = &status;
    m.body_case = LPAD__POLICYD_TO_BROKER__BODY_LOADED;
    m.loaded = &loaded;
    assert_int_equal(link_send(&r->links[RIG_POLICYD], &m.base, -1), ERR_OK);
}

void rig_begin(struct rig *r)
{
    rig_start(r, true);
    rig_settle(r, 50);
    rig_clear_log(r);
    rig_connect(r, 0);
}

void rig_end(struct rig *r)
{
    rig_send_stop(r);
    assert_int_equal(rig_wait_exit(r), 0);
    assert_true(r->stopped);
    rig_done(r);
}
