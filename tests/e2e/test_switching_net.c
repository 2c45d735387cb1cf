// SPDX-License-Identifier: Apache-2.0
// Switching by what a real interface does: carrier lost, packets dropped, a portal in between. The interface
// is one end of a veth pair, the network behind it obeys the test (operator.h).
#include "tests/e2e/operator.h"
#include "tests/e2e/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MAIN   "8949449999999990031"
#define BACKUP "8949449999999990049"

static const char two_profiles[] =
    "{\"profiles\":[{\"iccid\":\"" MAIN "\",\"enabled\":true,\"name\":\"Main\"},"
    "{\"iccid\":\"" BACKUP "\",\"name\":\"Backup\"}]}";

#define HEAD                                                                                                 \
    "version: 1\n"                                                                                           \
    "roles: {admin: {users: [0]}}\n"                                                                         \
    "permissions:\n"                                                                                         \
    "  - {operations: [enable, disable], roles: [admin], profiles: any}\n"                                   \
    "profiles:\n"                                                                                            \
    "  main: {iccid: \"" MAIN "\"}\n"                                                                        \
    "  backup: {iccid: \"" BACKUP "\"}\n"                                                                    \
    "probes:\n"                                                                                              \
    "  online: {https: [\"" OPERATOR_URL "\"], body_sha256: " OPERATOR_BODY_SHA256                           \
    ", interface: " OPERATOR_INTERFACE                                                                       \
    ",\n    interval: 3s, failure_interval: 2s, timeout: 2s, up: 1, down: 2}\n"

// Seconds in which the policy allows the switch to begin: two bad rounds, an interval and their time-outs.
#define BEGIN_WITHIN_MS 12000

static const char by_probe[] = HEAD
    "switching:\n"
    "  dwell: 2s\n"
    "  caps: {per_hour: 20, per_day: 40}\n"
    "  quarantine: {first: 30s, longest: 2m}\n"
    "  trial: {probe: online, within: 8s}\n"
    "  rules:\n"
    "    - {name: main-down, when: {probe: online, is: down}, use: backup, priority: 10, fail_back: 4s}\n"
    "    - {name: normal, use: main}\n";

static const char by_carrier[] = HEAD "switching:\n"
                                      "  dwell: 3s\n"
                                      "  caps: {per_hour: 20, per_day: 40}\n"
                                      "  rules:\n"
                                      "    - {name: no-carrier, when: {link: " OPERATOR_INTERFACE
                                      ", carrier: down, for: 2s}, use: backup,\n"
                                      "       priority: 10, fail_back: 1h}\n"
                                      "    - {name: normal, use: main}\n";

struct scene {
    struct world_options options;
    struct world w;
    struct operator network;
};

