// SPDX-License-Identifier: Apache-2.0
// Server addresses and the patterns of policies.
#include "tests/unit/unit.h"

#include "rsp/host.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LABEL63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *text;
        uint16_t port;
        bool ip, local;
    } good[] = {
        {"smdp.example.com",       "smdp.example.com",       443,   false, false},
        {"SMDP.Example.COM",       "smdp.example.com",       443,   false, false},
        {"smdp.example.com:443",   "smdp.example.com",       443,   false, false},
        {"smdp.example.com:8443",  "smdp.example.com:8443",  8443,  false, false},
        {"smdp.example.com:65535", "smdp.example.com:65535", 65535, false, false},
        {"xn--bcher-kva.example",  "xn--bcher-kva.example",  443,   false, false},
        {"3com.example.1a",        "3com.example.1a",        443,   false, false},
        {LABEL63 ".example",       LABEL63 ".example",       443,   false, false},
        {"localhost",              "localhost",              443,   false, true },
        {"gateway",                "gateway",                443,   false, true },
        {"a.localhost",            "a.localhost",            443,   false, true },
        {"printer.LOCAL",          "printer.local",          443,   false, true },
        {"x.home.arpa:1",          "x.home.arpa:1",          1,     false, true },
        {"notlocal.example",       "notlocal.example",       443,   false, false},
        {"xlocal.mylan",           "xlocal.mylan",           443,   false, false},
        {"192.0.2.1",              "192.0.2.1",              443,   true,  false},
        {"192.0.2.1:8443",         "192.0.2.1:8443",         8443,  true,  false},
        {"[2001:DB8:0::1]",        "[2001:db8::1]",          443,   true,  false},
        {"[::1]:8443",             "[::1]:8443",             8443,  true,  false},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct host host, again;
        char text[HOST_TEXT_MAX];
        assert_int_equal(host_parse(good[i].in, strlen(good[i].in), &host), ERR_OK);
        assert_string_equal(host_to_text(&host, text), good[i].text);
        assert_int_equal(host_port(&host), good[i].port);
        assert_int_equal(host.is_ip_literal, good[i].ip);
        assert_int_equal(host.is_local_name, good[i].local);
        assert_int_equal(host_parse(text, strlen(text), &again), ERR_OK);
        assert_true(host_equal(&host, &again));
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "-a.example",
        "a-.example",
        "a_b.example",
        "a b.example",
        " a.example",
        "a.example ",
        "a.example:",
        "a.example:0",
        "a.example:00443",
        "a.example:65536",
        "a.example:99999",
        "a.example:8443x",
        "a.example:+1",
        "a.example:1:2",
        "a.example/",
        "a.example/path",
        "https://a.example",
        "user@a.example",
        "a.example?x",
        "a.example#x",
        "b\xC3\xBC.example",
        "a.example\n",
        LABEL63 "4.example",
        "1",
        "127.1",
        "192.0.2.256",
        "192.0.2.01",
        "192.0.2",
        "1.2.3.4.5",
        "0x7f000001",
        "0x7f.1",
        "a.0x",
        "a.123",
        "[",
        "[]",
        "[::1",
        "::1",
        "2001:db8::1",
        "[::1]x",
        "[::1]:",
        "[fe80::1%eth0]",
        "[192.0.2.1]",
        "[1:2:3:4:5:6:7:8:9]",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct host host = {.port = 77};
        struct bytes v = unit_copy(bytes_from_text(bad[i]));
        assert_int_equal(host_parse((const char *)v.data, v.len, &host), ERR_INPUT);
        assert_int_equal(host.port, 77);
        unit_free(v);
    }
    struct host host;
    assert_int_equal(host_parse("a\0b.example", 11, &host), ERR_INPUT);
    assert_int_equal(host_parse("[::1\0]", 6, &host), ERR_INPUT);
}

static void test_longest_name(void **state)
{
    (void)state;
    // Four labels of 63, 63, 63 and 61 with three dots: 253.
    char name[HOST_NAME_LEN_MAX + 2];
    struct host host;
    char text[HOST_TEXT_MAX];
    memset(name, 'a', sizeof name);
    name[63] = name[127] = name[191] = '.';
    assert_int_equal(host_parse(name, 253, &host), ERR_OK);
    assert_int_equal(strlen(host_to_text(&host, text)), 253);
    assert_int_equal(host_parse(name, 254, &host), ERR_INPUT);
}

static bool texts_equal(const char *a, const char *b)
{
    return host_text_equal(bytes_from_text(a), bytes_from_text(b));
}

static void test_equality(void **state)
{
    (void)state;
    assert_true(texts_equal("SMDP.EXAMPLE.COM", "smdp.example.com"));
    assert_true(texts_equal("smdp.example.com:443", "smdp.example.com"));
    assert_false(texts_equal("smdp.example.com:8443", "smdp.example.com"));
    assert_false(texts_equal("smdp.example.com", "smdp.example.org"));
    assert_false(texts_equal("", ""));
    assert_false(texts_equal("a b", "a b"));
}

static bool matches(const char *name, const char *pattern)
{
    struct host host;
    assert_int_equal(host_parse(name, strlen(name), &host), ERR_OK);
    return host_matches_pattern(&host, pattern);
}

static void test_patterns(void **state)
{
    (void)state;
    assert_true(matches("smdp.example.com", "smdp.example.com"));
    assert_true(matches("smdp.example.com", "SMDP.example.COM"));
    assert_true(matches("smdp.example.com:8443", "smdp.example.com"));
    assert_false(matches("a.smdp.example.com", "smdp.example.com"));
    assert_true(matches("smdp.example.com", "*.example.com"));
    assert_true(matches("a.b.example.com", "*.example.com"));
    assert_true(matches("a.b.example.com", "*.Example.Com"));
    assert_false(matches("example.com", "*.example.com"));
    assert_false(matches("badexample.com", "*.example.com"));
    assert_false(matches("example.com.evil.example", "*.example.com"));
    assert_true(matches("smdp.example.com", "*"));
    assert_true(matches("192.0.2.1", "*"));
    assert_true(matches("192.0.2.1", "192.0.2.1"));
    assert_true(matches("[2001:db8::1]", "[2001:DB8::0:1]"));
    assert_false(matches("192.0.2.1", "*.2.1"));
    static const char *const bad[] = {"",
                                      "*.",
                                      "**",
                                      "*.*",
                                      "a.*.example",
                                      "*example.com",
                                      "*.192.0.2.1",
                                      "a.example:443",
                                      "a.example:8443",
                                      "[::1]:443",
                                      "a b",
                                      "."};
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(host_pattern_valid(bad[i]));
        assert_false(matches("a.example", bad[i]));
        assert_false(matches("[::1]", bad[i]));
    }
    static const char *const good[] = {"*", "*.example.com", "*.com", "a.example", "192.0.2.1", "[::1]"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(host_pattern_valid(good[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),    cmocka_unit_test(test_refused),  cmocka_unit_test(test_longest_name),
        cmocka_unit_test(test_equality), cmocka_unit_test(test_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
