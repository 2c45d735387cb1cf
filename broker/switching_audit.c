// SPDX-License-Identifier: Apache-2.0
// The engine's decisions in the audit: each with its rule and line, and the policy that it is of.
#include "broker/broker.h"

#include "proto/convert.h"

#include <string.h>

static const struct {
    const char *name; // as engine_decision_name spells it
    enum audit_type type;
} types[] = {
    {"switch",      AUDIT_SWITCH_BEGIN      },
    {"enabled",     AUDIT_SWITCH_ENABLED    },
    {"commit",      AUDIT_SWITCH_COMMIT     },
    {"failed",      AUDIT_SWITCH_FAILED     },
    {"roll_back",   AUDIT_SWITCH_ROLL_BACK  },
    {"rolled_back", AUDIT_SWITCH_ROLLED_BACK},
    {"recovered",   AUDIT_SWITCH_RECOVERED  },
    {"external",    AUDIT_SWITCH_EXTERNAL   },
    {"blocked",     AUDIT_SWITCH_BLOCKED    },
    {"rule_holds",  AUDIT_SWITCH_RULE       },
    {"rule_ends",   AUDIT_SWITCH_RULE       },
    {"name",        AUDIT_SWITCH_NAME       },
    {"rescue",      AUDIT_SWITCH_RESCUE     },
};

static enum audit_type type_of(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    return AUDIT_SWITCH_RULE;
}

void switching_audit_decision(struct broker *b, const Lpad__SwitchDecision *d)
{
    struct audit *a = &b->audit;
    enum audit_type type = type_of(d->name);
    audit_begin(a, type);
    if (type == AUDIT_SWITCH_RULE)
        audit_put_words(a, "event", d->name);
    audit_put_words(a, "rule", d->rule);
    if (d->has_line)
        audit_put_uint(a, "line", d->line);
    audit_put_words(a, "profile", d->profile);
    if (d->has_from)
        broker_put_iccid(b, "from", bytes_from_binary(d->from));
    if (d->has_to)
        broker_put_iccid(b, "to", bytes_from_binary(d->to));
    audit_put_words(a, "why", d->why);
    if (d->has_count)
        audit_put_uint(a, "matches", d->count);
    const Lpad__PolicyStatus *policy = b->policy_status;
    if (policy != NULL && policy->has_sha256)
        audit_put_hex(a, "policy_sha256", bytes_from_binary(policy->sha256));
    broker_end_record(b, false);
}
