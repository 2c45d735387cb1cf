// SPDX-License-Identifier: Apache-2.0
// Message ids, priorities and sentences. An id never changes: administrators filter by them, and the message
// catalog (packaging/lpad.catalog) explains them.
#include "broker/journal.h"

#include <string.h>

#define CRIT    2
#define ERR     3
#define WARNING 4
#define NOTICE  5
#define INFO    6
#define DEBUG   7

const struct journal_row journal_rows[] = {
    {"lpad.start",             "dd3848540f08861d98d6764f2e4774ab", NOTICE,  NOTICE,  "lpad[ {VERSION}] started"              },
    {"lpad.stop",              "a9a35a3acf9324ac0aaaa9c0d043352e", NOTICE,  NOTICE,  "lpad ended as it was told to"          },
    {"audit.repaired",         "a664abbed9e31cfd8d7d6122d93a6d4a", WARNING, WARNING,
     "a record of the audit that a power cut had torn was cut off"                                                           },
    {"audit.gap",              "3c35896c7b424f8a64ac49f2b06b4672", CRIT,    CRIT,
     "the audit has a gap:[ {LOST}] records could not be written"                                                            },
    {"epoch.begin",            "b96d4c85beb6f02c02da528151366c8d", INFO,    CRIT,
     "epoch {EPOCH} of the audit began[ ({WHY})]"                                                                            },
    {"epoch.end",              "3bd0bc4635ba45bb7c74e1b5b3b42a05", INFO,    INFO,    "epoch {EPOCH} of the audit is sealed"  },
    {"session.begin",          "2ac69bfb9d9f5a61dbb14406fe47f925", INFO,    INFO,
     "session {SESSION} began: {OPERATION}[ of {ICCID}][ at {HOST}][, asked for by uid {UID}][, by rule "
     "{RULE}]"                                                                                                               },
    {"session.step",           "b47881bbb5beb5fc3093a77a12456914", DEBUG,   INFO,
     "session {SESSION}: step {STEP}[, {EVENT}][: {RESULT}]"                                                                 },
    {"session.end",            "45849648764f9af958912f9747a1e07e", INFO,    WARNING,
     "session {SESSION} ended: {OPERATION}: {RESULT}"                                                                        },
    {"decision",               "3a3720dd5641f04329d7d80807ceace0", INFO,    INFO,
     "the policy said {VERDICT} to {OPERATION}[ at {HOST}][, for role {ROLE}][, by {RULE}][ in line {LINE}]"                 },
    {"profile.change.intent",  "ed3d67266107d0e5b2d6146929625f3a", NOTICE,  NOTICE,
     "the card is about to be changed: {OPERATION}[ of {ICCID}][, asked for by uid {UID}]"                                   },
    {"profile.change.result",  "176ddf3fd83310bfb9f775869e44c6f2", NOTICE,  ERR,
     "the card was changed: {OPERATION}[ of {ICCID}]: {RESULT}"                                                              },
    {"notification.delivered", "7a17d6637c1694a85bc93f42bf8dc82a", INFO,    INFO,
     "a notification[ ({EVENT})][ of {ICCID}] was delivered[ to {HOST}]"                                                     },
    {"notification.kept",      "e28ccadfbe1c38ea7e009a4a6f33e19c", WARNING, WARNING,
     "a notification[ ({EVENT})][ of {ICCID}] could not be delivered[ to {HOST}][: {RESULT}]"                                },
    {"process.started",        "dd6ed98a662830b8bd271ca3fcf1b3d1", INFO,    INFO,    "{PROCESS} started"                     },
    {"process.died",           "84c9698698b9dda109da13c2de585ace", WARNING, ERR,
     "{PROCESS} ended[ by signal {SIGNAL}][: {RESULT}]"                                                                      },
    {"link.violation",         "ca2a96de0804c1c167327f5bbfc92870", CRIT,    CRIT,
     "[{PROCESS} ]broke the contract of its link[: {RESULT}]"                                                                },
    {"client.refused",         "e6e70c2dd4a95ef4715fddde41ba7062", WARNING, WARNING,
     "a client[ of uid {UID}] was refused[: {RESULT}]"                                                                       },
    {"policy.loaded",          "fa18d754b26a9b3c961eb3d29c4bca33", NOTICE,  NOTICE,  "a policy is in force"                  },
    {"policy.refused",         "e12629a04daa283278b23a302adf82ec", ERR,     ERR,
     "a policy has an error and is not in force[: line {LINE}]"                                                              },
    {"request.refused",        "5c1f0b7e92d04a6c8e37f1a4b96d2083", WARNING, WARNING,
     "{OPERATION} was refused[ to uid {UID}][: {RESULT}][, by {RULE}][ in line {LINE}]"                                      },
    {"clock.jump",             "a745310f4ab56590c421511519c79931", NOTICE,  NOTICE,  "the clock was set"                     },
    {"switch.begin",           "cf5d514db5d66ce2b0a332332c0883e3", NOTICE,  NOTICE,
     "a switch began[ to {ICCID}][, by rule {RULE}][: {WHY}]"                                                                },
    {"switch.enabled",         "7303715021e1d4c4a05b073e223aee7d", INFO,    INFO,
     "a switch: the card enabled[ {ICCID}]"                                                                                  },
    {"switch.commit",          "4e58b56ba264a5ecd89636f50e14febf", NOTICE,  NOTICE,
     "a switch is done:[ {ICCID}] stays in use[, by rule {RULE}]"                                                            },
    {"switch.failed",          "dc6df965bc80a5b0ce212d5b76691f0e", ERR,     ERR,
     "a switch failed[ to {ICCID}][, by rule {RULE}][: {WHY}]"                                                               },
    {"switch.roll_back",       "df11bd1c275720929b571fae8cbdb9a8", WARNING, WARNING,
     "a switch is taken back[ to {ICCID}][: {WHY}]"                                                                          },
    {"switch.rolled_back",     "614a2158f544c3e2fe0aae56eab91feb", WARNING, WARNING,
     "a switch was taken back:[ {ICCID}] is in use again"                                                                    },
    {"switch.recovered",       "9253e774690991b9b5c315e598537b75", NOTICE,  NOTICE,
     "a switch that a stop or a power cut interrupted was cleared up"                                                        },
    {"switch.external",        "b596eea514e48943cf84faaffef4fe90", WARNING, WARNING,
     "another profile is in use, and lpad did not switch to it[: {ICCID}]"                                                   },
    {"switch.blocked",         "e3f95665d9199cbb6822e05a9ef4eddc", WARNING, WARNING,
     "switching is held back[: {WHY}]"                                                                                       },
    {"switch.rule",            "3f3b98827faf70f652e418f79c0be8ec", INFO,    INFO,    "rule {RULE} changed its state[: {WHY}]"},
    {"switch.name",            "d91d7d4e54c9b5b6264e42e62da8d78d", WARNING, WARNING,
     "a name of the policy does not stand for one profile[: {WHY}]"                                                          },
    {"switch.rescue",          "9a4e00253a6a74275360b690764b7399", WARNING, WARNING,
     "no rule's profile works: the rescue profile[ {ICCID}] is tried"                                                        },
    {"switch.hold",            "4425a79bd10577fb91a6c3b6d711422e", NOTICE,  NOTICE,
     "switching was held or let go[, by uid {UID}]"                                                                          },
    {"",                       "d67f51827f2f61caa4bc4011df47ab44", INFO,    INFO,    "a record of the audit"                 },
};
const size_t journal_row_count = sizeof journal_rows / sizeof journal_rows[0];

const struct journal_row *journal_row_of(const char *type)
{
    size_t i = 0;
    while (i + 1 < journal_row_count && strcmp(journal_rows[i].type, type) != 0)
        i++;
    return &journal_rows[i];
}
