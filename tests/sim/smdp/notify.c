// SPDX-License-Identifier: Apache-2.0
// ES9+.HandleNotification (SGP.22 v2.5, 5.6.4): always 204, the verdict goes into the log and the order.
#include "tests/sim/smdp/smdp.h"

#include "tests/sim/smdp/order.h"
#include "tests/sim/smdp/text.h"

#include <stdlib.h>

// NotificationMetadata, and for a ProfileInstallationResult what it says about the installation.
struct notification {
    struct tlv signed_part; // BF27 or BF2F
    struct slice signature;
    uint32_t seq;
    uint32_t operation; // named bits
    struct slice iccid; // empty when absent
    struct slice address;
    struct slice tid; // from here on: installation results only
    struct slice oid;
    bool success;
    uint32_t command;
    uint32_t reason;
};

static bool metadata_parse(struct slice in, struct notification *n)
{
    struct tlv tlv;

    if (!tlv_expect(&in, 0x80, &tlv) || !tlv_get_uint(tlv.value, &n->seq)) {
        return false;
    }
    if (!tlv_expect(&in, 0x81, &tlv) || !tlv_get_bits(tlv.value, &n->operation)) {
        return false;
    }
    if (!tlv_expect(&in, 0x0C, &tlv)) {
        return false;
    }
    n->address = tlv.value;
    if (tlv_find(in, 0x5A, &tlv)) {
        n->iccid = tlv.value;
    }
    return true;
}

static bool result_parse(struct slice in, struct notification *n)
{
    struct tlv outer;
    struct tlv tlv;

    if (!tlv_expect(&in, 0xA2, &outer)) {
        return false;
    }
    if (tlv_only(outer.value, 0xA0, &tlv)) {
        n->success = true;
        return true;
    }
    if (!tlv_only(outer.value, 0xA1, &outer)) {
        return false;
    }
    if (!tlv_find(outer.value, 0x80, &tlv) || !tlv_get_uint(tlv.value, &n->command)) {
        return false;
    }
    return tlv_find(outer.value, 0x81, &tlv) && tlv_get_uint(tlv.value, &n->reason);
}

static bool installation_parse(struct slice in, struct notification *ret_notification)
{
    struct notification n = {0};
    struct tlv tlv;

    if (!tlv_expect(&in, 0xBF27, &n.signed_part) || !tlv_expect(&in, 0x5F37, &tlv)) {
        return false;
    }
    n.signature = tlv.value;
    in = n.signed_part.value;
    if (!tlv_expect(&in, 0x80, &tlv)) {
        return false;
    }
    n.tid = tlv.value;
    if (!tlv_expect(&in, 0xBF2F, &tlv) || !metadata_parse(tlv.value, &n) || !tlv_expect(&in, 0x06, &tlv)) {
        return false;
    }
    n.oid = tlv.value;
    if (!result_parse(in, &n)) {
        return false;
    }
    *ret_notification = n;
    return true;
}

static const char *operation_text(uint32_t bits)
{
    switch (bits) {
    case 1u << 0: return "install";
    case 1u << 1: return "enable";
    case 1u << 2: return "disable";
    case 1u << 3: return "delete";
    default: return "invalid";
    }
}

static json_t *facts_build(const struct notification *n, const char *kind, const char *verdict)
{
    char *iccid = hex_encode(n->iccid);
    json_t *facts =
        json_pack("{s:s,s:I,s:s,s:s%,s:s,s:s}", "kind", kind, "seq", (json_int_t)n->seq, "operation",
                  operation_text(n->operation), "address", (const char *)n->address.data,
                  (size_t)n->address.len, "iccid", iccid != NULL ? iccid : "", "verdict", verdict);

    if (n->tid.len > 0) {
        json_object_set_new(facts, "success", json_boolean(n->success));
        if (!n->success) {
            json_object_set_new(facts, "bppCommandId", json_integer(n->command));
            json_object_set_new(facts, "errorReason", json_integer(n->reason));
        }
    }
    free(iccid);
    return facts;
}

// The order also keeps the list, for tests that look after a restart.
static void order_note(struct order *order, json_t *facts)
{
    json_t *list = json_object_get(order->memory, "notifications");

    if (list == NULL) {
        list = json_array();
        order_remember(order, "notifications", list);
    }
    json_array_append(list, facts);
    order->changed = true;
}

// SGP.22 v2.5, annex on states: some reasons leave the order open for another attempt.
static enum order_state state_after(const struct notification *n)
{
    enum { NO_MEMORY = 10, INTERRUPTION = 11, UNKNOWN = 127 };

    if (n->success) {
        return ORDER_INSTALLED;
    }
    return n->reason == NO_MEMORY || n->reason == INTERRUPTION || n->reason == UNKNOWN ? ORDER_RELEASED
                                                                                       : ORDER_ERROR;
}

static bool oid_is_own(const struct smdp *smdp, struct slice oid)
{
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        struct slice own = {0};

        if (smdp_has_curve(smdp, curve) &&
            cred_cert_registered_id(smdp->store.at[curve][CRED_DPAUTH].cert, &own) && slice_equal(own, oid)) {
            return true;
        }
    }
    return false;
}

