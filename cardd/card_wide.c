// SPDX-License-Identifier: Apache-2.0
// Changes to the card as a whole, each with policyd's yes: default SM-DP+ address, memory reset, revocation
// lists.
#include "cardd/approval.h"
#include "cardd/change.h"
#include "cardd/es10a.h"
#include "cardd/handlers.h"

#include "rsp/host.h"

#include <string.h>

// --- the default SM-DP+ ---

// As the card keeps it now decides, not what it answered. `result` is what the command came to.
static enum err settle_address(struct cardd *c, const char *address, enum err result)
{
    const struct es10_fault fault = c->es10.fault;
    struct es10a_addresses *now = cardd_take(c, sizeof *now);
    if (now == NULL)
        return ERR_MEMORY;
    change_note_unknown(c, result);
    if (result == ERR_CARD_TIMEOUT)
        LPAD_TRY(apdu_reset(&c->apdu));
    LPAD_TRY(es10a_get_addresses(&c->es10, now));
    c->failure.detail = NULL;
    bool same = address[0] == 0
                    ? now->default_smdp[0] == 0
                    : host_text_equal(bytes_from_text(now->default_smdp), bytes_from_text(address));
    if (same) {
        es10_forget(&c->es10);
        return ERR_OK;
    }
    c->es10.fault = fault;
    return result != ERR_OK ? result
                            : cardd_fail(c, LPAD__FUNCTION__ES10A_SET_DEFAULT_DP_ADDRESS, ERR_CARD_RESPONSE,
                                         "the card said that it was done, but keeps another address");
}

static void put_done(Lpad__CardDone *body, Lpad__CarddToBroker *reply)
{
    lpad__card_done__init(body);
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_DONE;
    reply->done = body;
}

enum err handle_set_default_address(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                                    Lpad__CarddToBroker *reply)
{
    (void)fd;
    const char *address = request->set_default_address->address;
    struct host host;
    Lpad__CardDone *body = cardd_take(c, sizeof *body);
    if (body == NULL)
        return ERR_MEMORY;
    if (address[0] != 0 && host_parse(address, strlen(address), &host) != ERR_OK)
        return cardd_fail(c, LPAD__FUNCTION__ES10A_SET_DEFAULT_DP_ADDRESS, ERR_INPUT,
                          "the SM-DP+ address is not a host");
    LPAD_TRY(approval_ask_default_address(c, address));
    enum err e = es10a_set_default_dp_address(&c->es10, address);
    if (e != ERR_OK && !change_outcome_is_unknown(c, e))
        return e;
    LPAD_TRY(settle_address(c, address, e));
    put_done(body, reply);
    return ERR_OK;
}

// --- memory reset ---

// What of the card a reset would change, as far as the card tells.
struct reset_facts {
    struct profiles *profiles;
    size_t operational, test;
    struct es10a_addresses addresses;
};

static enum err read_facts(struct cardd *c, unsigned options, struct reset_facts **ret_facts)
{
    struct reset_facts *f = cardd_take(c, sizeof *f);
    if (f == NULL)
        return ERR_MEMORY;
    *f = (struct reset_facts){0};
    if ((options & ES10C_RESET_DEFAULT_SMDP) != 0)
        LPAD_TRY(es10a_get_addresses(&c->es10, &f->addresses));
    LPAD_TRY(profiles_read(c, NULL, &f->profiles));
    for (size_t i = 0; i < f->profiles->read.count; i++) {
        f->operational += f->profiles->read.list[i].class == PROFILE_OPERATIONAL;
        f->test += f->profiles->read.list[i].class == PROFILE_TEST;
    }
    *ret_facts = f;
    return ERR_OK;
}

// A reset is one step of the card. Operational profiles that are still there say that it was not taken. Which
// test profiles stay because they were there from the start, and which address is the first one, only the
// card knows: without operational profiles a difference is the only sign.
static bool reset_shows(unsigned options, const struct reset_facts *before, const struct reset_facts *after)
{
    if ((options & ES10C_RESET_OPERATIONAL) != 0 && before->operational > 0)
        return after->operational == 0;
    return ((options & ES10C_RESET_FIELD_TEST) != 0 && after->test < before->test) ||
           ((options & ES10C_RESET_DEFAULT_SMDP) != 0 &&
            strcmp(before->addresses.default_smdp, after->addresses.default_smdp) != 0);
}

static bool reset_left_something(unsigned options, const struct reset_facts *after)
{
    return (options & ES10C_RESET_OPERATIONAL) != 0 && after->operational > 0;
}

