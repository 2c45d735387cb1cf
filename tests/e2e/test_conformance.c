// SPDX-License-Identifier: Apache-2.0
// What the standard's conformance objectives ask of an LPA at an SM-DP+: every status code at every function,
// the checks of what a server says about itself, its ways to write an answer, and each reason to cancel.
//
// An order per row: what an earlier row did to its order does not matter.
#include "rsp/result.h"
#include "tests/e2e/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NO_CANCEL    (-1)
#define POSTPONED    1

// The card has room for all that is downloaded here.
static const char roomy[] = "{\"nvm\":4000000}";

struct row {
    const char *fault;    // members of the server's fault; "" for none
    const char *order;    // members to add to the order's; "" for none
    const char *tail;     // of the activation code
    int exit;             // of lpactl
    const char *error;    // its name; NULL: none, the profile is installed
    const char *function; // that failed, or text that the answer has
    const char *subject, *reason;
    int cancel;          // reason that card and server are told, or NO_CANCEL
    bool authenticated;  // AuthenticateServer reached the card
    const char *further; // text in the card's or the server's log; NULL for none
};

static void start(struct world *w, struct world_options *o)
{
    static char policy[512];
    snprintf(policy, sizeof policy,
             "version: 1\n"
             "roles:\n  admin: { users: [%u] }\n"
             "permissions:\n"
             "  - operations: [download]\n    roles: [admin]\n    hosts: [\"" WORLD_HOST "\"]\n"
             "caps: { downloads_per_day: 1000 }\n",
             (unsigned)getuid());
    *o = (struct world_options){.policy = policy, .initial = roomy};
    world_start(w, o);
}

// Nineteen digits with their check digit (ITU-T E.118).
static void make_iccid(unsigned number, char ret_iccid[20])
{
    snprintf(ret_iccid, 20, "89494499999999%04u", number);
    unsigned sum = 0;
    for (size_t i = 0; i < 18; i++) {
        unsigned digit = (unsigned)(ret_iccid[i] - '0') * (i % 2 == 1 ? 2 : 1);
        sum += digit > 9 ? digit - 9 : digit;
    }
    ret_iccid[18] = (char)('0' + (10 - sum % 10) % 10);
    ret_iccid[19] = 0;
}

static void write_order(struct world *w, unsigned number, const char *iccid, const char *more)
{
    char name[64], text[2048];
    snprintf(name, sizeof name, "orders/row-%u.json", number);
    snprintf(text, sizeof text,
             "{\"matchingId\":\"ROW-%u\",\"iccid\":\"%s\",\"serviceProviderName\":\"Example Telecom\","
             "\"profileName\":\"Row\",\"uppSize\":3000%s%s}",
             number, iccid, more[0] != 0 ? "," : "", more);
    world_write(w, name, text);
}

static struct run download(struct world *w, unsigned number, const char *tail)
{
    char line[256];
    snprintf(line, sizeof line, "LPA:1$" WORLD_HOST "$ROW-%u%s\n", number, tail);
    return world_lpactl(w, line, "--json", "profile", "download", "--yes", NULL);
}

static size_t length_of(const struct world *w, const char *name)
{
    char *text = world_read(w, name);
    size_t len = strlen(text);
    free(text);
    return len;
}

static unsigned count_in(const char *text, const char *needle)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, needle)) != NULL; p += strlen(needle))
        n++;
    return n;
}

static bool has_member(const char *json, const char *name, const char *value)
{
    char text[256];
    snprintf(text, sizeof text, "\"%s\":\"%s\"", name, value);
    return strstr(json, text) != NULL;
}

// NULL when the answer is the row's, else what is wrong with it.
static const char *judge_answer(const struct row *row, const struct run *r)
{
    if (r->code != row->exit)
        return "another exit code";
    if (row->error == NULL)
        return strstr(r->out, "\"error\"") != NULL ? "an error" : NULL;
    if (!has_member(r->out, "code", row->error))
        return "another error";
    if (row->function != NULL && strstr(r->out, row->function) == NULL)
        return "another function";
    if (row->subject == NULL)
        return NULL;
    if (!has_member(r->out, "subject", row->subject) || !has_member(r->out, "reason", row->reason))
        return "other codes";
    struct status_info info = status_explain(row->subject, row->reason);
    return strstr(r->out, info.words) == NULL || !info.known ? "no words of its own" : NULL;
}

