// SPDX-License-Identifier: Apache-2.0
// Which keys of which object become which field.
#include "broker/audit_fields.h"

#include <string.h>

static const struct {
    const char *object, *key;
    enum audit_field field;
} rows[] = {
    {NULL,      "session",   AUDIT_FIELD_SESSION  },
    {NULL,      "operation", AUDIT_FIELD_OPERATION},
    {NULL,      "target",    AUDIT_FIELD_ICCID    },
    {NULL,      "iccid",     AUDIT_FIELD_ICCID    },
    {NULL,      "to",        AUDIT_FIELD_ICCID    },
    {NULL,      "profile",   AUDIT_FIELD_PROFILE  },
    {"read",    "iccid",     AUDIT_FIELD_ICCID    },
    {"claimed", "iccid",     AUDIT_FIELD_ICCID    },
    {NULL,      "from",      AUDIT_FIELD_FROM     },
    {NULL,      "eid",       AUDIT_FIELD_EID      },
    {NULL,      "uid",       AUDIT_FIELD_UID      },
    {"actor",   "uid",       AUDIT_FIELD_UID      },
    {NULL,      "role",      AUDIT_FIELD_ROLE     },
    {"actor",   "role",      AUDIT_FIELD_ROLE     },
    {NULL,      "rule",      AUDIT_FIELD_RULE     },
    {"actor",   "rule",      AUDIT_FIELD_RULE     },
    {"result",  "rule",      AUDIT_FIELD_RULE     },
    {NULL,      "line",      AUDIT_FIELD_LINE     },
    {"result",  "line",      AUDIT_FIELD_LINE     },
    {NULL,      "verdict",   AUDIT_FIELD_VERDICT  },
    {NULL,      "result",    AUDIT_FIELD_RESULT   },
    {NULL,      "error",     AUDIT_FIELD_RESULT   },
    {"result",  "error",     AUDIT_FIELD_RESULT   },
    {NULL,      "host",      AUDIT_FIELD_HOST     },
    {"claimed", "peer",      AUDIT_FIELD_HOST     },
    {NULL,      "process",   AUDIT_FIELD_PROCESS  },
    {NULL,      "signal",    AUDIT_FIELD_SIGNAL   },
    {NULL,      "step",      AUDIT_FIELD_STEP     },
    {NULL,      "event",     AUDIT_FIELD_EVENT    },
    {NULL,      "why",       AUDIT_FIELD_WHY      },
    {NULL,      "reason",    AUDIT_FIELD_WHY      },
    {NULL,      "epoch",     AUDIT_FIELD_EPOCH    },
    {NULL,      "chain",     AUDIT_FIELD_CHAIN    },
    {NULL,      "lost",      AUDIT_FIELD_LOST     },
    {NULL,      "version",   AUDIT_FIELD_VERSION  },
};

void audit_fields_clear(struct audit_fields *f)
{
    f->object = NULL;
    f->used = 0;
    memset(f->rows, 0, sizeof f->rows);
}

static bool is_row(size_t i, const char *object, const char *key)
{
    bool same = object == NULL || rows[i].object == NULL ? object == rows[i].object
                                                         : strcmp(object, rows[i].object) == 0;
    return same && strcmp(rows[i].key, key) == 0;
}

void audit_fields_note(struct audit_fields *f, const char *key, struct bytes value)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum audit_field field = rows[i].field;
        if (!is_row(i, f->object, key) || f->rows[field].set)
            continue;
        size_t len = value.len < AUDIT_FIELD_LONGEST ? value.len : AUDIT_FIELD_LONGEST;
        if (len > sizeof f->space - f->used)
            len = sizeof f->space - f->used;
        // Not in the middle of a character.
        while (len < value.len && len > 0 && (value.data[len] & 0xc0) == 0x80)
            len--;
        if (len > 0)
            memcpy(f->space + f->used, value.data, len);
        f->rows[field].at = (uint16_t)f->used;
        f->rows[field].len = (uint16_t)len;
        f->rows[field].set = true;
        f->used += len;
        return;
    }
}

bool audit_fields_get(const struct audit_fields *f, enum audit_field field, struct bytes *ret_value)
{
    LPAD_ASSERT(field < AUDIT_FIELD_MAX);
    if (!f->rows[field].set)
        return false;
    *ret_value = bytes_make(f->space + f->rows[field].at, f->rows[field].len);
    return true;
}
