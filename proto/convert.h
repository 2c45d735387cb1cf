// SPDX-License-Identifier: Apache-2.0
// RSP values as messages. The message borrows from its source and lives beside its own storage, so nothing is
// allocated: keep both until the message was sent.
#ifndef LPAD_PROTO_CONVERT_H
#define LPAD_PROTO_CONVERT_H

#include "lib/sandbox.h"
#include "rsp/metadata.h"
#include "rsp/notification.h"
#include "rsp/profile.h"

#include "types.pb-c.h"

struct metadata_message {
    Lpad__Metadata message;
    Lpad__Owner owner;
    Lpad__NotificationConfiguration configurations[METADATA_NOTIFICATIONS_MAX];
    Lpad__NotificationConfiguration *configuration_list[METADATA_NOTIFICATIONS_MAX];
    uint8_t icon_sha256[32];
    uint8_t others_sha256[32];
};
// netd (as announced) and cardd (as in the package) both make theirs here: policyd compares the packed bytes.
void metadata_to_message(const struct profile_metadata *metadata, struct metadata_message *ret);

// Borrows from `owner`, which must be present.
void owner_to_message(const struct profile_owner *owner, Lpad__Owner *ret);

struct profile_message {
    Lpad__Profile message;
    Lpad__Owner owner;
};
void profile_to_message(const struct profile_info *profile, struct profile_message *ret);

static inline ProtobufCBinaryData binary_from(const void *data, size_t len)
{
    ProtobufCBinaryData b = {.len = len, .data = (uint8_t *)(uintptr_t)data};
    return b;
}
static inline ProtobufCBinaryData binary_from_bytes(struct bytes v)
{
    return binary_from(v.data, v.len);
}
static inline struct bytes bytes_from_binary(ProtobufCBinaryData b)
{
    return bytes_make(b.data, b.len);
}

// The first message of a process: what its sandbox is made of. Borrows from `report`.
struct hello_message {
    Lpad__Hello message;
    char *missing[SANDBOX_MISSING_MAX];
};
void hello_to_message(const struct sandbox_report *report, struct hello_message *ret);

// The function's name as people of the field write it, e.g. "ES9+ AuthenticateClient".
const char *function_words(Lpad__Function function);
const char *operation_words(Lpad__Operation operation); // "download", "enable", ...
const char *process_words(int process);                 // Process of supervisor.proto: "lpad-netd", ...

#endif
