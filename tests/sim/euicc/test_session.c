// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC: authentication of a server, one-time keys, the cancelling of a session.
#include "tests/sim/euicc/world.h"

#include <stdio.h>

static uint32_t error_of(const struct tlvb *out, uint32_t tag)
{
    struct tlv tlv;
    uint32_t code = 0;
    assert_true(tlv_only(tlvb_get(out), tag, &tlv) && tlv_only(tlv.value, 0xA1, &tlv));
    struct slice rest = tlv.value;
    assert_true(tlv_expect(&rest, 0x80, &tlv) && tlv_expect(&rest, 0x02, &tlv) &&
                tlv_get_uint(tlv.value, &code));
    return code;
}

static void test_authenticate_refused(void **state)
{
    struct world *world = *state;
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    struct server_side server;
    struct tlvb out = TLVB_INIT;
    server_init(&server, world->credentials, CRED_NIST);
    // No challenge asked for.
    assert_int_equal(server_authenticate_raw(&server, rig, &out), 0x9000);
    assert_int_equal(error_of(&out, 0xBF38), 4);
    // Another challenge; and the error ended the session, so that the right one comes too late.
    challenge_take(rig, &server);
    server.challenge[0] ^= 1;
    out.len = 0;
    assert_int_equal(server_authenticate_raw(&server, rig, &out), 0x9000);
    assert_int_equal(error_of(&out, 0xBF38), 6);
    server.challenge[0] ^= 1;
    out.len = 0;
    assert_int_equal(server_authenticate_raw(&server, rig, &out), 0x9000);
    assert_int_equal(error_of(&out, 0xBF38), 4);
    tlvb_free(&out);
    server_free(&server);
    rig_stop(rig);
}

static void test_wrong_certificates(void **state)
{
    static const struct {
        const char *kind;
        uint32_t error;
    } cases[] = {
        {"dpauth-role",       5},
        {"dpauth-unknown-ci", 1},
        {"dpauth-signature",  1},
    };
    struct world *world = *state;
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char folder[3 * RIG_PATH];
        struct server_side server;
        struct tlvb out = TLVB_INIT;
        assert_true((size_t)snprintf(folder, sizeof folder, "%s/nist-wrong-%s", world->credentials,
                                     cases[i].kind) < sizeof folder);
        print_message("%s\n", cases[i].kind);
        server_init(&server, folder, CRED_NIST);
        challenge_take(rig, &server);
        assert_int_equal(server_authenticate_raw(&server, rig, &out), 0x9000);
        assert_int_equal(error_of(&out, 0xBF38), cases[i].error);
        tlvb_free(&out);
        server_free(&server);
    }
    rig_stop(rig);
}

static void test_one_time_key(void **state)
{
    struct world *world = *state;
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    struct server_side server;
    uint8_t first[CRED_POINT_SIZE];
    server_init(&server, world->credentials, CRED_NIST);
    server_authenticate(&server, rig);
    server_prepare(&server, rig, false);
    memcpy(first, server.euicc_otpk, sizeof first);
    server_authenticate(&server, rig);
    server_prepare(&server, rig, true);
    assert_memory_equal(first, server.euicc_otpk, sizeof first);
    server_authenticate(&server, rig);
    server_prepare(&server, rig, false);
    assert_memory_not_equal(first, server.euicc_otpk, sizeof first);
    server_free(&server);
    rig_stop(rig);
}

static void test_cancel(void **state)
{
    struct world *world = *state;
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    struct server_side server;
    struct tlvb command = TLVB_INIT;
    struct tlvb out = TLVB_INIT;
    struct tlv tlv;
    struct tlv signed_part;
    struct tlv signature;
    server_init(&server, world->credentials, CRED_NIST);
    server_authenticate(&server, rig);
    rig_expect(rig, "BF411580100102030405060708090A0B0C0D0E0F10810100", "BF4103810105");
    size_t mark = tlvb_open(&command);
    tlvb_put(&command, 0x80, server.tid, 16);
    tlvb_put_uint(&command, 0x81, 4);
    tlvb_close(&command, mark, 0xBF41);
    assert_int_equal(rig_es10(rig, tlvb_get(&command), &out), 0x9000);
    assert_true(tlv_only(tlvb_get(&out), 0xBF41, &tlv) && tlv_only(tlv.value, 0xA0, &tlv));
    struct slice rest = tlv.value;
    assert_true(tlv_expect(&rest, 0x30, &signed_part) && tlv_expect(&rest, 0x5F37, &signature));
    assert_true(cred_cert_verify(server.euicc, signed_part.whole, signature.value));
    assert_true(tlv_find(signed_part.value, 0x82, &tlv));
    assert_int_equal(tlv.value.data[0], 4);
    out.len = 0;
    assert_int_equal(rig_es10(rig, tlvb_get(&command), &out), 0x9000);
    assert_int_equal(out.len, 6);
    tlvb_free(&command);
    tlvb_free(&out);
    server_free(&server);
    rig_stop(rig);
}

