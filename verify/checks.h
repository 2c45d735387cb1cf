// SPDX-License-Identifier: Apache-2.0
// Signatures, checked by threads beside the one that reads. They are checked in any order; what counts is the
// first, in the order in which they were given, that does not hold.
//
// The threads read no file and take no memory. All functions but check_holds are for the thread that reads.
#ifndef LPAD_VERIFY_CHECKS_H
#define LPAD_VERIFY_CHECKS_H

#include "verify/state.h"

#define CHECKS_THREADS_MAX 8
#define CHECKS_RING        64 // how many signatures may wait
#define CHECK_MESSAGE_MAX  (14 + RECORD_CHAIN + RECORD_MAX)

// One signature, and what held before its line.
struct check {
    struct verify_state before;
    uint64_t record, epoch; // of the line
    uint8_t key[RECORD_KEY], sig[RECORD_SIG];
    size_t len;
    uint8_t message[CHECK_MESSAGE_MAX];
};
__attribute__((warn_unused_result)) bool check_holds(const struct check *check);

struct checks;
// One thread for each processor that this process may use, at most CHECKS_THREADS_MAX. All run, and need no
// other system call than futex, when it returns. NULL: there is only one processor, or no thread can be had;
// then signatures are checked where they are read.
struct checks *checks_start(void);
// The same with `count` threads.
struct checks *checks_start_threads(unsigned count);
// Ends the threads. No check may be waiting.
void checks_stop(struct checks *c);

// The next one to be filled, which nobody else reads; waits for room. NULL: one does not hold, settle.
__attribute__((warn_unused_result)) struct check *checks_room(struct checks *c);
// Gives away what checks_room returned.
void checks_give(struct checks *c);
// Waits for all that were given. The first that does not hold, until the next call of checks_room; NULL: all
// hold. New ones may be given afterwards.
__attribute__((warn_unused_result)) const struct check *checks_settle(struct checks *c);

#endif
