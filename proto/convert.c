// SPDX-License-Identifier: Apache-2.0
// RSP values as messages, and the words of enums that several processes show.
#include "proto/convert.h"

#include "lib/der.h"

#include "supervisor.pb-c.h"

#include <sodium.h>
#include <string.h>

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

void owner_to_message(const struct profile_owner *owner, Lpad__Owner *ret)
{
    lpad__owner__init(ret);
    ret->mcc_mnc = binary_from(owner->mcc_mnc, sizeof owner->mcc_mnc);
    if (owner->gid1.present) {
        ret->has_gid1 = true;
        ret->gid1 = binary_from(owner->gid1.bytes, owner->gid1.len);
    }
    if (owner->gid2.present) {
        ret->has_gid2 = true;
        ret->gid2 = binary_from(owner->gid2.bytes, owner->gid2.len);
    }
}

static bool is_typed(der_tag tag)
{
    // BF23, serviceSpecificDataNotStoredInEuicc, is for the LPA alone: a package does not carry it.
    static const der_tag typed[] = {0x5A, 0x91, 0x92, 0x93, 0x94, 0x95, 0xB6, 0xB7, 0x99, 0xBF23};
    for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++)
        if (typed[i] == tag)
            return true;
    return false;
}

// What lpad does not type must be the same too. False when there is nothing of it.
static bool hash_others(struct bytes whole, uint8_t ret_sha256[static 32])
{
    struct der_tlv tlv;
    crypto_hash_sha256_state state;
    bool any = false;
    if (whole.len == 0) // made here, not read
        return false;
    crypto_hash_sha256_init(&state);
    if (der_read(&whole, &tlv) != ERR_OK)
        LPAD_BUG("metadata that was read cannot be read");
    for (struct bytes rest = tlv.value; rest.len > 0;) {
        if (der_read(&rest, &tlv) != ERR_OK)
            LPAD_BUG("metadata that was read cannot be read");
        if (is_typed(tlv.tag))
            continue;
        crypto_hash_sha256_update(&state, tlv.whole.data, tlv.whole.len);
        any = true;
    }
    crypto_hash_sha256_final(&state, ret_sha256);
    return any;
}

void metadata_to_message(const struct profile_metadata *metadata, struct metadata_message *ret)
{
    Lpad__Metadata *m = &ret->message;
    lpad__metadata__init(m);
    m->iccid = binary_from(metadata->iccid.bytes, sizeof metadata->iccid.bytes);
    m->service_provider_name = borrow(metadata->spn);
    m->profile_name = borrow(metadata->name);
    m->profile_class = (Lpad__ProfileClass)metadata->class;
    if (metadata->owner.present) {
        owner_to_message(&metadata->owner, &ret->owner);
        m->owner = &ret->owner;
    }
    if (metadata->pprs != 0) {
        m->has_pprs = true;
        m->pprs = metadata->pprs;
    }
    if (metadata->icon_type != PROFILE_ICON_NONE) {
        m->has_icon_type = true;
        m->icon_type = (uint32_t)metadata->icon_type;
        crypto_hash_sha256(ret->icon_sha256, metadata->icon.data, metadata->icon.len);
        m->has_icon_sha256 = true;
        m->icon_sha256 = binary_from(ret->icon_sha256, sizeof ret->icon_sha256);
    }
    for (size_t i = 0; i < metadata->notification_count; i++) {
        Lpad__NotificationConfiguration *c = &ret->configurations[i];
        lpad__notification_configuration__init(c);
        c->events = metadata->notifications[i].events;
        c->address = borrow(metadata->notifications[i].address);
        ret->configuration_list[i] = c;
    }
    m->n_notifications = metadata->notification_count;
    m->notifications = ret->configuration_list;
    if (hash_others(metadata->whole, ret->others_sha256)) {
        m->has_others_sha256 = true;
        m->others_sha256 = binary_from(ret->others_sha256, sizeof ret->others_sha256);
    }
}

void profile_to_message(const struct profile_info *profile, struct profile_message *ret)
{
    Lpad__Profile *m = &ret->message;
    lpad__profile__init(m);
    m->iccid = binary_from(profile->iccid.bytes, sizeof profile->iccid.bytes);
    if (profile->isdp_aid_len > 0) {
        m->has_isdp_aid = true;
        m->isdp_aid = binary_from(profile->isdp_aid, profile->isdp_aid_len);
    }
    m->state = profile->state == PROFILE_ENABLED ? LPAD__PROFILE_STATE__PROFILE_ENABLED
                                                 : LPAD__PROFILE_STATE__PROFILE_DISABLED;
    // An unknown class gets the rights of a test profile: the fewest.
    m->profile_class = profile->class < PROFILE_CLASS_UNKNOWN ? (Lpad__ProfileClass)profile->class
                                                              : LPAD__PROFILE_CLASS__CLASS_TEST;
    m->nickname = profile->nickname[0] ? borrow(profile->nickname) : NULL;
    m->service_provider_name = profile->spn[0] ? borrow(profile->spn) : NULL;
    m->profile_name = profile->name[0] ? borrow(profile->name) : NULL;
    if (profile->owner.present) {
        owner_to_message(&profile->owner, &ret->owner);
        m->owner = &ret->owner;
    }
    uint32_t pprs = profile->pprs_unreadable ? PPR_UPDATE_CONTROL | PPR1 | PPR2 : profile->pprs;
    if (pprs != 0) {
        m->has_pprs = true;
        m->pprs = pprs;
    }
    if (profile->icon_type != PROFILE_ICON_NONE) {
        m->has_icon_type = true;
        m->icon_type = (uint32_t)profile->icon_type;
    }
}

