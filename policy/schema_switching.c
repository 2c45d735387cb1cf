// SPDX-License-Identifier: Apache-2.0
// A policy's rules, and what holds for all of them.
#include "policy/schema_reading.h"

#include <stdio.h>
#include <string.h>

#define PRIORITY_MOST  1000000u
#define CAP_MOST       256u // switches that the engine remembers
#define MONTH_DAY_MOST 28u
#define TRIAL_DEFAULT  "3m"

static enum err read_trial(const struct reading *r, const char *base, const struct raw_trial *raw,
                           uint32_t *ret_probe, uint32_t *ret_within_ms)
{
    *ret_probe = SWITCH_NONE;
    if (raw == NULL)
        return ERR_OK;
    LPAD_TRY(policy_find_name(r, policy_path("%s.probe", base).text, NAMED_PROBE, raw->probe, ret_probe));
    return policy_read_duration(r, policy_path("%s.within", base).text, raw->within,
                                (struct duration_bounds){TRIAL_DEFAULT, "1s", "24h"}, ret_within_ms);
}

// --- rules ---

static enum err check_rule_name(const struct reading *r, uint32_t at)
{
    const struct switch_rule *rules = r->policy->switching.rules;
    struct path path = policy_path("switching.rules[%u].name", at);
    char quoted[POLICY_QUOTE_MAX], hint[64];
    LPAD_TRY(policy_check_name(r, path.text, rules[at].name));
    for (uint32_t i = 0; i < at; i++) {
        if (strcmp(rules[i].name, rules[at].name) != 0)
            continue;
        snprintf(hint, sizeof hint, "the other one stands in line %u", rules[i].line);
        return REFUSE(r, path.text, hint, "a second rule with the name \"%s\"",
                      policy_quote(rules[at].name, quoted));
    }
    return ERR_OK;
}

static enum err read_rule(const struct reading *r, uint32_t at, uint32_t when)
{
    const struct raw_rule *raw = &r->raw->switching->rules[at];
    struct switch_rule *to = &r->policy->switching.rules[at];
    struct path path = policy_path("switching.rules[%u]", at);
    const char *base = path.text;
    *to = (struct switch_rule){
        .name = raw->name,
        .when = raw->when_count > 0 ? when : SWITCH_NONE,
        .only_in = SWITCH_NONE,
        .ppr1_target = raw->ppr1_target,
        .line = policy_line_of(r, base),
    };
    LPAD_TRY(check_rule_name(r, at));
    LPAD_TRY(policy_find_name(r, policy_path("%s.use", base).text, NAMED_PROFILE, raw->use, &to->use));
    LPAD_TRY(policy_read_number(r, policy_path("%s.priority", base).text, raw->priority,
                                (struct number_bounds){0, 0, PRIORITY_MOST}, &to->priority));
    LPAD_TRY(policy_read_duration(r, policy_path("%s.fail_back", base).text, raw->fail_back,
                                  (struct duration_bounds){"0s", "0s", "30d"}, &to->fail_back_ms));
    if (raw->only_in != NULL)
        LPAD_TRY(policy_find_name(r, policy_path("%s.only_in", base).text, NAMED_WINDOW, raw->only_in,
                                  &to->only_in));
    return read_trial(r, policy_path("%s.trial", base).text, raw->trial, &to->trial_probe,
                      &to->trial_within_ms);
}

static enum err read_rules(const struct reading *r)
{
    struct switching *s = &r->policy->switching;
    const struct raw_switching *raw = r->raw->switching;
    s->rules = arena_take(r->arena, raw->rules_count * sizeof *s->rules);
    if (s->rules == NULL)
        return ERR_MEMORY;
    uint32_t when = 0;
    for (uint32_t i = 0; i < raw->rules_count; i++) {
        LPAD_TRY(read_rule(r, i, when));
        when += raw->rules[i].when_count;
        s->rule_count = i + 1;
    }
    return ERR_OK;
}

