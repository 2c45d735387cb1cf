// SPDX-License-Identifier: Apache-2.0
// LoadBoundProfilePackage: the order of the segments, and what each of them does (SGP.22 v2.5, 2.5.5).
#include "tests/sim/euicc/load.h"
#include "tests/sim/euicc/es10.h"

#include <openssl/crypto.h>
#include <stdlib.h>

enum {
    TAG_PACKAGE = 0xBF36,
    TAG_CHANNEL = 0xBF23,
    TAG_FIRST_87 = 0xA0,
    TAG_88 = 0xA1,
    TAG_SECOND_87 = 0xA2,
    TAG_86 = 0xA3,
    STORE_METADATA_MAX = 2,
};

bool load_is_segment(struct slice command)
{
    struct tlv_header header;
    if (!tlv_read_header(command, &header)) {
        return false;
    }
    switch (header.tag) {
    case TAG_PACKAGE:
    case TAG_FIRST_87:
    case TAG_88:
    case TAG_SECOND_87:
    case TAG_86:
    case BSP_TAG_86:
    case BSP_TAG_87:
    case BSP_TAG_88: return true;
    default: return false;
    }
}

unsigned load_next_segment(const struct card *card)
{
    return card->load == NULL ? 1 : card->load->segments + 1;
}

void load_free(struct load *load)
{
    if (load == NULL) {
        return;
    }
    tlvb_free(&load->plain);
    tlvb_free(&load->upp.bytes);
    OPENSSL_cleanse(load, sizeof *load);
    free(load);
}

// The marker goes to the file before the work it announces.
static void command_enter(struct card *card, enum bpp_command command)
{
    card->load->command = command;
    card->state.load.command = (uint32_t)command;
    card_commit(card);
}

static bool load_begin(struct card *card)
{
    const struct session *session = &card->session;
    struct load_marker *marker = &card->state.load;
    card->load = calloc(1, sizeof *card->load);
    if (card->load == NULL) {
        return false;
    }
    card->session.phase = SESSION_LOADING;
    *marker = (struct load_marker){
        .present = true,
        .tid_len = session->tid_len,
        .oid_len = session->oid_len,
        .curve = (uint32_t)session->signing_curve,
    };
    memcpy(marker->tid, session->tid, session->tid_len);
    memcpy(marker->oid, session->oid, session->oid_len);
    memcpy(marker->address, session->address, sizeof marker->address);
    command_enter(card, BPP_INITIALISE_SECURE_CHANNEL);
    return true;
}

static bool package_take(struct load *load, size_t len)
{
    if (len > load->package_left) {
        return false;
    }
    load->package_left -= len;
    return true;
}

// BF36 header and the whole BF23, nothing behind.
static enum load_error segment_package(struct card *card, struct slice segment)
{
    struct load *load = card->load;
    struct tlv_header header;
    struct tlv channel;
    if (!tlv_read_header(segment, &header) || header.tag != TAG_PACKAGE) {
        return LOAD_STRUCTURE;
    }
    load->package_left = header.value_len;
    if (!tlv_only(slice_of(segment.data + header.header_len, segment.len - header.header_len), TAG_CHANNEL,
                  &channel) ||
        !package_take(load, channel.whole.len)) {
        return LOAD_INCORRECT_INPUT;
    }
    load->step = STEP_FIRST_87;
    return load_initialise(card, channel.value, load);
}

// A sequence begins: its header, and what follows it in the same segment.
static enum load_error sequence_open(struct load *load, struct slice segment, uint32_t tag,
                                     struct slice *ret_rest)
{
    struct tlv_header header;
    if (!tlv_read_header(segment, &header) || header.tag != tag || header.value_len == 0 ||
        !package_take(load, header.header_len) || header.value_len > load->package_left) {
        return LOAD_STRUCTURE;
    }
    load->sequence_left = header.value_len;
    load->in_sequence = 0;
    load->plain.len = 0;
    *ret_rest = slice_of(segment.data + header.header_len, segment.len - header.header_len);
    return LOAD_OK;
}

static enum load_error header_alone(struct load *load, struct slice segment, uint32_t tag)
{
    struct slice rest = {0};
    enum load_error error = sequence_open(load, segment, tag, &rest);
    if (error == LOAD_OK && rest.len != 0) {
        return LOAD_STRUCTURE;
    }
    return error;
}