static struct scene *begin(const char *policy)
{
    static struct scene s;
    static char ca[512], probes[1024];
    s = (struct scene){
        .options = {.policy = policy, .initial = two_profiles, .no_smdp = true}
    };
    snprintf(ca, sizeof ca, "%s/operator-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    int fd = mkstemp(ca);
    assert_true(fd >= 0);
    close(fd);
    operator_start(&s.network, ca);
    snprintf(probes, sizeof probes, "probes: { ca_certificates: %s }\n", ca);
    s.options.config_top = probes;
    world_start(&s.w, &s.options);
    unlink(ca);
    return &s;
}

static void end(struct scene *s)
{
    world_stop(&s->w);
    operator_stop(&s->network);
}

static void await(struct scene *s, const char *type, unsigned times)
{
    char text[64];
    snprintf(text, sizeof text, "\"type\":\"%s\"", type);
    world_wait_for(&s->w, "audit.jsonl", text, times);
}

static unsigned count(struct scene *s, const char *type)
{
    char text[64];
    snprintf(text, sizeof text, "\"type\":\"%s\"", type);
    return world_count(&s->w, "audit.jsonl", text);
}

static void expect_enabled(struct scene *s, const char *iccid)
{
    struct run r = world_lpactl(&s->w, NULL, "--json", "profile", "list", NULL);
    assert_int_equal(r.code, 0);
    const char *at = strstr(r.out, iccid);
    assert_non_null(at);
    const char *state = strstr(at, "\"state\":\"");
    assert_non_null(state);
    if (strncmp(state, "\"state\":\"enabled\"", 17) != 0)
        fail_msg("%s is not enabled: %s", iccid, r.out);
    run_free(&r);
}

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// The first good round has come: the engine knows that the link works.
static void await_online(struct scene *s)
{
    long until = now_ms() + 60000;
    for (;;) {
        struct run r = world_lpactl(&s->w, NULL, "--json", "policy", "explain", NULL);
        assert_int_equal(r.code, 0);
        bool up = strstr(r.out, "\"up\":true") != NULL;
        run_free(&r);
        if (up)
            return;
        assert_true(now_ms() < until);
    }
}

static void packets_lost_bring_the_backup_and_it_fails_back(void **state)
{
    (void)state;
    struct scene *s = begin(by_probe);
    await_online(s);
    operator_set_dropping(&s->network, true);
    long lost = now_ms();
    await(s, "switch.begin", 1);
    assert_true(now_ms() - lost < BEGIN_WITHIN_MS);
    // The other operator's network works.
    operator_set_dropping(&s->network, false);
    await(s, "switch.commit", 1);
    expect_enabled(s, BACKUP);
    // The rule lets go after its four seconds, and the main profile is taken again, on trial.
    await(s, "switch.begin", 2);
    await(s, "switch.commit", 2);
    expect_enabled(s, MAIN);
    assert_int_equal(count(s, "switch.roll_back"), 0);
    end(s);
}

static void a_portal_that_answers_200_is_no_network(void **state)
{
    (void)state;
    struct scene *s = begin(by_probe);
    await_online(s);
    operator_set_portal(&s->network, true);
    await(s, "switch.begin", 1);
    operator_set_portal(&s->network, false);
    await(s, "switch.commit", 1);
    expect_enabled(s, BACKUP);
    end(s);
}

static void a_bad_backup_is_rolled_back_and_quarantined(void **state)
{
    (void)state;
    struct scene *s = begin(by_probe);
    await_online(s);
    operator_set_dropping(&s->network, true);
    await(s, "switch.begin", 1);
    // It does not get better with the backup.
    await(s, "switch.roll_back", 1);
    await(s, "switch.rolled_back", 1);
    operator_set_dropping(&s->network, false);
    expect_enabled(s, MAIN);
    struct run r = world_lpactl(&s->w, NULL, "policy", "explain", NULL);
    assert_int_equal(r.code, 0);
    assert_contains(r.out, "quarantine");
    run_free(&r);
    assert_int_equal(count(s, "switch.commit"), 0);
    assert_int_equal(count(s, "switch.begin"), 1);
    end(s);
}

static void a_lost_carrier_brings_the_backup(void **state)
{
    (void)state;
    struct scene *s = begin(by_carrier);
    operator_set_carrier(&s->network, false);
    long lost = now_ms();
    await(s, "switch.begin", 1);
    long took = now_ms() - lost;
    assert_true(took >= 1900 && took < 4000);
    await(s, "switch.commit", 1);
    expect_enabled(s, BACKUP);
    end(s);
}

static void a_flapping_link_does_not_switch(void **state)
{
    (void)state;
    struct scene *s = begin(by_carrier);
    for (int i = 0; i < 20; i++) {
        operator_set_carrier(&s->network, false);
        operator_set_carrier(&s->network, true);
    }
    // A real loss afterwards: had a flap counted, there would be two.
    operator_set_carrier(&s->network, false);
    await(s, "switch.commit", 1);
    assert_int_equal(count(s, "switch.begin"), 1);
    expect_enabled(s, BACKUP);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_lost_bring_the_backup_and_it_fails_back),
        cmocka_unit_test(a_portal_that_answers_200_is_no_network),
        cmocka_unit_test(a_bad_backup_is_rolled_back_and_quarantined),
        cmocka_unit_test(a_lost_carrier_brings_the_backup),
        cmocka_unit_test(a_flapping_link_does_not_switch),
    };
    if (!operator_can_run())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
