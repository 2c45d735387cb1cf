// SPDX-License-Identifier: Apache-2.0
// The dispatch tables of lpad-policyd and their handlers.
#include "policy/dispatch.h"

#include "lib/log.h"
#include "lib/sealed.h"
#include "proto/convert.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RULE_TEXT_MAX 32

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

// An intent dies with the one who wanted it and with the one who would have carried it out.
static void drop_link(struct policyd *p, enum policyd_peer peer)
{
    link_close(&p->links[peer]);
    if (peer == POLICYD_CARDD)
        approvals_forget_card(&p->approvals);
    else
        approvals_drop(&p->approvals);
}

// The broker and cardd may go away at any time; a new link follows.
static enum err sent(struct policyd *p, enum policyd_peer peer, enum err e)
{
    if (peer == POLICYD_SUPERVISOR || (e != ERR_CLOSED && e != ERR_IO_TIMEOUT))
        return e;
    drop_link(p, peer);
    return ERR_OK;
}

enum err policyd_tell_broker(struct policyd *p, const Lpad__PolicydToBroker *frame)
{
    if (!link_is_open(&p->links[POLICYD_BROKER]))
        return ERR_OK;
    return sent(p, POLICYD_BROKER, link_send(&p->links[POLICYD_BROKER], &frame->base, -1));
}

// --- decisions ---

static struct approvals_now stamp(const struct policyd *p, struct policyd_time now)
{
    return (struct approvals_now){
        .policy = p->store.policy,
        .counters = policy_counters_on(p->state.counters, now.day),
        .monotonic_ms = now.monotonic_ms,
        .switcher = &p->switcher,
        .rolls_back = switcher_rolls_back(&p->switcher),
    };
}

static const char *rule_text(const struct policy_decision *d, char out[static RULE_TEXT_MAX])
{
    if (d->rule == DECISION_NO_RULE)
        return NULL;
    snprintf(out, RULE_TEXT_MAX, "permissions[%u]", d->rule);
    return out;
}

static enum err send_decision(struct policyd *p, uint32_t id, const struct policy_decision *d, bool install)
{
    char rule[RULE_TEXT_MAX];
    Lpad__Decision body = LPAD__DECISION__INIT;
    Lpad__PolicydToBroker frame = LPAD__POLICYD_TO_BROKER__INIT;
    bool denied = d->verdict == LPAD__VERDICT__VERDICT_DENY;
    body.verdict = d->verdict;
    body.has_reason = denied;
    if (denied)
        body.reason = d->reason;
    body.role = borrow(d->role);
    body.rule = borrow(rule_text(d, rule));
    body.has_line = d->line != 0;
    body.line = d->line;
    body.has_cancel_reason = denied && install;
    body.cancel_reason = body.has_cancel_reason ? d->cancel_reason : 0;
    body.has_strong = d->verdict == LPAD__VERDICT__VERDICT_ASK;
    body.strong = body.has_strong && d->strong;
    frame.id = id;
    frame.body_case = LPAD__POLICYD_TO_BROKER__BODY_DECISION;
    frame.decision = &body;
    return policyd_tell_broker(p, &frame);
}

static enum err send_approval(struct policyd *p, uint32_t id, const struct policy_decision *d)
{
    char rule[RULE_TEXT_MAX];
    Lpad__Approval body = LPAD__APPROVAL__INIT;
    Lpad__PolicydToCardd frame = LPAD__POLICYD_TO_CARDD__INIT;
    body.allow = d->verdict == LPAD__VERDICT__VERDICT_ALLOW;
    body.has_reason = !body.allow;
    if (!body.allow)
        body.reason = d->reason;
    body.rule = borrow(rule_text(d, rule));
    body.has_line = d->line != 0;
    body.line = d->line;
    frame.id = id;
    frame.body_case = LPAD__POLICYD_TO_CARDD__BODY_APPROVAL;
    frame.approval = &body;
    return sent(p, POLICYD_CARDD, link_send(&p->links[POLICYD_CARDD], &frame.base, -1));
}

// --- the policy's state, as the broker shows it ---

