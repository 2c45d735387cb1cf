// SPDX-License-Identifier: Apache-2.0
// A policy's probes: what they ask, and how often.
#include "policy/schema_reading.h"
#include "rsp/host.h"

#include <stdio.h>
#include <string.h>

#define STATUS_LEAST    100u
#define STATUS_MOST     599u
#define ROUNDS_MOST     100u
#define INTERVAL_LEAST  1000u
#define TIMEOUT_DEFAULT 5000u

// --- targets ---

static bool is_host(const char *text, size_t len, struct host *ret_host)
{
    return len > 0 && host_parse(text, len, ret_host) == ERR_OK;
}

// Characters that stand in a URL as they are (RFC 3986); no fragment, which is never sent.
static bool is_https_url(const char *text)
{
    static const char scheme[] = "https://";
    struct host host;
    if (strncmp(text, scheme, strlen(scheme)) != 0)
        return false;
    const char *authority = text + strlen(scheme);
    for (const char *p = authority; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7F || strchr("\"#<>\\^`{|}", *p) != NULL)
            return false;
    }
    return is_host(authority, strcspn(authority, "/?"), &host);
}

static bool has_port(const char *text)
{
    const char *colon = strrchr(text, ':');
    return colon != NULL && strchr(colon, ']') == NULL;
}

static bool is_tcp_target(const char *text)
{
    struct host host;
    return is_host(text, strlen(text), &host) && has_port(text);
}

static bool is_icmp_target(const char *text)
{
    struct host host;
    return is_host(text, strlen(text), &host) && !has_port(text);
}

// A server is an address: to look up its name would be another question to another server.
static bool is_dns_target(const char *text)
{
    struct host host;
    size_t len = strcspn(text, "@");
    const char *server = text + len + 1;
    if (memchr(text, ':', len) != NULL || !is_host(text, len, &host) || host.is_ip_literal)
        return false;
    return text[len] == '\0' ||
           (is_host(server, strlen(server), &host) && host.is_ip_literal && !has_port(server));
}

struct kind_row {
    const char *key, *form;
    bool (*is_target)(const char *text);
};
static const struct kind_row kinds[PROBE_KIND_MAX] = {
    [PROBE_HTTPS] = {"https", "such as https://www.example.com/ok",               is_https_url  },
    [PROBE_TCP] = {"tcp",   "HOST:PORT, such as www.example.com:443",           is_tcp_target },
    [PROBE_DNS] = {"dns",   "NAME, or NAME@ADDRESS of the server to ask",       is_dns_target },
    [PROBE_ICMP] = {"icmp",  "a name or an address, of IPv6 in square brackets", is_icmp_target},
};

static enum err read_kind(const struct reading *r, const char *base, const struct raw_probe *raw,
                          struct switch_probe *to)
{
    const struct {
        char **targets;
        uint32_t count;
    } given[PROBE_KIND_MAX] = {
        [PROBE_HTTPS] = {raw->https, raw->https_count},
        [PROBE_TCP] = {raw->tcp,   raw->tcp_count  },
        [PROBE_DNS] = {raw->dns,   raw->dns_count  },
        [PROBE_ICMP] = {raw->icmp,  raw->icmp_count },
    };
    to->kind = PROBE_KIND_MAX;
    for (enum probe_kind k = 0; k < PROBE_KIND_MAX; k++) {
        if (given[k].count == 0)
            continue;
        if (to->kind != PROBE_KIND_MAX)
            return REFUSE_KEY(r, policy_path("%s.%s", base, kinds[k].key).text, "make it a probe of its own",
                              "\"%s\" beside \"%s\"", kinds[k].key, kinds[to->kind].key);
        to->kind = k;
        to->targets = given[k].targets;
        to->target_count = given[k].count;
    }
    if (to->kind == PROBE_KIND_MAX)
        return REFUSE(r, base, "one of https, tcp, dns and icmp, with a list of targets", "nothing to probe");
    for (uint32_t i = 0; i < to->target_count; i++) {
        const struct kind_row *row = &kinds[to->kind];
        if (!row->is_target(to->targets[i]))
            return REFUSE(r, policy_path("%s.%s[%u]", base, row->key, i).text, row->form,
                          "not a target of %s", row->key);
    }
    return ERR_OK;
}

// --- what a good answer is ---

