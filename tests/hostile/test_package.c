// SPDX-License-Identifier: Apache-2.0
// Packages that are not what the grammar of SGP.22 v2.5, 2.5.4 and 2.5.5 says, and descriptors that are not
// sealed memory: refused before the first segment. Everything else about each session is right and allowed.
#include "tests/hostile/download.h"

#include "lib/sealed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

// EnableProfile, DeleteProfile, eUICCMemoryReset, SetNickname.
#define BF31 "BF3111A00C5A0A989444999999990930F18101FF"
#define BF33 "BF330C5A0A989444999999990930F1"
#define BF34 "BF3404820205E0"
#define BF29 "BF29105A0A989444999999990930F1900178"

struct bad {
    const char *fault; // members of the server's fault
    enum err error;
};

#define EXTRA(position, tlv)                                                                                 \
    {                                                                                                        \
        "\"bpp\":\"extra-tlv\",\"position\":\"" position "\",\"tlv\":\"" tlv "\"", ERR_DER_VALUE             \
    }
#define EVERYWHERE(tlv)                                                                                      \
    EXTRA("first", tlv), EXTRA("before-a0", tlv), EXTRA("before-a1", tlv), EXTRA("in-a1", tlv),              \
        EXTRA("before-a3", tlv), EXTRA("in-a3-first", tlv), EXTRA("in-a3", tlv), EXTRA("last", tlv)
#define KIND(kind, error)                                                                                    \
    {                                                                                                        \
        "\"bpp\":\"" kind "\"", error                                                                        \
    }

static const struct bad bads[] = {
    EVERYWHERE(BF31),
    EVERYWHERE(BF33),
    EVERYWHERE(BF34),
    EVERYWHERE(BF29),
    EXTRA("last", "0000"),
    EXTRA("last", "00"),
    EXTRA("before-a1", "87"),
 // Another package's part in the wrong group.
    EXTRA("in-a1", "8609112233445566778899"),
    EXTRA("in-a3", "8809112233445566778899"),
 // An element without a byte of content, and one with less than a MAC.
    EXTRA("in-a1", "8808112233445566778899"),
    EXTRA("in-a3", "8600"),
    EXTRA("in-a3", "860111"),
    KIND("indefinite", ERR_DER_VALUE),
    KIND("nested-indefinite", ERR_DER_VALUE),
    KIND("wrong-tag", ERR_DER_VALUE),
    KIND("huge-length", ERR_DER_VALUE),
    KIND("truncate", ERR_DER_VALUE),
    KIND("trailing", ERR_DER_VALUE),
    {"\"bpp\":\"trailing\",\"tlv\":\"" BF34 "\"",          ERR_DER_VALUE},
    {"\"bpp\":\"trailing\",\"tlv\":\"00\"",                ERR_DER_VALUE},
    {"\"bpp\":\"truncate\",\"bytes\":1",                   ERR_DER_VALUE},
    KIND("duplicate-bf23", ERR_DER_VALUE),
    KIND("duplicate-a1", ERR_DER_VALUE),
    KIND("swap-groups", ERR_DER_VALUE),
    KIND("missing-a1", ERR_DER_VALUE),
    KIND("missing-a3", ERR_DER_VALUE),
    KIND("empty-a3", ERR_DER_VALUE),
    KIND("wrong-tid", ERR_REMOTE_MISMATCH),
    KIND("wrong-op", ERR_REMOTE_MISMATCH),
    {"\"bpp\":\"oversize-segment\",\"bytes\":8000",        ERR_LIMIT    },
    {"\"bpp\":\"raw-metadata\",\"metadata\":\"" BF31 "\"", ERR_DER_VALUE},
    {"\"bpp\":\"raw-metadata\",\"metadata\":\"BF2500\"",   ERR_DER_VALUE},
    {"\"bpp\":\"raw-metadata\",\"metadata\":\"BF2580\"",   ERR_DER_VALUE},
};

// After a refusal: nothing was sent, nothing can be loaded, the session can be cancelled.
static void expect_refused(struct rig *r, struct outcome o, enum err error)
{
    expect_error(o, error);
    expect_error(card_load(r), ERR_DENIED_PHASE);
    rig_expect_reads_only(r);
    expect_ok(card_cancel(r, 5));
    assert_true(rig_lives(&r->cardd) && rig_lives(&r->policyd));
}

static void a_package_with_anything_else_in_it_is_refused(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        struct download d;
        char fault[256];
        print_message("%s\n", bads[i].fault);
        snprintf(fault, sizeof fault, "{\"action\":\"bpp\",%s}", bads[i].fault);
        download_init(&d, &r);
        d.fault = fault;
        download_run(&d, STEP_INTENT, STEP_FETCH);
        rig_mark(&r);
        expect_refused(&r, download_step(&d, STEP_STAGE), bads[i].error);
        download_free(&d);
    }
    rig_close(&r);
}

