// SPDX-License-Identifier: Apache-2.0
// The standing intent's phases, and its comparisons with cardd's facts.
#include "policy/approvals.h"

#include "lib/bytes.h"
#include "policy/rat.h"
#include "rsp/result.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool is_denied(const struct policy_decision *d)
{
    return d->verdict == LPAD__VERDICT__VERDICT_DENY;
}

void approvals_drop(struct approvals *a)
{
    memset(&a->intent, 0, sizeof a->intent);
}

void approvals_forget_card(struct approvals *a)
{
    approvals_drop(a);
    a->has_eid = false;
}

static struct policy_decision refuse(struct approvals *a, Lpad__DenyReason reason)
{
    approvals_drop(a);
    return policy_deny(reason);
}

// Whether the intent stands in this phase and in time; otherwise it is void.
static bool stands(struct approvals *a, const struct approvals_now *now, enum intent_phase phase,
                   struct policy_decision *ret_refusal)
{
    struct intent *i = &a->intent;
    if (i->phase != phase || phase == INTENT_NONE) {
        *ret_refusal = refuse(a, LPAD__DENY_REASON__DENY_NO_INTENT);
        return false;
    }
    if (now->monotonic_ms >= i->deadline_ms) {
        *ret_refusal = refuse(a, LPAD__DENY_REASON__DENY_EXPIRED);
        return false;
    }
    return true;
}

static void go_to(struct approvals *a, const struct approvals_now *now, enum intent_phase phase)
{
    a->intent.phase = phase;
    a->intent.deadline_ms = now->monotonic_ms + a->timeout_ms;
}

// A client that was asked and agreed need not be asked again.
static void settle_consent(const struct intent *i, struct policy_decision *d)
{
    if (d->verdict == LPAD__VERDICT__VERDICT_ASK && i->consented)
        d->verdict = LPAD__VERDICT__VERDICT_ALLOW;
}

// At an approval nobody can be asked any more.
static void settle_approval(struct approvals *a, struct policy_decision *d)
{
    settle_consent(&a->intent, d);
    if (d->verdict == LPAD__VERDICT__VERDICT_ASK) {
        d->verdict = LPAD__VERDICT__VERDICT_DENY;
        d->reason = LPAD__DENY_REASON__DENY_RULE;
    }
    if (is_denied(d))
        approvals_drop(a);
}

// --- the broker's side ---

static void read_actor(const Lpad__Actor *from, struct policy_actor *to)
{
    *to = (struct policy_actor){.is_lpad = !from->has_uid,
                                .is_engine = !from->has_uid && from->has_engine && from->engine};
    if (to->is_lpad)
        return;
    to->uid = from->uid;
    // Without a group the user stands for nothing more; the id that means none is in no role.
    to->gid = from->has_gid ? from->gid : UINT32_MAX;
    for (size_t i = 0; i < from->n_groups && i < ACTOR_GROUPS_MAX; i++)
        to->groups[to->group_count++] = from->groups[i];
}

// An IPv6 address comes without brackets where its name alone is meant.
static bool read_host(const char *text, struct host *ret_host)
{
    char bracketed[HOST_TEXT_MAX];
    struct in6_addr v6;
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return host_parse(text, strlen(text), ret_host) == ERR_OK;
    int n = snprintf(bracketed, sizeof bracketed, "[%s]", text);
    return n > 0 && (size_t)n < sizeof bracketed && host_parse(bracketed, (size_t)n, ret_host) == ERR_OK;
}

static bool read_source(const Lpad__Intent *from, uint32_t *ret_source)
{
    switch (from->has_host_source ? from->host_source : LPAD__HOST_SOURCE__HOST_FROM_CODE) {
    case LPAD__HOST_SOURCE__HOST_FROM_CODE: *ret_source = POLICY_FROM_CODE; return true;
    case LPAD__HOST_SOURCE__HOST_FROM_DEFAULT_ADDRESS: *ret_source = POLICY_FROM_DEFAULT_ADDRESS; return true;
    case LPAD__HOST_SOURCE__HOST_FROM_EVENT: *ret_source = POLICY_FROM_EVENT; return true;
    case LPAD__HOST_SOURCE__HOST_FROM_ROOT_SMDS:
    case LPAD__HOST_SOURCE__HOST_FROM_NOTIFICATION:
    case _LPAD__HOST_SOURCE_IS_INT_SIZE: break;
    }
    return false;
}

static bool read_address(const char *address, struct intent *to)
{
    if (address == NULL || strlen(address) >= sizeof to->address)
        return false;
    memcpy(to->address, address, strlen(address) + 1);
    return address[0] == '\0' || read_host(address, &to->host);
}

