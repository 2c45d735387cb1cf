// SPDX-License-Identifier: Apache-2.0
// The switching engine's speed: a step at 100 rules, and years of one-minute events replayed.
//
//     lpad-bench-engine [--check]
//
// --check: one year instead of ten; exit code 1 when a step takes over 20 microseconds or ten years would
// take over a minute, ten times less than which is usual.
#include "policy/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RULES            100
#define PER_RULE         7 // conditions
#define MINUTES_PER_YEAR UINT64_C(525600)
#define STEP_LIMIT_NS    20000.0
#define YEAR_LIMIT_S     6.0

struct load {
    struct switching policy;
    struct switch_profile profiles[4];
    struct switch_probe probes[4];
    const char *links[2];
    struct switch_window windows[2];
    struct switch_condition conditions[RULES * PER_RULE];
    struct switch_rule rules[RULES];
    char names[RULES][8];
    struct engine_card_profile card[4];
    uint32_t enabled;
    struct engine_state *state;
    struct engine_time now;
    struct engine_output output;
    uint64_t steps, switches;
};

// all: [profile, probe down for 2 min, any: [carrier down, signal], window]
static void make_rule(struct load *l, uint32_t i)
{
    uint32_t at = i * PER_RULE;
    struct switch_condition *c = &l->conditions[at];
    c[0] = (struct switch_condition){.kind = CONDITION_ALL, .first_child = at + 1, .child_count = 4};
    c[1] = (struct switch_condition){.kind = CONDITION_PROFILE, .index = i % 4};
    c[2] = (struct switch_condition){.kind = CONDITION_PROBE, .index = i % 4, .for_ms = 120000};
    c[3] = (struct switch_condition){.kind = CONDITION_ANY, .first_child = at + 5, .child_count = 2};
    c[4] = (struct switch_condition){.kind = CONDITION_WINDOW, .index = i % 2};
    c[5] = (struct switch_condition){.kind = CONDITION_CARRIER, .index = i % 2};
    c[6] = (struct switch_condition){.kind = CONDITION_SIGNAL, .dbm = -100, .hysteresis_db = 6};
    snprintf(l->names[i], sizeof l->names[i], "r%" PRIu32, i);
    l->rules[i] = (struct switch_rule){.name = l->names[i],
                                       .when = at,
                                       .use = (i + 1) % 4,
                                       .priority = i % 10,
                                       .fail_back_ms = 1800000,
                                       .only_in = SWITCH_NONE,
                                       .trial_probe = SWITCH_NONE};
}

static void make_tables(struct load *l)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    for (uint32_t i = 0; i < 4; i++) {
        l->card[i].iccid = (struct iccid){
            {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x00, (uint8_t)(0xF0 + i)}
        };
        l->card[i].profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
        l->profiles[i] =
            (struct switch_profile){.name = names[i], .has_iccid = true, .iccid = l->card[i].iccid};
        l->probes[i] =
            (struct switch_probe){.name = names[i], .target_count = 1, .need = 1, .up = 2, .down = 3};
    }
    l->links[0] = "wwan0";
    l->links[1] = "eth0";
    l->windows[0] = (struct switch_window){
        .name = "night", .span_count = 1, .spans = {{.days = 127, .from_min = 1320, .to_min = 240}}};
    l->windows[1] = (struct switch_window){.name = "always", .span_count = 1, .spans = {{.days = 127}}};
    for (uint32_t i = 0; i < RULES; i++)
        make_rule(l, i);
}

static void make_load(struct load *l)
{
    memset(l, 0, sizeof *l);
    make_tables(l);
    l->policy = (struct switching){.present = true,
                                   .profiles = l->profiles,
                                   .profile_count = 4,
                                   .probes = l->probes,
                                   .probe_count = 4,
                                   .links = l->links,
                                   .link_count = 2,
                                   .windows = l->windows,
                                   .window_count = 2,
                                   .conditions = l->conditions,
                                   .condition_count = RULES * PER_RULE,
                                   .rules = l->rules,
                                   .rule_count = RULES,
                                   .month_day = 1,
                                   .dwell_ms = 600000,
                                   .per_hour = 4,
                                   .per_day = 12,
                                   .quarantine_ms = 600000,
                                   .quarantine_max_ms = 86400000,
                                   .trial_probe = SWITCH_NONE};
    l->now = (struct engine_time){.steady_ms = 1, .utc_ms = INT64_C(1767571200000)};
    l->state = malloc(engine_state_size());
    if (l->state == NULL)
        abort();
    engine_state_init(l->state);
}

static void step(struct load *l, const struct engine_event *event)
{
    engine_step(&l->policy, 0, l->state, event, l->now, &l->output);
    l->steps++;
}

static void read_card(struct load *l)
{
    struct engine_event e = {.kind = EVENT_CARD, .profiles = l->card, .profile_count = 4};
    for (uint32_t i = 0; i < 4; i++)
        l->card[i].enabled = i == l->enabled;
    step(l, &e);
}

static void obey(struct load *l)
{
    while (l->output.action.kind != ACTION_NO) {
        struct engine_event done = {
            .kind = EVENT_RESULT, .result = RESULT_DONE, .action = l->output.action.number};
        l->enabled = l->output.action.iccid.bytes[ICCID_SIZE - 1] & 0x0F;
        l->switches++;
        step(l, &done);
        read_card(l);
    }
}

// What a minute brings: a probe that fails for half an hour now and then, a link that flaps, a signal.
static void one_minute(struct load *l, uint64_t minute)
{
    struct engine_event e = {.kind = EVENT_PROBE, .index = (uint32_t)(minute % 4)};
    bool good = minute / 30 % 17 != e.index * 3;
    l->now.steady_ms += 60000;
    l->now.utc_ms += 60000;
    e.passed = good;
    e.failed = !good;
    if (minute % 7 == 0)
        e = (struct engine_event){.kind = EVENT_RADIO, .has_dbm = true, .dbm = -90 - (int32_t)(minute % 23)};
    if (minute % 11 == 0)
        e = (struct engine_event){
            .kind = EVENT_LINK, .carrier = minute % 3 == 0 ? TRI_NO : TRI_YES, .address = TRI_YES};
    step(l, &e);
    obey(l);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static struct load load;
    bool check = argc > 1 && strcmp(argv[1], "--check") == 0;
    unsigned years = check ? 1 : 10;
    make_load(&load);
    step(&load, &(struct engine_event){.kind = EVENT_START});
    read_card(&load);
    obey(&load);
    double begin = seconds();
    for (uint64_t i = 0; i < years * MINUTES_PER_YEAR; i++)
        one_minute(&load, i);
    double took = seconds() - begin;
    double per_step = took * 1e9 / (double)load.steps;
    printf("%u rules with %u conditions: %.0f ns a step\n", RULES, RULES * PER_RULE, per_step);
    printf("%u years of one-minute events: %.2f s CPU, %" PRIu64 " steps, %" PRIu64 " switches\n", years,
           took, load.steps, load.switches);
    free(load.state);
    if (load.switches == 0) {
        puts("nothing was switched: this measured nothing");
        return EXIT_FAILURE;
    }
    if (check && (per_step > STEP_LIMIT_NS || took > YEAR_LIMIT_S * years)) {
        puts("too slow");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