// Likewise for what card and server saw of it.
static const char *judge_logs(const struct row *row, const char *card, const char *server)
{
    char reason[64];
    if ((strstr(card, "= ES10 BF38") != NULL) != row->authenticated)
        return "AuthenticateServer";
    if (count_in(card, "= ES10 BF41") != (row->cancel != NO_CANCEL))
        return "CancelSession on the card";
    snprintf(reason, sizeof reason, "= ES10 BF41 CancelSession reason=%d", row->cancel);
    if (row->cancel != NO_CANCEL && strstr(card, reason) == NULL)
        return "the reason on the card";
    if ((strstr(server, "\"function\":\"cancelSession\"") != NULL) != (row->cancel != NO_CANCEL))
        return "CancelSession at the server";
    if (row->further != NULL && strstr(card, row->further) == NULL && strstr(server, row->further) == NULL)
        return row->further;
    return NULL;
}

static void run_row(struct world *w, const struct row *row, unsigned number)
{
    char iccid[20], faults[512];
    make_iccid(number, iccid);
    write_order(w, number, iccid, row->order);
    snprintf(faults, sizeof faults, row->fault[0] != 0 ? "[{%s}]" : "[]", row->fault);
    world_write(w, "smdp-faults.json", faults);
    size_t card_from = length_of(w, "apdu.log"), server_from = length_of(w, "smdp.log");
    struct run r = download(w, number, row->tail);
    char *card = world_read(w, "apdu.log"), *server = world_read(w, "smdp.log");
    const char *wrong = judge_answer(row, &r);
    if (wrong == NULL)
        wrong = judge_logs(row, card + card_from, server + server_from);
    struct run list = world_lpactl(w, NULL, "--json", "profile", "list", NULL);
    if (wrong == NULL && (strstr(list.out, iccid) != NULL) != (row->error == NULL))
        wrong = "the list of profiles";
    if (wrong != NULL)
        fail_msg("row %u, %s %s %s: %s:\nexit %d %s%s\ncard:\n%s\nserver:\n%s\nlist:\n%s", number, row->fault,
                 row->order, row->tail, wrong, r.code, r.out, r.err, card + card_from, server + server_from,
                 list.out);
    run_free(&list);
    run_free(&r);
    free(card);
    free(server);
}

static void run_rows(const struct row *rows, size_t count)
{
    struct world_options o;
    struct world w;
    start(&w, &o);
    for (size_t i = 0; i < count; i++)
        run_row(&w, &rows[i], (unsigned)i);
    // Nothing of it hinders the next download; and a profile of a postponed order still comes.
    world_write(&w, "smdp-faults.json", "[]");
    world_download_other(&w);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].cancel != POSTPONED)
            continue;
        struct run r = download(&w, (unsigned)i, rows[i].tail);
        if (r.code != 0)
            fail_msg("row %zu, again: exit %d %s%s", i, r.code, r.out, r.err);
        run_free(&r);
        break;
    }
    world_stop(&w);
}

#define FAULT(function, subject, reason)                                                                     \
    "\"function\":\"" function "\",\"action\":\"failed\",\"subjectCode\":\"" subject                         \
    "\",\"reasonCode\":\"" reason "\",\"message\":\"no\""
#define INITIATE(subject, reason)                                                                            \
    {                                                                                                        \
        FAULT("initiateAuthentication", subject, reason), "", "", 6, "server_refused",                       \
            "ES9+ InitiateAuthentication", subject, reason, NO_CANCEL, false, NULL                           \
    }
#define AUTHENTICATE(subject, reason)                                                                        \
    {                                                                                                        \
        FAULT("authenticateClient", subject, reason), "", "", 6, "server_refused",                           \
            "ES9+ AuthenticateClient", subject, reason, POSTPONED, true, NULL                                \
    }
#define PACKAGE(subject, reason)                                                                             \
    {                                                                                                        \
        FAULT("getBoundProfilePackage", subject, reason), "", "", 6, "server_refused",                       \
            "ES9+ GetBoundProfilePackage", subject, reason, POSTPONED, true, "= ES10 BF21"                   \
    }

static void refusals_of_initiate_authentication(void **state)
{
    (void)state;
    static const struct row rows[] = {
        INITIATE("8.8.1", "3.8"), INITIATE("8.8.2", "3.1"), INITIATE("8.8.3", "3.1"),
        INITIATE("8.8.4", "3.7"), INITIATE("8.8", "4.2"),   INITIATE("1.6", "4.2"),
    };
    run_rows(rows, COUNT(rows));
}

