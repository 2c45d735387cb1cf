// SPDX-License-Identifier: Apache-2.0
// Making, starting and stopping the whole of lpad and its simulators.
#include "tests/e2e/world_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_log(const struct world *w, const char *name)
{
    int fd = open(world_path(w, name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    return fd;
}

int world_open_null(void)
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
    assert_true(count < WORLD_ARGS_MAX);
    int null = world_open_null(), fd = open_log(w, log);
    pid_t pid = world_spawn(argv, environment, null, fd, fd);
    close(null);
    close(fd);
    close(ready[1]);
    struct pollfd p = {.fd = ready[0], .events = POLLIN};
    char byte;
    if (poll(&p, 1, WORLD_WAIT_MS) != 1 || read(ready[0], &byte, 1) != 1) {
        char *content = world_read(w, log);
        fail_msg("%s did not start:\n%s", argv[0], content);
    }
    close(ready[0]);
    return pid;
}

void world_start_euicc(struct world *w)
{
    char listen_at[WORLD_PATH_MAX + 80];
    snprintf(listen_at, sizeof listen_at, "unix:%s", world_path(w, "card.sock"));
    const char *argv[WORLD_ARGS_MAX] = {WORLD_PROGRAM("tests/sim/euicc/sim-euicc"),
                                        "--credentials",
                                        world_path(w, "pki"),
                                        "--state",
                                        world_path(w, "card.json"),
                                        "--listen",
                                        listen_at,
                                        "--apdu-log"};
    char log[WORLD_PATH_MAX + 80], faults[WORLD_PATH_MAX + 80], initial[WORLD_PATH_MAX + 80];
    snprintf(log, sizeof log, "%s", world_path(w, "apdu.log"));
    snprintf(faults, sizeof faults, "%s", world_path(w, "euicc-faults.json"));
    snprintf(initial, sizeof initial, "%s", world_path(w, "initial.json"));
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
        world_wait_for_end(w->euicc, WORLD_WAIT_MS);
    }
    w->euicc = 0;
}

void world_stop_smdp(struct world *w)
{
    if (w->smdp > 0) {
        kill(w->smdp, SIGTERM);
        world_wait_for_end(w->smdp, WORLD_WAIT_MS);
    }
    w->smdp = 0;
}

void world_start_smdp(struct world *w)
{
    char credentials[2 * WORLD_PATH_MAX], orders[WORLD_PATH_MAX + 80], log[WORLD_PATH_MAX + 80],
        port_file[WORLD_PATH_MAX + 80], faults[WORLD_PATH_MAX + 80], listen_at[32];
    snprintf(credentials, sizeof credentials, "%s/pki/%s", w->dir,
             w->options->smdp_credentials ? w->options->smdp_credentials : "");
    snprintf(orders, sizeof orders, "%s", world_path(w, "orders"));
    snprintf(log, sizeof log, "%s", world_path(w, "smdp.log"));
    snprintf(port_file, sizeof port_file, "%s", world_path(w, "port"));
    snprintf(faults, sizeof faults, "%s", world_path(w, "smdp-faults.json"));
    // A second start keeps the port of the first.
    snprintf(listen_at, sizeof listen_at, "127.0.0.1:%u", w->port);
    const char *argv[WORLD_ARGS_MAX] = {WORLD_PROGRAM("tests/sim/smdp/sim-smdp"),
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
    snprintf(pki, sizeof pki, "%s", world_path(w, "pki"));
    snprintf(name, sizeof name, "events-%u", number);
    snprintf(events, sizeof events, "%s", world_path(w, name));
    assert_true(mkdir(events, 0755) == 0 || errno == EEXIST);
    snprintf(name, sizeof name, "smds-%u.log", number);
    snprintf(log, sizeof log, "%s", world_path(w, name));
    snprintf(name, sizeof name, "smds-%u-faults.json", number);
    snprintf(faults, sizeof faults, "%s", world_path(w, name));
    snprintf(name, sizeof name, "smds-%u.port", number);
    snprintf(port_file, sizeof port_file, "%s", world_path(w, name));
    const char *argv[WORLD_ARGS_MAX] = {WORLD_PROGRAM("tests/sim/smdp/sim-smdp"),
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
            world_wait_for_end(w->smds[i].pid, WORLD_WAIT_MS);
        }
        w->smds[i].pid = 0;
    }
}

