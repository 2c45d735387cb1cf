// SPDX-License-Identifier: Apache-2.0
// The real lpad-policyd, sandboxed, between a scripted supervisor, broker and cardd. What does not go as it
// must fails the test. Replies live until the next one on their link.
#ifndef LPAD_TESTS_UNIT_POLICY_RIG_H
#define LPAD_TESTS_UNIT_POLICY_RIG_H

#include "tests/unit/unit.h"

#include "proto/link.h"

#include "approval.pb-c.h"
#include "policy.pb-c.h"
#include "supervisor.pb-c.h"

#include <sys/types.h>

struct daemon {
    const char *program; // the path of lpad-policyd
    pid_t pid;
    struct link supervisor, broker, cardd;
    int counters, text, engine, record; // outlive the process
    bool recording;
    const char *boot; // NULL: that of the kernel is not told
    // The last plan that it sent.
    bool planned;
    uint32_t generation, plan_probes, plan_links;
};

extern const char rig_good_text[]; // two enables a day for "boss", uid 1000
extern const char rig_bad_text[];  // a mistake in line 3
extern const uint8_t rig_eid[16];

void rig_init(struct daemon *d, const char *program);
void rig_done(struct daemon *d);
void rig_make_pair(int pair[2]);
void rig_start(struct daemon *d);
void rig_assert_exits(struct daemon *d, int code);
void rig_stop(struct daemon *d);
void rig_send_new_link(struct daemon *d, Lpad__Process peer, int fd);
void rig_connect_broker(struct daemon *d);
void rig_connect_cardd(struct daemon *d);
void rig_send_text_fd(struct daemon *d, int fd, uint32_t size);
const Lpad__PolicyVerdict *rig_send_text(struct daemon *d, const char *text);
const Lpad__PolicyVerdict *rig_send_absence(struct daemon *d);
const Lpad__PolicyStatus *rig_get_status(struct daemon *d);
const Lpad__PolicyStatus *rig_take_loaded(struct daemon *d);
const Lpad__Decision *rig_send_intent(struct daemon *d, Lpad__Intent *body);
const Lpad__Decision *rig_intend(struct daemon *d, Lpad__Operation operation);
const Lpad__Decision *rig_consent(struct daemon *d);
// The engine's own intent for this profile.
const Lpad__Decision *rig_intend_engine(struct daemon *d, const uint8_t target[10]);
const Lpad__SwitchStep *rig_send_event(struct daemon *d, Lpad__SwitchEvent *event);
const Lpad__Explanation *rig_explain(struct daemon *d);
// Any frame that is no plan; plans are noted.
const Lpad__PolicydToBroker *rig_take_from_policyd(struct daemon *d);
const Lpad__Approval *rig_ask_card_side(struct daemon *d, Lpad__CarddToPolicyd *frame);
const Lpad__Approval *rig_approve(struct daemon *d, Lpad__Operation operation);
void rig_assert_enabled(struct daemon *d);
void rig_assert_intent_denied(struct daemon *d, Lpad__DenyReason reason);

#endif
