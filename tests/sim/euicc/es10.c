// SPDX-License-Identifier: Apache-2.0
// Dispatch of the ES10 functions.
#include "tests/sim/euicc/es10.h"

#include <stdio.h>

static const struct {
    uint32_t tag;
    const char *name;
    es10_handler *run;
} FUNCTIONS[] = {
    {ES10_GET_EUICC_INFO1,          "GetEuiccInfo1",               es10_get_euicc_info1         },
    {ES10_PREPARE_DOWNLOAD,         "PrepareDownload",             es10_prepare_download        },
    {ES10_GET_EUICC_INFO2,          "GetEuiccInfo2",               es10_get_euicc_info2         },
    {ES10_LIST_NOTIFICATION,        "ListNotification",            es10_list_notification       },
    {ES10_SET_NICKNAME,             "SetNickname",                 es10_set_nickname            },
    {ES10_RETRIEVE_NOTIFICATIONS,   "RetrieveNotificationsList",   es10_retrieve_notifications  },
    {ES10_GET_PROFILES_INFO,        "GetProfilesInfo",             es10_get_profiles_info       },
    {ES10_GET_EUICC_CHALLENGE,      "GetEUICCChallenge",           es10_get_euicc_challenge     },
    {ES10_REMOVE_NOTIFICATION,      "RemoveNotificationFromList",  es10_remove_notification     },
    {ES10_ENABLE_PROFILE,           "EnableProfile",               es10_enable_profile          },
    {ES10_DISABLE_PROFILE,          "DisableProfile",              es10_disable_profile         },
    {ES10_DELETE_PROFILE,           "DeleteProfile",               es10_delete_profile          },
    {ES10_MEMORY_RESET,             "eUICCMemoryReset",            es10_memory_reset            },
    {ES10_LOAD_CRL,                 "LoadCRL",                     es10_load_crl                },
    {ES10_AUTHENTICATE_SERVER,      "AuthenticateServer",          es10_authenticate_server     },
    {ES10_GET_CONFIGURED_ADDRESSES, "GetEuiccConfiguredAddresses", es10_get_configured_addresses},
    {ES10_GET_EUICC_DATA,           "GetEID",                      es10_get_euicc_data          },
    {ES10_SET_DEFAULT_DP_ADDRESS,   "SetDefaultDpAddress",         es10_set_default_dp_address  },
    {ES10_CANCEL_SESSION,           "CancelSession",               es10_cancel_session          },
    {ES10_GET_RAT,                  "GetRAT",                      es10_get_rat                 },
};

static void note_start(struct card *card, uint32_t tag, const char *name)
{
    snprintf(card->note, sizeof card->note, "ES10 %X %s", (unsigned)tag, name);
}

void es10_note(struct card *card, const char *key, unsigned value)
{
    size_t len = strlen(card->note);
    snprintf(card->note + len, sizeof card->note - len, " %s=%u", key, value);
}

uint16_t es10_run(struct card *card, struct slice command, struct tlvb *out)
{
    struct tlv_header header;
    struct tlv tlv;
    if (load_is_segment(command)) {
        note_start(card, ES10_LOAD_BPP, "LoadBoundProfilePackage");
        es10_note(card, "segment", load_next_segment(card));
        return es10_load_segment(card, command, out);
    }
    if (!tlv_read_header(command, &header)) {
        note_start(card, 0, "Malformed");
        return SW_DATA;
    }
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof FUNCTIONS[0]; i++) {
        if (FUNCTIONS[i].tag == header.tag) {
            note_start(card, header.tag, FUNCTIONS[i].name);
            return tlv_only(command, header.tag, &tlv) ? FUNCTIONS[i].run(card, tlv.value, out) : SW_DATA;
        }
    }
    note_start(card, header.tag, "Unknown");
    return SW_DATA;
}
