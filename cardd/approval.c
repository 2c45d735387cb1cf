// SPDX-License-Identifier: Apache-2.0
// The questions to policyd.
#include "cardd/approval.h"

#include "proto/convert.h"

#include <sodium.h>
#include <string.h>

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static enum err give_up(struct cardd *c, enum err e, enum proc_exit exit, const char *detail)
{
    cardd_stop(c, exit);
    c->failure.detail = borrow(detail);
    return e;
}

static enum err read_answer(struct cardd *c, const Lpad__PolicydToCardd *answer)
{
    if (answer->id != c->approval_id || answer->body_case != LPAD__POLICYD_TO_CARDD__BODY_APPROVAL)
        return give_up(c, ERR_PEER_UNEXPECTED, PROC_EXIT_VIOLATION_POLICYD,
                       "policyd answered something else");
    const Lpad__Approval *a = answer->approval;
    if (a->allow)
        return ERR_OK;
    c->failure.has_deny_reason = a->has_reason;
    c->failure.deny_reason = a->reason;
    c->failure.has_line = a->has_line;
    c->failure.line = a->line;
    if (a->rule != NULL) {
        size_t size = strlen(a->rule) + 1;
        c->failure.rule = cardd_take(c, size);
        if (c->failure.rule != NULL)
            memcpy(c->failure.rule, a->rule, size);
    }
    return ERR_DENIED;
}

static enum err ask(struct cardd *c, Lpad__CarddToPolicyd *question)
{
    const ProtobufCMessage *answer;
    int fd;
    question->id = ++c->approval_id;
    enum err e = link_send(&c->policyd, &question->base, -1);
    if (e == ERR_OK)
        e = link_recv(&c->policyd, APPROVAL_TIMEOUT_MS, &answer, &fd);
    if (e == ERR_OK)
        return read_answer(c, (const Lpad__PolicydToCardd *)(const void *)answer);
    if (err_class_of(e) == ERR_CLASS_PEER)
        return give_up(c, e, PROC_EXIT_VIOLATION_POLICYD, "policyd broke the contract of its link");
    if (e == ERR_IO_TIMEOUT)
        return give_up(c, e, PROC_EXIT_FAILED, "policyd did not answer whether this is allowed");
    if (e == ERR_CLOSED)
        return give_up(c, e, PROC_EXIT_OK, "policyd is gone; nothing changes without it");
    // A question that does not fit the link is about something that nobody can have allowed.
    return e;
}

enum err approval_ask_profile_change(struct cardd *c, Lpad__Operation operation,
                                     const struct profile_info *target, const struct profile_info *enabled,
                                     const char *nickname)
{
    Lpad__ApproveProfileChange body = LPAD__APPROVE_PROFILE_CHANGE__INIT;
    Lpad__CarddToPolicyd question = LPAD__CARDD_TO_POLICYD__INIT;
    struct profile_message target_message, enabled_message;
    LPAD_TRY(cardd_read_eid(c));
    profile_to_message(target, &target_message);
    body.operation = operation;
    body.eid = binary_from(c->eid.bytes, EID_SIZE);
    body.target = &target_message.message;
    if (enabled != NULL) {
        profile_to_message(enabled, &enabled_message);
        body.enabled = &enabled_message.message;
    }
    body.nickname = borrow(nickname);
    question.body_case = LPAD__CARDD_TO_POLICYD__BODY_PROFILE_CHANGE;
    question.profile_change = &body;
    return ask(c, &question);
}

