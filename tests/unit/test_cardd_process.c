// SPDX-License-Identifier: Apache-2.0
// lpad-cardd as a program, in its sandbox, on the simulated eUICC: what it does when it is asked properly,
// and that nothing reaches the card when it is not.
//
// Arguments: the lpad-cardd, sim-euicc and sim-pki programs.
#include "tests/unit/cardd_rig.h"

#include "lib/proc.h"
#include "lib/sealed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ICCID_ALPHA      "89490099999999990011"
#define ICCID_BETA       "89490099999999990022"
#define ICCID_GAMMA      "89490099999999990033"
#define CARD_ICCID_ALPHA "98940099999999990011"
#define CARD_ICCID_BETA  "98940099999999990022"
#define CARD_ICCID_GAMMA "98940099999999990033"

#define CANCEL_UNDEFINED 127

static const char initial[] =
    "{\"rootDsAddress\": \"smds.example.com\", \"defaultDpAddress\": \"smdp.example.com\", \"profiles\": ["
    "{\"iccid\": \"" ICCID_ALPHA
    "\", \"enabled\": true, \"name\": \"Alpha\", \"serviceProvider\": \"Example\","
    " \"notifications\": [{\"events\": [\"enable\", \"disable\", \"delete\"], \"address\": "
    "\"smdp.example.com\"}]},"
    "{\"iccid\": \"" ICCID_BETA
    "\", \"name\": \"Beta\", \"serviceProvider\": \"Example\", \"nickname\": \"b\"},"
    "{\"iccid\": \"89490099999999990044\", \"name\": \"Delta\", \"serviceProvider\": \"Example\"}]}";

// Three profiles of ordinary size that say all that a profile says in a list; the last one is a test profile.
static const char with_icons[] =
    "{\"rootDsAddress\": \"smds.example.com\", \"profiles\": ["
    "{\"iccid\": \"" ICCID_ALPHA "\", \"enabled\": true, \"name\": \"Fleet 2026\", "
    "\"serviceProvider\": \"Example\", \"owner\": {\"mccMnc\": \"62F210\"}, \"iconType\": \"png\", "
    "\"icon\": \"89504E470D0A1A0A\"},"
    "{\"iccid\": \"" ICCID_BETA "\", \"name\": \"Fleet Backup\", \"serviceProvider\": \"Example\", "
    "\"owner\": {\"mccMnc\": \"62F210\"}, \"iconType\": \"jpg\", \"icon\": \"FFD8FFE0\"},"
    "{\"iccid\": \"89490099999999990044\", \"name\": \"Delta\", \"serviceProvider\": \"Example\", "
    "\"owner\": {\"mccMnc\": \"62F210\"}, \"class\": \"test\", \"fieldLoaded\": true}]}";

static struct {
    const char *lpad_cardd, *sim_euicc, *sim_pki;
    char base[128];
    char credentials[160];
    struct cardd_rig rig;
    struct server_side server;
} world;

// --- setting up ---

