// SPDX-License-Identifier: Apache-2.0
// The few fields of a record that others than the file are shown, kept while its line is made: nobody has to
// read the JSON again.
//
// A value that does not fit is cut. Values are as they were given to audit_put_*: not escaped, and text from
// outside may hold anything.
#ifndef LPAD_BROKER_AUDIT_FIELDS_H
#define LPAD_BROKER_AUDIT_FIELDS_H

#include "lib/bytes.h"

#define AUDIT_FIELDS_SPACE  2048
#define AUDIT_FIELD_LONGEST 512

enum audit_field {
    AUDIT_FIELD_SESSION,
    AUDIT_FIELD_OPERATION,
    AUDIT_FIELD_ICCID,
    AUDIT_FIELD_PROFILE, // as the policy calls it
    AUDIT_FIELD_FROM,
    AUDIT_FIELD_EID,
    AUDIT_FIELD_UID,
    AUDIT_FIELD_ROLE,
    AUDIT_FIELD_RULE,
    AUDIT_FIELD_LINE,
    AUDIT_FIELD_VERDICT,
    AUDIT_FIELD_RESULT,
    AUDIT_FIELD_HOST,
    AUDIT_FIELD_PROCESS,
    AUDIT_FIELD_SIGNAL,
    AUDIT_FIELD_STEP,
    AUDIT_FIELD_EVENT,
    AUDIT_FIELD_WHY,
    AUDIT_FIELD_EPOCH,
    AUDIT_FIELD_CHAIN,
    AUDIT_FIELD_LOST,
    AUDIT_FIELD_VERSION,
    AUDIT_FIELD_MAX,
};

struct audit_fields {
    const char *object; // the innermost one, NULL: the record itself
    struct {
        uint16_t at, len;
        bool set;
    } rows[AUDIT_FIELD_MAX];
    size_t used;
    uint8_t space[AUDIT_FIELDS_SPACE];
};

void audit_fields_clear(struct audit_fields *f);
// `key` of `f->object`; most keys are of no interest. The first of several stays.
void audit_fields_note(struct audit_fields *f, const char *key, struct bytes value);
// False: the record has none.
bool audit_fields_get(const struct audit_fields *f, enum audit_field field, struct bytes *ret_value);

#endif
