// SPDX-License-Identifier: Apache-2.0
// Unit tests of netd/json.h and netd/es9p.h: request bodies by the worked example, replies good and bad.
#include "tests/unit/unit.h"

#include "lib/sealed.h"
#include "netd/base64.h"
#include "netd/es9p.h"

#include <stdio.h>
#include <unistd.h>

#define ARENA_SIZE (256u * 1024)
#define TEXT_MAX   (64u * 1024)

#define TID    "0102030405060708090A0B0C0D0E0F10"
#define HEADER "\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-Success\"}}"
#define SIGNATURE                                                                                            \
    "5F3740255B3D41482E72451354D041068EC645F12B32C60247894CB4AE539744CB271A43B00C0E83A69C11F82085DF11622AC5" \
    "1B3B27411E2B87F1B3A97C3D072F6749"

// SGP.22 v2.5, 6.5.2.6's members, as the worked example has them.
#define SERVER_SIGNED1                                                                                       \
    "MEiAEAECAwQFBgcICQoLDA0ODxCBEKq7zN3u/wARIjNEVWZ3iJmDEHNtZHAuZXhhbXBsZS5jb22EEPDh0sO0pZaHeGlaSzwtHg8="
#define SERVER_SIGNATURE1                                                                                    \
    "XzdAJVs9QUguckUTVNBBBo7GRfErMsYCR4lMtK5Tl0TLJxpDsAwOg6acEfgghd8RYirFGzsnQR4rh/GzqXw9By9nSQ=="
#define CI_PK_ID     "BBT1QXK9+YqV1ly+uIo4ocEdgAqFww=="
#define CERTIFICATE  "MAMCAQE="
#define SMDP_SIGNED2 "MBWAEAECAwQFBgcICQoLDA0ODxABAf8="
#define METADATA     "vyUvWgqYABAyVHaYEDIUkQlldWljYy1yc3CSFmV1aWNjLXJzcCB0ZXN0IHByb2ZpbGU="
#define PACKAGE      "vzYFAQIDBAU="

static const uint8_t transaction_id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

struct context {
    struct arena arena;
    struct fault fault;
};

static int set_up(void **state)
{
    struct context *c = calloc(1, sizeof(*c));
    *state = c;
    return c == NULL || arena_init(&c->arena, ARENA_SIZE) != ERR_OK;
}

static int tear_down(void **state)
{
    struct context *c = *state;
    arena_free(&c->arena);
    free(c);
    return 0;
}

// Loads and reads one reply without slack after it; the readers' common shape.
enum function {
    INITIATE,
    AUTHENTICATE,
    PACKAGE_OF,
};

static enum err read_reply(struct context *c, enum function function, const char *text)
{
    struct bytes body = unit_copy(bytes_from_text(text));
    json_t *reply = NULL;
    memset(&c->fault, 0, sizeof(c->fault));
    arena_reset(&c->arena);
    enum err e = json_reply_load(body, JSON_HEADER_REQUIRED, &reply, &c->fault);
    unit_free(body);
    if (e != ERR_OK)
        return e;
    struct bytes id = bytes_make(transaction_id, sizeof(transaction_id));
    if (function == INITIATE) {
        struct es9p_initiated r;
        e = es9p_read_initiated(reply, &c->arena, &r, &c->fault);
    } else if (function == AUTHENTICATE) {
        struct es9p_authenticated r;
        e = es9p_read_authenticated(reply, id, &c->arena, &r, &c->fault);
    } else {
        int fd;
        uint32_t size;
        e = es9p_read_bound_profile_package(reply, id, &fd, &size, &c->fault);
        if (e == ERR_OK)
            close(fd);
    }
    json_decref(reply);
    return e;
}

static void assert_reply(struct context *c, enum function function, const char *text, enum err error,
                         const char *detail)
{
    enum err e = read_reply(c, function, text);
    if (e != error || (detail != NULL && strstr(c->fault.detail, detail) == NULL))
        fail_msg("%x (%s) for %.200s; expected %x (%s)", (unsigned)e, c->fault.detail, text, (unsigned)error,
                 detail != NULL ? detail : "");
}

