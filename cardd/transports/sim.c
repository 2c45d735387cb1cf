// SPDX-License-Identifier: Apache-2.0
// A simulated card behind a stream socket, in the framing of vpcd: two octets of length, most significant
// first, then the APDU. A frame of one octet is a control: 00 power off, 01 power on, 02 reset; none of these
// is answered.
#include "cardd/transports/transport.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONTROL_POWER_OFF 0x00
#define CONTROL_POWER_ON  0x01
#define CONTROL_RESET     0x02
#define CONTROL_ATR       0x04

#define RESET_TIMEOUT_MS 5000

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static enum err gone(struct transport *t)
{
    t->broken = true;
    return ERR_CARD_GONE;
}

static enum err wait_for(const struct transport *t, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - now_ms();
        if (left <= 0)
            return ERR_CARD_TIMEOUT;
        struct pollfd p = {.fd = t->fd, .events = events};
        int n = poll(&p, 1, (int)left);
        if (n > 0)
            return ERR_OK;
        if (n < 0 && errno != EINTR)
            return ERR_IO;
    }
}

static enum err send_all(struct transport *t, struct bytes data, int64_t deadline)
{
    while (data.len > 0) {
        ssize_t n = send(t->fd, data.data, data.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            // Half a frame cannot be taken back: from here on the stream is out of step.
            if (wait_for(t, POLLOUT, deadline) != ERR_OK)
                return gone(t);
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return gone(t);
        data.data += n;
        data.len -= (size_t)n;
    }
    return ERR_OK;
}

// `*ret_started` says whether a part of it was read when the time was over.
static enum err recv_all(struct transport *t, uint8_t *out, size_t len, int64_t deadline, bool *ret_started)
{
    size_t have = 0;
    while (have < len) {
        ssize_t n = recv(t->fd, out + have, len - have, MSG_DONTWAIT);
        if (n > 0) {
            have += (size_t)n;
            *ret_started = true;
            continue;
        }
        if (n == 0)
            return gone(t);
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return gone(t);
        enum err e = wait_for(t, POLLIN, deadline);
        if (e != ERR_OK)
            return e == ERR_CARD_TIMEOUT ? e : gone(t);
    }
    return ERR_OK;
}

static enum err send_frame(struct transport *t, struct bytes data, int64_t deadline)
{
    // One write, so that a frame is one segment on a loopback connection.
    uint8_t frame[2 + TRANSPORT_COMMAND_MAX];
    struct buf b = buf_make(frame, sizeof frame);
    buf_put_byte(&b, (uint8_t)(data.len >> 8));
    buf_put_byte(&b, (uint8_t)data.len);
    buf_put_bytes(&b, data);
    struct bytes whole;
    LPAD_TRY(buf_finish(&b, &whole));
    return send_all(t, whole, deadline);
}

static enum err recv_frame(struct transport *t, uint8_t out[static TRANSPORT_RESPONSE_MAX], int64_t deadline,
                           size_t *ret_len)
{
    uint8_t header[2];
    bool started = false;
    enum err e = recv_all(t, header, sizeof header, deadline, &started);
    if (e == ERR_CARD_TIMEOUT && started)
        return gone(t);
    LPAD_TRY(e);
    size_t len = (size_t)header[0] << 8 | header[1];
    if (len > TRANSPORT_RESPONSE_MAX) {
        t->broken = true;
        return ERR_CARD_RESPONSE;
    }
    e = recv_all(t, out, len, deadline, &started);
    // A frame of which a part is missing has no continuation that could be told from the next one.
    if (e == ERR_CARD_TIMEOUT)
        return gone(t);
    LPAD_TRY(e);
    *ret_len = len;
    return ERR_OK;
}

// After a response that did not come in time: what is still on its way stands before the answer to an ATR
// request, and no response to a command of ours begins like an ATR.
static enum err resynchronise(struct transport *t, int64_t deadline)
{
    static const uint8_t request = CONTROL_ATR;
    uint8_t frame[TRANSPORT_RESPONSE_MAX];
    LPAD_TRY(send_frame(t, bytes_make(&request, 1), deadline));
    for (;;) {
        size_t len = 0;
        enum err e = recv_frame(t, frame, deadline, &len);
        // A card that floods other frames would never let the read itself run out of time.
        if (e == ERR_OK && now_ms() >= deadline)
            e = ERR_CARD_TIMEOUT;
        if (e != ERR_OK)
            return e == ERR_CARD_TIMEOUT ? gone(t) : e;
        if (len > 2 && (frame[0] == 0x3B || frame[0] == 0x3F))
            break;
    }
    t->owed = false;
    return ERR_OK;
}

static enum err sim_transmit(struct transport *t, struct bytes command, int timeout_ms, uint8_t *ret_response,
                             size_t *ret_len)
{
    int64_t deadline = now_ms() + timeout_ms;
    if (t->owed)
        LPAD_TRY(resynchronise(t, deadline));
    LPAD_TRY(send_frame(t, command, deadline));
    size_t len = 0;
    enum err e = recv_frame(t, ret_response, deadline, &len);
    t->owed = e == ERR_CARD_TIMEOUT;
    LPAD_TRY(e);
    if (len < 2)
        return ERR_CARD_RESPONSE;
    *ret_len = len;
    return ERR_OK;
}

static enum err sim_reset(struct transport *t)
{
    static const uint8_t controls[] = {CONTROL_POWER_ON, CONTROL_RESET};
    int64_t deadline = now_ms() + RESET_TIMEOUT_MS;
    for (size_t i = 0; i < sizeof controls; i++)
        LPAD_TRY(send_frame(t, bytes_make(&controls[i], 1), deadline));
    return t->owed ? resynchronise(t, deadline) : ERR_OK;
}

static void sim_close(struct transport *t)
{
    static const uint8_t off = CONTROL_POWER_OFF;
    // Best effort: the descriptor is closed whether or not somebody listens.
    if (!t->broken)
        (void)!send_frame(t, bytes_make(&off, 1), now_ms() + 100);
    close(t->fd);
}

const struct transport_ops transport_sim = {
    .name = "sim",
    .is_exclusive = true,
    .transmit = sim_transmit,
    .reset = sim_reset,
    .close = sim_close,
};
