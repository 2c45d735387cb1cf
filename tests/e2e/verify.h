// SPDX-License-Identifier: Apache-2.0
// Both verifiers of the audit, on the files of a world.
#ifndef LPAD_TESTS_E2E_VERIFY_H
#define LPAD_TESTS_E2E_VERIFY_H

#include "tests/e2e/world.h"

#define VERIFY_KEY_TEXT 65
#define VERIFY_HEADS    64

struct verify {
    char key[VERIFY_KEY_TEXT];    // the first public key that the reader has
    char heads[VERIFY_HEADS][96]; // SEQ:SHA256 that somebody outside has seen
    size_t head_count;
    char files[64][WORLD_PATH_MAX + 64]; // in any order
    size_t file_count;
};

// The key that the first line of this file announces.
void verify_take_key(struct verify *v, const char *path);
// The head that `lpactl audit head` tells now.
void verify_take_head(struct verify *v, struct world *w);
// The open file of a world's audit.
void verify_take_open_file(struct verify *v, const struct world *w, const char *name);
// Both say that the log is whole.
void verify_expect_whole(const struct verify *v, const char *what);
// Both say that it is broken, with the same words for it: `kind` is among them.
void verify_expect_broken(const struct verify *v, const char *kind, const char *what);

#endif
