// SPDX-License-Identifier: Apache-2.0
// Starting, wiring and ending the processes.
#include "tests/hostile/rig.h"

#include "broker/children.h"
#include "lib/sealed.h"
#include "proto/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

// RIG_BUILD comes from CMake.
#define PROGRAM(path) RIG_BUILD "/" path
#define WAIT_MS       20000
#define CARDD_UID     61003
#define POLICYD_UID   61004

static char base[160];

static const char default_policy[] = //
    "version: 1\n"
    "roles:\n"
    "  admin: { users: [1000] }\n"
    "  operator: { users: [1001] }\n"
    "  guest: { users: [1002] }\n"
    "permissions:\n"
    "  - operations: [download]\n"
    "    roles: [admin]\n"
    "    hosts: [\"" RIG_HOST "\"]\n"
    "  - operations: [enable, disable, nickname]\n"
    "    roles: [admin, operator]\n"
    "    profiles: any\n"
    "  - operations: [delete]\n"
    "    roles: [admin]\n"
    "    profiles: { classes: [test] }\n"
    "    consent: given\n"
    "caps: { downloads_per_day: 1000, enables_per_day: 1000, deletes_per_day: 1000 }\n";

static const char default_initial[] =
    "{\"profiles\": ["
    "{\"iccid\":\"" RIG_DISABLED "\",\"name\":\"One\",\"serviceProvider\":\"Example\",\"notifications\":"
    "[{\"events\":[\"enable\",\"disable\",\"delete\"],\"address\":\"" RIG_HOST "\"}]},"
    "{\"iccid\":\"" RIG_ENABLED "\",\"name\":\"Two\",\"serviceProvider\":\"Example\",\"enabled\":true},"
    "{\"iccid\":\"" RIG_TEST
    "\",\"name\":\"Three\",\"serviceProvider\":\"Example\",\"class\":\"test\",\"fieldLoaded\":true},"
    "{\"iccid\":\"" RIG_DISABLED2 "\",\"name\":\"Four\",\"serviceProvider\":\"Example\"}]}";

static const char *path_in(const char *dir, const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *p = paths[next++ % 8];
    snprintf(p, sizeof paths[0], "%s/%s", dir, name);
    return p;
}

const char *rig_credentials(const char *name)
{
    return path_in(base, name);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char temporary[512];
    snprintf(temporary, sizeof temporary, "%s.new", path_in(dir, name));
    FILE *f = fopen(temporary, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(temporary, path_in(dir, name)), 0);
}

// --- processes ---

int rig_end_of(struct process *p)
{
    struct pollfd fd = {.fd = p->pidfd, .events = POLLIN};
    assert_true(p->pid > 0);
    bool ended = poll(&fd, 1, WAIT_MS) == 1;
    if (!ended)
        kill(p->pid, SIGKILL);
    int status;
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    close(p->pidfd);
    *p = (struct process){0};
    if (!ended)
        fail_msg("a process that was to end did not");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void rig_kill(struct process *p)
{
    if (p->pid == 0)
        return;
    kill(p->pid, SIGKILL);
    assert_int_equal(rig_end_of(p), 128 + SIGKILL);
}

bool rig_lives(const struct process *p)
{
    struct pollfd fd = {.fd = p->pidfd, .events = POLLIN};
    return p->pid > 0 && poll(&fd, 1, 0) == 0;
}

static void stop_simulator(struct process *p)
{
    if (p->pid == 0)
        return;
    kill(p->pid, SIGTERM);
    assert_int_equal(rig_end_of(p), 0);
}

static void spawn(const char *const *argv, struct process *ret_process)
{
    static const char *const environment[] = {"LANG=C", NULL};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        execve(argv[0], (char **)(uintptr_t)argv, (char **)(uintptr_t)environment);
        _exit(127);
    }
    *ret_process = (struct process){.pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0)};
    assert_true(ret_process->pidfd >= 0);
}

