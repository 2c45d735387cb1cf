// SPDX-License-Identifier: Apache-2.0
// What the peers of a broker under test answer: what good ones would, or what a fault says.
#include "tests/unit/broker_rig.h"

#include "lib/sealed.h"
#include "proto/convert.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define BODY(message, name, field, value) ((message).body_case = LPAD__##name, (message).field = (value))

static uint8_t blob[512];

static ProtobufCBinaryData octets(size_t len)
{
    memset(blob, 0x42, sizeof blob);
    return binary_from(blob, len);
}

// --- what good peers answer ---

static Lpad__Metadata good_metadata(const struct rig *r)
{
    Lpad__Metadata m = LPAD__METADATA__INIT;
    static uint8_t iccid[10] = {0x98, 0x10, 0x32, 0x54, 0x76, 0x98, 0x10, 0x32, 0x54, 0xf6};
    m.iccid = binary_from(iccid, sizeof iccid);
    m.service_provider_name = (char *)(uintptr_t) "Operator";
    m.profile_name = (char *)(uintptr_t) "Profile";
    m.profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    m.has_pprs = r->metadata_pprs != 0;
    m.pprs = r->metadata_pprs;
    return m;
}

static Lpad__Notification notification(const struct rig *r, uint32_t number)
{
    Lpad__Notification n = LPAD__NOTIFICATION__INIT;
    n.sequence_number = number;
    n.event = 1;
    n.address = (char *)(uintptr_t)r->addresses[number & 7];
    return n;
}

static void reply_list(struct rig *r, Lpad__CarddToBroker *reply)
{
    static Lpad__CardNotifications body;
    static Lpad__Notification items[32], *list[32];
    lpad__card_notifications__init(&body);
    for (uint32_t i = r->removed + 1; i <= r->pending; i++) {
        items[body.n_notifications] = notification(r, i);
        list[body.n_notifications] = &items[body.n_notifications];
        body.n_notifications++;
    }
    body.notifications = list;
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_NOTIFICATIONS;
    reply->notifications = &body;
}

static void reply_loaded(struct rig *r, const struct rig_fault *f, Lpad__CarddToBroker *reply)
{
    static Lpad__CardLoaded body;
    static Lpad__Notification n;
    lpad__card_loaded__init(&body);
    r->pending++;
    n = notification(r, r->pending);
    body.profile_installation_result = octets(200);
    body.notification = &n;
    if (f != NULL && f->act == RIG_RESULT_ERROR) {
        body.has_bpp_command = body.has_error_reason = true;
        body.bpp_command = 5;
        body.error_reason = f->value;
    } else {
        body.has_isdp_aid = true;
        body.isdp_aid = octets(16);
    }
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_LOADED;
    reply->loaded = &body;
}

static const char *card_request(const Lpad__BrokerToCardd *m)
{
    return protobuf_c_message_descriptor_get_field(m->base.descriptor, (unsigned)m->body_case)->name;
}

