// SPDX-License-Identifier: Apache-2.0
// The real lpad-policyd: its life, its state over restarts, every link's questions, every violation. Its path
// is the first argument.
#include "tests/unit/policy_rig.h"

#include "lib/proc.h"
#include "lib/sealed.h"
#include "lib/slots.h"
#include "proto/convert.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *program;

static int set_up(void **state)
{
    struct daemon *d = calloc(1, sizeof *d);
    if (d == NULL)
        return 1;
    rig_init(d, program);
    *state = d;
    return 0;
}

static int tear_down(void **state)
{
    struct daemon *d = *state;
    rig_done(d);
    free(d);
    return 0;
}

static void test_life(void **state)
{
    struct daemon *d = *state;
    rig_start(d);
    rig_connect_broker(d);
    rig_connect_cardd(d);
    // Nothing loaded: said, and every change denied.
    assert_int_equal(rig_get_status(d)->state, LPAD__POLICY_STATE__POLICY_NONE);
    rig_assert_intent_denied(d, LPAD__DENY_REASON__DENY_NO_POLICY);
    assert_int_equal(rig_intend(d, LPAD__OPERATION__OPERATION_READ)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    // Good.
    assert_true(rig_send_text(d, rig_good_text)->loaded);
    const Lpad__PolicyStatus *status = rig_take_loaded(d);
    assert_int_equal(status->state, LPAD__POLICY_STATE__POLICY_LOADED);
    assert_int_equal(status->sha256.len, 32);
    assert_null(status->error);
    rig_assert_enabled(d);
    assert_false(rig_approve(d, LPAD__OPERATION__OPERATION_ENABLE)->allow); // once
    assert_int_equal(rig_get_status(d)->enables_today, 1);
    // Bad: the good one stays, and the error is told with its place.
    const Lpad__PolicyVerdict *verdict = rig_send_text(d, rig_bad_text);
    assert_false(verdict->loaded);
    assert_int_equal(verdict->line, 3);
    assert_int_equal(verdict->column, 19);
    status = rig_take_loaded(d);
    assert_int_equal(status->state, LPAD__POLICY_STATE__POLICY_LAST_GOOD);
    assert_int_equal(status->error_line, 3);
    assert_non_null(strstr(status->error, "did you mean \"enable\"?"));
    rig_assert_enabled(d);
    // The cap is used up.
    rig_assert_intent_denied(d, LPAD__DENY_REASON__DENY_CAP);
    // Good again.
    assert_true(rig_send_text(d, rig_good_text)->loaded);
    assert_int_equal(rig_take_loaded(d)->state, LPAD__POLICY_STATE__POLICY_LOADED);
    rig_stop(d);
}

// The next start has the counters, and the last good policy when the newest is bad or gone.
static void test_restart(void **state)
{
    struct daemon *d = *state;
    rig_start(d);
    rig_connect_broker(d);
    rig_connect_cardd(d);
    assert_true(rig_send_text(d, rig_good_text)->loaded);
    rig_take_loaded(d);
    rig_assert_enabled(d);
    rig_stop(d);

    rig_start(d);
    rig_connect_broker(d);
    assert_int_equal(rig_get_status(d)->state,
                     LPAD__POLICY_STATE__POLICY_NONE); // until a text, or its absence, came
    assert_false(rig_send_text(d, rig_bad_text)->loaded);
    const Lpad__PolicyStatus *status = rig_take_loaded(d);
    assert_int_equal(status->state, LPAD__POLICY_STATE__POLICY_LAST_GOOD);
    assert_int_equal(status->enables_today, 1);
    assert_int_equal(rig_intend(d, LPAD__OPERATION__OPERATION_ENABLE)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    rig_stop(d);

    rig_start(d);
    rig_connect_broker(d);
    rig_connect_cardd(d);
    assert_false(rig_send_absence(d)->loaded);
    status = rig_take_loaded(d);
    assert_int_equal(status->state, LPAD__POLICY_STATE__POLICY_LAST_GOOD);
    assert_non_null(strstr(status->error, "No such file"));
    rig_assert_enabled(d);
    rig_assert_intent_denied(d, LPAD__DENY_REASON__DENY_CAP);
    rig_stop(d);
}

static void test_bad_first_start(void **state)
{
    struct daemon *d = *state;
    rig_start(d);
    rig_connect_broker(d);
    assert_false(rig_send_text(d, rig_bad_text)->loaded);
    const Lpad__PolicyStatus *status = rig_take_loaded(d);
    assert_int_equal(status->state, LPAD__POLICY_STATE__POLICY_NONE);
    assert_int_equal(status->error_line, 3);
    rig_assert_intent_denied(d, LPAD__DENY_REASON__DENY_NO_POLICY);
    rig_stop(d);
    rig_start(d);
    rig_connect_broker(d);
    assert_false(rig_send_absence(d)->loaded);
    assert_int_equal(rig_take_loaded(d)->state, LPAD__POLICY_STATE__POLICY_NONE);
    rig_stop(d);
}

// A process that was started anew inherits nothing that its predecessor was allowed.
static void test_new_links(void **state)
{
    struct daemon *d = *state;
    rig_start(d);
    rig_connect_broker(d);
    rig_connect_cardd(d);
    assert_true(rig_send_text(d, rig_good_text)->loaded);
    rig_take_loaded(d);
    assert_int_equal(rig_intend(d, LPAD__OPERATION__OPERATION_ENABLE)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    rig_connect_broker(d);
    assert_int_equal(rig_approve(d, LPAD__OPERATION__OPERATION_ENABLE)->reason,
                     LPAD__DENY_REASON__DENY_NO_INTENT);
    assert_int_equal(rig_intend(d, LPAD__OPERATION__OPERATION_ENABLE)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    rig_connect_cardd(d);
    assert_int_equal(rig_approve(d, LPAD__OPERATION__OPERATION_ENABLE)->reason,
                     LPAD__DENY_REASON__DENY_NO_INTENT);
    // Both may go away; what stays is served.
    link_close(&d->cardd);
    d->cardd = LINK_NONE;
    assert_int_equal(rig_get_status(d)->state, LPAD__POLICY_STATE__POLICY_LOADED);
    link_close(&d->broker);
    d->broker = LINK_NONE;
    assert_true(rig_send_text(d, rig_good_text)->loaded);
    rig_connect_broker(d);
    rig_connect_cardd(d);
    rig_assert_enabled(d);
    rig_stop(d);
}

// The largest policy, and one that is larger: memory for both is to be had in the sandbox.
static void test_large(void **state)
{
    struct daemon *d = *state;
    static const char head[] = "version: 1\nroles: {admin: {users: [1000]}}\npermissions:\n";
    static const char rule[] =
        "  - {operations: [enable, disable, delete, nickname], roles: [admin], profiles: any}\n";
    const size_t size = 256 * 1024;
    char *text = malloc(size + 2);
    assert_non_null(text);
    memset(text, '#', size + 1);
    memcpy(text, head, strlen(head));
    for (size_t i = 0; i < 1000; i++)
        memcpy(text + strlen(head) + i * strlen(rule), rule, strlen(rule));
    text[size] = '\0';
    rig_start(d);
    rig_connect_broker(d);
    rig_connect_cardd(d);
    assert_true(rig_send_text(d, text)->loaded);
    rig_take_loaded(d);
    rig_assert_enabled(d);
    text[size] = '#';
    text[size + 1] = '\0';
    const Lpad__PolicyVerdict *verdict = rig_send_text(d, text);
    assert_false(verdict->loaded);
    assert_int_equal(verdict->line, 1004);
    assert_non_null(strstr(rig_take_loaded(d)->error, "larger than 256 KiB"));
    rig_stop(d);
    rig_start(d);
    rig_connect_broker(d);
    assert_false(rig_send_absence(d)->loaded);
    assert_int_equal(rig_take_loaded(d)->state, LPAD__POLICY_STATE__POLICY_LAST_GOOD);
    rig_stop(d);
    free(text);
}

// A count that cannot be written is a change that is not allowed.
static void test_state_not_writable(void **state)
{
    struct daemon *d = *state;
    close(d->counters);
    d->counters = memfd_create("counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(fcntl(d->counters, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0);
    rig_start(d);
    rig_connect_broker(d);
    rig_connect_cardd(d);
    assert_true(rig_send_text(d, rig_good_text)->loaded);
    rig_take_loaded(d);
    assert_int_equal(rig_intend(d, LPAD__OPERATION__OPERATION_ENABLE)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    assert_int_equal(rig_approve(d, LPAD__OPERATION__OPERATION_ENABLE)->reason,
                     LPAD__DENY_REASON__DENY_STATE);
    rig_assert_intent_denied(d, LPAD__DENY_REASON__DENY_STATE);
    assert_int_equal(rig_intend(d, LPAD__OPERATION__OPERATION_READ)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    assert_int_equal(rig_get_status(d)->enables_today, 0);
    rig_stop(d);
}

static const char functions_text[] =
    "version: 1\n"
    "roles: {admin: {users: [boss]}}\n"
    "permissions:\n"
    "  - {operations: [reset], roles: [admin], what: [operational]}\n"
    "  - {operations: [default_address], roles: [admin], hosts: [smdp.example.com]}\n"
    "  - {operations: [load_crl], roles: [admin]}\n"
    "  - {operations: [discover], roles: [admin], hosts: [lpa.ds.example.com]}\n"
    "debt: {max_undelivered: 7}\n";

static const Lpad__Decision *intend_reset(struct daemon *d)
{
    Lpad__Intent body = LPAD__INTENT__INIT;
    body.operation = LPAD__OPERATION__OPERATION_RESET;
    body.has_reset_options = true;
    body.reset_options = 1;
    return rig_send_intent(d, &body);
}

static const Lpad__Approval *approve_reset(struct daemon *d)
{
    Lpad__ApproveReset body = LPAD__APPROVE_RESET__INIT;
    Lpad__CarddToPolicyd frame = LPAD__CARDD_TO_POLICYD__INIT;
    body.eid = binary_from(rig_eid, sizeof rig_eid);
    body.operational_profiles = true;
    frame.body_case = LPAD__CARDD_TO_POLICYD__BODY_RESET;
    frame.reset = &body;
    return rig_ask_card_side(d, &frame);
}

// A reset is asked about twice, is allowed once a day, and that is kept over a restart.
static void test_reset(void **state)
{
    struct daemon *d = *state;
    rig_start(d);
    rig_connect_broker(d);
    rig_connect_cardd(d);
    assert_true(rig_send_text(d, functions_text)->loaded);
    assert_int_equal(rig_take_loaded(d)->debt_max, 7);
    const Lpad__Decision *asked = intend_reset(d);
    assert_int_equal(asked->verdict, LPAD__VERDICT__VERDICT_ASK);
    assert_true(asked->strong);
    assert_int_equal(approve_reset(d)->reason, LPAD__DENY_REASON__DENY_NO_INTENT); // not before
    intend_reset(d);
    assert_int_equal(rig_consent(d)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    const Lpad__Approval *a = approve_reset(d);
    assert_true(a->allow);
    assert_int_equal(a->line, 4);
    assert_int_equal(intend_reset(d)->reason, LPAD__DENY_REASON__DENY_CAP);
    rig_stop(d);
    rig_start(d);
    rig_connect_broker(d);
    assert_true(rig_send_text(d, functions_text)->loaded);
    rig_take_loaded(d);
    assert_int_equal(intend_reset(d)->reason, LPAD__DENY_REASON__DENY_CAP);
    assert_true(rig_send_text(d, rig_good_text)->loaded);
    assert_false(rig_take_loaded(d)->has_debt_max);
    rig_stop(d);
}

static void test_other_functions(void **state)
{
    struct daemon *d = *state;
    static const uint8_t hash[32] = {1};
    Lpad__Intent address = LPAD__INTENT__INIT, crl = LPAD__INTENT__INIT, discover = LPAD__INTENT__INIT;
    Lpad__ApproveDefaultAddress set = LPAD__APPROVE_DEFAULT_ADDRESS__INIT;
    Lpad__ApproveLoadCrl load = LPAD__APPROVE_LOAD_CRL__INIT;
    Lpad__CarddToPolicyd frame = LPAD__CARDD_TO_POLICYD__INIT;
    rig_start(d);
    rig_connect_broker(d);
    rig_connect_cardd(d);
    assert_true(rig_send_text(d, functions_text)->loaded);
    rig_take_loaded(d);
    address.operation = LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS;
    address.address = set.address = (char *)(uintptr_t) "smdp.example.com";
    set.eid = load.eid = binary_from(rig_eid, sizeof rig_eid);
    assert_int_equal(rig_send_intent(d, &address)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    frame.body_case = LPAD__CARDD_TO_POLICYD__BODY_DEFAULT_ADDRESS;
    frame.default_address = &set;
    assert_int_equal(rig_ask_card_side(d, &frame)->line, 5);
    assert_int_equal(rig_ask_card_side(d, &frame)->reason, LPAD__DENY_REASON__DENY_NO_INTENT);
    crl.operation = LPAD__OPERATION__OPERATION_LOAD_CRL;
    crl.has_crl_sha256 = true;
    crl.crl_sha256 = load.crl_sha256 = binary_from(hash, sizeof hash);
    assert_int_equal(rig_send_intent(d, &crl)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    frame.body_case = LPAD__CARDD_TO_POLICYD__BODY_LOAD_CRL;
    frame.load_crl = &load;
    assert_true(rig_ask_card_side(d, &frame)->allow);
    assert_false(rig_ask_card_side(d, &frame)->allow);
    discover.operation = LPAD__OPERATION__OPERATION_DISCOVER;
    discover.host = (char *)(uintptr_t) "lpa.ds.example.com";
    discover.has_host_source = true;
    discover.host_source = LPAD__HOST_SOURCE__HOST_FROM_ROOT_SMDS;
    const Lpad__Decision *found = rig_send_intent(d, &discover);
    assert_int_equal(found->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    assert_int_equal(found->line, 7);
    discover.host = (char *)(uintptr_t) "smds.example.org";
    assert_int_equal(rig_send_intent(d, &discover)->reason, LPAD__DENY_REASON__DENY_NO_RULE);
    rig_stop(d);
}

// The counters of an lpad that did not count resets yet.
static void test_old_counters(void **state)
{
    struct daemon *d = *state;
    uint8_t old[16] = {0xFF, 0xFF, 0xFF, 0x7F, [8] = 2}; // a day far ahead, no downloads, two enables
    struct slots file = {.fd = d->counters, .version = 1, .slot_size = 512};
    assert_int_equal(slots_store(&file, bytes_make(old, sizeof old)), ERR_OK);
    rig_start(d);
    rig_connect_broker(d);
    rig_connect_cardd(d);
    assert_true(rig_send_text(d, functions_text)->loaded);
    assert_int_equal(rig_take_loaded(d)->enables_today, 2);
    intend_reset(d);
    rig_consent(d);
    assert_true(approve_reset(d)->allow);
    assert_int_equal(rig_get_status(d)->enables_today, 2);
    rig_stop(d);
    // One that is cut in the middle of a counter is none: nothing is allowed.
    uint8_t newest[64];
    size_t len;
    assert_int_equal(slots_load(&file, newest, sizeof newest, &len), ERR_OK);
    assert_int_equal(slots_store(&file, bytes_make(newest, len - 2)), ERR_OK);
    rig_start(d);
    rig_connect_broker(d);
    assert_true(rig_send_text(d, functions_text)->loaded);
    rig_take_loaded(d);
    assert_int_equal(intend_reset(d)->reason, LPAD__DENY_REASON__DENY_STATE);
    rig_stop(d);
}

static void test_violations(void **state)
{
    struct daemon *d = *state;
    static const char garbage[] = "garbage";
    rig_start(d);
    rig_connect_broker(d);
    assert_int_equal(send(d->broker.fd, garbage, sizeof garbage, MSG_NOSIGNAL), (ssize_t)sizeof garbage);
    rig_assert_exits(d, PROC_EXIT_VIOLATION_BROKER);
    rig_start(d);
    rig_connect_cardd(d);
    assert_int_equal(send(d->cardd.fd, garbage, sizeof garbage, MSG_NOSIGNAL), (ssize_t)sizeof garbage);
    rig_assert_exits(d, PROC_EXIT_VIOLATION_CARDD);
    rig_start(d);
    assert_int_equal(send(d->supervisor.fd, garbage, sizeof garbage, MSG_NOSIGNAL), (ssize_t)sizeof garbage);
    rig_assert_exits(d, PROC_EXIT_VIOLATION_SUPERVISOR);
    rig_start(d); // a link to a process that has none with policyd
    int pair[2];
    rig_make_pair(pair);
    rig_send_new_link(d, LPAD__PROCESS__PROCESS_NETD, pair[1]);
    close(pair[0]);
    rig_assert_exits(d, PROC_EXIT_VIOLATION_SUPERVISOR);
    rig_start(d); // a text that could still change
    int fd = memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(fd, rig_good_text, strlen(rig_good_text)), (ssize_t)strlen(rig_good_text));
    rig_send_text_fd(d, fd, (uint32_t)strlen(rig_good_text));
    rig_assert_exits(d, PROC_EXIT_VIOLATION_SUPERVISOR);
    rig_start(d); // a text of another size than was said
    assert_int_equal(sealed_make("policy", bytes_from_text(rig_good_text), &fd), ERR_OK);
    rig_send_text_fd(d, fd, 5);
    rig_assert_exits(d, PROC_EXIT_VIOLATION_SUPERVISOR);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_life),       TEST(test_restart),         TEST(test_bad_first_start),
        TEST(test_new_links),  TEST(test_large),           TEST(test_state_not_writable),
        TEST(test_reset),      TEST(test_other_functions), TEST(test_old_counters),
        TEST(test_violations),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: %s PATH-OF-LPAD-POLICYD\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests_name("policy_process", tests, NULL, NULL);
}
