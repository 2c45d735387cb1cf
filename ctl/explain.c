// SPDX-License-Identifier: Apache-2.0
// lpactl policy explain: why this profile is in use, and why no other rule decides.
#include "ctl/ctl.h"

#include "proto/convert.h"

#include <inttypes.h>
#include <string.h>

// --- words ---

static const char *duration(struct ctl *ctl, uint64_t ms)
{
    // What is nearly over is not over.
    return text_age(&ctl->arena, 0, ms / 1000 + (ms % 1000 != 0));
}

const char *ctl_phase_words(struct ctl *ctl, const char *phase)
{
    return strcmp(phase, "trial") == 0          ? "on trial: the probe has to be up in time"
           : strcmp(phase, "enabling") == 0     ? "under way: the card is told"
           : strcmp(phase, "rolling_back") == 0 ? "failed: going back"
                                                : text_shown(&ctl->arena, phase);
}

const char *ctl_hold_words(struct ctl *ctl, uint64_t left_ms)
{
    if (left_ms == 0)
        return "until 'lpactl release'";
    return text_printf(&ctl->arena, "for %s more ('lpactl release' ends it)", duration(ctl, left_ms));
}

static const char *block_words(const char *block)
{
    static const char *const rows[][2] = {
        {"hold",        "held by hand"                                 },
        {"dwell",       "too soon after the last switch"               },
        {"cap_hour",    "enough switches in this hour"                 },
        {"cap_day",     "enough switches on this day"                  },
        {"quarantine",  "its profile is in quarantine"                 },
        {"window",      "outside its maintenance window"               },
        {"hands_off",   "somebody else changed the profile"            },
        {"ppr1",        "the profile in use may not be disabled (PPR1)"},
        {"ppr1_target", "its profile could not be rolled back (PPR1)"  },
        {"name",        "its profile's name does not mean one profile" },
        {"test_class",  "a test profile that is not named by its ICCID"},
        {"debt",        "too many notifications are undelivered"       },
        {"no_card",     "there is no card"                             },
        {"trial",       "the trial's probe has used up its data"       },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i][0], block) == 0)
            return rows[i][1];
    return NULL;
}

static const char *tri_word(Lpad__Tri tri, const char *yes, const char *no)
{
    return tri == LPAD__TRI__TRI_YES ? yes : tri == LPAD__TRI__TRI_NO ? no : "unknown";
}

static const char *mode_word(Lpad__ProbeMode mode, const char *off, const char *normal, const char *fast)
{
    return mode == LPAD__PROBE_MODE__PROBE_NORMAL ? normal
           : mode == LPAD__PROBE_MODE__PROBE_FAST ? fast
                                                  : off;
}

// "main (8949449999999990031)", or the ICCID alone, or none.
static const char *profile_words(struct ctl *ctl, const Lpad__Explanation *e, bool has,
                                 ProtobufCBinaryData iccid)
{
    struct arena *a = &ctl->arena;
    if (!has)
        return "none";
    const char *digits = text_iccid(a, bytes_from_binary(iccid));
    for (size_t i = 0; i < e->n_names; i++)
        if (e->names[i]->has_iccid &&
            bytes_equal(bytes_from_binary(e->names[i]->iccid), bytes_from_binary(iccid)))
            return text_printf(a, "%s (%s)", text_shown(a, e->names[i]->name), digits);
    return digits;
}

// --- for people ---

static void show_why(struct ctl *ctl, const Lpad__Explanation *e)
{
    struct arena *a = &ctl->arena;
    const char *why = e->has_enabled ? "no rule asks for it: it stays" : "";
    for (size_t i = 0; i < e->n_rules; i++)
        if (e->rules[i]->decides)
            why = text_printf(a, "by the rule %s, line %u", text_shown(a, e->rules[i]->name),
                              e->rules[i]->line);
    ctl_put_field(ctl, "in use", profile_words(ctl, e, e->has_enabled, e->enabled));
    ctl_put_field(ctl, "why", why);
    if (e->has_last_good)
        ctl_put_field(ctl, "last worked", profile_words(ctl, e, e->has_last_good, e->last_good));
}

static void show_state(struct ctl *ctl, const Lpad__Explanation *e)
{
    struct arena *a = &ctl->arena;
    if (strcmp(e->phase, "idle") != 0)
        ctl_put_field(ctl, "switch", ctl_phase_words(ctl, e->phase));
    if (e->has_hold_left_ms)
        ctl_put_field(ctl, "held", ctl_hold_words(ctl, e->hold_left_ms));
    if (e->has_dwell_left_ms && e->dwell_left_ms > 0)
        ctl_put_field(
            ctl, "dwell",
            text_printf(a, "no switch for %s more, after the last one", duration(ctl, e->dwell_left_ms)));
    if (e->has_hands_off_left_ms && e->hands_off_left_ms > 0)
        ctl_put_field(ctl, "hands off",
                      text_printf(a, "no switch for %s more: somebody else changed the profile",
                                  duration(ctl, e->hands_off_left_ms)));
    ctl_put_field(
        ctl, "switches",
        text_printf(a, "%u in the last hour, %u in the last day", e->switches_hour, e->switches_day));
}

