// SPDX-License-Identifier: Apache-2.0
// The audit file: its end at start, its chain, and one write per line.
#include "broker/audit.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEX64 64
// `,"prev":"` HEX64 `"}`
#define TAIL_LEN (sizeof ",\"prev\":\"" - 1 + HEX64 + 2)

static uint64_t now_ms(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) != 0)
        LPAD_BUG("clock_gettime");
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void put_hex_lower(struct buf *b, const uint8_t *v, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        buf_put_byte(b, (uint8_t)digits[v[i] >> 4]);
        buf_put_byte(b, (uint8_t)digits[v[i] & 15]);
    }
}

static void begin_line(struct audit *a, enum audit_type type)
{
    a->type = type;
    a->line = buf_make(a->space, sizeof a->space);
    a->depth = 0;
    audit_fields_clear(&a->fields);
    buf_put_text(&a->line, "{\"seq\":");
    buf_put_uint(&a->line, a->seq + 1);
    a->first = false;
    buf_put_text(&a->line, ",\"time\":\"");
    audit_put_time(&a->line, now_ms(CLOCK_REALTIME));
    buf_put_byte(&a->line, '"');
    audit_put_uint(a, "mono_ms", now_ms(CLOCK_BOOTTIME));
    audit_put_words(a, "boot", a->boot);
    audit_put_words(a, "type", audit_type_name(type));
}

static void put_tail(struct audit *a)
{
    buf_put_text(&a->line, ",\"prev\":\"");
    put_hex_lower(&a->line, a->prev, sizeof a->prev);
    buf_put_text(&a->line, "\"}\n");
}

static void tell(struct audit *a, struct bytes line)
{
    const struct audit_record record = {.type = a->type,
                                        .seq = a->seq,
                                        .line = bytes_make(line.data, line.len - 1),
                                        .sha256 = a->prev,
                                        .fields = &a->fields};
    if (a->sink != NULL)
        a->sink(a->sink_context, &record);
}

// What did not get through leaves no torn line behind.
static enum err write_line(struct audit *a, struct bytes line, bool durable)
{
    ssize_t n;
    do
        n = write(a->fd, line.data, line.len);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)line.len) {
        if (n > 0 && ftruncate(a->fd, a->size) != 0)
            a->usable = false;
        return ERR_IO;
    }
    a->size += n;
    a->seq++;
    crypto_hash_sha256(a->prev, line.data, line.len - 1);
    enum err e = durable && fdatasync(a->fd) != 0 ? ERR_IO : ERR_OK;
    tell(a, line);
    return e;
}

static enum err finish_line(struct audit *a, bool durable)
{
    struct bytes line;
    put_tail(a);
    if (buf_finish(&a->line, &line) != ERR_OK)
        return ERR_LIMIT;
    return write_line(a, line, durable);
}

// Whether anything can be written again; what could not is counted.
static void try_again(struct audit *a)
{
    uint64_t lost = a->lost;
    begin_line(a, AUDIT_GAP);
    audit_put_uint(a, "lost", lost);
    if (finish_line(a, false) != ERR_OK)
        return;
    a->writable = true;
    a->lost = 0;
}

void audit_begin(struct audit *a, enum audit_type type)
{
    if (a->usable && !a->writable)
        try_again(a);
    begin_line(a, type);
}

enum err audit_end(struct audit *a, bool durable)
{
    LPAD_ASSERT(a->depth == 0);
    if (!audit_is_writable(a)) {
        a->lost++;
        return ERR_IO;
    }
    if (a->line.overflow || a->line.len + TAIL_LEN + 1 > a->line.cap) {
        begin_line(a, a->type);
        audit_put_bool(a, "truncated", true);
    }
    uint64_t before = a->seq;
    enum err e = finish_line(a, durable);
    if (e != ERR_OK) {
        a->writable = false;
        a->lost += a->seq == before ? 1 : 0;
    }
    return e;
}

bool audit_is_writable(const struct audit *a)
{
    return a->usable && a->writable;
}

