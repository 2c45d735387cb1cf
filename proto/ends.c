// SPDX-License-Identifier: Apache-2.0
// Every link of lpad, as its two ends, and the messages that carry a descriptor: the topology's vocabulary.
#include "proto/link.h"

#include "approval.pb-c.h"
#include "card.pb-c.h"
#include "control.pb-c.h"
#include "net.pb-c.h"
#include "policy.pb-c.h"
#include "probe.pb-c.h"
#include "supervisor.pb-c.h"

#define ROOT(name) (&lpad__##name##__descriptor)
#define ENDS(a, b, a_to_b, b_to_a, exactly)                                                                  \
    const struct link_end link_##a##_##b = {#a "/" #b, ROOT(a_to_b), ROOT(b_to_a), exactly};                 \
    const struct link_end link_##b##_##a = {#b "/" #a, ROOT(b_to_a), ROOT(a_to_b), exactly}

ENDS(broker, netd, broker_to_netd, netd_to_broker, true);
ENDS(broker, cardd, broker_to_cardd, cardd_to_broker, true);
ENDS(broker, policyd, broker_to_policyd, policyd_to_broker, true);
ENDS(broker, probed, broker_to_probed, probed_to_broker, true);
ENDS(cardd, policyd, cardd_to_policyd, policyd_to_cardd, true);
ENDS(broker, supervisor, broker_to_supervisor, supervisor_to_broker, true);
ENDS(policyd, supervisor, policyd_to_supervisor, supervisor_to_policyd, true);
// Clients are written in other languages too, whose encoders may order fields differently.
ENDS(broker, client, broker_to_client, client_to_broker, false);

const struct link_descriptor_rule link_descriptor_rules[] = {
    {LINK_MESSAGE(netd_to_broker),        LPAD__NETD_TO_BROKER__BODY_BOUND_PROFILE_PACKAGE},
    {LINK_MESSAGE(broker_to_cardd),       LPAD__BROKER_TO_CARDD__BODY_STAGE               },
    {LINK_MESSAGE(supervisor_to_broker),  LPAD__SUPERVISOR_TO_BROKER__BODY_STARTED        },
    {LINK_MESSAGE(supervisor_to_broker),  LPAD__SUPERVISOR_TO_BROKER__BODY_AUDIT_FILE     },
    {LINK_MESSAGE(supervisor_to_policyd), LPAD__SUPERVISOR_TO_POLICYD__BODY_POLICY_TEXT   },
    {LINK_MESSAGE(supervisor_to_policyd), LPAD__SUPERVISOR_TO_POLICYD__BODY_NEW_LINK      },
};
const size_t link_descriptor_rule_count = sizeof link_descriptor_rules / sizeof link_descriptor_rules[0];