static const char *rule_words(struct ctl *ctl, const Lpad__RuleView *r)
{
    struct arena *a = &ctl->arena;
    const char *block =
        r->block != NULL && r->block[0] != '\0' && strcmp(r->block, "none") != 0
            ? (block_words(r->block) != NULL ? block_words(r->block) : text_shown(a, r->block))
            : NULL;
    const char *state = tri_word(r->condition, "holds", "does not hold");
    if (r->condition == LPAD__TRI__TRI_UNKNOWN)
        state = r->holds ? "holds on (not known now)" : "not known yet";
    else if (r->holds && r->condition == LPAD__TRI__TRI_NO)
        state = r->has_lets_go_in_ms
                    ? text_printf(a, "holds on, lets go in %s", duration(ctl, r->lets_go_in_ms))
                    : "holds on";
    if (r->decides)
        return block != NULL ? text_printf(a, "DECIDES, but waits: %s", block)
                             : text_printf(a, "DECIDES (%s)", state);
    if (block != NULL && r->holds)
        return text_printf(a, "%s, but %s", state, block);
    return r->holds ? text_printf(a, "%s, another goes before it", state) : state;
}

static void show_rules(struct ctl *ctl, const Lpad__Explanation *e)
{
    struct arena *a = &ctl->arena;
    struct table t = table_make(a, 4, e->n_rules + 1);
    table_put(&t, "RULE", COLOR_NONE);
    table_put(&t, "LINE", COLOR_NONE);
    table_put(&t, "USE", COLOR_NONE);
    table_put(&t, "STATE", COLOR_NONE);
    for (size_t i = 0; i < e->n_rules; i++) {
        const Lpad__RuleView *r = e->rules[i];
        table_put(&t, text_shown(a, r->name), COLOR_NONE);
        table_put(&t, text_printf(a, "%u", r->line), COLOR_NONE);
        table_put(&t, text_shown(a, r->use), COLOR_NONE);
        table_put(&t, rule_words(ctl, r), r->decides ? COLOR_GOOD : r->holds ? COLOR_WARN : COLOR_NONE);
    }
    buf_put_byte(&ctl->out, '\n');
    table_write(&t, &ctl->out, ctl->out_colors);
}

static void show_names(struct ctl *ctl, const Lpad__Explanation *e)
{
    struct arena *a = &ctl->arena;
    struct table t = table_make(a, 3, e->n_names + 1);
    table_put(&t, "PROFILE", COLOR_NONE);
    table_put(&t, "LINE", COLOR_NONE);
    table_put(&t, "ON THE CARD", COLOR_NONE);
    for (size_t i = 0; i < e->n_names; i++) {
        const Lpad__NameView *n = e->names[i];
        const char *text = n->matches == 0   ? "NONE MATCHES"
                           : n->matches == 1 ? text_iccid(a, bytes_from_binary(n->iccid))
                                             : text_printf(a, "%u MATCH: make the name narrower", n->matches);
        if (n->has_quarantine_left_ms && n->quarantine_left_ms > 0)
            text =
                text_printf(a, "%s, in quarantine for %s more", text, duration(ctl, n->quarantine_left_ms));
        table_put(&t, text_shown(a, n->name), COLOR_NONE);
        table_put(&t, text_printf(a, "%u", n->line), COLOR_NONE);
        table_put(&t, text, n->matches == 1 ? COLOR_NONE : COLOR_WARN);
    }
    buf_put_byte(&ctl->out, '\n');
    table_write(&t, &ctl->out, ctl->out_colors);
}

static void show_probes(struct ctl *ctl, const Lpad__Explanation *e)
{
    struct arena *a = &ctl->arena;
    struct table t = table_make(a, 3, e->n_probes + 1);
    if (e->n_probes == 0)
        return;
    table_put(&t, "PROBE", COLOR_NONE);
    table_put(&t, "STATE", COLOR_NONE);
    table_put(&t, "RUNS", COLOR_NONE);
    for (size_t i = 0; i < e->n_probes; i++) {
        const Lpad__ProbeView *p = e->probes[i];
        table_put(&t, text_shown(a, p->name), COLOR_NONE);
        table_put(&t, tri_word(p->up, "up", "down"),
                  p->up == LPAD__TRI__TRI_YES  ? COLOR_GOOD
                  : p->up == LPAD__TRI__TRI_NO ? COLOR_BAD
                                               : COLOR_WARN);
        table_put(&t,
                  mode_word(p->mode, "no: not needed now, or its data is used up", "every interval",
                            "every failure interval"),
                  COLOR_NONE);
    }
    buf_put_byte(&ctl->out, '\n');
    table_write(&t, &ctl->out, ctl->out_colors);
}

