// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC as a whole: the real program on a socket, against credentials made for the test.
//
// Arguments: the sim-euicc program, the sim-pki program.
#include "tests/sim/euicc/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FILLER = 3000, ABSENT = -1, DISABLED = 0, ENABLED = 1 };

// On the card; in digits they begin with 8949.
#define ICCID_A "98940099999999990011"
#define ICCID_B "98940099999999990022"
#define ICCID_C "98940099999999990033"

static const char INITIAL[] =
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

struct world {
    char base[RIG_PATH];
    char credentials[2 * RIG_PATH];
    const char *sim_euicc;
    const char *sim_pki;
    struct rig rig;
};

// cmocka hands the group's state to each test; main fills this in before.
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
    snprintf(world->base, sizeof world->base, "%s/sim-euicc-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(world->base) == NULL) {
        return -1;
    }
    snprintf(world->credentials, sizeof world->credentials, "%s/pki", world->base);
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

static int rig_clean(void **state)
{
    struct world *world = *state;
    if (world->rig.pid > 0) {
        rig_kill(&world->rig);
    }
    return 0;
}

static struct rig *rig_new(void **state, const char *initial, const char *option, const char *value)
{
    struct world *world = *state;
    char path[2 * RIG_PATH];
    const char *extra[5] = {0};
    size_t count = 0;
    rig_init(&world->rig, world->sim_euicc, world->base, world->credentials);
    if (initial != NULL) {
        rig_file_write(&world->rig, "initial.json", initial);
        snprintf(path, sizeof path, "%s/initial.json", world->rig.dir);
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

static int profile_state(struct rig *rig, const char *iccid)
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
static void upp_make(const char *digits, bool with_end, struct tlvb *out)
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

struct metadata_options {
    const char *iccid; // on the card
    uint32_t class;    // 2: left out
    uint32_t pprs;
    const char *owner;  // hexadecimal; null: none
    size_t icon;        // bytes
    const char *notify; // address for every event; null: none
};

static void metadata_make(const struct metadata_options *options, struct tlvb *out)
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
static void pir_read(const struct tlvb *pir, uint32_t *ret_command, uint32_t *ret_error)
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

static void test_information(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    rig_expect(rig, "BF3E035C015A", "BF3E125A1089049032123451234512345678901235");
    rig_expect(rig, "BF3C00",
               "BF3C248010736D64702E6578616D706C652E636F6D8110736D64732E6578616D706C652E636F6D");
    rig_expect(rig, "BF4300", "BF4319A017301580020560A10B30098003EEEEEE8100820082020780");
    rig_expect(rig, "BF3F12801073616D652E6578616D706C652E636F6D", "BF3F03800100");
    rig_expect(rig, "BF3C00",
               "BF3C24801073616D652E6578616D706C652E636F6D8110736D64732E6578616D706C652E636F6D");
    rig_expect(rig, "BF3F028000", "BF3F03800100");
    rig_expect(rig, "BF3C00", "BF3C128110736D64732E6578616D706C652E636F6D");
    assert_true(rig_log_has(rig, " = ES10 BF3E GetEID"));
    rig_stop(rig);
}

static void test_profiles_listed(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    rig_expect(rig, "BF2D0B5C095A9F709091929599B7",
               "BF2D5DA05BE3235A0A" ICCID_A "9F70010191074578616D706C659205416C706861950102E3345A0A" ICCID_B
               "9F7001009005737061726591074578616D706C65920442657461950102B705800362F21099020560");
    rig_expect(rig, "BF2D05A003950100", "BF2D02A000");
    rig_expect(rig, "BF2D045C029F70", "BF2D0EA00CE3049F700101E3049F700100");
    rig_expect(rig, "BF2D03A00180", "BF2D03810101");
    rig_stop(rig);
}

static void test_change_and_notify(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    // B is bound by its own rules only once it is enabled.
    rig_expect(rig, "BF3111A00C5A0A" ICCID_B "8101FF", "BF3103800100");
    assert_int_equal(profile_state(rig, ICCID_A), DISABLED);
    assert_int_equal(profile_state(rig, ICCID_B), ENABLED);
    // A's disabling to both of its addresses, then B's enabling.
    rig_expect(rig, "BF2800",
               "BF287BA079BF2F25800101810205200C10736D64702E6578616D706C652E636F6D5A0A" ICCID_A
               "BF2F26800102810205200C116F746865722E6578616D706C652E636F6D5A0A" ICCID_A
               "BF2F25800103810206400C10736D64702E6578616D706C652E636F6D5A0A" ICCID_B);
    rig_expect(rig, "BF3111A00C5A0A" ICCID_B "810100", "BF3103800102");
    rig_expect(rig, "BF3111A00C5A0A" ICCID_A "810100", "BF3103800103");
    rig_expect(rig, "BF3111A00C5A0A" ICCID_C "810100", "BF3103800101");
    rig_expect(rig, "BF3211A00C5A0A" ICCID_B "810100", "BF3203800103");
    rig_expect(rig, "BF3211A00C5A0A" ICCID_A "810100", "BF3203800102");
    rig_expect(rig, "BF330C5A0A" ICCID_B, "BF3303800102");
    rig_expect(rig, "BF330C5A0A" ICCID_A, "BF3303800100");
    assert_int_equal(profile_state(rig, ICCID_A), ABSENT);
    // A filter with its trailing zero bits kept, as several LPAs send it.
    rig_expect(rig, "BF280481020410",
               "BF282AA028BF2F25800104810204100C10736D64702E6578616D706C652E636F6D5A0A" ICCID_A);
    rig_expect(rig, "BF3003800104", "BF3003800100");
    rig_expect(rig, "BF3003800104", "BF3003800101");
    rig_expect(rig, "BF2B05A003800104", "BF2B02A000");
    // A memory reset asks for nobody's leave.
    rig_expect(rig, "BF3404820205E0", "BF3403800100");
    assert_int_equal(profile_state(rig, ICCID_B), ABSENT);
    rig_expect(rig, "BF340482020780", "BF3403800101");
    rig_stop(rig);
}

static void test_notification_signed(void **state)
{
    struct world *world = *state;
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    struct server_side server;
    struct tlvb out = TLVB_INIT;
    struct tlv tlv;
    struct tlv metadata;
    struct tlv signature;
    struct tlv euicc;
    struct tlv eum;
    server_init(&server, world->credentials, CRED_NIST);
    rig_expect(rig, "BF3211A00C5A0A" ICCID_A "810100", "BF3203800100");
    struct tlvb command = TLVB_INIT;
    hex_bytes("BF2B05A003800101", &command);
    assert_int_equal(rig_es10(rig, tlvb_get(&command), &out), 0x9000);
    assert_true(tlv_only(tlvb_get(&out), 0xBF2B, &tlv) && tlv_only(tlv.value, 0xA0, &tlv) &&
                tlv_only(tlv.value, 0x30, &tlv));
    struct slice rest = tlv.value;
    assert_true(tlv_expect(&rest, 0xBF2F, &metadata) && tlv_expect(&rest, 0x5F37, &signature) &&
                tlv_expect(&rest, 0x30, &euicc) && tlv_expect(&rest, 0x30, &eum));
    X509 *euicc_cert = cred_cert_parse(euicc.whole);
    X509 *eum_cert = cred_cert_parse(eum.whole);
    assert_int_equal(cred_check_eum(eum_cert, server.creds.at[CRED_NIST][CRED_CI].cert, NULL),
                     CRED_FAULT_NONE);
    assert_int_equal(cred_check_euicc(euicc_cert, eum_cert, true, NULL), CRED_FAULT_NONE);
    assert_true(cred_cert_verify(euicc_cert, metadata.whole, signature.value));
    X509_free(euicc_cert);
    X509_free(eum_cert);
    tlvb_free(&out);
    tlvb_free(&command);
    server_free(&server);
    rig_stop(rig);
}

static void test_nickname(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    rig_expect(rig, "BF29125A0A" ICCID_A "9004576F726B", "BF2903800100");
    rig_expect(rig, "BF2D12A00C5A0A" ICCID_A "5C025A90", "BF2D16A014E3125A0A" ICCID_A "9004576F726B");
    rig_expect(rig, "BF29105A0A" ICCID_A "9002C328", "BF290380017F");
    rig_expect(rig, "BF290E5A0A" ICCID_A "9000", "BF2903800100");
    rig_expect(rig, "BF2D12A00C5A0A" ICCID_A "5C025A90", "BF2D10A00EE30C5A0A" ICCID_A);
    rig_expect(rig, "BF29125A0A" ICCID_C "9004576F726B", "BF2903800101");
    rig_stop(rig);
}

struct download {
    struct server_side server;
    struct tlvb metadata;
    struct tlvb upp;
    struct package_options options;
};

static void download_init(void **state, const struct metadata_options *metadata, struct download *download)
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

static void download_free(struct download *download)
{
    server_free(&download->server);
    tlvb_free(&download->metadata);
    tlvb_free(&download->upp);
}

static const struct metadata_options PLAIN = {.iccid = ICCID_C, .class = 2};

static void download_expect(void **state, struct download *download, uint32_t want_command,
                            uint32_t want_error)
{
    struct world *world = *state;
    struct tlvb pir = TLVB_INIT;
    uint32_t command = 0;
    uint32_t error = 0;
    server_download(&download->server, &world->rig, &download->options, &pir);
    pir_read(&pir, &command, &error);
    assert_int_equal(error, want_error);
    assert_int_equal(command, want_command);
    if (error != 0 && error != 9) {
        assert_int_equal(profile_state(&world->rig, ICCID_C), ABSENT);
    }
    tlvb_free(&pir);
}

static void test_download(void **state)
{
    static const struct {
        enum cred_curve curve;
        bool replace_keys;
        size_t chunk;
        size_t icon;
    } cases[] = {
        {CRED_NIST, false, 1007, 0   },
        {CRED_BRP,  false, 1007, 0   },
        {CRED_NIST, true,  991,  0   },
        {CRED_NIST, false, 100,  1000},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct download download;
        struct metadata_options metadata = PLAIN;
        metadata.icon = cases[i].icon;
        metadata.notify = "notify.example.com";
        struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
        download_init(state, &metadata, &download);
        server_free(&download.server);
        server_init(&download.server, world->credentials, cases[i].curve);
        download.options.replace_keys = cases[i].replace_keys;
        download.options.chunk = cases[i].chunk;
        download_expect(state, &download, 0xFF, 0);
        assert_int_equal(profile_state(rig, ICCID_C), DISABLED);
        // The result for the server, and the profile's own wish.
        rig_expect(rig, "BF280481020780",
                   "BF2854A052BF2F25800101810207800C10736D64702E6578616D706C652E636F6D5A0A" ICCID_C
                   "BF2F27800102810207800C126E6F746966792E6578616D706C652E636F6D5A0A" ICCID_C);
        rig_expect(rig, "BF3111A00C5A0A" ICCID_C "810100", "BF3103800100");
        assert_int_equal(profile_state(rig, ICCID_A), DISABLED);
        // Nothing of it is lost with the power.
        rig_kill(rig);
        rig_start(rig, NULL);
        assert_int_equal(profile_state(rig, ICCID_C), ENABLED);
        assert_true(rig_log_has(rig, "ES10 BF36 LoadBoundProfilePackage segment=1"));
        rig_stop(rig);
        download_free(&download);
    }
}

static void test_download_refused(void **state)
{
    static const struct {
        const char *what;
        struct metadata_options metadata;
        const char *header_iccid; // null: the metadata's
        bool no_end;
        size_t break_segment;
        uint32_t command;
        uint32_t error;
    } cases[] = {
        {"BF23 signature",             {.iccid = ICCID_C, .class = 2},            NULL, false, 1, 0, 2 },
        {"87 MAC",                     {.iccid = ICCID_C, .class = 2},            NULL, false, 2, 1, 8 },
        {"88 MAC",                     {.iccid = ICCID_C, .class = 2},            NULL, false, 4, 2, 8 },
        {"86 MAC",                     {.iccid = ICCID_C, .class = 2},            NULL, false, 7, 5, 8 },
        {"iccid exists",               {.iccid = ICCID_B, .class = 2},            NULL, false, 0, 2, 9 },
        {"class",                      {.iccid = ICCID_C, .class = 7},            NULL, false, 0, 2, 6 },
        {"ppr without owner",          {.iccid = ICCID_C, .class = 2, .pprs = 4}, NULL, false, 0, 2, 1 },
        {"ppr1 beside another",
         {.iccid = ICCID_C, .class = 2, .pprs = 2, .owner = "62F210"},
         NULL,                                                                          false,
         0,                                                                                       2,
         15                                                                                            },
        {"other iccid in the package",
         {.iccid = ICCID_C, .class = 2},
         "89490099999999990044",                                                        false,
         0,                                                                                       5,
         13                                                                                            },
        {"no end",                     {.iccid = ICCID_C, .class = 2},            NULL, true,  0, 5, 12},
    };
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct download download;
        download_init(state, &cases[i].metadata, &download);
        tlvb_free(&download.upp);
        upp_make(cases[i].header_iccid == NULL ? "89490099999999990033" : cases[i].header_iccid,
                 !cases[i].no_end, &download.upp);
        download.options.upp = tlvb_get(&download.upp);
        download.options.break_segment = cases[i].break_segment;
        print_message("%s\n", cases[i].what);
        download_expect(state, &download, cases[i].command, cases[i].error);
        // The session is over: the rest of a package has no meaning.
        rig_expect(rig, "BF411580100102030405060708090A0B0C0D0E0F10810100", "BF4103810105");
        download_free(&download);
    }
    rig_stop(rig);
}

static void test_segments_out_of_order(void **state)
{
    // Every pair of neighbours swapped has to end the load with a structure (or input) error.
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    for (size_t swap = 2; swap <= 6; swap++) {
        struct download download;
        struct package package;
        struct tlvb pir = TLVB_INIT;
        uint32_t command = 0;
        uint32_t error = 0;
        download_init(state, &PLAIN, &download);
        server_authenticate(&download.server, rig);
        server_prepare(&download.server, rig, false);
        server_bind(&download.server, &download.options, &package);
        for (size_t i = 1; i <= swap && pir.len == 0; i++) {
            size_t number = i == swap ? swap + 1 : i;
            assert_int_equal(rig_es10(rig, package_segment(&package, number), &pir), 0x9000);
        }
        pir_read(&pir, &command, &error);
        assert_int_equal(error, swap == 6 ? 8 : 7);
        assert_int_equal(profile_state(rig, ICCID_C), ABSENT);
        assert_int_equal(rig_es10(rig, package_segment(&package, swap + 1), &pir), 0x6985);
        tlvb_free(&pir);
        package_free(&package);
        download_free(&download);
    }
    rig_stop(rig);
}

static void test_interrupted(void **state)
{
    // Cut after every segment but the last: by power loss, and by a reset.
    for (size_t stop = 1; stop <= 8; stop++) {
        struct download download;
        struct package package;
        struct tlvb out = TLVB_INIT;
        struct tlv tlv;
        uint32_t command = 0;
        uint32_t error = 0;
        struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
        download_init(state, &PLAIN, &download);
        server_authenticate(&download.server, rig);
        server_prepare(&download.server, rig, false);
        server_bind(&download.server, &download.options, &package);
        assert_int_equal(package.count, 9);
        for (size_t i = 1; i <= stop; i++) {
            assert_int_equal(rig_es10(rig, package_segment(&package, i), &out), 0x9000);
        }
        assert_int_equal(out.len, 0);
        if (stop % 2 == 0) {
            rig_kill(rig);
            rig_start(rig, NULL);
        } else {
            rig_disconnect(rig);
            rig_connect(rig);
            rig_select(rig);
        }
        assert_int_equal(profile_state(rig, ICCID_C), ABSENT);
        assert_int_equal(rig_es10(rig, package_segment(&package, stop + 1), &out), 0x6985);
        struct tlvb request = TLVB_INIT;
        hex_bytes("BF2B05A003800101", &request);
        assert_int_equal(rig_es10(rig, tlvb_get(&request), &out), 0x9000);
        assert_true(tlv_only(tlvb_get(&out), 0xBF2B, &tlv) && tlv_only(tlv.value, 0xA0, &tlv));
        struct tlvb pir = TLVB_INIT;
        tlvb_slice(&pir, tlv.value);
        pir_read(&pir, &command, &error);
        assert_int_equal(error, 11);
        tlvb_free(&pir);
        tlvb_free(&request);
        tlvb_free(&out);
        package_free(&package);
        download_free(&download);
        rig_stop(rig);
    }
}

static uint32_t authenticate_error(const struct tlvb *out)
{
    struct tlv tlv;
    uint32_t code = 0;
    assert_true(tlv_only(tlvb_get(out), 0xBF38, &tlv) && tlv_only(tlv.value, 0xA1, &tlv));
    struct slice rest = tlv.value;
    assert_true(tlv_expect(&rest, 0x80, &tlv) && tlv_expect(&rest, 0x02, &tlv) &&
                tlv_get_uint(tlv.value, &code));
    return code;
}

static void challenge_take(struct rig *rig, struct server_side *server)
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

static void test_authenticate_refused(void **state)
{
    struct world *world = *state;
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    struct server_side server;
    struct tlvb out = TLVB_INIT;
    server_init(&server, world->credentials, CRED_NIST);
    // No challenge asked for.
    assert_int_equal(server_authenticate_raw(&server, rig, &out), 0x9000);
    assert_int_equal(authenticate_error(&out), 4);
    // Another challenge; and the error ended the session, so that the right one comes too late.
    challenge_take(rig, &server);
    server.challenge[0] ^= 1;
    out.len = 0;
    assert_int_equal(server_authenticate_raw(&server, rig, &out), 0x9000);
    assert_int_equal(authenticate_error(&out), 6);
    server.challenge[0] ^= 1;
    out.len = 0;
    assert_int_equal(server_authenticate_raw(&server, rig, &out), 0x9000);
    assert_int_equal(authenticate_error(&out), 4);
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
        snprintf(folder, sizeof folder, "%s/nist-wrong-%s", world->credentials, cases[i].kind);
        print_message("%s\n", cases[i].kind);
        server_init(&server, folder, CRED_NIST);
        challenge_take(rig, &server);
        assert_int_equal(server_authenticate_raw(&server, rig, &out), 0x9000);
        assert_int_equal(authenticate_error(&out), cases[i].error);
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

static void apdu_expect(struct rig *rig, const char *apdu, unsigned sw)
{
    struct tlvb out = TLVB_INIT;
    assert_int_equal(rig_apdu_hex(rig, apdu, &out), sw);
    tlvb_free(&out);
}

static void test_transport(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    assert_int_equal(rig->channel, 1);
    apdu_expect(rig, "82E2910003BF2E00", 0x6881); // channel not open
    apdu_expect(rig, "80E2910003BF2E00", 0x6985); // no ISD-R on the basic channel
    apdu_expect(rig, "0070000500", 0x9000);       // channel 5, as asked
    apdu_expect(rig, "C1E2910003BF2E00", 0x6985);
    apdu_expect(rig, "41A4040010A0000005591010FFFFFFFF8900000100", 0x611D);
    apdu_expect(rig, "C1E2910003BF2E00", 0x6115);
    apdu_expect(rig, "C1C0000015", 0x9000);
    apdu_expect(rig, "0070800500", 0x9000);
    apdu_expect(rig, "C1E2910003BF2E00", 0x6881);
    // Two blocks; a gap; a restart; a foreign command in between.
    apdu_expect(rig, "81E2110002BF3E", 0x9000);
    apdu_expect(rig, "81E2910104035C015A", 0x6115);
    apdu_expect(rig, "01C0000015", 0x9000);
    apdu_expect(rig, "81E2110002BF3E", 0x9000);
    apdu_expect(rig, "81E2910204035C015A", 0x6A86);
    apdu_expect(rig, "81E2110002BF3E", 0x9000);
    apdu_expect(rig, "81E2910006BF3E035C015A", 0x6115);
    apdu_expect(rig, "81E2110002BF3E", 0x9000); // drops the response, too
    apdu_expect(rig, "81C0000015", 0x6985);
    apdu_expect(rig, "81E2910104035C015A", 0x6A86);
    apdu_expect(rig, "81E2910003BF7F00", 0x6A80);
    apdu_expect(rig, "81E2910004BF2E0000", 0x6A80);
    apdu_expect(rig, "81E28100", 0x6700);
    apdu_expect(rig, "8177000000", 0x6D00);
    rig_stop(rig);
}

static void test_answer_data(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, "--answer", "data");
    struct tlvb out = TLVB_INIT;
    assert_int_equal(rig_apdu_hex(rig, "81E2910006BF3E035C015A", &out), 0x9000);
    assert_int_equal(out.len, 21);
    tlvb_free(&out);
    rig_stop(rig);
}

static void test_refresh_channel_loss(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, "--refresh", "channel-loss");
    apdu_expect(rig, "81E2910014BF3111A00C5A0A" ICCID_B "8101FF", 0x6106);
    apdu_expect(rig, "81C0000006", 0x910B);
    apdu_expect(rig, "801200000B", 0x9000);
    apdu_expect(rig, "81E2910003BF2E00", 0x6881);
    rig_select(rig);
    assert_int_equal(profile_state(rig, ICCID_B), ENABLED);
    rig_stop(rig);
}

