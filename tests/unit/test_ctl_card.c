// SPDX-License-Identifier: Apache-2.0
// The commands of lpactl that are about the card as a whole, and profiles by other names: against a scripted
// broker.
#include "rsp/profile.h"
#include "tests/unit/ctl_run.h"
#include "tests/unit/ctl_values.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define AID_2    "\xA0\x00\x00\x05\x59\x10\x10\xFF\xFF\xFF\xFF\x89\x00\x00\x11\x00"
#define AID_TEXT "a0000005591010ffffffff8900001100"

static Lpad__Profile profile_make(ProtobufCBinaryData iccid, Lpad__ProfileClass class)
{
    Lpad__Profile p = LPAD__PROFILE__INIT;
    p.iccid = iccid;
    p.state = LPAD__PROFILE_STATE__PROFILE_DISABLED;
    p.profile_class = class;
    p.service_provider_name = text("Example");
    p.profile_name = text("M2M");
    return p;
}

// An operational profile, and a test profile in the ISD-P AID_2.
static void send_profiles(struct ctl_run *r, bool changed)
{
    Lpad__Profile p[] = {
        profile_make(BINARY(ICCID_1), LPAD__PROFILE_CLASS__CLASS_OPERATIONAL),
        profile_make(BINARY(ICCID_2), LPAD__PROFILE_CLASS__CLASS_TEST),
    };
    Lpad__Profile *list[] = {&p[0], &p[1]};
    Lpad__ProfilesReply profiles = LPAD__PROFILES_REPLY__INIT;
    Lpad__ChangedReply change = LPAD__CHANGED_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    p[1].has_isdp_aid = true;
    p[1].isdp_aid = BINARY(AID_2);
    profiles.profiles = change.profiles = list;
    profiles.n_profiles = change.n_profiles = 2;
    frame.body_case = changed ? LPAD__BROKER_TO_CLIENT__BODY_CHANGED : LPAD__BROKER_TO_CLIENT__BODY_PROFILES;
    if (changed)
        frame.changed = &change;
    else
        frame.profiles = &profiles;
    ctl_send(r, &frame);
}

static void send_done(struct ctl_run *r, uint32_t *missing, size_t count)
{
    Lpad__DoneReply done = LPAD__DONE_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    done.missing_crl_parts = missing;
    done.n_missing_crl_parts = count;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DONE;
    frame.done = &done;
    ctl_send(r, &frame);
}

// lpad's own question about a reset that takes the profiles with these ICCIDs away.
static void send_reset_ask(struct ctl_run *r, const char *const *iccids, size_t count, unsigned undelivered)
{
    Lpad__Profile p[2];
    Lpad__Profile *list[2] = {&p[0], &p[1]};
    Lpad__Ask ask = LPAD__ASK__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    for (size_t i = 0; i < count; i++)
        p[i] = profile_make(binary_from(iccids[i], 10), LPAD__PROFILE_CLASS__CLASS_OPERATIONAL);
    ask.question = LPAD__QUESTION__ASK_CONSENT;
    ask.has_operation = true;
    ask.operation = LPAD__OPERATION__OPERATION_RESET;
    ask.has_strong = ask.strong = true;
    ask.profiles = list;
    ask.n_profiles = count;
    ask.has_undelivered = true;
    ask.undelivered = undelivered;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_ASK;
    frame.ask = &ask;
    ctl_send(r, &frame);
}

static bool expect_answer(struct ctl_run *r)
{
    return ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER)->answer->yes;
}

// --- reset ---

static void begin_reset(struct ctl_run *r)
{
    ctl_start(r, CTL_TERMINAL, NULL, CTL_ARGS("euicc", "reset", "--operational", "--default-address"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false);
    ctl_tty_expect(r,
                   "These profiles would be deleted, for good:\r\n"
                   "  " DIGITS_1 "  operational, disabled  Example, M2M\r\n"
                   "You are about to reset the card: delete all operational profiles, put the default SM-DP+ "
                   "back. This cannot be undone.\r\n"
                   "Type the word yes in full to go on");
}

static void type_yes_twice(struct ctl_run *r)
{
    ctl_tty_expect(r, "(1 of 2): ");
    ctl_tty_type(r, "yes\n");
    ctl_tty_expect(r, "Are you sure? Type yes once more (2 of 2): ");
    ctl_tty_type(r, "yes\n");
}

static void expect_reset(struct ctl_run *r)
{
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_RESET_CARD);
    assert_true(q->reset_card->operational_profiles);
    assert_false(q->reset_card->test_profiles);
    assert_true(q->reset_card->default_address);
}

static void reset_asked_twice(void **state)
{
    struct ctl_run *r = *state;
    begin_reset(r);
    type_yes_twice(r);
    expect_reset(r);
    // The same profiles and no more: it has been answered.
    send_reset_ask(r, (const char *const[]){ICCID_1}, 1, 0);
    assert_true(expect_answer(r));
    send_profiles(r, true);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "The card is reset. It now holds:\nICCID "));
}

