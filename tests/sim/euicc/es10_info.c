// SPDX-License-Identifier: Apache-2.0
// What the eUICC says about itself: EUICCInfo, addresses, EID, rules authorisation table.
#include "tests/sim/euicc/es10.h"

#include <jansson.h>

// Named bits of UICCCapability: usim, isim, milenage, tuak128, javacard, multipleUsim, berTlv.
enum { UICC_CAPABILITY = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 14 | 1 << 16 | 1 << 19 };
// additionalProfile, testProfileSupport; crlSupport where it is.
enum { RSP_CAPABILITY = 1 << 0 | 1 << 3, RSP_CRL_SUPPORT = 1 << 1 };

static void ci_list_put(const struct card *card, uint32_t tag, bool signing, struct tlvb *out)
{
    size_t list = tlvb_open(out);
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        const struct cred *ci = &card->creds.at[curve][CRED_CI];
        struct slice ski;
        if (cred_present(ci) && (!signing || card_euicc(card, curve) != NULL) &&
            cred_cert_ski(ci->cert, &ski)) {
            tlvb_put_slice(out, 0x04, ski);
        }
    }
    tlvb_close(out, list, tag);
}

uint16_t es10_get_euicc_info1(struct card *card, struct slice value, struct tlvb *out)
{
    if (value.len != 0) {
        return SW_DATA;
    }
    size_t info = tlvb_open(out);
    tlvb_put(out, 0x82, card->state.svn, VERSION_SIZE);
    ci_list_put(card, 0xA9, false, out);
    ci_list_put(card, 0xAA, true, out);
    tlvb_close(out, info, ES10_GET_EUICC_INFO1);
    return SW_OK;
}

static void u32_put(struct tlvb *out, uint32_t tag, uint32_t number)
{
    uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                        (uint8_t)number};
    tlvb_put(out, tag, bytes, sizeof bytes);
}

void euicc_info2_put(const struct card *card, struct tlvb *out)
{
    static const uint8_t ts102241[VERSION_SIZE] = {9, 2, 0};
    static const uint8_t globalplatform[VERSION_SIZE] = {2, 3, 0};
    static const uint8_t protection_profile[VERSION_SIZE] = {1, 0, 0};
    const struct state *state = &card->state;
    size_t info = tlvb_open(out);
    tlvb_put(out, 0x81, state->profile_version, VERSION_SIZE);
    tlvb_put(out, 0x82, state->svn, VERSION_SIZE);
    tlvb_put(out, 0x83, state->firmware, VERSION_SIZE);
    size_t resource = tlvb_open(out);
    uint8_t applications = 0;
    tlvb_put(out, 0x81, &applications, 1);
    u32_put(out, 0x82, state_free_memory(state));
    u32_put(out, 0x83, state->ram);
    tlvb_close(out, resource, 0x84);
    tlvb_put_bits(out, 0x85, UICC_CAPABILITY);
    tlvb_put(out, 0x86, ts102241, VERSION_SIZE);
    tlvb_put(out, 0x87, globalplatform, VERSION_SIZE);
    tlvb_put_bits(out, 0x88, RSP_CAPABILITY | (state->crl_support ? RSP_CRL_SUPPORT : 0));
    ci_list_put(card, 0xA9, false, out);
    ci_list_put(card, 0xAA, true, out);
    if (state->forbidden_pprs != 0) {
        tlvb_put_bits(out, 0x99, state->forbidden_pprs);
    }
    tlvb_put(out, 0x04, protection_profile, VERSION_SIZE);
    tlvb_put_string(out, 0x0C, "SIM-TEST-0000");
    tlvb_close(out, info, ES10_GET_EUICC_INFO2);
}

uint16_t es10_get_euicc_info2(struct card *card, struct slice value, struct tlvb *out)
{
    if (value.len != 0) {
        return SW_DATA;
    }
    euicc_info2_put(card, out);
    return SW_OK;
}

uint16_t es10_get_configured_addresses(struct card *card, struct slice value, struct tlvb *out)
{
    if (value.len != 0) {
        return SW_DATA;
    }
    size_t addresses = tlvb_open(out);
    if (card->state.default_dp[0] != '\0') {
        tlvb_put_string(out, 0x80, card->state.default_dp);
    }
    tlvb_put_string(out, 0x81, card->state.root_ds);
    tlvb_close(out, addresses, ES10_GET_CONFIGURED_ADDRESSES);
    return SW_OK;
}

uint16_t es10_set_default_dp_address(struct card *card, struct slice value, struct tlvb *out)
{
    struct tlv address;
    if (!tlv_only(value, 0x80, &address)) {
        return SW_DATA;
    }
    size_t len = address.value.len;
    bool usable = len < ADDRESS_SIZE && (len == 0 || memchr(address.value.data, '\0', len) == NULL);
    json_t *text = usable ? json_stringn(len == 0 ? "" : (const char *)address.value.data, len) : NULL;
    uint32_t result = text == NULL ? 127 : 0;
    if (text != NULL) {
        memcpy(card->state.default_dp, json_string_value(text), len + 1);
        card_commit(card);
    }
    json_decref(text);
    size_t response = tlvb_open(out);
    tlvb_put_uint(out, 0x80, result);
    tlvb_close(out, response, ES10_SET_DEFAULT_DP_ADDRESS);
    es10_note(card, "result", result);
    return SW_OK;
}

uint16_t es10_get_euicc_data(struct card *card, struct slice value, struct tlvb *out)
{
    struct tlv tags;
    if (!tlv_only(value, 0x5C, &tags) || !slice_equal(tags.value, slice_of("\x5A", 1))) {
        return SW_DATA;
    }
    size_t data = tlvb_open(out);
    tlvb_put(out, 0x5A, card->eid, EID_SIZE);
    tlvb_close(out, data, ES10_GET_EUICC_DATA);
    return SW_OK;
}

static void operator_put(const struct operator_rule *rule, struct tlvb *out)
{
    size_t mark = tlvb_open(out);
    tlvb_put(out, 0x80, rule->mcc_mnc, sizeof rule->mcc_mnc);
    for (uint32_t i = 0; i < 2; i++) {
        if (rule->has_gid[i]) {
            tlvb_put(out, 0x81 + i, rule->gid[i], rule->gid_len[i]);
        }
    }
    tlvb_close(out, mark, 0x30);
}

uint16_t es10_get_rat(struct card *card, struct slice value, struct tlvb *out)
{
    if (value.len != 0) {
        return SW_DATA;
    }
    size_t response = tlvb_open(out);
    size_t table = tlvb_open(out);
    for (size_t i = 0; i < card->state.rules_count; i++) {
        const struct policy_rule *rule = &card->state.rules[i];
        size_t entry = tlvb_open(out);
        tlvb_put_bits(out, 0x80, rule->pprs);
        size_t operators = tlvb_open(out);
        for (size_t k = 0; k < rule->operators_count; k++) {
            operator_put(&rule->operators[k], out);
        }
        tlvb_close(out, operators, 0xA1);
        tlvb_put_bits(out, 0x82, rule->consent ? 1 : 0);
        tlvb_close(out, entry, 0x30);
    }
    tlvb_close(out, table, 0xA0);
    tlvb_close(out, response, ES10_GET_RAT);
    return SW_OK;
}
