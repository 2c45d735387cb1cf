// SPDX-License-Identifier: Apache-2.0
// lpactl status: what lpad is, and what is really in force.
#include "ctl/ctl.h"

#include "proto/convert.h"

#include <string.h>

// What a process announced of its sandbox; NULL: nothing.
static const Lpad__ProcessSandbox *find_sandbox(const Lpad__StatusReply *status, Lpad__Process process)
{
    for (size_t i = 0; i < status->n_sandboxes; i++)
        if (status->sandboxes[i]->process == process)
            return status->sandboxes[i];
    return NULL;
}

static const char *process_name(struct ctl *ctl, const Lpad__ProcessStatus *p)
{
    const char *name = process_words((int)p->process);
    return p->netd == 0 ? name : text_printf(&ctl->arena, "%s #%u", name, p->netd);
}

static const char *capability_names(struct ctl *ctl, uint64_t mask)
{
    const char *all = NULL;
    unsigned bit = 0;
    for (const char *name; (name = words_next_capability(mask, &bit)) != NULL;)
        all = all == NULL ? name : text_printf(&ctl->arena, "%s,%s", all, name);
    return all != NULL ? all : "none";
}

static void put_process_row(struct ctl *ctl, struct table *t, const Lpad__ProcessStatus *p)
{
    struct arena *a = &ctl->arena;
    table_put(t, process_name(ctl, p), COLOR_NONE);
    table_put(t, text_printf(a, "%d", p->pid), COLOR_NONE);
    table_put(t, text_printf(a, "%u:%u", p->uid, p->gid), COLOR_NONE);
    table_put(t, p->descriptors == 0 ? "?" : text_printf(a, "%u", p->descriptors), COLOR_NONE);
    table_put(t, text_printf(a, "%u.%u MiB", p->rss_kib / 1024, p->rss_kib % 1024 * 10 / 1024), COLOR_NONE);
    table_put(t, text_printf(a, "%u", p->starts), p->starts > 1 ? COLOR_WARN : COLOR_NONE);
}

static void put_sandbox_row(struct ctl *ctl, struct table *t, const Lpad__StatusReply *status,
                            const Lpad__ProcessStatus *p)
{
    struct arena *a = &ctl->arena;
    const Lpad__ProcessSandbox *sandbox = find_sandbox(status, p->process);
    bool filtered = p->seccomp_mode == 2 && p->seccomp_filters > 0;
    bool supervisor = p->process == LPAD__PROCESS__PROCESS_SUPERVISOR;
    table_put(t, process_name(ctl, p), COLOR_NONE);
    table_put(t, filtered ? text_printf(a, "on (%u)", p->seccomp_filters) : "OFF",
              filtered ? COLOR_GOOD : COLOR_BAD);
    table_put(t, p->no_new_privs ? "yes" : "NO", p->no_new_privs ? COLOR_GOOD : COLOR_BAD);
    table_put(t, capability_names(ctl, p->capabilities),
              p->capabilities == 0 ? COLOR_GOOD
              : supervisor         ? COLOR_NONE
                                   : COLOR_BAD);
    table_put(t, p->dumpable ? "YES" : "no", p->dumpable ? COLOR_BAD : COLOR_GOOD);
    if (sandbox == NULL)
        table_put(t, "-", COLOR_NONE);
    else if (sandbox->landlock_abi == 0)
        table_put(t, "NONE", COLOR_WARN);
    else
        table_put(t, text_printf(a, "ABI %u", sandbox->landlock_abi), COLOR_GOOD);
}

static struct table table_begin(struct ctl *ctl, const char *const *heads, size_t columns, size_t rows)
{
    struct table t = table_make(&ctl->arena, columns, rows + 1);
    for (size_t i = 0; i < columns; i++)
        table_put(&t, heads[i], COLOR_NONE);
    return t;
}

