// SPDX-License-Identifier: Apache-2.0
// The simulated card's socket.
#include "tests/sim/euicc/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    MESSAGE_MAX = 65535,
    CONTROL_OFF = 0,
    CONTROL_ON = 1,
    CONTROL_RESET = 2,
    CONTROL_ATR = 4,
    WHY_SIZE = 512
};

// What became of a wait or a message.
enum outcome {
    OUTCOME_GO_ON,
    OUTCOME_CLOSED, // this connection is over
    OUTCOME_STOP,   // a signal asked for the end
};

static void line_write(const struct server *server, const char *line, size_t len)
{
    // One write per line: a reader never sees half of one.
    if (server->log >= 0 && write(server->log, line, len) != (ssize_t)len) {
        fprintf(stderr, "sim-euicc: the APDU log cannot be written: %s\n", strerror(errno));
        exit(EXIT_FAILURE);
    }
}

__attribute__((format(printf, 2, 3))) static void line_log(const struct server *server, const char *format,
                                                           ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof line - 1) {
        line[len++] = '\n';
        line_write(server, line, (size_t)len);
    }
}

// "<n> <way> HEX", the status word set apart in an answer.
static void apdu_log(const struct server *server, char way, struct slice apdu)
{
    size_t size = 2 * apdu.len + 32;
    char *line = server->log < 0 ? NULL : malloc(size);
    if (line == NULL) {
        return;
    }
    size_t data = way == '<' && apdu.len >= 2 ? apdu.len - 2 : apdu.len;
    size_t len = (size_t)snprintf(line, size, "%u %c ", server->apdus, way);
    for (size_t i = 0; i < apdu.len; i++) {
        if (i == data && data > 0) {
            line[len++] = ' ';
        }
        len += (size_t)snprintf(line + len, size - len, "%02X", apdu.data[i]);
    }
    line[len++] = '\n';
    line_write(server, line, len);
    OPENSSL_cleanse(line, size);
    free(line);
}

static void faults_reread(struct server *server, bool force)
{
    char why[WHY_SIZE];
    if (!faults_refresh(&server->faults, force, why, sizeof why)) {
        fprintf(stderr, "sim-euicc: %s\n", why);
    }
}

static enum outcome signal_take(struct server *server)
{
    struct signalfd_siginfo info;
    if (read(server->signals, &info, sizeof info) != (ssize_t)sizeof info) {
        return OUTCOME_GO_ON;
    }
    switch (info.ssi_signo) {
    case SIGHUP: faults_reread(server, true); return OUTCOME_GO_ON;
    case SIGUSR1: server->removed = true; return OUTCOME_CLOSED;
    case SIGUSR2: server->removed = false; return OUTCOME_GO_ON;
    default: return OUTCOME_STOP;
    }
}

// Until the card is put back.
static enum outcome insertion_wait(struct server *server)
{
    while (server->removed) {
        struct pollfd signals = {.fd = server->signals, .events = POLLIN};
        if (poll(&signals, 1, -1) > 0 && signal_take(server) == OUTCOME_STOP) {
            return OUTCOME_STOP;
        }
    }
    return OUTCOME_GO_ON;
}

// Until fd can be read, or for `ms` when it is negative.
static enum outcome wait_for(struct server *server, int fd, int ms)
{
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    int left = ms;
    for (;;) {
        struct pollfd fds[2] = {
            {.fd = server->signals, .events = POLLIN},
            {.fd = fd,              .events = POLLIN}
        };
        int ready = poll(fds, 2, fd >= 0 ? -1 : left);
        if (ready < 0 && errno != EINTR) {
            return OUTCOME_STOP;
        }
        if (ready > 0 && fds[0].revents != 0) {
            enum outcome outcome = signal_take(server);
            if (outcome != OUTCOME_GO_ON) {
                return outcome;
            }
        }
        if (ready > 0 && fds[1].revents != 0) {
            return OUTCOME_GO_ON;
        }
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        long spent = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
        if (fd < 0 && spent >= ms) {
            return OUTCOME_GO_ON;
        }
        left = ms - (int)spent;
    }
}

static void quick_ack(const struct server *server, int fd)
{
    int on = 1;
    // The kernel forgets it after a while, and a peer that sends length and body apart would wait 40 ms for
    // it.
    if (server->is_tcp && setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on) != 0) {
        fprintf(stderr, "sim-euicc: TCP_QUICKACK: %s\n", strerror(errno));
    }
}

