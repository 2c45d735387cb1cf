// SPDX-License-Identifier: Apache-2.0
// What every use of libcurl in lpad has in common: its start inside what is to become a sandbox, and the
// options without which it would do more than it was asked.
#ifndef LPAD_LIB_HTTPS_HTTPS_H
#define LPAD_LIB_HTTPS_HTTPS_H

#include "lib/err.h"

// Before the sandbox: initialises OpenSSL without its configuration file, seeds it, and loads what it would
// open lazily; then libcurl. ERR_IO.
LPAD_NODISCARD enum err https_warm_up(void);

// For an easy handle (CURL *): https alone, TLS 1.2 or newer, HTTP/1.1, certificate and name verified against
// no trust but what the caller sets; no redirect, proxy, cookie, credential, compression, signal, cached
// session or file. ERR_IO: this libcurl lacks an option.
LPAD_NODISCARD enum err https_harden(void *easy);

#endif
