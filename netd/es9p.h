// SPDX-License-Identifier: Apache-2.0
// ES9+ (SGP.22 v2.5, 5.6 and 6.5): request bodies out of typed fields, typed fields out of reply bodies.
//
// Nothing here knows of connections. A reader takes a reply that json_reply_load has accepted; what it
// returns lives in the arena. Readers check the echo of the transaction ID (ERR_REMOTE_MISMATCH) and that
// each binary member is exactly one TLV of its tag; what is signed is the card's to verify.
#ifndef LPAD_NETD_ES9P_H
#define LPAD_NETD_ES9P_H

#include "netd/json.h"
#include "rsp/metadata.h"

#define EUICC_CHALLENGE_SIZE 16

// Longest members, as proto/limits.c has them.
#define ES9P_SIGNED_MAX      4096
#define ES9P_SIGNATURE_MAX   67
#define ES9P_CI_PK_ID_MAX    66
#define ES9P_CERTIFICATE_MAX 8192
#define ES9P_METADATA_MAX    8192

// Paths of the five functions.
#define ES9P_PATH_INITIATE_AUTHENTICATION   "/gsma/rsp2/es9plus/initiateAuthentication"
#define ES9P_PATH_AUTHENTICATE_CLIENT       "/gsma/rsp2/es9plus/authenticateClient"
#define ES9P_PATH_GET_BOUND_PROFILE_PACKAGE "/gsma/rsp2/es9plus/getBoundProfilePackage"
#define ES9P_PATH_HANDLE_NOTIFICATION       "/gsma/rsp2/es9plus/handleNotification"
#define ES9P_PATH_CANCEL_SESSION            "/gsma/rsp2/es9plus/cancelSession"

// --- requests ---

// The length is known before the challenge is: so the connection can be made early.
size_t es9p_initiate_authentication_len(size_t euicc_info1_len, const char *smdp_address);
// `smdp_address` has gone through host_parse. `challenge` is EUICC_CHALLENGE_SIZE bytes.
void es9p_put_initiate_authentication(struct buf *b, struct bytes challenge, struct bytes euicc_info1,
                                      const char *smdp_address);
// {"transactionId":"..","<member>":"<TLV>"}: AuthenticateClient, GetBoundProfilePackage, CancelSession.
void es9p_put_transaction_request(struct buf *b, struct bytes transaction_id, const char *member,
                                  struct bytes tlv);
void es9p_put_handle_notification(struct buf *b, struct bytes pending_notification);
// An upper bound for any of them.
static inline size_t es9p_request_max(size_t tlv_len, size_t text_len)
{
    return tlv_len / 3 * 4 + 4 + text_len + 256;
}

// --- replies ---

// The reply's transactionId is this one. ERR_REMOTE_SHAPE, ERR_REMOTE_MISMATCH.
LPAD_NODISCARD enum err es9p_check_echo(const json_t *reply, struct bytes transaction_id, struct fault *f);

struct es9p_initiated {
    struct transaction_id transaction_id;
    struct bytes server_signed1;     // TLV 30
    struct bytes server_signature1;  // TLV 5F37
    struct bytes euicc_ci_pk_id;     // TLV 04
    struct bytes server_certificate; // TLV 30
};
// Its transactionId is also that of serverSigned1.
LPAD_NODISCARD enum err es9p_read_initiated(const json_t *reply, struct arena *arena,
                                            struct es9p_initiated *ret_initiated, struct fault *f);

struct es9p_authenticated {
    struct profile_metadata metadata; // borrows its icon from the arena
    struct bytes smdp_signed2;        // TLV 30
    struct bytes smdp_signature2;     // TLV 5F37
    struct bytes smdp_certificate;    // TLV 30
    bool confirmation_code_required;  // ccRequiredFlag of smdpSigned2
};
LPAD_NODISCARD enum err es9p_read_authenticated(const json_t *reply, struct bytes transaction_id,
                                                struct arena *arena,
                                                struct es9p_authenticated *ret_authenticated,
                                                struct fault *f);

// The package goes straight from base64 into sealed memory and is checked there: one TLV BF36, whose length
// may be non-minimal. `*ret_fd` is the caller's.
LPAD_NODISCARD enum err es9p_read_bound_profile_package(const json_t *reply, struct bytes transaction_id,
                                                        int *ret_fd, uint32_t *ret_size, struct fault *f);

#endif
