// SPDX-License-Identifier: Apache-2.0
// What the tests of the simulated eUICC share.
#include "tests/sim/euicc/world.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILLER = 3000 };

const char INITIAL[] =
    "{\"defaultDpAddress\": \"smdp.example.com\", \"rootDsAddress\": \"smds.example.com\", \"profiles\": ["
    "{\"iccid\": \"89490099999999990011\", \"enabled\": true, \"name\": \"Alpha\", \"serviceProvider\": "
    "\"Example\","
    " \"notifications\": [{\"events\": [\"enable\", \"disable\", \"delete\"], \"address\": "
    "\"smdp.example.com\"},"
    " {\"events\": [\"disable\"], \"address\": \"other.example.com\"}]},"
    "{\"iccid\": \"89490099999999990022\", \"name\": \"Beta\", \"serviceProvider\": \"Example\", "
    "\"nickname\": \"spare\","
    " \"pprs\": [\"ppr1\", \"ppr2\"], \"owner\": {\"mccMnc\": \"62F210\"},"
    " \"notifications\": [{\"events\": [\"enable\"], \"address\": \"smdp.example.com\"}]}]}";

static struct world the_world;

static int file_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int world_setup(void **state)
{
    struct world *world = &the_world;
    *state = world;
    const char *temporary = getenv("TMPDIR");
    int len = snprintf(world->base, sizeof world->base, "%s/sim-euicc-XXXXXX",
                       temporary == NULL ? "/tmp" : temporary);
    if (len < 0 || (size_t)len >= sizeof world->base) {
        return -1;
    }
    if (mkdtemp(world->base) == NULL) {
        return -1;
    }
    assert_true((size_t)snprintf(world->credentials, sizeof world->credentials, "%s/pki", world->base) <
                sizeof world->credentials);
    pid_t pid = fork();
    if (pid == 0) {
        execl(world->sim_pki, "sim-pki", "--out", world->credentials, "--wrong", (char *)NULL);
        _exit(127);
    }
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static int world_teardown(void **state)
{
    struct world *world = *state;
    return nftw(world->base, file_remove, 16, FTW_DEPTH | FTW_PHYS);
}

int rig_clean(void **state)
{
    struct world *world = *state;
    if (world->rig.pid > 0) {
        rig_kill(&world->rig);
    }
    return 0;
}

struct rig *rig_new(void **state, const char *initial, const char *option, const char *value)
{
    struct world *world = *state;
    char path[2 * RIG_PATH];
    const char *extra[5] = {0};
    size_t count = 0;
    rig_init(&world->rig, world->sim_euicc, world->base, world->credentials);
    if (initial != NULL) {
        rig_file_write(&world->rig, "initial.json", initial);
        assert_true((size_t)snprintf(path, sizeof path, "%s/initial.json", world->rig.dir) < sizeof path);
        extra[count++] = "--initial";
        extra[count++] = path;
    }
    if (option != NULL) {
        extra[count++] = option;
        extra[count++] = value;
    }
    rig_start(&world->rig, extra);
    return &world->rig;
}

int profile_state(struct rig *rig, const char *iccid)
{
    struct tlvb command = TLVB_INIT;
    struct tlvb out = TLVB_INIT;
    struct tlv tlv;
    hex_bytes("BF2D12A00C5A0A", &command);
    hex_bytes(iccid, &command);
    hex_bytes("5C029F70", &command);
    assert_int_equal(rig_es10(rig, tlvb_get(&command), &out), 0x9000);
    assert_true(tlv_only(tlvb_get(&out), 0xBF2D, &tlv) && tlv_only(tlv.value, 0xA0, &tlv));
    int found = ABSENT;
    if (tlv.value.len > 0) {
        assert_true(tlv_only(tlv.value, 0xE3, &tlv) && tlv_only(tlv.value, 0x9F70, &tlv));
        found = tlv.value.data[0];
    }
    tlvb_free(&command);
    tlvb_free(&out);
    return found;
}

// A package that is a header with the ICCID, filler and the end.
void upp_make(const char *digits, bool with_end, struct tlvb *out)
{
    static const uint8_t filler[FILLER] = {0x5A};
    uint8_t version = 2;
    struct tlvb iccid = TLVB_INIT;
    hex_bytes(digits, &iccid);
    size_t header = tlvb_open(out);
    tlvb_put(out, 0x80, &version, 1);
    tlvb_put(out, 0x81, &version, 1);
    tlvb_put(out, 0x83, iccid.buf, iccid.len);
    tlvb_close(out, header, 0xA0);
    size_t element = tlvb_open(out);
    tlvb_put(out, 0x81, filler, sizeof filler);
    tlvb_close(out, element, 0xA9);
    if (with_end) {
        tlvb_put(out, 0xAA, NULL, 0);
    }
    tlvb_free(&iccid);
}

void metadata_make(const struct metadata_options *options, struct tlvb *out)
{
    static const uint8_t icon[1024] = {0x89, 0x50};
    struct tlvb bytes = TLVB_INIT;
    hex_bytes(options->iccid, &bytes);
    size_t metadata = tlvb_open(out);
    tlvb_put(out, 0x5A, bytes.buf, bytes.len);
    tlvb_put_string(out, 0x91, "Example");
    tlvb_put_string(out, 0x92, "Gamma");
    if (options->icon > 0) {
        tlvb_put_uint(out, 0x93, 1);
        tlvb_put(out, 0x94, icon, options->icon);
    }
    if (options->class != 2) {
        tlvb_put_uint(out, 0x95, options->class);
    }
    if (options->notify != NULL) {
        size_t list = tlvb_open(out);
        size_t entry = tlvb_open(out);
        tlvb_put_bits(out, 0x80, 0xF);
        tlvb_put_string(out, 0x81, options->notify);
        tlvb_close(out, entry, 0x30);
        tlvb_close(out, list, 0xB6);
    }
    if (options->owner != NULL) {
        bytes.len = 0;
        hex_bytes(options->owner, &bytes);
        size_t owner = tlvb_open(out);
        tlvb_put(out, 0x80, bytes.buf, bytes.len);
        tlvb_close(out, owner, 0xB7);
    }
    if (options->pprs != 0) {
        tlvb_put_bits(out, 0x99, options->pprs);
    }
    tlvb_close(out, metadata, 0xBF25);
    tlvb_free(&bytes);
}

// The result's bppCommandId and errorReason; 0xFF, 0 for success.
void pir_read(const struct tlvb *pir, uint32_t *ret_command, uint32_t *ret_error)
{
    struct tlv tlv;
    struct tlv data;
    struct tlv final;
    assert_true(tlv_only(tlvb_get(pir), 0xBF37, &tlv) && tlv_find(tlv.value, 0xBF27, &data) &&
                tlv_find(data.value, 0xA2, &final));
    if (tlv_only(final.value, 0xA0, &tlv)) {
        *ret_command = 0xFF;
        *ret_error = 0;
        return;
    }
    assert_true(tlv_only(final.value, 0xA1, &tlv));
    struct slice rest = tlv.value;
    assert_true(tlv_expect(&rest, 0x80, &tlv) && tlv_get_uint(tlv.value, ret_command));
    assert_true(tlv_expect(&rest, 0x81, &tlv) && tlv_get_uint(tlv.value, ret_error));
}

void apdu_expect(struct rig *rig, const char *apdu, unsigned sw)
{
    struct tlvb out = TLVB_INIT;
    assert_int_equal(rig_apdu_hex(rig, apdu, &out), sw);
    tlvb_free(&out);
}

void challenge_take(struct rig *rig, struct server_side *server)
{
    struct tlvb request = TLVB_INIT;
    struct tlvb out = TLVB_INIT;
    hex_bytes("BF2E00", &request);
    assert_int_equal(rig_es10(rig, tlvb_get(&request), &out), 0x9000);
    assert_int_equal(out.len, 21);
    memcpy(server->challenge, out.buf + 5, 16);
    tlvb_free(&request);
    tlvb_free(&out);
}

const struct metadata_options PLAIN = {.iccid = ICCID_C, .class = 2};

void download_init(void **state, const struct metadata_options *metadata, struct download *download)
{
    struct world *world = *state;
    *download = (struct download){0};
    server_init(&download->server, world->credentials, CRED_NIST);
    metadata_make(metadata, &download->metadata);
    upp_make("89490099999999990033", true, &download->upp);
    download->options = (struct package_options){
        .metadata = tlvb_get(&download->metadata),
        .upp = tlvb_get(&download->upp),
        .chunk = BSP_PLAIN_MAX_86,
    };
}

void download_free(struct download *download)
{
    server_free(&download->server);
    tlvb_free(&download->metadata);
    tlvb_free(&download->upp);
}

void download_expect(void **state, struct download *download, uint32_t want_command, uint32_t want_error)
{
    struct world *world = *state;
    struct tlvb pir = TLVB_INIT;
    uint32_t command = 0;
    uint32_t error = 0;
    int before = profile_state(&world->rig, ICCID_C);
    server_download(&download->server, &world->rig, &download->options, &pir);
    pir_read(&pir, &command, &error);
    assert_int_equal(error, want_error);
    assert_int_equal(command, want_command);
    if (error != 0) {
        assert_int_equal(profile_state(&world->rig, ICCID_C), before);
    }
    tlvb_free(&pir);
}

int world_run(int argc, char **argv, const struct CMUnitTest *tests, size_t count)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s SIM-EUICC SIM-PKI\n", argv[0]);
        return 2;
    }
    the_world.sim_euicc = argv[1];
    the_world.sim_pki = argv[2];
    return _cmocka_run_group_tests(argv[0], tests, count, world_setup, world_teardown);
}
