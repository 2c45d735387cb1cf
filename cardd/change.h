// SPDX-License-Identifier: Apache-2.0
// What changes to the card share: an outcome that was lost on the way is unknown, and is settled by reading.
#ifndef LPAD_CARDD_CHANGE_H
#define LPAD_CARDD_CHANGE_H

#include "cardd/cardd.h"

// Whether the card may have done what it was told although `e` came back, and can still be read to see. When
// the card is gone, notes that the outcome is unknown, and gives false.
bool change_outcome_is_unknown(struct cardd *c, enum err e);

// Before the reading that settles: the Failure's detail in case that fails. `result` is what the command came
// to.
void change_note_unknown(struct cardd *c, enum err result);

#endif
