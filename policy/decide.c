// SPDX-License-Identifier: Apache-2.0
// Which permission covers a request, and what follows from it.
#include "policy/decide.h"

#include "rsp/profile.h"
#include "rsp/result.h"

#include <string.h>

enum match {
    MATCH_NO,
    MATCH_YES,
    MATCH_UNKNOWN, // not without facts that are not there yet
};

static bool has_id(struct policy_ids ids, uint32_t id)
{
    for (uint32_t i = 0; i < ids.count; i++) {
        if (ids.ids[i] == id)
            return true;
    }
    return false;
}

static bool plays_role(const struct policy_role *role, const struct policy_actor *actor)
{
    if (has_id(role->users, actor->uid) || has_id(role->groups, actor->gid))
        return true;
    for (uint32_t i = 0; i < actor->group_count; i++) {
        if (has_id(role->groups, actor->groups[i]))
            return true;
    }
    return false;
}

static uint32_t roles_of(const struct policy *policy, const struct policy_actor *actor)
{
    uint32_t roles = 0;
    for (uint32_t i = 0; i < policy->role_count; i++) {
        bool plays = actor->is_engine ? strcmp(policy->roles[i].name, POLICY_ENGINE_ROLE) == 0
                                      : !actor->is_lpad && plays_role(&policy->roles[i], actor);
        if (plays)
            roles |= 1u << i;
    }
    return roles;
}

// The pattern "*" of rsp/host.h also covers IP literals: not here.
static bool covers_host(const struct policy_permission *p, const struct host *host)
{
    for (uint32_t i = 0; i < p->host_count; i++) {
        if (host->is_ip_literal && strchr(p->hosts[i], '*') != NULL)
            continue;
        if (host_matches_pattern(host, p->hosts[i]))
            return true;
    }
    return false;
}

static bool has_iccid(const struct policy_profiles *p, const struct iccid *iccid)
{
    for (uint32_t i = 0; i < p->iccid_count; i++) {
        if (iccid_equal(&p->iccids[i], iccid))
            return true;
    }
    return false;
}

static bool has_provider(const struct policy_profiles *p, const char *provider)
{
    for (uint32_t i = 0; provider != NULL && i < p->provider_count; i++) {
        if (strcmp(p->providers[i], provider) == 0)
            return true;
    }
    return false;
}

static enum match covers_profile(const struct policy_profiles *p, const struct policy_request *r)
{
    if (p->iccid_count > 0 && !has_iccid(p, r->iccid))
        return MATCH_NO;
    if (p->classes == 0 && p->provider_count == 0)
        return MATCH_YES;
    if (r->target == NULL)
        return MATCH_UNKNOWN;
    if (p->classes != 0 && (p->classes & 1u << r->target->profile_class) == 0)
        return MATCH_NO;
    return p->provider_count == 0 || has_provider(p, r->target->service_provider_name) ? MATCH_YES : MATCH_NO;
}

// An allow needs all of what would be taken away, a deny any of it.
static bool covers_reset(const struct policy_permission *p, uint32_t options)
{
    return p->allow ? (options & ~p->what) == 0 : (options & p->what) != 0;
}

static bool covers_no_host(const struct policy_permission *p)
{
    for (uint32_t i = 0; i < p->host_count; i++) {
        if (p->hosts[i][0] == '\0')
            return true;
    }
    return false;
}

static bool covers_source(const struct policy_permission *p, uint32_t source)
{
    return (p->from & (source != 0 ? source : POLICY_FROM_CODE)) != 0;
}

static enum match match_if(bool holds)
{
    return holds ? MATCH_YES : MATCH_NO;
}

