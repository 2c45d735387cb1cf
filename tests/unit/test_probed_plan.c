// SPDX-License-Identifier: Apache-2.0
// Unit tests of probed/plan.h: what is read of a plan, and when a probe is due.
#include "tests/unit/unit.h"

#include "probed/plan.h"

#define NORMAL LPAD__PROBE_MODE__PROBE_NORMAL
#define FAST   LPAD__PROBE_MODE__PROBE_FAST
#define OFF    LPAD__PROBE_MODE__PROBE_OFF

static uint32_t ports[] = {443};

static Lpad__ProbedSettings settings(void)
{
    Lpad__ProbedSettings s = LPAD__PROBED_SETTINGS__INIT;
    s.n_ports = 1;
    s.ports = ports;
    return s;
}

static void targets_are_counted(void **state)
{
    (void)state;
    char good[] = "192.0.2.1:443", other_port[] = "192.0.2.1:444", bad[] = "?", wwan[] = "wwan0";
    char *targets[] = {good, other_port, bad, good};
    const Lpad__ProbedSettings s = settings();
    struct plan plan;
    Lpad__ProbePlan probe = LPAD__PROBE_PLAN__INIT;
    Lpad__ProbePlan *probes[] = {&probe};
    Lpad__SwitchPlan message = LPAD__SWITCH_PLAN__INIT;
    probe.kind = LPAD__PROBE_KIND__PROBE_TCP;
    probe.n_targets = 4;
    probe.targets = targets;
    probe.interface = wwan;
    probe.interval_ms = probe.failure_interval_ms = probe.timeout_ms = 1000;
    message.generation = 7;
    message.n_probes = 1;
    message.probes = probes;
    assert_int_equal(plan_read(&message, &s, &plan), ERR_OK);
    assert_int_equal(plan.generation, 7);
    assert_int_equal(plan.probes[0].target_count, 2);
    assert_int_equal(plan.probes[0].broken_count, 2);
    assert_int_equal(plan.probes[0].mode, OFF);
    assert_string_equal(probe_interface(&plan.probes[0]), "wwan0");
    const Lpad__ProbeMode modes[] = {NORMAL, FAST};
    assert_int_equal(plan_set_modes(&plan, modes, 2), ERR_PEER_UNEXPECTED);
    assert_int_equal(plan_set_modes(&plan, modes, 0), ERR_PEER_UNEXPECTED);
    assert_int_equal(plan.probes[0].mode, OFF);
    assert_int_equal(plan_set_modes(&plan, modes, 1), ERR_OK);
    assert_int_equal(plan.probes[0].mode, NORMAL);
    plan_free(&plan);

    uint32_t *const times[] = {&probe.interval_ms, &probe.failure_interval_ms, &probe.timeout_ms};
    for (size_t i = 0; i < 3; i++) {
        *times[i] = 0;
        assert_int_equal(plan_read(&message, &s, &plan), ERR_PEER_UNEXPECTED);
        *times[i] = 1000;
    }
}

static void times(void **state)
{
    (void)state;
    struct probe p = {.interval_ms = 60000, .failure_interval_ms = 10000, .mode = OFF};
    assert_int_equal(probe_due(&p), NEVER);
    assert_false(probe_may_begin(&p, 1));
    p.mode = NORMAL;
    assert_true(probe_due(&p) <= 1); // at once
    assert_true(probe_may_begin(&p, 1));
    p.ran = true;
    p.begun = 100000;
    assert_int_equal(probe_due(&p), 160000);
    assert_false(probe_may_begin(&p, 153999));
    assert_true(probe_may_begin(&p, 154000)); // a tenth early, when awake anyhow
    p.mode = FAST;
    assert_int_equal(probe_due(&p), 110000);
    assert_false(probe_may_begin(&p, 108999));
    assert_true(probe_may_begin(&p, 109000));
    p.round = (struct round *)&p; // one runs
    assert_int_equal(probe_due(&p), NEVER);
    assert_false(probe_may_begin(&p, 200000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_counted),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