static int remove_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    const char *temporary = getenv("TMPDIR");
    snprintf(world.base, sizeof world.base, "%s/cardd-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(world.base) == NULL)
        return -1;
    snprintf(world.credentials, sizeof world.credentials, "%s/pki", world.base);
    pid_t pid = fork();
    if (pid == 0) {
        execl(world.sim_pki, "sim-pki", "--out", world.credentials, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return -1;
    server_init(&world.server, world.credentials, CRED_NIST);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_free(&world.server);
    return nftw(world.base, remove_file, 16, FTW_DEPTH | FTW_PHYS);
}

// A test that failed leaves its processes behind.
static int clean(void **state)
{
    (void)state;
    struct cardd_rig *r = &world.rig;
    if (r->pid > 0) {
        kill(r->pid, SIGKILL);
        (void)cardd_rig_wait(r);
    }
    if (link_is_open(&r->broker))
        link_close(&r->broker);
    if (link_is_open(&r->policyd))
        link_close(&r->policyd);
    if (r->card.pid > 0)
        rig_kill(&r->card);
    r->card.pid = 0;
    return 0;
}

static struct cardd_rig *start_card(const char *card, const char *option, const char *value,
                                    const struct cardd_options *options)
{
    static char path[512];
    struct cardd_rig *r = &world.rig;
    *r = (struct cardd_rig){.program = world.lpad_cardd, .broker = LINK_NONE, .policyd = LINK_NONE};
    rig_init(&r->card, world.sim_euicc, world.base, world.credentials);
    rig_file_write(&r->card, "initial.json", card);
    snprintf(path, sizeof path, "%s/initial.json", r->card.dir);
    const char *arguments[] = {"--initial", path, option, value, NULL};
    cardd_rig_start(r, arguments, options);
    return r;
}

static struct cardd_rig *start_with(const char *option, const char *value,
                                    const struct cardd_options *options)
{
    return start_card(initial, option, value, options);
}

static struct cardd_rig *start(void)
{
    return start_with(NULL, NULL, NULL);
}

static void assert_failure(const Lpad__CarddToBroker *answer, enum err error)
{
    assert_non_null(answer);
    assert_int_equal(answer->body_case, LPAD__CARDD_TO_BROKER__BODY_FAILURE);
    assert_int_equal(answer->failure->error, error);
}

#define ASSERT_BODY(answer, name)                                                                            \
    do {                                                                                                     \
        const Lpad__CarddToBroker *answer_ = (answer);                                                       \
        assert_non_null(answer_);                                                                            \
        if (answer_->body_case == LPAD__CARDD_TO_BROKER__BODY_FAILURE)                                       \
            print_error("failure %#x: %s\n", answer_->failure->error,                                        \
                        answer_->failure->detail != NULL ? answer_->failure->detail : "");                   \
        assert_int_equal(answer_->body_case, LPAD__CARDD_TO_BROKER__BODY_##name);                            \
    } while (0)

static const Lpad__Profile *find(size_t count, Lpad__Profile *const *profiles, const char *iccid)
{
    uint8_t value[16];
    size_t len;
    assert_int_equal(hex_decode(iccid, strlen(iccid), value, sizeof value, &len), ERR_OK);
    for (size_t i = 0; i < count; i++)
        if (profiles[i]->iccid.len == len && memcmp(profiles[i]->iccid.data, value, len) == 0)
            return profiles[i];
    return NULL;
}

// Whether the card has it enabled, as it says now.
static bool is_enabled(struct cardd_rig *r, const char *iccid)
{
    const Lpad__CarddToBroker *answer = cardd_list(r);
    ASSERT_BODY(answer, PROFILES);
    const Lpad__Profile *p = find(answer->profiles->n_profiles, answer->profiles->profiles, iccid);
    return p != NULL && p->state == LPAD__PROFILE_STATE__PROFILE_ENABLED;
}

// --- reading ---

static void test_info(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    const Lpad__CarddToBroker *answer = cardd_get_info(r, true);
    ASSERT_BODY(answer, INFO);
    assert_int_equal(answer->info->eid.len, 16);
    assert_int_equal(answer->info->eid.data[0], 0x89);
    assert_int_equal(answer->info->euicc_info1.data[0], 0xBF);
    assert_string_equal(answer->info->default_smdp_address, "smdp.example.com");
    assert_string_equal(answer->info->root_smds_address, "smds.example.com");
    assert_non_null(answer->info->info2);
    assert_true(answer->info->info2->n_ci_pk_ids_signing >= 1);
    assert_true(answer->info->info2->has_free_nvm);
    unsigned before = rig_count_apdus(&r->card);
    ASSERT_BODY(cardd_get_info(r, false), INFO);
    assert_int_equal(rig_count_apdus(&r->card), before);
    cardd_rig_stop(r);
    assert_true(rig_log_has(&r->card, "> 0070800"));
}

// Three ordinary profiles fit one response.
static void test_list_in_two_apdus(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    unsigned before = rig_count_apdus(&r->card);
    ASSERT_BODY(cardd_list(r), PROFILES);
    // TERMINAL CAPABILITY, MANAGE CHANNEL, SELECT.
    assert_int_equal(rig_count_apdus(&r->card) - before, 3 + 2);
    before = rig_count_apdus(&r->card);
    const Lpad__CarddToBroker *answer = cardd_list(r);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(rig_count_apdus(&r->card) - before, 2);
    assert_int_equal(answer->profiles->n_profiles, 3);
    const Lpad__Profile *beta = find(3, answer->profiles->profiles, CARD_ICCID_BETA);
    assert_non_null(beta);
    assert_string_equal(beta->profile_name, "Beta");
    assert_string_equal(beta->nickname, "b");
    assert_int_equal(beta->state, LPAD__PROFILE_STATE__PROFILE_DISABLED);
    cardd_rig_stop(r);
}

static void test_list_with_icons_in_two_apdus(void **state)
{
    (void)state;
    struct cardd_rig *r = start_card(with_icons, NULL, NULL, NULL);
    ASSERT_BODY(cardd_list(r), PROFILES);
    unsigned before = rig_count_apdus(&r->card);
    const Lpad__CarddToBroker *answer = cardd_list(r);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(rig_count_apdus(&r->card) - before, 2);
    assert_int_equal(answer->profiles->n_profiles, 3);
    const Lpad__Profile *alpha = find(3, answer->profiles->profiles, CARD_ICCID_ALPHA);
    assert_true(alpha->has_icon_type);
    assert_int_equal(alpha->icon_type, 2);
    assert_false(find(3, answer->profiles->profiles, "98940099999999990044")->has_icon_type);

    answer = cardd_get_icon(r, CARD_ICCID_BETA);
    ASSERT_BODY(answer, ICON);
    assert_int_equal(answer->icon->icon_type, 1);
    assert_int_equal(answer->icon->icon.len, 4);
    assert_memory_equal(answer->icon->icon.data, "\xFF\xD8\xFF\xE0", 4);
    assert_failure(cardd_get_icon(r, "98940099999999990044"), ERR_INPUT);
    assert_failure(cardd_get_icon(r, CARD_ICCID_GAMMA), ERR_INPUT);
    cardd_rig_stop(r);
}

static void test_search(void **state)
{
    (void)state;
    struct cardd_rig *r = start_card(with_icons, NULL, NULL, NULL);
    const Lpad__CarddToBroker *answer = cardd_search(r, CARD_ICCID_BETA, NULL, -1);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(answer->profiles->n_profiles, 1);
    assert_string_equal(answer->profiles->profiles[0]->profile_name, "Fleet Backup");
    char aid[33];
    ProtobufCBinaryData beta = answer->profiles->profiles[0]->isdp_aid;
    assert_int_equal(hex_encode(bytes_make(beta.data, beta.len), aid, sizeof aid), ERR_OK);
    answer = cardd_search(r, NULL, aid, -1);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(answer->profiles->n_profiles, 1);
    assert_string_equal(answer->profiles->profiles[0]->profile_name, "Fleet Backup");
    answer = cardd_search(r, NULL, NULL, LPAD__PROFILE_CLASS__CLASS_TEST);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(answer->profiles->n_profiles, 1);
    assert_string_equal(answer->profiles->profiles[0]->profile_name, "Delta");
    answer = cardd_search(r, NULL, NULL, LPAD__PROFILE_CLASS__CLASS_PROVISIONING);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(answer->profiles->n_profiles, 0);
    assert_failure(cardd_search(r, CARD_ICCID_BETA, aid, -1), ERR_INPUT);
    cardd_rig_stop(r);
}

static void test_rat(void **state)
{
    (void)state;
    static const char card[] =
        "{\"rat\": [{\"pprs\": [\"ppr1\"], \"operators\": [{\"mccMnc\": \"62F210\", \"gid1\": \"\"}, "
        "{\"mccMnc\": \"62F220\"}], \"consent\": false}, {\"pprs\": [\"ppr1\", \"ppr2\"], "
        "\"operators\": [{\"mccMnc\": \"EEEEEE\", \"gid1\": \"\", \"gid2\": \"\"}], \"consent\": true}]}";
    struct cardd_rig *r = start_card(card, NULL, NULL, NULL);
    const Lpad__CarddToBroker *answer = cardd_get_rat(r);
    ASSERT_BODY(answer, INFO);
    assert_null(answer->info->info2);
    assert_int_equal(answer->info->n_rat, 2);
    const Lpad__RatEntry *first = answer->info->rat[0], *last = answer->info->rat[1];
    assert_int_equal(first->pprs, 1u << 1);
    assert_false(first->consent_required);
    assert_int_equal(first->n_operators, 2);
    assert_true(first->operators[0]->has_gid1 && first->operators[0]->gid1.len == 0);
    assert_false(first->operators[0]->has_gid2 || first->operators[1]->has_gid1);
    assert_memory_equal(first->operators[1]->mcc_mnc.data, "\x62\xF2\x20", 3);
    assert_int_equal(last->pprs, 1u << 1 | 1u << 2);
    assert_true(last->consent_required);
    answer = cardd_get_info(r, true);
    ASSERT_BODY(answer, INFO);
    assert_int_equal(answer->info->n_rat, 0);
    cardd_rig_stop(r);
}

// A card that does not know the first AID, nor the second.
static void test_more_aids(void **state)
{
    (void)state;
    const struct cardd_options options = {.more_aid = "A0000005591010FFFFFFFF8900000100"};
    struct cardd_rig *r = start_with(NULL, NULL, &options);
    rig_file_write(&r->card, "faults.json",
                   "[{\"match\": {\"ins\": \"A4\"}, \"action\": \"sw\", \"sw\": \"6A82\", \"times\": 2}]");
    ASSERT_BODY(cardd_list(r), PROFILES);
    assert_true(rig_log_has(&r->card, "A4040005A000000001"));
    assert_true(rig_log_has(&r->card, "A4040C05A000000001"));
    cardd_rig_stop(r);
}

// An earlier run ended without giving its channels back, on a card that kept them over the reset.
static void test_leaked_channels(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    rig_file_write(&r->card, "faults.json",
                   "[{\"match\": {\"ins\": \"70\", \"p1\": \"00\"}, \"action\": \"sw\", \"sw\": \"6A81\"}]");
    ASSERT_BODY(cardd_list(r), PROFILES);
    assert_true(rig_log_has(&r->card, "> 0070800100"));
    assert_true(rig_log_has(&r->card, "> 0070801300"));
    cardd_rig_stop(r);
}

// --- changes ---

static void test_change(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    const Lpad__CarddToBroker *answer =
        cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true);
    ASSERT_BODY(answer, CHANGED);
    assert_int_equal(answer->changed->profile->state, LPAD__PROFILE_STATE__PROFILE_DISABLED);
    const Lpad__Profile *beta = find(answer->changed->n_profiles, answer->changed->profiles, CARD_ICCID_BETA);
    assert_non_null(beta);
    assert_int_equal(beta->state, LPAD__PROFILE_STATE__PROFILE_ENABLED);
    assert_int_equal(r->questions, 1);
    assert_int_equal(r->operation, LPAD__OPERATION__OPERATION_ENABLE);
    assert_string_equal(r->asked_iccid, CARD_ICCID_BETA);
    assert_string_equal(r->enabled_iccid, CARD_ICCID_ALPHA);

    ASSERT_BODY(cardd_nickname(r, CARD_ICCID_BETA, "gateway"), CHANGED);
    ASSERT_BODY(cardd_change(r, LPAD__OPERATION__OPERATION_DISABLE, CARD_ICCID_BETA, false), CHANGED);
    answer = cardd_change(r, LPAD__OPERATION__OPERATION_DELETE, CARD_ICCID_ALPHA, true);
    ASSERT_BODY(answer, CHANGED);
    assert_int_equal(answer->changed->n_profiles, 2);
    assert_null(find(2, answer->changed->profiles, CARD_ICCID_ALPHA));
    assert_string_equal(find(2, answer->changed->profiles, CARD_ICCID_BETA)->nickname, "gateway");
    assert_int_equal(r->questions, 4);
    cardd_rig_stop(r);
}

static void test_change_with_lost_channel(void **state)
{
    (void)state;
    struct cardd_rig *r = start_with("--refresh", "channel-loss", NULL);
    ASSERT_BODY(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true), CHANGED);
    assert_true(is_enabled(r, CARD_ICCID_BETA));
    cardd_rig_stop(r);
}

static void test_change_refused_by_the_card(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    const Lpad__CarddToBroker *answer =
        cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_ALPHA, true);
    assert_failure(answer, ERR_CARD_RESULT);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10C_ENABLE_PROFILE);
    assert_int_equal(answer->failure->result_code, 2);
    assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_GAMMA, true), ERR_INPUT);
    assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_READ, CARD_ICCID_BETA, true), ERR_INPUT);
    cardd_rig_stop(r);
}

