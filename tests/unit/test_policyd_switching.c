// SPDX-License-Identifier: Apache-2.0
// The switching engine in the real lpad-policyd: events in, actions out, its state over restarts and power
// cuts, what it may do. The program's path is the first argument.
#include "tests/unit/policy_rig.h"

#include "lib/proc.h"
#include "lib/slots.h"
#include "proto/convert.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const char *program;

static const uint8_t main_iccid[10] = {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x51, 0xf1};
static const uint8_t backup_iccid[10] = {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x61, 0xf1};

#define NAMES                                                                                                \
    "version: 1\n"                                                                                           \
    "roles: {admin: {users: [boss]}}\n"                                                                      \
    "profiles:\n"                                                                                            \
    "  main: \"8944949999999900151\"\n"                                                                      \
    "  backup: \"8944949999999900161\"\n"                                                                    \
    "probes:\n"                                                                                              \
    "  net: {tcp: [\"192.0.2.1:443\"], interval: 10s, down: 1, up: 1}\n"

#define SWITCHING                                                                                            \
    "switching:\n"                                                                                           \
    "  dwell: 0s\n"                                                                                          \
    "  rules:\n"                                                                                             \
    "    - {name: away, priority: 1, when: {probe: net, is: down}, use: backup}\n"                           \
    "    - {name: home, use: main}\n"

static const char policy[] =
    NAMES "permissions:\n"
          "  - {operations: [enable, hold, reload], roles: [admin], profiles: any}\n" SWITCHING;

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

static void begin(struct daemon *d, const char *text)
{
    rig_start(d);
    assert_true(rig_send_text(d, text)->loaded);
    rig_connect_broker(d);
    rig_connect_cardd(d);
}

// --- events ---

static const Lpad__SwitchStep *send_card(struct daemon *d, bool main_enabled, bool backup_enabled)
{
    Lpad__Profile profiles[2], *list[] = {&profiles[0], &profiles[1]};
    Lpad__CardProfilesFacts facts = LPAD__CARD_PROFILES_FACTS__INIT;
    Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
    for (int i = 0; i < 2; i++) {
        lpad__profile__init(&profiles[i]);
        profiles[i].iccid = binary_from(i == 0 ? main_iccid : backup_iccid, 10);
        profiles[i].profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
        profiles[i].state = (i == 0 ? main_enabled : backup_enabled) ? LPAD__PROFILE_STATE__PROFILE_ENABLED
                                                                     : LPAD__PROFILE_STATE__PROFILE_DISABLED;
    }
    facts.n_profiles = 2;
    facts.profiles = list;
    event.body_case = LPAD__SWITCH_EVENT__BODY_CARD;
    event.card = &facts;
    return rig_send_event(d, &event);
}

static const Lpad__SwitchStep *send_tick(struct daemon *d)
{
    Lpad__Tick tick = LPAD__TICK__INIT;
    Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
    event.body_case = LPAD__SWITCH_EVENT__BODY_TICK;
    event.tick = &tick;
    return rig_send_event(d, &event);
}

static const Lpad__SwitchStep *send_round(struct daemon *d, uint32_t generation, bool good)
{
    Lpad__ProbeRound round = LPAD__PROBE_ROUND__INIT;
    Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
    round.generation = generation;
    round.passed = good;
    round.failed = !good;
    event.body_case = LPAD__SWITCH_EVENT__BODY_PROBE;
    event.probe = &round;
    return rig_send_event(d, &event);
}

static const Lpad__SwitchStep *send_result(struct daemon *d, uint32_t action, Lpad__SwitchResult result)
{
    Lpad__ActionResult body = LPAD__ACTION_RESULT__INIT;
    Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
    body.action = action;
    body.result = result;
    event.body_case = LPAD__SWITCH_EVENT__BODY_RESULT;
    event.result = &body;
    return rig_send_event(d, &event);
}

static const Lpad__SwitchStep *send_hold(struct daemon *d, uint64_t duration_ms)
{
    Lpad__Hold hold = LPAD__HOLD__INIT;
    Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
    hold.duration_ms = duration_ms;
    event.body_case = LPAD__SWITCH_EVENT__BODY_HOLD;
    event.hold = &hold;
    return rig_send_event(d, &event);
}

static const Lpad__SwitchStep *send_release(struct daemon *d)
{
    Lpad__Release release = LPAD__RELEASE__INIT;
    Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
    event.body_case = LPAD__SWITCH_EVENT__BODY_RELEASE;
    event.release = &release;
    return rig_send_event(d, &event);
}

static bool says(const Lpad__SwitchStep *step, const char *name)
{
    for (size_t i = 0; i < step->n_decisions; i++)
        if (strcmp(step->decisions[i]->name, name) == 0)
            return true;
    return false;
}

