// SPDX-License-Identifier: Apache-2.0
// The tests' SM-DS.
#include "tests/sim/smdp/test_ds.h"

#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void path_put(const struct ds *ds, const char *suffix, char *ret_path, size_t size)
{
    snprintf(ret_path, size, "%s/%s%s", ds->bench->dir, ds->name, suffix);
}

void ds_open(const struct bench *bench, const char *name, const char *address, const char *credentials,
             const char *curve, struct ds *ret_ds)
{
    struct ds ds = {.bench = bench, .name = name, .address = address, .client = {.fd = -1}};
    char pki[512];
    char events[512];
    char log[512];
    char faults[512];
    char ca[512];

    snprintf(pki, sizeof(pki), "%s/%s", bench->dir, credentials);
    snprintf(ca, sizeof(ca), "%s/pki/%s/ci.cert.pem", bench->dir, curve);
    path_put(&ds, "", events, sizeof(events));
    path_put(&ds, ".log", log, sizeof(log));
    path_put(&ds, ".faults", faults, sizeof(faults));
    assert_true(mkdir(events, 0700) == 0 || errno == EEXIST);

    const char *const arguments[] = {
        "--role",   "smds", "--credentials", pki,   "--events",  events,  "--log", log,
        "--faults", faults, "--curve",       curve, "--address", address, NULL};

    assert_true(smdp_start(bench->program, arguments, &ds.process));
    assert_true(es9_connect(ds.process.port, address, ca, &ds.client));
    *ret_ds = ds;
}

void ds_close(struct ds *ds)
{
    es9_close(&ds->client);
    assert_true(smdp_stop(&ds->process));
}

void ds_event(const struct ds *ds, const char *file, const char *eid, const char *event_id,
              const char *address, const char *registered_as)
{
    char path[512];
    json_t *event = json_pack("{s:s,s:s,s:s,s:s*}", "eid", eid, "eventId", event_id, "rspServerAddress",
                              address, "registeredAs", registered_as);
    char *text = json_dumps(event, JSON_COMPACT);

    assert_non_null(text);
    snprintf(path, sizeof(path), "%s/%s/%s.json", ds->bench->dir, ds->name, file);
    assert_true(file_replace(path, text, strlen(text)));
    free(text);
    json_decref(event);
}

bool ds_has_event(const struct ds *ds, const char *file)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s/%s.json", ds->bench->dir, ds->name, file);
    return access(path, F_OK) == 0;
}

void ds_faults(const struct ds *ds, const char *json)
{
    char path[512];

    path_put(ds, ".faults", path, sizeof(path));
    if (json == NULL) {
        unlink(path);
        return;
    }
    assert_true(file_replace(path, json, strlen(json)));
}

json_t *ds_call(struct ds *ds, const char *function, json_t *request, const char *want)
{
    json_t *reply = NULL;
    char status[64];

    assert_non_null(request);
    assert_int_not_equal(es9_post(&ds->client, function, request, &reply), -1);
    es9_status(reply, status, sizeof(status));
    assert_string_equal(status, want);
    json_decref(request);
    return reply;
}

json_t *ds_discover(struct ds *ds, struct paper_card *card, const char *matching_id, const char *want)
{
    json_t *initiated =
        ds_call(ds, "initiateAuthentication", paper_initiate(card, ds->address), "Executed-Success");
    json_t *reply = ds_call(ds, "authenticateClient", paper_authenticate(card, initiated, matching_id), want);

    json_decref(initiated);
    return reply;
}

void ds_expect_entry(const json_t *reply, size_t at, const char *event_id, const char *address)
{
    const json_t *entry = json_array_get(json_object_get(reply, "eventEntries"), at);

    assert_string_equal(json_get_text(entry, "eventId", "(absent)"), event_id);
    assert_string_equal(json_get_text(entry, "rspServerAddress", "(absent)"), address);
}

void ds_expect_entries(const json_t *reply, size_t count)
{
    const json_t *entries = json_object_get(reply, "eventEntries");

    assert_true(json_is_array(entries));
    assert_int_equal(json_array_size(entries), count);
}
