// SPDX-License-Identifier: Apache-2.0
// Starts and stops the simulators and lpad for the bench.
#include "bench/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ARGS_MAX 32
#define WAIT_MS  20000

// LPAD_BUILD comes from CMake.
#define PROGRAM(path) LPAD_BUILD "/" path

static const char *const environment[] = {"LANG=C", NULL};
static struct rig *open_rig; // for die: what must be removed

struct path {
    char text[128];
};

static struct path path_of(const struct rig *rig, const char *name)
{
    struct path p;
    snprintf(p.text, sizeof p.text, "%s/%s", rig->dir, name);
    return p;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void show(const struct rig *rig)
{
    char text[4096];
    int fd = open(path_of(rig, "errors").text, O_RDONLY | O_CLOEXEC);
    off_t end = lseek(fd, 0, SEEK_END);
    ssize_t n = pread(fd, text, sizeof text, end > (off_t)sizeof text ? end - (off_t)sizeof text : 0);
    if (n > 0)
        fwrite(text, 1, (size_t)n, stderr);
    if (fd >= 0)
        close(fd);
}

void die(const char *format, ...)
{
    va_list ap;
    fputs("lpad-bench: ", stderr);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    struct rig *rig = open_rig;
    open_rig = NULL; // what fails below must not come back here
    if (rig != NULL) {
        show(rig);
        for (size_t i = 0; i < 2; i++)
            if (rig->simulators[i] > 0)
                kill(rig->simulators[i], SIGKILL);
        if (rig->lpad > 0)
            kill(rig->lpad, SIGKILL);
        nftw(rig->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        cpu_group_remove(&rig->group);
    }
    exit(1);
}

static void write_file(const struct rig *rig, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Renamed into place: a reader never sees half of it.
static void write_file(const struct rig *rig, const char *name, const char *format, ...)
{
    struct path final = path_of(rig, name), temporary = path_of(rig, "new");
    va_list ap;
    FILE *f = fopen(temporary.text, "we");
    if (f == NULL)
        die("%s: %s", temporary.text, strerror(errno));
    va_start(ap, format);
    int n = vfprintf(f, format, ap);
    va_end(ap);
    if (n < 0 || fclose(f) != 0 || rename(temporary.text, final.text) != 0)
        die("%s: %s", final.text, strerror(errno));
}

// --- simulators ---

static void make_pki(struct rig *rig)
{
    struct path out = path_of(rig, "pki");
    const char *argv[] = {PROGRAM("tests/sim/pki/sim-pki"),
                          "--out",
                          out.text,
                          "--curve",
                          "nist",
                          "--host",
                          "smdp.example.com",
                          NULL};
    struct program p = {argv, environment, rig->null, rig->null, rig->errors, NULL};
    if (wait_for_end(spawn(&p).pid, WAIT_MS).code != 0)
        die("sim-pki failed");
}

// Starts it with these arguments and waits until it says that it listens.
static pid_t start_simulator(struct rig *rig, const char **argv, size_t count)
{
    int ready[2];
    char number[16], byte;
    if (pipe(ready) != 0 || fcntl(ready[0], F_SETFD, FD_CLOEXEC) != 0)
        die("pipe: %s", strerror(errno));
    snprintf(number, sizeof number, "%d", ready[1]);
    argv[count++] = "--ready-fd";
    argv[count++] = number;
    argv[count] = NULL;
    struct program p = {argv, environment, rig->null, rig->null, rig->errors, NULL};
    pid_t pid = spawn(&p).pid;
    close(ready[1]);
    struct pollfd poll_for = {.fd = ready[0], .events = POLLIN};
    if (poll(&poll_for, 1, WAIT_MS) != 1 || read(ready[0], &byte, 1) != 1)
        die("%s did not start", argv[0]);
    close(ready[0]);
    return pid;
}

static void start_euicc(struct rig *rig)
{
    struct path pki = path_of(rig, "pki"), state = path_of(rig, "card.json"),
                initial = path_of(rig, "initial.json"), log = path_of(rig, "apdu.log"),
                listen_at = path_of(rig, "card.sock");
    char address[160], latency[16];
    snprintf(address, sizeof address, "unix:%s", listen_at.text);
    snprintf(latency, sizeof latency, "%u", rig->options.apdu_latency_ms);
    const char *argv[ARGS_MAX] = {PROGRAM("tests/sim/euicc/sim-euicc"),
                                  "--credentials",
                                  pki.text,
                                  "--state",
                                  state.text,
                                  "--initial",
                                  initial.text,
                                  "--listen",
                                  address,
                                  "--apdu-log",
                                  log.text,
                                  "--answer",
                                  rig->options.answer,
                                  "--latency-ms",
                                  latency};
    rig->simulators[0] = start_simulator(rig, argv, 15);
}

static void start_smdp(struct rig *rig)
{
    struct path pki = path_of(rig, "pki"), orders = path_of(rig, "orders"), log = path_of(rig, "smdp.log"),
                port = path_of(rig, "port"), faults = path_of(rig, "faults.json");
    char latency[16];
    snprintf(latency, sizeof latency, "%u", rig->options.http_latency_ms);
    const char *argv[ARGS_MAX] = {PROGRAM("tests/sim/smdp/sim-smdp"),
                                  "--credentials",
                                  pki.text,
                                  "--address",
                                  "smdp.example.com",
                                  "--orders",
                                  orders.text,
                                  "--listen",
                                  "127.0.0.1:0",
                                  "--port-file",
                                  port.text,
                                  "--log",
                                  log.text,
                                  "--faults",
                                  faults.text,
                                  "--latency-ms",
                                  latency};
    rig->simulators[1] = start_simulator(rig, argv, 17);
    FILE *f = fopen(port.text, "re");
    if (f == NULL || fscanf(f, "%u", &rig->port) != 1)
        die("the SM-DP+ told no port");
    fclose(f);
}

// --- the folder ---

#define PROFILE(iccid, state, name, notifications)                                                           \
    "{\"iccid\":\"" iccid "\",\"enabled\":" state ",\"name\":\"" name                                        \
    "\",\"serviceProvider\":\"Example\",\"class\":\"operational\",\"notifications\":[" notifications "]}"

static void write_inputs(struct rig *rig)
{
    write_file(rig, "initial.json", "%s",
               "{\"profiles\":[" PROFILE(RIG_ALPHA, "true", "Alpha", "") "," PROFILE(
                   RIG_BETA, "false", "Beta",
                   "") "," PROFILE(RIG_GAMMA, "false", "Gamma",
                                   "{\"events\":[\"enable\"],\"address\":\"smdp.example.com\"}") "]}");
    write_file(rig, "orders/order.json", "%s",
               "{\"matchingId\":\"BENCH-1\",\"iccid\":\"" RIG_ICCID
               "\",\"serviceProviderName\":\"Example Telecom\",\"profileName\":\"Gateway One\","
               "\"class\":\"operational\",\"state\":\"Released\",\"uppSize\":11800,\"notifications\":"
               "[{\"events\":[\"enable\",\"disable\",\"delete\"],\"address\":\"smdp.example.com\"}]}");
    write_file(rig, "faults.json", "[]");
}

// The probe asks the simulated SM-DP+ whether it listens. Without dwell and hands-off, so that it can be
// measured again and again.
static void write_policy(struct rig *rig)
{
    char switching[512] = "";
    if (rig->options.switches)
        snprintf(switching, sizeof switching,
                 "  - operations: [hold]\n    roles: [admin]\n"
                 "profiles: { beta: { iccid: \"" RIG_BETA "\" } }\n"
                 "probes: { server: { tcp: [\"127.0.0.1:%u\"], interval: %us, timeout: 1s, up: 1 } }\n"
                 "switching:\n  dwell: 0s\n  hands_off: 0s\n  caps: { per_hour: 256, per_day: 256 }\n"
                 "  rules: [{ name: beta, when: { probe: server, is: up }, use: beta }]\n",
                 rig->port, RIG_PROBE_SECONDS);
    write_file(rig, "policy.yaml",
               "version: 1\n"
               "roles:\n  admin: { users: [%u] }\n"
               "permissions:\n"
               "  - operations: [download]\n    roles: [admin]\n    hosts: [\"smdp.example.com\"]\n"
               "  - operations: [enable, disable, delete, nickname]\n    roles: [admin]\n    profiles: any\n"
               "    consent: given\n"
               "%s"
               "caps: { downloads_per_day: 1000, enables_per_day: 1000, deletes_per_day: 1000 }\n",
               (unsigned)getuid(), switching);
}

static void write_config(struct rig *rig)
{
    static const char users[] =
        "users: { broker: 61001, netd: 61002, cardd: 61003, policyd: 61004, probed: 61005 }\n";
    write_file(rig, "lpad.yaml",
               "version: 1\n%s"
               "control: { socket: %s/control.sock }\n"
               "card: { transport: sim, address: \"unix:%s/card.sock\", tac: \"35693803\", block_size: %u }\n"
               "network:\n  ci_certificates: [\"%s/pki/nist/ci.cert.pem\"]\n"
               "  hosts: { smdp.example.com: \"127.0.0.1:%u\" }\n  allow_private_addresses: true\n"
               "policy: %s/policy.yaml\nstate: %s/state\naudit: { file: %s/audit.jsonl }\n"
               "limits: { netd_starts_per_minute: 64 }\nprobes: { ports: [%u] }\n",
               geteuid() == 0 ? users : "", rig->dir, rig->dir, rig->options.block_size, rig->dir, rig->port,
               rig->dir, rig->dir, rig->dir, rig->port);
}

static void open_notify(struct rig *rig)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct path path = path_of(rig, "notify.sock");
    snprintf(address.sun_path, sizeof address.sun_path, "%.*s", (int)sizeof address.sun_path - 1, path.text);
    rig->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (rig->notify < 0 || bind(rig->notify, (struct sockaddr *)&address, sizeof address) != 0)
        die("%s: %s", path.text, strerror(errno));
}

void rig_open(struct rig *rig, const struct rig_options *options)
{
    const char *base = getenv("TMPDIR");
    *rig = (struct rig){.options = *options, .notify = -1};
    int n = snprintf(rig->dir, sizeof rig->dir, "%s/lpad-bench-XXXXXX", base != NULL ? base : "/tmp");
    if (n >= (int)sizeof rig->dir || mkdtemp(rig->dir) == NULL)
        die("cannot make a folder in %s", base != NULL ? base : "/tmp");
    open_rig = rig;
    rig->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    rig->errors = open(path_of(rig, "errors").text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (rig->null < 0 || rig->errors < 0 || mkdir(path_of(rig, "orders").text, 0755) != 0)
        die("cannot fill %s", rig->dir);
    cpu_group_make(&rig->group);
    make_pki(rig);
    write_inputs(rig);
    start_euicc(rig);
    start_smdp(rig);
    write_policy(rig);
    write_config(rig);
    open_notify(rig);
}

void rig_close(struct rig *rig)
{
    for (size_t i = 0; i < 2; i++) {
        kill(rig->simulators[i], SIGTERM);
        wait_for_end(rig->simulators[i], WAIT_MS);
        rig->simulators[i] = 0;
    }
    close(rig->notify);
    close(rig->null);
    close(rig->errors);
    nftw(rig->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    cpu_group_remove(&rig->group);
    open_rig = NULL;
}

// --- lpad ---

void rig_start_lpad(struct rig *rig, int64_t *ret_ready_ns)
{
    struct path config = path_of(rig, "lpad.yaml"), socket_path = path_of(rig, "notify.sock");
    char notify[160], message[256];
    snprintf(notify, sizeof notify, "NOTIFY_SOCKET=%s", socket_path.text);
    const char *const with_notify[] = {"LANG=C", notify, NULL};
    const char *const argv[] = {PROGRAM("broker/lpad"), "--config", config.text, "--libexec",
                                PROGRAM("libexec"),     NULL};
    struct program p = {argv, with_notify, rig->null, rig->errors, rig->errors, &rig->group};
    struct started lpad = spawn(&p);
    rig->lpad = lpad.pid;
    struct pollfd poll_for = {.fd = rig->notify, .events = POLLIN};
    if (poll(&poll_for, 1, WAIT_MS) != 1)
        die("lpad did not get ready");
    *ret_ready_ns = now_ns() - lpad.start_ns;
    ssize_t n = recv(rig->notify, message, sizeof message, MSG_DONTWAIT);
    if (n < 0 || memmem(message, (size_t)n, "READY=1", 7) == NULL)
        die("lpad said something else than READY=1");
}

void rig_stop_lpad(struct rig *rig)
{
    char message[256];
    kill(rig->lpad, SIGTERM);
    struct ended e = wait_for_end(rig->lpad, 60000);
    rig->lpad = 0;
    if (e.code != 0)
        die("lpad ended with code %d", e.code);
    while (recv(rig->notify, message, sizeof message, MSG_DONTWAIT) >= 0)
        continue;
}

void rig_settle(struct rig *rig)
{
    // Longer than the longest wait for a simulator.
    int quiet = 8 + 2 * (int)(rig->options.apdu_latency_ms + rig->options.http_latency_ms);
    processes_settle(rig->lpad, rig->simulators, 2, quiet);
}

struct started rig_lpactl_start(struct rig *rig, const char *input, const char *const *arguments)
{
    struct path socket_path = path_of(rig, "control.sock");
    const char *argv[ARGS_MAX] = {PROGRAM("ctl/lpactl"), "--socket", socket_path.text};
    size_t n = 3;
    while (*arguments != NULL && n < ARGS_MAX - 1)
        argv[n++] = *arguments++;
    int in[2];
    if (pipe2(in, O_CLOEXEC) != 0)
        die("pipe: %s", strerror(errno));
    if (input != NULL && write(in[1], input, strlen(input)) != (ssize_t)strlen(input))
        die("pipe: %s", strerror(errno));
    close(in[1]);
    struct program p = {argv, environment, in[0], rig->null, rig->errors, &rig->group};
    struct started lpactl = spawn(&p);
    close(in[0]);
    return lpactl;
}

struct ended rig_lpactl_end(const struct started *lpactl)
{
    struct ended e = wait_for_end(lpactl->pid, 3 * WAIT_MS);
    if (e.code != 0)
        die("lpactl ended with code %d", e.code);
    e.cpu_ns -= lpactl->cpu_ns;
    return e;
}

void rig_lpactl(struct rig *rig, const char *input, const char *const *arguments)
{
    struct started lpactl = rig_lpactl_start(rig, input, arguments);
    rig_lpactl_end(&lpactl);
}

// --- the simulators' files ---

struct traffic_mark rig_mark(const struct rig *rig)
{
    return traffic_mark(path_of(rig, "apdu.log").text, path_of(rig, "smdp.log").text);
}

void rig_traffic(const struct rig *rig, const struct traffic_mark *mark, struct traffic *ret_traffic)
{
    traffic_since(mark, path_of(rig, "apdu.log").text, path_of(rig, "smdp.log").text, ret_traffic);
}

long rig_audit_size(const struct rig *rig)
{
    struct stat st;
    if (stat(path_of(rig, "audit.jsonl").text, &st) != 0)
        die("there is no audit file");
    return (long)st.st_size;
}

void rig_renew_order(struct rig *rig)
{
    if (unlink(path_of(rig, "orders/order.state.json").text) != 0 && errno != ENOENT)
        die("the order's state cannot be removed");
}

void rig_refuse_notification(struct rig *rig)
{
    write_file(rig, "faults.json", "%s",
               "[{\"function\":\"handleNotification\",\"action\":\"http\",\"http\":503}]");
}
