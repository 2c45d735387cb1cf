// SPDX-License-Identifier: Apache-2.0
// VersionType: three octets major, minor, revision (SGP.22 v2.5, module RSPDefinitions).
#ifndef LPAD_RSP_VERSION_H
#define LPAD_RSP_VERSION_H

#include "lib/bytes.h"

#define RSP_VERSION_TEXT_MAX 12 // "255.255.255" and the terminating zero

struct rsp_version {
    uint8_t major;
    uint8_t minor;
    uint8_t revision;
};

// Exactly three octets, else ERR_DER_VALUE.
LPAD_NODISCARD enum err rsp_version_read(struct bytes value, struct rsp_version *ret_version);
// "2.5.0"; returns `out`.
const char *rsp_version_text(const struct rsp_version *version, char out[static RSP_VERSION_TEXT_MAX]);
// Below, equal to or above zero, as memcmp.
int rsp_version_compare(const struct rsp_version *a, const struct rsp_version *b);

#endif
