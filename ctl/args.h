// SPDX-License-Identifier: Apache-2.0
// The command line: which command, its options and its arguments, from one table that --help prints too.
#ifndef LPAD_CTL_ARGS_H
#define LPAD_CTL_ARGS_H

#include "ctl/exit_code.h"
#include "lib/bytes.h"
#include "rsp/iccid.h"

#define PROFILE_AID_MAX 16

#define SOCKET_PATH_DEFAULT "/run/lpad/control.sock"
#define SOCKET_PATH_OF_CARD "/run/lpad/%s/control.sock"
#define LIBEXEC_VARIABLE    "LPAD_LIBEXEC" // in the environment: the folder of lpad's programs
#define AUDIT_LINES_DEFAULT 10
#define AUDIT_LINES_MAX     1000000
#define AUDIT_FILES_MAX     64 // of a report
#define AUDIT_FILE_DEFAULT  "/var/log/lpad/audit.jsonl"
// The longest silence of lpad that is waited for, in seconds. Its own deadlines are shorter and say more.
#define TIMEOUT_DEFAULT 180
#define TIMEOUT_MAX     86400

enum command {
    COMMAND_NONE, // none could be read
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMAND_STATUS,
    COMMAND_EUICC_INFO,
    COMMAND_EUICC_RESET,
    COMMAND_EUICC_DEFAULT_ADDRESS,
    COMMAND_EUICC_LOAD_CRL,
    COMMAND_PROFILE_LIST,
    COMMAND_PROFILE_ICON,
    COMMAND_PROFILE_ENABLE,
    COMMAND_PROFILE_DISABLE,
    COMMAND_PROFILE_DELETE,
    COMMAND_PROFILE_NICKNAME,
    COMMAND_PROFILE_DOWNLOAD,
    COMMAND_PROFILE_DISCOVER,
    COMMAND_NOTIFICATION_LIST,
    COMMAND_NOTIFICATION_DELIVER,
    COMMAND_NOTIFICATION_RESEND,
    COMMAND_HOLD,
    COMMAND_RELEASE,
    COMMAND_POLICY_EXPLAIN,
    COMMAND_POLICY_RELOAD,
    COMMAND_POLICY_CHECK,
    COMMAND_POLICY_TEST,
    COMMAND_AUDIT_VERIFY,
    COMMAND_AUDIT_TAIL,
    COMMAND_AUDIT_HEAD,
    COMMAND_AUDIT_ENROL,
    COMMAND_AUDIT_REPORT,
    COMMAND_MAX,
};

// "profile enable"; never NULL.
const char *command_name(enum command command);

// The profile that a command is for, as it was named.
struct profile_name {
    bool is_aid; // else an ICCID
    struct iccid iccid;
    uint8_t aid[PROFILE_AID_MAX];
    size_t aid_len;
};

struct args {
    enum command command;
    bool json;
    bool no_color;
    bool yes;
    bool strong_yes; // only together with yes
    bool no_refresh;
    bool code_stdin;
    bool head;
    int code_fd;              // -1: not given
    int confirmation_code_fd; // -1: not given
    int timeout_ms;           // -1: for ever
    const char *socket_path;  // NULL: that of `card`, /run/lpad/NAME/control.sock
    const char *card;         // NULL: the only one
    struct profile_name profile;
    const char *nickname;
    const char *file;   // "-": standard input
    const char *output; // NULL: standard output
    bool rat;
    bool reset_operational, reset_test, reset_default_address; // at least one for euicc reset
    const char *address;                  // of euicc default-address; "" removes it, NULL shows it
    bool download;                        // profile discover
    bool from_default;                    // profile download
    const char *event_address, *event_id; // profile download; both or neither
    uint32_t sequence_number;
    uint64_t hold_ms;  // 0: until a release
    const char *trace; // of policy test, beside `file`
    bool strict;       // policy check
    bool quiet;        // policy test
    bool follow;                        // audit tail
    bool has_after;                     // audit tail --after
    uint64_t after_seq;                 // of it
    uint64_t lines;                     // audit tail: how many of the last ones, when not has_after
    const char *files[AUDIT_FILES_MAX]; // audit report
    size_t file_count;
    bool has_expected; // --expect SEQ:HASH
    uint64_t expected_seq;
    const char *expected_hash; // 64 lower-case hexadecimal digits
};

#define ARGS_MESSAGE_MAX 512

// Reads argv[1..]. Texts in the result borrow from argv and from `env_socket` (LPAD_SOCKET, may be NULL).
// ERR_INPUT: `message` says what is wrong, in a sentence, with nothing of an argument that may be a secret;
// `ret_args` then tells at least whether JSON is wanted. An argument that looks like an activation code is
// refused and overwritten in argv, which every user of the machine can read.
LPAD_NODISCARD enum err args_parse(int argc, char **argv, const char *env_socket, struct args *ret_args,
                                   char message[static ARGS_MESSAGE_MAX]);

// The whole --help text: commands, options, exit codes.
void args_put_help(struct buf *out);

#endif
