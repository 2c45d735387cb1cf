// SPDX-License-Identifier: Apache-2.0
// Validation of dotted object identifiers.
#include "rsp/oid.h"

// The arc at the start of `*view`, which is left at the dot behind it or at the end.
static bool take_arc(struct bytes *view, uint32_t *ret_arc)
{
    uint64_t arc = 0;
    size_t n = 0;
    while (n < view->len && view->data[n] >= '0' && view->data[n] <= '9') {
        arc = arc * 10 + (view->data[n] - '0');
        if (arc > UINT32_MAX)
            return false;
        n++;
    }
    if (n == 0 || (n > 1 && view->data[0] == '0'))
        return false;
    view->data += n;
    view->len -= n;
    *ret_arc = (uint32_t)arc;
    return true;
}

bool oid_text_valid(struct bytes text)
{
    if (text.len >= OID_TEXT_MAX)
        return false;
    uint32_t first = 0, arc = 0;
    for (size_t i = 0;; i++) {
        if (!take_arc(&text, &arc))
            return false;
        if (i == 0)
            first = arc;
        // The first two arcs share one number, 40 * first + second, which must fit the reader's 32 bits.
        if ((i == 0 && arc > 2) || (i == 1 && first < 2 && arc > 39) || (i == 1 && arc > UINT32_MAX - 80))
            return false;
        if (text.len == 0)
            return i >= 1;
        if (text.data[0] != '.')
            return false;
        text.data++;
        text.len--;
    }
}
