// SPDX-License-Identifier: Apache-2.0
// The rig of lpad-probed's tests.
#include "tests/unit/probed_rig.h"

#include "lib/sealed.h"
#include "proto/convert.h"

#include "supervisor.pb-c.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG_MAX  16384
#define NOBODY   65534
#define FIRST_FD 100

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// --- starting it ---

static int settings_fd(const struct probed_rig *f)
{
    Lpad__ProbedSettings s = LPAD__PROBED_SETTINGS__INIT;
    Lpad__HostEntry host = LPAD__HOST_ENTRY__INIT;
    Lpad__HostEntry *hosts[] = {&host};
    uint32_t ports[4];
    uint8_t packed[4096];
    int fd;
    host.name = (char *)(uintptr_t) "smdp.example.com";
    host.address = (char *)(uintptr_t)f->host;
    s.n_hosts = f->host != NULL ? 1 : 0;
    s.hosts = hosts;
    s.sandbox = LPAD__SANDBOX_MODE__SANDBOX_REQUIRED;
    memcpy(ports, f->ports, sizeof ports);
    while (s.n_ports < 4 && ports[s.n_ports] != 0)
        s.n_ports++;
    s.ports = ports;
    s.user_agent = (char *)(uintptr_t) "lpad-probed";
    s.body_max = f->body_max != 0 ? f->body_max : 4096;
    assert_true(lpad__probed_settings__get_packed_size(&s) <= sizeof packed);
    size_t len = lpad__probed_settings__pack(&s, packed);
    assert_int_equal(sealed_make("settings", bytes_make(packed, len), &fd), ERR_OK);
    return fd;
}

// Something to trust for probes without a server.
static void put_any_certificate(int fd)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *c = X509_new();
    char *text;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_non_null(key);
    X509_set_pubkey(c, key);
    X509_gmtime_adj(X509_getm_notBefore(c), 0);
    X509_gmtime_adj(X509_getm_notAfter(c), 3600);
    assert_true(X509_sign(c, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(bio, c), 1);
    long len = BIO_get_mem_data(bio, &text);
    assert_int_equal(write(fd, text, (size_t)len), len);
    BIO_free(bio);
    X509_free(c);
    EVP_PKEY_free(key);
}

static int trust_fd(const struct probed_rig *f)
{
    int fd = memfd_create("trust", MFD_CLOEXEC);
    assert_true(fd >= 0);
    if (f->ca_pem == NULL)
        put_any_certificate(fd);
    else
        assert_int_equal(write(fd, f->ca_pem, strlen(f->ca_pem)), (ssize_t)strlen(f->ca_pem));
    return fd;
}

static int routes_fd(void)
{
    const struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
                                       .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                                                    RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&groups, sizeof groups), 0);
    return fd;
}

// `given`: settings, link, trust, routes.
static _Noreturn void become_probed(const int given[4], int log)
{
    static char name[] = "lpad-probed";
    char *const argv[] = {name, NULL};
    char *const envp[] = {NULL};
    int program = fcntl(open(PROBED_PROGRAM, O_PATH), F_DUPFD_CLOEXEC, FIRST_FD);
    int high[4];
    // High first, so that no target is overwritten before it was used.
    for (int i = 0; i < 4; i++)
        high[i] = fcntl(given[i], F_DUPFD_CLOEXEC, FIRST_FD);
    int high_log = fcntl(log, F_DUPFD_CLOEXEC, FIRST_FD);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(high_log, 2);
    for (int i = 0; i < 4; i++)
        dup2(high[i], 3 + i);
    close_range(7, FIRST_FD - 1, 0);
    close_range(FIRST_FD, ~0u, CLOSE_RANGE_CLOEXEC);
    if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) != 0)
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fexecve(program, argv, envp);
    _exit(127);
}

static const Lpad__ProbedToBroker *receive(struct probed_rig *f, int ms)
{
    const ProtobufCMessage *frame = NULL;
    int fd = -1;
    enum err e = link_recv(&f->link, ms, &frame, &fd);
    if (e == ERR_IO_TIMEOUT)
        return NULL;
    assert_int_equal(e, ERR_OK);
    return (const Lpad__ProbedToBroker *)frame;
}

void probed_rig_begin(struct probed_rig *f)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    const int given[4] = {settings_fd(f), pair[1], trust_fd(f), routes_fd()};
    f->log = memfd_create("log", MFD_CLOEXEC);
    assert_true(f->log >= 0);
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0)
        become_probed(given, f->log);
    for (int i = 0; i < 4; i++)
        close(given[i]);
    assert_int_equal(link_init(&f->link, pair[0], &link_broker_probed), ERR_OK);
    const Lpad__ProbedToBroker *hello = receive(f, PROBED_WAIT_MS);
    assert_non_null(hello);
    assert_int_equal(hello->body_case, LPAD__PROBED_TO_BROKER__BODY_HELLO);
}

// --- its end ---

static void show_log(const struct probed_rig *f)
{
    char text[LOG_MAX];
    ssize_t n = pread(f->log, text, sizeof text, 0);
    if (n > 0)
        fwrite(text, 1, (size_t)n, stderr);
}

void probed_rig_await_exit(struct probed_rig *f, int code)
{
    int status;
    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    f->ended = true;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != code) {
        show_log(f);
        fail_msg("status %x, not exit code %d", (unsigned)status, code);
    }
}

void probed_rig_end(struct probed_rig *f)
{
    link_close(&f->link);
    if (!f->ended)
        probed_rig_await_exit(f, 0);
    show_log(f);
    close(f->log);
}

bool probed_rig_has_logged(const struct probed_rig *f, const char *text)
{
    char log[LOG_MAX];
    ssize_t n = pread(f->log, log, sizeof log - 1, 0);
    log[n > 0 ? n : 0] = '\0';
    return strstr(log, text) != NULL;
}

