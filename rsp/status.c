// SPDX-License-Identifier: Apache-2.0
// The status codes of ES9+ and ES11 servers: a subject, a reason, and what to do about the pair.
#include "rsp/result.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct subject_row {
    const char *code;
    const char *name;
};

static const struct subject_row subjects[] = {
    {"1",      "request"                             },
    {"1.1",    "function requester"                  },
    {"1.2",    "function caller"                     },
    {"1.3",    "request header"                      },
    {"1.6",    "function"                            },
    {"8.1",    "eUICC"                               },
    {"8.1.1",  "EID"                                 },
    {"8.1.2",  "certificate of the card's maker"     },
    {"8.1.3",  "certificate of the card"             },
    {"8.1.4",  "EID range of the card's maker"       },
    {"8.2",    "profile"                             },
    {"8.2.1",  "ICCID"                               },
    {"8.2.5",  "profile type"                        },
    {"8.2.6",  "matching ID"                         },
    {"8.2.7",  "confirmation code"                   },
    {"8.8",    "SM-DP+"                              },
    {"8.8.1",  "SM-DP+ address"                      },
    {"8.8.2",  "security configuration of the SM-DP+"},
    {"8.8.3",  "SGP.22 version of the card"          },
    {"8.8.4",  "certificate of the SM-DP+"           },
    {"8.8.5",  "download order"                      },
    {"8.9",    "SM-DS"                               },
    {"8.9.1",  "SM-DS address"                       },
    {"8.9.2",  "security configuration of the SM-DS" },
    {"8.9.3",  "SGP.22 version of the card"          },
    {"8.9.4",  "certificate of the SM-DS"            },
    {"8.9.5",  "event"                               },
    {"8.10.1", "transaction identifier"              },
    {"8.11.1", "certificate issuer's key"            },
};

struct pair_row {
    const char *subject;
    const char *reason;
    const char *name;
    enum status_class class;
    const char *words;
    const char *advice;
};

#define ASK_OPERATOR "Ask the operator for a new activation code."
#define CHECK_CI                                                                                             \
    "Card and server must share a certificate issuer: check that a production card is used with a "          \
    "production server, and a test card with a test server."
#define START_AGAIN "Start the download again."
#define LATER       "Try again later."
#define OTHER_CARD  "Use another card, or ask its maker."
#define ORDER_WRONG "The order at the server is faulty: give both codes to the operator that made it."
#define REPORT_LPAD "Give both codes to the operator of the server, and report them to the makers of lpad."

