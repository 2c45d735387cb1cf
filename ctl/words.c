// SPDX-License-Identifier: Apache-2.0
// Tables of names and words for the enums of the links.
#include "ctl/words.h"

#include "rsp/profile.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct stage_words words_stage(Lpad__Stage stage)
{
    switch (stage) {
    case LPAD__STAGE__STAGE_POLICY: return (struct stage_words){"policy", "asking the policy", 1};
    case LPAD__STAGE__STAGE_CONNECT: return (struct stage_words){"connect", "connecting to the server", 2};
    case LPAD__STAGE__STAGE_AUTHENTICATE:
        return (struct stage_words){"authenticate", "authenticating card and server", 3};
    case LPAD__STAGE__STAGE_CONSENT: return (struct stage_words){"consent", "waiting for consent", 4};
    case LPAD__STAGE__STAGE_PREPARE: return (struct stage_words){"prepare", "preparing the card", 5};
    case LPAD__STAGE__STAGE_FETCH: return (struct stage_words){"fetch", "fetching the profile", 6};
    case LPAD__STAGE__STAGE_CHECK: return (struct stage_words){"check", "checking the package", 7};
    case LPAD__STAGE__STAGE_INSTALL: return (struct stage_words){"install", "installing the profile", 8};
    case LPAD__STAGE__STAGE_NOTIFY: return (struct stage_words){"notify", "telling the server", 9};
    case LPAD__STAGE__STAGE_CANCEL: return (struct stage_words){"cancel", "cancelling on card and server", 0};
    case _LPAD__STAGE_IS_INT_SIZE:
    default: return (struct stage_words){"unknown", "working", 0};
    }
}

bool words_es10_function(Lpad__Function function, enum es10_function *ret_function)
{
    static const struct {
        Lpad__Function function;
        enum es10_function es10;
    } rows[] = {
        {LPAD__FUNCTION__ES10A_GET_EUICC_CONFIGURED_ADDRESSES, ES10_GET_EUICC_CONFIGURED_ADDRESSES},
        {LPAD__FUNCTION__ES10B_PREPARE_DOWNLOAD,               ES10_PREPARE_DOWNLOAD              },
        {LPAD__FUNCTION__ES10B_LOAD_BOUND_PROFILE_PACKAGE,     ES10_LOAD_BOUND_PROFILE_PACKAGE    },
        {LPAD__FUNCTION__ES10B_GET_EUICC_CHALLENGE,            ES10_GET_EUICC_CHALLENGE           },
        {LPAD__FUNCTION__ES10B_GET_EUICC_INFO,                 ES10_GET_EUICC_INFO1               },
        {LPAD__FUNCTION__ES10B_LIST_NOTIFICATION,              ES10_LIST_NOTIFICATION             },
        {LPAD__FUNCTION__ES10B_RETRIEVE_NOTIFICATIONS_LIST,    ES10_RETRIEVE_NOTIFICATIONS_LIST   },
        {LPAD__FUNCTION__ES10B_REMOVE_NOTIFICATION_FROM_LIST,  ES10_REMOVE_NOTIFICATION_FROM_LIST },
        {LPAD__FUNCTION__ES10B_AUTHENTICATE_SERVER,            ES10_AUTHENTICATE_SERVER           },
        {LPAD__FUNCTION__ES10B_CANCEL_SESSION,                 ES10_CANCEL_SESSION                },
        {LPAD__FUNCTION__ES10C_GET_PROFILES_INFO,              ES10_GET_PROFILES_INFO             },
        {LPAD__FUNCTION__ES10C_ENABLE_PROFILE,                 ES10_ENABLE_PROFILE                },
        {LPAD__FUNCTION__ES10C_DISABLE_PROFILE,                ES10_DISABLE_PROFILE               },
        {LPAD__FUNCTION__ES10C_DELETE_PROFILE,                 ES10_DELETE_PROFILE                },
        {LPAD__FUNCTION__ES10C_GET_EID,                        ES10_GET_EID                       },
        {LPAD__FUNCTION__ES10C_SET_NICKNAME,                   ES10_SET_NICKNAME                  },
        {LPAD__FUNCTION__ES10A_SET_DEFAULT_DP_ADDRESS,         ES10_SET_DEFAULT_DP_ADDRESS        },
        {LPAD__FUNCTION__ES10B_LOAD_CRL,                       ES10_LOAD_CRL                      },
        {LPAD__FUNCTION__ES10B_GET_RAT,                        ES10_GET_RAT                       },
        {LPAD__FUNCTION__ES10C_EUICC_MEMORY_RESET,             ES10_EUICC_MEMORY_RESET            },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (rows[i].function == function) {
            *ret_function = rows[i].es10;
            return true;
        }
    }
    return false;
}

