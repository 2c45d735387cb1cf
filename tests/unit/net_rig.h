// SPDX-License-Identifier: Apache-2.0
// Two network namespaces of the test's own, with two cables between them:
//
//   near   wan0 10.77.0.2/24 fd77::2/64 ---- peer0 10.77.0.1 fd77::1   far
//          wan1 10.78.0.2/24            ---- peer1 10.78.0.1
//                                             lo   10.99.0.1, which near reaches over its default routes
//
// The test runs in near. Everything fails the running cmocka test when it does not work. Root only.
#ifndef LPAD_TESTS_UNIT_NET_RIG_H
#define LPAD_TESTS_UNIT_NET_RIG_H

#include <stdbool.h>

struct net_rig {
    int near, far; // the namespaces
    int names;     // the file that is this process's /etc/resolv.conf now
};

// Makes all of it, once in a process. False, with a line that says so, when this user cannot.
bool net_rig_make(struct net_rig *n);
void net_rig_free(struct net_rig *n);
// This process goes there; what it makes there stays there.
void net_rig_enter(int name_space);

// Runs a command, "ip link set wan0 down", here or in far.
void net_rig_run(const char *command);
void net_rig_run_far(const struct net_rig *n, const char *command);
// What arrives at one of far's interfaces vanishes, or no longer.
void net_rig_drop(const struct net_rig *n, const char *interface);
void net_rig_drop_no_more(const struct net_rig *n);

// Octets above Ethernet that went over an interface of near, both ways.
unsigned long long net_rig_octets(const char *interface);

void net_rig_write(const char *path, const char *text);

#endif
