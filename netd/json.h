// SPDX-License-Identifier: Apache-2.0
// Bodies of ES9+ replies: JSON within bounds, the function's header, and typed members.
//
// SGP.22 v2.5, 6.5.2. Members that are not known are ignored; a member that stands twice, a missing one and
// one of the wrong type are ERR_REMOTE_SHAPE, with a sentence that names the member.
#ifndef LPAD_NETD_JSON_H
#define LPAD_NETD_JSON_H

#include "lib/arena.h"
#include "lib/der.h"
#include "netd/fault.h"

#include <jansson.h>

#define JSON_DEPTH_MAX  16  // objects and lists within each other
#define JSON_VALUES_MAX 512 // values in all: each costs a hundred times what it takes to send it

#define TRANSACTION_ID_MAX 16

struct transaction_id {
    uint8_t bytes[TRANSACTION_ID_MAX];
    size_t len; // 1 to TRANSACTION_ID_MAX
};

static inline struct bytes transaction_id_view(const struct transaction_id *id)
{
    return bytes_make(id->bytes, id->len);
}

// Before the sandbox: seeds jansson's hash tables, which else open /dev/urandom.
LPAD_NODISCARD enum err json_warm_up(void);

enum json_header {
    JSON_HEADER_REQUIRED,
    JSON_HEADER_OPTIONAL, // the functions without output: some servers send an empty object, or nothing
};

// Parses `body`, which must be one JSON object (with JSON_HEADER_OPTIONAL also nothing), and reads its
// functionExecutionStatus: Executed-Success and Executed-WithWarning go on, the latter with the server's
// words in the fault's warning; Failed and Expired are ERR_REMOTE_REFUSED, with the codes and the server's
// words in the fault. The caller gives the reply back with json_decref. ERR_LIMIT: too deep or too many
// values.
LPAD_NODISCARD enum err json_reply_load(struct bytes body, enum json_header header, json_t **ret_reply,
                                        struct fault *f);

// The string member `name`, borrowed from the reply.
LPAD_NODISCARD enum err json_get_text(const json_t *reply, const char *name, const char **ret_text,
                                      size_t *ret_len, struct fault *f);
// transactionId: hexadecimal of either case, 1 to 16 bytes.
LPAD_NODISCARD enum err json_get_transaction_id(const json_t *reply, struct transaction_id *ret_id,
                                                struct fault *f);
// The member `name`: base64, at most `max` bytes decoded, which live in `arena`.
LPAD_NODISCARD enum err json_get_binary(const json_t *reply, const char *name, size_t max,
                                        struct arena *arena, struct bytes *ret_bytes, struct fault *f);
// Likewise, and exactly one TLV of this tag (DER, minimal lengths).
LPAD_NODISCARD enum err json_get_tlv(const json_t *reply, const char *name, der_tag tag, size_t max,
                                     struct arena *arena, struct bytes *ret_tlv, struct fault *f);

#endif