static void run_pki(struct world *w, const char *const *argv)
{
    static const char *const environment[] = {"LANG=C", NULL};
    int null = world_open_null(), fd = open_log(w, "pki.log");
    int code = world_wait_for_end(world_spawn(argv, environment, null, fd, fd), WORLD_WAIT_MS);
    close(null);
    close(fd);
    assert_int_equal(code, 0);
}

const char *world_make_crl(struct world *w, const char *revoked)
{
    const char *file = world_path(w, "revoked.crl");
    const char *const argv[] = {WORLD_PROGRAM("tests/sim/pki/sim-pki"),
                                "--crl",
                                file,
                                "--from",
                                world_path(w, "pki/nist"),
                                "--revoke",
                                world_path(w, revoked),
                                NULL};
    run_pki(w, argv);
    return file;
}

static void make_pki(struct world *w)
{
    const char *argv[WORLD_ARGS_MAX] = {WORLD_PROGRAM("tests/sim/pki/sim-pki"), "--out", world_path(w, "pki"),
                                        "--curve", "nist"};
    size_t n = 5;
    if (w->options->smdp_credentials != NULL)
        argv[n++] = "--wrong";
    for (const char *const *more = w->options->pki_args;
         more != NULL && *more != NULL && n < WORLD_ARGS_MAX - 1; more++)
        argv[n++] = *more;
    run_pki(w, argv);
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
    char text[8192], transport[WORLD_PATH_MAX + 80], hosts[512] = "", ci[WORLD_PATH_MAX + 80];
    for (unsigned i = 0; i < WORLD_SMDS_MAX; i++)
        if (w->smds[i].address != NULL)
            snprintf(hosts + strlen(hosts), sizeof hosts - strlen(hosts), ", %s: \"127.0.0.1:%u\"",
                     w->smds[i].address, w->smds[i].port);
    snprintf(transport, sizeof transport, "  transport: sim\n  address: \"unix:%s/card.sock\"\n", w->dir);
    snprintf(ci, sizeof ci, "  ci_certificates: [\"%s\"]\n", world_path(w, "pki/nist/ci.cert.pem"));
    static const char users[] =
        "users: { broker: 61001, netd: 61002, cardd: 61003, policyd: 61004, probed: 61005 }\n";
    snprintf(text, sizeof text,
             "version: 1\n"
             "%s%s"
             "control:\n  socket: %s/control.sock\n"
             "card:\n%s  tac: \"35693803\"\n%s"
             "network:\n%s"
             "  hosts: { smdp.example.com: \"127.0.0.1:%u\"%s }\n"
             "  allow_private_addresses: true\n%s"
             "policy: %s/policy.yaml\n"
             "state: %s/state\n"
             "audit: { file: %s/%s%saudit.jsonl%s }\n"
             "%s%s",
             world_is_root() ? users : "", o->config_top ? o->config_top : "", w->dir,
             o->config_transport ? o->config_transport : transport, o->config_card ? o->config_card : "",
             o->no_ci ? "" : ci, w->port ? w->port : 9, hosts, o->config_network ? o->config_network : "",
             w->dir, w->dir, w->dir, o->audit_folder ? o->audit_folder : "", o->audit_folder ? "/" : "",
             o->config_audit ? o->config_audit : "", o->config_limits ? "limits:\n" : "",
             o->config_limits ? o->config_limits : "");
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
    assert_int_equal(mkdir(world_path(w, "orders"), 0755), 0);
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
    snprintf(config, sizeof config, "%s", world_path(w, "lpad.yaml"));
    write_config(w);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = world_path(w, "notify.sock");
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
    const char *const argv[] = {WORLD_PROGRAM("broker/lpad"),
                                "--config",
                                config,
                                "--libexec",
                                w->options->libexec ? w->options->libexec : WORLD_PROGRAM("libexec"),
                                NULL};
    int null = world_open_null(), log = open_log(w, "lpad.log");
    if (w->options->as_service) {
        assert_int_equal(chown(w->dir, WORLD_SERVICE_UID, WORLD_SERVICE_UID), 0);
        assert_int_equal(chmod(world_path(w, "card.sock"), 0666), 0);
        assert_int_equal(chmod(address.sun_path, 0666), 0);
    }
    w->lpad = world_spawn_as(w->options->as_service, argv, environment, null, log, log);
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
    int n = poll(p, 2, WORLD_WAIT_MS);
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
    int code = world_wait_for_end(w->lpad, 60000);
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
    world_keep_audit(w);
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
