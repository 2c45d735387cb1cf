// SPDX-License-Identifier: Apache-2.0
// Values that are written as text, and the nearest of some words.
#include "lib/yaml/yaml.h"

#include <stdio.h>
#include <string.h>

// The digits at the front of `text`; what follows them goes to `ret_rest`.
static enum err read_digits(const char *text, uint64_t *ret_value, const char **ret_rest)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || (text[0] == '0' && digits > 1))
        return ERR_INPUT;
    uint64_t v = 0;
    for (size_t i = 0; i < digits; i++) {
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(text[i] - '0'), &v))
            return ERR_LIMIT;
    }
    *ret_value = v;
    *ret_rest = text + digits;
    return ERR_OK;
}

struct unit {
    const char *name;
    uint64_t factor;
};

static enum err read_with_unit(const char *text, const struct unit *units, size_t count, uint64_t max,
                               uint64_t *ret_value)
{
    uint64_t v;
    const char *rest;
    LPAD_TRY(read_digits(text, &v, &rest));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rest, units[i].name) != 0)
            continue;
        if (__builtin_mul_overflow(v, units[i].factor, &v) || v > max)
            return ERR_LIMIT;
        *ret_value = v;
        return ERR_OK;
    }
    return ERR_INPUT;
}

enum err yaml_read_duration(const char *text, uint32_t *ret_ms)
{
    static const struct unit units[] = {
        {"ms", 1                  },
        {"s",  1000               },
        {"m",  60 * 1000          },
        {"h",  60 * 60 * 1000     },
        {"d",  24 * 60 * 60 * 1000},
    };
    uint64_t v;
    LPAD_TRY(read_with_unit(text, units, sizeof units / sizeof *units, UINT32_MAX, &v));
    *ret_ms = (uint32_t)v;
    return ERR_OK;
}

enum err yaml_read_size(const char *text, uint32_t *ret_bytes)
{
    static const struct unit units[] = {
        {"B",   1          },
        {"KiB", 1024       },
        {"MiB", 1024 * 1024},
    };
    uint64_t v;
    LPAD_TRY(read_with_unit(text, units, sizeof units / sizeof *units, UINT32_MAX, &v));
    *ret_bytes = (uint32_t)v;
    return ERR_OK;
}

enum err yaml_read_octets(const char *text, uint64_t *ret_octets)
{
    static const struct unit units[] = {
        {"B",   1          },
        {"kB",  1000       },
        {"MB",  1000000    },
        {"GB",  1000000000 },
        {"KiB", 1024       },
        {"MiB", 1024 * 1024},
        {"GiB", 1 << 30    },
    };
    return read_with_unit(text, units, sizeof units / sizeof *units, UINT64_MAX, ret_octets);
}

enum err yaml_read_uint(const char *text, uint32_t *ret_value)
{
    uint64_t v;
    const char *rest;
    LPAD_TRY(read_digits(text, &v, &rest));
    if (*rest != '\0')
        return ERR_INPUT;
    if (v > UINT32_MAX)
        return ERR_LIMIT;
    *ret_value = (uint32_t)v;
    return ERR_OK;
}

#define WORD_MAX 40

// Edit distance in which two exchanged neighbours count once (optimal string alignment).
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned row[3][WORD_MAX + 1];
    unsigned *before = row[0], *last = row[1], *now = row[2];
    for (size_t k = 0; k <= b_len; k++)
        last[k] = (unsigned)k;
    for (size_t i = 1; i <= a_len; i++) {
        now[0] = (unsigned)i;
        for (size_t k = 1; k <= b_len; k++) {
            unsigned best = last[k - 1] + (a[i - 1] != b[k - 1]);
            best = last[k] + 1 < best ? last[k] + 1 : best;
            best = now[k - 1] + 1 < best ? now[k - 1] + 1 : best;
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] && before[k - 2] + 1 < best)
                best = before[k - 2] + 1;
            now[k] = best;
        }
        unsigned *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b_len];
}

const char *yaml_nearest(const char *word, const char *const *words, size_t count, char *out, size_t cap)
{
    size_t len = strlen(word);
    const char *nearest = NULL;
    unsigned best = (unsigned)(len / 3) + 1;
    for (size_t i = 0; i < count && len <= WORD_MAX; i++) {
        size_t other = strlen(words[i]);
        if (other > WORD_MAX)
            continue;
        unsigned d = distance(word, len, words[i], other);
        if (d > best || d >= other || (d == best && nearest != NULL))
            continue;
        best = d;
        nearest = words[i];
    }
    if (nearest == NULL)
        snprintf(out, cap, "%s", "");
    else
        snprintf(out, cap, "did you mean \"%s\"?", nearest);
    return out;
}
