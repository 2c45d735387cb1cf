// SPDX-License-Identifier: Apache-2.0
// lpactl profile discover: what waits for this card, and on request its download.
#include "ctl/download.h"

#include <string.h>

// One that can be downloaded; without an event the card's default SM-DP+.
struct offer {
    const char *address;
    const char *event_id; // NULL: the default SM-DP+
};

struct discovery {
    struct dialog dialog;
    const char *default_address, *smds_address; // "" when there is none
    struct offer *offers;
    size_t count;
    struct problem problem; // the first one; code NULL: none
};

// The reply is gone with the next request.
static const char *keep(struct arena *a, const char *text)
{
    return text == NULL ? "" : text_printf(a, "%s", text);
}

static void note_problem(struct discovery *v, struct problem p)
{
    if (v->problem.code == NULL)
        v->problem = p;
}

// The failure that a problem tells of, so that it outlives the reply.
static struct problem keep_problem(struct arena *a, struct problem p)
{
    if (p.failure == NULL)
        return p;
    Lpad__Failure *f = text_take(a, sizeof *f);
    *f = *p.failure;
    f->subject_code = (char *)(uintptr_t)(f->subject_code != NULL ? keep(a, f->subject_code) : NULL);
    f->reason_code = (char *)(uintptr_t)(f->reason_code != NULL ? keep(a, f->reason_code) : NULL);
    f->remote_text = (char *)(uintptr_t)(f->remote_text != NULL ? keep(a, f->remote_text) : NULL);
    f->detail = (char *)(uintptr_t)(f->detail != NULL ? keep(a, f->detail) : NULL);
    f->rule = (char *)(uintptr_t)(f->rule != NULL ? keep(a, f->rule) : NULL);
    p.failure = f;
    return p;
}

static void keep_reply(struct discovery *v, const Lpad__DiscoveredReply *r)
{
    struct arena *a = &v->dialog.ctl->arena;
    v->default_address = keep(a, r->default_smdp_address);
    v->smds_address = keep(a, r->root_smds_address);
    v->offers = text_take(a, (r->n_events + 1) * sizeof *v->offers);
    for (size_t i = 0; i < r->n_events; i++)
        v->offers[v->count++] =
            (struct offer){keep(a, r->events[i]->address), keep(a, r->events[i]->event_id)};
    if (v->default_address[0] != 0)
        v->offers[v->count++] = (struct offer){v->default_address, NULL};
    if (r->failure != NULL)
        note_problem(v, keep_problem(a, problem_from_failure(a, r->failure, 0)));
}

static void show_found(struct discovery *v)
{
    struct ctl *ctl = v->dialog.ctl;
    struct arena *a = &ctl->arena;
    size_t events = v->count - (v->default_address[0] != 0);
    struct table t = table_make(a, 2, events + 1);
    ctl_put_field(ctl, "root SM-DS", text_shown(a, v->smds_address));
    ctl_put_field(ctl, "default SM-DP+", text_shown(a, v->default_address));
    if (v->default_address[0] != 0)
        buf_put_text(&ctl->out,
                     "What it has for this card shows only when it is downloaded: lpactl profile download "
                     "--default\n");
    if (events == 0) {
        buf_put_text(&ctl->out, v->smds_address[0] != 0 ? "No event waits for this card.\n"
                                                        : "The card names no SM-DS to ask for events.\n");
        return;
    }
    table_put(&t, "EVENT AT", COLOR_NONE);
    table_put(&t, "EVENT ID", COLOR_NONE);
    for (size_t i = 0; i < events; i++) {
        table_put(&t, text_shown(a, v->offers[i].address), COLOR_NONE);
        table_put(&t, text_shown(a, v->offers[i].event_id), COLOR_NONE);
    }
    table_write(&t, &ctl->out, ctl->out_colors);
}

static void json_found(struct discovery *v)
{
    struct json *j = &v->dialog.ctl->json;
    json_open_object(j, "discovery");
    json_put_text(j, "default_smdp_address", v->default_address[0] != 0 ? v->default_address : NULL);
    json_put_text(j, "root_smds_address", v->smds_address[0] != 0 ? v->smds_address : NULL);
    json_open_array(j, "events");
    for (size_t i = 0; i < v->count; i++) {
        if (v->offers[i].event_id == NULL)
            continue;
        json_open_object(j, NULL);
        json_put_text(j, "address", v->offers[i].address);
        json_put_text(j, "event_id", v->offers[i].event_id);
        json_close_object(j);
    }
    json_close_array(j);
    json_close_object(j);
}

// --- downloading what was found ---

// The default SM-DP+ was asked without knowing whether it has anything: "refused" for the matching ID or the
// EID is how it says no (SGP.22 v2.5, 5.6.3).
static bool is_nothing_there(const struct offer *offer, const struct lpad_client_result *result)
{
    const Lpad__Failure *f = result->failure;
    return offer->event_id == NULL && result->end == LPAD_CLIENT_FAILED && f->subject_code != NULL &&
           f->reason_code != NULL && strcmp(f->reason_code, "3.8") == 0 &&
           (strcmp(f->subject_code, "8.2.6") == 0 || strcmp(f->subject_code, "8.1.1") == 0);
}

