// SPDX-License-Identifier: Apache-2.0
// From messages to the engine's events, and from its answers to messages.
#include "policy/switch_messages.h"

#include "lib/log.h"
#include "policy/trace.h"
#include "proto/convert.h"

#include <string.h>

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static ProtobufCBinaryData iccid_message(const struct iccid *iccid)
{
    return binary_from(iccid->bytes, sizeof iccid->bytes);
}

// --- events ---

static bool keep_gid(ProtobufCBinaryData from, uint8_t out[static 32], uint32_t *ret_len)
{
    if (from.len > 32)
        return false;
    if (from.len > 0)
        memcpy(out, from.data, from.len);
    *ret_len = (uint32_t)from.len;
    return true;
}

static void read_owner(const Lpad__Owner *from, struct engine_card_profile *to)
{
    bool fits = from->mcc_mnc.len == sizeof to->mcc_mnc;
    if (fits)
        memcpy(to->mcc_mnc, from->mcc_mnc.data, sizeof to->mcc_mnc);
    to->has_gid1 = from->has_gid1;
    to->has_gid2 = from->has_gid2;
    fits = fits && (!from->has_gid1 || keep_gid(from->gid1, to->gid1, &to->gid1_len)) &&
           (!from->has_gid2 || keep_gid(from->gid2, to->gid2, &to->gid2_len));
    // An owner that cannot be held matches nothing.
    to->has_owner = fits;
}

static enum err read_profile(const Lpad__Profile *from, struct engine_card_profile *to)
{
    *to = (struct engine_card_profile){
        .enabled = from->state == LPAD__PROFILE_STATE__PROFILE_ENABLED,
        .profile_class = from->profile_class,
        .pprs = from->has_pprs ? from->pprs : 0,
    };
    if (from->iccid.len != sizeof to->iccid.bytes)
        return ERR_PEER_UNEXPECTED;
    memcpy(to->iccid.bytes, from->iccid.data, sizeof to->iccid.bytes);
    if (from->owner != NULL)
        read_owner(from->owner, to);
    const char *provider = from->service_provider_name;
    if (provider != NULL && strlen(provider) < sizeof to->provider)
        memcpy(to->provider, provider, strlen(provider) + 1);
    return ERR_OK;
}

// The enabled one must not be among those that find no room.
static enum err read_card(const Lpad__CardProfilesFacts *from, struct switch_event *to)
{
    uint32_t n = 0;
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < from->n_profiles && n < ENGINE_CARD_PROFILES_MAX; i++) {
            bool enabled = from->profiles[i]->state == LPAD__PROFILE_STATE__PROFILE_ENABLED;
            if (enabled == (pass == 0))
                LPAD_TRY(read_profile(from->profiles[i], &to->profiles[n++]));
        }
    }
    if (n < from->n_profiles)
        log_error("the card has more profiles than the switching engine looks at");
    to->event.profiles = to->profiles;
    to->event.profile_count = n;
    return ERR_OK;
}

static enum engine_tri tri_from(Lpad__Tri from)
{
    return from == LPAD__TRI__TRI_YES ? TRI_YES : from == LPAD__TRI__TRI_NO ? TRI_NO : TRI_UNKNOWN;
}

static enum err read_probe(const Lpad__ProbeRound *from, const struct switching *policy,
                           struct engine_event *to)
{
    uint32_t all;
    if (from->probe >= policy->probe_count || __builtin_add_overflow(from->passed, from->failed, &all) ||
        all > policy->probes[from->probe].target_count)
        return ERR_PEER_UNEXPECTED;
    to->index = from->probe;
    to->passed = from->passed;
    to->failed = from->failed;
    to->octets = from->octets;
    to->began_ago_ms = from->took_ms;
    return ERR_OK;
}

static enum err read_link(uint32_t link, const struct switching *policy, struct engine_event *to)
{
    if (link >= policy->link_count)
        return ERR_PEER_UNEXPECTED;
    to->index = link;
    return ERR_OK;
}

static enum err read_result(const Lpad__ActionResult *from, struct engine_event *to)
{
    static const enum engine_result results[] = {
        [LPAD__SWITCH_RESULT__SWITCH_DONE] = RESULT_DONE,
        [LPAD__SWITCH_RESULT__SWITCH_REFUSED] = RESULT_REFUSED,
        [LPAD__SWITCH_RESULT__SWITCH_FAILED] = RESULT_FAILED,
        [LPAD__SWITCH_RESULT__SWITCH_UNKNOWN] = RESULT_UNKNOWN,
    };
    if ((unsigned)from->result == 0 || (unsigned)from->result >= sizeof results / sizeof results[0])
        return ERR_PEER_UNEXPECTED;
    to->action = from->action;
    to->result = results[from->result];
    return ERR_OK;
}

