// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the small words of RSP, numbers, names and codes. The first octet chooses, the rest is it.
//
// What is accepted can be written and read again with the same meaning; every code has words.
#include "fuzz/fuzz.h"

#include "rsp/eid.h"
#include "rsp/host.h"
#include "rsp/imei.h"
#include "rsp/oid.h"
#include "rsp/profile.h"
#include "rsp/result.h"
#include "rsp/version.h"

#define TEXT_MAX 512

static void check_eid(struct bytes in, bool from_card)
{
    struct eid eid, again;
    char text[EID_TEXT_MAX];
    memset(&eid, 0xA5, sizeof eid);
    enum err e = from_card ? eid_from_card(in, &eid) : eid_from_text((const char *)in.data, in.len, &eid);
    if (e != ERR_OK) {
        FUZZ_CHECK(fuzz_untouched(&eid, sizeof eid, 0xA5));
        return;
    }
    eid_to_text(&eid, text);
    FUZZ_CHECK(eid_from_text(text, strlen(text), &again) == ERR_OK && eid_equal(&eid, &again));
    FUZZ_CHECK(eid_check(&eid) == eid_check(&again));
}

static void check_iccid(struct bytes in, bool from_card)
{
    struct iccid iccid, again;
    char text[ICCID_TEXT_MAX];
    memset(&iccid, 0xA5, sizeof iccid);
    enum err e =
        from_card ? iccid_from_card(in, &iccid) : iccid_from_text((const char *)in.data, in.len, &iccid);
    if (e != ERR_OK) {
        FUZZ_CHECK(fuzz_untouched(&iccid, sizeof iccid, 0xA5));
        return;
    }
    iccid_to_text(&iccid, text);
    FUZZ_CHECK(iccid_from_text(text, strlen(text), &again) == ERR_OK && iccid_equal(&iccid, &again));
}

static void check_imei(struct bytes in)
{
    struct imei imei;
    uint8_t tac[TAC_SIZE];
    const char *text = (const char *)in.data;
    memset(&imei, 0xA5, sizeof imei);
    if (imei_from_text(text, in.len, &imei) != ERR_OK) {
        FUZZ_CHECK(fuzz_untouched(&imei, sizeof imei, 0xA5));
        return;
    }
    FUZZ_CHECK((imei.bytes[IMEI_SIZE - 1] & 0x0F) == 0x0F);
    FUZZ_CHECK(tac_from_text(text, 2 * TAC_SIZE, tac) == ERR_OK && memcmp(tac, imei.tac, TAC_SIZE) == 0);
}

static void check_tac(struct bytes in)
{
    uint8_t tac[TAC_SIZE] = {0xA5, 0xA5, 0xA5, 0xA5};
    if (tac_from_text((const char *)in.data, in.len, tac) != ERR_OK)
        FUZZ_CHECK(fuzz_untouched(tac, sizeof tac, 0xA5));
}

static void check_version(struct bytes in)
{
    struct rsp_version v, next;
    char text[RSP_VERSION_TEXT_MAX];
    if (rsp_version_read(in, &v) != ERR_OK)
        return;
    FUZZ_CHECK(strlen(rsp_version_text(&v, text)) >= strlen("0.0.0"));
    FUZZ_CHECK(rsp_version_compare(&v, &v) == 0);
    next = v;
    next.revision++;
    FUZZ_CHECK((rsp_version_compare(&v, &next) < 0) == (next.revision > v.revision));
}

// Splits at the first space; both halves are terminated. false when the input is too long.
static bool split(struct bytes in, char first[TEXT_MAX], char second[TEXT_MAX])
{
    if (in.len >= TEXT_MAX)
        return false;
    memset(first, 0, TEXT_MAX);
    memset(second, 0, TEXT_MAX);
    const uint8_t *space = in.len > 0 ? memchr(in.data, ' ', in.len) : NULL;
    size_t n = space ? (size_t)(space - in.data) : in.len;
    if (n > 0)
        memcpy(first, in.data, n);
    if (space)
        memcpy(second, space + 1, in.len - n - 1);
    return true;
}