static void reset_asked_again_for_more_profiles(void **state)
{
    struct ctl_run *r = *state;
    begin_reset(r);
    type_yes_twice(r);
    expect_reset(r);
    send_reset_ask(r, (const char *const[]){ICCID_1, ICCID_2}, 2, 0);
    ctl_tty_expect(r, "  " DIGITS_2 "  operational, disabled  Example, M2M\r\n");
    ctl_tty_expect(r, "(1 of 2): ");
    ctl_tty_type(r, "no\n");
    assert_false(expect_answer(r));
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_DENIED;
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 5);
}

static void reset_asked_again_for_undelivered(void **state)
{
    struct ctl_run *r = *state;
    begin_reset(r);
    type_yes_twice(r);
    expect_reset(r);
    send_reset_ask(r, (const char *const[]){ICCID_1}, 1, 3);
    ctl_tty_expect(r, "3 notifications are undelivered: the servers have not been told");
    type_yes_twice(r);
    assert_true(expect_answer(r));
    send_profiles(r, true);
    assert_int_equal(ctl_finish(r), 0);
}

static void reset_declined_the_second_time(void **state)
{
    struct ctl_run *r = *state;
    begin_reset(r);
    ctl_tty_expect(r, "(1 of 2): ");
    ctl_tty_type(r, "yes\n");
    ctl_tty_expect(r, "(2 of 2): ");
    ctl_tty_type(r, "y\n"); // not in full
    ctl_expect_closed(r);
    assert_int_equal(ctl_finish(r), 5);
    ctl_tty_expect(r, "Nothing was reset.");
}

static void reset_yes_is_not_enough(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, "yes\nyes\n", CTL_ARGS("euicc", "reset", "--test", "--yes"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false);
    ctl_expect_closed(r);
    assert_int_equal(ctl_finish(r), 5);
    assert_non_null(strstr(r->err, "There is no terminal to ask on, so nothing was reset."));
    assert_non_null(strstr(r->err, "--strong-yes"));
}

static void reset_strong_yes(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(
        r, CTL_NO_TERMINAL, NULL,
        CTL_ARGS("--json", "euicc", "reset", "--operational", "--default-address", "--yes", "--strong-yes"));
    expect_reset(r);
    send_reset_ask(r, (const char *const[]){ICCID_1}, 1, 1);
    assert_true(expect_answer(r));
    send_profiles(r, true);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->err, "1 notification is undelivered"));
    assert_non_null(strstr(r->err, "lpactl: consented to it (--yes --strong-yes)\n"));
    assert_int_equal(strncmp(r->out, "{\"profiles\":[{", 14), 0);
}

// --- the default SM-DP+ ---

static void send_info(struct ctl_run *r, const char *address, Lpad__RatEntry **rat, size_t rat_count)
{
    Lpad__CardInfo info = LPAD__CARD_INFO__INIT;
    Lpad__EuiccInfoReply reply = LPAD__EUICC_INFO_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    info.eid = BINARY("\x89\x04\x90\x32\x12\x34\x51\x23\x45\x12\x34\x56\x78\x90\x12\x35");
    info.euicc_info1 = BINARY("\xBF\x20\x00");
    info.default_smdp_address = text(address);
    info.rat = rat;
    info.n_rat = rat_count;
    reply.info = &info;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_EUICC_INFO;
    frame.euicc_info = &reply;
    ctl_send(r, &frame);
}

static void default_address_shown(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("euicc", "default-address"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_EUICC_INFO);
    send_info(r, "smdp.example.com", NULL, 0);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "smdp.example.com\n");
}

static void default_address_set(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL,
              CTL_ARGS("--json", "euicc", "default-address", "smdp.example.com:8443"));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_SET_DEFAULT_ADDRESS);
    assert_string_equal(q->set_default_address->address, "smdp.example.com:8443");
    send_done(r, NULL, 0);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "{\"default_smdp_address\":\"smdp.example.com:8443\"}\n");
}

static void default_address_removed(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("euicc", "default-address", "--remove"));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_SET_DEFAULT_ADDRESS);
    assert_string_equal(q->set_default_address->address, "");
    send_done(r, NULL, 0);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "The card has no default SM-DP+ any more.\n");
}

// --- the Rules Authorisation Table ---

static void info_with_rat(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Owner any = LPAD__OWNER__INIT, one = LPAD__OWNER__INIT;
    Lpad__Owner *operators[] = {&one, &any};
    Lpad__RatEntry entry = LPAD__RAT_ENTRY__INIT;
    Lpad__RatEntry *rat[] = {&entry};
    any.mcc_mnc = BINARY("\xEE\xEE\xEE");
    one.mcc_mnc = BINARY("\x62\xF2\x10");
    one.has_gid1 = true;
    one.gid1 = BINARY("\xAB");
    entry.pprs = 1 << 1 | 1 << 2;
    entry.operators = operators;
    entry.n_operators = 2;
    entry.consent_required = true;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("euicc", "info", "--rat"));
    assert_true(ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_EUICC_INFO)->get_euicc_info->rat);
    send_info(r, "", rat, 1);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out,
                           "allowed rules:    ppr1, ppr2, of 262-01 gid1 AB, any operator, with the consent "
                           "of a person\n"));
}

