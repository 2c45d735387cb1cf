// SPDX-License-Identifier: Apache-2.0
// From events and decisions to lines.
#include "policy/trace_words.h"

#include "rsp/profile.h"

#include <inttypes.h>
#include <string.h>

const char *const trace_event_words[EVENT_KIND_MAX] = {
    [EVENT_TICK] = "tick",       [EVENT_START] = "start",     [EVENT_CARD] = "card",
    [EVENT_NO_CARD] = "no-card", [EVENT_PROBE] = "probe",     [EVENT_LINK] = "link",
    [EVENT_DATA] = "data",       [EVENT_RADIO] = "radio",     [EVENT_RESULT] = "result",
    [EVENT_HOLD] = "hold",       [EVENT_RELEASE] = "release", [EVENT_DEBT] = "debt",
};
const char *const trace_result_words[RESULT_MAX] = {
    [RESULT_DONE] = "done",
    [RESULT_REFUSED] = "refused",
    [RESULT_FAILED] = "failed",
    [RESULT_UNKNOWN] = "unknown",
};
const char *const trace_class_words[TRACE_CLASSES] = {
    [LPAD__PROFILE_CLASS__CLASS_TEST] = "test",
    [LPAD__PROFILE_CLASS__CLASS_PROVISIONING] = "provisioning",
    [LPAD__PROFILE_CLASS__CLASS_OPERATIONAL] = "operational",
};
const char *const trace_ppr_words[TRACE_PPRS_ALL] = {"update-control", "ppr1", "ppr2"};

bool trace_mcc_mnc_from_text(const char *text, size_t len, uint8_t ret_mcc_mnc[static 3])
{
    uint8_t d[6] = {0, 0, 0, 0, 0, 0xF};
    if (len != 5 && len != 6)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        d[i] = (uint8_t)(text[i] - '0');
    }
    ret_mcc_mnc[0] = (uint8_t)(d[1] << 4 | d[0]);
    ret_mcc_mnc[1] = (uint8_t)(d[5] << 4 | d[2]);
    ret_mcc_mnc[2] = (uint8_t)(d[4] << 4 | d[3]);
    return true;
}

// --- times ---

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int trace_days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

int64_t trace_day_of(int year, int month, int day)
{
    int64_t y = year - 1;
    int64_t days = y * 365 + y / 4 - y / 100 + y / 400 - 719162;
    for (int m = 1; m < month; m++)
        days += trace_days_of_month(year, m);
    return days + day - 1;
}

void trace_put_duration(struct buf *out, uint64_t ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {
        {"d",  86400000},
        {"h",  3600000 },
        {"m",  60000   },
        {"s",  1000    },
        {"ms", 1       },
    };
    size_t i = 0;
    while (ms % units[i].ms != 0 || ms == 0) {
        i++;
        if (units[i].ms == 1)
            break;
    }
    buf_put_uint(out, ms / units[i].ms);
    buf_put_text(out, units[i].unit);
}

void trace_put_utc(struct buf *out, int64_t utc_ms)
{
    int64_t seconds = utc_ms / 1000, ms = utc_ms % 1000;
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    int64_t day = seconds / 86400;
    int of_day = (int)(seconds % 86400), year = 1970, month = 1;
    if (seconds < 0 || seconds > INT64_C(253402300799)) {
        buf_printf(out, "%" PRId64 "ms", utc_ms);
        return;
    }
    year += (int)(day / 366);
    while (trace_day_of(year + 1, 1, 1) <= day)
        year++;
    while (month < 12 && trace_day_of(year, month + 1, 1) <= day)
        month++;
    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", year, month,
               (int)(day - trace_day_of(year, month, 1)) + 1, of_day / 3600, of_day / 60 % 60, of_day % 60);
    if (ms != 0)
        buf_printf(out, ".%03d", (int)ms);
    buf_put_byte(out, 'Z');
}

// --- the card ---

static void put_quoted(struct buf *out, const char *text)
{
    buf_put_byte(out, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7E || *c == '"' || *c == '\\')
            buf_printf(out, "\\x%02X", (unsigned char)*c);
        else
            buf_put_byte(out, (uint8_t)*c);
    }
    buf_put_byte(out, '"');
}

static void put_gid(struct buf *out, bool has, const uint8_t *gid, uint32_t len)
{
    if (!has)
        buf_put_byte(out, '-');
    else if (len > 32)
        buf_put_text(out, "long");
    else
        buf_put_hex(out, bytes_make(gid, len));
}

static void put_owner(struct buf *out, const struct engine_card_profile *p)
{
    char digits[8];
    uint8_t same[3];
    size_t n = 0;
    // Nibbles that are no digits do occur on cards, and must come back as they were.
    profile_mcc_mnc_text(p->mcc_mnc, digits);
    for (size_t i = 0; digits[i] != '\0'; i++)
        if (digits[i] != '-')
            digits[n++] = digits[i];
    buf_put_text(out, ",owner=");
    if (trace_mcc_mnc_from_text(digits, n, same) && memcmp(same, p->mcc_mnc, 3) == 0)
        buf_put(out, digits, n);
    else
        buf_printf(out, "#%02x%02x%02x", p->mcc_mnc[0], p->mcc_mnc[1], p->mcc_mnc[2]);
    if (p->has_gid1 || p->has_gid2) {
        buf_put_byte(out, '/');
        put_gid(out, p->has_gid1, p->gid1, p->gid1_len);
    }
    if (p->has_gid2) {
        buf_put_byte(out, '/');
        put_gid(out, true, p->gid2, p->gid2_len);
    }
}

