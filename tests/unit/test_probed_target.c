// SPDX-License-Identifier: Apache-2.0
// Unit tests of probed/target.h.
#include "tests/unit/unit.h"

#include "probed/target.h"

struct row {
    Lpad__ProbeKind kind;
    const char *text;
    const char *host; // NULL: refused
    uint16_t port;
    const char *path;
    const char *server;
};

#define HTTPS LPAD__PROBE_KIND__PROBE_HTTPS
#define TCP   LPAD__PROBE_KIND__PROBE_TCP
#define DNS   LPAD__PROBE_KIND__PROBE_DNS
#define ICMP  LPAD__PROBE_KIND__PROBE_ICMP

static const struct row rows[] = {
    {HTTPS, "https://a.example.com",             "a.example.com", 443,  "/",         ""             },
    {HTTPS, "https://A.example.com/ok?x=%20",    "a.example.com", 443,  "/ok?x=%20", ""             },
    {HTTPS, "https://a.example.com?x",           "a.example.com", 443,  "/?x",       ""             },
    {HTTPS, "https://a.example.com:8443/ok",     "a.example.com", 8443, "/ok",       ""             },
    {HTTPS, "https://[2001:DB8::1]:8443/",       "2001:db8::1",   8443, "/",         ""             },
    {HTTPS, "https://192.0.2.1/",                "192.0.2.1",     443,  "/",         ""             },
    {HTTPS, "http://a.example.com/",             NULL,            0,    NULL,        NULL           },
    {HTTPS, "https://",                          NULL,            0,    NULL,        NULL           },
    {HTTPS, "https://user@a.example.com/",       NULL,            0,    NULL,        NULL           },
    {HTTPS, "https://a.example.com/ x",          NULL,            0,    NULL,        NULL           },
    {HTTPS, "https://a.example.com/\r\nX: y",    NULL,            0,    NULL,        NULL           },
    {HTTPS, "https://a.example.com/\xc3\xa4",    NULL,            0,    NULL,        NULL           },
    {HTTPS, "https://a.example.com/#x",          NULL,            0,    NULL,        NULL           },
    {HTTPS, "https://a.example.com#x",           NULL,            0,    NULL,        NULL           },
    {HTTPS, "https://a.example.com:0/",          NULL,            0,    NULL,        NULL           },
    {HTTPS, "https://a.example.com:65536/",      NULL,            0,    NULL,        NULL           },
    {TCP,   "a.example.com:443",                 "a.example.com", 443,  "",          ""             },
    {TCP,   "192.0.2.1:7",                       "192.0.2.1",     7,    "",          ""             },
    {TCP,   "[2001:db8::1]:7",                   "2001:db8::1",   7,    "",          ""             },
    {TCP,   "a.example.com",                     NULL,            0,    NULL,        NULL           },
    {TCP,   "a.example.com:",                    NULL,            0,    NULL,        NULL           },
    {TCP,   "[2001:db8::1]",                     NULL,            0,    NULL,        NULL           },
    {TCP,   "2001:db8::1",                       NULL,            0,    NULL,        NULL           },
    {TCP,   "",                                  NULL,            0,    NULL,        NULL           },
    {DNS,   "a.example.com",                     "a.example.com", 443,  "",          ""             },
    {DNS,   "a.example.com@192.0.2.1",           "a.example.com", 443,  "",          "192.0.2.1"    },
    {DNS,   "a.example.com@2001:db8::1",         "a.example.com", 443,  "",          "[2001:db8::1]"},
    {DNS,   "a.example.com@[2001:db8::1]",       "a.example.com", 443,  "",          "[2001:db8::1]"},
    {DNS,   "a.example.com@",                    NULL,            0,    NULL,        NULL           },
    {DNS,   "a.example.com@dns.example.com",     NULL,            0,    NULL,        NULL           },
    {DNS,   "a.example.com@192.0.2.1,192.0.2.2", NULL,            0,    NULL,        NULL           },
    {DNS,   "a.example.com@192.0.2.1@192.0.2.2", NULL,            0,    NULL,        NULL           },
    {DNS,   "a.example.com:53",                  NULL,            0,    NULL,        NULL           },
    {DNS,   "192.0.2.1",                         NULL,            0,    NULL,        NULL           },
    {DNS,   "@192.0.2.1",                        NULL,            0,    NULL,        NULL           },
    {ICMP,  "a.example.com",                     "a.example.com", 443,  "",          ""             },
    {ICMP,  "192.0.2.1",                         "192.0.2.1",     443,  "",          ""             },
    {ICMP,  "2001:db8::1",                       "2001:db8::1",   443,  "",          ""             },
    {ICMP,  "[2001:db8::1]",                     "2001:db8::1",   443,  "",          ""             },
    {ICMP,  "[2001:db8::1]:7",                   NULL,            0,    NULL,        NULL           },
    {ICMP,  "192.0.2.1:7",                       NULL,            0,    NULL,        NULL           },
    {ICMP,  "192.0.2.256",                       NULL,            0,    NULL,        NULL           },
};

static void every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        struct target t = {.port = 7777};
        enum err e = target_parse(r->kind, r->text, &t);
        if ((e == ERR_OK) != (r->host != NULL))
            fail_msg("%s: %s", r->text, err_words(e));
        if (r->host == NULL) {
            assert_int_equal(t.port, 7777); // untouched
            continue;
        }
        assert_string_equal(t.host.name, r->host);
        assert_string_equal(t.path, r->path);
        assert_string_equal(t.server, r->server);
        if (r->kind == HTTPS || r->kind == TCP)
            assert_int_equal(t.port, r->port);
    }
}

static void a_long_one_is_refused(void **state)
{
    (void)state;
    char text[TARGET_TEXT_MAX + 1];
    struct target t;
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "https://a.example.com/", 22);
    text[TARGET_TEXT_MAX] = '\0';
    assert_int_equal(target_parse(HTTPS, text, &t), ERR_INPUT);
    text[TARGET_TEXT_MAX - 1] = '\0';
    assert_int_equal(target_parse(HTTPS, text, &t), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form),
        cmocka_unit_test(a_long_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
