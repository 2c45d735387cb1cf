// SPDX-License-Identifier: Apache-2.0
// Server addresses: parsing, the one form they are kept in, and patterns over them.
#include "rsp/host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define LABEL_LEN_MAX 63

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_ldh(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
}

// Labels of letters, digits and hyphens, no hyphen at either end. `name` is in lower case.
static bool name_valid(const char *name, size_t len)
{
    if (len == 0 || len > HOST_NAME_LEN_MAX)
        return false;
    size_t start = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && name[i] != '.') {
            if (!is_ldh(name[i]))
                return false;
            continue;
        }
        size_t label = i - start;
        if (label == 0 || label > LABEL_LEN_MAX || name[start] == '-' || name[i - 1] == '-')
            return false;
        start = i + 1;
    }
    return true;
}

// Whether a resolver might take the name for an address: the last label is a number, decimal or 0x.
static bool ends_in_number(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *last = dot ? dot + 1 : name;
    if (last[0] == '0' && last[1] == 'x')
        return last[2 + strspn(last + 2, "0123456789abcdef")] == 0;
    return last[strspn(last, "0123456789")] == 0;
}

static bool is_local(const char *name)
{
    static const char *const zones[] = {"localhost", "local", "internal", "lan", "home.arpa"};
    if (!strchr(name, '.'))
        return true;
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        size_t n = strlen(zones[i]);
        if (len >= n && strcmp(name + len - n, zones[i]) == 0 && (len == n || name[len - n - 1] == '.'))
            return true;
    }
    return false;
}

static enum err parse_port(const char *text, size_t len, uint16_t *ret_port)
{
    uint32_t port = 0;
    if (len == 0 || len > 5 || text[0] == '0')
        return ERR_INPUT;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i]))
            return ERR_INPUT;
        port = port * 10 + (uint32_t)(text[i] - '0');
    }
    if (port > UINT16_MAX)
        return ERR_INPUT;
    *ret_port = port == HOST_PORT_DEFAULT ? 0 : (uint16_t)port;
    return ERR_OK;
}

// "[address]" at the start of `text`; `*ret_used` counts the brackets.
static enum err parse_ipv6(const char *text, size_t len, struct host *host, size_t *ret_used)
{
    const char *end = memchr(text, ']', len);
    char literal[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (!end || (size_t)(end - text) - 1 >= sizeof literal)
        return ERR_INPUT;
    size_t n = (size_t)(end - text) - 1;
    if (memchr(text + 1, 0, n))
        return ERR_INPUT;
    memcpy(literal, text + 1, n);
    literal[n] = 0;
    // Through the binary form and back, so that one address has one text.
    if (inet_pton(AF_INET6, literal, &address) != 1 ||
        !inet_ntop(AF_INET6, &address, host->name, sizeof host->name))
        return ERR_INPUT;
    host->is_ip_literal = true;
    host->is_ipv6 = true;
    *ret_used = n + 2;
    return ERR_OK;
}

static enum err parse_name(const char *text, size_t len, struct host *host)
{
    struct in_addr address;
    if (len > HOST_NAME_LEN_MAX)
        return ERR_INPUT;
    for (size_t i = 0; i < len; i++)
        host->name[i] = to_lower(text[i]);
    host->name[len] = 0;
    if (!name_valid(host->name, len))
        return ERR_INPUT;
    if (!ends_in_number(host->name)) {
        host->is_local_name = is_local(host->name);
        return ERR_OK;
    }
    // inet_pton takes the dotted quad alone, and none with leading zeros.
    if (inet_pton(AF_INET, host->name, &address) != 1)
        return ERR_INPUT;
    host->is_ip_literal = true;
    return ERR_OK;
}

enum err host_parse(const char *text, size_t len, struct host *ret_host)
{
    struct host host = {.port = 0};
    size_t used = 0;
    if (len == 0)
        return ERR_INPUT;
    if (text[0] == '[') {
        LPAD_TRY(parse_ipv6(text, len, &host, &used));
    } else {
        const char *colon = memchr(text, ':', len);
        used = colon ? (size_t)(colon - text) : len;
        LPAD_TRY(parse_name(text, used, &host));
    }
    if (used < len) {
        if (text[used] != ':')
            return ERR_INPUT;
        LPAD_TRY(parse_port(text + used + 1, len - used - 1, &host.port));
    }
    *ret_host = host;
    return ERR_OK;
}

const char *host_to_text(const struct host *host, char out[static HOST_TEXT_MAX])
{
    const char *open = host->is_ipv6 ? "[" : "";
    const char *close = host->is_ipv6 ? "]" : "";
    if (host->port != 0)
        snprintf(out, HOST_TEXT_MAX, "%s%s%s:%u", open, host->name, close, host->port);
    else
        snprintf(out, HOST_TEXT_MAX, "%s%s%s", open, host->name, close);
    return out;
}

bool host_equal(const struct host *a, const struct host *b)
{
    return a->is_ipv6 == b->is_ipv6 && host_port(a) == host_port(b) && strcmp(a->name, b->name) == 0;
}

static bool parse_bytes(struct bytes text, struct host *ret_host)
{
    return text.len > 0 && host_parse((const char *)text.data, text.len, ret_host) == ERR_OK;
}

bool host_text_equal(struct bytes a, struct bytes b)
{
    struct host x, y;
    return parse_bytes(a, &x) && parse_bytes(b, &y) && host_equal(&x, &y);
}

// The part of a pattern that must equal the end of the name, and whether labels must precede it.
// false when the pattern is not valid. "*" has no such part and is handled by the callers.
static bool parse_pattern(const char *pattern, struct host *ret_host, bool *ret_wildcard)
{
    bool wildcard = pattern[0] == '*' && pattern[1] == '.';
    const char *rest = wildcard ? pattern + 2 : pattern;
    struct host host;
    if (host_parse(rest, strlen(rest), &host) != ERR_OK)
        return false;
    // A port would be ignored in matching, so none may be written; host_parse forgets an explicit 443.
    if (!host.is_ipv6 && strchr(rest, ':'))
        return false;
    if (host.is_ipv6 && rest[strlen(rest) - 1] != ']')
        return false;
    if (wildcard && host.is_ip_literal)
        return false;
    *ret_host = host;
    *ret_wildcard = wildcard;
    return true;
}

bool host_pattern_valid(const char *pattern)
{
    struct host host;
    bool wildcard;
    return strcmp(pattern, "*") == 0 || parse_pattern(pattern, &host, &wildcard);
}

bool host_matches_pattern(const struct host *host, const char *pattern)
{
    struct host wanted;
    bool wildcard;
    if (strcmp(pattern, "*") == 0)
        return true;
    if (!parse_pattern(pattern, &wanted, &wildcard))
        return false;
    if (!wildcard)
        return host->is_ipv6 == wanted.is_ipv6 && strcmp(host->name, wanted.name) == 0;
    size_t len = strlen(host->name);
    size_t n = strlen(wanted.name);
    return !host->is_ip_literal && len > n + 1 && host->name[len - n - 1] == '.' &&
           strcmp(host->name + len - n, wanted.name) == 0;
}