enum err approval_ask_prepare_download(struct cardd *c, bool confirmation_code_required)
{
    const struct gate_server *server = &c->session.server;
    Lpad__ApprovePrepareDownload body = LPAD__APPROVE_PREPARE_DOWNLOAD__INIT;
    Lpad__CarddToPolicyd question = LPAD__CARDD_TO_POLICYD__INIT;
    LPAD_TRY(cardd_read_eid(c));
    body.eid = binary_from(c->eid.bytes, EID_SIZE);
    body.transaction_id = binary_from_bytes(gate_transaction_view(&server->transaction_id));
    body.server_address = borrow(server->address);
    body.smdp_oid = borrow(server->smdp_oid);
    body.confirmation_code_required = confirmation_code_required;
    question.body_case = LPAD__CARDD_TO_POLICYD__BODY_PREPARE_DOWNLOAD;
    question.prepare_download = &body;
    return ask(c, &question);
}

enum err approval_ask_load(struct cardd *c)
{
    const struct gate_server *server = &c->session.server;
    Lpad__ApproveLoad body = LPAD__APPROVE_LOAD__INIT;
    Lpad__CarddToPolicyd question = LPAD__CARDD_TO_POLICYD__INIT;
    struct metadata_message metadata;
    LPAD_TRY(cardd_read_eid(c));
    metadata_to_message(&c->package->metadata, &metadata);
    body.eid = binary_from(c->eid.bytes, EID_SIZE);
    body.transaction_id = binary_from_bytes(gate_transaction_view(&server->transaction_id));
    body.smdp_oid = borrow(server->smdp_oid);
    body.metadata = &metadata.message;
    body.package_sha256 = binary_from(c->session.sha256, CARDD_SHA256_SIZE);
    question.body_case = LPAD__CARDD_TO_POLICYD__BODY_LOAD;
    question.load = &body;
    return ask(c, &question);
}

enum err approval_ask_reset(struct cardd *c, unsigned options, const struct profiles *profiles)
{
    Lpad__ApproveReset body = LPAD__APPROVE_RESET__INIT;
    Lpad__CarddToPolicyd question = LPAD__CARDD_TO_POLICYD__INIT;
    LPAD_TRY(cardd_read_eid(c));
    body.eid = binary_from(c->eid.bytes, EID_SIZE);
    body.operational_profiles = (options & ES10C_RESET_OPERATIONAL) != 0;
    body.test_profiles = (options & ES10C_RESET_FIELD_TEST) != 0;
    body.default_address = (options & ES10C_RESET_DEFAULT_SMDP) != 0;
    body.n_profiles = profiles->read.count;
    body.profiles = (Lpad__Profile **)(uintptr_t)profiles->list;
    question.body_case = LPAD__CARDD_TO_POLICYD__BODY_RESET;
    question.reset = &body;
    return ask(c, &question);
}

enum err approval_ask_default_address(struct cardd *c, const char *address)
{
    Lpad__ApproveDefaultAddress body = LPAD__APPROVE_DEFAULT_ADDRESS__INIT;
    Lpad__CarddToPolicyd question = LPAD__CARDD_TO_POLICYD__INIT;
    LPAD_TRY(cardd_read_eid(c));
    body.eid = binary_from(c->eid.bytes, EID_SIZE);
    body.address = borrow(address);
    question.body_case = LPAD__CARDD_TO_POLICYD__BODY_DEFAULT_ADDRESS;
    question.default_address = &body;
    return ask(c, &question);
}

enum err approval_ask_load_crl(struct cardd *c, struct bytes crl)
{
    Lpad__ApproveLoadCrl body = LPAD__APPROVE_LOAD_CRL__INIT;
    Lpad__CarddToPolicyd question = LPAD__CARDD_TO_POLICYD__INIT;
    uint8_t sha256[crypto_hash_sha256_BYTES];
    LPAD_TRY(cardd_read_eid(c));
    crypto_hash_sha256(sha256, crl.data, crl.len);
    body.eid = binary_from(c->eid.bytes, EID_SIZE);
    body.crl_sha256 = binary_from(sha256, sizeof sha256);
    question.body_case = LPAD__CARDD_TO_POLICYD__BODY_LOAD_CRL;
    question.load_crl = &body;
    return ask(c, &question);
}
