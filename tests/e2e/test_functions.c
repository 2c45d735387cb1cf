// SPDX-License-Identifier: Apache-2.0
// What lpactl does with the card beyond its profiles: the default SM-DP+, the Rules Authorisation Table,
// icons, a reset, revocation lists; and profiles that are named by their ISD-P.
#include "tests/e2e/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALPHA "8949009999999999001"
#define BETA  "8949009999999999019"

static const char card[] =
    "{\"defaultDpAddress\":\"first.example.com\","
    "\"rat\":[{\"pprs\":[\"ppr1\"],\"operators\":[{\"mccMnc\":\"62F210\"}],\"consent\":true}],"
    "\"profiles\":["
    "{\"iccid\":\"" ALPHA "\",\"enabled\":true,\"name\":\"Alpha\",\"serviceProvider\":\"Example\","
    "\"iconType\":\"png\",\"icon\":\"89504E470D0A1A0A\"},"
    "{\"iccid\":\"" BETA "\",\"name\":\"Beta\",\"serviceProvider\":\"Example\"}]}";

static void start_with(struct world *w, struct world_options *o, const char *initial)
{
    static char policy[1024];
    snprintf(
        policy, sizeof policy,
        "version: 1\n"
        "roles:\n  admin: { users: [%u] }\n"
        "permissions:\n"
        "  - operations: [enable, disable]\n    roles: [admin]\n    profiles: any\n"
        "  - operations: [default_address]\n    roles: [admin]\n    hosts: [\"smdp.example.com\", \"\"]\n"
        "  - operations: [reset]\n    roles: [admin]\n    what: [operational, default_address]\n"
        "  - { operations: [load_crl], roles: [admin] }\n"
        "  - { operations: [download], roles: [admin], hosts: [smdp.example.com] }\n",
        (unsigned)getuid());
    *o = (struct world_options){.policy = policy, .initial = initial};
    world_start(w, o);
}

static void start(struct world *w, struct world_options *o)
{
    start_with(w, o, card);
}

static void expect(struct run r, int code, const char *in_output)
{
    if (r.code != code || strstr(r.out, in_output) == NULL)
        fail_msg("ended with %d, not %d; \"%s\" is expected in:\n%s%s", r.code, code, in_output, r.out,
                 r.err);
    run_free(&r);
}

static void default_address(void **state)
{
    (void)state;
    struct world w;
    struct world_options o;
    start(&w, &o);
    expect(world_lpactl(&w, NULL, "euicc", "default-address", NULL), 0, "first.example.com\n");
    expect(world_lpactl(&w, NULL, "--json", "--yes", "euicc", "default-address", "smdp.example.com", NULL), 0,
           "{\"default_smdp_address\":\"smdp.example.com\"}");
    expect(world_lpactl(&w, NULL, "euicc", "default-address", NULL), 0, "smdp.example.com\n");
    expect(world_lpactl(&w, NULL, "--json", "--yes", "euicc", "default-address", "other.example.com", NULL),
           4, "\"deny_reason\":\"no_rule\"");
    expect(world_lpactl(&w, NULL, "--yes", "euicc", "default-address", "--remove", NULL), 0,
           "no default SM-DP+");
    expect(world_lpactl(&w, NULL, "--json", "euicc", "default-address", NULL), 0,
           "{\"default_smdp_address\":null}");
    world_stop(&w);
}

static void information(void **state)
{
    (void)state;
    struct world w;
    struct world_options o;
    start(&w, &o);
    expect(world_lpactl(&w, NULL, "--json", "euicc", "info", "--rat", NULL), 0,
           "\"rat\":[{\"pprs\":[\"ppr1\"],\"operators\":[{\"mcc_mnc\":\"262-01\"");
    expect(world_lpactl(&w, NULL, "--json", "profile", "icon", ALPHA, NULL), 0,
           "\"icon_type\":\"png\",\"icon\":\"89504E470D0A1A0A\"}");
    struct run none = world_lpactl(&w, NULL, "--json", "profile", "icon", BETA, NULL);
    assert_int_not_equal(none.code, 0);
    assert_contains(none.out, "\"error\"");
    run_free(&none);
    world_stop(&w);
}

static void profile_by_isdp(void **state)
{
    (void)state;
    struct world w;
    struct world_options o;
    char aid[33] = "";
    start(&w, &o);
    struct run list = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
    const char *beta = strstr(list.out, BETA);
    assert_non_null(beta);
    const char *found = strstr(beta, "\"isdp_aid\":\"");
    assert_non_null(found);
    snprintf(aid, sizeof aid, "%s", found + strlen("\"isdp_aid\":\""));
    run_free(&list);
    expect(world_lpactl(&w, NULL, "--json", "profile", "enable", aid, NULL), 0, "{\"iccid\":\"" BETA "\"");
    aid[31] = aid[31] == 'F' ? 'E' : 'F';
    expect(world_lpactl(&w, NULL, "--json", "profile", "enable", aid, NULL), 2,
           "\"code\":\"unknown_profile\"");
    world_stop(&w);
}

static void reset(void **state)
{
    (void)state;
    struct world w;
    struct world_options o;
    start(&w, &o);
    expect(world_lpactl(&w, NULL, "--json", "--yes", "euicc", "reset", "--operational", NULL), 5,
           "--strong-yes");
    expect(world_lpactl(&w, NULL, "--json", "--yes", "--strong-yes", "euicc", "reset", "--test", NULL), 4,
           "\"deny_reason\"");
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF34 "), 0);
    expect(world_lpactl(&w, NULL, "--json", "--yes", "--strong-yes", "euicc", "reset", "--operational", NULL),
           0, "{\"profiles\":[]}");
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF34 "), 1);
    expect(world_lpactl(&w, NULL, "--json", "profile", "list", NULL), 0, "{\"profiles\":[]}");
    world_stop(&w);
}

static void revocation_list(void **state)
{
    (void)state;
    struct world w;
    struct world_options o;
    start_with(&w, &o, "{\"crlSupport\":true}");
    const char *list = world_make_crl(&w, "pki/nist/dpauth.cert.der");
    expect(world_lpactl(&w, NULL, "--json", "--yes", "euicc", "load-crl", list, NULL), 0, "{");
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF35 "), 1);
    // The card knows now what it did not before: this server is none any more.
    expect(world_lpactl(&w, WORLD_CODE, "--json", "--yes", "profile", "download", NULL), 8,
           "\"result_name\":\"invalidCertificate\"");
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF21 "), 0);
    world_stop(&w);
}

static void revocation_list_refused(void **state)
{
    (void)state;
    struct world w;
    struct world_options o;
    start(&w, &o);
    // This card has no LoadCRL.
    struct run r = world_lpactl(&w, "\x30\x03\x02\x01\x05", "--json", "--yes", "--strong-yes", "euicc",
                                "load-crl", "-", NULL);
    assert_int_not_equal(r.code, 0);
    assert_contains(r.out, "\"error\"");
    run_free(&r);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_address), cmocka_unit_test(information),
        cmocka_unit_test(profile_by_isdp), cmocka_unit_test(reset),
        cmocka_unit_test(revocation_list), cmocka_unit_test(revocation_list_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
