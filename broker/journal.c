// SPDX-License-Identifier: Apache-2.0
// Records as datagrams of the journal's native protocol.
#include "broker/journal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHOWN_MAX 160 // of a value in a sentence

static const char *const names[AUDIT_FIELD_MAX] = {
    [AUDIT_FIELD_SESSION] = "SESSION", [AUDIT_FIELD_OPERATION] = "OPERATION", [AUDIT_FIELD_ICCID] = "ICCID",
    [AUDIT_FIELD_PROFILE] = "PROFILE", [AUDIT_FIELD_FROM] = "FROM",           [AUDIT_FIELD_EID] = "EID",
    [AUDIT_FIELD_UID] = "UID",         [AUDIT_FIELD_ROLE] = "ROLE",           [AUDIT_FIELD_RULE] = "RULE",
    [AUDIT_FIELD_LINE] = "LINE",       [AUDIT_FIELD_VERDICT] = "VERDICT",     [AUDIT_FIELD_RESULT] = "RESULT",
    [AUDIT_FIELD_HOST] = "HOST",       [AUDIT_FIELD_PROCESS] = "PROCESS",     [AUDIT_FIELD_SIGNAL] = "SIGNAL",
    [AUDIT_FIELD_STEP] = "STEP",       [AUDIT_FIELD_EVENT] = "EVENT",         [AUDIT_FIELD_WHY] = "WHY",
    [AUDIT_FIELD_EPOCH] = "EPOCH",     [AUDIT_FIELD_CHAIN] = "CHAIN",         [AUDIT_FIELD_LOST] = "LOST",
    [AUDIT_FIELD_VERSION] = "VERSION",
};

// --- fields ---

static bool is_plain(struct bytes v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.data[i] < 0x20 || v.data[i] == 0x7f)
            return false;
    return true;
}

static void put_value(struct buf *b, struct bytes v)
{
    if (is_plain(v)) {
        buf_put_byte(b, '=');
        buf_put_bytes(b, v);
        buf_put_byte(b, '\n');
        return;
    }
    buf_put_byte(b, '\n');
    for (unsigned i = 0; i < 8; i++)
        buf_put_byte(b, (uint8_t)((uint64_t)v.len >> (8 * i)));
    buf_put_bytes(b, v);
    buf_put_byte(b, '\n');
}

static void put_text_field(struct buf *b, const char *name, const char *value)
{
    buf_put_text(b, name);
    put_value(b, bytes_from_text(value));
}

static void put_uint_field(struct buf *b, const char *name, uint64_t value)
{
    buf_put_text(b, name);
    buf_put_byte(b, '=');
    buf_put_uint(b, value);
    buf_put_byte(b, '\n');
}

// --- the sentence ---

// A placeholder's value, shown safely. False: the record has none.
static bool put_placeholder(struct buf *b, const struct audit_fields *fields, struct bytes name)
{
    char shown[SHOWN_MAX];
    struct bytes value;
    for (unsigned i = 0; i < AUDIT_FIELD_MAX; i++) {
        if (!bytes_equal(name, bytes_from_text(names[i])))
            continue;
        if (!audit_fields_get(fields, (enum audit_field)i, &value)) {
            buf_put_text(b, "?");
            return false;
        }
        buf_put_text(b, text_escape(value, shown, sizeof shown));
        return true;
    }
    LPAD_BUG("a sentence with a field that does not exist");
}

static void put_sentence(struct buf *b, const char *sentence, const struct audit_fields *fields)
{
    size_t optional = 0; // where the part in brackets began
    bool complete = true;
    for (const char *p = sentence; *p != '\0'; p++) {
        if (*p == '[') {
            optional = b->len;
            complete = true;
        } else if (*p == ']') {
            if (!complete)
                b->len = optional;
        } else if (*p == '{') {
            size_t len = strcspn(p + 1, "}");
            complete &= put_placeholder(b, fields, bytes_make(p + 1, len));
            p += len + 1;
        } else {
            buf_put_byte(b, (uint8_t)*p);
        }
    }
}

static unsigned priority_of(const struct journal_row *row, const struct audit_fields *fields)
{
    struct bytes result, why;
    bool failed =
        audit_fields_get(fields, AUDIT_FIELD_RESULT, &result) && !bytes_equal(result, bytes_from_text("ok"));
    // An epoch that nothing before it announced: the keys were lost, or somebody replaced them or the log.
    failed |= strcmp(row->type, "epoch.begin") == 0 && audit_fields_get(fields, AUDIT_FIELD_WHY, &why) &&
              bytes_equal(why, bytes_from_text("new_chain"));
    return failed ? row->priority_failed : row->priority;
}

// `SEQ:SHA256` of this record, as `lpactl audit head` prints it.
static void put_head(struct buf *b, const struct audit_record *record)
{
    static const char digits[] = "0123456789abcdef";
    buf_put_text(b, "LPAD_HEAD=");
    buf_put_uint(b, record->seq);
    buf_put_byte(b, ':');
    for (size_t i = 0; i < 32; i++) {
        buf_put_byte(b, (uint8_t)digits[record->sha256[i] >> 4]);
        buf_put_byte(b, (uint8_t)digits[record->sha256[i] & 15]);
    }
    buf_put_byte(b, '\n');
}

enum err journal_put(struct buf *b, const struct audit_record *record, uint64_t dropped)
{
    const char *type = audit_type_name(record->type);
    const struct journal_row *row = journal_row_of(type);
    struct bytes value;
    buf_put_text(b, "MESSAGE=");
    put_sentence(b, row->sentence, record->fields);
    buf_put_byte(b, '\n');
    put_text_field(b, "MESSAGE_ID", row->message_id);
    put_uint_field(b, "PRIORITY", priority_of(row, record->fields));
    put_text_field(b, "SYSLOG_IDENTIFIER", "lpad");
    put_text_field(b, "LPAD_TYPE", type);
    put_uint_field(b, "LPAD_SEQ", record->seq);
    for (unsigned i = 0; i < AUDIT_FIELD_MAX; i++) {
        if (!audit_fields_get(record->fields, (enum audit_field)i, &value))
            continue;
        buf_put_text(b, "LPAD_");
        buf_put_text(b, names[i]);
        put_value(b, value);
    }
    if (strncmp(type, "epoch.", 6) == 0)
        put_head(b, record);
    if (dropped > 0)
        put_uint_field(b, "LPAD_DROPPED", dropped);
    return b->overflow ? ERR_LIMIT : ERR_OK;
}

// --- sending ---

void journal_init(struct journal *j, int fd)
{
    int type = 0;
    socklen_t len = sizeof type;
    bool is_journal = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM;
    *j = (struct journal){.fd = is_journal ? fd : -1};
}

void journal_send(struct journal *j, const struct audit_record *record)
{
    uint8_t space[JOURNAL_DATAGRAM_MAX];
    if (j->fd < 0)
        return;
    struct buf b = buf_make(space, sizeof space);
    ssize_t n = -1;
    if (journal_put(&b, record, j->dropped) == ERR_OK) {
        do
            n = write(j->fd, b.data, b.len);
        while (n < 0 && errno == EINTR);
    }
    j->dropped = n < 0 ? j->dropped + 1 : 0;
}
