// SPDX-License-Identifier: Apache-2.0
// The tables of ES10 functions, their result codes, and the card's other codes.
#include "rsp/result.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct code_row {
    uint32_t code;
    struct code_info info;
};

static struct code_info find_code(const struct code_row *rows, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].code == code)
            return rows[i].info;
    if (code == ES10_UNDEFINED_ERROR)
        return (struct code_info){"undefinedError", "the card failed and gave no cause"};
    return (struct code_info){"unknown", "the card answered with a code that this version does not know"};
}

// Shared by the functions that name a profile.
#define CODE_OK                                                                                              \
    {                                                                                                        \
        0,                                                                                                   \
        {                                                                                                    \
            "ok", "done"                                                                                     \
        }                                                                                                    \
    }
#define CODE_NOT_FOUND                                                                                       \
    {                                                                                                        \
        1,                                                                                                   \
        {                                                                                                    \
            "iccidOrAidNotFound", "there is no such profile on the card"                                     \
        }                                                                                                    \
    }
#define CODE_NOT_DISABLED                                                                                    \
    {                                                                                                        \
        2,                                                                                                   \
        {                                                                                                    \
            "profileNotInDisabledState", "the profile is enabled; it must be disabled first"                 \
        }                                                                                                    \
    }
#define CODE_POLICY                                                                                          \
    {                                                                                                        \
        3,                                                                                                   \
        {                                                                                                    \
            "disallowedByPolicy", "a policy rule of the profile on the card forbids it"                      \
        }                                                                                                    \
    }
#define CODE_CAT_BUSY                                                                                        \
    {                                                                                                        \
        ES10_CAT_BUSY,                                                                                       \
        {                                                                                                    \
            "catBusy", "the card is busy with a toolkit session; try again in a moment"                      \
        }                                                                                                    \
    }
#define CODE_NO_SESSION                                                                                      \
    {                                                                                                        \
        4,                                                                                                   \
        {                                                                                                    \
            "noSessionContext", "the card has no session open for this request"                              \
        }                                                                                                    \
    }
#define CODE_BAD_TID                                                                                         \
    {                                                                                                        \
        5,                                                                                                   \
        {                                                                                                    \
            "invalidTransactionId", "the transaction identifier is not the session's"                        \
        }                                                                                                    \
    }

static const struct code_row ok_codes[] = {CODE_OK};

static const struct code_row prepare_codes[] = {
    {1, {"invalidCertificate", "the card does not accept the server's profile binding certificate"}},
    {2, {"invalidSignature", "the server's signature over the download is wrong"}                  },
    {3, {"unsupportedCurve", "the card does not support the curve of the server's key"}            },
    CODE_NO_SESSION,
    CODE_BAD_TID,
};

static const struct code_row authenticate_codes[] = {
    {1,  {"invalidCertificate", "the card does not accept the server's certificate"}             },
    {2,  {"invalidSignature", "the server's signature is wrong"}                                 },
    {3,  {"unsupportedCurve", "the card does not support the curve of the server's key"}         },
    CODE_NO_SESSION,
    {5,  {"invalidOid", "the server's certificate is not one for this role"}                     },
    {6,  {"euiccChallengeMismatch", "the server signed another challenge than the card's"}       },
    {7,  {"ciPKUnknown", "the card does not know the certificate issuer that the server chose"}  },
    {8,  {"transactionIdError", "the transaction identifier is not the session's"}               },
    {9,  {"missingCrl", "the card needs a revocation list that the server did not send"}         },
    {10, {"invalidCrlSignature", "the signature of the server's revocation list is wrong"}       },
    {11, {"revokedCert", "the server's certificate is revoked"}                                  },
    {12, {"invalidCertOrCrlTime", "the server's certificate or revocation list is not valid now"}},
    {13, {"invalidCertOrCrlConfiguration", "the server's certificates do not fit together"}      },
    {14, {"invalidIccid", "the card does not accept the ICCID of the request"}                   },
};

static const struct code_row cancel_codes[] = {CODE_BAD_TID};

static const struct code_row retrieve_codes[] = {
    {1, {"noResultAvailable", "there is no such notification on the card"}},
};

