// SPDX-License-Identifier: Apache-2.0
// Bound Profile Packages (SGP.22 v2.5, 2.5.3 and 2.5.4), sound ones and, on demand, broken ones.
#ifndef TESTS_SIM_SMDP_BPP_H
#define TESTS_SIM_SMDP_BPP_H

#include "tests/sim/common/bsp.h"
#include "tests/sim/common/cred.h"

#include <jansson.h>

// Everything a package is made from. All slices are borrowed.
struct bpp_input {
    struct slice tid;
    struct slice host_id;    // 1..16 bytes
    const uint8_t *eid;      // BSP_EID_SIZE bytes
    struct slice euicc_otpk; // CRED_POINT_SIZE bytes
    EVP_PKEY *dppb_key;      // signs BF23
    struct slice metadata;   // BF25 TLV
    struct slice upp;        // profile elements
    size_t segment_size;     // of a whole 86 TLV, at most BSP_SEGMENT_MAX
    bool use_ppk;            // with ReplaceSessionKeys
};

// A package in parts: what precedes and what is protected. The protected part depends on the key agreement
// alone, so it can be sent again under a new BF23 when the eUICC presents the same one-time key.
struct bpp_parts {
    uint8_t dp_otpk[CRED_POINT_SIZE];
    struct tlvb a0; // contents of the four groups, 87, 88, 87 and 86 TLVs
    struct tlvb a1;
    struct tlvb a2; // empty: left out
    struct tlvb a3;
};

// Agrees on keys with a new one-time key of the server's and protects everything. mutation (may be null) is
// the fault that describes what to get wrong; see README.md for its "bpp" member. Free with bpp_parts_free.
SIM_NODISCARD bool bpp_bind(const struct bpp_input *input, const json_t *mutation,
                            struct bpp_parts *ret_parts);
void bpp_parts_free(struct bpp_parts *parts);

// Signs BF23 and appends the whole BF36. Uses tid, host_id, euicc_otpk and dppb_key of input.
SIM_NODISCARD bool bpp_assemble(const struct bpp_input *input, const struct bpp_parts *parts,
                                const json_t *mutation, struct tlvb *out);

#endif
