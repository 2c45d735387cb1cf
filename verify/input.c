// SPDX-License-Identifier: Apache-2.0
#include "verify/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool open_file(struct input_file *f, const char *name, bool is_alone)
{
    uint8_t start[64];
    f->name = name;
    f->fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (f->fd < 0)
        return false;
    if (is_alone)
        return true;
    ssize_t n = pread(f->fd, start, sizeof start, 0);
    if (n < 0) {
        errno = errno == ESPIPE ? 0 : errno;
        return false;
    }
    f->is_empty = n == 0;
    f->first_seq = record_peek_seq(start, (size_t)n);
    return true;
}

static int compare_files(const void *a, const void *b)
{
    const struct input_file *x = a, *y = b;
    if (x->first_seq != y->first_seq)
        return x->first_seq < y->first_seq ? -1 : 1;
    return x->given < y->given ? -1 : x->given > y->given;
}

bool input_open(struct input *input, char *const *names, size_t count)
{
    memset(input, 0, sizeof *input);
    input->files = calloc(count, sizeof *input->files);
    input->block = malloc(INPUT_BLOCK);
    if (input->files == NULL || input->block == NULL) {
        errno = ENOMEM;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct input_file *f = &input->files[input->count];
        input->file = i;
        f->given = i;
        if (!open_file(f, names[i], count == 1))
            return false;
        // A file in which nothing stands says nothing, where there are others.
        input->count += f->is_empty && count > 1 ? 0 : 1;
    }
    if (input->count == 0)
        input->count = 1; // of several empty ones, any
    qsort(input->files, input->count, sizeof *input->files, compare_files);
    input->file = 0;
    return true;
}

void input_free(struct input *input)
{
    free(input->files);
    free(input->block);
}

// The lines of a block; `*ret_rest` octets at its end have no newline yet.
static bool take_lines(struct verifier *v, const uint8_t *data, size_t len, size_t *ret_rest)
{
    const uint8_t *at = data, *end = data + len, *newline;
    while (at < end && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (!verifier_line(v, at, (size_t)(newline - at)))
            return false;
        at = newline + 1;
    }
    *ret_rest = (size_t)(end - at);
    return true;
}

static enum input_end verify_file(struct input *input, const struct input_file *f, bool is_last,
                                  struct verifier *v)
{
    size_t rest = 0;
    verifier_file(v);
    for (;;) {
        ssize_t n;
        do
            n = read(f->fd, input->block + rest, INPUT_BLOCK - rest);
        while (n < 0 && errno == EINTR);
        if (n < 0) {
            input->error_number = errno;
            return verifier_settle(v) ? INPUT_FAILED : INPUT_BROKEN;
        }
        if (n == 0)
            break;
        input->octets += (uint64_t)n;
        size_t len = rest + (size_t)n;
        if (!take_lines(v, input->block, len, &rest))
            return INPUT_BROKEN;
        if (rest > RECORD_MAX)
            break; // whatever follows, it is no record
        memmove(input->block, input->block + len - rest, rest);
    }
    if (rest == 0)
        return INPUT_READ;
    input->torn = rest;
    return verifier_torn(v, rest, is_last) ? INPUT_READ : INPUT_BROKEN;
}

enum input_end input_verify(struct input *input, struct verifier *v)
{
    for (input->file = 0; input->file < input->count; input->file++) {
        bool is_last = input->file + 1 == input->count;
        enum input_end end = verify_file(input, &input->files[input->file], is_last, v);
        if (end != INPUT_READ)
            return end;
    }
    return INPUT_READ;
}

enum input_end input_verify_memory(const uint8_t *data, size_t len, bool is_last_file, struct verifier *v,
                                   size_t *ret_torn)
{
    size_t rest = 0;
    verifier_file(v);
    if (!take_lines(v, data, len, &rest) || (rest > 0 && !verifier_torn(v, rest, is_last_file)))
        return INPUT_BROKEN;
    *ret_torn = rest;
    return INPUT_READ;
}
