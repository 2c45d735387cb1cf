// SPDX-License-Identifier: Apache-2.0
// Requests to handlers, and what comes out of them to replies.
#include "cardd/handlers.h"

#include "lib/log.h"

static const struct {
    Lpad__BrokerToCardd__BodyCase body;
    enum request request;
    handler *handle; // NULL: nothing to do
} rows[] = {
    {LPAD__BROKER_TO_CARDD__BODY_GET_INFO,              REQUEST_GET_INFO,              handle_get_info          },
    {LPAD__BROKER_TO_CARDD__BODY_LIST_PROFILES,         REQUEST_LIST_PROFILES,         handle_list_profiles     },
    {LPAD__BROKER_TO_CARDD__BODY_GET_CHALLENGE,         REQUEST_GET_CHALLENGE,         handle_get_challenge     },
    {LPAD__BROKER_TO_CARDD__BODY_AUTHENTICATE_SERVER,   REQUEST_AUTHENTICATE_SERVER,
     handle_authenticate_server                                                                                 },
    {LPAD__BROKER_TO_CARDD__BODY_PREPARE_DOWNLOAD,      REQUEST_PREPARE_DOWNLOAD,      handle_prepare_download  },
    {LPAD__BROKER_TO_CARDD__BODY_STAGE,                 REQUEST_STAGE,                 handle_stage             },
    {LPAD__BROKER_TO_CARDD__BODY_LOAD,                  REQUEST_LOAD,                  handle_load              },
    {LPAD__BROKER_TO_CARDD__BODY_CANCEL_SESSION,        REQUEST_CANCEL_SESSION,        handle_cancel_session    },
    {LPAD__BROKER_TO_CARDD__BODY_CHANGE_PROFILE,        REQUEST_CHANGE_PROFILE,        handle_change_profile    },
    {LPAD__BROKER_TO_CARDD__BODY_SET_NICKNAME,          REQUEST_SET_NICKNAME,          handle_set_nickname      },
    {LPAD__BROKER_TO_CARDD__BODY_LIST_NOTIFICATIONS,    REQUEST_LIST_NOTIFICATIONS,    handle_list_notifications},
    {LPAD__BROKER_TO_CARDD__BODY_RETRIEVE_NOTIFICATION, REQUEST_RETRIEVE_NOTIFICATION,
     handle_retrieve_notification                                                                               },
    {LPAD__BROKER_TO_CARDD__BODY_REMOVE_NOTIFICATION,   REQUEST_REMOVE_NOTIFICATION,
     handle_remove_notification                                                                                 },
    {LPAD__BROKER_TO_CARDD__BODY_ABORT,                 REQUEST_ABORT,                 NULL                     },
    {LPAD__BROKER_TO_CARDD__BODY_GET_ICON,              REQUEST_GET_ICON,              handle_get_icon          },
    {LPAD__BROKER_TO_CARDD__BODY_SET_DEFAULT_ADDRESS,   REQUEST_SET_DEFAULT_ADDRESS,
     handle_set_default_address                                                                                 },
    {LPAD__BROKER_TO_CARDD__BODY_RESET,                 REQUEST_RESET,                 handle_reset             },
    {LPAD__BROKER_TO_CARDD__BODY_LOAD_CRL,              REQUEST_LOAD_CRL,              handle_load_crl          },
};

static void send_reply(struct cardd *c, const Lpad__CarddToBroker *reply)
{
    enum err e = link_send(&c->broker, &reply->base, -1);
    if (e == ERR_OK)
        return;
    if (e != ERR_CLOSED)
        log_error("a reply could not be sent: %s", err_words(e));
    cardd_stop(c, e == ERR_CLOSED ? PROC_EXIT_OK : PROC_EXIT_FAILED);
}

// What the ES10 layer noted goes beside what the handler noted.
static void send_failure(struct cardd *c, enum err e)
{
    const struct es10_fault *fault = &c->es10.fault;
    Lpad__CarddToBroker reply = LPAD__CARDD_TO_BROKER__INIT;
    c->failure.error = (uint32_t)e;
    if (fault->has_function && err_class_of(e) != ERR_CLASS_DENIED) {
        c->failure.has_function = true;
        c->failure.function = fault->function;
        c->failure.has_status_word = fault->status_word != 0;
        c->failure.status_word = fault->status_word;
        c->failure.has_result_code = fault->has_result;
        c->failure.result_code = fault->result;
    }
    reply.id = c->request_id;
    reply.body_case = LPAD__CARDD_TO_BROKER__BODY_FAILURE;
    reply.failure = &c->failure;
    send_reply(c, &reply);
}

// Sends the reply, or the failure instead. What comes back decides the next phase: a reply that does not fit
// the link (a card can say more than a message holds) was not given. A broker that is gone changes nothing
// about what was done.
static enum err answer(struct cardd *c, enum err e, Lpad__CarddToBroker *reply)
{
    reply->id = c->request_id;
    if (e == ERR_OK && reply->body_case != LPAD__CARDD_TO_BROKER__BODY__NOT_SET) {
        e = link_send(&c->broker, &reply->base, -1);
        if (e == ERR_CLOSED) {
            cardd_stop(c, PROC_EXIT_OK);
            return ERR_OK;
        }
    }
    if (e != ERR_OK)
        send_failure(c, e);
    return e;
}

void dispatch_request(struct cardd *c, const Lpad__BrokerToCardd *request, int fd)
{
    size_t i = 0;
    while (i < sizeof rows / sizeof rows[0] && rows[i].body != request->body_case)
        i++;
    // link_recv admits no body that the schema does not have.
    LPAD_ASSERT(i < sizeof rows / sizeof rows[0]);

    c->request_id = request->id;
    lpad__failure__init(&c->failure);
    es10_forget(&c->es10);
    arena_reset(&c->scratch);
    enum phase phase = c->session.phase;
    if (!phase_rule_of(phase, rows[i].request)->allowed) {
        send_failure(c, ERR_DENIED_PHASE);
        return;
    }
    if (rows[i].handle == NULL)
        return;

    Lpad__CarddToBroker reply = LPAD__CARDD_TO_BROKER__INIT;
    enum err e = rows[i].handle(c, request, fd, &reply);
    e = answer(c, e, &reply);
    c->session.phase = phase_next(phase, rows[i].request, e);
    // What the server is, only its certificate says.
    if (c->session.phase == PHASE_AUTHENTICATED && c->session.server.is_discovery)
        c->session.phase = PHASE_DISCOVERED;
    if (c->session.phase == PHASE_IDLE && phase != PHASE_IDLE)
        session_forget(&c->session);
    if (c->transport.broken)
        cardd_stop(c, PROC_EXIT_CARD);
}
