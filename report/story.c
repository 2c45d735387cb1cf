// SPDX-License-Identifier: Apache-2.0
// The story's rows: rings, tallies, and which profile was in use when.
#include "report/story.h"

#include <stdlib.h>
#include <string.h>

size_t story_ring_kept(const struct story_ring *r, size_t cap)
{
    return r->count < cap ? (size_t)r->count : cap;
}

size_t story_ring_at(const struct story_ring *r, size_t cap, size_t i)
{
    return r->count < cap ? i : (size_t)((r->count + i) % cap);
}

static size_t ring_next(struct story_ring *r, size_t cap)
{
    return (size_t)(r->count++ % cap);
}

struct story *story_new(void)
{
    struct story *s = calloc(1, sizeof *s);
    if (s != NULL)
        s->first_time = s->last_time = s->latest_time = STORY_TIME_NONE;
    return s;
}

void story_copy(char *out, size_t cap, const char *text)
{
    size_t len = strlen(text);
    if (len >= cap) {
        len = cap - 1;
        while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
            len--;
    }
    memmove(out, text, len);
    out[len] = '\0';
}

struct story_use *story_put_use(struct story *s)
{
    struct story_use *u = &s->uses[ring_next(&s->use_ring, STORY_USES)];
    *u = (struct story_use){0};
    return u;
}

struct story_operation *story_put_operation(struct story *s)
{
    struct story_operation *o = &s->operations[ring_next(&s->operation_ring, STORY_ROWS)];
    *o = (struct story_operation){0};
    return o;
}

void story_put_event(struct story *s, int64_t time, uint64_t seq, enum story_mark mark, const char *title,
                     const char *text)
{
    struct story_event *e = &s->events[ring_next(&s->event_ring, STORY_ROWS)];
    *e = (struct story_event){.time = time, .seq = seq, .mark = mark, .title = title};
    story_copy(e->text, sizeof e->text, text);
}

void story_tally(struct story_tallies *t, const char *text, int64_t time, enum story_mark mark)
{
    char key[STORY_TEXT];
    size_t i = 0;
    story_copy(key, sizeof key, text);
    while (i < t->count && strcmp(t->rows[i].text, key) != 0)
        i++;
    if (i == STORY_TALLIES) {
        t->others++;
        return;
    }
    if (i == t->count) {
        t->rows[i] = (struct story_tally){.mark = mark};
        story_copy(t->rows[i].text, sizeof t->rows[i].text, key);
        t->count++;
    }
    t->rows[i].count++;
    t->rows[i].last = time;
}

static size_t find_lane(struct story *s, const char *iccid)
{
    size_t i = 0;
    while (i < s->lane_count && strcmp(s->lanes[i].iccid, iccid) != 0)
        i++;
    if (i < s->lane_count || i == STORY_LANES)
        return i;
    story_copy(s->lanes[i].iccid, sizeof s->lanes[i].iccid, iccid);
    s->lane_count++;
    return i;
}

void story_name_profile(struct story *s, const char *iccid, const char *name)
{
    if (iccid[0] == '\0' || name[0] == '\0')
        return;
    char key[sizeof s->lanes[0].iccid];
    story_copy(key, sizeof key, iccid);
    size_t lane = find_lane(s, key);
    if (lane < STORY_LANES)
        story_copy(s->lanes[lane].name, sizeof s->lanes[lane].name, name);
}

void story_name_unnamed(struct story *s, const char *iccid, const char *name)
{
    size_t lane = find_lane(s, iccid);
    if (lane < STORY_LANES && s->lanes[lane].name[0] == '\0')
        story_copy(s->lanes[lane].name, sizeof s->lanes[lane].name, name);
}

void story_use_begins(struct story *s, int64_t time, const char *iccid)
{
    char key[sizeof s->lanes[0].iccid] = "";
    if (iccid != NULL)
        story_copy(key, sizeof key, iccid);
    struct story_use *last = s->use_ring.count > 0 ? &s->uses[(s->use_ring.count - 1) % STORY_USES] : NULL;
    if (s->in_use && last != NULL) {
        if (key[0] != '\0' && strcmp(s->lanes[last->lane].iccid, key) == 0)
            return;
        last->end = time > last->begin ? time : last->begin;
    }
    s->in_use = false;
    if (key[0] == '\0')
        return;
    size_t lane = find_lane(s, key);
    if (lane == STORY_LANES)
        return; // of so many profiles no more are drawn
    struct story_use *u = story_put_use(s);
    *u = (struct story_use){.lane = lane, .begin = time, .end = STORY_TIME_NONE};
    s->in_use = true;
}
