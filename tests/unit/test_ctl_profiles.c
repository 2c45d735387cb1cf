// SPDX-License-Identifier: Apache-2.0
// The real lpactl against a scripted broker: euicc info, and the commands that read and change profiles.
#include "tests/unit/ctl_run.h"
#include "tests/unit/ctl_values.h"

#include <fcntl.h>

// --- euicc info ---

static void send_info(struct ctl_run *r)
{
    ProtobufCBinaryData ci[] = {
        BINARY("\x81\x37\x0F\x51\x25\xD0\xB1\xD4\x08\xD4\xC3\xB2\x32\xE6\xD2\x5E\x79\x5B\xEB\xFB")};
    Lpad__CardInfo2 info2 = LPAD__CARD_INFO2__INIT;
    Lpad__CardInfo info = LPAD__CARD_INFO__INIT;
    Lpad__EuiccInfoReply reply = LPAD__EUICC_INFO_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    info2.profile_version = BINARY("\x02\x03\x01");
    info2.svn = BINARY("\x02\x05\x00");
    info2.firmware_version = BINARY("\x01\x00\x0a");
    info2.has_free_nvm = true;
    info2.free_nvm = 291666;
    info2.has_rsp_capability = true;
    info2.rsp_capability = 1 | 1 << 3;
    info2.ci_pk_ids_verification = ci;
    info2.n_ci_pk_ids_verification = 1;
    info2.ci_pk_ids_signing = ci;
    info2.n_ci_pk_ids_signing = 1;
    info2.sas_accreditation_number = text("GI-BA-UP-0419");
    info2.has_forbidden_pprs = true;
    info2.forbidden_pprs = 1 << 2;
    info.eid = BINARY("\x89\x04\x90\x32\x12\x34\x51\x23\x45\x12\x34\x56\x78\x90\x13\x35");
    info.euicc_info1 = BINARY("\xBF\x20\x00");
    info.info2 = &info2;
    info.default_smdp_address = text("smdp.example.com");
    info.root_smds_address = text("smds.example.com");
    reply.info = &info;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_EUICC_INFO;
    frame.euicc_info = &reply;
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_EUICC_INFO);
    ctl_send(r, &frame);
}

static void euicc_info_for_people(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("euicc", "info"));
    send_info(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out,
                        "EID:              89049032123451234512345678901335 (its check digits are wrong)\n"
                        "SGP.22 version:   2.5.0\n"
                        "profile version:  2.3.1\n"
                        "firmware:         1.0.10\n"
                        "free memory:      291.7 kB\n"
                        "capabilities:     additional_profile, test_profile\n"
                        "forbidden rules:  ppr2\n"
                        "accreditation:    GI-BA-UP-0419\n"
                        "trusts CI key:    81370F5125D0B1D408D4C3B232E6D25E795BEBFB\n"
                        "signs under CI:   81370F5125D0B1D408D4C3B232E6D25E795BEBFB\n"
                        "default SM-DP+:   smdp.example.com\n"
                        "root SM-DS:       smds.example.com\n");
}

static void euicc_info_json(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "euicc", "info"));
    send_info(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(
        r->out,
        "{\"euicc\":{\"eid\":\"89049032123451234512345678901335\",\"eid_check_digits\":false,\"svn\":\"2.5."
        "0\","
        "\"profile_version\":\"2.3.1\",\"firmware_version\":\"1.0.10\",\"free_nvm\":291666,"
        "\"rsp_capabilities\":[\"additional_profile\",\"test_profile\"],\"forbidden_pprs\":[\"ppr2\"],"
        "\"sas_accreditation_number\":\"GI-BA-UP-0419\","
        "\"ci_pk_ids_verification\":[\"81370F5125D0B1D408D4C3B232E6D25E795BEBFB\"],"
        "\"ci_pk_ids_signing\":[\"81370F5125D0B1D408D4C3B232E6D25E795BEBFB\"],"
        "\"default_smdp_address\":\"smdp.example.com\",\"root_smds_address\":\"smds.example.com\","
        "\"euicc_info1\":\"BF2000\"}}\n");
}

// --- profiles ---

struct profiles {
    Lpad__Profile list[2];
    Lpad__Profile *pointers[2];
    Lpad__Owner owner;
};

