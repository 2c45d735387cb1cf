// SPDX-License-Identifier: Apache-2.0
// The package: staged behind the gate, loaded segment by segment, and the profile read back.
#include "cardd/approval.h"
#include "cardd/change.h"
#include "cardd/handlers.h"

#include "lib/log.h"
#include "lib/sealed.h"
#include "proto/convert.h"

#include <sodium.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FUNCTION LPAD__FUNCTION__ES10B_LOAD_BOUND_PROFILE_PACKAGE

// Progress is for people: ten frames a second.
#define PROGRESS_INTERVAL_MS 100

// --- stage ---

static enum err check_package(struct cardd *c, struct bytes package)
{
    enum gate_verdict v = gate_check_package(package, &c->session.server.transaction_id, c->package);
    // One block's number is one octet: with small blocks a long segment has too many.
    if (v == GATE_OK && !apdu_fits(&c->apdu, c->package->longest))
        v = GATE_PACKAGE_SIZE;
    return v == GATE_OK ? ERR_OK : cardd_fail(c, FUNCTION, gate_error(v), gate_words(v));
}

enum err handle_stage(struct cardd *c, const Lpad__BrokerToCardd *request, int fd, Lpad__CarddToBroker *reply)
{
    (void)request;
    struct stage_reply {
        Lpad__CardStaged body;
        struct metadata_message metadata;
    } *r = cardd_take(c, sizeof *r);
    struct bytes package;
    if (r == NULL)
        return ERR_MEMORY;
    enum err e = sealed_map(fd, c->settings->package_max, &package);
    if (e != ERR_OK)
        return cardd_fail(c, FUNCTION, e, "the package came in memory that is not sealed, or is too large");
    e = check_package(c, package);
    if (e != ERR_OK) {
        sealed_unmap(package);
        return e;
    }
    c->session.staged = package;
    crypto_hash_sha256(c->session.sha256, package.data, package.len);
    metadata_to_message(&c->package->metadata, &r->metadata);
    lpad__card_staged__init(&r->body);
    r->body.metadata = &r->metadata.message;
    r->body.sha256 = binary_from(c->session.sha256, CARDD_SHA256_SIZE);
    r->body.segments = (uint32_t)c->package->segment_count;
    r->body.size = (uint32_t)package.len;
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_STAGED;
    reply->staged = &r->body;
    return ERR_OK;
}

// --- load ---