// In the order of SGP.22's subjects: the function, the eUICC, the profile, the SM-DP+, the SM-DS.
// Aligned, the columns would not fit on a line.
// clang-format off
static const struct pair_row pairs[] = {
    {"1.6", "1.2", "functionNotAllowed", STATUS_OPERATOR,
     "The server does not allow this function.",
     "Ask the operator whether the order is meant for this kind of device."},
    {"1.6", "2.1", "functionInvalid", STATUS_PERMANENT,
     "The server calls the request invalid.",
     REPORT_LPAD},
    {"1.6", "2.2", "functionElementMissing", STATUS_PERMANENT,
     "The server misses a mandatory element of the request.",
     REPORT_LPAD},
    {"1.6", "2.3", "functionConditionalElementMissing", STATUS_PERMANENT,
     "The server misses an element of the request that it needs here.",
     REPORT_LPAD},
    {"1.6", "3.1", "functionUnsupported", STATUS_PERMANENT,
     "The server does not support this function.",
     REPORT_LPAD},
    {"1.6", "4.2", "functionFailed", STATUS_RETRY,
     "The server failed to carry the request out.",
     LATER},
    {"1.6", "4.3", "functionStopped", STATUS_RETRY,
     "The server stopped in the middle of the request.",
     LATER},
    {"1.6", "5.1", "functionInaccessible", STATUS_RETRY,
     "The server cannot be reached for this function.",
     LATER},
    {"8.1", "4.8", "cardMemoryInsufficient", STATUS_OPERATOR,
     "The profile is too large for the free memory of the card.",
     "Delete a profile that is not needed, then start the download again."},
    {"8.1", "6.1", "cardSignatureInvalid", STATUS_RETRY,
     "The server could not verify the card's signature.",
     "Start the download again; if it happens again, ask the card's maker."},
    {"8.1.1", "2.2", "eidMissing", STATUS_OPERATOR,
     "The server needs the card's EID in the order and has none.",
     "Give the operator this card's EID."},
    {"8.1.1", "3.1", "eidUnsupported", STATUS_OPERATOR,
     "The server does not support this card's EID.",
     "Give the operator this card's EID, and ask for a suitable order."},
    {"8.1.1", "3.8", "eidRefused", STATUS_OPERATOR,
     "The profile is reserved for another card.",
     "Use the card for which the code was issued, or give the operator this card's EID."},
    {"8.1.1", "3.10", "eidAssociationInvalid", STATUS_OPERATOR,
     "The order belongs to the EID of another card.",
     "Use the card for which the code was issued, or give the operator this card's EID."},
    {"8.1.2", "6.1", "eumCertificateInvalid", STATUS_PERMANENT,
     "The server does not accept the certificate of the card's maker.",
     CHECK_CI},
    {"8.1.2", "6.3", "eumCertificateExpired", STATUS_PERMANENT,
     "The certificate of the card's maker has expired.",
     OTHER_CARD},
    {"8.1.3", "6.1", "cardCertificateInvalid", STATUS_PERMANENT,
     "The server does not accept the card's certificate.",
     OTHER_CARD},
    {"8.1.3", "6.3", "cardCertificateExpired", STATUS_PERMANENT,
     "The card's certificate has expired.",
     OTHER_CARD},
    {"8.1.4", "6.1", "eidOutsideMakersRange", STATUS_PERMANENT,
     "The card's EID is outside the range of its maker's certificate.",
     OTHER_CARD},
    {"8.2", "1.2", "profileNotReleased", STATUS_OPERATOR,
     "The operator has not released the profile yet.",
     "Ask the operator to release it, then start the download again."},
    {"8.2", "3.7", "profileUnavailable", STATUS_OPERATOR,
     "The profile is no longer available: it was downloaded before and the server does not send it again.",
     ASK_OPERATOR},
    {"8.2.1", "1.2", "iccidNotAllowed", STATUS_OPERATOR,
     "The server does not allow the use of the profile with this ICCID.",
     ORDER_WRONG},
    {"8.2.1", "3.1", "iccidUnsupported", STATUS_OPERATOR,
     "The server does not support the ICCID of the order.",
     ORDER_WRONG},
    {"8.2.1", "3.3", "iccidInUse", STATUS_OPERATOR,
     "The profile with this ICCID is in use already.",
     ASK_OPERATOR},
    {"8.2.1", "3.5", "iccidStateInvalid", STATUS_OPERATOR,
     "The profile with this ICCID is not in a state in which it can be downloaded.",
     ASK_OPERATOR},
    {"8.2.1", "3.9", "iccidUnknown", STATUS_OPERATOR,
     "The server does not know the ICCID of the order.",
     ORDER_WRONG},
    {"8.2.1", "3.10", "iccidAssociationInvalid", STATUS_OPERATOR,
     "The ICCID of the order belongs to another card or profile type.",
     ORDER_WRONG},
    {"8.2.5", "1.2", "profileTypeNotAllowed", STATUS_OPERATOR,
     "The server does not allow a profile of the ordered type.",
     ORDER_WRONG},
    {"8.2.5", "3.7", "profileTypeUnavailable", STATUS_OPERATOR,
     "The server has no profile of the ordered type left.",
     ASK_OPERATOR},
    {"8.2.5", "3.8", "profileTypeRefused", STATUS_OPERATOR,
     "The server refuses a profile of the ordered type.",
     ORDER_WRONG},
    {"8.2.5", "3.9", "profileTypeUnknown", STATUS_OPERATOR,
     "The server does not know the ordered profile type.",
     ORDER_WRONG},
    {"8.2.5", "4.3", "noEligibleProfile", STATUS_OPERATOR,
     "The server has no profile that fits this card and device.",
     "Tell the operator the card's EID and the device type, and ask for a suitable profile."},
    {"8.2.5", "5.1", "profileTypeInaccessible", STATUS_OPERATOR,
     "The server has no profile of the ordered type.",
     ASK_OPERATOR},
    {"8.2.6", "3.1", "matchingIdUnsupported", STATUS_OPERATOR,
     "The server does not support this kind of activation code.",
     ASK_OPERATOR},
    {"8.2.6", "3.3", "matchingIdInUse", STATUS_OPERATOR,
     "The activation code is in use already.",
     ASK_OPERATOR},
    {"8.2.6", "3.8", "matchingIdRefused", STATUS_OPERATOR,
     "The server does not know this activation code, or it was used already.",
     "Check the code; if it is right, ask the operator for a new one."},
    {"8.2.6", "3.10", "matchingIdAssociationInvalid", STATUS_OPERATOR,
     "The activation code belongs to another order.",
     ASK_OPERATOR},
    {"8.2.7", "2.2", "confirmationCodeMissing", STATUS_OPERATOR,
     "The server asks for a confirmation code.",
     "Start the download again and give the confirmation code that came with the activation code."},
    {"8.2.7", "3.8", "confirmationCodeRefused", STATUS_OPERATOR,
     "The confirmation code is wrong.",
     "Check the code before the next try: after a few wrong ones the order is closed."},
    {"8.2.7", "6.4", "confirmationCodeRetriesExceeded", STATUS_OPERATOR,
     "A wrong confirmation code was given too many times; the order is closed.",
     ASK_OPERATOR},
    {"8.8", "3.1", "smdpUnsupported", STATUS_OPERATOR,
     "The server does not support what was ordered.",
     ORDER_WRONG},
    {"8.8", "3.10", "smdpAssociationInvalid", STATUS_PERMANENT,
     "The server says that the session belongs to another server.",
     START_AGAIN},
    {"8.8", "4.2", "smdpFailed", STATUS_RETRY,
     "The server failed.",
     LATER},
    {"8.8", "5.1", "smdpInaccessible", STATUS_RETRY,
     "A system behind the server could not be reached.",
     LATER},
    {"8.8.1", "3.8", "smdpAddressRefused", STATUS_OPERATOR,
     "The server says that it does not serve this address.",
     "Check the server address in the activation code."},
    {"8.8.2", "3.1", "smdpSecurityUnsupported", STATUS_PERMANENT,
     "Server and card have no certificate issuer in common.",
     CHECK_CI},
    {"8.8.3", "3.1", "smdpVersionUnsupported", STATUS_PERMANENT,
     "The server does not support the card's version of SGP.22.",
     "Ask the operator for a profile on another server, or use a newer card."},
    {"8.8.4", "3.7", "smdpCertificateUnavailable", STATUS_PERMANENT,
     "The server has no certificate that this card can verify.",
     CHECK_CI},
    {"8.8.5", "4.1", "downloadOrderExpired", STATUS_OPERATOR,
     "The download order has expired.",
     ASK_OPERATOR},
    {"8.8.5", "4.10", "downloadOrderExpired", STATUS_OPERATOR,
     "The download order has expired.",
     ASK_OPERATOR},
    {"8.8.5", "6.4", "downloadRetriesExceeded", STATUS_OPERATOR,
     "The download was tried too many times; the order is closed.",
     ASK_OPERATOR},
    {"8.9", "4.2", "smdsFailed", STATUS_RETRY,
     "The discovery server failed.",
     LATER},
    {"8.9", "5.1", "smdsInaccessible", STATUS_RETRY,
     "The root discovery server could not be reached.",
     LATER},
    {"8.9.1", "3.8", "smdsAddressRefused", STATUS_OPERATOR,
     "The discovery server says that it does not serve this address.",
     "Check the discovery server address."},
    {"8.9.2", "3.1", "smdsSecurityUnsupported", STATUS_PERMANENT,
     "Discovery server and card have no certificate issuer in common.",
     CHECK_CI},
    {"8.9.3", "3.1", "smdsVersionUnsupported", STATUS_PERMANENT,
     "The discovery server does not support the card's version of SGP.22.",
     "Use an activation code instead."},
    {"8.9.4", "3.7", "smdsCertificateUnavailable", STATUS_PERMANENT,
     "The discovery server has no certificate that this card can verify.",
     CHECK_CI},
    {"8.9.5", "3.3", "eventInUse", STATUS_PERMANENT,
     "The discovery server has this event already.",
     "Nothing to do."},
    {"8.9.5", "3.9", "eventUnknown", STATUS_PERMANENT,
     "The discovery server no longer knows this event.",
     "Nothing to do: the profile was downloaded or withdrawn. Ask the operator if it is missing."},
    {"8.10.1", "3.9", "transactionUnknown", STATUS_RETRY,
     "The server no longer knows this session.",
     START_AGAIN},
    {"8.11.1", "3.9", "ciUnknown", STATUS_PERMANENT,
     "The server does not know the issuer of the card's certificates.",
     CHECK_CI},
};
// clang-format on

