// SPDX-License-Identifier: Apache-2.0
// LoadCRL (SGP.22 v2.5, 5.7.12), and what the loaded lists revoke.
#include "tests/sim/euicc/es10.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

enum crl_error {
    CRL_OK = 0,
    CRL_INVALID_SIGNATURE = 1,
    CRL_INVALID_FORMAT = 2,
    CRL_MEMORY = 3,
    CRL_KEY_NOT_FOUND = 4,
    CRL_FRESHER_LOADED = 5,
    CRL_BASE_MISSING = 6,
    CRL_UNDEFINED = 127,
};

// id-rspExt 2 and 3, of a list that comes in parts.
static const char OID_TOTAL[] = "2.23.146.1.2.0.2";
static const char OID_PART[] = "2.23.146.1.2.0.3";

enum { PARTS_MAX = 32 };

// What a list says about itself.
struct crl_facts {
    const struct cred *ci;
    struct slice ci_id;
    uint32_t number;
    bool is_delta;
    uint32_t base;
    uint32_t total; // 0: not in parts
    uint32_t part;
};

static bool integer_get(const ASN1_INTEGER *integer, uint32_t *ret_number)
{
    uint64_t number = 0;
    if (integer == NULL || ASN1_INTEGER_get_uint64(&number, integer) != 1 || number > UINT32_MAX) {
        return false;
    }
    *ret_number = (uint32_t)number;
    return true;
}

// A CRL number or delta base; false also when it is there and is none.
static bool number_get(X509_CRL *crl, int nid, bool *ret_present, uint32_t *ret_number)
{
    int critical = -1;
    ASN1_INTEGER *integer = X509_CRL_get_ext_d2i(crl, nid, &critical, NULL);
    *ret_present = integer != NULL;
    bool good = integer != NULL ? integer_get(integer, ret_number) : critical == -1;
    ASN1_INTEGER_free(integer);
    return good;
}

// An INTEGER extension of the RSP's own.
static bool rsp_number_get(X509_CRL *crl, const char *oid, uint32_t *ret_number)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int at = object == NULL ? -1 : X509_CRL_get_ext_by_OBJ(crl, object, -1);
    ASN1_OBJECT_free(object);
    if (at < 0) {
        return true;
    }
    const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(X509_CRL_get_ext(crl, at));
    struct tlv tlv;
    return tlv_only(slice_of(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data)), 0x02, &tlv) &&
           tlv_get_uint(tlv.value, ret_number) && *ret_number > 0;
}

static bool facts_read(X509_CRL *crl, struct crl_facts *facts)
{
    bool numbered = false;
    if (!number_get(crl, NID_crl_number, &numbered, &facts->number) || !numbered ||
        !number_get(crl, NID_delta_crl, &facts->is_delta, &facts->base) ||
        !rsp_number_get(crl, OID_TOTAL, &facts->total) || !rsp_number_get(crl, OID_PART, &facts->part)) {
        return false;
    }
    return facts->total <= PARTS_MAX && facts->part <= facts->total &&
           (facts->total == 0) == (facts->part == 0);
}

// The CI whose key identifier the list names.
static bool issuer_find(const struct card *card, X509_CRL *crl, struct crl_facts *facts)
{
    AUTHORITY_KEYID *id = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
    for (enum cred_curve curve = CRED_NIST; id != NULL && id->keyid != NULL && curve < CRED_CURVE_MAX;
         curve++) {
        const struct cred *ci = &card->creds.at[curve][CRED_CI];
        struct slice ski;
        if (cred_present(ci) && cred_cert_ski(ci->cert, &ski) &&
            slice_equal(ski,
                        slice_of(ASN1_STRING_get0_data(id->keyid), (size_t)ASN1_STRING_length(id->keyid)))) {
            facts->ci = ci;
            facts->ci_id = ski;
        }
    }
    AUTHORITY_KEYID_free(id);
    return facts->ci != NULL;
}

static struct crl *store_find(struct state *state, struct slice ci_id)
{
    for (size_t i = 0; i < state->crls_count; i++) {
        if (slice_equal(slice_of(state->crls[i].ci, sizeof state->crls[i].ci), ci_id)) {
            return &state->crls[i];
        }
    }
    return NULL;
}

static enum crl_error facts_check(struct state *state, const struct crl_facts *facts)
{
    const struct crl *stored = store_find(state, facts->ci_id);
    if (stored != NULL && stored->number > facts->number) {
        return CRL_FRESHER_LOADED;
    }
    if (facts->is_delta && (stored == NULL || stored->number < facts->base)) {
        return CRL_BASE_MISSING;
    }
    if (stored == NULL && (state->crls_count == CRLS_MAX || facts->ci_id.len != sizeof stored->ci)) {
        return CRL_MEMORY;
    }
    return CRL_OK;
}

