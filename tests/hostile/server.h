// SPDX-License-Identifier: Apache-2.0
// The SM-DP+ of these tests: the simulated one without TLS, called directly, so that what it says can be
// kept, changed and signed again before a broker hands it on.
//
// It is a shared library: the simulators and lpad have names in common, and none of theirs leaves it.
#ifndef LPAD_TESTS_HOSTILE_SERVER_H
#define LPAD_TESTS_HOSTILE_SERVER_H

#include "tests/sim/common/tlv.h"

#define SERVER_API      __attribute__((visibility("default")))
#define SERVER_TID_SIZE 16

// What a server sends in one session, each a whole TLV.
enum part {
    PART_SERVER_SIGNED1,
    PART_SERVER_SIGNATURE1,
    PART_CI_PK_ID,
    PART_SERVER_CERTIFICATE,
    PART_METADATA,
    PART_SMDP_SIGNED2,
    PART_SMDP_SIGNATURE2,
    PART_SMDP_CERTIFICATE,
    PART_PACKAGE,
    PART_MAX,
};

struct server;

// NULL with a reason on standard error.
SERVER_API struct server *server_new(const char *credentials, const char *orders, const char *address);
SERVER_API void server_free(struct server *server);

// ES9+ functions (SGP.22 v2.5, 5.6). Each replaces its parts and returns "Executed-Success", or the status as
// "SUBJECT/REASON" (borrowed until the next call).
SERVER_API const char *server_initiate(struct server *server, struct slice challenge, struct slice info1,
                                       struct tlvb parts[static PART_MAX],
                                       uint8_t ret_tid[static SERVER_TID_SIZE]);
SERVER_API const char *server_authenticate(struct server *server, struct slice authenticate_server_response,
                                           struct tlvb parts[static PART_MAX]);
// `fault` NULL, or an entry of the simulated SM-DP+'s fault file as JSON, with the action "bpp".
SERVER_API const char *server_package(struct server *server, struct slice prepare_download_response,
                                      const char *fault, struct tlvb parts[static PART_MAX]);

// Signs serverSigned1 anew, as it is now.
SERVER_API bool server_sign1(struct server *server, struct tlvb parts[static PART_MAX]);
// Signs smdpSigned2 anew, as it is now, after the session's euiccSignature1 (SGP.22 v2.5, 5.6.3).
SERVER_API bool server_sign2(struct server *server, struct slice authenticate_server_response,
                             struct tlvb parts[static PART_MAX]);

// A DPauth certificate of the same key and issuer with other names: the subjectAltName's content replaced by
// `alt_name`, in the form of OpenSSL's configuration ("RID:1.2.3"); NULL: without the extension.
SERVER_API bool server_certificate(struct server *server, const char *alt_name, struct tlvb *out);

#endif
