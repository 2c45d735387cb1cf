// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what passes the gate as a package is sent as it came, in segments that are no commands.
#include "fuzz/fuzz.h"

#include "cardd/gate.h"

static const struct gate_transaction_id tid = {
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    16
};

static bool may_begin_segment(der_tag tag)
{
    static const der_tag allowed[] = {0xBF36, 0xA0, 0xA1, 0x88, 0xA2, 0xA3, 0x86};
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (tag == allowed[i])
            return true;
    return false;
}

static void check_segments(const struct gate_package *p, const uint8_t *data, size_t size)
{
    size_t at = 0;
    FUZZ_CHECK(p->segment_count >= 6 && p->segment_count <= GATE_SEGMENTS_MAX);
    for (size_t i = 0; i < p->segment_count; i++) {
        struct bytes s = gate_segment_view(p, i);
        FUZZ_CHECK(s.data == data + at && s.len > 0 && s.len <= p->longest);
        FUZZ_CHECK(may_begin_segment(der_peek(s)));
        FUZZ_CHECK((der_peek(s) == 0xBF36) == (i == 0));
        at += s.len;
    }
    FUZZ_CHECK(at == size);
}

static void check_metadata(const struct gate_package *p)
{
    FUZZ_CHECK(p->metadata.whole.data == p->metadata_tlv && p->metadata.whole.len <= GATE_METADATA_MAX);
    FUZZ_CHECK(der_peek(p->metadata.whole) == 0xBF25);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gate_package package;
    enum gate_verdict v = gate_check_package(bytes_make(data, size), &tid, &package);
    FUZZ_CHECK(v < GATE_VERDICT_MAX);
    if (v != GATE_OK) {
        FUZZ_CHECK(gate_error(v) != ERR_OK);
        return 0;
    }
    check_segments(&package, data, size);
    check_metadata(&package);
    return 0;
}
