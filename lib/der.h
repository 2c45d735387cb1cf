// SPDX-License-Identifier: Apache-2.0
// A bounded DER reader and writer: borrowed views, definite lengths only, explicit end checks.
//
// The reader is a view that shrinks from the front. A failed read leaves it and all outputs as they
// were. It knows two strictnesses: `der_read` asks for minimal lengths (DER, X.690 10.1), which holds
// wherever DER is signed; `der_read_lax` admits non-minimal definite lengths, as real servers send
// them around a Bound Profile Package (SGP.22 v2.5, 2.5.5). Indefinite lengths, lengths over four
// octets, tags over three octets, tags not in their shortest form and the tag 00 are refused by both. There
// is no recursion.
#ifndef LPAD_LIB_DER_H
#define LPAD_LIB_DER_H

#include "lib/bytes.h"

// A tag as it stands in the data, most significant octet first: 0x30, 0xBF38, 0x5F37, 0x9F70.
typedef uint32_t der_tag;

struct der_tlv {
    der_tag tag;
    struct bytes value;
    struct bytes whole; // tag, length and value
};

bool der_tag_constructed(der_tag tag);

// --- reading ---

// Reads the next TLV. ERR_DER_TRUNCATED also when the view is empty.
LPAD_NODISCARD enum err der_read(struct bytes *view, struct der_tlv *ret_tlv);
LPAD_NODISCARD enum err der_read_lax(struct bytes *view, struct der_tlv *ret_tlv);
// Reads the next TLV, which must have this tag (else ERR_DER_TAG).
LPAD_NODISCARD enum err der_read_tag(struct bytes *view, der_tag tag, struct der_tlv *ret_tlv);
// The tag that comes next, 0 at the end or when it cannot be read.
der_tag der_peek(struct bytes view);
// Reads the next TLV if it has this tag; `*ret_present` says whether it was there.
LPAD_NODISCARD enum err der_read_optional(struct bytes *view, der_tag tag, bool *ret_present,
                                          struct der_tlv *ret_tlv);
// ERR_DER_TRAILING unless the view is empty.
LPAD_NODISCARD enum err der_end(struct bytes view);
// The whole of `data` must be exactly one TLV of this tag.
LPAD_NODISCARD enum err der_read_only(struct bytes data, der_tag tag, struct der_tlv *ret_tlv);
LPAD_NODISCARD enum err der_read_only_lax(struct bytes data, der_tag tag, struct der_tlv *ret_tlv);

// Elements of a SEQUENCE whose order is not relied on and in which unknown tags are skipped
// (EXTENSIBILITY IMPLIED). A known tag that stands twice is ERR_DER_DUPLICATE, a mandatory one that is not
// there ERR_DER_MISSING. At most 64 fields; on failure none is changed.
struct der_field {
    der_tag tag;
    bool mandatory;
    bool present;       // set by der_read_fields
    struct der_tlv tlv; // set by der_read_fields when present
};
LPAD_NODISCARD enum err der_read_fields(struct bytes content, struct der_field *fields, size_t count);
LPAD_NODISCARD enum err der_read_fields_lax(struct bytes content, struct der_field *fields, size_t count);

// Values. ERR_DER_VALUE when out of range or not minimal.
LPAD_NODISCARD enum err der_get_uint(struct bytes value, uint32_t max, uint32_t *ret_value);
LPAD_NODISCARD enum err der_get_bool(struct bytes value, bool *ret_value); // 00 or FF
// A BIT STRING's first 32 bits; bit 0 is the first. Trailing zero bits are admitted, bits that are set
// among the unused ones are not.
LPAD_NODISCARD enum err der_get_bits(struct bytes value, uint32_t *ret_bits);
// An OBJECT IDENTIFIER's content as dotted decimals, each arc within 32 bits. ERR_LIMIT when it does not fit
// (or is over 255 characters).
LPAD_NODISCARD enum err der_get_oid_text(struct bytes value, char *out, size_t cap);

// --- writing ---

// Builds forward into a bounded buffer. A constructed TLV is opened, filled and closed; closing moves
// the content to make room for the length. The first error is latched; der_finish reports it.
#define DER_DEPTH_MAX 8

struct der_writer {
    struct buf out;
    size_t starts[DER_DEPTH_MAX]; // where the content of each open TLV begins
    unsigned depth;
    bool failed;
};

struct der_writer der_writer_make(void *data, size_t cap);
void der_put(struct der_writer *w, der_tag tag, struct bytes value);
void der_put_uint(struct der_writer *w, der_tag tag, uint32_t value);
void der_put_bool(struct der_writer *w, der_tag tag, bool value);
void der_put_text(struct der_writer *w, der_tag tag, const char *text);
// A TLV that was received, byte for byte.
void der_put_raw(struct der_writer *w, struct bytes whole);
void der_open(struct der_writer *w, der_tag tag);
void der_close(struct der_writer *w);
// ERR_LIMIT when something did not fit; a TLV left open is a bug.
LPAD_NODISCARD enum err der_finish(struct der_writer *w, struct bytes *ret_view);

#endif
