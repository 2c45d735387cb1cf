// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC: LoadCRL with every answer, and what a loaded list does to a server.
#include "tests/sim/euicc/world.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 24, LIST_MAX = 8192 };

static const char SUPPORT[] = "{\"crlSupport\": true}";

// sim-pki with up to five arguments and then these (null-terminated).
static void pki_run(struct world *world, const char *const first[5], const char *const *more)
{
    char name[] = "sim-pki";
    char *argv[ARGS_MAX] = {name};
    size_t count = 1;
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (size_t i = 0; i < 5 && first[i] != NULL; i++) {
            argv[count++] = strdup(first[i]);
        }
        for (size_t i = 0; more != NULL && more[i] != NULL && count < ARGS_MAX - 1; i++) {
            argv[count++] = strdup(more[i]);
        }
        execv(world->sim_pki, argv);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

// The list that sim-pki makes for the CI of that folder with these arguments (null-terminated), appended to
// out.
static void list_make(struct world *world, const char *credentials, const char *const *args, struct tlvb *out)
{
    char path[2 * RIG_PATH];
    char folder[3 * RIG_PATH];
    uint8_t bytes[LIST_MAX];
    snprintf(path, sizeof path, "%s/list.crl", world->base);
    snprintf(folder, sizeof folder, "%s/nist", credentials);
    const char *const first[5] = {"--crl", path, "--from", folder};
    pki_run(world, first, args);
    FILE *file = fopen(path, "rbe");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(len > 0 && len < sizeof bytes);
    tlvb_raw(out, bytes, len);
}

// LoadCRL of a list whose bytes are the caller's; the response is compared.
static void load_expect(struct rig *rig, struct slice list, const char *want)
{
    struct tlvb command = TLVB_INIT;
    struct tlvb out = TLVB_INIT;
    struct tlvb expected = TLVB_INIT;
    struct tlv sequence;
    assert_true(tlv_only(list, 0x30, &sequence));
    size_t mark = tlvb_open(&command);
    tlvb_put_slice(&command, 0xA0, sequence.value);
    tlvb_close(&command, mark, 0xBF35);
    hex_bytes(want, &expected);
    assert_int_equal(rig_es10(rig, tlvb_get(&command), &out), 0x9000);
    assert_int_equal(out.len, expected.len);
    assert_memory_equal(out.buf, expected.buf, out.len);
    tlvb_free(&command);
    tlvb_free(&out);
    tlvb_free(&expected);
}

#define LOAD_EXPECT(state, rig, want, ...)                                                                   \
    do {                                                                                                     \
        const char *const args_[] = {__VA_ARGS__, NULL};                                                     \
        struct tlvb list_ = TLVB_INIT;                                                                       \
        struct world *world_ = *(state);                                                                     \
        list_make(world_, world_->credentials, args_, &list_);                                               \
        load_expect((rig), tlvb_get(&list_), (want));                                                        \
        tlvb_free(&list_);                                                                                   \
    } while (0)

static bool info_has_crl_support(struct rig *rig)
{
    struct tlvb command = TLVB_INIT;
    struct tlvb info = TLVB_INIT;
    struct tlv outer;
    struct tlv tlv;
    uint32_t bits = 0;
    hex_bytes("BF2200", &command);
    assert_int_equal(rig_es10(rig, tlvb_get(&command), &info), 0x9000);
    assert_true(tlv_only(tlvb_get(&info), 0xBF22, &outer) && tlv_find(outer.value, 0x88, &tlv) &&
                tlv_get_bits(tlv.value, &bits));
    tlvb_free(&command);
    tlvb_free(&info);
    return (bits & 1U << 1) != 0;
}

static void test_not_supported(void **state)
{
    struct rig *rig = rig_new(state, NULL, NULL, NULL);
    struct tlvb command = TLVB_INIT;
    struct tlvb out = TLVB_INIT;
    assert_false(info_has_crl_support(rig));
    hex_bytes("BF3502A000", &command);
    assert_int_equal(rig_es10(rig, tlvb_get(&command), &out), 0x6A80);
    tlvb_free(&command);
    tlvb_free(&out);
    rig_stop(rig);
}

static void test_numbers(void **state)
{
    struct rig *rig = rig_new(state, SUPPORT, NULL, NULL);
    assert_true(info_has_crl_support(rig));
    LOAD_EXPECT(state, rig, "BF3503810106", "--number", "4", "--base", "3");
    LOAD_EXPECT(state, rig, "BF3502A000", "--number", "3");
    // What is loaded stays over a power loss.
    rig_kill(rig);
    rig_start(rig, NULL);
    LOAD_EXPECT(state, rig, "BF3503810105", "--number", "2");
    LOAD_EXPECT(state, rig, "BF3502A000", "--number", "4", "--base", "3");
    LOAD_EXPECT(state, rig, "BF3503810105", "--number", "3");
    rig_stop(rig);
}

static void test_parts(void **state)
{
    struct rig *rig = rig_new(state, SUPPORT, NULL, NULL);
    LOAD_EXPECT(state, rig, "BF350AA008A006020101020103", "--number", "7", "--part", "2/3");
    LOAD_EXPECT(state, rig, "BF3507A005A003020101", "--number", "7", "--part", "3/3");
    LOAD_EXPECT(state, rig, "BF3502A000", "--number", "7", "--part", "1/3");
    // The next list begins anew.
    LOAD_EXPECT(state, rig, "BF3507A005A003020102", "--number", "8", "--part", "1/2");
    rig_stop(rig);
}

static void test_refused(void **state)
{
    struct world *world = *state;
    struct rig *rig = rig_new(state, SUPPORT, NULL, NULL);
    char other[2 * RIG_PATH];
    struct tlvb list = TLVB_INIT;
    LOAD_EXPECT(state, rig, "BF3503810101", "--bad-signature");
    load_expect(rig, slice_of("\x30\x03\x02\x01\x01", 5), "BF3503810102");
    // Of a CI that the card does not know.
    snprintf(other, sizeof other, "%s/other", world->base);
    const char *const make[5] = {"--out", other, "--curve", "nist"};
    const char *const none[] = {NULL};
    pki_run(world, make, none);
    list_make(world, other, none, &list);
    load_expect(rig, tlvb_get(&list), "BF3503810104");
    tlvb_free(&list);
    rig_stop(rig);
}

static void test_too_many(void **state)
{
    struct world *world = *state;
    struct rig *rig = rig_new(state, SUPPORT, NULL, NULL);
    char cert[3 * RIG_PATH];
    snprintf(cert, sizeof cert, "%s/nist/dppb.cert.der", world->credentials);
    // A delta adds to what is there until no room is left.
    const char *const first[] = {"--number", "1", "--revoke", cert, "--revoke", cert, "--revoke", cert, NULL};
    const char *const delta[] = {"--number", "2",        "--base", "1",        "--revoke", cert, "--revoke",
                                 cert,       "--revoke", cert,     "--revoke", cert,       NULL};
    struct tlvb list = TLVB_INIT;
    list_make(world, world->credentials, first, &list);
    load_expect(rig, tlvb_get(&list), "BF3502A000");
    list.len = 0;
    list_make(world, world->credentials, delta, &list);
    for (int i = 0; i < 15; i++) {
        load_expect(rig, tlvb_get(&list), "BF3502A000");
    }
    load_expect(rig, tlvb_get(&list), "BF3503810103");
    tlvb_free(&list);
    rig_stop(rig);
}

// AuthenticateServer's answer to the credentials: 0, or its error.
static uint32_t authenticate_error(struct rig *rig, struct server_side *server)
{
    struct tlvb out = TLVB_INIT;
    struct tlv outer;
    struct tlv tlv;
    uint32_t code = 0;
    challenge_take(rig, server);
    assert_int_equal(server_authenticate_raw(server, rig, &out), 0x9000);
    assert_true(tlv_only(tlvb_get(&out), 0xBF38, &outer));
    if (tlv_find(outer.value, 0xA1, &tlv)) {
        assert_true(tlv_find(tlv.value, 0x02, &tlv) && tlv_get_uint(tlv.value, &code));
    }
    tlvb_free(&out);
    return code;
}

static void test_revoked_server(void **state)
{
    struct world *world = *state;
    struct rig *rig = rig_new(state, SUPPORT, NULL, NULL);
    struct server_side server;
    char cert[3 * RIG_PATH];
    snprintf(cert, sizeof cert, "%s/nist/dpauth.cert.der", world->credentials);
    server_init(&server, world->credentials, CRED_NIST);
    assert_int_equal(authenticate_error(rig, &server), 0);
    LOAD_EXPECT(state, rig, "BF3502A000", "--revoke", cert);
    assert_int_equal(authenticate_error(rig, &server), 1);
    // The next list no longer names it.
    LOAD_EXPECT(state, rig, "BF3502A000", "--number", "2");
    assert_int_equal(authenticate_error(rig, &server), 0);
    server_free(&server);
    rig_stop(rig);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_not_supported), WORLD_TEST(test_numbers),        WORLD_TEST(test_parts),
        WORLD_TEST(test_refused),       WORLD_TEST(test_revoked_server), WORLD_TEST(test_too_many),
    };
    return world_run(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
