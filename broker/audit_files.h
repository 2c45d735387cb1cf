// SPDX-License-Identifier: Apache-2.0
// The audit's files, as the supervisor keeps them: the open one, PATH, and those rotated away, PATH.FIRSTSEQ
// (12 digits, the number of the file's first record), so that names sort as the records do.
#ifndef LPAD_BROKER_AUDIT_FILES_H
#define LPAD_BROKER_AUDIT_FILES_H

#include "lib/bytes.h"

// Opens PATH to append to, and makes it when it is missing (0640). A rotation that was cut off between its
// steps leaves a PATH without a record: it is undone, so that the log goes on where its last record stands.
// Errors are logged.
LPAD_NODISCARD enum err audit_files_open(const char *path, int *ret_fd);

// Renames PATH, which is open as `fd`, and opens a new one of the same owner and mode; when PATH is empty, it
// stays and is opened anew. Then removes the oldest beyond `keep` rotated files (0: none). ERR_INPUT: a file
// of that name is there already, and nothing has changed; ERR_IO. Errors are logged.
LPAD_NODISCARD enum err audit_files_rotate(const char *path, int fd, uint64_t first_seq, uint32_t keep,
                                           int *ret_fd);

// A rotated file, to read; 0 is the newest. ERR_INPUT: there is none. ERR_IO.
LPAD_NODISCARD enum err audit_files_read(const char *path, uint32_t index, int *ret_fd);

#endif
