// SPDX-License-Identifier: Apache-2.0
// The phase table.
#include "cardd/phases.h"

// clang-format off
// A rule by what follows: done, not done.
#define NEXT(done, failed) {true, PHASE_##done, PHASE_##failed}
#define STAYS(phase)       NEXT(phase, phase)
#define ENDS               NEXT(IDLE, IDLE)
#define STEP_TO(phase)     NEXT(phase, FAILED)

// In every phase. An abort outside a load came too late and means nothing.
#define READS(phase)                               \
    [REQUEST_GET_INFO] = STAYS(phase),              \
    [REQUEST_LIST_PROFILES] = STAYS(phase),         \
    [REQUEST_LIST_NOTIFICATIONS] = STAYS(phase),    \
    [REQUEST_RETRIEVE_NOTIFICATION] = STAYS(phase), \
    [REQUEST_GET_ICON] = STAYS(phase),              \
    [REQUEST_ABORT] = STAYS(phase)

// Where no session holds anything: each leads to the idle phase.
#define CHANGES                                  \
    [REQUEST_CHANGE_PROFILE] = ENDS,              \
    [REQUEST_SET_NICKNAME] = ENDS,                \
    [REQUEST_SET_DEFAULT_ADDRESS] = ENDS,         \
    [REQUEST_RESET] = ENDS,                       \
    [REQUEST_LOAD_CRL] = ENDS,                    \
    [REQUEST_REMOVE_NOTIFICATION] = ENDS

static const struct phase_rule rules[PHASE_MAX][REQUEST_MAX] = {
    [PHASE_IDLE] = {
        READS(IDLE),
        [REQUEST_GET_CHALLENGE] = NEXT(CHALLENGED, IDLE),
        CHANGES,
    },
    [PHASE_CHALLENGED] = {
        READS(CHALLENGED),
        // A download that ends before the server answered leaves nothing to cancel: what comes next begins anew.
        [REQUEST_GET_CHALLENGE] = NEXT(CHALLENGED, IDLE),
        // A card that refuses the server discards its session (5.7.13); one that did not answer is told to.
        [REQUEST_AUTHENTICATE_SERVER] = NEXT(AUTHENTICATED, IDLE),
        [REQUEST_CANCEL_SESSION] = ENDS,
        CHANGES,
    },
    [PHASE_AUTHENTICATED] = {
        READS(AUTHENTICATED),
        [REQUEST_PREPARE_DOWNLOAD] = STEP_TO(PREPARED),
        [REQUEST_CANCEL_SESSION] = ENDS,
    },
    [PHASE_PREPARED] = {
        READS(PREPARED),
        [REQUEST_STAGE] = STEP_TO(STAGED),
        [REQUEST_CANCEL_SESSION] = ENDS,
    },
    [PHASE_STAGED] = {
        READS(STAGED),
        // The card's result, good or bad, ends the session on the card (5.7.6).
        [REQUEST_LOAD] = STEP_TO(IDLE),
        [REQUEST_CANCEL_SESSION] = ENDS,
    },
    [PHASE_FAILED] = {
        READS(FAILED),
        [REQUEST_CANCEL_SESSION] = ENDS,
    },
    [PHASE_DISCOVERED] = {
        READS(DISCOVERED),
        // A session with an SM-DS ends with its answer (5.8.2); the card drops its side at the next challenge.
        [REQUEST_GET_CHALLENGE] = NEXT(CHALLENGED, IDLE),
        [REQUEST_CANCEL_SESSION] = ENDS,
        CHANGES,
    },
};
// clang-format on

static const char *const phase_names[PHASE_MAX] = {
    [PHASE_IDLE] = "idle",
    [PHASE_CHALLENGED] = "challenged",
    [PHASE_AUTHENTICATED] = "authenticated",
    [PHASE_PREPARED] = "prepared",
    [PHASE_STAGED] = "staged",
    [PHASE_FAILED] = "failed",
    [PHASE_DISCOVERED] = "discovered",
};

static const char *const request_names[REQUEST_MAX] = {
    [REQUEST_GET_INFO] = "get info",
    [REQUEST_LIST_PROFILES] = "list profiles",
    [REQUEST_GET_CHALLENGE] = "get challenge",
    [REQUEST_AUTHENTICATE_SERVER] = "authenticate server",
    [REQUEST_PREPARE_DOWNLOAD] = "prepare download",
    [REQUEST_STAGE] = "stage",
    [REQUEST_LOAD] = "load",
    [REQUEST_CANCEL_SESSION] = "cancel session",
    [REQUEST_CHANGE_PROFILE] = "change profile",
    [REQUEST_SET_NICKNAME] = "set nickname",
    [REQUEST_LIST_NOTIFICATIONS] = "list notifications",
    [REQUEST_RETRIEVE_NOTIFICATION] = "retrieve notification",
    [REQUEST_REMOVE_NOTIFICATION] = "remove notification",
    [REQUEST_ABORT] = "abort",
    [REQUEST_GET_ICON] = "get icon",
    [REQUEST_SET_DEFAULT_ADDRESS] = "set default address",
    [REQUEST_RESET] = "reset",
    [REQUEST_LOAD_CRL] = "load CRL",
};

const struct phase_rule *phase_rule_of(enum phase phase, enum request request)
{
    LPAD_ASSERT(phase < PHASE_MAX && request < REQUEST_MAX);
    return &rules[phase][request];
}

enum phase phase_next(enum phase phase, enum request request, enum err result)
{
    const struct phase_rule *rule = phase_rule_of(phase, request);
    LPAD_ASSERT(rule->allowed);
    return result == ERR_OK ? rule->ok : rule->failed;
}

const char *phase_name(enum phase phase)
{
    LPAD_ASSERT(phase < PHASE_MAX);
    return phase_names[phase];
}

const char *request_name(enum request request)
{
    LPAD_ASSERT(request < REQUEST_MAX);
    return request_names[request];
}
