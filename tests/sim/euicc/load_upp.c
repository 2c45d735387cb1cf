// SPDX-License-Identifier: Apache-2.0
// The profile package's elements, as far as a simulator looks: each one whole, header first, end last, one
// ICCID, a version that the card knows, and in a test profile test keys alone.
#include "tests/sim/euicc/load.h"

enum {
    PE_HEADER = 0xA0,
    PE_AKA = 0xA4,
    PE_END = 0xAA,
    PE_CLASS_MASK = 0xE0, // context-specific, constructed
    PE_CLASS = 0xA0,
    PE_ICCID = 0x83,
    STATUS_BAD_VALUES = 3,
    STATUS_INVALID_FORMAT = 5,
    STATUS_VERSION = 31,
    KEY_SIZE = 16,
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

// Major and minor version of the package against the newest that the card interprets.
static bool version_known(struct slice header, const uint8_t newest[VERSION_SIZE])
{
    struct tlv major;
    struct tlv minor;
    uint32_t numbers[2] = {0};
    if (!tlv_find(header, 0x80, &major) || !tlv_get_uint(major.value, &numbers[0]) ||
        !tlv_find(header, 0x81, &minor) || !tlv_get_uint(minor.value, &numbers[1])) {
        return true;
    }
    return numbers[0] < newest[0] || (numbers[0] == newest[0] && numbers[1] <= newest[1]);
}

// algoParameter's key: all zeros, or the test USIM's of TS 34.108. Another file's parameters are taken on
// trust.
static bool key_is_test(struct slice aka)
{
    static const uint8_t zeros[KEY_SIZE] = {0};
    static const uint8_t test[KEY_SIZE] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct tlv choice;
    struct tlv algorithm;
    struct tlv key;
    if (!tlv_find(aka, 0xA1, &choice) || !tlv_only(choice.value, 0xA1, &algorithm) ||
        !tlv_find(algorithm.value, 0x82, &key)) {
        return true;
    }
    return slice_equal(key.value, slice_of(test, sizeof test)) ||
           slice_equal(key.value, slice_of(zeros, sizeof zeros));
}

static enum load_error element_take(struct upp *upp, const struct tlv *element,
                                    const struct upp_limits *limits, uint32_t *ret_pe_status)
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
        if (!version_known(element->value, limits->newest)) {
            *ret_pe_status = STATUS_VERSION;
            return LOAD_PE_PROCESSING;
        }
        return iccid_equal(tlv.value, limits->iccid) ? LOAD_OK : LOAD_DATA_MISMATCH;
    }
    if (element->tag == PE_AKA && limits->is_test && !key_is_test(element->value)) {
        return LOAD_TEST_KEY;
    }
    upp->end_seen = element->tag == PE_END;
    return LOAD_OK;
}

enum load_error upp_feed(struct upp *upp, const struct upp_limits *limits, bool last, uint32_t *ret_pe_status)
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
        error = element_take(upp, &element, limits, ret_pe_status);
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