static void test_change_denied(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    r->policy = POLICY_NO;
    const Lpad__CarddToBroker *answer =
        cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true);
    assert_failure(answer, ERR_DENIED);
    assert_int_equal(answer->failure->deny_reason, LPAD__DENY_REASON__DENY_RULE);
    assert_string_equal(answer->failure->rule, "permissions[0]");
    assert_int_equal(answer->failure->line, 7);
    assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_DISABLE, CARD_ICCID_ALPHA, true), ERR_DENIED);
    assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_DELETE, CARD_ICCID_BETA, true), ERR_DENIED);
    assert_failure(cardd_nickname(r, CARD_ICCID_BETA, "x"), ERR_DENIED);
    cardd_rig_stop(r);
    static const char *const commands[] = {"ES10 BF31", "ES10 BF32", "ES10 BF33", "ES10 BF29"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        assert_false(rig_log_has(&r->card, commands[i]));
}

// A yes that is not the answer to the question changes nothing, and ends the process.
static void test_policyd_misbehaves(void **state)
{
    (void)state;
    static const struct {
        enum policy policy;
        enum err error;
        int exit;
    } cases[] = {
        {POLICY_OTHER_ID, ERR_PEER_UNEXPECTED, PROC_EXIT_VIOLATION_POLICYD},
        {POLICY_CLOSES,   ERR_CLOSED,          PROC_EXIT_OK               },
        {POLICY_SILENT,   ERR_IO_TIMEOUT,      PROC_EXIT_FAILED           },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cardd_rig *r = start();
        r->policy = cases[i].policy;
        assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true),
                       cases[i].error);
        int status = cardd_rig_wait(r);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), cases[i].exit);
        assert_false(rig_log_has(&r->card, "ES10 BF31"));
        clean(NULL);
    }
}

static void test_policyd_speaks_unasked(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    r->policy = POLICY_TWICE;
    ASSERT_BODY(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true), CHANGED);
    int status = cardd_rig_wait(r);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), PROC_EXIT_VIOLATION_POLICYD);
}

// --- cards that understand one form and not the other ---

static unsigned count_commands(struct cardd_rig *r, const char *tag)
{
    char path[512], *line = NULL;
    size_t size = 0;
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/apdu.log", r->card.dir);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (getline(&line, &size, file) > 0) {
        // A command of one block: five octets of header, then the tag.
        const char *command = strstr(line, " > ");
        count += command != NULL && strlen(command) > 17 && strncmp(command + 13, tag, strlen(tag)) == 0;
    }
    free(line);
    fclose(file);
    return count;
}

static void answer_with(struct cardd_rig *r, const char *tag, const char *data, unsigned times)
{
    char faults[256];
    snprintf(faults, sizeof faults,
             "[{\"match\": {\"es10\": \"%s\"}, \"action\": \"respond\", \"times\": %u, \"data\": \"%s\"}]",
             tag, times, data);
    rig_file_write(&r->card, "faults.json", faults);
    assert_int_equal(kill(r->card.pid, SIGHUP), 0);
}

#define BY_ICCID(iccid, refresh) "81E2910014BF3111A00C5A0A" iccid "8101" refresh

static void test_forms_in_order(void **state)
{
    (void)state;
    // What the card says to the first forms, and how many of them it does not understand.
    static const struct {
        const char *answer;
        unsigned refused;
    } cases[] = {
        {"BF31038001019000", 1}, // not found, though listed
        {"BF31038001019000", 2},
        {"BF310380017F9000", 3}, // undefined
        {"6A80",             1},
        {"6A88",             2},
        {"6985",             3},
        {"BF31038001059000", 1}, // busy: without a refresh
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cardd_rig *r = start_with("--answer", "data", NULL);
        answer_with(r, "BF31", cases[i].answer, cases[i].refused);
        ASSERT_BODY(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true), CHANGED);
        assert_true(is_enabled(r, CARD_ICCID_BETA));
        assert_int_equal(r->questions, 1);
        assert_int_equal(count_commands(r, "BF31"), cases[i].refused + 1);
        assert_true(rig_log_has(&r->card, BY_ICCID(CARD_ICCID_BETA, "FF")));
        assert_true(rig_log_has(&r->card, BY_ICCID(CARD_ICCID_BETA, "00")));
        assert_int_equal(count_commands(r, "BF3117A0124F10"), cases[i].refused - 1);
        // The list was read between any two.
        assert_true(count_commands(r, "BF2D") >= cases[i].refused + 2);
        cardd_rig_stop(r);
        clean(NULL);
    }
}

// All four, and then no more: the first answer is told.
static void test_forms_end(void **state)
{
    (void)state;
    struct cardd_rig *r = start_with("--answer", "data", NULL);
    answer_with(r, "BF32", "BF320380017F9000", 0);
    const Lpad__CarddToBroker *answer =
        cardd_change(r, LPAD__OPERATION__OPERATION_DISABLE, CARD_ICCID_ALPHA, true);
    assert_failure(answer, ERR_CARD_RESULT);
    assert_int_equal(answer->failure->result_code, 127);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10C_DISABLE_PROFILE);
    assert_int_equal(count_commands(r, "BF32"), 4);
    // Who does not want a refresh gets none.
    assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_DISABLE, CARD_ICCID_ALPHA, false),
                   ERR_CARD_RESULT);
    assert_int_equal(count_commands(r, "BF32"), 6);
    assert_int_equal(count_commands(r, "BF3211A00C5A0A" CARD_ICCID_ALPHA "8101FF"), 1);
    cardd_rig_stop(r);
}

// An answer is not asked again in other words: policy, state, and a card that fell silent.
static void test_answers_are_final(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "BF31038001029000", "BF31038001039000", "BF31038001049000", "6F00", "BF3100", "6982"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct cardd_rig *r = start_with("--answer", "data", NULL);
        answer_with(r, "BF31", answers[i], 1);
        const Lpad__CarddToBroker *answer =
            cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true);
        assert_non_null(answer);
        assert_int_equal(answer->body_case, LPAD__CARDD_TO_BROKER__BODY_FAILURE);
        assert_int_equal(count_commands(r, "BF31"), 1);
        assert_false(is_enabled(r, CARD_ICCID_BETA));
        cardd_rig_stop(r);
        clean(NULL);
    }
}

