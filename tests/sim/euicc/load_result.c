// SPDX-License-Identifier: Apache-2.0
// ProfileInstallationResult: made, signed and stored (SGP.22 v2.5, 2.5.6).
#include "tests/sim/euicc/es10.h"
#include "tests/sim/euicc/load.h"

// EUICCResponse of the profile package specification: one PEStatus.
static void sima_response_put(uint32_t tag, uint32_t pe_status, struct tlvb *out)
{
    size_t octets = tlvb_open(out);
    size_t response = tlvb_open(out);
    size_t statuses = tlvb_open(out);
    size_t status = tlvb_open(out);
    tlvb_put_uint(out, 0x80, pe_status);
    tlvb_close(out, status, 0x30);
    tlvb_close(out, statuses, 0xA0);
    tlvb_close(out, response, 0x30);
    tlvb_close(out, octets, tag);
}

static void final_result_put(const struct load_marker *load, enum load_error error,
                             const struct profile *profile, uint32_t pe_status, struct tlvb *out)
{
    size_t final = tlvb_open(out);
    size_t choice = tlvb_open(out);
    if (error == LOAD_OK) {
        tlvb_put(out, 0x4F, profile->aid, AID_SIZE);
        sima_response_put(0x04, 0, out);
        tlvb_close(out, choice, 0xA0);
    } else {
        tlvb_put_uint(out, 0x80, load->command);
        tlvb_put_uint(out, 0x81, (uint32_t)error);
        if (pe_status != 0) {
            sima_response_put(0x82, pe_status, out);
        }
        tlvb_close(out, choice, 0xA1);
    }
    tlvb_close(out, final, 0xA2);
}

bool load_result_store(struct card *card, enum load_error error, const struct profile *profile,
                       uint32_t pe_status, struct tlvb *out)
{
    const struct load_marker *load = &card->state.load;
    struct notification notification = {
        .seq = card->state.next_seq,
        .event = EVENT_INSTALL,
        .has_iccid = load->has_iccid,
    };
    uint8_t signature[CRED_SIGNATURE_SIZE];
    struct tlvb pir = TLVB_INIT;
    memcpy(notification.address, load->address, sizeof notification.address);
    memcpy(notification.iccid, load->iccid, ICCID_SIZE);
    size_t whole = tlvb_open(&pir);
    tlvb_put(&pir, 0x80, load->tid, load->tid_len);
    notification_metadata_put(&notification, &pir);
    tlvb_put(&pir, 0x06, load->oid, load->oid_len);
    final_result_put(load, error, profile, pe_status, &pir);
    tlvb_close(&pir, whole, 0xBF27);
    const struct cred *euicc = card_euicc(card, (enum cred_curve)load->curve);
    bool done = !pir.failed && euicc != NULL && cred_sign(euicc->key, tlvb_get(&pir), signature);
    if (done) {
        tlvb_put(&pir, 0x5F37, signature, sizeof signature);
        tlvb_close(&pir, whole, 0xBF37);
        done = !pir.failed && state_add_notification(&card->state, &notification, tlvb_get(&pir));
    }
    if (done) {
        card->state.next_seq++;
        card->state.load = (struct load_marker){0};
        if (out != NULL) {
            tlvb_slice(out, tlvb_get(&pir));
        }
    }
    tlvb_free(&pir);
    return done;
}

void load_recover(struct card *card)
{
    if (!card->state.load.present) {
        return;
    }
    if (!load_result_store(card, LOAD_INTERRUPTED, NULL, 0, NULL)) {
        // A marker that no key here can sign for: the credentials were changed under the state.
        card->state.load = (struct load_marker){0};
    }
    card_commit(card);
}