static bool read_hash(bool given, ProtobufCBinaryData hash, uint8_t out[static APPROVALS_HASH_SIZE])
{
    if (!given || hash.len != APPROVALS_HASH_SIZE)
        return false;
    memcpy(out, hash.data, APPROVALS_HASH_SIZE);
    return true;
}

static bool read_reset(const Lpad__Intent *from, struct intent *to)
{
    to->reset_options = from->reset_options;
    return from->has_reset_options && to->reset_options != 0 && (to->reset_options & ~POLICY_RESET_ALL) == 0;
}

static bool read_iccid(const Lpad__Intent *from, struct intent *to)
{
    if (!from->has_iccid || from->iccid.len != ICCID_SIZE)
        return false;
    memcpy(to->iccid.bytes, from->iccid.data, ICCID_SIZE);
    return true;
}

static bool read_nickname(const Lpad__Intent *from, struct intent *to)
{
    if (from->nickname == NULL || strlen(from->nickname) >= sizeof to->nickname)
        return false;
    to->has_nickname = true;
    memcpy(to->nickname, from->nickname, strlen(from->nickname) + 1);
    return true;
}

static bool read_target(const Lpad__Intent *from, struct intent *to)
{
    switch (from->operation) {
    case LPAD__OPERATION__OPERATION_READ:
    case LPAD__OPERATION__OPERATION_HOLD:
    case LPAD__OPERATION__OPERATION_RELOAD: return true;
    case LPAD__OPERATION__OPERATION_DOWNLOAD:
        return from->host != NULL && read_host(from->host, &to->host) && read_source(from, &to->source);
    case LPAD__OPERATION__OPERATION_DISCOVER:
    case LPAD__OPERATION__OPERATION_NOTIFY: return from->host != NULL && read_host(from->host, &to->host);
    case LPAD__OPERATION__OPERATION_ENABLE:
    case LPAD__OPERATION__OPERATION_DISABLE:
    case LPAD__OPERATION__OPERATION_DELETE: return from->nickname == NULL && read_iccid(from, to);
    case LPAD__OPERATION__OPERATION_NICKNAME: return read_iccid(from, to) && read_nickname(from, to);
    case LPAD__OPERATION__OPERATION_RESET: return read_reset(from, to);
    case LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS: return read_address(from->address, to);
    case LPAD__OPERATION__OPERATION_LOAD_CRL:
        return read_hash(from->has_crl_sha256, from->crl_sha256, to->crl_sha256);
    case _LPAD__OPERATION_IS_INT_SIZE: break;
    }
    return false;
}

static bool is_change(Lpad__Operation operation)
{
    return operation != LPAD__OPERATION__OPERATION_READ && operation != LPAD__OPERATION__OPERATION_HOLD &&
           operation != LPAD__OPERATION__OPERATION_RELOAD && operation != LPAD__OPERATION__OPERATION_NOTIFY &&
           operation != LPAD__OPERATION__OPERATION_DISCOVER;
}

static bool is_about_profile(Lpad__Operation operation)
{
    return operation == LPAD__OPERATION__OPERATION_ENABLE ||
           operation == LPAD__OPERATION__OPERATION_DISABLE ||
           operation == LPAD__OPERATION__OPERATION_DELETE || operation == LPAD__OPERATION__OPERATION_NICKNAME;
}

// What the intent says for itself; the facts come with the question.
static struct policy_request request_of(const struct intent *i, const struct approvals_now *now)
{
    bool no_host = i->operation == LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS && i->address[0] == '\0';
    return (struct policy_request){
        .operation = i->operation,
        .host = no_host ? NULL : &i->host,
        .source = i->source,
        .iccid = &i->iccid,
        .reset_options = i->reset_options,
        .rolls_back = now->rolls_back,
    };
}

// What is no business of the card's.
static struct policy_decision decide_aside(const struct approvals_now *now, const Lpad__Intent *intent)
{
    struct policy_actor actor;
    struct policy_request request = {.operation = intent->operation};
    read_actor(intent->actor, &actor);
    return policy_decide(now->policy, &actor, &request, &now->counters);
}

static bool is_what_engine_began(const struct approvals *a, const struct approvals_now *now)
{
    const struct intent *i = &a->intent;
    return i->operation == LPAD__OPERATION__OPERATION_ENABLE && now->switcher != NULL &&
           switcher_expects(now->switcher, &i->iccid) &&
           switcher_last_action(now->switcher) != a->engine_action;
}

