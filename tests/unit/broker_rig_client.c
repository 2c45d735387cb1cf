// SPDX-License-Identifier: Apache-2.0
// What clients of the rig ask.
#include "tests/unit/broker_rig.h"

void rig_send_body(struct rig *r, unsigned client, Lpad__ClientToBroker__BodyCase body)
{
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__GetStatus status = LPAD__GET_STATUS__INIT;
    Lpad__GetEuiccInfo info = LPAD__GET_EUICC_INFO__INIT;
    Lpad__ListProfiles profiles = LPAD__LIST_PROFILES__INIT;
    Lpad__ListNotifications list = LPAD__LIST_NOTIFICATIONS__INIT;
    Lpad__DeliverNotifications deliver = LPAD__DELIVER_NOTIFICATIONS__INIT;
    Lpad__Download download = LPAD__DOWNLOAD__INIT;
    m.body_case = body;
    download.activation_code = (char *)(uintptr_t)RIG_CODE;
    switch ((int)body) {
    case LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS: m.get_status = &status; break;
    case LPAD__CLIENT_TO_BROKER__BODY_GET_EUICC_INFO: m.get_euicc_info = &info; break;
    case LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES: m.list_profiles = &profiles; break;
    case LPAD__CLIENT_TO_BROKER__BODY_LIST_NOTIFICATIONS: m.list_notifications = &list; break;
    case LPAD__CLIENT_TO_BROKER__BODY_DELIVER_NOTIFICATIONS: m.deliver_notifications = &deliver; break;
    case LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD: m.download = &download; break;
    default: fail();
    }
    rig_send(r, client, &m);
}

void rig_send_change(struct rig *r, unsigned client, Lpad__Operation operation)
{
    static uint8_t iccid[10] = {0x98, 0x10, 0x32, 0x54, 0x76, 0x98, 0x10, 0x32, 0x54, 0xf6};
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__ChangeProfile change = LPAD__CHANGE_PROFILE__INIT;
    Lpad__SetNickname nickname = LPAD__SET_NICKNAME__INIT;
    change.operation = operation;
    change.iccid.data = nickname.iccid.data = iccid;
    change.iccid.len = nickname.iccid.len = sizeof iccid;
    nickname.nickname = (char *)(uintptr_t) "Spare";
    if (operation == LPAD__OPERATION__OPERATION_NICKNAME) {
        m.body_case = LPAD__CLIENT_TO_BROKER__BODY_SET_NICKNAME;
        m.set_nickname = &nickname;
    } else {
        m.body_case = LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE;
        m.change_profile = &change;
    }
    rig_send(r, client, &m);
}

void rig_send_answer(struct rig *r, unsigned client, bool yes, bool postpone, const char *confirmation)
{
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__Answer a = LPAD__ANSWER__INIT;
    a.yes = yes;
    a.has_postpone = postpone;
    a.postpone = postpone;
    a.confirmation_code = (char *)(uintptr_t)confirmation;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_ANSWER;
    m.answer = &a;
    rig_send(r, client, &m);
}

void rig_assert_fails(const Lpad__BrokerToClient *m, enum err e)
{
    assert_non_null(m);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_FAILURE);
    assert_int_equal(m->failure->error, e);
}
