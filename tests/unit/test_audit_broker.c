// SPDX-License-Identifier: Apache-2.0
// The broker's own code in the test's process, over an audit whose fdatasync is counted and can fail: what a
// change waits for, what is acknowledged, and what a follower hears when a disk takes records back.
#include "tests/unit/unit.h"

#include "broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TURNS_MAX 200

struct rig {
    struct broker broker;
    Lpad__BrokerSettings settings;
    struct audit_io io;
    int log, key, log_syncs, key_syncs;
    bool fails, full;
    char dir[64];
    struct link client;
    char words[128]; // of the last failure that the client got
};

static int count_sync(void *context, int fd)
{
    struct rig *r = context;
    *(fd == r->log ? &r->log_syncs : &r->key_syncs) += 1;
    if (r->fails && fd == r->log) {
        errno = EIO;
        return -1;
    }
    return fdatasync(fd);
}

static ssize_t append(void *context, int fd, const void *data, size_t len)
{
    struct rig *r = context;
    if (r->full) {
        errno = EIO;
        return -1;
    }
    return write(fd, data, len);
}

static int make_file(const struct rig *r, const char *name, int flags)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", r->dir, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

static int listen_at(const struct rig *r, struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(ret_address->sun_path, sizeof ret_address->sun_path, "%s/control", r->dir);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)ret_address, sizeof *ret_address), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static struct rig *make_rig(void)
{
    struct sockaddr_un address;
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    snprintf(r->dir, sizeof r->dir, "/tmp/lpad-test-audit-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    lpad__broker_settings__init(&r->settings);
    r->settings.clients_max = 4;
    assert_int_equal(broker_init(&r->broker, &r->settings, "0"), ERR_OK);
    r->log = make_file(r, "log", O_APPEND);
    r->key = make_file(r, "key", 0);
    r->io = audit_io_system;
    r->io.sync = count_sync;
    r->io.append = append;
    r->io.context = r;
    const struct audit_setup setup = {.fd = r->log,
                                      .key_fd = r->key,
                                      .boot = "boot",
                                      .io = &r->io,
                                      .epoch_records = 1000,
                                      .epoch_ms = 3600000};
    assert_int_equal(audit_open(&r->broker.audit, &setup), ERR_OK);
    audit_access_read(&r->broker.audit_access, r->log);
    r->broker.control_fd = listen_at(r, &address);
    clients_accept(&r->broker);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(unlink(address.sun_path), 0);
    assert_int_equal(rmdir(r->dir), 0);
    assert_int_equal(link_init(&r->client, fd, &link_client_broker), ERR_OK);
    return r;
}

static void free_rig(struct rig *r)
{
    int control = r->broker.control_fd;
    link_close(&r->client);
    broker_done(&r->broker);
    close(control);
    close(r->log);
    close(r->key);
    free(r);
}

// Turns of the loop until nothing is left to do.
static void run(struct rig *r)
{
    unsigned turns = 0;
    while (sd_event_run(r->broker.event, 0) > 0)
        assert_true(++turns < TURNS_MAX);
}

static void follow(struct rig *r)
{
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__ReadAudit read = LPAD__READ_AUDIT__INIT;
    read.has_follow = read.follow = true;
    m.id = 1;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_READ_AUDIT;
    m.read_audit = &read;
    assert_int_equal(link_send(&r->client, &m.base, -1), ERR_OK);
    run(r);
}

// How many records came until there is nothing more, and the failure's error at their end, if any.
static unsigned take(struct rig *r, enum err *ret_end)
{
    unsigned n = 0;
    const ProtobufCMessage *frame;
    int none;
    *ret_end = ERR_OK;
    while (link_recv(&r->client, 0, &frame, &none) == ERR_OK) {
        const Lpad__BrokerToClient *m = (const Lpad__BrokerToClient *)frame;
        if (m->body_case == LPAD__BROKER_TO_CLIENT__BODY_FAILURE) {
            *ret_end = (enum err)m->failure->error;
            snprintf(r->words, sizeof r->words, "%s", m->failure->detail);
        } else
            n += (unsigned)m->audit_records->n_lines;
    }
    return n;
}

static void put(struct rig *r, bool durable)
{
    audit_begin(&r->broker.audit, AUDIT_PROCESS_STARTED);
    (void)broker_end_record(&r->broker, durable);
    run(r);
}

// A number never comes twice with other content in silence: the follower hears that what it has was taken
// back.
static void test_follower_hears_what_was_taken_back(void **state)
{
    (void)state;
    enum err end;
    struct rig *r = make_rig();
    follow(r);
    put(r, false);
    put(r, false);
    assert_int_equal(take(r, &end), 3);
    assert_int_equal(end, ERR_OK);
    r->fails = true;
    put(r, true);
    r->fails = false;
    (void)take(r, &end);
    put(r, false);
    assert_int_equal(take(r, &end), 0);
    assert_int_equal(end, ERR_INPUT);
    assert_non_null(strstr(r->words, "could not be kept"));
    // It begins anew, and then nothing is taken back any more.
    follow(r);
    unsigned n = take(r, &end);
    assert_int_equal(n, r->broker.audit.end.seq);
    put(r, true);
    assert_int_equal(take(r, &end), 1);
    assert_int_equal(end, ERR_OK);
    free_rig(r);
}

// What is not in the log yet when everything ends is sent before the connection is closed.
static void test_follower_gets_the_last_record(void **state)
{
    (void)state;
    enum err end;
    struct rig *r = make_rig();
    follow(r);
    assert_int_equal(take(r, &end), 1);
    audit_begin(&r->broker.audit, AUDIT_LPAD_STOP);
    assert_true(broker_end_record(&r->broker, true));
    assert_int_equal(audit_stop(&r->broker.audit), ERR_OK);
    audit_readers_finish(&r->broker);
    clients_drop_all(&r->broker);
    assert_int_equal(take(r, &end), 2); // lpad.stop and epoch.end
    free_rig(r);
}

static const uint8_t iccid[10] = {0x98, 0x94, 0x44, 0x99, 0x99, 0x99, 0x99, 0x99, 0x00, 0x13};

static struct session *begin_change(struct rig *r)
{
    struct session *s = &r->broker.session;
    s->kind = SESSION_KIND_CHANGE;
    s->request.kind = REQUEST_CHANGE;
    s->operation = LPAD__OPERATION__OPERATION_ENABLE;
    s->number = 1;
    s->actor.is_engine = false;
    session_audit_begin(s);
    return s;
}

// From the intent to the answer through the broker's own functions: two calls, none of them for the key.
static void test_a_change_waits_twice(void **state)
{
    (void)state;
    struct rig *r = make_rig();
    struct session *s = begin_change(r);
    int log = r->log_syncs, key = r->key_syncs;
    assert_int_equal(session_audit_change(s, "enable", bytes_make(iccid, sizeof iccid)), ERR_OK);
    assert_int_equal(r->log_syncs, log + 1);
    session_end(s);
    assert_int_equal(r->log_syncs, log + 2);
    assert_int_equal(r->key_syncs, key);
    // The epoch ends after the answer.
    run(r);
    assert_true(r->log_syncs > log + 2);
    assert_int_equal(audit_sealed_seq(&r->broker.audit), r->broker.audit.end.seq);
    free_rig(r);
}

// A result that could not be written is not acknowledged.
static void test_a_lost_result_is_no_success(void **state)
{
    (void)state;
    struct rig *r = make_rig();
    struct session *s = begin_change(r);
    assert_int_equal(session_audit_change(s, "enable", bytes_make(iccid, sizeof iccid)), ERR_OK);
    r->full = true;
    session_audit_change_result(s, NULL);
    assert_true(s->result_lost);
    r->full = false;
    assert_null(s->failure);
    // Its end can be written again, with the gap before it; that is no result.
    s->client = &r->broker.clients[0];
    run(r);
    s->client->state = CLIENT_RUNNING;
    session_end(s);
    enum err end;
    assert_int_equal(take(r, &end), 0);
    assert_int_equal(end, ERR_IO);
    free_rig(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follower_hears_what_was_taken_back),
        cmocka_unit_test(test_follower_gets_the_last_record),
        cmocka_unit_test(test_a_change_waits_twice),
        cmocka_unit_test(test_a_lost_result_is_no_success),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