static void put_switching(const struct policyd *p, struct policyd_time now, Lpad__PolicyStatus *status)
{
    const struct policy *policy = p->store.policy;
    struct engine_view view;
    if (policy == NULL || !policy->switching.present || !switcher_works(&p->switcher))
        return;
    engine_look(&policy->switching, policy->debt_max, p->switcher.state,
                switcher_now(&p->switcher, policyd_clock(now)), &view);
    status->switch_phase = borrow(engine_phase_name(view.phase));
    status->has_hold_left_ms = view.hold_left_ms != 0;
    status->hold_left_ms = view.hold_left_ms == UINT64_MAX ? 0 : view.hold_left_ms;
}

static Lpad__PolicyStatus status_of(const struct policyd *p, struct policyd_time now)
{
    const struct policy_store *s = &p->store;
    struct policy_counters counters = policy_counters_on(p->state.counters, now.day);
    Lpad__PolicyStatus status = LPAD__POLICY_STATUS__INIT;
    status.state = s->policy == NULL ? LPAD__POLICY_STATE__POLICY_NONE
                   : s->is_newest    ? LPAD__POLICY_STATE__POLICY_LOADED
                                     : LPAD__POLICY_STATE__POLICY_LAST_GOOD;
    status.has_sha256 = s->policy != NULL;
    if (status.has_sha256)
        status.sha256 = binary_from(s->sha256, sizeof s->sha256);
    status.error = s->error[0] != '\0' ? borrow(s->error) : NULL;
    status.has_error_line = status.has_error_column = s->error_line != 0;
    status.error_line = s->error_line;
    status.error_column = s->error_column;
    status.has_downloads_today = status.has_enables_today = status.has_deletes_today = true;
    status.downloads_today = counters.used[POLICY_DOWNLOADS];
    status.enables_today = counters.used[POLICY_ENABLES];
    status.deletes_today = counters.used[POLICY_DELETES];
    status.has_debt_max = s->policy != NULL && s->policy->debt_max != 0;
    if (status.has_debt_max)
        status.debt_max = s->policy->debt_max;
    put_switching(p, now, &status);
    return status;
}

static enum err tell_loaded(struct policyd *p, struct policyd_time now)
{
    Lpad__PolicyStatus status = status_of(p, now);
    Lpad__PolicyLoaded body = LPAD__POLICY_LOADED__INIT;
    Lpad__PolicydToBroker frame = LPAD__POLICYD_TO_BROKER__INIT;
    body.status = &status;
    frame.body_case = LPAD__POLICYD_TO_BROKER__BODY_LOADED;
    frame.loaded = &body;
    return policyd_tell_broker(p, &frame);
}

static enum err tell_verdict(struct policyd *p, uint32_t id, struct policyd_time now)
{
    Lpad__PolicyVerdict body = LPAD__POLICY_VERDICT__INIT;
    Lpad__PolicydToSupervisor frame = LPAD__POLICYD_TO_SUPERVISOR__INIT;
    body.loaded = p->store.policy != NULL && p->store.is_newest;
    body.line = p->store.error_line;
    body.column = p->store.error_column;
    frame.id = id;
    frame.body_case = LPAD__POLICYD_TO_SUPERVISOR__BODY_VERDICT;
    frame.verdict = &body;
    LPAD_TRY(link_send(&p->links[POLICYD_SUPERVISOR], &frame.base, -1));
    if (p->store.error[0] != '\0')
        log_error("%s; %s", p->store.error,
                  p->store.policy != NULL ? "the policy before stays in force" : "every change is denied");
    LPAD_TRY(tell_loaded(p, now));
    return policyd_tell_plan(p);
}

// --- handlers: a frame, the descriptor that came along (owned), the moment ---

typedef enum err (*handler)(struct policyd *p, const void *frame, int fd, struct policyd_time now);

// Changes need counters that can be kept; what leaves the card as it is does not.
static bool is_blocked(struct policyd *p, Lpad__Operation operation, struct policyd_time now,
                       struct policy_decision *ret_refusal)
{
    if (operation == LPAD__OPERATION__OPERATION_READ || operation == LPAD__OPERATION__OPERATION_NOTIFY ||
        operation == LPAD__OPERATION__OPERATION_DISCOVER || operation == LPAD__OPERATION__OPERATION_HOLD ||
        operation == LPAD__OPERATION__OPERATION_RELOAD)
        return false;
    if (state_is_usable(&p->state, now.day))
        return false;
    approvals_drop(&p->approvals);
    *ret_refusal = policy_deny(LPAD__DENY_REASON__DENY_STATE);
    return true;
}

