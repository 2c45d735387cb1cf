// SPDX-License-Identifier: Apache-2.0
// lpad-audit-verify's reader and rules. With a key that nobody has no log is whole; and what is whole with
// the key that it names itself stays so with that key named, and is not whole any more when its first record
// is another.
#include "fuzz/fuzz.h"
#include "verify/input.h"

#include <sodium.h>
#include <string.h>

static struct hasher *get_hasher(void)
{
    static struct hasher *hasher;
    if (hasher == NULL)
        hasher = hasher_new();
    FUZZ_CHECK(hasher != NULL);
    return hasher;
}

static bool is_whole(const uint8_t *data, size_t size, const struct verify_options *options,
                     struct verifier *v)
{
    size_t torn = 0;
    verifier_init(v, options, get_hasher(), NULL);
    return input_verify_memory(data, size, true, v, &torn) == INPUT_READ && verifier_end(v);
}

static void check_whole(const uint8_t *data, size_t size, const struct verifier *first)
{
    static struct verify_options named;
    static struct verifier v;
    uint8_t changed[65536];
    memset(&named, 0, sizeof named);
    memcpy(named.keys[0], first->at.first_key, RECORD_KEY);
    named.key_count = 1;
    FUZZ_CHECK(is_whole(data, size, &named, &v));
    FUZZ_CHECK(v.at.records == first->at.records && v.at.since_signed == first->at.since_signed &&
               v.at.chains == 1);
    FUZZ_CHECK(v.at.since_signed < v.at.records);
    if (size > sizeof changed)
        return;
    memcpy(changed, data, size);
    changed[sizeof "{\"seq\":1,\"time\":\"" - 1] ^= 1;
    FUZZ_CHECK(!is_whole(changed, size, &named, &v));
}

static bool has_head(const uint8_t *data, size_t size, uint64_t seq, const uint8_t hash[static RECORD_HASH],
                     struct verifier *v)
{
    static struct verify_options seen;
    memset(&seen, 0, sizeof seen);
    seen.trust_first = true;
    seen.head_count = 1;
    seen.heads[0].seq = seq;
    memcpy(seen.heads[0].hash, hash, RECORD_HASH);
    return is_whole(data, size, &seen, v);
}

// A head that was seen stands there, or the log is not whole: rewritten, cut off at its end, or begun too
// late.
static void check_heads(const uint8_t *data, size_t size, const struct verifier *first)
{
    static const uint8_t another[RECORD_HASH];
    static struct verifier v;
    FUZZ_CHECK(has_head(data, size, first->at.last_seq, first->at.head, &v));
    FUZZ_CHECK(!has_head(data, size, first->at.last_seq, another, &v) && v.kind == VERIFY_HEAD);
    FUZZ_CHECK(!has_head(data, size, first->at.last_seq + 1, first->at.head, &v) && v.kind == VERIFY_CUT);
    FUZZ_CHECK(!has_head(data, size, 0, first->at.head, &v) && v.kind == VERIFY_CUT);
}

// What follows the last newline is no record where another file follows.
static void check_torn(const uint8_t *data, size_t size)
{
    static struct verify_options trusting;
    static struct verifier v;
    size_t torn = 0;
    trusting.trust_first = true;
    verifier_init(&v, &trusting, get_hasher(), NULL);
    if (input_verify_memory(data, size, false, &v, &torn) == INPUT_READ)
        FUZZ_CHECK(size == 0 || data[size - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct verify_options trusting, unknown;
    static struct verifier v;
    FUZZ_CHECK(sodium_init() >= 0);
    trusting.trust_first = true;
    memset(unknown.keys[0], 7, RECORD_KEY);
    unknown.key_count = 1;
    FUZZ_CHECK(!is_whole(data, size, &unknown, &v));
    if (is_whole(data, size, &trusting, &v)) {
        struct verifier first = v;
        check_whole(data, size, &first);
        check_heads(data, size, &first);
    }
    check_torn(data, size);
    return 0;
}
