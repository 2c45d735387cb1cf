// SPDX-License-Identifier: Apache-2.0
// The audit in a real journal: systemd-journald runs in a mount namespace of this test, with a /run of its
// own. Every record arrives with its fields, and hostile text stays one field.
#include "broker/journal.h"
#include "tests/e2e/world.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOURNALD       "/lib/systemd/systemd-journald"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define NOTIFY_SOCKET  "/run/lpad-test-notify"
#define SKIPPED        77

static int make_socket(const char *path, bool is_bound)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    int r =
        is_bound ? bind(fd, (struct sockaddr *)&a, sizeof a) : connect(fd, (struct sockaddr *)&a, sizeof a);
    if (fd >= 0 && r == 0)
        return fd;
    close(fd);
    return -1;
}

// Its pid once it is ready; 0: it does not come up here.
static pid_t start_journald(void)
{
    char text[256] = "";
    char *const argv[] = {(char *)(uintptr_t)JOURNALD, NULL};
    char *const env[] = {(char *)(uintptr_t) "NOTIFY_SOCKET=" NOTIFY_SOCKET, NULL};
    int notify = make_socket(NOTIFY_SOCKET, true);
    if (notify < 0)
        return 0;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
            _exit(127);
        execve(JOURNALD, argv, env);
        _exit(127);
    }
    struct pollfd p = {.fd = notify, .events = POLLIN};
    while (strstr(text, "READY=1") == NULL && poll(&p, 1, 10000) == 1) {
        ssize_t n = recv(notify, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = '\0';
    }
    close(notify);
    return strstr(text, "READY=1") != NULL ? pid : 0;
}

