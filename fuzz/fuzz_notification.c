// SPDX-License-Identifier: Apache-2.0
// Fuzz target: a pending notification can be ordered, addressed and forwarded, or is refused untouched.
#include "fuzz/fuzz.h"

#include "rsp/notification.h"

static void check_metadata(const struct notification_metadata *m)
{
    size_t len = strnlen(m->address, sizeof m->address);
    FUZZ_CHECK(len >= 1 && len <= NOTIFICATION_ADDRESS_MAX);
    FUZZ_CHECK(utf8_valid(bytes_from_text(m->address)));
    FUZZ_CHECK(strlen(notification_event_name(m->events)) > 0);
}

static void check_installation(const struct pending_notification *p, const uint8_t *data, size_t size)
{
    const struct installation_result *r = &p->installation;
    FUZZ_CHECK(r->outcome < INSTALLATION_OUTCOME_MAX);
    FUZZ_CHECK(r->transaction_id_len <= TRANSACTION_ID_MAX && r->isdp_aid_len <= NOTIFICATION_AID_MAX);
    FUZZ_CHECK(r->smdp_oid[0] == 0 || oid_text_valid(bytes_from_text(r->smdp_oid)));
    FUZZ_CHECK(fuzz_inside(r->sima_response, data, size));
    if (p->kind == NOTIFICATION_OTHER)
        FUZZ_CHECK(r->outcome == INSTALLATION_UNKNOWN && r->transaction_id_len == 0 && r->smdp_oid[0] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size);
    struct notification_metadata m;
    struct pending_notification p;
    memset(&m, 0xA5, sizeof m);
    memset(&p, 0xA5, sizeof p);
    if (notification_metadata_read(in, &m) == ERR_OK)
        check_metadata(&m);
    else
        FUZZ_CHECK(fuzz_untouched(&m, sizeof m, 0xA5));
    if (pending_notification_read(in, &p) != ERR_OK) {
        FUZZ_CHECK(fuzz_untouched(&p, sizeof p, 0xA5));
        return 0;
    }
    FUZZ_CHECK(p.kind < NOTIFICATION_KIND_MAX && p.whole.data == data && p.whole.len == size);
    check_metadata(&p.metadata);
    check_installation(&p, data, size);
    return 0;
}