static void fill_card_reply(struct rig *r, const Lpad__BrokerToCardd *m, const struct rig_fault *f,
                            Lpad__CarddToBroker *reply)
{
    static Lpad__CardInfo info;
    static Lpad__CardInfo2 info2;
    static Lpad__RatEntry rat, *rats[] = {&rat};
    static ProtobufCBinaryData ci_id;
    static Lpad__Metadata here;
    static Lpad__Profile *listed[] = {NULL};
    static Lpad__CardIcon icon;
    static Lpad__CardDone done;
    static Lpad__CardProfiles profiles;
    static Lpad__CardChallenge challenge;
    static Lpad__CardAuthenticateServerOk authenticated;
    static Lpad__CardPrepareDownloadOk prepared;
    static Lpad__CardStaged staged;
    static Lpad__Metadata metadata;
    static Lpad__CardCancelSessionOk cancelled;
    static Lpad__CardChanged changed;
    static Lpad__Profile profile;
    static Lpad__CardNotification retrieved;
    static Lpad__Notification n;
    switch ((int)m->body_case) {
    case LPAD__BROKER_TO_CARDD__BODY_GET_INFO:
        lpad__card_info__init(&info);
        info.eid = octets(16);
        info.euicc_info1 = octets(56);
        info.default_smdp_address = (char *)(uintptr_t)r->default_address;
        info.root_smds_address = (char *)(uintptr_t)r->root_smds;
        if (m->get_info->euicc_info2) {
            lpad__card_info2__init(&info2);
            info2.profile_version = info2.svn = info2.firmware_version = octets(3);
            info2.has_free_nvm = true;
            info2.free_nvm = r->no_memory ? 1000 : 100000;
            info2.has_forbidden_pprs = true;
            info2.n_ci_pk_ids_verification = 1;
            info2.ci_pk_ids_verification = &ci_id;
            ci_id = octets(20);
            info.info2 = &info2;
        }
        if (m->get_info->has_rat && m->get_info->rat) {
            lpad__rat_entry__init(&rat);
            rat.pprs = 6;
            info.n_rat = 1;
            info.rat = rats;
        }
        BODY(*reply, CARDD_TO_BROKER__BODY_INFO, info, &info);
        return;
    case LPAD__BROKER_TO_CARDD__BODY_LIST_PROFILES:
        lpad__card_profiles__init(&profiles);
        if (f != NULL && f->act == RIG_HERE) {
            lpad__profile__init(&profile);
            here = good_metadata(r);
            profile.iccid = here.iccid;
            profile.profile_class = (Lpad__ProfileClass)f->value;
            profiles.n_profiles = 1;
            profiles.profiles = listed;
            listed[0] = &profile;
        }
        BODY(*reply, CARDD_TO_BROKER__BODY_PROFILES, profiles, &profiles);
        return;
    case LPAD__BROKER_TO_CARDD__BODY_GET_CHALLENGE:
        lpad__card_challenge__init(&challenge);
        challenge.euicc_challenge = octets(16);
        BODY(*reply, CARDD_TO_BROKER__BODY_CHALLENGE, challenge, &challenge);
        return;
    case LPAD__BROKER_TO_CARDD__BODY_AUTHENTICATE_SERVER:
        lpad__card_authenticate_server_ok__init(&authenticated);
        authenticated.authenticate_server_response = octets(300);
        authenticated.transaction_id = octets(8);
        authenticated.smdp_oid = (char *)(uintptr_t) "2.999.10";
        authenticated.has_discovery_server = authenticated.discovery_server = f != NULL && f->act == RIG_SMDS;
        BODY(*reply, CARDD_TO_BROKER__BODY_AUTHENTICATE_SERVER, authenticate_server, &authenticated);
        return;
    case LPAD__BROKER_TO_CARDD__BODY_PREPARE_DOWNLOAD:
        lpad__card_prepare_download_ok__init(&prepared);
        prepared.prepare_download_response = octets(100);
        BODY(*reply, CARDD_TO_BROKER__BODY_PREPARE_DOWNLOAD, prepare_download, &prepared);
        return;
    case LPAD__BROKER_TO_CARDD__BODY_STAGE:
        lpad__card_staged__init(&staged);
        metadata = good_metadata(r);
        if (f != NULL && f->act == RIG_METADATA)
            metadata.profile_name = (char *)(uintptr_t) "Another";
        staged.metadata = &metadata;
        staged.sha256 = octets(32);
        staged.segments = 5;
        staged.size = 5000;
        BODY(*reply, CARDD_TO_BROKER__BODY_STAGED, staged, &staged);
        return;
    case LPAD__BROKER_TO_CARDD__BODY_LOAD: reply_loaded(r, f, reply); return;
    case LPAD__BROKER_TO_CARDD__BODY_CANCEL_SESSION:
        lpad__card_cancel_session_ok__init(&cancelled);
        cancelled.cancel_session_response = octets(90);
        cancelled.transaction_id = octets(8);
        BODY(*reply, CARDD_TO_BROKER__BODY_CANCEL_SESSION, cancel_session, &cancelled);
        return;
    case LPAD__BROKER_TO_CARDD__BODY_CHANGE_PROFILE:
    case LPAD__BROKER_TO_CARDD__BODY_SET_NICKNAME:
        lpad__card_changed__init(&changed);
        lpad__profile__init(&profile);
        profile.iccid = octets(10);
        profile.state = LPAD__PROFILE_STATE__PROFILE_DISABLED;
        profile.profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
        changed.profile = &profile;
        BODY(*reply, CARDD_TO_BROKER__BODY_CHANGED, changed, &changed);
        return;
    case LPAD__BROKER_TO_CARDD__BODY_RESET:
        lpad__card_changed__init(&changed);
        BODY(*reply, CARDD_TO_BROKER__BODY_CHANGED, changed, &changed);
        return;
    case LPAD__BROKER_TO_CARDD__BODY_SET_DEFAULT_ADDRESS:
    case LPAD__BROKER_TO_CARDD__BODY_LOAD_CRL:
        lpad__card_done__init(&done);
        BODY(*reply, CARDD_TO_BROKER__BODY_DONE, done, &done);
        return;
    case LPAD__BROKER_TO_CARDD__BODY_GET_ICON:
        lpad__card_icon__init(&icon);
        icon.icon_type = 1;
        icon.icon = octets(40);
        BODY(*reply, CARDD_TO_BROKER__BODY_ICON, icon, &icon);
        return;
    case LPAD__BROKER_TO_CARDD__BODY_LIST_NOTIFICATIONS: reply_list(r, reply); return;
    case LPAD__BROKER_TO_CARDD__BODY_RETRIEVE_NOTIFICATION:
        lpad__card_notification__init(&retrieved);
        n = notification(r, m->retrieve_notification->sequence_number);
        retrieved.notification = &n;
        retrieved.pending_notification = octets(150);
        BODY(*reply, CARDD_TO_BROKER__BODY_NOTIFICATION, notification, &retrieved);
        return;
    case LPAD__BROKER_TO_CARDD__BODY_REMOVE_NOTIFICATION:
        assert_true(m->remove_notification->sequence_number <= r->pending);
        if (m->remove_notification->sequence_number == r->removed + 1)
            r->removed++;
        reply_list(r, reply);
        return;
    default: fail_msg("the broker asked cardd for nothing known");
    }
}