// "ADDRESS PATTERN"
static void check_host(struct bytes in)
{
    char address[TEXT_MAX], pattern[TEXT_MAX], text[HOST_TEXT_MAX];
    struct host host, again;
    if (!split(in, address, pattern))
        return;
    bool valid = host_pattern_valid(pattern);
    struct bytes other = bytes_from_text(pattern);
    bool equal = host_text_equal(bytes_from_text(address), other);
    if (host_parse(address, strlen(address), &host) != ERR_OK) {
        FUZZ_CHECK(!equal);
        return;
    }
    host_to_text(&host, text);
    FUZZ_CHECK(host_parse(text, strlen(text), &again) == ERR_OK && host_equal(&host, &again));
    FUZZ_CHECK(host_text_equal(bytes_from_text(text), bytes_from_text(address)));
    bool matches = host_matches_pattern(&host, pattern);
    FUZZ_CHECK(valid || !matches);
    FUZZ_CHECK(host_matches_pattern(&host, "*"));
}

// "SUBJECT REASON"
static void check_status(struct bytes in)
{
    char subject[TEXT_MAX], reason[TEXT_MAX];
    if (!split(in, subject, reason))
        return;
    struct status_info s = status_explain(subject, reason);
    FUZZ_CHECK(s.name[0] && s.subject[0] && s.words[0] && s.advice[0] && s.class < STATUS_CLASS_MAX);
    const char *unknown = status_class_name(STATUS_CLASS_MAX);
    FUZZ_CHECK(strcmp(status_class_name(s.class), unknown) != 0);
}

// A code of two octets, of every function and table.
static void check_code(struct bytes in)
{
    if (in.len != 2)
        return;
    uint32_t code = (uint32_t)in.data[0] << 8 | in.data[1];
    enum es10_function found;
    for (unsigned f = 0; f < ES10_FUNCTION_MAX; f++) {
        FUZZ_CHECK(es10_result_info((enum es10_function)f, code).words[0]);
        FUZZ_CHECK(es10_function_of_tag(es10_function_tag((enum es10_function)f), &found) && found == f);
        FUZZ_CHECK(es10_function_name((enum es10_function)f)[0]);
    }
    es10_function_of_tag(code, &found);
    FUZZ_CHECK(bpp_command_info(code).words[0] && error_reason_info(code).words[0]);
    FUZZ_CHECK(cancel_reason_info(code).words[0] && sw_words((uint16_t)code)[0]);
}

static void check_profile(struct bytes in)
{
    struct profile_info p;
    char text[PROFILE_MCC_MNC_TEXT_MAX];
    if (profile_info_read(in, &p) != ERR_OK)
        return;
    FUZZ_CHECK(profile_state_name(p.state)[0] && profile_class_name(p.class)[0]);
    FUZZ_CHECK(strlen(profile_mcc_mnc_text(p.owner.mcc_mnc, text)) >= 6);
    FUZZ_CHECK(utf8_valid(bytes_from_text(p.nickname)) && utf8_valid(bytes_from_text(p.name)));
    struct profile_owner other = p.owner;
    FUZZ_CHECK(profile_owner_equal(&p.owner, &other));
    other.present = !other.present;
    FUZZ_CHECK(!profile_owner_equal(&p.owner, &other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes in = bytes_make(data + 1, size - 1);
    switch (data[0]) {
    case 'e': check_eid(in, false); break;
    case 'E': check_eid(in, true); break;
    case 'i': check_iccid(in, false); break;
    case 'I': check_iccid(in, true); break;
    case 'm': check_imei(in); break;
    case 't': check_tac(in); break;
    case 'v': check_version(in); break;
    case 'o': oid_text_valid(in); break;
    case 'h': check_host(in); break;
    case 's': check_status(in); break;
    case 'c': check_code(in); break;
    case 'p': check_profile(in); break;
    default: break;
    }
    return 0;
}
