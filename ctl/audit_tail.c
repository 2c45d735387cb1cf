// SPDX-License-Identifier: Apache-2.0
// lpactl audit tail: records as lpad sends them. Following goes on where it was when lpad is away for a
// while: what was shown is known by its number.
#include "ctl/audit_text.h"
#include "ctl/ctl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_SPACE    (16384u * 4 + 256) // the longest line, when all of it must be escaped
#define AWAY_RETRY_MS 500

struct tail {
    struct ctl *ctl;
    uint64_t last; // the last record that was shown, or the one to begin after
    bool began;    // a record was shown: a jump after it is a gap
    bool told_away;
    const char *path; // lpad's socket
    uint8_t *space;
};

static bool show(struct tail *t, ProtobufCBinaryData data)
{
    struct bytes line = bytes_make(data.data, data.len);
    uint64_t seq = audit_text_number(line);
    if (seq != 0 && seq <= t->last)
        return true;
    if (seq > t->last + 1 && (t->began || t->last > 0))
        fprintf(stderr, "lpactl: audit tail: records %llu to %llu are not there any more.\n",
                (unsigned long long)t->last + 1, (unsigned long long)seq - 1);
    t->last = seq;
    t->began = true;
    struct buf out = buf_make(t->space, LINE_SPACE);
    if (t->ctl->args->json) {
        buf_put_bytes(&out, line);
        buf_put_byte(&out, '\n');
    } else {
        audit_text_put(&out, line, t->ctl->out_colors);
    }
    return ctl_write(STDOUT_FILENO, bytes_make(out.data, out.len));
}

static enum exit_code output_failed(struct tail *t)
{
    struct problem p =
        problem_make(EXIT_CODE_INTERNAL, "file",
                     text_printf(&t->ctl->arena, "Standard output cannot be written: %s.", strerror(errno)),
                     "Begin again after the last record that arrived: --after SEQ.");
    return ctl_report(t->ctl, &p);
}

static struct problem rewound(struct tail *t, const struct lpad_client_result *result)
{
    struct problem p = problem_from_result(&t->ctl->arena, result, 0, t->ctl->args->timeout_ms);
    if (result->end == LPAD_CLIENT_FAILED && result->failure->error == ERR_DENIED)
        p.advice = "Ask as root, or as a user whom the audit file's group and mode let read it.";
    if (result->end != LPAD_CLIENT_FAILED || result->failure->error != ERR_INPUT)
        return p;
    p.exit = EXIT_CODE_AUDIT;
    p.code = "audit_rewound";
    p.words = text_printf(&t->ctl->arena, "lpad's audit does not go on after record %llu.",
                          (unsigned long long)t->last);
    p.advice = "Find out who could write it; --after 0 shows what is there now.";
    return p;
}

// What a turn with one connection came to.
enum turn { TURN_DONE, TURN_AWAY, TURN_FAILED };

static enum turn take_frames(struct tail *t, enum exit_code *ret_code)
{
    struct ctl *ctl = t->ctl;
    for (;;) {
        struct lpad_client_result result =
            lpad_client_wait(ctl->client, LPAD__BROKER_TO_CLIENT__BODY_AUDIT_RECORDS, NULL);
        bool away = result.end == LPAD_CLIENT_ERROR && result.error == ERR_CLOSED;
        if (away && ctl->args->follow)
            return TURN_AWAY;
        if (result.end != LPAD_CLIENT_REPLIED) {
            struct problem p = rewound(t, &result);
            *ret_code = ctl_report(ctl, &p);
            return TURN_FAILED;
        }
        const Lpad__AuditRecords *records = result.reply->audit_records;
        for (size_t i = 0; i < records->n_lines; i++)
            if (!show(t, records->lines[i])) {
                *ret_code = output_failed(t);
                return TURN_FAILED;
            }
        if (records->last)
            return TURN_DONE;
    }
}

static enum turn read_once(struct tail *t, enum exit_code *ret_code)
{
    Lpad__ReadAudit read = LPAD__READ_AUDIT__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    read.has_after = read.has_follow = true;
    read.after = t->last;
    read.follow = t->ctl->args->follow;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_READ_AUDIT;
    request.read_audit = &read;
    enum err e = lpad_client_send(t->ctl->client, &request);
    if (e == ERR_OK)
        return take_frames(t, ret_code);
    struct lpad_client_result result = {.end = LPAD_CLIENT_ERROR, .error = e};
    struct problem p = rewound(t, &result);
    *ret_code = ctl_report(t->ctl, &p);
    return TURN_FAILED;
}

// Of the last `lines` records: the number of the one before them.
static enum exit_code find_start(struct tail *t)
{
    Lpad__GetStatus status = LPAD__GET_STATUS__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    const Lpad__BrokerToClient *reply;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS;
    request.get_status = &status;
    enum exit_code code = ctl_request(t->ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_STATUS, &reply);
    if (code != EXIT_CODE_OK)
        return code;
    uint64_t all = reply->status->audit_records, lines = t->ctl->args->lines;
    t->last = all > lines ? all - lines : 0;
    return EXIT_CODE_OK;
}

// False: it is away, and the time until the next try has passed.
static bool come_back(struct tail *t)
{
    const struct args *args = t->ctl->args;
    if (lpad_client_open(t->path, args->timeout_ms, &t->ctl->client) == ERR_OK) {
        lpad_client_set_card(t->ctl->client, args->card);
        t->told_away = false;
        return true;
    }
    t->ctl->client = NULL;
    if (!t->told_away)
        fprintf(stderr, "lpactl: audit tail: lpad is away; waiting for it.\n");
    t->told_away = true;
    poll(NULL, 0, AWAY_RETRY_MS);
    return false;
}

enum exit_code audit_tail_run(struct ctl *ctl)
{
    const struct args *args = ctl->args;
    struct tail t = {.ctl = ctl,
                     .last = args->after_seq,
                     .path = args->socket_path,
                     .space = text_take(&ctl->arena, LINE_SPACE)};
    if (t.path == NULL)
        t.path = text_printf(&ctl->arena, SOCKET_PATH_OF_CARD, args->card);
    enum exit_code code = ctl_connect(ctl);
    if (code == EXIT_CODE_OK && !args->has_after)
        code = find_start(&t);
    while (code == EXIT_CODE_OK) {
        if (ctl->client == NULL && !come_back(&t))
            continue;
        // Silence is no error while nothing happens.
        if (args->follow)
            lpad_client_set_timeout(ctl->client, -1);
        if (read_once(&t, &code) != TURN_AWAY)
            break;
        ctl_disconnect(ctl);
    }
    return code;
}