static void test_faults(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    struct tlvb out = TLVB_INIT;
    rig_file_write(rig, "faults.json",
                   "[{\"match\": {\"es10\": \"BF31\"}, \"action\": \"sw\", \"sw\": \"6F00\"},"
                   " {\"match\": {\"es10\": \"BF31\", \"nth\": 2}, \"action\": \"sw\", \"sw\": \"6F00\", "
                   "\"when\": \"after\"},"
                   " {\"match\": {\"ins\": \"E2\", \"es10\": \"BF2E\"}, \"action\": \"respond\", \"data\": "
                   "\"DEAD9000\"},"
                   " {\"match\": {\"es10\": \"BF3C\"}, \"action\": \"cut\"}]");
    // Before: the card never saw it. After: it did, and only its answer is lost.
    apdu_expect(rig, "81E2910014BF3111A00C5A0A" ICCID_B "8101FF", 0x6F00);
    assert_int_equal(profile_state(rig, ICCID_B), DISABLED);
    apdu_expect(rig, "81E2910014BF3111A00C5A0A" ICCID_B "8101FF", 0x6F00);
    assert_int_equal(profile_state(rig, ICCID_B), ENABLED);
    assert_int_equal(rig_apdu_hex(rig, "81E2910003BF2E00", &out), 0x9000);
    assert_int_equal(out.len, 2);
    apdu_expect(rig, "81E2910003BF2E00", 0x6115);
    apdu_expect(rig, "81E2910003BF3C00", 0);
    assert_true(rig_log_has(rig, " ! sw after"));
    rig_disconnect(rig);
    rig_connect(rig);
    rig_select(rig);
    apdu_expect(rig, "81E2910003BF3C00", 0x6127);
    tlvb_free(&out);
    rig_stop(rig);
}