// One protected TLV of the open sequence; its plaintext is appended to `plain`.
static enum load_error protected_take(struct load *load, struct slice segment, enum bsp_tag tag,
                                      struct tlvb *plain)
{
    if (segment.len > BSP_SEGMENT_MAX || segment.len > load->sequence_left ||
        !package_take(load, segment.len)) {
        return LOAD_STRUCTURE;
    }
    load->sequence_left -= segment.len;
    load->in_sequence++;
    switch (bsp_unprotect(&load->bsp, tag, segment, plain)) {
    case BSP_OK: return LOAD_OK;
    case BSP_SECURITY: return LOAD_SECURITY;
    case BSP_STRUCTURE:
    case BSP_RESULT_MAX: break;
    }
    return LOAD_STRUCTURE;
}

static enum load_error segment_first_87(struct card *card, struct slice segment)
{
    struct load *load = card->load;
    if (load->step == STEP_FIRST_87) {
        command_enter(card, BPP_CONFIGURE_ISDP);
        enum load_error error = sequence_open(load, segment, TAG_FIRST_87, &segment);
        if (error != LOAD_OK) {
            return error;
        }
        load->step = STEP_MORE_FIRST_87;
    }
    enum load_error error = protected_take(load, segment, BSP_TAG_87, &load->plain);
    if (error != LOAD_OK || load->sequence_left > 0) {
        return error;
    }
    load->step = STEP_88_HEADER;
    return load_configure_isdp(card, tlvb_get(&load->plain), &load->profile);
}

static enum load_error segment_88_header(struct card *card, struct slice segment)
{
    command_enter(card, BPP_STORE_METADATA);
    card->load->step = STEP_88;
    return header_alone(card->load, segment, TAG_88);
}

static enum load_error segment_88(struct card *card, struct slice segment)
{
    struct load *load = card->load;
    if (load->in_sequence == STORE_METADATA_MAX) {
        return LOAD_STRUCTURE;
    }
    if (load->in_sequence > 0) {
        command_enter(card, BPP_STORE_METADATA2);
    }
    enum load_error error = protected_take(load, segment, BSP_TAG_88, &load->plain);
    if (error != LOAD_OK || load->sequence_left > 0) {
        return error;
    }
    load->step = STEP_KEYS_OR_86;
    error = load_store_metadata(card, tlvb_get(&load->plain), &load->profile);
    // The result names the ICCID also when it is the reason for refusing.
    if (error != LOAD_STRUCTURE && error != LOAD_INCORRECT_INPUT) {
        card->state.load.has_iccid = true;
        memcpy(card->state.load.iccid, load->profile.iccid, ICCID_SIZE);
    }
    return error;
}

// BF26 { 80 mcv, 81 enc, 82 mac }: keys that are both new.
static enum load_error keys_replace(struct load *load)
{
    static const uint32_t tags[3] = {0x80, 0x81, 0x82};
    struct tlv request;
    struct tlv parts[3];
    if (!tlv_only(tlvb_get(&load->plain), 0xBF26, &request)) {
        return LOAD_STRUCTURE;
    }
    struct slice rest = request.value;
    for (size_t i = 0; i < 3; i++) {
        if (!tlv_expect(&rest, tags[i], &parts[i]) || parts[i].value.len != BSP_KEY_SIZE) {
            return LOAD_INCORRECT_INPUT;
        }
    }
    if (rest.len != 0 || memcmp(parts[1].value.data, load->bsp.s_enc, BSP_KEY_SIZE) == 0 ||
        memcmp(parts[2].value.data, load->bsp.s_mac, BSP_KEY_SIZE) == 0) {
        return LOAD_INCORRECT_INPUT;
    }
    bsp_set_keys(&load->bsp, parts[0].value.data, parts[1].value.data, parts[2].value.data);
    return LOAD_OK;
}

static enum load_error segment_86_header(struct card *card, struct slice segment)
{
    struct load *load = card->load;
    command_enter(card, BPP_LOAD_PROFILE_ELEMENTS);
    load->step = STEP_86;
    enum load_error error = header_alone(load, segment, TAG_86);
    if (error == LOAD_OK && load->sequence_left > state_free_memory(&card->state)) {
        return LOAD_MEMORY;
    }
    return error;
}

