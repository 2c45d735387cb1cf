// SPDX-License-Identifier: Apache-2.0
// A world whose policy switches by two probes of servers of the test on loopback, which come and go, and
// whose recording is replayed at the end.
#ifndef LPAD_TESTS_E2E_SWITCHING_WORLD_H
#define LPAD_TESTS_E2E_SWITCHING_WORLD_H

#include "tests/e2e/world.h"

#define MAIN   "8949449999999990031"
#define BACKUP "8949449999999990049"

// A port of its own; connections to it are refused while it does not listen.
struct server {
    int fd;
    unsigned port;
};
void server_listen(struct server *s);
void server_go_down(struct server *s);

struct setting {
    struct world_options options;
    struct world w;
    struct server net, trial;
    const char *permissions; // lines to add; NULL: none
    char policy[4096], top[512];
};

// The profiles MAIN, which is enabled, and BACKUP; `rules` stand under `switching:`; the probes "net" and
// "try", a round each second, are there.
void setting_begin(struct setting *s, const char *rules, bool trial_listens);
// Stops lpad, and holds the recording against the policy in force.
void setting_end(struct setting *s);
// What was recorded with this policy leads to the same decisions again.
void setting_expect_replay(struct setting *s, const char *policy);

void setting_wait_audit(struct setting *s, const char *type, unsigned times);
unsigned setting_count_audit(struct setting *s, const char *type);
// What `lpactl --json A B` prints; the caller's.
char *setting_ask(struct setting *s, const char *a, const char *b);
void setting_expect_done(struct setting *s, const char *a, const char *b);
// Exactly one profile is enabled, and it is this one.
void setting_expect_enabled(struct setting *s, const char *iccid);
// How often the card was told to enable a profile.
unsigned setting_count_enables(struct setting *s);

#define AWAY_AND_HOME                                                                                        \
    "  dwell: 0s\n"                                                                                          \
    "  hands_off: 1h\n"                                                                                      \
    "  rules:\n"                                                                                             \
    "    - { name: away, priority: 1, when: { probe: net, is: down }, use: backup }\n"                       \
    "    - { name: home, use: main }\n"

#endif
