// SPDX-License-Identifier: Apache-2.0
// A name's addresses, with a sentence for people when there are none.
#ifndef LPAD_NETD_RESOLVE_H
#define LPAD_NETD_RESOLVE_H

#include "lib/resolve/resolver.h"
#include "netd/fault.h"

// Waits for the answer. At least one address. ERR_REMOTE_CONNECT, ERR_REMOTE_TIMEOUT.
LPAD_NODISCARD enum err resolve_name(struct resolver *r, const char *name, int timeout_ms,
                                     struct address_list *ret_list, struct fault *f);

#endif
