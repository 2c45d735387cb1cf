// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the plan that lpad-probed gets, and the targets in it: read whole or not at all, each target a
// host that can be asked, on a port that the settings allow, and a schedule that goes on.
#include "fuzz/fuzz.h"

#include "probed/plan.h"
#include "proto/link.h"

static void check_target(Lpad__ProbeKind kind, const struct target *t)
{
    bool has_port = kind == LPAD__PROBE_KIND__PROBE_HTTPS || kind == LPAD__PROBE_KIND__PROBE_TCP;
    FUZZ_CHECK(t->host.name[0] != '\0' && memchr(t->host.name, '\0', sizeof t->host.name) != NULL);
    FUZZ_CHECK(!has_port || t->port == 443 || t->port == 8443);
    FUZZ_CHECK(kind != LPAD__PROBE_KIND__PROBE_HTTPS || t->path[0] == '/' || t->path[0] == '?');
    FUZZ_CHECK(memchr(t->path, '\0', sizeof t->path) != NULL);
    FUZZ_CHECK(memchr(t->server, '\0', sizeof t->server) != NULL);
}

static void check_probe(const Lpad__ProbePlan *from, const struct probe *p)
{
    FUZZ_CHECK(p->target_count + p->broken_count == from->n_targets);
    FUZZ_CHECK(p->interval_ms > 0 && p->failure_interval_ms > 0 && p->timeout_ms > 0);
    FUZZ_CHECK(memchr(p->interface, '\0', sizeof p->interface) != NULL);
    FUZZ_CHECK(p->round == NULL && p->mode == LPAD__PROBE_MODE__PROBE_OFF);
    for (size_t i = 0; i < p->target_count; i++)
        check_target(p->kind, &p->targets[i]);
}

// Each probe is due some time, unless it is off; and after a round not before its interval, but for a tenth.
static void check_schedule(struct plan *plan, Lpad__ProbeMode mode)
{
    Lpad__ProbeMode modes[PROBES_MAX];
    bool is_off = mode == LPAD__PROBE_MODE__PROBE_OFF;
    for (size_t i = 0; i < plan->count; i++)
        modes[i] = mode;
    FUZZ_CHECK(plan_set_modes(plan, modes, plan->count) == ERR_OK);
    for (size_t i = 0; i < plan->count; i++) {
        struct probe *p = &plan->probes[i];
        int64_t interval = mode == LPAD__PROBE_MODE__PROBE_FAST ? p->failure_interval_ms : p->interval_ms;
        p->ran = false;
        FUZZ_CHECK(probe_may_begin(p, 0) == !is_off);
        p->ran = true;
        p->begun = 1000;
        FUZZ_CHECK(is_off ? probe_due(p) > INT64_MAX / 2 : probe_due(p) == 1000 + interval);
        FUZZ_CHECK(is_off || probe_may_begin(p, 1000 + interval));
        FUZZ_CHECK(!probe_may_begin(p, 1000));
    }
}

static void check_plan(const Lpad__SwitchPlan *from, struct plan *plan)
{
    static const Lpad__ProbeMode modes[PROBES_MAX + 1];
    FUZZ_CHECK(plan->count == from->n_probes && plan->generation == from->generation);
    for (size_t i = 0; i < plan->count; i++)
        check_probe(from->probes[i], &plan->probes[i]);
    FUZZ_CHECK(plan_set_modes(plan, modes, plan->count + 1) == ERR_PEER_UNEXPECTED);
    for (int mode = LPAD__PROBE_MODE__PROBE_OFF; mode <= LPAD__PROBE_MODE__PROBE_FAST; mode++)
        check_schedule(plan, (Lpad__ProbeMode)mode);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t ports[] = {443, 8443};
    Lpad__ProbedSettings settings = LPAD__PROBED_SETTINGS__INIT;
    const ProtobufCMessage *message;
    struct arena arena;
    struct plan plan;
    settings.n_ports = 2;
    settings.ports = ports;
    FUZZ_CHECK(arena_init(&arena, 1 << 20) == ERR_OK);
    if (link_unpack(&lpad__switch_plan__descriptor, bytes_make(data, size), true, &arena, &message) ==
        ERR_OK) {
        const Lpad__SwitchPlan *from = (const Lpad__SwitchPlan *)(const void *)message;
        memset(&plan, 0xA5, sizeof plan);
        enum err e = plan_read(from, &settings, &plan);
        FUZZ_CHECK(e == ERR_OK || e == ERR_PEER_UNEXPECTED);
        if (e == ERR_OK) {
            check_plan(from, &plan);
            plan_free(&plan);
        } else {
            FUZZ_CHECK(fuzz_untouched(&plan, sizeof plan, 0xA5));
        }
    }
    arena_free(&arena);
    return 0;
}