static void profiles_make(struct profiles *p)
{
    memset(p, 0, sizeof *p);
    lpad__owner__init(&p->owner);
    p->owner.mcc_mnc = BINARY("\x62\xF2\x10");
    p->owner.has_gid1 = true;
    for (size_t i = 0; i < 2; i++) {
        lpad__profile__init(&p->list[i]);
        p->pointers[i] = &p->list[i];
    }
    p->list[0].iccid = BINARY(ICCID_1);
    p->list[0].state = LPAD__PROFILE_STATE__PROFILE_ENABLED;
    p->list[0].profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    p->list[0].service_provider_name = text("Caf\xc3\xa9 Telecom");
    p->list[0].profile_name = text("M2M");
    p->list[0].nickname = text("main");
    p->list[0].owner = &p->owner;
    p->list[0].has_pprs = true;
    p->list[0].pprs = 1 << 1 | 1 << 2;
    p->list[0].has_isdp_aid = true;
    p->list[0].isdp_aid = BINARY("\xA0\x00\x00\x05\x59\x10\x10\xFF\xFF\xFF\xFF\x89\x00\x00\x10\x00");
    p->list[1].iccid = BINARY(ICCID_2);
    p->list[1].state = LPAD__PROFILE_STATE__PROFILE_DISABLED;
    p->list[1].profile_class = LPAD__PROFILE_CLASS__CLASS_TEST;
    p->list[1].service_provider_name = text("Evil\033[2J\"\n");
    p->list[1].profile_name = text("\xe2\x80\xaexe");
}

#define TABLE                                                                                                \
    "ICCID                STATE     CLASS        PROVIDER          NAME            NICKNAME  OPERATOR  "     \
    "RULES\n" DIGITS_1 "  enabled   operational  Caf\xc3\xa9 Telecom      M2M             main      "        \
    "262-01    ppr1,ppr2\n" DIGITS_2 "  disabled  test         Evil\\x1b[2J\"\\x0a  \\xe2\\x80\\xaexe\n"
#define JSON_LIST                                                                                            \
    "\"profiles\":[{\"iccid\":\"" DIGITS_1 "\",\"state\":\"enabled\",\"class\":\"operational\","             \
    "\"provider\":\"Caf\xc3\xa9 Telecom\",\"name\":\"M2M\",\"nickname\":\"main\","                           \
    "\"owner\":{\"mcc_mnc\":\"262-01\",\"gid1\":\"\"},\"pprs\":[\"ppr1\",\"ppr2\"],"                         \
    "\"isdp_aid\":\"A0000005591010FFFFFFFF8900001000\"},"                                                    \
    "{\"iccid\":\"" DIGITS_2 "\",\"state\":\"disabled\",\"class\":\"test\","                                 \
    "\"provider\":\"Evil\\u001b[2J\\\"\\u000a\",\"name\":\"\\u202exe\",\"nickname\":null,\"pprs\":[]}]"

static void send_profiles(struct ctl_run *r, bool changed, size_t count)
{
    struct profiles p;
    Lpad__ProfilesReply profiles = LPAD__PROFILES_REPLY__INIT;
    Lpad__ChangedReply change = LPAD__CHANGED_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    profiles_make(&p);
    profiles.profiles = change.profiles = p.pointers;
    profiles.n_profiles = change.n_profiles = count;
    frame.body_case = changed ? LPAD__BROKER_TO_CLIENT__BODY_CHANGED : LPAD__BROKER_TO_CLIENT__BODY_PROFILES;
    if (changed)
        frame.changed = &change;
    else
        frame.profiles = &profiles;
    ctl_send(r, &frame);
}

static void profile_list(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "list"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false, 2);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, TABLE);
}

static void profile_list_empty(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "list"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false, 0);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "There is no profile on the card.\n");
}

static void profile_list_json(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "list", "--json"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false, 2);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "{" JSON_LIST "}\n");
}

static void profile_enable(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "enable", DIGITS_1));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    assert_int_equal(q->change_profile->operation, LPAD__OPERATION__OPERATION_ENABLE);
    assert_true(bytes_equal(bytes_from_binary(q->change_profile->iccid), bytes_make(ICCID_1, 10)));
    assert_false(q->change_profile->has_refresh);
    send_profiles(r, true, 2);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "Profile " DIGITS_1 " is enabled. The card now holds:\n" TABLE);
}