static enum err handle_intent(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__BrokerToPolicyd *frame = message;
    struct policy_decision d;
    (void)fd;
    if (!is_blocked(p, frame->intent->operation, now, &d)) {
        struct approvals_now at = stamp(p, now);
        d = approvals_intent(&p->approvals, &at, frame->intent);
    }
    return send_decision(p, frame->id, &d, false);
}

static enum err handle_install(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__BrokerToPolicyd *frame = message;
    struct approvals_now at = stamp(p, now);
    (void)fd;
    struct policy_decision d = approvals_install(&p->approvals, &at, frame->install);
    return send_decision(p, frame->id, &d, true);
}

static enum err handle_consent(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__BrokerToPolicyd *frame = message;
    struct approvals_now at = stamp(p, now);
    (void)fd;
    struct policy_decision d = approvals_consent(&p->approvals, &at);
    return send_decision(p, frame->id, &d, false);
}

static enum err handle_drop(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    (void)message;
    (void)fd;
    (void)now;
    approvals_drop(&p->approvals);
    return ERR_OK;
}

static enum err handle_get_status(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__BrokerToPolicyd *frame = message;
    Lpad__PolicyStatus status = status_of(p, now);
    Lpad__PolicydToBroker reply = LPAD__POLICYD_TO_BROKER__INIT;
    (void)fd;
    reply.id = frame->id;
    reply.body_case = LPAD__POLICYD_TO_BROKER__BODY_STATUS;
    reply.status = &status;
    return policyd_tell_broker(p, &reply);
}

// A yes that uses a cap holds only once that is on disk.
static enum err answer(struct policyd *p, uint32_t id, struct policy_decision d, enum policy_counter counter,
                       struct policyd_time now)
{
    if (d.verdict == LPAD__VERDICT__VERDICT_ALLOW && counter != POLICY_COUNTER_MAX &&
        state_count(&p->state, counter, now.day) != ERR_OK) {
        log_error("the state file cannot be written: every change is denied");
        d = policy_deny(LPAD__DENY_REASON__DENY_STATE);
    }
    return send_approval(p, id, &d);
}

static enum err handle_profile_change(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__CarddToPolicyd *frame = message;
    enum policy_counter counter = POLICY_COUNTER_MAX;
    struct policy_decision d;
    (void)fd;
    if (!is_blocked(p, LPAD__OPERATION__OPERATION_ENABLE, now, &d)) {
        struct approvals_now at = stamp(p, now);
        d = approvals_change(&p->approvals, &at, frame->profile_change, &counter);
    }
    return answer(p, frame->id, d, counter, now);
}

static enum err handle_prepare(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__CarddToPolicyd *frame = message;
    struct policy_decision d;
    (void)fd;
    if (!is_blocked(p, LPAD__OPERATION__OPERATION_DOWNLOAD, now, &d)) {
        struct approvals_now at = stamp(p, now);
        d = approvals_prepare(&p->approvals, &at, frame->prepare_download);
    }
    return answer(p, frame->id, d, POLICY_COUNTER_MAX, now);
}

static enum err handle_load(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__CarddToPolicyd *frame = message;
    enum policy_counter counter = POLICY_COUNTER_MAX;
    struct policy_decision d;
    (void)fd;
    if (!is_blocked(p, LPAD__OPERATION__OPERATION_DOWNLOAD, now, &d)) {
        struct approvals_now at = stamp(p, now);
        d = approvals_load(&p->approvals, &at, frame->load, &counter);
    }
    return answer(p, frame->id, d, counter, now);
}

static enum err handle_reset(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__CarddToPolicyd *frame = message;
    enum policy_counter counter = POLICY_COUNTER_MAX;
    struct policy_decision d;
    (void)fd;
    if (!is_blocked(p, LPAD__OPERATION__OPERATION_RESET, now, &d)) {
        struct approvals_now at = stamp(p, now);
        d = approvals_reset(&p->approvals, &at, frame->reset, &counter);
    }
    return answer(p, frame->id, d, counter, now);
}

