// SPDX-License-Identifier: Apache-2.0
// Fuzz target: a packed state of the switching engine is taken whole or refused, and whatever was taken can
// be worked with.
//
// What is accepted packs to the same octets again, once it has been brought into the policy. Then a few steps
// follow, chosen by the input: no action while one is under way, and the state still packs.
#include "fuzz/fuzz.h"

#include "policy/engine.h"

#define STEPS 40

static struct engine_card_profile card[3];
static struct switch_profile profiles[3];
static struct switch_probe probe = {.name = "net", .target_count = 1, .need = 1, .up = 1, .down = 1};
static const char *links[] = {"wwan0"};
static struct switch_condition conditions[] = {
    {.kind = CONDITION_PROBE, .for_ms = 60000 },
    { .kind = CONDITION_DATA,      .per_month = true, .limit = 1000000},
};
static struct switch_rule rules[] = {
    {.name = "r0",
     .when = 0,
     .use = 1,
     .priority = 10,
     .only_in = SWITCH_NONE,
     .trial_probe = 0,
     .trial_within_ms = 180000},
    {.name = "r1",   .when = 1,   .use = 2,   .only_in = SWITCH_NONE,           .trial_probe = SWITCH_NONE                  },
    {.name = "r2", .when = SWITCH_NONE, .use = 0, .only_in = SWITCH_NONE,.trial_probe = SWITCH_NONE},
};

static struct switching make_policy(void)
{
    static const char *const names[] = {"a", "b", "c"};
    for (unsigned i = 0; i < 3; i++) {
        card[i].iccid = (struct iccid){
            {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x00, (uint8_t)(0xF0 + i)}
        };
        card[i].profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
        card[i].enabled = false;
        profiles[i] = (struct switch_profile){.name = names[i], .has_iccid = true, .iccid = card[i].iccid};
    }
    return (struct switching){.present = true,
                              .profiles = profiles,
                              .profile_count = 3,
                              .probes = &probe,
                              .probe_count = 1,
                              .links = links,
                              .link_count = 1,
                              .conditions = conditions,
                              .condition_count = 2,
                              .rules = rules,
                              .rule_count = 3,
                              .month_day = 1,
                              .dwell_ms = 600000,
                              .per_hour = 4,
                              .per_day = 12,
                              .quarantine_ms = 600000,
                              .quarantine_max_ms = 86400000,
                              .trial_probe = SWITCH_NONE,
                              .hands_off_ms = 3600000};
}

// The first octets of the input choose; there is an end to them.
static uint8_t choice(const uint8_t *data, size_t size, size_t at)
{
    return size > 0 ? data[at % size] : 0;
}

static void work(const struct switching *policy, struct engine_state *state, const uint8_t *data, size_t size)
{
    struct engine_time now = {.utc_ms = INT64_C(1767571200000)};
    struct engine_output out = {.action = {.kind = ACTION_NO}};
    bool under_way = false;
    uint32_t number = 0;
    for (size_t i = 0; i < STEPS; i++) {
        uint8_t c = choice(data, size, 31 * i + 7);
        struct engine_event e = {.kind = (enum engine_event_kind)(c % EVENT_KIND_MAX), .profiles = card};
        e.index = c >> 6;
        e.passed = c >> 5 & 1;
        e.octets = UINT64_MAX / 3;
        e.duration_ms = c;
        e.result = (enum engine_result)(c % RESULT_MAX);
        e.action = number;
        e.profile_count = 3;
        for (unsigned k = 0; k < 3; k++)
            card[k].enabled = k == c >> 6;
        now.steady_ms += (uint64_t)c * 10000;
        now.utc_ms += (int64_t)c * 10000;
        engine_step(policy, 0, state, &e, now, &out);
        if (e.kind == EVENT_RESULT || e.kind == EVENT_START || c > 200) // a result may be overdue
            under_way = false;
        FUZZ_CHECK(out.decision_count <= ENGINE_DECISIONS_MAX);
        if (out.action.kind == ACTION_NO)
            continue;
        FUZZ_CHECK(!under_way && engine_expects(state, &out.action.iccid));
        under_way = true;
        number = out.action.number;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t once[ENGINE_STATE_MAX], twice[ENGINE_STATE_MAX];
    struct switching policy = make_policy();
    struct engine_state *state = malloc(engine_state_size());
    struct engine_view view;
    FUZZ_CHECK(state != NULL);
    memset(state, 0xA5, engine_state_size());
    if (engine_state_unpack(bytes_make(data, size), &policy, state) != ERR_OK) {
        FUZZ_CHECK(fuzz_untouched(state, engine_state_size(), 0xA5));
        free(state);
        return 0;
    }
    size_t len = engine_state_pack(state, &policy, once);
    FUZZ_CHECK(engine_state_unpack(bytes_make(once, len), &policy, state) == ERR_OK);
    FUZZ_CHECK(engine_state_pack(state, &policy, twice) == len && memcmp(once, twice, len) == 0);
    engine_look(&policy, 0, state, (struct engine_time){.steady_ms = 1}, &view);
    work(&policy, state, data, size);
    len = engine_state_pack(state, &policy, once);
    FUZZ_CHECK(engine_state_unpack(bytes_make(once, len), &policy, state) == ERR_OK);
    free(state);
    return 0;
}