static enum outcome read_exact(struct server *server, int fd, uint8_t *ret_bytes, size_t len)
{
    size_t have = 0;
    while (have < len) {
        enum outcome outcome = wait_for(server, fd, 0);
        if (outcome != OUTCOME_GO_ON) {
            return outcome;
        }
        quick_ack(server, fd);
        ssize_t got = recv(fd, ret_bytes + have, len - have, 0);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return OUTCOME_CLOSED;
        }
        have += got > 0 ? (size_t)got : 0;
    }
    return OUTCOME_GO_ON;
}

static enum outcome write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return OUTCOME_CLOSED;
        }
        bytes += sent > 0 ? (size_t)sent : 0;
        len -= sent > 0 ? (size_t)sent : 0;
    }
    return OUTCOME_GO_ON;
}

// Length and body leave in one piece; `cut` sends only half of the body.
static enum outcome message_send(int fd, struct slice body, bool cut)
{
    struct tlvb message = TLVB_INIT;
    uint8_t length[2] = {(uint8_t)(body.len >> 8), (uint8_t)body.len};
    tlvb_raw(&message, length, sizeof length);
    tlvb_raw(&message, body.data, cut ? body.len / 2 : body.len);
    enum outcome outcome = message.failed ? OUTCOME_CLOSED : write_all(fd, message.buf, message.len);
    tlvb_free(&message);
    return outcome;
}

static enum outcome answer_send(struct server *server, int fd, struct slice answer)
{
    apdu_log(server, '<', answer);
    return message_send(fd, answer, false);
}

static void card_run(struct server *server, struct slice apdu, struct tlvb *answer)
{
    card_process(server->card, apdu, answer);
    if (server->card->note[0] != '\0') {
        line_log(server, "%u = %s", server->apdus, server->card->note);
    }
}

// The answer that a fault puts in place of the card's; `answer` is the card's own when it came after the
// processing.
static enum outcome fault_answer(struct server *server, int fd, const struct fault *fault,
                                 struct slice answer)
{
    uint8_t sw[2] = {(uint8_t)(fault->sw >> 8), (uint8_t)fault->sw};
    switch (fault->action) {
    case FAULT_SW: return answer_send(server, fd, slice_of(sw, sizeof sw));
    case FAULT_RESPOND:
    case FAULT_GARBAGE: return answer_send(server, fd, slice_of(fault->data, fault->data_len));
    case FAULT_CUT:
        if (answer.len > 0 && message_send(fd, answer, true) == OUTCOME_STOP) {
            return OUTCOME_STOP;
        }
        return OUTCOME_CLOSED;
    case FAULT_MUTE: return OUTCOME_GO_ON;
    case FAULT_NONE:
    case FAULT_DELAY:
    case FAULT_ACTION_MAX: break;
    }
    return answer_send(server, fd, answer);
}

static enum outcome apdu_serve(struct server *server, int fd, struct slice apdu)
{
    struct card_peek peek;
    struct tlvb answer = TLVB_INIT;
    server->apdus++;
    apdu_log(server, '>', apdu);
    faults_reread(server, false);
    card_peek(server->card, apdu, &peek);
    const struct fault *fault = faults_match(&server->faults, &peek);
    uint32_t delay = server->latency_ms;
    bool process = true;
    if (fault != NULL) {
        line_log(server, "%u ! %s%s", server->apdus, fault_action_text(fault->action),
                 fault->after ? " after" : "");
        delay += fault->action == FAULT_DELAY ? fault->ms : 0;
        process = fault->action == FAULT_DELAY || fault->after;
    }
    enum outcome outcome = OUTCOME_GO_ON;
    if (delay > 0) {
        outcome = wait_for(server, -1, (int)delay);
    }
    if (outcome == OUTCOME_GO_ON && process) {
        card_run(server, apdu, &answer);
    } else {
        card_abort_command(server->card);
    }
    if (outcome == OUTCOME_GO_ON) {
        struct slice reply = tlvb_get(&answer);
        outcome = fault != NULL ? fault_answer(server, fd, fault, reply) : answer_send(server, fd, reply);
    }
    tlvb_free(&answer);
    return outcome;
}

static enum outcome control_serve(struct server *server, int fd, uint8_t control)
{
    uint8_t atr[ATR_SIZE];
    switch (control) {
    case CONTROL_ATR: card_get_atr(atr); return message_send(fd, slice_of(atr, sizeof atr), false);
    case CONTROL_OFF:
    case CONTROL_ON:
    case CONTROL_RESET:
        line_log(server, "%s",
                 control == CONTROL_OFF  ? "power-off"
                 : control == CONTROL_ON ? "power-on"
                                         : "reset");
        card_reset(server->card);
        return OUTCOME_GO_ON;
    default: return OUTCOME_CLOSED;
    }
}