static bool serials_add(struct crl *stored, X509_CRL *crl)
{
    STACK_OF(X509_REVOKED) *revoked = X509_CRL_get_REVOKED(crl);
    for (int i = 0; i < sk_X509_REVOKED_num(revoked); i++) {
        const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(revoked, i));
        struct slice bytes = slice_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
        if (stored->serials_count == SERIALS_MAX || bytes.len > SERIAL_SIZE) {
            return false;
        }
        struct serial *slot = &stored->serials[stored->serials_count++];
        memcpy(slot->bytes, bytes.data, bytes.len);
        slot->len = bytes.len;
    }
    return true;
}

// A newer list takes the place of the one before; a delta and the parts of one list add up.
static enum crl_error store_take(struct card *card, X509_CRL *crl, const struct crl_facts *facts,
                                 uint32_t *ret_parts)
{
    struct crl *stored = store_find(&card->state, facts->ci_id);
    struct crl next = {0};
    if (stored != NULL && (facts->is_delta || stored->number == facts->number)) {
        next = *stored;
    }
    memcpy(next.ci, facts->ci_id.data, sizeof next.ci);
    next.number = facts->number;
    next.total = facts->total;
    next.parts |= facts->part == 0 ? 0 : UINT32_C(1) << (facts->part - 1);
    if (!serials_add(&next, crl)) {
        return CRL_MEMORY;
    }
    if (stored == NULL) {
        stored = &card->state.crls[card->state.crls_count++];
    }
    *stored = next;
    *ret_parts = next.parts;
    card_commit(card);
    return CRL_OK;
}

static enum crl_error crl_load(struct card *card, X509_CRL *crl, struct crl_facts *facts, uint32_t *ret_parts)
{
    if (crl == NULL || !facts_read(crl, facts)) {
        return CRL_INVALID_FORMAT;
    }
    if (!issuer_find(card, crl, facts)) {
        return CRL_KEY_NOT_FOUND;
    }
    if (X509_CRL_verify(crl, X509_get0_pubkey(facts->ci->cert)) != 1) {
        return CRL_INVALID_SIGNATURE;
    }
    enum crl_error error = facts_check(&card->state, facts);
    return error == CRL_OK ? store_take(card, crl, facts, ret_parts) : error;
}

static void ok_put(const struct crl_facts *facts, uint32_t parts, struct tlvb *out)
{
    size_t ok = tlvb_open(out);
    size_t missing = tlvb_open(out);
    size_t empty = out->len;
    for (uint32_t part = 1; part <= facts->total; part++) {
        if ((parts & UINT32_C(1) << (part - 1)) == 0) {
            tlvb_put_uint(out, 0x02, part);
        }
    }
    if (out->len > empty) {
        tlvb_close(out, missing, 0xA0);
    }
    tlvb_close(out, ok, 0xA0);
}

uint16_t es10_load_crl(struct card *card, struct slice value, struct tlvb *out)
{
    struct tlv list;
    struct tlvb der = TLVB_INIT;
    struct crl_facts facts = {0};
    uint32_t parts = 0;
    if (!card->state.crl_support || !tlv_only(value, 0xA0, &list)) {
        return SW_DATA;
    }
    // The tag of the alternative stands in place of the list's own.
    tlvb_put_slice(&der, 0x30, list.value);
    const unsigned char *at = der.buf;
    X509_CRL *crl = der.failed ? NULL : d2i_X509_CRL(NULL, &at, (long)der.len);
    if (crl != NULL && at != der.buf + der.len) {
        X509_CRL_free(crl);
        crl = NULL;
    }
    enum crl_error error = crl_load(card, crl, &facts, &parts);
    ERR_clear_error();
    size_t response = tlvb_open(out);
    if (error == CRL_OK) {
        ok_put(&facts, parts, out);
    } else {
        tlvb_put_uint(out, 0x81, (uint32_t)error);
    }
    tlvb_close(out, response, ES10_LOAD_CRL);
    es10_note(card, "result", (unsigned)error);
    X509_CRL_free(crl);
    tlvb_free(&der);
    return SW_OK;
}

bool crl_revokes(const struct state *state, struct slice ci_id, X509 *cert)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    struct slice wanted = slice_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    for (size_t i = 0; i < state->crls_count; i++) {
        const struct crl *stored = &state->crls[i];
        for (size_t k = 0; k < stored->serials_count; k++) {
            if (slice_equal(slice_of(stored->ci, sizeof stored->ci), ci_id) &&
                slice_equal(slice_of(stored->serials[k].bytes, stored->serials[k].len), wanted)) {
                return true;
            }
        }
    }
    return false;
}
