// SPDX-License-Identifier: Apache-2.0
// The state's file, written: replaced atomically, as a card writes.
#include "tests/sim/euicc/state.h"
#include "tests/sim/euicc/state_names.h"

#include <openssl/crypto.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static json_t *hex(const uint8_t *bytes, size_t len)
{
    if (len == 0) {
        return json_string("");
    }
    char *text = malloc(2 * len + 1);
    json_t *value = NULL;
    if (text != NULL && OPENSSL_buf2hexstr_ex(text, 2 * len + 1, NULL, bytes, len, '\0') == 1) {
        value = json_string(text);
    }
    free(text);
    return value;
}

static json_t *iccid_json(const uint8_t iccid[ICCID_SIZE])
{
    char text[2 * ICCID_SIZE + 1];
    iccid_to_text(iccid, text);
    return json_string(text);
}

static json_t *mask_json(const char *const *names, uint32_t mask)
{
    json_t *array = json_array();
    for (size_t i = 0; names[i] != NULL; i++) {
        if ((mask & (UINT32_C(1) << i)) != 0) {
            json_array_append_new(array, json_string(names[i]));
        }
    }
    return array;
}

static json_t *operator_json(struct slice mcc_mnc, const struct slice gids[2], const bool has_gid[2])
{
    json_t *object = json_pack("{s:o}", "mccMnc", hex(mcc_mnc.data, mcc_mnc.len));
    const char *const keys[2] = {"gid1", "gid2"};
    for (size_t i = 0; i < 2; i++) {
        if (has_gid[i]) {
            json_object_set_new(object, keys[i], hex(gids[i].data, gids[i].len));
        }
    }
    return object;
}

static json_t *owner_json(const struct profile *profile)
{
    struct slice owner = slice_of(profile->owner, profile->owner_len);
    struct tlv tlv = {0};
    struct slice mcc_mnc = tlv_find(owner, 0x80, &tlv) ? tlv.value : slice_of(NULL, 0);
    struct slice gids[2] = {{0}, {0}};
    bool has_gid[2] = {false, false};
    for (uint32_t i = 0; i < 2; i++) {
        has_gid[i] = tlv_find(owner, 0x81 + i, &tlv);
        gids[i] = tlv.value;
    }
    return operator_json(mcc_mnc, gids, has_gid);
}

static json_t *profile_json(const struct profile *profile)
{
    json_t *configs = json_array();
    for (size_t i = 0; i < profile->configs_count; i++) {
        json_array_append_new(configs, json_pack("{s:o, s:s}", "events",
                                                 mask_json(STATE_EVENT_NAMES, profile->configs[i].events),
                                                 "address", profile->configs[i].address));
    }
    json_t *object =
        json_pack("{s:o, s:o, s:b, s:b, s:s, s:s, s:s, s:o, s:o, s:I}", "iccid", iccid_json(profile->iccid),
                  "aid", hex(profile->aid, AID_SIZE), "enabled", profile->enabled, "fieldLoaded",
                  profile->field_loaded, "class", STATE_CLASS_NAMES[profile->class], "serviceProvider",
                  profile->spn, "name", profile->name, "notifications", configs, "pprs",
                  mask_json(STATE_PPR_NAMES, profile->pprs), "size", (json_int_t)profile->size);
    if (profile->has_nickname) {
        json_object_set_new(object, "nickname", json_string(profile->nickname));
    }
    if (profile->has_icon_type) {
        json_object_set_new(object, "iconType", json_string(STATE_ICON_NAMES[profile->icon_type]));
        json_object_set_new(object, "icon", hex(profile->icon, profile->icon_len));
    }
    if (profile->owner_len > 0) {
        json_object_set_new(object, "owner", owner_json(profile));
    }
    if (profile->dp_data_len > 0) {
        json_object_set_new(object, "dpData", hex(profile->dp_data, profile->dp_data_len));
    }
    return object;
}

static json_t *rule_json(const struct policy_rule *rule)
{
    json_t *operators = json_array();
    for (size_t i = 0; i < rule->operators_count; i++) {
        const struct operator_rule *op = &rule->operators[i];
        struct slice gids[2] = {slice_of(op->gid[0], op->gid_len[0]), slice_of(op->gid[1], op->gid_len[1])};
        json_array_append_new(operators, operator_json(slice_of(op->mcc_mnc, 3), gids, op->has_gid));
    }
    return json_pack("{s:o, s:o, s:b}", "pprs", mask_json(STATE_PPR_NAMES, rule->pprs), "operators",
                     operators, "consent", rule->consent);
}

static json_t *notification_json(const struct notification *notification)
{
    json_t *object = json_pack("{s:I, s:o, s:s, s:o}", "seq", (json_int_t)notification->seq, "event",
                               mask_json(STATE_EVENT_NAMES, notification->event), "address",
                               notification->address, "bytes", hex(notification->bytes, notification->len));
    if (notification->has_iccid) {
        json_object_set_new(object, "iccid", iccid_json(notification->iccid));
    }
    return object;
}