static bool apply_common(struct rig *r, enum rig_peer peer, const struct rig_fault *f)
{
    if (f == NULL)
        return false;
    if (f->act == RIG_DIE) {
        rig_end_peer(r, peer, f->value, 0);
        return true;
    }
    return f->act == RIG_SILENT;
}

static Lpad__Failure failure_of(const struct rig_fault *f)
{
    Lpad__Failure failure = LPAD__FAILURE__INIT;
    failure.error = f->act == RIG_DENY ? ERR_DENIED : f->value;
    if (f->act == RIG_DENY) {
        failure.has_deny_reason = true;
        failure.deny_reason = (Lpad__DenyReason)f->value;
    }
    return failure;
}

static void serve_card(struct rig *r, const Lpad__BrokerToCardd *m, int fd)
{
    char extra[32] = "";
    if (m->body_case == LPAD__BROKER_TO_CARDD__BODY_CANCEL_SESSION)
        snprintf(extra, sizeof extra, "(%u)", m->cancel_session->reason);
    if (m->body_case == LPAD__BROKER_TO_CARDD__BODY_AUTHENTICATE_SERVER)
        assert_string_equal(m->authenticate_server->matching_id, r->matching_id);
    if (m->body_case == LPAD__BROKER_TO_CARDD__BODY_LIST_PROFILES && m->list_profiles->has_iccid)
        strcat(extra, "(iccid)");
    if (m->body_case == LPAD__BROKER_TO_CARDD__BODY_GET_INFO && m->get_info->has_rat && m->get_info->rat)
        strcat(extra, "(rat)");
    strcat(r->log, extra);
    if (fd >= 0)
        close(fd);
    const struct rig_fault *f = rig_find_fault(r, RIG_CARDD, card_request(m));
    if (apply_common(r, RIG_CARDD, f) || m->body_case == LPAD__BROKER_TO_CARDD__BODY_ABORT)
        return;
    Lpad__CarddToBroker reply = LPAD__CARDD_TO_BROKER__INIT;
    Lpad__Failure failure;
    Lpad__CardProfiles other = LPAD__CARD_PROFILES__INIT;
    reply.id = m->id;
    if (f != NULL && (f->act == RIG_FAIL || f->act == RIG_DENY)) {
        failure = failure_of(f);
        BODY(reply, CARDD_TO_BROKER__BODY_FAILURE, failure, &failure);
    } else if (f != NULL && f->act == RIG_OTHER) {
        BODY(reply, CARDD_TO_BROKER__BODY_PROFILES, profiles, &other);
    } else {
        fill_card_reply(r, m, f, &reply);
    }
    assert_int_equal(link_send(&r->links[RIG_CARDD], &reply.base, -1), ERR_OK);
}

