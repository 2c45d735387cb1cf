// SPDX-License-Identifier: Apache-2.0
// ES9+ without a network, on the simulated SM-DP+'s own functions.
#include "tests/hostile/server.h"

#include "tests/sim/smdp/smdp.h"
#include "tests/sim/smdp/text.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct server {
    struct smdp smdp;
    char credentials[256], orders[256], address[256];
    char status[64];
    char tid[2 * SESSION_TID_SIZE + 1];
};

struct server *server_new(const char *credentials, const char *orders, const char *address)
{
    struct server *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    snprintf(s->credentials, sizeof s->credentials, "%s", credentials);
    snprintf(s->orders, sizeof s->orders, "%s", orders);
    snprintf(s->address, sizeof s->address, "%s", address);
    struct smdp_config config = {
        .credentials = s->credentials, .address = s->address, .orders = s->orders, .curve = CRED_CURVE_MAX};
    if (!smdp_open(&config, &s->smdp)) {
        free(s);
        return NULL;
    }
    return s;
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    smdp_close(&server->smdp);
    free(server);
}

// Takes the request. `names` and `parts` say which members of the answer are kept.
struct member {
    const char *name;
    enum part part;
};

static const char *call(struct server *s, const char *function, json_t *request, const char *fault_text,
                        const struct member *members, size_t count, struct tlvb parts[static PART_MAX])
{
    struct reply reply = {0};
    json_t *fault = fault_text != NULL ? json_loads(fault_text, 0, NULL) : NULL;
    bool ok = request != NULL && (fault_text == NULL || fault != NULL) &&
              smdp_call(&s->smdp, function, request, fault, &reply);
    json_decref(fault);
    json_decref(request);
    if (!ok)
        return "bad call";
    if (reply.subject != NULL)
        snprintf(s->status, sizeof s->status, "%s/%s", reply.subject, reply.reason);
    else
        snprintf(s->status, sizeof s->status, "%s", reply.status);
    for (size_t i = 0; reply.subject == NULL && i < count; i++) {
        struct tlvb *out = &parts[members[i].part];
        tlvb_free(out);
        *out = TLVB_INIT;
        if (!json_get_base64(reply.body, members[i].name, out))
            snprintf(s->status, sizeof s->status, "no %s", members[i].name);
    }
    const char *tid = json_get_text(reply.body, "transactionId", NULL);
    if (tid != NULL)
        snprintf(s->tid, sizeof s->tid, "%s", tid);
    reply_clear(&reply);
    return s->status;
}

const char *server_initiate(struct server *server, struct slice challenge, struct slice info1,
                            struct tlvb parts[static PART_MAX], uint8_t ret_tid[static SERVER_TID_SIZE])
{
    static const struct member members[] = {
        {"serverSigned1",       PART_SERVER_SIGNED1    },
        {"serverSignature1",    PART_SERVER_SIGNATURE1 },
        {"euiccCiPKIdToBeUsed", PART_CI_PK_ID          },
        {"serverCertificate",   PART_SERVER_CERTIFICATE},
    };
    json_t *request = json_pack("{s:s}", "smdpAddress", server->address);
    if (request == NULL || !json_put_base64(request, "euiccChallenge", challenge) ||
        !json_put_base64(request, "euiccInfo1", info1))
        return "no memory";
    const char *status = call(server, "initiateAuthentication", request, NULL, members,
                              sizeof members / sizeof members[0], parts);
    struct tlvb tid = TLVB_INIT;
    if (hex_decode(server->tid, &tid) && tid.len == SERVER_TID_SIZE)
        memcpy(ret_tid, tid.buf, tid.len);
    tlvb_free(&tid);
    return status;
}

static json_t *session_request(const struct server *server, const char *name, struct slice value)
{
    json_t *request = json_pack("{s:s}", "transactionId", server->tid);
    if (request != NULL && json_put_base64(request, name, value))
        return request;
    json_decref(request);
    return NULL;
}

const char *server_authenticate(struct server *server, struct slice authenticate_server_response,
                                struct tlvb parts[static PART_MAX])
{
    static const struct member members[] = {
        {"profileMetadata", PART_METADATA        },
        {"smdpSigned2",     PART_SMDP_SIGNED2    },
        {"smdpSignature2",  PART_SMDP_SIGNATURE2 },
        {"smdpCertificate", PART_SMDP_CERTIFICATE},
    };
    return call(server, "authenticateClient",
                session_request(server, "authenticateServerResponse", authenticate_server_response), NULL,
                members, sizeof members / sizeof members[0], parts);
}

const char *server_package(struct server *server, struct slice prepare_download_response, const char *fault,
                           struct tlvb parts[static PART_MAX])
{
    static const struct member members[] = {
        {"boundProfilePackage", PART_PACKAGE},
    };
    return call(server, "getBoundProfilePackage",
                session_request(server, "prepareDownloadResponse", prepare_download_response), fault, members,
                1, parts);
}

static const struct cred *own(const struct server *server, enum cred_name name)
{
    return &server->smdp.store.at[smdp_has_curve(&server->smdp, CRED_NIST) ? CRED_NIST : CRED_BRP][name];
}

static bool sign(const struct cred *cred, struct slice message, struct tlvb *out)
{
    uint8_t signature[CRED_SIGNATURE_SIZE];
    if (!cred_sign(cred->key, message, signature))
        return false;
    tlvb_free(out);
    *out = TLVB_INIT;
    tlvb_put(out, 0x5F37, signature, sizeof signature);
    return !out->failed;
}

bool server_sign1(struct server *server, struct tlvb parts[static PART_MAX])
{
    return sign(own(server, CRED_DPAUTH), tlvb_get(&parts[PART_SERVER_SIGNED1]),
                &parts[PART_SERVER_SIGNATURE1]);
}

bool server_sign2(struct server *server, struct slice authenticate_server_response,
                  struct tlvb parts[static PART_MAX])
{
    struct tlv outer, ok, signature;
    struct tlvb message = TLVB_INIT;
    if (!tlv_only(authenticate_server_response, 0xBF38, &outer) || !tlv_only(outer.value, 0xA0, &ok) ||
        !tlv_find(ok.value, 0x5F37, &signature))
        return false;
    tlvb_slice(&message, tlvb_get(&parts[PART_SMDP_SIGNED2]));
    tlvb_slice(&message, signature.whole);
    bool done =
        !message.failed && sign(own(server, CRED_DPPB), tlvb_get(&message), &parts[PART_SMDP_SIGNATURE2]);
    tlvb_free(&message);
    return done;
}

bool server_certificate(struct server *server, const char *alt_name, struct tlvb *out)
{
    X509 *cert = X509_dup(own(server, CRED_DPAUTH)->cert);
    int at = cert != NULL ? X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) : -1;
    bool ok = at >= 0;
    if (ok)
        X509_EXTENSION_free(X509_delete_ext(cert, at));
    if (ok && alt_name != NULL) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt_name);
        ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
        X509_EXTENSION_free(extension);
    }
    uint8_t *der = NULL;
    int len = ok && X509_sign(cert, own(server, CRED_CI)->key, EVP_sha256()) > 0 ? i2d_X509(cert, &der) : -1;
    tlvb_free(out);
    *out = TLVB_INIT;
    if (len > 0)
        tlvb_raw(out, der, (size_t)len);
    OPENSSL_free(der);
    X509_free(cert);
    return len > 0 && !out->failed;
}