// What a reason says on its own, from the exact code to the family.
struct reason_row {
    const char *code; // "3.8", or "3" for the family
    const char *name;
    enum status_class class;
    const char *words;
};

#define ADVICE_RETRY     "Try again later."
#define ADVICE_PERMANENT "Report both codes to the operator of the server."
#define ADVICE_OPERATOR  "Give both codes to the operator that issued the activation code."

static const struct reason_row reasons[] = {
    {"1.1",  "accessDenied",              STATUS_OPERATOR,  "The server does not know who is asking."              },
    {"1.2",  "notAllowed",                STATUS_OPERATOR,  "The server does not allow it."                        },
    {"1",    "accessDenied",              STATUS_OPERATOR,  "The server denies access."                            },
    {"2.1",  "invalid",                   STATUS_PERMANENT, "The server calls an element of the request invalid."  },
    {"2.2",  "elementMissing",            STATUS_PERMANENT, "The server misses a mandatory element of the request."},
    {"2.3",  "conditionalElementMissing", STATUS_PERMANENT,
     "The server misses an element of the request that is needed here."                                            },
    {"2",    "malformed",                 STATUS_PERMANENT, "The server calls the request malformed."              },
    {"3.1",  "unsupported",               STATUS_PERMANENT, "The server does not support it."                      },
    {"3.3",  "inUse",                     STATUS_OPERATOR,  "The server says that it is in use already."           },
    {"3.5",  "stateInvalid",              STATUS_OPERATOR,  "The server says that its state does not allow it."    },
    {"3.7",  "unavailable",               STATUS_OPERATOR,  "The server says that it is not available."            },
    {"3.8",  "refused",                   STATUS_OPERATOR,  "The server refused."                                  },
    {"3.9",  "unknown",                   STATUS_OPERATOR,  "The server does not know it."                         },
    {"3.10", "associationInvalid",        STATUS_OPERATOR,
     "The server says that the parts of the request do not belong together."                                       },
    {"3",    "conditionNotMet",           STATUS_OPERATOR,  "The server says that a condition is not met."         },
    {"4.2",  "failed",                    STATUS_RETRY,     "The server failed."                                   },
    {"4.3",  "stopped",                   STATUS_RETRY,     "The server stopped on an error."                      },
    {"4.8",  "memoryInsufficient",        STATUS_OPERATOR,  "There is not enough memory."                          },
    {"4.10", "expired",                   STATUS_OPERATOR,  "It has expired."                                      },
    {"4",    "failed",                    STATUS_RETRY,     "The server failed."                                   },
    {"5.1",  "inaccessible",              STATUS_RETRY,     "A system behind the server could not be reached."     },
    {"5",    "inaccessible",              STATUS_RETRY,     "A system behind the server could not be reached."     },
    {"6.1",  "verificationFailed",        STATUS_PERMANENT, "The server could not verify it."                      },
    {"6.3",  "expired",                   STATUS_PERMANENT, "It has expired."                                      },
    {"6.4",  "retriesExceeded",           STATUS_OPERATOR,  "It was tried too many times."                         },
    {"6",    "securityError",             STATUS_PERMANENT, "The server found a security error."                   },
};

