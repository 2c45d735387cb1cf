// SPDX-License-Identifier: Apache-2.0
// What the simulated eUICC keeps over a power loss: profiles, notifications, addresses, rules, and the mark
// of a load begun.
//
// The file is JSON (tests/sim/README.md gives the format) and is replaced as a card writes: temporary file,
// fsync, rename.
#ifndef TESTS_SIM_EUICC_STATE_H
#define TESTS_SIM_EUICC_STATE_H

#include "tests/sim/common/tlv.h"

enum {
    ICCID_SIZE = 10,
    AID_SIZE = 16,
    EID_SIZE = 16,
    VERSION_SIZE = 3,
    ADDRESS_SIZE = 256, // with the final zero
    NICKNAME_MAX = 64,
    SPN_MAX = 32,
    NAME_MAX_BYTES = 64,
    ICON_MAX = 1024,
    OWNER_MAX = 128,
    OID_MAX = 64,
    TID_MAX = 16,
    CONFIGS_MAX = 8,
    PROFILES_MAX = 32,
    NOTIFICATIONS_MAX = 64,
    RULES_MAX = 8,
    OPERATORS_MAX = 8,
    CRLS_MAX = 2,
    SERIALS_MAX = 64,
    SERIAL_SIZE = 20,
    CI_ID_SIZE = 20,
};

enum profile_class {
    PROFILE_TEST = 0,
    PROFILE_PROVISIONING = 1,
    PROFILE_OPERATIONAL = 2,
    PROFILE_CLASS_MAX,
};

// Named bits of NotificationEvent.
enum notification_event {
    EVENT_INSTALL = 1 << 0,
    EVENT_ENABLE = 1 << 1,
    EVENT_DISABLE = 1 << 2,
    EVENT_DELETE = 1 << 3,
    EVENT_ALL = EVENT_INSTALL | EVENT_ENABLE | EVENT_DISABLE | EVENT_DELETE,
};

// Named bits of PprIds.
enum ppr { PPR_UPDATE_CONTROL = 1 << 0, PPR_1 = 1 << 1, PPR_2 = 1 << 2 };

struct notification_config {
    uint32_t events;
    char address[ADDRESS_SIZE];
};

struct profile {
    uint8_t iccid[ICCID_SIZE]; // as on the card, nibbles swapped
    uint8_t aid[AID_SIZE];
    bool enabled;
    bool field_loaded; // came through a download, not from the initial file
    uint32_t class;    // enum profile_class
    bool has_nickname;
    char nickname[NICKNAME_MAX + 1];
    char spn[SPN_MAX + 1];
    char name[NAME_MAX_BYTES + 1];
    bool has_icon_type;
    uint32_t icon_type;
    uint8_t icon[ICON_MAX];
    size_t icon_len;
    struct notification_config configs[CONFIGS_MAX];
    size_t configs_count;
    uint8_t owner[OWNER_MAX]; // content of OperatorId; empty: none
    size_t owner_len;
    uint8_t dp_data[OWNER_MAX]; // content of DpProprietaryData; empty: none
    size_t dp_data_len;
    uint32_t pprs;
    uint32_t size; // bytes of non-volatile memory taken
};

struct notification {
    uint32_t seq;
    uint32_t event;
    char address[ADDRESS_SIZE];
    bool has_iccid;
    uint8_t iccid[ICCID_SIZE];
    uint8_t *bytes; // the signed element as sent: BF37 or 30; owned
    size_t len;
};

// Written when a load begins, gone when its result is stored: what is found at power-up was interrupted.
struct load_marker {
    bool present;
    uint8_t tid[TID_MAX];
    size_t tid_len;
    char address[ADDRESS_SIZE];
    uint8_t oid[OID_MAX];
    size_t oid_len;
    uint32_t curve;   // whose key signs the result
    uint32_t command; // bppCommandId reached
    bool has_iccid;
    uint8_t iccid[ICCID_SIZE];
};