static const char *event_words(const Lpad__SwitchEvent *e, char out[static 48])
{
    const char *name =
        protobuf_c_message_descriptor_get_field(e->base.descriptor, (unsigned)e->body_case)->name;
    if (e->body_case == LPAD__SWITCH_EVENT__BODY_RESULT)
        snprintf(out, 48, "(%s %u %d)", name, e->result->action, (int)e->result->result);
    else if (e->body_case == LPAD__SWITCH_EVENT__BODY_PROBE)
        snprintf(out, 48, "(%s %u/%u)", name, e->probe->passed, e->probe->passed + e->probe->failed);
    else
        snprintf(out, 48, "(%s)", name);
    return out;
}

// What the engine says to an event.
static void serve_event(struct rig *r, const Lpad__BrokerToPolicyd *m)
{
    static uint8_t backup[10] = {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x61, 0xf1};
    char words[48];
    Lpad__PolicydToBroker reply = LPAD__POLICYD_TO_BROKER__INIT;
    Lpad__SwitchStep step = LPAD__SWITCH_STEP__INIT;
    Lpad__SwitchAction action = LPAD__SWITCH_ACTION__INIT;
    Lpad__SwitchDecision begin = LPAD__SWITCH_DECISION__INIT, *decisions[] = {&begin};
    Lpad__ProbeMode mode = LPAD__PROBE_MODE__PROBE_FAST;
    strcat(r->log, event_words(m->switch_event, words));
    step.n_modes = 1;
    step.modes = &mode;
    if (r->action_on != 0 && (int)m->switch_event->body_case == r->action_on) {
        r->action_on = 0;
        action.number = 7;
        action.iccid = binary_from(backup, sizeof backup);
        action.rule = begin.rule = (char *)(uintptr_t) "away";
        action.has_line = begin.has_line = true;
        action.line = begin.line = 12;
        step.action = &action;
        begin.kind = 1;
        begin.name = (char *)(uintptr_t) "switch";
        begin.has_to = true;
        begin.to = action.iccid;
        step.n_decisions = 1;
        step.decisions = decisions;
    }
    reply.id = m->id;
    BODY(reply, POLICYD_TO_BROKER__BODY_SWITCH_STEP, switch_step, &step);
    assert_int_equal(link_send(&r->links[RIG_POLICYD], &reply.base, -1), ERR_OK);
}

