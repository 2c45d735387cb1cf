// SPDX-License-Identifier: Apache-2.0
// Readers of the audit through the real lpad-broker: all there is, resuming, following, rotated files, one
// who never reads, limits, and who may not.
#include "tests/unit/broker_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define OLD_LINES 4000

static int make_log(uint64_t first, unsigned count)
{
    char name[] = "/tmp/lpad-test-readers-XXXXXX", pad[400], line[700];
    int fd = mkostemp(name, O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    memset(pad, 'x', sizeof pad);
    for (unsigned i = 0; i < count; i++) {
        // Of different lengths, so that they lie differently in what is read at once.
        int n = snprintf(line, sizeof line,
                         "{\"seq\":%llu,\"type\":\"session.step\",\"pad\":\"%.*s\",\"prev\":\"%064u\"}\n",
                         (unsigned long long)(first + i), (int)((first + i) * 37 % sizeof pad), pad, 0u);
        assert_int_equal(write(fd, line, (size_t)n), n);
    }
    return fd;
}

static void send_read(struct rig *r, unsigned client, uint64_t after, bool follow)
{
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__ReadAudit read = LPAD__READ_AUDIT__INIT;
    read.has_after = read.has_follow = true;
    read.after = after;
    read.follow = follow;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_READ_AUDIT;
    m.read_audit = &read;
    rig_send(r, client, &m);
}

static uint64_t number_of(ProtobufCBinaryData line)
{
    unsigned long long seq = 0;
    char head[40];
    assert_true(line.len > sizeof head);
    memcpy(head, line.data, sizeof head);
    head[sizeof head - 1] = '\0';
    assert_int_equal(sscanf(head, "{\"seq\":%llu,", &seq), 1);
    return seq;
}

struct got {
    uint64_t first, last; // 0: nothing yet
    uint64_t count;
    bool ended;
};

// One frame. Numbers go up by one, but for the jumps that the caller knows of.
static void take(struct rig *r, unsigned client, struct got *g, uint64_t jump_to)
{
    const Lpad__BrokerToClient *m = rig_wait_client(r, client);
    assert_non_null(m);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_AUDIT_RECORDS);
    for (size_t i = 0; i < m->audit_records->n_lines; i++) {
        uint64_t seq = number_of(m->audit_records->lines[i]);
        if (g->last != 0 && seq != jump_to)
            assert_int_equal(seq, g->last + 1);
        g->first = g->first == 0 ? seq : g->first;
        g->last = seq;
        g->count++;
    }
    g->ended = m->audit_records->last;
}

static struct got take_all(struct rig *r, unsigned client, uint64_t jump_to)
{
    struct got g = {0};
    while (!g.ended)
        take(r, client, &g, jump_to);
    return g;
}

static void assert_refused(struct rig *r, unsigned client, enum err e)
{
    const Lpad__BrokerToClient *m = rig_wait_client(r, client);
    assert_non_null(m);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_FAILURE);
    assert_int_equal(m->failure->error, e);
}

static void begin(struct rig *r, int audit)
{
    rig_init(r);
    char name[] = "/tmp/lpad-test-readers-archive-XXXXXX";
    for (unsigned i = 0; i < 2; i++) {
        memcpy(name + sizeof name - 7, "XXXXXX", 6);
        r->archive[i] = mkostemp(name, O_CLOEXEC);
        assert_true(r->archive[i] >= 0);
        assert_int_equal(unlink(name), 0);
    }
    r->audit = audit;
    rig_begin(r);
}

static void test_reads_and_resumes(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, make_log(1, OLD_LINES));
    send_read(&r, 0, 0, false);
    struct got all = take_all(&r, 0, 0);
    assert_int_equal(all.first, 1);
    assert_true(all.last > OLD_LINES); // and what this life of the broker wrote
    // From every kind of place; the connection serves one request after another.
    static const uint64_t places[] = {1, 2, 127, 1999, 3998, OLD_LINES - 1, OLD_LINES};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        send_read(&r, 0, places[i], false);
        struct got g = take_all(&r, 0, 0);
        assert_int_equal(g.first, places[i] + 1);
        assert_int_equal(g.last, all.last);
        assert_int_equal(g.count, all.last - places[i]);
    }
    send_read(&r, 0, all.last, false);
    assert_int_equal(take_all(&r, 0, 0).count, 0);
    // Whoever has seen more than there is must hear it.
    send_read(&r, 0, all.last + 1, true);
    assert_refused(&r, 0, ERR_INPUT);
    rig_end(&r);
}

