// SPDX-License-Identifier: Apache-2.0
// A card that misbehaves: error status words, silence, garbage, an end in the middle; and no card at all.
#include "tests/e2e/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct run download(struct world *w)
{
    return world_lpactl(w, WORLD_CODE "\n", "--json", "profile", "download", "--yes", NULL);
}

struct row {
    const char *fault;
    int code;
    bool load; // segments had reached the card
};

static void errors_during_a_download(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"match\":{\"es10\":\"BF2E\"},\"action\":\"sw\",\"sw\":\"6F00\"}",                            8, false},
        {"{\"match\":{\"es10\":\"BF38\"},\"action\":\"sw\",\"sw\":\"6F00\"}",                            8, false},
        {"{\"match\":{\"es10\":\"BF21\"},\"action\":\"sw\",\"sw\":\"6A80\"}",                            8, false},
        {"{\"match\":{\"es10\":\"BF21\"},\"action\":\"respond\",\"data\":\"BF2103810105"
         "9000\"}",                                                                             8, false},
        {"{\"match\":{\"es10\":\"BF38\"},\"action\":\"garbage\",\"data\":\"FFFFFFFF9000\"}",             8, false},
        {"{\"match\":{\"es10\":\"BF36\",\"segment\":6},\"action\":\"sw\",\"sw\":\"6F00\"}",              8, true },
        {"{\"match\":{\"es10\":\"BF36\",\"segment\":2},\"action\":\"garbage\",\"data\":\"0102039000\"}", 8,
         true                                                                                                    },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char faults[256];
        snprintf(faults, sizeof faults, "[%s]", rows[i].fault);
        struct world_options o = {.euicc_faults = faults};
        struct world w;
        world_start(&w, &o);
        struct run r = download(&w);
        if (r.code != rows[i].code)
            fail_msg("%s: ended with %d: %s%s", rows[i].fault, r.code, r.out, r.err);
        run_free(&r);
        assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF36") > 0, rows[i].load);
        r = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
        assert_int_equal(r.code, 0);
        assert_lacks(r.out, WORLD_ICCID);
        run_free(&r);
        world_stop(&w);
    }
}

static void a_card_that_never_answers(void **state)
{
    (void)state;
    // lpad itself reads the profiles once when it starts.
    struct world_options o = {.euicc_faults =
                                  "[{\"match\":{\"es10\":\"BF2D\",\"nth\":2},\"action\":\"mute\"}]",
                              .config_card = "  apdu_timeout: 500ms\n"};
    struct world w;
    world_start(&w, &o);
    struct run r = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
    assert_int_equal(r.code, 8);
    run_free(&r);
    // What still comes of that answer is not taken for the next one.
    r = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
    if (r.code != 0)
        fail_msg("the list after it ended with %d: %s%s", r.code, r.out, r.err);
    run_free(&r);
    world_stop(&w);
}

static void an_answer_that_comes_too_late(void **state)
{
    (void)state;
    struct world_options o = {
        .euicc_faults = "[{\"match\":{\"es10\":\"BF2D\",\"nth\":2},\"action\":\"delay\",\"ms\":700}]",
        .config_card = "  apdu_timeout: 500ms\n"};
    struct world w;
    world_start(&w, &o);
    struct run r = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
    assert_int_equal(r.code, 8);
    run_free(&r);
    r = world_lpactl(&w, NULL, "--json", "euicc", "info", NULL);
    if (r.code != 0)
        fail_msg("the next request ended with %d: %s%s", r.code, r.out, r.err);
    assert_contains(r.out, "firmware_version");
    run_free(&r);
    world_stop(&w);
}

static void without_a_card_lpad_says_so(void **state)
{
    (void)state;
    struct world_options o = {.no_euicc = true};
    struct world w;
    world_start(&w, &o);
    struct run r = world_lpactl(&w, NULL, "--json", "status", NULL);
    assert_int_equal(r.code, 0);
    assert_contains(r.out, "\"present\":false");
    run_free(&r);
    r = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
    assert_int_equal(r.code, 8);
    run_free(&r);
    // It comes, and is found without anybody's doing.
    world_start_euicc(&w);
    world_wait_for(&w, "apdu.log", "GetEuiccInfo1", 1);
    r = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
    assert_int_equal(r.code, 0);
    run_free(&r);
    world_stop(&w);
}

// Blocks of another size, and a card that answers at once instead of with 61xx.
static void other_cards(void **state)
{
    (void)state;
    static const char *const at_once[] = {"--answer", "data", NULL};
    static const char *const sizes[] = {"  block_size: 120\n", "  block_size: 254\n", "  block_size: 20\n",
                                        NULL};
    for (int i = 0; i < 4; i++) {
        struct world_options o = {.config_card = sizes[i], .euicc_args = i == 3 ? at_once : NULL};
        struct world w;
        world_start(&w, &o);
        world_download(&w);
        world_stop(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_during_a_download),
        cmocka_unit_test(a_card_that_never_answers),
        cmocka_unit_test(an_answer_that_comes_too_late),
        cmocka_unit_test(without_a_card_lpad_says_so),
        cmocka_unit_test(other_cards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
