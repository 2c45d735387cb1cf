// SPDX-License-Identifier: Apache-2.0
// The part of a policy that switches profiles: names, probes, windows, rules; as the engine reads it.
//
// Everything is an index into one of these tables; text is only for people. The engine (engine.h) reads this
// and nothing else of a policy. Durations are milliseconds. Lines are those of the policy's text, from 1.
#ifndef LPAD_POLICY_SWITCHING_H
#define LPAD_POLICY_SWITCHING_H

#include "rsp/iccid.h"

#include "types.pb-c.h"

#define SWITCH_PROFILES_MAX   32
#define SWITCH_PROBES_MAX     32
#define SWITCH_TARGETS_MAX    8 // of one probe
#define SWITCH_LINKS_MAX      16
#define SWITCH_WINDOWS_MAX    32
#define SWITCH_SPANS_MAX      8 // of one window
#define SWITCH_RULES_MAX      200
#define SWITCH_CONDITIONS_MAX 2000 // of all rules together
#define SWITCH_OPERATORS_MAX  64   // of one condition
#define SWITCH_NAME_MAX       32   // octets of a name, of an interface 15
#define SWITCH_NONE           UINT32_MAX

// A name for one installed profile. All that is given must hold; exactly one installed profile must match.
struct switch_profile {
    const char *name;
    bool has_iccid;
    struct iccid iccid;
    bool has_mcc_mnc;
    uint8_t mcc_mnc[3]; // TS 24.008, as on the card
    bool has_gid1, has_gid2;
    uint8_t gid1[32], gid2[32];
    uint32_t gid1_len, gid2_len;
    uint32_t classes; // bits 1 << Lpad__ProfileClass; 0: not given
    const char *provider;
    bool by_provider_alone; // any server can copy a name: warned about
    uint32_t line;
};

enum probe_kind {
    PROBE_HTTPS,
    PROBE_TCP,
    PROBE_DNS,
    PROBE_ICMP,
    PROBE_KIND_MAX,
};

// A target: of HTTPS a URL, of TCP host:port, of DNS a name to resolve ("name" or "name@server"), of ICMP an
// address or a name.
struct switch_probe {
    const char *name;
    enum probe_kind kind;
    char **targets;
    uint32_t target_count;
    const char *interface; // NULL: not bound
    uint32_t status;       // expected of HTTPS; 0: any 2xx
    bool has_body_sha256;
    uint8_t body_sha256[32];
    uint32_t interval_ms, failure_interval_ms, timeout_ms;
    uint32_t need;       // targets that must answer for a good round; 1 ... target_count
    uint32_t up, down;   // rounds in a row after which it is up, or down
    uint64_t data_max;   // octets in a period, 0: no bound
    bool data_per_month; // else per day; days and months are of `utc_offset_min`
    uint32_t line;
};

// Part of a day on some days of the week. `from` == `to`: the whole day; `from` > `to`: over midnight, and
// the day is the one on which it begins.
struct switch_span {
    uint32_t days;             // bits 1 << (0 Monday ... 6 Sunday)
    uint32_t from_min, to_min; // minutes of the day
};
struct switch_window {
    const char *name;
    struct switch_span spans[SWITCH_SPANS_MAX];
    uint32_t span_count;
    uint32_t line;
};

enum condition_kind {
    CONDITION_ALL, // of its children, which follow in `first_child`, `child_count`
    CONDITION_ANY,
    CONDITION_NOT,      // one child
    CONDITION_PROBE,    // probes[index] is up (`wanted`) or down
    CONDITION_CARRIER,  // links[index]: carrier is there (`wanted`) or not
    CONDITION_ADDRESS,  // an address
    CONDITION_ROUTE,    // a default route
    CONDITION_WINDOW,   // windows[index] is open
    CONDITION_DATA,     // links[index] has carried `limit` octets or more in the period
    CONDITION_PROFILE,  // profiles[index] is the one in use
    CONDITION_OPERATOR, // the registered network is one of `operators`
    CONDITION_ROAMING,  // the modem roams (`wanted`) or not
    CONDITION_SIGNAL,   // the signal is below `dbm`, and stays so until it is above dbm + hysteresis_db
    CONDITION_KIND_MAX,
};

// What an unknown counts as, at this condition.
enum condition_unknown {
    UNKNOWN_STAYS, // unknown: a rule neither begins nor ends to hold by it
    UNKNOWN_TRUE,
    UNKNOWN_FALSE,
};

// Children stand after their parent: child indices are larger than their parent's. Three values (yes, no,
// unknown) by Kleene's rules: all = the least, any = the greatest, not = the other.
struct switch_condition {
    enum condition_kind kind;
    uint32_t first_child, child_count; // children are conditions[first_child ... + child_count - 1]
    uint32_t index;
    bool wanted;
    enum condition_unknown unknown;
    uint64_t for_ms; // it counts only after it has been true this long without a break; 0: at once
    uint64_t limit;
    bool per_month;
    int32_t dbm;
    uint32_t hysteresis_db;
    char (*operators)[7]; // "26201", "310410", or an MCC alone: "262"
    uint32_t operator_count;
    uint32_t line;
};

struct switch_rule {
    const char *name;
    uint32_t when;         // a condition, SWITCH_NONE: always
    uint32_t use;          // a profile
    uint32_t priority;     // the greater wins; equal: the one that stands first
    uint32_t fail_back_ms; // how long `when` must have been false before the rule lets go of its profile
    uint32_t only_in;      // a window in which a switch by this rule may begin, SWITCH_NONE: any time
    uint32_t trial_probe;  // SWITCH_NONE: the switching's own; a trial of its own replaces it
    uint32_t trial_within_ms;
    bool ppr1_target; // a target with PPR1, which could not be rolled back, may be taken on trial
    uint32_t line;
};

struct switching {
    bool present; // the policy has a `switching` key: the engine works
    struct switch_profile *profiles;
    uint32_t profile_count;
    struct switch_probe *probes;
    uint32_t probe_count;
    const char **links; // interfaces that conditions name
    uint32_t link_count;
    struct switch_window *windows;
    uint32_t window_count;
    struct switch_condition *conditions;
    uint32_t condition_count;
    struct switch_rule *rules; // in the file's order
    uint32_t rule_count;
    int32_t utc_offset_min;                    // of windows, days and months
    uint32_t month_day;                        // on which a month of data begins, 1 ... 28
    uint32_t dwell_ms;                         // at least between two switches (a roll-back is none)
    uint32_t per_hour, per_day;                // switches, each with its roll-back
    uint32_t quarantine_ms, quarantine_max_ms; // after a failed trial; doubled each time
    uint32_t trial_probe; // SWITCH_NONE: a switch is good when the card says that it happened
    uint32_t trial_within_ms;
    uint32_t hands_off_ms; // after somebody else changed the profile; doubled when it goes on
    uint32_t line;
};

#endif
