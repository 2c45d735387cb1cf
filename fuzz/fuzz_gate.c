// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what passes the gate on the way to AuthenticateServer and PrepareDownload. The first octet
// says which; then come the values, each behind two octets of length.
//
// Whatever passes is exactly one TLV of its kind, answers this session's challenge and address, and is made
// by a server whose certificate says what it may do.
#include "fuzz/fuzz.h"

#include "cardd/certificate.h"
#include "cardd/gate.h"
#include "rsp/host.h"

#define ADDRESS "smdp.example.com"

static const uint8_t challenge[GATE_CHALLENGE_SIZE] = {0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1,
                                                       0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1};
static const uint8_t pk_id[] = {0x04, 0x04, 0xF5, 0x41, 0x72, 0xBD};
// EUICCInfo1 with that key for signing and another one for verification.
static const uint8_t info1[] = {0xBF, 0x20, 0x15, 0x82, 0x03, 0x02, 0x05, 0x00, 0xA9, 0x06, 0x04, 0x04,
                                0x01, 0x02, 0x03, 0x04, 0xAA, 0x06, 0x04, 0x04, 0xF5, 0x41, 0x72, 0xBD};
static const struct gate_transaction_id tid = {
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    16
};

static struct bytes take_value(struct bytes *rest)
{
    if (rest->len < 2)
        return bytes_make(rest->data, 0);
    size_t len = (size_t)rest->data[0] << 8 | rest->data[1];
    *rest = bytes_make(rest->data + 2, rest->len - 2);
    struct bytes v = bytes_make(rest->data, len < rest->len ? len : rest->len);
    *rest = bytes_make(rest->data + v.len, rest->len - v.len);
    return v;
}

static bool is_one(struct bytes v, der_tag tag)
{
    struct der_tlv tlv;
    return der_read_only(v, tag, &tlv) == ERR_OK && tlv.whole.len == v.len;
}

static void check_server(struct bytes rest, bool pinned)
{
    struct gate_authenticate_server values;
    struct gate_expected_server expected = {.euicc_info1 = bytes_make(info1, sizeof info1),
                                            .smdp_oid = pinned ? "2.999.10" : NULL,
                                            .address = ADDRESS};
    struct gate_server server;
    memcpy(expected.challenge, challenge, sizeof challenge);
    values.server_signed1 = take_value(&rest);
    values.server_signature1 = take_value(&rest);
    values.euicc_ci_pk_id = take_value(&rest);
    values.server_certificate = take_value(&rest);
    enum gate_verdict v = gate_check_authenticate_server(&values, &expected, &server);
    FUZZ_CHECK(v < GATE_VERDICT_MAX && gate_words(v) != NULL);
    if (v != GATE_OK)
        return;
    FUZZ_CHECK(is_one(values.server_signed1, 0x30) && is_one(values.server_signature1, 0x5F37) &&
               is_one(values.server_certificate, 0x30));
    FUZZ_CHECK(bytes_equal(values.euicc_ci_pk_id, bytes_make(pk_id, sizeof pk_id)));
    FUZZ_CHECK(values.server_signature1.len == GATE_SIGNATURE_TLV_SIZE);
    FUZZ_CHECK(server.transaction_id.len >= 1 && server.transaction_id.len <= GATE_TRANSACTION_ID_MAX);
    FUZZ_CHECK(host_text_equal(bytes_from_text(server.address), bytes_from_text(ADDRESS)));
    FUZZ_CHECK(oid_text_valid(bytes_from_text(server.smdp_oid)));
    FUZZ_CHECK(!pinned || strcmp(server.smdp_oid, "2.999.10") == 0);
}

static void check_prepare(struct bytes rest)
{
    const struct gate_server server = {.transaction_id = tid, .smdp_oid = "2.999.10"};
    struct gate_prepare_download values;
    struct certificate_facts facts;
    bool required;
    values.smdp_signed2 = take_value(&rest);
    values.smdp_signature2 = take_value(&rest);
    values.smdp_certificate = take_value(&rest);
    enum gate_verdict v = gate_check_prepare_download(&values, &server, &required);
    FUZZ_CHECK(v < GATE_VERDICT_MAX && (v == GATE_OK) == (gate_error(v) == ERR_OK));
    if (v != GATE_OK)
        return;
    FUZZ_CHECK(is_one(values.smdp_signed2, 0x30) && is_one(values.smdp_signature2, 0x5F37));
    FUZZ_CHECK(certificate_read(values.smdp_certificate, &facts) == ERR_OK &&
               (facts.roles & CERTIFICATE_DP_PB) != 0 && strcmp(facts.oid, server.smdp_oid) == 0);
}

static void check_crl(struct bytes whole)
{
    struct gate_crl crl;
    if (gate_check_crl(whole, &crl) == GATE_OK)
        FUZZ_CHECK(is_one(whole, 0x30) && crl.content.len > 0 && whole.len <= GATE_CRL_MAX &&
                   crl.content.data + crl.content.len == whole.data + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes rest = bytes_make(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0: check_server(rest, false); break;
    case 1: check_server(rest, true); break;
    case 2: check_prepare(rest); break;
    default: check_crl(rest); break;
    }
    return 0;
}