static enum err settle_reset(struct cardd *c, unsigned options, const struct reset_facts *before,
                             enum err result, struct reset_facts **ret_after)
{
    const struct es10_fault fault = c->es10.fault;
    const bool refreshes = result == ERR_OK && c->apdu.sw >> 8 == 0x91;
    struct reset_facts *after;
    change_note_unknown(c, result);
    if (refreshes || result == ERR_CARD_TIMEOUT)
        LPAD_TRY(apdu_reset(&c->apdu));
    LPAD_TRY(read_facts(c, options, &after));
    if (result == ERR_OK && !refreshes && reset_left_something(options, after)) {
        LPAD_TRY(apdu_reset(&c->apdu));
        LPAD_TRY(read_facts(c, options, &after));
    }
    if (result == ERR_OK ? reset_left_something(options, after) : !reset_shows(options, before, after)) {
        c->es10.fault = fault;
        if (result != ERR_OK)
            return result;
        return cardd_fail(c, LPAD__FUNCTION__ES10C_EUICC_MEMORY_RESET, ERR_CARD_RESPONSE,
                          "the card said that it was done, but still lists operational profiles");
    }
    c->failure.detail = NULL;
    es10_forget(&c->es10);
    *ret_after = after;
    return ERR_OK;
}

enum err handle_reset(struct cardd *c, const Lpad__BrokerToCardd *request, int fd, Lpad__CarddToBroker *reply)
{
    (void)fd;
    const Lpad__CardReset *in = request->reset;
    const unsigned options = (in->operational_profiles ? ES10C_RESET_OPERATIONAL : 0) |
                             (in->test_profiles ? ES10C_RESET_FIELD_TEST : 0) |
                             (in->default_address ? ES10C_RESET_DEFAULT_SMDP : 0);
    struct reset_facts *before, *after = NULL;
    Lpad__CardChanged *body = cardd_take(c, sizeof *body);
    if (body == NULL)
        return ERR_MEMORY;
    if (options == 0)
        return cardd_fail(c, LPAD__FUNCTION__ES10C_EUICC_MEMORY_RESET, ERR_INPUT,
                          "nothing to reset was named");
    LPAD_TRY(read_facts(c, options, &before));
    LPAD_TRY(approval_ask_reset(c, options, before->profiles));
    enum err e = es10c_memory_reset(&c->es10, options);
    if (e != ERR_OK && !change_outcome_is_unknown(c, e))
        return e;
    LPAD_TRY(settle_reset(c, options, before, e, &after));
    lpad__card_changed__init(body);
    body->n_profiles = after->profiles->read.count;
    body->profiles = after->profiles->list;
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_CHANGED;
    reply->changed = body;
    return ERR_OK;
}

// --- revocation lists ---

static enum err check_crl_support(struct cardd *c)
{
    struct es10b_info2 *info = cardd_take(c, sizeof *info);
    if (info == NULL)
        return ERR_MEMORY;
    LPAD_TRY(es10b_get_euicc_info2(&c->es10, info));
    if (info->has_rsp_capability && (info->rsp_capability & ES10B_RSP_CRL_SUPPORT) != 0)
        return ERR_OK;
    return cardd_fail(c, LPAD__FUNCTION__ES10B_LOAD_CRL, ERR_INPUT,
                      "this card does not support revocation lists");
}

enum err handle_load_crl(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                         Lpad__CarddToBroker *reply)
{
    (void)fd;
    struct crl_reply {
        Lpad__CardDone body;
        struct es10b_crl_parts missing;
    } *r = cardd_take(c, sizeof *r);
    const struct bytes list = bytes_from_binary(request->load_crl->crl);
    struct gate_crl crl;
    if (r == NULL)
        return ERR_MEMORY;
    enum gate_verdict v = gate_check_crl(list, &crl);
    if (v != GATE_OK)
        return cardd_fail(c, LPAD__FUNCTION__ES10B_LOAD_CRL, gate_error(v), gate_words(v));
    LPAD_TRY(check_crl_support(c));
    LPAD_TRY(approval_ask_load_crl(c, list));
    enum err e = es10b_load_crl(&c->es10, &crl, &r->missing);
    if (e != ERR_OK) {
        // Which lists a card has cannot be read; loading one again does no harm.
        change_note_unknown(c, e);
        return e;
    }
    put_done(&r->body, reply);
    r->body.n_missing_crl_parts = r->missing.count;
    r->body.missing_crl_parts = r->missing.numbers;
    return ERR_OK;
}
