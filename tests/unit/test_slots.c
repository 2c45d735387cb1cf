// SPDX-License-Identifier: Apache-2.0
// The slots file: round trips, and writes torn at every byte.
#include "tests/unit/unit.h"

#include "lib/slots.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOT_SIZE 128u
#define VERSION   7u

static int make_file(void)
{
    int fd = memfd_create("slots", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    return fd;
}

static struct slots open_slots(int fd)
{
    return (struct slots){.fd = fd, .version = VERSION, .slot_size = SLOT_SIZE};
}

static void assert_newest(int fd, const char *want)
{
    struct slots s = open_slots(fd);
    uint8_t out[SLOT_SIZE];
    size_t len = 99;
    assert_int_equal(slots_load(&s, out, sizeof out, &len), ERR_OK);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(out, want, len);
}

static void test_round_trip(void **state)
{
    (void)state;
    int fd = make_file();
    assert_newest(fd, "");
    struct slots s = open_slots(fd);
    for (unsigned i = 0; i < 9; i++) {
        char text[32];
        snprintf(text, sizeof text, "state number %u", i);
        assert_int_equal(slots_store(&s, bytes_from_text(text)), ERR_OK);
        assert_newest(fd, text);
        if (i % 3 == 0) { // a new start reads before it writes
            uint8_t out[SLOT_SIZE];
            size_t len;
            s = open_slots(fd);
            assert_int_equal(slots_load(&s, out, sizeof out, &len), ERR_OK);
            assert_int_equal(s.sequence, i + 1);
        }
    }
    close(fd);
}

static void test_limits(void **state)
{
    (void)state;
    int fd = make_file();
    struct slots s = open_slots(fd);
    uint8_t payload[SLOT_SIZE] = {1};
    assert_int_equal(slots_store(&s, bytes_make(payload, SLOT_SIZE - 51)), ERR_LIMIT);
    assert_int_equal(slots_store(&s, bytes_make(payload, SLOT_SIZE - 52)), ERR_OK);
    uint8_t out[SLOT_SIZE];
    size_t len = 5;
    assert_int_equal(slots_load(&s, out, 10, &len), ERR_LIMIT);
    assert_int_equal(len, 5);
    assert_int_equal(slots_load(&s, out, sizeof out, &len), ERR_OK);
    assert_int_equal(len, SLOT_SIZE - 52);
    // Another version of the payload is as good as none.
    s.version = VERSION + 1;
    assert_int_equal(slots_load(&s, out, sizeof out, &len), ERR_OK);
    assert_int_equal(len, 0);
    close(fd);
}

static void test_not_writable(void **state)
{
    (void)state;
    int fd = make_file();
    struct slots s = open_slots(fd);
    assert_int_equal(slots_store(&s, bytes_from_text("good")), ERR_OK);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0); // as a file system gone read-only
    assert_int_equal(slots_store(&s, bytes_from_text("next")), ERR_IO);
    assert_int_equal(s.sequence, 1);
    assert_newest(fd, "good");
    close(fd);
}

static size_t read_file(int fd, uint8_t *out, size_t cap)
{
    ssize_t n = pread(fd, out, cap, 0);
    assert_true(n >= 0);
    return (size_t)n;
}

static int file_of(const uint8_t *data, size_t len)
{
    int fd = make_file();
    assert_int_equal(pwrite(fd, data, len, 0), (ssize_t)len);
    return fd;
}

// The third state was being written over the first when the power went: after `cut` of its bytes, at
// every cut. Only a whole write counts; otherwise the second is the newest.
static void test_torn_writes(void **state)
{
    (void)state;
    static const char first[] = "the first state", second[] = "the second, longer state",
                      third[] = "the 3rd state";
    int fd = make_file();
    struct slots s = open_slots(fd);
    uint8_t before[2 * SLOT_SIZE] = {0}, after[2 * SLOT_SIZE] = {0};
    assert_int_equal(slots_store(&s, bytes_from_text(first)), ERR_OK);
    assert_int_equal(slots_store(&s, bytes_from_text(second)), ERR_OK);
    size_t before_len = read_file(fd, before, sizeof before);
    assert_int_equal(slots_store(&s, bytes_from_text(third)), ERR_OK);
    size_t after_len = read_file(fd, after, sizeof after);
    assert_int_equal(before_len, after_len);
    close(fd);
    size_t written = 52 + strlen(third);
    for (size_t cut = 0; cut <= written; cut++) {
        uint8_t torn[2 * SLOT_SIZE];
        memcpy(torn, before, sizeof torn);
        memcpy(torn + SLOT_SIZE, after + SLOT_SIZE, cut); // odd numbers are in the second slot
        fd = file_of(torn, before_len);
        assert_newest(fd, cut == written ? third : second);
        // And what is written next is not lost behind the torn slot.
        struct slots again = open_slots(fd);
        uint8_t out[SLOT_SIZE];
        size_t len;
        assert_int_equal(slots_load(&again, out, sizeof out, &len), ERR_OK);
        assert_int_equal(slots_store(&again, bytes_from_text("after")), ERR_OK);
        assert_newest(fd, "after");
        close(fd);
    }
}

// Sectors may reach the disk in any order: any one byte of the slot that was written last may be wrong.
static void test_every_bit(void **state)
{
    (void)state;
    int fd = make_file();
    struct slots s = open_slots(fd);
    assert_int_equal(slots_store(&s, bytes_from_text("older")), ERR_OK);
    assert_int_equal(slots_store(&s, bytes_from_text("newer")), ERR_OK);
    uint8_t good[2 * SLOT_SIZE];
    size_t len = read_file(fd, good, sizeof good);
    close(fd);
    for (size_t i = 0; i < (52 + strlen("newer")) * 8; i++) {
        uint8_t bad[2 * SLOT_SIZE];
        memcpy(bad, good, sizeof bad);
        bad[i / 8] ^= (uint8_t)(1u << (i % 8));
        fd = file_of(bad, len);
        assert_newest(fd, "older");
        close(fd);
    }
    for (size_t cut = 0; cut < len; cut++) { // the file itself is cut
        fd = file_of(good, cut);
        assert_newest(fd, cut < 52 + strlen("newer") ? "" : "newer");
        close(fd);
    }
}

// A slot that was copied to the other's place is not taken for the newest.
static void test_misplaced(void **state)
{
    (void)state;
    int fd = make_file();
    struct slots s = open_slots(fd);
    assert_int_equal(slots_store(&s, bytes_from_text("one")), ERR_OK);
    uint8_t data[2 * SLOT_SIZE] = {0};
    read_file(fd, data, sizeof data);
    close(fd);
    fd = file_of(data + SLOT_SIZE, SLOT_SIZE);
    assert_newest(fd, "");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_not_writable), cmocka_unit_test(test_torn_writes),
        cmocka_unit_test(test_every_bit),    cmocka_unit_test(test_misplaced),
    };
    return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