// Brings it to where it wants the backup; the action's number.
static uint32_t want_backup(struct daemon *d)
{
    rig_explain(d); // the plan came before
    assert_true(d->planned);
    assert_int_equal(d->plan_probes, 1);
    send_card(d, true, false);
    const Lpad__SwitchStep *step = send_round(d, d->generation, false);
    assert_non_null(step->action);
    assert_memory_equal(step->action->iccid.data, backup_iccid, 10);
    assert_string_equal(step->action->rule, "away");
    assert_int_equal(step->action->line, 13);
    assert_false(step->action->roll_back);
    assert_true(says(step, "switch"));
    return step->action->number;
}

// --- tests ---

static void test_switch(void **state)
{
    struct daemon *d = *state;
    begin(d, policy);
    // Nobody but the engine's state opens the way for it.
    assert_int_equal(rig_intend_engine(d, backup_iccid)->reason, LPAD__DENY_REASON__DENY_NO_INTENT);
    uint32_t action = want_backup(d);
    assert_int_equal(rig_intend_engine(d, main_iccid)->reason, LPAD__DENY_REASON__DENY_NO_INTENT);
    assert_int_equal(rig_intend_engine(d, backup_iccid)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    send_result(d, action, LPAD__SWITCH_RESULT__SWITCH_DONE);
    assert_true(says(send_card(d, false, true), "commit"));
    // It is over: the same intent is not what the state says any more.
    assert_int_equal(rig_intend_engine(d, backup_iccid)->reason, LPAD__DENY_REASON__DENY_NO_INTENT);
    const Lpad__Explanation *e = rig_explain(d);
    assert_true(e->switching);
    assert_string_equal(e->phase, "idle");
    assert_memory_equal(e->enabled.data, backup_iccid, 10);
    assert_int_equal(e->switches_hour, 1);
    assert_int_equal(e->n_rules, 2);
    assert_string_equal(e->rules[0]->name, "away");
    assert_true(e->rules[0]->holds);
    assert_int_equal(e->n_names, 2);
    assert_int_equal(e->names[0]->matches, 1);
    assert_memory_equal(e->names[0]->iccid.data, main_iccid, 10);
    assert_int_equal(e->n_probes, 1);
    assert_null(e->problem);
    rig_stop(d);
}

// What an earlier plan measured says nothing.
static void test_old_generation(void **state)
{
    struct daemon *d = *state;
    begin(d, policy);
    rig_explain(d);
    send_card(d, true, false);
    assert_null(send_round(d, d->generation - 1, false)->action);
    assert_non_null(send_round(d, d->generation, false)->action);
    rig_stop(d);
}

static void test_impossible_events(void **state)
{
    struct daemon *d = *state;
    Lpad__ProbeRound round = LPAD__PROBE_ROUND__INIT;
    Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    begin(d, policy);
    rig_explain(d);
    round.generation = d->generation;
    round.probe = 1; // there is one probe
    event.body_case = LPAD__SWITCH_EVENT__BODY_PROBE;
    event.probe = &round;
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_SWITCH_EVENT;
    frame.switch_event = &event;
    assert_int_equal(link_send(&d->broker, &frame.base, -1), ERR_OK);
    rig_assert_exits(d, PROC_EXIT_VIOLATION_BROKER);
}

// A power cut between the decision and its command: the next life knows what was begun, and what the card
// says decides.
static void test_power_cut(void **state)
{
    struct daemon *d = *state;
    begin(d, policy);
    want_backup(d);
    assert_int_equal(kill(d->pid, SIGKILL), 0);
    assert_int_equal(waitpid(d->pid, NULL, 0), d->pid);
    link_close(&d->supervisor);
    begin(d, policy);
    assert_string_equal(rig_explain(d)->phase, "enabling");
    // Nothing is done before the card was read.
    assert_int_equal(rig_intend_engine(d, backup_iccid)->reason, LPAD__DENY_REASON__DENY_NO_INTENT);
    const Lpad__SwitchStep *step = send_card(d, false, true);
    assert_true(says(step, "recovered"));
    rig_stop(d);
}

// A new link to a broker is a new life of everybody who acted and measured.
static void test_new_broker(void **state)
{
    struct daemon *d = *state;
    begin(d, policy);
    want_backup(d);
    d->planned = false;
    rig_connect_broker(d);
    const Lpad__SwitchStep *step = send_card(d, true, false);
    assert_true(d->planned);
    assert_true(says(step, "recovered"));
    assert_non_null(step->action); // the rule holds until its probe is up
    rig_stop(d);
}

// A hold survives a restart; so does the time that it has left.
static void test_hold(void **state)
{
    struct daemon *d = *state;
    d->boot = "boot-1";
    begin(d, policy);
    rig_explain(d);
    send_card(d, true, false);
    send_hold(d, 3600000);
    const Lpad__SwitchStep *step = send_round(d, d->generation, false);
    assert_null(step->action);
    assert_true(says(step, "blocked"));
    uint64_t left = rig_explain(d)->hold_left_ms;
    assert_true(left > 3590000 && left <= 3600000);
    rig_stop(d);
    begin(d, policy);
    uint64_t then = rig_explain(d)->hold_left_ms;
    assert_true(then > 3590000 && then <= left);
    send_card(d, true, false);
    assert_null(send_round(d, d->generation, false)->action);
    assert_non_null(send_release(d)->action);
    rig_stop(d);
}

// Steady time never goes back: with another boot, it goes on by the wall clock, and not at all when that is
// behind.
static void store_head(struct daemon *d, const char *boot, int64_t utc_ms)
{
    uint8_t data[24 + 64 + 16384] = {0};
    struct slots file = {.fd = d->engine, .version = 1, .slot_size = 16384 + 4096};
    size_t len;
    assert_int_equal(slots_load(&file, data, sizeof data, &len), ERR_OK);
    assert_true(len > 88);
    memset(data + 24, 0, 64);
    memcpy(data + 24, boot, strlen(boot));
    for (int i = 0; i < 8; i++)
        data[16 + i] = (uint8_t)((uint64_t)utc_ms >> (8 * i));
    assert_int_equal(slots_store(&file, bytes_make(data, len)), ERR_OK);
}

static void test_clock_over_boots(void **state)
{
    struct daemon *d = *state;
    d->boot = "boot-1";
    begin(d, policy);
    send_hold(d, 3600000);
    rig_stop(d);
    // The wall clock stands before the store: nothing has gone by.
    store_head(d, "boot-0", (int64_t)1 << 45);
    begin(d, policy);
    uint64_t left = rig_explain(d)->hold_left_ms;
    assert_true(left > 3590000 && left <= 3600000);
    rig_stop(d);
    // An hour and more has gone by: the hold is over.
    store_head(d, "boot-0", 0);
    begin(d, policy);
    assert_false(rig_explain(d)->has_hold_left_ms);
    rig_stop(d);
}

static void test_unreadable_state(void **state)
{
    struct daemon *d = *state;
    static const uint8_t rubbish[64] = {0xaa};
    begin(d, policy);
    want_backup(d);
    rig_stop(d);
    // Both slots.
    assert_int_equal(pwrite(d->engine, rubbish, sizeof rubbish, 20), sizeof rubbish);
    assert_int_equal(pwrite(d->engine, rubbish, sizeof rubbish, 16384 + 4096 + 20), sizeof rubbish);
    for (int life = 0; life < 2; life++) {
        begin(d, policy);
        const Lpad__Explanation *e = rig_explain(d);
        assert_true(e->switching);
        assert_non_null(strstr(e->problem, "cannot be read"));
        const Lpad__SwitchStep *step = send_card(d, true, false);
        assert_null(step->action);
        assert_int_equal(step->modes[0], LPAD__PROBE_MODE__PROBE_OFF);
        assert_null(send_round(d, d->generation, false)->action);
        // Clients go on.
        assert_int_equal(rig_intend(d, LPAD__OPERATION__OPERATION_ENABLE)->verdict,
                         LPAD__VERDICT__VERDICT_ALLOW);
        rig_stop(d);
    }
}

// A switch that could not be known of after a power cut does not begin.
static void test_unwritable_state(void **state)
{
    struct daemon *d = *state;
    close(d->engine);
    d->engine = memfd_create("engine", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(fcntl(d->engine, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0);
    begin(d, policy);
    rig_explain(d);
    send_card(d, true, false);
    const Lpad__SwitchStep *step = send_round(d, d->generation, false);
    assert_null(step->action);
    assert_true(says(step, "failed"));
    assert_non_null(strstr(rig_explain(d)->problem, "cannot be written"));
    rig_stop(d);
}

// A bad text, and the same one again, change nothing; another one begins anew with the same state.
static void test_reload(void **state)
{
    struct daemon *d = *state;
    begin(d, policy);
    rig_explain(d);
    uint32_t generation = d->generation;
    send_card(d, true, false);
    assert_false(rig_send_text(d, rig_bad_text)->loaded);
    rig_take_loaded(d);
    assert_true(rig_send_text(d, policy)->loaded);
    rig_take_loaded(d);
    assert_non_null(send_round(d, generation, false)->action);
    assert_int_equal(d->generation, generation);
    char other[2048];
    snprintf(other, sizeof other, "%s# another\n", policy);
    assert_true(rig_send_text(d, other)->loaded);
    rig_take_loaded(d);
    assert_string_equal(rig_explain(d)->phase, "enabling");
    assert_true(d->generation != generation);
    rig_stop(d);
}

// What the engine began by a policy is not approved once another one is in force.
static void test_reload_before_approval(void **state)
{
    struct daemon *d = *state;
    for (int reload = 0; reload < 2; reload++) {
        begin(d, policy);
        if (reload == 0)
            want_backup(d);
        else
            assert_non_null(send_card(d, true, false)->action);
        assert_int_equal(rig_intend_engine(d, backup_iccid)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
        if (reload == 1) {
            assert_true(rig_send_text(d, NAMES "switching: {rules: [{name: home, use: main}]}\n")->loaded);
            rig_take_loaded(d);
        }
        const Lpad__Approval *a = rig_approve(d, LPAD__OPERATION__OPERATION_ENABLE);
        bool begun = a->allow || a->reason != LPAD__DENY_REASON__DENY_NO_INTENT;
        assert_int_equal(begun, reload == 0);
        rig_stop(d);
    }
}

// The cap per day leaves two for roll-backs and people.
static void test_reserve(void **state)
{
    struct daemon *d = *state;
    char text[2048];
    snprintf(text, sizeof text, "%scaps: {enables_per_day: 1}\n", policy);
    begin(d, text);
    want_backup(d);
    assert_int_equal(rig_intend_engine(d, backup_iccid)->reason, LPAD__DENY_REASON__DENY_CAP);
    rig_stop(d);
    snprintf(text, sizeof text, "%scaps: {enables_per_day: 2}\n", policy);
    begin(d, text);
    assert_non_null(send_card(d, true, false)->action);
    assert_int_equal(rig_intend_engine(d, backup_iccid)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    rig_stop(d);
}

static void test_role_engine(void **state)
{
    struct daemon *d = *state;
    static const char denied[] = NAMES "permissions:\n"
                                       "  - {operations: [enable], roles: [engine], profiles: "
                                       "[\"8944949999999900161\"], effect: deny}\n" SWITCHING;
    begin(d, denied);
    want_backup(d);
    const Lpad__Decision *decision = rig_intend_engine(d, backup_iccid);
    assert_int_equal(decision->reason, LPAD__DENY_REASON__DENY_RULE);
    assert_int_equal(decision->line, 9);
    rig_stop(d);
}

// A hold's permission leaves the intent that stands alone.
static void test_hold_aside(void **state)
{
    struct daemon *d = *state;
    begin(d, policy);
    assert_int_equal(rig_intend(d, LPAD__OPERATION__OPERATION_ENABLE)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    assert_int_equal(rig_intend(d, LPAD__OPERATION__OPERATION_HOLD)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    assert_int_equal(rig_intend(d, LPAD__OPERATION__OPERATION_RELOAD)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    assert_true(rig_approve(d, LPAD__OPERATION__OPERATION_ENABLE)->allow);
    rig_stop(d);
}

static void test_recording(void **state)
{
    struct daemon *d = *state;
    static char text[70000];
    d->recording = true;
    begin(d, policy);
    want_backup(d);
    for (int i = 0; i < 4000; i++)
        send_tick(d);
    rig_stop(d);
    ssize_t len = pread(d->record, text, sizeof text - 1, 0);
    assert_true(len > 0 && len <= 65536);
    text[len] = '\0';
    assert_non_null(strstr(text, "policy "));
    assert_non_null(strstr(text, " start\n"));
    assert_non_null(strstr(text, " probe net 0/1"));
    assert_non_null(strstr(text, "decided: switch away"));
    assert_non_null(strstr(text, "has reached its limit"));
    assert_ptr_equal(strstr(text, "has reached its limit"),
                     strrchr(text, '#') + strlen("# The recording ends here: it "));
}

// Without a switching key nothing is done, and nothing is in the way.
static void test_no_switching(void **state)
{
    struct daemon *d = *state;
    begin(d, rig_good_text);
    assert_false(rig_explain(d)->switching);
    assert_true(d->planned);
    assert_int_equal(d->plan_probes + d->plan_links, 0);
    const Lpad__SwitchStep *step = send_card(d, true, false);
    assert_null(step->action);
    assert_int_equal(step->n_modes, 0);
    assert_false(step->has_wake_in_ms);
    assert_null(send_card(d, false, false)->action);
    rig_stop(d);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_switch),
        TEST(test_old_generation),
        TEST(test_impossible_events),
        TEST(test_power_cut),
        TEST(test_new_broker),
        TEST(test_hold),
        TEST(test_hold_aside),
        TEST(test_clock_over_boots),
        TEST(test_unreadable_state),
        TEST(test_reload),
        TEST(test_unwritable_state),
        TEST(test_reserve),
        TEST(test_role_engine),
        TEST(test_recording),
        TEST(test_no_switching),
        TEST(test_reload_before_approval),
    };
    if (argc < 2)
        return 2;
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
