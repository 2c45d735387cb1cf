// SPDX-License-Identifier: Apache-2.0
// The reader of an SM-DS's event list.
#include "netd/es11.h"

#include "netd/es9p.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 96

// NULL when the entry was read, else what is wrong with it.
static const char *read_entry(const json_t *entry, struct es11_event *ret_event)
{
    const json_t *id = json_object_get(entry, "eventId");
    const json_t *address = json_object_get(entry, "rspServerAddress");
    struct host host;
    if (!json_is_string(id) || !json_is_string(address))
        return "it has no eventId or no rspServerAddress";
    // An empty one would ask for any order, not for this event.
    if (json_string_length(id) == 0 || json_string_length(id) > ES11_EVENT_ID_MAX)
        return "its eventId is empty or too long";
    if (json_string_length(address) > ES11_ADDRESS_MAX ||
        host_parse(json_string_value(address), json_string_length(address), &host) != ERR_OK)
        return "its rspServerAddress is not the address of a server";
    ret_event->event_id = json_string_value(id);
    host_to_text(&host, ret_event->address);
    return NULL;
}

static void skip(struct es11_events *events, size_t at, const json_t *entry, const char *why)
{
    char shown[SHOWN_MAX];
    const char *address = json_string_value(json_object_get(entry, "rspServerAddress"));
    if (events->skipped++ > 0)
        return;
    if (address == NULL)
        snprintf(events->note, sizeof(events->note), "entry %zu: %s", at + 1, why);
    else
        snprintf(events->note, sizeof(events->note), "entry %zu (%s): %s", at + 1,
                 text_escape(bytes_from_text(address), shown, sizeof(shown)), why);
}

enum err es11_read_events(const json_t *reply, struct bytes transaction_id, struct es11_events *ret_events,
                          struct fault *f)
{
    struct es11_events events = {.count = 0};
    LPAD_TRY(es9p_check_echo(reply, transaction_id, f));
    const json_t *list = json_object_get(reply, "eventEntries");
    if (list == NULL && json_object_get(reply, "profileMetadata") != NULL)
        return fault_set(
            f, ERR_REMOTE_SHAPE,
            "the server answered with a profile, not with events: it is an SM-DP+, not an SM-DS");
    if (list != NULL && !json_is_null(list) && !json_is_array(list))
        return fault_set(f, ERR_REMOTE_SHAPE, "the reply's eventEntries is not a list");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const char *why = "there are more than can be read";
        if (events.count < ES11_EVENTS_MAX)
            why = read_entry(entry, &events.item[events.count]);
        if (why == NULL)
            events.count++;
        else
            skip(&events, i, entry, why);
    }
    *ret_events = events;
    return ERR_OK;
}