static const struct code_row remove_codes[] = {
    CODE_OK,
    {1, {"nothingToDelete", "there is no such notification on the card"}},
};

static const struct code_row crl_codes[] = {
    {1, {"invalidSignature", "the signature of the revocation list is wrong"}                  },
    {2, {"invalidCRLFormat", "the revocation list is malformed"}                               },
    {3, {"notEnoughMemorySpace", "the card has no room for the revocation list"}               },
    {4, {"verificationKeyNotFound", "the card does not know the issuer of the revocation list"}},
    {5, {"fresherCrlAlreadyLoaded", "the card has a newer revocation list"}                    },
    {6, {"baseCrlMissing", "the revocation list's base is not on the card"}                    },
};

static const struct code_row list_profiles_codes[] = {
    {1,  {"incorrectInputValues", "the card does not accept the search"}                  },
    {11, {"profileChangeOngoing", "the card is changing a profile; try again in a moment"}},
};

static const struct code_row enable_codes[] = {
    CODE_OK,
    CODE_NOT_FOUND,
    {2,  {"profileNotInDisabledState", "the profile is enabled already"}                                 },
    {3,  {"disallowedByPolicy", "a policy rule of the profile that is enabled now forbids to disable it"}},
    {4,
      {"wrongProfileReenabling",
      "after a test profile only the profile that was enabled before it can be enabled"}                  },
    CODE_CAT_BUSY,
    {6,  {"disallowedByEnterpriseRule", "an enterprise rule on the card forbids it"}                     },
    {7,  {"commandError", "the card does not accept the request"}                                        },
    {9,  {"disallowedForRpm", "the profile may not be managed remotely"}                                 },
    {10, {"noEsimPortAvailable", "the card has no free port for another enabled profile"}                },
};

static const struct code_row disable_codes[] = {
    CODE_OK,     CODE_NOT_FOUND, {2, {"profileNotInEnabledState", "the profile is disabled already"}},
    CODE_POLICY, CODE_CAT_BUSY,
};

static const struct code_row delete_codes[] = {CODE_OK, CODE_NOT_FOUND, CODE_NOT_DISABLED, CODE_POLICY};

static const struct code_row reset_codes[] = {
    CODE_OK,
    {1, {"nothingToDelete", "there was nothing to delete"}},
    CODE_CAT_BUSY,
};

static const struct code_row nickname_codes[] = {
    CODE_OK,
    {1, {"iccidNotFound", "there is no such profile on the card"}},
};

static const struct code_row reason_codes[] = {
    {1,   {"incorrectInputValues", "the package or its metadata has values the card does not accept"}        },
    {2,   {"invalidSignature", "the server's signature over the package is wrong"}                           },
    {3,   {"invalidTransactionId", "the package belongs to another session"}                                 },
    {4,   {"unsupportedCrtValues", "the card does not support the package's kind of key"}                    },
    {5,   {"unsupportedRemoteOperationType", "the package asks for an operation the card does not support"}  },
    {6,   {"unsupportedProfileClass", "the card does not take profiles of this class"}                       },
    {7,   {"scp03tStructureError", "the package is malformed"}                                               },
    {8,   {"scp03tSecurityError", "the package could not be decrypted, or was altered on its way"}           },
    {9,   {"installFailedDueToIccidAlreadyExistsOnEuicc", "a profile with this ICCID is on the card already"}},
    {10,
     {"installFailedDueToInsufficientMemoryForProfile",
      "the card has not enough free memory; delete a profile"}                                               },
    {11,  {"installFailedDueToInterruption", "the installation was interrupted; try again"}                  },
    {12,  {"installFailedDueToPEProcessingError", "the card could not process the content of the profile"}   },
    {13,  {"installFailedDueToDataMismatch", "the profile's content contradicts its metadata"}               },
    {14,
     {"testProfileInstallFailedDueToInvalidNaaKey", "the test profile's key is not one of the test keys"}    },
    {15,  {"pprNotAllowed", "the card does not allow the profile's policy rules"}                            },
    {127, {"installFailedDueToUnknownError", "the installation failed and the card gave no cause"}           },
};

