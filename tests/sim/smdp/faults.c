// SPDX-License-Identifier: Apache-2.0
// Which fault applies is a matter of counting: nth request of a function, for a number of times.
#include "tests/sim/smdp/faults.h"

#include "tests/sim/smdp/text.h"

#include <stdio.h>
#include <stdlib.h>

void faults_clear(struct faults *faults)
{
    json_decref(faults->list);
    free(faults->counts);
    faults->list = NULL;
    faults->counts = NULL;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void faults_refresh(struct faults *faults)
{
    struct stat now = {0};
    json_error_t error;

    if (faults->path == NULL || stat(faults->path, &now) != 0) {
        faults_clear(faults);
        faults->seen = (struct stat){0};
        return;
    }
    if (faults->list != NULL && same_file(&now, &faults->seen)) {
        return;
    }
    faults_clear(faults);
    faults->seen = now;
    faults->list = json_load_file(faults->path, 0, &error);
    if (!json_is_array(faults->list)) {
        fprintf(stderr, "sim-smdp: %s:%d: not an array of faults: %s\n", faults->path, error.line,
                error.text);
        faults_clear(faults);
        return;
    }
    faults->counts = calloc(json_array_size(faults->list) + 1, sizeof(*faults->counts));
    if (faults->counts == NULL) {
        faults_clear(faults);
    }
}

// "*" is every ES9+ function, and never the connection itself.
static bool applies_to(const json_t *fault, const char *function)
{
    const char *wanted = json_get_text(fault, "function", "*");

    if (strcmp(wanted, "*") == 0) {
        return strcmp(function, "connect") != 0;
    }
    return strcmp(wanted, function) == 0;
}

json_t *faults_take(struct faults *faults, const char *function)
{
    json_t *found = NULL;
    json_t *fault = NULL;
    size_t i = 0;

    faults_refresh(faults);
    json_array_foreach(faults->list, i, fault)
    {
        long nth = json_get_int(fault, "nth", 1);
        long times = json_get_int(fault, "times", 1);

        if (!applies_to(fault, function)) {
            continue;
        }
        faults->counts[i]++;
        if (found == NULL && faults->counts[i] >= nth && (times == 0 || faults->counts[i] < nth + times)) {
            found = fault;
        }
    }
    // A reload may free the list while a slow response still uses its fault.
    return found != NULL ? json_deep_copy(found) : NULL;
}

const char *fault_action(const json_t *fault)
{
    return json_get_text(fault, "action", "");
}

bool fault_is(const json_t *fault, const char *action)
{
    return strcmp(fault_action(fault), action) == 0;
}

struct slice fault_signed(const json_t *fault, const char *name, struct slice right, struct tlvb *scratch)
{
    return fault_is(fault, "signed") && json_get_hex(fault, name, scratch) ? tlvb_get(scratch) : right;
}
