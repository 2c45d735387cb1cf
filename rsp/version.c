// SPDX-License-Identifier: Apache-2.0
// Three-octet versions.
#include "rsp/version.h"

#include <stdio.h>

enum err rsp_version_read(struct bytes value, struct rsp_version *ret_version)
{
    if (value.len != 3)
        return ERR_DER_VALUE;
    *ret_version = (struct rsp_version){value.data[0], value.data[1], value.data[2]};
    return ERR_OK;
}

const char *rsp_version_text(const struct rsp_version *version, char out[static RSP_VERSION_TEXT_MAX])
{
    snprintf(out, RSP_VERSION_TEXT_MAX, "%u.%u.%u", version->major, version->minor, version->revision);
    return out;
}

static int version_number(const struct rsp_version *v)
{
    return v->major << 16 | v->minor << 8 | v->revision;
}

int rsp_version_compare(const struct rsp_version *a, const struct rsp_version *b)
{
    return version_number(a) - version_number(b);
}
