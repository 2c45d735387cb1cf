// SPDX-License-Identifier: Apache-2.0
// One download, but for the package: challenge, AuthenticateServer, PrepareDownload, CancelSession.
#include "cardd/approval.h"
#include "cardd/handlers.h"

#include "lib/sealed.h"
#include "proto/convert.h"
#include "rsp/host.h"
#include "rsp/result.h"

#include <string.h>

void session_forget(struct session *s)
{
    enum phase phase = s->phase;
    sealed_unmap(s->staged);
    explicit_bzero(s, sizeof *s);
    s->phase = phase;
}

// Best effort: nobody is left to be told, and the card gives the session up at its next challenge anyway.
static void cancel_on_card(struct cardd *c)
{
    struct bytes response;
    if (c->session.on_card)
        (void)!es10b_cancel_session(&c->es10, gate_transaction_view(&c->session.server.transaction_id),
                                    CANCEL_UNDEFINED_REASON, &response);
    c->session.on_card = false;
}

void session_abandon(struct cardd *c)
{
    if (c->session.phase != PHASE_IDLE)
        cancel_on_card(c);
    c->session.phase = PHASE_IDLE;
    session_forget(&c->session);
}

enum err handle_get_challenge(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                              Lpad__CarddToBroker *reply)
{
    (void)fd;
    struct session *s = &c->session;
    const char *address = request->get_challenge->smdp_address;
    struct host host;
    Lpad__CardChallenge *body = cardd_take(c, sizeof *body);
    if (body == NULL)
        return ERR_MEMORY;
    session_forget(s);
    if (strlen(address) > GATE_ADDRESS_MAX || host_parse(address, strlen(address), &host) != ERR_OK)
        return cardd_fail(c, LPAD__FUNCTION__ES10B_GET_EUICC_CHALLENGE, ERR_INPUT,
                          "the SM-DP+ address is not a host");
    // The gate and the approvals need both; they are read while the connection to the server is made.
    LPAD_TRY(cardd_read_eid(c));
    LPAD_TRY(cardd_read_info1(c));
    LPAD_TRY(es10b_get_euicc_challenge(&c->es10, s->expected.challenge));
    memcpy(s->expected.address, address, strlen(address) + 1);
    lpad__card_challenge__init(body);
    body->euicc_challenge = binary_from(s->expected.challenge, GATE_CHALLENGE_SIZE);
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_CHALLENGE;
    reply->challenge = body;
    return ERR_OK;
}

// A card that refuses has discarded its session. One that did not answer may hold it, and nobody else would
// know.
static void give_up_authentication(struct cardd *c, enum err e)
{
    const struct es10_fault fault = c->es10.fault;
    if (e == ERR_CARD_TIMEOUT || e == ERR_CARD_RESPONSE)
        cancel_on_card(c);
    c->es10.fault = fault;
}

enum err handle_authenticate_server(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                                    Lpad__CarddToBroker *reply)
{
    (void)fd;
    const Lpad__CardAuthenticateServer *in = request->authenticate_server;
    struct session *s = &c->session;
    struct gate_authenticate_server values = {
        .server_signed1 = bytes_from_binary(in->server_signed1),
        .server_signature1 = bytes_from_binary(in->server_signature1),
        .euicc_ci_pk_id = bytes_from_binary(in->euicc_ci_pk_id),
        .server_certificate = bytes_from_binary(in->server_certificate),
    };
    struct gate_expected_server expected = s->expected;
    struct bytes response;
    Lpad__CardAuthenticateServerOk *body = cardd_take(c, sizeof *body);
    if (body == NULL)
        return ERR_MEMORY;
    expected.euicc_info1 = bytes_make(c->info1, c->info1_len);
    expected.smdp_oid = in->smdp_oid;
    enum gate_verdict v = gate_check_authenticate_server(&values, &expected, &s->server);
    if (v != GATE_OK)
        return cardd_fail(c, LPAD__FUNCTION__ES10B_AUTHENTICATE_SERVER, gate_error(v), gate_words(v));