#define ASK_KEEPER "Ask whoever keeps lpad's policy file."

struct deny_words words_deny(Lpad__DenyReason reason)
{
    switch (reason) {
    case LPAD__DENY_REASON__DENY_NO_POLICY:
        return (struct deny_words){
            "no_policy", "No policy is loaded, so every change is denied.",
            "Look at 'lpactl status' for what is wrong with the policy file, and correct it."};
    case LPAD__DENY_REASON__DENY_NO_ROLE:
        return (struct deny_words){"no_role", "The policy gives your user no role.", ASK_KEEPER};
    case LPAD__DENY_REASON__DENY_NO_RULE:
        return (struct deny_words){"no_rule", "No rule of the policy permits this.", ASK_KEEPER};
    case LPAD__DENY_REASON__DENY_RULE:
        return (struct deny_words){"rule", "A rule of the policy denies this.", ASK_KEEPER};
    case LPAD__DENY_REASON__DENY_CAP:
        return (struct deny_words){"cap", "The policy's number per day is used up.",
                                   "Try again tomorrow, or ask whoever keeps lpad's policy file."};
    case LPAD__DENY_REASON__DENY_NO_INTENT:
        return (struct deny_words){
            "no_intent", "A step was asked for that nothing decided stands for.",
            "Try again; if it happens again, treat lpad as attacked and look at its audit log."};
    case LPAD__DENY_REASON__DENY_FACTS:
        return (struct deny_words){"facts", "What the card says differs from what was decided on.",
                                   "Look at 'lpactl profile list' and try again."};
    case LPAD__DENY_REASON__DENY_METADATA_MISMATCH:
        return (struct deny_words){"metadata_mismatch",
                                   "The package is not the profile that the server announced.",
                                   "Do not go on with this server: ask its operator."};
    case LPAD__DENY_REASON__DENY_PPR:
        return (struct deny_words){"ppr", "The profile carries policy rules that no permission admits.",
                                   ASK_KEEPER};
    case LPAD__DENY_REASON__DENY_EXPIRED:
        return (struct deny_words){"expired", "It took too long: the decision has expired.", "Try again."};
    case LPAD__DENY_REASON__DENY_STATE:
        return (struct deny_words){"state", "lpad cannot write down what it decides, so it decides no.",
                                   "Check that lpad's state directory is writable and not full."};
    case LPAD__DENY_REASON__DENY_TEST_PROFILE:
        return (struct deny_words){"test_profile",
                                   "This is a test profile, and no rule of the policy permits it by name.",
                                   "A test profile has no place on a gateway in service: delete it, or have "
                                   "whoever keeps lpad's policy "
                                   "file name its ICCID."};
    case LPAD__DENY_REASON__DENY_OID:
        return (struct deny_words){"oid",
                                   "The server's identity (OID) is not the one that the policy pins for it.",
                                   "Do not go on with this server until its operator confirms the OID; then "
                                   "have the policy file say it."};
    case LPAD__DENY_REASON__DENY_DEBT:
        return (struct deny_words){
            "debt", "Too many notifications are undelivered, so the card is not changed further.",
            "Look at 'lpactl notification list' for what keeps them, put that right, and run 'lpactl "
            "notification "
            "deliver'."};
    case _LPAD__DENY_REASON_IS_INT_SIZE:
    default: return (struct deny_words){"unknown", "The policy does not allow it.", ASK_KEEPER};
    }
}

const char *words_profile_state(Lpad__ProfileState state)
{
    return state == LPAD__PROFILE_STATE__PROFILE_ENABLED    ? "enabled"
           : state == LPAD__PROFILE_STATE__PROFILE_DISABLED ? "disabled"
                                                            : "unknown";
}

