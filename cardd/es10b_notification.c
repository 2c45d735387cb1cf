// SPDX-License-Identifier: Apache-2.0
// ES10b for notifications, one function of the standard each.
#include "cardd/es10b.h"

#define RESULT_NOTHING 1

enum err es10b_list_notification(struct es10 *es, struct es10b_notifications *ret_notifications)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10B_LIST_NOTIFICATION;
    struct der_tlv response, tlv;
    struct bytes list;
    struct der_writer w = es10_begin(es);
    der_put(&w, 0xBF28, bytes_make(NULL, 0));
    LPAD_TRY(es10_call(es, function, &w, APDU_REPEATABLE, 0xBF28, &response));
    LPAD_TRY(es10_read_choice(es, function, response, &list));
    ret_notifications->count = 0;
    while (list.len > 0) {
        enum err e = der_read_lax(&list, &tlv);
        if (e == ERR_OK && ret_notifications->count == ES10B_NOTIFICATIONS_MAX)
            e = ERR_LIMIT;
        if (e != ERR_OK)
            return es10_fail(es, function, e);
        if (notification_metadata_read(tlv.whole, &ret_notifications->list[ret_notifications->count]) ==
            ERR_OK)
            ret_notifications->count++;
    }
    return ERR_OK;
}

enum err es10b_retrieve_notification(struct es10 *es, uint32_t seq_number,
                                     struct pending_notification *ret_notification)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10B_RETRIEVE_NOTIFICATIONS_LIST;
    struct der_tlv response;
    struct bytes list;
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF2B);
    der_open(&w, 0xA0);
    der_put_uint(&w, 0x80, seq_number);
    der_close(&w);
    der_close(&w);
    LPAD_TRY(es10_call(es, function, &w, APDU_REPEATABLE, 0xBF2B, &response));
    LPAD_TRY(es10_read_choice(es, function, response, &list));
    // Later cards say with an empty list what earlier ones say with code 1.
    if (list.len == 0)
        return es10_refuse(es, function, RESULT_NOTHING);
    struct pending_notification pending;
    enum err e = pending_notification_read(list, &pending);
    if (e == ERR_OK && pending.metadata.seq_number != seq_number)
        e = ERR_CARD_RESPONSE;
    if (e != ERR_OK)
        return es10_fail(es, function, e);
    *ret_notification = pending;
    return ERR_OK;
}

enum err es10b_remove_notification(struct es10 *es, uint32_t seq_number)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10B_REMOVE_NOTIFICATION_FROM_LIST;
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF30);
    der_put_uint(&w, 0x80, seq_number);
    der_close(&w);
    LPAD_TRY(es10_call(es, function, &w, APDU_ONCE, 0xBF30, &response));
    return es10_read_result(es, function, response);
}
