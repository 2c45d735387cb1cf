// SPDX-License-Identifier: Apache-2.0
// The main job, end to end: a download, and what follows it.
#include "tests/e2e/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void a_profile_is_downloaded_enabled_and_its_server_told(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, NULL);
    world_download(&w);
    // Installed, disabled, and the server knows by the signed result on the same connection.
    struct run r = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
    assert_int_equal(r.code, 0);
    assert_contains(r.out, WORLD_ICCID);
    assert_contains(r.out, "disabled");
    run_free(&r);
    assert_int_equal(world_count(&w, "smdp.log", "\"handleNotification\""), 1);
    char *order = world_read(&w, "orders/order.state.json");
    assert_contains(order, "Installed");
    free(order);

    // What a download leaves in the audit is small.
    char *audit = world_read(&w, "audit.jsonl");
    const char *begin = strstr(audit, "\"type\":\"session.begin\"");
    assert_non_null(begin);
    print_message("the download's records: %zu octets\n", strlen(begin));
    assert_true(strlen(begin) < 8000);
    free(audit);

    r = world_lpactl(&w, NULL, "profile", "enable", WORLD_ICCID, NULL);
    assert_int_equal(r.code, 0);
    run_free(&r);
    r = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
    assert_contains(r.out, "enabled");
    run_free(&r);

    // The enable notification goes out by itself, and the card's copy is removed after the server's 2xx.
    world_wait_for(&w, "smdp.log", "\"handleNotification\"", 2);
    r = world_lpactl(&w, NULL, "notification", "deliver", NULL);
    assert_int_equal(r.code, 0);
    run_free(&r);
    r = world_lpactl(&w, NULL, "--json", "notification", "list", NULL);
    assert_int_equal(r.code, 0);
    assert_lacks(r.out, "\"delivered\":false");
    run_free(&r);

    static const char *const files[] = {"audit.jsonl", "lpad.log"};
    for (size_t i = 0; i < 2; i++) {
        char *text = world_read(&w, files[i]);
        assert_lacks(text, "MATCHING-1");
        free(text);
    }
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_is_downloaded_enabled_and_its_server_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