// --- what the broker says ---

static void send_frame(struct probed_rig *f, Lpad__BrokerToProbed *frame)
{
    assert_int_equal(link_send(&f->link, &frame->base, -1), ERR_OK);
}

void probed_rig_plan(struct probed_rig *f, Lpad__ProbePlan *const *probes, size_t probe_count,
                     Lpad__WatchPlan *const *links, size_t link_count)
{
    Lpad__SwitchPlan plan = LPAD__SWITCH_PLAN__INIT;
    Lpad__BrokerToProbed frame = LPAD__BROKER_TO_PROBED__INIT;
    plan.generation = ++f->generation;
    plan.n_probes = probe_count;
    plan.probes = (Lpad__ProbePlan **)(uintptr_t)probes;
    plan.n_links = link_count;
    plan.links = (Lpad__WatchPlan **)(uintptr_t)links;
    frame.body_case = LPAD__BROKER_TO_PROBED__BODY_PLAN;
    frame.plan = &plan;
    send_frame(f, &frame);
}

void probed_rig_modes(struct probed_rig *f, uint32_t generation, const Lpad__ProbeMode *modes, size_t count)
{
    Lpad__ProbeModes m = LPAD__PROBE_MODES__INIT;
    Lpad__BrokerToProbed frame = LPAD__BROKER_TO_PROBED__INIT;
    m.generation = generation;
    m.n_modes = count;
    m.modes = (Lpad__ProbeMode *)(uintptr_t)modes;
    frame.body_case = LPAD__BROKER_TO_PROBED__BODY_MODES;
    frame.modes = &m;
    send_frame(f, &frame);
}

void probed_rig_mode(struct probed_rig *f, Lpad__ProbeMode mode)
{
    probed_rig_modes(f, f->generation, &mode, 1);
}

// --- what it says ---

static void keep_link(struct probed_rig *f, const Lpad__ProbedToBroker *frame)
{
    if (frame->body_case == LPAD__PROBED_TO_BROKER__BODY_LINK) {
        assert_int_equal(frame->link->generation, f->generation);
        assert_true(frame->link->link < 4);
        f->link_state[frame->link->link] = *frame->link;
    } else if (frame->body_case == LPAD__PROBED_TO_BROKER__BODY_DATA) {
        assert_true(frame->data->link < 4);
        f->link_octets[frame->data->link] += frame->data->octets;
    }
}

Lpad__ProbeRound probed_rig_round(struct probed_rig *f)
{
    int64_t deadline = now_ms() + PROBED_WAIT_MS;
    for (int64_t left; (left = deadline - now_ms()) > 0;) {
        const Lpad__ProbedToBroker *frame = receive(f, (int)left);
        if (frame == NULL)
            break;
        if (frame->body_case == LPAD__PROBED_TO_BROKER__BODY_ROUND) {
            assert_int_equal(frame->round->generation, f->generation);
            return *frame->round;
        }
        keep_link(f, frame);
    }
    show_log(f);
    fail_msg("no round");
    return (Lpad__ProbeRound)LPAD__PROBE_ROUND__INIT;
}

static bool is_so(Lpad__Tri tri, bool wanted)
{
    return tri == (wanted ? LPAD__TRI__TRI_YES : LPAD__TRI__TRI_NO);
}

void probed_rig_await_link(struct probed_rig *f, uint32_t link, bool carrier, bool address, bool route)
{
    int64_t deadline = now_ms() + PROBED_WAIT_MS;
    const Lpad__LinkState *s = &f->link_state[link];
    while (s->generation != f->generation || !is_so(s->carrier, carrier) || !is_so(s->address, address) ||
           !is_so(s->route, route)) {
        int64_t left = deadline - now_ms();
        const Lpad__ProbedToBroker *frame = left > 0 ? receive(f, (int)left) : NULL;
        if (frame == NULL)
            fail_msg("link %u: carrier %d, address %d, route %d", (unsigned)link, (int)s->carrier,
                     (int)s->address, (int)s->route);
        keep_link(f, frame);
    }
}

void probed_rig_expect_silence(struct probed_rig *f, int ms)
{
    const Lpad__ProbedToBroker *frame = receive(f, ms);
    if (frame != NULL)
        fail_msg("body %d was told", (int)frame->body_case);
}

// --- probes ---

void probed_probe_make(struct probed_probe *p, Lpad__ProbeKind kind, const char *target)
{
    lpad__probe_plan__init(&p->plan);
    p->plan.kind = kind;
    p->plan.targets = p->targets;
    p->plan.interval_ms = 10000;
    p->plan.failure_interval_ms = 10000;
    p->plan.timeout_ms = 2000;
    probed_probe_add(p, target);
}

void probed_probe_add(struct probed_probe *p, const char *target)
{
    p->targets[p->plan.n_targets++] = (char *)(uintptr_t)target;
}

Lpad__ProbeRound probed_rig_measure(struct probed_rig *f, struct probed_probe *p)
{
    Lpad__ProbePlan *plans[] = {&p->plan};
    probed_rig_plan(f, plans, 1, NULL, 0);
    probed_rig_mode(f, LPAD__PROBE_MODE__PROBE_NORMAL);
    return probed_rig_round(f);
}

long probed_rig_number(const struct probed_rig *f, const char *file, const char *line)
{
    char path[64], text[256];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)f->pid, file);
    FILE *status = fopen(path, "re");
    assert_non_null(status);
    while (fgets(text, sizeof text, status) != NULL)
        if (strncmp(text, line, strlen(line)) == 0)
            value = strtol(text + strlen(line), NULL, 10);
    fclose(status);
    assert_true(value >= 0);
    return value;
}