static json_t *load_json(const struct load_marker *load)
{
    json_t *object = json_pack("{s:o, s:s, s:o, s:I, s:I}", "tid", hex(load->tid, load->tid_len), "address",
                               load->address, "oid", hex(load->oid, load->oid_len), "curve",
                               (json_int_t)load->curve, "command", (json_int_t)load->command);
    if (load->has_iccid) {
        json_object_set_new(object, "iccid", iccid_json(load->iccid));
    }
    return object;
}

static json_t *crl_json(const struct crl *crl)
{
    json_t *revoked = json_array();
    for (size_t i = 0; i < crl->serials_count; i++) {
        json_array_append_new(revoked, hex(crl->serials[i].bytes, crl->serials[i].len));
    }
    return json_pack("{s:o, s:I, s:I, s:I, s:o}", "ci", hex(crl->ci, sizeof crl->ci), "number",
                     (json_int_t)crl->number, "total", (json_int_t)crl->total, "parts",
                     (json_int_t)crl->parts, "revoked", revoked);
}

static void quirk_put(json_t *object, const char *key, const struct quirk *quirk)
{
    const uint8_t bytes[2] = {(uint8_t)(quirk->code >> 8), (uint8_t)quirk->code};
    if (quirk->present) {
        json_object_set_new(object, key, quirk->is_sw ? hex(bytes, 2) : hex(bytes + 1, 1));
    }
}

// What only special cards have.
static void special_put(json_t *root, const struct state *state)
{
    json_t *crls = json_array();
    json_t *quirks = json_object();
    for (size_t i = 0; i < state->crls_count; i++) {
        json_array_append_new(crls, crl_json(&state->crls[i]));
    }
    quirk_put(quirks, "iccidFails", &state->quirks.iccid);
    quirk_put(quirks, "refreshFails", &state->quirks.refresh);
    json_object_set_new(quirks, "needsTerminalCapability",
                        json_boolean(state->quirks.needs_terminal_capability));
    json_object_set_new(quirks, "notificationsReversed", json_boolean(state->quirks.notifications_reversed));
    json_object_set_new(quirks, "oldEmptyList", json_boolean(state->quirks.old_empty_list));
    json_object_set_new(root, "crlSupport", json_boolean(state->crl_support));
    json_object_set_new(root, "crls", crls);
    json_object_set_new(root, "catBusy", json_integer(state->cat_busy));
    json_object_set_new(root, "quirks", quirks);
}

static json_t *state_json(const struct state *state)
{
    json_t *rules = json_array();
    json_t *profiles = json_array();
    json_t *pending = json_array();
    for (size_t i = 0; i < state->rules_count; i++) {
        json_array_append_new(rules, rule_json(&state->rules[i]));
    }
    for (size_t i = 0; i < state->profiles_count; i++) {
        json_array_append_new(profiles, profile_json(&state->profiles[i]));
    }
    for (size_t i = 0; i < state->notifications_count; i++) {
        json_array_append_new(pending, notification_json(&state->notifications[i]));
    }
    json_t *root =
        json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "svn",
                  hex(state->svn, VERSION_SIZE), "profileVersion", hex(state->profile_version, VERSION_SIZE),
                  "firmware", hex(state->firmware, VERSION_SIZE), "nvm", (json_int_t)state->nvm, "ram",
                  (json_int_t)state->ram, "freeMemory", (json_int_t)state_free_memory(state),
                  "defaultDpAddress", state->default_dp, "initialDefaultDpAddress", state->initial_default_dp,
                  "rootDsAddress", state->root_ds, "nextSeq", (json_int_t)state->next_seq, "forbiddenPprs",
                  mask_json(STATE_PPR_NAMES, state->forbidden_pprs), "rat", rules, "profiles", profiles,
                  "pending", pending);
    if (root != NULL && state->has_previous) {
        json_object_set_new(root, "previousOperational", iccid_json(state->previous));
    }
    if (root != NULL) {
        special_put(root, state);
    }
    if (root != NULL && state->load.present) {
        json_object_set_new(root, "load", load_json(&state->load));
    }
    return root;
}

// The rename itself has to survive a power loss too.
static bool folder_sync(const char *path)
{
    char folder[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (len >= sizeof folder) {
        return false;
    }
    memcpy(folder, path, len);
    folder[len] = '\0';
    int fd = open(slash == NULL ? "." : len == 0 ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

bool state_save(const struct state *state, const char *path)
{
    char temporary[PATH_SIZE];
    int len = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (len < 0 || (size_t)len >= sizeof temporary) {
        return false;
    }
    json_t *root = state_json(state);
    int fd = root == NULL ? -1 : open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool done = fd >= 0 && json_dumpfd(root, fd, JSON_INDENT(1)) == 0 && fsync(fd) == 0;
    if (fd >= 0) {
        done = close(fd) == 0 && done;
    }
    json_decref(root);
    return done && rename(temporary, path) == 0 && folder_sync(path);
}
