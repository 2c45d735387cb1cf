// SPDX-License-Identifier: Apache-2.0
// The process's state and its loop: one request at a time, until a link closes.
#include "cardd/cardd.h"

#include "cardd/handlers.h"
#include "lib/log.h"
#include "proto/convert.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

// Two lists of profiles, a notification and their messages are far below this; only what is touched costs
// memory.
#define SCRATCH_MAX (1u << 20)
#define AID_MIN     5 // ISO/IEC 7816-4: an RID at least

void *cardd_take(struct cardd *c, size_t size)
{
    return arena_take(&c->scratch, size);
}

void cardd_stop(struct cardd *c, enum proc_exit exit)
{
    // The first cause is the one to tell, unless it is a mere goodbye.
    if (c->stop && c->exit != PROC_EXIT_OK)
        return;
    c->stop = true;
    c->exit = exit;
}

enum err cardd_fail(struct cardd *c, Lpad__Function function, enum err e, const char *detail)
{
    c->failure.has_function = true;
    c->failure.function = function;
    c->failure.detail = (char *)(uintptr_t)detail;
    return e;
}

static enum err take_buffers(struct cardd *c)
{
    LPAD_TRY(arena_init(&c->scratch, SCRATCH_MAX + c->settings->response_max));
    LPAD_TRY(arena_init(&c->buffers, sizeof *c->package + ES10_COMMAND_MAX + ES10B_INFO1_MAX +
                                         c->settings->response_max + 64));
    c->package = arena_take(&c->buffers, sizeof *c->package);
    c->es10.command = arena_take(&c->buffers, ES10_COMMAND_MAX);
    c->info1 = arena_take(&c->buffers, ES10B_INFO1_MAX);
    c->apdu.response = arena_take(&c->buffers, c->settings->response_max);
    return ERR_OK;
}

static bool are_settings_good(const Lpad__CarddSettings *s)
{
    if (s->n_more_isdr_aids > CARDD_MORE_AIDS_MAX)
        return false;
    for (size_t i = 0; i < s->n_more_isdr_aids; i++)
        if (s->more_isdr_aids[i].len < AID_MIN)
            return false;
    return s->block_size >= 1 && s->block_size <= 255 && s->response_max >= 512 &&
           s->response_max <= 1u << 20 && s->apdu_timeout_ms >= 1 && s->apdu_timeout_ms <= INT32_MAX &&
           s->load_timeout_ms >= 1 && s->load_timeout_ms <= INT32_MAX;
}

enum err cardd_init(struct cardd *c, const Lpad__CarddSettings *settings, int broker_fd, int policyd_fd,
                    int transport_fd)
{
    *c = (struct cardd){.settings = settings, .broker = LINK_NONE, .policyd = LINK_NONE};
    if (!are_settings_good(settings))
        return ERR_INPUT;
    LPAD_TRY(take_buffers(c));
    LPAD_TRY(link_init(&c->broker, broker_fd, &link_cardd_broker));
    LPAD_TRY(link_init(&c->policyd, policyd_fd, &link_cardd_policyd));
    LPAD_TRY(transport_open(settings->transport, transport_fd, &c->transport));
    c->apdu.transport = &c->transport;
    c->apdu.settings = (struct apdu_settings){
        .block_size = settings->block_size,
        .response_max = settings->response_max,
        .timeout_ms = (int)settings->apdu_timeout_ms,
        .isdr_aid = bytes_from_binary(settings->isdr_aid),
    };
    if (settings->has_terminal_capability)
        c->apdu.settings.terminal_capability = bytes_from_binary(settings->terminal_capability);
    for (size_t i = 0; i < settings->n_more_isdr_aids; i++)
        c->more_isdr_aids[i] = bytes_from_binary(settings->more_isdr_aids[i]);
    c->apdu.settings.more_isdr_aids = c->more_isdr_aids;
    c->apdu.settings.more_isdr_aid_count = settings->n_more_isdr_aids;
    c->es10.apdu = &c->apdu;
    return ERR_OK;
}

void cardd_free(struct cardd *c)
{
    session_forget(&c->session);
    transport_close(&c->transport);
    link_close(&c->policyd);
    link_close(&c->broker);
    arena_free(&c->scratch);
    arena_free(&c->buffers);
}

static enum err send_hello(struct cardd *c, const struct sandbox_report *report)
{
    struct hello_message hello;
    Lpad__CarddToBroker frame = LPAD__CARDD_TO_BROKER__INIT;
    hello_to_message(report, &hello);
    frame.body_case = LPAD__CARDD_TO_BROKER__BODY_HELLO;
    frame.hello = &hello.message;
    return link_send(&c->broker, &frame.base, -1);
}

static void serve_request(struct cardd *c)
{
    const ProtobufCMessage *frame;
    int fd;
    enum err e = link_recv(&c->broker, 0, &frame, &fd);
    if (e == ERR_IO_TIMEOUT)
        return;
    if (e != ERR_OK) {
        if (e != ERR_CLOSED)
            log_error("the broker broke the contract of its link: %s", err_words(e));
        cardd_stop(c, e == ERR_CLOSED                     ? PROC_EXIT_OK
                      : err_class_of(e) == ERR_CLASS_PEER ? PROC_EXIT_VIOLATION_BROKER
                                                          : PROC_EXIT_FAILED);
        return;
    }
    dispatch_request(c, (const Lpad__BrokerToCardd *)(const void *)frame, fd);
    if (fd >= 0)
        close(fd);
}

// policyd only answers: while nothing is asked, what comes is its end, or a violation.
static void look_at_policyd(struct cardd *c)
{
    const ProtobufCMessage *frame;
    int fd;
    enum err e = link_recv(&c->policyd, 0, &frame, &fd);
    if (e == ERR_IO_TIMEOUT)
        return;
    cardd_stop(c, e == ERR_CLOSED ? PROC_EXIT_OK : PROC_EXIT_VIOLATION_POLICYD);
}

enum proc_exit cardd_serve(struct cardd *c, const struct sandbox_report *report)
{
    if (send_hello(c, report) != ERR_OK)
        cardd_stop(c, PROC_EXIT_OK);
    while (!c->stop) {
        struct pollfd fds[] = {
            {.fd = c->broker.fd,    .events = POLLIN   },
            {.fd = c->policyd.fd,   .events = POLLIN   },
            {.fd = c->transport.fd, .events = POLLRDHUP},
        };
        if (poll(fds, sizeof fds / sizeof fds[0], -1) < 0) {
            if (errno != EINTR)
                cardd_stop(c, PROC_EXIT_FAILED);
            continue;
        }
        // The card's end is the more telling one when several things end at once.
        if (fds[2].revents != 0) {
            c->transport.broken = true;
            cardd_stop(c, PROC_EXIT_CARD);
        } else if (fds[1].revents != 0) {
            look_at_policyd(c);
        } else if (fds[0].revents != 0) {
            serve_request(c);
        }
    }
    session_abandon(c);
    apdu_close(&c->apdu);
    return c->exit;
}