static enum err handle_default_address(struct policyd *p, const void *message, int fd,
                                       struct policyd_time now)
{
    const Lpad__CarddToPolicyd *frame = message;
    struct policy_decision d;
    (void)fd;
    if (!is_blocked(p, LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS, now, &d)) {
        struct approvals_now at = stamp(p, now);
        d = approvals_default_address(&p->approvals, &at, frame->default_address);
    }
    return answer(p, frame->id, d, POLICY_COUNTER_MAX, now);
}

static enum err handle_load_crl(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__CarddToPolicyd *frame = message;
    struct policy_decision d;
    (void)fd;
    if (!is_blocked(p, LPAD__OPERATION__OPERATION_LOAD_CRL, now, &d)) {
        struct approvals_now at = stamp(p, now);
        d = approvals_load_crl(&p->approvals, &at, frame->load_crl);
    }
    return answer(p, frame->id, d, POLICY_COUNTER_MAX, now);
}

// A bad text, and the same one again, leave the engine as it is.
static void take_policy(struct policyd *p, uint32_t changes_before, struct policyd_time now)
{
    if (p->store.policy != NULL && p->store.changes != changes_before)
        switcher_take_policy(&p->switcher, p->store.policy, p->store.sha256, policyd_clock(now));
}

static enum err handle_policy_text(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__SupervisorToPolicyd *frame = message;
    struct bytes text;
    // One byte more than a policy may have, so that the refusal is the reader's, with its place.
    enum err e = sealed_map(fd, POLICY_TEXT_MAX + 1, &text);
    close(fd);
    if (e != ERR_OK)
        return e;
    if (text.len != frame->policy_text->size) {
        sealed_unmap(text);
        return ERR_PEER_UNEXPECTED;
    }
    uint32_t id = frame->id, changes = p->store.changes;
    switcher_leave_policy(&p->switcher, p->store.policy);
    e = store_take_text(&p->store, &p->state, text);
    sealed_unmap(text);
    take_policy(p, changes, now);
    if (e == ERR_IO)
        log_error("the policy is in force, but its text cannot be kept for the next start");
    return tell_verdict(p, id, now);
}

static enum err handle_policy_absent(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__SupervisorToPolicyd *frame = message;
    uint32_t changes = p->store.changes;
    (void)fd;
    store_take_absence(&p->store, &p->state, (int)frame->policy_absent->error_number);
    take_policy(p, changes, now);
    return tell_verdict(p, frame->id, now);
}

static enum err say_hello_to_broker(struct policyd *p)
{
    Lpad__PolicydToBroker hello = LPAD__POLICYD_TO_BROKER__INIT;
    hello.body_case = LPAD__POLICYD_TO_BROKER__BODY_HELLO;
    hello.hello = &p->hello.message;
    return policyd_tell_broker(p, &hello);
}

// A process was started anew: what the one before had been allowed is void.
static enum err handle_new_link(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__SupervisorToPolicyd *frame = message;
    if (frame->new_link->peer == LPAD__PROCESS__PROCESS_BROKER) {
        drop_link(p, POLICYD_BROKER);
        LPAD_TRY(link_init(&p->links[POLICYD_BROKER], fd, &link_policyd_broker));
        // It knows of no action, and what measured for the one before is gone with it.
        switcher_restart(&p->switcher, p->store.policy, policyd_clock(now));
        LPAD_TRY(say_hello_to_broker(p));
        return policyd_tell_plan(p);
    }
    if (frame->new_link->peer == LPAD__PROCESS__PROCESS_CARDD) {
        drop_link(p, POLICYD_CARDD);
        return link_init(&p->links[POLICYD_CARDD], fd, &link_policyd_cardd);
    }
    close(fd);
    return ERR_PEER_UNEXPECTED;
}

static enum err handle_switch_event(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    (void)fd;
    return policyd_take_event(p, message, now);
}

static enum err handle_explain(struct policyd *p, const void *message, int fd, struct policyd_time now)
{
    const Lpad__BrokerToPolicyd *frame = message;
    (void)fd;
    return policyd_explain(p, frame->id, now);
}

// --- the tables ---

