// SPDX-License-Identifier: Apache-2.0
// The names of a policy's switching part: installed profiles and windows of time.
#include "policy/schema_reading.h"
#include "rsp/profile.h"

#include <string.h>

#define DAYS_ALL    0x7Fu
#define DAY_MINUTES (24u * 60)

// --- profiles ---

// "26201" or "310410", as on the card (TS 24.008): MCC2 MCC1, MNC3 MCC3, MNC2 MNC1; F for an MNC of two
// digits.
static bool read_mcc_mnc(const char *text, uint8_t ret[static 3])
{
    uint8_t d[6] = {0, 0, 0, 0, 0, 0xF};
    size_t len = strlen(text);
    if ((len != 5 && len != 6) || strspn(text, "0123456789") != len)
        return false;
    for (size_t i = 0; i < len; i++)
        d[i] = (uint8_t)(text[i] - '0');
    ret[0] = (uint8_t)(d[1] << 4 | d[0]);
    ret[1] = (uint8_t)(d[5] << 4 | d[2]);
    ret[2] = (uint8_t)(d[4] << 4 | d[3]);
    return true;
}

static enum err read_gid(const struct reading *r, const char *path, const char *text, bool *ret_has,
                         uint8_t gid[static 32], uint32_t *ret_len)
{
    size_t len;
    if (text == NULL)
        return ERR_OK;
    if (hex_decode(text, strlen(text), gid, 32, &len) != ERR_OK)
        return REFUSE(r, path, "pairs of hexadecimal digits, at most 32; \"\": it is empty",
                      "not a group identifier");
    *ret_has = true;
    *ret_len = (uint32_t)len;
    return ERR_OK;
}

static enum err read_owner(const struct reading *r, const char *base, const struct raw_owner *raw,
                           struct switch_profile *to)
{
    if (!read_mcc_mnc(raw->mcc_mnc, to->mcc_mnc))
        return REFUSE(r, policy_path("%s.mcc_mnc", base).text, "five or six digits, such as \"26201\"",
                      "not a country and network code");
    to->has_mcc_mnc = true;
    LPAD_TRY(
        read_gid(r, policy_path("%s.gid1", base).text, raw->gid1, &to->has_gid1, to->gid1, &to->gid1_len));
    return read_gid(r, policy_path("%s.gid2", base).text, raw->gid2, &to->has_gid2, to->gid2, &to->gid2_len);
}

static enum err read_profile(const struct reading *r, uint32_t at, struct switch_profile *to)
{
    const struct raw_switch_profile *raw = &r->raw->profiles[at];
    struct path base = policy_path("profiles[%u]", at);
    uint32_t line, column;
    *to = (struct switch_profile){.name = raw->name, .classes = raw->classes, .provider = raw->provider};
    LPAD_TRY(policy_check_name(r, policy_path("%s.name", base.text).text, raw->name));
    to->line = policy_line_of(r, policy_path("%s.name", base.text).text);
    if (raw->iccid != NULL) {
        if (iccid_from_text(raw->iccid, strlen(raw->iccid), &to->iccid) != ERR_OK)
            return REFUSE(r, policy_path("%s.iccid", base.text).text, "18 to 20 digits", "not an ICCID");
        to->has_iccid = true;
    }
    if (raw->owner != NULL)
        LPAD_TRY(read_owner(r, policy_path("%s.owner", base.text).text, raw->owner, to));
    struct path classes = policy_path("%s.classes", base.text);
    if (raw->classes == 0 && yaml_find(r->document, classes.text, &line, &column))
        return REFUSE(r, classes.text, "leave the key out for any class", "an empty list");
    if (!to->has_iccid && !to->has_mcc_mnc && to->classes == 0 && to->provider == NULL)
        return REFUSE(r, base.text, "iccid, owner, classes, provider", "nothing tells which profile this is");
    to->by_provider_alone = to->provider != NULL && !to->has_iccid && !to->has_mcc_mnc;
    return ERR_OK;
}

enum err policy_read_switch_profiles(const struct reading *r)
{
    struct switching *s = &r->policy->switching;
    uint32_t count = r->raw->profiles_count;
    s->profiles = arena_take(r->arena, count * sizeof *s->profiles);
    if (s->profiles == NULL)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        LPAD_TRY(read_profile(r, i, &s->profiles[i]));
    s->profile_count = count;
    return ERR_OK;
}

// --- windows ---

static bool read_minutes(const char *text, uint32_t *ret_minutes)
{
    static const char form[] = "dd:dd";
    if (strlen(text) != strlen(form))
        return false;
    for (size_t i = 0; i < strlen(form); i++) {
        if (form[i] == ':' ? text[i] != ':' : text[i] < '0' || text[i] > '9')
            return false;
    }
    uint32_t hours = (uint32_t)(text[0] - '0') * 10 + (uint32_t)(text[1] - '0');
    uint32_t minutes = (uint32_t)(text[3] - '0') * 10 + (uint32_t)(text[4] - '0');
    if (minutes > 59 || hours * 60 + minutes > DAY_MINUTES)
        return false;
    *ret_minutes = hours * 60 + minutes;
    return true;
}

static enum err read_span(const struct reading *r, const char *base, const struct raw_span *raw,
                          struct switch_span *ret)
{
    struct path days = policy_path("%s.days", base);
    uint32_t from, to, line, column;
    if (raw->days == 0 && yaml_find(r->document, days.text, &line, &column))
        return REFUSE(r, days.text, "leave the key out for every day", "an empty list");
    if (!read_minutes(raw->from, &from) || from == DAY_MINUTES)
        return REFUSE(r, policy_path("%s.from", base).text, "from 00:00 to 23:59", "not a time of day");
    if (!read_minutes(raw->to, &to))
        return REFUSE(r, policy_path("%s.to", base).text, "from 00:00 to 24:00", "not a time of day");
    *ret = (struct switch_span){raw->days != 0 ? raw->days : DAYS_ALL, from, to % DAY_MINUTES};
    return ERR_OK;
}

static enum err read_window(const struct reading *r, uint32_t at, struct switch_window *to)
{
    const struct raw_window *raw = &r->raw->windows[at];
    struct path name = policy_path("windows[%u].name", at);
    *to = (struct switch_window){.name = raw->name, .span_count = raw->spans_count};
    LPAD_TRY(policy_check_name(r, name.text, raw->name));
    to->line = policy_line_of(r, name.text);
    for (uint32_t i = 0; i < raw->spans_count; i++) {
        struct path base = policy_path("windows[%u].spans[%u]", at, i);
        LPAD_TRY(read_span(r, base.text, &raw->spans[i], &to->spans[i]));
    }
    return ERR_OK;
}

enum err policy_read_windows(const struct reading *r)
{
    struct switching *s = &r->policy->switching;
    uint32_t count = r->raw->windows_count;
    s->windows = arena_take(r->arena, count * sizeof *s->windows);
    if (s->windows == NULL)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        LPAD_TRY(read_window(r, i, &s->windows[i]));
    s->window_count = count;
    return ERR_OK;
}