// Kind by body; those of measurements carry the generation of their plan.
static enum engine_event_kind kind_of(const Lpad__SwitchEvent *from, uint32_t generation)
{
    switch (from->body_case) {
    case LPAD__SWITCH_EVENT__BODY_TICK: return EVENT_TICK;
    case LPAD__SWITCH_EVENT__BODY_CARD: return EVENT_CARD;
    case LPAD__SWITCH_EVENT__BODY_NO_CARD: return EVENT_NO_CARD;
    case LPAD__SWITCH_EVENT__BODY_PROBE:
        return from->probe->generation == generation ? EVENT_PROBE : EVENT_TICK;
    case LPAD__SWITCH_EVENT__BODY_LINK: return from->link->generation == generation ? EVENT_LINK : EVENT_TICK;
    case LPAD__SWITCH_EVENT__BODY_DATA: return from->data->generation == generation ? EVENT_DATA : EVENT_TICK;
    case LPAD__SWITCH_EVENT__BODY_RESULT: return EVENT_RESULT;
    case LPAD__SWITCH_EVENT__BODY_HOLD: return EVENT_HOLD;
    case LPAD__SWITCH_EVENT__BODY_RELEASE: return EVENT_RELEASE;
    case LPAD__SWITCH_EVENT__BODY_DEBT: return EVENT_DEBT;
    case LPAD__SWITCH_EVENT__BODY__NOT_SET:
    case _LPAD__SWITCH_EVENT__BODY__CASE_IS_INT_SIZE: break;
    }
    return EVENT_KIND_MAX;
}

static enum err read_body(const Lpad__SwitchEvent *from, const struct switching *policy,
                          struct switch_event *to)
{
    struct engine_event *event = &to->event;
    switch (event->kind) {
    case EVENT_CARD: return read_card(from->card, to);
    case EVENT_PROBE: return read_probe(from->probe, policy, event);
    case EVENT_LINK:
        event->carrier = tri_from(from->link->carrier);
        event->address = tri_from(from->link->address);
        event->route = tri_from(from->link->route);
        return read_link(from->link->link, policy, event);
    case EVENT_DATA: event->octets = from->data->octets; return read_link(from->data->link, policy, event);
    case EVENT_RESULT: return read_result(from->result, event);
    case EVENT_HOLD: event->duration_ms = from->hold->duration_ms; return ERR_OK;
    case EVENT_DEBT: event->count = from->debt->undelivered; return ERR_OK;
    case EVENT_TICK:
    case EVENT_NO_CARD:
    case EVENT_RELEASE: return ERR_OK;
    case EVENT_START:
    case EVENT_RADIO:
    case EVENT_KIND_MAX: break;
    }
    return ERR_PEER_UNEXPECTED;
}

enum err switch_event_read(const Lpad__SwitchEvent *from, const struct switching *policy, uint32_t generation,
                           struct switch_event *ret_event)
{
    ret_event->event = (struct engine_event){.kind = kind_of(from, generation)};
    return read_body(from, policy, ret_event);
}

// --- steps ---

static Lpad__ProbeMode mode_message(enum engine_probe_mode mode)
{
    return mode == PROBE_FAST     ? LPAD__PROBE_MODE__PROBE_FAST
           : mode == PROBE_NORMAL ? LPAD__PROBE_MODE__PROBE_NORMAL
                                  : LPAD__PROBE_MODE__PROBE_OFF;
}

static const char *rule_name(const struct switching *policy, uint32_t rule)
{
    return rule < policy->rule_count ? policy->rules[rule].name : NULL;
}

static void fill_action(const struct engine_action *a, const struct switching *policy, Lpad__SwitchAction *to)
{
    lpad__switch_action__init(to);
    to->number = a->number;
    to->iccid = iccid_message(&a->iccid);
    to->roll_back = a->kind == ACTION_ROLL_BACK;
    to->rule = borrow(rule_name(policy, a->rule));
    to->has_line = a->line != 0;
    to->line = a->line;
}

static void fill_decision(const struct engine_decision *d, const struct switching *policy,
                          Lpad__SwitchDecision *to)
{
    lpad__switch_decision__init(to);
    to->kind = (uint32_t)d->kind;
    to->name = borrow(engine_decision_name(d->kind));
    if (d->why != BLOCK_NONE)
        to->why = borrow(engine_block_words(d->why));
    to->rule = borrow(rule_name(policy, d->rule));
    to->has_line = d->line != 0;
    to->line = d->line;
    if (d->profile < policy->profile_count)
        to->profile = borrow(policy->profiles[d->profile].name);
    to->has_from = d->has_from;
    to->has_to = d->has_to;
    to->from = d->has_from ? iccid_message(&d->from) : binary_from(NULL, 0);
    to->to = d->has_to ? iccid_message(&d->to) : binary_from(NULL, 0);
    to->has_count = d->kind == DECIDED_NAME;
    to->count = d->count;
}

