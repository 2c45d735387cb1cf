// SPDX-License-Identifier: Apache-2.0
// The bench's folder, server and steps.
#include "tests/sim/smdp/test_bench.h"

#include "tests/sim/pki/pki.h"
#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const hosts[] = {"smdp.example.com"};
static const char *const ds_hosts[] = {"smds.example.com", "ds2.example.com"};
static const struct pki_params params = {
    .eid = "89049032123451234512345678901235",
    .hosts = hosts,
    .host_count = 1,
    .ds_hosts = ds_hosts,
    .ds_host_count = 2,
};

const char *bench_path(const struct bench *bench, const char *name)
{
    static _Thread_local char paths[4][512];
    static _Thread_local unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", bench->dir, name);
    return path;
}

static void wrong_sets_write(const struct bench *bench, const struct pki_set *good)
{
    size_t count = 0;
    const struct pki_wrong *list = pki_wrong_list(&count);
    char name[128];

    for (size_t i = 0; i < count; i++) {
        struct pki_set set = {0};

        assert_int_equal(pki_set_make_wrong(PKI_CURVE_NIST, &params, good, &list[i], &set), 0);
        snprintf(name, sizeof(name), "wrong-%s", list[i].kind);
        assert_int_equal(mkdir(bench_path(bench, name), 0755), 0);
        snprintf(name, sizeof(name), "wrong-%s/nist", list[i].kind);
        assert_int_equal(pki_set_write(&set, bench_path(bench, name)), 0);
        pki_set_clear(&set);
    }
}

static void pki_write(const struct bench *bench)
{
    struct pki_set set = {0};

    assert_int_equal(mkdir(bench_path(bench, "pki"), 0755), 0);
    assert_int_equal(pki_set_make(PKI_CURVE_BRP, &params, &set), 0);
    assert_int_equal(pki_set_write(&set, bench_path(bench, "pki/brp")), 0);
    pki_set_clear(&set);
    assert_int_equal(pki_set_make(PKI_CURVE_NIST, &params, &set), 0);
    assert_int_equal(pki_set_write(&set, bench_path(bench, "pki/nist")), 0);
    wrong_sets_write(bench, &set);
    pki_set_clear(&set);
}

void bench_server_start(struct bench *bench, const char *credentials)
{
    char pki[512];
    char orders[512];
    char log[512];
    char faults[512];
    const char *arguments[] = {
        "--credentials", pki,    "--orders",      orders,          "--log",         log,
        "--faults",      faults, bench->extra[0], bench->extra[1], bench->extra[2], NULL};

    snprintf(pki, sizeof(pki), "%s", bench_path(bench, credentials));
    snprintf(orders, sizeof(orders), "%s", bench_path(bench, "orders"));
    snprintf(log, sizeof(log), "%s", bench_path(bench, "log"));
    snprintf(faults, sizeof(faults), "%s", bench_path(bench, "faults"));
    assert_true(smdp_start(bench->program, arguments, &bench->server));
}

void bench_server_stop(struct bench *bench)
{
    es9_close(&bench->client);
    assert_true(smdp_stop(&bench->server));
}

void bench_connect(struct bench *bench)
{
    es9_close(&bench->client);
    assert_true(
        es9_connect(bench->server.port, "smdp.example.com", bench_path(bench, bench->ca), &bench->client));
}

void bench_card_use(struct bench *bench, const char *credentials, enum cred_curve curve)
{
    paper_card_close(&bench->card);
    assert_true(paper_card_open(bench_path(bench, credentials), curve, &bench->card));
}

void bench_open(const char *program, struct bench *ret_bench)
{
    struct bench bench = {
        .dir = "/tmp/test_smdp.XXXXXX",
        .program = program,
        .ca = "pki/nist/ci.cert.pem",
        .client = {.fd = -1},
    };

    assert_non_null(mkdtemp(bench.dir));
    pki_write(&bench);
    assert_int_equal(mkdir(bench_path(&bench, "orders"), 0755), 0);
    assert_true(paper_card_open(bench_path(&bench, "pki"), CRED_NIST, &bench.card));
    bench_server_start(&bench, "pki");
    bench_connect(&bench);
    *ret_bench = bench;
}

