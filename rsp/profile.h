// SPDX-License-Identifier: Apache-2.0
// What is known of a profile: the values that ProfileInfo (tag E3) and StoreMetadata (tag BF25) share.
#ifndef LPAD_RSP_PROFILE_H
#define LPAD_RSP_PROFILE_H

#include "rsp/iccid.h"

#define PROFILE_NICKNAME_MAX 64 // octets of UTF-8, as the module's SIZE constraints
#define PROFILE_SPN_MAX      32
#define PROFILE_NAME_MAX     64
#define PROFILE_ICON_MAX     1024
#define PROFILE_GID_MAX      64 // lpad's bound; the module has none
#define ISDP_AID_MIN         5
#define ISDP_AID_MAX         16

enum profile_state {
    PROFILE_DISABLED = 0,
    PROFILE_ENABLED = 1,
    PROFILE_STATE_UNKNOWN, // the card did not say
    PROFILE_STATE_MAX,
};

enum profile_class {
    PROFILE_TEST = 0,
    PROFILE_PROVISIONING = 1,
    PROFILE_OPERATIONAL = 2,
    PROFILE_CLASS_UNKNOWN, // the card said something else
    PROFILE_CLASS_MAX,
};

enum profile_icon_type {
    PROFILE_ICON_NONE,
    PROFILE_ICON_JPG,
    PROFILE_ICON_PNG,
    PROFILE_ICON_OTHER,
    PROFILE_ICON_TYPE_MAX,
};

// Bits of PprIds as der_get_bits gives them.
#define PPR_UPDATE_CONTROL (1u << 0)
#define PPR1               (1u << 1) // disabling is not allowed
#define PPR2               (1u << 2) // deletion is not allowed

// OperatorId. A GID that is present but empty is not the same as one that is absent (SGP.22 v2.5, 2.9.2.1).
struct profile_gid {
    bool present;
    uint8_t len;
    uint8_t bytes[PROFILE_GID_MAX];
};

struct profile_owner {
    bool present;
    uint8_t mcc_mnc[3]; // TS 24.008 nibbles; E is a wildcard in a rule
    struct profile_gid gid1;
    struct profile_gid gid2;
};

#define PROFILE_MCC_MNC_TEXT_MAX 8 // "262-01", "310-410" and the terminating zero

struct profile_info {
    bool has_iccid;
    struct iccid iccid;
    uint8_t isdp_aid[ISDP_AID_MAX];
    uint8_t isdp_aid_len; // 0: not given
    enum profile_state state;
    enum profile_class class; // operational when the card did not say (the module's DEFAULT)
    char nickname[PROFILE_NICKNAME_MAX + 1];
    char spn[PROFILE_SPN_MAX + 1];
    char name[PROFILE_NAME_MAX + 1];
    enum profile_icon_type icon_type;
    struct profile_owner owner;
    uint32_t pprs;
    bool pprs_unreadable; // tag 99 is there but cannot be read: treat every rule as set
    bool damaged;         // an optional element could not be read and was left out
};

const char *profile_state_name(enum profile_state s); // "disabled", "enabled", "unknown"
const char *profile_class_name(enum profile_class c); // "test", "provisioning", "operational", "unknown"

// "262-01" from mcc_mnc; a nibble that is no digit is shown as "*" when E, as "?" otherwise. Returns `out`.
const char *profile_mcc_mnc_text(const uint8_t mcc_mnc[3], char out[static PROFILE_MCC_MNC_TEXT_MAX]);

// OperatorId's content (the value of a tag B7, or of a rule's 30). ERR_DER_*; ERR_LIMIT for a GID over
// PROFILE_GID_MAX.
LPAD_NODISCARD enum err profile_owner_read(struct bytes content, struct profile_owner *ret_owner);
bool profile_owner_equal(const struct profile_owner *a, const struct profile_owner *b);

// ProfileInfo: the value of a tag E3, as GetProfilesInfo answers it (SGP.22 v2.5, 5.7.15). The TLVs must be
// well-formed (non-minimal lengths admitted) and no known one may stand twice; an ICCID that cannot
// be read is an error. Any other optional element that cannot be used is left out and `damaged` set: a
// card's oddity must not hide its profiles.
LPAD_NODISCARD enum err profile_info_read(struct bytes e3_content, struct profile_info *ret_profile);

#endif
