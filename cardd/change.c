// SPDX-License-Identifier: Apache-2.0
// Profiles changed, with policyd's yes to facts that were read a moment before.
#include "cardd/change.h"

#include "cardd/approval.h"
#include "cardd/handlers.h"

#include "lib/log.h"

#include <string.h>

struct change {
    Lpad__Operation operation;
    Lpad__Function function;
    struct iccid iccid;
    const char *nickname; // of OPERATION_NICKNAME
    bool refresh;
};

// One way to say the same to a card.
struct form {
    bool by_aid;
    bool refresh; // of enable and disable
};

static enum err send_command(struct cardd *c, const struct change *change, const struct form *form,
                             const struct profile_info *target)
{
    struct es10c_target name = {.iccid = change->iccid};
    if (form->by_aid)
        name.isdp_aid = bytes_make(target->isdp_aid, target->isdp_aid_len);
    switch (change->operation) {
    case LPAD__OPERATION__OPERATION_ENABLE: return es10c_enable_profile(&c->es10, &name, form->refresh);
    case LPAD__OPERATION__OPERATION_DISABLE: return es10c_disable_profile(&c->es10, &name, form->refresh);
    case LPAD__OPERATION__OPERATION_DELETE: return es10c_delete_profile(&c->es10, &name);
    case LPAD__OPERATION__OPERATION_NICKNAME:
        return es10c_set_nickname(&c->es10, &change->iccid, change->nickname);
    case LPAD__OPERATION__OPERATION_READ:
    case LPAD__OPERATION__OPERATION_DOWNLOAD:
    case LPAD__OPERATION__OPERATION_NOTIFY:
    case LPAD__OPERATION__OPERATION_DISCOVER:
    case LPAD__OPERATION__OPERATION_RESET:
    case LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS:
    case LPAD__OPERATION__OPERATION_LOAD_CRL:
    case LPAD__OPERATION__OPERATION_HOLD:
    case LPAD__OPERATION__OPERATION_RELOAD:
    case _LPAD__OPERATION_IS_INT_SIZE: break;
    }
    LPAD_BUG("a change that is none");
}

static bool is_switch(const struct change *change)
{
    return change->operation == LPAD__OPERATION__OPERATION_ENABLE ||
           change->operation == LPAD__OPERATION__OPERATION_DISABLE;
}

// Whether the card's list shows what the change was to bring about.
static bool is_done(const struct change *change, const struct profiles *after)
{
    const struct profile_info *p = profiles_find_iccid(after, &change->iccid);
    if (change->operation == LPAD__OPERATION__OPERATION_DELETE)
        return p == NULL;
    if (p == NULL)
        return false;
    if (change->operation == LPAD__OPERATION__OPERATION_NICKNAME)
        return strcmp(p->nickname, change->nickname) == 0;
    return (p->state == PROFILE_ENABLED) == (change->operation == LPAD__OPERATION__OPERATION_ENABLE);
}

// A modem resets the card on REFRESH, 6F00 follows a switch.
bool change_outcome_is_unknown(struct cardd *c, enum err e)
{
    if (e == ERR_CARD_GONE)
        change_note_unknown(c, e);
    return e == ERR_CARD_TIMEOUT || e == ERR_CARD_SW || e == ERR_CARD_RESPONSE;
}

void change_note_unknown(struct cardd *c, enum err result)
{
    const char *detail = NULL;
    if (result == ERR_OK)
        detail = "the card accepted the change; what it holds now could not be read";
    else if (result == ERR_CARD_GONE || result == ERR_CARD_TIMEOUT || result == ERR_CARD_RESPONSE)
        detail = "outcome unknown: the card's answer was lost; read the card before this is tried again";
    c->failure.detail = (char *)(uintptr_t)detail;
}

// What the card lists now decides, not what it answered. `result` is what the command came to; it comes back
// when the list shows that nothing was done. `*ret_after` is set whenever the list could be read.
static enum err settle(struct cardd *c, const struct change *change, bool refresh, enum err result,
                       struct profiles **ret_after)
{
    const struct es10_fault fault = c->es10.fault;
    // A REFRESH that nobody fetches takes effect with a reset; a card that fell silent may want one too.
    bool pending = result == ERR_OK && refresh && c->apdu.sw >> 8 == 0x91;
    change_note_unknown(c, result);
    if (pending || result == ERR_CARD_TIMEOUT)
        LPAD_TRY(apdu_reset(&c->apdu));
    LPAD_TRY(profiles_read(c, NULL, ret_after));
    if (!is_done(change, *ret_after) && result == ERR_OK && refresh && !pending) {
        LPAD_TRY(apdu_reset(&c->apdu));
        LPAD_TRY(profiles_read(c, NULL, ret_after));
    }
    c->failure.detail = NULL;
    if (is_done(change, *ret_after)) {
        es10_forget(&c->es10);
        return ERR_OK;
    }
    c->es10.fault = fault;
    if (result != ERR_OK)
        return result;
    return cardd_fail(c, change->function, ERR_CARD_RESPONSE,
                      "the card said that it was done, but lists the profile as before");
}

