// SPDX-License-Identifier: Apache-2.0
// A thin reader and builder for BER/DER TLVs on OpenSSL's ASN1_get_object and ASN1_put_object.
//
// A tag is written as its bytes read as one number: 0x30, 0xA0, 0x5F37, 0xBF38, 0x9F70. Two-byte tags go up
// to number 127, which covers SGP.22; longer tags are refused. Lengths may be non-minimal on the way in
// (servers send such), are definite always, and are minimal on the way out.
#ifndef TESTS_SIM_COMMON_TLV_H
#define TESTS_SIM_COMMON_TLV_H

#include "tests/sim/common/sim.h"

// One TLV found in somebody else's bytes: the slices point into them.
struct tlv {
    uint32_t tag;
    struct slice whole; // tag, length and value
    struct slice value;
};

// Only the tag and length of a TLV, whose value need not be there (a BPP segment may be a bare header).
struct tlv_header {
    uint32_t tag;
    size_t header_len;
    size_t value_len;
};

// Reads the TLV at the start of *in and moves *in behind it. False, and *in untouched, when *in is empty or
// holds no whole TLV.
SIM_NODISCARD bool tlv_next(struct slice *in, struct tlv *ret_tlv);

// Reads a tag and length; the value may be missing or cut short.
SIM_NODISCARD bool tlv_read_header(struct slice in, struct tlv_header *ret_header);

// `in` must be exactly one TLV with that tag.
SIM_NODISCARD bool tlv_only(struct slice in, uint32_t tag, struct tlv *ret_tlv);

// The next TLV of *in must have that tag; moves *in behind it. False, and *in untouched, otherwise.
SIM_NODISCARD bool tlv_expect(struct slice *in, uint32_t tag, struct tlv *ret_tlv);

// The first TLV with that tag among the siblings in `in`; what cannot be read ends the search.
SIM_NODISCARD bool tlv_find(struct slice in, uint32_t tag, struct tlv *ret_tlv);

// True when `in` is a whole number of TLVs.
bool tlv_well_formed(struct slice in);

// A non-negative INTEGER of up to four value bytes (with a leading zero: five).
SIM_NODISCARD bool tlv_get_uint(struct slice value, uint32_t *ret_number);

// A BIT STRING's first 32 named bits, bit i of the result being named bit i. Padded or untrimmed encodings
// are accepted.
SIM_NODISCARD bool tlv_get_bits(struct slice value, uint32_t *ret_bits);

// A growing buffer of TLVs. The first failure (memory, sizes) latches `failed`; every later call does
// nothing. Start from TLVB_INIT; the builder owns buf until tlvb_take.
struct tlvb {
    uint8_t *buf;
    size_t len;
    size_t cap;
    bool failed;
};

#define TLVB_INIT ((struct tlvb){0})

void tlvb_free(struct tlvb *b);
void tlvb_raw(struct tlvb *b, const void *bytes, size_t len);
void tlvb_slice(struct tlvb *b, struct slice bytes);
void tlvb_put(struct tlvb *b, uint32_t tag, const void *value, size_t len);
void tlvb_put_slice(struct tlvb *b, uint32_t tag, struct slice value);
void tlvb_put_string(struct tlvb *b, uint32_t tag, const char *text);
void tlvb_put_uint(struct tlvb *b, uint32_t tag, uint32_t number); // minimal DER INTEGER content
void tlvb_put_bits(struct tlvb *b, uint32_t tag, uint32_t bits);   // named bits, trailing zero bits removed
// Only a tag and a length, for bytes that travel apart from their header.
void tlvb_header(struct tlvb *b, uint32_t tag, size_t value_len);

// A constructed TLV: what is put between open and close becomes its value. Nested pairs close innermost
// first.
//     size_t mark = tlvb_open(b); ... tlvb_close(b, mark, 0xBF38);
size_t tlvb_open(struct tlvb *b);
void tlvb_close(struct tlvb *b, size_t mark, uint32_t tag);

// The bytes so far, borrowed until the next call that changes b. Empty when b has failed.
struct slice tlvb_get(const struct tlvb *b);
// Bytes from `mark` (a length seen before) to the end, borrowed likewise.
struct slice tlvb_since(const struct tlvb *b, size_t mark);

#endif
