// SPDX-License-Identifier: Apache-2.0
// The words of the state's file, shared by its reader and its writer.
#ifndef TESTS_SIM_EUICC_STATE_NAMES_H
#define TESTS_SIM_EUICC_STATE_NAMES_H

// A mask's bits or a number's values, in order, with NULL behind the last.
extern const char *const STATE_EVENT_NAMES[];
extern const char *const STATE_PPR_NAMES[];
extern const char *const STATE_CLASS_NAMES[];
extern const char *const STATE_ICON_NAMES[];

#endif