static void prepare_expect(struct server_side *server, struct rig *rig, uint32_t error)
{
    struct tlvb command = TLVB_INIT;
    struct tlvb out = TLVB_INIT;
    server_prepare_make(server, false, &command);
    assert_int_equal(rig_es10(rig, tlvb_get(&command), &out), 0x9000);
    assert_int_equal(error_of(&out, 0xBF21), error);
    tlvb_free(&command);
    tlvb_free(&out);
}

static void test_prepare_refused(void **state)
{
    static const char *const kinds[] = {"dppb-role", "dppb-oid", "dppb-unknown-ci", "dppb-signature"};
    struct world *world = *state;
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    struct server_side server;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char folder[3 * RIG_PATH];
        assert_true((size_t)snprintf(folder, sizeof folder, "%s/nist-wrong-%s", world->credentials,
                                     kinds[i]) < sizeof folder);
        server_init(&server, folder, CRED_NIST);
        server_authenticate(&server, rig);
        prepare_expect(&server, rig, 1);
        // The error ended the session.
        prepare_expect(&server, rig, 4);
        server_free(&server);
    }
    server_init(&server, world->credentials, CRED_NIST);
    prepare_expect(&server, rig, 4);
    server_authenticate(&server, rig);
    server.tid[0] ^= 1;
    prepare_expect(&server, rig, 5);
    server_authenticate(&server, rig);
    server.euicc_signature1[0] ^= 1;
    prepare_expect(&server, rig, 2);
    server_authenticate(&server, rig);
    server_prepare(&server, rig, false);
    prepare_expect(&server, rig, 4);
    server_free(&server);
    rig_stop(rig);
}

// Sends a command with one byte changed, or cut short, and expects no success.
static void broken_expect(struct rig *rig, struct slice command, uint32_t tag)
{
    struct tlvb out = TLVB_INIT;
    struct tlv tlv;
    unsigned sw = rig_es10(rig, command, &out);
    assert_true(sw == 0x9000 || sw == 0x6A80 || sw == 0x6985);
    if (sw == 0x9000 && out.len > 0) {
        assert_true(tlv_next(&(struct slice){out.buf, out.len}, &tlv));
        assert_true(tlv.tag != tag || tlv_only(tlv.value, 0xA1, &tlv));
    }
    tlvb_free(&out);
}

// No byte of the two signed requests can change, nor be missing, without an error.
static void test_broken_requests(void **state)
{
    enum { CTX_PARAMS1 = 14 }; // the last bytes, which the server does not sign
    struct world *world = *state;
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    struct server_side server;
    struct tlvb command = TLVB_INIT;
    server_init(&server, world->credentials, CRED_NIST);
    size_t size = 0;
    for (size_t at = 0; at == 0 || at < size; at += 3) {
        challenge_take(rig, &server);
        command.len = 0;
        server_authenticate_make(&server, &command);
        size = command.len - CTX_PARAMS1;
        command.buf[at] ^= (uint8_t)(1 << (at % 8));
        broken_expect(rig, tlvb_get(&command), 0xBF38);
        challenge_take(rig, &server);
        broken_expect(rig, slice_of(command.buf, at + 1), 0xBF38);
    }
    for (size_t at = 0; at == 0 || at < size; at += 5) {
        server_authenticate(&server, rig);
        command.len = 0;
        server_prepare_make(&server, false, &command);
        size = command.len;
        command.buf[at] ^= (uint8_t)(1 << (at % 8));
        broken_expect(rig, tlvb_get(&command), 0xBF21);
    }
    tlvb_free(&command);
    server_free(&server);
    rig_stop(rig);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_authenticate_refused), WORLD_TEST(test_wrong_certificates),
        WORLD_TEST(test_one_time_key),         WORLD_TEST(test_cancel),
        WORLD_TEST(test_prepare_refused),      WORLD_TEST(test_broken_requests),
    };
    return world_run(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
