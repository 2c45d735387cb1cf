// SPDX-License-Identifier: Apache-2.0
// Fuzz target: every link's messages. The first octet chooses the root message, the rest is the frame. What
// is accepted packs to the same bytes (or, for clients, the same length), and again is accepted.
#include "fuzz/fuzz.h"

#include "proto/link.h"

#include "approval.pb-c.h"
#include "card.pb-c.h"
#include "control.pb-c.h"
#include "net.pb-c.h"
#include "policy.pb-c.h"
#include "supervisor.pb-c.h"

#define ARENA_MAX (512u * 1024)

// New roots go to the end: the corpus names them by number.
static const ProtobufCMessageDescriptor *const roots[] = {
    &lpad__client_to_broker__descriptor,      &lpad__broker_to_client__descriptor,
    &lpad__broker_to_cardd__descriptor,       &lpad__cardd_to_broker__descriptor,
    &lpad__broker_to_netd__descriptor,        &lpad__netd_to_broker__descriptor,
    &lpad__broker_to_policyd__descriptor,     &lpad__policyd_to_broker__descriptor,
    &lpad__cardd_to_policyd__descriptor,      &lpad__policyd_to_cardd__descriptor,
    &lpad__broker_to_supervisor__descriptor,  &lpad__supervisor_to_broker__descriptor,
    &lpad__supervisor_to_policyd__descriptor, &lpad__policyd_to_supervisor__descriptor,
    &lpad__broker_settings__descriptor,       &lpad__netd_settings__descriptor,
    &lpad__cardd_settings__descriptor,        &lpad__policyd_settings__descriptor,
};

static void check_accepted(const ProtobufCMessage *m, struct bytes frame, bool exact)
{
    FUZZ_CHECK(link_check(m) == ERR_OK);
    size_t size = protobuf_c_message_get_packed_size(m);
    FUZZ_CHECK(size == frame.len);
    uint8_t *packed = malloc(size ? size : 1);
    if (packed == NULL)
        return;
    FUZZ_CHECK(protobuf_c_message_pack(m, packed) == size);
    FUZZ_CHECK(!exact || memcmp(packed, frame.data, size) == 0);
    struct arena arena;
    const ProtobufCMessage *again = NULL;
    FUZZ_CHECK(arena_init(&arena, ARENA_MAX) == ERR_OK);
    FUZZ_CHECK(link_unpack(m->descriptor, bytes_make(packed, size), true, &arena, &again) == ERR_OK);
    arena_free(&arena);
    free(packed);
}

// What no frame becomes, but a caller may have made.
static void check_unfinished(void)
{
    Lpad__NetOpen open = LPAD__NET_OPEN__INIT;
    FUZZ_CHECK(link_check(NULL) == ERR_PEER_UNPARSABLE);
    FUZZ_CHECK(link_check(&open.base) == ERR_PEER_UNPARSABLE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_unfinished();
    if (size < 1 || size > LINK_FRAME_MAX)
        return 0;
    const ProtobufCMessageDescriptor *root = roots[data[0] % (sizeof roots / sizeof roots[0])];
    struct bytes frame = bytes_make(data + 1, size - 1);
    struct arena arena;
    if (arena_init(&arena, ARENA_MAX) != ERR_OK)
        return 0;
    for (int exact = 0; exact < 2; exact++) {
        const ProtobufCMessage *m = NULL;
        enum err e = link_unpack(root, frame, exact != 0, &arena, &m);
        FUZZ_CHECK((e == ERR_OK) == (m != NULL));
        FUZZ_CHECK(e == ERR_OK || err_class_of(e) == ERR_CLASS_PEER);
        FUZZ_CHECK(arena.used <= arena.cap);
        if (e == ERR_OK)
            check_accepted(m, frame, exact != 0);
        arena_reset(&arena);
    }
    arena_free(&arena);
    return 0;
}