struct load {
    int64_t reported_ms;
    bool aborted;
    bool deaf; // the broker is gone or broke its contract: the load is finished without it
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void stop_listening(struct cardd *c, struct load *load, enum proc_exit exit)
{
    load->deaf = true;
    cardd_stop(c, exit);
}

// Between two segments the broker may say one thing: stop.
static void listen_for_abort(struct cardd *c, struct load *load)
{
    const ProtobufCMessage *frame;
    int fd;
    if (load->deaf)
        return;
    enum err e = link_recv(&c->broker, 0, &frame, &fd);
    if (e == ERR_IO_TIMEOUT)
        return;
    if (e != ERR_OK) {
        stop_listening(c, load, e == ERR_CLOSED ? PROC_EXIT_OK : PROC_EXIT_VIOLATION_BROKER);
        return;
    }
    if (fd >= 0)
        close(fd);
    if (((const Lpad__BrokerToCardd *)(const void *)frame)->body_case == LPAD__BROKER_TO_CARDD__BODY_ABORT)
        load->aborted = true;
    else
        stop_listening(c, load, PROC_EXIT_VIOLATION_BROKER);
}

static void report_progress(struct cardd *c, struct load *load, size_t done, bool at_once)
{
    const struct gate_package *p = c->package;
    Lpad__CardProgress progress = LPAD__CARD_PROGRESS__INIT;
    Lpad__CarddToBroker frame = LPAD__CARDD_TO_BROKER__INIT;
    int64_t now = now_ms();
    if (load->deaf || (!at_once && now - load->reported_ms < PROGRESS_INTERVAL_MS))
        return;
    load->reported_ms = now;
    progress.segment = (uint32_t)done;
    progress.segments = (uint32_t)p->segment_count;
    progress.sent = done == 0 ? 0 : p->segments[done - 1].offset + p->segments[done - 1].len;
    progress.size = (uint32_t)p->whole.len;
    frame.id = c->request_id;
    frame.body_case = LPAD__CARDD_TO_BROKER__BODY_PROGRESS;
    frame.progress = &progress;
    // A broker that does not read misses a report, nothing more.
    if (link_send(&c->broker, &frame.base, -1) == ERR_CLOSED)
        stop_listening(c, load, PROC_EXIT_OK);
}

static enum err keep_result(struct cardd *c, struct bytes result, struct bytes *ret_result)
{
    uint8_t *copy = cardd_take(c, result.len);
    if (copy == NULL)
        return ERR_MEMORY;
    memcpy(copy, result.data, result.len);
    *ret_result = bytes_make(copy, result.len);
    return ERR_OK;
}

// Sends the segments until the card gives its result, which is copied: reading back needs the exchange
// buffer.
static enum err send_segments(struct cardd *c, struct bytes *ret_result)
{
    struct load load = {.reported_ms = now_ms()};
    const struct gate_package *p = c->package;
    struct bytes result = {NULL, 0};
    size_t done = 0;
    while (done < p->segment_count && result.len == 0) {
        listen_for_abort(c, &load);
        if (load.aborted)
            return cardd_fail(c, FUNCTION, ERR_DENIED,
                              "the installation was stopped before the package was complete");
        LPAD_TRY(es10b_load_segment(&c->es10, gate_segment_view(p, done), &result));
        done++;
        report_progress(c, &load, done, done == p->segment_count || result.len > 0);
    }
    if (result.len == 0)
        return cardd_fail(c, FUNCTION, ERR_CARD_RESPONSE,
                          "the card took the whole package and gave no result");
    return keep_result(c, result, ret_result);
}

// Whether the notification is the result of this session's installation; `*ret_result` is a copy of it then.
static enum err retrieve_result(struct cardd *c, uint32_t seq_number, bool *ret_found,
                                struct bytes *ret_result)
{
    struct pending_notification *n = cardd_take(c, sizeof *n);
    if (n == NULL)
        return ERR_MEMORY;
    LPAD_TRY(es10b_retrieve_notification(&c->es10, seq_number, n));
    *ret_found = n->kind == NOTIFICATION_INSTALLATION_RESULT &&
                 bytes_equal(bytes_make(n->installation.transaction_id, n->installation.transaction_id_len),
                             gate_transaction_view(&c->session.server.transaction_id));
    return *ret_found ? keep_result(c, n->whole, ret_result) : ERR_OK;
}

// The card's answer was lost on the way: a card that ended the installation, with whatever result, keeps that
// as a notification. `result` comes back when there is none, for then the card waits for more or knows
// nothing.
static enum err settle_load(struct cardd *c, enum err result, struct bytes *ret_result)
{
    const struct es10_fault fault = c->es10.fault;
    char *const detail = c->failure.detail;
    struct es10b_notifications *list = cardd_take(c, sizeof *list);
    bool found = false;
    if (list == NULL)
        return ERR_MEMORY;
    enum err e = es10b_list_notification(&c->es10, list);
    for (size_t i = 0; e == ERR_OK && i < list->count && !found; i++)
        if ((list->list[i].events & NOTIFICATION_INSTALL) != 0)
            e = retrieve_result(c, list->list[i].seq_number, &found, ret_result);
    c->es10.fault = fault;
    c->failure.detail = detail;
    if (found && e == ERR_OK) {
        es10_forget(&c->es10);
        c->failure.detail = NULL;
        return ERR_OK;
    }
    if (e != ERR_OK)
        change_note_unknown(c, result);
    return result;
}

static bool is_what_was_loaded(const struct profile_info *profile, const struct profile_metadata *metadata)
{
    return iccid_equal(&profile->iccid, &metadata->iccid) && profile->class == metadata->class &&
           strcmp(profile->spn, metadata->spn) == 0 && strcmp(profile->name, metadata->name) == 0;
}

// The card's own list has the last word on what was installed. NULL when it cannot be had or says something
// else.
static Lpad__Profile *read_back(struct cardd *c)
{
    const struct profile_metadata *metadata = &c->package->metadata;
    struct read_back {
        struct es10c_profiles profiles;
        struct profile_message message;
    } *r = cardd_take(c, sizeof *r);
    if (r == NULL)
        return NULL;
    const struct es10c_search search = {.iccid = &metadata->iccid};
    enum err e = es10c_get_profiles_info(&c->es10, &search, &r->profiles);
    if (e != ERR_OK || r->profiles.count != 1 || !is_what_was_loaded(&r->profiles.list[0], metadata)) {
        log_error("the installed profile could not be confirmed: %s",
                  e != ERR_OK ? err_words(e) : "the card lists another one than was loaded");
        return NULL;
    }
    profile_to_message(&r->profiles.list[0], &r->message);
    return &r->message.message;
}

static void put_outcome(const struct installation_result *result, Lpad__CardLoaded *body)
{
    if (result->outcome == INSTALLATION_ERROR) {
        body->has_bpp_command = true;
        body->bpp_command = result->bpp_command_id;
        body->has_error_reason = true;
        body->error_reason = result->error_reason;
    }
    if (result->outcome == INSTALLATION_SUCCESS && result->isdp_aid_len >= ISDP_AID_MIN) {
        body->has_isdp_aid = true;
        body->isdp_aid = binary_from(result->isdp_aid, result->isdp_aid_len);
    }
}

enum err handle_load(struct cardd *c, const Lpad__BrokerToCardd *request, int fd, Lpad__CarddToBroker *reply)
{
    (void)request, (void)fd;
    struct load_reply {
        Lpad__CardLoaded body;
        Lpad__Notification notification;
        struct pending_notification pending;
    } *r = cardd_take(c, sizeof *r);
    struct bytes result;
    if (r == NULL)
        return ERR_MEMORY;
    LPAD_TRY(approval_ask_load(c));
    c->apdu.settings.timeout_ms = (int)c->settings->load_timeout_ms;
    enum err e = send_segments(c, &result);
    c->apdu.settings.timeout_ms = (int)c->settings->apdu_timeout_ms;
    if (e == ERR_CARD_GONE)
        change_note_unknown(c, e);
    if (e == ERR_CARD_TIMEOUT || e == ERR_CARD_RESPONSE)
        e = settle_load(c, e, &result);
    if (e != ERR_OK)
        return e;
    if (pending_notification_read(result, &r->pending) != ERR_OK)
        return cardd_fail(c, FUNCTION, ERR_CARD_RESPONSE, "the card's result cannot be read");

    handed_out_add(&c->handed_out, r->pending.metadata.seq_number);
    lpad__card_loaded__init(&r->body);
    notification_to_message(&r->pending.metadata, &r->notification);
    r->body.profile_installation_result = binary_from_bytes(result);
    r->body.notification = &r->notification;
    put_outcome(&r->pending.installation, &r->body);
    if (r->pending.installation.outcome == INSTALLATION_SUCCESS)
        r->body.profile = read_back(c);
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_LOADED;
    reply->loaded = &r->body;
    return ERR_OK;
}