static void serve_policy(struct rig *r, const Lpad__BrokerToPolicyd *m, const char *request)
{
    if (m->body_case == LPAD__BROKER_TO_POLICYD__BODY_INTENT) {
        sprintf(r->log + strlen(r->log), "(%s", operation_words(m->intent->operation));
        if (m->intent->actor->has_engine && m->intent->actor->engine)
            strcat(r->log, " engine");
        if (m->intent->has_host_source)
            sprintf(r->log + strlen(r->log), " %s source %d", m->intent->host, (int)m->intent->host_source);
        if (m->intent->has_reset_options)
            sprintf(r->log + strlen(r->log), " %u", m->intent->reset_options);
        strcat(r->log, ")");
    }
    if (m->body_case == LPAD__BROKER_TO_POLICYD__BODY_INSTALL && m->install->n_rat > 0)
        sprintf(r->log + strlen(r->log), "(rat %zu operational %d)", m->install->n_rat,
                (int)m->install->operational_installed);
    const struct rig_fault *f = rig_find_fault(r, RIG_POLICYD, request);
    if (apply_common(r, RIG_POLICYD, f) || m->body_case == LPAD__BROKER_TO_POLICYD__BODY_DROP)
        return;
    if (m->body_case == LPAD__BROKER_TO_POLICYD__BODY_SWITCH_EVENT) {
        serve_event(r, m);
        return;
    }
    Lpad__Explanation explanation = LPAD__EXPLANATION__INIT;
    Lpad__PolicydToBroker reply = LPAD__POLICYD_TO_BROKER__INIT;
    Lpad__Decision d = LPAD__DECISION__INIT;
    Lpad__PolicyStatus status = LPAD__POLICY_STATUS__INIT;
    reply.id = m->id;
    if (m->body_case == LPAD__BROKER_TO_POLICYD__BODY_GET_STATUS) {
        status.state = LPAD__POLICY_STATE__POLICY_LOADED;
        status.has_debt_max = r->debt_max != 0;
        status.debt_max = r->debt_max;
        BODY(reply, POLICYD_TO_BROKER__BODY_STATUS, status, &status);
    } else if (m->body_case == LPAD__BROKER_TO_POLICYD__BODY_GET_EXPLANATION) {
        explanation.switching = true;
        explanation.phase = (char *)(uintptr_t) "idle";
        BODY(reply, POLICYD_TO_BROKER__BODY_EXPLANATION, explanation, &explanation);
    } else {
        bool deny = f != NULL && f->act == RIG_DENY, ask = f != NULL && f->act == RIG_ASK;
        d.verdict = deny  ? LPAD__VERDICT__VERDICT_DENY
                    : ask ? LPAD__VERDICT__VERDICT_ASK
                          : LPAD__VERDICT__VERDICT_ALLOW;
        d.has_strong = d.strong = ask && r->strong;
        d.has_reason = deny;
        d.reason = deny ? (Lpad__DenyReason)f->value : LPAD__DENY_REASON__DENY_RULE;
        d.role = (char *)(uintptr_t) "operator";
        d.rule = (char *)(uintptr_t) "permissions[0]";
        d.has_line = true;
        d.line = 7;
        BODY(reply, POLICYD_TO_BROKER__BODY_DECISION, decision, &d);
    }
    assert_int_equal(link_send(&r->links[RIG_POLICYD], &reply.base, -1), ERR_OK);
}

static void reply_events(const struct rig *r, Lpad__NetdToBroker *reply)
{
    static Lpad__NetEvents body;
    static Lpad__NetEvent items[4], *list[4];
    static char ids[4][16];
    lpad__net_events__init(&body);
    for (size_t i = 0; i < 4 && r->events[i] != NULL; i++) {
        lpad__net_event__init(&items[i]);
        snprintf(ids[i], sizeof ids[i], "EVENT-%zu", i + 1);
        items[i].event_id = ids[i];
        items[i].rsp_server_address = (char *)(uintptr_t)r->events[i];
        list[i] = &items[i];
        body.n_events++;
    }
    body.events = list;
    BODY(*reply, NETD_TO_BROKER__BODY_EVENTS, events, &body);
}

