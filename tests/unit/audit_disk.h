// SPDX-License-Identifier: Apache-2.0
// A disk with a write cache, behind audit_io: what was not synced may be lost in any part, and any call may
// fail. One key file and the audit's files, in memory.
#ifndef LPAD_TESTS_UNIT_AUDIT_DISK_H
#define LPAD_TESTS_UNIT_AUDIT_DISK_H

#include "tests/unit/unit.h"

#include "broker/audit.h"

#define DISK_FILES_MAX 8
#define DISK_SIZE_MAX  (512 * 1024)
#define DISK_KEY       0 // the key file's descriptor; 1 and up are the audit's files, in order
#define DISK_OPS_MAX   4096

struct disk_op {
    int file;
    bool truncates;
    size_t offset, len; // of a truncation: the size
    uint8_t *data;
};

struct disk_file {
    uint8_t *seen, *kept; // as the kernel shows it; as the platter has it
    size_t seen_len, kept_len;
    size_t held; // octets that have their place already
};

// How much of what was not synced outlives a cut.
enum disk_cut {
    DISK_CUT_NOTHING_LOST, // as a killed process leaves it
    DISK_CUT_ALL,          // nothing since the last sync is there
    DISK_CUT_PREFIX,       // some first writes, the next one torn
    DISK_CUT_SUBSET,       // any writes, any of them torn
    DISK_CUT_MAX,
};

struct disk {
    struct audit_io io;
    struct disk_file files[DISK_FILES_MAX];
    int open; // the audit's open file
    struct disk_op ops[DISK_OPS_MAX];
    size_t op_count;
    unsigned step;    // calls that change something, so far
    unsigned stop_at; // this one does not happen, and `stop` is taken; 0: never
    jmp_buf stop;
    unsigned fail_at; // this one fails with `fail_errno`; 0: none
    int fail_errno;
    bool fail_on; // and all after it, too
    size_t room;  // octets that files may have together; 0: any
    unsigned syncs;
    uint64_t wall_ms, boot_ms, random;
};

void disk_init(struct disk *d, uint64_t seed);
void disk_free(struct disk *d);
// What the files take up, held space included.
size_t disk_used(const struct disk *d);
// The power goes, and comes back: what is left is what there is now. A newest audit file
// without a whole line is taken away, as the supervisor does.
void disk_cut(struct disk *d, enum disk_cut how);
// A new audit file; its number.
int disk_add_file(struct disk *d);
// All audit files one after another, as they are seen, with a terminating zero; the caller frees it.
char *disk_read_log(const struct disk *d, size_t *ret_len);
struct audit_setup disk_setup(const struct disk *d);

#endif
