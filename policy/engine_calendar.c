// SPDX-License-Identifier: Apache-2.0
// Windows, days and months by the wall clock.
#include "policy/engine_parts.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS    INT64_C(86400000)
#define UTC_BOUND (INT64_C(1) << 52) // far beyond any date; keeps the sums in range

int64_t calendar_local_ms(const struct switching *policy, int64_t utc_ms)
{
    if (utc_ms > UTC_BOUND)
        utc_ms = UTC_BOUND;
    if (utc_ms < -UTC_BOUND)
        utc_ms = -UTC_BOUND;
    return utc_ms + policy->utc_offset_min * MINUTE_MS;
}

int64_t calendar_day(int64_t local_ms)
{
    int64_t day = local_ms / DAY_MS;
    return local_ms % DAY_MS < 0 ? day - 1 : day;
}

static int64_t ms_of_day(int64_t local_ms)
{
    return local_ms - calendar_day(local_ms) * DAY_MS;
}

// 0 Monday; the first of January 1970 was a Thursday.
static unsigned weekday(int64_t day)
{
    return (unsigned)(((day + 3) % 7 + 7) % 7);
}

// The Gregorian calendar, in eras of 400 years that begin on the first of March.
int64_t calendar_month(int64_t day, uint32_t month_day)
{
    int64_t z = day + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t march = (5 * doy + 2) / 153;
    int64_t day_of_month = doy - (153 * march + 2) / 5 + 1;
    int64_t month = march < 10 ? march + 3 : march - 9;
    int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
    return year * 12 + month - 1 - (day_of_month < (int64_t)month_day ? 1 : 0);
}

static bool span_begins_on(const struct switch_span *span, int64_t day)
{
    return (span->days >> weekday(day) & 1) != 0;
}

static bool span_is_open(const struct switch_span *span, int64_t local_ms)
{
    int64_t day = calendar_day(local_ms);
    int64_t minute = ms_of_day(local_ms) / MINUTE_MS;
    if (span->from_min == span->to_min)
        return span_begins_on(span, day);
    if (span->from_min < span->to_min)
        return span_begins_on(span, day) && minute >= span->from_min && minute < span->to_min;
    return (span_begins_on(span, day) && minute >= span->from_min) ||
           (span_begins_on(span, day - 1) && minute < span->to_min);
}

static bool window_is_open(const struct switch_window *window, int64_t local_ms)
{
    for (uint32_t i = 0; i < window->span_count; i++)
        if (span_is_open(&window->spans[i], local_ms))
            return true;
    return false;
}

uint32_t calendar_open_windows(const struct switching *policy, int64_t local_ms)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < policy->window_count; i++)
        if (window_is_open(&policy->windows[i], local_ms))
            open |= UINT32_C(1) << i;
    return open;
}

// Until the span's edge at `minute` of a day on which it begins, or of the day after.
static uint64_t edge_in(const struct switch_span *span, bool next_day, uint32_t minute, int64_t local_ms)
{
    int64_t today = calendar_day(local_ms);
    for (int64_t day = today; day <= today + 8; day++) {
        int64_t at = day * DAY_MS + (int64_t)minute * MINUTE_MS;
        if (at > local_ms && span_begins_on(span, next_day ? day - 1 : day))
            return (uint64_t)(at - local_ms);
    }
    return ENGINE_NEVER;
}

uint64_t calendar_window_edge_in(const struct switch_window *window, int64_t local_ms)
{
    uint64_t least = ENGINE_NEVER;
    for (uint32_t i = 0; i < window->span_count; i++) {
        const struct switch_span *span = &window->spans[i];
        bool whole_day = span->from_min == span->to_min;
        uint64_t begin = edge_in(span, false, whole_day ? 0 : span->from_min, local_ms);
        uint64_t end = edge_in(span, span->from_min >= span->to_min, whole_day ? 0 : span->to_min, local_ms);
        least = begin < least ? begin : least;
        least = end < least ? end : least;
    }
    return least;
}

uint64_t calendar_period_in(int64_t local_ms, bool month, uint32_t month_day)
{
    int64_t today = calendar_day(local_ms);
    int64_t day = today + 1;
    while (month && calendar_month(day, month_day) == calendar_month(today, month_day))
        day++;
    return (uint64_t)(day * DAY_MS - local_ms);
}