static void test_fault_delay_and_mute(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    struct timespec before;
    struct timespec after;
    rig_file_write(rig, "faults.json",
                   "[{\"match\": {\"es10\": \"BF2E\", \"nth\": 2}, \"action\": \"delay\", \"ms\": 120},"
                   " {\"match\": {\"ins\": \"70\"}, \"action\": \"mute\"}]");
    apdu_expect(rig, "81E2910003BF2E00", 0x6115);
    clock_gettime(CLOCK_MONOTONIC, &before);
    apdu_expect(rig, "81E2910003BF2E00", 0x6115);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    assert_true(ms >= 119);
    // The muted command has no answer: what comes next answers the next one.
    static const uint8_t muted[] = {0x00, 0x05, 0x00, 0x70, 0x00, 0x00, 0x01};
    assert_int_equal(send(rig->fd, muted, sizeof muted, MSG_NOSIGNAL), (ssize_t)sizeof muted);
    apdu_expect(rig, "81E2910003BF2E00", 0x6115);
    assert_true(rig_log_has(rig, " ! mute"));
    rig_stop(rig);
}

static void test_fault_in_segment(void **state)
{
    // A status word in the middle of a load: the card has not seen the segment, and the session can be
    // cancelled.
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    struct download download;
    struct package package;
    struct tlvb out = TLVB_INIT;
    struct tlvb command = TLVB_INIT;
    rig_file_write(
        rig, "faults.json",
        "[{\"match\": {\"es10\": \"BF36\", \"segment\": 7}, \"action\": \"sw\", \"sw\": \"6F00\"}]");
    download_init(state, &PLAIN, &download);
    server_authenticate(&download.server, rig);
    server_prepare(&download.server, rig, false);
    server_bind(&download.server, &download.options, &package);
    for (size_t i = 1; i <= 6; i++) {
        assert_int_equal(rig_es10(rig, package_segment(&package, i), &out), 0x9000);
    }
    assert_int_equal(rig_es10(rig, package_segment(&package, 7), &out), 0x6F00);
    size_t mark = tlvb_open(&command);
    tlvb_put(&command, 0x80, download.server.tid, 16);
    tlvb_put_uint(&command, 0x81, 5);
    tlvb_close(&command, mark, 0xBF41);
    assert_int_equal(rig_es10(rig, tlvb_get(&command), &out), 0x9000);
    assert_int_equal(out.buf[3], 0xA0);
    assert_int_equal(profile_state(rig, ICCID_C), ABSENT);
    rig_expect(rig, "BF2800", "BF2802A000");
    rig_kill(rig);
    rig_start(rig, NULL);
    rig_expect(rig, "BF2800", "BF2802A000");
    tlvb_free(&out);
    tlvb_free(&command);
    package_free(&package);
    download_free(&download);
    rig_stop(rig);
}