static void fill_net_reply(struct rig *r, const Lpad__BrokerToNetd *m, Lpad__NetdToBroker *reply, int *ret_fd)
{
    static Lpad__NetOpened opened;
    static Lpad__NetInitiateAuthenticationOk initiated;
    static Lpad__NetAuthenticateClientOk authenticated;
    static Lpad__Metadata metadata;
    static Lpad__NetBoundProfilePackage package;
    static Lpad__NetHandleNotificationOk handled;
    static Lpad__NetCancelSessionOk cancelled;
    switch ((int)m->body_case) {
    case LPAD__BROKER_TO_NETD__BODY_OPEN:
        lpad__net_opened__init(&opened);
        opened.peer = (char *)(uintptr_t) "192.0.2.1:443";
        opened.tls_version = (char *)(uintptr_t) "TLSv1.3";
        opened.certificate_sha256 = octets(32);
        BODY(*reply, NETD_TO_BROKER__BODY_OPENED, opened, &opened);
        return;
    case LPAD__BROKER_TO_NETD__BODY_INITIATE_AUTHENTICATION:
        lpad__net_initiate_authentication_ok__init(&initiated);
        initiated.transaction_id = octets(8);
        initiated.server_signed1 = octets(90);
        initiated.server_signature1 = octets(67);
        initiated.euicc_ci_pk_id = octets(22);
        initiated.server_certificate = octets(500);
        BODY(*reply, NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION, initiate_authentication, &initiated);
        return;
    case LPAD__BROKER_TO_NETD__BODY_AUTHENTICATE_CLIENT:
        lpad__net_authenticate_client_ok__init(&authenticated);
        metadata = good_metadata(r);
        if (m->authenticate_client->has_discovery && m->authenticate_client->discovery) {
            reply_events(r, reply);
            return;
        }
        authenticated.metadata = &metadata;
        authenticated.smdp_signed2 = octets(50);
        authenticated.smdp_signature2 = octets(67);
        authenticated.smdp_certificate = octets(500);
        authenticated.confirmation_code_required = r->confirmation_code_required;
        BODY(*reply, NETD_TO_BROKER__BODY_AUTHENTICATE_CLIENT, authenticate_client, &authenticated);
        return;
    case LPAD__BROKER_TO_NETD__BODY_GET_BOUND_PROFILE_PACKAGE:
        lpad__net_bound_profile_package__init(&package);
        package.size = sizeof blob;
        assert_int_equal(sealed_make("package", bytes_from_binary(octets(sizeof blob)), ret_fd), ERR_OK);
        BODY(*reply, NETD_TO_BROKER__BODY_BOUND_PROFILE_PACKAGE, bound_profile_package, &package);
        return;
    case LPAD__BROKER_TO_NETD__BODY_HANDLE_NOTIFICATION:
        lpad__net_handle_notification_ok__init(&handled);
        handled.http_status = 204;
        BODY(*reply, NETD_TO_BROKER__BODY_HANDLE_NOTIFICATION, handle_notification, &handled);
        return;
    case LPAD__BROKER_TO_NETD__BODY_CANCEL_SESSION:
        lpad__net_cancel_session_ok__init(&cancelled);
        BODY(*reply, NETD_TO_BROKER__BODY_CANCEL_SESSION, cancel_session, &cancelled);
        return;
    default: fail_msg("the broker asked netd for nothing known");
    }
}

static void serve_net(struct rig *r, const Lpad__BrokerToNetd *m, const char *request)
{
    if (m->body_case == LPAD__BROKER_TO_NETD__BODY_OPEN) {
        strcat(r->log, "(");
        strcat(r->log, m->open->host);
        strcat(r->log, ")");
        // What the card trusts is known before anything is connected to.
        assert_int_equal(m->open->n_ci_pk_ids, 1);
        assert_int_equal(m->open->ci_pk_ids[0].len, 20);
    }
    const struct rig_fault *f = rig_find_fault(r, RIG_NETD, request);
    if (apply_common(r, RIG_NETD, f))
        return;
    Lpad__NetdToBroker reply = LPAD__NETD_TO_BROKER__INIT;
    Lpad__Failure failure;
    Lpad__NetCancelSessionOk other = LPAD__NET_CANCEL_SESSION_OK__INIT;
    int fd = -1;
    reply.id = m->id;
    if (f != NULL && f->act == RIG_FAIL) {
        failure = failure_of(f);
        BODY(reply, NETD_TO_BROKER__BODY_FAILURE, failure, &failure);
    } else if (f != NULL && f->act == RIG_OTHER) {
        BODY(reply, NETD_TO_BROKER__BODY_CANCEL_SESSION, cancel_session, &other);
    } else {
        fill_net_reply(r, m, &reply, &fd);
    }
    assert_int_equal(link_send(&r->links[RIG_NETD], &reply.base, fd), ERR_OK);
    if (fd >= 0)
        close(fd);
}

