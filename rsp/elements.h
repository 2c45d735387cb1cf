// SPDX-License-Identifier: Apache-2.0
// Readers of single elements that profile and metadata share; for the files of this folder alone.
#ifndef LPAD_RSP_ELEMENTS_H
#define LPAD_RSP_ELEMENTS_H

#include "rsp/profile.h"

// UTF-8 without NUL, at most `max` octets; `ret_text` has room for max + 1. ERR_DER_VALUE.
LPAD_NODISCARD enum err element_get_text(struct bytes value, size_t max, char *ret_text);
// IconType; an unknown one is PROFILE_ICON_OTHER. ERR_DER_VALUE when it is no integer of 0 to 127.
LPAD_NODISCARD enum err element_get_icon_type(struct bytes value, enum profile_icon_type *ret_type);

#endif
