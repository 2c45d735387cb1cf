// SPDX-License-Identifier: Apache-2.0
// A list of profiles as the card gives it and as a message carries it, for the handlers.
#ifndef LPAD_CARDD_PROFILES_H
#define LPAD_CARDD_PROFILES_H

#include "cardd/cardd.h"
#include "proto/convert.h"

struct profiles {
    struct es10c_profiles read;
    struct profile_message messages[ES10C_PROFILES_MAX];
    Lpad__Profile *list[ES10C_PROFILES_MAX]; // of `messages`, in the card's order
};

// Reads it from the card into scratch memory. `search` NULL: all.
LPAD_NODISCARD enum err profiles_read(struct cardd *c, const struct es10c_search *search,
                                      struct profiles **ret_profiles);
// NULL when there is none.
const struct profile_info *profiles_find_iccid(const struct profiles *p, const struct iccid *iccid);
const struct profile_info *profiles_find_enabled(const struct profiles *p);

#endif