static void test_delete_by_aid(void **state)
{
    (void)state;
    struct cardd_rig *r = start_with("--answer", "data", NULL);
    answer_with(r, "BF33", "6A88", 1);
    const Lpad__CarddToBroker *answer =
        cardd_change(r, LPAD__OPERATION__OPERATION_DELETE, CARD_ICCID_BETA, true);
    ASSERT_BODY(answer, CHANGED);
    assert_int_equal(answer->changed->n_profiles, 2);
    assert_int_equal(count_commands(r, "BF330C5A0A" CARD_ICCID_BETA), 1);
    assert_int_equal(count_commands(r, "BF33124F10"), 1);
    cardd_rig_stop(r);
}

// --- outcomes that were lost on the way ---

static const Lpad__CarddToBroker *do_enable(struct cardd_rig *r)
{
    return cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true);
}

static const Lpad__CarddToBroker *do_delete(struct cardd_rig *r)
{
    return cardd_change(r, LPAD__OPERATION__OPERATION_DELETE, CARD_ICCID_BETA, true);
}

static const Lpad__CarddToBroker *do_nickname(struct cardd_rig *r)
{
    return cardd_nickname(r, CARD_ICCID_BETA, "gateway");
}

static const Lpad__CarddToBroker *do_default_address(struct cardd_rig *r)
{
    return cardd_default_address(r, "smdp.example.org");
}

static const Lpad__CarddToBroker *do_reset(struct cardd_rig *r)
{
    return cardd_reset(r, true, false, false);
}

static const struct {
    const char *tag;
    const Lpad__CarddToBroker *(*call)(struct cardd_rig *r);
    Lpad__CarddToBroker__BodyCase done;
    Lpad__Function function;
} changes[] = {
    {"BF31", do_enable,          LPAD__CARDD_TO_BROKER__BODY_CHANGED, LPAD__FUNCTION__ES10C_ENABLE_PROFILE    },
    {"BF33", do_delete,          LPAD__CARDD_TO_BROKER__BODY_CHANGED, LPAD__FUNCTION__ES10C_DELETE_PROFILE    },
    {"BF29", do_nickname,        LPAD__CARDD_TO_BROKER__BODY_CHANGED, LPAD__FUNCTION__ES10C_SET_NICKNAME      },
    {"BF3F", do_default_address, LPAD__CARDD_TO_BROKER__BODY_DONE,
     LPAD__FUNCTION__ES10A_SET_DEFAULT_DP_ADDRESS                                                             },
    {"BF34", do_reset,           LPAD__CARDD_TO_BROKER__BODY_CHANGED, LPAD__FUNCTION__ES10C_EUICC_MEMORY_RESET},
};

static void lose(struct cardd_rig *r, const char *tag, const char *action, bool after)
{
    char faults[200];
    snprintf(faults, sizeof faults, "[{\"match\": {\"es10\": \"%s\"}, %s, \"when\": \"%s\"}]", tag, action,
             after ? "after" : "before");
    rig_file_write(&r->card, "faults.json", faults);
    assert_int_equal(kill(r->card.pid, SIGHUP), 0);
}

// The card did it, or did not, and its answer was lost or is none: what it holds decides.
static void test_lost_answers_settle(void **state)
{
    (void)state;
    static const char *const losses[] = {"\"action\": \"mute\"", "\"action\": \"garbage\", \"data\": \"90\"",
                                         "\"action\": \"sw\", \"sw\": \"6F00\""};
    static const enum err errors[] = {ERR_CARD_TIMEOUT, ERR_CARD_RESPONSE, ERR_CARD_SW};
    const struct cardd_options options = {.apdu_timeout_ms = 200};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        for (size_t k = 0; k < sizeof losses / sizeof losses[0]; k++) {
            struct cardd_rig *r = start_with("--answer", "data", &options);
            lose(r, changes[i].tag, losses[k], false);
            const Lpad__CarddToBroker *answer = changes[i].call(r);
            assert_failure(answer, errors[k]);
            assert_int_equal(answer->failure->function, changes[i].function);
            lose(r, changes[i].tag, losses[k], true);
            answer = changes[i].call(r);
            assert_non_null(answer);
            assert_int_equal(answer->body_case, changes[i].done);
            assert_int_equal(count_commands(r, changes[i].tag), 2);
            cardd_rig_stop(r);
            clean(NULL);
        }
    }
}

// Nobody is left to be asked.
static void test_lost_card_is_unknown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct cardd_rig *r = start_with("--answer", "data", NULL);
        lose(r, changes[i].tag, "\"action\": \"cut\"", true);
        const Lpad__CarddToBroker *answer = changes[i].call(r);
        assert_failure(answer, ERR_CARD_GONE);
        assert_non_null(answer->failure->detail);
        assert_non_null(strstr(answer->failure->detail, "outcome unknown"));
        int status = cardd_rig_wait(r);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), PROC_EXIT_CARD);
        clean(NULL);
    }
}

// --- changes to the card as a whole ---

static void assert_default_address(struct cardd_rig *r, const char *address)
{
    const Lpad__CarddToBroker *answer = cardd_get_info(r, true);
    ASSERT_BODY(answer, INFO);
    if (address == NULL)
        assert_null(answer->info->default_smdp_address);
    else
        assert_string_equal(answer->info->default_smdp_address, address);
}

static void test_default_address(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    assert_failure(cardd_default_address(r, "https://smdp.example.org/"), ERR_INPUT);
    r->policy = POLICY_NO;
    assert_failure(cardd_default_address(r, "smdp.example.org"), ERR_DENIED);
    assert_false(rig_log_has(&r->card, "ES10 BF3F"));
    assert_default_address(r, "smdp.example.com");
    r->policy = POLICY_YES;
    ASSERT_BODY(cardd_default_address(r, "smdp.example.org"), DONE);
    assert_int_equal(r->asked, LPAD__CARDD_TO_POLICYD__BODY_DEFAULT_ADDRESS);
    assert_string_equal(r->asked_server, "smdp.example.org");
    assert_default_address(r, "smdp.example.org");
    ASSERT_BODY(cardd_default_address(r, ""), DONE);
    assert_default_address(r, NULL);
    cardd_rig_stop(r);
}

static void test_reset(void **state)
{
    (void)state;
    static const char *const refreshes[] = {"keep", "channel-loss"};
    for (size_t i = 0; i < 2; i++) {
        struct cardd_rig *r = start_card(with_icons, "--refresh", refreshes[i], NULL);
        assert_failure(cardd_reset(r, false, false, false), ERR_INPUT);
        r->policy = POLICY_NO;
        assert_failure(cardd_reset(r, true, true, true), ERR_DENIED);
        assert_false(rig_log_has(&r->card, "ES10 BF34"));
        r->policy = POLICY_YES;
        const Lpad__CarddToBroker *answer = cardd_reset(r, true, false, true);
        ASSERT_BODY(answer, CHANGED);
        assert_null(answer->changed->profile);
        assert_int_equal(answer->changed->n_profiles, 1);
        assert_string_equal(answer->changed->profiles[0]->profile_name, "Delta");
        assert_int_equal(r->asked, LPAD__CARDD_TO_POLICYD__BODY_RESET);
        assert_int_equal(r->asked_profiles, 3);
        assert_true(r->asked_options[0] && !r->asked_options[1] && r->asked_options[2]);
        answer = cardd_reset(r, true, false, false);
        assert_failure(answer, ERR_CARD_RESULT);
        assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10C_EUICC_MEMORY_RESET);
        assert_int_equal(answer->failure->result_code, 1);
        answer = cardd_reset(r, false, true, false);
        ASSERT_BODY(answer, CHANGED);
        assert_int_equal(answer->changed->n_profiles, 0);
        cardd_rig_stop(r);
        clean(NULL);
    }
}

#define CRL        "300930020500300003010A"
#define CRL_SHA256 "D1E54AE5645A5CBC85F2CF7C6809E256331806B8CD9A430520066BAB296A987E"

