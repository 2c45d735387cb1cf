// SPDX-License-Identifier: Apache-2.0
// Changes to a JSON answer before it is sent.
#ifndef TESTS_SIM_SMDP_MUTATE_H
#define TESTS_SIM_SMDP_MUTATE_H

#include "tests/sim/common/sim.h"

#include <jansson.h>

// Changes the member named by the fault's "field" (dotted path): "value" replaces it with any JSON, "remove"
// takes it away; "flip", "cut", "append" and "hex" work on the decoded bytes of a base64 member. False when
// the field is not there or the fault makes no sense.
SIM_NODISCARD bool answer_mutate(json_t *body, const json_t *fault);

// Members that a server of version 3 sends and such that nobody knows: in the body, in the header, in its
// status. Signed parts are the functions' own.
void answer_add_v3(json_t *body);

// The status in the header becomes the fault's "status" ("Executed-WithWarning"), with the fault's
// "subjectCode", "reasonCode" and "message" when it has any; the body stays.
void answer_set_status(json_t *body, const json_t *fault);

// The answer as text: compact, or as the servers write it that indent, fold base64 with CR LF and escape
// slashes. Null when memory runs out; free() the result.
char *answer_text(json_t *body, bool pretty);

#endif