// Lengths that are longer than they need be are what real servers send.
static void long_lengths_are_loaded(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    download_init(&d, &r);
    d.fault = "{\"action\":\"bpp\",\"bpp\":\"long-lengths\"}";
    download_run(&d, STEP_INTENT, STEP_LOAD);
    assert_int_equal(rig_done_with(&r, 0xBF36, "result=0"), 1);
    download_free(&d);
    rig_close(&r);
}

// --- groups in other places and with other contents ---

enum group { CHANNEL, FIRST, METADATA, KEYS, ELEMENTS, GROUPS };

// A package put together again from its own groups, named by letter: c = BF23, 0 to 3 = A0 to A3, capitals
// change something in them.
static void rearrange(struct tlvb *package, const char *order)
{
    struct tlv outer, part[GROUPS], inner;
    struct tlvb content = TLVB_INIT, group = TLVB_INIT;
    assert_true(tlv_only(tlvb_get(package), 0xBF36, &outer));
    struct slice rest = outer.value;
    for (int i = 0; i < GROUPS; i++)
        assert_true(tlv_next(&rest, &part[i]));
    for (const char *c = order; *c != 0; c++) {
        group.len = 0;
        switch (*c) {
        case 'c': tlvb_slice(&content, part[CHANNEL].whole); break;
        case '0': tlvb_slice(&content, part[FIRST].whole); break;
        case '1': tlvb_slice(&content, part[METADATA].whole); break;
        case '2': tlvb_slice(&content, part[KEYS].whole); break;
        case '3': tlvb_slice(&content, part[ELEMENTS].whole); break;
        case 'D': // A0 with its 87 twice
            tlvb_slice(&group, part[FIRST].value);
            tlvb_slice(&group, part[FIRST].value);
            tlvb_put_slice(&content, 0xA0, tlvb_get(&group));
            break;
        case 'E': tlvb_put_slice(&content, 0xA0, slice_of(NULL, 0)); break;
        case 'F': tlvb_put_slice(&content, 0xA1, slice_of(NULL, 0)); break;
        case 'G': tlvb_put_slice(&content, 0xA2, slice_of(NULL, 0)); break;
        case 'H': tlvb_put_slice(&content, 0xA0, part[METADATA].value); break; // 88 in A0
        case 'I': tlvb_put_slice(&content, 0xA3, part[KEYS].value); break;     // 87 in A3
        case 'J': tlvb_put_slice(&content, 0xA4, part[ELEMENTS].value); break;
        case 'K': // a BF23 with one element more
            tlvb_slice(&group, part[CHANNEL].value);
            tlvb_put(&group, 0x80, "\x01", 1);
            tlvb_put_slice(&content, 0xBF23, tlvb_get(&group));
            break;
        case 'L': // with the transaction's identifier twice, at its own place
            rest = part[CHANNEL].value;
            for (int i = 0; tlv_next(&rest, &inner); i++) {
                tlvb_slice(&group, inner.whole);
                if (i == 1)
                    tlvb_slice(&group, inner.whole);
            }
            tlvb_put_slice(&content, 0xBF23, tlvb_get(&group));
            break;
        case 'M': // without a signature
            rest = part[CHANNEL].value;
            while (tlv_next(&rest, &inner) && inner.tag != 0x5F37)
                tlvb_slice(&group, inner.whole);
            tlvb_put_slice(&content, 0xBF23, tlvb_get(&group));
            break;
        default: fail();
        }
    }
    struct tlvb whole = TLVB_INIT;
    tlvb_put_slice(&whole, 0xBF36, tlvb_get(&content));
    assert_false(whole.failed || content.failed);
    tlvb_free(&content);
    tlvb_free(&group);
    tlvb_free(package);
    *package = whole;
}

static void groups_stand_in_their_order(void **state)
{
    (void)state;
    static const struct rig_options options = {.order = "\"usePpk\":true"};
    static const char *const orders[] = {"2c013",  "c2013",  "c0213",  "c0132", "c01223", "c012",
                                         "c0123c", "c01233", "c00123", "c123",  "0123",   "0c123",
                                         "",       "c",      "cD123",  "cE123", "c0F23",  "c01G3",
                                         "cH123",  "c012I",  "c012J",  "K0123", "L0123",  "M0123"};
    struct rig r;
    struct download d;
    rig_open(&r, &options);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        print_message("\"%s\"\n", orders[i]);
        download_init(&d, &r);
        download_run(&d, STEP_INTENT, STEP_FETCH);
        rearrange(&d.parts[PART_PACKAGE], orders[i]);
        rig_mark(&r);
        expect_refused(&r, download_step(&d, STEP_STAGE), ERR_DER_VALUE);
        download_free(&d);
    }
    // Put together again as it was: it is loaded.
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_FETCH);
    rearrange(&d.parts[PART_PACKAGE], "c0123");
    download_run(&d, STEP_STAGE, STEP_LOAD);
    assert_int_equal(rig_done_with(&r, 0xBF36, "result=0"), 1);
    download_free(&d);
    rig_close(&r);
}

