// SPDX-License-Identifier: Apache-2.0
// The gate but for the package, which is gate_package.c: AuthenticateServer, PrepareDownload, revocation
// lists.
#include "cardd/gate.h"

#include "cardd/certificate.h"
#include "rsp/host.h"

#include <string.h>

#define TAG_SEQUENCE       0x30
#define TAG_SIGNATURE      0x5F37
#define TAG_PK_ID          0x04
#define TAG_TRANSACTION_ID 0x80
#define TAG_OTPK           0x5F49
#define POINT_SIZE         65

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    enum err error;
    const char *words;
} verdicts[GATE_VERDICT_MAX] = {
    [GATE_OK] = {ERR_OK,              "it is as it must be"                                                },
    [GATE_SIGNED1_SHAPE] = {ERR_DER_VALUE,       "serverSigned1 is malformed"                                         },
    [GATE_SIGNED1_CHALLENGE] = {ERR_REMOTE_MISMATCH, "serverSigned1 does not answer this card's challenge"                },
    [GATE_SIGNED1_ADDRESS] = {ERR_REMOTE_MISMATCH,
                 "serverSigned1 names another server than the one of this session"                         },
    [GATE_SIGNATURE_SHAPE] = {ERR_DER_VALUE,       "the server's signature is malformed"                                },
    [GATE_CI_PK_ID_SHAPE] = {ERR_DER_VALUE,       "euiccCiPKIdToBeUsed is malformed"                                   },
    [GATE_CI_PK_ID_UNKNOWN] = {ERR_REMOTE_MISMATCH,
                 "the card cannot sign for the certificate issuer that the server chose"                   },
    [GATE_CERTIFICATE_SHAPE] = {ERR_DER_VALUE,
                 "the server's certificate is malformed, or names no server or several"                    },
    [GATE_CERTIFICATE_ROLE] = {ERR_REMOTE_MISMATCH, "the server's certificate was made for another purpose"              },
    [GATE_CERTIFICATE_OID] = {ERR_REMOTE_MISMATCH,
                 "the server is not the SM-DP+ that the activation code asks for"                          },
    [GATE_CERTIFICATE_CHANGED] =
        {ERR_REMOTE_MISMATCH,
                 "the package's certificate belongs to another SM-DP+ than the one that was authenticated" },
    [GATE_SIGNED2_SHAPE] = {ERR_DER_VALUE,       "smdpSigned2 is malformed"                                           },
    [GATE_SIGNED2_TRANSACTION] = {ERR_REMOTE_MISMATCH, "smdpSigned2 belongs to another transaction"                         },
    [GATE_PACKAGE_SHAPE] = {ERR_DER_VALUE,
                 "the Bound Profile Package holds something that its grammar does not"                     },
    [GATE_PACKAGE_OPERATION] = {ERR_REMOTE_MISMATCH,
                 "the Bound Profile Package asks for another operation than an installation"               },
    [GATE_PACKAGE_TRANSACTION] = {ERR_REMOTE_MISMATCH,
                 "the Bound Profile Package belongs to another transaction"                                },
    [GATE_PACKAGE_METADATA] = {ERR_DER_VALUE,       "the metadata in the Bound Profile Package is malformed"             },
    [GATE_PACKAGE_SIZE] = {ERR_LIMIT,           "the Bound Profile Package has more or larger parts than lpad admits"},
    [GATE_CRL_SHAPE] = {ERR_INPUT,           "this is not one certificate revocation list in DER"                 },
    [GATE_CRL_SIZE] = {ERR_LIMIT,           "the revocation list is longer than lpad admits"                     },
};

enum err gate_error(enum gate_verdict v)
{
    LPAD_ASSERT(v < GATE_VERDICT_MAX);
    return verdicts[v].error;
}

const char *gate_words(enum gate_verdict v)
{
    LPAD_ASSERT(v < GATE_VERDICT_MAX);
    return verdicts[v].words;
}

static bool is_signature(struct bytes tlv)
{
    struct der_tlv s;
    return der_read_only(tlv, TAG_SIGNATURE, &s) == ERR_OK && s.whole.len == GATE_SIGNATURE_TLV_SIZE;
}

static bool get_transaction_id(struct bytes value, struct gate_transaction_id *ret_id)
{
    if (value.len == 0 || value.len > GATE_TRANSACTION_ID_MAX)
        return false;
    memcpy(ret_id->bytes, value.data, value.len);
    ret_id->len = value.len;
    return true;
}

static enum gate_verdict check_signed1(struct bytes tlv, const struct gate_expected_server *expected,
                                       struct gate_server *ret_server)
{
    struct der_field fields[] = {
        {.tag = TAG_TRANSACTION_ID, .mandatory = true},
        {.tag = 0x81,               .mandatory = true}, // euiccChallenge
        {.tag = 0x83,               .mandatory = true}, // serverAddress
        {.tag = 0x84,               .mandatory = true}, // serverChallenge
    };
    struct der_tlv signed1;
    if (der_read_only(tlv, TAG_SEQUENCE, &signed1) != ERR_OK ||
        der_read_fields(signed1.value, fields, COUNT(fields)) != ERR_OK)
        return GATE_SIGNED1_SHAPE;
    struct bytes challenge = fields[1].tlv.value, address = fields[2].tlv.value;
    if (!get_transaction_id(fields[0].tlv.value, &ret_server->transaction_id) ||
        challenge.len != GATE_CHALLENGE_SIZE || fields[3].tlv.value.len != GATE_CHALLENGE_SIZE ||
        address.len == 0 || address.len > GATE_ADDRESS_MAX || !utf8_valid(address))
        return GATE_SIGNED1_SHAPE;
    if (!bytes_equal(challenge, bytes_make(expected->challenge, GATE_CHALLENGE_SIZE)))
        return GATE_SIGNED1_CHALLENGE;
    if (!host_text_equal(address, bytes_from_text(expected->address)))
        return GATE_SIGNED1_ADDRESS;
    memcpy(ret_server->address, address.data, address.len);
    ret_server->address[address.len] = 0;
    return GATE_OK;
}