static enum err read_answer(const struct reading *r, const char *base, const struct raw_probe *raw,
                            struct switch_probe *to)
{
    static const char only[] = "it is for https";
    size_t len;
    struct path status = policy_path("%s.status", base), body = policy_path("%s.body_sha256", base);
    if (to->kind != PROBE_HTTPS && raw->status != NULL)
        return REFUSE_KEY(r, status.text, only, "the key \"status\" has no effect here");
    if (to->kind != PROBE_HTTPS && raw->body_sha256 != NULL)
        return REFUSE_KEY(r, body.text, only, "the key \"body_sha256\" has no effect here");
    if (raw->status != NULL)
        LPAD_TRY(policy_read_number(r, status.text, raw->status,
                                    (struct number_bounds){0, STATUS_LEAST, STATUS_MOST}, &to->status));
    if (raw->body_sha256 == NULL)
        return ERR_OK;
    if (hex_decode(raw->body_sha256, strlen(raw->body_sha256), to->body_sha256, sizeof to->body_sha256,
                   &len) != ERR_OK ||
        len != sizeof to->body_sha256)
        return REFUSE(r, body.text, "64 hexadecimal digits, as sha256sum prints them", "not a SHA-256");
    to->has_body_sha256 = true;
    return ERR_OK;
}

static enum err read_counts(const struct reading *r, const char *base, const struct raw_probe *raw,
                            struct switch_probe *to)
{
    LPAD_TRY(policy_read_number(r, policy_path("%s.need", base).text, raw->need,
                                (struct number_bounds){1, 1, to->target_count}, &to->need));
    LPAD_TRY(policy_read_number(r, policy_path("%s.up", base).text, raw->up,
                                (struct number_bounds){2, 1, ROUNDS_MOST}, &to->up));
    return policy_read_number(r, policy_path("%s.down", base).text, raw->down,
                              (struct number_bounds){3, 1, ROUNDS_MOST}, &to->down);
}

// --- how often ---

// A round ends before the next one begins: timeout <= failure_interval <= interval.
static enum err read_times(const struct reading *r, const char *base, const struct raw_probe *raw,
                           struct switch_probe *to)
{
    struct path failure = policy_path("%s.failure_interval", base);
    struct path timeout = policy_path("%s.timeout", base);
    LPAD_TRY(policy_read_duration(r, policy_path("%s.interval", base).text, raw->interval,
                                  (struct duration_bounds){"60s", "1s", "24h"}, &to->interval_ms));
    to->failure_interval_ms = to->interval_ms / 6 > INTERVAL_LEAST ? to->interval_ms / 6 : INTERVAL_LEAST;
    if (raw->failure_interval != NULL)
        LPAD_TRY(policy_read_duration(r, failure.text, raw->failure_interval,
                                      (struct duration_bounds){NULL, "1s", "24h"}, &to->failure_interval_ms));
    if (to->failure_interval_ms > to->interval_ms)
        return REFUSE(r, failure.text, "a probe that fails is asked more often, not less",
                      "longer than the interval");
    to->timeout_ms = to->failure_interval_ms < TIMEOUT_DEFAULT ? to->failure_interval_ms : TIMEOUT_DEFAULT;
    if (raw->timeout != NULL)
        LPAD_TRY(policy_read_duration(r, timeout.text, raw->timeout,
                                      (struct duration_bounds){NULL, "100ms", "24h"}, &to->timeout_ms));
    if (to->timeout_ms > to->failure_interval_ms)
        return REFUSE(r, timeout.text, "a round must end before the next one begins",
                      "longer than the failure interval, which is %u ms", to->failure_interval_ms);
    return ERR_OK;
}

static enum err read_probe(const struct reading *r, uint32_t at, struct switch_probe *to)
{
    const struct raw_probe *raw = &r->raw->probes[at];
    struct path path = policy_path("probes[%u]", at);
    struct path name = policy_path("probes[%u].name", at);
    const char *base = path.text;
    *to = (struct switch_probe){.name = raw->name, .interface = raw->interface};
    LPAD_TRY(policy_check_name(r, name.text, raw->name));
    to->line = policy_line_of(r, name.text);
    LPAD_TRY(read_kind(r, base, raw, to));
    LPAD_TRY(read_answer(r, base, raw, to));
    if (raw->interface != NULL)
        LPAD_TRY(policy_check_interface(r, policy_path("%s.interface", base).text, raw->interface));
    LPAD_TRY(read_times(r, base, raw, to));
    LPAD_TRY(read_counts(r, base, raw, to));
    if (raw->data == NULL)
        return ERR_OK;
    to->data_per_month = raw->data->per == RAW_PER_MONTH;
    return policy_read_octets(r, policy_path("%s.data.max", base).text, raw->data->max, &to->data_max);
}

enum err policy_read_probes(const struct reading *r)
{
    struct switching *s = &r->policy->switching;
    uint32_t count = r->raw->probes_count;
    s->probes = arena_take(r->arena, count * sizeof *s->probes);
    if (s->probes == NULL)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        LPAD_TRY(read_probe(r, i, &s->probes[i]));
    s->probe_count = count;
    return ERR_OK;
}