static enum match covers_target(const struct policy_permission *p, const struct policy_request *r)
{
    switch (r->operation) {
    case LPAD__OPERATION__OPERATION_DOWNLOAD:
        return match_if(covers_source(p, r->source) && covers_host(p, r->host));
    case LPAD__OPERATION__OPERATION_DISCOVER:
    case LPAD__OPERATION__OPERATION_NOTIFY: return match_if(covers_host(p, r->host));
    case LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS:
        return match_if(r->host != NULL ? covers_host(p, r->host) : covers_no_host(p));
    case LPAD__OPERATION__OPERATION_RESET: return match_if(covers_reset(p, r->reset_options));
    case LPAD__OPERATION__OPERATION_LOAD_CRL:
    case LPAD__OPERATION__OPERATION_HOLD:
    case LPAD__OPERATION__OPERATION_RELOAD: return MATCH_YES;
    case LPAD__OPERATION__OPERATION_ENABLE:
    case LPAD__OPERATION__OPERATION_DISABLE:
    case LPAD__OPERATION__OPERATION_DELETE:
    case LPAD__OPERATION__OPERATION_NICKNAME: return covers_profile(&p->profiles, r);
    case LPAD__OPERATION__OPERATION_READ:
    case _LPAD__OPERATION_IS_INT_SIZE: break;
    }
    return MATCH_NO;
}

static enum match covers(const struct policy_permission *p, const struct policy_actor *actor, uint32_t roles,
                         const struct policy_request *r)
{
    if ((p->operations & 1u << r->operation) == 0)
        return MATCH_NO;
    // lpad itself delivers notifications, and nothing else: roles bind clients.
    bool own_delivery = actor->is_lpad && r->operation == LPAD__OPERATION__OPERATION_NOTIFY;
    if (!own_delivery && p->roles != 0 && (p->roles & roles) == 0)
        return MATCH_NO;
    return covers_target(p, r);
}

static bool is_test_profile(const struct policy_request *r)
{
    return r->target != NULL && r->target->profile_class == LPAD__PROFILE_CLASS__CLASS_TEST;
}

// A test profile is enabled by its ICCID alone: of a permission or, by the engine, of a name that its rules
// use.
static bool lacks_name(const struct policy_permission *p, const struct policy_request *r)
{
    return p->allow && r->operation == LPAD__OPERATION__OPERATION_ENABLE && is_test_profile(r) &&
           !has_iccid(&p->profiles, r->iccid);
}

static bool switching_names(const struct switching *s, const struct iccid *iccid)
{
    for (uint32_t i = 0; i < s->profile_count; i++) {
        if (s->profiles[i].has_iccid && iccid_equal(&s->profiles[i].iccid, iccid))
            return true;
    }
    return false;
}

// The permission that decides, or DECISION_NO_RULE; then *ret_nameless is one that would have decided if it
// named the test profile, or DECISION_NO_RULE.
static uint32_t find_permission(const struct policy *policy, const struct policy_actor *actor, uint32_t roles,
                                const struct policy_request *r, uint32_t *ret_nameless)
{
    uint32_t nameless = DECISION_NO_RULE;
    for (uint32_t i = 0; i < policy->permission_count; i++) {
        const struct policy_permission *p = &policy->permissions[i];
        enum match m = covers(p, actor, roles, r);
        // A deny that may or may not apply is decided when the card was asked; so is an allow, but the
        // question goes on.
        if (m == MATCH_NO || (m == MATCH_UNKNOWN && !p->allow))
            continue;
        if (!lacks_name(p, r) || (actor->is_engine && switching_names(&policy->switching, r->iccid)))
            return i;
        if (nameless == DECISION_NO_RULE)
            nameless = i;
    }
    *ret_nameless = nameless;
    return DECISION_NO_RULE;
}

static const char *role_name(const struct policy *policy, uint32_t roles)
{
    for (uint32_t i = 0; i < policy->role_count; i++) {
        if ((roles & 1u << i) != 0)
            return policy->roles[i].name;
    }
    return NULL;
}

static void deny(struct policy_decision *d, Lpad__DenyReason reason)
{
    d->verdict = LPAD__VERDICT__VERDICT_DENY;
    d->reason = reason;
}

