// SPDX-License-Identifier: Apache-2.0
// Fuzz target: a trace's lines are read, or refused with a place inside them; what is read is formatted to
// what is read the same; and a whole trace replays without a fault, twice to the same decisions.
#include "fuzz/fuzz.h"

#include "policy/replay.h"
#include "policy/schema.h"

static const char policy_text[] =
    "version: 1\n"
    "profiles:\n"
    "  main: {iccid: \"8949449999999990031\"}\n"
    "  backup: {owner: {mcc_mnc: \"26201\"}}\n"
    "probes:\n"
    "  internet: {tcp: [\"a.example.com:443\", \"b.example.com:443\"]}\n"
    "windows:\n"
    "  night: {from: \"22:00\", to: \"04:00\"}\n"
    "switching:\n"
    "  dwell: 1m\n"
    "  trial: {probe: internet, within: 3m}\n"
    "  rules:\n"
    "    - name: down\n"
    "      when: {any: [{probe: internet, is: down, for: 1m}, {link: wwan0, carrier: down},\n"
    "                   {data: wwan0, over: 1MB, per: day}, {roaming: true}, {signal: {below: -100}}]}\n"
    "      use: backup\n"
    "      priority: 1\n"
    "      fail_back: 5m\n"
    "    - {name: normal, use: main, only_in: night}\n";

static const struct switching *get_policy(void)
{
    static struct policy *policy;
    static const struct policy_names names = {NULL, 0, NULL, 0};
    struct yaml_error error;
    if (policy == NULL)
        FUZZ_CHECK(policy_read(bytes_from_text(policy_text), &names, &policy, &error) == ERR_OK);
    return &policy->switching;
}

static void check_line(const struct switching *policy, struct bytes text)
{
    static struct trace_line line;
    static char once[TRACE_LINE_MAX * 2], twice[TRACE_LINE_MAX * 2];
    struct trace_error error = {0};
    if (trace_parse_line(policy, text, &line, &error) != ERR_OK) {
        FUZZ_CHECK(error.column >= 1 && error.column <= text.len + 1);
        FUZZ_CHECK(error.message[0] != '\0' && utf8_valid(bytes_from_text(error.message)));
        return;
    }
    if (line.kind != TRACE_EVENT)
        return;
    struct buf a = buf_make(once, sizeof once), b = buf_make(twice, sizeof twice);
    trace_put_event(&a, policy, &line.event, line.time.exact);
    FUZZ_CHECK(!a.overflow && a.len > 0);
    FUZZ_CHECK(trace_parse_line(policy, bytes_make(once, a.len - 1), &line, &error) == ERR_OK);
    trace_put_event(&b, policy, &line.event, line.time.exact);
    FUZZ_CHECK(a.len == b.len && memcmp(once, twice, a.len) == 0);
}

static void hash_decision(void *context, const struct replay_decision *d)
{
    uint64_t *hash = context;
    for (const char *c = d->text; *c != '\0'; c++)
        *hash = (*hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
    *hash = (*hash ^ d->time.steady_ms) * UINT64_C(1099511628211);
}

static uint64_t replay(const struct switching *policy, const uint8_t *data, size_t size)
{
    static const uint8_t sha256[32];
    uint64_t hash = 0;
    struct replay_verdict verdict;
    struct replay *r = replay_new(policy, 20, sha256, hash_decision, &hash);
    FUZZ_CHECK(r != NULL);
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end != NULL ? (size_t)(end - data) : size;
        if (replay_take_line(r, bytes_make(data, len)) != REPLAY_GOES_ON)
            break;
        size_t used = len + (end != NULL);
        data += used;
        size -= used;
    }
    replay_finish(r, &verdict);
    replay_free(r);
    FUZZ_CHECK(verdict.end != REPLAY_BAD_INPUT || verdict.error.message[0] != '\0');
    return hash + verdict.end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct switching *policy = get_policy();
    const uint8_t *at = data;
    for (size_t left = size; left > 0;) {
        const uint8_t *end = memchr(at, '\n', left);
        size_t len = end != NULL ? (size_t)(end - at) : left;
        check_line(policy, bytes_make(at, len));
        at += len + (end != NULL);
        left -= len + (end != NULL);
    }
    FUZZ_CHECK(replay(policy, data, size) == replay(policy, data, size));
    return 0;
}
