// SPDX-License-Identifier: Apache-2.0
// Unit tests of lib/resolve/address.h: every class of address, at its borders.
#include "tests/unit/unit.h"

#include "lib/resolve/address.h"

struct row {
    const char *text;
    enum address_class class;
};

static const struct row rows[] = {
    {"0.0.0.0",              ADDRESS_UNSPECIFIED},
    {"0.255.255.255",        ADDRESS_UNSPECIFIED},
    {"1.0.0.0",              ADDRESS_PUBLIC     },
    {"9.255.255.255",        ADDRESS_PUBLIC     },
    {"10.0.0.0",             ADDRESS_PRIVATE    },
    {"10.255.255.255",       ADDRESS_PRIVATE    },
    {"11.0.0.0",             ADDRESS_PUBLIC     },
    {"100.63.255.255",       ADDRESS_PUBLIC     },
    {"100.64.0.0",           ADDRESS_PRIVATE    },
    {"100.127.255.255",      ADDRESS_PRIVATE    },
    {"100.128.0.0",          ADDRESS_PUBLIC     },
    {"127.0.0.1",            ADDRESS_LOOPBACK   },
    {"127.255.255.255",      ADDRESS_LOOPBACK   },
    {"128.0.0.0",            ADDRESS_PUBLIC     },
    {"169.253.255.255",      ADDRESS_PUBLIC     },
    {"169.254.169.254",      ADDRESS_LINK_LOCAL },
    {"172.15.255.255",       ADDRESS_PUBLIC     },
    {"172.16.0.0",           ADDRESS_PRIVATE    },
    {"172.31.255.255",       ADDRESS_PRIVATE    },
    {"172.32.0.0",           ADDRESS_PUBLIC     },
    {"192.0.0.1",            ADDRESS_RESERVED   },
    {"192.168.0.1",          ADDRESS_PRIVATE    },
    {"192.169.0.0",          ADDRESS_PUBLIC     },
    {"198.18.0.0",           ADDRESS_RESERVED   },
    {"198.19.255.255",       ADDRESS_RESERVED   },
    {"198.20.0.0",           ADDRESS_PUBLIC     },
    {"223.255.255.255",      ADDRESS_PUBLIC     },
    {"224.0.0.1",            ADDRESS_MULTICAST  },
    {"239.255.255.255",      ADDRESS_MULTICAST  },
    {"240.0.0.0",            ADDRESS_RESERVED   },
    {"255.255.255.255",      ADDRESS_RESERVED   },
    {"::",                   ADDRESS_UNSPECIFIED},
    {"::1",                  ADDRESS_LOOPBACK   },
    {"::2",                  ADDRESS_MAPPED     },
    {"::127.0.0.1",          ADDRESS_MAPPED     },
    {"::ffff:127.0.0.1",     ADDRESS_MAPPED     },
    {"::ffff:8.8.8.8",       ADDRESS_MAPPED     },
    {"64:ff9b::10.0.0.1",    ADDRESS_PRIVATE    },
    {"64:ff9b::8.8.8.8",     ADDRESS_PUBLIC     },
    {"64:ff9b:1::1",         ADDRESS_PRIVATE    },
    {"100::1",               ADDRESS_RESERVED   },
    {"2001::1",              ADDRESS_RESERVED   },
    {"2001:4860:4860::8888", ADDRESS_PUBLIC     },
    {"2002:7f00:1::1",       ADDRESS_LOOPBACK   },
    {"2002:808:808::1",      ADDRESS_PUBLIC     },
    {"fbff::1",              ADDRESS_PUBLIC     },
    {"fc00::1",              ADDRESS_PRIVATE    },
    {"fdff::1",              ADDRESS_PRIVATE    },
    {"fe00::1",              ADDRESS_PUBLIC     },
    {"fe80::1",              ADDRESS_LINK_LOCAL },
    {"febf::1",              ADDRESS_LINK_LOCAL },
    {"fec0::1",              ADDRESS_PRIVATE    },
    {"ff02::1",              ADDRESS_MULTICAST  },
};

static void every_class_at_its_borders(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        union address a;
        assert_int_equal(address_from_text(rows[i].text, &a), ERR_OK);
        if (address_classify(&a) != rows[i].class)
            fail_msg("%s is %s, expected %s", rows[i].text, address_class_name(address_classify(&a)),
                     address_class_name(rows[i].class));
    }
}

static void text_is_numeric_or_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",         "localhost", "127.1",      "0x7f000001",  "010.0.0.1",
                                      "1.2.3.4 ", "[::1]",     "fe80::1%lo", "1.2.3.4:443", "::1::"};
    union address a;
    char text[ADDRESS_TEXT_MAX];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(address_from_text(bad[i], &a), ERR_INPUT);
    assert_int_equal(address_from_text("2001:DB8:0:0::1", &a), ERR_OK);
    assert_string_equal(address_to_text(&a, text), "2001:db8::1");
    assert_int_equal(address_from_text("192.0.2.1", &a), ERR_OK);
    assert_string_equal(address_to_text(&a, text), "192.0.2.1");
}

static void another_family_is_not_public(void **state)
{
    (void)state;
    union address a = {.any = {.sa_family = AF_UNIX}};
    assert_int_equal(address_classify(&a), ADDRESS_RESERVED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_at_its_borders),
        cmocka_unit_test(text_is_numeric_or_refused),
        cmocka_unit_test(another_family_is_not_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
