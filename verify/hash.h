// SPDX-License-Identifier: Apache-2.0
// SHA-256, the one thing that is done with every octet: by OpenSSL, which uses the processor's instructions
// for it.
#ifndef LPAD_VERIFY_HASH_H
#define LPAD_VERIFY_HASH_H

#include "verify/record.h"

struct hasher;
// NULL: this machine's OpenSSL has no SHA-256, or memory is short.
__attribute__((warn_unused_result)) struct hasher *hasher_new(void);
void hasher_free(struct hasher *h);
// Takes no memory and makes no system call. A process in which it cannot be computed ends: it has no verdict.
void hasher_sha256(struct hasher *h, const uint8_t *data, size_t len, uint8_t ret_hash[static RECORD_HASH]);

#endif
