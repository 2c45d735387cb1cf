// SPDX-License-Identifier: Apache-2.0
// A record of the audit as one line for people. It is no JSON parser: the lines are lpad's own, and whatever
// else stands there is shown safely too.
#ifndef LPAD_CTL_AUDIT_TEXT_H
#define LPAD_CTL_AUDIT_TEXT_H

#include "lib/bytes.h"

// The number of a line; 0: it is no record.
uint64_t audit_text_number(struct bytes line);

// "TIME  SEQ  TYPE  key=value key={key=value}" and a newline. What every record has besides is left out.
// Nothing in it moves the cursor or hides.
void audit_text_put(struct buf *out, struct bytes line, bool colors);

#endif