void switch_step_fill(const struct switcher *w, const struct switching *policy,
                      struct switch_step_message *ret_message)
{
    struct switch_step_message *m = ret_message;
    lpad__switch_step__init(&m->step);
    if (w->action.kind != ACTION_NO) {
        fill_action(&w->action, policy, &m->action);
        m->step.action = &m->action;
    }
    for (uint32_t i = 0; i < w->decision_count; i++) {
        fill_decision(&w->decisions[i], policy, &m->decisions[i]);
        m->decision_list[i] = &m->decisions[i];
    }
    m->step.n_decisions = w->decision_count;
    m->step.decisions = m->decision_list;
    m->step.has_wake_in_ms = w->wake_in_ms != UINT64_MAX;
    m->step.wake_in_ms = m->step.has_wake_in_ms ? w->wake_in_ms : 0;
    bool works = switcher_works(w);
    for (uint32_t i = 0; i < policy->probe_count; i++)
        m->modes[i] = mode_message(works ? w->modes[i] : PROBE_OFF);
    m->step.n_modes = policy->probe_count;
    m->step.modes = m->modes;
}

// --- the plan ---

static Lpad__ProbeKind kind_message(enum probe_kind kind)
{
    static const Lpad__ProbeKind kinds[PROBE_KIND_MAX] = {
        [PROBE_HTTPS] = LPAD__PROBE_KIND__PROBE_HTTPS,
        [PROBE_TCP] = LPAD__PROBE_KIND__PROBE_TCP,
        [PROBE_DNS] = LPAD__PROBE_KIND__PROBE_DNS,
        [PROBE_ICMP] = LPAD__PROBE_KIND__PROBE_ICMP,
    };
    return kinds[kind];
}

static void fill_probe(const struct switch_probe *p, Lpad__ProbePlan *to)
{
    lpad__probe_plan__init(to);
    to->kind = kind_message(p->kind);
    to->n_targets = p->target_count;
    to->targets = p->targets;
    to->interface = borrow(p->interface);
    to->has_status = p->status != 0;
    to->status = p->status;
    to->has_body_sha256 = p->has_body_sha256;
    to->body_sha256 =
        p->has_body_sha256 ? binary_from(p->body_sha256, sizeof p->body_sha256) : binary_from(NULL, 0);
    to->interval_ms = p->interval_ms;
    to->failure_interval_ms = p->failure_interval_ms;
    to->timeout_ms = p->timeout_ms;
}

static bool counts_data(const struct switching *policy, uint32_t link)
{
    for (uint32_t i = 0; i < policy->condition_count; i++)
        if (policy->conditions[i].kind == CONDITION_DATA && policy->conditions[i].index == link)
            return true;
    return false;
}

void switch_plan_fill(const struct switching *policy, uint32_t generation,
                      struct switch_plan_message *ret_message)
{
    struct switch_plan_message *m = ret_message;
    lpad__switch_plan__init(&m->plan);
    m->plan.generation = generation;
    for (uint32_t i = 0; i < policy->probe_count; i++) {
        fill_probe(&policy->probes[i], &m->probes[i]);
        m->probe_list[i] = &m->probes[i];
    }
    m->plan.n_probes = policy->probe_count;
    m->plan.probes = m->probe_list;
    for (uint32_t i = 0; i < policy->link_count; i++) {
        lpad__watch_plan__init(&m->links[i]);
        m->links[i].interface = borrow(policy->links[i]);
        m->links[i].data = counts_data(policy, i);
        m->link_list[i] = &m->links[i];
    }
    m->plan.n_links = policy->link_count;
    m->plan.links = m->link_list;
}

// --- the explanation ---

static Lpad__Tri tri_message(enum engine_tri tri)
{
    return tri == TRI_YES ? LPAD__TRI__TRI_YES : tri == TRI_NO ? LPAD__TRI__TRI_NO : LPAD__TRI__TRI_UNKNOWN;
}

