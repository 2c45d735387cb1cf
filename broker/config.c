// SPDX-License-Identifier: Apache-2.0
// What the configuration's values mean: defaults, bounds, units, addresses.
#include "broker/config_values.h"

#include "rsp/host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct owner {
    struct config config; // first: what the caller holds
    struct raw_config *raw;
    char host_names[CONFIG_HOSTS_MAX][HOST_NAME_LEN_MAX + 1];
    char host_addresses[CONFIG_HOSTS_MAX][INET6_ADDRSTRLEN];
};

// --- users and the control socket ---

static enum err read_id(const struct config_reading *r, const char *path, const char *text,
                        struct config_id *ret_id)
{
    struct config_id id = {.text = text};
    (void)yaml_find(r->document, path, &id.line, &id.column);
    id.is_number = strspn(text, "0123456789") == strlen(text);
    if (id.is_number && (yaml_read_uint(text, &id.number) != ERR_OK || id.number == UINT32_MAX))
        return REFUSE(r, path, "", "not an id");
    *ret_id = id;
    return ERR_OK;
}

static enum err read_users(const struct config_reading *r, const struct raw_users *raw, struct config *c)
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
        {"users.probed",  raw->probed,  &c->users.probed },
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

static enum err read_mode(const struct config_reading *r, const char *text, uint32_t *ret_mode)
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

static enum err read_control(const struct config_reading *r, const struct raw_control *raw, struct config *c)
{
    c->control.socket = config_text_or(raw->socket, "/run/lpad/control.sock");
    LPAD_TRY(config_read_socket_path(r, "control.socket", c->control.socket));
    if (raw->group != NULL)
        LPAD_TRY(read_id(r, "control.group", raw->group, &c->control.group));
    LPAD_TRY(read_mode(r, config_text_or(raw->mode, "0660"), &c->control.mode));
    return config_read_number(r, "control.clients", raw->clients, 16, 1, 64, &c->control.clients_max);
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

static enum err read_hosts(const struct config_reading *r, const struct raw_network *raw, struct owner *o)
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

static enum err read_ci_paths(const struct config_reading *r, const char *key, char **texts, uint32_t count,
                              struct config *c)
{
    for (uint32_t i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "network.%s[%u]", key, i);
        size_t at = c->network.ci_certificate_count;
        LPAD_TRY(config_read_path(r, path, texts[i], NULL, &c->network.ci_certificates[at]));
        c->network.ci_certificate_count = at + 1;
    }
    return ERR_OK;
}

static enum err read_ci(const struct config_reading *r, const struct raw_network *raw, struct config *c)
{
    c->network.test_trust = raw->test_ci_certificates_count > 0;
    LPAD_TRY(read_ci_paths(r, "ci_certificates", raw->ci_certificates, raw->ci_certificates_count, c));
    return read_ci_paths(r, "test_ci_certificates", raw->test_ci_certificates,
                         raw->test_ci_certificates_count, c);
}

static enum err read_ports(const struct config_reading *r, const char *key, const uint32_t *raw,
                           uint32_t count, uint16_t out[static CONFIG_PORTS_MAX], size_t *ret_count)
{
    char path[64];
    out[0] = HOST_PORT_DEFAULT;
    *ret_count = 1;
    for (uint32_t i = 0; i < count; i++) {
        if (raw[i] < 1 || raw[i] > 65535) {
            snprintf(path, sizeof path, "%s[%u]", key, i);
            return REFUSE(r, path, "", "a port from 1 to 65535 is expected");
        }
        out[i] = (uint16_t)raw[i];
        *ret_count = i + 1;
    }
    return ERR_OK;
}

static enum err read_network(const struct config_reading *r, const struct raw_network *raw, struct owner *o)
{
    struct config *c = &o->config;
    LPAD_TRY(read_ci(r, raw, c));
    LPAD_TRY(read_ports(r, "network.ports", raw->ports, raw->ports_count, c->network.ports,
                        &c->network.port_count));
    LPAD_TRY(read_hosts(r, raw, o));
    c->network.allow_private_addresses = raw->allow_private_addresses;
    LPAD_TRY(config_read_duration(r, "network.connect_timeout", raw->connect_timeout, "15s",
                                  &c->network.connect_timeout_ms));
    LPAD_TRY(config_read_duration(r, "network.request_timeout", raw->request_timeout, "120s",
                                  &c->network.request_timeout_ms));
    LPAD_TRY(config_read_number(r, "network.low_speed.bytes_per_second", raw->low_speed.bytes_per_second, 32,
                                1, 1000000, &c->network.low_speed_bytes));
    LPAD_TRY(config_read_duration(r, "network.low_speed.time", raw->low_speed.time, "30s",
                                  &c->network.low_speed_time_ms));
    LPAD_TRY(config_read_size(r, "network.reply_limit", raw->reply_limit, "256KiB", &c->network.reply_max));
    LPAD_TRY(
        config_read_size(r, "network.package_limit", raw->package_limit, "4MiB", &c->network.package_max));
    LPAD_TRY(config_read_printable(r, "network.user_agent", raw->user_agent, "gsma-rsp-lpad",
                                   &c->network.user_agent));
    return config_read_printable(r, "network.admin_protocol", raw->admin_protocol, "gsma/rsp/v2.2.2",
                                 &c->network.admin_protocol);
}

