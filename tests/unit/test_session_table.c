// SPDX-License-Identifier: Apache-2.0
// The session table: every state has a deadline and a way out, no order of events loads what was not
// approved, and each failure tells the server the right reason.
#include "tests/unit/unit.h"

#include "broker/session_table.h"

#include "types.pb-c.h"

#include <stdio.h>

static bool step_does(const struct session_step *step, enum session_action action)
{
    for (size_t i = 0; i < SESSION_ACTIONS_MAX; i++)
        if (step->actions[i] == action)
            return true;
    return false;
}

// The facts that a row of this state and event looks at: all others change nothing. EVENT_NONE: of any event.
static unsigned facts_that_matter(unsigned s, enum session_event event)
{
    unsigned facts = 0;
    for (size_t i = 0; i < session_row_count; i++) {
        const struct session_row *row = &session_rows[i];
        bool of_state = row->phase == PHASE_NONE ? row->state == s : row->phase == session_states[s].phase;
        if (of_state && (event == EVENT_NONE || row->event == event))
            facts |= row->needs | row->lacks;
    }
    return facts;
}

// The next set of facts within `mask`, 0 after the last.
static unsigned next_facts(unsigned facts, unsigned mask)
{
    return (facts - mask) & mask;
}
#define EACH_FACTS(facts, mask)                                                                              \
    (unsigned facts = 0, mask_ = (mask), more_ = 1; more_;                                                   \
     facts = next_facts(facts, mask_), more_ = facts != 0)

static void test_states_have_deadlines(void **state)
{
    (void)state;
    for (unsigned s = 1; s < SESSION_STATE_MAX; s++) {
        assert_non_null(session_states[s].name);
        assert_true(session_states[s].deadline_ms > 0);
        assert_int_not_equal(session_states[s].phase, PHASE_NONE);
        assert_int_not_equal(session_states[s].waits_for, WAITS_FOR_NOBODY);
        for (unsigned other = 0; other < s; other++)
            assert_string_not_equal(session_states[s].name, session_states[other].name);
    }
}

// What can happen at any time has a row in every state, whatever the facts.
static void test_deaths_and_deadlines_are_covered(void **state)
{
    (void)state;
    static const enum session_event always[] = {EVENT_CARD_GONE,   EVENT_POLICY_GONE, EVENT_CLIENT_GONE,
                                                EVENT_DEADLINE,    EVENT_STOP,        EVENT_WANTED,
                                                EVENT_LOCAL_FAILED};
    for (unsigned s = 1; s < SESSION_STATE_MAX; s++)
        for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
            for
                EACH_FACTS(facts, facts_that_matter(s, always[i]))
                {
                    struct session_step step = session_step((enum session_state)s, always[i], facts);
                    if (step.row == NULL)
                        print_error("no row: %s, %s, facts %x\n", session_states[s].name,
                                    session_event_name(always[i]), facts);
                    assert_non_null(step.row);
                }
}

// A netd may die whenever there can be one.
static void test_netd_deaths_are_covered(void **state)
{
    (void)state;
    for (unsigned s = 1; s < SESSION_STATE_MAX; s++) {
        enum session_phase p = session_states[s].phase;
        if (p == PHASE_ASKING || p == PHASE_CHANGING || p == PHASE_READING)
            continue;
        for
            EACH_FACTS(facts, facts_that_matter(s, EVENT_NETD_GONE))
        assert_non_null(session_step((enum session_state)s, EVENT_NETD_GONE, facts).row);
    }
}

// Every row is reachable in itself: none is hidden by an earlier one of the same state, event and facts.
static void test_rows_are_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < session_row_count; i++) {
        const struct session_row *row = &session_rows[i];
        bool used = false;
        for (unsigned s = 0; s < SESSION_STATE_MAX && !used; s++) {
            if (row->phase == PHASE_NONE ? row->state != s : row->phase != session_states[s].phase)
                continue;
            for
                EACH_FACTS(facts, facts_that_matter(s, row->event))
            used = used || session_step((enum session_state)s, row->event, facts).row == row;
        }
        if (!used)
            print_error("row %zu (%s) is never used\n", i, session_event_name(row->event));
        assert_true(used);
    }
}

struct graph {
    bool edge[SESSION_STATE_MAX][SESSION_STATE_MAX];
};