struct row {
    int body_case;
    handler handle;
};

static const struct row from_supervisor[] = {
    {LPAD__SUPERVISOR_TO_POLICYD__BODY_POLICY_TEXT,   handle_policy_text  },
    {LPAD__SUPERVISOR_TO_POLICYD__BODY_POLICY_ABSENT, handle_policy_absent},
    {LPAD__SUPERVISOR_TO_POLICYD__BODY_NEW_LINK,      handle_new_link     },
};
static const struct row from_broker[] = {
    {LPAD__BROKER_TO_POLICYD__BODY_INTENT,          handle_intent      },
    {LPAD__BROKER_TO_POLICYD__BODY_INSTALL,         handle_install     },
    {LPAD__BROKER_TO_POLICYD__BODY_CONSENT,         handle_consent     },
    {LPAD__BROKER_TO_POLICYD__BODY_DROP,            handle_drop        },
    {LPAD__BROKER_TO_POLICYD__BODY_GET_STATUS,      handle_get_status  },
    {LPAD__BROKER_TO_POLICYD__BODY_SWITCH_EVENT,    handle_switch_event},
    {LPAD__BROKER_TO_POLICYD__BODY_GET_EXPLANATION, handle_explain     },
};
static const struct row from_cardd[] = {
    {LPAD__CARDD_TO_POLICYD__BODY_PROFILE_CHANGE,   handle_profile_change },
    {LPAD__CARDD_TO_POLICYD__BODY_PREPARE_DOWNLOAD, handle_prepare        },
    {LPAD__CARDD_TO_POLICYD__BODY_LOAD,             handle_load           },
    {LPAD__CARDD_TO_POLICYD__BODY_RESET,            handle_reset          },
    {LPAD__CARDD_TO_POLICYD__BODY_DEFAULT_ADDRESS,  handle_default_address},
    {LPAD__CARDD_TO_POLICYD__BODY_LOAD_CRL,         handle_load_crl       },
};

static const struct {
    const struct row *rows;
    size_t count;
} tables[POLICYD_PEER_MAX] = {
    [POLICYD_SUPERVISOR] = {from_supervisor, sizeof from_supervisor / sizeof *from_supervisor},
    [POLICYD_BROKER] = {from_broker,     sizeof from_broker / sizeof *from_broker        },
    [POLICYD_CARDD] = {from_cardd,      sizeof from_cardd / sizeof *from_cardd          },
};

static int body_case_of(enum policyd_peer peer, const void *frame)
{
    switch (peer) {
    case POLICYD_SUPERVISOR: return (int)((const Lpad__SupervisorToPolicyd *)frame)->body_case;
    case POLICYD_BROKER: return (int)((const Lpad__BrokerToPolicyd *)frame)->body_case;
    case POLICYD_CARDD: return (int)((const Lpad__CarddToPolicyd *)frame)->body_case;
    case POLICYD_PEER_MAX: break;
    }
    LPAD_BUG("no such peer");
}

enum err policyd_serve(struct policyd *p, enum policyd_peer peer, struct policyd_time now)
{
    const ProtobufCMessage *frame;
    int fd = -1;
    enum err e = link_recv(&p->links[peer], 0, &frame, &fd);
    if (e == ERR_IO_TIMEOUT)
        return ERR_OK;
    if (e == ERR_CLOSED && peer != POLICYD_SUPERVISOR) {
        drop_link(p, peer);
        return ERR_OK;
    }
    if (e != ERR_OK)
        return e;
    int body_case = body_case_of(peer, frame);
    for (size_t i = 0; i < tables[peer].count; i++) {
        if (tables[peer].rows[i].body_case == body_case)
            return tables[peer].rows[i].handle(p, frame, fd, now);
    }
    if (fd >= 0)
        close(fd);
    return ERR_PEER_UNEXPECTED;
}

enum err policyd_announce(struct policyd *p)
{
    Lpad__PolicydToSupervisor frame = LPAD__POLICYD_TO_SUPERVISOR__INIT;
    frame.body_case = LPAD__POLICYD_TO_SUPERVISOR__BODY_HELLO;
    frame.hello = &p->hello.message;
    return link_send(&p->links[POLICYD_SUPERVISOR], &frame.base, -1);
}
