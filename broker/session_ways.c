// SPDX-License-Identifier: Apache-2.0
// Ways to a profile: the card's default SM-DP+, its SM-DS with the events that wait there, and what is looked
// at before an order is touched (SGP.22 v2.5, 3.1.3, 3.6.2, 5.8).
#include "broker/broker.h"

#include "rsp/profile.h"

#include <stdio.h>
#include <string.h>

// No profile is smaller than this. How much the announced one needs, only the server knows.
#define PREFLIGHT_NVM_MIN 4096

// --- where it goes ---

static const char *source_words(Lpad__HostSource source)
{
    switch (source) {
    case LPAD__HOST_SOURCE__HOST_FROM_CODE: return "the activation code";
    case LPAD__HOST_SOURCE__HOST_FROM_DEFAULT_ADDRESS: return "the card's default SM-DP+ address";
    case LPAD__HOST_SOURCE__HOST_FROM_ROOT_SMDS: return "the card's SM-DS address";
    case LPAD__HOST_SOURCE__HOST_FROM_EVENT: return "the event";
    case LPAD__HOST_SOURCE__HOST_FROM_NOTIFICATION: return "the notification";
    case _LPAD__HOST_SOURCE_IS_INT_SIZE: break;
    }
    return "the request";
}

static bool port_is_allowed(const struct broker *b, uint32_t port)
{
    for (size_t i = 0; i < b->settings->n_ports; i++)
        if (b->settings->ports[i] == port)
            return true;
    return false;
}

bool session_set_target(struct session *s, const char *address, Lpad__HostSource source)
{
    char detail[160];
    bool valid;
    struct session_target target = session_target_of(address, &valid);
    s->host_source = source;
    if (!valid) {
        snprintf(detail, sizeof detail, "%s is no address of a server", source_words(source));
        session_set_failure(s, ERR_INPUT, detail);
        return false;
    }
    if (!port_is_allowed(s->broker, host_port(&target.host))) {
        snprintf(detail, sizeof detail, "%s names port %u, which network.ports does not allow",
                 source_words(source), (unsigned)host_port(&target.host));
        session_set_failure(s, ERR_INPUT, detail);
        return false;
    }
    s->target = target;
    return true;
}

static bool is_there(const char *address)
{
    return address != NULL && address[0] != '\0';
}

bool session_take_addresses(struct session *s)
{
    bool discovery = s->kind == SESSION_KIND_DISCOVER;
    const char *address = discovery ? s->addresses->root_smds_address : s->addresses->default_smdp_address;
    Lpad__HostSource source =
        discovery ? LPAD__HOST_SOURCE__HOST_FROM_ROOT_SMDS : LPAD__HOST_SOURCE__HOST_FROM_DEFAULT_ADDRESS;
    if (discovery && (s->request.no_smds || !is_there(address)))
        return true; // there is no server to go to
    if (is_there(address))
        return session_set_target(s, address, source);
    session_set_failure(s, ERR_INPUT,
                        "the card has no default SM-DP+ address: set one, or use an activation code");
    return false;
}

// --- before the order is touched ---

bool session_has_memory(struct session *s)
{
    char detail[160];
    const Lpad__CardInfo2 *info2 = s->memory_info->info2;
    if (s->kind != SESSION_KIND_DOWNLOAD || info2 == NULL || !info2->has_free_nvm ||
        info2->free_nvm >= PREFLIGHT_NVM_MIN)
        return true;
    snprintf(detail, sizeof detail,
             "the card has %u bytes free, less than any profile needs: delete one; the order was not touched",
             info2->free_nvm);
    session_set_failure(s, ERR_LIMIT, detail);
    return false;
}

bool session_wants_rules(const struct session *s)
{
    return s->rules == NULL && s->metadata != NULL && s->metadata->has_pprs &&
           (s->metadata->pprs & ~PPR_UPDATE_CONTROL) != 0;
}

// --- events ---

bool session_has_next_server(const struct session *s)
{
    return s->kind == SESSION_KIND_DOWNLOAD && s->client != NULL && !s->broker->stopping &&
           s->server_next < s->server_count;
}

// Follows what a cascading SM-DS named, in its order, after what is waiting already.
static void follow(struct session *s, const Lpad__NetEvents *events)
{
    char detail[160];
    if (s->level + 1 >= SESSION_CASCADE_LEVELS) {
        snprintf(detail, sizeof detail,
                 "the event leads over more than %d discovery servers: it is not followed",
                 SESSION_CASCADE_LEVELS - 1);
        session_set_failure(s, ERR_LIMIT, detail);
        s->failure = s->event_failure;
        return;
    }
    for (size_t i = 0; i < events->n_events && s->server_count < SESSION_CASCADE_SERVERS; i++)
        s->servers[s->server_count++] =
            (struct session_server){.event = events->events[i], .level = s->level + 1};
    if (s->server_next < s->server_count)
        return;
    session_set_failure(s, ERR_REMOTE_REFUSED, "the discovery server has no such event any more");
    s->failure = s->event_failure;
}

bool session_take_events(struct session *s, const Lpad__NetEvents *events)
{
    s->events = session_copy(s, &s->memory, &events->base);
    if (s->events == NULL)
        return false;
    if (s->kind == SESSION_KIND_DOWNLOAD)
        follow(s, s->events);
    return true;
}

enum session_event session_next_server(struct session *s)
{
    const struct session_server *next = &s->servers[s->server_next++];
    size_t len = strlen(next->event->event_id);
    s->smds = false;
    s->challenge_given = false;
    s->level = next->level;
    if (s->broker->netd.pid != 0 || s->broker->netds_asked > s->broker->netds_unwanted)
        broker_stop_netd(s->broker);
    s->netd_opened = false;
    s->net_id = 0;
    if (len >= sizeof s->code.matching_id) {
        session_set_failure(s, ERR_LIMIT, "the event's identifier is too long");
        return EVENT_LOCAL_FAILED;
    }
    memcpy(s->code.matching_id, next->event->event_id, len + 1);
    return session_set_target(s, next->event->rsp_server_address, LPAD__HOST_SOURCE__HOST_FROM_EVENT)
               ? EVENT_NONE
               : EVENT_LOCAL_FAILED;
}
