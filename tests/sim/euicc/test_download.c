// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC: whole downloads, what it refuses, and what an interruption leaves.
#include "tests/sim/euicc/world.h"

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

// Rules that allow a PPR to one operator only, a rule that forbids, and a memory that is too small.
static void test_download_policy_and_memory(void **state)
{
    static const char rules[] = "{\"nvm\": 4000, \"forbiddenPprs\": [], \"rat\": [{\"pprs\": [\"ppr1\", "
                                "\"ppr2\"], \"consent\": false,"
                                " \"operators\": [{\"mccMnc\": \"62F2E0\"}]}]}";
    static const struct {
        const char *owner;
        uint32_t pprs;
        uint32_t command;
        uint32_t error;
    } cases[] = {
        {"62F220", 6, 0xFF, 0 }, // a wildcard digit
        {"62F310", 2, 2,    15},
        {"62F310", 4, 2,    15},
        {"62F310", 1, 0xFF, 0 }, // what only says how rules are updated needs no leave
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct download download;
        struct metadata_options metadata = PLAIN;
        struct rig *rig = rig_new(state, rules, NULL, NULL);
        metadata.owner = cases[i].owner;
        metadata.pprs = cases[i].pprs;
        download_init(state, &metadata, &download);
        download_expect(state, &download, cases[i].command, cases[i].error);
        if (cases[i].error == 0) {
            // The second finds too little left.
            tlvb_free(&download.metadata);
            metadata = (struct metadata_options){.iccid = ICCID_B, .class = 2};
            metadata_make(&metadata, &download.metadata);
            download.options.metadata = tlvb_get(&download.metadata);
            download_expect(state, &download, 5, 10);
        }
        download_free(&download);
        rig_stop(rig);
    }
}

static void test_download_answers_at_once(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, "--answer", "data");
    struct download download;
    download_init(state, &PLAIN, &download);
    download_expect(state, &download, 0xFF, 0);
    assert_int_equal(profile_state(rig, ICCID_C), DISABLED);
    download_free(&download);
    rig_stop(rig);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_download),
        WORLD_TEST(test_download_refused),
        WORLD_TEST(test_segments_out_of_order),
        WORLD_TEST(test_interrupted),
        WORLD_TEST(test_fault_in_segment),
        WORLD_TEST(test_download_policy_and_memory),
        WORLD_TEST(test_download_answers_at_once),
    };
    return world_run(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