// --- the whole ---

#define RETRY_MAX_DEFAULT_MS (6u * 60 * 60 * 1000)

static enum err read_notifications(const struct config_reading *r, const struct raw_notifications *raw,
                                   struct config *c)
{
    uint32_t retry, retry_max;
    LPAD_TRY(config_read_duration(r, "notifications.retry", raw->retry, "1m", &retry));
    LPAD_TRY(config_read_duration(r, "notifications.retry_max", raw->retry_max, "6h", &retry_max));
    if (raw->retry_max == NULL)
        retry_max = retry > RETRY_MAX_DEFAULT_MS ? retry : RETRY_MAX_DEFAULT_MS;
    if (retry_max < retry)
        return REFUSE(r, "notifications.retry_max", "it bounds the delays that begin with `retry`",
                      "less than notifications.retry");
    c->notifications.retry_ms = retry;
    c->notifications.retry_max_ms = retry_max;
    return ERR_OK;
}

static enum err read_switching(const struct config_reading *r, const struct raw_config *raw, struct config *c)
{
    LPAD_TRY(config_read_path(r, "probes.ca_certificates", raw->probes.ca_certificates,
                              "/etc/ssl/certs/ca-certificates.crt", &c->probes.ca_certificates));
    LPAD_TRY(read_ports(r, "probes.ports", raw->probes.ports, raw->probes.ports_count, c->probes.ports,
                        &c->probes.port_count));
    if (raw->recording.file != NULL)
        LPAD_TRY(config_read_path(r, "recording.file", raw->recording.file, NULL, &c->recording.file));
    return config_read_size(r, "recording.limit", raw->recording.limit, "4MiB", &c->recording.limit);
}

static enum err read_audit(const struct config_reading *r, const struct raw_audit *raw, struct config *c)
{
    LPAD_TRY(config_read_path(r, "audit.file", raw->file, "/var/log/lpad/audit.jsonl", &c->audit.file));
    c->audit.mask_identifiers = raw->identifiers == CONFIG_IDENTIFIERS_MASKED;
    c->audit.availability = raw->on_failure == CONFIG_ON_FAILURE_AVAILABILITY;
    LPAD_TRY(config_read_size(r, "audit.file_max", raw->file_max, "8MiB", &c->audit.file_max));
    LPAD_TRY(config_read_number(r, "audit.file_hours", raw->file_hours, 0, 0, 8760, &c->audit.file_hours));
    LPAD_TRY(config_read_number(r, "audit.files", raw->files, 32, 0, 4000, &c->audit.files));
    LPAD_TRY(config_read_number(r, "audit.epoch_records", raw->epoch_records, 1000, 16, 100000,
                                &c->audit.epoch_records));
    return config_read_number(r, "audit.epoch_minutes", raw->epoch_minutes, 60, 1, 1440,
                              &c->audit.epoch_minutes);
}

static enum err read_rest(const struct config_reading *r, const struct raw_config *raw, struct config *c)
{
    LPAD_TRY(config_read_path(r, "policy", raw->policy, "/etc/lpad/policy.yaml", &c->policy));
    LPAD_TRY(config_read_path(r, "state", raw->state, "/var/lib/lpad", &c->state));
    LPAD_TRY(read_audit(r, &raw->audit, c));
    const struct raw_limits *l = &raw->limits;
    LPAD_TRY(config_read_number(r, "limits.netds", l->netds, 3, 1, 8, &c->limits.netds));
    LPAD_TRY(config_read_number(r, "limits.netd_starts_per_minute", l->netd_starts_per_minute, 60, 1, 64,
                                &c->limits.netd_starts_per_minute));
    LPAD_TRY(
        config_read_duration(r, "limits.stop_timeout", l->stop_timeout, "30s", &c->limits.stop_timeout_ms));
    LPAD_TRY(config_read_duration(r, "limits.consent_timeout", l->consent_timeout, "120s",
                                  &c->limits.consent_timeout_ms));
    return config_read_duration(r, "limits.intent_timeout", l->intent_timeout, "180s",
                                &c->limits.intent_timeout_ms);
}

static enum err fill_config(const struct config_reading *r, struct owner *o)
{
    const struct raw_config *raw = o->raw;
    if (raw->version != 1)
        return REFUSE(r, "version", "", "this lpad reads version 1");
    o->config.sandbox_required = raw->sandbox != CONFIG_SANDBOX_BEST_EFFORT;
    LPAD_TRY(read_users(r, raw->users, &o->config));
    LPAD_TRY(read_control(r, &raw->control, &o->config));
    LPAD_TRY(config_read_card(r, &raw->card, &o->config));
    LPAD_TRY(read_network(r, &raw->network, o));
    LPAD_TRY(read_notifications(r, &raw->notifications, &o->config));
    LPAD_TRY(read_switching(r, raw, &o->config));
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
        e = fill_config(&(struct config_reading){document, ret_error}, o);
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
