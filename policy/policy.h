// SPDX-License-Identifier: Apache-2.0
// A policy as it is decided by: roles, permissions, caps; and its language.
//
//   version: 1                     # required
//   roles:
//     admin:    {users: [root]}    # numbers, or names that the settings list
//     operator: {users: [1000], groups: [lpad]}
//   permissions:                   # the first that covers a request decides it; none: denied
//     - operations: [download]     # download enable disable delete nickname notify
//       roles: [admin]             # any of them; required but for notify
//       hosts: [smdp.example.com, "*.example.net"]  # of download and notify, required there
//       consent: ask               # ask | given; default: ask for download, given for the rest
//       pprs: [ppr1, ppr2]         # that a downloaded profile may carry; default none
//       classes: [operational]     # that may be downloaded; default [operational, provisioning]
//       effect: allow              # allow (default) | deny
//     - operations: [enable, disable, nickname, delete]
//       roles: [admin, operator]
//       profiles: any              # required: any, a list of ICCIDs, or a mapping (all keys given must
//       hold): # profiles: ["8949449999999990031"] # profiles: {iccids: [...], classes: [operational],
//       providers: [Name]}
//     - operations: [notify]       # where lpad itself may deliver notifications
//       hosts: ["*.example.com"]
//   caps: {downloads_per_day: 10, enables_per_day: 50, deletes_per_day: 5}  # these are the defaults
//
// A client has every role in which its uid or one of its groups stands. Of a download the first permission
// for role and host decides: its classes and PPRs are limits, which no later permission widens. Notifications
// may also go to every host that some download permission allows, unless a notify permission decides before.
// A host pattern is a name, "*.name" (every name below it) or "*"; an IP address is covered only when it is
// written out. Days are UTC.
#ifndef LPAD_POLICY_POLICY_H
#define LPAD_POLICY_POLICY_H

#include "rsp/iccid.h"

#include "types.pb-c.h"

#define POLICY_ROLES_MAX       32
#define POLICY_PERMISSIONS_MAX 1000
#define POLICY_LIST_MAX        256 // entries of users, groups, hosts, ICCIDs, providers

struct policy_ids {
    const uint32_t *ids;
    uint32_t count;
};

struct policy_role {
    const char *name;
    struct policy_ids users, groups;
};

enum policy_consent {
    POLICY_CONSENT_DEFAULT,
    POLICY_CONSENT_ASK,
    POLICY_CONSENT_GIVEN,
};

// Everything given must hold; nothing given: any profile.
struct policy_profiles {
    const struct iccid *iccids;
    uint32_t iccid_count;
    uint32_t classes; // bits 1 << Lpad__ProfileClass; 0: not given
    char **providers;
    uint32_t provider_count;
};

struct policy_permission {
    uint32_t operations; // bits 1 << Lpad__Operation
    uint32_t roles;      // bits 1 << index of the role; 0: everybody (notify alone)
    char **hosts;
    uint32_t host_count;
    bool allow;
    enum policy_consent consent;
    uint32_t pprs;    // admitted bits of PprIds
    uint32_t classes; // bits 1 << Lpad__ProfileClass
    struct policy_profiles profiles;
    uint32_t line;
};

enum policy_counter {
    POLICY_DOWNLOADS,
    POLICY_ENABLES,
    POLICY_DELETES,
    POLICY_COUNTER_MAX, // also: nothing is counted
};

struct policy {
    struct policy_role *roles;
    uint32_t role_count;
    struct policy_permission *permissions;
    uint32_t permission_count;
    uint32_t caps[POLICY_COUNTER_MAX];
};

#endif
