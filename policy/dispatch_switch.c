// SPDX-License-Identifier: Apache-2.0
// What the broker asks of the switching engine.
#include "policy/dispatch.h"
#include "policy/switch_messages.h"

#include <stdlib.h>

enum err policyd_tell_plan(struct policyd *p)
{
    struct switch_plan_message m;
    Lpad__PolicydToBroker frame = LPAD__POLICYD_TO_BROKER__INIT;
    if (p->store.policy == NULL)
        return ERR_OK;
    switch_plan_fill(&p->store.policy->switching, p->switcher.generation, &m);
    frame.body_case = LPAD__POLICYD_TO_BROKER__BODY_SWITCH_PLAN;
    frame.switch_plan = &m.plan;
    return policyd_tell_broker(p, &frame);
}

static enum err tell_step(struct policyd *p, uint32_t id)
{
    static const struct switching nothing;
    struct switch_step_message m;
    Lpad__PolicydToBroker frame = LPAD__POLICYD_TO_BROKER__INIT;
    switch_step_fill(&p->switcher, p->store.policy != NULL ? &p->store.policy->switching : &nothing, &m);
    frame.id = id;
    frame.body_case = LPAD__POLICYD_TO_BROKER__BODY_SWITCH_STEP;
    frame.switch_step = &m.step;
    p->switcher.decision_count = 0;
    return policyd_tell_broker(p, &frame);
}

enum err policyd_take_event(struct policyd *p, const Lpad__BrokerToPolicyd *frame, struct policyd_time now)
{
    struct switch_event event;
    const struct policy *policy = p->store.policy;
    uint32_t id = frame->id;
    if (policy != NULL) {
        LPAD_TRY(switch_event_read(frame->switch_event, &policy->switching, p->switcher.generation, &event));
        switcher_step(&p->switcher, policy, &event.event, policyd_clock(now));
    }
    return tell_step(p, id);
}

enum err policyd_explain(struct policyd *p, uint32_t id, struct policyd_time now)
{
    struct explanation_message *m = malloc(sizeof *m);
    Lpad__PolicydToBroker frame = LPAD__POLICYD_TO_BROKER__INIT;
    if (m == NULL)
        return ERR_MEMORY;
    explanation_fill(&p->switcher, p->store.policy, policyd_clock(now), m);
    frame.id = id;
    frame.body_case = LPAD__POLICYD_TO_BROKER__BODY_EXPLANATION;
    frame.explanation = &m->explanation;
    enum err e = policyd_tell_broker(p, &frame);
    free(m);
    return e;
}
