// SPDX-License-Identifier: Apache-2.0
// The policy in force: the newest text that loads, else the one before, else the one that was kept.
#include "policy/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_in_force(struct policy_store *s, struct policy *policy, struct bytes text, bool newest)
{
    uint8_t sha256[STATE_SHA256_SIZE];
    state_hash(text, sha256);
    s->changes += s->policy == NULL || memcmp(sha256, s->sha256, sizeof sha256) != 0;
    policy_free(s->policy);
    s->policy = policy;
    s->is_newest = newest;
    memcpy(s->sha256, sha256, sizeof sha256);
}

// The kept text loaded once; if it does not any more (another version, other names), nothing is in force.
static void fall_back(struct policy_store *s, struct policy_state *state)
{
    s->is_newest = false;
    if (s->policy != NULL)
        return;
    uint8_t *text = NULL;
    size_t len = 0;
    struct policy *policy;
    struct yaml_error error;
    if (state_load_text(state, &text, &len) == ERR_OK && len > 0 &&
        policy_read(bytes_make(text, len), &s->names, &policy, &error) == ERR_OK)
        put_in_force(s, policy, bytes_make(text, len), false);
    free(text);
}

static void remember_error(struct policy_store *s, uint32_t line, uint32_t column)
{
    s->error_line = line;
    s->error_column = column;
}

enum err store_take_text(struct policy_store *s, struct policy_state *state, struct bytes text)
{
    struct policy *policy;
    struct yaml_error error = {0};
    enum err e = policy_read(text, &s->names, &policy, &error);
    if (e == ERR_OK) {
        put_in_force(s, policy, text, true);
        s->error[0] = '\0';
        remember_error(s, 0, 0);
        return state_keep_text(state, text);
    }
    if (e == ERR_INPUT)
        yaml_error_text(&error, s->error, sizeof s->error);
    else
        snprintf(s->error, sizeof s->error, "the policy cannot be read: %s", err_words(e));
    remember_error(s, error.line, error.column);
    fall_back(s, state);
    return e;
}

void store_take_absence(struct policy_store *s, struct policy_state *state, int error_number)
{
    snprintf(s->error, sizeof s->error, "the policy file cannot be read: %s", strerror(error_number));
    remember_error(s, 0, 0);
    fall_back(s, state);
}
