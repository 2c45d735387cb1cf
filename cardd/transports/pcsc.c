// SPDX-License-Identifier: Apache-2.0
// A card in a reader of pcscd, through libpcsclite.
//
// The library connects to pcscd by itself, so that happens before the sandbox closes; afterwards only this
// one connection is used. A pcscd that ends takes the connection with it, and with that this process: the
// supervisor starts another one, which connects anew. So does a card that was taken out: the next card may be
// a different one, and nothing that is known of this one may be said of it.
//
// The library waits for pcscd without an end, and goes on waiting after a signal. What ends the wait is a
// timer whose signal shuts the connection down: the library sees its end and returns.
#include "cardd/transports/transport.h"
#include "lib/log.h"
#include "lib/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <winscard.h>

#define PREPARE_TIMEOUT_MS 10000
#define RESET_TIMEOUT_MS   10000
#define CLOSE_TIMEOUT_MS   2000
#define TAKEN_WAIT_MS      20

#define READERS_MAX     (PCSCLITE_MAX_READERS_CONTEXTS * MAX_READERNAME + 1)
#define DESCRIPTORS_MAX 64
#define PROTOCOLS       (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)

#define INS_MANAGE_CHANNEL 0x70
#define INS_SELECT         0xA4

struct pcsc {
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
    bool has_context, has_card, shared;
    timer_t timer;
    volatile sig_atomic_t fd; // the library's connection; -1: not known yet
    volatile sig_atomic_t passed;
};

// --- the deadline ---

static void on_deadline(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    // Only the timer's own signal carries the pointer.
    if (info->si_code != SI_TIMER)
        return;
    struct pcsc *p = info->si_value.sival_ptr;
    int error = errno;
    p->passed = 1;
    if (p->fd < 0)
        _exit(PROC_EXIT_CARD);
    (void)shutdown(p->fd, SHUT_RDWR);
    errno = error;
}

static enum err make_timer(struct pcsc *p)
{
    struct sigaction action = {.sa_sigaction = on_deadline, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_ptr = p};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGALRM, &action, NULL) != 0 || timer_create(CLOCK_MONOTONIC, &event, &p->timer) != 0)
        return ERR_IO;
    return ERR_OK;
}

static void set_deadline(struct pcsc *p, int timeout_ms)
{
    struct itimerspec in = {
        .it_value = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L}
    };
    if (timer_settime(p->timer, 0, &in, NULL) != 0)
        LPAD_BUG("timer_settime");
}

// Whether it passed; then the connection is shut down.
static bool end_deadline(struct pcsc *p)
{
    set_deadline(p, 0);
    return p->passed != 0;
}

// --- errors ---

static enum err gone(struct transport *t)
{
    t->broken = true;
    return ERR_CARD_GONE;
}

static enum err complain(struct transport *t, const char *what, LONG rv)
{
    log_error("%s: %s", what, pcsc_stringify_error(rv));
    return gone(t);
}

// --- finding the card ---

// Readers name themselves: nothing of a name but what can be printed gets into the log.
static void print_name(const char *name, char out[static MAX_READERNAME])
{
    size_t n = 0;
    for (; name[n] != 0 && n < MAX_READERNAME - 1; n++)
        out[n] = name[n] >= 0x20 && name[n] < 0x7F ? name[n] : '?';
    out[n] = 0;
}

static bool is_stream(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

// The library does not tell its descriptor: it is the stream socket that was not there before.
static enum err establish(struct transport *t)
{
    struct pcsc *p = t->state;
    bool before[DESCRIPTORS_MAX];
    for (int i = 0; i < DESCRIPTORS_MAX; i++)
        before[i] = fcntl(i, F_GETFD) >= 0;
    LONG rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &p->context);
    if (rv != SCARD_S_SUCCESS)
        return complain(t, "pcscd cannot be reached", rv);
    p->has_context = true;
    int found = -1;
    for (int i = 0; i < DESCRIPTORS_MAX; i++) {
        if (before[i] || !is_stream(i))
            continue;
        if (found >= 0)
            return ERR_IO;
        found = i;
    }
    if (found < 0)
        return ERR_IO;
    p->fd = found;
    t->fd = found;
    return ERR_OK;
}

static void disconnect(struct pcsc *p)
{
    // Who uses the card next begins afresh; whom it is shared with is not disturbed.
    if (p->has_card)
        (void)SCardDisconnect(p->card, p->shared ? SCARD_LEAVE_CARD : SCARD_UNPOWER_CARD);
    p->has_card = false;
}

