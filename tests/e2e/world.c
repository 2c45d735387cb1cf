// SPDX-License-Identifier: Apache-2.0
// Starting, driving and stopping the whole of lpad and its simulators.
#include "tests/e2e/world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX 48
#define WAIT_MS  20000

// LPAD_BUILD and LPAD_SOURCE come from CMake.
#define PROGRAM(path) LPAD_BUILD "/" path

bool world_is_root(void)
{
    return geteuid() == 0;
}

static char *path_of(const struct world *w, const char *name)
{
    static char path[16][WORLD_PATH_MAX + 64];
    static unsigned next;
    char *p = path[next++ % 16]; // a dozen of them may be in use at a time
    snprintf(p, sizeof path[0], "%s/%s", w->dir, name);
    return p;
}

void world_write(const struct world *w, const char *name, const char *text)
{
    // Renamed into place: a reader never sees half of it.
    char *final = path_of(w, name), temporary[WORLD_PATH_MAX + 80];
    snprintf(temporary, sizeof temporary, "%s.new", final);
    FILE *f = fopen(temporary, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(temporary, final), 0);
}

char *world_read(const struct world *w, const char *name)
{
    size_t len = 0, cap = 4096;
    char *text = malloc(cap);
    assert_non_null(text);
    int fd = open(path_of(w, name), O_RDONLY | O_CLOEXEC);
    while (fd >= 0) {
        if (cap - len < 2048)
            assert_non_null(text = realloc(text, cap *= 2));
        ssize_t n = read(fd, text + len, cap - len - 1);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    if (fd >= 0)
        close(fd);
    text[len] = 0;
    return text;
}

static unsigned count_in(const char *text, const char *needle)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, needle)) != NULL; p += strlen(needle))
        n++;
    return n;
}