static enum outcome connection_loop(struct server *server, int fd, uint8_t *message)
{
    for (;;) {
        uint8_t length[2];
        enum outcome outcome = read_exact(server, fd, length, sizeof length);
        size_t len = (size_t)length[0] << 8 | length[1];
        if (outcome == OUTCOME_GO_ON) {
            outcome = read_exact(server, fd, message, len);
        }
        if (outcome != OUTCOME_GO_ON) {
            return outcome;
        }
        outcome =
            len == 1 ? control_serve(server, fd, message[0]) : apdu_serve(server, fd, slice_of(message, len));
        OPENSSL_cleanse(message, len);
        if (outcome != OUTCOME_GO_ON) {
            return outcome;
        }
    }
}

static enum outcome connection_serve(struct server *server, int fd)
{
    int on = 1;
    uint8_t *message = malloc(MESSAGE_MAX);
    if (message == NULL ||
        (server->is_tcp && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)) {
        free(message);
        return OUTCOME_STOP;
    }
    line_log(server, "connect");
    card_reset(server->card);
    enum outcome outcome = connection_loop(server, fd, message);
    // A process that is told to end is a card that loses power: nothing is tidied up behind it.
    if (outcome == OUTCOME_CLOSED) {
        card_reset(server->card);
    }
    line_log(server, "close");
    free(message);
    return outcome;
}

union socket_address {
    struct sockaddr any;
    struct sockaddr_un un;
    struct sockaddr_in in;
};

// unix:PATH or tcp:127.0.0.1:PORT. Loopback only: the peer is trusted with the card.
static bool address_parse(struct server *server, union socket_address *ret_address, socklen_t *ret_len)
{
    union socket_address address = {0};
    const char *text = server->address;
    if (strncmp(text, "unix:", 5) == 0) {
        size_t len = strlen(text + 5);
        if (len == 0 || len >= sizeof address.un.sun_path) {
            return false;
        }
        address.un.sun_family = AF_UNIX;
        memcpy(address.un.sun_path, text + 5, len + 1);
        *ret_len = sizeof address.un;
    } else if (strncmp(text, "tcp:127.0.0.1:", 14) == 0) {
        char *end = NULL;
        unsigned long port = strtoul(text + 14, &end, 10);
        if (end == text + 14 || *end != '\0' || port > UINT16_MAX) {
            return false;
        }
        address.in = (struct sockaddr_in){
            .sin_family = AF_INET,
            .sin_port = htons((uint16_t)port),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        server->is_tcp = true;
        *ret_len = sizeof address.in;
    } else {
        return false;
    }
    *ret_address = address;
    return true;
}

// Bound and listening, or connected. A Unix socket left by an earlier run gives way.
static int socket_open(struct server *server)
{
    union socket_address address;
    socklen_t len = 0;
    int on = 1;
    if (!address_parse(server, &address, &len)) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (server->connect) {
        if (connect(fd, &address.any, len) == 0) {
            return fd;
        }
    } else {
        if (!server->is_tcp) {
            unlink(address.un.sun_path);
        }
        if ((!server->is_tcp || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0) &&
            bind(fd, &address.any, len) == 0 && listen(fd, 8) == 0) {
            return fd;
        }
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool ready_tell(const struct server *server)
{
    return server->ready < 0 || (write(server->ready, "\n", 1) == 1 && close(server->ready) == 0);
}

static enum outcome listen_loop(struct server *server, int listener)
{
    for (;;) {
        enum outcome outcome = wait_for(server, listener, 0);
        if (outcome != OUTCOME_GO_ON) {
            return outcome;
        }
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        outcome = connection_serve(server, fd);
        close(fd);
        if (outcome == OUTCOME_STOP || server->removed) {
            return outcome;
        }
    }
}

// From the card's being put into its reader to its being taken out, or the end.
static enum outcome presence_serve(struct server *server, int fd)
{
    enum outcome outcome = server->connect ? connection_serve(server, fd) : listen_loop(server, fd);
    close(fd);
    if (!server->connect && !server->is_tcp) {
        unlink(server->address + 5);
    }
    return outcome;
}

bool server_run(struct server *server)
{
    int fd = socket_open(server);
    if (fd >= 0 && !ready_tell(server)) {
        fprintf(stderr, "sim-euicc: the ready descriptor cannot be written: %s\n", strerror(errno));
        close(fd);
        return false;
    }
    while (fd >= 0) {
        if (presence_serve(server, fd) == OUTCOME_STOP || !server->removed) {
            return true;
        }
        line_log(server, "removed");
        if (insertion_wait(server) == OUTCOME_STOP) {
            return true;
        }
        fd = socket_open(server);
        if (fd >= 0) {
            line_log(server, "inserted");
        }
    }
    fprintf(stderr, "sim-euicc: %s: %s\n", server->address, strerror(errno));
    return false;
}