static const char *installation_verdict(const struct smdp *smdp, const struct order *order,
                                        const struct notification *n)
{
    struct tlvb der = TLVB_INIT;
    X509 *cert = NULL;
    const char *verdict = "bad-signature";

    if (json_get_base64(order->memory, "euiccCertificate", &der)) {
        cert = cred_cert_parse(tlvb_get(&der));
    }
    if (cert != NULL && cred_cert_verify(cert, n->signed_part.whole, n->signature)) {
        verdict = oid_is_own(smdp, n->oid) ? "ok" : "bad-oid";
    }
    X509_free(cert);
    tlvb_free(&der);
    return verdict;
}

static void installation_handle(struct smdp *smdp, struct slice in, struct reply *reply)
{
    struct notification n = {0};
    struct order order = {0};
    const char *verdict = "malformed";
    json_t *facts = NULL;

    if (!installation_parse(in, &n)) {
        reply_fact(reply, "notification", json_pack("{s:s,s:s}", "kind", "pir", "verdict", verdict));
        return;
    }
    if (order_find_transaction(smdp->config.orders, n.tid, &order) != ORDER_OK) {
        reply_fact(reply, "notification", facts_build(&n, "pir", "unknown-transaction"));
        return;
    }
    verdict = installation_verdict(smdp, &order, &n);
    facts = facts_build(&n, "pir", verdict);
    if (strcmp(verdict, "ok") == 0) {
        order_set_state(&order, state_after(&n));
        if (n.success && order_end_event(&order)) {
            reply_fact(reply, "eventDeleted", json_true());
        }
        order_note(&order, facts);
    }
    reply_fact(reply, "order", json_string(order.name));
    reply_fact(reply, "notification", facts);
    if (!order_save(&order)) {
        reply->http = 500;
    }
    order_close(&order);
}

static bool other_parse(struct slice in, struct notification *ret_notification, struct slice *ret_euicc,
                        struct slice *ret_eum)
{
    struct notification n = {0};
    struct tlv tlv;
    struct tlv eum;

    if (!tlv_expect(&in, 0xBF2F, &n.signed_part) || !tlv_expect(&in, 0x5F37, &tlv)) {
        return false;
    }
    n.signature = tlv.value;
    if (!metadata_parse(n.signed_part.value, &n) || !tlv_expect(&in, 0x30, &tlv) ||
        !tlv_expect(&in, 0x30, &eum)) {
        return false;
    }
    *ret_euicc = tlv.whole;
    *ret_eum = eum.whole;
    *ret_notification = n;
    return true;
}

static const char *other_verdict(const struct smdp *smdp, const struct notification *n, struct slice euicc,
                                 struct slice eum, struct reply *reply)
{
    X509 *cert = chain_check(smdp, euicc, eum, reply);
    const char *verdict = "bad-certificate";

    if (cert != NULL) {
        verdict = cred_cert_verify(cert, n->signed_part.whole, n->signature) ? "ok" : "bad-signature";
    }
    X509_free(cert);
    return verdict;
}

static void other_handle(struct smdp *smdp, struct slice in, struct reply *reply)
{
    struct notification n = {0};
    struct slice euicc = {0};
    struct slice eum = {0};
    struct order order = {0};
    const char *verdict = NULL;
    json_t *facts = NULL;

    if (!other_parse(in, &n, &euicc, &eum)) {
        reply_fact(reply, "notification", json_pack("{s:s,s:s}", "kind", "other", "verdict", "malformed"));
        return;
    }
    verdict = other_verdict(smdp, &n, euicc, eum, reply);
    facts = facts_build(&n, "other", verdict);
    if (n.iccid.len > 0 && order_find_iccid(smdp->config.orders, n.iccid, &order) == ORDER_OK) {
        reply_fact(reply, "order", json_string(order.name));
        if (strcmp(verdict, "ok") == 0) {
            order_note(&order, facts);
        }
        if (!order_save(&order)) {
            reply->http = 500;
        }
        order_close(&order);
    }
    reply_fact(reply, "notification", facts);
}

void es9p_handle_notification(struct smdp *smdp, const json_t *request, const json_t *fault,
                              struct reply *reply)
{
    struct tlvb bytes = TLVB_INIT;
    struct tlv tlv;

    (void)fault;
    reply->http = 204;
    if (!json_get_base64(request, "pendingNotification", &bytes)) {
        reply_fact(reply, "notification", json_pack("{s:s}", "verdict", "malformed"));
    } else if (tlv_only(tlvb_get(&bytes), 0xBF37, &tlv)) {
        installation_handle(smdp, tlv.value, reply);
    } else if (tlv_only(tlvb_get(&bytes), 0x30, &tlv)) {
        other_handle(smdp, tlv.value, reply);
    } else {
        reply_fact(reply, "notification", json_pack("{s:s}", "verdict", "malformed"));
    }
    tlvb_free(&bytes);
}