// The limits of the permission that decides on a download.
static void limit_download(const struct policy_permission *p, const struct policy_request *r,
                           struct policy_decision *d)
{
    const Lpad__Metadata *m = r->metadata;
    if (p->oid != NULL && r->smdp_oid != NULL && strcmp(p->oid, r->smdp_oid) != 0) {
        deny(d, LPAD__DENY_REASON__DENY_OID);
        d->cancel_reason = CANCEL_UNDEFINED_REASON;
        return;
    }
    if (m == NULL)
        return;
    // pprUpdateControl restricts nothing (SGP.22 v2.5, 2.9.1); a bit that no edition knew is not admitted.
    uint32_t pprs = m->has_pprs ? m->pprs & ~PPR_UPDATE_CONTROL : 0;
    if ((p->classes & 1u << m->profile_class) == 0) {
        deny(d, LPAD__DENY_REASON__DENY_RULE);
    } else if ((pprs & ~p->pprs) != 0) {
        deny(d, LPAD__DENY_REASON__DENY_PPR);
        d->cancel_reason = CANCEL_PPR_NOT_ALLOWED;
    }
}

static bool has_ppr(const Lpad__Profile *p, uint32_t ppr)
{
    return p->has_pprs && (p->pprs & ppr) != 0;
}

// What the card would refuse anyway (SGP.22 v2.5, 5.7.16 to 5.7.18), said before it is asked.
static void limit_change(const struct policy_request *r, struct policy_decision *d)
{
    bool blocked = false;
    if (r->operation == LPAD__OPERATION__OPERATION_DELETE)
        blocked = has_ppr(r->target, PPR2);
    else if (r->operation == LPAD__OPERATION__OPERATION_DISABLE)
        blocked = has_ppr(r->target, PPR1);
    else if (r->operation == LPAD__OPERATION__OPERATION_ENABLE && r->enabled != NULL)
        blocked =
            has_ppr(r->enabled, PPR1) && r->target->profile_class != LPAD__PROFILE_CLASS__CLASS_PROVISIONING;
    if (blocked)
        deny(d, LPAD__DENY_REASON__DENY_PPR);
}

// What cannot be taken back is confirmed with its consequences in view (SGP.22 v2.5, 3.2.3 and 3.3.2).
static bool is_final(Lpad__Operation operation)
{
    return operation == LPAD__OPERATION__OPERATION_DELETE || operation == LPAD__OPERATION__OPERATION_RESET;
}

static bool must_ask(const struct policy_permission *p, Lpad__Operation operation)
{
    if (operation == LPAD__OPERATION__OPERATION_NOTIFY || operation == LPAD__OPERATION__OPERATION_DISCOVER ||
        operation == LPAD__OPERATION__OPERATION_HOLD || operation == LPAD__OPERATION__OPERATION_RELOAD)
        return false;
    if (p->consent == POLICY_CONSENT_DEFAULT)
        return operation == LPAD__OPERATION__OPERATION_DOWNLOAD || is_final(operation);
    return p->consent == POLICY_CONSENT_ASK;
}

enum policy_counter policy_counter_of(Lpad__Operation operation)
{
    switch (operation) {
    case LPAD__OPERATION__OPERATION_DOWNLOAD: return POLICY_DOWNLOADS;
    case LPAD__OPERATION__OPERATION_ENABLE: return POLICY_ENABLES;
    case LPAD__OPERATION__OPERATION_DELETE: return POLICY_DELETES;
    case LPAD__OPERATION__OPERATION_RESET: return POLICY_RESETS;
    case LPAD__OPERATION__OPERATION_READ:
    case LPAD__OPERATION__OPERATION_DISABLE:
    case LPAD__OPERATION__OPERATION_NICKNAME:
    case LPAD__OPERATION__OPERATION_NOTIFY:
    case LPAD__OPERATION__OPERATION_DISCOVER:
    case LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS:
    case LPAD__OPERATION__OPERATION_LOAD_CRL:
    case LPAD__OPERATION__OPERATION_HOLD:
    case LPAD__OPERATION__OPERATION_RELOAD:
    case _LPAD__OPERATION_IS_INT_SIZE: break;
    }
    return POLICY_COUNTER_MAX;
}