// Two tables, so that each fits a terminal of 80 columns.
static void show_processes(struct ctl *ctl, const Lpad__StatusReply *status)
{
    static const char *const heads[] = {"PROCESS", "PID", "UID:GID", "FDS", "RSS", "STARTS"};
    static const char *const walls[] = {"SANDBOX",      "SECCOMP",  "NO_NEW_PRIVS",
                                        "CAPABILITIES", "DUMPABLE", "LANDLOCK"};
    struct table t = table_begin(ctl, heads, sizeof heads / sizeof heads[0], status->n_processes);
    for (size_t i = 0; i < status->n_processes; i++)
        put_process_row(ctl, &t, status->processes[i]);
    buf_put_byte(&ctl->out, '\n');
    table_write(&t, &ctl->out, ctl->out_colors);
    t = table_begin(ctl, walls, sizeof walls / sizeof walls[0], status->n_processes);
    for (size_t i = 0; i < status->n_processes; i++)
        put_sandbox_row(ctl, &t, status, status->processes[i]);
    buf_put_byte(&ctl->out, '\n');
    table_write(&t, &ctl->out, ctl->out_colors);
    for (size_t i = 0; i < status->n_sandboxes; i++) {
        const Lpad__ProcessSandbox *s = status->sandboxes[i];
        for (size_t k = 0; k < s->n_missing; k++)
            buf_printf(&ctl->out, "%s%s is less confined than it should be:%s this kernel lacks %s\n",
                       color_code(COLOR_WARN, ctl->out_colors), process_words((int)s->process),
                       color_code(COLOR_NONE, ctl->out_colors), text_shown(&ctl->arena, s->missing[k]));
    }
}

static void put_loud(struct ctl *ctl, const char *text)
{
    buf_printf(&ctl->out, "%s!! %s%s\n", color_code(COLOR_BAD, ctl->out_colors), text,
               color_code(COLOR_NONE, ctl->out_colors));
}

// lpad's text may begin with the place itself.
const char *ctl_policy_mistake(struct ctl *ctl, const Lpad__PolicyStatus *p)
{
    struct arena *a = &ctl->arena;
    if (p->error == NULL || p->error[0] == 0)
        return NULL;
    const char *place =
        p->has_error_line ? text_printf(a, "line %u, column %u: ", p->error_line, p->error_column) : "";
    const char *error = text_shown(a, p->error);
    if (strncmp(error, place, strlen(place)) == 0)
        place = "";
    return text_printf(a, "policy file%s %s%s", p->has_error_line ? "," : ":", place, error);
}

void ctl_show_policy(struct ctl *ctl, const Lpad__PolicyStatus *p)
{
    struct arena *a = &ctl->arena;
    if (p == NULL) {
        put_loud(ctl, "POLICY UNKNOWN: lpad-policyd does not answer, so every change is denied.");
        return;
    }
    if (p->state == LPAD__POLICY_STATE__POLICY_NONE)
        put_loud(ctl, "NO POLICY IS LOADED: every change is denied, only reads work.");
    else if (p->state == LPAD__POLICY_STATE__POLICY_LAST_GOOD)
        put_loud(ctl, "THE NEWEST POLICY FILE IS BAD: the one before it is still in force.");
    else
        ctl_put_field(ctl, "policy", "loaded");
    const char *mistake = ctl_policy_mistake(ctl, p);
    if (mistake != NULL)
        put_loud(ctl, mistake);
    if (p->has_sha256)
        ctl_put_field(ctl, "policy hash", text_hex(a, bytes_from_binary(p->sha256)));
    if (p->has_downloads_today || p->has_enables_today || p->has_deletes_today)
        ctl_put_field(ctl, "today",
                      text_printf(a, "downloads %u, enables %u, deletes %u", p->downloads_today,
                                  p->enables_today, p->deletes_today));
    if (p->switch_phase == NULL)
        return;
    const char *words = ctl_phase_words(ctl, p->switch_phase);
    if (p->has_hold_left_ms)
        words = text_printf(a, "%s; held %s", words, ctl_hold_words(ctl, p->hold_left_ms));
    ctl_put_field(ctl, "switching", words);
}