static void refusals_of_authenticate_client(void **state)
{
    (void)state;
    static const struct row rows[] = {
        AUTHENTICATE("8.1.2", "6.1"),  AUTHENTICATE("8.1.2", "6.3"),  AUTHENTICATE("8.1.3", "6.1"),
        AUTHENTICATE("8.1.3", "6.3"),  AUTHENTICATE("8.1.4", "6.1"),  AUTHENTICATE("8.1", "6.1"),
        AUTHENTICATE("8.1", "4.8"),    AUTHENTICATE("8.11.1", "3.9"), AUTHENTICATE("8.10.1", "3.9"),
        AUTHENTICATE("8.2.6", "3.8"),  AUTHENTICATE("8.1.1", "3.8"),  AUTHENTICATE("8.2", "1.2"),
        AUTHENTICATE("8.2.5", "4.3"),  AUTHENTICATE("8.2.5", "5.1"),  AUTHENTICATE("8.8.5", "4.1"),
        AUTHENTICATE("8.8.5", "4.10"), AUTHENTICATE("8.8.5", "6.4"),
    };
    run_rows(rows, COUNT(rows));
}

static void refusals_of_get_bound_profile_package(void **state)
{
    (void)state;
    static const struct row rows[] = {
        PACKAGE("8.1", "6.1"),   PACKAGE("8.10.1", "3.9"), PACKAGE("8.2.7", "2.2"),  PACKAGE("8.2.7", "3.8"),
        PACKAGE("8.2.7", "6.4"), PACKAGE("8.2", "3.7"),    PACKAGE("8.8.5", "4.10"), PACKAGE("8.8.5", "6.4"),
    };
    run_rows(rows, COUNT(rows));
}

// The first cause is what the person is told, whatever becomes of the cancellation.
static void refusals_of_cancel_session(void **state)
{
    (void)state;
#define CANCEL(fault)                                                                                        \
    {                                                                                                        \
        FAULT("authenticateClient", "8.2.6", "3.8")                                                          \
        "},{\"function\":\"cancelSession\"," fault, "", "", 6, "server_refused", "ES9+ AuthenticateClient",  \
            "8.2.6", "3.8", POSTPONED, true, NULL                                                            \
    }
    static const struct row rows[] = {
        CANCEL("\"action\":\"failed\",\"subjectCode\":\"8.10.1\",\"reasonCode\":\"3.9\""),
        CANCEL("\"action\":\"failed\",\"subjectCode\":\"8.1\",\"reasonCode\":\"6.1\""),
        CANCEL("\"action\":\"failed\",\"subjectCode\":\"8.8\",\"reasonCode\":\"3.10\""),
        CANCEL("\"action\":\"http\",\"http\":500"),
        CANCEL("\"action\":\"body\",\"body\":\"?\""),
        CANCEL("\"action\":\"cut\""),
    };
    run_rows(rows, COUNT(rows));
}

static void what_a_server_says_about_itself_is_checked(void **state)
{
    (void)state;
#define LIE(function, members) "\"function\":\"" function "\",\"action\":" members
#define EARLY(fault, tail)                                                                                   \
    {                                                                                                        \
        fault, "", tail, 6, "server_mismatch", NULL, NULL, NULL, NO_CANCEL, false, NULL                      \
    }
#define OTHER_TID "\"mutate\",\"field\":\"transactionId\",\"value\":\"00112233445566778899AABBCCDDEEFF\""
#define LATE(fault, function)                                                                                \
    {                                                                                                        \
        fault, "", "", 6, "server_mismatch", function, NULL, NULL, 127, true, NULL                           \
    }
#define SIGNED_TID "\"signed\",\"transactionId\":\"00112233445566778899\""
    static const struct row rows[] = {
        EARLY(LIE("initiateAuthentication", "\"signed\",\"serverAddress\":\"other.example.com\""), ""),
        EARLY(LIE("initiateAuthentication", SIGNED_TID), ""),
        EARLY(LIE("initiateAuthentication",
                  "\"signed\",\"euiccChallenge\":\"00112233445566778899AABBCCDDEEFF\""),
              ""),
        EARLY(LIE("initiateAuthentication", OTHER_TID), ""),
        EARLY("", "$2.999.11"),
        LATE(LIE("authenticateClient", SIGNED_TID), NULL),
        LATE(LIE("authenticateClient", OTHER_TID), "AuthenticateClient"),
        LATE(LIE("getBoundProfilePackage", OTHER_TID), "GetBoundProfilePackage"),
 // The right one is accepted.
        {"", "", "$2.999.10", 0, NULL, NULL, NULL, NULL, NO_CANCEL, true, NULL},
    };
    run_rows(rows, COUNT(rows));
}

