// SPDX-License-Identifier: Apache-2.0
// Set-up, the table of functions, and what the functions share.
#include "tests/sim/smdp/smdp.h"

#include "tests/sim/smdp/text.h"

#include <stdio.h>
#include <stdlib.h>

struct function_row {
    const char *name;
    es9p_function *run;
    bool of_smds; // an SM-DS has it too
};

static const struct function_row functions[] = {
    {"initiateAuthentication", es9p_initiate_authentication,   true },
    {"authenticateClient",     es9p_authenticate_client,       true },
    {"getBoundProfilePackage", es9p_get_bound_profile_package, false},
    {"handleNotification",     es9p_handle_notification,       false},
    {"cancelSession",          es9p_cancel_session,            false},
};

static bool has_pair(const struct cred *cred)
{
    return cred_present(cred) && cred->key != NULL;
}

bool smdp_has_curve(const struct smdp *smdp, enum cred_curve curve)
{
    const struct cred *at = smdp->store.at[curve];

    if (smdp->config.curve != CRED_CURVE_MAX && smdp->config.curve != curve) {
        return false;
    }
    if (smdp->config.role == SMDP_ROLE_SMDS) {
        return cred_present(&at[CRED_CI]) && has_pair(&at[CRED_DSAUTH]);
    }
    return cred_present(&at[CRED_CI]) && has_pair(&at[CRED_DPAUTH]) && has_pair(&at[CRED_DPPB]);
}

const struct cred *smdp_auth(const struct smdp *smdp, enum cred_curve curve)
{
    return &smdp->store.at[curve][smdp->config.role == SMDP_ROLE_SMDS ? CRED_DSAUTH : CRED_DPAUTH];
}

const struct cred *smdp_tls(const struct smdp *smdp, enum cred_curve curve)
{
    return &smdp->store.at[curve][smdp->config.role == SMDP_ROLE_SMDS ? CRED_DSTLS : CRED_DPTLS];
}

const char *smdp_subject(const struct smdp *smdp, const char *smdp_code, const char *smds_code)
{
    return smdp->config.role == SMDP_ROLE_SMDS ? smds_code : smdp_code;
}

bool smdp_open(const struct smdp_config *config, struct smdp *ret_smdp)
{
    struct smdp smdp = {.config = *config};
    char why[256] = "";

    if (!cred_store_load(config->credentials, why, sizeof(why), &smdp.store)) {
        fprintf(stderr, "sim-smdp: %s: %s\n", config->credentials, why);
        return false;
    }
    if (!smdp_has_curve(&smdp, CRED_NIST) && !smdp_has_curve(&smdp, CRED_BRP)) {
        fprintf(stderr, "sim-smdp: %s: no curve with ci and %s\n", config->credentials,
                smdp_subject(&smdp, "dpauth and dppb", "dsauth"));
        cred_store_free(&smdp.store);
        return false;
    }
    *ret_smdp = smdp;
    return true;
}

void smdp_close(struct smdp *smdp)
{
    session_table_clear(&smdp->sessions);
    cred_store_free(&smdp->store);
}

void reply_fail(struct reply *reply, const char *subject, const char *reason, const char *message)
{
    reply->status = "Failed";
    reply->subject = subject;
    reply->reason = reason;
    json_object_clear(reply->body);
    reply_fact(reply, "message", json_string(message));
}

void reply_fact(struct reply *reply, const char *name, json_t *value)
{
    if (json_object_set_new(reply->facts, name, value) != 0) {
        fprintf(stderr, "sim-smdp: fact %s lost\n", name);
    }
}

// The header goes in front: members keep their order of insertion.
static void reply_finish(struct reply *reply)
{
    json_t *status = json_pack("{s:s}", "status", reply->status);
    json_t *body = json_pack("{s:{s:O}}", "header", "functionExecutionStatus", status);
    const char *message = json_get_text(reply->facts, "message", "");

    if (reply->subject != NULL) {
        json_object_set_new(status, "statusCodeData",
                            json_pack("{s:s,s:s,s:s}", "subjectCode", reply->subject, "reasonCode",
                                      reply->reason, "message", message));
    }
    json_object_update(body, reply->body);
    json_decref(status);
    json_decref(reply->body);
    reply->body = body;
}