static void write_records(struct rig *r)
{
    rig_end_peer(r, RIG_POLICYD, 9, 0);
    rig_start_peer(r, RIG_POLICYD);
}

static void test_follows(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, make_log(1, 10));
    struct got g = {0};
    send_read(&r, 0, 5, true);
    while (g.last <= 10)
        take(&r, 0, &g, 0);
    assert_int_equal(g.first, 6);
    for (unsigned i = 0; i < 5; i++) {
        uint64_t before = g.last;
        write_records(&r);
        while (g.last < before + 2)
            take(&r, 0, &g, 0);
        assert_false(g.ended);
    }
    // It may do nothing else meanwhile.
    send_read(&r, 0, 0, false);
    while (rig_wait_client(&r, 0) != NULL)
        continue;
    rig_end(&r);
}

static void test_rotated_files(void **state)
{
    (void)state;
    struct rig r;
    r.rotated_count = 0;
    int audit = make_log(3001, 50);
    begin(&r, audit);
    r.rotated[0] = make_log(2001, 1000);
    r.rotated[1] = make_log(1001, 1000);
    r.rotated[2] = make_log(501, 500);
    r.rotated_count = 3;
    // 1 to 500 are gone: it begins with the oldest.
    send_read(&r, 0, 0, false);
    struct got g = take_all(&r, 0, 0);
    assert_int_equal(g.first, 501);
    assert_true(g.last > 3050);
    static const uint64_t places[] = {500, 501, 999, 1000, 1001, 1500, 2000, 2999, 3000, 3001, 3050};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        send_read(&r, 0, places[i], false);
        struct got part = take_all(&r, 0, 0);
        assert_int_equal(part.first, places[i] + 1);
        assert_int_equal(part.last, g.last);
    }
    // One file is missing: what is there comes, and the numbers show the gap.
    close(r.rotated[1]);
    r.rotated[1] = r.rotated[2];
    r.rotated_count = 2;
    send_read(&r, 0, 600, false);
    struct got gap = take_all(&r, 0, 2001);
    assert_int_equal(gap.first, 601);
    assert_int_equal(gap.count, 400 + g.last - 2000);
    // The newest, too.
    close(r.rotated[0]);
    r.rotated[0] = r.rotated[1];
    r.rotated_count = 1;
    send_read(&r, 0, 0, false);
    gap = take_all(&r, 0, 3001);
    assert_int_equal(gap.count, 500 + g.last - 3000);
    close(r.rotated[0]);
    r.rotated_count = 0;
    rig_end(&r);
}

static long pss_kib(pid_t pid)
{
    char path[64], line[128];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "Pss: %ld", &kib) == 1)
            break;
    if (f != NULL)
        fclose(f);
    return kib;
}

// It never reads: others are served, and it costs next to nothing.
static void test_stalled_reader(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, make_log(1, OLD_LINES));
    long before = pss_kib(r.pid);
    send_read(&r, 0, 0, true);
    rig_settle(&r, 100);
    rig_connect(&r, 1);
    for (unsigned i = 0; i < 20; i++) {
        Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
        Lpad__ListProfiles list = LPAD__LIST_PROFILES__INIT;
        m.body_case = LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES;
        m.list_profiles = &list;
        rig_send(&r, 1, &m);
        const Lpad__BrokerToClient *reply = rig_wait_reply(&r, 1);
        assert_non_null(reply);
        assert_int_equal(reply->body_case, LPAD__BROKER_TO_CLIENT__BODY_PROFILES);
        write_records(&r);
        rig_settle(&r, 10);
    }
    long after = pss_kib(r.pid);
    // Of a process that hides its memory only root can tell.
    if (before < 0 || after < 0)
        print_message("the memory is not measured: needs root\n");
    else if (SLOW_BUILD)
        print_message("the memory is not measured: a sanitizer has its own\n");
    else {
        print_message("a reader that never reads: %ld KiB more\n", after - before);
        assert_true(after - before < 1024);
    }
    // And it has missed nothing when it reads after all.
    struct got g = {0};
    while (g.last < OLD_LINES + 40)
        take(&r, 0, &g, 0);
    assert_int_equal(g.first, 1);
    rig_end(&r);
}

