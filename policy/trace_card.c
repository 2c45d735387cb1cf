// SPDX-License-Identifier: Apache-2.0
// From "main=enabled,class=test" to what the card lists.
//
// A profile that is named by its ICCID is what stands after it and nothing else. One that is named by the
// policy's name is at first whatever that name asks for, so that a short line is enough.
#include "policy/trace_words.h"

#include "rsp/profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Of a profile that does not say (SGP.22 v2.5, 4.4: the module's DEFAULT).
#define CLASS_FALLBACK LPAD__PROFILE_CLASS__CLASS_OPERATIONAL

// An ICCID of no issuer, one for each name that the policy does not give one.
static void invent_iccid(uint32_t index, struct iccid *ret_iccid)
{
    char digits[ICCID_TEXT_MAX];
    snprintf(digits, sizeof digits, "8999999000000000%03" PRIu32, index % 1000);
    if (iccid_from_text(digits, strlen(digits), ret_iccid) != ERR_OK)
        LPAD_BUG("an ICCID of 19 digits");
}

void trace_named_profile(const struct switching *policy, uint32_t index, struct engine_card_profile *p)
{
    const struct switch_profile *name = &policy->profiles[index];
    *p = (struct engine_card_profile){.profile_class = CLASS_FALLBACK};
    if (name->has_iccid)
        p->iccid = name->iccid;
    else
        invent_iccid(index, &p->iccid);
    if (name->classes != 0 && (name->classes & 1u << CLASS_FALLBACK) == 0)
        p->profile_class = (Lpad__ProfileClass)__builtin_ctz(name->classes);
    p->has_owner = name->has_mcc_mnc || name->has_gid1 || name->has_gid2;
    memcpy(p->mcc_mnc, name->mcc_mnc, sizeof p->mcc_mnc);
    p->has_gid1 = name->has_gid1;
    p->has_gid2 = name->has_gid2;
    memcpy(p->gid1, name->gid1, sizeof p->gid1);
    memcpy(p->gid2, name->gid2, sizeof p->gid2);
    p->gid1_len = name->gid1_len;
    p->gid2_len = name->gid2_len;
    if (name->provider != NULL)
        snprintf(p->provider, sizeof p->provider, "%s", name->provider);
}

static enum err read_who(const struct trace_reader *r, struct bytes word, struct engine_card_profile *p)
{
    const char *names[SWITCH_PROFILES_MAX];
    if (iccid_from_text((const char *)word.data, word.len, &p->iccid) == ERR_OK)
        return ERR_OK;
    for (uint32_t i = 0; i < r->policy->profile_count; i++)
        names[i] = r->policy->profiles[i].name;
    size_t at = trace_find_word(word, names, r->policy->profile_count);
    if (at == r->policy->profile_count)
        return trace_refuse_word(r, word, "an ICCID or a profile of the policy", names,
                                 r->policy->profile_count);
    trace_named_profile(r->policy, (uint32_t)at, p);
    return ERR_OK;
}

static size_t place(const struct trace_reader *r, struct bytes word)
{
    return (size_t)(word.data - r->line.data);
}

// Up to the next `separator` that stands in no quotes; *rest is what follows it.
static struct bytes take_until(struct bytes *rest, char separator)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < rest->len && (quoted || rest->data[i] != (uint8_t)separator); i++)
        if (rest->data[i] == '"')
            quoted = !quoted;
    struct bytes part = bytes_make(rest->data, i);
    size_t skip = i < rest->len ? i + 1 : i;
    *rest = bytes_make(rest->data + skip, rest->len - skip);
    return part;
}

static enum err read_class(const struct trace_reader *r, struct bytes value, struct engine_card_profile *p)
{
    size_t at = trace_find_word(value, trace_class_words, TRACE_CLASSES);
    if (at == TRACE_CLASSES)
        return trace_refuse_word(r, value, "a class", trace_class_words, TRACE_CLASSES);
    p->profile_class = (Lpad__ProfileClass)at;
    return ERR_OK;
}

static enum err read_pprs(const struct trace_reader *r, struct bytes value, struct engine_card_profile *p)
{
    p->pprs = 0;
    do {
        struct bytes word = take_until(&value, '+');
        uint64_t bits = 0;
        size_t at = trace_find_word(word, trace_ppr_words, TRACE_PPRS_ALL);
        if (at < TRACE_PPRS_ALL)
            p->pprs |= 1u << at;
        else if (word.len > 0 && word.data[0] >= '0' && word.data[0] <= '9') {
            LPAD_TRY(trace_read_number(r, word, UINT32_MAX, &bits));
            p->pprs |= (uint32_t)bits;
        } else
            return trace_refuse_word(r, word, "a policy rule", trace_ppr_words, TRACE_PPRS_ALL);
    } while (value.len > 0);
    return ERR_OK;
}

