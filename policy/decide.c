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
    for (uint32_t i = 0; !actor->is_lpad && i < policy->role_count; i++) {
        if (plays_role(&policy->roles[i], actor))
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

static bool is_about_hosts(Lpad__Operation operation)
{
    return operation == LPAD__OPERATION__OPERATION_DOWNLOAD || operation == LPAD__OPERATION__OPERATION_NOTIFY;
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
    if (is_about_hosts(r->operation))
        return covers_host(p, r->host) ? MATCH_YES : MATCH_NO;
    return covers_profile(&p->profiles, r);
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
static void limit_download(const struct policy_permission *p, const Lpad__Metadata *m,
                           struct policy_decision *d)
{
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

static bool must_ask(const struct policy_permission *p, Lpad__Operation operation)
{
    if (p->consent == POLICY_CONSENT_DEFAULT)
        return operation == LPAD__OPERATION__OPERATION_DOWNLOAD;
    return p->consent == POLICY_CONSENT_ASK && operation != LPAD__OPERATION__OPERATION_NOTIFY;
}

enum policy_counter policy_counter_of(Lpad__Operation operation)
{
    switch (operation) {
    case LPAD__OPERATION__OPERATION_DOWNLOAD: return POLICY_DOWNLOADS;
    case LPAD__OPERATION__OPERATION_ENABLE: return POLICY_ENABLES;
    case LPAD__OPERATION__OPERATION_DELETE: return POLICY_DELETES;
    case LPAD__OPERATION__OPERATION_READ:
    case LPAD__OPERATION__OPERATION_DISABLE:
    case LPAD__OPERATION__OPERATION_NICKNAME:
    case LPAD__OPERATION__OPERATION_NOTIFY:
    case LPAD__OPERATION__OPERATION_DISCOVER:
    case LPAD__OPERATION__OPERATION_RESET:
    case LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS:
    case LPAD__OPERATION__OPERATION_LOAD_CRL:
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
    if (r->metadata != NULL)
        limit_download(p, r->metadata, &d);
    if (r->target != NULL)
        limit_change(r, &d);
    enum policy_counter counter = policy_counter_of(r->operation);
    if (d.verdict != LPAD__VERDICT__VERDICT_DENY && counter != POLICY_COUNTER_MAX &&
        counters->used[counter] >= policy->caps[counter])
        deny(&d, LPAD__DENY_REASON__DENY_CAP);
    return d;
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

struct policy_decision policy_decide(const struct policy *policy, const struct policy_actor *actor,
                                     const struct policy_request *r, const struct policy_counters *counters)
{
    if (r->operation == LPAD__OPERATION__OPERATION_READ)
        return (struct policy_decision){.verdict = LPAD__VERDICT__VERDICT_ALLOW, .rule = DECISION_NO_RULE};
    if (policy == NULL)
        return policy_deny(LPAD__DENY_REASON__DENY_NO_POLICY);
    bool delivery = r->operation == LPAD__OPERATION__OPERATION_NOTIFY;
    uint32_t roles = roles_of(policy, actor);
    if (roles == 0 && !(delivery && actor->is_lpad))
        return policy_deny(LPAD__DENY_REASON__DENY_NO_ROLE);
    for (uint32_t i = 0; i < policy->permission_count; i++) {
        enum match m = covers(&policy->permissions[i], actor, roles, r);
        // A deny that may or may not apply is decided when the card was asked; so is an allow, but the
        // question goes on.
        if (m == MATCH_YES || (m == MATCH_UNKNOWN && policy->permissions[i].allow))
            return apply(policy, i, roles, r, counters);
    }
    if (delivery)
        return decide_delivery_by_downloads(policy, r->host);
    return policy_deny(LPAD__DENY_REASON__DENY_NO_RULE);
}
