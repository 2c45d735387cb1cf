// SPDX-License-Identifier: Apache-2.0
// An Unprotected Profile Package of the project's own making, shaped as the eUICC Profile Package
// specification (PE_Definitions 3.3) shapes it: header, file system, PINs, USIM, AKA, fillers, end.
#ifndef TESTS_SIM_COMMON_UPP_H
#define TESTS_SIM_COMMON_UPP_H

#include "tests/sim/common/tlv.h"

enum {
    UPP_ICCID_SIZE = 10,
    UPP_ICCID_DIGITS_MAX = 20,
};

struct upp_params {
    const char *iccid;   // 18 to 20 digits
    const char *mcc_mnc; // 5 or 6 digits, start of the IMSI; null: 00101, the test network
    size_t size;         // bytes wanted in all; 0: as small as it gets
    bool live_key;       // a K that is not the test USIM's; no card takes it in a test profile
    uint32_t version[2]; // major and minor of the header; zeros: 2.3
};

// EF_ICCID coding: nibble-swapped, padded with F. False when digits is not 18 to 20 digits.
SIM_NODISCARD bool upp_iccid_encode(const char *digits, uint8_t ret_iccid[UPP_ICCID_SIZE]);

// Appends the profile elements to out, exactly params->size bytes when that is not 0. False when the digits
// are malformed, when size is below the smallest package (about 500 bytes), or when memory runs out. The same
// parameters give the same bytes. The keys in it are those of the public test profiles, unless live_key says
// otherwise.
SIM_NODISCARD bool upp_make(const struct upp_params *params, struct tlvb *out);

#endif
