// SPDX-License-Identifier: Apache-2.0
#include "verify/text.h"

#include <string.h>

// How many octets the character at `s` has. 0: it is none.
static size_t character_length(const uint8_t *s, size_t len)
{
    static const struct {
        uint8_t from, to; // the first octet
        uint8_t second, second_to;
        size_t length;
    } rows[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2},
        {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (s[0] < rows[i].from || s[0] > rows[i].to)
            continue;
        if (len < rows[i].length || s[1] < rows[i].second || s[1] > rows[i].second_to)
            return 0;
        for (size_t k = 2; k < rows[i].length; k++)
            if ((s[k] & 0xc0) != 0x80)
                return 0;
        return rows[i].length;
    }
    return 0;
}

// Eight octets at once: all from 0x20 to 0x7f.
static bool is_plain(const uint8_t *s)
{
    uint64_t v;
    memcpy(&v, s, sizeof v);
    // Without high bits no octet borrows from its neighbour once each has its high bit set.
    return (v & 0x8080808080808080u) == 0 &&
           (((v | 0x8080808080808080u) - 0x2020202020202020u) & 0x8080808080808080u) == 0x8080808080808080u;
}

bool text_is_clean(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        if (len - i >= 8 && is_plain(text + i)) {
            i += 8;
            continue;
        }
        if (text[i] < 0x20)
            return false;
        size_t n = text[i] < 0x80 ? 1 : character_length(text + i, len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}