static void fill_rules(const struct switching *policy, struct explanation_message *m)
{
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        const struct engine_rule_view *v = &m->view.rules[i];
        Lpad__RuleView *to = &m->rules[i];
        lpad__rule_view__init(to);
        to->name = borrow(policy->rules[i].name);
        to->line = policy->rules[i].line;
        to->use = borrow(policy->profiles[policy->rules[i].use].name);
        to->condition = tri_message(v->condition);
        to->holds = v->holds;
        to->decides = v->decides;
        to->has_lets_go_in_ms = v->lets_go_in_ms != UINT64_MAX;
        to->lets_go_in_ms = to->has_lets_go_in_ms ? v->lets_go_in_ms : 0;
        to->block = v->block != BLOCK_NONE ? borrow(engine_block_words(v->block)) : NULL;
        m->rule_list[i] = to;
    }
    m->explanation.n_rules = policy->rule_count;
    m->explanation.rules = m->rule_list;
}

static void fill_names(const struct switcher *w, const struct switching *policy,
                       struct explanation_message *m)
{
    const struct trace_card card = {w->card, w->card_count};
    for (uint32_t i = 0; i < policy->profile_count; i++) {
        Lpad__NameView *to = &m->names[i];
        const struct engine_card_profile *match = NULL;
        lpad__name_view__init(to);
        to->name = borrow(policy->profiles[i].name);
        to->line = policy->profiles[i].line;
        to->matches = trace_count_matches(&policy->profiles[i], &card, &match);
        to->has_iccid = to->matches == 1;
        to->iccid = to->has_iccid ? iccid_message(&match->iccid) : binary_from(NULL, 0);
        to->has_quarantine_left_ms = m->view.quarantine_left_ms[i] != 0;
        to->quarantine_left_ms = m->view.quarantine_left_ms[i];
        m->name_list[i] = to;
    }
    m->explanation.n_names = policy->profile_count;
    m->explanation.names = m->name_list;
}

static void fill_probes(const struct switcher *w, const struct switching *policy,
                        struct explanation_message *m)
{
    for (uint32_t i = 0; i < policy->probe_count; i++) {
        Lpad__ProbeView *to = &m->probes[i];
        lpad__probe_view__init(to);
        to->name = borrow(policy->probes[i].name);
        to->up = tri_message(m->view.probes_up[i]);
        to->mode = mode_message(w->modes[i]);
        m->probe_list[i] = to;
    }
    m->explanation.n_probes = policy->probe_count;
    m->explanation.probes = m->probe_list;
}

static const char *phase_words(enum engine_phase phase)
{
    static const char *const words[PHASE_MAX] = {
        [PHASE_IDLE] = "idle",
        [PHASE_ENABLING] = "enabling",
        [PHASE_TRIAL] = "trial",
        [PHASE_ROLLING_BACK] = "rolling_back",
    };
    return words[phase];
}

static void fill_view(struct explanation_message *m)
{
    Lpad__Explanation *to = &m->explanation;
    struct engine_view *v = &m->view;
    to->phase = borrow(phase_words(v->phase));
    to->has_enabled = v->has_enabled;
    to->has_last_good = v->has_last_good;
    to->enabled = v->has_enabled ? iccid_message(&v->enabled) : binary_from(NULL, 0);
    to->last_good = v->has_last_good ? iccid_message(&v->last_good) : binary_from(NULL, 0);
    to->has_hold_left_ms = v->hold_left_ms != 0;
    to->hold_left_ms = v->hold_left_ms == UINT64_MAX ? 0 : v->hold_left_ms;
    to->has_dwell_left_ms = v->dwell_left_ms != 0;
    to->dwell_left_ms = v->dwell_left_ms;
    to->has_hands_off_left_ms = v->hands_off_left_ms != 0;
    to->hands_off_left_ms = v->hands_off_left_ms;
    to->switches_hour = v->switches_hour;
    to->switches_day = v->switches_day;
}

void explanation_fill(const struct switcher *w, const struct policy *policy, struct switcher_time now,
                      struct explanation_message *ret_message)
{
    struct explanation_message *m = ret_message;
    memset(&m->view, 0, sizeof m->view);
    lpad__explanation__init(&m->explanation);
    m->explanation.switching = policy != NULL && policy->switching.present;
    m->explanation.phase = borrow(phase_words(PHASE_IDLE));
    if (w->unreadable)
        m->explanation.problem = borrow("the engine's state (engine.state in the state directory) cannot be "
                                        "read: nothing is switched until that file is removed");
    if (policy == NULL || !switcher_works(w))
        return;
    if (w->unwritten)
        m->explanation.problem = borrow("the engine's state cannot be written: no switch begins");
    engine_look(&policy->switching, policy->debt_max, w->state, switcher_now(w, now), &m->view);
    fill_view(m);
    fill_rules(&policy->switching, m);
    fill_names(w, &policy->switching, m);
    fill_probes(w, &policy->switching, m);
}