static void write_crl_faults(struct cardd_rig *r, const char *capability, const char *answer)
{
    char faults[512];
    snprintf(faults, sizeof faults,
             "[{\"match\": {\"es10\": \"BF22\"}, \"action\": \"respond\", \"times\": 0, \"data\": "
             "\"BF2213810302030182030205008303010203%s9000\"},"
             "{\"match\": {\"es10\": \"BF35\"}, \"action\": \"respond\", \"data\": \"%s9000\"}]",
             capability, answer);
    rig_file_write(&r->card, "faults.json", faults);
    assert_int_equal(kill(r->card.pid, SIGHUP), 0);
}

static void test_load_crl(void **state)
{
    (void)state;
    struct cardd_rig *r = start_with("--answer", "data", NULL);
    const Lpad__CarddToBroker *answer = cardd_load_crl(r, "BF350930020500300003010A");
    assert_failure(answer, ERR_INPUT);
    assert_non_null(answer->failure->detail);
    // The simulated card has no support for them.
    assert_failure(cardd_load_crl(r, CRL), ERR_INPUT);
    assert_int_equal(r->questions, 0);
    write_crl_faults(r, "88020640", "BF3509A007A005020102");
    r->policy = POLICY_NO;
    assert_failure(cardd_load_crl(r, CRL), ERR_DENIED);
    assert_false(rig_log_has(&r->card, "> 81E291000EBF350B"));
    r->policy = POLICY_YES;
    write_crl_faults(r, "88020640", "BF3507A005A003020102");
    answer = cardd_load_crl(r, CRL);
    ASSERT_BODY(answer, DONE);
    assert_true(rig_log_has(&r->card, "> 81E291000EBF350BA00930020500300003010A"));
    assert_int_equal(answer->done->n_missing_crl_parts, 1);
    assert_int_equal(answer->done->missing_crl_parts[0], 2);
    assert_int_equal(r->asked, LPAD__CARDD_TO_POLICYD__BODY_LOAD_CRL);
    assert_string_equal(r->asked_sha256, CRL_SHA256);
    write_crl_faults(r, "88020640", "BF3503810105");
    answer = cardd_load_crl(r, CRL);
    assert_failure(answer, ERR_CARD_RESULT);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10B_LOAD_CRL);
    assert_int_equal(answer->failure->result_code, 5);
    cardd_rig_stop(r);
}

// --- download ---

static void open_session(struct cardd_rig *r)
{
    ASSERT_BODY(cardd_challenge(r, &world.server), CHALLENGE);
    ASSERT_BODY(cardd_authenticate(r, &world.server, NULL), AUTHENTICATE_SERVER);
}

static void open_and_prepare(struct cardd_rig *r)
{
    open_session(r);
    ASSERT_BODY(cardd_prepare(r, &world.server, NULL), PREPARE_DOWNLOAD);
}

static void stage_gamma(struct cardd_rig *r, size_t size, struct package *package)
{
    server_package(&world.server, ICCID_GAMMA, size, package);
    ASSERT_BODY(cardd_stage(r, tlvb_get(&package->bytes)), STAGED);
}

// The whole of it, within the number of APDUs that 255-byte blocks and a card that answers 61xx make
// necessary.
static void test_download_in_74_apdus(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    struct package package;
    ASSERT_BODY(cardd_get_info(r, false), INFO);
    unsigned before = rig_count_apdus(&r->card);
    open_and_prepare(r);
    assert_string_equal(r->asked_server, "smdp.example.com");
    server_package(&world.server, ICCID_GAMMA, 11800, &package);
    const Lpad__CarddToBroker *answer = cardd_stage(r, tlvb_get(&package.bytes));
    ASSERT_BODY(answer, STAGED);
    assert_string_equal(answer->staged->metadata->profile_name, "Gamma");
    assert_int_equal(answer->staged->segments, package.count);
    assert_int_equal(answer->staged->size, package.bytes.len);
    answer = cardd_load(r);
    ASSERT_BODY(answer, LOADED);
    assert_int_equal(r->asked, LPAD__CARDD_TO_POLICYD__BODY_LOAD);
    assert_string_equal(r->asked_iccid, CARD_ICCID_GAMMA);
    assert_string_equal(r->asked_spn, "Example");
    assert_true(r->progress >= 1);
    assert_int_equal(r->last_progress.sent, package.bytes.len);
    assert_false(answer->loaded->has_error_reason);
    assert_true(answer->loaded->has_isdp_aid);
    assert_non_null(answer->loaded->profile);
    assert_string_equal(answer->loaded->profile->profile_name, "Gamma");
    uint32_t seq = answer->loaded->notification->sequence_number;
    ASSERT_BODY(cardd_remove(r, seq), NOTIFICATIONS);
    assert_int_equal(rig_count_apdus(&r->card) - before, 74);
    assert_failure(cardd_remove(r, seq), ERR_DENIED_PHASE);
    cardd_rig_stop(r);
    package_free(&package);
}

static void test_download_with_small_blocks(void **state)
{
    (void)state;
    static const unsigned sizes[] = {120, 254};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct cardd_options options = {.block_size = sizes[i]};
        struct cardd_rig *r = start_with("--answer", "data", &options);
        struct package package;
        open_and_prepare(r);
        stage_gamma(r, 3000, &package);
        ASSERT_BODY(cardd_load(r), LOADED);
        cardd_rig_stop(r);
        package_free(&package);
        clean(NULL);
    }
}

static void test_confirmation_code(void **state)
{
    (void)state;
    const struct server_options with = {.confirmation_code_required = true, .confirmation_code = "12345678"};
    const struct server_options without = {.confirmation_code_required = true};
    struct cardd_rig *r = start();
    open_session(r);
    ASSERT_BODY(cardd_prepare(r, &world.server, &with), PREPARE_DOWNLOAD);
    assert_true(r->asked_cc);
    ASSERT_BODY(cardd_cancel(r, 0), CANCEL_SESSION);
    open_session(r);
    assert_failure(cardd_prepare(r, &world.server, &without), ERR_INPUT);
    ASSERT_BODY(cardd_cancel(r, 0), CANCEL_SESSION);
    // A code that nobody asked for does not leave cardd: the rig checks that no hash is there.
    const struct server_options unasked = {.confirmation_code = "12345678"};
    open_session(r);
    ASSERT_BODY(cardd_prepare(r, &world.server, &unasked), PREPARE_DOWNLOAD);
    cardd_rig_stop(r);
}

static void test_server_that_is_not_the_sessions(void **state)
{
    (void)state;
    static const struct server_options cases[] = {
        {.address = "evil.example.com"},
        {.wrong_challenge = true},
        {.expected_oid = "1.2.3.4"},
    };
    struct cardd_rig *r = start();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ASSERT_BODY(cardd_challenge(r, &world.server), CHALLENGE);
        unsigned before = rig_count_apdus(&r->card);
        const Lpad__CarddToBroker *answer = cardd_authenticate(r, &world.server, &cases[i]);
        assert_failure(answer, ERR_REMOTE_MISMATCH);
        assert_non_null(answer->failure->detail);
        assert_int_equal(rig_count_apdus(&r->card), before);
    }
    cardd_rig_stop(r);
}