// "01", "" for an empty one, "-" for none, "long" for one that is too long to match.
static enum err read_gid(const struct trace_reader *r, struct bytes value, bool *ret_has,
                         uint8_t out[static 32], uint32_t *ret_len)
{
    size_t len = 0;
    memset(out, 0, 32);
    *ret_has = !trace_word_is(value, "-");
    *ret_len = trace_word_is(value, "long") ? 33 : 0;
    if (!*ret_has || *ret_len > 0 || value.len == 0)
        return ERR_OK;
    if (hex_decode((const char *)value.data, value.len, out, 32, &len) != ERR_OK)
        return trace_refuse(r, place(r, value), "up to 32 octets; - is none", "a GID is hexadecimal");
    *ret_len = (uint32_t)len;
    return ERR_OK;
}

static enum err read_owner(const struct trace_reader *r, struct bytes value, struct engine_card_profile *p)
{
    struct bytes rest = value, mcc_mnc = take_until(&rest, '/');
    const char *text = (const char *)mcc_mnc.data;
    size_t len = 0;
    bool raw = mcc_mnc.len == 7 && text[0] == '#' && hex_decode(text + 1, 6, p->mcc_mnc, 3, &len) == ERR_OK;
    if (!raw && !trace_mcc_mnc_from_text(text, mcc_mnc.len, p->mcc_mnc))
        return trace_refuse(r, place(r, value), "such as 26201, or 26201/01 with a GID1",
                            "an owner's MCC and MNC are expected");
    p->has_owner = true;
    p->has_gid1 = p->has_gid2 = false;
    if (mcc_mnc.len == value.len)
        return ERR_OK;
    struct bytes gid1 = take_until(&rest, '/');
    bool more = gid1.data + gid1.len < value.data + value.len;
    LPAD_TRY(read_gid(r, gid1, &p->has_gid1, p->gid1, &p->gid1_len));
    return more ? read_gid(r, rest, &p->has_gid2, p->gid2, &p->gid2_len) : ERR_OK;
}

static enum err read_provider(const struct trace_reader *r, struct bytes value, struct engine_card_profile *p)
{
    size_t n = 0, ignored;
    if (value.len < 2 || value.data[0] != '"' || value.data[value.len - 1] != '"')
        return trace_refuse(r, place(r, value), "such as provider=\"Operator\"",
                            "a text in quotes is expected");
    for (size_t i = 1; i < value.len - 1; i++) {
        uint8_t c = value.data[i];
        if (c == '\\') {
            if (i + 4 > value.len - 1 || value.data[i + 1] != 'x' ||
                hex_decode((const char *)value.data + i + 2, 2, &c, 1, &ignored) != ERR_OK || c == 0)
                return trace_refuse(r, place(r, value) + i, "\\x22 is a quote", "\\xNN is expected");
            i += 3;
        }
        if (n == sizeof p->provider - 1)
            return trace_refuse(r, place(r, value), "at most 32 octets", "a provider's name is too long");
        p->provider[n++] = (char)c;
    }
    p->provider[n] = '\0';
    return ERR_OK;
}

static enum err read_attribute(const struct trace_reader *r, struct bytes part, struct engine_card_profile *p)
{
    static const char *const keys[] = {"class", "pprs", "owner", "provider"};
    struct bytes value = part, key = take_until(&value, '=');
    if (key.len == part.len)
        return trace_refuse_word(r, key, "known here", keys, sizeof keys / sizeof *keys);
    if (trace_word_is(key, "class"))
        return read_class(r, value, p);
    if (trace_word_is(key, "pprs"))
        return read_pprs(r, value, p);
    if (trace_word_is(key, "owner"))
        return read_owner(r, value, p);
    if (trace_word_is(key, "provider"))
        return read_provider(r, value, p);
    return trace_refuse_word(r, key, "known here", keys, sizeof keys / sizeof *keys);
}

static enum err read_profile(const struct trace_reader *r, struct bytes word, struct engine_card_profile *p)
{
    static const char *const states[] = {"disabled", "enabled"};
    struct bytes rest = word, first = take_until(&rest, ',');
    struct bytes state = first, who = take_until(&state, '=');
    memset(p, 0, sizeof *p);
    p->profile_class = CLASS_FALLBACK;
    LPAD_TRY(read_who(r, who, p));
    size_t at = trace_find_word(state, states, 2);
    if (at == 2)
        return trace_refuse_word(r, state.len > 0 ? state : word, "enabled or disabled", states, 2);
    p->enabled = at == 1;
    while (rest.len > 0)
        LPAD_TRY(read_attribute(r, take_until(&rest, ','), p));
    return ERR_OK;
}

enum err trace_read_card(struct trace_reader *r, struct trace_line *line)
{
    uint32_t count = 0;
    struct bytes word;
    while ((word = trace_next_word(r)).len > 0) {
        struct engine_card_profile *p = &line->profiles[count];
        if (count == ENGINE_CARD_PROFILES_MAX)
            return trace_refuse(r, place(r, word), "", "more than %d profiles", ENGINE_CARD_PROFILES_MAX);
        LPAD_TRY(read_profile(r, word, p));
        count++;
    }
    line->event.profiles = line->profiles;
    line->event.profile_count = count;
    return ERR_OK;
}