static void profile_disable_json(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "profile", "disable", "--no-refresh", DIGITS_2));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    assert_int_equal(q->change_profile->operation, LPAD__OPERATION__OPERATION_DISABLE);
    assert_true(q->change_profile->has_refresh && !q->change_profile->refresh);
    send_profiles(r, true, 2);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "{\"iccid\":\"" DIGITS_2 "\"," JSON_LIST "}\n");
}

static void profile_nickname(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "nickname", DIGITS_1, "main"));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_SET_NICKNAME);
    assert_string_equal(q->set_nickname->nickname, "main");
    assert_true(bytes_equal(bytes_from_binary(q->set_nickname->iccid), bytes_make(ICCID_1, 10)));
    send_profiles(r, true, 2);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "Profile " DIGITS_1 " is named. The card now holds:\n"));
}

static void profile_delete_yes(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "delete", DIGITS_2, "--yes"));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    assert_int_equal(q->change_profile->operation, LPAD__OPERATION__OPERATION_DELETE);
    send_profiles(r, true, 1);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "Profile " DIGITS_2 " is deleted."));
}

static void profile_delete_without_terminal(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, "y\n", CTL_ARGS("profile", "delete", DIGITS_2));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false, 2);
    ctl_expect_closed(r);
    assert_int_equal(ctl_finish(r), 5);
    assert_non_null(strstr(r->err, "There is no terminal to ask on, so nothing was deleted."));
    assert_non_null(strstr(r->err, "--yes and --strong-yes"));
}

static void profile_delete_asked(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_TERMINAL, NULL, CTL_ARGS("profile", "delete", DIGITS_1));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false, 2);
    ctl_tty_expect(r, "You are about to delete profile " DIGITS_1 ", for good:\r\n  " DIGITS_1
                      "  operational, enabled  Caf\xc3\xa9 Telecom, M2M, main\r\n");
    ctl_tty_expect(r, "(1 of 2): ");
    ctl_tty_type(r, "yes\n");
    ctl_tty_expect(r, "(2 of 2): ");
    ctl_tty_type(r, "yes\n");
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    // Who has said yes is not asked again.
    struct profiles p;
    Lpad__Ask ask = LPAD__ASK__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    ask.question = LPAD__QUESTION__ASK_CONSENT;
    profiles_make(&p);
    ask.has_strong = ask.strong = true;
    ask.profiles = p.pointers;
    ask.n_profiles = 1;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_ASK;
    frame.ask = &ask;
    ctl_send(r, &frame);
    assert_true(ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER)->answer->yes);
    send_profiles(r, true, 1);
    assert_int_equal(ctl_finish(r), 0);
}

static void profile_delete_declined(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_TERMINAL, NULL, CTL_ARGS("profile", "delete", DIGITS_1));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false, 2);
    ctl_tty_expect(r, "(1 of 2): ");
    ctl_tty_type(r, "y\n"); // not in full
    ctl_expect_closed(r);
    assert_int_equal(ctl_finish(r), 5);
    ctl_tty_expect(r, "Nothing was deleted.");
}

static void change_with_consent(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Ask ask = LPAD__ASK__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    ask.question = LPAD__QUESTION__ASK_CONSENT;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_ASK;
    frame.ask = &ask;
    ctl_start(r, CTL_TERMINAL, NULL, CTL_ARGS("profile", "enable", DIGITS_1));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    ctl_send(r, &frame);
    ctl_tty_expect(r, "consent to enable profile " DIGITS_1 ". Answer: [y]es, [N]o: ");
    ctl_tty_type(r, "no\n");
    const Lpad__ClientToBroker *a = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER);
    assert_false(a->answer->yes || a->answer->postpone);
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_DENIED;
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 5);
    ctl_tty_expect(r, "You declined it; nothing was changed.");
}

#define RUN(f) cmocka_unit_test_setup_teardown(f, ctl_run_setup, ctl_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(euicc_info_for_people), RUN(euicc_info_json),
        RUN(profile_list),          RUN(profile_list_empty),
        RUN(profile_list_json),     RUN(profile_enable),
        RUN(profile_disable_json),  RUN(profile_nickname),
        RUN(profile_delete_yes),    RUN(profile_delete_without_terminal),
        RUN(profile_delete_asked),  RUN(profile_delete_declined),
        RUN(change_with_consent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
