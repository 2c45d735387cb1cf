// SPDX-License-Identifier: Apache-2.0
// One ES10 call at a time against a scripted card.
#ifndef LPAD_TESTS_UNIT_ES10_RIG_H
#define LPAD_TESTS_UNIT_ES10_RIG_H

#include "cardd/es10.h"

#define ICCID "989444999999990930F1"

// One ES10 call: this command has to come, this is answered.
struct es10 *expect(const char *command, const char *response);
// The card answers this, status word and all, to the call that is expected.
void es10_answer(const char *response);
// What the last `expect` gave.
struct es10 *es10_last(void);
void assert_refused(const struct es10 *es, Lpad__Function function, uint32_t result);

#endif