static int entry_remove(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void bench_close(struct bench *bench)
{
    bench_server_stop(bench);
    paper_card_close(&bench->card);
    nftw(bench->dir, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *group_program;

void bench_group_use(const char *program)
{
    group_program = program;
}

int bench_group_setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    if (bench == NULL) {
        return -1;
    }
    bench_open(group_program, bench);
    *state = bench;
    return 0;
}

int bench_group_teardown(void **state)
{
    bench_close(*state);
    free(*state);
    return 0;
}

int bench_each(void **state)
{
    struct bench *bench = *state;

    bench_card_use(bench, "pki", CRED_NIST);
    bench_faults(bench, NULL);
    bench_connect(bench);
    return 0;
}

void bench_order(const struct bench *bench, const char *name, const char *json)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/orders/%s.state.json", bench->dir, name);
    unlink(path);
    snprintf(path, sizeof(path), "%s/orders/%s.json", bench->dir, name);
    assert_true(file_replace(path, json, strlen(json)));
}

void bench_expect_state(const struct bench *bench, const char *name, const char *member, const char *text)
{
    char path[512];
    json_t *state = NULL;

    snprintf(path, sizeof(path), "%s/orders/%s.state.json", bench->dir, name);
    state = json_load_file(path, 0, NULL);
    assert_non_null(state);
    assert_string_equal(json_get_text(state, member, "(absent)"), text);
    json_decref(state);
}

void bench_faults(const struct bench *bench, const char *json)
{
    const char *path = bench_path(bench, "faults");

    if (json == NULL) {
        unlink(path);
        return;
    }
    assert_true(file_replace(path, json, strlen(json)));
}

static json_t *log_scan(const struct bench *bench, const char *member, const char *text, size_t *ret_count)
{
    FILE *file = fopen(bench_path(bench, "log"), "re");
    json_t *last = NULL;
    json_t *line = NULL;

    *ret_count = 0;
    assert_non_null(file);
    while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        if (strcmp(json_get_text(line, member, ""), text) == 0) {
            json_decref(last);
            last = json_incref(line);
            (*ret_count)++;
        }
        json_decref(line);
    }
    fclose(file);
    return last;
}

size_t bench_log_count(const struct bench *bench, const char *member, const char *text)
{
    size_t count = 0;

    json_decref(log_scan(bench, member, text, &count));
    return count;
}

json_t *bench_log_last(const struct bench *bench, const char *member, const char *text)
{
    size_t count = 0;

    return log_scan(bench, member, text, &count);
}

json_t *bench_call(struct bench *bench, const char *function, json_t *request, const char *want)
{
    json_t *reply = NULL;
    char status[64];

    assert_non_null(request);
    assert_int_not_equal(es9_post(&bench->client, function, request, &reply), -1);
    es9_status(reply, status, sizeof(status));
    assert_string_equal(status, want);
    json_decref(request);
    return reply;
}

json_t *bench_initiate(struct bench *bench)
{
    return bench_call(bench, "initiateAuthentication", paper_initiate(&bench->card, "smdp.example.com"),
                      "Executed-Success");
}

json_t *bench_authenticate(struct bench *bench, const char *matching_id)
{
    json_t *initiated = bench_initiate(bench);
    json_t *reply = bench_call(bench, "authenticateClient",
                               paper_authenticate(&bench->card, initiated, matching_id), "Executed-Success");

    json_decref(initiated);
    return reply;
}

json_t *bench_download(struct bench *bench, const char *matching_id)
{
    json_t *announced = bench_authenticate(bench, matching_id);
    json_t *reply = bench_call(bench, "getBoundProfilePackage", paper_prepare(&bench->card, announced, NULL),
                               "Executed-Success");

    json_decref(announced);
    return reply;
}
