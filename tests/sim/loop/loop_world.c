// SPDX-License-Identifier: Apache-2.0
// What the tests of the loop share.
#include "tests/sim/loop/loop_world.h"

#include "tests/sim/common/sgp26_layout.h"
#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char order_text[] =
    "{\"matchingId\":\"LOOP\",\"iccid\":\"8949449999999990031\",\"serviceProviderName\":\"Example\","
    "\"profileName\":\"Loop\",\"ownerMccMnc\":\"26201\",\"notifications\":[{\"events\":[\"enable\","
    "\"disable\","
    "\"delete\"],\"address\":\"smdp.example.com\"}]";

struct programs programs;

int loop_setup(void **state)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL) {
        return -1;
    }
    bench_open(programs.smdp, &loop->bench);
    *state = loop;
    return 0;
}

int loop_teardown(void **state)
{
    struct loop *loop = *state;

    bench_close(&loop->bench);
    free(loop);
    return 0;
}

void loop_server_restart(struct loop *loop, const char *credentials, const char *option, const char *value)
{
    bench_server_stop(&loop->bench);
    loop->bench.extra[0] = option;
    loop->bench.extra[1] = value;
    bench_server_start(&loop->bench, credentials);
}

int loop_each_end(void **state)
{
    struct loop *loop = *state;

    if (loop->rig.pid > 0) {
        rig_kill(&loop->rig);
    }
    loop_server_restart(loop, "pki", NULL, NULL);
    loop->bench.ca = "pki/nist/ci.cert.pem";
    return 0;
}

void loop_card_start_as(struct loop *loop, const char *credentials, const char *initial)
{
    const char *extra[3] = {"--initial", loop->rig.dir, NULL};
    char path[2 * RIG_PATH];

    rig_init(&loop->rig, programs.euicc, loop->bench.dir, bench_path(&loop->bench, credentials));
    if (initial != NULL) {
        rig_file_write(&loop->rig, "initial.json", initial);
        snprintf(path, sizeof(path), "%s/initial.json", loop->rig.dir);
        extra[1] = path;
    }
    rig_start(&loop->rig, initial != NULL ? extra : NULL);
    bench_faults(&loop->bench, NULL);
    bench_connect(&loop->bench);
    loop->lpa = (struct lpa){&loop->rig, &loop->bench.client, "smdp.example.com", 0};
    loop->matching_id = "LOOP";
}

void loop_card_start(struct loop *loop, const char *credentials)
{
    loop_card_start_as(loop, credentials, NULL);
}

void loop_order_put(struct loop *loop, const char *more)
{
    char text[1024];

    snprintf(text, sizeof(text), "%s%s}", order_text, more);
    bench_order(&loop->bench, "loop", text);
}

enum lpa_step loop_download(struct loop *loop, const char *code, struct tlvb *pir)
{
    return lpa_download(&loop->lpa, loop->matching_id, code, pir, loop->status, sizeof(loop->status));
}

unsigned loop_result_reason(const struct tlvb *pir)
{
    struct tlv outer;
    struct tlv data;
    struct tlv result;
    struct tlv reason;
    uint32_t number = 0;

    assert_true(tlv_only(tlvb_get(pir), 0xBF37, &outer) && tlv_find(outer.value, 0xBF27, &data));
    assert_true(tlv_find(data.value, 0xA2, &result));
    if (tlv_find(result.value, 0xA0, &outer)) {
        return 0;
    }
    assert_true(tlv_find(result.value, 0xA1, &outer) && tlv_find(outer.value, 0x81, &reason));
    assert_true(tlv_get_uint(reason.value, &number));
    return number;
}

void loop_expect_verdict(struct loop *loop, const char *kind, const char *operation)
{
    json_t *line = bench_log_last(&loop->bench, "function", "handleNotification");
    json_t *notification = json_object_get(line, "notification");

    assert_string_equal(json_get_text(notification, "verdict", "(absent)"), "ok");
    assert_string_equal(json_get_text(notification, "kind", "(absent)"), kind);
    assert_string_equal(json_get_text(notification, "operation", "(absent)"), operation);
    json_decref(line);
}

