// SPDX-License-Identifier: Apache-2.0
// One request at a time over the control socket.
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// One connection carries one command, so one number is enough.
#define REQUEST_ID 1

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

enum err client_open(struct client *c, const char *path, int timeout_ms)
{
    int fd = -1;
    *c = (struct client){.link = LINK_NONE, .timeout_ms = timeout_ms, .signal_fd = -1};
    LPAD_TRY(connect_to(path, timeout_ms, &fd));
    return link_init(&c->link, fd, &link_client_broker);
}

void client_close(struct client *c)
{
    link_close(&c->link);
}

// False: a signal came first.
static bool wait_for_frame(struct client *c, const Lpad__BrokerToClient **ret_frame, enum err *ret_error)
{
    struct pollfd p[] = {
        {.fd = c->signal_fd, .events = POLLIN},
        {.fd = c->link.fd,   .events = POLLIN},
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

enum err client_answer(struct client *c, uint32_t id, bool yes, bool postpone, char *confirmation_code)
{
    Lpad__Answer answer = LPAD__ANSWER__INIT;
    answer.yes = yes;
    answer.has_postpone = postpone;
    answer.postpone = postpone;
    answer.confirmation_code = confirmation_code;
    Lpad__ClientToBroker frame = LPAD__CLIENT_TO_BROKER__INIT;
    frame.id = id;
    frame.body_case = LPAD__CLIENT_TO_BROKER__BODY_ANSWER;
    frame.answer = &answer;
    return link_send(&c->link, &frame.base, -1);
}

static struct client_result error_result(enum err e)
{
    return (struct client_result){.end = CLIENT_ERROR, .error = e};
}

// True: the request goes on, or `*ret` says how it ended.
static bool take_question(struct client *c, const Lpad__BrokerToClient *frame,
                          const struct client_events *events, struct client_result *ret)
{
    if (events != NULL && events->ask != NULL) {
        if (events->ask(events->context, c, frame->id, frame->ask))
            return true;
        *ret = (struct client_result){.end = CLIENT_SIGNAL};
        return false;
    }
    enum err e = client_answer(c, frame->id, false, false, NULL);
    if (e == ERR_OK)
        return true;
    *ret = error_result(e);
    return false;
}

enum err client_send(struct client *c, Lpad__ClientToBroker *request)
{
    request->id = REQUEST_ID;
    enum err e = link_send(&c->link, &request->base, -1);
    return e == ERR_CLOSED ? ERR_OK : e;
}

// Whether the frame ended the request, and how.
static bool take_frame(struct client *c, const Lpad__BrokerToClient *frame,
                       Lpad__BrokerToClient__BodyCase expected, const struct client_events *events,
                       struct client_result *ret)
{
    if (frame->body_case == LPAD__BROKER_TO_CLIENT__BODY_FAILURE) {
        *ret = (struct client_result){.end = CLIENT_FAILED, .failure = frame->failure};
        return true;
    }
    if (frame->id == REQUEST_ID && frame->body_case == expected) {
        *ret = (struct client_result){.end = CLIENT_REPLIED, .reply = frame};
        return true;
    }
    if (frame->id == REQUEST_ID && frame->body_case == LPAD__BROKER_TO_CLIENT__BODY_PROGRESS) {
        if (events != NULL && events->progress != NULL)
            events->progress(events->context, frame->progress);
        return false;
    }
    if (frame->id == REQUEST_ID && frame->body_case == LPAD__BROKER_TO_CLIENT__BODY_ASK)
        return !take_question(c, frame, events, ret);
    *ret = error_result(ERR_PEER_UNEXPECTED);
    return true;
}

struct client_result client_wait(struct client *c, Lpad__BrokerToClient__BodyCase expected,
                                 const struct client_events *events)
{
    for (;;) {
        const Lpad__BrokerToClient *frame = NULL;
        enum err e = ERR_OK;
        struct client_result result;
        if (!wait_for_frame(c, &frame, &e))
            return (struct client_result){.end = CLIENT_SIGNAL};
        if (e != ERR_OK)
            return error_result(e);
        if (take_frame(c, frame, expected, events, &result))
            return result;
    }
}

struct client_result client_request(struct client *c, Lpad__ClientToBroker *request,
                                    Lpad__BrokerToClient__BodyCase expected,
                                    const struct client_events *events)
{
    enum err e = client_send(c, request);
    return e != ERR_OK ? error_result(e) : client_wait(c, expected, events);
}