struct operator_rule {
    uint8_t mcc_mnc[3];
    bool has_gid[2];
    uint8_t gid[2][16];
    size_t gid_len[2];
};

struct policy_rule {
    uint32_t pprs;
    struct operator_rule operators[OPERATORS_MAX];
    size_t operators_count;
    bool consent;
};

struct serial {
    uint8_t bytes[SERIAL_SIZE];
    size_t len;
};

// What was loaded of one CI's certificate revocation lists.
struct crl {
    uint8_t ci[CI_ID_SIZE];
    uint32_t number;
    uint32_t total; // parts there are; 0: it is one piece
    uint32_t parts; // bit i - 1: part i is loaded
    struct serial serials[SERIALS_MAX];
    size_t serials_count;
};

// How a card fails at something that others can do: with a result code or with a status word.
struct quirk {
    bool present;
    bool is_sw;
    uint16_t code;
};

struct quirks {
    struct quirk iccid;             // enable and disable by ICCID
    struct quirk refresh;           // enable and disable with refreshFlag
    bool needs_terminal_capability; // SELECT of the ISD-R finds nothing before it
    bool notifications_reversed;    // listed with the newest first
    bool old_empty_list;            // nothing to retrieve is error 1, as until v2.3
};

struct state {
    uint8_t svn[VERSION_SIZE];
    uint8_t profile_version[VERSION_SIZE];
    uint8_t firmware[VERSION_SIZE];
    uint32_t nvm; // total bytes for profiles
    uint32_t ram;
    char default_dp[ADDRESS_SIZE];
    char initial_default_dp[ADDRESS_SIZE]; // what a memory reset restores
    char root_ds[ADDRESS_SIZE];
    uint32_t next_seq;
    bool has_previous; // the operational profile that was enabled before a test profile
    uint8_t previous[ICCID_SIZE];
    uint32_t forbidden_pprs;
    struct policy_rule rules[RULES_MAX];
    size_t rules_count;
    struct profile profiles[PROFILES_MAX];
    size_t profiles_count;
    struct notification notifications[NOTIFICATIONS_MAX];
    size_t notifications_count;
    struct load_marker load;
    bool crl_support;
    struct crl crls[CRLS_MAX];
    size_t crls_count;
    uint32_t cat_busy; // so many more commands that want a REFRESH are answered catBusy
    struct quirks quirks;
};

// A new card: no profile, one rule that allows every PPR to everybody with consent.
void state_init(struct state *state);
void state_free(struct state *state);

// Reads a file, over what state_init gave. False with a reason when it is not of the documented form.
SIM_NODISCARD bool state_load(const char *path, char *ret_why, size_t why_size, struct state *ret_state);
// Replaces the file. False leaves the old one.
SIM_NODISCARD bool state_save(const struct state *state, const char *path);

uint32_t state_free_memory(const struct state *state);
// Null when there is none. Borrowed, valid until profiles change.
struct profile *state_find_iccid(struct state *state, struct slice iccid);
struct profile *state_find_aid(struct state *state, struct slice aid);
struct profile *state_find_enabled(struct state *state);
void state_remove_profile(struct state *state, struct profile *profile);
// The lowest ISD-P AID not in use.
void state_new_aid(const struct state *state, uint8_t ret_aid[AID_SIZE]);

// Takes a copy of `bytes`. The oldest notification gives way when the store is full.
SIM_NODISCARD bool state_add_notification(struct state *state, const struct notification *head,
                                          struct slice bytes);
bool state_remove_notification(struct state *state, uint32_t seq);

// Digits (18 to 20 of them) to the card's form and back; text needs 21 bytes.
SIM_NODISCARD bool iccid_from_text(const char *text, uint8_t ret_iccid[ICCID_SIZE]);
void iccid_to_text(const uint8_t iccid[ICCID_SIZE], char ret_text[2 * ICCID_SIZE + 1]);

#endif
