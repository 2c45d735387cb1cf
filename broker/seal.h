// SPDX-License-Identifier: Apache-2.0
// The keys that sign the audit's epochs (Ed25519), and the file in which the next one waits.
//
// Each epoch has a key of its own. While it is open its secret half is in memory only; the key file holds
// the next epoch's. From epoch n to n+1:
//   seal_prepare   makes the key of n+2 and stores it durably beside that of n+1
//   (the caller)   signs the end of n by SEAL_OPEN and the beginning of n+1 by SEAL_NEXT, and makes both
//                  lines durable
//   seal_advance   n+1 is the open epoch; the key of n is wiped from memory
//   seal_forget    overwrites the key of n+1 in the file, durably
// Whatever is cut off between two of these, the file holds the key whose public half the log's last durable
// epoch.begin names as the next, and once seal_forget is through, no key that ever signed.
//
// The file has two places of SEAL_PLACE octets, written in turn and overwritten where they stand. A file
// system that writes elsewhere (copy on write), and flash below it, may keep what was overwritten.
#ifndef LPAD_BROKER_SEAL_H
#define LPAD_BROKER_SEAL_H

#include "broker/audit_io.h"

#define SEAL_CHAIN 16
#define SEAL_KEY   32
#define SEAL_SIG   64
#define SEAL_PLACE 4096

// What stands in one place, or would.
struct seal_place {
    bool whole;
    uint64_t epoch; // whose key it is
    uint8_t chain[SEAL_CHAIN];
    uint8_t first_key[SEAL_KEY]; // public, of the chain's first epoch
    uint8_t key[SEAL_KEY];       // public
};

struct seal_secrets; // in locked memory that is left out of core dumps, where the kernel allows it

struct seal {
    const struct audit_io *io;
    int fd; // borrowed
    struct seal_secrets *secrets;
    struct seal_place places[2];
    uint8_t chain[SEAL_CHAIN];
    uint8_t first_key[SEAL_KEY];
    uint64_t epoch; // the open one, 0: none
    uint8_t key[SEAL_KEY], next_key[SEAL_KEY], prepared_key[SEAL_KEY];
    unsigned next_place; // where the next epoch's key lies
    bool prepared;       // seal_prepare is done, seal_advance is not
    bool forget_due;     // the key in the other place has signed
};

enum seal_signer {
    SEAL_OPEN, // the open epoch's key
    SEAL_NEXT, // the next epoch's
    SEAL_SIGNER_MAX,
};

// Takes memory; reads the two places. ERR_MEMORY; ERR_IO: the file cannot be read, and seals nothing.
LPAD_NODISCARD enum err seal_open(struct seal *s, int fd, const struct audit_io *io);
// Wipes the keys. A seal that was never opened is fine.
void seal_close(struct seal *s);

// Whether the file holds this key of this chain.
bool seal_holds(const struct seal *s, const uint8_t chain[static SEAL_CHAIN],
                const uint8_t key[static SEAL_KEY]);
// The key that a log's last epoch.begin names is to begin the next epoch, number `epoch`. ERR_INPUT: the file
// does not hold it.
LPAD_NODISCARD enum err seal_resume(struct seal *s, const uint8_t chain[static SEAL_CHAIN],
                                    const uint8_t key[static SEAL_KEY], uint64_t epoch);
// A new chain, whose first epoch is next. Its key is in memory only. ERR_IO.
LPAD_NODISCARD enum err seal_new_chain(struct seal *s);

// ERR_IO: nothing has changed.
LPAD_NODISCARD enum err seal_prepare(struct seal *s);
// `line` as it stands before `,"sig":`, at most SEAL_LINE_MAX octets.
#define SEAL_LINE_MAX 2048
void seal_sign(const struct seal *s, enum seal_signer signer, struct bytes line,
               uint8_t ret_sig[static SEAL_SIG]);
LPAD_NODISCARD bool seal_verify(const uint8_t chain[static SEAL_CHAIN], const uint8_t key[static SEAL_KEY],
                                struct bytes line, const uint8_t sig[static SEAL_SIG]);
void seal_advance(struct seal *s);
// The log's lines are durable. ERR_IO: still to be done.
LPAD_NODISCARD enum err seal_forget(struct seal *s);

#endif
