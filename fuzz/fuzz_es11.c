// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what a discovery server answers to AuthenticateClient. Every event that is handed on has an
// address in the one form that addresses are kept in, and a failure says why.
#include "fuzz/fuzz.h"

#include "netd/es11.h"

static const uint8_t transaction_id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static void check_events(const struct es11_events *events)
{
    FUZZ_CHECK(events->count <= ES11_EVENTS_MAX);
    FUZZ_CHECK((events->skipped > 0) == (events->note[0] != '\0'));
    FUZZ_CHECK(utf8_valid(bytes_from_text(events->note)));
    for (size_t i = 0; i < events->count; i++) {
        const struct es11_event *event = &events->item[i];
        char again[HOST_TEXT_MAX];
        struct host host;
        FUZZ_CHECK(host_parse(event->address, strlen(event->address), &host) == ERR_OK);
        FUZZ_CHECK(strcmp(host_to_text(&host, again), event->address) == 0);
        FUZZ_CHECK(event->event_id[0] != '\0' && strlen(event->event_id) <= ES11_EVENT_ID_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct es11_events events;
    struct fault f = {0};
    json_t *reply;
    memset(&events, 0xA5, sizeof(events));
    enum err e = json_reply_load(bytes_make(data, size), JSON_HEADER_REQUIRED, &reply, &f);
    if (e != ERR_OK)
        return 0;
    e = es11_read_events(reply, bytes_make(transaction_id, sizeof(transaction_id)), &events, &f);
    if (e == ERR_OK)
        check_events(&events);
    else
        FUZZ_CHECK(f.detail[0] != '\0' && fuzz_untouched(&events, sizeof(events), 0xA5));
    json_decref(reply);
    return 0;
}