// `{"seq":N,...,"prev":"HEX64"}`: enough to go on from.
static enum err parse_last_line(struct bytes line, uint64_t *ret_seq)
{
    static const char head[] = "{\"seq\":", mid[] = ",\"prev\":\"";
    if (line.len < sizeof head + TAIL_LEN || memcmp(line.data, head, sizeof head - 1) != 0)
        return ERR_INPUT;
    size_t at = sizeof head - 1;
    uint64_t seq = 0;
    while (at < line.len && line.data[at] >= '0' && line.data[at] <= '9') {
        if (__builtin_mul_overflow(seq, (uint64_t)10, &seq) ||
            __builtin_add_overflow(seq, (uint64_t)(line.data[at] - '0'), &seq))
            return ERR_INPUT;
        at++;
    }
    const uint8_t *tail = line.data + line.len - TAIL_LEN;
    if (seq == 0 || line.data[at] != ',' || memcmp(tail, mid, sizeof mid - 1) != 0 ||
        memcmp(tail + TAIL_LEN - 2, "\"}", 2) != 0)
        return ERR_INPUT;
    *ret_seq = seq;
    return ERR_OK;
}

// Finds the last whole line among the file's last octets; `*ret_torn` is what stands after it.
static enum err read_tail(struct audit *a, struct bytes *ret_line, size_t *ret_torn)
{
    size_t want = a->size < (off_t)sizeof a->space ? (size_t)a->size : sizeof a->space;
    // A torn line is shorter than a whole one may be, so the line before it ends within this window.
    ssize_t n = pread(a->fd, a->space, want, a->size - (off_t)want);
    if (n != (ssize_t)want)
        return ERR_IO;
    const uint8_t *end = want == 0 ? NULL : memrchr(a->space, '\n', want);
    if (end == NULL) {
        if ((off_t)want < a->size)
            return ERR_INPUT;
        *ret_line = bytes_make(NULL, 0);
        *ret_torn = want;
        return ERR_OK;
    }
    *ret_torn = want - (size_t)(end + 1 - a->space);
    *ret_line = bytes_make(a->space, (size_t)(end - a->space));
    return ERR_OK;
}

// The line that ends at `end` in the file, whole.
static enum err read_line_ending_at(struct audit *a, off_t end, struct bytes *ret_line)
{
    if (end < 0)
        return ERR_INPUT;
    size_t want = end < (off_t)sizeof a->space ? (size_t)end : sizeof a->space;
    if (pread(a->fd, a->space, want, end - (off_t)want) != (ssize_t)want)
        return ERR_IO;
    const uint8_t *before = memrchr(a->space, '\n', want);
    if (before == NULL && (off_t)want < end)
        return ERR_INPUT;
    const uint8_t *start = before == NULL ? a->space : before + 1;
    *ret_line = bytes_make(start, want - (size_t)(start - a->space));
    return ERR_OK;
}

static enum err continue_chain(struct audit *a, size_t *ret_torn)
{
    struct stat st;
    struct bytes line;
    size_t torn;
    if (fstat(a->fd, &st) != 0)
        return ERR_IO;
    a->size = st.st_size;
    LPAD_TRY(read_tail(a, &line, &torn));
    if (torn == (size_t)a->size && line.data == NULL) {
        *ret_torn = torn;
        return ERR_OK;
    }
    LPAD_TRY(read_line_ending_at(a, a->size - (off_t)torn - 1, &line));
    LPAD_TRY(parse_last_line(line, &a->seq));
    crypto_hash_sha256(a->prev, line.data, line.len);
    *ret_torn = torn;
    return ERR_OK;
}

enum err audit_open(struct audit *a, int fd, const char *boot)
{
    size_t torn = 0;
    *a = (struct audit){.fd = fd};
    size_t boot_len = strlen(boot);
    LPAD_ASSERT(boot_len < sizeof a->boot);
    memcpy(a->boot, boot, boot_len + 1);
    LPAD_TRY(continue_chain(a, &torn));
    if (torn > 0) {
        if (ftruncate(fd, a->size - (off_t)torn) != 0)
            return ERR_IO;
        a->size -= (off_t)torn;
    }
    a->usable = true;
    a->writable = true;
    if (torn == 0)
        return ERR_OK;
    audit_begin(a, AUDIT_REPAIRED);
    audit_put_uint(a, "octets", torn);
    return audit_end(a, true);
}
