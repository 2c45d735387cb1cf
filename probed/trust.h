// SPDX-License-Identifier: Apache-2.0
// The CA certificates that probes trust: those of one file, and no others.
#ifndef LPAD_PROBED_TRUST_H
#define LPAD_PROBED_TRUST_H

#include "lib/err.h"

struct x509_store_st; // X509_STORE of OpenSSL

// Reads the PEM certificates of a file to its end; of an empty one, nothing is trusted. ERR_INPUT: one cannot
// be read, or there is something else; ERR_IO; ERR_LIMIT: more than 2 MiB; ERR_MEMORY.
LPAD_NODISCARD enum err trust_read(int fd, struct x509_store_st **ret_store);

#endif