// An SM-DS is authenticated like an SM-DP+, and has nothing to download; what comes next needs no cancelling.
static void test_discovery_server(void **state)
{
    (void)state;
    const struct server_options discovery = {.credential = CRED_DSAUTH};
    struct cardd_rig *r = start();
    ASSERT_BODY(cardd_challenge(r, &world.server), CHALLENGE);
    const Lpad__CarddToBroker *answer = cardd_authenticate(r, &world.server, &discovery);
    ASSERT_BODY(answer, AUTHENTICATE_SERVER);
    assert_true(answer->authenticate_server->has_discovery_server &&
                answer->authenticate_server->discovery_server);
    assert_failure(cardd_prepare(r, &world.server, NULL), ERR_DENIED_PHASE);
    assert_int_equal(r->questions, 0);
    ASSERT_BODY(cardd_challenge(r, &world.server), CHALLENGE);
    answer = cardd_authenticate(r, &world.server, NULL);
    ASSERT_BODY(answer, AUTHENTICATE_SERVER);
    assert_false(answer->authenticate_server->has_discovery_server);
    ASSERT_BODY(cardd_prepare(r, &world.server, NULL), PREPARE_DOWNLOAD);
    cardd_rig_stop(r);
}

// Nothing else than a server that authenticates itself comes to the card.
static void test_other_roles(void **state)
{
    (void)state;
    static const enum cred_name names[] = {CRED_DPPB, CRED_DPTLS, CRED_DSTLS};
    struct cardd_rig *r = start();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct server_options options = {.credential = names[i]};
        ASSERT_BODY(cardd_challenge(r, &world.server), CHALLENGE);
        assert_failure(cardd_authenticate(r, &world.server, &options), ERR_REMOTE_MISMATCH);
    }
    assert_false(rig_log_has(&r->card, "ES10 BF38"));
    cardd_rig_stop(r);
}

static void test_steps_out_of_order(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    struct package package;
    ASSERT_BODY(cardd_get_info(r, false), INFO);
    unsigned before = rig_count_apdus(&r->card);
    assert_failure(cardd_load(r), ERR_DENIED_PHASE);
    assert_failure(cardd_cancel(r, 0), ERR_DENIED_PHASE);
    assert_failure(cardd_prepare(r, &world.server, NULL), ERR_DENIED_PHASE);
    assert_failure(cardd_authenticate(r, &world.server, NULL), ERR_DENIED_PHASE);
    assert_failure(cardd_remove(r, 1), ERR_DENIED_PHASE);
    assert_int_equal(rig_count_apdus(&r->card), before);

    open_and_prepare(r);
    before = rig_count_apdus(&r->card);
    uint8_t tid[sizeof world.server.tid];
    memcpy(tid, world.server.tid, sizeof tid);
    assert_failure(cardd_challenge(r, &world.server), ERR_DENIED_PHASE);
    assert_failure(cardd_authenticate(r, &world.server, NULL), ERR_DENIED_PHASE);
    assert_failure(cardd_prepare(r, &world.server, NULL), ERR_DENIED_PHASE);
    assert_failure(cardd_load(r), ERR_DENIED_PHASE);
    assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true),
                   ERR_DENIED_PHASE);
    assert_int_equal(rig_count_apdus(&r->card), before);

    memcpy(world.server.tid, tid, sizeof tid);
    stage_gamma(r, 1000, &package);
    assert_failure(cardd_stage(r, tlvb_get(&package.bytes)), ERR_DENIED_PHASE);
    ASSERT_BODY(cardd_list(r), PROFILES);
    ASSERT_BODY(cardd_load(r), LOADED);
    assert_failure(cardd_load(r), ERR_DENIED_PHASE);
    cardd_rig_stop(r);
    package_free(&package);
}

// A package of another transaction, and one with a command in it: neither is loaded, and cancelling works.
static void test_package_refused(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    struct package package;
    open_and_prepare(r);
    world.server.tid[3] ^= 1;
    server_package(&world.server, ICCID_GAMMA, 1000, &package);
    world.server.tid[3] ^= 1;
    assert_failure(cardd_stage(r, tlvb_get(&package.bytes)), ERR_REMOTE_MISMATCH);
    assert_failure(cardd_load(r), ERR_DENIED_PHASE);
    const Lpad__CarddToBroker *answer = cardd_cancel(r, 5);
    ASSERT_BODY(answer, CANCEL_SESSION);
    assert_memory_equal(answer->cancel_session->transaction_id.data, world.server.tid, 16);
    assert_false(rig_log_has(&r->card, "ES10 BF36"));
    cardd_rig_stop(r);
    package_free(&package);
}

static void test_package_in_memory_that_can_change(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardStage stage = LPAD__CARD_STAGE__INIT;
    int fd;
    open_and_prepare(r);
    assert_int_equal(sealed_create("package", &fd), ERR_OK);
    assert_int_equal(write(fd, "x", 1), 1);
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_STAGE;
    request.stage = &stage;
    assert_failure(cardd_call(r, &request, fd), ERR_PEER_SEAL);
    close(fd);
    ASSERT_BODY(cardd_cancel(r, 5), CANCEL_SESSION);
    cardd_rig_stop(r);
}

static void test_load_denied(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    struct package package;
    open_and_prepare(r);
    stage_gamma(r, 1000, &package);
    r->policy = POLICY_NO;
    assert_failure(cardd_load(r), ERR_DENIED);
    // Once no, always no: asking again needs a session of its own.
    r->policy = POLICY_YES;
    assert_failure(cardd_load(r), ERR_DENIED_PHASE);
    ASSERT_BODY(cardd_cancel(r, 0), CANCEL_SESSION);
    assert_false(rig_log_has(&r->card, "ES10 BF36"));
    cardd_rig_stop(r);
    package_free(&package);
}

static void test_load_fails_on_the_card(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    struct package package;
    rig_file_write(
        &r->card, "faults.json",
        "[{\"match\": {\"es10\": \"BF36\", \"segment\": 4}, \"action\": \"sw\", \"sw\": \"6F00\"}]");
    open_and_prepare(r);
    stage_gamma(r, 3000, &package);
    const Lpad__CarddToBroker *answer = cardd_load(r);
    assert_failure(answer, ERR_CARD_SW);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10B_LOAD_BOUND_PROFILE_PACKAGE);
    assert_int_equal(answer->failure->status_word, 0x6F00);
    ASSERT_BODY(cardd_cancel(r, 5), CANCEL_SESSION);
    cardd_rig_stop(r);
    package_free(&package);
}

static void lose_segment(struct cardd_rig *r, size_t segment, const char *action, bool after)
{
    char faults[200];
    snprintf(faults, sizeof faults,
             "[{\"match\": {\"es10\": \"BF36\", \"segment\": %zu}, %s, \"when\": \"%s\"}]", segment, action,
             after ? "after" : "before");
    rig_file_write(&r->card, "faults.json", faults);
    assert_int_equal(kill(r->card.pid, SIGHUP), 0);
}

// The card installed it, or refused it, and its result did not come: it is read from the card.
static void test_load_result_lost(void **state)
{
    (void)state;
    static const struct {
        const char *action;
        bool refused;
    } cases[] = {
        {"\"action\": \"mute\"",                        false},
        {"\"action\": \"garbage\", \"data\": \"90\"",   false},
        {"\"action\": \"respond\", \"data\": \"9000\"", false},
        {"\"action\": \"mute\"",                        true },
    };
    const struct cardd_options options = {.apdu_timeout_ms = 300};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cardd_rig *r = start_with("--answer", "data", &options);
        struct package package;
        open_and_prepare(r);
        server_package(&world.server, ICCID_GAMMA, 3000, &package);
        if (cases[i].refused)
            package.bytes.buf[package.at[2] - 1] ^= 1;
        ASSERT_BODY(cardd_stage(r, tlvb_get(&package.bytes)), STAGED);
        lose_segment(r, cases[i].refused ? 2 : package.count, cases[i].action, true);
        const Lpad__CarddToBroker *answer = cardd_load(r);
        ASSERT_BODY(answer, LOADED);
        assert_int_equal(answer->loaded->profile_installation_result.data[1], 0x37);
        assert_int_equal(answer->loaded->has_error_reason, cases[i].refused);
        assert_int_equal(answer->loaded->profile == NULL, cases[i].refused);
        ASSERT_BODY(cardd_remove(r, answer->loaded->notification->sequence_number), NOTIFICATIONS);
        cardd_rig_stop(r);
        package_free(&package);
        clean(NULL);
    }
}

