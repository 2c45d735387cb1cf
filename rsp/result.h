// SPDX-License-Identifier: Apache-2.0
// Names and plain words for every code that a card or a server answers with.
//
// The names are those of the SGP.22 v2.5 module, so that a log line can be looked up in the standard;
// the words are for people. Nothing here returns NULL, and unknown codes have words too: newer cards
// and servers send them.
#ifndef LPAD_RSP_RESULT_H
#define LPAD_RSP_RESULT_H

#include "lib/der.h"

// --- ES10 functions and their result codes (SGP.22 v2.5, 5.7) ---

enum es10_function {
    ES10_GET_EUICC_CONFIGURED_ADDRESSES, // BF3C
    ES10_SET_DEFAULT_DP_ADDRESS,         // BF3F
    ES10_PREPARE_DOWNLOAD,               // BF21
    ES10_LOAD_BOUND_PROFILE_PACKAGE,     // BF36; codes: see error_reason_info
    ES10_GET_EUICC_CHALLENGE,            // BF2E
    ES10_GET_EUICC_INFO1,                // BF20
    ES10_GET_EUICC_INFO2,                // BF22
    ES10_LIST_NOTIFICATION,              // BF28
    ES10_RETRIEVE_NOTIFICATIONS_LIST,    // BF2B
    ES10_REMOVE_NOTIFICATION_FROM_LIST,  // BF30
    ES10_LOAD_CRL,                       // BF35
    ES10_AUTHENTICATE_SERVER,            // BF38
    ES10_CANCEL_SESSION,                 // BF41
    ES10_GET_RAT,                        // BF43
    ES10_GET_PROFILES_INFO,              // BF2D
    ES10_ENABLE_PROFILE,                 // BF31
    ES10_DISABLE_PROFILE,                // BF32
    ES10_DELETE_PROFILE,                 // BF33
    ES10_EUICC_MEMORY_RESET,             // BF34
    ES10_GET_EID,                        // BF3E
    ES10_SET_NICKNAME,                   // BF29
    ES10_FUNCTION_MAX,
};

// A code's name in the module ("catBusy") and a sentence for people. Both are static.
struct code_info {
    const char *name;
    const char *words;
};

const char *es10_function_name(enum es10_function f); // "EnableProfile"
der_tag es10_function_tag(enum es10_function f);
// false when no function has this tag.
bool es10_function_of_tag(der_tag tag, enum es10_function *ret_function);

// What a result or error code of this function means. Zero is ok where the function has an ok code.
struct code_info es10_result_info(enum es10_function f, uint32_t code);

#define ES10_RESULT_OK       0
#define ES10_CAT_BUSY        5
#define ES10_UNDEFINED_ERROR 127

// --- loading a Bound Profile Package (SGP.22 v2.5, 2.5.6) ---

enum bpp_command {
    BPP_INITIALISE_SECURE_CHANNEL = 0,
    BPP_CONFIGURE_ISDP = 1,
    BPP_STORE_METADATA = 2,
    BPP_STORE_METADATA2 = 3,
    BPP_REPLACE_SESSION_KEYS = 4,
    BPP_LOAD_PROFILE_ELEMENTS = 5,
    BPP_COMMAND_MAX,
};

struct code_info bpp_command_info(uint32_t id);

enum error_reason {
    ERROR_REASON_INCORRECT_INPUT_VALUES = 1,
    ERROR_REASON_INVALID_SIGNATURE = 2,
    ERROR_REASON_INVALID_TRANSACTION_ID = 3,
    ERROR_REASON_UNSUPPORTED_CRT_VALUES = 4,
    ERROR_REASON_UNSUPPORTED_REMOTE_OPERATION_TYPE = 5,
    ERROR_REASON_UNSUPPORTED_PROFILE_CLASS = 6,
    ERROR_REASON_SCP03T_STRUCTURE_ERROR = 7,
    ERROR_REASON_SCP03T_SECURITY_ERROR = 8,
    ERROR_REASON_ICCID_ALREADY_EXISTS = 9,
    ERROR_REASON_INSUFFICIENT_MEMORY = 10,
    ERROR_REASON_INTERRUPTION = 11,
    ERROR_REASON_PE_PROCESSING_ERROR = 12,
    ERROR_REASON_DATA_MISMATCH = 13,
    ERROR_REASON_INVALID_NAA_KEY = 14,
    ERROR_REASON_PPR_NOT_ALLOWED = 15,
    ERROR_REASON_UNKNOWN_ERROR = 127,
};

struct code_info error_reason_info(uint32_t reason);

// --- cancelling a session (SGP.22 v2.5, 5.7.14) ---

enum cancel_reason {
    CANCEL_END_USER_REJECTION = 0,
    CANCEL_POSTPONED = 1,
    CANCEL_TIMEOUT = 2,
    CANCEL_PPR_NOT_ALLOWED = 3,
    CANCEL_METADATA_MISMATCH = 4,
    CANCEL_LOAD_BPP_EXECUTION_ERROR = 5,
    CANCEL_UNDEFINED_REASON = 127,
};

struct code_info cancel_reason_info(uint32_t reason);

// --- ES9+ and ES11 status codes (SGP.22 v2.5, 5.2.6 and 6.5.2) ---

enum status_class {
    STATUS_RETRY,     // the same order may succeed later, without anybody's help
    STATUS_PERMANENT, // this order will not succeed on this device
    STATUS_OPERATOR,  // somebody must act first: the person who asked, or the operator of the server
    STATUS_CLASS_MAX,
};

struct status_info {
    const char *name;    // of the error, for programs: "matchingIdRefused"; of the family for an unknown pair
    const char *subject; // "Matching ID"; "server" for an unknown subject
    const char *words;   // what happened
    const char *advice;  // what to do; never empty
    enum status_class class;
    bool known; // the pair is in the table; otherwise the words come from the reason's family
};

// Codes as the server sent them, "8.2.6" and "3.8"; any text is accepted and none is repeated.
struct status_info status_explain(const char *subject_code, const char *reason_code);
const char *status_class_name(enum status_class c); // "retry", "permanent", "operator"

// --- status words of the card (ISO/IEC 7816-4, SGP.22 v2.5, 5.7.2) ---

const char *sw_words(uint16_t sw);

#endif