// One exchange on the basic channel, or `channel`; its status word, 0 when there was none.
static unsigned probe(struct pcsc *p, struct bytes command, uint8_t response[TRANSPORT_RESPONSE_MAX],
                      size_t *ret_len)
{
    DWORD len = TRANSPORT_RESPONSE_MAX;
    const SCARD_IO_REQUEST *pci = p->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    if (SCardTransmit(p->card, pci, command.data, command.len, NULL, response, &len) != SCARD_S_SUCCESS ||
        len < 2)
        return 0;
    *ret_len = len - 2;
    return (unsigned)response[len - 2] << 8 | response[len - 1];
}

static bool select_on(struct pcsc *p, uint8_t cla, struct bytes aid)
{
    static const uint8_t p2s[] = {0x00, 0x0C};
    uint8_t response[TRANSPORT_RESPONSE_MAX];
    for (size_t i = 0; i < sizeof p2s; i++) {
        uint8_t select[5 + 255] = {cla, INS_SELECT, 0x04, p2s[i], (uint8_t)aid.len};
        size_t len = 0;
        memcpy(select + 5, aid.data, aid.len);
        unsigned sw = probe(p, bytes_make(select, 5 + aid.len), response, &len);
        if (sw == 0x9000 || sw >> 8 == 0x61)
            return true;
    }
    return false;
}

static bool has_isdr(struct pcsc *p, const struct transport_options *o)
{
    static const uint8_t open[] = {0x00, INS_MANAGE_CHANNEL, 0x00, 0x00, 0x01};
    uint8_t response[TRANSPORT_RESPONSE_MAX];
    size_t len = 0;
    if (probe(p, bytes_make(open, sizeof open), response, &len) != 0x9000 || len != 1 || response[0] == 0 ||
        response[0] > 19)
        return false;
    uint8_t channel = response[0];
    uint8_t cla = channel < 4 ? channel : (uint8_t)(0x40 | (channel - 4));
    bool found = false;
    for (size_t i = 0; i < o->isdr_aid_count && !found; i++)
        found = o->isdr_aids[i].len <= 255 && select_on(p, cla, o->isdr_aids[i]);
    const uint8_t close[] = {0x00, INS_MANAGE_CHANNEL, 0x80, channel, 0x00};
    (void)probe(p, bytes_make(close, sizeof close), response, &len);
    return found;
}

// Why not is in the log.
static bool try_reader(struct pcsc *p, const char *name, const struct transport_options *o)
{
    char shown[MAX_READERNAME];
    print_name(name, shown);
    LONG rv = SCardConnect(p->context, name, o->shared ? SCARD_SHARE_SHARED : SCARD_SHARE_EXCLUSIVE,
                           PROTOCOLS, &p->card, &p->protocol);
    if (rv != SCARD_S_SUCCESS) {
        log_info("reader %s: %s", shown, pcsc_stringify_error(rv));
        return false;
    }
    p->has_card = true;
    if (o->reader != NULL || has_isdr(p, o)) {
        log_info("reader %s: its card is used%s", shown, o->shared ? ", and shared" : "");
        return true;
    }
    log_info("reader %s: its card is not an eUICC", shown);
    disconnect(p);
    return false;
}

static enum err find_reader(struct transport *t, const struct transport_options *o)
{
    struct pcsc *p = t->state;
    char names[READERS_MAX + 1];
    DWORD len = READERS_MAX;
    LONG rv = SCardListReaders(p->context, NULL, names, &len);
    if (rv != SCARD_S_SUCCESS)
        return complain(t, "no reader", rv);
    names[len < READERS_MAX ? len : READERS_MAX] = 0;
    for (const char *name = names; *name != 0 && p->passed == 0; name += strlen(name) + 1)
        if ((o->reader == NULL || strstr(name, o->reader) != NULL) && try_reader(p, name, o))
            return ERR_OK;
    if (o->reader != NULL)
        log_error("no card in a reader whose name contains \"%s\"", o->reader);
    else
        log_error("no reader with an eUICC");
    return gone(t);
}

static enum err pcsc_prepare(struct transport *t, const struct transport_options *o)
{
    struct pcsc *p = calloc(1, sizeof *p);
    if (p == NULL)
        return ERR_MEMORY;
    p->fd = -1;
    p->shared = o->shared;
    enum err e = make_timer(p);
    if (e != ERR_OK) {
        free(p);
        return e;
    }
    t->state = p;
    set_deadline(p, PREPARE_TIMEOUT_MS);
    e = establish(t);
    if (e == ERR_OK)
        e = find_reader(t, o);
    if (!end_deadline(p))
        return e;
    log_error("the readers did not answer in time");
    t->broken = true;
    return ERR_CARD_TIMEOUT;
}

// --- exchanges ---

// T=0 has a length octet in every command: none means 0, and of the two of a case 4 command the second is
// said by GET RESPONSE (ISO/IEC 7816-3, 12.2). Returns the length; `out` is the command.
static size_t shape_for_t0(uint8_t out[static TRANSPORT_COMMAND_MAX], size_t len)
{
    if (len == 4)
        out[len++] = 0;
    if (len == 5 + (size_t)out[4] + 1 && out[4] != 0)
        len--;
    return len;
}