static const struct code_row bpp_codes[] = {
    {BPP_INITIALISE_SECURE_CHANNEL, {"initialiseSecureChannel", "opening the secure channel"}    },
    {BPP_CONFIGURE_ISDP,            {"configureISDP", "creating the profile's security domain"}  },
    {BPP_STORE_METADATA,            {"storeMetadata", "storing the metadata"}                    },
    {BPP_STORE_METADATA2,           {"storeMetadata2", "storing the rest of the metadata"}       },
    {BPP_REPLACE_SESSION_KEYS,      {"replaceSessionKeys", "replacing the session keys"}         },
    {BPP_LOAD_PROFILE_ELEMENTS,     {"loadProfileElements", "loading the content of the profile"}},
};

static const struct code_row cancel_reasons[] = {
    {CANCEL_END_USER_REJECTION,       {"endUserRejection", "the download was refused"}                         },
    {CANCEL_POSTPONED,                {"postponed", "the download was put off"}                                },
    {CANCEL_TIMEOUT,                  {"timeout", "nobody confirmed the download in time"}                     },
    {CANCEL_PPR_NOT_ALLOWED,          {"pprNotAllowed", "the profile's policy rules are not allowed here"}     },
    {CANCEL_METADATA_MISMATCH,        {"metadataMismatch", "the package is not the profile that was announced"}},
    {CANCEL_LOAD_BPP_EXECUTION_ERROR, {"loadBppExecutionError", "the package could not be loaded"}             },
    {CANCEL_UNDEFINED_REASON,         {"undefinedReason", "the session was ended for another reason"}          },
};

struct function_row {
    const char *name;
    der_tag tag;
    const struct code_row *codes;
    size_t count;
};

#define WITH(codes) (codes), COUNT(codes)

static const struct function_row functions[ES10_FUNCTION_MAX] = {
    [ES10_GET_EUICC_CONFIGURED_ADDRESSES] = {"GetEuiccConfiguredAddresses", 0xBF3C, NULL,                             0},
    [ES10_SET_DEFAULT_DP_ADDRESS] = {"SetDefaultDpAddress",                             0xBF3F,               WITH(ok_codes)            },
    [ES10_PREPARE_DOWNLOAD] = {"PrepareDownload",                             0xBF21,                   WITH(prepare_codes)    },
    [ES10_LOAD_BOUND_PROFILE_PACKAGE] = {"LoadBoundProfilePackage",                             0xBF36,           WITH(reason_codes)    },
    [ES10_GET_EUICC_CHALLENGE] = {"GetEUICCChallenge",                             0xBF2E,                 NULL,           0},
    [ES10_GET_EUICC_INFO1] = {"GetEUICCInfo1",                            0xBF20,                                  NULL,                                          0},
    [ES10_GET_EUICC_INFO2] = {"GetEUICCInfo2",                         0xBF22,NULL,0},
    [ES10_LIST_NOTIFICATION] = {"ListNotification",0xBF28,     NULL,                                                 0},
    [ES10_RETRIEVE_NOTIFICATIONS_LIST] = {"RetrieveNotificationsList",            0xBF2B,              WITH(retrieve_codes)                                     },
    [ES10_REMOVE_NOTIFICATION_FROM_LIST] = {"RemoveNotificationFromList",                             0xBF30,         WITH(remove_codes)                       },
    [ES10_LOAD_CRL] = {"LoadCRL",                             0xBF35,        WITH(crl_codes)},
    [ES10_AUTHENTICATE_SERVER] = {"AuthenticateServer",                             0xBF38,                           WITH(authenticate_codes) },
    [ES10_CANCEL_SESSION] = {"CancelSession",                             0xBF41,                WITH(cancel_codes)                                             },
    [ES10_GET_RAT] = {"GetRAT",                             0xBF43,                     NULL,                  0},
    [ES10_GET_PROFILES_INFO] = {"GetProfilesInfo",                             0xBF2D,                            WITH(list_profiles_codes)},
    [ES10_ENABLE_PROFILE] = {"EnableProfile",                            0xBF31,                                  WITH(enable_codes)                                },
    [ES10_DISABLE_PROFILE] = {"DisableProfile",    0xBF32,WITH(disable_codes)                    },
    [ES10_DELETE_PROFILE] = {"DeleteProfile",           0xBF33,WITH(delete_codes)},
    [ES10_EUICC_MEMORY_RESET] = {"eUICCMemoryReset",          0xBF34,                                  WITH(reset_codes)                               },
    [ES10_GET_EID] = {"GetEID",           0xBF3E,                                  NULL,                                                                                 0},
    [ES10_SET_NICKNAME] = {"SetNickname",            0xBF29,WITH(nickname_codes)},
};

