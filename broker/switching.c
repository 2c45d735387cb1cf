// SPDX-License-Identifier: Apache-2.0
// Events to the engine in policyd, one after another, and its actions as sessions.
#include "broker/broker.h"

#include "lib/log.h"
#include "proto/convert.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PLAN_MEMORY_MAX   (256 * 1024)
#define CARD_MEMORY_MAX   (128 * 1024)
#define ANSWER_TIMEOUT_MS 5000
#define READ_AGAIN_MS     10000 // a card that could be reached and would not be read
#define TIMER_ACCURACY_US 10000
#define WAKE_LEAST_MS     10
#define LINK_PACE_MS      1000
#define CLOCK_NEVER       INT64_C(100000000000) // in seconds: thousands of years

// --- events ---

struct event_message {
    Lpad__BrokerToPolicyd frame;
    Lpad__SwitchEvent event;
    Lpad__ActionResult result;
    Lpad__NoCard no_card;
    Lpad__Hold hold;
    Lpad__Release release;
    Lpad__LinkState link;
    Lpad__LinkData data;
    Lpad__DebtChanged debt;
    Lpad__ProbeRound round;
    Lpad__Tick tick;
};

static bool put_result(struct switching *w, struct event_message *m)
{
    if (!w->result_due)
        return false;
    w->result_due = false;
    lpad__action_result__init(&m->result);
    m->result.action = w->result_action;
    m->result.result = w->result;
    m->event.body_case = LPAD__SWITCH_EVENT__BODY_RESULT;
    m->event.result = &m->result;
    return true;
}

// What an action does to the card is told after the action's result.
static bool put_card(struct switching *w, struct event_message *m)
{
    if (w->no_card_due) {
        w->no_card_due = false;
        lpad__no_card__init(&m->no_card);
        m->event.body_case = LPAD__SWITCH_EVENT__BODY_NO_CARD;
        m->event.no_card = &m->no_card;
        return true;
    }
    if (w->card == NULL || w->running != 0)
        return false;
    m->event.body_case = LPAD__SWITCH_EVENT__BODY_CARD;
    m->event.card = (Lpad__CardProfilesFacts *)(uintptr_t)w->card;
    w->card = NULL;
    return true;
}

static bool put_hold(struct broker *b, struct event_message *m)
{
    struct client *c = switching_next_holder(b);
    if (c == NULL)
        return false;
    b->switching.asked_by = c->status_id;
    if (c->request.kind == REQUEST_HOLD) {
        lpad__hold__init(&m->hold);
        m->hold.duration_ms = c->request.duration_ms;
        m->event.body_case = LPAD__SWITCH_EVENT__BODY_HOLD;
        m->event.hold = &m->hold;
    } else {
        lpad__release__init(&m->release);
        m->event.body_case = LPAD__SWITCH_EVENT__BODY_RELEASE;
        m->event.release = &m->release;
    }
    return true;
}

// An interface that changes again and again is told once in a while, as it is then.
static bool link_waits(struct broker *b, struct switching_link *l)
{
    uint64_t now = broker_now_ms();
    uint64_t next = (l->due_ms > now ? l->due_ms : now) + LINK_PACE_MS;
    if (next - now <= SWITCHING_BURST * LINK_PACE_MS) {
        l->due_ms = next;
        return false;
    }
    if (broker_arm(b, b->switching.link_timer, LINK_PACE_MS) != ERR_OK)
        log_error("cannot set a timer");
    return true;
}

static bool put_link(struct broker *b, struct event_message *m)
{
    struct switching *w = &b->switching;
    for (uint32_t i = 0; i < w->plan->n_links; i++) {
        struct switching_link *l = &w->links[i];
        if (l->changed && !link_waits(b, l)) {
            l->changed = false;
            lpad__link_state__init(&m->link);
            m->link.generation = w->plan->generation;
            m->link.link = i;
            m->link.carrier = l->carrier;
            m->link.address = l->address;
            m->link.route = l->route;
            m->event.body_case = LPAD__SWITCH_EVENT__BODY_LINK;
            m->event.link = &m->link;
            return true;
        }
        if (l->octets > 0) {
            lpad__link_data__init(&m->data);
            m->data.generation = w->plan->generation;
            m->data.link = i;
            m->data.octets = l->octets;
            l->octets = 0;
            m->event.body_case = LPAD__SWITCH_EVENT__BODY_DATA;
            m->event.data = &m->data;
            return true;
        }
    }
    return false;
}

