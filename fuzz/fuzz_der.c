// SPDX-License-Identifier: Apache-2.0
// Fuzz target: whatever the reader accepts, the writer writes back octet for octet.
#include "fuzz/fuzz.h"

#include "lib/der.h"

static void check_values(struct bytes value)
{
    uint32_t number = 7, bits = 7;
    bool flag = false;
    char text[64] = "untouched";
    if (der_get_uint(value, 1000, &number) == ERR_OK)
        FUZZ_CHECK(number <= 1000);
    else
        FUZZ_CHECK(number == 7);
    if (der_get_bits(value, &bits) != ERR_OK)
        FUZZ_CHECK(bits == 7);
    if (der_get_bool(value, &flag) == ERR_OK)
        FUZZ_CHECK(value.len == 1);
    if (der_get_oid_text(value, text, sizeof text) != ERR_OK)
        FUZZ_CHECK(strcmp(text, "untouched") == 0);
}

static enum err transcribe(struct bytes view, struct der_writer *w)
{
    while (view.len > 0) {
        struct bytes before = view, again = view;
        struct der_tlv tlv, lax;
        enum err e = der_read(&view, &tlv);
        enum err e_lax = der_read_lax(&again, &lax);
        if (e != ERR_OK) {
            FUZZ_CHECK(view.data == before.data && view.len == before.len);
            return e;
        }
        // The lax reader reads everything that the strict one reads, and the same.
        FUZZ_CHECK(e_lax == ERR_OK && lax.tag == tlv.tag && bytes_equal(lax.value, tlv.value));
        FUZZ_CHECK(tlv.whole.data == before.data && tlv.whole.len + view.len == before.len);
        FUZZ_CHECK(fuzz_inside(tlv.value, tlv.whole.data, tlv.whole.len));
        FUZZ_CHECK(der_peek(before) == tlv.tag);
        check_values(tlv.value);
        struct der_writer saved = *w;
        if (der_tag_constructed(tlv.tag) && w->depth < DER_DEPTH_MAX) {
            der_open(w, tlv.tag);
            if (transcribe(tlv.value, w) == ERR_OK) {
                der_close(w);
                continue;
            }
            *w = saved;
        }
        der_put(w, tlv.tag, tlv.value);
    }
    return ERR_OK;
}

static void check_fields(struct bytes content)
{
    struct der_field fields[] = {
        {.tag = 0x80, .mandatory = true},
        {.tag = 0x81          },
        {.tag = 0xA0},
        {.tag = 0x30          },
        {.tag = 0xBF27}
    };
    size_t count = sizeof fields / sizeof fields[0];
    enum err strict = der_read_fields(content, fields, count);
    if (strict != ERR_OK) {
        for (size_t i = 0; i < count; i++)
            FUZZ_CHECK(!fields[i].present);
    } else {
        FUZZ_CHECK(fields[0].present);
        for (size_t i = 0; i < count; i++)
            if (fields[i].present)
                FUZZ_CHECK(fields[i].tlv.tag == fields[i].tag &&
                           fuzz_inside(fields[i].tlv.whole, content.data, content.len));
        FUZZ_CHECK(der_read_fields_lax(content, fields, count) == ERR_OK);
    }
}

// An optional first element: taken when it is there and sound, else the view stays.
static void check_optional(struct bytes in, der_tag tag)
{
    struct bytes view = in;
    struct der_tlv tlv;
    bool present = false;
    enum err e = der_read_optional(&view, tag, &present, &tlv);
    if (e == ERR_OK && present)
        FUZZ_CHECK(tlv.tag == tag && tlv.whole.len + view.len == in.len);
    else
        FUZZ_CHECK(!present && view.data == in.data && view.len == in.len);
}

// A writer with too little room says so at the end, and writes nothing behind it.
static void check_narrow_writer(struct bytes value)
{
    uint8_t out[8];
    struct bytes got;
    struct der_writer w = der_writer_make(out, sizeof out);
    der_open(&w, 0x30);
    der_put(&w, 0x04, value);
    der_put_text(&w, 0x0C, "");
    der_close(&w);
    // 30 L 04 L ... 0C 00
    FUZZ_CHECK((der_finish(&w, &got) == ERR_OK) == (value.len <= sizeof out - 6));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size);
    uint8_t *out = malloc(size + 64);
    if (!out)
        return 0;
    struct der_writer w = der_writer_make(out, size + 64);
    if (transcribe(in, &w) == ERR_OK) {
        struct bytes got;
        FUZZ_CHECK(der_finish(&w, &got) == ERR_OK && bytes_equal(got, in));
    }
    check_fields(in);
    check_optional(in, 0x30);
    check_optional(in, 0xBF36);
    check_narrow_writer(in);
    struct der_tlv only;
    if (der_read_only_lax(in, 0x30, &only) == ERR_OK) {
        FUZZ_CHECK(only.whole.len == size);
        check_fields(only.value);
    }
    free(out);
    return 0;
}