static void show(struct ctl *ctl, const Lpad__Explanation *e)
{
    if (!e->switching) {
        buf_put_text(&ctl->out, "The policy in force switches nothing: there is no `switching` in it.\n");
        return;
    }
    if (e->problem != NULL && e->problem[0] != '\0')
        buf_printf(&ctl->out, "%s!! THE ENGINE DOES NOT WORK: %s%s\n", color_code(COLOR_BAD, ctl->out_colors),
                   text_shown(&ctl->arena, e->problem), color_code(COLOR_NONE, ctl->out_colors));
    show_why(ctl, e);
    show_state(ctl, e);
    show_rules(ctl, e);
    show_names(ctl, e);
    show_probes(ctl, e);
}

// --- JSON ---

static void json_iccid(struct ctl *ctl, const char *key, bool has, ProtobufCBinaryData iccid)
{
    if (has)
        json_put_text(&ctl->json, key, text_iccid(&ctl->arena, bytes_from_binary(iccid)));
}

static void json_tri(struct json *j, const char *key, Lpad__Tri tri)
{
    if (tri == LPAD__TRI__TRI_UNKNOWN)
        json_put_text(j, key, NULL);
    else
        json_put_bool(j, key, tri == LPAD__TRI__TRI_YES);
}

static void json_rules(struct json *j, const Lpad__Explanation *e)
{
    json_open_array(j, "rules");
    for (size_t i = 0; i < e->n_rules; i++) {
        const Lpad__RuleView *r = e->rules[i];
        json_open_object(j, NULL);
        json_put_text(j, "name", r->name);
        json_put_uint(j, "line", r->line);
        json_put_text(j, "use", r->use);
        json_tri(j, "condition", r->condition);
        json_put_bool(j, "holds", r->holds);
        json_put_bool(j, "decides", r->decides);
        if (r->has_lets_go_in_ms)
            json_put_uint(j, "lets_go_in_ms", r->lets_go_in_ms);
        json_put_optional(j, "block", r->block);
        json_close_object(j);
    }
    json_close_array(j);
}

static void json_names(struct ctl *ctl, const Lpad__Explanation *e)
{
    struct json *j = &ctl->json;
    json_open_array(j, "names");
    for (size_t i = 0; i < e->n_names; i++) {
        const Lpad__NameView *n = e->names[i];
        json_open_object(j, NULL);
        json_put_text(j, "name", n->name);
        json_put_uint(j, "line", n->line);
        json_put_uint(j, "matches", n->matches);
        json_iccid(ctl, "iccid", n->has_iccid, n->iccid);
        if (n->has_quarantine_left_ms)
            json_put_uint(j, "quarantine_left_ms", n->quarantine_left_ms);
        json_close_object(j);
    }
    json_close_array(j);
    json_open_array(j, "probes");
    for (size_t i = 0; i < e->n_probes; i++) {
        json_open_object(j, NULL);
        json_put_text(j, "name", e->probes[i]->name);
        json_tri(j, "up", e->probes[i]->up);
        json_put_text(j, "mode", mode_word(e->probes[i]->mode, "off", "normal", "fast"));
        json_close_object(j);
    }
    json_close_array(j);
}

static void put_json(struct ctl *ctl, const Lpad__Explanation *e)
{
    struct json *j = &ctl->json;
    json_open_object(j, "explanation");
    json_put_bool(j, "switching", e->switching);
    json_put_text(j, "phase", e->phase);
    json_put_optional(j, "problem", e->problem);
    json_iccid(ctl, "enabled", e->has_enabled, e->enabled);
    json_iccid(ctl, "last_good", e->has_last_good, e->last_good);
    json_put_bool(j, "held", e->has_hold_left_ms);
    if (e->has_hold_left_ms && e->hold_left_ms > 0)
        json_put_uint(j, "hold_left_ms", e->hold_left_ms);
    if (e->has_dwell_left_ms)
        json_put_uint(j, "dwell_left_ms", e->dwell_left_ms);
    if (e->has_hands_off_left_ms)
        json_put_uint(j, "hands_off_left_ms", e->hands_off_left_ms);
    json_put_uint(j, "switches_hour", e->switches_hour);
    json_put_uint(j, "switches_day", e->switches_day);
    json_rules(j, e);
    json_names(ctl, e);
    json_close_object(j);
}

enum exit_code policy_explain_run(struct ctl *ctl)
{
    Lpad__ExplainPolicy explain = LPAD__EXPLAIN_POLICY__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    const Lpad__BrokerToClient *reply = NULL;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_EXPLAIN;
    request.explain = &explain;
    enum exit_code code = ctl_request(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_EXPLANATION, &reply);
    if (code != EXIT_CODE_OK)
        return code;
    if (ctl->args->json)
        put_json(ctl, reply->explanation);
    else
        show(ctl, reply->explanation);
    return EXIT_CODE_OK;
}