static void show_debt(struct ctl *ctl, const Lpad__StatusReply *s)
{
    struct arena *a = &ctl->arena;
    if (!s->has_notification_debt)
        return;
    const char *text = text_printf(a, "%u undelivered", s->notification_debt);
    if (s->policy != NULL && s->policy->has_debt_max) {
        text = text_printf(a, "%s, of %u at most", text, s->policy->debt_max);
        if (s->notification_debt >= s->policy->debt_max)
            put_loud(ctl, "TOO MANY NOTIFICATIONS ARE UNDELIVERED: the card is not changed until they are.");
    }
    ctl_put_field(ctl, "notifications", text);
}

static void show_status(struct ctl *ctl, const Lpad__StatusReply *s)
{
    struct arena *a = &ctl->arena;
    const Lpad__SessionState *session = s->session;
    buf_printf(&ctl->out, "lpad %s is %s%s%s\n", text_shown(a, s->version),
               color_code(s->ready ? COLOR_GOOD : COLOR_BAD, ctl->out_colors),
               s->ready ? "ready" : "NOT READY", color_code(COLOR_NONE, ctl->out_colors));
    ctl_show_policy(ctl, s->policy);
    if (s->has_test_trust && s->test_trust)
        put_loud(
            ctl,
            "TEST TRUST: the CI certificates are for tests, so servers that anybody can make are trusted.");
    if (s->has_test_profiles && s->test_profiles > 0)
        put_loud(ctl, text_printf(a, "TEST PROFILES: %u on the card ('lpactl profile list' shows them).",
                                  s->test_profiles));
    const char *cards = "";
    for (size_t i = 0; i < s->n_cards; i++)
        cards = text_printf(a, "%s%s%s", cards, i > 0 ? ", " : "", text_shown(a, s->cards[i]));
    ctl_put_field(ctl, "cards", cards);
    ctl_put_field(ctl, "card", s->card_present ? "present" : "NONE");
    if (s->has_eid)
        ctl_put_field(ctl, "EID", text_hex(a, bytes_from_binary(s->eid)));
    const char *state = text_shown(a, session->state);
    if (session->has_operation)
        state = text_printf(a, "%s (%s)", state, operation_words(session->operation));
    if (session->has_uid)
        state = text_printf(a, "%s for uid %u", state, session->uid);
    ctl_put_field(ctl, "session", state);
    show_debt(ctl, s);
    unsigned long long records = s->audit_records, chain = s->audit_new_chain;
    ctl_put_field(ctl, "audit",
                  s->has_audit_new_chain
                      ? text_printf(a, "%llu records; A NEW CHAIN began at record %llu", records, chain)
                      : text_printf(a, "%llu records", records));
    ctl_put_field(ctl, "your role", text_shown(a, s->role));
    show_processes(ctl, s);
}

// --- JSON ---

void ctl_json_policy(struct json *j, const Lpad__PolicyStatus *p)
{
    json_open_object(j, "policy");
    json_put_text(j, "state", p == NULL ? "unknown" : words_policy_state(p->state));
    if (p != NULL) {
        if (p->has_sha256)
            json_put_hex(j, "sha256", bytes_from_binary(p->sha256));
        json_put_optional(j, "error", p->error);
        if (p->has_error_line)
            json_put_uint(j, "error_line", p->error_line);
        if (p->has_error_column)
            json_put_uint(j, "error_column", p->error_column);
        if (p->has_downloads_today)
            json_put_uint(j, "downloads_today", p->downloads_today);
        if (p->has_enables_today)
            json_put_uint(j, "enables_today", p->enables_today);
        if (p->has_deletes_today)
            json_put_uint(j, "deletes_today", p->deletes_today);
        if (p->has_debt_max)
            json_put_uint(j, "debt_max", p->debt_max);
        if (p->switch_phase != NULL) {
            json_put_text(j, "switch_phase", p->switch_phase);
            json_put_bool(j, "held", p->has_hold_left_ms);
            if (p->has_hold_left_ms && p->hold_left_ms > 0)
                json_put_uint(j, "hold_left_ms", p->hold_left_ms);
        }
    }
    json_close_object(j);
}