bool smdp_call(struct smdp *smdp, const char *function, const json_t *request, const json_t *fault,
               struct reply *ret_reply)
{
    struct reply reply = {.http = 200, .status = "Executed-Success"};

    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (strcmp(functions[i].name, function) != 0 ||
            (smdp->config.role == SMDP_ROLE_SMDS && !functions[i].of_smds)) {
            continue;
        }
        reply.body = json_object();
        reply.facts = json_object();
        functions[i].run(smdp, request, fault, &reply);
        reply_finish(&reply);
        *ret_reply = reply;
        return true;
    }
    return false;
}

void reply_clear(struct reply *reply)
{
    json_decref(reply->body);
    json_decref(reply->facts);
    *reply = (struct reply){0};
}

struct session *reply_find_session(struct smdp *smdp, const json_t *request, struct reply *reply)
{
    struct tlvb tid = TLVB_INIT;
    struct session *session = NULL;

    if (!json_get_hex(request, "transactionId", &tid)) {
        reply_fail(reply, "1.6", "2.2", "transactionId is missing or not hexadecimal");
        tlvb_free(&tid);
        return NULL;
    }
    session = session_find(&smdp->sessions, tlvb_get(&tid));
    tlvb_free(&tid);
    if (session == NULL) {
        reply_fail(reply, "8.10.1", "3.9", "transactionId is not known");
    } else {
        char *text = hex_encode(session_tid(session));

        reply_fact(reply, "transactionId", json_string(text));
        free(text);
    }
    return session;
}

// The CI that a certificate names as its issuer. All that are known count: a card with chains of several CIs
// signs notifications with the one it prefers, whichever the session used.
static X509 *chain_find_ci(const struct smdp *smdp, X509 *cert)
{
    struct slice wanted = {0};

    if (!cred_cert_aki(cert, &wanted)) {
        return NULL;
    }
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        const struct cred *ci = &smdp->store.at[curve][CRED_CI];
        struct slice ski = {0};

        if (cred_present(ci) && cred_cert_ski(ci->cert, &ski) && slice_equal(ski, wanted)) {
            return ci->cert;
        }
    }
    return NULL;
}

static bool chain_check_certs(const struct smdp *smdp, X509 *euicc, X509 *eum, struct reply *reply)
{
    time_t now = time(NULL);
    X509 *ci = eum != NULL ? chain_find_ci(smdp, eum) : NULL;
    enum cred_fault fault = CRED_FAULT_NONE;

    if (eum == NULL) {
        reply_fail(reply, "8.1.2", "6.1", "EUM certificate is malformed");
        return false;
    }
    if (ci == NULL) {
        reply_fail(reply, "8.11.1", "3.9", "EUM certificate is from an unknown CI");
        return false;
    }
    fault = cred_check_eum(eum, ci, &now);
    if (fault != CRED_FAULT_NONE) {
        reply_fail(reply, "8.1.2", fault == CRED_FAULT_TIME ? "6.3" : "6.1", cred_fault_text(fault));
        return false;
    }
    fault =
        euicc != NULL ? cred_check_euicc(euicc, eum, !smdp->config.lax_names, &now) : CRED_FAULT_MALFORMED;
    if (fault != CRED_FAULT_NONE) {
        reply_fail(reply, "8.1.3", fault == CRED_FAULT_TIME ? "6.3" : "6.1", cred_fault_text(fault));
        return false;
    }
    return true;
}

X509 *chain_check(const struct smdp *smdp, struct slice euicc_der, struct slice eum_der, struct reply *reply)
{
    X509 *euicc = cred_cert_parse(euicc_der);
    X509 *eum = cred_cert_parse(eum_der);
    bool ok = chain_check_certs(smdp, euicc, eum, reply);

    X509_free(eum);
    if (!ok) {
        X509_free(euicc);
        return NULL;
    }
    return euicc;
}
