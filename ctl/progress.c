// SPDX-License-Identifier: Apache-2.0
// Drawing the progress of a download.
#include "ctl/progress.h"

#include "ctl/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_MIN     20
#define WIDTH_MAX     200
#define WIDTH_DEFAULT 80
#define BAR_MAX       30

struct progress progress_make(int fd)
{
    const char *term = getenv("TERM");
    bool dumb = term == NULL || term[0] == 0 || strcmp(term, "dumb") == 0;
    return (struct progress){.fd = fd, .live = !dumb && isatty(fd)};
}

static size_t terminal_width(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < WIDTH_MIN)
        return WIDTH_DEFAULT;
    return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

static void write_out(int fd, const struct buf *b)
{
    // Progress that cannot be shown must not stop a download.
    ssize_t n = write(fd, b->data, b->len);
    (void)n;
}

static void put_kilobytes(struct buf *line, uint32_t bytes)
{
    uint64_t tenths = ((uint64_t)bytes + 50) / 100;
    buf_printf(line, "%u.%u", (unsigned)(tenths / 10), (unsigned)(tenths % 10));
}

static void put_amount(struct buf *line, const Lpad__Progress *frame)
{
    if (!frame->has_done)
        return;
    buf_put_text(line, "  ");
    put_kilobytes(line, frame->done);
    if (frame->has_total) {
        buf_put_text(line, " of ");
        put_kilobytes(line, frame->total);
    }
    buf_put_text(line, " kB");
}

static void put_bar(struct buf *line, const Lpad__Progress *frame, size_t room)
{
    if (!frame->has_done || !frame->has_total || frame->total == 0 || room < 12)
        return;
    size_t width = room - 4 < BAR_MAX ? room - 4 : BAR_MAX;
    uint32_t done = frame->done < frame->total ? frame->done : frame->total;
    size_t filled = (size_t)((uint64_t)done * width / frame->total);
    buf_put_text(line, "  [");
    for (size_t i = 0; i < width; i++)
        buf_put_byte(line, i < filled ? '#' : '-');
    buf_put_text(line, "]");
}

static void draw_live(struct progress *p, const Lpad__Progress *frame)
{
    uint8_t amount_space[64], line_space[512];
    struct buf amount = buf_make(amount_space, sizeof amount_space);
    struct buf line = buf_make(line_space, sizeof line_space);
    struct stage_words stage = words_stage(frame->stage);
    size_t width = terminal_width(p->fd) - 1;
    put_amount(&amount, frame);
    buf_put_byte(&line, '\r');
    if (stage.number != 0)
        buf_printf(&line, "%u/%u ", stage.number, STAGE_COUNT);
    buf_put_text(&line, stage.doing);
    if (line.len - 1 + amount.len < width)
        put_bar(&line, frame, width - (line.len - 1) - amount.len);
    buf_put(&line, amount.data, amount.len);
    // A line that wraps cannot be redrawn.
    if (line.len - 1 > width)
        line.len = width + 1;
    buf_put_text(&line, "\033[K");
    write_out(p->fd, &line);
    p->drawn = true;
}

static void draw_plain(struct progress *p, const Lpad__Progress *frame)
{
    uint8_t space[256];
    struct buf line = buf_make(space, sizeof space);
    struct stage_words stage = words_stage(frame->stage);
    if (frame->stage == p->stage)
        return;
    if (stage.number != 0)
        buf_printf(&line, "lpactl: step %u of %u: %s\n", stage.number, STAGE_COUNT, stage.doing);
    else
        buf_printf(&line, "lpactl: %s\n", stage.doing);
    write_out(p->fd, &line);
}

void progress_show(struct progress *p, const Lpad__Progress *frame)
{
    if (p->live)
        draw_live(p, frame);
    else
        draw_plain(p, frame);
    p->stage = frame->stage;
    if (words_stage(frame->stage).number != 0)
        p->reached = frame->stage;
}

void progress_clear(struct progress *p)
{
    struct buf line = {.data = (uint8_t *)(uintptr_t) "\r\033[K", .len = 4, .cap = 4};
    if (p->drawn)
        write_out(p->fd, &line);
    p->drawn = false;
}
