// SPDX-License-Identifier: Apache-2.0
// A trace, a line or more at a time, up to its limit.
#include "policy/recorder.h"

#include "lib/file.h"
#include "lib/log.h"
#include "policy/trace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK_MAX (2 * TRACE_LINE_MAX) // the state, in Base64, and some

static const char farewell[] = "# The recording ends here: it has reached its limit (recording.limit).\n";

static void stop(struct recorder *r, const char *why)
{
    log_error("the recording of the switching engine ends: %s", why);
    free(r->space);
    r->space = NULL;
    r->max = 0;
}

void recorder_open(struct recorder *r, int fd, uint64_t max)
{
    struct stat st;
    *r = (struct recorder){.fd = fd, .max = max};
    if (max > 0 && fstat(fd, &st) == 0)
        r->size = (uint64_t)st.st_size;
    // Full already: it said so when it became full.
    if (max < sizeof farewell || r->size >= max - sizeof farewell)
        r->max = 0;
    if (r->max == 0)
        return;
    r->space = malloc(CHUNK_MAX);
    if (r->space == NULL)
        stop(r, "there is no memory");
}

static void append(struct recorder *r, struct buf *chunk)
{
    struct bytes text;
    if (buf_finish(chunk, &text) != ERR_OK) {
        stop(r, "a line is too long");
        return;
    }
    // Room for the last line is kept.
    bool full = text.len > r->max - sizeof farewell || r->size > r->max - sizeof farewell - text.len;
    if (full)
        text = bytes_from_text(farewell);
    if (file_write(r->fd, text) != ERR_OK)
        stop(r, "it cannot be written");
    else if (full)
        stop(r, "it has reached its limit");
    r->size += text.len;
}

void recorder_begin(struct recorder *r, const uint8_t policy_sha256[static 32], struct bytes state)
{
    if (r->max == 0)
        return;
    struct buf chunk = buf_make(r->space, CHUNK_MAX);
    trace_put_beginning(&chunk, policy_sha256, state);
    append(r, &chunk);
}

void recorder_note_event(struct recorder *r, const struct switching *policy, const struct engine_event *event,
                         struct engine_time now)
{
    if (r->max == 0)
        return;
    struct buf chunk = buf_make(r->space, CHUNK_MAX);
    trace_put_event(&chunk, policy, event, now);
    append(r, &chunk);
}

void recorder_note_decisions(struct recorder *r, const struct switching *policy,
                             const struct engine_output *output)
{
    if (r->max == 0 || output->decision_count == 0)
        return;
    struct buf chunk = buf_make(r->space, CHUNK_MAX);
    for (uint32_t i = 0; i < output->decision_count; i++)
        trace_put_decided(&chunk, policy, &output->decisions[i]);
    append(r, &chunk);
}
