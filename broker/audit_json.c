// SPDX-License-Identifier: Apache-2.0
// The making of one audit line: JSON, field by field, into the record's own bounded space.
#include "broker/audit.h"

static void put_key(struct audit *a, const char *key)
{
    if (!a->first)
        buf_put_byte(&a->line, ',');
    a->first = false;
    buf_put_byte(&a->line, '"');
    buf_put_text(&a->line, key);
    buf_put_text(&a->line, "\":");
}

void audit_put_text(struct audit *a, const char *key, struct bytes value)
{
    put_key(a, key);
    audit_fields_note(&a->fields, key, value);
    buf_put_byte(&a->line, '"');
    buf_put_json_escaped(&a->line, value);
    buf_put_byte(&a->line, '"');
}

void audit_put_words(struct audit *a, const char *key, const char *value)
{
    if (value != NULL)
        audit_put_text(a, key, bytes_from_text(value));
}

void audit_put_uint(struct audit *a, const char *key, uint64_t value)
{
    put_key(a, key);
    size_t start = a->line.len;
    buf_put_uint(&a->line, value);
    audit_fields_note(&a->fields, key, bytes_make(a->line.data + start, a->line.len - start));
}

void audit_put_bool(struct audit *a, const char *key, bool value)
{
    put_key(a, key);
    buf_put_text(&a->line, value ? "true" : "false");
}

void audit_put_hex(struct audit *a, const char *key, struct bytes value)
{
    put_key(a, key);
    buf_put_byte(&a->line, '"');
    size_t start = a->line.len;
    buf_put_hex(&a->line, value);
    audit_fields_note(&a->fields, key, bytes_make(a->line.data + start, a->line.len - start));
    buf_put_byte(&a->line, '"');
}

void audit_put_lower_hex(struct audit *a, const char *key, struct bytes value)
{
    static const char digits[] = "0123456789abcdef";
    put_key(a, key);
    buf_put_byte(&a->line, '"');
    size_t start = a->line.len;
    for (size_t i = 0; i < value.len; i++) {
        buf_put_byte(&a->line, (uint8_t)digits[value.data[i] >> 4]);
        buf_put_byte(&a->line, (uint8_t)digits[value.data[i] & 15]);
    }
    audit_fields_note(&a->fields, key, bytes_make(a->line.data + start, a->line.len - start));
    buf_put_byte(&a->line, '"');
}

void audit_put_int(struct audit *a, const char *key, int64_t value)
{
    put_key(a, key);
    if (value < 0)
        buf_put_byte(&a->line, '-');
    buf_put_uint(&a->line, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void audit_open_object(struct audit *a, const char *key)
{
    LPAD_ASSERT(a->depth < 2);
    put_key(a, key);
    a->fields.object = key;
    buf_put_byte(&a->line, '{');
    a->depth++;
    a->first = true;
}

void audit_close_object(struct audit *a)
{
    LPAD_ASSERT(a->depth > 0);
    buf_put_byte(&a->line, '}');
    a->depth--;
    a->first = false;
    a->fields.object = NULL; // of an object in an object nothing is kept after the inner one
}

// The proleptic Gregorian calendar by days since 0000-03-01; the C library's gmtime would look for a time
// zone file.
void audit_put_time(struct buf *b, uint64_t unix_ms)
{
    uint64_t seconds = unix_ms / 1000, days = seconds / 86400 + 719468;
    uint64_t era = days / 146097, day_of_era = days % 146097;
    uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t shifted = (5 * day_of_year + 2) / 153;
    unsigned day = (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1);
    unsigned month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    unsigned year = (unsigned)(year_of_era + era * 400 + (month <= 2 ? 1 : 0));
    unsigned rest = (unsigned)(seconds % 86400);
    buf_printf(b, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year, month, day, rest / 3600, rest / 60 % 60,
               rest % 60, (unsigned)(unix_ms % 1000));
}

const char *audit_type_name(enum audit_type type)
{
    static const char *const names[AUDIT_TYPE_MAX] = {
        [AUDIT_LPAD_START] = "lpad.start",
        [AUDIT_LPAD_STOP] = "lpad.stop",
        [AUDIT_REPAIRED] = "audit.repaired",
        [AUDIT_GAP] = "audit.gap",
        [AUDIT_SESSION_BEGIN] = "session.begin",
        [AUDIT_SESSION_STEP] = "session.step",
        [AUDIT_SESSION_END] = "session.end",
        [AUDIT_DECISION] = "decision",
        [AUDIT_CHANGE_INTENT] = "profile.change.intent",
        [AUDIT_CHANGE_RESULT] = "profile.change.result",
        [AUDIT_NOTIFICATION_DELIVERED] = "notification.delivered",
        [AUDIT_NOTIFICATION_KEPT] = "notification.kept",
        [AUDIT_PROCESS_STARTED] = "process.started",
        [AUDIT_PROCESS_DIED] = "process.died",
        [AUDIT_LINK_VIOLATION] = "link.violation",
        [AUDIT_CLIENT_REFUSED] = "client.refused",
        [AUDIT_POLICY_LOADED] = "policy.loaded",
        [AUDIT_POLICY_REFUSED] = "policy.refused",
        [AUDIT_SWITCH_BEGIN] = "switch.begin",
        [AUDIT_SWITCH_ENABLED] = "switch.enabled",
        [AUDIT_SWITCH_COMMIT] = "switch.commit",
        [AUDIT_SWITCH_FAILED] = "switch.failed",
        [AUDIT_SWITCH_ROLL_BACK] = "switch.roll_back",
        [AUDIT_SWITCH_ROLLED_BACK] = "switch.rolled_back",
        [AUDIT_SWITCH_RECOVERED] = "switch.recovered",
        [AUDIT_SWITCH_EXTERNAL] = "switch.external",
        [AUDIT_SWITCH_BLOCKED] = "switch.blocked",
        [AUDIT_SWITCH_RULE] = "switch.rule",
        [AUDIT_SWITCH_NAME] = "switch.name",
        [AUDIT_SWITCH_RESCUE] = "switch.rescue",
        [AUDIT_SWITCH_HOLD] = "switch.hold",
        [AUDIT_EPOCH_BEGIN] = "epoch.begin",
        [AUDIT_EPOCH_END] = "epoch.end",
        [AUDIT_CLOCK_JUMP] = "clock.jump",
        [AUDIT_REQUEST_REFUSED] = "request.refused",
    };
    LPAD_ASSERT(type < AUDIT_TYPE_MAX);
    return names[type];
}
