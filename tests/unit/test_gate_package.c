// SPDX-License-Identifier: Apache-2.0
// The gate before a Bound Profile Package: what passes, how it is cut, and that nothing else passes.
#include "cardd/gate.h"

#include "tests/unit/made.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#include <stdio.h>

static const struct gate_transaction_id tid = {
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    16
};

static struct gate_package package; // large: not on the stack

// What holds for every package that passes, whatever it is: the segments are the bytes, and each begins with
// a tag that is no command.
static void assert_segments_are(struct bytes whole)
{
    static const der_tag allowed[] = {0xBF36, 0xA0, 0xA1, 0x88, 0xA2, 0xA3, 0x86};
    size_t at = 0;
    for (size_t i = 0; i < package.segment_count; i++) {
        struct bytes s = gate_segment_view(&package, i);
        assert_int_equal(package.segments[i].offset, at);
        assert_ptr_equal(s.data, whole.data + at);
        at += s.len;
        bool is_allowed = false;
        for (size_t k = 0; k < sizeof allowed / sizeof allowed[0]; k++)
            is_allowed = is_allowed || der_peek(s) == allowed[k];
        assert_true(is_allowed);
        assert_true(s.len <= package.longest);
    }
    assert_int_equal(at, whole.len);
    assert_int_equal(der_peek(gate_segment_view(&package, 0)), 0xBF36);
}

