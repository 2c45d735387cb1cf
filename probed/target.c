// SPDX-License-Identifier: Apache-2.0
// Targets.
#include "probed/target.h"

#include <stdio.h>
#include <string.h>

static const char scheme[] = "https://";

// Visible ASCII, and no fragment: nothing that would have to be escaped in a request.
static bool path_valid(const char *path)
{
    for (; *path != '\0'; path++)
        if (*path <= ' ' || *path > '~' || *path == '#')
            return false;
    return true;
}

static enum err parse_https(const char *text, struct target *t)
{
    if (strncmp(text, scheme, strlen(scheme)) != 0)
        return ERR_INPUT;
    const char *host = text + strlen(scheme);
    size_t host_len = strcspn(host, "/?#");
    const char *path = host + host_len;
    LPAD_TRY(host_parse(host, host_len, &t->host));
    t->port = host_port(&t->host);
    int n = snprintf(t->path, sizeof t->path, "%s%s", path[0] == '/' ? "" : "/", path);
    return n > 0 && (size_t)n < sizeof t->path && path_valid(t->path) ? ERR_OK : ERR_INPUT;
}

static enum err parse_tcp(const char *text, struct target *t)
{
    const char *colon = strrchr(text, ':');
    LPAD_TRY(host_parse(text, strlen(text), &t->host));
    t->port = host_port(&t->host);
    // Without a port there is nothing to connect to.
    return colon != NULL && colon[1] != '\0' && strchr(colon, ']') == NULL ? ERR_OK : ERR_INPUT;
}

static enum err parse_name(const char *text, size_t len, struct host *ret_host)
{
    LPAD_TRY(host_parse(text, len, ret_host));
    // Without a port.
    return memchr(text, ':', len) == NULL || text[len - 1] == ']' ? ERR_OK : ERR_INPUT;
}

static enum err parse_dns(const char *text, struct target *t)
{
    union address address;
    size_t len = strcspn(text, "@");
    LPAD_TRY(parse_name(text, len, &t->host));
    if (t->host.is_ip_literal)
        return ERR_INPUT;
    if (text[len] == '\0')
        return ERR_OK;
    const char *server = text + len + 1;
    char numeric[ADDRESS_TEXT_MAX];
    size_t server_len = strlen(server);
    if (server[0] == '[' && server_len > 2 && server[server_len - 1] == ']') {
        server++;
        server_len -= 2;
    }
    if (server_len >= sizeof numeric)
        return ERR_INPUT;
    memcpy(numeric, server, server_len);
    numeric[server_len] = '\0';
    LPAD_TRY(address_from_text(numeric, &address));
    snprintf(t->server, sizeof t->server, address.any.sa_family == AF_INET6 ? "[%s]" : "%s", numeric);
    return ERR_OK;
}

static enum err parse_icmp(const char *text, struct target *t)
{
    char bracketed[TARGET_TEXT_MAX + 2];
    union address address;
    if (address_from_text(text, &address) != ERR_OK || address.any.sa_family != AF_INET6)
        return parse_name(text, strlen(text), &t->host);
    int n = snprintf(bracketed, sizeof bracketed, "[%s]", text);
    return host_parse(bracketed, (size_t)n, &t->host);
}

enum err target_parse(Lpad__ProbeKind kind, const char *text, struct target *ret_target)
{
    static enum err (*const parsers[])(const char *, struct target *) = {
        [LPAD__PROBE_KIND__PROBE_HTTPS] = parse_https,
        [LPAD__PROBE_KIND__PROBE_TCP] = parse_tcp,
        [LPAD__PROBE_KIND__PROBE_DNS] = parse_dns,
        [LPAD__PROBE_KIND__PROBE_ICMP] = parse_icmp,
    };
    struct target t = {.port = 0};
    LPAD_ASSERT((size_t)kind < sizeof parsers / sizeof parsers[0] && parsers[kind] != NULL);
    if (strlen(text) >= TARGET_TEXT_MAX)
        return ERR_INPUT;
    LPAD_TRY(parsers[kind](text, &t));
    *ret_target = t;
    return ERR_OK;
}