static enum load_error segment_keys_or_86(struct card *card, struct slice segment)
{
    struct load *load = card->load;
    struct tlv_header header;
    bool first = load->step == STEP_KEYS_OR_86;
    if (first && tlv_read_header(segment, &header) && header.tag == TAG_86) {
        return segment_86_header(card, segment);
    }
    if (first) {
        command_enter(card, BPP_REPLACE_SESSION_KEYS);
        enum load_error error = sequence_open(load, segment, TAG_SECOND_87, &segment);
        if (error != LOAD_OK) {
            return error;
        }
        load->step = STEP_MORE_SECOND_87;
    }
    enum load_error error = protected_take(load, segment, BSP_TAG_87, &load->plain);
    if (error != LOAD_OK || load->sequence_left > 0) {
        return error;
    }
    load->step = STEP_86_HEADER;
    return keys_replace(load);
}

static enum load_error segment_86(struct card *card, struct slice segment)
{
    struct load *load = card->load;
    size_t before = load->upp.bytes.len;
    enum load_error error = protected_take(load, segment, BSP_TAG_86, &load->upp.bytes);
    if (error != LOAD_OK) {
        return error;
    }
    load->upp.total += load->upp.bytes.len - before;
    bool last = load->sequence_left == 0;
    struct upp_limits limits = {
        .iccid = load->profile.iccid,
        .newest = card->state.profile_version,
        .is_test = load->profile.class == PROFILE_TEST,
    };
    error = upp_feed(&load->upp, &limits, last, &load->pe_status);
    if (error != LOAD_OK || !last) {
        return error;
    }
    load->step = STEP_DONE;
    return load->package_left == 0 ? LOAD_OK : LOAD_STRUCTURE;
}

static enum load_error (*const SEGMENTS[STEP_MAX])(struct card *card, struct slice segment) = {
    [STEP_PACKAGE] = segment_package,
    [STEP_FIRST_87] = segment_first_87,
    [STEP_MORE_FIRST_87] = segment_first_87,
    [STEP_88_HEADER] = segment_88_header,
    [STEP_88] = segment_88,
    [STEP_KEYS_OR_86] = segment_keys_or_86,
    [STEP_MORE_SECOND_87] = segment_keys_or_86,
    [STEP_86_HEADER] = segment_86_header,
    [STEP_86] = segment_86,
};

static void profile_install(struct card *card, struct load *load)
{
    struct profile *profile = &load->profile;
    state_new_aid(&card->state, profile->aid);
    profile->enabled = false;
    profile->field_loaded = true;
    profile->size = (uint32_t)load->upp.total;
    card->state.profiles[card->state.profiles_count++] = *profile;
    // A key that served its package is spent.
    EVP_PKEY_free(card->kept_key.key);
    card->kept_key = (struct one_time_key){0};
}

// The profile and its result, or the result alone, reach the file in one write.
static uint16_t load_finish(struct card *card, enum load_error error, struct tlvb *out)
{
    struct load *load = card->load;
    char address[ADDRESS_SIZE];
    memcpy(address, card->state.load.address, sizeof address);
    if (error == LOAD_OK) {
        profile_install(card, load);
    } else {
        es10_note(card, "command", (unsigned)load->command);
    }
    es10_note(card, "result", (unsigned)error);
    bool stored = load_result_store(card, error, &load->profile, load->pe_status, out);
    if (stored && error == LOAD_OK) {
        notification_raise(card, &load->profile, EVENT_INSTALL, address);
    }
    card_commit(card);
    session_end(card, false);
    return stored ? SW_OK : SW_UNKNOWN;
}

uint16_t es10_load_segment(struct card *card, struct slice segment, struct tlvb *out)
{
    struct tlv_header header;
    if (card->session.phase == SESSION_PREPARED && tlv_read_header(segment, &header) &&
        header.tag == TAG_PACKAGE) {
        if (!load_begin(card)) {
            return SW_UNKNOWN;
        }
    }
    if (card->load == NULL) {
        return SW_CONDITIONS;
    }
    card->load->segments++;
    enum load_error error = SEGMENTS[card->load->step](card, segment);
    if (error == LOAD_OK && card->load->step != STEP_DONE) {
        return SW_OK;
    }
    return load_finish(card, error, out);
}