// The card did not get a segment: there is no result to be found, and the session can be cancelled.
static void test_load_segment_lost(void **state)
{
    (void)state;
    const struct cardd_options options = {.apdu_timeout_ms = 300};
    struct cardd_rig *r = start_with("--answer", "data", &options);
    struct package package;
    open_and_prepare(r);
    stage_gamma(r, 3000, &package);
    lose_segment(r, 4, "\"action\": \"mute\"", false);
    const Lpad__CarddToBroker *answer = cardd_load(r);
    assert_failure(answer, ERR_CARD_TIMEOUT);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10B_LOAD_BOUND_PROFILE_PACKAGE);
    ASSERT_BODY(cardd_cancel(r, 5), CANCEL_SESSION);
    cardd_rig_stop(r);
    package_free(&package);
}

static void test_load_card_lost(void **state)
{
    (void)state;
    struct cardd_rig *r = start_with("--answer", "data", NULL);
    struct package package;
    open_and_prepare(r);
    stage_gamma(r, 3000, &package);
    lose_segment(r, package.count, "\"action\": \"cut\"", true);
    const Lpad__CarddToBroker *answer = cardd_load(r);
    assert_failure(answer, ERR_CARD_GONE);
    assert_non_null(strstr(answer->failure->detail, "outcome unknown"));
    assert_int_equal(WEXITSTATUS(cardd_rig_wait(r)), PROC_EXIT_CARD);
    package_free(&package);
}

// The card refuses the package: its result comes at once, and what follows is not sent.
static void test_load_refused_by_the_card(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    struct package package;
    open_and_prepare(r);
    server_package(&world.server, ICCID_GAMMA, 3000, &package);
    // The last octet of the 87, which is its MAC.
    package.bytes.buf[package.at[2] - 1] ^= 1;
    ASSERT_BODY(cardd_stage(r, tlvb_get(&package.bytes)), STAGED);
    const Lpad__CarddToBroker *answer = cardd_load(r);
    ASSERT_BODY(answer, LOADED);
    assert_true(answer->loaded->has_error_reason && answer->loaded->has_bpp_command);
    assert_int_equal(answer->loaded->error_reason, 8);
    assert_null(answer->loaded->profile);
    assert_false(rig_log_has(&r->card, "segment=3"));
    ASSERT_BODY(cardd_remove(r, answer->loaded->notification->sequence_number), NOTIFICATIONS);
    cardd_rig_stop(r);
    package_free(&package);
}

static void test_load_aborted(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    struct package package;
    Lpad__BrokerToCardd load = LPAD__BROKER_TO_CARDD__INIT, abort_load = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardLoad load_body = LPAD__CARD_LOAD__INIT;
    Lpad__CardAbort abort_body = LPAD__CARD_ABORT__INIT;
    open_and_prepare(r);
    stage_gamma(r, 3000, &package);
    load.body_case = LPAD__BROKER_TO_CARDD__BODY_LOAD;
    load.load = &load_body;
    abort_load.body_case = LPAD__BROKER_TO_CARDD__BODY_ABORT;
    abort_load.abort = &abort_body;
    cardd_send(r, &load, -1);
    cardd_send(r, &abort_load, -1);
    assert_failure(cardd_answer(r), ERR_DENIED);
    assert_false(rig_log_has(&r->card, "segment=1"));
    // Too late, it means nothing and is not answered.
    cardd_send(r, &abort_load, -1);
    ASSERT_BODY(cardd_cancel(r, 0), CANCEL_SESSION);
    cardd_rig_stop(r);
    package_free(&package);
}

// The broker dies with a load under way: the load is finished.
static void test_load_outlives_the_broker(void **state)
{
    (void)state;
    struct cardd_rig *r = start_with("--latency-ms", "2", NULL);
    struct package package;
    Lpad__BrokerToCardd load = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardLoad body = LPAD__CARD_LOAD__INIT;
    open_and_prepare(r);
    stage_gamma(r, 11800, &package);
    load.body_case = LPAD__BROKER_TO_CARDD__BODY_LOAD;
    load.load = &body;
    cardd_send(r, &load, -1);
    const ProtobufCMessage *frame;
    int fd;
    unsigned questions = r->questions;
    while (r->questions == questions) {
        assert_int_equal(link_recv(&r->policyd, 10000, &frame, &fd), ERR_OK);
        Lpad__Approval approval = LPAD__APPROVAL__INIT;
        Lpad__PolicydToCardd reply = LPAD__POLICYD_TO_CARDD__INIT;
        approval.allow = true;
        reply.id = ((const Lpad__CarddToPolicyd *)(const void *)frame)->id;
        reply.body_case = LPAD__POLICYD_TO_CARDD__BODY_APPROVAL;
        reply.approval = &approval;
        assert_int_equal(link_send(&r->policyd, &reply.base, -1), ERR_OK);
        r->questions++;
    }
    // The first progress frame says that segments go out.
    assert_int_equal(link_recv(&r->broker, 10000, &frame, &fd), ERR_OK);
    assert_int_equal(((const Lpad__CarddToBroker *)(const void *)frame)->body_case,
                     LPAD__CARDD_TO_BROKER__BODY_PROGRESS);
    cardd_rig_stop(r);
    assert_true(rig_log_has(&r->card, "ES10 BF36 LoadBoundProfilePackage segment=17 result=0"));
    package_free(&package);
}

// --- ends ---

static void test_open_session_is_cancelled(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    open_and_prepare(r);
    cardd_rig_stop(r);
    assert_true(rig_log_last_es10_is(&r->card, "ES10 BF41 CancelSession reason=127"));
}

static void test_policyd_goes_while_idle(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    open_session(r);
    link_close(&r->policyd);
    int status = cardd_rig_wait(r);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), PROC_EXIT_OK);
    assert_true(rig_log_last_es10_is(&r->card, "ES10 BF41 CancelSession reason=127"));
}

static void test_card_goes(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    ASSERT_BODY(cardd_get_info(r, false), INFO);
    rig_kill(&r->card);
    r->card.pid = 0;
    int status = cardd_rig_wait(r);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), PROC_EXIT_CARD);
}

// A frame that is none of the link's ends the process, and says who it was.
static void test_broker_breaks_the_contract(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    assert_int_equal(write(r->broker.fd, "\xFF\xFF", 2), 2);
    int status = cardd_rig_wait(r);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), PROC_EXIT_VIOLATION_BROKER);
}

// --- a card that does not answer as it should ---

static void test_silent_card_settles(void **state)
{
    (void)state;
    const struct cardd_options options = {.apdu_timeout_ms = 300};
    struct cardd_rig *r = start_with("--answer", "data", &options);
    ASSERT_BODY(cardd_get_info(r, false), INFO);
    // It does what it is told and says nothing.
    rig_file_write(&r->card, "faults.json",
                   "[{\"match\": {\"es10\": \"BF31\"}, \"action\": \"mute\", \"when\": \"after\"}]");
    ASSERT_BODY(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true), CHANGED);
    assert_true(is_enabled(r, CARD_ICCID_BETA));
    // It neither does it nor says anything.
    rig_file_write(&r->card, "faults.json", "[{\"match\": {\"es10\": \"BF31\"}, \"action\": \"mute\"}]");
    const Lpad__CarddToBroker *answer =
        cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_ALPHA, true);
    assert_failure(answer, ERR_CARD_TIMEOUT);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10C_ENABLE_PROFILE);
    assert_true(is_enabled(r, CARD_ICCID_BETA));
    cardd_rig_stop(r);
}

