// SPDX-License-Identifier: Apache-2.0
// Classes of addresses, from tables of prefixes.
#include "lib/resolve/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct prefix {
    uint8_t bytes[16];
    unsigned bits;
    enum address_class class;
};

// The first match counts.
static const struct prefix prefixes_v4[] = {
    {{0},         8,  ADDRESS_UNSPECIFIED},
    {{10},        8,  ADDRESS_PRIVATE    },
    {{100, 64},   10, ADDRESS_PRIVATE    },
    {{127},       8,  ADDRESS_LOOPBACK   },
    {{169, 254},  16, ADDRESS_LINK_LOCAL },
    {{172, 16},   12, ADDRESS_PRIVATE    },
    {{192, 0, 0}, 24, ADDRESS_RESERVED   },
    {{192, 168},  16, ADDRESS_PRIVATE    },
    {{198, 18},   15, ADDRESS_RESERVED   },
    {{224},       4,  ADDRESS_MULTICAST  },
    {{240},       4,  ADDRESS_RESERVED   },
};

static const struct prefix prefixes_v6[] = {
    {{0},                                              128, ADDRESS_UNSPECIFIED},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, ADDRESS_LOOPBACK   },
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF},       96,  ADDRESS_MAPPED     },
    {{0},                                              96,  ADDRESS_MAPPED     },
    {{0x20, 0x01, 0, 0},                               32,  ADDRESS_RESERVED   },
    {{0x01, 0},                                        64,  ADDRESS_RESERVED   },
    {{0, 0x64, 0xFF, 0x9B, 0, 1},                      48,  ADDRESS_PRIVATE    },
    {{0xFC},                                           7,   ADDRESS_PRIVATE    },
    {{0xFE, 0x80},                                     10,  ADDRESS_LINK_LOCAL },
    {{0xFE, 0xC0},                                     10,  ADDRESS_PRIVATE    },
    {{0xFF},                                           8,   ADDRESS_MULTICAST  },
};

// IPv6 prefixes with an IPv4 address inside, and where it begins.
static const struct prefix nat64 = {
    {0x00, 0x64, 0xFF, 0x9B},
    96, ADDRESS_PUBLIC
};
static const struct prefix six_to_four = {
    {0x20, 0x02},
    16, ADDRESS_PUBLIC
};
#define NAT64_V4_OFFSET       12
#define SIX_TO_FOUR_V4_OFFSET 2

static bool prefix_matches(const struct prefix *p, const uint8_t *address)
{
    unsigned whole = p->bits / 8;
    unsigned rest = p->bits % 8;
    if (memcmp(p->bytes, address, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    unsigned mask = 0xFFu << (8 - rest) & 0xFFu;
    return (p->bytes[whole] & mask) == (address[whole] & mask);
}

static enum address_class classify(const struct prefix *table, size_t count, const uint8_t *address)
{
    for (size_t i = 0; i < count; i++)
        if (prefix_matches(&table[i], address))
            return table[i].class;
    return ADDRESS_PUBLIC;
}

static enum address_class classify_v4(const uint8_t *address)
{
    return classify(prefixes_v4, sizeof(prefixes_v4) / sizeof(prefixes_v4[0]), address);
}

enum address_class address_classify(const union address *address)
{
    if (address->any.sa_family == AF_INET) {
        uint8_t v4[4];
        memcpy(v4, &address->v4.sin_addr, sizeof(v4));
        return classify_v4(v4);
    }
    if (address->any.sa_family != AF_INET6)
        return ADDRESS_RESERVED;
    const uint8_t *v6 = address->v6.sin6_addr.s6_addr;
    if (prefix_matches(&nat64, v6))
        return classify_v4(v6 + NAT64_V4_OFFSET);
    if (prefix_matches(&six_to_four, v6))
        return classify_v4(v6 + SIX_TO_FOUR_V4_OFFSET);
    return classify(prefixes_v6, sizeof(prefixes_v6) / sizeof(prefixes_v6[0]), v6);
}

const char *address_class_name(enum address_class class)
{
    static const char *const names[ADDRESS_CLASS_MAX] = {
        [ADDRESS_PUBLIC] = "public",         [ADDRESS_UNSPECIFIED] = "unspecified",
        [ADDRESS_LOOPBACK] = "loopback",     [ADDRESS_PRIVATE] = "private",
        [ADDRESS_LINK_LOCAL] = "link-local", [ADDRESS_MULTICAST] = "multicast",
        [ADDRESS_RESERVED] = "reserved",     [ADDRESS_MAPPED] = "IPv4-mapped",
    };
    LPAD_ASSERT(class < ADDRESS_CLASS_MAX);
    return names[class];
}

enum err address_from_text(const char *text, union address *ret_address)
{
    union address a;
    memset(&a, 0, sizeof(a));
    if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
        a.v4.sin_family = AF_INET;
        *ret_address = a;
        return ERR_OK;
    }
    if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
        a.v6.sin6_family = AF_INET6;
        *ret_address = a;
        return ERR_OK;
    }
    return ERR_INPUT;
}

const char *address_to_text(const union address *address, char out[static ADDRESS_TEXT_MAX])
{
    const void *bits = address->any.sa_family == AF_INET ? (const void *)&address->v4.sin_addr
                                                         : (const void *)&address->v6.sin6_addr;
    if (inet_ntop(address->any.sa_family, bits, out, ADDRESS_TEXT_MAX) == NULL)
        snprintf(out, ADDRESS_TEXT_MAX, "?");
    return out;
}
