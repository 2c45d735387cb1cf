// SPDX-License-Identifier: Apache-2.0
// The configuration as typed settings, one sealed message per process (supervisor.proto).
#ifndef LPAD_BROKER_SETTINGS_H
#define LPAD_BROKER_SETTINGS_H

#include "broker/accounts.h"
#include "broker/config.h"

// Each makes a sealed memfd, the caller's to close.
LPAD_NODISCARD enum err settings_make_broker(const struct config *c, uint32_t generation, int *ret_fd);
LPAD_NODISCARD enum err settings_make_netd(const struct config *c, struct bytes ci_certificates, int *ret_fd);
LPAD_NODISCARD enum err settings_make_cardd(const struct config *c, int *ret_fd);
// `boot`: the kernel's boot id.
LPAD_NODISCARD enum err settings_make_policyd(const struct config *c, const struct accounts *a,
                                              const char *boot, int *ret_fd);
LPAD_NODISCARD enum err settings_make_probed(const struct config *c, int *ret_fd);

#endif
