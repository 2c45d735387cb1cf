// SPDX-License-Identifier: Apache-2.0
// Notifications that the card keeps for servers: SGP.22 v2.5, 5.7.9, 5.7.10 and 2.5.6.
//
// These readers are lenient on purpose. A notification is signed by the card and forwarded byte for byte,
// and one that lpad refuses to read would stay on the card for ever; so only the sequence number and
// the address, without which it can be neither ordered nor delivered, are asked for.
#ifndef LPAD_RSP_NOTIFICATION_H
#define LPAD_RSP_NOTIFICATION_H

#include "rsp/iccid.h"
#include "rsp/oid.h"

#define NOTIFICATION_ADDRESS_MAX 255 // octets
#define TRANSACTION_ID_MAX       16
#define NOTIFICATION_AID_MAX     16

// Bits of NotificationEvent as der_get_bits gives them.
#define NOTIFICATION_INSTALL (1u << 0)
#define NOTIFICATION_ENABLE  (1u << 1)
#define NOTIFICATION_DISABLE (1u << 2)
#define NOTIFICATION_DELETE  (1u << 3)

struct notification_metadata {
    uint32_t seq_number;
    uint32_t events;                            // usually one bit; 0 when it could not be read
    char address[NOTIFICATION_ADDRESS_MAX + 1]; // as received: give it to host_parse before use
    bool has_iccid;
    struct iccid iccid;
};

enum notification_kind {
    NOTIFICATION_INSTALLATION_RESULT, // BF37
    NOTIFICATION_OTHER,               // 30, OtherSignedNotification
    NOTIFICATION_KIND_MAX,
};

enum installation_outcome {
    INSTALLATION_UNKNOWN, // no final result that could be read
    INSTALLATION_SUCCESS,
    INSTALLATION_ERROR,
    INSTALLATION_OUTCOME_MAX,
};

// ProfileInstallationResult's data. `sima_response` is borrowed.
struct installation_result {
    uint8_t transaction_id[TRANSACTION_ID_MAX];
    uint8_t transaction_id_len;  // 0: could not be read
    char smdp_oid[OID_TEXT_MAX]; // "" when it could not be read
    enum installation_outcome outcome;
    uint8_t isdp_aid[NOTIFICATION_AID_MAX]; // success
    uint8_t isdp_aid_len;                   // 0: not given
    uint32_t bpp_command_id;                // error: see bpp_command_info
    uint32_t error_reason;                  // error: see error_reason_info
    struct bytes sima_response;             // success, and some errors
};

struct pending_notification {
    enum notification_kind kind;
    struct notification_metadata metadata;
    struct installation_result installation; // zero unless the kind is NOTIFICATION_INSTALLATION_RESULT
    struct bytes whole;                      // borrowed: the bytes to forward
};

// Exactly one BF2F. ERR_DER_*: not well-formed, no sequence number, or no address that is UTF-8 of 1 to
// NOTIFICATION_ADDRESS_MAX octets.
LPAD_NODISCARD enum err notification_metadata_read(struct bytes tlv,
                                                   struct notification_metadata *ret_metadata);

// Exactly one BF37 or 30 {BF2F ..}. Nothing is verified: that is the server's part.
LPAD_NODISCARD enum err pending_notification_read(struct bytes tlv, struct pending_notification *ret_pending);

// "install", "enable", "disable", "delete"; "several" for more than one bit, "other" for none or an unknown
// one.
const char *notification_event_name(uint32_t events);

#endif