static void info_with_rat_json(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Owner one = LPAD__OWNER__INIT;
    Lpad__Owner *operators[] = {&one};
    Lpad__RatEntry entry = LPAD__RAT_ENTRY__INIT;
    Lpad__RatEntry *rat[] = {&entry};
    one.mcc_mnc = BINARY("\x62\xF2\x10");
    entry.pprs = 1 << 2;
    entry.operators = operators;
    entry.n_operators = 1;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("euicc", "info", "--rat", "--json"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_EUICC_INFO);
    send_info(r, "", rat, 1);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "\"rat\":[{\"pprs\":[\"ppr2\"],\"operators\":[{\"mcc_mnc\":\"262-01\"}],"
                                   "\"consent_required\":false}]}}\n"));
}

// --- revocation lists ---

static void load_crl(void **state)
{
    struct ctl_run *r = *state;
    uint32_t missing[] = {2, 4};
    ctl_start(r, CTL_NO_TERMINAL, "\x30\x03\x02\x01\x05", CTL_ARGS("euicc", "load-crl", "-"));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LOAD_CRL);
    assert_int_equal(q->load_crl->crl.len, 5);
    assert_memory_equal(q->load_crl->crl.data, "\x30\x03\x02\x01\x05", 5);
    send_done(r, missing, 2);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "The card took the revocation list. It still waits for the segments 2, 4.\n");
}

static void load_crl_pem(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, "-----BEGIN X509 CRL-----\n", CTL_ARGS("euicc", "load-crl", "-"));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->err, "is not a revocation list in DER"));
    assert_non_null(strstr(r->err, "-outform DER"));
}

static void load_crl_no_file(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "euicc", "load-crl", "/nonexistent/list.crl"));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->out, "\"error\":{\"code\":\"file\","));
}

// --- profiles by the AID of their ISD-P ---

static void enable_by_aid(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--card", "modem", "profile", "enable", AID_TEXT));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    assert_string_equal(q->card, "modem");
    send_profiles(r, false);
    q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    assert_string_equal(q->card, "modem");
    assert_memory_equal(q->change_profile->iccid.data, ICCID_2, 10);
    send_profiles(r, true);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "Profile " DIGITS_2 " is enabled."));
}

static void enable_by_unknown_aid(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "enable", "A0000005591010FFFFFFFF8900001F00"));
    assert_null(ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES)->card);
    send_profiles(r, false);
    ctl_expect_closed(r);
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->err, "No profile on the card has the ISD-P A0000005591010FFFFFFFF8900001F00."));
}

// --- icons ---

#define PNG "\x89PNG\r\n\x1a\n\x00icon"

static void send_icon(struct ctl_run *r)
{
    Lpad__IconReply icon = LPAD__ICON_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_ICON);
    assert_memory_equal(q->get_icon->iccid.data, ICCID_1, 10);
    icon.icon_type = PROFILE_ICON_PNG;
    icon.icon = BINARY(PNG);
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_ICON;
    frame.icon = &icon;
    ctl_send(r, &frame);
}

static void icon_to_standard_output(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "icon", DIGITS_1));
    send_icon(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_memory_equal(r->out, PNG, sizeof PNG); // the zero after it too: nothing follows
}

static void icon_to_a_file(void **state)
{
    struct ctl_run *r = *state;
    char path[128], content[64];
    snprintf(path, sizeof path, "%s/icon.png", r->folder);
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "profile", "icon", DIGITS_1, "--output", path));
    send_icon(r);
    int code = ctl_finish(r);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, content, sizeof content);
    close(fd);
    unlink(path);
    assert_int_equal(code, 0);
    assert_int_equal(n, sizeof PNG - 1);
    assert_memory_equal(content, PNG, sizeof PNG - 1);
    assert_non_null(strstr(r->out, "{\"iccid\":\"" DIGITS_1 "\",\"icon_type\":\"png\",\"file\":\""));
}

static void icon_not_to_a_terminal(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_TERMINAL_ALL, NULL, CTL_ARGS("profile", "icon", DIGITS_1));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->screen, "--output"));
}

#define RUN(f) cmocka_unit_test_setup_teardown(f, ctl_run_setup, ctl_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(reset_asked_twice),
        RUN(reset_asked_again_for_more_profiles),
        RUN(reset_asked_again_for_undelivered),
        RUN(reset_declined_the_second_time),
        RUN(reset_yes_is_not_enough),
        RUN(reset_strong_yes),
        RUN(default_address_shown),
        RUN(default_address_set),
        RUN(default_address_removed),
        RUN(info_with_rat),
        RUN(info_with_rat_json),
        RUN(load_crl),
        RUN(load_crl_pem),
        RUN(load_crl_no_file),
        RUN(enable_by_aid),
        RUN(enable_by_unknown_aid),
        RUN(icon_to_standard_output),
        RUN(icon_to_a_file),
        RUN(icon_not_to_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