// What the engine was told of the card, lpad-cardd has read: its action replaces what it was decided to
// replace.
static bool engine_was_told_the_truth(const struct approvals_now *now,
                                      const Lpad__ApproveProfileChange *facts)
{
    struct iccid enabled;
    const Lpad__Profile *p = facts->enabled;
    if (p == NULL)
        return switcher_replaces(now->switcher, NULL);
    return iccid_from_card(bytes_make(p->iccid.data, p->iccid.len), &enabled) == ERR_OK &&
           switcher_replaces(now->switcher, &enabled);
}

struct policy_decision approvals_intent(struct approvals *a, const struct approvals_now *now,
                                        const Lpad__Intent *intent)
{
    struct intent *i = &a->intent;
    if (intent->operation == LPAD__OPERATION__OPERATION_HOLD ||
        intent->operation == LPAD__OPERATION__OPERATION_RELOAD)
        return decide_aside(now, intent);
    approvals_drop(a);
    i->operation = intent->operation;
    read_actor(intent->actor, &i->actor);
    if (!read_target(intent, i))
        return refuse(a, LPAD__DENY_REASON__DENY_FACTS);
    if (i->actor.is_engine && !is_what_engine_began(a, now))
        return refuse(a, LPAD__DENY_REASON__DENY_NO_INTENT);
    struct policy_request request = request_of(i, now);
    struct policy_decision d = policy_decide(now->policy, &i->actor, &request, &now->counters);
    if (is_denied(&d) || !is_change(i->operation)) {
        approvals_drop(a);
        return d;
    }
    // The client consents to what it will be shown, which is not known yet.
    if (i->operation == LPAD__OPERATION__OPERATION_DOWNLOAD)
        d.verdict = LPAD__VERDICT__VERDICT_ALLOW;
    go_to(a, now, d.verdict == LPAD__VERDICT__VERDICT_ASK ? INTENT_ASKED : INTENT_DECIDED);
    return d;
}

static bool keep_announcement(struct intent *i, const Lpad__InstallIntent *install)
{
    size_t len = lpad__metadata__get_packed_size(install->metadata);
    size_t oid_len = strlen(install->smdp_oid);
    if (len > sizeof i->metadata || install->transaction_id.len > sizeof i->transaction_id ||
        oid_len >= sizeof i->smdp_oid)
        return false;
    i->metadata_len = lpad__metadata__pack(install->metadata, i->metadata);
    i->transaction_id_len = install->transaction_id.len;
    memcpy(i->transaction_id, install->transaction_id.data, i->transaction_id_len);
    memcpy(i->smdp_oid, install->smdp_oid, oid_len + 1);
    i->confirmation_code_required = install->confirmation_code_required;
    return true;
}

// The card's rules come on top of the policy's; no permission stands for them.
static void apply_rat(const Lpad__InstallIntent *install, struct policy_decision *d)
{
    if (is_denied(d))
        return;
    enum rat_answer answer = rat_check(install);
    if (answer == RAT_REFUSED) {
        *d = policy_deny(LPAD__DENY_REASON__DENY_PPR);
        d->cancel_reason = CANCEL_PPR_NOT_ALLOWED;
    } else if (answer == RAT_CONSENT) {
        d->verdict = LPAD__VERDICT__VERDICT_ASK;
        d->strong = true;
    }
}

struct policy_decision approvals_install(struct approvals *a, const struct approvals_now *now,
                                         const Lpad__InstallIntent *install)
{
    struct intent *i = &a->intent;
    struct policy_decision d;
    if (!stands(a, now, INTENT_DECIDED, &d))
        return d;
    if (i->operation != LPAD__OPERATION__OPERATION_DOWNLOAD)
        return refuse(a, LPAD__DENY_REASON__DENY_NO_INTENT);
    if (!keep_announcement(i, install))
        return refuse(a, LPAD__DENY_REASON__DENY_FACTS);
    struct policy_request request = request_of(i, now);
    request.metadata = install->metadata;
    request.smdp_oid = i->smdp_oid;
    d = policy_decide(now->policy, &i->actor, &request, &now->counters);
    apply_rat(install, &d);
    if (is_denied(&d))
        approvals_drop(a);
    else
        go_to(a, now, d.verdict == LPAD__VERDICT__VERDICT_ASK ? INTENT_ASKED : INTENT_GRANTED);
    return d;
}

struct policy_decision approvals_consent(struct approvals *a, const struct approvals_now *now)
{
    struct policy_decision d;
    if (!stands(a, now, INTENT_ASKED, &d))
        return d;
    a->intent.consented = true;
    go_to(a, now,
          a->intent.operation == LPAD__OPERATION__OPERATION_DOWNLOAD ? INTENT_GRANTED : INTENT_DECIDED);
    return (struct policy_decision){.verdict = LPAD__VERDICT__VERDICT_ALLOW, .rule = DECISION_NO_RULE};
}

