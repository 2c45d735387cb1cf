// SPDX-License-Identifier: Apache-2.0
// Profile metadata: the StoreMetadata request BF25 (SGP.22 v2.5, 5.5.3), as the server announces it and as
// the Bound Profile Package carries it.
#ifndef LPAD_RSP_METADATA_H
#define LPAD_RSP_METADATA_H

#include "rsp/profile.h"

#define METADATA_NOTIFICATIONS_MAX        16  // lpad's bound; the module has none
#define METADATA_NOTIFICATION_ADDRESS_MAX 255 // octets

struct metadata_notification {
    uint32_t events; // bits of NotificationEvent as der_get_bits gives them
    char address[METADATA_NOTIFICATION_ADDRESS_MAX + 1]; // as received; not yet a validated host
};

struct profile_metadata {
    struct iccid iccid;
    char spn[PROFILE_SPN_MAX + 1];
    char name[PROFILE_NAME_MAX + 1];
    enum profile_class class; // operational when absent
    struct metadata_notification notifications[METADATA_NOTIFICATIONS_MAX];
    size_t notification_count;
    struct profile_owner owner;
    uint32_t pprs; // PPR1 and so on of profile.h; 0 when absent
    enum profile_icon_type icon_type;
    struct bytes icon;  // borrowed from the input
    struct bytes whole; // borrowed: the whole TLV as received
};

// `tlv` is exactly one BF25. All but `icon` and `whole` outlive the input. Unknown tags are skipped; a known
// tag twice, a length over the module's SIZE, text that is not UTF-8, an unknown class, and a missing
// ICCID, provider or profile name are errors (ERR_DER_*); ERR_LIMIT for more entries or longer values
// than lpad keeps.
LPAD_NODISCARD enum err metadata_read(struct bytes tlv, struct profile_metadata *ret_metadata);

// Whether the announcement and the package say the same. When they do not, `*ret_difference` names the
// first element that differs, in the module's spelling; otherwise it is untouched. Unknown elements are
// compared by their octets and in their order, but for serviceSpecificDataNotStoredInEuicc (BF23), which
// a package does not carry. Both inputs must still be there.
bool metadata_equal(const struct profile_metadata *a, const struct profile_metadata *b,
                    const char **ret_difference);

#endif
