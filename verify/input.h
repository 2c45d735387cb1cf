// SPDX-License-Identifier: Apache-2.0
// The files of a log, in the order of their first records, read in blocks of a fixed size.
#ifndef LPAD_VERIFY_INPUT_H
#define LPAD_VERIFY_INPUT_H

#include "verify/verifier.h"

#define INPUT_BLOCK (1u << 20)

struct input_file {
    const char *name;
    int fd;
    uint64_t first_seq; // 0: not to be read
    size_t given;       // its place among those that were named: the order of files that begin alike
    bool is_empty;      // nothing stands in it; not known of one that is alone
};

struct input {
    struct input_file *files;
    size_t count;
    uint8_t *block;   // INPUT_BLOCK octets
    size_t file;      // index of the one that is read, or that could not be
    uint64_t octets;  // taken so far
    size_t torn;      // octets after the last newline of the last file
    int error_number; // of a read that failed
};

// Opens and sorts. False: `input->file` is the one that could not be opened, with errno, or, with errno 0,
// the one that cannot be read twice and so not be sorted among others.
__attribute__((warn_unused_result)) bool input_open(struct input *input, char *const *names, size_t count);
// Also after a failure. Files stay open: the process ends.
void input_free(struct input *input);

enum input_end { INPUT_READ, INPUT_BROKEN, INPUT_FAILED, INPUT_END_MAX };
// Gives every line to the verifier. INPUT_BROKEN: the verifier says how; INPUT_FAILED: a file cannot be read.
enum input_end input_verify(struct input *input, struct verifier *v);

// The same for one file that lies in memory.
enum input_end input_verify_memory(const uint8_t *data, size_t len, bool is_last_file, struct verifier *v,
                                   size_t *ret_torn);

#endif
