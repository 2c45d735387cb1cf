// SPDX-License-Identifier: Apache-2.0
// The enums of the links in words: a stable name for JSON and scripts, and a text for people. (Functions,
// operations and processes have theirs in proto/convert.h.)
//
// No function here returns NULL; a value that is not known gives "unknown".
#ifndef LPAD_CTL_WORDS_H
#define LPAD_CTL_WORDS_H

#include "control.pb-c.h"

#include "rsp/result.h"

struct stage_words {
    const char *name;  // "authenticate"
    const char *doing; // "authenticating card and server"
    unsigned number;   // from 1; 0 for the one that is no step forward (cancel)
};
#define STAGE_COUNT 9
struct stage_words words_stage(Lpad__Stage stage);

// Whose result codes a card's function answers with; false for a server's function.
bool words_es10_function(Lpad__Function function, enum es10_function *ret_function);

struct deny_words {
    const char *name;
    const char *words;
    const char *advice;
};
struct deny_words words_deny(Lpad__DenyReason reason);

const char *words_profile_state(Lpad__ProfileState state);
const char *words_profile_class(Lpad__ProfileClass class);
const char *words_policy_state(Lpad__PolicyState state);

// Names of the bits of a mask, one call each from `*bit` 0 on; NULL when there is no further one.
const char *words_next_ppr(uint32_t mask, unsigned *bit); // "ppr1"
const char *words_next_capability(uint64_t mask,
                                  unsigned *bit); // Linux: "setuid"; "cap63" when it has no name
const char *words_next_rsp_capability(uint32_t mask, unsigned *bit);
// What a profile policy rule means for the one who installs it; `name` is of words_next_ppr.
const char *words_ppr_meaning(const char *name);
// The same as a consequence, for a person who is to agree to it.
const char *words_ppr_consequence(const char *name);
// "png", "jpg"; by the icon's type.
const char *words_icon_type(uint32_t icon_type);

#endif