static void test_dials_a_reader(void **state)
{
    struct world *world = *state;
    struct rig *rig = &world->rig;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    char target[64];
    char file[2 * RIG_PATH];
    rig_init(rig, world->sim_euicc, world->base, world->credentials);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    snprintf(target, sizeof target, "tcp:127.0.0.1:%u", ntohs(address.sin_port));
    snprintf(file, sizeof file, "%s/state.json", rig->dir);
    rig->pid = fork();
    if (rig->pid == 0) {
        execl(rig->program, "sim-euicc", "--credentials", world->credentials, "--state", file, "--connect",
              target, (char *)NULL);
        _exit(127);
    }
    rig->fd = accept(listener, NULL, NULL);
    close(listener);
    assert_true(rig->fd >= 0);
    static const uint8_t ask_atr[] = {0, 1, 4};
    uint8_t atr[2 + 21];
    assert_int_equal(send(rig->fd, ask_atr, sizeof ask_atr, MSG_NOSIGNAL), (ssize_t)sizeof ask_atr);
    assert_int_equal(recv(rig->fd, atr, sizeof atr, MSG_WAITALL), (ssize_t)sizeof atr);
    assert_int_equal(atr[1], 21);
    assert_int_equal(atr[2], 0x3B);
    uint8_t check = 0;
    for (size_t i = 3; i < sizeof atr; i++) {
        check ^= atr[i];
    }
    assert_int_equal(check, 0);
    // A reader that sends length and body apart must not wait 40 ms for each acknowledgement.
    struct timespec before;
    struct timespec after;
    rig_select(rig);
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (size_t i = 0; i < 100; i++) {
        apdu_expect(rig, "81E2910003BF2E00", 0x6115);
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 2);
    // The session is gone with a reset, the channel too.
    static const uint8_t reset[] = {0, 1, 2};
    assert_int_equal(send(rig->fd, reset, sizeof reset, MSG_NOSIGNAL), (ssize_t)sizeof reset);
    apdu_expect(rig, "81E2910003BF2E00", 0x6881);
    rig_disconnect(rig);
    int status = -1;
    assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
    rig->pid = 0;
    assert_int_equal(status, 0);
}

