// SPDX-License-Identifier: Apache-2.0
// From the configuration to settings messages.
#include "broker/settings.h"

#include "lib/sealed.h"
#include "proto/convert.h"
#include "proto/link.h"

#include "supervisor.pb-c.h"

#include <stdlib.h>

static Lpad__SandboxMode sandbox_mode(const struct config *c)
{
    return c->sandbox_required ? LPAD__SANDBOX_MODE__SANDBOX_REQUIRED
                               : LPAD__SANDBOX_MODE__SANDBOX_BEST_EFFORT;
}

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static enum err seal(const ProtobufCMessage *m, int *ret_fd)
{
    if (link_check(m) != ERR_OK)
        return ERR_LIMIT;
    size_t len = protobuf_c_message_get_packed_size(m);
    uint8_t *packed = malloc(len > 0 ? len : 1);
    if (packed == NULL)
        return ERR_MEMORY;
    protobuf_c_message_pack(m, packed);
    enum err e = sealed_make("lpad-settings", bytes_make(packed, len), ret_fd);
    free(packed);
    return e;
}

enum err settings_make_broker(const struct config *c, uint32_t generation, int *ret_fd)
{
    Lpad__BrokerSettings s = LPAD__BROKER_SETTINGS__INIT;
    uint32_t ports[CONFIG_PORTS_MAX];
    s.sandbox = sandbox_mode(c);
    s.clients_max = c->control.clients_max;
    s.stop_timeout_ms = c->limits.stop_timeout_ms;
    s.consent_timeout_ms = c->limits.consent_timeout_ms;
    s.mask_identifiers = c->audit.mask_identifiers;
    s.file_size_max = UINT32_MAX;
    s.has_audit_epoch_records = s.has_audit_epoch_minutes = s.has_audit_file_max = true;
    s.has_audit_file_hours = s.has_audit_availability = true;
    s.audit_epoch_records = c->audit.epoch_records;
    s.audit_epoch_minutes = c->audit.epoch_minutes;
    s.audit_file_max = c->audit.file_max;
    s.audit_file_hours = c->audit.file_hours;
    s.audit_availability = c->audit.availability;
    s.generation = generation;
    s.card = borrow(c->card.name);
    for (size_t i = 0; i < c->network.port_count; i++)
        ports[i] = c->network.ports[i];
    s.n_ports = c->network.port_count;
    s.ports = ports;
    s.has_test_trust = s.has_notification_retry_ms = s.has_notification_retry_max_ms = true;
    s.test_trust = c->network.test_trust;
    s.notification_retry_ms = c->notifications.retry_ms;
    s.notification_retry_max_ms = c->notifications.retry_max_ms;
    return seal(&s.base, ret_fd);
}

// The ports that a connection really goes to: those of the hosts map besides the allowed ones.
static size_t connect_ports(const struct config *c,
                            uint32_t ports[static CONFIG_PORTS_MAX + CONFIG_HOSTS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < c->network.port_count; i++)
        ports[n++] = c->network.ports[i];
    for (size_t i = 0; i < c->network.host_count; i++)
        if (c->network.hosts[i].port != 0)
            ports[n++] = c->network.hosts[i].port;
    return n;
}

static size_t put_hosts(const struct config *c, Lpad__HostEntry hosts[static CONFIG_HOSTS_MAX],
                        Lpad__HostEntry *list[static CONFIG_HOSTS_MAX])
{
    for (size_t i = 0; i < c->network.host_count; i++) {
        lpad__host_entry__init(&hosts[i]);
        hosts[i].name = borrow(c->network.hosts[i].name);
        hosts[i].address = borrow(c->network.hosts[i].address);
        hosts[i].has_port = c->network.hosts[i].port != 0;
        hosts[i].port = c->network.hosts[i].port;
        list[i] = &hosts[i];
    }
    return c->network.host_count;
}

enum err settings_make_netd(const struct config *c, struct bytes ci_certificates, int *ret_fd)
{
    Lpad__NetdSettings s = LPAD__NETD_SETTINGS__INIT;
    uint32_t ports[CONFIG_PORTS_MAX], connects[CONFIG_PORTS_MAX + CONFIG_HOSTS_MAX];
    Lpad__HostEntry hosts[CONFIG_HOSTS_MAX], *host_list[CONFIG_HOSTS_MAX];
    s.sandbox = sandbox_mode(c);
    s.ci_certificates = binary_from_bytes(ci_certificates);
    s.n_hosts = put_hosts(c, hosts, host_list);
    s.hosts = host_list;
    for (size_t i = 0; i < c->network.port_count; i++)
        ports[i] = c->network.ports[i];
    s.n_ports = c->network.port_count;
    s.ports = ports;
    s.n_connect_ports = connect_ports(c, connects);
    s.connect_ports = connects;
    s.connect_timeout_ms = c->network.connect_timeout_ms;
    s.total_timeout_ms = c->network.request_timeout_ms;
    s.low_speed_bytes = c->network.low_speed_bytes;
    s.low_speed_time_ms = c->network.low_speed_time_ms;
    s.reply_max = c->network.reply_max;
    s.package_max = c->network.package_max;
    s.allow_private_addresses = c->network.allow_private_addresses;
    s.user_agent = borrow(c->network.user_agent);
    s.admin_protocol = borrow(c->network.admin_protocol);
    return seal(&s.base, ret_fd);
}

