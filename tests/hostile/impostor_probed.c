// SPDX-License-Identifier: Apache-2.0
// An lpad-probed that measures nothing and tells whatever it likes.
#include "tests/hostile/impostor.h"

#include "proto/convert.h"

#include "probe.pb-c.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define FLOOD 2000000u

struct measured {
    struct link link;
    const char *script;
    uint32_t generation;
};

static bool send(struct measured *m, Lpad__ProbedToBroker *frame)
{
    return link_send(&m->link, &frame->base, -1) == ERR_OK;
}

static bool send_round(struct measured *m, uint32_t generation, uint32_t probe, uint32_t passed,
                       uint32_t failed)
{
    Lpad__ProbedToBroker frame = LPAD__PROBED_TO_BROKER__INIT;
    Lpad__ProbeRound round = LPAD__PROBE_ROUND__INIT;
    round.generation = generation;
    round.probe = probe;
    round.passed = passed;
    round.failed = failed;
    round.octets = UINT64_MAX;
    // One that says that it began before the profile in use says nothing of it.
    round.took_ms = strcmp(m->script, "numbers that overflow") == 0 ? UINT32_MAX : 0;
    frame.body_case = LPAD__PROBED_TO_BROKER__BODY_ROUND;
    frame.round = &round;
    return send(m, &frame);
}

static bool send_link(struct measured *m, uint32_t generation, uint32_t number, Lpad__Tri state)
{
    Lpad__ProbedToBroker frame = LPAD__PROBED_TO_BROKER__INIT;
    Lpad__LinkState link = LPAD__LINK_STATE__INIT;
    link.generation = generation;
    link.link = number;
    link.carrier = link.address = link.route = state;
    frame.body_case = LPAD__PROBED_TO_BROKER__BODY_LINK;
    frame.link = &link;
    return send(m, &frame);
}

static bool send_data(struct measured *m, uint32_t number, uint64_t octets)
{
    Lpad__ProbedToBroker frame = LPAD__PROBED_TO_BROKER__INIT;
    Lpad__LinkData data = LPAD__LINK_DATA__INIT;
    data.generation = m->generation;
    data.link = number;
    data.octets = octets;
    frame.body_case = LPAD__PROBED_TO_BROKER__BODY_DATA;
    frame.data = &data;
    return send(m, &frame);
}

static void flood(struct measured *m)
{
    bool sent = true;
    for (uint32_t i = 0; i < FLOOD && sent; i++) {
        if (strcmp(m->script, "a flood of rounds") == 0)
            sent = send_round(m, m->generation, 0, i % 2, 1 - i % 2);
        else if (strcmp(m->script, "a flood of old rounds") == 0)
            sent = send_round(m, m->generation - 1 - i, UINT32_MAX, UINT32_MAX, UINT32_MAX);
        else if (strcmp(m->script, "a flood of links") == 0)
            sent = send_link(m, m->generation, 0, i % 2 ? LPAD__TRI__TRI_YES : LPAD__TRI__TRI_NO);
        else
            sent = send_data(m, 0, UINT64_MAX);
    }
}

// Down, up, down, ...: as often as lpad-policyd answers, which the test cannot see from here. One every few
// milliseconds is more than any honest one tells.
static void flap(struct measured *m)
{
    bool sent = true;
    for (uint32_t i = 0; sent; i++) {
        sent = send_round(m, m->generation, 0, i / 2 % 2, 1 - i / 2 % 2);
        struct pollfd end = {.fd = m->link.fd, .events = POLLRDHUP};
        (void)!poll(&end, 1, 5);
        if (end.revents & (POLLRDHUP | POLLHUP))
            return;
    }
}

static void misbehave(struct measured *m)
{
    if (strcmp(m->script, "what is no message") == 0)
        impostor_send_raw(&m->link, "\x08\x01\xff\xff\xff", 5);
    else if (strcmp(m->script, "another hello") == 0) {
        Lpad__ProbedToBroker frame = LPAD__PROBED_TO_BROKER__INIT;
        Lpad__Hello hello = LPAD__HELLO__INIT;
        frame.body_case = LPAD__PROBED_TO_BROKER__BODY_HELLO;
        frame.hello = &hello;
        (void)send(m, &frame);
    } else if (strcmp(m->script, "a probe that is not there") == 0)
        (void)send_round(m, m->generation, 1, 0, 1);
    else if (strcmp(m->script, "more targets than there are") == 0)
        (void)send_round(m, m->generation, 0, 1, 1);
    else if (strcmp(m->script, "numbers that overflow") == 0)
        (void)send_round(m, m->generation, 0, UINT32_MAX, UINT32_MAX);
    else if (strcmp(m->script, "a link that is not there") == 0)
        (void)send_link(m, m->generation, 1, LPAD__TRI__TRI_NO);
    else if (strcmp(m->script, "data of a link that is not there") == 0)
        (void)send_data(m, UINT32_MAX, UINT64_MAX);
    else if (strcmp(m->script, "down and up again") == 0)
        flap(m);
    else
        flood(m);
}

void impostor_probed(const char *script)
{
    static const struct sandbox_report all = {.landlock_abi = 1};
    struct measured m = {.script = script};
    struct hello_message hello;
    Lpad__ProbedToBroker frame = LPAD__PROBED_TO_BROKER__INIT;
    impostor_open(&link_probed_broker, &m.link);
    hello_to_message(&all, &hello);
    frame.body_case = LPAD__PROBED_TO_BROKER__BODY_HELLO;
    frame.hello = &hello.message;
    impostor_need(send(&m, &frame), "the greeting");
    for (;;) {
        const ProtobufCMessage *received;
        int none;
        if (link_recv(&m.link, -1, &received, &none) != ERR_OK)
            return;
        const Lpad__BrokerToProbed *asked = (const Lpad__BrokerToProbed *)(const void *)received;
        if (asked->body_case == LPAD__BROKER_TO_PROBED__BODY_PLAN)
            m.generation = asked->plan->generation;
        else
            misbehave(&m);
    }
}