static void put_pprs(struct buf *out, uint32_t pprs)
{
    const char *between = ",pprs=";
    for (size_t i = 0; i < TRACE_PPRS_ALL; i++) {
        if ((pprs & 1u << i) != 0) {
            buf_printf(out, "%s%s", between, trace_ppr_words[i]);
            between = "+";
        }
    }
    if (pprs >> TRACE_PPRS_ALL != 0)
        buf_printf(out, "%s%" PRIu32, between, pprs >> TRACE_PPRS_ALL << TRACE_PPRS_ALL);
}

static void put_profile(struct buf *out, const struct engine_card_profile *p)
{
    char iccid[ICCID_TEXT_MAX];
    buf_printf(out, " %s=%s", iccid_to_text(&p->iccid, iccid), p->enabled ? "enabled" : "disabled");
    if ((unsigned)p->profile_class < LPAD__PROFILE_CLASS__CLASS_OPERATIONAL)
        buf_printf(out, ",class=%s", trace_class_words[p->profile_class]);
    put_pprs(out, p->pprs);
    if (p->has_owner)
        put_owner(out, p);
    if (p->provider[0] != '\0') {
        buf_put_text(out, ",provider=");
        put_quoted(out, p->provider);
    }
}

// --- events ---

static const char *tri_word(enum engine_tri t, const char *yes, const char *no)
{
    return t == TRI_YES ? yes : t == TRI_NO ? no : "?";
}

static void put_radio(struct buf *out, const struct engine_event *e)
{
    if (e->operator_code[0] != '\0')
        buf_printf(out, " operator=%s", e->operator_code);
    if (e->roaming != TRI_UNKNOWN)
        buf_printf(out, " roaming=%s", tri_word(e->roaming, "yes", "no"));
    if (e->has_dbm)
        buf_printf(out, " dbm=%" PRId32, e->dbm);
}

static const char *probe_name(const struct switching *policy, uint32_t index)
{
    LPAD_ASSERT(index < policy->probe_count);
    return policy->probes[index].name;
}

static const char *link_name(const struct switching *policy, uint32_t index)
{
    LPAD_ASSERT(index < policy->link_count);
    return policy->links[index];
}

static void put_probe(struct buf *out, const struct switching *policy, const struct engine_event *e)
{
    buf_printf(out, " %s %" PRIu32 "/%" PRIu64, probe_name(policy, e->index), e->passed,
               (uint64_t)e->passed + e->failed);
    if (e->octets != 0)
        buf_printf(out, " octets=%" PRIu64, e->octets);
    if (e->began_ago_ms != 0)
        buf_printf(out, " ago=%" PRIu64, e->began_ago_ms);
}

static void put_link(struct buf *out, const struct switching *policy, const struct engine_event *e)
{
    buf_printf(out, " %s carrier=%s address=%s route=%s", link_name(policy, e->index),
               tri_word(e->carrier, "up", "down"), tri_word(e->address, "present", "absent"),
               tri_word(e->route, "present", "absent"));
}

static void put_arguments(struct buf *out, const struct switching *policy, const struct engine_event *e)
{
    switch (e->kind) {
    case EVENT_CARD:
        for (uint32_t i = 0; i < e->profile_count; i++)
            put_profile(out, &e->profiles[i]);
        return;
    case EVENT_PROBE: put_probe(out, policy, e); return;
    case EVENT_LINK: put_link(out, policy, e); return;
    case EVENT_DATA: buf_printf(out, " %s %" PRIu64, link_name(policy, e->index), e->octets); return;
    case EVENT_RADIO: put_radio(out, e); return;
    case EVENT_RESULT: buf_printf(out, " %" PRIu32 " %s", e->action, trace_result_words[e->result]); return;
    case EVENT_HOLD:
        buf_put_byte(out, ' ');
        if (e->duration_ms == 0)
            buf_put_byte(out, '-');
        else
            trace_put_duration(out, e->duration_ms);
        return;
    case EVENT_DEBT: buf_printf(out, " %" PRIu32, e->count); return;
    case EVENT_TICK:
    case EVENT_START:
    case EVENT_NO_CARD:
    case EVENT_RELEASE:
    case EVENT_KIND_MAX: return;
    }
}

void trace_put_event(struct buf *out, const struct switching *policy, const struct engine_event *event,
                     struct engine_time now)
{
    LPAD_ASSERT((unsigned)event->kind < EVENT_KIND_MAX);
    buf_printf(out, "@%" PRIu64 "/%" PRId64 " %s", now.steady_ms, now.utc_ms, trace_event_words[event->kind]);
    put_arguments(out, policy, event);
    buf_put_byte(out, '\n');
}

void trace_put_beginning(struct buf *out, const uint8_t policy_sha256[static 32], struct bytes state)
{
    buf_put_text(out, "# A section: lpad was started, or another text came into force.\nauto off\npolicy ");
    buf_put_hex(out, bytes_make(policy_sha256, 32));
    buf_put_text(out, "\nstate ");
    buf_put_hex(out, state);
    buf_put_byte(out, '\n');
}