static const char *find_subject(const char *code)
{
    for (size_t i = 0; i < COUNT(subjects); i++)
        if (strcmp(subjects[i].code, code) == 0)
            return subjects[i].name;
    return "server";
}

static const struct reason_row *find_reason(const char *code, size_t len)
{
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (strlen(reasons[i].code) == len && memcmp(reasons[i].code, code, len) == 0)
            return &reasons[i];
    return NULL;
}

static const char *class_advice(enum status_class c)
{
    switch (c) {
    case STATUS_RETRY: return ADVICE_RETRY;
    case STATUS_PERMANENT: return ADVICE_PERMANENT;
    case STATUS_OPERATOR:
    case STATUS_CLASS_MAX: break;
    }
    return ADVICE_OPERATOR;
}

struct status_info status_explain(const char *subject_code, const char *reason_code)
{
    const char *subject = find_subject(subject_code);
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const struct pair_row *p = &pairs[i];
        if (strcmp(p->subject, subject_code) == 0 && strcmp(p->reason, reason_code) == 0)
            return (struct status_info){p->name, subject, p->words, p->advice, p->class, true};
    }
    const struct reason_row *r = find_reason(reason_code, strlen(reason_code));
    if (!r)
        r = find_reason(reason_code, strcspn(reason_code, "."));
    if (!r)
        return (struct status_info){"unknownStatus",
                                    subject,
                                    "The server refused with a code that this version does not know.",
                                    ADVICE_OPERATOR,
                                    STATUS_OPERATOR,
                                    false};
    return (struct status_info){r->name, subject, r->words, class_advice(r->class), r->class, false};
}

const char *status_class_name(enum status_class c)
{
    switch (c) {
    case STATUS_RETRY: return "retry";
    case STATUS_PERMANENT: return "permanent";
    case STATUS_OPERATOR: return "operator";
    case STATUS_CLASS_MAX: break;
    }
    return "unknown";
}
