// SPDX-License-Identifier: Apache-2.0
// Reading and matching of faults.
#include "tests/sim/euicc/faults.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <jansson.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FAULTS_MAX = 1024, DATA_MAX = 65536 };

const char *fault_action_text(enum fault_action action)
{
    static const char *const texts[FAULT_ACTION_MAX] = {
        [FAULT_NONE] = "none",       [FAULT_SW] = "sw",     [FAULT_DELAY] = "delay",     [FAULT_CUT] = "cut",
        [FAULT_GARBAGE] = "garbage", [FAULT_MUTE] = "mute", [FAULT_RESPOND] = "respond",
    };
    return action < FAULT_ACTION_MAX ? texts[action] : "unknown";
}

static void list_free(struct fault *list, size_t count)
{
    for (size_t i = 0; list != NULL && i < count; i++) {
        free(list[i].data);
    }
    free(list);
}

void faults_free(struct faults *faults)
{
    list_free(faults->list, faults->count);
    faults->list = NULL;
    faults->count = 0;
}

// A member in hexadecimal text, of 1 to `digits` digits.
static bool hex_take(json_t *object, const char *key, size_t digits, uint32_t *ret_number)
{
    json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    if (value == NULL) {
        return true;
    }
    if (text == NULL || text[0] == '\0' || strlen(text) > digits ||
        strspn(text, "0123456789abcdefABCDEF") != strlen(text)) {
        return false;
    }
    *ret_number = (uint32_t)strtoul(text, NULL, 16);
    return true;
}

static bool byte_take(json_t *object, const char *key, int *ret_byte)
{
    uint32_t number = 0;
    if (json_object_get(object, key) == NULL) {
        *ret_byte = -1;
        return true;
    }
    if (!hex_take(object, key, 2, &number)) {
        return false;
    }
    *ret_byte = (int)number;
    return true;
}

static bool count_take(json_t *object, const char *key, uint32_t *ret_number)
{
    json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return true;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > UINT32_MAX) {
        return false;
    }
    *ret_number = (uint32_t)json_integer_value(value);
    return true;
}

static bool keys_known(json_t *object, const char *const *known)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], key) != 0) {
            i++;
        }
        if (known[i] == NULL) {
            return false;
        }
    }
    return true;
}

static bool match_take(json_t *object, struct fault *fault)
{
    static const char *const keys[] = {"cla", "ins", "p1", "p2", "es10", "segment", "nth", NULL};
    return json_is_object(object) && keys_known(object, keys) && byte_take(object, "cla", &fault->cla) &&
           byte_take(object, "ins", &fault->ins) && byte_take(object, "p1", &fault->p1) &&
           byte_take(object, "p2", &fault->p2) && hex_take(object, "es10", 4, &fault->es10) &&
           count_take(object, "segment", &fault->segment) && count_take(object, "nth", &fault->nth) &&
           fault->nth > 0;
}

static bool data_take(json_t *object, struct fault *fault)
{
    const char *text = json_string_value(json_object_get(object, "data"));
    if (text == NULL) {
        return json_object_get(object, "data") == NULL;
    }
    size_t len = strlen(text);
    if (len == 0 || len > 2 * DATA_MAX) {
        return false;
    }
    fault->data = malloc(len);
    bool done =
        fault->data != NULL && OPENSSL_hexstr2buf_ex(fault->data, len, &fault->data_len, text, '\0') == 1;
    ERR_clear_error();
    return done;
}