// EUICCInfo1 (5.7.8): AA is the list of the CI keys for which the card has certificates of its own.
static enum gate_verdict check_ci_pk_id(struct bytes tlv, struct bytes euicc_info1)
{
    struct der_tlv id, info, listed;
    struct der_field signing = {.tag = 0xAA, .mandatory = true};
    if (der_read_only(tlv, TAG_PK_ID, &id) != ERR_OK || id.value.len == 0)
        return GATE_CI_PK_ID_SHAPE;
    if (der_read_only_lax(euicc_info1, 0xBF20, &info) != ERR_OK ||
        der_read_fields_lax(info.value, &signing, 1) != ERR_OK)
        return GATE_CI_PK_ID_UNKNOWN;
    struct bytes list = signing.tlv.value;
    while (list.len > 0 && der_read_lax(&list, &listed) == ERR_OK)
        if (listed.tag == TAG_PK_ID && bytes_equal(listed.value, id.value))
            return GATE_OK;
    return GATE_CI_PK_ID_UNKNOWN;
}

enum gate_verdict gate_check_authenticate_server(const struct gate_authenticate_server *values,
                                                 const struct gate_expected_server *expected,
                                                 struct gate_server *ret_server)
{
    struct gate_server server = {0};
    enum gate_verdict v = check_signed1(values->server_signed1, expected, &server);
    if (v != GATE_OK)
        return v;
    if (!is_signature(values->server_signature1))
        return GATE_SIGNATURE_SHAPE;
    v = check_ci_pk_id(values->euicc_ci_pk_id, expected->euicc_info1);
    if (v != GATE_OK)
        return v;
    struct certificate_facts facts;
    if (certificate_read(values->server_certificate, &facts) != ERR_OK)
        return GATE_CERTIFICATE_SHAPE;
    // One of the two: what follows differs.
    const uint32_t role = facts.roles & (CERTIFICATE_DP_AUTH | CERTIFICATE_DS_AUTH);
    if (role != CERTIFICATE_DP_AUTH && role != CERTIFICATE_DS_AUTH)
        return GATE_CERTIFICATE_ROLE;
    server.is_discovery = role == CERTIFICATE_DS_AUTH;
    memcpy(server.smdp_oid, facts.oid, sizeof facts.oid);
    if (expected->smdp_oid != NULL && strcmp(expected->smdp_oid, server.smdp_oid) != 0)
        return GATE_CERTIFICATE_OID;
    *ret_server = server;
    return GATE_OK;
}

enum gate_verdict gate_check_prepare_download(const struct gate_prepare_download *values,
                                              const struct gate_server *server,
                                              bool *ret_confirmation_code_required)
{
    struct der_field fields[] = {
        {.tag = TAG_TRANSACTION_ID, .mandatory = true},
        {.tag = 0x01,                         .mandatory = true}, // ccRequiredFlag
        {.tag = TAG_OTPK}, // bppEuiccOtpk
    };
    struct der_tlv signed2;
    struct certificate_facts facts;
    bool required;
    if (der_read_only(values->smdp_signed2, TAG_SEQUENCE, &signed2) != ERR_OK ||
        der_read_fields(signed2.value, fields, COUNT(fields)) != ERR_OK ||
        der_get_bool(fields[1].tlv.value, &required) != ERR_OK ||
        (fields[2].present && fields[2].tlv.value.len != POINT_SIZE))
        return GATE_SIGNED2_SHAPE;
    if (!bytes_equal(fields[0].tlv.value, gate_transaction_view(&server->transaction_id)))
        return GATE_SIGNED2_TRANSACTION;
    if (!is_signature(values->smdp_signature2))
        return GATE_SIGNATURE_SHAPE;
    if (certificate_read(values->smdp_certificate, &facts) != ERR_OK)
        return GATE_CERTIFICATE_SHAPE;
    if ((facts.roles & CERTIFICATE_DP_PB) == 0)
        return GATE_CERTIFICATE_ROLE;
    if (strcmp(facts.oid, server->smdp_oid) != 0)
        return GATE_CERTIFICATE_CHANGED;
    *ret_confirmation_code_required = required;
    return GATE_OK;
}

enum gate_verdict gate_check_crl(struct bytes crl, struct gate_crl *ret_crl)
{
    struct der_tlv outer, part;
    if (crl.len > GATE_CRL_MAX)
        return GATE_CRL_SIZE;
    if (der_read_only(crl, TAG_SEQUENCE, &outer) != ERR_OK)
        return GATE_CRL_SHAPE;
    struct bytes rest = outer.value;
    if (der_read_tag(&rest, TAG_SEQUENCE, &part) != ERR_OK || part.value.len == 0 ||
        der_read_tag(&rest, TAG_SEQUENCE, &part) != ERR_OK || der_read_tag(&rest, 0x03, &part) != ERR_OK ||
        der_end(rest) != ERR_OK)
        return GATE_CRL_SHAPE;
    *ret_crl = (struct gate_crl){.content = outer.value};
    return GATE_OK;
}