struct policy_counters policy_counters_on(struct policy_counters counters, uint32_t day)
{
    return day > counters.day ? (struct policy_counters){.day = day} : counters;
}

static struct policy_decision apply(const struct policy *policy, uint32_t index, uint32_t roles,
                                    const struct policy_request *r, const struct policy_counters *counters)
{
    const struct policy_permission *p = &policy->permissions[index];
    struct policy_decision d = {
        .verdict = must_ask(p, r->operation) ? LPAD__VERDICT__VERDICT_ASK : LPAD__VERDICT__VERDICT_ALLOW,
        .role = role_name(policy, p->roles & roles),
        .rule = index,
        .line = p->line,
    };
    if (!p->allow) {
        deny(&d, LPAD__DENY_REASON__DENY_RULE);
        return d;
    }
    if (r->operation == LPAD__OPERATION__OPERATION_DOWNLOAD)
        limit_download(p, r, &d);
    if (r->target != NULL)
        limit_change(r, &d);
    enum policy_counter counter = policy_counter_of(r->operation);
    if (d.verdict != LPAD__VERDICT__VERDICT_DENY && counter != POLICY_COUNTER_MAX &&
        counters->used[counter] >= policy->caps[counter])
        deny(&d, LPAD__DENY_REASON__DENY_CAP);
    d.strong = d.verdict == LPAD__VERDICT__VERDICT_ASK && is_final(r->operation);
    return d;
}

static bool is_taken_away(const Lpad__Profile *profile, uint32_t reset_options)
{
    switch (profile->profile_class) {
    case LPAD__PROFILE_CLASS__CLASS_OPERATIONAL: return (reset_options & POLICY_RESET_OPERATIONAL) != 0;
    case LPAD__PROFILE_CLASS__CLASS_TEST: return (reset_options & POLICY_RESET_TEST) != 0;
    case LPAD__PROFILE_CLASS__CLASS_PROVISIONING:
    case _LPAD__PROFILE_CLASS_IS_INT_SIZE: break;
    }
    return false;
}

// Who may not delete a profile may not reset it away either.
static void limit_reset(const struct policy *policy, const struct policy_actor *actor, uint32_t roles,
                        const struct policy_request *r, struct policy_decision *d)
{
    for (size_t i = 0; i < r->profile_count && d->verdict != LPAD__VERDICT__VERDICT_DENY; i++) {
        struct iccid iccid;
        uint32_t nameless;
        if (!is_taken_away(r->profiles[i], r->reset_options) || r->profiles[i]->iccid.len != ICCID_SIZE)
            continue;
        memcpy(iccid.bytes, r->profiles[i]->iccid.data, ICCID_SIZE);
        struct policy_request deletion = {
            .operation = LPAD__OPERATION__OPERATION_DELETE, .iccid = &iccid, .target = r->profiles[i]};
        uint32_t rule = find_permission(policy, actor, roles, &deletion, &nameless);
        if (rule == DECISION_NO_RULE || policy->permissions[rule].allow)
            continue;
        deny(d, LPAD__DENY_REASON__DENY_RULE);
        d->rule = rule;
        d->line = policy->permissions[rule].line;
    }
}

// Where a download may come from, its notifications may go.
static struct policy_decision decide_delivery_by_downloads(const struct policy *policy,
                                                           const struct host *host)
{
    for (uint32_t i = 0; i < policy->permission_count; i++) {
        const struct policy_permission *p = &policy->permissions[i];
        if (p->allow && (p->operations & 1u << LPAD__OPERATION__OPERATION_DOWNLOAD) != 0 &&
            covers_host(p, host))
            return (struct policy_decision){
                .verdict = LPAD__VERDICT__VERDICT_ALLOW, .rule = i, .line = p->line};
    }
    return policy_deny(LPAD__DENY_REASON__DENY_NO_RULE);
}