static const struct function_row *get_function(enum es10_function f)
{
    LPAD_ASSERT((unsigned)f < ES10_FUNCTION_MAX);
    return &functions[f];
}

const char *es10_function_name(enum es10_function f)
{
    return get_function(f)->name;
}

der_tag es10_function_tag(enum es10_function f)
{
    return get_function(f)->tag;
}

bool es10_function_of_tag(der_tag tag, enum es10_function *ret_function)
{
    for (size_t i = 0; i < ES10_FUNCTION_MAX; i++) {
        if (functions[i].tag != tag)
            continue;
        *ret_function = (enum es10_function)i;
        return true;
    }
    return false;
}

struct code_info es10_result_info(enum es10_function f, uint32_t code)
{
    const struct function_row *row = get_function(f);
    return find_code(row->codes, row->count, code);
}

struct code_info bpp_command_info(uint32_t id)
{
    for (size_t i = 0; i < COUNT(bpp_codes); i++)
        if (bpp_codes[i].code == id)
            return bpp_codes[i].info;
    return (struct code_info){"unknown", "a step of the installation that this version does not know"};
}

struct code_info error_reason_info(uint32_t reason)
{
    return find_code(WITH(reason_codes), reason);
}

struct code_info cancel_reason_info(uint32_t reason)
{
    for (size_t i = 0; i < COUNT(cancel_reasons); i++)
        if (cancel_reasons[i].code == reason)
            return cancel_reasons[i].info;
    return (struct code_info){"unknown",
                              "the session was ended for a reason that this version does not know"};
}

struct sw_row {
    uint16_t sw;
    const char *words;
};

static const struct sw_row sw_rows[] = {
    {0x9000, "success"                                                                  },
    {0x6581, "the card could not write its memory"                                      },
    {0x6700, "the card does not accept the length of the command"                       },
    {0x6881, "the card does not support this logical channel"                           },
    {0x6882, "the card does not support secure messaging"                               },
    {0x6982, "the card refuses: its security conditions are not met"                    },
    {0x6985, "the card refuses: not possible in its present state"                      },
    {0x6999, "the card refuses to select the application"                               },
    {0x6A80, "the card does not accept the data of the command"                         },
    {0x6A81, "the card does not support the function, or has no free logical channel"   },
    {0x6A82, "the application is not on the card; it may not be an eUICC"               },
    {0x6A84, "the card has not enough memory"                                           },
    {0x6A86, "the card does not accept the parameters of the command"                   },
    {0x6A88, "the card does not have the data that the command names"                   },
    {0x6D00, "the card does not know the command"                                       },
    {0x6E00, "the card does not know the class of the command, or the channel is closed"},
    {0x6F00, "the card failed and gave no cause"                                        },
};

const char *sw_words(uint16_t sw)
{
    for (size_t i = 0; i < COUNT(sw_rows); i++)
        if (sw_rows[i].sw == sw)
            return sw_rows[i].words;
    switch (sw >> 8) {
    case 0x61:
        return "success; more of the response is waiting";
    case 0x6C:
        return "the card asks for another response length";
    case 0x90:
    case 0x91:
        return "success; the card has a command for the device";
    case 0x62:
    case 0x63:
        return "done, with a warning of the card";
    case 0x64:
    case 0x65:
        return "the card failed in executing the command";
    case 0x66:
        return "the card or its reader failed in a security related way";
    case 0x68:
        return "the card does not support the channel or class of the command";
    case 0x69:
        return "the card does not allow the command now";
    case 0x6A:
    case 0x6B:
        return "the card does not accept the parameters of the command";
    case 0x93:
        return "the card is busy with a toolkit session; try again in a moment";
    default:
        break;
    }
    return "the card answered with a status that this version does not know";
}