// --- cardd's side ---

static bool same_card(struct approvals *a, ProtobufCBinaryData eid)
{
    if (eid.len != sizeof a->eid)
        return false;
    if (!a->has_eid) {
        memcpy(a->eid, eid.data, sizeof a->eid);
        a->has_eid = true;
    }
    return memcmp(a->eid, eid.data, sizeof a->eid) == 0;
}

static bool same_nickname(const struct intent *i, const char *nickname)
{
    if (!i->has_nickname || nickname == NULL)
        return !i->has_nickname && nickname == NULL;
    return strcmp(i->nickname, nickname) == 0;
}

static bool is_iccid(const struct iccid *iccid, ProtobufCBinaryData data)
{
    return bytes_equal(iccid_view(iccid), bytes_make(data.data, data.len));
}

// Decides a change again, with the facts in the request. A yes uses the intent up.
static struct policy_decision decide_change(struct approvals *a, const struct approvals_now *now,
                                            const struct policy_request *request)
{
    struct policy_decision d = policy_decide(now->policy, &a->intent.actor, request, &now->counters);
    settle_approval(a, &d);
    if (!is_denied(&d))
        approvals_drop(a);
    return d;
}

struct policy_decision approvals_change(struct approvals *a, const struct approvals_now *now,
                                        const Lpad__ApproveProfileChange *facts,
                                        enum policy_counter *ret_counter)
{
    struct intent *i = &a->intent;
    struct policy_decision d;
    bool is_engine = i->actor.is_engine;
    *ret_counter = POLICY_COUNTER_MAX;
    if (!stands(a, now, INTENT_DECIDED, &d))
        return d;
    // Another policy may have come into force since: what the one before began is not its own.
    if (is_engine && !is_what_engine_began(a, now))
        return refuse(a, LPAD__DENY_REASON__DENY_NO_INTENT);
    if (facts->operation != i->operation || !is_about_profile(i->operation))
        return refuse(a, LPAD__DENY_REASON__DENY_NO_INTENT);
    if (!same_card(a, facts->eid) || !is_iccid(&i->iccid, facts->target->iccid) ||
        !same_nickname(i, facts->nickname))
        return refuse(a, LPAD__DENY_REASON__DENY_FACTS);
    if (is_engine && !engine_was_told_the_truth(now, facts))
        return refuse(a, LPAD__DENY_REASON__DENY_FACTS);
    bool enabled_is_target = facts->enabled != NULL && is_iccid(&i->iccid, facts->enabled->iccid);
    struct policy_request request = request_of(i, now);
    request.target = facts->target;
    request.enabled = enabled_is_target ? NULL : facts->enabled;
    enum policy_counter counter = policy_counter_of(i->operation);
    d = decide_change(a, now, &request);
    if (is_engine && !is_denied(&d))
        a->engine_action = switcher_last_action(now->switcher);
    *ret_counter = is_denied(&d) ? POLICY_COUNTER_MAX : counter;
    return d;
}

// Whether an intent for this operation stands, and for this card.
static bool stands_for(struct approvals *a, const struct approvals_now *now, Lpad__Operation operation,
                       ProtobufCBinaryData eid, struct policy_decision *ret_refusal)
{
    if (!stands(a, now, INTENT_DECIDED, ret_refusal))
        return false;
    if (a->intent.operation != operation) {
        *ret_refusal = refuse(a, LPAD__DENY_REASON__DENY_NO_INTENT);
        return false;
    }
    if (!same_card(a, eid)) {
        *ret_refusal = refuse(a, LPAD__DENY_REASON__DENY_FACTS);
        return false;
    }
    return true;
}

static uint32_t reset_options(const Lpad__ApproveReset *facts)
{
    return (facts->operational_profiles ? POLICY_RESET_OPERATIONAL : 0) |
           (facts->test_profiles ? POLICY_RESET_TEST : 0) |
           (facts->default_address ? POLICY_RESET_DEFAULT_ADDRESS : 0);
}

struct policy_decision approvals_reset(struct approvals *a, const struct approvals_now *now,
                                       const Lpad__ApproveReset *facts, enum policy_counter *ret_counter)
{
    struct policy_decision d;
    *ret_counter = POLICY_COUNTER_MAX;
    if (!stands_for(a, now, LPAD__OPERATION__OPERATION_RESET, facts->eid, &d))
        return d;
    if (reset_options(facts) != a->intent.reset_options)
        return refuse(a, LPAD__DENY_REASON__DENY_FACTS);
    struct policy_request request = request_of(&a->intent, now);
    request.profiles = facts->profiles;
    request.profile_count = facts->n_profiles;
    d = decide_change(a, now, &request);
    *ret_counter = is_denied(&d) ? POLICY_COUNTER_MAX : POLICY_RESETS;
    return d;
}

