// SPDX-License-Identifier: Apache-2.0
// What the impostors share.
#ifndef LPAD_TESTS_HOSTILE_IMPOSTOR_H
#define LPAD_TESTS_HOSTILE_IMPOSTOR_H

#include "proto/link.h"

#define IMPOSTOR_PATH_MAX 256

// Ends the process, and says why, when it does not hold.
void impostor_need(bool holds, const char *what);
void impostor_folder(char out[static IMPOSTOR_PATH_MAX]);
void impostor_open(const struct link_end *end, struct link *ret_link);
void impostor_send_raw(const struct link *l, const char *bytes, size_t len);

// Until the link closes. `folder` holds the folders "pki" and "orders" of the server that it plays.
void impostor_netd(const char *folder, const char *script);
void impostor_probed(const char *script);

#endif
