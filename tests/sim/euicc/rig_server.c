// SPDX-License-Identifier: Apache-2.0
// As much of an SM-DP+ as a card can tell, for the simulated eUICC's tests.
#include "tests/sim/euicc/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

static const char ADDRESS[] = "smdp.example.com";
static const char HOST_ID[] = "smdp.example.com";
static const uint8_t CTX_PARAMS1[] = {0xA0, 0x0C, 0x80, 0x00, 0xA1, 0x08, 0x80,
                                      0x04, 0x53, 0x96, 0x83, 0x30, 0xA1, 0x00};

static const struct cred *own(const struct server_side *server, enum cred_name name)
{
    return &server->creds.at[server->curve][name];
}

void server_init(struct server_side *server, const char *credentials, enum cred_curve curve)
{
    char why[256];
    *server = (struct server_side){.curve = curve};
    assert_true(cred_store_load(credentials, why, sizeof why, &server->creds));
    assert_true(cred_present(own(server, CRED_DPAUTH)) && cred_present(own(server, CRED_DPPB)));
}

void server_free(struct server_side *server)
{
    cred_store_free(&server->creds);
    EVP_PKEY_free(server->otsk);
    X509_free(server->euicc);
    *server = (struct server_side){0};
}

static void challenge_get(struct server_side *server, struct rig *rig)
{
    static const uint8_t command[] = {0xBF, 0x2E, 0x00};
    struct tlvb out = TLVB_INIT;
    struct tlv response;
    struct tlv challenge;
    assert_int_equal(rig_es10(rig, slice_of(command, sizeof command), &out), 0x9000);
    assert_true(tlv_only(tlvb_get(&out), 0xBF2E, &response) && tlv_only(response.value, 0x80, &challenge));
    assert_int_equal(challenge.value.len, 16);
    memcpy(server->challenge, challenge.value.data, 16);
    tlvb_free(&out);
}

void server_authenticate_make(struct server_side *server, struct tlvb *command)
{
    struct slice ski;
    uint8_t signature[64];
    assert_int_equal(RAND_bytes(server->tid, 16), 1);
    assert_int_equal(RAND_bytes(server->server_challenge, 16), 1);
    size_t whole = tlvb_open(command);
    size_t signed1 = tlvb_open(command);
    tlvb_put(command, 0x80, server->tid, 16);
    tlvb_put(command, 0x81, server->challenge, 16);
    tlvb_put_string(command, 0x83, ADDRESS);
    tlvb_put(command, 0x84, server->server_challenge, 16);
    tlvb_close(command, signed1, 0x30);
    assert_true(cred_sign(own(server, CRED_DPAUTH)->key, tlvb_since(command, signed1), signature));
    tlvb_put(command, 0x5F37, signature, sizeof signature);
    assert_true(cred_cert_ski(own(server, CRED_CI)->cert, &ski));
    tlvb_put_slice(command, 0x04, ski);
    tlvb_slice(command, cred_der(own(server, CRED_DPAUTH)));
    tlvb_raw(command, CTX_PARAMS1, sizeof CTX_PARAMS1);
    tlvb_close(command, whole, 0xBF38);
    assert_false(command->failed);
}

unsigned server_authenticate_raw(struct server_side *server, struct rig *rig, struct tlvb *out)
{
    struct tlvb command = TLVB_INIT;
    server_authenticate_make(server, &command);
    unsigned sw = rig_es10(rig, tlvb_get(&command), out);
    tlvb_free(&command);
    return sw;
}