static char *run_journalctl(const char *const *arguments)
{
    const char *argv[16] = {"journalctl"};
    for (size_t i = 0; arguments[i] != NULL; i++)
        argv[i + 1] = arguments[i];
    int pair[2];
    assert_int_equal(pipe(pair), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (dup2(pair[1], 1) < 0)
            _exit(127);
        close(pair[0]);
        execvp("journalctl", (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(pair[1]);
    size_t len = 0, cap = 8 << 20;
    char *text = malloc(cap);
    assert_non_null(text);
    for (ssize_t n; (n = read(pair[0], text + len, cap - len - 1)) > 0;)
        len += (size_t)n;
    text[len] = '\0';
    close(pair[0]);
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return text;
}
#define JOURNALCTL(...) run_journalctl((const char *const[]){__VA_ARGS__, NULL})

static unsigned count_text(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
        n++;
    return n;
}

static void test_every_record_arrives(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, NULL);
    world_download(&w);
    struct run r = world_lpactl(&w, NULL, "--yes", "profile", "enable", WORLD_ICCID, NULL);
    assert_int_equal(r.code, 0);
    run_free(&r);
    assert_int_equal(world_stop_lpad(&w), 0);
    free(JOURNALCTL("--sync"));
    char *all = JOURNALCTL("-o", "export", "--no-pager", "SYSLOG_IDENTIFIER=lpad");
    char *log = world_read(&w, "audit.jsonl");
    unsigned records = count_text(log, "{\"seq\":");
    char line[64];
    assert_true(records > 10);
    for (unsigned seq = 1; seq <= records; seq++) {
        snprintf(line, sizeof line, "\nLPAD_SEQ=%u\n", seq);
        if (count_text(all, line) != 1)
            fail_msg("record %u of %u is %u times in the journal", seq, records, count_text(all, line));
    }
    assert_lacks(all, "LPAD_DROPPED=");
    free(all);
    // By its fields, as an administrator would look for it.
    char *change = JOURNALCTL("-o", "export", "--no-pager", "LPAD_TYPE=profile.change.result",
                              "LPAD_OPERATION=enable", "LPAD_ICCID=" WORLD_ICCID, "LPAD_RESULT=ok");
    assert_contains(change, "MESSAGE=the card was changed: enable of " WORLD_ICCID ": ok\n");
    assert_contains(change, "\nPRIORITY=5\n");
    assert_contains(change, "\nMESSAGE_ID=176ddf3fd83310bfb9f775869e44c6f2\n");
    assert_contains(change, "\n_COMM=lpad-broker\n");
    free(change);
    char *heads = JOURNALCTL("-o", "export", "--no-pager", "LPAD_TYPE=epoch.end");
    assert_contains(heads, "\nLPAD_HEAD=");
    free(heads);
    free(log);
    world_stop_smdp(&w);
    world_stop_euicc(&w);
    world_remove(&w);
}

static void pass_on(void *context, const struct audit_record *record)
{
    journal_send(context, record);
}

static void test_hostile_text_stays_one_field(void **state)
{
    (void)state;
    static const char hostile[] = "evil\nLPAD_TYPE=forged\nPRIORITY=0\nMESSAGE=all is well";
    static struct audit a;
    struct journal j;
    int fd = make_socket(JOURNAL_SOCKET, false);
    assert_true(fd >= 0);
    journal_init(&j, fd);
    // No file: a line in the making is enough.
    a.sink = pass_on;
    audit_fields_clear(&a.fields);
    audit_fields_note(&a.fields, "operation", bytes_from_text("download"));
    audit_fields_note(&a.fields, "host", bytes_from_text(hostile));
    const uint8_t hash[32] = {0};
    const struct audit_record record = {
        .type = AUDIT_SESSION_BEGIN, .seq = 4711, .sha256 = hash, .fields = &a.fields};
    pass_on(&j, &record);
    assert_int_equal(j.dropped, 0);
    close(fd);
    free(JOURNALCTL("--sync"));
    char *forged = JOURNALCTL("-o", "json", "--no-pager", "LPAD_TYPE=forged");
    assert_string_equal(forged, "");
    free(forged);
    char *entry = JOURNALCTL("-o", "json", "--no-pager", "LPAD_SEQ=4711");
    assert_contains(entry, "\"LPAD_TYPE\":\"session.begin\"");
    assert_contains(entry, "\"PRIORITY\":\"6\"");
    assert_contains(entry, "evil\\\\x0aLPAD_TYPE=forged"); // in MESSAGE, escaped
    assert_int_equal(count_text(entry, "\"LPAD_HOST\""), 1);
    free(entry);
}

static void test_catalog(void **state)
{
    (void)state;
    char root[] = "/tmp/lpad-test-catalog-XXXXXX", command[512];
    assert_non_null(mkdtemp(root));
    snprintf(
        command, sizeof command,
        "mkdir -p %s/usr/lib/systemd/catalog %s/var/lib/systemd/catalog && cp %s %s/usr/lib/systemd/catalog/",
        root, root, LPAD_CATALOG, root);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "--root=%s", root);
    free(JOURNALCTL(command, "--update-catalog"));
    char *list = JOURNALCTL(command, "--list-catalog", "--no-pager");
    for (size_t i = 0; i < journal_row_count; i++)
        assert_contains(list, journal_rows[i].message_id);
    assert_contains(list, "lpad: The card is about to be changed");
    free(list);
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    if (geteuid() != 0 || access(JOURNALD, X_OK) != 0) {
        puts("skipped: needs root and systemd-journald");
        return SKIPPED;
    }
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "/run", "tmpfs", 0, NULL) != 0 || mount("tmpfs", "/var/log", "tmpfs", 0, NULL) != 0) {
        printf("skipped: no mount namespace: %s\n", strerror(errno));
        return SKIPPED;
    }
    pid_t journald = start_journald();
    if (journald == 0) {
        puts("skipped: systemd-journald does not start here");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_record_arrives),
        cmocka_unit_test(test_hostile_text_stays_one_field),
        cmocka_unit_test(test_catalog),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kill(journald, SIGTERM);
    waitpid(journald, NULL, 0);
    return failed;
}