static LONG reconnect(struct pcsc *p, DWORD what)
{
    return SCardReconnect(p->card, p->shared ? SCARD_SHARE_SHARED : SCARD_SHARE_EXCLUSIVE, PROTOCOLS, what,
                          &p->protocol);
}

static LONG transmit_once(struct pcsc *p, struct bytes command, uint8_t *ret_response, DWORD *ret_len)
{
    uint8_t sent[TRANSPORT_COMMAND_MAX];
    size_t len = command.len;
    bool t0 = p->protocol == SCARD_PROTOCOL_T0;
    memcpy(sent, command.data, len);
    if (t0)
        len = shape_for_t0(sent, len);
    *ret_len = TRANSPORT_RESPONSE_MAX;
    LONG rv =
        SCardTransmit(p->card, t0 ? SCARD_PCI_T0 : SCARD_PCI_T1, sent, len, NULL, ret_response, ret_len);
    explicit_bzero(sent, sizeof sent);
    return rv;
}

// Whom the card is shared with may have taken it for a while; the library does not tell when it is free
// again.
static LONG transmit_when_free(struct pcsc *p, struct bytes command, uint8_t *ret_response, DWORD *ret_len)
{
    LONG rv = transmit_once(p, command, ret_response, ret_len);
    while (rv == SCARD_E_SHARING_VIOLATION && p->shared && p->passed == 0) {
        (void)poll(NULL, 0, TAKEN_WAIT_MS);
        rv = transmit_once(p, command, ret_response, ret_len);
    }
    return rv;
}

static enum err pcsc_transmit(struct transport *t, struct bytes command, int timeout_ms,
                              uint8_t *ret_response, size_t *ret_len)
{
    struct pcsc *p = t->state;
    DWORD len = 0;
    set_deadline(p, timeout_ms);
    LONG rv = transmit_when_free(p, command, ret_response, &len);
    // Somebody it is shared with reset the card. Nothing was sent; what is sent again is answered as by any
    // card that was reset: its channels are closed.
    if (rv == SCARD_W_RESET_CARD && reconnect(p, SCARD_LEAVE_CARD) == SCARD_S_SUCCESS)
        rv = transmit_when_free(p, command, ret_response, &len);
    bool passed = end_deadline(p);
    t->broken = passed;
    if (rv == SCARD_S_SUCCESS && len >= 2) {
        *ret_len = len;
        return ERR_OK;
    }
    if (passed) {
        log_error("the card did not answer in time; lpad-cardd starts anew");
        return ERR_CARD_TIMEOUT;
    }
    if (rv == SCARD_S_SUCCESS || rv == SCARD_E_INSUFFICIENT_BUFFER)
        return ERR_CARD_RESPONSE;
    return complain(t, "the card", rv);
}

static enum err pcsc_reset(struct transport *t)
{
    struct pcsc *p = t->state;
    set_deadline(p, RESET_TIMEOUT_MS);
    // Reconnecting would go on with whatever card lies in the reader now.
    LONG rv = SCardStatus(p->card, NULL, NULL, NULL, NULL, NULL, NULL);
    if (rv == SCARD_S_SUCCESS || rv == SCARD_W_RESET_CARD)
        rv = reconnect(p, SCARD_RESET_CARD);
    if (end_deadline(p)) {
        log_error("the reader did not reset the card in time; lpad-cardd starts anew");
        t->broken = true;
        return ERR_CARD_TIMEOUT;
    }
    return rv == SCARD_S_SUCCESS ? ERR_OK : complain(t, "the card cannot be reset", rv);
}

static void pcsc_close(struct transport *t)
{
    struct pcsc *p = t->state;
    if (p == NULL) {
        if (t->fd >= 0)
            close(t->fd);
        return;
    }
    set_deadline(p, CLOSE_TIMEOUT_MS);
    disconnect(p);
    if (p->has_context)
        (void)SCardReleaseContext(p->context);
    (void)end_deadline(p);
    free(p);
}

static const struct sandbox_call calls[] = {
    SANDBOX_CALL("read", "pcscd's answers"),
    SANDBOX_CALL("timer_settime", "the deadline of an exchange"),
    SANDBOX_CALL_IF("shutdown", "the deadline passed", 1, SANDBOX_ARG(1, SHUT_RDWR)),
};

const struct transport_ops transport_pcsc = {
    .name = "pcsc",
    .prepare = pcsc_prepare,
    .transmit = pcsc_transmit,
    .reset = pcsc_reset,
    .close = pcsc_close,
    .calls = calls,
    .call_count = sizeof calls / sizeof calls[0],
};
