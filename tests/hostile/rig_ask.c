// SPDX-License-Identifier: Apache-2.0
// Well-formed requests of a broker, whatever it means by them.
#include "tests/hostile/rig.h"

#include "proto/convert.h"
#include "rsp/iccid.h"

#include <stdio.h>
#include <string.h>

#define WAIT_MS 20000

void rig_expect(struct outcome o, enum err error, int deny, const char *file, int line)
{
    if (o.error != error || o.deny != deny)
        fail_msg("%s:%d: error %x, deny reason %d instead of error %x, deny reason %d (body %d, SW %04X, %s)",
                 file, line, (unsigned)o.error, o.deny, (unsigned)error, deny, o.body, (unsigned)o.sw,
                 o.detail);
}

struct bytes rig_iccid(const char *digits)
{
    static struct iccid iccids[4];
    static unsigned next;
    struct iccid *iccid = &iccids[next++ % 4];
    assert_int_equal(iccid_from_text(digits, strlen(digits), iccid), ERR_OK);
    return iccid_view(iccid);
}

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

// --- to cardd ---

static struct outcome outcome_of(const Lpad__CarddToBroker *reply)
{
    struct outcome o = {.body = (int)reply->body_case};
    if (reply->body_case != LPAD__CARDD_TO_BROKER__BODY_FAILURE)
        return o;
    const Lpad__Failure *f = reply->failure;
    o.error = (enum err)f->error;
    o.deny = f->has_deny_reason ? (int)f->deny_reason : 0;
    o.sw = f->has_status_word ? f->status_word : 0;
    o.has_result = f->has_result_code;
    o.result = f->has_result_code ? f->result_code : 0;
    snprintf(o.detail, sizeof o.detail, "%s", f->detail != NULL ? f->detail : "no detail");
    return o;
}

void rig_send_card(struct rig *r, Lpad__BrokerToCardd *request, int fd)
{
    request->id = ++r->id;
    enum err e = link_send(&r->card, &request->base, fd);
    // The end of the process shows at the reply.
    assert_true(e == ERR_OK || e == ERR_CLOSED);
}

const Lpad__CarddToBroker *rig_wait_card(struct rig *r, struct outcome *ret_outcome)
{
    for (;;) {
        const ProtobufCMessage *frame;
        int none;
        enum err e = link_recv(&r->card, WAIT_MS, &frame, &none);
        if (e == ERR_CLOSED) {
            *ret_outcome = (struct outcome){.error = ERR_CLOSED};
            return NULL;
        }
        assert_int_equal(e, ERR_OK);
        const Lpad__CarddToBroker *reply = (const Lpad__CarddToBroker *)(const void *)frame;
        assert_int_equal(reply->id, r->id);
        if (reply->body_case == LPAD__CARDD_TO_BROKER__BODY_PROGRESS)
            continue;
        *ret_outcome = outcome_of(reply);
        return reply;
    }
}

const Lpad__CarddToBroker *rig_ask_card(struct rig *r, Lpad__BrokerToCardd *request, int fd,
                                        struct outcome *ret_outcome)
{
    rig_send_card(r, request, fd);
    return rig_wait_card(r, ret_outcome);
}

static struct outcome ask(struct rig *r, Lpad__BrokerToCardd *request, int expected)
{
    struct outcome o;
    rig_ask_card(r, request, -1, &o);
    if (o.error == ERR_OK)
        assert_int_equal(o.body, expected);
    return o;
}

struct outcome card_info(struct rig *r)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardGetInfo body = LPAD__CARD_GET_INFO__INIT;
    body.euicc_info2 = body.addresses = true;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_GET_INFO;
    request.get_info = &body;
    return ask(r, &request, LPAD__CARDD_TO_BROKER__BODY_INFO);
}

struct outcome card_list(struct rig *r)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardListProfiles body = LPAD__CARD_LIST_PROFILES__INIT;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_LIST_PROFILES;
    request.list_profiles = &body;
    return ask(r, &request, LPAD__CARDD_TO_BROKER__BODY_PROFILES);
}

struct outcome card_challenge(struct rig *r)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardGetChallenge body = LPAD__CARD_GET_CHALLENGE__INIT;
    body.smdp_address = borrow(RIG_HOST);
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_GET_CHALLENGE;
    request.get_challenge = &body;
    return ask(r, &request, LPAD__CARDD_TO_BROKER__BODY_CHALLENGE);
}

struct outcome card_change(struct rig *r, Lpad__Operation operation, const char *iccid)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardChangeProfile body = LPAD__CARD_CHANGE_PROFILE__INIT;
    body.operation = operation;
    body.iccid = binary_from_bytes(rig_iccid(iccid));
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_CHANGE_PROFILE;
    request.change_profile = &body;
    return ask(r, &request, LPAD__CARDD_TO_BROKER__BODY_CHANGED);
}

struct outcome card_nickname(struct rig *r, const char *iccid, const char *nickname)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardSetNickname body = LPAD__CARD_SET_NICKNAME__INIT;
    body.iccid = binary_from_bytes(rig_iccid(iccid));
    body.nickname = borrow(nickname);
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_SET_NICKNAME;
    request.set_nickname = &body;
    return ask(r, &request, LPAD__CARDD_TO_BROKER__BODY_CHANGED);
}

struct outcome card_load(struct rig *r)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardLoad body = LPAD__CARD_LOAD__INIT;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_LOAD;
    request.load = &body;
    return ask(r, &request, LPAD__CARDD_TO_BROKER__BODY_LOADED);
}

