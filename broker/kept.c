// SPDX-License-Identifier: Apache-2.0
// What is known of notifications that could not be delivered. The card keeps them; this is why they are still
// there.
#include "broker/broker.h"

#include <string.h>

struct kept_notification *broker_find_kept(struct broker *b, uint32_t sequence_number)
{
    for (size_t i = 0; i < b->kept_count; i++)
        if (b->kept[i].sequence_number == sequence_number)
            return &b->kept[i];
    return NULL;
}

void broker_note_kept(struct broker *b, uint32_t sequence_number, enum err why, uint32_t http_status)
{
    struct kept_notification *k = broker_find_kept(b, sequence_number);
    if (k == NULL) {
        if (b->kept_count == BROKER_KEPT_MAX)
            broker_forget_kept(b, b->kept[0].sequence_number);
        k = &b->kept[b->kept_count++];
        *k = (struct kept_notification){.sequence_number = sequence_number};
    }
    k->tries++;
    k->time = broker_now_seconds();
    k->last_error = (uint32_t)why;
    k->http_status = http_status;
}

void broker_forget_kept(struct broker *b, uint32_t sequence_number)
{
    struct kept_notification *k = broker_find_kept(b, sequence_number);
    if (k == NULL)
        return;
    size_t i = (size_t)(k - b->kept);
    b->kept_count--;
    memmove(k, k + 1, (b->kept_count - i) * sizeof *k);
}
