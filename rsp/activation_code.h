// SPDX-License-Identifier: Apache-2.0
// The activation code that a person scans or types: SGP.22 v2.5, 4.1.
//
//     [LPA:]1$<SM-DP+ address>$<token>[$<SM-DP+ OID>[$<confirmation code required>[$...]]]
//
// The code is a voucher: who has it can download the profile. No message made here contains it.
#ifndef LPAD_RSP_ACTIVATION_CODE_H
#define LPAD_RSP_ACTIVATION_CODE_H

#include "rsp/host.h"
#include "rsp/oid.h"

#define ACTIVATION_CODE_MAX 255 // characters, without "LPA:" and without spaces at the ends
#define MATCHING_ID_MAX     256 // with the terminating zero

struct activation_code {
    char smdp_address[HOST_TEXT_MAX];  // as it goes to the server: host[:port], lower case
    struct host host;                  // the same, taken apart: name, port, is_ip_literal, is_local_name
    char matching_id[MATCHING_ID_MAX]; // the token; "" when there is none
    char smdp_oid[OID_TEXT_MAX];       // "" when the code does not bind the server to one
    bool confirmation_code_required;   // a hint: the server has the last word (ccRequiredFlag)
};

enum activation_code_error {
    ACTIVATION_CODE_OK,
    ACTIVATION_CODE_EMPTY,
    ACTIVATION_CODE_TOO_LONG,
    ACTIVATION_CODE_CHARACTER,  // a control character, or one outside ASCII
    ACTIVATION_CODE_FORMAT,     // does not begin with "1$"
    ACTIVATION_CODE_INCOMPLETE, // no "$" after the address
    ACTIVATION_CODE_NO_ADDRESS, // the address is empty
    ACTIVATION_CODE_SCHEME,     // the address has a scheme that is not https
    ACTIVATION_CODE_ADDRESS,    // the address is not host[:port]
    ACTIVATION_CODE_TOKEN,      // the token has a character that is not a letter, a digit or "-"
    ACTIVATION_CODE_OID,        // the OID is not dotted decimals
    ACTIVATION_CODE_ERROR_MAX,
};

// What real codes need is tolerated: spaces and line ends around the code and its address, "LPA:" in
// any case, "https://" before the address, small letters in the token (kept), empty or further fields
// at the end. `*ret_code` is written only on ACTIVATION_CODE_OK.
LPAD_NODISCARD enum activation_code_error activation_code_parse(const char *text, size_t len,
                                                                struct activation_code *ret_code);

// One or two sentences: what is wrong, and what to do. Never NULL.
const char *activation_code_words(enum activation_code_error e);

#endif
