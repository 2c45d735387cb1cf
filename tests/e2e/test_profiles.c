// SPDX-License-Identifier: Apache-2.0
// The profiles of a card that already has some: list, enable, disable, rename, delete; what the card and the
// policy refuse.
#include "tests/e2e/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA "8949009999999999001"
#define BETA  "8949009999999999019"
#define GAMMA "8949009999999999027"

static const char three_profiles[] =
    "{\"profiles\":["
    "{\"iccid\":\"" ALPHA "\",\"enabled\":true,\"name\":\"Alpha\",\"serviceProvider\":\"Example\","
    "\"notifications\":[{\"events\":[\"enable\",\"disable\",\"delete\"],\"address\":\"smdp.example.com\"}]},"
    "{\"iccid\":\"" BETA "\",\"name\":\"Beta\",\"serviceProvider\":\"Example\"},"
    "{\"iccid\":\"" GAMMA
    "\",\"name\":\"Gamma\\u001b[2J\",\"serviceProvider\":\"Example\",\"pprs\":[\"ppr2\"],"
    "\"owner\":{\"mccMnc\":\"62F210\"}}]}";

static struct world_options options = {.initial = three_profiles};

static void expect(struct world *w, int code, const char *in_output, const char *command, const char *a,
                   const char *b)
{
    struct run r =
        b   ? world_lpactl(w, NULL, "--json", "--yes", "--strong-yes", "profile", command, a, b, NULL)
        : a ? world_lpactl(w, NULL, "--json", "--yes", "--strong-yes", "profile", command, a, NULL)
            : world_lpactl(w, NULL, "--json", "profile", command, NULL);
    if (r.code != code || strstr(r.out, in_output) == NULL) {
        char *log = world_read(w, "lpad.log");
        fail_msg("profile %s ended with %d, not %d; \"%s\" is expected in:\n%s%s\n%s", command, r.code, code,
                 in_output, r.out, r.err, log);
    }
    run_free(&r);
}

static unsigned commands(const struct world *w, const char *tag)
{
    char line[32];
    snprintf(line, sizeof line, "= ES10 %s ", tag);
    return world_count(w, "apdu.log", line);
}

static void changes(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, &options);
    expect(&w, 0, "\"name\":\"Beta\"", "list", NULL, NULL);
    expect(&w, 0, "\"state\":\"enabled\"", "enable", BETA, NULL);
    assert_int_equal(commands(&w, "BF31"), 1);
    // Alpha gave way, and its server is told.
    world_wait_for(&w, "smdp.log", "\"handleNotification\"", 1);
    expect(&w, 0, "Haus", "nickname", BETA, "Haus");
    expect(&w, 0, "disabled", "disable", BETA, NULL);
    // What cannot be undone takes more than the consent that a download takes.
    unsigned deletions = commands(&w, "BF33");
    struct run weak = world_lpactl(&w, NULL, "--json", "--yes", "profile", "delete", BETA, NULL);
    if (weak.code != 5 || strstr(weak.out, "--strong-yes") == NULL)
        fail_msg("a deletion without strong consent ended with %d: %s%s", weak.code, weak.out, weak.err);
    run_free(&weak);
    assert_int_equal(commands(&w, "BF33"), deletions);
    expect(&w, 0, "profiles", "delete", BETA, NULL);
    struct run r = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
    assert_lacks(r.out, BETA);
    assert_contains(r.out, ALPHA);
    run_free(&r);
    assert_int_equal(commands(&w, "BF32"), 1);
    assert_int_equal(commands(&w, "BF33"), 1);
    assert_int_equal(commands(&w, "BF29"), 1);
    world_stop(&w);
}

static void what_the_card_refuses_is_said_in_words(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, &options);
    expect(&w, 8, "profileNotInDisabledState", "enable", ALPHA, NULL);
    expect(&w, 8, "profileNotInEnabledState", "disable", BETA, NULL);
    // An ICCID that is not there, and a profile that may not be deleted, do not even reach the card as a
    // command.
    expect(&w, 2, "no profile with this ICCID", "enable", WORLD_ICCID, NULL);
    expect(&w, 4, "ppr", "delete", GAMMA, NULL);
    assert_int_equal(commands(&w, "BF33"), 0);
    expect(&w, 2, "error", "enable", "12345", NULL);
    world_stop(&w);
}

static void hostile_text_is_escaped_at_every_sink(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, &options);
    struct run r = world_lpactl(&w, NULL, "profile", "list", NULL);
    assert_int_equal(r.code, 0);
    assert_lacks(r.out, "\033");
    assert_contains(r.out, "\\x1b[2J");
    run_free(&r);
    r = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
    assert_lacks(r.out, "\033");
    assert_contains(r.out, "\\u001b[2J");
    run_free(&r);
    world_stop(&w);
}

static void a_list_of_three_takes_two_apdus(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, &options);
    // Behind what lpad reads by itself at its start.
    struct run r = world_lpactl(&w, NULL, "notification", "list", NULL);
    assert_int_equal(r.code, 0);
    run_free(&r);
    unsigned before = world_count(&w, "apdu.log", " > ");
    expect(&w, 0, "Alpha", "list", NULL, NULL);
    assert_int_equal(world_count(&w, "apdu.log", " > ") - before, 2);
    world_stop(&w);
}

// Some cards close every channel when the profile changes.
static void a_channel_lost_by_the_refresh_is_reopened(void **state)
{
    (void)state;
    static const char *const args[] = {"--refresh", "channel-loss", NULL};
    struct world_options o = options;
    struct world w;
    o.euicc_args = args;
    world_start(&w, &o);
    expect(&w, 0, "enabled", "enable", BETA, NULL);
    expect(&w, 0, "Beta", "list", NULL, NULL);
    expect(&w, 0, "enabled", "enable", ALPHA, NULL);
    assert_int_equal(commands(&w, "BF31"), 2);
    world_stop(&w);
}

// The answer to Enable is lost on the way: the card is read before anything else is believed or repeated.
static void an_unknown_outcome_is_settled_by_reading(void **state)
{
    (void)state;
    struct world_options o = options;
    struct world w;
    o.euicc_faults = "[{\"match\":{\"es10\":\"BF31\"},\"action\":\"sw\",\"sw\":\"6F00\",\"when\":\"after\"}]";
    world_start(&w, &o);
    struct run r = world_lpactl(&w, NULL, "--json", "--yes", "profile", "enable", BETA, NULL);
    run_free(&r);
    assert_int_equal(commands(&w, "BF31"), 1);
    r = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
    assert_int_equal(r.code, 0);
    run_free(&r);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes),
        cmocka_unit_test(what_the_card_refuses_is_said_in_words),
        cmocka_unit_test(hostile_text_is_escaped_at_every_sink),
        cmocka_unit_test(a_list_of_three_takes_two_apdus),
        cmocka_unit_test(a_channel_lost_by_the_refresh_is_reopened),
        cmocka_unit_test(an_unknown_outcome_is_settled_by_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
