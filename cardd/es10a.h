// SPDX-License-Identifier: Apache-2.0
// ES10a: what the card was told about servers (SGP.22 v2.5, 5.7.3 and 5.7.4).
#ifndef LPAD_CARDD_ES10A_H
#define LPAD_CARDD_ES10A_H

#include "cardd/es10.h"

#define ES10A_ADDRESS_MAX 255 // octets

struct es10a_addresses {
    char default_smdp[ES10A_ADDRESS_MAX + 1]; // "" when the card has none; not a validated host
    char root_smds[ES10A_ADDRESS_MAX + 1];
};

// GetEuiccConfiguredAddresses, 5.7.3.
LPAD_NODISCARD enum err es10a_get_addresses(struct es10 *es, struct es10a_addresses *ret_addresses);

// SetDefaultDpAddress, 5.7.4; an empty one removes it. Sent once: on a transport error the outcome is
// unknown.
LPAD_NODISCARD enum err es10a_set_default_dp_address(struct es10 *es, const char *address);

#endif
