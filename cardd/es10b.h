// SPDX-License-Identifier: Apache-2.0
// ES10b: profile download and notifications (SGP.22 v2.5, 5.7.5 to 5.7.14).
#ifndef LPAD_CARDD_ES10B_H
#define LPAD_CARDD_ES10B_H

#include "cardd/es10.h"
#include "cardd/gate.h"
#include "rsp/imei.h"
#include "rsp/notification.h"
#include "rsp/profile.h"
#include "rsp/version.h"

#define ES10B_INFO1_MAX         2048
#define ES10B_PK_IDS_MAX        16
#define ES10B_PK_ID_MAX         64
#define ES10B_SAS_NUMBER_MAX    64
#define ES10B_NOTIFICATIONS_MAX 128
#define ES10B_HASH_CC_SIZE      32

// GetEUICCInfo, 5.7.8: EUICCInfo1, the whole TLV BF20. ERR_CARD_RESPONSE also when it is longer than
// ES10B_INFO1_MAX or its key lists cannot be read.
LPAD_NODISCARD enum err es10b_get_euicc_info1(struct es10 *es, struct bytes *ret_info1);

struct es10b_pk_ids {
    struct bytes ids[ES10B_PK_IDS_MAX]; // borrowed, as all views here, until the next call
    size_t count;
};

// EUICCInfo2 as far as people ask for it. Only the three versions are sure to be there: cards differ.
struct es10b_info2 {
    struct rsp_version profile_version;
    struct rsp_version svn;
    struct rsp_version firmware_version;
    bool has_free_nvm, has_free_ram, has_rsp_capability, has_forbidden_pprs;
    uint32_t free_nvm, free_ram; // bytes
    uint32_t rsp_capability;
    uint32_t forbidden_pprs;
    struct es10b_pk_ids verification, signing;
    char sas_number[ES10B_SAS_NUMBER_MAX + 1]; // "" when not given
};
LPAD_NODISCARD enum err es10b_get_euicc_info2(struct es10 *es, struct es10b_info2 *ret_info2);

// GetRAT, 5.7.22: the Rules Authorisation Table in the card's order, of which the first rule that fits
// decides (2.9.2.1). A rule that cannot be read would change what the others mean: ERR_CARD_RESPONSE.
// ERR_LIMIT: more rules, or more operators of one, than lpad keeps.
#define ES10B_RAT_MAX           16
#define ES10B_RAT_OPERATORS_MAX 16
struct es10b_rat_rule {
    uint32_t pprs; // PPR1 and so on of rsp/profile.h
    struct profile_owner operators[ES10B_RAT_OPERATORS_MAX];
    size_t operator_count;
    bool consent_required;
};
struct es10b_rat {
    struct es10b_rat_rule rules[ES10B_RAT_MAX];
    size_t count;
};
LPAD_NODISCARD enum err es10b_get_rat(struct es10 *es, struct es10b_rat *ret_rat);

// GetEUICCChallenge, 5.7.7.
LPAD_NODISCARD enum err es10b_get_euicc_challenge(struct es10 *es,
                                                  uint8_t ret_challenge[static GATE_CHALLENGE_SIZE]);

// What lpad itself says in AuthenticateServer: ctxParams1.
struct es10b_context {
    const char *matching_id; // NULL: left out
    struct bytes tac;        // 4 octets
    struct bytes imei;       // 8 octets; empty: left out
};
// The DER of ctxParams1, for the command and for tests.
void es10b_put_context(struct der_writer *w, const struct es10b_context *context);

// AuthenticateServer, 5.7.13. `checked` has passed the gate; its bytes go out as they came. The whole TLV
// BF38 comes back.
LPAD_NODISCARD enum err es10b_authenticate_server(struct es10 *es,
                                                  const struct gate_authenticate_server *checked,
                                                  const struct es10b_context *context,
                                                  struct bytes *ret_response);

// hashCc = SHA256(SHA256(code) || transactionId), 5.7.5.
void es10b_hash_confirmation_code(const char *code, struct bytes transaction_id,
                                  uint8_t ret_hash[static ES10B_HASH_CC_SIZE]);

// PrepareDownload, 5.7.5, in two steps, so that the confirmation code can be forgotten and the approval asked
// for in between. The command is built in the command buffer; `hash_cc` NULL: none.
LPAD_NODISCARD enum err es10b_build_prepare_download(struct es10 *es,
                                                     const struct gate_prepare_download *checked,
                                                     const uint8_t *hash_cc, struct bytes *ret_command);
LPAD_NODISCARD enum err es10b_prepare_download(struct es10 *es, struct bytes command,
                                               struct bytes *ret_response);

// One segment of LoadBoundProfilePackage, 5.7.6. `*ret_result` is the whole TLV BF37 when the card ended the
// installation, empty when it waits for the next segment.
LPAD_NODISCARD enum err es10b_load_segment(struct es10 *es, struct bytes segment, struct bytes *ret_result);

// CancelSession, 5.7.14. The whole TLV BF41.
LPAD_NODISCARD enum err es10b_cancel_session(struct es10 *es, struct bytes transaction_id, uint32_t reason,
                                             struct bytes *ret_response);

// ListNotification, 5.7.9, in the card's order. Entries that cannot be read are left out. ERR_LIMIT: too
// many.
struct es10b_notifications {
    struct notification_metadata list[ES10B_NOTIFICATIONS_MAX];
    size_t count;
};
LPAD_NODISCARD enum err es10b_list_notification(struct es10 *es,
                                                struct es10b_notifications *ret_notifications);

// RetrieveNotificationsList, 5.7.10, of one. ERR_CARD_RESULT with code 1 when the card has none of this
// number.
LPAD_NODISCARD enum err es10b_retrieve_notification(struct es10 *es, uint32_t seq_number,
                                                    struct pending_notification *ret_notification);

// RemoveNotificationFromList, 5.7.11. Code 1: the card has none of this number.
LPAD_NODISCARD enum err es10b_remove_notification(struct es10 *es, uint32_t seq_number);

// LoadCRL, 5.7.12, for cards whose EUICCInfo2 has ES10B_RSP_CRL_SUPPORT. `checked` has passed the gate. The
// card verifies the list's signature; it may still miss other parts of a list that was cut into parts. What
// it says over ES10B_CRL_PARTS_MAX parts is ERR_LIMIT.
#define ES10B_RSP_CRL_SUPPORT (1u << 1)
#define ES10B_CRL_PARTS_MAX   64
struct es10b_crl_parts {
    uint32_t numbers[ES10B_CRL_PARTS_MAX];
    size_t count;
};
LPAD_NODISCARD enum err es10b_load_crl(struct es10 *es, const struct gate_crl *checked,
                                       struct es10b_crl_parts *ret_missing);

#endif