// --- the engine ---

static bool has_cap_left(const struct policy *policy, const struct policy_request *r,
                         const struct policy_counters *counters)
{
    uint32_t cap = policy->caps[POLICY_ENABLES], used = counters->used[POLICY_ENABLES];
    // What was begun is taken back whatever it counts: nobody is left without a network for a number.
    return r->rolls_back || (cap >= used && cap - used >= DECIDE_ENABLES_RESERVED);
}

// The rules of the policy are its permission: the caller knows that they want this. A permission of role
// engine can only take away.
static struct policy_decision decide_engine(const struct policy *policy, const struct policy_actor *actor,
                                            const struct policy_request *r,
                                            const struct policy_counters *counters)
{
    struct policy_decision d = {.verdict = LPAD__VERDICT__VERDICT_ALLOW, .rule = DECISION_NO_RULE};
    uint32_t nameless = DECISION_NO_RULE;
    if (r->operation != LPAD__OPERATION__OPERATION_ENABLE)
        return policy_deny(LPAD__DENY_REASON__DENY_NO_ROLE);
    uint32_t roles = roles_of(policy, actor);
    uint32_t rule = roles == 0 ? DECISION_NO_RULE : find_permission(policy, actor, roles, r, &nameless);
    if (rule != DECISION_NO_RULE) {
        d.role = role_name(policy, policy->permissions[rule].roles & roles);
        d.rule = rule;
        d.line = policy->permissions[rule].line;
    }
    if (rule != DECISION_NO_RULE && !policy->permissions[rule].allow)
        deny(&d, LPAD__DENY_REASON__DENY_RULE);
    else if (rule == DECISION_NO_RULE && is_test_profile(r) && !switching_names(&policy->switching, r->iccid))
        deny(&d, LPAD__DENY_REASON__DENY_TEST_PROFILE);
    else if (!has_cap_left(policy, r, counters))
        deny(&d, LPAD__DENY_REASON__DENY_CAP);
    else if (r->target != NULL)
        limit_change(r, &d);
    return d;
}

struct policy_decision policy_decide(const struct policy *policy, const struct policy_actor *actor,
                                     const struct policy_request *r, const struct policy_counters *counters)
{
    if (r->operation == LPAD__OPERATION__OPERATION_READ)
        return (struct policy_decision){.verdict = LPAD__VERDICT__VERDICT_ALLOW, .rule = DECISION_NO_RULE};
    if (policy == NULL)
        return policy_deny(LPAD__DENY_REASON__DENY_NO_POLICY);
    if (actor->is_engine)
        return decide_engine(policy, actor, r, counters);
    bool delivery = r->operation == LPAD__OPERATION__OPERATION_NOTIFY;
    uint32_t roles = roles_of(policy, actor);
    if (roles == 0 && !(delivery && actor->is_lpad))
        return policy_deny(LPAD__DENY_REASON__DENY_NO_ROLE);
    uint32_t nameless = DECISION_NO_RULE;
    uint32_t rule = find_permission(policy, actor, roles, r, &nameless);
    if (rule != DECISION_NO_RULE) {
        struct policy_decision d = apply(policy, rule, roles, r, counters);
        limit_reset(policy, actor, roles, r, &d);
        return d;
    }
    if (delivery)
        return decide_delivery_by_downloads(policy, r->host);
    struct policy_decision d = policy_deny(LPAD__DENY_REASON__DENY_NO_RULE);
    if (nameless != DECISION_NO_RULE) {
        d.reason = LPAD__DENY_REASON__DENY_TEST_PROFILE;
        d.rule = nameless;
        d.line = policy->permissions[nameless].line;
    }
    return d;
}