static void make_graph(struct graph *ret_graph)
{
    struct graph g = {0};
    for (unsigned s = 0; s < SESSION_STATE_MAX; s++)
        for (unsigned e = 1; e < EVENT_MAX; e++)
            for
                EACH_FACTS(facts, facts_that_matter(s, (enum session_event)e))
                {
                    struct session_step step =
                        session_step((enum session_state)s, (enum session_event)e, facts);
                    if (step.row != NULL)
                        g.edge[s][step.next] = true;
                }
    *ret_graph = g;
}

static void mark_reachable(const struct graph *g, bool *reached, unsigned from)
{
    if (reached[from])
        return;
    reached[from] = true;
    for (unsigned to = 0; to < SESSION_STATE_MAX; to++)
        if (g->edge[from][to])
            mark_reachable(g, reached, to);
}

static void test_every_state_is_reached_and_left(void **state)
{
    (void)state;
    struct graph g;
    bool reached[SESSION_STATE_MAX] = {false};
    make_graph(&g);
    mark_reachable(&g, reached, SESSION_IDLE);
    for (unsigned s = 0; s < SESSION_STATE_MAX; s++) {
        bool from_here[SESSION_STATE_MAX] = {false};
        assert_true(reached[s]);
        mark_reachable(&g, from_here, s);
        assert_true(from_here[SESSION_IDLE]);
    }
}

// With nothing but deadlines every session ends, in a few steps.
static void test_silence_ends_every_session(void **state)
{
    (void)state;
    for (unsigned s = 1; s < SESSION_STATE_MAX; s++)
        for
            EACH_FACTS(facts, facts_that_matter(s, EVENT_DEADLINE) | FACT_ABORTED | FACT_NEXT_OTHER)
            {
                enum session_state at = (enum session_state)s;
                unsigned now = facts, steps = 0;
                while (at != SESSION_IDLE) {
                    struct session_step step = session_step(at, EVENT_DEADLINE, now);
                    now |= step_does(&step, ACTION_ABORT_LOAD) ? FACT_ABORTED : 0;
                    // Each address is tried once.
                    now &= step_does(&step, ACTION_NEXT_OTHER) ? ~(unsigned)FACT_NEXT_OTHER : ~0u;
                    at = step.next;
                    assert_true(++steps < 8);
                }
            }
}

// --- any order of events ---

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

// What a session has been through, by the actions that it took and the events it was given.
struct history {
    bool allowed, asked, answered, metadata_allowed, asked_again, answered_again;
    bool prepared, fetched, staged, loading, loaded, open, cancelled, archived, ended;
};

static void check_action(struct history *h, enum session_action action)
{
    switch ((int)action) {
    case ACTION_START_NETD:
        // No connection without a decision about its host.
        assert_true(h->allowed);
        return;
    case ACTION_PREPARE:
        assert_true(h->allowed && h->metadata_allowed);
        assert_true(!h->asked_again || h->answered_again);
        return;
    case ACTION_FETCH: assert_true(h->prepared); return;
    case ACTION_STAGE: assert_true(h->fetched); return;
    case ACTION_LOAD:
        assert_true(h->allowed && h->metadata_allowed && h->prepared && h->fetched && h->staged);
        assert_false(h->loading || h->cancelled);
        h->loading = true;
        return;
    case ACTION_INITIATE:
    case ACTION_NOTIFY: assert_true(h->allowed || h->loaded); return;
    case ACTION_CHANGE: assert_true(h->allowed && (!h->asked || h->answered)); return;
    case ACTION_CANCEL_CARD:
        assert_false(h->loaded); // a result exists: it is notified, never cancelled
        h->cancelled = true;
        return;
    case ACTION_REMOVE:
        assert_true(h->archived);
        h->archived = false;
        return;
    case ACTION_ARCHIVE: h->archived = true; return;
    case ACTION_FINISH:
    case ACTION_FAIL:
        assert_false(h->ended);
        h->ended = true;
        return;
    default: return;
    }
}