static bool put_round(struct switching *w, struct event_message *m)
{
    if (w->round_count == 0)
        return false;
    const struct switching_round first = w->rounds[0];
    w->round_count--;
    memmove(w->rounds, w->rounds + 1, w->round_count * sizeof w->rounds[0]);
    lpad__probe_round__init(&m->round);
    m->round.generation = w->plan->generation;
    m->round.probe = first.probe;
    m->round.passed = first.passed;
    m->round.failed = first.failed;
    m->round.octets = first.octets;
    // It began so long ago: the time that it waited here counts, too.
    uint64_t ago = first.took_ms + (broker_now_ms() - first.arrived_ms);
    m->round.took_ms = ago < UINT32_MAX ? (uint32_t)ago : UINT32_MAX;
    m->event.body_case = LPAD__SWITCH_EVENT__BODY_PROBE;
    m->event.probe = &m->round;
    return true;
}

static bool put_rest(struct broker *b, struct event_message *m)
{
    struct switching *w = &b->switching;
    if (w->debt_due) {
        w->debt_due = false;
        lpad__debt_changed__init(&m->debt);
        m->debt.undelivered = b->debt;
        m->event.body_case = LPAD__SWITCH_EVENT__BODY_DEBT;
        m->event.debt = &m->debt;
        return true;
    }
    if (put_round(w, m))
        return true;
    if (!w->tick_due)
        return false;
    w->tick_due = false;
    lpad__tick__init(&m->tick);
    m->event.body_case = LPAD__SWITCH_EVENT__BODY_TICK;
    m->event.tick = &m->tick;
    return true;
}

void switching_tell(struct broker *b)
{
    struct switching *w = &b->switching;
    struct peer *p = &b->policyd;
    struct event_message m;
    if (w->plan == NULL || w->event_id != 0 || !peer_serves(p) || b->stopping)
        return;
    lpad__broker_to_policyd__init(&m.frame);
    lpad__switch_event__init(&m.event);
    if (!put_result(w, &m) && !put_card(w, &m) && !put_hold(b, &m) && !put_link(b, &m) && !put_rest(b, &m))
        return;
    m.frame.id = peer_next_id(p);
    m.frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_SWITCH_EVENT;
    m.frame.switch_event = &m.event;
    enum err e =
        peer_send(p, &m.frame.base, -1, m.frame.id, LPAD__POLICYD_TO_BROKER__BODY_SWITCH_STEP, false);
    if (e != ERR_OK) {
        p->gone_told = false; // the session is still to hear of it
        return;
    }
    w->event_id = m.frame.id;
    if (broker_arm(b, w->answer_timer, ANSWER_TIMEOUT_MS) != ERR_OK)
        log_error("cannot set a timer");
}

static void stop_timer(sd_event_source *timer)
{
    if (sd_event_source_set_enabled(timer, SD_EVENT_OFF) < 0)
        log_error("cannot stop a timer");
}

// --- what comes back ---

static void take_action(struct broker *b, const Lpad__SwitchAction *a)
{
    struct switching_action *to = &b->switching.action;
    *to = (struct switching_action){
        .waiting = true,
        .waiting_since = ++b->arrivals,
        .number = a->number,
        .line = a->has_line ? a->line : 0,
    };
    memcpy(to->iccid, a->iccid.data, sizeof to->iccid);
    if (a->rule != NULL)
        memcpy(to->rule, a->rule, strnlen(a->rule, SWITCHING_RULE_MAX));
    if (session_is_idle(&b->session))
        broker_schedule(b);
    else
        session_on_wanted(&b->session);
}

static void take_modes(struct broker *b, const Lpad__SwitchStep *step)
{
    struct switching *w = &b->switching;
    size_t n = step->n_modes < w->plan->n_probes ? step->n_modes : w->plan->n_probes;
    bool same = n == w->mode_count && (n == 0 || memcmp(w->modes, step->modes, n * sizeof w->modes[0]) == 0);
    if (same)
        return;
    w->mode_count = n;
    memcpy(w->modes, step->modes, n * sizeof w->modes[0]);
    switching_send_modes(b);
}

void switching_on_step(struct broker *b, const Lpad__SwitchStep *step)
{
    struct switching *w = &b->switching;
    uint32_t holder = w->asked_by;
    w->event_id = 0;
    w->asked_by = 0;
    stop_timer(w->answer_timer);
    for (size_t i = 0; i < step->n_decisions; i++)
        switching_audit_decision(b, step->decisions[i]);
    if (holder != 0)
        switching_answer_holder(b, holder);
    if (w->plan == NULL)
        return;
    take_modes(b, step);
    uint64_t wake = step->wake_in_ms > WAKE_LEAST_MS ? step->wake_in_ms : WAKE_LEAST_MS;
    if (!step->has_wake_in_ms || wake > INT64_MAX / 1000)
        stop_timer(w->wake_timer);
    else if (broker_arm(b, w->wake_timer, wake) != ERR_OK)
        log_error("cannot set a timer");
    if (step->action != NULL)
        take_action(b, step->action);
    switching_tell(b);
}

// --- plans ---

