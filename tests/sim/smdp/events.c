// SPDX-License-Identifier: Apache-2.0
// Events are found by walking the folder, as orders are: a test may add or delete them at any time.
#include "tests/sim/smdp/events.h"

#include "tests/sim/smdp/text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static int is_event_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return entry->d_name[0] != '.' && dot != NULL && strcmp(dot, ".json") == 0 ? 1 : 0;
}

// Null, with a word on standard error, for what is no event.
static json_t *event_read(const char *dir, const char *name)
{
    char path[2048];
    json_t *event = NULL;

    if (snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path)) {
        event = json_load_file(path, 0, NULL);
    }
    if (json_get_text(event, "eid", NULL) == NULL || json_get_text(event, "eventId", NULL) == NULL ||
        json_get_text(event, "rspServerAddress", NULL) == NULL) {
        fprintf(stderr, "sim-smdp: event %s/%s is no event\n", dir, name);
        json_decref(event);
        return NULL;
    }
    return event;
}

static bool event_matches(const json_t *event, const char *eid, const char *token)
{
    if (strcmp(json_get_text(event, "eid", ""), eid) != 0) {
        return false;
    }
    return token[0] == '\0' || strcmp(json_get_text(event, "eventId", ""), token) == 0 ||
           strcmp(json_get_text(event, "registeredAs", ""), token) == 0;
}

// The entries that match, or null when the folder cannot be read.
static json_t *entries_find(const char *dir, const char *eid, const char *token)
{
    struct dirent **files = NULL;
    int count = scandir(dir, &files, is_event_file, alphasort);
    json_t *entries = count < 0 ? NULL : json_array();

    for (int i = 0; i < count; i++) {
        json_t *event = event_read(dir, files[i]->d_name);

        if (event != NULL && event_matches(event, eid, token)) {
            json_array_append_new(entries,
                                  json_pack("{s:O,s:O}", "eventId", json_object_get(event, "eventId"),
                                            "rspServerAddress", json_object_get(event, "rspServerAddress")));
        }
        json_decref(event);
        free(files[i]);
    }
    free(files);
    return entries;
}

void events_serve(struct smdp *smdp, struct session *session, const char *token, struct reply *reply)
{
    json_t *entries = entries_find(smdp->config.events, session->eid, token);
    size_t count = json_array_size(entries);

    reply_fact(reply, "matchingIdLength", json_integer((json_int_t)strlen(token)));
    reply_fact(reply, "eid", json_string(session->eid));
    if (entries == NULL) {
        reply_fail(reply, "8.9", "4.2", "the events cannot be read");
    } else if (count == 0 && token[0] != '\0') {
        reply_fail(reply, "8.9.5", "3.9", "the event is not known");
    } else if (!json_put_hex(reply->body, "transactionId", session_tid(session)) ||
               json_object_set(reply->body, "eventEntries", entries) != 0) {
        reply_fail(reply, "8.9", "4.2", "out of memory");
    }
    if (reply->subject == NULL) {
        reply_fact(reply, "events", json_integer((json_int_t)count));
    }
    json_decref(entries);
    session_end(&smdp->sessions, session);
}
