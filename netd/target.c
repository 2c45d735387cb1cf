// SPDX-License-Identifier: Apache-2.0
// From a name and a port to addresses that a connection may go to.
#include "netd/target.h"

#include <string.h>

static bool port_admitted(const Lpad__NetdSettings *settings, uint32_t port)
{
    for (size_t i = 0; i < settings->n_ports; i++)
        if (settings->ports[i] == port)
            return port > 0 && port <= UINT16_MAX;
    return false;
}

static enum err check_host(const Lpad__NetdSettings *settings, const char *text, struct host *ret_host,
                           struct fault *f)
{
    char shown[HOST_TEXT_MAX];
    struct host host;
    if (host_parse(text, strlen(text), &host) != ERR_OK || host.port != 0)
        return fault_set(f, ERR_INPUT, "the server's name %s is not a host name",
                         text_escape(bytes_from_text(text), shown, sizeof(shown)));
    if (host.is_ip_literal && !settings->allow_private_addresses)
        return fault_set(
            f, ERR_DENIED,
            "%s is an address, not a name; addresses are admitted only with allow_private_addresses",
            host.name);
    *ret_host = host;
    return ERR_OK;
}

// The entries of the hosts map with this name. `*ret_port` stays when no entry names another port.
static enum err addresses_of_map(const Lpad__NetdSettings *settings, const struct host *host,
                                 struct address_list *ret_list, uint16_t *ret_port, struct fault *f)
{
    for (size_t i = 0; i < settings->n_hosts; i++) {
        const Lpad__HostEntry *entry = settings->hosts[i];
        struct host name;
        if (host_parse(entry->name, strlen(entry->name), &name) != ERR_OK ||
            strcmp(name.name, host->name) != 0 || ret_list->count == RESOLVE_MAX)
            continue;
        if (address_from_text(entry->address, &ret_list->item[ret_list->count]) != ERR_OK ||
            (entry->has_port && (entry->port == 0 || entry->port > UINT16_MAX)))
            return fault_set(f, ERR_INPUT, "the hosts map's entry for %s is not a numeric address and a port",
                             host->name);
        if (entry->has_port)
            *ret_port = (uint16_t)entry->port;
        ret_list->count++;
    }
    return ERR_OK;
}

static enum err drop_refused(const Lpad__NetdSettings *settings, const char *name, struct address_list *list,
                             struct fault *f)
{
    if (settings->allow_private_addresses)
        return ERR_OK;
    struct address_list kept = {.count = 0};
    for (size_t i = 0; i < list->count; i++)
        if (address_classify(&list->item[i]) == ADDRESS_PUBLIC)
            kept.item[kept.count++] = list->item[i];
    if (kept.count == 0) {
        char text[ADDRESS_TEXT_MAX];
        return fault_set(f, ERR_DENIED,
                         "%s leads to %s, a %s address; only public addresses are admitted unless "
                         "allow_private_addresses is set",
                         name, address_to_text(&list->item[0], text),
                         address_class_name(address_classify(&list->item[0])));
    }
    *list = kept;
    return ERR_OK;
}

enum err target_find(const Lpad__NetdSettings *settings, struct resolver *resolver, const char *host,
                     uint32_t port, struct target *ret_target, struct fault *f)
{
    struct target t = {0};
    LPAD_TRY(check_host(settings, host, &t.host, f));
    if (!port_admitted(settings, port))
        return fault_set(f, ERR_DENIED, "port %u is not among the configured ports", (unsigned)port);
    t.port = (uint16_t)port;
    t.connect_port = t.port;
    LPAD_TRY(addresses_of_map(settings, &t.host, &t.addresses, &t.connect_port, f));
    if (t.addresses.count == 0 && t.host.is_ip_literal) {
        LPAD_TRY(address_from_text(t.host.name, &t.addresses.item[0]));
        t.addresses.count = 1;
    }
    if (t.addresses.count == 0)
        LPAD_TRY(resolve_name(resolver, t.host.name, (int)settings->connect_timeout_ms, &t.addresses, f));
    LPAD_TRY(drop_refused(settings, t.host.name, &t.addresses, f));
    *ret_target = t;
    return ERR_OK;
}