static void show_nothing(struct ctl *ctl, const struct offer *offer)
{
    if (ctl->args->json)
        json_put_bool(&ctl->json, "nothing", true);
    else
        buf_printf(&ctl->out, "%s has nothing for this card.\n", text_shown(&ctl->arena, offer->address));
}

static void show_problem(struct ctl *ctl, const struct offer *offer, const struct problem *p)
{
    if (ctl->args->json)
        problem_put_json(p, &ctl->json, "failure");
    else
        buf_printf(&ctl->out, "Not downloaded from %s: %s\n", text_shown(&ctl->arena, offer->address),
                   p->words);
}

// False: nothing further is to be downloaded.
static bool show_end(struct discovery *v, const struct offer *offer, const struct lpad_client_result *result)
{
    struct ctl *ctl = v->dialog.ctl;
    if (result->end == LPAD_CLIENT_REPLIED) {
        download_show(ctl, result->reply->downloaded);
        return true;
    }
    if (is_nothing_there(offer, result)) {
        show_nothing(ctl, offer);
        return true;
    }
    if (result->end == LPAD_CLIENT_SIGNAL)
        return false;
    struct problem p = keep_problem(&ctl->arena, dialog_explain(&v->dialog, result));
    show_problem(ctl, offer, &p);
    note_problem(v, p);
    return result->end == LPAD_CLIENT_FAILED;
}

static enum exit_code download_offer(struct discovery *v, const struct offer *offer, bool *ret_go_on)
{
    struct ctl *ctl = v->dialog.ctl;
    Lpad__Download download = LPAD__DOWNLOAD__INIT;
    Lpad__DiscoveredEvent event = LPAD__DISCOVERED_EVENT__INIT;
    struct lpad_client_result result;
    event.address = (char *)(uintptr_t)offer->address;
    event.event_id = (char *)(uintptr_t)offer->event_id;
    if (offer->event_id != NULL)
        download.event = &event;
    download.has_default_server = download.default_server = offer->event_id == NULL;
    enum exit_code exit = download_request(&v->dialog, &download, NULL, &result);
    if (exit != EXIT_CODE_OK)
        return exit;
    if (ctl->args->json) {
        json_open_object(&ctl->json, NULL);
        json_put_text(&ctl->json, "address", offer->address);
        json_put_text(&ctl->json, "event_id", offer->event_id);
    }
    *ret_go_on = show_end(v, offer, &result);
    if (ctl->args->json)
        json_close_object(&ctl->json);
    return result.end == LPAD_CLIENT_SIGNAL ? dialog_report_signal(&v->dialog, true) : EXIT_CODE_OK;
}

static enum exit_code download_all(struct discovery *v)
{
    struct ctl *ctl = v->dialog.ctl;
    enum exit_code exit = EXIT_CODE_OK;
    bool go_on = true;
    if (ctl->args->json)
        json_open_array(&ctl->json, "downloads");
    for (size_t i = 0; i < v->count && go_on && exit == EXIT_CODE_OK; i++)
        exit = download_offer(v, &v->offers[i], &go_on);
    if (ctl->args->json)
        json_close_array(&ctl->json);
    return exit;
}

static enum exit_code run(struct discovery *v)
{
    struct dialog *d = &v->dialog;
    struct ctl *ctl = d->ctl;
    Lpad__Discover discover = LPAD__DISCOVER__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    enum exit_code exit = dialog_connect(d);
    if (exit != EXIT_CODE_OK)
        return exit;
    d->begun = "Interrupted: the connection is closed, and lpad stops asking the discovery server.";
    d->asker.change = "ask a discovery server what waits for this card";
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_DISCOVER;
    request.discover = &discover;
    enum err e = lpad_client_send(ctl->client, &request);
    struct lpad_client_result result = {.end = LPAD_CLIENT_ERROR, .error = e};
    if (e == ERR_OK)
        result = dialog_wait(d, LPAD__BROKER_TO_CLIENT__BODY_DISCOVERED);
    if (result.end == LPAD_CLIENT_SIGNAL)
        return dialog_report_signal(d, true);
    if (result.end != LPAD_CLIENT_REPLIED) {
        struct problem p = dialog_explain(d, &result);
        return ctl_report(ctl, &p);
    }
    keep_reply(v, result.reply->discovered);
    if (ctl->args->json)
        json_found(v);
    else
        show_found(v);
    d->asker.change = NULL;
    exit = ctl->args->download ? download_all(v) : EXIT_CODE_OK;
    return exit == EXIT_CODE_OK && v->problem.code != NULL ? ctl_report(ctl, &v->problem) : exit;
}

enum exit_code discover_run(struct ctl *ctl)
{
    struct discovery v = {.dialog = dialog_open(ctl)};
    enum exit_code exit = run(&v);
    dialog_close(&v.dialog);
    return exit;
}