static bool fault_take(json_t *object, struct fault *fault)
{
    static const char *const keys[] = {"match", "action", "when", "sw", "ms", "data", "times", NULL};
    uint32_t sw = 0;
    *fault = (struct fault){.nth = 1, .times = 1};
    const char *action = json_string_value(json_object_get(object, "action"));
    const char *when = json_string_value(json_object_get(object, "when"));
    if (action == NULL || !keys_known(object, keys) || !match_take(json_object_get(object, "match"), fault) ||
        !hex_take(object, "sw", 4, &sw) || !count_take(object, "ms", &fault->ms) ||
        !count_take(object, "times", &fault->times) || !data_take(object, fault)) {
        return false;
    }
    for (enum fault_action a = FAULT_SW; a < FAULT_ACTION_MAX; a++) {
        if (strcmp(action, fault_action_text(a)) == 0) {
            fault->action = a;
        }
    }
    fault->sw = (uint16_t)sw;
    fault->after = when != NULL && strcmp(when, "after") == 0;
    bool when_known = when == NULL || fault->after || strcmp(when, "before") == 0;
    bool complete = (fault->action != FAULT_SW || sw != 0) &&
                    (fault->action != FAULT_RESPOND || fault->data_len >= 2) &&
                    (fault->action != FAULT_GARBAGE || fault->data_len > 0);
    return fault->action != FAULT_NONE && when_known && complete;
}

static bool list_read(const char *path, struct fault **ret_list, size_t *ret_count, char *ret_why,
                      size_t why_size)
{
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        snprintf(ret_why, why_size, "%s:%d:%d: %s", path, error.line, error.column, error.text);
        return false;
    }
    size_t count = json_array_size(root);
    struct fault *list = count == 0 || count > FAULTS_MAX ? NULL : calloc(count, sizeof *list);
    bool good = json_is_array(root) && (count == 0 || list != NULL);
    size_t i = 0;
    for (; good && i < count; i++) {
        good = fault_take(json_array_get(root, i), &list[i]);
    }
    json_decref(root);
    if (!good) {
        snprintf(ret_why, why_size, "%s: entry %zu is not of the documented form", path, i);
        list_free(list, count);
        return false;
    }
    *ret_list = list;
    *ret_count = count;
    return true;
}

bool faults_refresh(struct faults *faults, bool force, char *ret_why, size_t why_size)
{
    struct stat st;
    if (faults->path == NULL) {
        return true;
    }
    if (stat(faults->path, &st) != 0) {
        if (errno != ENOENT) {
            snprintf(ret_why, why_size, "%s: %s", faults->path, strerror(errno));
            return false;
        }
        faults_free(faults);
        faults->last = (struct stat){0};
        return true;
    }
    // File times are coarse: a replaced or grown file of the same instant shows by its inode or size.
    const struct stat *last = &faults->last;
    bool same = st.st_mtim.tv_sec == last->st_mtim.tv_sec && st.st_mtim.tv_nsec == last->st_mtim.tv_nsec &&
                st.st_ino == last->st_ino && st.st_size == last->st_size;
    if (same && !force) {
        return true;
    }
    struct fault *list = NULL;
    size_t count = 0;
    if (!list_read(faults->path, &list, &count, ret_why, why_size)) {
        return false;
    }
    faults_free(faults);
    faults->list = list;
    faults->count = count;
    faults->last = st;
    return true;
}

static bool byte_matches(int want, uint8_t is)
{
    return want < 0 || want == is;
}

static bool fault_matches(const struct fault *fault, const struct card_peek *peek)
{
    return byte_matches(fault->cla, peek->cla) && byte_matches(fault->ins, peek->ins) &&
           byte_matches(fault->p1, peek->p1) && byte_matches(fault->p2, peek->p2) &&
           (fault->es10 == 0 || fault->es10 == peek->es10) &&
           (fault->segment == 0 || fault->segment == peek->segment);
}

const struct fault *faults_match(struct faults *faults, const struct card_peek *peek)
{
    const struct fault *fires = NULL;
    for (size_t i = 0; i < faults->count; i++) {
        struct fault *fault = &faults->list[i];
        if (!fault_matches(fault, peek)) {
            continue;
        }
        fault->hits++;
        bool due =
            fault->hits >= fault->nth && (fault->times == 0 || fault->hits - fault->nth < fault->times);
        if (due && fires == NULL) {
            fires = fault;
        }
    }
    return fires;
}
