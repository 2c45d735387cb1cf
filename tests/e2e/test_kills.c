// SPDX-License-Identifier: Apache-2.0
// Each process killed in the middle of a download, and lpad stopped in the middle of one: never left half.
#include "tests/e2e/world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

// Where the card holds the download still, long enough to strike.
struct hold {
    const char *name;
    const char *match;
    const char *line; // in the APDU log, once it holds
};
static const struct hold holds[] = {
    {"AuthenticateServer", "\"es10\":\"BF38\"",               "! delay"},
    {"PrepareDownload",    "\"es10\":\"BF21\"",               "! delay"},
    {"load",               "\"es10\":\"BF36\",\"segment\":6", "! delay"},
};

static void start_and_hold(struct world *w, const struct hold *h, struct world_options *o,
                           struct background *b)
{
    static char faults[256];
    snprintf(faults, sizeof faults, "[{\"match\":{%s},\"action\":\"delay\",\"ms\":1500}]", h->match);
    o->euicc_faults = faults;
    world_start(w, o);
    *b = world_lpactl_start(w, WORLD_CODE "\n", "--json", "profile", "download", "--yes", NULL);
    world_wait_for(w, "apdu.log", h->line, 1);
}

static bool is_installed(struct world *w)
{
    struct run r = world_lpactl(w, NULL, "--json", "profile", "list", NULL);
    if (r.code != 0)
        fail_msg("profile list ended with %d: %s%s", r.code, r.out, r.err);
    bool installed = strstr(r.out, WORLD_ICCID) != NULL;
    run_free(&r);
    return installed;
}

// However it ended: the card's and the server's view agree in the end, and a download works.
static void expect_settled(struct world *w, const char *what)
{
    // Whatever the card has to say is delivered.
    struct run r = world_lpactl(w, NULL, "--json", "notification", "deliver", NULL);
    if (r.code != 0) {
        char *log = world_read(w, "lpad.log");
        fail_msg("%s: notification deliver ended with %d: %s%s\n%s", what, r.code, r.out, r.err, log);
    }
    run_free(&r);
    r = world_lpactl(w, NULL, "--json", "notification", "list", NULL);
    assert_lacks(r.out, "\"delivered\":false");
    run_free(&r);
    char *order = world_read(w, "orders/order.state.json");
    bool installed = is_installed(w);
    if (installed && strstr(order, "Installed") == NULL)
        fail_msg("%s: the card has the profile, the server says: %s", what, order);
    free(order);
    world_download_other(w);
    char path[512];
    snprintf(path, sizeof path, "%s/audit.jsonl", w->dir);
    r = world_lpactl(w, NULL, "audit", "verify", path, NULL);
    if (r.code != 0)
        fail_msg("%s: the audit log does not verify: %s%s", what, r.out, r.err);
    run_free(&r);
}

static void kill_one(const char *process, int signal_number)
{
    for (size_t i = 0; i < sizeof holds / sizeof holds[0]; i++) {
        char what[128];
        struct world_options o = {0};
        struct world w;
        struct background b;
        start_and_hold(&w, &holds[i], &o, &b);
        snprintf(what, sizeof what, "%s killed during %s", process, holds[i].name);
        pid_t pid = world_pid(&w, process);
        if (pid <= 0)
            fail_msg("%s: it does not run", what);
        assert_int_equal(kill(pid, signal_number), 0);
        struct run r = world_join(&b);
        // Its session ends with a clear error, or had gone too far to notice.
        if (r.code != 0 && r.code != 10 && r.code != 8)
            fail_msg("%s: lpactl ended with %d: %s%s", what, r.code, r.out, r.err);
        assert_true(r.code == 0 || strstr(r.out, "\"error\"") != NULL);
        run_free(&r);
        world_wait_for(&w, "audit.jsonl", "process.died", 1);
        expect_settled(&w, what);
        world_stop(&w);
    }
}

static void netd_killed(void **state)
{
    (void)state;
    kill_one("lpad-netd", SIGKILL);
}
static void cardd_killed(void **state)
{
    (void)state;
    kill_one("lpad-cardd", SIGKILL);
}
static void policyd_killed(void **state)
{
    (void)state;
    kill_one("lpad-policyd", SIGKILL);
}
static void broker_killed(void **state)
{
    (void)state;
    kill_one("lpad-broker", SIGKILL);
}

static void a_sandbox_stop_is_called_so(void **state)
{
    (void)state;
    struct world_options o = {0};
    struct world w;
    struct background b;
    start_and_hold(&w, &holds[0], &o, &b);
    assert_int_equal(kill(world_pid(&w, "lpad-netd"), SIGSYS), 0);
    struct run r = world_join(&b);
    assert_int_equal(r.code, 10);
    assert_contains(r.out, "sandbox");
    run_free(&r);
    world_wait_for(&w, "audit.jsonl", "SIGSYS", 1);
    // world_stop would take SIGSYS in the log for a real one.
    assert_int_equal(world_stop_lpad(&w), 0);
    world_remove(&w);
}

// SIGTERM: before the load the session is cancelled on card and server, in the load it is finished and
// notified.
static void stopped_in_the_middle(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof holds / sizeof holds[0]; i++) {
        struct world_options o = {0};
        struct world w;
        struct background b;
        start_and_hold(&w, &holds[i], &o, &b);
        assert_int_equal(world_stop_lpad(&w), 0);
        struct run r = world_join(&b);
        run_free(&r);
        bool load = strcmp(holds[i].name, "load") == 0;
        char *order = world_read(&w, "orders/order.state.json");
        if (load) {
            assert_contains(order, "Installed");
            assert_int_equal(world_count(&w, "smdp.log", "\"handleNotification\""), 1);
            assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF30"), 1);
        } else {
            assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF41"), 1);
            assert_int_equal(world_count(&w, "smdp.log", "\"cancelSession\""), 1);
        }
        free(order);
        world_start_lpad(&w);
        assert_int_equal(is_installed(&w), load);
        world_stop(&w);
    }
}

// A client that goes away before it consented cancels; the card and the server are told.
static void the_client_goes_away(void **state)
{
    (void)state;
    struct world_options o = {0};
    struct world w;
    struct background b;
    start_and_hold(&w, &holds[0], &o, &b);
    assert_int_equal(kill(b.pid, SIGKILL), 0);
    struct run r = world_join(&b);
    assert_int_equal(r.code, 128 + SIGKILL);
    run_free(&r);
    world_wait_for(&w, "smdp.log", "\"cancelSession\"", 1);
    expect_settled(&w, "the client went away");
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(netd_killed),
        cmocka_unit_test(cardd_killed),
        cmocka_unit_test(policyd_killed),
        cmocka_unit_test(broker_killed),
        cmocka_unit_test(a_sandbox_stop_is_called_so),
        cmocka_unit_test(stopped_in_the_middle),
        cmocka_unit_test(the_client_goes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
