// SPDX-License-Identifier: Apache-2.0
// ES10c: the card's profiles and its EID (SGP.22 v2.5, 5.7.15 to 5.7.21).
#ifndef LPAD_CARDD_ES10C_H
#define LPAD_CARDD_ES10C_H

#include "cardd/es10.h"
#include "rsp/eid.h"
#include "rsp/profile.h"

#define ES10C_PROFILES_MAX 64

struct es10c_profiles {
    struct profile_info list[ES10C_PROFILES_MAX];
    size_t count;
};

// GetEID, 5.7.20.
LPAD_NODISCARD enum err es10c_get_eid(struct es10 *es, struct eid *ret_eid);

// What GetProfilesInfo looks for: at most one of these; all profiles when none is set.
struct es10c_search {
    const struct iccid *iccid;
    struct bytes isdp_aid;
    bool has_class;
    enum profile_class class;
};

// GetProfilesInfo, 5.7.15, with a tag list that leaves the icon itself out: three ordinary profiles then fit
// one response APDU. `search` NULL: all profiles. What does not fit the search is left out, because not every
// card searches; so are profiles without an ICCID, with which nothing could be done. ERR_LIMIT: more than
// ES10C_PROFILES_MAX.
LPAD_NODISCARD enum err es10c_get_profiles_info(struct es10 *es, const struct es10c_search *search,
                                                struct es10c_profiles *ret_profiles);

// The icon of one profile, by the same function. `found` false: the card has no such profile.
struct es10c_icon {
    bool found;
    enum profile_icon_type type; // PROFILE_ICON_NONE: it has no icon
    struct bytes icon; // borrowed until the next call; 1 to PROFILE_ICON_MAX octets when there is one
};
LPAD_NODISCARD enum err es10c_get_icon(struct es10 *es, const struct iccid *iccid,
                                       struct es10c_icon *ret_icon);

// How a command names its profile: by ISD-P AID when one is given, else by ICCID.
struct es10c_target {
    struct iccid iccid;
    struct bytes isdp_aid;
};

// EnableProfile 5.7.16, DisableProfile 5.7.17, DeleteProfile 5.7.18. Sent once. On a transport error the
// outcome is unknown: read the profiles again.
LPAD_NODISCARD enum err es10c_enable_profile(struct es10 *es, const struct es10c_target *target,
                                             bool refresh);
LPAD_NODISCARD enum err es10c_disable_profile(struct es10 *es, const struct es10c_target *target,
                                              bool refresh);
LPAD_NODISCARD enum err es10c_delete_profile(struct es10 *es, const struct es10c_target *target);

// The result codes of these three that say more than no.
#define ES10C_NOT_FOUND 1
#define ES10C_CAT_BUSY  5
#define ES10C_UNDEFINED 127

// SetNickname, 5.7.21; an empty one removes it.
LPAD_NODISCARD enum err es10c_set_nickname(struct es10 *es, const struct iccid *iccid, const char *nickname);

// eUICCMemoryReset, 5.7.19, of what `options` names. Code 1: there was nothing to
// delete. Sent once: on a transport error the outcome is unknown.
#define ES10C_RESET_OPERATIONAL  (1u << 0)
#define ES10C_RESET_FIELD_TEST   (1u << 1)
#define ES10C_RESET_DEFAULT_SMDP (1u << 2)
LPAD_NODISCARD enum err es10c_memory_reset(struct es10 *es, unsigned options);

#endif