static void note_event(struct history *h, enum session_state from, enum session_event event, unsigned facts)
{
    bool asking = from == SESSION_CONSENT || from == SESSION_CHANGE_CONSENT;
    switch ((int)event) {
    case EVENT_ALLOW:
        h->allowed = true;
        h->metadata_allowed =
            h->metadata_allowed || from == SESSION_INSTALL_INTENT || from == SESSION_CONSENTED;
        return;
    case EVENT_ASK:
        // The first step of a download may be asked about later, with the metadata.
        h->allowed = h->allowed || (from == SESSION_INTENT && (facts & FACT_DISCOVERY) == 0);
        h->asked = h->asked || from == SESSION_CHANGE_INTENT;
        h->asked_again = h->asked_again || from == SESSION_INSTALL_INTENT;
        return;
    case EVENT_YES:
        h->answered = h->answered || asking;
        h->answered_again = h->answered_again || from == SESSION_CONSENT;
        return;
    case EVENT_CARD_OK:
        // With an SM-DS nothing is owed.
        h->open = h->open || (from == SESSION_AUTHENTICATE_SERVER && (facts & FACT_SMDS) == 0);
        h->prepared = h->prepared || from == SESSION_PREPARE;
        h->staged = h->staged || from == SESSION_STAGE;
        h->loaded = h->loaded || from == SESSION_LOAD;
        return;
    case EVENT_NETD_OK: h->fetched = h->fetched || from == SESSION_FETCH; return;
    default: return;
    }
}

// An open session is not left without a cancel, unless there is no card to sign it.
static void check_end(const struct history *h, enum session_state from, enum session_event event)
{
    bool owed = h->open && !h->cancelled && !h->loaded;
    bool no_card = event == EVENT_CARD_GONE || (from == SESSION_LOAD && event == EVENT_DEADLINE);
    assert_true(!owed || no_card);
    assert_true(h->ended);
}

// Most events are one that leads on, so that sessions get far.
static enum session_event choose_event(enum session_state at, uint64_t r)
{
    if (at == SESSION_IDLE)
        return (r & 0x30) == 0
                   ? EVENT_DOWNLOAD
                   : (enum session_event)(EVENT_DOWNLOAD + (r >> 8) % (EVENT_RESEND - EVENT_DOWNLOAD + 1));
    if ((r & 0x70) == 0)
        return (enum session_event)(1 + (r >> 8) % (EVENT_MAX - 1));
    switch (session_states[at].waits_for) {
    case WAITS_FOR_POLICYD: return (r & 6) == 0 ? EVENT_ASK : EVENT_ALLOW;
    case WAITS_FOR_CARDD: return EVENT_CARD_OK;
    case WAITS_FOR_NETD: return (r & 2) ? EVENT_NETD_OK : (r & 4) ? EVENT_NETD_OPENED : EVENT_CARD_OK;
    case WAITS_FOR_CLIENT: return EVENT_YES;
    case WAITS_FOR_NOBODY: break;
    }
    return EVENT_DEADLINE;
}

static void run_session(uint64_t *seed, unsigned *ret_loads)
{
    struct history h = {0};
    enum session_state at = SESSION_IDLE;
    unsigned steps = 0;
    do {
        uint64_t r = random_next(seed);
        enum session_event event = choose_event(at, r);
        unsigned facts = (unsigned)(r >> 32) & FACT_ALL;
        // What leads away from a download is rarer.
        if ((r & 0x380) != 0)
            facts &= ~(unsigned)(FACT_ADDRESS_WANTED | FACT_DISCOVERY | FACT_SMDS | FACT_DUPLICATE |
                                 FACT_RULES_WANTED | FACT_RETRY);
        // A long one is brought to its end as in life: nobody answers any more.
        if (steps > 200) {
            event = EVENT_DEADLINE;
            facts = FACT_ABORTED;
        }
        struct session_step step = session_step(at, event, facts);
        // What must never happen is not part of the history.
        if (step.row != NULL)
            note_event(&h, at, event, facts);
        for (size_t i = 0; i < SESSION_ACTIONS_MAX && step.actions[i] != ACTION_NONE; i++)
            check_action(&h, step.actions[i]);
        *ret_loads += step_does(&step, ACTION_LOAD) ? 1 : 0;
        if (step.next == SESSION_IDLE && at != SESSION_IDLE)
            check_end(&h, at, event);
        at = step.next;
        assert_true(++steps < 220);
    } while (at != SESSION_IDLE || !h.ended);
}

static void test_million_sequences(void **state)
{
    (void)state;
    uint64_t seed = 0x1db71064u;
    unsigned loads = 0;
    for (unsigned i = 0; i < 1000000; i++)
        run_session(&seed, &loads);
    // The generator gets to where it matters: otherwise this test would say nothing.
    assert_true(loads > 1000);
}

// --- reasons (SGP.22 v2.5, 5.7.14) ---

struct reason_case {
    enum session_state state;
    enum session_event event;
    unsigned facts;
    unsigned deny_reason;
    int decision_reason;
    int want; // -1: no CancelSession
};