// --- requests ---

static void request_bodies_of_the_worked_example(void **state)
{
    (void)state;
    char text[1024];
    const char *body;
    struct bytes challenge = unit_hex("AABBCCDDEEFF00112233445566778899");
    struct bytes info1 = unit_hex("BF20098203020000A900AA00");
    struct buf b = buf_make(text, sizeof(text));
    es9p_put_initiate_authentication(&b, challenge, info1, "smdp.example.com");
    assert_int_equal(b.len, es9p_initiate_authentication_len(info1.len, "smdp.example.com"));
    assert_int_equal(buf_finish_text(&b, &body), ERR_OK);
    assert_string_equal(
        body, "{\"euiccChallenge\":\"qrvM3e7/ABEiM0RVZneImQ==\",\"euiccInfo1\":\"vyAJggMCAACpAKoA\","
              "\"smdpAddress\":\"smdp.example.com\"}");
    b = buf_make(text, sizeof(text));
    es9p_put_transaction_request(&b, bytes_make(transaction_id, 2), "cancelSessionResponse", info1);
    assert_int_equal(buf_finish_text(&b, &body), ERR_OK);
    assert_string_equal(body, "{\"transactionId\":\"0102\",\"cancelSessionResponse\":\"vyAJggMCAACpAKoA\"}");
    b = buf_make(text, sizeof(text));
    es9p_put_handle_notification(&b, info1);
    assert_int_equal(buf_finish_text(&b, &body), ERR_OK);
    assert_string_equal(body, "{\"pendingNotification\":\"vyAJggMCAACpAKoA\"}");
    unit_free(challenge);
    unit_free(info1);
}

static void request_length_is_known_for_every_info1(void **state)
{
    (void)state;
    uint8_t info1[100] = {0};
    char text[1024];
    for (size_t len = 0; len <= sizeof(info1); len++) {
        struct buf b = buf_make(text, sizeof(text));
        es9p_put_initiate_authentication(&b, bytes_make(transaction_id, 16), bytes_make(info1, len),
                                         "smdp.example.com:8443");
        assert_int_equal(b.len, es9p_initiate_authentication_len(len, "smdp.example.com:8443"));
        assert_true(b.len <= es9p_request_max(len, 24 + sizeof("smdp.example.com:8443")));
    }
}

// --- replies ---

#define INITIATED(tid, signed1, signature, ci, certificate)                                                  \
    "{" HEADER ",\"transactionId\":\"" tid "\",\"serverSigned1\":\"" signed1                                 \
    "\",\"serverSignature1\":\"" signature "\",\"euiccCiPKIdToBeUsed\":\"" ci                                \
    "\",\"serverCertificate\":\"" certificate "\"}"

static void initiate_authentication_is_read(void **state)
{
    struct context *c = *state;
    struct es9p_initiated r;
    json_t *reply;
    // Lower-case transaction ID, escaped slashes, line breaks, an unknown member, a warning.
    static const char text[] =
        "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-WithWarning\"}},\"more\":[1,{\"a\":"
        "null}],"
        "\"transactionId\":\"0102030405060708090a0b0c0d0e0f10\",\"serverSigned1\":"
        "\"MEiAEAECAwQFBgcICQoLDA0ODxCBEKq7zN3u\\/"
        "wARIjNEVWZ3\\r\\niJmDEHNtZHAuZXhhbXBsZS5jb22EEPDh0sO0pZaHeGlaSzwtHg8=\","
        "\"serverSignature1\":\"" SERVER_SIGNATURE1 "\",\"euiccCiPKIdToBeUsed\":\"" CI_PK_ID
        "\",\"serverCertificate\":\"" CERTIFICATE "\"}";
    assert_int_equal(json_reply_load(bytes_from_text(text), JSON_HEADER_REQUIRED, &reply, &c->fault), ERR_OK);
    assert_int_equal(es9p_read_initiated(reply, &c->arena, &r, &c->fault), ERR_OK);
    json_decref(reply);
    assert_bytes_hex(transaction_id_view(&r.transaction_id), TID);
    assert_bytes_hex(r.server_signed1,
                     "304880100102030405060708090A0B0C0D0E0F108110AABBCCDDEEFF00112233445566778899"
                     "8310736D64702E6578616D706C652E636F6D8410F0E1D2C3B4A5968778695A4B3C2D1E0F");
    assert_bytes_hex(r.server_signature1, SIGNATURE);
    assert_bytes_hex(r.euicc_ci_pk_id, "0414F54172BDF98A95D65CBEB88A38A1C11D800A85C3");
    assert_bytes_hex(r.server_certificate, "3003020101");
}

