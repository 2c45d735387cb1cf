// SPDX-License-Identifier: Apache-2.0
// The eUICC's side of a session, on paper: just the messages an SM-DP+ sees, with knobs to get them wrong.
//
// It lets the SM-DP+ be tested without the simulated eUICC, and is far too trusting to be one.
#ifndef TESTS_SIM_SMDP_PAPER_CARD_H
#define TESTS_SIM_SMDP_PAPER_CARD_H

#include "tests/sim/common/bsp.h"
#include "tests/sim/common/cred.h"

#include <jansson.h>

struct paper_card {
    struct cred_store store;
    enum cred_curve curve;
    EVP_PKEY *otsk; // kept over sessions, as a card may
    uint8_t tid[16];
    uint8_t signature1[CRED_SIGNATURE_SIZE];
    // What to get wrong.
    bool bad_signature1;
    bool bad_challenge;
    bool bad_tid;
    bool bad_signature2;
    bool bad_pir;
    bool bad_oid;
    uint32_t free_memory; // 0: does not say
};

SIM_NODISCARD bool paper_card_open(const char *credentials, enum cred_curve curve,
                                   struct paper_card *ret_card);
void paper_card_close(struct paper_card *card);

// The requests of the LPA, with the card's answers in them; null when something in `reply` is missing. The
// caller decrefs.
json_t *paper_initiate(const struct paper_card *card, const char *address);
json_t *paper_authenticate(struct paper_card *card, const json_t *reply, const char *matching_id);
json_t *paper_prepare(struct paper_card *card, const json_t *reply, const char *code);
json_t *paper_cancel(const struct paper_card *card, unsigned reason);
// error_reason 0: success.
json_t *paper_install_result(const struct paper_card *card, unsigned seq, unsigned error_reason);
json_t *paper_notification(const struct paper_card *card, unsigned seq, uint32_t operation);

// Opens the package of a getBoundProfilePackage reply as a card would: the metadata and profile package in
// it.
SIM_NODISCARD bool paper_unbind(const struct paper_card *card, const json_t *reply, struct tlvb *ret_metadata,
                                struct tlvb *ret_upp);

#endif
