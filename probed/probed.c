// SPDX-License-Identifier: Apache-2.0
// The loop of lpad-probed, and what goes to the broker.
#include "probed/probed.h"

#include "lib/log.h"
#include "probed/dispatch.h"

#include "probe.pb-c.h"

#define NAMES_RETRY_MS 60000 // how long a process without resolv.conf waits for a better one

static void keep(struct probed *p, enum err e)
{
    if (p->error == ERR_OK)
        p->error = e;
}

static void send_frame(struct probed *p, const Lpad__ProbedToBroker *frame)
{
    keep(p, link_send(&p->broker, &frame->base, -1));
}

// --- what is told ---

static void tell_state(void *context, uint32_t link, const struct link_state *state)
{
    struct probed *p = context;
    Lpad__LinkState m = LPAD__LINK_STATE__INIT;
    Lpad__ProbedToBroker frame = LPAD__PROBED_TO_BROKER__INIT;
    m.generation = p->plan.generation;
    m.link = link;
    m.carrier = state->carrier ? LPAD__TRI__TRI_YES : LPAD__TRI__TRI_NO;
    m.address = state->address ? LPAD__TRI__TRI_YES : LPAD__TRI__TRI_NO;
    m.route = state->route ? LPAD__TRI__TRI_YES : LPAD__TRI__TRI_NO;
    frame.body_case = LPAD__PROBED_TO_BROKER__BODY_LINK;
    frame.link = &m;
    send_frame(p, &frame);
}

static void tell_data(void *context, uint32_t link, uint64_t octets)
{
    struct probed *p = context;
    Lpad__LinkData m = LPAD__LINK_DATA__INIT;
    Lpad__ProbedToBroker frame = LPAD__PROBED_TO_BROKER__INIT;
    m.generation = p->plan.generation;
    m.link = link;
    m.octets = octets;
    frame.body_case = LPAD__PROBED_TO_BROKER__BODY_DATA;
    frame.data = &m;
    send_frame(p, &frame);
}

static void tell_round(struct probed *p, size_t probe, const struct round_result *result)
{
    Lpad__ProbeRound m = LPAD__PROBE_ROUND__INIT;
    Lpad__ProbedToBroker frame = LPAD__PROBED_TO_BROKER__INIT;
    m.generation = p->plan.generation;
    m.probe = (uint32_t)probe;
    m.passed = result->passed;
    m.failed = result->failed;
    m.octets = result->octets;
    m.took_ms = result->took_ms;
    frame.body_case = LPAD__PROBED_TO_BROKER__BODY_ROUND;
    frame.round = &m;
    send_frame(p, &frame);
}

// --- rounds ---

static void end_rounds(struct probed *p)
{
    for (size_t i = 0; i < p->plan.count; i++) {
        struct probe *probe = &p->plan.probes[i];
        struct round_result result;
        if (probe->round == NULL || !round_work(probe->round))
            continue;
        round_end(probe, &result);
        tell_round(p, i, &result);
    }
}

// A resolver that asks the servers of before the last change would blame the network.
static bool names_are_old(const struct probed *p)
{
    if (!names_may_have_changed(&p->names))
        return false;
    return p->names.fd >= 0 || clock_run_ms() - p->started >= NAMES_RETRY_MS;
}

static void begin_rounds(struct probed *p)
{
    int64_t now = clock_schedule_ms();
    int64_t due = links_due(&p->links);
    for (size_t i = 0; i < p->plan.count; i++)
        due = earlier(due, probe_due(&p->plan.probes[i]));
    if (due > now)
        return;
    if (names_are_old(p)) {
        log_info("%s has changed: another lpad-probed must read it", NAMES_FILE);
        keep(p, ERR_CLOSED);
        return;
    }
    if (links_may_count(&p->links, now))
        links_count(&p->links, now);
    for (size_t i = 0; i < p->plan.count; i++) {
        struct probe *probe = &p->plan.probes[i];
        if (!probe_may_begin(probe, now))
            continue;
        probe->ran = true;
        probe->begun = now;
        keep(p, round_begin(probe, &p->context));
    }
}

void probed_drop_plan(struct probed *p)
{
    for (size_t i = 0; i < p->plan.count; i++) {
        struct round_result result;
        if (p->plan.probes[i].round != NULL)
            round_end(&p->plan.probes[i], &result);
    }
    plan_free(&p->plan);
}

// --- the loop ---

static int64_t until(int64_t due, int64_t now)
{
    if (due == NEVER)
        return NEVER;
    return due > now ? due - now : 0;
}

static int time_to_wait(struct probed *p)
{
    int64_t now = clock_schedule_ms();
    int64_t run = clock_run_ms();
    int64_t wait = until(links_due(&p->links), now);
    wait = earlier(wait, until(https_due(p->https), run));
    for (size_t i = 0; i < p->plan.count; i++) {
        struct probe *probe = &p->plan.probes[i];
        wait = earlier(wait, until(probe_due(probe), now));
        if (probe->round != NULL)
            wait = earlier(wait, until(round_due(probe->round), run));
    }
    if (wait == NEVER)
        return -1;
    return wait > INT32_MAX ? INT32_MAX : (int)wait;
}

static void on_frame(void *context, int fd, short revents)
{
    (void)fd;
    (void)revents;
    struct probed *p = context;
    keep(p, dispatch_one(p));
}

enum err probed_step(struct probed *p)
{
    LPAD_TRY(loop_wait(&p->loop, time_to_wait(p)));
    https_work(p->https);
    end_rounds(p);
    begin_rounds(p);
    return p->error;
}

enum err probed_init(struct probed *p, const Lpad__ProbedSettings *settings, int link, int routes,
                     struct x509_store_st *trust)
{
    *p = (struct probed){.settings = settings, .broker = LINK_NONE, .started = clock_run_ms()};
    loop_init(&p->loop);
    p->told = (struct links_told){.state = tell_state, .data = tell_data, .context = p};
    LPAD_TRY(https_init(&p->loop, trust, settings, &p->https));
    LPAD_TRY(link_init(&p->broker, link, &link_probed_broker));
    LPAD_TRY(names_read(&p->names));
    LPAD_TRY(links_init(&p->links, &p->loop, routes, &p->told));
    p->context = (struct attempt_context){
        .loop = &p->loop, .https = p->https, .settings = settings, .name_servers = p->names.servers};
    return loop_watch(&p->loop, link, POLLIN, on_frame, p);
}

void probed_free(struct probed *p)
{
    probed_drop_plan(p);
    links_free(&p->links);
    https_free(p->https);
    link_close(&p->broker);
    loop_free(&p->loop);
}