// Whether the card may only not have understood this form: by the standard the command is good, and the card
// listed the profile a moment before. A refusal by a profile's policy or state is an answer.
static bool is_form_refused(const struct cardd *c, enum err e, const struct form *form)
{
    const struct es10_fault *fault = &c->es10.fault;
    if (e == ERR_CARD_RESULT)
        return fault->result == ES10C_NOT_FOUND || fault->result == ES10C_UNDEFINED ||
               (fault->result == ES10C_CAT_BUSY && form->refresh);
    return e == ERR_CARD_SW &&
           (fault->status_word == 0x6A80 || fault->status_word == 0x6A88 || fault->status_word == 0x6985);
}

// The forms in the order in which cards are known to understand them. A change that is not to refresh never
// does.
static size_t get_forms(const struct change *change, const struct profile_info *target,
                        struct form ret_forms[static 4])
{
    size_t count = 0;
    bool has_aid = change->operation != LPAD__OPERATION__OPERATION_NICKNAME && target->isdp_aid_len > 0;
    for (unsigned name = 0; name < (has_aid ? 2u : 1u); name++) {
        if (is_switch(change) && change->refresh)
            ret_forms[count++] = (struct form){.by_aid = name == 1, .refresh = true};
        ret_forms[count++] = (struct form){.by_aid = name == 1};
    }
    return count;
}

// For whoever wonders why a modem did not notice, or what a card is like.
static void tell_form(const struct change *change, const struct form *form, size_t refused)
{
    if (refused == 0)
        return;
    bool without = is_switch(change) && change->refresh && !form->refresh;
    log_info("the card took the change by %s%s; forms refused before: %zu", form->by_aid ? "AID" : "ICCID",
             without ? " and without a refresh, so that the modem may have to be restarted" : "", refused);
}

// Says it in each form until the list shows that it was done. The first refusal is the one to tell.
static enum err carry_out(struct cardd *c, const struct change *change, const struct profile_info *target,
                          struct profiles **ret_after)
{
    struct form forms[4];
    const size_t count = get_forms(change, target, forms);
    struct es10_fault first_fault = {0};
    enum err first = ERR_OK;
    for (size_t i = 0; i < count; i++) {
        struct profiles *after = NULL;
        enum err e = send_command(c, change, &forms[i], target);
        bool next = e != ERR_OK && is_form_refused(c, e, &forms[i]);
        if (e != ERR_OK && !next && !change_outcome_is_unknown(c, e))
            return e;
        e = settle(c, change, forms[i].refresh, e, &after);
        if (e == ERR_OK) {
            *ret_after = after;
            tell_form(change, &forms[i], i);
        }
        if (!next || e == ERR_OK || after == NULL || profiles_find_iccid(after, &change->iccid) == NULL)
            return e;
        if (i == 0) {
            first = e;
            first_fault = c->es10.fault;
        }
    }
    c->es10.fault = first_fault;
    return first;
}

static enum err change_profile(struct cardd *c, const struct change *change, Lpad__CarddToBroker *reply)
{
    struct profiles *before, *after = NULL;
    Lpad__CardChanged *body = cardd_take(c, sizeof *body);
    if (body == NULL)
        return ERR_MEMORY;
    LPAD_TRY(profiles_read(c, NULL, &before));
    const struct profile_info *target = profiles_find_iccid(before, &change->iccid);
    if (target == NULL)
        return cardd_fail(c, change->function, ERR_INPUT, "the card has no profile with this ICCID");
    LPAD_TRY(approval_ask_profile_change(c, change->operation, target, profiles_find_enabled(before),
                                         change->nickname));
    LPAD_TRY(carry_out(c, change, target, &after));
    lpad__card_changed__init(body);
    body->profile = before->list[target - before->read.list];
    body->n_profiles = after->read.count;
    body->profiles = after->list;
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_CHANGED;
    reply->changed = body;
    return ERR_OK;
}

static bool function_of(Lpad__Operation operation, Lpad__Function *ret_function)
{
    static const struct {
        Lpad__Operation operation;
        Lpad__Function function;
    } rows[] = {
        {LPAD__OPERATION__OPERATION_ENABLE,  LPAD__FUNCTION__ES10C_ENABLE_PROFILE },
        {LPAD__OPERATION__OPERATION_DISABLE, LPAD__FUNCTION__ES10C_DISABLE_PROFILE},
        {LPAD__OPERATION__OPERATION_DELETE,  LPAD__FUNCTION__ES10C_DELETE_PROFILE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].operation != operation)
            continue;
        *ret_function = rows[i].function;
        return true;
    }
    return false;
}

enum err handle_change_profile(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                               Lpad__CarddToBroker *reply)
{
    (void)fd;
    const Lpad__CardChangeProfile *in = request->change_profile;
    struct change change = {.operation = in->operation, .refresh = !in->has_refresh || in->refresh};
    if (!function_of(in->operation, &change.function) ||
        iccid_from_card(bytes_from_binary(in->iccid), &change.iccid) != ERR_OK)
        return ERR_INPUT;
    return change_profile(c, &change, reply);
}

enum err handle_set_nickname(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                             Lpad__CarddToBroker *reply)
{
    (void)fd;
    const Lpad__CardSetNickname *in = request->set_nickname;
    struct change change = {
        .operation = LPAD__OPERATION__OPERATION_NICKNAME,
        .function = LPAD__FUNCTION__ES10C_SET_NICKNAME,
        .nickname = in->nickname,
    };
    if (iccid_from_card(bytes_from_binary(in->iccid), &change.iccid) != ERR_OK)
        return ERR_INPUT;
    return change_profile(c, &change, reply);
}