// What an SM-DP+ checks: chain, signature, its own values, and the EID.
static void authenticate_check(struct server_side *server, struct slice ok)
{
    struct tlv signed1;
    struct tlv signature;
    struct tlv euicc;
    struct tlv eum;
    struct tlv tlv;
    char digits[40];
    size_t len = 0;
    assert_true(tlv_expect(&ok, 0x30, &signed1) && tlv_expect(&ok, 0x5F37, &signature) &&
                tlv_expect(&ok, 0x30, &euicc) && tlv_expect(&ok, 0x30, &eum));
    assert_int_equal(ok.len, 0);
    X509 *eum_cert = cred_cert_parse(eum.whole);
    X509_free(server->euicc);
    server->euicc = cred_cert_parse(euicc.whole);
    assert_non_null(eum_cert);
    assert_non_null(server->euicc);
    assert_int_equal(cred_check_eum(eum_cert, own(server, CRED_CI)->cert, NULL), CRED_FAULT_NONE);
    assert_int_equal(cred_check_euicc(server->euicc, eum_cert, true, NULL), CRED_FAULT_NONE);
    X509_free(eum_cert);
    assert_true(cred_cert_verify(server->euicc, signed1.whole, signature.value));
    memcpy(server->euicc_signature1, signature.value.data, 64);
    assert_true(tlv_find(signed1.value, 0x80, &tlv));
    assert_true(slice_equal(tlv.value, slice_of(server->tid, 16)));
    assert_true(tlv_find(signed1.value, 0x84, &tlv));
    assert_true(slice_equal(tlv.value, slice_of(server->server_challenge, 16)));
    assert_true(tlv_find(signed1.value, 0xBF22, &tlv));
    assert_true(tlv_find(signed1.value, 0xA0, &tlv));
    assert_true(slice_equal(tlv.whole, slice_of(CTX_PARAMS1, sizeof CTX_PARAMS1)));
    assert_true(cred_cert_subject(server->euicc, NID_serialNumber, digits, sizeof digits));
    assert_int_equal(OPENSSL_hexstr2buf_ex(server->eid, 16, &len, digits, '\0'), 1);
}

void server_authenticate(struct server_side *server, struct rig *rig)
{
    struct tlvb out = TLVB_INIT;
    struct tlv response;
    struct tlv ok;
    challenge_get(server, rig);
    assert_int_equal(server_authenticate_raw(server, rig, &out), 0x9000);
    assert_true(tlv_only(tlvb_get(&out), 0xBF38, &response) && tlv_only(response.value, 0xA0, &ok));
    authenticate_check(server, ok.value);
    tlvb_free(&out);
}

void server_prepare_make(struct server_side *server, bool bound, struct tlvb *command)
{
    struct tlvb message = TLVB_INIT;
    uint8_t no = 0;
    size_t whole = tlvb_open(command);
    size_t signed2 = tlvb_open(command);
    tlvb_put(command, 0x80, server->tid, 16);
    tlvb_put(command, 0x01, &no, 1);
    if (bound) {
        tlvb_put(command, 0x5F49, server->euicc_otpk, CRED_POINT_SIZE);
    }
    tlvb_close(command, signed2, 0x30);
    tlvb_slice(&message, tlvb_since(command, signed2));
    tlvb_put(&message, 0x5F37, server->euicc_signature1, 64);
    assert_true(cred_sign(own(server, CRED_DPPB)->key, tlvb_get(&message), server->smdp_signature2));
    tlvb_put(command, 0x5F37, server->smdp_signature2, 64);
    tlvb_slice(command, cred_der(own(server, CRED_DPPB)));
    tlvb_close(command, whole, 0xBF21);
    tlvb_free(&message);
}

void server_prepare(struct server_side *server, struct rig *rig, bool bound)
{
    struct tlvb command = TLVB_INIT;
    struct tlvb out = TLVB_INIT;
    struct tlvb message = TLVB_INIT;
    struct tlv response;
    struct tlv ok;
    struct tlv signed2;
    struct tlv signature;
    struct tlv otpk;
    server_prepare_make(server, bound, &command);
    assert_int_equal(rig_es10(rig, tlvb_get(&command), &out), 0x9000);
    assert_true(tlv_only(tlvb_get(&out), 0xBF21, &response) && tlv_only(response.value, 0xA0, &ok));
    struct slice rest = ok.value;
    assert_true(tlv_expect(&rest, 0x30, &signed2) && tlv_expect(&rest, 0x5F37, &signature));
    tlvb_slice(&message, signed2.whole);
    tlvb_put(&message, 0x5F37, server->smdp_signature2, 64);
    assert_true(cred_cert_verify(server->euicc, tlvb_get(&message), signature.value));
    assert_true(tlv_find(signed2.value, 0x5F49, &otpk));
    assert_int_equal(otpk.value.len, CRED_POINT_SIZE);
    memcpy(server->euicc_otpk, otpk.value.data, CRED_POINT_SIZE);
    tlvb_free(&command);
    tlvb_free(&out);
    tlvb_free(&message);
}