static void assert_lengths(const size_t *lengths, size_t count)
{
    assert_int_equal(package.segment_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(package.segments[i].len, lengths[i]);
}

static void test_package_vector(void **state)
{
    (void)state;
    static const size_t lengths[] = {184, 28, 2, 60, 2, 42};
    struct bytes whole = unit_hex(VECTOR_BPP);
    assert_int_equal(gate_check_package(whole, &tid, &package), GATE_OK);
    assert_lengths(lengths, sizeof lengths / sizeof lengths[0]);
    assert_segments_are(whole);
    assert_string_equal(package.metadata.spn, "euicc-rsp");
    assert_string_equal(package.metadata.name, "euicc-rsp test profile");
    assert_bytes_hex(package.metadata.whole, VECTOR_METADATA);
    unit_free(whole);
}

static void test_package_truncations(void **state)
{
    (void)state;
    struct bytes whole = unit_hex(VECTOR_BPP);
    for (size_t len = 0; len < whole.len; len++) {
        struct bytes cut = unit_copy(bytes_make(whole.data, len));
        assert_int_not_equal(gate_check_package(cut, &tid, &package), GATE_OK);
        unit_free(cut);
    }
    unit_free(whole);
}

// A flipped bit is refused or, in a value, passes unchanged: never does a segment differ from the bytes. Of
// the bits of tags and lengths none may pass at all.
static void test_package_bit_flips(void **state)
{
    (void)state;
    // Tag and length octets: BF36, BF23, 82, 80, A6, 80, 81, 84, 5F49, 5F37, A0, 87, A1, 88, A3, 86.
    static const struct {
        size_t at, len;
    } structural[] = {
        {0,   5},
        {5,   4},
        {9,   2},
        {12,  2},
        {30,  2},
        {32,  2},
        {35,  2},
        {38,  2},
        {49,  3},
        {117, 3},
        {184, 4},
        {212, 4},
        {274, 4},
    };
    struct bytes whole = unit_hex(VECTOR_BPP);
    struct bytes flipped = unit_copy(whole);
    uint8_t *data = (uint8_t *)(uintptr_t)flipped.data;
    unsigned passed = 0;
    for (size_t bit = 0; bit < 8 * whole.len; bit++) {
        size_t at = bit / 8;
        data[at] ^= (uint8_t)(1u << (bit % 8));
        if (gate_check_package(flipped, &tid, &package) == GATE_OK) {
            assert_segments_are(flipped);
            passed++;
            for (size_t i = 0; i < sizeof structural / sizeof structural[0]; i++)
                assert_false(at >= structural[i].at && at < structural[i].at + structural[i].len);
        }
        data[at] ^= (uint8_t)(1u << (bit % 8));
    }
    // Of ciphertext and signatures every bit passes: it is the card that verifies them.
    assert_true(passed > 8 * (64 + 24 + 40));
    unit_free(flipped);
    unit_free(whole);
}

// A package from its tree, with one thing different.
struct plan {
    int insert_at;      // before the element of this number a foreign TLV stands; -1: none
    der_tag inserted;   // its tag
    int double_at;      // the element of this number stands twice; -1: none
    int omit_at;        // the element of this number is left out; -1: none
    unsigned operation; // remoteOpId
    size_t count_88, count_86, size_86;
    bool second_87;
};

#define PLAN                                                                                                 \
    {                                                                                                        \
        .insert_at = -1, .double_at = -1, .omit_at = -1, .operation = 1, .count_88 = 1, .count_86 = 1,       \
        .size_86 = 40                                                                                        \
    }

struct builder {
    struct der_writer w;
    const struct plan *plan;
    int next; // number of the next element
};

// Puts the foreign TLV when its place has come; says how often the element itself is to stand.
static unsigned begin_element(struct builder *b)
{
    int number = b->next++;
    if (number == b->plan->insert_at) {
        static const uint8_t content[] = {0x80, 0x01, 0x05};
        der_put(&b->w, b->plan->inserted, bytes_make(content, sizeof content));
    }
    return number == b->plan->omit_at ? 0 : number == b->plan->double_at ? 2 : 1;
}

static void put_element(struct builder *b, der_tag tag, struct bytes value)
{
    for (unsigned times = begin_element(b); times > 0; times--)
        der_put(&b->w, tag, value);
}

// The end of a constructed element is a place of its own.
static void end_content(struct builder *b)
{
    unsigned times = begin_element(b);
    (void)times;
}

static void put_secure_channel(struct builder *b)
{
    static const uint8_t key_type = 0x88, key_length = 0x10, zeros[65];
    uint8_t operation = (uint8_t)b->plan->operation;
    for (unsigned times = begin_element(b); times > 0; times--) {
        der_open(&b->w, 0xBF23);
        put_element(b, 0x82, bytes_make(&operation, 1));
        put_element(b, 0x80, gate_transaction_view(&tid));
        for (unsigned n = begin_element(b); n > 0; n--) {
            der_open(&b->w, 0xA6);
            put_element(b, 0x80, bytes_make(&key_type, 1));
            put_element(b, 0x81, bytes_make(&key_length, 1));
            put_element(b, 0x84, bytes_from_text("smdp.example.com"));
            end_content(b);
            der_close(&b->w);
        }
        put_element(b, 0x5F49, bytes_make(zeros, 65));
        put_element(b, 0x5F37, bytes_make(zeros, 64));
        end_content(b);
        der_close(&b->w);
    }
}

static void put_group(struct builder *b, der_tag tag, der_tag element, size_t count, struct bytes value)
{
    for (unsigned times = begin_element(b); times > 0; times--) {
        der_open(&b->w, tag);
        for (size_t i = 0; i < count; i++)
            put_element(b, element, value);
        end_content(b);
        der_close(&b->w);
    }
}

// StoreMetadata in pieces, each with eight octets of MAC.
static void put_metadata(struct builder *b)
{
    struct bytes metadata = unit_hex(VECTOR_METADATA);
    size_t count = b->plan->count_88, piece = (metadata.len + count - 1) / count;
    for (unsigned times = begin_element(b); times > 0; times--) {
        der_open(&b->w, 0xA1);
        for (size_t i = 0; i < count; i++) {
            uint8_t value[128] = {0};
            size_t from = i * piece, len = from + piece > metadata.len ? metadata.len - from : piece;
            memcpy(value, metadata.data + from, len);
            put_element(b, 0x88, bytes_make(value, len + 8));
        }
        end_content(b);
        der_close(&b->w);
    }
    unit_free(metadata);
}

// Returns how many places the tree has.
static int build(const struct plan *plan, struct made *m)
{
    static const uint8_t zeros[2048];
    struct builder b = {.w = der_writer_make(m->data, sizeof m->data), .plan = plan};
    unsigned times = begin_element(&b);
    assert_int_equal(times, 1);
    der_open(&b.w, 0xBF36);
    put_secure_channel(&b);
    put_group(&b, 0xA0, 0x87, 1, bytes_make(zeros, 24));
    put_metadata(&b);
    if (plan->second_87)
        put_group(&b, 0xA2, 0x87, 1, bytes_make(zeros, 72));
    put_group(&b, 0xA3, 0x86, plan->count_86, bytes_make(zeros, plan->size_86));
    end_content(&b);
    der_close(&b.w);
    end_content(&b);
    finish(m, &b.w);
    return b.next;
}

static struct made made;

static enum gate_verdict check_plan(const struct plan *plan)
{
    build(plan, &made);
    struct bytes whole = unit_copy(view_of(&made));
    enum gate_verdict v = gate_check_package(whole, &tid, &package);
    if (v == GATE_OK)
        assert_segments_are(whole);
    unit_free(whole);
    return v;
}

static void test_package_foreign_element_anywhere(void **state)
{
    (void)state;
    // Commands that a package must never carry, a signature, a tag of the package itself where it does not
    // belong.
    static const der_tag foreign[] = {0xBF31, 0xBF32, 0xBF33, 0xBF34, 0xBF29, 0xBF2A,
                                      0x30,   0xBF36, 0xA2,   0x04,   0xE2};
    struct plan plan = PLAN;
    plan.second_87 = true;
    plan.count_88 = 2;
    plan.count_86 = 2;
    assert_int_equal(check_plan(&plan), GATE_OK);
    int places = build(&plan, &made);
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        plan.inserted = foreign[i];
        for (plan.insert_at = 0; plan.insert_at < places; plan.insert_at++)
            assert_int_equal(check_plan(&plan), GATE_PACKAGE_SHAPE);
    }
}

