// SPDX-License-Identifier: Apache-2.0
// The dispatch table of lpad-probed and its handlers.
#include "probed/dispatch.h"

#include "probe.pb-c.h"

typedef enum err handler(struct probed *p, const Lpad__BrokerToProbed *frame);

static enum err handle_plan(struct probed *p, const Lpad__BrokerToProbed *frame)
{
    struct plan plan;
    LPAD_TRY(plan_read(frame->plan, p->settings, &plan));
    probed_drop_plan(p);
    p->plan = plan;
    return links_set(&p->links, frame->plan->links, frame->plan->n_links, clock_schedule_ms());
}

static enum err handle_modes(struct probed *p, const Lpad__BrokerToProbed *frame)
{
    // Of a plan that was replaced meanwhile, or of none.
    if (frame->modes->generation != p->plan.generation)
        return ERR_OK;
    return plan_set_modes(&p->plan, frame->modes->modes, frame->modes->n_modes);
}

static const struct {
    Lpad__BrokerToProbed__BodyCase body;
    handler *handle;
} handlers[] = {
    {LPAD__BROKER_TO_PROBED__BODY_PLAN,  handle_plan },
    {LPAD__BROKER_TO_PROBED__BODY_MODES, handle_modes},
};

enum err dispatch_one(struct probed *p)
{
    const ProtobufCMessage *message;
    int fd;
    LPAD_TRY(link_recv(&p->broker, 0, &message, &fd));
    const Lpad__BrokerToProbed *frame = (const Lpad__BrokerToProbed *)message;
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        if (handlers[i].body == frame->body_case)
            return handlers[i].handle(p, frame);
    return ERR_PEER_UNEXPECTED;
}
