// SPDX-License-Identifier: Apache-2.0
// The profile package's elements, as far as a simulator looks: each one whole, header first, end last, one
// ICCID.
#include "tests/sim/euicc/load.h"

enum {
    PE_HEADER = 0xA0,
    PE_END = 0xAA,
    PE_CLASS_MASK = 0xE0, // context-specific, constructed
    PE_CLASS = 0xA0,
    PE_ICCID = 0x83,
    STATUS_BAD_VALUES = 3,
    STATUS_INVALID_FORMAT = 5,
};

// The header has the ICCID in the order of its digits, the metadata with swapped nibbles. Packages exist with
// both.
static bool iccid_equal(struct slice header, const uint8_t iccid[ICCID_SIZE])
{
    uint8_t swapped[ICCID_SIZE];
    if (header.len != ICCID_SIZE) {
        return false;
    }
    for (size_t i = 0; i < ICCID_SIZE; i++) {
        swapped[i] = (uint8_t)(header.data[i] << 4 | header.data[i] >> 4);
    }
    return memcmp(swapped, iccid, ICCID_SIZE) == 0 || memcmp(header.data, iccid, ICCID_SIZE) == 0;
}

static enum load_error element_take(struct upp *upp, const struct tlv *element,
                                    const uint8_t iccid[ICCID_SIZE], uint32_t *ret_pe_status)
{
    struct tlv tlv;
    if (upp->end_seen || upp->header_seen == (element->tag == PE_HEADER)) {
        *ret_pe_status = STATUS_INVALID_FORMAT;
        return LOAD_PE_PROCESSING;
    }
    if (element->tag == PE_HEADER) {
        upp->header_seen = true;
        if (!tlv_well_formed(element->value) || !tlv_find(element->value, PE_ICCID, &tlv)) {
            *ret_pe_status = STATUS_BAD_VALUES;
            return LOAD_PE_PROCESSING;
        }
        return iccid_equal(tlv.value, iccid) ? LOAD_OK : LOAD_DATA_MISMATCH;
    }
    upp->end_seen = element->tag == PE_END;
    return LOAD_OK;
}

enum load_error upp_feed(struct upp *upp, const uint8_t iccid[ICCID_SIZE], bool last, uint32_t *ret_pe_status)
{
    struct slice rest = tlvb_get(&upp->bytes);
    enum load_error error = LOAD_OK;
    while (rest.len > 0 && error == LOAD_OK) {
        struct tlv element;
        if ((rest.data[0] & PE_CLASS_MASK) != PE_CLASS) {
            *ret_pe_status = STATUS_INVALID_FORMAT;
            return LOAD_PE_PROCESSING;
        }
        if (!tlv_next(&rest, &element)) {
            break;
        }
        error = element_take(upp, &element, iccid, ret_pe_status);
    }
    if (error == LOAD_OK && last && (rest.len > 0 || !upp->end_seen)) {
        *ret_pe_status = STATUS_INVALID_FORMAT;
        return LOAD_PE_PROCESSING;
    }
    // The incomplete element moves to the front.
    if (rest.len > 0 && rest.data != upp->bytes.buf) {
        memmove(upp->bytes.buf, rest.data, rest.len);
    }
    upp->bytes.len = rest.len;
    return error;
}