static void initiate_authentication_bad(void **state)
{
    struct context *c = *state;
    assert_reply(c, INITIATE, INITIATED(TID, SERVER_SIGNED1, SERVER_SIGNATURE1, CI_PK_ID, CERTIFICATE),
                 ERR_OK, NULL);
    assert_reply(c, INITIATE, INITIATED("", SERVER_SIGNED1, SERVER_SIGNATURE1, CI_PK_ID, CERTIFICATE),
                 ERR_REMOTE_SHAPE, "transactionId");
    assert_reply(c, INITIATE, INITIATED("010", SERVER_SIGNED1, SERVER_SIGNATURE1, CI_PK_ID, CERTIFICATE),
                 ERR_REMOTE_SHAPE, "transactionId");
    assert_reply(c, INITIATE, INITIATED(TID "11", SERVER_SIGNED1, SERVER_SIGNATURE1, CI_PK_ID, CERTIFICATE),
                 ERR_REMOTE_SHAPE, "transactionId");
    assert_reply(c, INITIATE, INITIATED("0102", SERVER_SIGNED1, SERVER_SIGNATURE1, CI_PK_ID, CERTIFICATE),
                 ERR_REMOTE_MISMATCH, "serverSigned1");
    assert_reply(c, INITIATE, INITIATED(TID, CERTIFICATE, SERVER_SIGNATURE1, CI_PK_ID, CERTIFICATE),
                 ERR_DER_TAG, "serverSigned1");
    assert_reply(c, INITIATE, INITIATED(TID, SERVER_SIGNED1, CERTIFICATE, CI_PK_ID, CERTIFICATE), ERR_DER_TAG,
                 "serverSignature1");
    assert_reply(c, INITIATE, INITIATED(TID, SERVER_SIGNED1, SERVER_SIGNATURE1, CERTIFICATE, CERTIFICATE),
                 ERR_DER_TAG, "euiccCiPKIdToBeUsed");
    // 30 03 02 01 01 00: something after the end; 30 04 02 01 01: cut; 30 81 03 02 01 01: not minimal.
    assert_reply(c, INITIATE, INITIATED(TID, SERVER_SIGNED1, SERVER_SIGNATURE1, CI_PK_ID, "MAMCAQEA"),
                 ERR_DER_TRAILING, "serverCertificate");
    assert_reply(c, INITIATE, INITIATED(TID, SERVER_SIGNED1, SERVER_SIGNATURE1, CI_PK_ID, "MAQCAQE="),
                 ERR_DER_TRUNCATED, "serverCertificate");
    assert_reply(c, INITIATE, INITIATED(TID, SERVER_SIGNED1, SERVER_SIGNATURE1, CI_PK_ID, "MIEDAgEB"),
                 ERR_DER_LENGTH, "serverCertificate");
    assert_reply(c, INITIATE, INITIATED(TID, SERVER_SIGNED1, SERVER_SIGNATURE1, CI_PK_ID, "MAMC_QE="),
                 ERR_REMOTE_SHAPE, "serverCertificate is not base64");
    assert_reply(c, INITIATE, INITIATED(TID, SERVER_SIGNED1, SERVER_SIGNATURE1, CI_PK_ID, ""),
                 ERR_DER_TRUNCATED, "serverCertificate");
    assert_reply(c, INITIATE,
                 INITIATED(TID, SERVER_SIGNED1, SERVER_SIGNATURE1, CI_PK_ID, "\",\"transactionId\":\"00"),
                 ERR_REMOTE_SHAPE, "not JSON");
}