static void test_cancel_reasons(void **state)
{
    (void)state;
    static const struct reason_case cases[] = {
        {SESSION_CONSENT,             EVENT_NO,           FACT_CLIENT,           0,                                         -1, 0  },
        {SESSION_CONSENT,             EVENT_POSTPONE,     FACT_CLIENT,           0,                                         -1, 1  },
        {SESSION_CONSENT,             EVENT_DEADLINE,     FACT_CLIENT,           0,                                         -1, 2  },
        {SESSION_CONSENT,             EVENT_CLIENT_GONE,  0,                     0,                                         -1, 0  },
        {SESSION_CONFIRMATION_CODE,   EVENT_NO,           FACT_CLIENT,           0,                                         -1, 0  },
        {SESSION_CONFIRMATION_CODE,   EVENT_POSTPONE,     FACT_CLIENT,           0,                                         -1, 1  },
        {SESSION_CONFIRMATION_CODE,   EVENT_DEADLINE,     FACT_CLIENT,           0,                                         -1, 2  },
        {SESSION_CONFIRMATION_CODE,   EVENT_CLIENT_GONE,  0,                     0,                                         -1, 0  },
        {SESSION_INSTALL_INTENT,      EVENT_DENY,         0,                     LPAD__DENY_REASON__DENY_PPR,               3,  3  },
        {SESSION_INSTALL_INTENT,      EVENT_DENY,         0,                     LPAD__DENY_REASON__DENY_PPR,               -1, 3  },
        {SESSION_INSTALL_INTENT,      EVENT_DENY,         0,                     LPAD__DENY_REASON__DENY_RULE,              0,  0  },
        {SESSION_INSTALL_INTENT,      EVENT_DENY,         0,                     LPAD__DENY_REASON__DENY_NO_RULE,           -1, 127},
        {SESSION_INSTALL_INTENT,      EVENT_DENY,         0,                     LPAD__DENY_REASON__DENY_NO_RULE,           99, 127},
        {SESSION_INSTALL_INTENT,      EVENT_POLICY_GONE,  0,                     0,                                         -1, 1  },
        {SESSION_AUTHENTICATE_CLIENT, EVENT_NETD_FAILED,  0,                     0,                                         -1, 127},
        {SESSION_AUTHENTICATE_CLIENT, EVENT_NETD_GONE,    0,                     0,                                         -1, 1  },
        {SESSION_AUTHENTICATE_CLIENT, EVENT_CLIENT_GONE,  0,                     0,                                         -1, 1  },
        {SESSION_AUTHENTICATE_CLIENT, EVENT_STOP,         0,                     0,                                         -1, 1  },
        {SESSION_AUTHENTICATE_SERVER, EVENT_STOP,         0,                     0,                                         -1, 1  },
        {SESSION_AUTHENTICATE_SERVER, EVENT_CARD_FAILED,  0,                     0,                                         -1, -1 },
        {SESSION_INITIATE,            EVENT_NETD_FAILED,  0,                     0,                                         -1, -1 },
        {SESSION_PREPARE,             EVENT_CARD_FAILED,  0,                     0,                                         -1, 127},
        {SESSION_PREPARE,             EVENT_CARD_FAILED,  0,                     LPAD__DENY_REASON__DENY_FACTS,             -1, 127},
        {SESSION_PREFLIGHT,           EVENT_CARD_OK,      FACT_DUPLICATE,        0,                                         -1, 1  },
        {SESSION_PREFLIGHT,           EVENT_CARD_FAILED,  0,                     0,                                         -1, 1  },
        {SESSION_RECONNECT,           EVENT_NETD_FAILED,  0,                     0,                                         -1, 127},
        {SESSION_RECONNECT,           EVENT_NETD_REFUSED, 0,                     0,                                         -1, 1  },
        {SESSION_EVENTS,              EVENT_NETD_FAILED,  FACT_SMDS,             0,                                         -1, -1 },
        {SESSION_FETCH,               EVENT_NETD_GONE,    FACT_RETRY,            0,                                         -1, -1 },
        {SESSION_FETCH,               EVENT_NETD_FAILED,  0,                     0,                                         -1, 127},
        {SESSION_FETCH,               EVENT_DEADLINE,     0,                     0,                                         -1, 1  },
        {SESSION_FETCH,               EVENT_CARD_GONE,    0,                     0,                                         -1, -1 },
        {SESSION_STAGE,               EVENT_CARD_OK,      FACT_METADATA_DIFFERS, 0,                                         -1, 4  },
        {SESSION_STAGE,               EVENT_CARD_FAILED,  0,                     0,                                         -1, 5  },
        {SESSION_LOAD,                EVENT_CARD_FAILED,  0,                     0,                                         -1, 5  },
        {SESSION_LOAD,                EVENT_CARD_FAILED,  0,                     LPAD__DENY_REASON__DENY_METADATA_MISMATCH, -1, 4  },
        {SESSION_LOAD,                EVENT_CARD_FAILED,  0,                     LPAD__DENY_REASON__DENY_PPR,               -1, 3  },
        {SESSION_LOAD,                EVENT_CARD_FAILED,  0,                     LPAD__DENY_REASON__DENY_CAP,               -1, 127},
        {SESSION_LOAD,                EVENT_LOCAL_FAILED, 0,                     0,                                         -1, 1  },
        {SESSION_LOAD,                EVENT_STOP,         0,                     0,                                         -1, -1 },
        {SESSION_LOAD,                EVENT_CLIENT_GONE,  0,                     0,                                         -1, -1 },
        {SESSION_NOTIFY,              EVENT_NETD_FAILED,  0,                     0,                                         -1, -1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct reason_case *c = &cases[i];
        struct session_step step = session_step(c->state, c->event, c->facts);
        assert_non_null(step.row);
        bool cancels = step_does(&step, ACTION_CANCEL_CARD);
        assert_int_equal(cancels, c->want >= 0);
        assert_int_equal(cancels, step.cancel != SESSION_CANCEL_NONE);
        if (!cancels)
            continue;
        assert_int_equal(step.next, SESSION_CANCEL_CARD);
        assert_int_equal(
            session_cancel_reason(step.cancel, c->state, ERR_OK, c->deny_reason, c->decision_reason),
            c->want);
    }
}

// What can work later, or be asked again, must not spend the order; a server that breaks the protocol is
// something else.
static void test_cancel_reasons_of_a_server(void **state)
{
    (void)state;
    static const enum err later[] = {ERR_REMOTE_REFUSED, ERR_REMOTE_CONNECT, ERR_REMOTE_TLS, ERR_REMOTE_HTTP,
                                     ERR_REMOTE_TIMEOUT};
    static const enum err wrong[] = {ERR_REMOTE_SHAPE, ERR_REMOTE_MISMATCH, ERR_DER_TAG, ERR_LIMIT};
    static const enum session_state states[] = {SESSION_AUTHENTICATE_CLIENT, SESSION_FETCH};
    for (size_t s = 0; s < sizeof states / sizeof states[0]; s++) {
        struct session_step step = session_step(states[s], EVENT_NETD_FAILED, 0);
        for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
            assert_int_equal(session_cancel_reason(step.cancel, states[s], later[i], 0, -1), 1);
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
            assert_int_equal(session_cancel_reason(step.cancel, states[s], wrong[i], 0, -1), 127);
    }
}

// A pair that no row covers ends the session as its phase must be ended.
static void test_what_must_never_happen(void **state)
{
    (void)state;
    struct session_step step = session_step(SESSION_FETCH, EVENT_NETD_REFUSED, 0);
    assert_null(step.row);
    assert_int_equal(step.next, SESSION_CANCEL_CARD);
    assert_true(step_does(&step, ACTION_CANCEL_CARD));
    step = session_step(SESSION_READ, EVENT_YES, 0);
    assert_null(step.row);
    assert_int_equal(step.next, SESSION_IDLE);
    assert_true(step_does(&step, ACTION_FAIL));
    step = session_step(SESSION_IDLE, EVENT_YES, 0);
    assert_null(step.row);
    assert_int_equal(step.next, SESSION_IDLE);
}

static void test_graph(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    session_print(out);
    assert_int_equal(fclose(out), 0);
    for (unsigned s = 0; s < SESSION_STATE_MAX; s++) {
        char node[64];
        snprintf(node, sizeof node, "\"%s\"", session_states[s].name);
        assert_non_null(strstr(text, node));
    }
    assert_memory_equal(text, "digraph", 7);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_have_deadlines),
        cmocka_unit_test(test_deaths_and_deadlines_are_covered),
        cmocka_unit_test(test_netd_deaths_are_covered),
        cmocka_unit_test(test_rows_are_used),
        cmocka_unit_test(test_every_state_is_reached_and_left),
        cmocka_unit_test(test_silence_ends_every_session),
        cmocka_unit_test(test_million_sequences),
        cmocka_unit_test(test_cancel_reasons),
        cmocka_unit_test(test_cancel_reasons_of_a_server),
        cmocka_unit_test(test_what_must_never_happen),
        cmocka_unit_test(test_graph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