static void json_process(struct json *j, const Lpad__StatusReply *status, const Lpad__ProcessStatus *p)
{
    const Lpad__ProcessSandbox *sandbox = find_sandbox(status, p->process);
    unsigned bit = 0;
    json_open_object(j, NULL);
    json_put_text(j, "process", process_words((int)p->process));
    if (p->netd != 0)
        json_put_uint(j, "netd", p->netd);
    json_put_uint(j, "pid", (uint64_t)p->pid);
    json_put_uint(j, "uid", p->uid);
    json_put_uint(j, "gid", p->gid);
    json_put_uint(j, "seccomp_mode", p->seccomp_mode);
    json_put_uint(j, "seccomp_filters", p->seccomp_filters);
    json_put_bool(j, "no_new_privs", p->no_new_privs);
    json_open_array(j, "capabilities");
    for (const char *name; (name = words_next_capability(p->capabilities, &bit)) != NULL;)
        json_put_text(j, NULL, name);
    json_close_array(j);
    json_put_bool(j, "dumpable", p->dumpable);
    if (sandbox != NULL) {
        json_put_uint(j, "landlock_abi", sandbox->landlock_abi);
        json_open_array(j, "missing");
        for (size_t i = 0; i < sandbox->n_missing; i++)
            json_put_text(j, NULL, sandbox->missing[i]);
        json_close_array(j);
    }
    json_put_uint(j, "descriptors", p->descriptors);
    json_put_uint(j, "rss_kib", p->rss_kib);
    json_put_uint(j, "starts", p->starts);
    json_close_object(j);
}

static void json_status(struct json *j, const Lpad__StatusReply *s)
{
    json_put_text(j, "version", s->version);
    json_put_bool(j, "ready", s->ready);
    json_put_text(j, "role", s->role != NULL && s->role[0] != 0 ? s->role : NULL);
    json_open_object(j, "card");
    json_put_bool(j, "present", s->card_present);
    if (s->has_eid)
        json_put_hex(j, "eid", bytes_from_binary(s->eid));
    json_close_object(j);
    json_open_object(j, "session");
    json_put_text(j, "state", s->session->state);
    if (s->session->has_operation)
        json_put_text(j, "operation", operation_words(s->session->operation));
    if (s->session->has_uid)
        json_put_uint(j, "uid", s->session->uid);
    json_close_object(j);
    ctl_json_policy(j, s->policy);
    if (s->has_notification_debt)
        json_put_uint(j, "notification_debt", s->notification_debt);
    if (s->has_test_profiles)
        json_put_uint(j, "test_profiles", s->test_profiles);
    if (s->has_test_trust)
        json_put_bool(j, "test_trust", s->test_trust);
    json_open_array(j, "cards");
    for (size_t i = 0; i < s->n_cards; i++)
        json_put_text(j, NULL, s->cards[i]);
    json_close_array(j);
    json_put_uint(j, "audit_records", s->audit_records);
    if (s->has_audit_new_chain)
        json_put_uint(j, "audit_new_chain", s->audit_new_chain);
    json_open_array(j, "processes");
    for (size_t i = 0; i < s->n_processes; i++)
        json_process(j, s, s->processes[i]);
    json_close_array(j);
}

enum exit_code status_run(struct ctl *ctl)
{
    Lpad__GetStatus get = LPAD__GET_STATUS__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS;
    request.get_status = &get;
    const Lpad__BrokerToClient *reply = NULL;
    enum exit_code code = ctl_request(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_STATUS, &reply);
    if (code != EXIT_CODE_OK)
        return code;
    if (ctl->args->json)
        json_status(&ctl->json, reply->status);
    else
        show_status(ctl, reply->status);
    return EXIT_CODE_OK;
}
