// SPDX-License-Identifier: Apache-2.0
// Activation codes: those of the standard, those that people really have, and those to refuse.
#include "tests/unit/unit.h"

#include "rsp/activation_code.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TOKEN "04386-AGYFT-A74Y8-3F815"

static void test_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *address, *token, *oid;
        bool cc;
    } good[] = {
        {"1$SMDP.EXAMPLE.COM$" TOKEN,                            "smdp.example.com",      TOKEN,         "",                  false},
        {"LPA:1$SMDP.EXAMPLE.COM$" TOKEN,                        "smdp.example.com",      TOKEN,         "",                  false},
        {"lpa:1$smdp.example.com$" TOKEN "$$1",                  "smdp.example.com",      TOKEN,         "",                  true },
        {"Lpa:1$smdp.example.com$" TOKEN "$1.3.6.1.4.1.31746$1", "smdp.example.com",      TOKEN,
         "1.3.6.1.4.1.31746",                                                                                                 true },
        {"1$smdp.example.com$" TOKEN "$1.3.6.1.4.1.31746",       "smdp.example.com",      TOKEN,         "1.3.6.1.4.1.31746",
         false                                                                                                                     },
        {"1$smdp.example.com$$1.3.6.1.4.1.31746",                "smdp.example.com",      "",            "1.3.6.1.4.1.31746", false},
        {"1$smdp.example.com$",                                  "smdp.example.com",      "",            "",                  false},
        {"1$smdp.example.com$$",                                 "smdp.example.com",      "",            "",                  false},
        {"1$SMDP.EXAMPLE.COM$$$$$$$$$$$$$$$$$$$$$$$$$$",         "smdp.example.com",      "",            "",                  false},
        {"1$smdp.example.com$T-1$$0",                            "smdp.example.com",      "T-1",         "",                  false},
        {"1$smdp.example.com$T-1$$1$F54172BDF98A$1$more",        "smdp.example.com",      "T-1",         "",                  true },
        {" \tLPA:1$smdp.example.com$T-1\r\n",                    "smdp.example.com",      "T-1",         "",                  false},
        {"LPA: 1$ smdp.example.com $T-1",                        "smdp.example.com",      "T-1",         "",                  false},
        {"1$https://smdp.example.com$T-1",                       "smdp.example.com",      "T-1",         "",                  false},
        {"1$HTTPS://smdp.example.com:8443$T-1",                  "smdp.example.com:8443", "T-1",         "",                  false},
        {"1$smdp.example.com:443$lower-Case1",                   "smdp.example.com",      "lower-Case1", "",                  false},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct activation_code code;
        struct bytes v = unit_copy(bytes_from_text(good[i].in));
        assert_int_equal(activation_code_parse((const char *)v.data, v.len, &code), ACTIVATION_CODE_OK);
        assert_string_equal(code.smdp_address, good[i].address);
        assert_string_equal(code.matching_id, good[i].token);
        assert_string_equal(code.smdp_oid, good[i].oid);
        assert_int_equal(code.confirmation_code_required, good[i].cc);
        unit_free(v);
    }
}