const char *words_profile_class(Lpad__ProfileClass class)
{
    switch (class) {
    case LPAD__PROFILE_CLASS__CLASS_TEST: return "test";
    case LPAD__PROFILE_CLASS__CLASS_PROVISIONING: return "provisioning";
    case LPAD__PROFILE_CLASS__CLASS_OPERATIONAL: return "operational";
    case _LPAD__PROFILE_CLASS_IS_INT_SIZE:
    default: return "unknown";
    }
}

const char *words_policy_state(Lpad__PolicyState state)
{
    switch (state) {
    case LPAD__POLICY_STATE__POLICY_NONE: return "none";
    case LPAD__POLICY_STATE__POLICY_LOADED: return "loaded";
    case LPAD__POLICY_STATE__POLICY_LAST_GOOD: return "last_good";
    case _LPAD__POLICY_STATE_IS_INT_SIZE:
    default: return "unknown";
    }
}

static const char *next_bit(uint64_t mask, unsigned *bit, const char *const *names, size_t count,
                            const char *other)
{
    for (; *bit < 64; (*bit)++) {
        if (!(mask >> *bit & 1))
            continue;
        const char *name = *bit < count ? names[*bit] : other;
        (*bit)++;
        return name;
    }
    return NULL;
}

const char *words_next_ppr(uint32_t mask, unsigned *bit)
{
    static const char *const names[] = {"ppr_update_control", "ppr1", "ppr2"};
    return next_bit(mask, bit, names, COUNT(names), "unknown");
}

const char *words_ppr_meaning(const char *name)
{
    if (strcmp(name, "ppr1") == 0)
        return "PPR1: once enabled, it cannot be disabled";
    if (strcmp(name, "ppr2") == 0)
        return "PPR2: it cannot be deleted";
    if (strcmp(name, "ppr_update_control") == 0)
        return "its rules can be changed by the operator later";
    return "a rule that this version does not know";
}

const char *words_ppr_consequence(const char *name)
{
    if (strcmp(name, "ppr1") == 0)
        return "PPR1: once it is enabled, it cannot be disabled by you, and no other profile can take its "
               "place";
    if (strcmp(name, "ppr2") == 0)
        return "PPR2: it cannot be deleted by you, and keeps its memory on the card";
    if (strcmp(name, "ppr_update_control") == 0)
        return "its operator can change these rules later, without asking you";
    return "a rule that this version does not know";
}

const char *words_icon_type(uint32_t icon_type)
{
    return icon_type == PROFILE_ICON_JPG ? "jpg" : icon_type == PROFILE_ICON_PNG ? "png" : "unknown";
}

const char *words_next_capability(uint64_t mask, unsigned *bit)
{
    // capability.h of Linux, in its order.
    static const char *const names[] = {
        "chown",
        "dac_override",
        "dac_read_search",
        "fowner",
        "fsetid",
        "kill",
        "setgid",
        "setuid",
        "setpcap",
        "linux_immutable",
        "net_bind",
        "net_broadcast",
        "net_admin",
        "net_raw",
        "ipc_lock",
        "ipc_owner",
        "sys_module",
        "sys_rawio",
        "sys_chroot",
        "sys_ptrace",
        "sys_pacct",
        "sys_admin",
        "sys_boot",
        "sys_nice",
        "sys_resource",
        "sys_time",
        "sys_tty_config",
        "mknod",
        "lease",
        "audit_write",
        "audit_control",
        "setfcap",
        "mac_override",
        "mac_admin",
        "syslog",
        "wake_alarm",
        "block_suspend",
        "audit_read",
        "perfmon",
        "bpf",
        "checkpoint_restore",
    };
    return next_bit(mask, bit, names, COUNT(names), "other");
}

const char *words_next_rsp_capability(uint32_t mask, unsigned *bit)
{
    static const char *const names[] = {
        "additional_profile",   "crl", "rpm", "test_profile", "device_info_extensibility",
        "service_specific_data"};
    return next_bit(mask, bit, names, COUNT(names), "unknown");
}
