// SPDX-License-Identifier: Apache-2.0
// The SM-DP+ itself: ES9+ functions on JSON, without HTTP and TLS (SGP.22 v2.5, 5.6 and 6.5). In the role of
// an SM-DS it speaks ES11, whose two functions have the same names and paths (5.8).
#ifndef TESTS_SIM_SMDP_SMDP_H
#define TESTS_SIM_SMDP_SMDP_H

#include "tests/sim/common/cred.h"
#include "tests/sim/smdp/session.h"

#include <jansson.h>

enum smdp_role {
    SMDP_ROLE_SMDP,
    SMDP_ROLE_SMDS,
    SMDP_ROLE_MAX,
};

struct smdp_config {
    enum smdp_role role;
    const char *credentials; // folder
    const char *address;     // own FQDN, without port
    const char *orders;      // folder; of an SM-DP+
    const char *events;      // folder; of an SM-DS
    enum cred_curve curve;   // CRED_CURVE_MAX: both
    bool cc_is_hex;          // hash the confirmation code's digits as hex (some servers do)
    bool lax_names;          // do not hold eUICCs to their EUM's name constraints
};

// Not thread-safe: the caller serialises.
struct smdp {
    struct smdp_config config;
    struct cred_store store;
    struct session_table sessions;
};

// What a function answers. The handler adds to body and to facts (what goes into the log).
struct reply {
    int http;     // 200, or 204 with no body, or 400
    json_t *body; // never null
    json_t *facts;
    const char *status; // "Executed-Success" or "Failed"
    const char *subject;
    const char *reason;
};

typedef void es9p_function(struct smdp *smdp, const json_t *request, const json_t *fault,
                           struct reply *reply);

// Loads the credentials; false with the reason on standard error.
SIM_NODISCARD bool smdp_open(const struct smdp_config *config, struct smdp *ret_smdp);
void smdp_close(struct smdp *smdp);

// True when the curve is in use and has everything that RSP needs.
bool smdp_has_curve(const struct smdp *smdp, enum cred_curve curve);

// The certificate and key that sign serverSigned1: DPauth, or DSauth.
const struct cred *smdp_auth(const struct smdp *smdp, enum cred_curve curve);
// Those of TLS: DPtls, or DStls.
const struct cred *smdp_tls(const struct smdp *smdp, enum cred_curve curve);
// The subject code that this role uses.
const char *smdp_subject(const struct smdp *smdp, const char *smdp_code, const char *smds_code);

// Runs one ES9+ function. fault may be null; only its actions "bpp", "signed" and "v3" concern this
// layer. False when
// there is no such function. The caller clears the reply.
SIM_NODISCARD bool smdp_call(struct smdp *smdp, const char *function, const json_t *request,
                             const json_t *fault, struct reply *ret_reply);
void reply_clear(struct reply *reply);

// For the handlers. Codes are string literals ("8.2.6", "3.8").
void reply_fail(struct reply *reply, const char *subject, const char *reason, const char *message);
void reply_fact(struct reply *reply, const char *name, json_t *value);

// The session of the request's transactionId; null after having failed the reply with 8.10.1/3.9.
struct session *reply_find_session(struct smdp *smdp, const json_t *request, struct reply *reply);

// The chain an eUICC presents, checked: null and a failed reply, or the eUICC's certificate for the caller to
// free.
X509 *chain_check(const struct smdp *smdp, struct slice euicc_der, struct slice eum_der, struct reply *reply);

// SHA256(SHA256(code) || transactionId), 32 bytes (SGP.22 v2.5, 4.7). as_hex: the code's digits are
// hexadecimal, as some servers take them; otherwise they are characters.
SIM_NODISCARD bool confirmation_code_hash(const char *code, bool as_hex, struct slice tid, uint8_t *ret_hash);

es9p_function es9p_initiate_authentication;
es9p_function es9p_authenticate_client;
es9p_function es9p_get_bound_profile_package;
es9p_function es9p_handle_notification;
es9p_function es9p_cancel_session;

#endif
