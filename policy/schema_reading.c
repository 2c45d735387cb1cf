// SPDX-License-Identifier: Apache-2.0
// Values of a policy that are written as text, and names that stand for something else in it.
#include "policy/schema_reading.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define INTERFACE_MAX   15

struct path policy_path(const char *format, ...)
{
    struct path p;
    va_list ap;
    va_start(ap, format);
    vsnprintf(p.text, sizeof p.text, format, ap);
    va_end(ap);
    return p;
}

const char *policy_quote(const char *text, char out[static POLICY_QUOTE_MAX])
{
    return text_escape(bytes_from_text(text), out, POLICY_QUOTE_MAX);
}

uint32_t policy_line_of(const struct reading *r, const char *path)
{
    uint32_t line, column;
    if (!yaml_find(r->document, path, &line, &column))
        LPAD_BUG("something that is not in the text");
    return line;
}

static uint32_t duration_of(const char *text)
{
    uint32_t ms;
    if (yaml_read_duration(text, &ms) != ERR_OK)
        LPAD_BUG("a bound that is no duration");
    return ms;
}

enum err policy_read_duration(const struct reading *r, const char *path, const char *text,
                              struct duration_bounds bounds, uint32_t *ret_ms)
{
    char quoted[POLICY_QUOTE_MAX];
    uint32_t ms;
    if (text == NULL)
        text = bounds.fallback;
    enum err e = yaml_read_duration(text, &ms);
    if (e == ERR_INPUT)
        return REFUSE(r, path, "a whole number and its unit: 500ms, 10s, 5m, 2h, 7d",
                      "\"%s\" is not a duration", policy_quote(text, quoted));
    if (e != ERR_OK || ms < duration_of(bounds.least) || ms > duration_of(bounds.most))
        return REFUSE(r, path, "", "a duration from %s to %s is expected", bounds.least, bounds.most);
    *ret_ms = ms;
    return ERR_OK;
}

enum err policy_read_octets(const struct reading *r, const char *path, const char *text, uint64_t *ret_octets)
{
    char quoted[POLICY_QUOTE_MAX];
    uint64_t octets;
    enum err e = yaml_read_octets(text, &octets);
    if (e == ERR_INPUT)
        return REFUSE(r, path, "a whole number and its unit: 500kB, 50MB, 2GB, 64KiB, 4MiB, 2GiB",
                      "\"%s\" is not an amount of data", policy_quote(text, quoted));
    if (e != ERR_OK)
        return REFUSE(r, path, "", "the amount \"%s\" is too large", policy_quote(text, quoted));
    if (octets == 0)
        return REFUSE(r, path, "", "an amount of data from 1B is expected");
    *ret_octets = octets;
    return ERR_OK;
}

enum err policy_read_number(const struct reading *r, const char *path, const uint32_t *given,
                            struct number_bounds bounds, uint32_t *ret_number)
{
    uint32_t number = given != NULL ? *given : bounds.fallback;
    if (number < bounds.least || number > bounds.most)
        return REFUSE(r, path, "", "a number from %u to %u is expected", bounds.least, bounds.most);
    *ret_number = number;
    return ERR_OK;
}

enum err policy_check_name(const struct reading *r, const char *path, const char *name)
{
    char quoted[POLICY_QUOTE_MAX];
    size_t len = strlen(name);
    if (name[strspn(name, NAME_CHARACTERS)] != '\0' || len == 0 || len > SWITCH_NAME_MAX)
        return REFUSE(r, path, "at most 32 letters, digits, _ and -", "\"%s\" is not a name",
                      policy_quote(name, quoted));
    return ERR_OK;
}

enum err policy_check_interface(const struct reading *r, const char *path, const char *name)
{
    char quoted[POLICY_QUOTE_MAX];
    size_t len = strlen(name);
    bool good = len <= INTERFACE_MAX && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    for (size_t i = 0; i < len; i++)
        good = good && name[i] > ' ' && name[i] < 0x7F && name[i] != '/' && name[i] != ':';
    if (!good)
        return REFUSE(r, path, "such as wwan0", "\"%s\" is not an interface's name",
                      policy_quote(name, quoted));
    return ERR_OK;
}

static uint32_t list_names(const struct switching *s, enum named kind, const char **ret_words)
{
    uint32_t count = 0;
    if (kind == NAMED_PROFILE) {
        for (; count < s->profile_count; count++)
            ret_words[count] = s->profiles[count].name;
    } else if (kind == NAMED_PROBE) {
        for (; count < s->probe_count; count++)
            ret_words[count] = s->probes[count].name;
    } else {
        for (; count < s->window_count; count++)
            ret_words[count] = s->windows[count].name;
    }
    return count;
}

enum err policy_find_name(const struct reading *r, const char *path, enum named kind, const char *name,
                          uint32_t *ret_index)
{
    static const char *const kinds[NAMED_MAX] = {"profile", "probe", "window"};
    static_assert(SWITCH_PROBES_MAX <= SWITCH_PROFILES_MAX && SWITCH_WINDOWS_MAX <= SWITCH_PROFILES_MAX,
                  "the list holds the names of each");
    const char *words[SWITCH_PROFILES_MAX];
    uint32_t count = list_names(&r->policy->switching, kind, words);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(words[i], name) == 0) {
            *ret_index = i;
            return ERR_OK;
        }
    }
    char quoted[POLICY_QUOTE_MAX], hint[96];
    yaml_nearest(name, words, count, hint, sizeof hint);
    if (hint[0] == '\0')
        snprintf(hint, sizeof hint, "there is none of this name under `%ss`", kinds[kind]);
    return REFUSE(r, path, hint, "unknown %s \"%s\"", kinds[kind], policy_quote(name, quoted));
}
