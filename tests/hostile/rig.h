// SPDX-License-Identifier: Apache-2.0
// A hostile broker's place: the real lpad-cardd and the real lpad-policyd, each in its own sandbox and wired
// as the supervisor wires them, against the simulated eUICC. The test holds the broker's two ends and the
// supervisor's end to lpad-policyd.
//
// What a case proves, it proves on the card's APDU log: every command that lpad-cardd sent since rig_mark,
// put together again from its STORE DATA chain.
//
// Every function fails the running cmocka test when what it needs does not work. Every wait is for an event.
#ifndef LPAD_TESTS_HOSTILE_RIG_H
#define LPAD_TESTS_HOSTILE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "lib/proc.h"
#include "proto/link.h"
#include "tests/hostile/server.h"

#include "card.pb-c.h"
#include "policy.pb-c.h"
#include "supervisor.pb-c.h"

#define RIG_HOST "smdp.example.com"

// Users of the default policy: the first may do what any role may do, the second only part of it, the third
// has a role that no permission names, the fourth has no role.
enum { RIG_ADMIN = 1000, RIG_OPERATOR = 1001, RIG_GUEST = 1002, RIG_NOBODY = 1003 };

// Profiles on the default card.
#define RIG_DISABLED  "8949449999999990015" // operational
#define RIG_ENABLED   "8949449999999990023" // operational
#define RIG_TEST      "8949449999999990049" // test, disabled
#define RIG_DISABLED2 "8949449999999990056" // operational
// And the one that the order is for.
#define RIG_ORDERED "8949449999999990031"

struct rig_options {
    const char *policy;   // NULL: the default one; "": none
    const char *initial;  // of the card, JSON; NULL: the profiles above
    const char *faults;   // of the card, JSON
    const char *order;    // more members of the order, JSON
    uint32_t intent_ms;   // 0: 60 s
    uint32_t apdu_ms;     // 0: 5 s
    uint32_t package_max; // 0: 1 MiB
    bool with_terminal_capability;
};

struct process {
    pid_t pid; // 0: none
    int pidfd;
};

struct rig {
    char dir[200];
    const struct rig_options *options;
    struct process euicc, cardd, policyd;
    struct link card;       // to lpad-cardd
    struct link policy;     // to lpad-policyd
    struct link supervisor; // to lpad-policyd, the supervisor's end
    struct server *server;
    uint32_t id;         // of the last request on either link
    size_t mark;         // of the APDU log
    bool has_policy;     // lpad-policyd was given one: it sends a plan
    uint32_t generation; // of the last plan, at a new link to lpad-policyd
    int files[4];        // lpad-policyd's state, last good policy, engine's state, and no recording
};

// Group fixtures: a folder with a test PKI for all rigs of the program.
int rig_group_setup(void **state);
int rig_group_teardown(void **state);
const char *rig_credentials(const char *name); // "pki", or a set of it: "pki/nist-wrong-dppb-oid"

// NULL: all defaults. When it returns, both processes have announced themselves and the policy is loaded.
void rig_open(struct rig *r, const struct rig_options *options);
// Closes the links. Both processes, when they still live, must end with code 0, and nothing in their log may
// tell of a bug or of a forbidden system call.
void rig_close(struct rig *r);

// The parts. A new lpad-cardd gets a new link to lpad-policyd, as after a restart.
void rig_start_cardd(struct rig *r);
void rig_start_policyd(struct rig *r); // with links for the broker and for the lpad-cardd that may follow
void rig_give_policy(struct rig *r, const char *text);
void rig_new_broker_link(struct rig *r); // to lpad-policyd
int rig_end_of(struct process *p);       // waits; the exit code, or 128 + signal
void rig_kill(struct process *p);
bool rig_lives(const struct process *p);
void rig_faults(struct rig *r, const char *json); // of the card, from now on

// --- the log ---

void rig_mark(struct rig *r);
// Commands sent since the mark: with this tag. 0xBF36 counts the segments of a package.
unsigned rig_sent(const struct rig *r, uint32_t tag);
// And those that the card carried out.
unsigned rig_done(const struct rig *r, uint32_t tag);
// Of these with `text` in their line, e.g. "result=0".
unsigned rig_done_with(const struct rig *r, uint32_t tag, const char *text);
// Nothing but reads that are free for all, and GetEUICCChallenge, was sent since the mark.
void rig_expect_reads_only(const struct rig *r);
// As before, or one of `tags` (0 at the end), each as often as it stands there.
void rig_expect_only(const struct rig *r, const uint32_t *tags);
unsigned rig_log_count(const struct rig *r, const char *text); // since the mark
void rig_log_wait(const struct rig *r, const char *text);      // until it stands there since the mark

// --- what a process answered ---

struct outcome {
    int body;            // body_case of the reply; 0: the link was closed instead
    enum err error;      // of a Failure; ERR_CLOSED when the link was closed
    int deny;            // DenyReason, 0: none
    uint32_t sw, result; // of a Failure; 0: none
    bool has_result;
    char detail[128];
};

// Sends a request with the next id and waits for its reply; progress is skipped. The reply is borrowed from
// the link, and NULL for a closed one.
const Lpad__CarddToBroker *rig_ask_card(struct rig *r, Lpad__BrokerToCardd *request, int fd,
                                        struct outcome *ret_outcome);
void rig_send_card(struct rig *r, Lpad__BrokerToCardd *request, int fd); // without waiting
const Lpad__CarddToBroker *rig_wait_card(struct rig *r, struct outcome *ret_outcome);
const Lpad__PolicydToBroker *rig_ask_policy(struct rig *r, Lpad__BrokerToPolicyd *request);

// --- requests ---

struct bytes rig_iccid(const char *digits); // as on the card; one of the last four is good

struct outcome card_info(struct rig *r);
struct outcome card_list(struct rig *r);
struct outcome card_challenge(struct rig *r);
struct outcome card_change(struct rig *r, Lpad__Operation operation, const char *iccid);
struct outcome card_nickname(struct rig *r, const char *iccid, const char *nickname);
struct outcome card_load(struct rig *r);
struct outcome card_cancel(struct rig *r, uint32_t reason);
struct outcome card_notifications(struct rig *r, uint32_t *ret_first); // the lowest number, 0: none
struct outcome card_retrieve(struct rig *r, uint32_t number);
struct outcome card_remove(struct rig *r, uint32_t number);

// 0: allowed; DenyReason; -1: must be consented to.
#define MUST_ASK (-1)
int policy_change(struct rig *r, uint32_t uid, Lpad__Operation operation, const char *iccid,
                  const char *nickname);
int policy_download(struct rig *r, uint32_t uid, const char *host);
int policy_consent(struct rig *r);
void policy_drop(struct rig *r);

#define expect_ok(o)             rig_expect((o), ERR_OK, 0, __FILE__, __LINE__)
#define expect_denied(o, reason) rig_expect((o), ERR_DENIED, LPAD__DENY_REASON__##reason, __FILE__, __LINE__)
#define expect_error(o, e)       rig_expect((o), (e), 0, __FILE__, __LINE__)
void rig_expect(struct outcome o, enum err error, int deny, const char *file, int line);

#endif