static void test_package_missing_and_double(void **state)
{
    (void)state;
    struct plan plan = PLAN;
    plan.second_87 = true;
    int places = build(&plan, &made);
    unsigned doubles_that_pass = 0, omissions_that_pass = 0;
    for (plan.double_at = 1; plan.double_at < places - 1; plan.double_at++) {
        // The ends of contents are places, but no elements: there is nothing to double.
        struct made plain;
        struct plan single = plan;
        single.double_at = -1;
        build(&plan, &made);
        build(&single, &plain);
        if (made.len != plain.len && check_plan(&plan) == GATE_OK)
            doubles_that_pass++;
    }
    plan.double_at = -1;
    for (plan.omit_at = 1; plan.omit_at < places - 1; plan.omit_at++) {
        struct made plain;
        struct plan full = plan;
        full.omit_at = -1;
        build(&plan, &made);
        build(&full, &plain);
        if (made.len != plain.len && check_plan(&plan) == GATE_OK)
            omissions_that_pass++;
    }
    // Only an 86 may stand twice, and only A2 may be left out.
    assert_int_equal(doubles_that_pass, 1);
    assert_int_equal(omissions_that_pass, 1);
}

static void test_package_of_something_else(void **state)
{
    (void)state;
    struct plan plan = PLAN;
    struct gate_transaction_id other = tid;
    plan.operation = 2;
    assert_int_equal(check_plan(&plan), GATE_PACKAGE_OPERATION);
    plan.operation = 0;
    assert_int_equal(check_plan(&plan), GATE_PACKAGE_OPERATION);
    plan.operation = 1;
    assert_int_equal(check_plan(&plan), GATE_OK);
    other.bytes[0] ^= 1;
    assert_int_equal(gate_check_package(view_of(&made), &other, &package), GATE_PACKAGE_TRANSACTION);
    other = tid;
    other.len = 15;
    assert_int_equal(gate_check_package(view_of(&made), &other, &package), GATE_PACKAGE_TRANSACTION);
}

static void test_package_trailing(void **state)
{
    (void)state;
    struct plan plan = PLAN;
    build(&plan, &made);
    for (unsigned value = 0; value < 256; value += 5) {
        made.data[made.len] = (uint8_t)value;
        assert_int_equal(gate_check_package(bytes_make(made.data, made.len + 1), &tid, &package),
                         GATE_PACKAGE_SHAPE);
    }
}

static void test_package_sizes(void **state)
{
    (void)state;
    struct plan plan = PLAN;
    plan.size_86 = 8; // nothing but a MAC
    assert_int_equal(check_plan(&plan), GATE_PACKAGE_SHAPE);
    plan.size_86 = 9;
    assert_int_equal(check_plan(&plan), GATE_OK);
    plan.count_86 = 40;
    plan.size_86 = 1016;
    assert_int_equal(check_plan(&plan), GATE_OK);
    assert_int_equal(package.longest, 1020);
    plan.count_88 = 7;
    assert_int_equal(check_plan(&plan), GATE_OK);
    assert_string_equal(package.metadata.spn, "euicc-rsp");
    plan.count_86 = 0;
    assert_int_equal(check_plan(&plan), GATE_PACKAGE_SHAPE);
}

