// SPDX-License-Identifier: Apache-2.0
// One request at a time over the control socket.
#include "client/lpad_client.h"

#include "proto/link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct lpad_client {
    struct link link;
    int timeout_ms; // the longest silence; -1: for ever
    int watched_fd; // -1: none. Not owned.
    const char *card;
    uint32_t id; // of the request; a late frame of the one before is not taken for its own
};

static enum err connect_to(const char *path, int timeout_ms, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return ERR_IO;
    }
    memcpy(address.sun_path, path, len + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_IO;
    // Bounds connect too: a listener whose queue is full would hold us for ever.
    struct timeval limit = {.tv_sec = timeout_ms / 1000};
    if ((timeout_ms > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0) ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return ERR_IO;
    }
    *ret_fd = fd;
    return ERR_OK;
}

enum err lpad_client_open(const char *path, int timeout_ms, struct lpad_client **ret_client)
{
    int fd = -1;
    LPAD_TRY(connect_to(path, timeout_ms, &fd));
    struct lpad_client *c = malloc(sizeof *c);
    if (c == NULL) {
        close(fd);
        return ERR_MEMORY;
    }
    *c = (struct lpad_client){.link = LINK_NONE, .timeout_ms = timeout_ms, .watched_fd = -1};
    enum err e = link_init(&c->link, fd, &link_client_broker);
    if (e != ERR_OK) {
        free(c);
        return e;
    }
    *ret_client = c;
    return ERR_OK;
}

void lpad_client_close(struct lpad_client *c)
{
    if (c == NULL)
        return;
    link_close(&c->link);
    free(c);
}

void lpad_client_set_card(struct lpad_client *c, const char *name)
{
    c->card = name;
}

void lpad_client_set_timeout(struct lpad_client *c, int timeout_ms)
{
    c->timeout_ms = timeout_ms;
}

void lpad_client_watch(struct lpad_client *c, int fd)
{
    c->watched_fd = fd;
}

int lpad_client_fd(const struct lpad_client *c)
{
    return c->link.fd;
}

// False: a signal came first.
static bool wait_for_frame(struct lpad_client *c, const Lpad__BrokerToClient **ret_frame, enum err *ret_error)
{
    struct pollfd p[] = {
        {.fd = c->watched_fd, .events = POLLIN},
        {.fd = c->link.fd,    .events = POLLIN},
    };
    int n;
    do
        n = poll(p, 2, c->timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n > 0 && p[0].revents)
        return false;
    if (n <= 0) {
        *ret_error = n == 0 ? ERR_IO_TIMEOUT : ERR_IO;
        return true;
    }
    const ProtobufCMessage *frame = NULL;
    int fd = -1;
    *ret_error = link_recv(&c->link, 0, &frame, &fd);
    *ret_frame = (const Lpad__BrokerToClient *)frame;
    return true;
}

enum err lpad_client_answer(struct lpad_client *c, uint32_t id, bool yes, bool postpone,
                            const char *confirmation_code)
{
    Lpad__Answer answer = LPAD__ANSWER__INIT;
    answer.yes = yes;
    answer.has_postpone = postpone;
    answer.postpone = postpone;
    answer.confirmation_code = (char *)(uintptr_t)confirmation_code;
    Lpad__ClientToBroker frame = LPAD__CLIENT_TO_BROKER__INIT;
    frame.id = id;
    frame.body_case = LPAD__CLIENT_TO_BROKER__BODY_ANSWER;
    frame.answer = &answer;
    return link_send(&c->link, &frame.base, -1);
}

static struct lpad_client_result error_result(enum err e)
{
    return (struct lpad_client_result){.end = LPAD_CLIENT_ERROR, .error = e};
}

// True: the request goes on, or `*ret` says how it ended.
static bool take_question(struct lpad_client *c, const Lpad__BrokerToClient *frame,
                          const struct lpad_client_events *events, struct lpad_client_result *ret)
{
    if (events != NULL && events->ask != NULL) {
        if (events->ask(events->context, c, frame->id, frame->ask))
            return true;
        *ret = (struct lpad_client_result){.end = LPAD_CLIENT_SIGNAL};
        return false;
    }
    enum err e = lpad_client_answer(c, frame->id, false, false, NULL);
    if (e == ERR_OK)
        return true;
    *ret = error_result(e);
    return false;
}

enum err lpad_client_send(struct lpad_client *c, Lpad__ClientToBroker *request)
{
    request->id = ++c->id;
    request->card = (char *)(uintptr_t)c->card;
    enum err e = link_send(&c->link, &request->base, -1);
    return e == ERR_CLOSED ? ERR_OK : e;
}

// A frame that ends a request well, whatever was asked.
static bool is_reply(const Lpad__BrokerToClient *frame)
{
    return frame->body_case != LPAD__BROKER_TO_CLIENT__BODY_PROGRESS &&
           frame->body_case != LPAD__BROKER_TO_CLIENT__BODY_ASK &&
           frame->body_case != LPAD__BROKER_TO_CLIENT__BODY__NOT_SET;
}

// Whether the frame ended the request, and how.
static bool take_frame(struct lpad_client *c, const Lpad__BrokerToClient *frame,
                       Lpad__BrokerToClient__BodyCase expected, const struct lpad_client_events *events,
                       struct lpad_client_result *ret)
{
    if (frame->body_case == LPAD__BROKER_TO_CLIENT__BODY_FAILURE) {
        *ret = (struct lpad_client_result){.end = LPAD_CLIENT_FAILED, .failure = frame->failure};
        return true;
    }
    bool wanted =
        expected == LPAD__BROKER_TO_CLIENT__BODY__NOT_SET ? is_reply(frame) : frame->body_case == expected;
    if (frame->id == c->id && wanted) {
        *ret = (struct lpad_client_result){.end = LPAD_CLIENT_REPLIED, .reply = frame};
        return true;
    }
    if (frame->id == c->id && frame->body_case == LPAD__BROKER_TO_CLIENT__BODY_PROGRESS) {
        if (events != NULL && events->progress != NULL)
            events->progress(events->context, frame->progress);
        return false;
    }
    if (frame->id == c->id && frame->body_case == LPAD__BROKER_TO_CLIENT__BODY_ASK)
        return !take_question(c, frame, events, ret);
    *ret = error_result(ERR_PEER_UNEXPECTED);
    return true;
}

struct lpad_client_result lpad_client_wait(struct lpad_client *c, Lpad__BrokerToClient__BodyCase expected,
                                           const struct lpad_client_events *events)
{
    for (;;) {
        const Lpad__BrokerToClient *frame = NULL;
        enum err e = ERR_OK;
        struct lpad_client_result result;
        if (!wait_for_frame(c, &frame, &e))
            return (struct lpad_client_result){.end = LPAD_CLIENT_SIGNAL};
        if (e != ERR_OK)
            return error_result(e);
        if (take_frame(c, frame, expected, events, &result))
            return result;
    }
}

struct lpad_client_result lpad_client_request(struct lpad_client *c, Lpad__ClientToBroker *request,
                                              Lpad__BrokerToClient__BodyCase expected,
                                              const struct lpad_client_events *events)
{
    enum err e = lpad_client_send(c, request);
    return e != ERR_OK ? error_result(e) : lpad_client_wait(c, expected, events);
}
