// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without a fuzzer: every file of a corpus, and mutations that are always the same.
//
//     fuzz-<subject> <folder or file>...
//
// Each file is given to LLVMFuzzerTestOneInput, and with LPAD_FUZZ_MUTATE=N in the environment also N
// mutations of it. Their seed comes from the file's content, so a failure repeats. Inputs lie in memory
// of exactly their size. No input at all is a failure: a test that ran nothing has shown nothing.
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX ((size_t)1 << 20)

struct input {
    uint8_t *data;
    size_t size;
};

struct run {
    unsigned long mutations; // of each file
    unsigned long inputs;
};

static void run_input(struct run *run, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (!copy) {
        perror("malloc");
        exit(EXIT_FAILURE);
    }
    if (size > 0)
        memcpy(copy, data, size);
    if (LLVMFuzzerTestOneInput(copy, size) != 0) {
        fputs("the target did not return 0\n", stderr);
        exit(EXIT_FAILURE);
    }
    free(copy);
    run->inputs++;
}

// xorshift64*: small, and the same everywhere.
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static size_t random_below(uint64_t *state, size_t bound)
{
    return (size_t)((next_random(state) >> 16) % bound);
}

static uint64_t seed_of(const struct input *input)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < input->size; i++)
        hash = (hash ^ input->data[i]) * UINT64_C(0x100000001B3);
    return hash != 0 ? hash : 1;
}

// One change to `data`, which has room for one octet more than `*size`.
static void mutate_once(uint64_t *state, uint8_t *data, size_t *size)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x1F, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFE, 0xFF};
    size_t at = *size > 0 ? random_below(state, *size) : 0;
    switch (*size > 0 ? random_below(state, 6) : 4) {
    case 0: data[at] ^= (uint8_t)(1u << random_below(state, 8)); break;
    case 1: data[at] = (uint8_t)next_random(state); break;
    case 2: data[at] = edges[random_below(state, sizeof edges)]; break;
    case 3: // remove
        memmove(data + at, data + at + 1, *size - at - 1);
        (*size)--;
        break;
    case 4: // insert
        memmove(data + at + 1, data + at, *size - at);
        data[at] = (uint8_t)next_random(state);
        (*size)++;
        break;
    default: *size = at; break; // cut
    }
}

static void run_mutations(struct run *run, const struct input *input)
{
    enum { CHANGES_MAX = 4 };
    uint64_t state = seed_of(input);
    uint8_t *data = malloc(input->size + CHANGES_MAX);
    if (!data) {
        perror("malloc");
        exit(EXIT_FAILURE);
    }
    for (unsigned long n = 0; n < run->mutations; n++) {
        size_t size = input->size;
        if (size > 0)
            memcpy(data, input->data, size);
        size_t changes = 1 + random_below(&state, CHANGES_MAX);
        for (size_t i = 0; i < changes; i++)
            mutate_once(&state, data, &size);
        run_input(run, data, size);
    }
    free(data);
}

static bool read_file(const char *path, struct input *ret_input)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_MAX);
    bool ok = f && data;
    size_t size = ok ? fread(data, 1, INPUT_MAX, f) : 0;
    ok = ok && !ferror(f) && feof(f);
    if (f)
        fclose(f);
    if (!ok) {
        fprintf(stderr, "%s: cannot be read, or is over %zu octets\n", path, INPUT_MAX);
        free(data);
        return false;
    }
    *ret_input = (struct input){data, size};
    return true;
}

static bool run_file(struct run *run, const char *path)
{
    struct input input;
    if (!read_file(path, &input))
        return false;
    run_input(run, input.data, input.size);
    run_mutations(run, &input);
    free(input.data);
    return true;
}

static bool run_folder(struct run *run, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    bool ok = count >= 0;
    if (!ok)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        char file[PATH_MAX];
        int n = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            ok = ok && n > 0 && (size_t)n < sizeof file && run_file(run, file);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return ok;
}

static bool get_mutations(unsigned long *ret_count)
{
    const char *text = getenv("LPAD_FUZZ_MUTATE");
    char *end;
    if (!text) {
        *ret_count = 0;
        return true;
    }
    errno = 0;
    unsigned long count = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != 0) {
        fputs("LPAD_FUZZ_MUTATE is not a number\n", stderr);
        return false;
    }
    *ret_count = count;
    return true;
}

int main(int argc, char **argv)
{
    struct run run = {.inputs = 0};
    if (!get_mutations(&run.mutations))
        return EXIT_FAILURE;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        bool folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
        if (!(folder ? run_folder(&run, argv[i]) : run_file(&run, argv[i])))
            return EXIT_FAILURE;
    }
    if (run.inputs == 0) {
        fputs("no input\n", stderr);
        return EXIT_FAILURE;
    }
    printf("%lu inputs\n", run.inputs);
    return EXIT_SUCCESS;
}
