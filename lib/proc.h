// SPDX-License-Identifier: Apache-2.0
// The skeleton of every process that the supervisor starts: descriptor contract, settings, life line.
//
// The contract, checked by proc_begin before anything else:
//   0, 1   /dev/null           2  the log
//   3      the settings: a sealed memfd with one packed settings message of supervisor.proto
//   4 ...  the process's own descriptors, named in its `proc_descriptor` table, no more and no fewer
//
// A main is the same dozen steps: proc_begin, read settings, warm up what libraries open lazily,
// sandbox_enter, announce with Hello, serve until the link closes.
#ifndef LPAD_LIB_PROC_H
#define LPAD_LIB_PROC_H

#include "lib/bytes.h"
#include "lib/sandbox.h"

#define PROC_FD_SETTINGS 3
#define PROC_FD_OWN      4

enum proc_descriptor_type {
    PROC_FD_LINK,    // a SOCK_SEQPACKET Unix socket
    PROC_FD_LISTEN,  // the listening control socket
    PROC_FD_FILE,    // a regular file
    PROC_FD_MAYBE,   // a regular file, or /dev/null when there is none
    PROC_FD_STREAM,  // a stream socket or a character device: a card's transport
    PROC_FD_ROUTES,  // a netlink socket: the kernel tells of routes
    PROC_FD_JOURNAL, // a datagram socket, or a character device: there is no journal
    PROC_FD_TYPE_MAX,
};

struct proc_descriptor {
    const char *name;
    enum proc_descriptor_type type;
};

struct proc_spec {
    const char *name;                  // "lpad-cardd"
    const struct proc_descriptor *own; // descriptor PROC_FD_OWN + i is own[i]
    size_t own_count;
    int death_signal; // sent when the supervisor dies; 0: the closing link is the only sign (cardd finishes a
                      // load)
};

// Exit codes, by which the supervisor knows why a process ended.
enum proc_exit {
    PROC_EXIT_OK = 0,                // its work is done, or its link closed
    PROC_EXIT_CONTRACT = 64,         // descriptors or settings are not what they must be
    PROC_EXIT_SANDBOX = 65,          // the sandbox could not be made
    PROC_EXIT_FAILED = 66,           // a local error, in the log
    PROC_EXIT_CARD = 67,             // the card or its transport is gone
    PROC_EXIT_VIOLATION_BROKER = 80, // that peer broke the link's contract
    PROC_EXIT_VIOLATION_CARDD = 81,
    PROC_EXIT_VIOLATION_POLICYD = 82,
    PROC_EXIT_VIOLATION_SUPERVISOR = 83,
    PROC_EXIT_VIOLATION_NETD = 84,
};

// Checks the contract, sets the log's name, the death signal and the parent check, closes nothing it was not
// told of: a descriptor too many ends the process (PROC_EXIT_CONTRACT), since it would be a hole.
void proc_begin(const struct proc_spec *spec);

// The settings' bytes: map, checked seals, at most 256 KiB. The descriptor is closed. Ends the process when
// it cannot.
struct bytes proc_read_settings(void);

// sandbox_enter, or the end of the process with PROC_EXIT_SANDBOX and a line in the log.
void proc_enter_sandbox(const struct sandbox_spec *spec, bool required, struct sandbox_report *ret_report);

#endif
