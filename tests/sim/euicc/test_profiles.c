// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC: information, lists, the profile state machine, notifications.
#include "tests/sim/euicc/world.h"

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

// Published requests and responses (the profile of the list is one that an LPA's log shows).
static void test_published_encodings(void **state)
{
    static const char initial[] =
        "{\"rootDsAddress\": \"testrootsmds.gsma.com\", \"profiles\": [{\"iccid\": \"89812003919121348369\","
        " \"aid\": \"A0000005591010FFFFFFFF8900001100\", \"enabled\": true, \"serviceProvider\": "
        "\"BillionConnect\","
        " \"name\": \"BillionConnect\"}]}";
    struct rig *rig = rig_new(state, initial, NULL, NULL);
    rig_expect(
        rig, "BF2D00",
        "BF2D49A047E3455A0A981802301919124338964F10A0000005591010FFFFFFFF89000011009F700101910E42696C6C696F6E"
        "436F6E6E656374920E42696C6C696F6E436F6E6E656374950102");
    rig_expect(rig, "BF3C00", "BF3C17811574657374726F6F74736D64732E67736D612E636F6D");
    rig_expect(rig, "BF3111A00C5A0A989444999999990930F18101FF", "BF3103800101");
    rig_expect(rig, "BF330C5A0A989444999999990930F1", "BF3303800101");
    rig_expect(rig, "BF29125A0A989444999999990930F19004576F726B", "BF2903800101");
    rig_expect(rig, "BF3F128010736D64702E6578616D706C652E636F6D", "BF3F03800100");
    rig_expect(rig, "BF280481020440", "BF2802A000");
    rig_expect(rig, "BF2B05A003800105", "BF2B02A000");
    rig_expect(rig, "BF3003800105", "BF3003800101");
    rig_expect(rig, "BF411580100102030405060708090A0B0C0D0E0F10810100", "BF4103810105");
    rig_expect(rig, "BF3217A0124F10A0000005591010FFFFFFFF8900001100810100", "BF3203800100");
    rig_expect(rig, "BF3404820205E0", "BF3403800100");
    rig_expect(rig, "BF2D105C0E5A4F9F70909192939495B6B7B899", "BF2D02A000");
    rig_stop(rig);
}

// The class of a profile decides over its enabling and its deletion.
static void test_classes(void **state)
{
    static const char initial[] =
        "{\"profiles\": [{\"iccid\": \"89490099999999990011\", \"enabled\": true, \"pprs\": [\"ppr2\"]},"
        " {\"iccid\": \"89490099999999990022\", \"class\": \"test\"},"
        " {\"iccid\": \"89490099999999990033\"},"
        " {\"iccid\": \"89490099999999990044\", \"class\": \"provisioning\"}]}";
    struct rig *rig = rig_new(state, initial, NULL, NULL);
    rig_expect(rig, "BF3111A00C5A0A" ICCID_B "810100", "BF3103800100");
    // From a test profile only back to where it came from.
    rig_expect(rig, "BF3111A00C5A0A" ICCID_C "810100", "BF3103800104");
    rig_expect(rig, "BF3211A00C5A0A" ICCID_B "810100", "BF3203800100");
    assert_int_equal(profile_state(rig, ICCID_A), ENABLED);
    rig_expect(rig, "BF3211A00C5A0A" ICCID_A "810100", "BF3203800100");
    rig_expect(rig, "BF330C5A0A" ICCID_A, "BF3303800103");
    rig_expect(rig, "BF330C5A0A" ICCID_B, "BF3303800103");
    rig_expect(rig, "BF330C5A0A98940099999999990044", "BF3303800103");
    rig_expect(rig, "BF330C5A0A" ICCID_C, "BF3303800100");
    rig_expect(rig, "BF2D08A0039501015C015A", "BF2D10A00EE30C5A0A98940099999999990044");
    rig_stop(rig);
}

// What one profile's PPR1 forbids, a provisioning profile is exempt from.
static void test_ppr1_and_provisioning(void **state)
{
    static const char initial[] =
        "{\"profiles\": [{\"iccid\": \"89490099999999990011\", \"enabled\": true, \"pprs\": [\"ppr1\"]},"
        " {\"iccid\": \"89490099999999990022\"},"
        " {\"iccid\": \"89490099999999990033\", \"class\": \"provisioning\"}]}";
    struct rig *rig = rig_new(state, initial, NULL, NULL);
    rig_expect(rig, "BF3211A00C5A0A" ICCID_A "810100", "BF3203800103");
    rig_expect(rig, "BF3111A00C5A0A" ICCID_B "810100", "BF3103800103");
    rig_expect(rig, "BF3111A00C5A0A" ICCID_C "810100", "BF3103800100");
    assert_int_equal(profile_state(rig, ICCID_A), DISABLED);
    rig_stop(rig);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_information),       WORLD_TEST(test_profiles_listed),
        WORLD_TEST(test_change_and_notify), WORLD_TEST(test_notification_signed),
        WORLD_TEST(test_nickname),          WORLD_TEST(test_published_encodings),
        WORLD_TEST(test_classes),           WORLD_TEST(test_ppr1_and_provisioning),
    };
    return world_run(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