static void shapes_that_are_not_a_reply(void **state)
{
    struct context *c = *state;
    static const char *const bad[] = {
        "",
        " ",
        "null",
        "1",
        "\"text\"",
        "[]",
        "[{}]",
        "{",
        "{}",
        "{}x",
        "{\"header\":{}}",
        "{\"header\":1}",
        "{\"header\":{\"functionExecutionStatus\":\"Executed-Success\"}}",
        "{\"header\":{\"functionExecutionStatus\":{\"status\":1}}}",
        "{\"header\":{\"functionExecutionStatus\":{\"status\":\"executed-success\"}}}",
        "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-Success\"}}",
        "{" HEADER "}",
        "{" HEADER ",\"transactionId\":1}",
        "{" HEADER ",\"transactionId\":null}",
        "{" HEADER ",\"transactionId\":[\"01\"]}",
        "{" HEADER ",\"transactionId\":\"01\\u0000\"}",
        "{" HEADER ",\"transactionId\":\"zz\"}",
        "{" HEADER "," HEADER "}",
        "\xEF\xBB\xBF{}",
        "{\"a\":\"\xFF\"}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_reply(c, INITIATE, bad[i], ERR_REMOTE_SHAPE, NULL);
        assert_reply(c, AUTHENTICATE, bad[i], ERR_REMOTE_SHAPE, NULL);
        assert_reply(c, PACKAGE_OF, bad[i], ERR_REMOTE_SHAPE, NULL);
    }
}

static void nesting_and_number_of_values_are_bounded(void **state)
{
    struct context *c = *state;
    char *text = malloc(1024 * 1024 + 1);
    assert_non_null(text);
    memset(text, '[', 1024 * 1024);
    text[1024 * 1024] = '\0';
    assert_reply(c, INITIATE, text, ERR_LIMIT, "nests");
    memset(text, ',', 1024 * 1024);
    text[0] = '[';
    assert_reply(c, INITIATE, text, ERR_LIMIT, "values");
    memset(text, 'x', 1024 * 1024);
    assert_reply(c, INITIATE, text, ERR_REMOTE_SHAPE, "not JSON");
    memset(text, '{', 100);
    memcpy(text + 16, "}", 2);
    assert_reply(c, INITIATE, text, ERR_REMOTE_SHAPE, "not JSON");
    // Brackets inside a string are text, also after an escaped quote.
    snprintf(text, 1024, "%s", "{" HEADER ",\"x\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\\\"}");
    assert_reply(c, INITIATE, text, ERR_REMOTE_SHAPE, "transactionId");
    free(text);
}

static void members_are_bounded(void **state)
{
    struct context *c = *state;
    static char text[TEXT_MAX];
    static const char start[] = "{" HEADER ",\"transactionId\":\"" TID "\",\"serverSigned1\":\"";
    memcpy(text, start, strlen(start));
    memset(text + strlen(start), 'A', 20000);
    memcpy(text + strlen(start) + 20000, "\"}", 3);
    assert_reply(c, INITIATE, text, ERR_LIMIT, "serverSigned1 is longer");
    // Within the first estimate, over the limit once decoded.
    memcpy(text + strlen(start) + 6000, "\"}", 3);
    assert_reply(c, INITIATE, text, ERR_LIMIT, "serverSigned1 is longer");
}

