// SPDX-License-Identifier: Apache-2.0
// What the tests of lpad-cardd as a program share: credentials, the card's profiles, one rig at a time.
//
// Every function asserts (cmocka) that what it needs worked.
#ifndef LPAD_TESTS_UNIT_CARDD_WORLD_H
#define LPAD_TESTS_UNIT_CARDD_WORLD_H

#include "tests/unit/cardd_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ICCID_ALPHA      "89490099999999990011"
#define ICCID_BETA       "89490099999999990022"
#define ICCID_GAMMA      "89490099999999990033"
#define CARD_ICCID_ALPHA "98940099999999990011"
#define CARD_ICCID_BETA  "98940099999999990022"
#define CARD_ICCID_GAMMA "98940099999999990033"

struct cardd_world {
    const char *lpad_cardd, *sim_euicc, *sim_pki;
    char base[128];
    char credentials[160];
    struct cardd_rig rig;
    struct server_side server;
};
extern struct cardd_world world;

// Three profiles of ordinary size that say all that a profile says in a list; the last one is a test profile.
extern const char world_with_icons[];

// The programs, from the arguments of main; not 0: the exit status, told on standard error.
int world_take(int argc, char **argv);

// For cmocka: the group's, and each test's (one that failed leaves its processes behind).
int world_set_up(void **state);
int world_tear_down(void **state);
int world_clean(void **state);
#define RIG_TEST(function) cmocka_unit_test_teardown(function, world_clean)

// lpad-cardd on a card: Alpha (enabled), Beta and Delta, or this one. The option goes to sim-euicc.
struct cardd_rig *world_start(void);
struct cardd_rig *world_start_with(const char *option, const char *value,
                                   const struct cardd_options *options);
struct cardd_rig *world_start_card(const char *card, const char *option, const char *value,
                                   const struct cardd_options *options);

void assert_failure(const Lpad__CarddToBroker *answer, enum err error);
#define ASSERT_BODY(answer, name)                                                                            \
    do {                                                                                                     \
        const Lpad__CarddToBroker *answer_ = (answer);                                                       \
        assert_non_null(answer_);                                                                            \
        if (answer_->body_case == LPAD__CARDD_TO_BROKER__BODY_FAILURE)                                       \
            print_error("failure %#x: %s\n", answer_->failure->error,                                        \
                        answer_->failure->detail != NULL ? answer_->failure->detail : "");                   \
        assert_int_equal(answer_->body_case, LPAD__CARDD_TO_BROKER__BODY_##name);                            \
    } while (0)

// Borrowed; NULL when there is none.
const Lpad__Profile *find_profile(size_t count, Lpad__Profile *const *profiles, const char *iccid);
// Whether the card has it enabled, as it says now.
bool is_enabled(struct cardd_rig *r, const char *iccid);

// A session with the SM-DP+ of the world, up to here.
void open_session(struct cardd_rig *r);
void open_and_prepare(struct cardd_rig *r);
void stage_gamma(struct cardd_rig *r, size_t size, struct package *package);

#endif
