// SPDX-License-Identifier: Apache-2.0
// BSP, the SCP03t protection of a bound profile package (SGP.22 v2.5, 2.5.3, 2.5.4 and annex G).
#ifndef TESTS_SIM_COMMON_BSP_H
#define TESTS_SIM_COMMON_BSP_H

#include "tests/sim/common/tlv.h"

enum {
    BSP_KEY_SIZE = 16,
    BSP_MAC_SIZE = 8,
    BSP_EID_SIZE = 16,
    BSP_HOST_ID_MAX = 16,
    BSP_SEGMENT_MAX = 1020,  // a whole protected TLV
    BSP_PLAIN_MAX_86 = 1007, // plaintext of an 86 or 87
    BSP_PLAIN_MAX_88 = 1008, // plaintext of an 88
};

enum bsp_tag {
    BSP_TAG_86 = 0x86, // encrypted and MACed: profile elements
    BSP_TAG_87 = 0x87, // encrypted and MACed: ConfigureISDP, ReplaceSessionKeys
    BSP_TAG_88 = 0x88, // MACed only: StoreMetadata
};

enum bsp_result {
    BSP_OK,
    BSP_STRUCTURE, // not a TLV of that form (SGP.22: scp03tStructureError)
    BSP_SECURITY,  // MAC or padding wrong (SGP.22: scp03tSecurityError)
    BSP_RESULT_MAX,
};

// Keys, MAC chain and counter of one direction. One chain and one counter cover 86, 87 and 88 alike.
// Secret: wipe with bsp_wipe.
struct bsp {
    uint8_t mcv[BSP_KEY_SIZE];
    uint8_t s_enc[BSP_KEY_SIZE];
    uint8_t s_mac[BSP_KEY_SIZE];
    uint64_t counter; // of the next TLV; starts at 1
};

// X9.63 KDF with SHA-256 over the shared secret z and 88 | 10 | LV(host_id) | LV(eid). host_id has 1..16
// bytes.
SIM_NODISCARD bool bsp_derive(struct slice z, struct slice host_id, const uint8_t eid[BSP_EID_SIZE],
                              struct bsp *ret_bsp);

// ReplaceSessionKeys: these keys from now on, the chain restarts at mcv, the counter at 1.
void bsp_set_keys(struct bsp *bsp, const uint8_t mcv[BSP_KEY_SIZE], const uint8_t s_enc[BSP_KEY_SIZE],
                  const uint8_t s_mac[BSP_KEY_SIZE]);

// Appends one protected TLV to out and moves chain and counter on. Plaintext limits are the caller's affair
// (BSP_PLAIN_MAX_*).
SIM_NODISCARD bool bsp_protect(struct bsp *bsp, enum bsp_tag tag, struct slice plain, struct tlvb *out);

// `segment` is one whole protected TLV. Appends its plaintext to out. MAC first, then padding. After a
// failure the state is as it was.
SIM_NODISCARD enum bsp_result bsp_unprotect(struct bsp *bsp, enum bsp_tag tag, struct slice segment,
                                            struct tlvb *out);

void bsp_wipe(struct bsp *bsp);

#endif
