// SPDX-License-Identifier: Apache-2.0
// A policy as it is decided by: roles, permissions, caps; and its language.
//
//   version: 1                     # required
//   roles:
//     admin:    {users: [root]}    # numbers, or names that the settings list
//     operator: {users: [1000], groups: [lpad]}
//   permissions:                   # the first that covers a request decides it; none: denied
//     - operations: [download]     # download enable disable delete nickname notify
//                                  # discover reset default_address load_crl hold reload
//       roles: [admin]             # any of them; required but for notify; `engine`: the switching engine's
//                                  # own enables, which need no permission: one can deny them
//       hosts: [smdp.example.com, "*.example.net"]  # of download, discover, default_address, notify
//       from: [code, default_address, event]  # who named the server of a download; default all
//       oid: 1.3.6.1.4.1.99999.1   # of a download: the registeredID that the server's certificate must have
//       consent: ask               # ask | given; default: ask for download, delete and reset, else given
//       pprs: [ppr1, ppr2]         # that a downloaded profile may carry; default none
//       classes: [operational]     # that may be downloaded; default [operational, provisioning]
//       effect: allow              # allow (default) | deny
//     - operations: [enable, disable, nickname, delete]
//       roles: [admin, operator]
//       profiles: any              # required: any, a list of ICCIDs, or a mapping, of which all must hold:
//                                  #   {iccids: [...], classes: [operational], providers: [Name]}
//     - operations: [discover]     # which SM-DS (or SM-DP+) may be asked what waits for the card
//       roles: [admin]
//       hosts: [lpa.ds.example.com]
//     - operations: [reset]        # eUICCMemoryReset
//       roles: [admin]
//       what: [operational, test, default_address]  # required: that a reset may take away
//     - operations: [default_address]  # SetDefaultDpAddress
//       roles: [admin]
//       hosts: [smdp.example.com, ""]  # that may be set; "": it may be removed
//     - {operations: [load_crl], roles: [admin]}
//     - {operations: [hold, reload], roles: [admin]}  # hold and release switching; read the policy anew
//     - operations: [notify]       # where lpad itself may deliver notifications
//       hosts: ["*.example.com"]
//   caps:                          # these are the defaults
//     {downloads_per_day: 10, enables_per_day: 50, deletes_per_day: 5, resets_per_day: 1}
//   debt: {max_undelivered: 20}    # notifications at which the broker stops changes; absent: no bound
//   profiles:                      # names of installed profiles, for the rules; a scalar is an ICCID
//     main:   {iccid: "8949449999999990031"}  # all that is given must hold
//     backup: {owner: {mcc_mnc: "26201", gid1: "01", gid2: ""}, classes: [operational], provider: Name}
//   probes:
//     internet:
//       https: [https://www.example.com/ok]  # exactly one of https, tcp (host:port), dns (name[@address])
//                                  # and icmp: 1 to 8 targets
//       status: 204                # of https; default any 2xx
//       body_sha256: "64 digits"   # of https
//       interface: wwan0           # default: not bound
//       interval: 60s              # 1s to 24h
//       failure_interval: 10s      # default a sixth of interval, at least 1s
//       timeout: 5s                # default 5s, at most failure_interval
//       need: 1                    # targets that must answer
//       up: 2                      # good rounds in a row after which it is up
//       down: 3                    # bad ones after which it is down
//       data: {max: 50MB, per: month}  # day | month; default no bound
//   windows:
//     night: {days: [mon, tue], from: "02:00", to: "04:00"}  # or a list; days default all
//   switching:                     # what is written here are the defaults, but for trial and rules
//     utc_offset: "+00:00"         # of windows, days and months
//     month_day: 1                 # on which a month of data begins, 1 to 28
//     dwell: 10m                   # at least between two switches
//     caps: {per_hour: 4, per_day: 12}  # switches, 1 to 256
//     quarantine: {first: 10m, longest: 24h}  # of a target whose trial failed
//     trial: {probe: internet, within: 3m}  # default none; `within` default 3m
//     hands_off: 1h                # after somebody else changed the profile
//     rules:                       # required
//       - name: main-down          # required
//         when: CONDITION          # default: always
//         use: backup              # required: a profile
//         priority: 0              # to 1000000; the greater wins; equal: the one that stands first
//         fail_back: 0s            # how long `when` must have been false before the rule lets go
//         only_in: night           # default: any time
//         trial: {probe: internet, within: 5m}  # default: the switching's own
//         ppr1_target: false       # whether a target with PPR1, which cannot be rolled back, is taken
//
// A CONDITION asks one thing: {all: [...]}, {any: [...]}, {not: CONDITION}; {probe: NAME, is: up | down};
// {link: IFACE, carrier: up | down}, or address or default_route: present | absent; {window: NAME};
// {data: IFACE, over: 5GB, per: day | month}; {profile: NAME}: it is in use; {operator: ["26201", "262"]};
// {roaming: true | false}; {signal: {below: -100, hysteresis: 6}} in dBm and dB (default 6). Each may have
// `for: 2m`, the time for which it must have been so, and `unknown: true | false`, what counts where nothing
// is known. At most 4 levels of all, any and not.
//
// Names: 1 to 32 letters, digits, _ and -. Durations: a whole number and ms, s, m, h or d. Amounts: a whole
// number and B, kB, MB, GB, KiB, MiB or GiB.
//
// A client has every role in which its uid or one of its groups stands. Of a download the first permission
// for role, host and `from` decides: its classes, PPRs and OID are limits, which no later permission widens.
// Notifications may also go to every host that some download permission allows, unless a notify permission
// decides before. A host pattern is a name, "*.name" (every name below it) or "*"; an IP address is covered
// only when it is written out; a host that the card, an event or a code names is covered like any other. Days
// are UTC.
//
// `from` is as good as the broker's word; hosts, OIDs, classes and PPRs are held against facts of the card.
//
// Enabling a profile of class test takes a permission that lists its ICCID: one that covers it by `any`, by a
// class or by a provider does not count. For the engine the ICCID of a name under `profiles` counts as well.
//
// A permission allows a reset when `what` has all that the reset would take away, and denies one when it has
// any of it. PPR2 does not bind a reset (SGP.22 v2.5, 5.7.19); a permission that denies the actor the
// deletion of a profile that the reset would take away does.
#ifndef LPAD_POLICY_POLICY_H
#define LPAD_POLICY_POLICY_H

