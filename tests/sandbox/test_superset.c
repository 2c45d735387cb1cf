// SPDX-License-Identifier: Apache-2.0
// Filters are inherited over exec: a call that a child's list allows and the supervisor's does not would kill
// the child.
#include "tests/sandbox/probe.h"

#include "broker/broker.h"
#include "broker/supervisor.h"
#include "cardd/sandbox.h"
#include "netd/sandbox.h"
#include "policy/sandbox.h"
#include "probed/sandbox.h"

#include <string.h>

// A row of the supervisor's own must be there, without conditions: a child's conditions may be any.
static bool supervisor_allows(const char *name)
{
    for (size_t i = 0; i < supervisor_call_count; i++)
        if (strcmp(supervisor_calls[i].name, name) == 0)
            return supervisor_calls[i].action == SANDBOX_ALLOW && supervisor_calls[i].conditions == 0;
    for (size_t i = 0; i < sandbox_common_call_count; i++)
        if (strcmp(sandbox_common_calls[i].name, name) == 0)
            return sandbox_common_calls[i].conditions == 0;
    return false;
}

static void check(const struct sandbox_spec *spec)
{
    for (size_t i = 0; i < spec->call_count; i++)
        if (spec->calls[i].action == SANDBOX_ALLOW && !supervisor_allows(spec->calls[i].name))
            fail_msg("%s may call %s, but lpad, whose filter it inherits, may not", spec->process,
                     spec->calls[i].name);
}

static void the_supervisor_allows_what_its_children_do(void **state)
{
    (void)state;
    Lpad__NetdSettings settings = LPAD__NETD_SETTINGS__INIT;
    struct netd_sandbox netd;
    assert_int_equal(netd_sandbox_make(&settings, &netd), ERR_OK);
    check(&netd.spec);
    Lpad__ProbedSettings probed_settings = LPAD__PROBED_SETTINGS__INIT;
    struct probed_sandbox probed;
    assert_int_equal(probed_sandbox_make(&probed_settings, &probed), ERR_OK);
    check(&probed.spec);
    for (size_t i = 0; transport_row(i) != NULL; i++) {
        static struct cardd_sandbox cardd;
        cardd_sandbox_make(transport_row(i), &cardd);
        check(&cardd.spec);
    }
    check(&policyd_sandbox);
    check(&broker_sandbox);
}

static void every_row_has_a_reason(void **state)
{
    (void)state;
    Lpad__NetdSettings settings = LPAD__NETD_SETTINGS__INIT;
    struct netd_sandbox netd;
    assert_int_equal(netd_sandbox_make(&settings, &netd), ERR_OK);
    Lpad__ProbedSettings probed_settings = LPAD__PROBED_SETTINGS__INIT;
    struct probed_sandbox probed;
    assert_int_equal(probed_sandbox_make(&probed_settings, &probed), ERR_OK);
    const struct sandbox_spec *const specs[] = {&netd.spec,       &probed.spec,    &cardd_sandbox,
                                                &policyd_sandbox, &broker_sandbox, &policy_tool_sandbox};
    for (size_t s = 0; s < sizeof specs / sizeof specs[0]; s++)
        for (size_t i = 0; i < specs[s]->call_count; i++)
            assert_true(specs[s]->calls[i].reason != NULL && strlen(specs[s]->calls[i].reason) >= 3);
    for (size_t t = 0; transport_row(t) != NULL; t++)
        for (size_t i = 0; i < transport_row(t)->call_count; i++)
            assert_true(transport_row(t)->calls[i].reason != NULL);
    for (size_t i = 0; i < supervisor_call_count; i++)
        assert_true(supervisor_calls[i].reason != NULL && strlen(supervisor_calls[i].reason) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_supervisor_allows_what_its_children_do),
        cmocka_unit_test(every_row_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
