// SPDX-License-Identifier: Apache-2.0
// Ways to a profile without an activation code: the card's default SM-DP+, and the events of an SM-DS, also
// those that lead over another one.
#include "tests/e2e/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SMDS  "smds.example.com"
#define SMDS2 "ds2.example.com"

static const char policy_text[] = "version: 1\n"
                                  "roles:\n"
                                  "  admin: { users: [%u] }\n"
                                  "permissions:\n"
                                  "  - operations: [download]\n"
                                  "    roles: [admin]\n"
                                  "    hosts: [smdp.example.com, %s]\n"
                                  "  - operations: [discover]\n"
                                  "    roles: [admin]\n"
                                  "    hosts: [%s]\n";

static const char initial[] = "{\"rootDsAddress\":\"" SMDS "\",\"defaultDpAddress\":\"" WORLD_HOST "\"}";

static const char *const pki_args[] = {"--ds-host", SMDS, "--ds-host", SMDS2, NULL};

static void make(struct world *w, struct world_options *o, const char *download_host,
                 const char *discover_host)
{
    static char policy[1024];
    snprintf(policy, sizeof policy, policy_text, (unsigned)getuid(), download_host, discover_host);
    o->policy = policy;
    o->pki_args = pki_args;
    if (o->initial == NULL)
        o->initial = initial;
    world_make(w, o);
    world_start_euicc(w);
    world_start_smdp(w);
    world_start_smds(w, 0, SMDS);
    world_start_smds(w, 1, SMDS2);
    world_start_lpad(w);
}

static void write_event(struct world *w, unsigned server, const char *name, const char *id,
                        const char *address, const char *registered_as)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "events-%u/%s.json", server, name);
    snprintf(text, sizeof text,
             "{\"eid\":\"" WORLD_EID "\",\"eventId\":\"%s\",\"rspServerAddress\":\"%s\"%s%s%s}", id, address,
             registered_as ? ",\"registeredAs\":\"" : "", registered_as ? registered_as : "",
             registered_as ? "\"" : "");
    world_write(w, path, text);
}

static void expect(struct run r, int code, const char *text)
{
    if (r.code != code || strstr(r.out, text) == NULL)
        fail_msg("ended with %d, not %d; \"%s\" is expected in:\n%s%s", r.code, code, text, r.out, r.err);
    run_free(&r);
}

static struct run download_event(struct world *w, const char *address, const char *id)
{
    return world_lpactl(w, NULL, "--json", "--yes", "profile", "download", "--event", address, id, NULL);
}

static void discover_and_download(void **state)
{
    (void)state;
    struct world_options o = {0};
    struct world w;
    make(&w, &o, SMDS2, SMDS);
    // Nothing waits: that is an answer.
    struct run r = world_lpactl(&w, NULL, "--json", "profile", "discover", NULL);
    assert_int_equal(r.code, 0);
    assert_contains(r.out, WORLD_HOST);
    assert_lacks(r.out, "MATCHING-1");
    run_free(&r);
    write_event(&w, 0, "one", "MATCHING-1", WORLD_HOST, NULL);
    expect(world_lpactl(&w, NULL, "--json", "profile", "discover", NULL), 0, "MATCHING-1");
    assert_int_equal(world_count(&w, "smds-0.log", "\"events\":1"), 1);
    expect(download_event(&w, WORLD_HOST, "MATCHING-1"), 0, WORLD_ICCID);
    world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.delivered\"", 1);
    // Whoever reads the audit cannot download with it.
    assert_int_equal(world_count(&w, "audit.jsonl", "MATCHING-1"), 0);
    world_stop(&w);
}

static void a_cascade(void **state)
{
    (void)state;
    struct world_options o = {0};
    struct world w;
    make(&w, &o, SMDS2, SMDS);
    write_event(&w, 0, "one", "CASCADE-1", SMDS2, NULL);
    write_event(&w, 1, "one", "MATCHING-1", WORLD_HOST, "CASCADE-1");
    expect(world_lpactl(&w, NULL, "--json", "profile", "discover", NULL), 0, SMDS2);
    expect(download_event(&w, SMDS2, "CASCADE-1"), 0, WORLD_ICCID);
    assert_int_equal(world_count(&w, "smds-1.log", "\"events\":1"), 1);
    assert_int_equal(world_count(&w, "smdp.log", "\"initiateAuthentication\""), 1);
    world_stop(&w);
}

static void a_cascade_without_end(void **state)
{
    (void)state;
    struct world_options o = {0};
    struct world w;
    make(&w, &o, "\"*.example.com\"", SMDS);
    write_event(&w, 0, "one", "CASCADE-1", SMDS2, NULL);
    write_event(&w, 1, "one", "CASCADE-1", SMDS, NULL);
    struct run r = download_event(&w, SMDS2, "CASCADE-1");
    assert_int_not_equal(r.code, 0);
    assert_contains(r.out, "discovery servers");
    run_free(&r);
    assert_int_equal(world_count(&w, "smdp.log", "\"initiateAuthentication\""), 0);
    // The card is free for what comes next.
    expect(world_lpactl(&w, WORLD_CODE "\n", "--json", "--yes", "profile", "download", "--code-stdin", NULL),
           0, WORLD_ICCID);
    world_stop(&w);
}

// The policy decides about every server, whoever names it.
static void hosts_are_decided(void **state)
{
    (void)state;
    struct world_options o = {0};
    struct world w;
    make(&w, &o, "unused.example.com", "unused.example.com");
    expect(world_lpactl(&w, NULL, "--json", "profile", "discover", NULL), 4, "polic");
    assert_int_equal(world_count(&w, "smds-0.log", "\"tls\""), 0);
    expect(download_event(&w, SMDS2, "CASCADE-1"), 4, "polic");
    assert_int_equal(world_count(&w, "smds-1.log", "\"tls\""), 0);
    world_stop(&w);
}

static void the_default_server(void **state)
{
    (void)state;
    // The order is reserved for the EID; there is no matching ID.
    struct world_options o = {.order = "\"eid\":\"" WORLD_EID "\""};
    struct world w;
    make(&w, &o, SMDS2, SMDS);
    expect(world_lpactl(&w, NULL, "--json", "--yes", "profile", "download", "--default", NULL), 0,
           WORLD_ICCID);
    assert_int_equal(world_count(&w, "smds-0.log", "\"tls\""), 0);
    world_stop(&w);
}

static void no_default_server(void **state)
{
    (void)state;
    struct world_options o = {.initial = "{\"defaultDpAddress\":\"\",\"rootDsAddress\":\"\"}"};
    struct world w;
    make(&w, &o, SMDS2, SMDS);
    struct run r = world_lpactl(&w, NULL, "--json", "--yes", "profile", "download", "--default", NULL);
    assert_int_not_equal(r.code, 0);
    assert_contains(r.out, "default SM-DP+");
    run_free(&r);
    assert_int_equal(world_count(&w, "smdp.log", "\"tls\""), 0);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discover_and_download), cmocka_unit_test(a_cascade),
        cmocka_unit_test(a_cascade_without_end), cmocka_unit_test(hosts_are_decided),
        cmocka_unit_test(the_default_server),    cmocka_unit_test(no_default_server),
    };
    return cmocka_run_group_tests_name("e2e-discovery", tests, NULL, NULL);
}
