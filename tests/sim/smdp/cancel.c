// SPDX-License-Identifier: Apache-2.0
// ES9+.CancelSession (SGP.22 v2.5, 5.6.5).
#include "tests/sim/smdp/smdp.h"

#include "tests/sim/smdp/order.h"
#include "tests/sim/smdp/text.h"

enum {
    REASON_POSTPONED = 1,
    REASON_TIMEOUT = 2,
};

// euiccCancelSessionSigned, as received.
struct cancel {
    struct tlv signed_part;
    struct slice signature;
    struct slice tid;
    struct slice oid;
    uint32_t reason;
};

static bool cancel_parse(struct slice in, struct cancel *ret_cancel)
{
    struct cancel c = {0};
    struct tlv tlv;

    if (!tlv_expect(&in, 0x30, &c.signed_part) || !tlv_expect(&in, 0x5F37, &tlv)) {
        return false;
    }
    c.signature = tlv.value;
    in = c.signed_part.value;
    if (!tlv_expect(&in, 0x80, &tlv)) {
        return false;
    }
    c.tid = tlv.value;
    if (!tlv_expect(&in, 0x81, &tlv)) {
        return false;
    }
    c.oid = tlv.value;
    if (!tlv_expect(&in, 0x82, &tlv) || !tlv_get_uint(tlv.value, &c.reason)) {
        return false;
    }
    *ret_cancel = c;
    return true;
}

static void order_cancel(struct smdp *smdp, const struct session *session, uint32_t reason,
                         struct reply *reply)
{
    struct order order = {0};
    bool later = reason == REASON_POSTPONED || reason == REASON_TIMEOUT;

    if (session->order[0] == '\0' || order_open(smdp->config.orders, session->order, &order) != ORDER_OK) {
        return;
    }
    order_set_state(&order, later ? ORDER_RELEASED : ORDER_ERROR);
    order_remember(&order, "cancelReason", json_integer(reason));
    reply_fact(reply, "order", json_string(order.name));
    if (!order_save(&order)) {
        reply_fail(reply, "8.8", "4.2", "the order's state cannot be written");
    }
    order_close(&order);
}

static void run(struct smdp *smdp, struct session *session, struct slice ok, struct reply *reply)
{
    const struct cred *dpauth = &smdp->store.at[session->server_curve][CRED_DPAUTH];
    struct cancel c;
    struct slice own = {0};

    if (!cancel_parse(ok, &c)) {
        reply_fail(reply, "1.6", "2.1", "cancelSessionResponse is malformed");
        return;
    }
    reply_fact(reply, "cancelReason", json_integer(c.reason));
    if (!slice_equal(c.tid, session_tid(session))) {
        reply_fail(reply, "8.10.1", "3.9", "transactionId in the signed part differs");
        return;
    }
    if (session->euicc_cert == NULL ||
        !cred_cert_verify(session->euicc_cert, c.signed_part.whole, c.signature)) {
        reply_fail(reply, "8.1", "6.1", "euiccCancelSessionSignature is invalid");
        return;
    }
    if (!cred_cert_registered_id(dpauth->cert, &own) || !slice_equal(own, c.oid)) {
        reply_fail(reply, "8.8", "3.10", "smdpOid is another server's");
        return;
    }
    order_cancel(smdp, session, c.reason, reply);
    session_end(&smdp->sessions, session);
}

void es9p_cancel_session(struct smdp *smdp, const json_t *request, const json_t *fault, struct reply *reply)
{
    struct session *session = reply_find_session(smdp, request, reply);
    struct tlvb bytes = TLVB_INIT;
    struct tlv outer;
    struct tlv inner;

    (void)fault;
    if (session == NULL) {
        return;
    }
    if (!json_get_base64(request, "cancelSessionResponse", &bytes) ||
        !tlv_only(tlvb_get(&bytes), 0xBF41, &outer)) {
        reply_fail(reply, "1.6", "2.1", "cancelSessionResponse is missing or malformed");
    } else if (tlv_only(outer.value, 0x81, &inner)) {
        reply_fail(reply, "8.10.1", "3.9", "the eUICC has no such session");
    } else if (!tlv_only(outer.value, 0xA0, &inner)) {
        reply_fail(reply, "1.6", "2.1", "cancelSessionResponse is malformed");
    } else {
        run(smdp, session, inner.value, reply);
    }
    tlvb_free(&bytes);
}