static void forget(struct switching *w)
{
    w->action.waiting = false;
    w->round_count = 0;
    memset(w->rounds_due_ms, 0, sizeof w->rounds_due_ms);
    w->mode_count = 0;
    w->tick_due = false;
    memset(w->links, 0, sizeof w->links);
    for (size_t i = 0; i < SWITCHING_LINKS_MAX; i++)
        w->links[i].carrier = w->links[i].address = w->links[i].route = LPAD__TRI__TRI_UNKNOWN;
    stop_timer(w->wake_timer);
}

void switching_on_plan(struct broker *b, const Lpad__SwitchPlan *plan)
{
    struct switching *w = &b->switching;
    // The same text was read again: nothing has changed.
    if (w->plan != NULL && w->plan->generation == plan->generation)
        return;
    forget(w);
    arena_reset(&w->plan_memory);
    w->plan = session_copy(&b->session, &w->plan_memory, &plan->base);
    if (w->plan == NULL) {
        log_error("the policy's plan of measurements is too large");
        return;
    }
    // The engine goes on from what the card says now; an action that has not begun is not waited for. A
    // reading that nobody was told of yet, or that is under way, is as good as another one.
    bool reading = !session_is_idle(&b->session) && b->session.request.kind == REQUEST_PROFILES;
    if (w->card == NULL && !reading)
        b->profiles_due = peer_serves(&b->cardd);
    w->no_card_due = !peer_serves(&b->cardd);
    w->debt_due = w->tick_due = true;
    switching_want_probed(b, plan->n_probes + plan->n_links > 0);
    switching_send_plan(b);
    broker_schedule(b);
    switching_tell(b);
}

void switching_on_policy_gone(struct broker *b)
{
    struct switching *w = &b->switching;
    w->plan = NULL;
    w->event_id = 0;
    w->asked_by = 0;
    stop_timer(w->answer_timer);
    forget(w);
    switching_fail_clients(b, "lpad-policyd does not run; it is started again by itself: try again");
}

// --- the card ---

void switching_on_card(struct broker *b, size_t count, Lpad__Profile *const *profiles)
{
    struct switching *w = &b->switching;
    Lpad__CardProfilesFacts facts = LPAD__CARD_PROFILES_FACTS__INIT;
    facts.n_profiles = count;
    facts.profiles = (Lpad__Profile **)(uintptr_t)profiles;
    arena_reset(&w->card_memory);
    w->card = session_copy(&b->session, &w->card_memory, &facts.base);
    w->no_card_due = false;
    if (w->card == NULL)
        log_error("the card lists too much for the switching engine");
    switching_tell(b);
}

void switching_on_card_gone(struct broker *b)
{
    struct switching *w = &b->switching;
    w->card = NULL;
    w->no_card_due = true;
    switching_tell(b);
}

void switching_on_debt(struct broker *b)
{
    b->switching.debt_due = true;
    switching_tell(b);
}

// --- actions ---

bool switching_is_next(const struct broker *b, const struct client *waiting)
{
    const struct switching_action *a = &b->switching.action;
    return a->waiting && (waiting == NULL || a->waiting_since < waiting->waiting_since);
}

void switching_begin_action(struct broker *b)
{
    struct switching *w = &b->switching;
    struct request r = {
        .kind = REQUEST_CHANGE, .operation = LPAD__OPERATION__OPERATION_ENABLE, .refresh = true};
    memcpy(r.iccid, w->action.iccid, sizeof r.iccid);
    w->action.waiting = false;
    w->running = w->action.number;
    // Nobody's request but the engine's own: the session keeps the actor that it finds.
    b->session.actor = (struct actor){.is_engine = true, .line = w->action.line};
    memcpy(b->session.actor.rule, w->action.rule, sizeof w->action.rule);
    session_begin(&b->session, &r, NULL);
}

// What became of it, as far as the broker can tell; the card's next reading is the fact.
static Lpad__SwitchResult result_of(const struct session *s)
{
    if (s->failure == NULL)
        return LPAD__SWITCH_RESULT__SWITCH_DONE;
    enum err e = (enum err)s->failure->error;
    if (err_class_of(e) == ERR_CLASS_DENIED || s->failure->has_deny_reason || !s->commanded)
        return e == ERR_CARD_GONE ? LPAD__SWITCH_RESULT__SWITCH_UNKNOWN : LPAD__SWITCH_RESULT__SWITCH_REFUSED;
    return e == ERR_CARD_RESULT ? LPAD__SWITCH_RESULT__SWITCH_FAILED : LPAD__SWITCH_RESULT__SWITCH_UNKNOWN;
}

