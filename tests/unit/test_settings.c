// SPDX-License-Identifier: Apache-2.0
// What of the configuration reaches the broker and cardd, as they would read it.
#include "tests/unit/unit.h"

#include "broker/settings.h"
#include "lib/sealed.h"

#include "supervisor.pb-c.h"

#include <unistd.h>

#define SETTINGS_MAX 65536

static struct config *read_good(const char *text)
{
    struct config *c = NULL;
    struct yaml_error error = {0};
    if (config_read(bytes_from_text(text), &c, &error) != ERR_OK) {
        char shown[512];
        fail_msg("%s", yaml_error_text(&error, shown, sizeof shown));
    }
    return c;
}

static Lpad__BrokerSettings *make_broker(const char *text)
{
    struct config *c = read_good(text);
    struct bytes packed;
    int fd = -1;
    assert_int_equal(settings_make_broker(c, 1, &fd), ERR_OK);
    assert_int_equal(sealed_map(fd, SETTINGS_MAX, &packed), ERR_OK);
    Lpad__BrokerSettings *s = lpad__broker_settings__unpack(NULL, packed.len, packed.data);
    assert_non_null(s);
    sealed_unmap(packed);
    close(fd);
    config_free(c);
    return s;
}

static Lpad__CarddSettings *make_cardd(const char *text)
{
    struct config *c = read_good(text);
    struct bytes packed;
    int fd = -1;
    assert_int_equal(settings_make_cardd(c, &fd), ERR_OK);
    assert_int_equal(sealed_map(fd, SETTINGS_MAX, &packed), ERR_OK);
    Lpad__CarddSettings *s = lpad__cardd_settings__unpack(NULL, packed.len, packed.data);
    assert_non_null(s);
    sealed_unmap(packed);
    close(fd);
    config_free(c);
    return s;
}

static void test_broker(void **state)
{
    (void)state;
    Lpad__BrokerSettings *s = make_broker("version: 1\ncard: {address: unix:/c}\n");
    assert_true(s->has_test_trust && !s->test_trust);
    assert_true(s->has_notification_retry_ms && s->has_notification_retry_max_ms);
    assert_int_equal(s->notification_retry_ms, 60000);
    assert_int_equal(s->notification_retry_max_ms, 21600000);
    lpad__broker_settings__free_unpacked(s, NULL);
    s = make_broker("version: 1\ncard: {address: unix:/c}\n"
                    "network: {ci_certificates: [/a], test_ci_certificates: [/b]}\n"
                    "notifications: {retry: 5s, retry_max: 90s}\n");
    assert_true(s->test_trust);
    assert_int_equal(s->notification_retry_ms, 5000);
    assert_int_equal(s->notification_retry_max_ms, 90000);
    lpad__broker_settings__free_unpacked(s, NULL);
}

static void test_cardd(void **state)
{
    (void)state;
    Lpad__CarddSettings *s = make_cardd("version: 1\ncard: {address: unix:/c}\n");
    assert_string_equal(s->transport, "sim");
    assert_null(s->reader);
    assert_false(s->shared);
    assert_int_equal(s->n_more_isdr_aids, 6);
    assert_bytes_hex(bytes_make(s->more_isdr_aids[1].data, s->more_isdr_aids[1].len),
                     "A0000005591010000000008900000300");
    lpad__cardd_settings__free_unpacked(s, NULL);
    s = make_cardd(
        "version: 1\ncard: {transport: pcsc, reader: ACME, shared: true, isdr_aids: [A000000559]}\n");
    assert_string_equal(s->transport, "pcsc");
    assert_string_equal(s->reader, "ACME");
    assert_true(s->shared);
    assert_int_equal(s->n_more_isdr_aids, 1);
    assert_bytes_hex(bytes_make(s->more_isdr_aids[0].data, s->more_isdr_aids[0].len), "A000000559");
    lpad__cardd_settings__free_unpacked(s, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broker),
        cmocka_unit_test(test_cardd),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