enum err settings_make_cardd(const struct config *c, int *ret_fd)
{
    Lpad__CarddSettings s = LPAD__CARDD_SETTINGS__INIT;
    ProtobufCBinaryData aids[CONFIG_AIDS_MAX];
    s.sandbox = sandbox_mode(c);
    s.block_size = c->card.block_size;
    s.has_terminal_capability = c->card.terminal_capability_len > 0;
    s.terminal_capability = binary_from(c->card.terminal_capability, c->card.terminal_capability_len);
    s.isdr_aid = binary_from(c->card.isdr_aid, c->card.isdr_aid_len);
    s.tac = binary_from(c->card.tac, sizeof c->card.tac);
    s.has_imei = c->card.has_imei;
    s.imei = binary_from(c->card.imei, sizeof c->card.imei);
    s.apdu_timeout_ms = c->card.apdu_timeout_ms;
    s.load_timeout_ms = c->card.load_timeout_ms;
    s.response_max = 64 * 1024;
    s.package_max = c->network.package_max;
    s.transport = borrow(c->card.transport);
    s.reader = borrow(c->card.reader);
    s.has_shared = c->card.shared;
    s.shared = c->card.shared;
    for (size_t i = 0; i < c->card.more_isdr_aid_count; i++)
        aids[i] = binary_from(c->card.more_isdr_aids[i].bytes, c->card.more_isdr_aids[i].len);
    s.n_more_isdr_aids = c->card.more_isdr_aid_count;
    s.more_isdr_aids = aids;
    return seal(&s.base, ret_fd);
}

#define PROBE_BODY_MAX 65536

enum err settings_make_probed(const struct config *c, int *ret_fd)
{
    Lpad__ProbedSettings s = LPAD__PROBED_SETTINGS__INIT;
    Lpad__HostEntry hosts[CONFIG_HOSTS_MAX], *host_list[CONFIG_HOSTS_MAX];
    uint32_t ports[CONFIG_PORTS_MAX];
    s.sandbox = sandbox_mode(c);
    s.n_hosts = put_hosts(c, hosts, host_list);
    s.hosts = host_list;
    for (size_t i = 0; i < c->probes.port_count; i++)
        ports[i] = c->probes.ports[i];
    s.n_ports = c->probes.port_count;
    s.ports = ports;
    s.user_agent = borrow("lpad");
    s.body_max = PROBE_BODY_MAX;
    return seal(&s.base, ret_fd);
}

static void put_names(const struct account *list, size_t count, Lpad__NamedId *storage,
                      Lpad__NamedId **pointers)
{
    for (size_t i = 0; i < count; i++) {
        lpad__named_id__init(&storage[i]);
        storage[i].name = borrow(list[i].name);
        storage[i].id = list[i].id;
        pointers[i] = &storage[i];
    }
}

struct names {
    Lpad__NamedId users[ACCOUNTS_MAX], groups[ACCOUNTS_MAX];
    Lpad__NamedId *user_list[ACCOUNTS_MAX], *group_list[ACCOUNTS_MAX];
};

enum err settings_make_policyd(const struct config *c, const struct accounts *a, const char *boot,
                               int *ret_fd)
{
    struct names *names = malloc(sizeof *names);
    if (names == NULL)
        return ERR_MEMORY;
    put_names(a->users, a->user_count, names->users, names->user_list);
    put_names(a->groups, a->group_count, names->groups, names->group_list);
    Lpad__PolicydSettings s = LPAD__POLICYD_SETTINGS__INIT;
    s.sandbox = sandbox_mode(c);
    s.intent_timeout_ms = c->limits.intent_timeout_ms;
    s.n_users = a->user_count;
    s.users = names->user_list;
    s.n_groups = a->group_count;
    s.groups = names->group_list;
    s.boot = boot[0] != '\0' ? borrow(boot) : NULL;
    s.has_record_max = c->recording.file != NULL;
    s.record_max = s.has_record_max ? c->recording.limit : 0;
    enum err e = seal(&s.base, ret_fd);
    free(names);
    return e;
}
