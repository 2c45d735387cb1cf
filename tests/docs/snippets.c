// SPDX-License-Identifier: Apache-2.0
// Loads what documents show: every fenced block that begins with
//
//   ```yaml lpad.yaml      through config_read
//   ```yaml policy.yaml    through policy_read
//   ```json audit.jsonl    line by line, as JSON whose `prev` is the hash of the line before
//
//   doc_snippets FILE...
//
// Each file must hold at least one such block.
#include "broker/config.h"
#include "policy/schema.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The names that the examples use.
static const struct policy_name users[] = {
    {"root", 0   },
    {"fota", 2001},
};
static const struct policy_name groups[] = {
    {"lpad",    101},
    {"service", 102},
};
static const struct policy_names names = {users, 2, groups, 2};

static bool load_config(struct bytes text, char *error, size_t cap)
{
    struct config *config;
    struct yaml_error e = {0};
    if (config_read(text, &config, &e) != ERR_OK) {
        yaml_error_text(&e, error, cap);
        return false;
    }
    config_free(config);
    return true;
}

static bool load_policy(struct bytes text, char *error, size_t cap)
{
    struct policy *policy;
    struct yaml_error e = {0};
    if (policy_read(text, &names, &policy, &e) != ERR_OK) {
        yaml_error_text(&e, error, cap);
        return false;
    }
    policy_free(policy);
    return true;
}

static bool check_record(struct bytes line, const char *before, char *error, size_t cap)
{
    json_error_t e;
    json_t *record = json_loadb((const char *)line.data, line.len, 0, &e);
    const char *prev = json_string_value(json_object_get(record, "prev"));
    bool ok = prev != NULL && (before[0] == '\0' || strcmp(prev, before) == 0);
    if (record == NULL)
        snprintf(error, cap, "not JSON: %s", e.text);
    else if (!ok)
        snprintf(error, cap, "`prev` is not the hash of the line before, %s", before);
    json_decref(record);
    return ok;
}

static bool load_audit(struct bytes text, char *error, size_t cap)
{
    char before[crypto_hash_sha256_BYTES * 2 + 1] = "";
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        struct bytes line = bytes_make(text.data, end != NULL ? (size_t)(end - text.data) : text.len);
        if (!check_record(line, before, error, cap))
            return false;
        uint8_t hash[crypto_hash_sha256_BYTES];
        crypto_hash_sha256(hash, line.data, line.len);
        sodium_bin2hex(before, sizeof before, hash, sizeof hash);
        size_t used = line.len + (end != NULL ? 1 : 0);
        text = bytes_make(text.data + used, text.len - used);
    }
    return true;
}

static const struct {
    const char *fence;
    bool (*load)(struct bytes, char *, size_t);
} kinds[] = {
    {"```yaml lpad.yaml\n",   load_config},
    {"```yaml policy.yaml\n", load_policy},
    {"```json audit.jsonl\n", load_audit },
};

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = calloc(1, 1 << 20);
    if (f == NULL || text == NULL || fread(text, 1, (1 << 20) - 1, f) == 0) {
        perror(path);
        exit(1);
    }
    fclose(f);
    return text;
}

static unsigned line_of(const char *text, const char *place)
{
    unsigned line = 1;
    for (; text < place; text++)
        line += *text == '\n';
    return line;
}

// How many blocks were checked; adds to *failures.
static unsigned check_file(const char *path, unsigned *failures)
{
    char *text = read_all(path);
    unsigned blocks = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        size_t fence_len = strlen(kinds[k].fence);
        for (const char *p = text; (p = strstr(p, kinds[k].fence)) != NULL;) {
            const char *begin = p + fence_len, *end = strstr(begin, "\n```");
            char error[1024] = "the block has no end";
            if (end == NULL ||
                !kinds[k].load(bytes_make(begin, (size_t)(end - begin)), error, sizeof error)) {
                fprintf(stderr, "%s:%u: the block beginning here: %s\n", path, line_of(text, p), error);
                ++*failures;
            }
            blocks++;
            p = begin;
        }
    }
    free(text);
    return blocks;
}

int main(int argc, char **argv)
{
    unsigned failures = 0;
    if (sodium_init() < 0 || argc < 2)
        return 2;
    for (int i = 1; i < argc; i++) {
        unsigned blocks = check_file(argv[i], &failures);
        printf("%s: %u blocks\n", argv[i], blocks);
        if (blocks == 0) {
            fprintf(stderr, "%s: holds no block to check\n", argv[i]);
            failures++;
        }
    }
    return failures == 0 ? 0 : 1;
}