// Cut off anywhere, it is refused.
static void a_truncated_package_is_refused(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    for (size_t i = 0; i < 24; i++) {
        download_init(&d, &r);
        download_run(&d, STEP_INTENT, STEP_FETCH);
        struct tlvb *package = &d.parts[PART_PACKAGE];
        package->len = i < 12 ? i + 1 : package->len * (i - 11) / 13;
        rig_mark(&r);
        expect_refused(&r, download_step(&d, STEP_STAGE), ERR_DER_VALUE);
        download_free(&d);
    }
    rig_close(&r);
}

// --- descriptors ---

static int half_sealed(const struct download *d, int seals)
{
    const struct tlvb *package = &d->parts[PART_PACKAGE];
    int fd = memfd_create("package", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, package->buf, package->len), (ssize_t)package->len);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static int not_a_memfd(const struct download *d, int kind)
{
    const struct tlvb *package = &d->parts[PART_PACKAGE];
    char path[300];
    int fds[2] = {-1, -1};
    switch (kind) {
    case 0: assert_int_equal(pipe2(fds, O_CLOEXEC), 0); break;
    case 1: assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0); break;
    case 2: fds[0] = open("/dev/zero", O_RDONLY | O_CLOEXEC); break;
    case 3: fds[0] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC); break;
    case 4: fds[0] = open("/", O_PATH | O_CLOEXEC); break;
    default:
        snprintf(path, sizeof path, "%s/package", d->rig->dir);
        fds[0] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(fds[0], package->buf, package->len), (ssize_t)package->len);
        break;
    }
    assert_true(fds[0] >= 0);
    if (fds[1] >= 0)
        close(fds[1]);
    return fds[0];
}

static void only_sealed_memory_is_taken(void **state)
{
    (void)state;
    static const int seals[] = {
        0,
        F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK,
        F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SEAL,
        F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_SEAL,
        F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL,
    };
    const int seal_count = sizeof seals / sizeof seals[0];
    struct rig r;
    rig_open(&r, NULL);
    for (int i = 0; i < seal_count + 6; i++) {
        struct download d;
        download_init(&d, &r);
        download_run(&d, STEP_INTENT, STEP_FETCH);
        int fd = i < seal_count ? half_sealed(&d, seals[i]) : not_a_memfd(&d, i - seal_count);
        rig_mark(&r);
        // A refusal of this request: the descriptor is the broker's mistake, or the sender's before it.
        expect_refused(&r, download_stage(&d, fd), ERR_PEER_SEAL);
        close(fd);
        download_free(&d);
    }
    // The same bytes, sealed, are taken: nothing but the seals was wrong.
    struct download d;
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_LOAD);
    download_free(&d);
    rig_close(&r);
}

static void size_has_bounds(void **state)
{
    (void)state;
    static const struct rig_options options = {.package_max = 8000};
    struct rig r;
    struct download d;
    rig_open(&r, &options);
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_FETCH);
    assert_true(d.parts[PART_PACKAGE].len > 8000);
    rig_mark(&r);
    expect_refused(&r, download_step(&d, STEP_STAGE), ERR_PEER_LIMIT);
    // And sealed memory of no size.
    download_run(&d, STEP_INTENT, STEP_FETCH);
    d.parts[PART_PACKAGE].len = 0;
    rig_mark(&r);
    expect_refused(&r, download_step(&d, STEP_STAGE), ERR_PEER_LIMIT);
    download_free(&d);
    rig_close(&r);
}

// What is refused does not stay open: the process has few descriptors.
static void refused_descriptors_are_given_back(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_FETCH);
    expect_ok(card_cancel(&r, 127));
    rig_mark(&r);
    for (int i = 0; i < 100; i++)
        expect_error(download_step(&d, STEP_STAGE), ERR_DENIED_PHASE);
    rig_expect_reads_only(&r);
    download_run(&d, STEP_INTENT, STEP_LOAD);
    download_free(&d);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_package_with_anything_else_in_it_is_refused),
        cmocka_unit_test(long_lengths_are_loaded),
        cmocka_unit_test(groups_stand_in_their_order),
        cmocka_unit_test(a_truncated_package_is_refused),
        cmocka_unit_test(only_sealed_memory_is_taken),
        cmocka_unit_test(size_has_bounds),
        cmocka_unit_test(refused_descriptors_are_given_back),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
