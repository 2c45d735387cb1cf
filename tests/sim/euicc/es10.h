// SPDX-License-Identifier: Apache-2.0
// The ES10 functions of the simulated eUICC (SGP.22 v2.5, 5.7), one per request tag.
#ifndef TESTS_SIM_EUICC_ES10_H
#define TESTS_SIM_EUICC_ES10_H

#include "tests/sim/euicc/card.h"

enum es10_tag {
    ES10_PREPARE_DOWNLOAD = 0xBF21,
    ES10_GET_EUICC_INFO1 = 0xBF20,
    ES10_GET_EUICC_INFO2 = 0xBF22,
    ES10_LIST_NOTIFICATION = 0xBF28,
    ES10_SET_NICKNAME = 0xBF29,
    ES10_RETRIEVE_NOTIFICATIONS = 0xBF2B,
    ES10_GET_PROFILES_INFO = 0xBF2D,
    ES10_GET_EUICC_CHALLENGE = 0xBF2E,
    ES10_REMOVE_NOTIFICATION = 0xBF30,
    ES10_ENABLE_PROFILE = 0xBF31,
    ES10_DISABLE_PROFILE = 0xBF32,
    ES10_DELETE_PROFILE = 0xBF33,
    ES10_MEMORY_RESET = 0xBF34,
    ES10_LOAD_CRL = 0xBF35,
    ES10_LOAD_BPP = 0xBF36,
    ES10_AUTHENTICATE_SERVER = 0xBF38,
    ES10_GET_CONFIGURED_ADDRESSES = 0xBF3C,
    ES10_GET_EUICC_DATA = 0xBF3E,
    ES10_SET_DEFAULT_DP_ADDRESS = 0xBF3F,
    ES10_CANCEL_SESSION = 0xBF41,
    ES10_GET_RAT = 0xBF43,
};

// A request's value in, a whole response TLV (or nothing) out; the status word decides. Sets card->note's
// detail.
typedef uint16_t es10_handler(struct card *card, struct slice value, struct tlvb *out);

// Runs one complete ES10 command or BPP segment. On a status other than 90xx/91xx nothing is left in out.
uint16_t es10_run(struct card *card, struct slice command, struct tlvb *out);

// Adds " key=value" to the log's line of this command.
void es10_note(struct card *card, const char *key, unsigned value);

// es10_info.c
es10_handler es10_get_euicc_info1;
es10_handler es10_get_euicc_info2;
es10_handler es10_get_configured_addresses;
es10_handler es10_set_default_dp_address;
es10_handler es10_get_euicc_data;
es10_handler es10_get_rat;
// The whole BF22, as it also stands in euiccSigned1.
void euicc_info2_put(const struct card *card, struct tlvb *out);

// es10_session.c
es10_handler es10_get_euicc_challenge;
es10_handler es10_cancel_session;
// Ends the session; a load under way is rolled back and, when `interrupted`, leaves a result that says so.
void session_end(struct card *card, bool interrupted);

// es10_authenticate.c
es10_handler es10_authenticate_server;
// es10_prepare.c
es10_handler es10_prepare_download;

// es10_crl.c; BF35 is an unknown tag to a card without support for it.
es10_handler es10_load_crl;
// Whether a loaded list of the CI with that key identifier names the certificate.
bool crl_revokes(const struct state *state, struct slice ci_id, X509 *cert);

// es10_profile.c
es10_handler es10_enable_profile;
es10_handler es10_disable_profile;
es10_handler es10_delete_profile;
es10_handler es10_set_nickname;
es10_handler es10_memory_reset;
// es10_list.c
es10_handler es10_get_profiles_info;

// es10_notification.c
es10_handler es10_list_notification;
es10_handler es10_retrieve_notifications;
es10_handler es10_remove_notification;
// NotificationMetadata, whole BF2F.
void notification_metadata_put(const struct notification *notification, struct tlvb *out);
// Signs and stores one notification per address that the profile configures for the event, except `skip`
// (null: none).
void notification_raise(struct card *card, const struct profile *profile, uint32_t event, const char *skip);

// load.c
es10_handler es10_load_segment; // takes the whole segment, not a value
bool load_is_segment(struct slice command);
unsigned load_next_segment(const struct card *card);
// Writes and stores the result of a load that the marker says was interrupted.
void load_recover(struct card *card);
void load_free(struct load *load);

#endif
