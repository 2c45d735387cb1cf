// SPDX-License-Identifier: Apache-2.0
// Orders are looked up by walking the folder: there are few, and a test may change them at any time.
#include "tests/sim/smdp/order.h"

#include "tests/sim/common/upp.h"
#include "tests/sim/smdp/text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    UPP_SIZE_DEFAULT = 11800,
    UPP_SIZE_MAX = 16 << 20,
};

static const char *const state_texts[ORDER_STATE_MAX] = {
    [ORDER_AVAILABLE] = "Available", [ORDER_ALLOCATED] = "Allocated", [ORDER_LINKED] = "Linked",
    [ORDER_CONFIRMED] = "Confirmed", [ORDER_RELEASED] = "Released",   [ORDER_DOWNLOADED] = "Downloaded",
    [ORDER_INSTALLED] = "Installed", [ORDER_ERROR] = "Error",         [ORDER_UNAVAILABLE] = "Unavailable",
};

typedef bool order_match(const struct order *order, const void *wanted);

static bool has_suffix(const char *text, const char *suffix)
{
    size_t len = strlen(text);
    size_t suffix_len = strlen(suffix);

    return len > suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

static int is_order_file(const struct dirent *entry)
{
    const char *name = entry->d_name;

    return name[0] != '.' && has_suffix(name, ".json") && !has_suffix(name, ".state.json") ? 1 : 0;
}

static json_t *order_json(const char *dir, const char *name, const char *suffix, bool *ret_present)
{
    char path[2048];
    FILE *file = NULL;
    json_t *json = NULL;

    *ret_present = false;
    if (snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix) >= (int)sizeof(path)) {
        return NULL;
    }
    file = fopen(path, "rbe");
    if (file != NULL) {
        *ret_present = true;
        json = json_loadf(file, 0, NULL);
        fclose(file);
    }
    if (json != NULL && !json_is_object(json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

enum order_result order_open(const char *dir, const char *name, struct order *ret_order)
{
    struct order order = {0};
    bool present = false;

    if (strlen(dir) >= sizeof(order.dir) || strlen(name) >= sizeof(order.name)) {
        return ORDER_UNREADABLE;
    }
    memcpy(order.dir, dir, strlen(dir) + 1);
    memcpy(order.name, name, strlen(name) + 1);
    order.spec = order_json(dir, name, ".json", &present);
    if (order.spec == NULL) {
        return present ? ORDER_UNREADABLE : ORDER_NONE;
    }
    order.memory = order_json(dir, name, ".state.json", &present);
    if (order.memory == NULL && !present) {
        order.memory = json_object();
    }
    if (order.memory == NULL) {
        order_close(&order);
        return ORDER_UNREADABLE;
    }
    *ret_order = order;
    return ORDER_OK;
}

static enum order_result order_find(const char *dir, order_match *match, const void *wanted,
                                    struct order *ret_order)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, is_order_file, alphasort);
    enum order_result result = count < 0 ? ORDER_UNREADABLE : ORDER_NONE;

    for (int i = 0; i < count; i++) {
        struct order order = {0};
        char *name = entries[i]->d_name;

        name[strlen(name) - strlen(".json")] = '\0';
        if (result != ORDER_OK && order_open(dir, name, &order) == ORDER_OK) {
            if (match(&order, wanted)) {
                *ret_order = order;
                result = ORDER_OK;
            } else {
                order_close(&order);
            }
        } else if (result != ORDER_OK) {
            fprintf(stderr, "sim-smdp: order %s/%s.json cannot be read\n", dir, name);
        }
        free(entries[i]);
    }
    free(entries);
    return result;
}

static bool match_token(const struct order *order, const void *wanted)
{
    const char *token = json_get_text(order->spec, "matchingId", NULL);

    return token != NULL && token[0] != '\0' && strcmp(token, wanted) == 0;
}

static bool match_eid(const struct order *order, const void *wanted)
{
    const char *eid = order_eid(order);
    enum order_state state = order_state(order);

    if (eid == NULL || strcmp(eid, wanted) != 0) {
        return false;
    }
    return state == ORDER_RELEASED || state == ORDER_DOWNLOADED;
}

static bool match_transaction(const struct order *order, const void *wanted)
{
    const struct slice *tid = wanted;
    struct tlvb bytes = TLVB_INIT;
    bool same = json_get_hex(order->memory, "transactionId", &bytes) && slice_equal(tlvb_get(&bytes), *tid);

    tlvb_free(&bytes);
    return same;
}

static bool match_iccid(const struct order *order, const void *wanted)
{
    const struct slice *iccid = wanted;
    const char *digits = json_get_text(order->spec, "iccid", "");
    uint8_t bytes[UPP_ICCID_SIZE];

    return upp_iccid_encode(digits, bytes) && slice_equal(slice_of(bytes, sizeof(bytes)), *iccid);
}

enum order_result order_find_token(const char *dir, const char *matching_id, struct order *ret_order)
{
    return order_find(dir, match_token, matching_id, ret_order);
}

enum order_result order_find_eid(const char *dir, const char *eid, struct order *ret_order)
{
    return order_find(dir, match_eid, eid, ret_order);
}

enum order_result order_find_transaction(const char *dir, struct slice tid, struct order *ret_order)
{
    return order_find(dir, match_transaction, &tid, ret_order);
}

enum order_result order_find_iccid(const char *dir, struct slice iccid, struct order *ret_order)
{
    return order_find(dir, match_iccid, &iccid, ret_order);
}

enum order_state order_state(const struct order *order)
{
    const char *text = json_get_text(order->memory, "state", json_get_text(order->spec, "state", "Released"));

    for (enum order_state state = ORDER_AVAILABLE; state < ORDER_STATE_MAX; state++) {
        if (strcmp(text, state_texts[state]) == 0) {
            return state;
        }
    }
    return ORDER_UNAVAILABLE;
}

const char *order_state_text(enum order_state state)
{
    return state_texts[state];
}

void order_set_state(struct order *order, enum order_state state)
{
    order_remember(order, "state", json_string(state_texts[state]));
}

const char *order_eid(const struct order *order)
{
    return json_get_text(order->memory, "eid", json_get_text(order->spec, "eid", NULL));
}

long order_count(struct order *order, const char *counter, long by)
{
    long value = json_get_int(order->memory, counter, 0) + by;

    if (by != 0) {
        order_remember(order, counter, json_integer(value));
    }
    return value;
}

bool order_is_expired(const struct order *order)
{
    const json_t *expires = json_object_get(order->spec, "expires");
    struct tm parts = {0};

    if (json_is_integer(expires)) {
        return time(NULL) >= (time_t)json_integer_value(expires);
    }
    if (json_is_string(expires) &&
        strptime(json_string_value(expires), "%Y-%m-%dT%H:%M:%SZ", &parts) != NULL) {
        return time(NULL) >= timegm(&parts);
    }
    return false;
}

// A file that the order names: absolute, or below the orders folder.
static bool path_below(const struct order *order, const char *file, char *ret_path, size_t size)
{
    int len = file[0] == '/' ? snprintf(ret_path, size, "%s", file)
                             : snprintf(ret_path, size, "%s/%s", order->dir, file);

    return len >= 0 && (size_t)len < size;
}

// "3.1"; what is not of that form leaves the default.
static void version_get(const char *text, uint32_t version[2])
{
    char *dot = NULL;
    unsigned long major = strtoul(text, &dot, 10);

    if (*dot == '.' && major > 0 && major < 256) {
        version[0] = (uint32_t)major;
        version[1] = (uint32_t)strtoul(dot + 1, NULL, 10) & 0xff;
    }
}

bool order_read_upp(const struct order *order, struct tlvb *out)
{
    const char *file = json_get_text(order->spec, "upp", NULL);
    struct upp_params params = {
        .iccid = json_get_text(order->spec, "iccid", ""),
        .mcc_mnc = json_get_text(order->spec, "ownerMccMnc", NULL),
        .size = (size_t)json_get_int(order->spec, "uppSize", UPP_SIZE_DEFAULT),
        .live_key = json_get_bool(order->spec, "liveKey", false),
    };
    char path[4096];

    version_get(json_get_text(order->spec, "uppVersion", ""), params.version);
    if (file == NULL) {
        return upp_make(&params, out);
    }
    return path_below(order, file, path, sizeof(path)) && file_read(path, UPP_SIZE_MAX, out);
}

bool order_end_event(const struct order *order)
{
    const char *file = json_get_text(order->spec, "event", NULL);
    char path[4096];

    return file != NULL && path_below(order, file, path, sizeof(path)) && unlink(path) == 0;
}

void order_remember(struct order *order, const char *name, json_t *value)
{
    if (json_object_set_new(order->memory, name, value) == 0) {
        order->changed = true;
    }
}

bool order_save(struct order *order)
{
    char path[2048];
    char *text = NULL;
    bool ok = false;

    if (!order->changed) {
        return true;
    }
    text = json_dumps(order->memory, JSON_INDENT(2) | JSON_SORT_KEYS);
    if (text != NULL &&
        snprintf(path, sizeof(path), "%s/%s.state.json", order->dir, order->name) < (int)sizeof(path)) {
        ok = file_replace(path, text, strlen(text));
    }
    free(text);
    order->changed = !ok;
    return ok;
}

void order_close(struct order *order)
{
    json_decref(order->spec);
    json_decref(order->memory);
    *order = (struct order){0};
}