static void keys_make(struct server_side *server)
{
    uint8_t shared[CRED_SHARED_SIZE];
    EVP_PKEY_free(server->otsk);
    server->otsk = cred_key_new(server->curve);
    EVP_PKEY *peer = cred_key_from_point(server->curve, slice_of(server->euicc_otpk, CRED_POINT_SIZE));
    assert_non_null(server->otsk);
    assert_non_null(peer);
    assert_true(cred_ecka(server->otsk, peer, shared));
    assert_true(bsp_derive(slice_of(shared, sizeof shared), slice_of(HOST_ID, strlen(HOST_ID)), server->eid,
                           &server->bsp));
    EVP_PKEY_free(peer);
}

static void channel_put(struct server_side *server, struct tlvb *out)
{
    uint8_t point[CRED_POINT_SIZE];
    uint8_t signature[64];
    uint8_t one = 1;
    uint8_t type = 0x88;
    uint8_t len = 0x10;
    struct tlvb message = TLVB_INIT;
    size_t channel = tlvb_open(out);
    tlvb_put(out, 0x82, &one, 1);
    tlvb_put(out, 0x80, server->tid, 16);
    size_t crt = tlvb_open(out);
    tlvb_put(out, 0x80, &type, 1);
    tlvb_put(out, 0x81, &len, 1);
    tlvb_put_string(out, 0x84, HOST_ID);
    tlvb_close(out, crt, 0xA6);
    assert_true(cred_key_point(server->otsk, point));
    tlvb_put(out, 0x5F49, point, sizeof point);
    tlvb_slice(&message, tlvb_since(out, channel));
    tlvb_put(&message, 0x5F49, server->euicc_otpk, CRED_POINT_SIZE);
    assert_true(cred_sign(own(server, CRED_DPPB)->key, tlvb_get(&message), signature));
    tlvb_put(out, 0x5F37, signature, sizeof signature);
    tlvb_close(out, channel, 0xBF23);
    tlvb_free(&message);
}

static void segment_end(struct package *package)
{
    assert_true(package->count < RIG_SEGMENTS);
    package->at[++package->count] = package->bytes.len;
}

// The protected TLVs of one sequence, and where each ends.
struct sequence {
    struct tlvb bytes;
    size_t ends[RIG_SEGMENTS];
    size_t count;
};

static void sequence_add(struct server_side *server, struct sequence *sequence, enum bsp_tag tag,
                         struct slice plain)
{
    assert_true(bsp_protect(&server->bsp, tag, plain, &sequence->bytes));
    assert_true(sequence->count < RIG_SEGMENTS);
    sequence->ends[sequence->count++] = sequence->bytes.len;
}

// A1 and A3 travel alone, A0 and A2 with their first element.
static void sequence_put(struct package *package, uint32_t tag, struct sequence *sequence)
{
    tlvb_header(&package->bytes, tag, sequence->bytes.len);
    if (tag == 0xA1 || tag == 0xA3) {
        segment_end(package);
    }
    size_t start = 0;
    for (size_t i = 0; i < sequence->count; i++) {
        tlvb_raw(&package->bytes, sequence->bytes.buf + start, sequence->ends[i] - start);
        segment_end(package);
        start = sequence->ends[i];
    }
    tlvb_free(&sequence->bytes);
    sequence->count = 0;
}