unsigned world_count(const struct world *w, const char *name, const char *text)
{
    char *content = world_read(w, name);
    unsigned n = count_in(content, text);
    free(content);
    return n;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void world_wait_for(const struct world *w, const char *name, const char *text, unsigned times)
{
    int in = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(in >= 0);
    assert_true(inotify_add_watch(in, w->dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) >= 0);
    assert_true(strchr(name, '/') == NULL ||
                inotify_add_watch(in, path_of(w, "orders"), IN_MODIFY | IN_MOVED_TO) >= 0);
    int64_t end = now_ms() + WAIT_MS;
    while (world_count(w, name, text) < times) {
        struct pollfd p = {.fd = in, .events = POLLIN};
        int64_t left = end - now_ms();
        if (left <= 0 || poll(&p, 1, (int)left) <= 0) {
            char *content = world_read(w, name), *log = world_read(w, "lpad.log");
            fail_msg("\"%s\" does not stand %u times in %s:\n%s\nlpad.log:\n%s", text, times, name, content,
                     log);
        }
        char events[4096];
        while (read(in, events, sizeof events) > 0)
            ;
    }
    close(in);
}

// --- processes ---

static pid_t spawn(const char *const *argv, const char *const *environment, int in, int out, int err)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(127);
    execve(argv[0], (char **)(uintptr_t)argv, (char **)(uintptr_t)environment);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int wait_for_end(pid_t pid, int timeout_ms)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_true(pidfd >= 0);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int n = poll(&p, 1, timeout_ms);
    close(pidfd);
    if (n <= 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        fail_msg("process %d did not end within %d ms", (int)pid, timeout_ms);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int open_log(const struct world *w, const char *name)
{
    int fd = open(path_of(w, name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    return fd;
}

static int open_null(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

// Starts a simulator and waits until it says that it listens.
static pid_t start_simulator(const struct world *w, const char **argv, size_t count, const char *const *more,
                             const char *log)
{
    static const char *const environment[] = {"LANG=C", NULL};
    int ready[2];
    char number[16];
    assert_int_equal(pipe(ready), 0); // inherited on purpose
    assert_int_equal(fcntl(ready[0], F_SETFD, FD_CLOEXEC), 0);
    snprintf(number, sizeof number, "%d", ready[1]);
    argv[count++] = "--ready-fd";
    argv[count++] = number;
    for (; more != NULL && *more != NULL; more++)
        argv[count++] = *more;
    argv[count] = NULL;
    assert_true(count < ARGS_MAX);
    int null = open_null(), fd = open_log(w, log);
    pid_t pid = spawn(argv, environment, null, fd, fd);
    close(null);
    close(fd);
    close(ready[1]);
    struct pollfd p = {.fd = ready[0], .events = POLLIN};
    char byte;
    if (poll(&p, 1, WAIT_MS) != 1 || read(ready[0], &byte, 1) != 1) {
        char *content = world_read(w, log);
        fail_msg("%s did not start:\n%s", argv[0], content);
    }
    close(ready[0]);
    return pid;
}

void world_start_euicc(struct world *w)
{
    char listen_at[WORLD_PATH_MAX + 80];
    snprintf(listen_at, sizeof listen_at, "unix:%s", path_of(w, "card.sock"));
    const char *argv[ARGS_MAX] = {PROGRAM("tests/sim/euicc/sim-euicc"),
                                  "--credentials",
                                  path_of(w, "pki"),
                                  "--state",
                                  path_of(w, "card.json"),
                                  "--listen",
                                  listen_at,
                                  "--apdu-log"};
    char log[WORLD_PATH_MAX + 80], faults[WORLD_PATH_MAX + 80], initial[WORLD_PATH_MAX + 80];
    snprintf(log, sizeof log, "%s", path_of(w, "apdu.log"));
    snprintf(faults, sizeof faults, "%s", path_of(w, "euicc-faults.json"));
    snprintf(initial, sizeof initial, "%s", path_of(w, "initial.json"));
    size_t n = 8;
    argv[n++] = log;
    argv[n++] = "--faults";
    argv[n++] = faults;
    if (w->options->initial != NULL) {
        argv[n++] = "--initial";
        argv[n++] = initial;
    }
    w->euicc = start_simulator(w, argv, n, w->options->euicc_args, "euicc.log");
}

void world_stop_euicc(struct world *w)
{
    if (w->euicc > 0) {
        kill(w->euicc, SIGTERM);
        wait_for_end(w->euicc, WAIT_MS);
    }
    w->euicc = 0;
}

void world_stop_smdp(struct world *w)
{
    if (w->smdp > 0) {
        kill(w->smdp, SIGTERM);
        wait_for_end(w->smdp, WAIT_MS);
    }
    w->smdp = 0;
}

void world_start_smdp(struct world *w)
{
    char credentials[2 * WORLD_PATH_MAX], orders[WORLD_PATH_MAX + 80], log[WORLD_PATH_MAX + 80],
        port_file[WORLD_PATH_MAX + 80], faults[WORLD_PATH_MAX + 80], listen_at[32];
    snprintf(credentials, sizeof credentials, "%s/pki/%s", w->dir,
             w->options->smdp_credentials ? w->options->smdp_credentials : "");
    snprintf(orders, sizeof orders, "%s", path_of(w, "orders"));
    snprintf(log, sizeof log, "%s", path_of(w, "smdp.log"));
    snprintf(port_file, sizeof port_file, "%s", path_of(w, "port"));
    snprintf(faults, sizeof faults, "%s", path_of(w, "smdp-faults.json"));
    // A second start keeps the port of the first.
    snprintf(listen_at, sizeof listen_at, "127.0.0.1:%u", w->port);
    const char *argv[ARGS_MAX] = {PROGRAM("tests/sim/smdp/sim-smdp"),
                                  "--credentials",
                                  credentials,
                                  "--address",
                                  WORLD_HOST,
                                  "--orders",
                                  orders,
                                  "--listen",
                                  listen_at,
                                  "--port-file",
                                  port_file,
                                  "--log",
                                  log,
                                  "--faults",
                                  faults};
    w->smdp = start_simulator(w, argv, 15, w->options->smdp_args, "smdp.err");
    char *text = world_read(w, "port");
    w->port = (unsigned)strtoul(text, NULL, 10);
    free(text);
    assert_in_range(w->port, 1, 65535);
}

void world_start_smds(struct world *w, unsigned number, const char *address)
{
    char pki[WORLD_PATH_MAX + 80], events[WORLD_PATH_MAX + 80], log[WORLD_PATH_MAX + 80],
        port_file[WORLD_PATH_MAX + 80], faults[WORLD_PATH_MAX + 80], name[32];
    assert_true(number < WORLD_SMDS_MAX);
    snprintf(pki, sizeof pki, "%s", path_of(w, "pki"));
    snprintf(name, sizeof name, "events-%u", number);
    snprintf(events, sizeof events, "%s", path_of(w, name));
    assert_true(mkdir(events, 0755) == 0 || errno == EEXIST);
    snprintf(name, sizeof name, "smds-%u.log", number);
    snprintf(log, sizeof log, "%s", path_of(w, name));
    snprintf(name, sizeof name, "smds-%u-faults.json", number);
    snprintf(faults, sizeof faults, "%s", path_of(w, name));
    snprintf(name, sizeof name, "smds-%u.port", number);
    snprintf(port_file, sizeof port_file, "%s", path_of(w, name));
    const char *argv[ARGS_MAX] = {PROGRAM("tests/sim/smdp/sim-smdp"),
                                  "--role",
                                  "smds",
                                  "--credentials",
                                  pki,
                                  "--address",
                                  address,
                                  "--events",
                                  events,
                                  "--port-file",
                                  port_file,
                                  "--log",
                                  log,
                                  "--faults",
                                  faults};
    w->smds[number].address = address;
    w->smds[number].pid = start_simulator(w, argv, 15, NULL, "smds.err");
    char *text = world_read(w, name);
    w->smds[number].port = (unsigned)strtoul(text, NULL, 10);
    free(text);
    assert_in_range(w->smds[number].port, 1, 65535);
}

static void stop_smds(struct world *w)
{
    for (unsigned i = 0; i < WORLD_SMDS_MAX; i++) {
        if (w->smds[i].pid > 0) {
            kill(w->smds[i].pid, SIGTERM);
            wait_for_end(w->smds[i].pid, WAIT_MS);
        }
        w->smds[i].pid = 0;
    }
}

static void make_pki(struct world *w)
{
    static const char *const environment[] = {"LANG=C", NULL};
    const char *argv[ARGS_MAX] = {PROGRAM("tests/sim/pki/sim-pki"), "--out", path_of(w, "pki"), "--curve",
                                  "nist"};
    size_t n = 5;
    if (w->options->smdp_credentials != NULL)
        argv[n++] = "--wrong";
    for (const char *const *more = w->options->pki_args; more != NULL && *more != NULL && n < ARGS_MAX - 1;
         more++)
        argv[n++] = *more;
    int null = open_null(), fd = open_log(w, "pki.log");
    int code = wait_for_end(spawn(argv, environment, null, fd, fd), WAIT_MS);
    close(null);
    close(fd);
    assert_int_equal(code, 0);
}

static const char default_policy[] =
    "version: 1\n"
    "roles:\n"
    "  admin: { users: [%u] }\n"
    "permissions:\n"
    "  - operations: [download]\n"
    "    roles: [admin]\n"
    "    hosts: [\"smdp.example.com\"]\n"
    "  - operations: [enable, disable, delete, nickname]\n"
    "    roles: [admin]\n"
    "    profiles: any\n"
    "caps: { downloads_per_day: 100, enables_per_day: 1000, deletes_per_day: 100 }\n";

static void write_config(struct world *w)
{
    const struct world_options *o = w->options;
    char text[8192], transport[WORLD_PATH_MAX + 80], hosts[512] = "";
    for (unsigned i = 0; i < WORLD_SMDS_MAX; i++)
        if (w->smds[i].address != NULL)
            snprintf(hosts + strlen(hosts), sizeof hosts - strlen(hosts), ", %s: \"127.0.0.1:%u\"",
                     w->smds[i].address, w->smds[i].port);
    snprintf(transport, sizeof transport, "  transport: sim\n  address: \"unix:%s/card.sock\"\n", w->dir);
    static const char users[] = "users: { broker: 61001, netd: 61002, cardd: 61003, policyd: 61004 }\n";
    snprintf(text, sizeof text,
             "version: 1\n"
             "%s%s"
             "control:\n  socket: %s/control.sock\n"
             "card:\n%s  tac: \"35693803\"\n%s"
             "network:\n  ci_certificates: [\"%s/pki/nist/ci.cert.pem\"]\n"
             "  hosts: { smdp.example.com: \"127.0.0.1:%u\"%s }\n"
             "  allow_private_addresses: true\n%s"
             "policy: %s/policy.yaml\n"
             "state: %s/state\n"
             "audit: { file: %s/audit.jsonl }\n"
             "%s%s",
             world_is_root() ? users : "", o->config_top ? o->config_top : "", w->dir,
             o->config_transport ? o->config_transport : transport, o->config_card ? o->config_card : "",
             w->dir, w->port ? w->port : 9, hosts, o->config_network ? o->config_network : "", w->dir, w->dir,
             w->dir, o->config_limits ? "limits:\n" : "", o->config_limits ? o->config_limits : "");
    world_write(w, "lpad.yaml", text);
}

void world_make(struct world *w, const struct world_options *options)
{
    static const struct world_options none = {0};
    *w = (struct world){.notify = -1, .options = options ? options : &none};
    options = w->options;
    const char *base = getenv("TMPDIR");
    snprintf(w->dir, sizeof w->dir, "%s/lpad-e2e-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(w->dir));
    make_pki(w);
    assert_int_equal(mkdir(path_of(w, "orders"), 0755), 0);
    char order[4096];
    snprintf(
        order, sizeof order,
        "{\"matchingId\":\"MATCHING-1\",\"iccid\":\"" WORLD_ICCID
        "\",\"serviceProviderName\":\"Example Telecom\","
        "\"profileName\":\"Gateway One\",\"class\":\"operational\",\"state\":\"Released\",\"uppSize\":11800,"
        "\"notifications\":[{\"events\":[\"enable\",\"disable\",\"delete\"],\"address\":\"" WORLD_HOST
        "\"}]%s%s}",
        options->order ? "," : "", options->order ? options->order : "");
    world_write(w, "orders/order.json", order);
    world_write(w, "euicc-faults.json", options->euicc_faults ? options->euicc_faults : "[]");
    world_write(w, "smdp-faults.json", options->smdp_faults ? options->smdp_faults : "[]");
    if (options->initial != NULL)
        world_write(w, "initial.json", options->initial);
    char policy[4096];
    snprintf(policy, sizeof policy, default_policy, (unsigned)getuid());
    const char *text = options->policy ? options->policy : policy;
    if (text[0] != 0)
        world_write(w, "policy.yaml", text);
}

void world_start_lpad_only(struct world *w)
{
    char config[WORLD_PATH_MAX + 80], notify[WORLD_PATH_MAX + 80];
    snprintf(config, sizeof config, "%s", path_of(w, "lpad.yaml"));
    write_config(w);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = path_of(w, "notify.sock");
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    unlink(address.sun_path);
    if (w->notify >= 0)
        close(w->notify);
    w->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(w->notify >= 0);
    assert_int_equal(bind(w->notify, (struct sockaddr *)&address, sizeof address), 0);
    snprintf(notify, sizeof notify, "NOTIFY_SOCKET=%s", address.sun_path);
    const char *const environment[] = {"LANG=C", notify, NULL};
    const char *const argv[] = {PROGRAM("broker/lpad"), "--config", config, "--libexec",
                                PROGRAM("libexec"),     NULL};
    int null = open_null(), log = open_log(w, "lpad.log");
    w->lpad = spawn(argv, environment, null, log, log);
    close(null);
    close(log);
}

void world_wait_ready(struct world *w)
{
    int pidfd = (int)syscall(SYS_pidfd_open, w->lpad, 0);
    struct pollfd p[2] = {
        {.fd = w->notify, .events = POLLIN},
        {.fd = pidfd,     .events = POLLIN}
    };
    char message[256];
    int n = poll(p, 2, WAIT_MS);
    close(pidfd);
    ssize_t len = n > 0 && (p[0].revents & POLLIN) ? recv(w->notify, message, sizeof message - 1, 0) : -1;
    if (len < 0 || memmem(message, (size_t)len, "READY=1", 7) == NULL) {
        char *log = world_read(w, "lpad.log");
        fail_msg("lpad did not get ready:\n%s", log);
    }
}

void world_start_lpad(struct world *w)
{
    world_start_lpad_only(w);
    world_wait_ready(w);
}

int world_stop_lpad(struct world *w)
{
    if (w->lpad <= 0)
        return 0;
    kill(w->lpad, SIGTERM);
    int code = wait_for_end(w->lpad, 60000);
    w->lpad = 0;
    return code;
}

void world_start(struct world *w, const struct world_options *options)
{
    world_make(w, options);
    if (!w->options->no_euicc)
        world_start_euicc(w);
    if (!w->options->no_smdp)
        world_start_smdp(w);
    world_start_lpad(w);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void world_remove(struct world *w)
{
    world_stop_euicc(w);
    world_stop_smdp(w);
    stop_smds(w);
    if (w->notify >= 0)
        close(w->notify);
    w->notify = -1;
    if (getenv("LPAD_KEEP") == NULL)
        assert_int_equal(nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void world_stop(struct world *w)
{
    int code = world_stop_lpad(w);
    char *log = world_read(w, "lpad.log");
    if (code != 0 || strstr(log, "SIGSYS") != NULL || strstr(log, "bug at") != NULL)
        fail_msg("lpad ended with code %d; its log:\n%s", code, log);
    free(log);
    world_remove(w);
}

// --- lpactl ---

static struct background lpactl_start(struct world *w, const char *input, va_list ap)
{
    static const char *const environment[] = {"LANG=C", "NO_COLOR=1", NULL};
    char socket_path[WORLD_PATH_MAX + 80];
    snprintf(socket_path, sizeof socket_path, "%s", path_of(w, "control.sock"));
    const char *argv[ARGS_MAX] = {PROGRAM("ctl/lpactl"), "--socket", socket_path};
    size_t n = 3;
    const char *arg;
    while ((arg = va_arg(ap, const char *)) != NULL && n < ARGS_MAX - 1)
        argv[n++] = arg;
    argv[n] = NULL;
    int in[2], out[2], err[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    struct background b = {
        .pid = spawn(argv, environment, in[0], out[1], err[1]), .out = out[0], .err = err[0]};
    close(in[0]);
    close(out[1]);
    close(err[1]);
    if (input != NULL)
        assert_int_equal(write(in[1], input, strlen(input)), (ssize_t)strlen(input));
    close(in[1]);
    return b;
}

struct background world_lpactl_start(struct world *w, const char *input, ...)
{
    va_list ap;
    va_start(ap, input);
    struct background b = lpactl_start(w, input, ap);
    va_end(ap);
    return b;
}

struct reader {
    int fd;
    char *text;
    size_t len, cap;
};

static bool read_some(struct reader *r)
{
    if (r->cap - r->len < 4096)
        assert_non_null(r->text = realloc(r->text, r->cap += 16384));
    ssize_t n = read(r->fd, r->text + r->len, r->cap - r->len - 1);
    if (n <= 0) {
        close(r->fd);
        r->fd = -1;
        return false;
    }
    r->len += (size_t)n;
    return true;
}

struct run world_join(struct background *b)
{
    struct reader readers[2] = {{.fd = b->out}, {.fd = b->err}};
    int64_t end = now_ms() + 3 * WAIT_MS;
    while (readers[0].fd >= 0 || readers[1].fd >= 0) {
        struct pollfd p[2] = {
            {.fd = readers[0].fd, .events = POLLIN},
            {.fd = readers[1].fd, .events = POLLIN}
        };
        int64_t left = end - now_ms();
        if (left <= 0 || poll(p, 2, (int)left) <= 0) {
            kill(b->pid, SIGKILL);
            waitpid(b->pid, NULL, 0);
            fail_msg("lpactl did not end in time");
        }
        for (int i = 0; i < 2; i++)
            if (p[i].revents != 0)
                read_some(&readers[i]);
    }
    for (int i = 0; i < 2; i++) {
        if (readers[i].text == NULL)
            assert_non_null(readers[i].text = malloc(1));
        readers[i].text[readers[i].len] = 0;
    }
    return (struct run){
        .code = wait_for_end(b->pid, WAIT_MS), .out = readers[0].text, .err = readers[1].text};
}

struct run world_lpactl(struct world *w, const char *input, ...)
{
    va_list ap;
    va_start(ap, input);
    struct background b = lpactl_start(w, input, ap);
    va_end(ap);
    return world_join(&b);
}

void run_free(struct run *r)
{
    free(r->out);
    free(r->err);
    *r = (struct run){0};
}

static void download(struct world *w, const char *code)
{
    struct run r = world_lpactl(w, code, "profile", "download", "--yes", NULL);
    if (r.code != 0) {
        char *log = world_read(w, "lpad.log");
        fail_msg("the download ended with %d:\n%s%s\nlpad.log:\n%s", r.code, r.out, r.err, log);
    }
    run_free(&r);
}

void world_download(struct world *w)
{
    download(w, WORLD_CODE "\n");
}

void world_download_other(struct world *w)
{
    world_write(w, "orders/other.json",
                "{\"matchingId\":\"MATCHING-2\",\"iccid\":\"" WORLD_OTHER_ICCID
                "\",\"serviceProviderName\":\"Example Telecom\",\"profileName\":\"Gateway "
                "Two\",\"state\":\"Released\"}");
    download(w, "LPA:1$smdp.example.com$MATCHING-2\n");
}

pid_t world_pid(struct world *w, const char *process)
{
    struct run r = world_lpactl(w, NULL, "--json", "status", NULL);
    assert_int_equal(r.code, 0);
    char key[64];
    snprintf(key, sizeof key, "\"%s\"", process);
    const char *at = strstr(r.out, key);
    pid_t pid = 0;
    if (at != NULL && (at = strstr(at, "\"pid\":")) != NULL)
        pid = (pid_t)strtol(at + 6, NULL, 10);
    run_free(&r);
    return pid;
}