static void refusals_are_typed(void **state)
{
    struct context *c = *state;
    assert_reply(c, INITIATE,
                 "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Failed\",\"statusCodeData\":{"
                 "\"subjectCode\":\"8.2.6\",\"reasonCode\":\"3.8\",\"message\":\"unknown\"}}}}",
                 ERR_REMOTE_REFUSED, "Failed");
    assert_string_equal(c->fault.subject_code, "8.2.6");
    assert_string_equal(c->fault.reason_code, "3.8");
    assert_string_equal(c->fault.remote_text, "unknown");
    assert_reply(c, INITIATE, "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Expired\"}}}",
                 ERR_REMOTE_REFUSED, "Expired");
    assert_string_equal(c->fault.subject_code, "");
    // Codes that are no codes are left out.
    assert_reply(c, INITIATE,
                 "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Failed\",\"statusCodeData\":{"
                 "\"subjectCode\":\"8.2.6; rm\",\"reasonCode\":7}}}}",
                 ERR_REMOTE_REFUSED, NULL);
    assert_string_equal(c->fault.subject_code, "");
    assert_string_equal(c->fault.reason_code, "");
}

static void long_words_are_cut_at_a_character(void **state)
{
    (void)state;
    char text[601];
    char out[FAULT_REMOTE_MAX];
    for (size_t i = 0; i < 200; i++)
        memcpy(text + 3 * i, "\xE2\x82\xAC", 4);
    fault_copy_text(text, out, sizeof(out));
    assert_int_equal(strlen(out), 255);
    assert_true(utf8_valid(bytes_from_text(out)));
    fault_copy_text(text, out, 255);
    assert_int_equal(strlen(out), 252);
}

#define AUTHENTICATED(tid, metadata, signed2)                                                                \
    "{" HEADER ",\"transactionId\":\"" tid "\",\"profileMetadata\":\"" metadata                              \
    "\",\"smdpSigned2\":\"" signed2 "\",\"smdpSignature2\":\"" SERVER_SIGNATURE1                             \
    "\",\"smdpCertificate\":\"" CERTIFICATE "\"}"

static void authenticate_client(void **state)
{
    struct context *c = *state;
    struct es9p_authenticated r;
    json_t *reply;
    static const char text[] = AUTHENTICATED(TID, METADATA, SMDP_SIGNED2);
    assert_int_equal(json_reply_load(bytes_from_text(text), JSON_HEADER_REQUIRED, &reply, &c->fault), ERR_OK);
    assert_int_equal(es9p_read_authenticated(reply, bytes_make(transaction_id, 16), &c->arena, &r, &c->fault),
                     ERR_OK);
    json_decref(reply);
    assert_true(r.confirmation_code_required);
    assert_string_equal(r.metadata.spn, "euicc-rsp");
    assert_reply(c, AUTHENTICATE, AUTHENTICATED("0102", METADATA, SMDP_SIGNED2), ERR_REMOTE_MISMATCH,
                 "transactionId");
    assert_reply(c, AUTHENTICATE, AUTHENTICATED(TID, CERTIFICATE, SMDP_SIGNED2), ERR_DER_TAG,
                 "profileMetadata");
    // 30 06 80 01 01 01 01 00: another transaction's.
    assert_reply(c, AUTHENTICATE, AUTHENTICATED(TID, METADATA, "MAaAAQEBAQA="), ERR_REMOTE_MISMATCH,
                 "smdpSigned2");
    // ccRequiredFlag 01 is not DER, and must not be missing.
    assert_reply(c, AUTHENTICATE, AUTHENTICATED(TID, METADATA, "MBWAEAECAwQFBgcICQoLDA0ODxABAQE="),
                 ERR_DER_VALUE, "ccRequiredFlag");
    assert_reply(c, AUTHENTICATE, AUTHENTICATED(TID, METADATA, "MBKAEAECAwQFBgcICQoLDA0ODxA="),
                 ERR_DER_TRUNCATED, "ccRequiredFlag");
}

#define PACKAGED(tid, package)                                                                               \
    "{" HEADER ",\"transactionId\":\"" tid "\",\"boundProfilePackage\":\"" package "\"}"

