// SPDX-License-Identifier: Apache-2.0
// Probes and their times.
#include "probed/plan.h"

#include "lib/log.h"

#include <stdlib.h>
#include <string.h>

static bool port_admitted(const Lpad__ProbedSettings *settings, uint16_t port)
{
    for (size_t i = 0; i < settings->n_ports; i++)
        if (settings->ports[i] == port)
            return true;
    return false;
}

static bool needs_port(Lpad__ProbeKind kind)
{
    return kind == LPAD__PROBE_KIND__PROBE_HTTPS || kind == LPAD__PROBE_KIND__PROBE_TCP;
}

static void read_target(struct probe *p, const char *text, const Lpad__ProbedSettings *settings)
{
    char shown[TARGET_TEXT_MAX];
    struct target *t = &p->targets[p->target_count];
    enum err e = target_parse(p->kind, text, t);
    if (e == ERR_OK && (!needs_port(p->kind) || port_admitted(settings, t->port))) {
        p->target_count++;
        return;
    }
    p->broken_count++;
    text_escape(bytes_from_text(text), shown, sizeof shown);
    if (e == ERR_OK)
        log_error("the probe's target %s always fails: its port is not among the configured ones", shown);
    else
        log_error("the probe's target %s always fails: it cannot be read", shown);
}

static enum err read_probe(const Lpad__ProbePlan *message, const Lpad__ProbedSettings *settings,
                           struct probe *p)
{
    if (message->interval_ms == 0 || message->failure_interval_ms == 0 || message->timeout_ms == 0 ||
        message->timeout_ms > INT32_MAX)
        return ERR_PEER_UNEXPECTED;
    p->kind = message->kind;
    p->mode = LPAD__PROBE_MODE__PROBE_OFF;
    p->status = message->has_status ? message->status : 0;
    p->interval_ms = message->interval_ms;
    p->failure_interval_ms = message->failure_interval_ms;
    p->timeout_ms = message->timeout_ms;
    if (message->interface != NULL)
        memcpy(p->interface, message->interface, strnlen(message->interface, sizeof p->interface - 1));
    p->hash_wanted = message->has_body_sha256;
    if (p->hash_wanted)
        memcpy(p->hash, message->body_sha256.data, PROBE_HASH_SIZE);
    p->targets = calloc(message->n_targets + 1, sizeof *p->targets);
    if (p->targets == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < message->n_targets; i++)
        read_target(p, message->targets[i], settings);
    return ERR_OK;
}

enum err plan_read(const Lpad__SwitchPlan *message, const Lpad__ProbedSettings *settings,
                   struct plan *ret_plan)
{
    struct plan plan = {.generation = message->generation};
    plan.probes = calloc(message->n_probes + 1, sizeof *plan.probes);
    if (plan.probes == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < message->n_probes; i++) {
        plan.count++;
        enum err e = read_probe(message->probes[i], settings, &plan.probes[i]);
        if (e != ERR_OK) {
            plan_free(&plan);
            return e;
        }
    }
    *ret_plan = plan;
    return ERR_OK;
}

void plan_free(struct plan *p)
{
    for (size_t i = 0; i < p->count; i++) {
        LPAD_ASSERT(p->probes[i].round == NULL);
        free(p->probes[i].targets);
    }
    free(p->probes);
    *p = (struct plan){.count = 0};
}

enum err plan_set_modes(struct plan *p, const Lpad__ProbeMode *modes, size_t count)
{
    if (count != p->count)
        return ERR_PEER_UNEXPECTED;
    for (size_t i = 0; i < count; i++)
        p->probes[i].mode = modes[i];
    return ERR_OK;
}

static int64_t interval_of(const struct probe *p)
{
    return p->mode == LPAD__PROBE_MODE__PROBE_FAST ? p->failure_interval_ms : p->interval_ms;
}

int64_t probe_due(const struct probe *p)
{
    if (p->mode == LPAD__PROBE_MODE__PROBE_OFF || p->round != NULL)
        return NEVER;
    return p->ran ? p->begun + interval_of(p) : 0;
}

bool probe_may_begin(const struct probe *p, int64_t now)
{
    int64_t due = probe_due(p);
    return due != NEVER && due - interval_of(p) / 10 <= now;
}