// --- for all rules ---

// "+01:00": the offsets of the time zones that there are.
static enum err read_utc_offset(const struct reading *r, const char *text, int32_t *ret_minutes)
{
    static const char form[] = "sdd:dd";
    bool good = text == NULL || strlen(text) == strlen(form);
    if (text == NULL)
        text = "+00:00";
    for (size_t i = 0; good && i < strlen(form); i++) {
        char c = text[i];
        good = form[i] == 's' ? c == '+' || c == '-' : form[i] == 'd' ? c >= '0' && c <= '9' : c == ':';
    }
    int32_t minutes = 0;
    if (good) {
        minutes = ((text[1] - '0') * 10 + text[2] - '0') * 60 + (text[4] - '0') * 10 + text[5] - '0';
        minutes = text[0] == '-' ? -minutes : minutes;
        good = text[4] <= '5' && minutes >= -12 * 60 && minutes <= 14 * 60;
    }
    if (!good)
        return REFUSE(r, "switching.utc_offset", "from -12:00 to +14:00, such as \"+01:00\"",
                      "not an offset from UTC");
    *ret_minutes = minutes;
    return ERR_OK;
}

static enum err read_quarantine(const struct reading *r, const struct raw_quarantine *raw,
                                struct switching *s)
{
    static const char longest_path[] = "switching.quarantine.longest";
    LPAD_TRY(policy_read_duration(r, "switching.quarantine.first", raw->first,
                                  (struct duration_bounds){"10m", "1s", "30d"}, &s->quarantine_ms));
    LPAD_TRY(policy_read_duration(r, longest_path, raw->longest, (struct duration_bounds){"24h", "1s", "30d"},
                                  &s->quarantine_max_ms));
    if (s->quarantine_max_ms >= s->quarantine_ms)
        return ERR_OK;
    if (raw->longest != NULL)
        return REFUSE(r, longest_path, "", "shorter than the first quarantine");
    s->quarantine_max_ms = s->quarantine_ms;
    return ERR_OK;
}

enum err policy_read_switching(const struct reading *r)
{
    struct switching *s = &r->policy->switching;
    const struct raw_switching *raw = r->raw->switching;
    s->trial_probe = SWITCH_NONE;
    LPAD_TRY(policy_read_switch_profiles(r));
    LPAD_TRY(policy_read_probes(r));
    LPAD_TRY(policy_read_windows(r));
    if (raw == NULL)
        return ERR_OK;
    s->present = true;
    s->line = policy_line_of(r, "switching");
    LPAD_TRY(read_utc_offset(r, raw->utc_offset, &s->utc_offset_min));
    LPAD_TRY(policy_read_number(r, "switching.month_day", raw->month_day,
                                (struct number_bounds){1, 1, MONTH_DAY_MOST}, &s->month_day));
    LPAD_TRY(policy_read_duration(r, "switching.dwell", raw->dwell,
                                  (struct duration_bounds){"10m", "0s", "7d"}, &s->dwell_ms));
    LPAD_TRY(policy_read_number(r, "switching.caps.per_hour", raw->caps.per_hour,
                                (struct number_bounds){4, 1, CAP_MOST}, &s->per_hour));
    LPAD_TRY(policy_read_number(r, "switching.caps.per_day", raw->caps.per_day,
                                (struct number_bounds){12, 1, CAP_MOST}, &s->per_day));
    LPAD_TRY(read_quarantine(r, &raw->quarantine, s));
    LPAD_TRY(read_trial(r, "switching.trial", raw->trial, &s->trial_probe, &s->trial_within_ms));
    LPAD_TRY(policy_read_duration(r, "switching.hands_off", raw->hands_off,
                                  (struct duration_bounds){"1h", "0s", "24h"}, &s->hands_off_ms));
    LPAD_TRY(policy_read_conditions(r));
    return read_rules(r);
}