#include "policy/switching.h"
#include "rsp/iccid.h"

#include "types.pb-c.h"

// The switching engine plays it, and no client. It is among the roles when a permission names it.
#define POLICY_ENGINE_ROLE "engine"

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

// Who named the server of a download.
enum policy_source {
    POLICY_FROM_CODE = 1,
    POLICY_FROM_DEFAULT_ADDRESS = 2,
    POLICY_FROM_EVENT = 4,
    POLICY_FROM_ALL = 7,
};

// What a reset takes away; the bits of Intent.reset_options.
enum policy_reset {
    POLICY_RESET_OPERATIONAL = 1,
    POLICY_RESET_TEST = 2,
    POLICY_RESET_DEFAULT_ADDRESS = 4,
    POLICY_RESET_ALL = 7,
};

struct policy_permission {
    uint32_t operations; // bits 1 << Lpad__Operation
    uint32_t roles;      // bits 1 << index of the role; 0: everybody (notify alone)
    char **hosts;        // patterns; "" only where default_address is among the operations
    uint32_t host_count;
    uint32_t from;   // bits of enum policy_source
    const char *oid; // NULL: any
    uint32_t what;   // bits of enum policy_reset
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
    POLICY_RESETS,
    POLICY_COUNTER_MAX, // also: nothing is counted
};

struct policy {
    struct policy_role *roles;
    uint32_t role_count;
    struct policy_permission *permissions;
    uint32_t permission_count;
    uint32_t caps[POLICY_COUNTER_MAX];
    uint32_t debt_max; // 0: no bound
    struct switching switching;
};

#endif
