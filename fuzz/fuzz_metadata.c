// SPDX-License-Identifier: Apache-2.0
// Fuzz target: metadata is read within its bounds or not at all, and equals itself. Two of them behind each
// other are what a server announced and what its package has: they are compared.
#include "fuzz/fuzz.h"

#include "lib/der.h"
#include "rsp/metadata.h"

static void check_text(const char *text, size_t max)
{
    FUZZ_CHECK(strnlen(text, max + 1) <= max && utf8_valid(bytes_from_text(text)));
}

static void check_metadata(const struct profile_metadata *m, const uint8_t *data, size_t size)
{
    check_text(m->spn, PROFILE_SPN_MAX);
    check_text(m->name, PROFILE_NAME_MAX);
    FUZZ_CHECK(m->class <= PROFILE_OPERATIONAL && m->icon_type < PROFILE_ICON_TYPE_MAX);
    FUZZ_CHECK(m->notification_count <= METADATA_NOTIFICATIONS_MAX);
    for (size_t i = 0; i < m->notification_count; i++)
        check_text(m->notifications[i].address, METADATA_NOTIFICATION_ADDRESS_MAX);
    FUZZ_CHECK(m->owner.gid1.len <= PROFILE_GID_MAX && m->owner.gid2.len <= PROFILE_GID_MAX);
    FUZZ_CHECK(m->icon.len <= PROFILE_ICON_MAX && fuzz_inside(m->icon, data, size));
    FUZZ_CHECK(m->whole.data == data && m->whole.len == size);
    char digits[ICCID_TEXT_MAX];
    struct iccid again;
    iccid_to_text(&m->iccid, digits);
    FUZZ_CHECK(iccid_from_text(digits, strlen(digits), &again) == ERR_OK && iccid_equal(&again, &m->iccid));
}

static void check_comparison(const struct profile_metadata *m, const uint8_t *data, size_t size)
{
    // A copy elsewhere with the same content, so that the answer cannot come from the pointers.
    uint8_t *copy = malloc(size);
    struct profile_metadata other;
    const char *difference = NULL;
    if (!copy)
        return;
    memcpy(copy, data, size);
    FUZZ_CHECK(metadata_read(bytes_make(copy, size), &other) == ERR_OK);
    FUZZ_CHECK(metadata_equal(m, &other, &difference) && !difference);
    other.whole.len = 0;
    other.pprs ^= PPR1;
    FUZZ_CHECK(!metadata_equal(m, &other, &difference) && strcmp(difference, "profilePolicyRules") == 0);
    free(copy);
}

static void compare_both(struct bytes in)
{
    struct der_tlv first;
    struct profile_metadata a, b;
    const char *ab = NULL, *ba = NULL;
    if (der_read(&in, &first) != ERR_OK || metadata_read(first.whole, &a) != ERR_OK ||
        metadata_read(in, &b) != ERR_OK)
        return;
    bool equal = metadata_equal(&a, &b, &ab);
    FUZZ_CHECK(metadata_equal(&b, &a, &ba) == equal);
    FUZZ_CHECK(equal ? !ab && !ba : ab && ba && strcmp(ab, ba) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct profile_metadata m;
    compare_both(bytes_make(data, size));
    memset(&m, 0xA5, sizeof m);
    if (metadata_read(bytes_make(data, size), &m) != ERR_OK) {
        FUZZ_CHECK(fuzz_untouched(&m, sizeof m, 0xA5));
        return 0;
    }
    check_metadata(&m, data, size);
    check_comparison(&m, data, size);
    return 0;
}