int rig_group_setup(void **state)
{
    (void)state;
    const char *temporary = getenv("TMPDIR");
    snprintf(base, sizeof base, "%s/lpad-hostile-XXXXXX", temporary != NULL ? temporary : "/tmp");
    if (mkdtemp(base) == NULL)
        return -1;
    const char *argv[] = {
        PROGRAM("tests/sim/pki/sim-pki"), "--out", path_in(base, "pki"), "--curve", "nist", "--wrong", NULL};
    struct process pki;
    spawn(argv, &pki);
    return rig_end_of(&pki);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int rig_group_teardown(void **state)
{
    (void)state;
    return getenv("LPAD_KEEP") != NULL ? 0 : nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void start_card(struct rig *r)
{
    int ready[2];
    char number[16], address[300], byte;
    assert_int_equal(pipe(ready), 0); // inherited on purpose
    assert_int_equal(fcntl(ready[0], F_SETFD, FD_CLOEXEC), 0);
    snprintf(number, sizeof number, "%d", ready[1]);
    snprintf(address, sizeof address, "unix:%s", path_in(r->dir, "card.sock"));
    const char *argv[] = {PROGRAM("tests/sim/euicc/sim-euicc"),
                          "--credentials",
                          path_in(base, "pki"),
                          "--state",
                          path_in(r->dir, "card.json"),
                          "--initial",
                          path_in(r->dir, "initial.json"),
                          "--listen",
                          address,
                          "--apdu-log",
                          path_in(r->dir, "apdu.log"),
                          "--faults",
                          path_in(r->dir, "faults.json"),
                          "--ready-fd",
                          number,
                          NULL};
    spawn(argv, &r->euicc);
    close(ready[1]);
    struct pollfd p = {.fd = ready[0], .events = POLLIN};
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

static int connect_card(const struct rig *r)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = path_in(r->dir, "card.sock");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static int seal_message(const ProtobufCMessage *m)
{
    static uint8_t packed[4096];
    int fd;
    assert_int_equal(link_check(m), ERR_OK);
    assert_true(protobuf_c_message_get_packed_size(m) <= sizeof packed);
    size_t len = protobuf_c_message_pack(m, packed);
    assert_int_equal(sealed_make("settings", bytes_make(packed, len), &fd), ERR_OK);
    return fd;
}

// As the supervisor starts them: descriptors from 3 on, its own uid when there is one to give. What it says
// goes to the rig's log. Takes the descriptors.
static void start_process(struct rig *r, const char *path, const char *name, uid_t uid, const int *fds,
                          size_t count, struct process *ret_process)
{
    struct child_start start = {.path = path, .name = name, .descriptor_count = count};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = open(path_in(r->dir, "lpad.log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    int saved = fcntl(2, F_DUPFD_CLOEXEC, 10);
    assert_true(null >= 0 && log >= 0 && saved >= 0 && count <= CHILD_DESCRIPTORS_MAX);
    start.null = null;
    memcpy(start.descriptors, fds, count * sizeof fds[0]);
    if (geteuid() == 0)
        start.identity = (struct identity){.own = true, .uid = uid, .gid = uid};
    assert_int_equal(dup2(log, 2), 2);
    enum err e = child_start(&start, &ret_process->pid, &ret_process->pidfd);
    assert_int_equal(dup2(saved, 2), 2);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    close(null);
    close(log);
    close(saved);
    assert_int_equal(e, ERR_OK);
}

static void make_pair(int pair[static 2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void give_link(struct rig *r, Lpad__Process peer, int fd)
{
    Lpad__SupervisorToPolicyd frame = LPAD__SUPERVISOR_TO_POLICYD__INIT;
    Lpad__NewLink body = LPAD__NEW_LINK__INIT;
    body.peer = peer;
    frame.body_case = LPAD__SUPERVISOR_TO_POLICYD__BODY_NEW_LINK;
    frame.new_link = &body;
    assert_int_equal(link_send(&r->supervisor, &frame.base, fd), ERR_OK);
    close(fd);
}

static int cardd_settings(const struct rig *r)
{
    static const uint8_t aid[] = {0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF,
                                  0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x00};
    static const uint8_t tac[] = {0x53, 0x96, 0x83, 0x30};
    static const uint8_t terminal[] = {0xA9, 0x03, 0x83, 0x01, 0x07};
    Lpad__CarddSettings s = LPAD__CARDD_SETTINGS__INIT;
    s.sandbox = LPAD__SANDBOX_MODE__SANDBOX_REQUIRED;
    s.block_size = 255;
    s.has_terminal_capability = r->options->with_terminal_capability;
    s.terminal_capability = binary_from(terminal, sizeof terminal);
    s.isdr_aid = binary_from(aid, sizeof aid);
    s.tac = binary_from(tac, sizeof tac);
    s.apdu_timeout_ms = r->options->apdu_ms != 0 ? r->options->apdu_ms : 5000;
    s.load_timeout_ms = r->options->apdu_ms != 0 ? r->options->apdu_ms : 5000;
    s.response_max = 64 * 1024;
    s.package_max = r->options->package_max != 0 ? r->options->package_max : 1024 * 1024;
    s.transport = (char *)(uintptr_t) "sim";
    return seal_message(&s.base);
}

void rig_start_cardd(struct rig *r)
{
    int broker[2], policyd[2];
    const ProtobufCMessage *frame;
    int none;
    link_close(&r->card);
    make_pair(broker);
    make_pair(policyd);
    const int fds[] = {cardd_settings(r), broker[1], policyd[1], connect_card(r)};
    start_process(r, PROGRAM("libexec/lpad-cardd"), "lpad-cardd", CARDD_UID, fds, 4, &r->cardd);
    assert_int_equal(link_init(&r->card, broker[0], &link_broker_cardd), ERR_OK);
    if (link_is_open(&r->supervisor))
        give_link(r, LPAD__PROCESS__PROCESS_CARDD, policyd[0]);
    else
        close(policyd[0]);
    assert_int_equal(link_recv(&r->card, WAIT_MS, &frame, &none), ERR_OK);
    assert_int_equal(((const Lpad__CarddToBroker *)(const void *)frame)->body_case,
                     LPAD__CARDD_TO_BROKER__BODY_HELLO);
}

static const Lpad__PolicydToSupervisor *from_policyd(struct rig *r)
{
    const ProtobufCMessage *frame;
    int none;
    assert_int_equal(link_recv(&r->supervisor, WAIT_MS, &frame, &none), ERR_OK);
    return (const Lpad__PolicydToSupervisor *)(const void *)frame;
}

void rig_give_policy(struct rig *r, const char *text)
{
    Lpad__SupervisorToPolicyd frame = LPAD__SUPERVISOR_TO_POLICYD__INIT;
    Lpad__PolicyText body = LPAD__POLICY_TEXT__INIT;
    Lpad__PolicyAbsent absent = LPAD__POLICY_ABSENT__INIT;
    int fd = -1;
    if (text[0] != 0) {
        assert_int_equal(sealed_make("policy", bytes_from_text(text), &fd), ERR_OK);
        body.size = (uint32_t)strlen(text);
        frame.body_case = LPAD__SUPERVISOR_TO_POLICYD__BODY_POLICY_TEXT;
        frame.policy_text = &body;
    } else {
        absent.error_number = ENOENT;
        frame.body_case = LPAD__SUPERVISOR_TO_POLICYD__BODY_POLICY_ABSENT;
        frame.policy_absent = &absent;
    }
    assert_int_equal(link_send(&r->supervisor, &frame.base, fd), ERR_OK);
    if (fd >= 0)
        close(fd);
    const Lpad__PolicydToSupervisor *answer = from_policyd(r);
    assert_int_equal(answer->body_case, LPAD__POLICYD_TO_SUPERVISOR__BODY_VERDICT);
    assert_int_equal(answer->verdict->loaded, text[0] != 0);
    r->has_policy = r->has_policy || text[0] != 0;
}

void rig_new_broker_link(struct rig *r)
{
    int pair[2];
    const ProtobufCMessage *frame;
    int none;
    link_close(&r->policy);
    make_pair(pair);
    give_link(r, LPAD__PROCESS__PROCESS_BROKER, pair[1]);
    assert_int_equal(link_init(&r->policy, pair[0], &link_broker_policyd), ERR_OK);
    assert_int_equal(link_recv(&r->policy, WAIT_MS, &frame, &none), ERR_OK);
    assert_int_equal(((const Lpad__PolicydToBroker *)(const void *)frame)->body_case,
                     LPAD__POLICYD_TO_BROKER__BODY_HELLO);
    if (!r->has_policy)
        return;
    assert_int_equal(link_recv(&r->policy, WAIT_MS, &frame, &none), ERR_OK);
    assert_int_equal(((const Lpad__PolicydToBroker *)(const void *)frame)->body_case,
                     LPAD__POLICYD_TO_BROKER__BODY_SWITCH_PLAN);
    r->generation = ((const Lpad__PolicydToBroker *)(const void *)frame)->switch_plan->generation;
}

void rig_start_policyd(struct rig *r)
{
    Lpad__PolicydSettings s = LPAD__POLICYD_SETTINGS__INIT;
    int pair[2];
    s.sandbox = LPAD__SANDBOX_MODE__SANDBOX_REQUIRED;
    s.intent_timeout_ms = r->options->intent_ms != 0 ? r->options->intent_ms : 60000;
    link_close(&r->supervisor);
    make_pair(pair);
    const int fds[] = {seal_message(&s.base),
                       pair[1],
                       fcntl(r->files[0], F_DUPFD_CLOEXEC, 10),
                       fcntl(r->files[1], F_DUPFD_CLOEXEC, 10),
                       fcntl(r->files[2], F_DUPFD_CLOEXEC, 10),
                       fcntl(r->files[3], F_DUPFD_CLOEXEC, 10)};
    start_process(r, PROGRAM("libexec/lpad-policyd"), "lpad-policyd", POLICYD_UID, fds, 6, &r->policyd);
    assert_int_equal(link_init(&r->supervisor, pair[0], &link_supervisor_policyd), ERR_OK);
    assert_int_equal(from_policyd(r)->body_case, LPAD__POLICYD_TO_SUPERVISOR__BODY_HELLO);
    rig_give_policy(r, r->options->policy != NULL ? r->options->policy : default_policy);
    rig_new_broker_link(r);
}

// --- the whole ---

static void make_files(struct rig *r)
{
    static const char *const names[] = {"policy.state", "policy.last-good", "engine.state"};
    char order[2048];
    const char *more = r->options->order;
    snprintf(order, sizeof order,
             "{\"matchingId\":\"MATCHING-1\",\"iccid\":\"" RIG_ORDERED
             "\",\"serviceProviderName\":\"Example Telecom\",\"profileName\":\"Gateway One\","
             "\"class\":\"operational\",\"state\":\"Released\",\"uppSize\":11800,\"downloadLimit\":100000,"
             "\"notifications\":[{\"events\":[\"enable\",\"delete\"],\"address\":\"" RIG_HOST "\"}]%s%s}",
             more != NULL ? "," : "", more != NULL ? more : "");
    assert_int_equal(mkdir(path_in(r->dir, "orders"), 0755), 0);
    write_file(r->dir, "orders/order.json", order);
    write_file(r->dir, "initial.json", r->options->initial != NULL ? r->options->initial : default_initial);
    rig_faults(r, r->options->faults != NULL ? r->options->faults : "[]");
    r->files[3] = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(r->files[3] >= 0);
    for (int i = 0; i < 3; i++) {
        r->files[i] = open(path_in(r->dir, names[i]), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(r->files[i] >= 0);
    }
}

void rig_faults(struct rig *r, const char *json)
{
    write_file(r->dir, "faults.json", json);
}

void rig_open(struct rig *r, const struct rig_options *options)
{
    static const struct rig_options none = {0};
    *r = (struct rig){.options = options != NULL ? options : &none,
                      .card = LINK_NONE,
                      .policy = LINK_NONE,
                      .supervisor = LINK_NONE};
    snprintf(r->dir, sizeof r->dir, "%s/rig-XXXXXX", base);
    assert_non_null(mkdtemp(r->dir));
    make_files(r);
    r->server = server_new(path_in(base, "pki"), path_in(r->dir, "orders"), RIG_HOST);
    assert_non_null(r->server);
    start_card(r);
    rig_start_policyd(r);
    rig_start_cardd(r);
    rig_mark(r);
}

static void check_log(const struct rig *r)
{
    static const char *const bad[] = {"bug at", "SIGSYS", "ERROR: AddressSanitizer", "runtime error"};
    static char text[65536];
    FILE *f = fopen(path_in(r->dir, "lpad.log"), "re");
    assert_non_null(f);
    size_t len = fread(text, 1, sizeof text - 1, f);
    text[len] = 0;
    fclose(f);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (strstr(text, bad[i]) != NULL)
            fail_msg("\"%s\" is in the log:\n%s", bad[i], text);
}

void rig_close(struct rig *r)
{
    link_close(&r->card);
    if (r->cardd.pid != 0)
        assert_int_equal(rig_end_of(&r->cardd), PROC_EXIT_OK);
    link_close(&r->policy);
    link_close(&r->supervisor);
    if (r->policyd.pid != 0)
        assert_int_equal(rig_end_of(&r->policyd), PROC_EXIT_OK);
    stop_simulator(&r->euicc);
    server_free(r->server);
    for (int i = 0; i < 4; i++)
        close(r->files[i]);
    check_log(r);
}