void switching_on_session_end(struct broker *b, const struct session *s)
{
    struct switching *w = &b->switching;
    bool reading = s->request.kind == REQUEST_PROFILES && s->client == NULL && s->failure != NULL;
    // A card that answers, but not this; one that does not is read when it is back.
    if (w->plan != NULL && reading && peer_serves(&b->cardd) &&
        broker_arm(b, w->reading_timer, READ_AGAIN_MS) != ERR_OK)
        log_error("cannot set a timer");
    if (w->plan != NULL && s->loaded != NULL)
        b->profiles_due = true;
    if (!s->actor.is_engine)
        return;
    w->result_due = w->plan != NULL;
    w->result_action = w->running;
    w->result = result_of(s);
    w->running = 0;
    if (w->result != LPAD__SWITCH_RESULT__SWITCH_DONE && peer_serves(&b->cardd))
        b->profiles_due = true;
    switching_tell(b);
}

// --- timers ---

static int on_wake(sd_event_source *source, uint64_t us, void *data)
{
    (void)source;
    (void)us;
    struct broker *b = data;
    b->switching.tick_due = true;
    switching_tell(b);
    return 0;
}

static int on_link_due(sd_event_source *source, uint64_t us, void *data)
{
    (void)source;
    (void)us;
    switching_tell(data);
    return 0;
}

static int on_answer_late(sd_event_source *source, uint64_t us, void *data)
{
    (void)source;
    (void)us;
    struct broker *b = data;
    if (b->switching.event_id != 0 && peer_is_connected(&b->policyd))
        peer_accuse(&b->policyd, ERR_IO_TIMEOUT);
    return 0;
}

static int on_read_again(sd_event_source *source, uint64_t us, void *data)
{
    (void)source;
    (void)us;
    struct broker *b = data;
    b->profiles_due = peer_serves(&b->cardd);
    broker_schedule(b);
    return 0;
}

static int on_client_late(sd_event_source *source, uint64_t us, void *data)
{
    (void)source;
    (void)us;
    switching_fail_clients(data, "a process of lpad does not answer; try again");
    return 0;
}

// Windows and periods of data go by the wall clock: when somebody sets it, the engine looks at it at once.
static int on_clock_set(sd_event_source *source, int fd, uint32_t events, void *data)
{
    struct broker *b = data;
    uint64_t expirations;
    (void)source;
    (void)events;
    if (read(fd, &expirations, sizeof expirations) < 0 && errno != ECANCELED)
        return 0;
    b->switching.tick_due = true;
    switching_tell(b);
    return 0;
}

// A timer that never ends but is cancelled, again and again, whenever the clock is set.
static enum err watch_clock(struct broker *b)
{
    struct switching *w = &b->switching;
    const struct itimerspec never = {.it_value = {.tv_sec = CLOCK_NEVER}};
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0 ||
        sd_event_add_io(b->event, &w->clock_source, fd, EPOLLIN, on_clock_set, b) < 0) {
        close(fd);
        return ERR_IO;
    }
    return sd_event_source_set_io_fd_own(w->clock_source, true) < 0 ? ERR_IO : ERR_OK;
}

static enum err add_timer(struct broker *b, sd_event_source **ret, clockid_t clock,
                          sd_event_time_handler_t handler)
{
    if (sd_event_add_time(b->event, ret, clock, 0, TIMER_ACCURACY_US, handler, b) < 0 ||
        sd_event_source_set_enabled(*ret, SD_EVENT_OFF) < 0)
        return ERR_IO;
    return ERR_OK;
}

enum err switching_init(struct broker *b)
{
    struct switching *w = &b->switching;
    LPAD_TRY(arena_init(&w->plan_memory, PLAN_MEMORY_MAX));
    LPAD_TRY(arena_init(&w->card_memory, CARD_MEMORY_MAX));
    LPAD_TRY(watch_clock(b));
    // The engine's time goes on in suspend.
    LPAD_TRY(add_timer(b, &w->wake_timer, CLOCK_BOOTTIME, on_wake));
    LPAD_TRY(add_timer(b, &w->link_timer, CLOCK_MONOTONIC, on_link_due));
    LPAD_TRY(add_timer(b, &w->answer_timer, CLOCK_MONOTONIC, on_answer_late));
    LPAD_TRY(add_timer(b, &w->reading_timer, CLOCK_MONOTONIC, on_read_again));
    return add_timer(b, &w->client_timer, CLOCK_MONOTONIC, on_client_late);
}

void switching_done(struct broker *b)
{
    struct switching *w = &b->switching;
    w->clock_source = sd_event_source_disable_unref(w->clock_source);
    w->wake_timer = sd_event_source_disable_unref(w->wake_timer);
    w->link_timer = sd_event_source_disable_unref(w->link_timer);
    w->answer_timer = sd_event_source_disable_unref(w->answer_timer);
    w->reading_timer = sd_event_source_disable_unref(w->reading_timer);
    w->client_timer = sd_event_source_disable_unref(w->client_timer);
    arena_free(&w->plan_memory);
    arena_free(&w->card_memory);
}