static void bound_profile_package(void **state)
{
    struct context *c = *state;
    assert_reply(c, PACKAGE_OF, PACKAGED(TID, PACKAGE), ERR_OK, NULL);
    assert_reply(c, PACKAGE_OF, PACKAGED("0102", PACKAGE), ERR_REMOTE_MISMATCH, "transactionId");
    assert_reply(c, PACKAGE_OF, PACKAGED(TID, ""), ERR_REMOTE_SHAPE, "empty");
    assert_reply(c, PACKAGE_OF, PACKAGED(TID, CERTIFICATE), ERR_DER_TAG, "BF36");
    assert_reply(c, PACKAGE_OF, PACKAGED(TID, "vzYFAQIDBAUG"), ERR_DER_TRAILING, "BF36");
    assert_reply(c, PACKAGE_OF, PACKAGED(TID, "vzYFAQIDBA=="), ERR_DER_TRUNCATED, "BF36");
    assert_reply(c, PACKAGE_OF, PACKAGED(TID, "vzYFAQIDBAU"), ERR_REMOTE_SHAPE, "base64");
    assert_reply(c, PACKAGE_OF, PACKAGED(TID, "vzYFAQIDBAU=="), ERR_REMOTE_SHAPE, "base64");
    // BF36 81 05: a length that real servers write in more octets than needed.
    assert_reply(c, PACKAGE_OF, PACKAGED(TID, "vzaBBQECAwQF"), ERR_OK, NULL);
}

// Longer than is decoded at once, and the memory that comes out cannot be changed any more.
static void long_package_is_sealed(void **state)
{
    struct context *c = *state;
    enum { SIZE = 40000 };
    static uint8_t package[SIZE + 6];
    static char text[TEXT_MAX];
    const char *done;
    json_t *reply;
    int fd;
    uint32_t size;
    for (size_t i = 0; i < sizeof(package); i++)
        package[i] = (uint8_t)(i * 31);
    memcpy(package, "\xBF\x36\x83\x00\x9C\x40", 6);
    struct buf b = buf_make(text, sizeof(text));
    buf_put_text(&b, "{" HEADER ",\"transactionId\":\"" TID "\",\"boundProfilePackage\":\"");
    buf_put_base64(&b, bytes_make(package, sizeof(package)));
    buf_put_text(&b, "\"}");
    assert_int_equal(buf_finish_text(&b, &done), ERR_OK);
    assert_int_equal(json_reply_load(bytes_from_text(done), JSON_HEADER_REQUIRED, &reply, &c->fault), ERR_OK);
    assert_int_equal(
        es9p_read_bound_profile_package(reply, bytes_make(transaction_id, 16), &fd, &size, &c->fault),
        ERR_OK);
    json_decref(reply);
    struct bytes got;
    assert_int_equal(size, sizeof(package));
    assert_int_equal(sealed_map(fd, size, &got), ERR_OK);
    assert_true(bytes_equal(got, bytes_make(package, sizeof(package))));
    sealed_unmap(got);
    assert_true(write(fd, "x", 1) < 0);
    close(fd);
}

// Every truncation of a good reply is an error, and none is read past its end.
static void every_truncation_is_refused(void **state)
{
    struct context *c = *state;
    static const char good[] = INITIATED(TID, SERVER_SIGNED1, SERVER_SIGNATURE1, CI_PK_ID, CERTIFICATE);
    for (size_t len = 0; len < strlen(good); len++) {
        char cut[sizeof(good)];
        memcpy(cut, good, len);
        cut[len] = '\0';
        assert_int_equal(read_reply(c, INITIATE, cut), ERR_REMOTE_SHAPE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_bodies_of_the_worked_example),
        cmocka_unit_test(request_length_is_known_for_every_info1),
        cmocka_unit_test_setup_teardown(initiate_authentication_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(initiate_authentication_bad, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shapes_that_are_not_a_reply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nesting_and_number_of_values_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(members_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_are_typed, set_up, tear_down),
        cmocka_unit_test(long_words_are_cut_at_a_character),
        cmocka_unit_test_setup_teardown(authenticate_client, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bound_profile_package, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_package_is_sealed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_truncation_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