static void test_literals(void **state)
{
    (void)state;
    struct activation_code code;
    assert_int_equal(activation_code_parse("1$192.0.2.1$A", 13, &code), ACTIVATION_CODE_OK);
    assert_true(code.host.is_ip_literal);
    assert_int_equal(activation_code_parse("1$[::1]:8443$A", 14, &code), ACTIVATION_CODE_OK);
    assert_true(code.host.is_ip_literal);
    assert_int_equal(host_port(&code.host), 8443);
    assert_int_equal(activation_code_parse("1$localhost$A", 13, &code), ACTIVATION_CODE_OK);
    assert_true(code.host.is_local_name && !code.host.is_ip_literal);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        enum activation_code_error error;
    } bad[] = {
        {"",                                     ACTIVATION_CODE_EMPTY     },
        {" \n",                                  ACTIVATION_CODE_EMPTY     },
        {"LPA:",                                 ACTIVATION_CODE_EMPTY     },
        {"1",                                    ACTIVATION_CODE_FORMAT    },
        {"2$smdp.example.com$A",                 ACTIVATION_CODE_FORMAT    },
        {"1smdp.example.com$A",                  ACTIVATION_CODE_FORMAT    },
        {"LPA:LPA:1$smdp.example.com$A",         ACTIVATION_CODE_FORMAT    },
        {"https://www.example.com/",             ACTIVATION_CODE_FORMAT    },
        {"$smdp.example.com$A",                  ACTIVATION_CODE_FORMAT    },
        {"1$",                                   ACTIVATION_CODE_NO_ADDRESS},
        {"LPA:1$",                               ACTIVATION_CODE_NO_ADDRESS},
        {"LPA:1$$$$$$",                          ACTIVATION_CODE_NO_ADDRESS},
        {"1$https://$A",                         ACTIVATION_CODE_NO_ADDRESS},
        {"1$SMDP.EXAMPLE.COM",                   ACTIVATION_CODE_INCOMPLETE},
        {"1$http://smdp.example.com$A",          ACTIVATION_CODE_SCHEME    },
        {"1$https://https://smdp.example.com$A", ACTIVATION_CODE_SCHEME    },
        {"1$smdp example.com$A",                 ACTIVATION_CODE_ADDRESS   },
        {"1$smdp.example.com/path$A",            ACTIVATION_CODE_ADDRESS   },
        {"1$user@smdp.example.com$A",            ACTIVATION_CODE_ADDRESS   },
        {"1$smdp.example.com:$A",                ACTIVATION_CODE_ADDRESS   },
        {"1$127.1$A",                            ACTIVATION_CODE_ADDRESS   },
        {"1$smdp.example.com$A B",               ACTIVATION_CODE_TOKEN     },
        {"1$smdp.example.com$A\"B",              ACTIVATION_CODE_TOKEN     },
        {"1$smdp.example.com$A$x",               ACTIVATION_CODE_OID       },
        {"1$smdp.example.com$A$1.3.",            ACTIVATION_CODE_OID       },
        {"1$smdp.example.com$A\x01",             ACTIVATION_CODE_CHARACTER },
        {"1$smdp\nexample.com$A",                ACTIVATION_CODE_CHARACTER },
        {"1$smdp.ex\xC3\xA4mple.com$A",          ACTIVATION_CODE_CHARACTER },
        {"1$smdp.example.com$A\x7F",             ACTIVATION_CODE_CHARACTER },
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct activation_code code = {.matching_id = "untouched"};
        struct bytes v = unit_copy(bytes_from_text(bad[i].in));
        assert_int_equal(activation_code_parse((const char *)v.data, v.len, &code), bad[i].error);
        assert_string_equal(code.matching_id, "untouched");
        unit_free(v);
    }
    struct activation_code code;
    assert_int_equal(activation_code_parse(NULL, 0, &code), ACTIVATION_CODE_EMPTY);
    assert_int_equal(activation_code_parse("1$a.example$A\0B", 15, &code), ACTIVATION_CODE_CHARACTER);
}

static void test_longest(void **state)
{
    (void)state;
    static const char start[] = "1$a.example$";
    char text[ACTIVATION_CODE_MAX + 1];
    struct activation_code code;
    memset(text, 'A', sizeof text);
    memcpy(text, start, strlen(start));
    assert_int_equal(activation_code_parse(text, ACTIVATION_CODE_MAX, &code), ACTIVATION_CODE_OK);
    assert_int_equal(strlen(code.matching_id), ACTIVATION_CODE_MAX - strlen(start));
    assert_int_equal(activation_code_parse(text, sizeof text, &code), ACTIVATION_CODE_TOO_LONG);
}

static void test_words(void **state)
{
    (void)state;
    for (unsigned e = 0; e < ACTIVATION_CODE_ERROR_MAX; e++) {
        const char *words = activation_code_words((enum activation_code_error)e);
        assert_true(strlen(words) > 20);
        assert_int_equal(words[strlen(words) - 1], '.');
        for (unsigned f = 0; f < e; f++)
            assert_string_not_equal(words, activation_code_words((enum activation_code_error)f));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted), cmocka_unit_test(test_literals), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_longest),  cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
