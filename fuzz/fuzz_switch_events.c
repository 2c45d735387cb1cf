// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what a broker tells the switching engine. Whatever it says, no switch begins within dwell, nor
// more of them than the caps, nor towards a profile that no rule names; and what the engine wants is what it
// expects.
//
// The input: per event two octets of time (in tens of seconds), two of length, and a packed SwitchEvent.
#include "fuzz/fuzz.h"

#include "policy/schema.h"
#include "policy/switch_messages.h"
#include "proto/link.h"

#define GENERATION 7
#define DWELL_MS   60000
#define PER_HOUR   3
#define PER_DAY    5
#define HOUR_MS    3600000
#define DAY_MS     86400000
#define BEGUN_MAX  4096

static const char policy_text[] =
    "version: 1\n"
    "profiles:\n"
    "  main: {iccid: \"8949449999999990031\"}\n"
    "  backup: {iccid: \"8949449999999990049\"}\n"
    "  cheap: {owner: {mcc_mnc: \"26201\", gid1: \"01\", gid2: \"\"}, classes: [operational]}\n"
    "probes:\n"
    "  internet: {tcp: [\"a.example.com:443\", \"b.example.com:443\"], up: 1, down: 1, data: {max: 1MB, per: "
    "day}}\n"
    "switching:\n"
    "  dwell: 1m\n"
    "  hands_off: 0s\n"
    "  caps: {per_hour: 3, per_day: 5}\n"
    "  rules:\n"
    "    - {name: down, when: {any: [{probe: internet, is: down}, {link: wwan0, carrier: down},\n"
    "       {data: wwan0, over: 1MB, per: day}]}, use: backup, priority: 1, trial: {probe: internet, within: "
    "1m}}\n"
    "    - {name: unaddressed, when: {link: wwan0, address: absent}, use: cheap, priority: 2, ppr1_target: "
    "true}\n"
    "    - {name: normal, use: main}\n";

struct log {
    uint64_t begun[BEGUN_MAX];
    size_t count;
};

static const struct policy *get_policy(void)
{
    static struct policy *policy;
    static const struct policy_names names = {NULL, 0, NULL, 0};
    struct yaml_error error;
    if (policy == NULL)
        FUZZ_CHECK(policy_read(bytes_from_text(policy_text), &names, &policy, &error) == ERR_OK);
    return policy;
}

static void check_begin(struct log *log, uint64_t now)
{
    unsigned hour = 1, day = 1;
    for (size_t i = 0; i < log->count; i++) {
        FUZZ_CHECK(now - log->begun[i] >= DWELL_MS);
        hour += now - log->begun[i] < HOUR_MS;
        day += now - log->begun[i] < DAY_MS;
    }
    FUZZ_CHECK(hour <= PER_HOUR && day <= PER_DAY);
    FUZZ_CHECK(log->count < BEGUN_MAX);
    log->begun[log->count++] = now;
}

// What is told of a step, and to who asks why, are messages that the link lets through.
static void check_told(const struct policy *policy, struct engine_state *state,
                       const struct engine_output *out)
{
    static struct switcher w;
    static struct switch_step_message step;
    static struct switch_plan_message plan;
    static struct explanation_message why;
    memset(&w, 0, sizeof w);
    w.state = state;
    w.action = out->action;
    w.wake_in_ms = out->wake_in_ms;
    w.decision_count = out->decision_count;
    memcpy(w.decisions, out->decisions, sizeof out->decisions);
    memcpy(w.modes, out->modes, sizeof w.modes);
    switch_step_fill(&w, &policy->switching, &step);
    FUZZ_CHECK(link_check(&step.step.base) == ERR_OK);
    switch_plan_fill(&policy->switching, GENERATION, &plan);
    FUZZ_CHECK(link_check(&plan.plan.base) == ERR_OK);
    explanation_fill(&w, policy, (struct switcher_time){0}, &why);
    FUZZ_CHECK(link_check(&why.explanation.base) == ERR_OK);
}

static void step(const struct policy *policy, struct engine_state *state, const struct engine_event *event,
                 struct engine_time now, struct log *log)
{
    struct engine_output out;
    engine_step(&policy->switching, UINT32_MAX, state, event, now, &out);
    FUZZ_CHECK(out.decision_count <= ENGINE_DECISIONS_MAX);
    check_told(policy, state, &out);
    if (out.action.kind == ACTION_NO)
        return;
    FUZZ_CHECK(engine_expects(state, &out.action.iccid) && engine_last_action(state) == out.action.number);
    // Nothing enabled is always replaced; the target itself never.
    FUZZ_CHECK(engine_replaces(state, NULL) && !engine_replaces(state, &out.action.iccid));
    if (out.action.kind == ACTION_ENABLE_PROFILE)
        check_begin(log, now.steady_ms);
}

static bool read_event(struct bytes packed, struct arena *arena, const struct switching *policy,
                       struct switch_event *ret_event)
{
    const ProtobufCMessage *message;
    if (link_unpack(&lpad__switch_event__descriptor, packed, true, arena, &message) != ERR_OK)
        return false;
    const Lpad__SwitchEvent *from = (const Lpad__SwitchEvent *)(const void *)message;
    enum err e = switch_event_read(from, policy, GENERATION, ret_event);
    FUZZ_CHECK(e == ERR_OK || e == ERR_PEER_UNEXPECTED);
    return e == ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct switch_event event;
    static struct log log;
    struct engine_event start = {.kind = EVENT_START};
    const struct policy *policy = get_policy();
    struct engine_time now = {.steady_ms = 1, .utc_ms = 1};
    struct arena arena;
    struct engine_state *state = malloc(engine_state_size());
    FUZZ_CHECK(state != NULL && arena_init(&arena, 1 << 20) == ERR_OK);
    log.count = 0;
    engine_state_init(state);
    step(policy, state, &start, now, &log);
    for (size_t at = 0; size - at >= 4 && log.count < BEGUN_MAX;) {
        uint64_t pause = (uint64_t)(data[at] << 8 | data[at + 1]) * 10000;
        size_t len = (size_t)(data[at + 2] << 8 | data[at + 3]);
        at += 4;
        len = len < size - at ? len : size - at;
        now.steady_ms += pause;
        now.utc_ms += (int64_t)pause;
        arena_reset(&arena);
        if (read_event(bytes_make(data + at, len), &arena, &policy->switching, &event))
            step(policy, state, &event.event, now, &log);
        at += len;
    }
    arena_free(&arena);
    free(state);
    return 0;
}