static void give_audit_file(struct rig *r, uint32_t id, uint32_t index)
{
    Lpad__SupervisorToBroker reply = LPAD__SUPERVISOR_TO_BROKER__INIT;
    Lpad__AuditFile file = LPAD__AUDIT_FILE__INIT;
    Lpad__NoAuditFile none = LPAD__NO_AUDIT_FILE__INIT;
    bool there = index < r->rotated_count;
    reply.id = id;
    if (there)
        BODY(reply, SUPERVISOR_TO_BROKER__BODY_AUDIT_FILE, audit_file, &file);
    else
        BODY(reply, SUPERVISOR_TO_BROKER__BODY_NO_AUDIT_FILE, no_audit_file, &none);
    rig_send_supervisor(r, &reply, there ? r->rotated[index] : -1);
}

static void serve_supervisor(struct rig *r, const Lpad__BrokerToSupervisor *m, const char *request)
{
    Lpad__SupervisorToBroker reply = LPAD__SUPERVISOR_TO_BROKER__INIT;
    Lpad__Processes list = LPAD__PROCESSES__INIT;
    Lpad__NetdRefused refused = LPAD__NETD_REFUSED__INIT;
    const struct rig_fault *f = rig_find_fault(r, RIG_SUPERVISOR, request);
    reply.id = m->id;
    switch ((int)m->body_case) {
    case LPAD__BROKER_TO_SUPERVISOR__BODY_START_NETD:
        if (f != NULL && f->act == RIG_REFUSE) {
            refused.retry_after_ms = f->value;
            BODY(reply, SUPERVISOR_TO_BROKER__BODY_NETD_REFUSED, netd_refused, &refused);
            rig_send_supervisor(r, &reply, -1);
        } else {
            rig_start_peer(r, RIG_NETD);
        }
        return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_STOP_NETD:
        if (m->stop_netd->netd == r->netd_number)
            rig_end_peer(r, RIG_NETD, SIGKILL, 0);
        return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_GET_PROCESSES:
        BODY(reply, SUPERVISOR_TO_BROKER__BODY_PROCESSES, processes, &list);
        rig_send_supervisor(r, &reply, -1);
        return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_START_PROBED: rig_start_peer(r, RIG_PROBED); return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_STOP_PROBED: rig_end_peer(r, RIG_PROBED, SIGKILL, 0); return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_RELOAD_POLICY: rig_send_loaded(r); return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_GET_AUDIT_FILE:
        give_audit_file(r, m->id, m->get_audit_file->index);
        return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_READY: r->ready = true; return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_STOPPED: r->stopped = true; return;
    default: return;
    }
}

void rig_answer(struct rig *r, enum rig_peer peer, const ProtobufCMessage *m, const char *request, int fd)
{
    if (peer == RIG_SUPERVISOR)
        serve_supervisor(r, (const Lpad__BrokerToSupervisor *)m, request);
    else if (peer == RIG_CARDD)
        serve_card(r, (const Lpad__BrokerToCardd *)m, fd);
    else if (peer == RIG_POLICYD)
        serve_policy(r, (const Lpad__BrokerToPolicyd *)m, request);
    else if (peer == RIG_NETD)
        serve_net(r, (const Lpad__BrokerToNetd *)m, request);
}