// Whether the card took the server or not: nothing stays open on it, and the next session begins as ever.
static void test_silent_card_at_authentication(void **state)
{
    (void)state;
    const struct cardd_options options = {.apdu_timeout_ms = 300};
    struct cardd_rig *r = start_with("--answer", "data", &options);
    ASSERT_BODY(cardd_challenge(r, &world.server), CHALLENGE);
    rig_file_write(&r->card, "faults.json",
                   "[{\"match\": {\"es10\": \"BF38\"}, \"action\": \"delay\", \"ms\": 400}]");
    assert_failure(cardd_authenticate(r, &world.server, NULL), ERR_CARD_TIMEOUT);
    assert_true(rig_log_last_es10_is(&r->card, "ES10 BF41 CancelSession reason=127"));
    assert_failure(cardd_cancel(r, 0), ERR_DENIED_PHASE);
    open_session(r);
    cardd_rig_stop(r);
}

static void test_garbage_from_the_card(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        enum err error;
    } cases[] = {
        {"\"action\": \"respond\", \"data\": \"BF2D02A0009000\"",             ERR_OK           },
        {"\"action\": \"respond\", \"data\": \"BF2D03A0009000\"",             ERR_CARD_RESPONSE},
        {"\"action\": \"respond\", \"data\": \"BF2D02A000009000\"",           ERR_CARD_RESPONSE},
        {"\"action\": \"respond\", \"data\": \"BF2E02A0009000\"",             ERR_CARD_RESPONSE},
        {"\"action\": \"respond\", \"data\": \"BF2D03810101"
         "9000\"",                                                   ERR_CARD_RESULT  },
        {"\"action\": \"respond\", \"data\": \"BF2D08A006E3045A0212009000\"", ERR_CARD_RESPONSE},
        {"\"action\": \"garbage\", \"data\": \"90\"",                         ERR_CARD_RESPONSE},
        {"\"action\": \"sw\", \"sw\": \"6A82\"",                              ERR_CARD_SW      },
    };
    struct cardd_rig *r = start_with("--answer", "data", NULL);
    ASSERT_BODY(cardd_get_info(r, false), INFO);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char faults[256];
        snprintf(faults, sizeof faults, "[{\"match\": {\"es10\": \"BF2D\"}, %s}]", cases[i].fault);
        rig_file_write(&r->card, "faults.json", faults);
        // The file's time stamp decides whether it is read again.
        assert_int_equal(kill(r->card.pid, SIGHUP), 0);
        const Lpad__CarddToBroker *answer = cardd_list(r);
        if (cases[i].error == ERR_OK) {
            ASSERT_BODY(answer, PROFILES);
            continue;
        }
        assert_failure(answer, cases[i].error);
        assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10C_GET_PROFILES_INFO);
    }
    rig_file_write(&r->card, "faults.json", "[]");
    ASSERT_BODY(cardd_list(r), PROFILES);
    cardd_rig_stop(r);
}

// Something closed the channel: reads open it anew.
static void test_lost_channel(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    ASSERT_BODY(cardd_list(r), PROFILES);
    rig_file_write(&r->card, "faults.json",
                   "[{\"match\": {\"ins\": \"E2\"}, \"action\": \"sw\", \"sw\": \"6881\"}]");
    const Lpad__CarddToBroker *answer = cardd_list(r);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(answer->profiles->n_profiles, 3);
    cardd_rig_stop(r);
}

static void test_notifications(void **state)
{
    (void)state;
    struct cardd_rig *r = start();
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardListNotifications body = LPAD__CARD_LIST_NOTIFICATIONS__INIT;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_LIST_NOTIFICATIONS;
    request.list_notifications = &body;
    ASSERT_BODY(cardd_change(r, LPAD__OPERATION__OPERATION_DISABLE, CARD_ICCID_ALPHA, true), CHANGED);
    const Lpad__CarddToBroker *answer = cardd_call(r, &request, -1);
    ASSERT_BODY(answer, NOTIFICATIONS);
    assert_int_equal(answer->notifications->n_notifications, 1);
    uint32_t seq = answer->notifications->notifications[0]->sequence_number;
    assert_string_equal(answer->notifications->notifications[0]->address, "smdp.example.com");
    assert_int_equal(answer->notifications->notifications[0]->event, 4);
    // Seen is not handed out.
    assert_failure(cardd_remove(r, seq), ERR_DENIED_PHASE);
    answer = cardd_retrieve(r, seq);
    ASSERT_BODY(answer, NOTIFICATION);
    assert_int_equal(answer->notification->pending_notification.data[0], 0x30);
    assert_failure(cardd_retrieve(r, seq + 1), ERR_CARD_RESULT);
    ASSERT_BODY(cardd_remove(r, seq), NOTIFICATIONS);
    assert_failure(cardd_remove(r, seq), ERR_DENIED_PHASE);
    answer = cardd_call(r, &request, -1);
    ASSERT_BODY(answer, NOTIFICATIONS);
    assert_int_equal(answer->notifications->n_notifications, 0);
    cardd_rig_stop(r);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: test_cardd_process LPAD-CARDD SIM-EUICC SIM-PKI\n", stderr);
        return 2;
    }
    world.lpad_cardd = argv[1];
    world.sim_euicc = argv[2];
    world.sim_pki = argv[3];
#define RIG_TEST(function) cmocka_unit_test_teardown(function, clean)
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_info),
        RIG_TEST(test_list_in_two_apdus),
        RIG_TEST(test_list_with_icons_in_two_apdus),
        RIG_TEST(test_search),
        RIG_TEST(test_rat),
        RIG_TEST(test_more_aids),
        RIG_TEST(test_leaked_channels),
        RIG_TEST(test_change),
        RIG_TEST(test_change_with_lost_channel),
        RIG_TEST(test_change_refused_by_the_card),
        RIG_TEST(test_change_denied),
        RIG_TEST(test_policyd_misbehaves),
        RIG_TEST(test_policyd_speaks_unasked),
        RIG_TEST(test_forms_in_order),
        RIG_TEST(test_forms_end),
        RIG_TEST(test_answers_are_final),
        RIG_TEST(test_delete_by_aid),
        RIG_TEST(test_lost_answers_settle),
        RIG_TEST(test_lost_card_is_unknown),
        RIG_TEST(test_default_address),
        RIG_TEST(test_reset),
        RIG_TEST(test_load_crl),
        RIG_TEST(test_download_in_74_apdus),
        RIG_TEST(test_download_with_small_blocks),
        RIG_TEST(test_confirmation_code),
        RIG_TEST(test_server_that_is_not_the_sessions),
        RIG_TEST(test_discovery_server),
        RIG_TEST(test_other_roles),
        RIG_TEST(test_steps_out_of_order),
        RIG_TEST(test_package_refused),
        RIG_TEST(test_package_in_memory_that_can_change),
        RIG_TEST(test_load_denied),
        RIG_TEST(test_load_fails_on_the_card),
        RIG_TEST(test_load_result_lost),
        RIG_TEST(test_load_segment_lost),
        RIG_TEST(test_load_card_lost),
        RIG_TEST(test_load_refused_by_the_card),
        RIG_TEST(test_load_aborted),
        RIG_TEST(test_load_outlives_the_broker),
        RIG_TEST(test_open_session_is_cancelled),
        RIG_TEST(test_policyd_goes_while_idle),
        RIG_TEST(test_card_goes),
        RIG_TEST(test_broker_breaks_the_contract),
        RIG_TEST(test_silent_card_settles),
        RIG_TEST(test_silent_card_at_authentication),
        RIG_TEST(test_garbage_from_the_card),
        RIG_TEST(test_lost_channel),
        RIG_TEST(test_notifications),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