// Length octets written longer than need be, as production servers do, and lengths that have no end.
static void test_package_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to; // once, in the vector; enclosing lengths are in `to`
        bool passes;
    } cases[] = {
        {"A01A8718", "A0811A8718",     true },
        {"A01A8718", "A082001A8718",   true },
        {"A01A8718", "A08400001A8718", false},
        {"A01A8718", "A0808718",       false},
        {"A13C883A", "A1833C883A",     false},
        {"A32A8628", "A38200002A8628", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char hex[2048];
        const char *at = strstr(VECTOR_BPP, cases[i].from);
        assert_non_null(at);
        size_t head = (size_t)(at - VECTOR_BPP);
        int n = snprintf(hex, sizeof hex, "%.*s%s%s", (int)head, VECTOR_BPP, cases[i].to,
                         at + strlen(cases[i].from));
        assert_true(n > 0 && (size_t)n < sizeof hex);
        struct bytes whole = unit_hex(hex);
        // BF36's own length follows what was inserted.
        size_t content = whole.len - 5;
        ((uint8_t *)(uintptr_t)whole.data)[3] = (uint8_t)(content >> 8);
        ((uint8_t *)(uintptr_t)whole.data)[4] = (uint8_t)content;
        enum gate_verdict v = gate_check_package(whole, &tid, &package);
        assert_int_equal(v == GATE_OK, cases[i].passes);
        if (v == GATE_OK)
            assert_segments_are(whole);
        unit_free(whole);
    }
}

// The shapes of four production servers' packages.
static void test_package_production_shapes(void **state)
{
    (void)state;
    static const struct {
        bool second_87;
        size_t sizes[8]; // of the 86 TLVs, whole
    } shapes[] = {
        {false, {1020, 1020, 476}                              },
        {false, {1020, 348}                                    },
        {true,  {1020, 1020, 1020, 1020, 1020, 1020, 1020, 364}},
        {false, {1004, 1004, 1004, 1004, 1004, 1004, 155}      },
    };
    static const uint8_t zeros[2048];
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct plan plan = PLAN;
        plan.second_87 = shapes[i].second_87;
        struct builder b = {.w = der_writer_make(made.data, sizeof made.data), .plan = &plan};
        size_t want[16] = {0}, count = 0, first_86 = shapes[i].second_87 ? 6 : 5;
        der_open(&b.w, 0xBF36);
        put_secure_channel(&b);
        put_group(&b, 0xA0, 0x87, 1, bytes_make(zeros, 24));
        put_metadata(&b);
        if (shapes[i].second_87)
            put_group(&b, 0xA2, 0x87, 1, bytes_make(zeros, 72));
        der_open(&b.w, 0xA3);
        for (; count < 8 && shapes[i].sizes[count] > 0; count++) {
            size_t whole = shapes[i].sizes[count];
            der_put(&b.w, 0x86, bytes_make(zeros, whole - (whole > 258 ? 4 : 3)));
            want[count] = whole;
        }
        der_close(&b.w);
        der_close(&b.w);
        finish(&made, &b.w);
        assert_int_equal(gate_check_package(view_of(&made), &tid, &package), GATE_OK);
        assert_segments_are(view_of(&made));
        assert_int_equal(package.segment_count, first_86 + count);
        assert_int_equal(package.segments[1].len, 28);
        if (shapes[i].second_87)
            assert_int_equal(package.segments[4].len, 76);
        for (size_t k = 0; k < count; k++)
            assert_int_equal(package.segments[first_86 + k].len, want[k]);
    }
}

static void test_package_bad_metadata(void **state)
{
    (void)state;
    // The 88 holds another command, well-formed: the package is refused as a whole.
    const char *at = strstr(VECTOR_BPP, "BF252F5A0A");
    char hex[2048];
    assert_non_null(at);
    snprintf(hex, sizeof hex, "%.*sBF312F5A0A%s", (int)(at - VECTOR_BPP), VECTOR_BPP, at + 10);
    struct bytes whole = unit_hex(hex);
    assert_int_equal(gate_check_package(whole, &tid, &package), GATE_PACKAGE_METADATA);
    unit_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_package_vector),
        cmocka_unit_test(test_package_truncations),
        cmocka_unit_test(test_package_bit_flips),
        cmocka_unit_test(test_package_foreign_element_anywhere),
        cmocka_unit_test(test_package_missing_and_double),
        cmocka_unit_test(test_package_of_something_else),
        cmocka_unit_test(test_package_trailing),
        cmocka_unit_test(test_package_sizes),
        cmocka_unit_test(test_package_lengths),
        cmocka_unit_test(test_package_production_shapes),
        cmocka_unit_test(test_package_bad_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
