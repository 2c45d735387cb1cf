// SPDX-License-Identifier: Apache-2.0
// What every use of libcurl in lpad has in common: its start inside what is to become a sandbox, and the
// options without which it would do more than it was asked.
#ifndef LPAD_LIB_HTTPS_HTTPS_H
#define LPAD_LIB_HTTPS_HTTPS_H

#include "lib/resolve/resolver.h"

// Before the sandbox: initialises OpenSSL without its configuration file, seeds it, and loads what it would
// open lazily; then libcurl. ERR_IO.
LPAD_NODISCARD enum err https_warm_up(void);

// For an easy handle (CURL *): https alone, TLS 1.2 or newer, HTTP/1.1, certificate and name verified against
// no trust but what the caller sets; no redirect, proxy, cookie, credential, compression, signal, cached
// session or file. ERR_IO: this libcurl lacks an option.
LPAD_NODISCARD enum err https_harden(void *easy);

struct curl_slist;
struct https_pins {
    struct curl_slist *resolve, *connect_to;
};

// The addresses that the handle may use for a host of its URL, and nothing else; and the port that is really
// connected to. They are the caller's, to be given back with https_unpin once the handle is gone. A literal
// needs no pins: libcurl reads it by itself. ERR_MEMORY.
LPAD_NODISCARD enum err https_pin(void *easy, const char *name, uint16_t port, uint16_t connect_port,
                                  const struct address_list *list, struct https_pins *ret_pins);
void https_unpin(struct https_pins *pins);

struct x509_store_st; // X509_STORE of OpenSSL

// Reads the certificates of PEM text, of which there must be one at least, and adds them to `store` unless it
// is NULL. ERR_INPUT: one cannot be read; `*ret_count`, those before it, is set then, too. ERR_MEMORY.
LPAD_NODISCARD enum err https_read_certificates(struct bytes pem, struct x509_store_st *store,
                                                size_t *ret_count);

#endif
