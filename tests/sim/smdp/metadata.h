// SPDX-License-Identifier: Apache-2.0
// Profile metadata: the BF25 StoreMetadataRequest of an order (SGP.22 v2.5, 5.5.3).
#ifndef TESTS_SIM_SMDP_METADATA_H
#define TESTS_SIM_SMDP_METADATA_H

#include "tests/sim/common/tlv.h"

#include <jansson.h>

// Appends BF25 made from an order's members: iccid, serviceProviderName, profileName, icon (base64) with
// iconType ("jpg", "png"), class, notifications, ownerMccMnc (with ownerGid1, ownerGid2 in hex), pprs
// ("ppr1", "ppr2", "pprUpdateControl"), extraMetadata (hex of TLVs to append). Members of `over` (may be
// null) replace those of `spec`; a JSON null removes. False when a member cannot be encoded.
SIM_NODISCARD bool metadata_build(const json_t *spec, const json_t *over, struct tlvb *out);

#endif
