// SPDX-License-Identifier: Apache-2.0
// Commands and packages that a test builds for the gate.
#ifndef LPAD_TESTS_UNIT_MADE_H
#define LPAD_TESTS_UNIT_MADE_H

#include "tests/unit/unit.h"

#include "lib/der.h"

struct made {
    uint8_t data[65536];
    size_t len;
};

static inline struct bytes view_of(const struct made *m)
{
    return bytes_make(m->data, m->len);
}

static inline void finish(struct made *m, struct der_writer *w)
{
    struct bytes v;
    assert_int_equal(der_finish(w, &v), ERR_OK);
    m->len = v.len;
}

#endif