static int run_status(const char *program, char *const *args)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        // What it says about its mistake is for a person.
        if (freopen("/dev/null", "w", stderr) != NULL) {
            execv(program, args);
        }
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_start_refused(void **state)
{
    struct world *world = *state;
    struct rig *rig = &world->rig;
    char file[2 * RIG_PATH];
    char initial[2 * RIG_PATH];
    char socket_path[2 * RIG_PATH + 8];
    char name[] = "sim-euicc";
    char flags[][16] = {"--credentials", "--state", "--listen", "--eid", "--initial", "--answer"};
    char eid[] = "89044045118427484800000000011628";
    char wrong[] = "often";
    char nowhere[] = "/nonexistent";
    rig_init(rig, world->sim_euicc, world->base, world->credentials);
    rig_file_write(rig, "bad.json", "{\"profiles\": [{\"iccid\": \"894\"}]}");
    snprintf(file, sizeof file, "%s/state.json", rig->dir);
    snprintf(initial, sizeof initial, "%s/bad.json", rig->dir);
    snprintf(socket_path, sizeof socket_path, "unix:%s/socket", rig->dir);
    char *good[] = {name, flags[0], world->credentials, flags[1], file, flags[2], socket_path, NULL,
                    NULL, NULL};
    good[7] = flags[3];
    good[8] = eid;
    assert_int_equal(run_status(rig->program, good), 1);
    assert_int_equal(unlink(file), 0);
    good[7] = flags[4];
    good[8] = initial;
    assert_int_equal(run_status(rig->program, good), 1);
    good[7] = flags[5];
    good[8] = wrong;
    assert_int_equal(run_status(rig->program, good), 2);
    good[2] = nowhere;
    good[7] = NULL;
    assert_int_equal(run_status(rig->program, good), 1);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: test_euicc SIM-EUICC SIM-PKI\n", stderr);
        return 2;
    }
    the_world.sim_euicc = argv[1];
    the_world.sim_pki = argv[2];
    const struct CMUnitTest tests[] = {
#define RIG_TEST(function) cmocka_unit_test_teardown(function, rig_clean)
        RIG_TEST(test_information),
        RIG_TEST(test_profiles_listed),
        RIG_TEST(test_change_and_notify),
        RIG_TEST(test_notification_signed),
        RIG_TEST(test_nickname),
        RIG_TEST(test_download),
        RIG_TEST(test_download_refused),
        RIG_TEST(test_segments_out_of_order),
        RIG_TEST(test_interrupted),
        RIG_TEST(test_authenticate_refused),
        RIG_TEST(test_wrong_certificates),
        RIG_TEST(test_one_time_key),
        RIG_TEST(test_cancel),
        RIG_TEST(test_transport),
        RIG_TEST(test_answer_data),
        RIG_TEST(test_refresh_channel_loss),
        RIG_TEST(test_faults),
        RIG_TEST(test_fault_delay_and_mute),
        RIG_TEST(test_fault_in_segment),
        RIG_TEST(test_dials_a_reader),
        RIG_TEST(test_start_refused),
#undef RIG_TEST
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
