// SPDX-License-Identifier: Apache-2.0
// "May I?": cardd asks policyd with facts that it read itself, and waits for a yes.
//
// ERR_OK is a yes to exactly this question. ERR_DENIED is a no, with its reason noted for the Failure.
// Anything else is no answer: policyd is gone, late, or broke the link's contract; the process then ends
// after the request. Nothing is remembered: every command asks for itself.
#ifndef LPAD_CARDD_APPROVAL_H
#define LPAD_CARDD_APPROVAL_H

#include "cardd/profiles.h"

#define APPROVAL_TIMEOUT_MS 5000

// `enabled` NULL: no profile is. `nickname` only for OPERATION_NICKNAME.
LPAD_NODISCARD enum err approval_ask_profile_change(struct cardd *c, Lpad__Operation operation,
                                                    const struct profile_info *target,
                                                    const struct profile_info *enabled, const char *nickname);
LPAD_NODISCARD enum err approval_ask_prepare_download(struct cardd *c, bool confirmation_code_required);
LPAD_NODISCARD enum err approval_ask_load(struct cardd *c);
// `options` as of es10c_memory_reset; `profiles` all that the card lists now.
LPAD_NODISCARD enum err approval_ask_reset(struct cardd *c, unsigned options,
                                           const struct profiles *profiles);
LPAD_NODISCARD enum err approval_ask_default_address(struct cardd *c, const char *address);
LPAD_NODISCARD enum err approval_ask_load_crl(struct cardd *c, struct bytes crl);

#endif
