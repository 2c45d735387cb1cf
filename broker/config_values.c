// SPDX-License-Identifier: Apache-2.0
// Durations, sizes, numbers, paths and bytes of the configuration.
#include "broker/config_values.h"

#include <string.h>
#include <sys/un.h>

const char *config_text_or(const char *text, const char *fallback)
{
    return text != NULL ? text : fallback;
}

enum err config_read_duration(const struct config_reading *r, const char *path, const char *text,
                              const char *fallback, uint32_t *ret_ms)
{
    uint32_t ms;
    enum err e = yaml_read_duration(config_text_or(text, fallback), &ms);
    if (e == ERR_INPUT)
        return REFUSE(r, path, "a number and ms, s, m or h, such as 500ms, 10s, 5m, 2h", "not a duration");
    if (e != ERR_OK || ms < 100 || ms > 24u * 60 * 60 * 1000)
        return REFUSE(r, path, "", "a duration of 100ms to 24h is expected");
    *ret_ms = ms;
    return ERR_OK;
}

enum err config_read_size(const struct config_reading *r, const char *path, const char *text,
                          const char *fallback, uint32_t *ret_bytes)
{
    uint32_t bytes;
    enum err e = yaml_read_size(config_text_or(text, fallback), &bytes);
    if (e == ERR_INPUT)
        return REFUSE(r, path, "a number and B, KiB or MiB, such as 64KiB", "not a size");
    if (e != ERR_OK || bytes < 4096 || bytes > 16u * 1024 * 1024)
        return REFUSE(r, path, "", "a size of 4KiB to 16MiB is expected");
    *ret_bytes = bytes;
    return ERR_OK;
}

enum err config_read_number(const struct config_reading *r, const char *path, const uint32_t *number,
                            uint32_t fallback, uint32_t min, uint32_t max, uint32_t *ret_number)
{
    uint32_t v = number != NULL ? *number : fallback;
    if (v < min || v > max)
        return REFUSE(r, path, "", "a number from %u to %u is expected", min, max);
    *ret_number = v;
    return ERR_OK;
}

enum err config_read_path(const struct config_reading *r, const char *path, const char *text,
                          const char *fallback, const char **ret_text)
{
    const char *v = config_text_or(text, fallback);
    if (v[0] != '/')
        return REFUSE(r, path, "it begins with /", "an absolute path is expected");
    *ret_text = v;
    return ERR_OK;
}

enum err config_read_printable(const struct config_reading *r, const char *path, const char *text,
                               const char *fallback, const char **ret_text)
{
    const char *v = config_text_or(text, fallback);
    for (const char *p = v; *p != '\0'; p++) {
        if (*p < 0x20 || *p > 0x7E)
            return REFUSE(r, path, "", "printable ASCII is expected: it goes into an HTTP header");
    }
    *ret_text = v;
    return ERR_OK;
}

enum err config_read_hex(const struct config_reading *r, const char *path, const char *text, size_t min,
                         uint8_t *out, size_t cap, size_t *ret_len)
{
    size_t len;
    enum err e = hex_decode(text, strlen(text), out, cap, &len);
    if (e == ERR_INPUT)
        return REFUSE(r, path, "pairs of 0-9 and A-F, nothing between them", "not hexadecimal");
    if (e != ERR_OK || len < min)
        return REFUSE(r, path, "", "%zu to %zu bytes are expected", min, cap);
    *ret_len = len;
    return ERR_OK;
}

enum err config_read_socket_path(const struct config_reading *r, const char *path, const char *text)
{
    if (text[0] != '/')
        return REFUSE(r, path, "it begins with /", "an absolute path is expected");
    if (strlen(text) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return REFUSE(r, path, "", "a socket's path has at most %zu bytes",
                      sizeof((struct sockaddr_un *)NULL)->sun_path - 1);
    return ERR_OK;
}