static void keys_replace(struct server_side *server, struct package *package)
{
    uint8_t keys[48];
    struct tlvb plain = TLVB_INIT;
    struct sequence sequence = {0};
    assert_int_equal(RAND_bytes(keys, sizeof keys), 1);
    size_t mark = tlvb_open(&plain);
    tlvb_put(&plain, 0x80, keys, 16);
    tlvb_put(&plain, 0x81, keys + 16, 16);
    tlvb_put(&plain, 0x82, keys + 32, 16);
    tlvb_close(&plain, mark, 0xBF26);
    sequence_add(server, &sequence, BSP_TAG_87, tlvb_get(&plain));
    sequence_put(package, 0xA2, &sequence);
    bsp_set_keys(&server->bsp, keys, keys + 16, keys + 32);
    tlvb_free(&plain);
}

// Everything behind BF23.
static void sequences_put(struct server_side *server, const struct package_options *options,
                          struct package *package)
{
    struct sequence sequence = {0};
    struct slice metadata = options->metadata;
    sequence_add(server, &sequence, BSP_TAG_87, slice_of("\xBF\x24\x00", 3));
    sequence_put(package, 0xA0, &sequence);
    for (size_t at = 0; at < metadata.len; at += BSP_PLAIN_MAX_88) {
        size_t left = metadata.len - at;
        sequence_add(server, &sequence, BSP_TAG_88,
                     slice_of(metadata.data + at, left < BSP_PLAIN_MAX_88 ? left : BSP_PLAIN_MAX_88));
    }
    sequence_put(package, 0xA1, &sequence);
    if (options->replace_keys) {
        keys_replace(server, package);
    }
    for (size_t at = 0; at < options->upp.len; at += options->chunk) {
        size_t left = options->upp.len - at;
        sequence_add(server, &sequence, BSP_TAG_86,
                     slice_of(options->upp.data + at, left < options->chunk ? left : options->chunk));
    }
    sequence_put(package, 0xA3, &sequence);
}

void server_bind(struct server_side *server, const struct package_options *options, struct package *package)
{
    struct package inner = {0};
    *package = (struct package){0};
    keys_make(server);
    channel_put(server, &inner.bytes);
    segment_end(&inner);
    sequences_put(server, options, &inner);
    tlvb_header(&package->bytes, 0xBF36, inner.bytes.len);
    size_t header = package->bytes.len;
    tlvb_slice(&package->bytes, tlvb_get(&inner.bytes));
    package->count = inner.count;
    for (size_t i = 1; i <= inner.count; i++) {
        package->at[i] = header + inner.at[i];
    }
    if (options->break_segment > 0) {
        package->bytes.buf[package->at[options->break_segment] - 1] ^= 0x01;
    }
    assert_false(package->bytes.failed);
    tlvb_free(&inner.bytes);
}

void package_free(struct package *package)
{
    tlvb_free(&package->bytes);
}

struct slice package_segment(const struct package *package, size_t number)
{
    assert_true(number >= 1 && number <= package->count);
    return slice_of(package->bytes.buf + package->at[number - 1],
                    package->at[number] - package->at[number - 1]);
}

size_t server_load(struct server_side *server, struct rig *rig, const struct package *package,
                   struct tlvb *out)
{
    struct tlv pir;
    struct tlv data;
    struct tlv signature;
    for (size_t i = 1; i <= package->count; i++) {
        assert_int_equal(rig_es10(rig, package_segment(package, i), out), 0x9000);
        if (out->len > 0) {
            assert_true(tlv_only(tlvb_get(out), 0xBF37, &pir));
            struct slice rest = pir.value;
            assert_true(tlv_expect(&rest, 0xBF27, &data) && tlv_expect(&rest, 0x5F37, &signature));
            assert_int_equal(rest.len, 0);
            assert_true(cred_cert_verify(server->euicc, data.whole, signature.value));
            return i;
        }
    }
    fail_msg("no ProfileInstallationResult after the last segment");
    return 0;
}

size_t server_download(struct server_side *server, struct rig *rig, const struct package_options *options,
                       struct tlvb *pir)
{
    struct package package;
    server_authenticate(server, rig);
    server_prepare(server, rig, false);
    server_bind(server, options, &package);
    size_t at = server_load(server, rig, &package, pir);
    package_free(&package);
    return at;
}
