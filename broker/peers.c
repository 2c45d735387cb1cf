// SPDX-License-Identifier: Apache-2.0
// Links to the other processes: sending, owing, accusing.
#include "broker/broker.h"

#include "lib/log.h"
#include "proto/convert.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

// Frames of one peer that are taken in one go: the others are to have their turn.
#define FRAMES_PER_TURN 8

static int on_frame(sd_event_source *source, int fd, uint32_t events, void *data)
{
    (void)source;
    (void)fd;
    (void)events;
    struct peer *p = data;
    for (unsigned i = 0; i < FRAMES_PER_TURN && peer_is_connected(p); i++) {
        const ProtobufCMessage *frame;
        int passed = -1;
        enum err e = link_recv(&p->link, 0, &frame, &passed);
        if (e == ERR_IO_TIMEOUT)
            return 0;
        if (e == ERR_OK) {
            broker_dispatch(p, frame, passed);
            continue;
        }
        if (err_class_of(e) == ERR_CLASS_PEER) {
            peer_accuse(p, e);
            return 0;
        }
        // How it ended, the supervisor tells; its word is waited for, so that the client can be told.
        peer_detach(p);
        p->in_grace = true;
        if (broker_arm(p->broker, p->broker->grace_timer, 2000) != ERR_OK)
            broker_peer_gone(p, NULL);
    }
    return 0;
}

enum err peer_attach(struct peer *p, struct broker *b, const Lpad__Started *started, int fd)
{
    peer_detach(p);
    *p = (struct peer){.broker = b,
                       .process = started->process,
                       .netd = started->netd,
                       .pid = started->pid,
                       .link = LINK_NONE};
    const struct link_end *end = p->process == LPAD__PROCESS__PROCESS_NETD     ? &link_broker_netd
                                 : p->process == LPAD__PROCESS__PROCESS_CARDD  ? &link_broker_cardd
                                 : p->process == LPAD__PROCESS__PROCESS_PROBED ? &link_broker_probed
                                                                               : &link_broker_policyd;
    LPAD_TRY(link_init(&p->link, fd, end));
    if (sd_event_add_io(b->event, &p->source, fd, EPOLLIN, on_frame, p) >= 0)
        return ERR_OK;
    link_close(&p->link);
    return ERR_MEMORY;
}

void peer_detach(struct peer *p)
{
    p->source = sd_event_source_disable_unref(p->source);
    if (link_is_open(&p->link))
        link_close(&p->link);
    p->hello = false;
    p->pending_count = 0;
}

enum err peer_send(struct peer *p, const ProtobufCMessage *frame, int fd, uint32_t id, uint32_t expects,
                   bool optional)
{
    if (!peer_serves(p))
        return ERR_CLOSED;
    enum err e = p->pending_count < PEER_PENDING_MAX ? link_send(&p->link, frame, fd) : ERR_IO_TIMEOUT;
    if (e == ERR_LIMIT)
        return e;
    if (e == ERR_OK) {
        if (expects != 0)
            p->pending[p->pending_count++] =
                (struct peer_pending){.id = id, .expects = expects, .optional = optional};
        return ERR_OK;
    }
    // Its death is told to the session by whoever called this.
    if (e != ERR_CLOSED)
        broker_report_violation(p->broker, p, e);
    p->gone_told = true;
    peer_detach(p);
    return ERR_CLOSED;
}

bool peer_owes(const struct peer *p, uint32_t id)
{
    for (size_t i = 0; i < p->pending_count; i++)
        if (p->pending[i].id == id)
            return true;
    return false;
}

bool peer_take_reply(struct peer *p, uint32_t id, uint32_t body, uint32_t failure_body)
{
    for (size_t i = 0; i < p->pending_count; i++) {
        const struct peer_pending *owed = &p->pending[i];
        if (owed->id == id) {
            if (body != owed->expects && body != failure_body)
                return false;
            p->pending_count -= i + 1;
            memmove(p->pending, p->pending + i + 1, p->pending_count * sizeof p->pending[0]);
            return true;
        }
        // Replies come in order: one that may be left out was, one that must come cannot be overtaken.
        if (!owed->optional)
            return false;
    }
    return false;
}

void peer_accuse(struct peer *p, enum err why)
{
    broker_report_violation(p->broker, p, why);
    // The supervisor kills it; what its end looks like then tells nothing more.
    struct peer_end end = {.known = false};
    broker_peer_gone(p, &end);
}

const char *signal_words(uint32_t number)
{
    const char *name = number < 65 ? sigabbrev_np((int)number) : NULL;
    return name != NULL ? name : "unknown";
}

void peer_end_words(Lpad__Process process, const struct peer_end *end, char *out, size_t cap)
{
    const char *name = process_words((int)process);
    if (end == NULL || !end->known)
        snprintf(out, cap, "%s ended", name);
    else if (end->signal == SIGSYS)
        snprintf(out, cap, "%s was stopped by its sandbox (SIGSYS)", name);
    else if (end->signal != 0)
        snprintf(out, cap, "%s was ended by a signal (SIG%s)", name, signal_words(end->signal));
    else
        snprintf(out, cap, "%s ended (exit code %u)", name, end->exit_code);
}