static void test_limits(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, make_log(1, 10));
    // Three clients may come, so one may read.
    send_read(&r, 0, 0, true);
    struct got g = {0};
    while (g.last < 10)
        take(&r, 0, &g, 0);
    rig_connect(&r, 1);
    send_read(&r, 1, 0, false);
    assert_refused(&r, 1, ERR_LIMIT);
    // When it has gone, the next one may, and everything begins anew.
    link_close(&r.clients[0]);
    rig_settle(&r, 50);
    send_read(&r, 1, 0, false);
    assert_true(take_all(&r, 1, 0).count >= 10);
    rig_end(&r);
}

static void test_who_may(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: needs root to be somebody else\n");
        skip();
    }
    static const struct {
        uid_t uid;
        gid_t gid;
        mode_t mode;
        bool may;
    } rows[] = {
        {65534, 65534, 0640, false},
        {65533, 65533, 0640, true },
        {65534, 65533, 0640, true },
        {65534, 65533, 0600, false},
        {65533, 65534, 0200, false},
        {0,     65534, 0600, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig r;
        int audit = make_log(1, 10);
        assert_int_equal(fchown(audit, 65533, 65533), 0);
        assert_int_equal(fchmod(audit, rows[i].mode), 0);
        begin(&r, audit);
        link_close(&r.clients[0]);
        assert_int_equal(chmod(r.dir, 0777), 0);
        assert_int_equal(chmod(r.control, 0777), 0);
        assert_int_equal(setegid(rows[i].gid), 0);
        assert_int_equal(seteuid(rows[i].uid), 0);
        rig_connect(&r, 0);
        assert_int_equal(seteuid(0), 0);
        assert_int_equal(setegid(0), 0);
        send_read(&r, 0, 0, false);
        if (rows[i].may)
            assert_true(take_all(&r, 0, 0).count >= 10);
        else
            assert_refused(&r, 0, ERR_DENIED);
        rig_end(&r);
    }
}

// The journal gets every record, and one that does not take them holds up nothing.
static void test_journal(void **state)
{
    (void)state;
    struct rig r;
    int pair[2];
    char datagram[20000];
    unsigned got = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    rig_init(&r);
    r.journal = pair[0];
    rig_begin(&r);
    bool started = false;
    for (ssize_t n; (n = recv(pair[1], datagram, sizeof datagram - 1, 0)) > 0; got++) {
        datagram[n] = '\0';
        assert_non_null(strstr(datagram, "\nSYSLOG_IDENTIFIER=lpad\n"));
        started |= strstr(datagram, "\nLPAD_TYPE=lpad.start\n") != NULL;
    }
    assert_true(got >= 4);
    assert_true(started);
    // It is full now.
    char filler[1] = {'x'};
    while (send(pair[0], filler, sizeof filler, MSG_DONTWAIT) == 1)
        continue;
    write_records(&r);
    rig_settle(&r, 50);
    while (recv(pair[1], datagram, sizeof datagram, 0) > 0)
        continue;
    write_records(&r);
    rig_settle(&r, 50);
    ssize_t n = recv(pair[1], datagram, sizeof datagram - 1, 0);
    assert_true(n > 0);
    datagram[n] = '\0';
    assert_non_null(strstr(datagram, "\nLPAD_DROPPED="));
    rig_end(&r);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_and_resumes),
        cmocka_unit_test(test_follows),
        cmocka_unit_test(test_rotated_files),
        cmocka_unit_test(test_stalled_reader),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_who_may),
        cmocka_unit_test(test_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
