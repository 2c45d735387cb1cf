// SPDX-License-Identifier: Apache-2.0
// One target of one round, from its name to its answer. Each attempt has sockets of its own, used for nothing
// before or after: only a fresh connection says that the way is there now.
#ifndef LPAD_PROBED_ATTEMPT_H
#define LPAD_PROBED_ATTEMPT_H

#include "probed/loop.h"
#include "probed/plan.h"

struct https;

// What all attempts share.
struct attempt_context {
    struct loop *loop;
    struct https *https;
    const Lpad__ProbedSettings *settings;
    const char *name_servers; // as a resolver takes them; empty: there are none
};

enum attempt_state {
    ATTEMPT_RUNNING,
    ATTEMPT_PASSED,
    ATTEMPT_FAILED,
    ATTEMPT_STATE_MAX,
};

// Of a name with both, an IPv4 and an IPv6 address are tried at once; the first that answers decides.
#define LEGS_MAX 2

struct leg {
    int fd; // -1: none
    int family;
};

struct transfer; // of https

struct attempt {
    const struct attempt_context *context;
    struct probe *probe;
    const struct target *target;
    enum attempt_state state;
    uint64_t octets; // spent until now, both ways, with headers
    struct resolver *resolver;
    struct resolve_answer answer;
    bool begun; // the addresses are known and its kind is at work
    uint16_t connect_port;
    struct leg legs[LEGS_MAX];
    uint8_t token[16]; // of icmp
    struct transfer *transfer;
};

// How a kind of probe works once the addresses are known: `begin` leads to attempt_pass or attempt_fail,
// sooner or later; `end` gives back everything, at any time.
struct measure {
    void (*begin)(struct attempt *a);
    void (*end)(struct attempt *a);
};
extern const struct measure measure_https, measure_tcp, measure_icmp;

void attempt_pass(struct attempt *a);
void attempt_fail(struct attempt *a);
// Fails; the reason lies in the configuration of the machine and is logged once for each probe.
void attempt_refuse(struct attempt *a, const char *why);

// `*a` must stay where it is until attempt_end.
void attempt_begin(struct attempt *a, const struct attempt_context *context, struct probe *probe,
                   const struct target *target);
// Goes on with what became possible since.
void attempt_work(struct attempt *a);
// When it wants attempt_work though nothing came: in milliseconds, `most_ms` at most.
int64_t attempt_due_in(struct attempt *a, int64_t most_ms);
void attempt_end(struct attempt *a);

// For the kinds with legs: opens a socket, bound to the probe's interface, for the first address of each
// family and hands it to `start`, which returns false when it is of no use. No leg left: attempt_fail.
typedef bool leg_starter(struct attempt *a, struct leg *leg, const union address *to);
void attempt_open_legs(struct attempt *a, int type, int protocol_v4, int protocol_v6, leg_starter *start);
struct leg *attempt_find_leg(struct attempt *a, int fd); // NULL: none has it
// Closes one that may be closed already; attempt_fail when it was the last.
void attempt_close_leg(struct attempt *a, struct leg *leg);

#endif
