// SPDX-License-Identifier: Apache-2.0
// What the configuration's values mean: defaults, bounds, units, addresses.
#include "broker/config.h"

#include "broker/config_schema.h"
#include "rsp/host.h"
#include "rsp/imei.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct owner {
    struct config config; // first: what the caller holds
    struct raw_config *raw;
    char host_names[CONFIG_HOSTS_MAX][HOST_NAME_LEN_MAX + 1];
    char host_addresses[CONFIG_HOSTS_MAX][INET6_ADDRSTRLEN];
};

struct reading {
    const struct yaml_document *document;
    struct yaml_error *error;
};

#define REFUSE(r, path, hint, ...) yaml_refuse((r)->document, (path), (hint), (r)->error, __VA_ARGS__)

static const char *text_or(const char *text, const char *fallback)
{
    return text != NULL ? text : fallback;
}

static enum err read_duration(const struct reading *r, const char *path, const char *text,
                              const char *fallback, uint32_t *ret_ms)
{
    uint32_t ms;
    enum err e = yaml_read_duration(text_or(text, fallback), &ms);
    if (e == ERR_INPUT)
        return REFUSE(r, path, "a number and ms, s, m or h, such as 500ms, 10s, 5m, 2h", "not a duration");
    if (e != ERR_OK || ms < 100 || ms > 24u * 60 * 60 * 1000)
        return REFUSE(r, path, "", "a duration of 100ms to 24h is expected");
    *ret_ms = ms;
    return ERR_OK;
}

static enum err read_size(const struct reading *r, const char *path, const char *text, const char *fallback,
                          uint32_t *ret_bytes)
{
    uint32_t bytes;
    enum err e = yaml_read_size(text_or(text, fallback), &bytes);
    if (e == ERR_INPUT)
        return REFUSE(r, path, "a number and B, KiB or MiB, such as 64KiB", "not a size");
    if (e != ERR_OK || bytes < 4096 || bytes > 16u * 1024 * 1024)
        return REFUSE(r, path, "", "a size of 4KiB to 16MiB is expected");
    *ret_bytes = bytes;
    return ERR_OK;
}

static enum err read_number(const struct reading *r, const char *path, const uint32_t *number,
                            uint32_t fallback, uint32_t min, uint32_t max, uint32_t *ret_number)
{
    uint32_t v = number != NULL ? *number : fallback;
    if (v < min || v > max)
        return REFUSE(r, path, "", "a number from %u to %u is expected", min, max);
    *ret_number = v;
    return ERR_OK;
}

static enum err read_path(const struct reading *r, const char *path, const char *text, const char *fallback,
                          const char **ret_text)
{
    const char *v = text_or(text, fallback);
    if (v[0] != '/')
        return REFUSE(r, path, "it begins with /", "an absolute path is expected");
    *ret_text = v;
    return ERR_OK;
}

static enum err read_printable(const struct reading *r, const char *path, const char *text,
                               const char *fallback, const char **ret_text)
{
    const char *v = text_or(text, fallback);
    for (const char *p = v; *p != '\0'; p++) {
        if (*p < 0x20 || *p > 0x7E)
            return REFUSE(r, path, "", "printable ASCII is expected: it goes into an HTTP header");
    }
    *ret_text = v;
    return ERR_OK;
}