void loop_install(struct loop *loop, const char *code)
{
    struct tlvb pir = TLVB_INIT;

    assert_int_equal(loop_download(loop, code, &pir), LPA_DONE);
    assert_int_equal(loop_result_reason(&pir), 0);
    loop_expect_verdict(loop, "pir", "install");
    bench_expect_state(&loop->bench, "loop", "state", "Installed");
    assert_int_equal(lpa_deliver(&loop->lpa), 1);
    assert_int_equal(lpa_deliver(&loop->lpa), 0);
    tlvb_free(&pir);
}

void loop_expect_profile(struct loop *loop, bool enabled)
{
    struct tlvb list = TLVB_INIT;
    static const uint8_t iccid[] = {0x98, 0x94, 0x44, 0x99, 0x99, 0x99, 0x99, 0x09, 0x30, 0xf1};
    const uint8_t state[] = {0x9f, 0x70, 0x01, enabled ? 1 : 0};
    static const uint8_t command[] = {0xbf, 0x2d, 0x00};

    lpa_es10(&loop->lpa, slice_of(command, sizeof(command)), &list);
    assert_non_null(memmem(list.buf, list.len, iccid, sizeof(iccid)));
    assert_non_null(memmem(list.buf, list.len, state, sizeof(state)));
    assert_non_null(memmem(list.buf, list.len, "Loop", 4));
    tlvb_free(&list);
}

void loop_enable_disable_delete(struct loop *loop)
{
    rig_expect(&loop->rig, "BF3111A00C5A0A989444999999990930F1810100", "BF3103800100");
    loop_expect_profile(loop, true);
    assert_int_equal(lpa_deliver(&loop->lpa), 1);
    loop_expect_verdict(loop, "other", "enable");
    rig_expect(&loop->rig, "BF3211A00C5A0A989444999999990930F1810100", "BF3203800100");
    assert_int_equal(lpa_deliver(&loop->lpa), 1);
    loop_expect_verdict(loop, "other", "disable");
    rig_expect(&loop->rig, "BF330C5A0A989444999999990930F1", "BF3303800100");
    assert_int_equal(lpa_deliver(&loop->lpa), 1);
    loop_expect_verdict(loop, "other", "delete");
}

static void file_copy(const char *from, const char *to)
{
    struct tlvb bytes = TLVB_INIT;

    assert_true(file_read(from, 1 << 20, &bytes));
    assert_true(file_replace(to, (const char *)bytes.buf, bytes.len));
    tlvb_free(&bytes);
}

void loop_sgp26_lay_out(struct loop *loop, const char *curve, const char *curve_upper)
{
    static const char *const tls[] = {"dptls.cert.der", "dptls.key.pem"};
    char from[1024];
    char name[64];
    char to[512];

    snprintf(to, sizeof(to), "%s/sgp26/%s", loop->bench.dir, curve);
    assert_true(mkdir(to, 0700) == 0 || errno == EEXIST);
    for (size_t i = 0; i < sizeof(sgp26_layout) / sizeof(sgp26_layout[0]); i++) {
        const char *mark = strstr(sgp26_layout[i].from, "%s");

        snprintf(from, sizeof(from), "%s/sgp26/%.*s%s%s", programs.shared, (int)(mark - sgp26_layout[i].from),
                 sgp26_layout[i].from, curve_upper, mark + 2);
        snprintf(to, sizeof(to), "%s/sgp26/%s/%s", loop->bench.dir, curve, sgp26_layout[i].to);
        file_copy(from, to);
    }
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "pki/%s/%s", curve, tls[i]);
        snprintf(to, sizeof(to), "%s/sgp26/%s/%s", loop->bench.dir, curve, tls[i]);
        file_copy(bench_path(&loop->bench, name), to);
    }
}