    struct es10b_context context = {.matching_id = in->matching_id,
                                    .tac = bytes_from_binary(c->settings->tac)};
    if (c->settings->has_imei)
        context.imei = bytes_from_binary(c->settings->imei);
    s->on_card = true;
    enum err e = es10b_authenticate_server(&c->es10, &values, &context, &response);
    if (e != ERR_OK) {
        give_up_authentication(c, e);
        return e;
    }
    lpad__card_authenticate_server_ok__init(body);
    body->authenticate_server_response = binary_from_bytes(response);
    body->transaction_id = binary_from_bytes(gate_transaction_view(&s->server.transaction_id));
    body->smdp_oid = s->server.smdp_oid;
    body->has_discovery_server = s->server.is_discovery;
    body->discovery_server = s->server.is_discovery;
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_AUTHENTICATE_SERVER;
    reply->authenticate_server = body;
    return ERR_OK;
}

// The command of PrepareDownload, complete. Afterwards the confirmation code is nowhere in this process.
static enum err build_prepare_download(struct cardd *c, const Lpad__CardPrepareDownload *in,
                                       bool *ret_required, struct bytes *ret_command)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10B_PREPARE_DOWNLOAD;
    struct gate_prepare_download values = {
        .smdp_signed2 = bytes_from_binary(in->smdp_signed2),
        .smdp_signature2 = bytes_from_binary(in->smdp_signature2),
        .smdp_certificate = bytes_from_binary(in->smdp_certificate),
    };
    const struct gate_server *server = &c->session.server;
    uint8_t hash[ES10B_HASH_CC_SIZE];
    enum gate_verdict v = gate_check_prepare_download(&values, server, ret_required);
    if (v != GATE_OK)
        return cardd_fail(c, function, gate_error(v), gate_words(v));
    bool has_code = in->confirmation_code != NULL && in->confirmation_code[0] != 0;
    if (*ret_required && !has_code)
        return cardd_fail(c, function, ERR_INPUT, "this profile needs a confirmation code");
    // A code that nobody asks for is kept from the server.
    if (*ret_required)
        es10b_hash_confirmation_code(in->confirmation_code, gate_transaction_view(&server->transaction_id),
                                     hash);
    enum err e = es10b_build_prepare_download(&c->es10, &values, *ret_required ? hash : NULL, ret_command);
    explicit_bzero(hash, sizeof hash);
    return e;
}

enum err handle_prepare_download(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                                 Lpad__CarddToBroker *reply)
{
    (void)fd;
    struct bytes command = {NULL, 0}, response;
    bool required = false;
    Lpad__CardPrepareDownloadOk *body = cardd_take(c, sizeof *body);
    enum err e =
        body != NULL ? build_prepare_download(c, request->prepare_download, &required, &command) : ERR_MEMORY;
    link_wipe(&c->broker);
    if (e == ERR_OK)
        e = approval_ask_prepare_download(c, required);
    if (e == ERR_OK)
        e = es10b_prepare_download(&c->es10, command, &response);
    explicit_bzero(c->es10.command, command.len);
    if (e != ERR_OK)
        return e;
    lpad__card_prepare_download_ok__init(body);
    body->prepare_download_response = binary_from_bytes(response);
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_PREPARE_DOWNLOAD;
    reply->prepare_download = body;
    return ERR_OK;
}

enum err handle_cancel_session(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                               Lpad__CarddToBroker *reply)
{
    (void)fd;
    const struct session *s = &c->session;
    uint32_t reason = request->cancel_session->reason;
    struct bytes response;
    Lpad__CardCancelSessionOk *body = cardd_take(c, sizeof *body);
    if (body == NULL)
        return ERR_MEMORY;
    if (!s->on_card)
        return cardd_fail(c, LPAD__FUNCTION__ES10B_CANCEL_SESSION, ERR_DENIED_PHASE,
                          "the card has not met a server yet; there is nothing to cancel");
    if (reason > CANCEL_UNDEFINED_REASON)
        reason = CANCEL_UNDEFINED_REASON;
    LPAD_TRY(
        es10b_cancel_session(&c->es10, gate_transaction_view(&s->server.transaction_id), reason, &response));
    lpad__card_cancel_session_ok__init(body);
    body->cancel_session_response = binary_from_bytes(response);
    body->transaction_id = binary_from_bytes(gate_transaction_view(&s->server.transaction_id));
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_CANCEL_SESSION;
    reply->cancel_session = body;
    return ERR_OK;
}