static enum err read_hex(const struct reading *r, const char *path, const char *text, size_t min,
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

// --- users and the control socket ---

static enum err read_id(const struct reading *r, const char *path, const char *text, struct config_id *ret_id)
{
    struct config_id id = {.text = text};
    (void)yaml_find(r->document, path, &id.line, &id.column);
    id.is_number = strspn(text, "0123456789") == strlen(text);
    if (id.is_number && (yaml_read_uint(text, &id.number) != ERR_OK || id.number == UINT32_MAX))
        return REFUSE(r, path, "", "not an id");
    *ret_id = id;
    return ERR_OK;
}

static enum err read_users(const struct reading *r, const struct raw_users *raw, struct config *c)
{
    if (raw == NULL)
        return ERR_OK;
    struct {
        const char *path, *text;
        struct config_id *id;
    } rows[] = {
        {"users.broker",  raw->broker,  &c->users.broker },
        {"users.netd",    raw->netd,    &c->users.netd   },
        {"users.cardd",   raw->cardd,   &c->users.cardd  },
        {"users.policyd", raw->policyd, &c->users.policyd},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        LPAD_TRY(read_id(r, rows[i].path, rows[i].text, rows[i].id));
        if (strcmp(rows[i].text, "0") == 0 || strcmp(rows[i].text, "root") == 0)
            return REFUSE(r, rows[i].path, "make a user for it", "a process of lpad must not run as root");
        for (size_t k = 0; k < i; k++) {
            if (strcmp(rows[k].text, rows[i].text) == 0)
                return REFUSE(r, rows[i].path, "",
                              "every process needs a user of its own; this is that of %s", rows[k].path);
        }
    }
    c->users.given = true;
    return ERR_OK;
}

static enum err read_socket_path(const struct reading *r, const char *path, const char *text)
{
    if (text[0] != '/')
        return REFUSE(r, path, "it begins with /", "an absolute path is expected");
    if (strlen(text) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return REFUSE(r, path, "", "a socket's path has at most %zu bytes",
                      sizeof((struct sockaddr_un *)NULL)->sun_path - 1);
    return ERR_OK;
}

static enum err read_mode(const struct reading *r, const char *text, uint32_t *ret_mode)
{
    size_t len = strlen(text);
    if ((len != 3 && len != 4) || strspn(text, "01234567") != len || (len == 4 && text[0] != '0'))
        return REFUSE(r, "control.mode", "in quotes, such as \"0660\"", "an octal file mode is expected");
    uint32_t mode = (uint32_t)strtoul(text, NULL, 8);
    if ((mode & 0600) != 0600)
        return REFUSE(r, "control.mode", "", "the owner of the socket must be able to read and write");
    *ret_mode = mode;
    return ERR_OK;
}

static enum err read_control(const struct reading *r, const struct raw_control *raw, struct config *c)
{
    c->control.socket = text_or(raw->socket, "/run/lpad/control.sock");
    LPAD_TRY(read_socket_path(r, "control.socket", c->control.socket));
    if (raw->group != NULL)
        LPAD_TRY(read_id(r, "control.group", raw->group, &c->control.group));
    LPAD_TRY(read_mode(r, text_or(raw->mode, "0660"), &c->control.mode));
    return read_number(r, "control.clients", raw->clients, 16, 1, 64, &c->control.clients_max);
}

// --- the card ---

static enum err read_tcp_address(const struct reading *r, const char *text, struct config *c)
{
    static const char hint[] = "tcp:127.0.0.1:PORT or tcp:[::1]:PORT: a card is never reached over a network";
    static const char v4[] = "tcp:127.0.0.1:", v6[] = "tcp:[::1]:";
    bool is_v4 = strncmp(text, v4, sizeof v4 - 1) == 0;
    if (!is_v4 && strncmp(text, v6, sizeof v6 - 1) != 0)
        return REFUSE(r, "card.address", hint, "not a loopback address with a port");
    uint32_t port;
    if (yaml_read_uint(text + (is_v4 ? sizeof v4 : sizeof v6) - 1, &port) != ERR_OK || port < 1 ||
        port > 65535)
        return REFUSE(r, "card.address", "", "a port from 1 to 65535 is expected");
    if (is_v4) {
        c->card.address.in = (struct sockaddr_in){.sin_family = AF_INET,
                                                  .sin_port = htons((uint16_t)port),
                                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        c->card.address_len = sizeof c->card.address.in;
        return ERR_OK;
    }
    c->card.address.in6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    c->card.address_len = sizeof c->card.address.in6;
    return ERR_OK;
}

static enum err read_card_address(const struct reading *r, const char *text, struct config *c)
{
    if (strncmp(text, "tcp:", 4) == 0)
        return read_tcp_address(r, text, c);
    if (strncmp(text, "unix:", 5) != 0)
        return REFUSE(r, "card.address", "unix:PATH, tcp:127.0.0.1:PORT or tcp:[::1]:PORT",
                      "not a card's address");
    const char *path = text + 5;
    LPAD_TRY(read_socket_path(r, "card.address", path));
    c->card.address.un.sun_family = AF_UNIX;
    memcpy(c->card.address.un.sun_path, path, strlen(path) + 1);
    c->card.address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    return ERR_OK;
}

static enum err read_terminal_capability(const struct reading *r, const char *text, struct config *c)
{
    static const char path[] = "card.terminal_capability";
    if (strcmp(text, "none") == 0)
        return ERR_OK;
    LPAD_TRY(read_hex(r, path, text, 2, c->card.terminal_capability, CONFIG_TERMINAL_MAX,
                      &c->card.terminal_capability_len));
    const uint8_t *tlv = c->card.terminal_capability;
    if (tlv[0] != 0xA9 || tlv[1] != c->card.terminal_capability_len - 2)
        return REFUSE(r, path, "ETSI TS 102 221, 11.1.19; or none", "one TLV of tag A9 is expected");
    return ERR_OK;
}

static enum err read_device(const struct reading *r, const struct raw_card *raw, struct config *c)
{
    struct imei imei;
    if (raw->imei != NULL) {
        if (imei_from_text(raw->imei, strlen(raw->imei), &imei) != ERR_OK)
            return REFUSE(r, "card.imei", "the last digit is the check digit",
                          "an IMEI of 15 digits is expected");
        c->card.has_imei = true;
        memcpy(c->card.imei, imei.bytes, sizeof c->card.imei);
        memcpy(c->card.tac, imei.tac, sizeof c->card.tac);
    }
    if (raw->imei != NULL && raw->tac == NULL)
        return ERR_OK;
    uint8_t tac[TAC_SIZE];
    const char *text = text_or(raw->tac, "35693803");
    if (tac_from_text(text, strlen(text), tac) != ERR_OK)
        return REFUSE(r, "card.tac", "", "a TAC of 8 digits is expected");
    if (raw->imei != NULL && memcmp(tac, imei.tac, sizeof tac) != 0)
        return REFUSE(r, "card.tac", "leave it out", "not the first eight digits of the IMEI");
    memcpy(c->card.tac, tac, sizeof tac);
    return ERR_OK;
}

static enum err read_card(const struct reading *r, const struct raw_card *raw, struct config *c)
{
    c->card.transport = text_or(raw->transport, "sim");
    if (strcmp(c->card.transport, "sim") != 0)
        return REFUSE(r, "card.transport", "sim: a card on a Unix or loopback TCP socket", "not a transport");
    LPAD_TRY(read_card_address(r, raw->address, c));
    LPAD_TRY(read_number(r, "card.block_size", raw->block_size, 255, 1, 255, &c->card.block_size));
    LPAD_TRY(read_terminal_capability(r, text_or(raw->terminal_capability, "A9088100820101830107"), c));
    LPAD_TRY(read_hex(r, "card.isdr_aid", text_or(raw->isdr_aid, "A0000005591010FFFFFFFF8900000100"), 5,
                      c->card.isdr_aid, CONFIG_AID_MAX, &c->card.isdr_aid_len));
    LPAD_TRY(read_device(r, raw, c));
    LPAD_TRY(read_duration(r, "card.apdu_timeout", raw->apdu_timeout, "10s", &c->card.apdu_timeout_ms));
    return read_duration(r, "card.load_timeout", raw->load_timeout, "240s", &c->card.load_timeout_ms);
}

// --- the network ---

// ADDRESS, ADDRESS:PORT, [V6] or [V6]:PORT, in numbers; the address in its canonical spelling.
static bool read_numeric_address(const char *text, char out[static INET6_ADDRSTRLEN], uint16_t *ret_port)
{
    char address[INET6_ADDRSTRLEN];
    uint8_t binary[16];
    bool bracket = text[0] == '[';
    const char *end = bracket ? strchr(text, ']') : strchr(text, ':');
    const char *port_text = NULL;
    if (bracket && end == NULL)
        return false;
    if (!bracket && end != NULL && strchr(end + 1, ':') != NULL)
        end = NULL; // an IPv6 address without brackets has no port
    const char *start = text + bracket;
    size_t len = end != NULL ? (size_t)(end - start) : strlen(start);
    if (end != NULL && end[bracket] == ':')
        port_text = end + bracket + 1;
    else if (end != NULL && end[bracket] != '\0')
        return false;
    if (len >= sizeof address)
        return false;
    memcpy(address, start, len);
    address[len] = '\0';
    int family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
    if ((bracket && family != AF_INET6) || inet_pton(family, address, binary) != 1)
        return false;
    uint32_t port = 0;
    if (port_text != NULL && (yaml_read_uint(port_text, &port) != ERR_OK || port < 1 || port > 65535))
        return false;
    (void)inet_ntop(family, binary, out, INET6_ADDRSTRLEN);
    *ret_port = (uint16_t)port;
    return true;
}

static enum err read_hosts(const struct reading *r, const struct raw_network *raw, struct owner *o)
{
    struct config *c = &o->config;
    for (uint32_t i = 0; i < raw->hosts_count; i++) {
        char path[64];
        struct host host;
        const char *name = raw->hosts[i].name;
        snprintf(path, sizeof path, "network.hosts[%u].name", i);
        if (host_parse(name, strlen(name), &host) != ERR_OK || host.is_ip_literal ||
            strchr(name, ':') != NULL)
            return REFUSE(r, path, "letters, digits, hyphens and dots; no port", "not a host name");
        snprintf(path, sizeof path, "network.hosts[%u].address", i);
        if (!read_numeric_address(raw->hosts[i].address, o->host_addresses[i], &c->network.hosts[i].port))
            return REFUSE(r, path, "in numbers: 192.0.2.1, 192.0.2.1:8443, \"[2001:db8::1]:8443\"",
                          "not an address");
        memcpy(o->host_names[i], host.name, sizeof o->host_names[i]);
        c->network.hosts[i].name = o->host_names[i];
        c->network.hosts[i].address = o->host_addresses[i];
    }
    c->network.host_count = raw->hosts_count;
    return ERR_OK;
}

static enum err read_lists(const struct reading *r, const struct raw_network *raw, struct config *c)
{
    char path[64];
    for (uint32_t i = 0; i < raw->ci_certificates_count; i++) {
        snprintf(path, sizeof path, "network.ci_certificates[%u]", i);
        LPAD_TRY(read_path(r, path, raw->ci_certificates[i], NULL, &c->network.ci_certificates[i]));
    }
    c->network.ci_certificate_count = raw->ci_certificates_count;
    c->network.ports[0] = HOST_PORT_DEFAULT;
    c->network.port_count = 1;
    for (uint32_t i = 0; i < raw->ports_count; i++) {
        if (raw->ports[i] < 1 || raw->ports[i] > 65535) {
            snprintf(path, sizeof path, "network.ports[%u]", i);
            return REFUSE(r, path, "", "a port from 1 to 65535 is expected");
        }
        c->network.ports[i] = (uint16_t)raw->ports[i];
        c->network.port_count = i + 1;
    }
    return ERR_OK;
}

static enum err read_network(const struct reading *r, const struct raw_network *raw, struct owner *o)
{
    struct config *c = &o->config;
    LPAD_TRY(read_lists(r, raw, c));
    LPAD_TRY(read_hosts(r, raw, o));
    c->network.allow_private_addresses = raw->allow_private_addresses;
    LPAD_TRY(read_duration(r, "network.connect_timeout", raw->connect_timeout, "15s",
                           &c->network.connect_timeout_ms));
    LPAD_TRY(read_duration(r, "network.request_timeout", raw->request_timeout, "120s",
                           &c->network.request_timeout_ms));
    LPAD_TRY(read_number(r, "network.low_speed.bytes_per_second", raw->low_speed.bytes_per_second, 32, 1,
                         1000000, &c->network.low_speed_bytes));
    LPAD_TRY(read_duration(r, "network.low_speed.time", raw->low_speed.time, "30s",
                           &c->network.low_speed_time_ms));
    LPAD_TRY(read_size(r, "network.reply_limit", raw->reply_limit, "256KiB", &c->network.reply_max));
    LPAD_TRY(read_size(r, "network.package_limit", raw->package_limit, "4MiB", &c->network.package_max));
    LPAD_TRY(
        read_printable(r, "network.user_agent", raw->user_agent, "gsma-rsp-lpad", &c->network.user_agent));
    return read_printable(r, "network.admin_protocol", raw->admin_protocol, "gsma/rsp/v2.2.2",
                          &c->network.admin_protocol);
}

// --- the whole ---

static enum err read_rest(const struct reading *r, const struct raw_config *raw, struct config *c)
{
    LPAD_TRY(read_path(r, "policy", raw->policy, "/etc/lpad/policy.yaml", &c->policy));
    LPAD_TRY(read_path(r, "state", raw->state, "/var/lib/lpad", &c->state));
    LPAD_TRY(read_path(r, "audit.file", raw->audit.file, "/var/log/lpad/audit.jsonl", &c->audit.file));
    c->audit.mask_identifiers = raw->audit.identifiers == CONFIG_IDENTIFIERS_MASKED;
    const struct raw_limits *l = &raw->limits;
    LPAD_TRY(read_number(r, "limits.netds", l->netds, 3, 1, 8, &c->limits.netds));
    LPAD_TRY(read_number(r, "limits.netd_starts_per_minute", l->netd_starts_per_minute, 60, 1, 64,
                         &c->limits.netd_starts_per_minute));
    LPAD_TRY(read_duration(r, "limits.stop_timeout", l->stop_timeout, "30s", &c->limits.stop_timeout_ms));
    LPAD_TRY(read_duration(r, "limits.consent_timeout", l->consent_timeout, "120s",
                           &c->limits.consent_timeout_ms));
    return read_duration(r, "limits.intent_timeout", l->intent_timeout, "180s", &c->limits.intent_timeout_ms);
}

static enum err fill_config(const struct reading *r, struct owner *o)
{
    const struct raw_config *raw = o->raw;
    if (raw->version != 1)
        return REFUSE(r, "version", "", "this lpad reads version 1");
    o->config.sandbox_required = raw->sandbox != CONFIG_SANDBOX_BEST_EFFORT;
    LPAD_TRY(read_users(r, raw->users, &o->config));
    LPAD_TRY(read_control(r, &raw->control, &o->config));
    LPAD_TRY(read_card(r, &raw->card, &o->config));
    LPAD_TRY(read_network(r, &raw->network, o));
    return read_rest(r, raw, &o->config);
}

enum err config_read(struct bytes text, struct config **ret_config, struct yaml_error *ret_error)
{
    struct yaml_document *document;
    LPAD_TRY(yaml_parse(text, config_shapes, config_shape_count, &document, ret_error));
    struct owner *o = calloc(1, sizeof *o);
    void *raw = NULL;
    enum err e = o != NULL ? yaml_load(document, &config_schema, &raw, ret_error) : ERR_MEMORY;
    if (e == ERR_OK) {
        o->raw = raw;
        e = fill_config(&(struct reading){document, ret_error}, o);
    }
    yaml_document_free(document);
    if (e != ERR_OK) {
        config_free(o != NULL ? &o->config : NULL);
        return e;
    }
    *ret_config = &o->config;
    return ERR_OK;
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    struct owner *o = (struct owner *)(void *)c;
    yaml_unload(&config_schema, o->raw);
    free(o);
}