void hello_to_message(const struct sandbox_report *report, struct hello_message *ret)
{
    lpad__hello__init(&ret->message);
    for (unsigned i = 0; i < report->missing_count; i++)
        ret->missing[i] = (char *)(uintptr_t)report->missing[i];
    ret->message.landlock_abi = report->landlock_abi;
    ret->message.n_missing = report->missing_count;
    ret->message.missing = ret->missing;
}

const char *function_words(Lpad__Function function)
{
    switch (function) {
    case LPAD__FUNCTION__ES9P_INITIATE_AUTHENTICATION: return "ES9+ InitiateAuthentication";
    case LPAD__FUNCTION__ES9P_GET_BOUND_PROFILE_PACKAGE: return "ES9+ GetBoundProfilePackage";
    case LPAD__FUNCTION__ES9P_AUTHENTICATE_CLIENT: return "ES9+ AuthenticateClient";
    case LPAD__FUNCTION__ES9P_HANDLE_NOTIFICATION: return "ES9+ HandleNotification";
    case LPAD__FUNCTION__ES9P_CANCEL_SESSION: return "ES9+ CancelSession";
    case LPAD__FUNCTION__ES11_INITIATE_AUTHENTICATION: return "ES11 InitiateAuthentication";
    case LPAD__FUNCTION__ES11_AUTHENTICATE_CLIENT: return "ES11 AuthenticateClient";
    case LPAD__FUNCTION__ES10A_SET_DEFAULT_DP_ADDRESS: return "ES10a SetDefaultDpAddress";
    case LPAD__FUNCTION__ES10B_LOAD_CRL: return "ES10b LoadCRL";
    case LPAD__FUNCTION__ES10B_GET_RAT: return "ES10b GetRAT";
    case LPAD__FUNCTION__ES10C_EUICC_MEMORY_RESET: return "ES10c eUICCMemoryReset";
    case LPAD__FUNCTION__ES10A_GET_EUICC_CONFIGURED_ADDRESSES: return "ES10a GetEuiccConfiguredAddresses";
    case LPAD__FUNCTION__ES10B_PREPARE_DOWNLOAD: return "ES10b PrepareDownload";
    case LPAD__FUNCTION__ES10B_LOAD_BOUND_PROFILE_PACKAGE: return "ES10b LoadBoundProfilePackage";
    case LPAD__FUNCTION__ES10B_GET_EUICC_CHALLENGE: return "ES10b GetEUICCChallenge";
    case LPAD__FUNCTION__ES10B_GET_EUICC_INFO: return "ES10b GetEUICCInfo";
    case LPAD__FUNCTION__ES10B_LIST_NOTIFICATION: return "ES10b ListNotification";
    case LPAD__FUNCTION__ES10B_RETRIEVE_NOTIFICATIONS_LIST: return "ES10b RetrieveNotificationsList";
    case LPAD__FUNCTION__ES10B_REMOVE_NOTIFICATION_FROM_LIST: return "ES10b RemoveNotificationFromList";
    case LPAD__FUNCTION__ES10B_AUTHENTICATE_SERVER: return "ES10b AuthenticateServer";
    case LPAD__FUNCTION__ES10B_CANCEL_SESSION: return "ES10b CancelSession";
    case LPAD__FUNCTION__ES10C_GET_PROFILES_INFO: return "ES10c GetProfilesInfo";
    case LPAD__FUNCTION__ES10C_ENABLE_PROFILE: return "ES10c EnableProfile";
    case LPAD__FUNCTION__ES10C_DISABLE_PROFILE: return "ES10c DisableProfile";
    case LPAD__FUNCTION__ES10C_DELETE_PROFILE: return "ES10c DeleteProfile";
    case LPAD__FUNCTION__ES10C_GET_EID: return "ES10c GetEID";
    case LPAD__FUNCTION__ES10C_SET_NICKNAME: return "ES10c SetNickname";
    case _LPAD__FUNCTION_IS_INT_SIZE: break;
    }
    return "an unknown function";
}

const char *operation_words(Lpad__Operation operation)
{
    switch (operation) {
    case LPAD__OPERATION__OPERATION_READ: return "read";
    case LPAD__OPERATION__OPERATION_DOWNLOAD: return "download";
    case LPAD__OPERATION__OPERATION_ENABLE: return "enable";
    case LPAD__OPERATION__OPERATION_DISABLE: return "disable";
    case LPAD__OPERATION__OPERATION_DELETE: return "delete";
    case LPAD__OPERATION__OPERATION_NICKNAME: return "nickname";
    case LPAD__OPERATION__OPERATION_NOTIFY: return "notify";
    case LPAD__OPERATION__OPERATION_DISCOVER: return "discover";
    case LPAD__OPERATION__OPERATION_RESET: return "reset";
    case LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS: return "default address";
    case LPAD__OPERATION__OPERATION_LOAD_CRL: return "load crl";
    case LPAD__OPERATION__OPERATION_HOLD: return "hold";
    case LPAD__OPERATION__OPERATION_RELOAD: return "reload";
    case _LPAD__OPERATION_IS_INT_SIZE: break;
    }
    return "an unknown operation";
}

const char *process_words(int process)
{
    switch ((Lpad__Process)process) {
    case LPAD__PROCESS__PROCESS_SUPERVISOR: return "lpad";
    case LPAD__PROCESS__PROCESS_BROKER: return "lpad-broker";
    case LPAD__PROCESS__PROCESS_NETD: return "lpad-netd";
    case LPAD__PROCESS__PROCESS_CARDD: return "lpad-cardd";
    case LPAD__PROCESS__PROCESS_POLICYD: return "lpad-policyd";
    case LPAD__PROCESS__PROCESS_PROBED: return "lpad-probed";
    case _LPAD__PROCESS_IS_INT_SIZE: break;
    }
    return "an unknown process";
}