struct outcome card_cancel(struct rig *r, uint32_t reason)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardCancelSession body = LPAD__CARD_CANCEL_SESSION__INIT;
    body.reason = reason;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_CANCEL_SESSION;
    request.cancel_session = &body;
    return ask(r, &request, LPAD__CARDD_TO_BROKER__BODY_CANCEL_SESSION);
}

struct outcome card_notifications(struct rig *r, uint32_t *ret_first)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardListNotifications body = LPAD__CARD_LIST_NOTIFICATIONS__INIT;
    struct outcome o;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_LIST_NOTIFICATIONS;
    request.list_notifications = &body;
    const Lpad__CarddToBroker *reply = rig_ask_card(r, &request, -1, &o);
    *ret_first = 0;
    if (o.error != ERR_OK)
        return o;
    assert_int_equal(o.body, LPAD__CARDD_TO_BROKER__BODY_NOTIFICATIONS);
    for (size_t i = 0; i < reply->notifications->n_notifications; i++) {
        uint32_t number = reply->notifications->notifications[i]->sequence_number;
        if (*ret_first == 0 || number < *ret_first)
            *ret_first = number;
    }
    return o;
}

struct outcome card_retrieve(struct rig *r, uint32_t number)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardRetrieveNotification body = LPAD__CARD_RETRIEVE_NOTIFICATION__INIT;
    body.sequence_number = number;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_RETRIEVE_NOTIFICATION;
    request.retrieve_notification = &body;
    return ask(r, &request, LPAD__CARDD_TO_BROKER__BODY_NOTIFICATION);
}

struct outcome card_remove(struct rig *r, uint32_t number)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardRemoveNotification body = LPAD__CARD_REMOVE_NOTIFICATION__INIT;
    body.sequence_number = number;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_REMOVE_NOTIFICATION;
    request.remove_notification = &body;
    return ask(r, &request, LPAD__CARDD_TO_BROKER__BODY_NOTIFICATIONS);
}

// --- to policyd ---

const Lpad__PolicydToBroker *rig_ask_policy(struct rig *r, Lpad__BrokerToPolicyd *request)
{
    request->id = ++r->id;
    assert_int_equal(link_send(&r->policy, &request->base, -1), ERR_OK);
    for (;;) {
        const ProtobufCMessage *frame;
        int none;
        assert_int_equal(link_recv(&r->policy, WAIT_MS, &frame, &none), ERR_OK);
        const Lpad__PolicydToBroker *reply = (const Lpad__PolicydToBroker *)(const void *)frame;
        if (reply->body_case == LPAD__POLICYD_TO_BROKER__BODY_LOADED ||
            reply->body_case == LPAD__POLICYD_TO_BROKER__BODY_SWITCH_PLAN)
            continue;
        assert_int_equal(reply->id, r->id);
        return reply;
    }
}

static int decide(struct rig *r, Lpad__BrokerToPolicyd *request)
{
    const Lpad__PolicydToBroker *reply = rig_ask_policy(r, request);
    assert_int_equal(reply->body_case, LPAD__POLICYD_TO_BROKER__BODY_DECISION);
    const Lpad__Decision *d = reply->decision;
    if (d->verdict == LPAD__VERDICT__VERDICT_ALLOW)
        return 0;
    return d->verdict == LPAD__VERDICT__VERDICT_ASK ? MUST_ASK : (int)d->reason;
}

static int send_intent(struct rig *r, uint32_t uid, Lpad__Intent *intent)
{
    Lpad__BrokerToPolicyd request = LPAD__BROKER_TO_POLICYD__INIT;
    Lpad__Actor actor = LPAD__ACTOR__INIT;
    actor.has_uid = true;
    actor.uid = uid;
    intent->actor = &actor;
    request.body_case = LPAD__BROKER_TO_POLICYD__BODY_INTENT;
    request.intent = intent;
    return decide(r, &request);
}

int policy_change(struct rig *r, uint32_t uid, Lpad__Operation operation, const char *iccid,
                  const char *nickname)
{
    Lpad__Intent intent = LPAD__INTENT__INIT;
    intent.operation = operation;
    intent.has_iccid = true;
    intent.iccid = binary_from_bytes(rig_iccid(iccid));
    intent.nickname = borrow(nickname);
    return send_intent(r, uid, &intent);
}

int policy_download(struct rig *r, uint32_t uid, const char *host)
{
    Lpad__Intent intent = LPAD__INTENT__INIT;
    intent.operation = LPAD__OPERATION__OPERATION_DOWNLOAD;
    intent.host = borrow(host);
    return send_intent(r, uid, &intent);
}

int policy_consent(struct rig *r)
{
    Lpad__BrokerToPolicyd request = LPAD__BROKER_TO_POLICYD__INIT;
    Lpad__Consent body = LPAD__CONSENT__INIT;
    request.body_case = LPAD__BROKER_TO_POLICYD__BODY_CONSENT;
    request.consent = &body;
    return decide(r, &request);
}

void policy_drop(struct rig *r)
{
    Lpad__BrokerToPolicyd request = LPAD__BROKER_TO_POLICYD__INIT;
    Lpad__DropIntent body = LPAD__DROP_INTENT__INIT;
    request.id = ++r->id;
    request.body_case = LPAD__BROKER_TO_POLICYD__BODY_DROP;
    request.drop = &body;
    assert_int_equal(link_send(&r->policy, &request.base, -1), ERR_OK);
}