static void answers_in_other_words(void **state)
{
    (void)state;
#define FORM(members)                                                                                        \
    {                                                                                                        \
        "\"times\":0,\"action\":" members, "", "", 0, NULL, NULL, NULL, NULL, NO_CANCEL, true,               \
            "\"verdict\":\"ok\""                                                                             \
    }
    static const struct row rows[] = {
        FORM("\"chunked\",\"chunk\":700"),
        FORM("\"pretty\""),
        FORM("\"status\",\"status\":\"Executed-WithWarning\""),
        FORM("\"status\",\"status\":\"Executed-WithWarning\",\"subjectCode\":\"8.8.5\",\"reasonCode\":"
             "\"4.10\""),
        FORM("\"v3\""),
    };
    run_rows(rows, COUNT(rows));
}

// Profile keys or session keys, metadata in one segment or several, small segments and large ones.
static void kinds_of_packages(void **state)
{
    (void)state;
    static char icon[1361];
    static char large[1500];
    memset(icon, 'A', sizeof icon - 1);
    snprintf(large, sizeof large, "\"iconType\":\"png\",\"icon\":\"%s\"", icon);
#define KIND(members)                                                                                        \
    {                                                                                                        \
        "", members, "", 0, NULL, NULL, NULL, NULL, NO_CANCEL, true, "\"verdict\":\"ok\""                    \
    }
    const struct row rows[] = {
        KIND("\"usePpk\":true"),
        KIND("\"segmentSize\":200"),
        KIND("\"class\":\"provisioning\""),
        KIND(large),
    };
    run_rows(rows, COUNT(rows));
}

static void reasons_to_cancel(void **state)
{
    (void)state;
#define REASON(fault, order, exit, error, text, reason)                                                      \
    {                                                                                                        \
        fault, order, "", exit, error, text, NULL, NULL, reason, true, NULL                                  \
    }
    static const struct row rows[] = {
        REASON("", "\"pprs\":[\"ppr1\"],\"ownerMccMnc\":\"26201\"", 4, "denied", "\"deny_reason\":\"ppr\"",
               3),
        REASON("", "\"announce\":{\"profileName\":\"Harmless\"}", 6, "server_mismatch", "metadata", 4),
        REASON("\"function\":\"getBoundProfilePackage\",\"action\":\"bpp\",\"bpp\":\"missing-a3\"", "", 6,
               "der_value", "LoadBoundProfilePackage", 5),
        REASON("\"function\":\"authenticateClient\",\"action\":\"http\",\"http\":503", "", 6, "server_http",
               "\"http_status\":503", POSTPONED),
    };
    run_rows(rows, COUNT(rows));
}

// The card's own verdict on a package: named, told to the server by the card's signature, and nothing is
// cancelled.
static void results_with_an_error(void **state)
{
    (void)state;
#define BPP(kind) "\"function\":\"getBoundProfilePackage\",\"action\":\"bpp\",\"bpp\":\"" kind "\""
#define RESULT(fault, order, name)                                                                           \
    {                                                                                                        \
        fault, order, "", 8, "card_result", "\"error_reason\":\"" name "\"", NULL, NULL, NO_CANCEL, true,    \
            "\"success\":false"                                                                              \
    }
    static const struct row rows[] = {
        RESULT(BPP("bad-sign"), "", "invalidSignature"),
        RESULT(BPP("bad-mac"), "", "scp03tSecurityError"),
        RESULT(BPP("bad-mac-87"), "", "scp03tSecurityError"),
        RESULT(BPP("bad-mac-88"), "", "scp03tSecurityError"),
        RESULT("", "\"uppVersion\":\"9.9\"", "installFailedDueToPEProcessingError"),
    };
    run_rows(rows, COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_of_initiate_authentication),
        cmocka_unit_test(refusals_of_authenticate_client),
        cmocka_unit_test(refusals_of_get_bound_profile_package),
        cmocka_unit_test(refusals_of_cancel_session),
        cmocka_unit_test(what_a_server_says_about_itself_is_checked),
        cmocka_unit_test(answers_in_other_words),
        cmocka_unit_test(kinds_of_packages),
        cmocka_unit_test(reasons_to_cancel),
        cmocka_unit_test(results_with_an_error),
    };
    return cmocka_run_group_tests_name("e2e-conformance", tests, NULL, NULL);
}
