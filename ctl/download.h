// SPDX-License-Identifier: Apache-2.0
// One download within a dialog, from a code, from the default SM-DP+, or for an event.
#ifndef LPAD_CTL_DOWNLOAD_H
#define LPAD_CTL_DOWNLOAD_H

#include "ctl/dialog.h"

#define DOWNLOAD_INTERRUPTED                                                                                 \
    "Interrupted: the connection is closed, and lpad cancels the download on the card and at the server."

// Shows the outcome: as text, or as members of the open object.
void download_show(struct ctl *ctl, const Lpad__DownloadedReply *reply);
// Connects, sends and waits; `secret` is wiped once it was sent, and may be NULL. A code other than
// EXIT_CODE_OK was reported, and `*ret_result` is untouched.
LPAD_NODISCARD enum exit_code download_request(struct dialog *d, Lpad__Download *download,
                                               struct secret *secret, struct lpad_client_result *ret_result);

#endif