struct policy_decision approvals_default_address(struct approvals *a, const struct approvals_now *now,
                                                 const Lpad__ApproveDefaultAddress *facts)
{
    struct policy_decision d;
    if (!stands_for(a, now, LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS, facts->eid, &d))
        return d;
    if (strcmp(facts->address, a->intent.address) != 0)
        return refuse(a, LPAD__DENY_REASON__DENY_FACTS);
    struct policy_request request = request_of(&a->intent, now);
    return decide_change(a, now, &request);
}

struct policy_decision approvals_load_crl(struct approvals *a, const struct approvals_now *now,
                                          const Lpad__ApproveLoadCrl *facts)
{
    struct policy_decision d;
    if (!stands_for(a, now, LPAD__OPERATION__OPERATION_LOAD_CRL, facts->eid, &d))
        return d;
    if (!bytes_equal(bytes_make(a->intent.crl_sha256, APPROVALS_HASH_SIZE),
                     bytes_make(facts->crl_sha256.data, facts->crl_sha256.len)))
        return refuse(a, LPAD__DENY_REASON__DENY_FACTS);
    struct policy_request request = request_of(&a->intent, now);
    return decide_change(a, now, &request);
}

static bool same_session(const struct intent *i, ProtobufCBinaryData transaction_id, const char *smdp_oid)
{
    return bytes_equal(bytes_make(i->transaction_id, i->transaction_id_len),
                       bytes_make(transaction_id.data, transaction_id.len)) &&
           strcmp(i->smdp_oid, smdp_oid) == 0;
}

// Not the port: an intent names it apart, and the session's server is told by its name.
static bool same_server(const struct host *host, const char *address)
{
    struct host other;
    return read_host(address, &other) && host->is_ipv6 == other.is_ipv6 &&
           strcmp(host->name, other.name) == 0;
}

// Role, host, OID, caps and limits again: policy and counters may have changed since.
static struct policy_decision decide_download(struct approvals *a, const struct approvals_now *now,
                                              const Lpad__Metadata *metadata)
{
    const struct intent *i = &a->intent;
    struct policy_request request = request_of(i, now);
    request.metadata = metadata;
    request.smdp_oid = i->smdp_oid;
    struct policy_decision d = policy_decide(now->policy, &i->actor, &request, &now->counters);
    settle_approval(a, &d);
    return d;
}

struct policy_decision approvals_prepare(struct approvals *a, const struct approvals_now *now,
                                         const Lpad__ApprovePrepareDownload *facts)
{
    struct intent *i = &a->intent;
    struct policy_decision d;
    if (!stands(a, now, INTENT_GRANTED, &d))
        return d;
    if (!same_card(a, facts->eid) || !same_session(i, facts->transaction_id, facts->smdp_oid) ||
        !same_server(&i->host, facts->server_address) ||
        facts->confirmation_code_required != i->confirmation_code_required)
        return refuse(a, LPAD__DENY_REASON__DENY_FACTS);
    d = decide_download(a, now, NULL);
    if (!is_denied(&d))
        go_to(a, now, INTENT_PREPARED);
    return d;
}

static bool same_metadata(const struct intent *i, const Lpad__Metadata *metadata)
{
    uint8_t packed[APPROVALS_METADATA_MAX];
    size_t len = lpad__metadata__get_packed_size(metadata);
    return len == i->metadata_len && lpad__metadata__pack(metadata, packed) == len &&
           memcmp(packed, i->metadata, len) == 0;
}

struct policy_decision approvals_load(struct approvals *a, const struct approvals_now *now,
                                      const Lpad__ApproveLoad *facts, enum policy_counter *ret_counter)
{
    struct intent *i = &a->intent;
    struct policy_decision d;
    *ret_counter = POLICY_COUNTER_MAX;
    if (!stands(a, now, INTENT_PREPARED, &d))
        return d;
    if (!same_card(a, facts->eid) || !same_session(i, facts->transaction_id, facts->smdp_oid))
        return refuse(a, LPAD__DENY_REASON__DENY_FACTS);
    if (!same_metadata(i, facts->metadata))
        return refuse(a, LPAD__DENY_REASON__DENY_METADATA_MISMATCH);
    d = decide_download(a, now, facts->metadata);
    if (is_denied(&d))
        return d;
    *ret_counter = policy_counter_of(i->operation);
    approvals_drop(a);
    return d;
}
