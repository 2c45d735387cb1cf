// SPDX-License-Identifier: Apache-2.0
// The simulators' own test bench, with another client in place of theirs.
#include "tests/unit/netd_bench.h"

#include "tests/sim/smdp/test_bench.h"
#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define UPP_SIZE 11800
#define ORDER    "{\"matchingId\":\"PLAIN\",\"iccid\":\"8949449999999990031\",\"uppSize\":11800}"
#define PEM_MAX  4096

#define BENCH_EID "89049032123451234512345678901235" // of test_bench.c

struct netd_bench {
    struct bench bench;
    json_t *reply; // the members heard so far
    char ci[PEM_MAX];
};

static void read_ci(struct netd_bench *b, const char *name)
{
    FILE *file = fopen(bench_path(&b->bench, name), "re");
    assert_non_null(file);
    size_t len = fread(b->ci, 1, sizeof(b->ci) - 1, file);
    b->ci[len] = '\0';
    fclose(file);
    assert_true(len > 0 && len < sizeof(b->ci) - 1);
}

struct netd_bench *netd_bench_open(const char *smdp_program, bool brainpool)
{
    const char *curve = brainpool ? "brp" : "nist";
    char name[64];
    char from[512];
    struct netd_bench *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    bench_open(smdp_program, &b->bench);
    bench_server_stop(&b->bench);
    // The other curve is out of reach, not merely unused.
    assert_int_equal(mkdir(bench_path(&b->bench, "alone"), 0755), 0);
    snprintf(name, sizeof(name), "pki/%s", curve);
    snprintf(from, sizeof(from), "%s", bench_path(&b->bench, name));
    snprintf(name, sizeof(name), "alone/%s", curve);
    assert_int_equal(symlink(from, bench_path(&b->bench, name)), 0);
    bench_card_use(&b->bench, "alone", brainpool ? CRED_BRP : CRED_NIST);
    b->bench.extra[0] = "--tls-curve";
    b->bench.extra[1] = curve;
    bench_server_start(&b->bench, "alone");
    snprintf(name, sizeof(name), "pki/%s/ci.cert.pem", curve);
    read_ci(b, name);
    return b;
}

void netd_bench_close(struct netd_bench *b)
{
    bench_close(&b->bench);
    json_decref(b->reply);
    free(b);
}

uint16_t netd_bench_port(const struct netd_bench *b)
{
    return b->bench.server.port;
}

const char *netd_bench_ci(const struct netd_bench *b)
{
    return b->ci;
}

void netd_bench_renew(struct netd_bench *b, const char *faults)
{
    bench_order(&b->bench, "order", ORDER);
    bench_faults(&b->bench, faults);
    json_decref(b->reply);
    b->reply = json_object();
    assert_non_null(b->reply);
}

void netd_bench_become_smds(struct netd_bench *b, const char *event_id, const char *address)
{
    char pki[512], events[512], log[512], faults[512], event[512];
    const char *arguments[] = {"--role", "smds", "--credentials", pki,    "--events", events,
                               "--log",  log,    "--faults",      faults, NULL};
    snprintf(pki, sizeof(pki), "%s", bench_path(&b->bench, "alone"));
    snprintf(events, sizeof(events), "%s", bench_path(&b->bench, "events"));
    snprintf(log, sizeof(log), "%s", bench_path(&b->bench, "log"));
    snprintf(faults, sizeof(faults), "%s", bench_path(&b->bench, "faults"));
    assert_int_equal(mkdir(events, 0755), 0);
    snprintf(event, sizeof(event),
             "{\"eid\":\"" BENCH_EID "\",\"eventId\":\"%s\",\"rspServerAddress\":\"%s\"}", event_id, address);
    assert_true(file_replace(bench_path(&b->bench, "events/one.json"), event, strlen(event)));
    bench_server_stop(&b->bench);
    assert_true(smdp_start(b->bench.program, arguments, &b->bench.server));
}

void netd_bench_hear(struct netd_bench *b, const char *member, const void *data, size_t len)
{
    char hex[64] = "";
    const uint8_t *octets = data;
    if (strcmp(member, "transactionId") != 0) {
        assert_true(json_put_base64(b->reply, member, slice_of(data, len)));
        return;
    }
    assert_true(2 * len < sizeof(hex));
    for (size_t i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02X", octets[i]);
    assert_int_equal(json_object_set_new(b->reply, member, json_string(hex)), 0);
}

static json_t *make_request(struct netd_bench *b, enum bench_answer which, const char **ret_member)
{
    switch (which) {
    case BENCH_CHALLENGE:
        *ret_member = "euiccChallenge";
        return paper_initiate(&b->bench.card, "smdp.example.com");
    case BENCH_INFO1: *ret_member = "euiccInfo1"; return paper_initiate(&b->bench.card, "smdp.example.com");
    case BENCH_AUTHENTICATE_SERVER:
        *ret_member = "authenticateServerResponse";
        return paper_authenticate(&b->bench.card, b->reply, "PLAIN");
    case BENCH_AUTHENTICATE_SMDS:
        *ret_member = "authenticateServerResponse";
        return paper_authenticate(&b->bench.card, b->reply, NULL);
    case BENCH_PREPARE_DOWNLOAD:
        *ret_member = "prepareDownloadResponse";
        return paper_prepare(&b->bench.card, b->reply, NULL);
    case BENCH_INSTALL_RESULT:
        *ret_member = "pendingNotification";
        return paper_install_result(&b->bench.card, 1, 0);
    case BENCH_CANCEL_SESSION: *ret_member = "cancelSessionResponse"; return paper_cancel(&b->bench.card, 0);
    case BENCH_ANSWER_MAX: break;
    }
    fail_msg("no such answer");
    return NULL;
}

size_t netd_bench_answer(struct netd_bench *b, enum bench_answer which, uint8_t *out, size_t cap)
{
    const char *member = NULL;
    struct tlvb bytes = TLVB_INIT;
    json_t *request = make_request(b, which, &member);
    assert_non_null(request);
    assert_true(json_get_base64(request, member, &bytes));
    json_decref(request);
    assert_true(bytes.len <= cap);
    memcpy(out, bytes.buf, bytes.len);
    size_t len = bytes.len;
    tlvb_free(&bytes);
    return len;
}

bool netd_bench_opens_package(struct netd_bench *b)
{
    struct tlvb metadata = TLVB_INIT;
    struct tlvb upp = TLVB_INIT;
    bool good = paper_unbind(&b->bench.card, b->reply, &metadata, &upp) && upp.len == UPP_SIZE;
    tlvb_free(&metadata);
    tlvb_free(&upp);
    return good;
}

void netd_bench_expect_state(const struct netd_bench *b, const char *state)
{
    bench_expect_state(&b->bench, "order", "state", state);
}

size_t netd_bench_log_count(const struct netd_bench *b, const char *member, const char *text)
{
    return bench_log_count(&b->bench, member, text);
}
