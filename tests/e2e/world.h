// SPDX-License-Identifier: Apache-2.0
// A whole small world for end-to-end tests: a test PKI, a simulated eUICC, a simulated SM-DP+, and lpad with
// its five real processes, in a folder of its own under the temporary directory.
//
// Everything fails the cmocka test that runs when it does not work. Every wait is for an event: the
// simulators' ready descriptors, the service manager's READY=1, the end of a process, a line in a log.
#ifndef LPAD_TESTS_E2E_WORLD_H
#define LPAD_TESTS_E2E_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#define WORLD_PATH_MAX    256
#define WORLD_SERVICE_UID 61000
#define WORLD_ICCID       "8949449999999990031"
#define WORLD_OTHER_ICCID "8949449999999990049"
#define WORLD_CODE        "LPA:1$smdp.example.com$MATCHING-1"
#define WORLD_HOST        "smdp.example.com"
#define WORLD_EID         "89049032123451234512345678901235"
#define WORLD_SMDS_MAX    2

// All may be NULL or 0: then the default.
struct world_options {
    const char *policy;  // the policy's text; "" for none. Default: the user of the test may do everything
    const char *order;   // members of the order's JSON, to be added to the default ones:
                         // "\"confirmationCode\":\"1234\""
    const char *initial; // JSON of the card's first state
    const char *euicc_faults;      // JSON array
    const char *smdp_faults;       // JSON array
    const char *const *euicc_args; // more arguments, NULL-terminated
    const char *const *smdp_args;
    const char
        *smdp_credentials;      // a folder of the PKI, e.g. "nist-wrong-tls-expired"; default: the right ones
    const char *config_network; // lines to add under `network:`, each with two blanks before it
    const char *config_audit;   // keys to add to `audit:`, each after a comma
    const char *audit_folder;   // of the world's, for the audit's file; default: the world's own
    const char *config_card;    // likewise under `card:`
    const char *config_transport; // in place of the lines that name the simulated eUICC's socket
    const char *config_limits;    // likewise under `limits:`
    const char *config_top;       // whole lines to add
    const char *libexec;          // where the processes' programs lie; default: the build's
    const char *const *pki_args;  // more arguments of sim-pki
    bool no_smdp;                 // nobody listens at the SM-DP+'s port
    bool no_euicc;
    bool no_ci; // no CI certificate is configured
    // lpad starts as a service manager starts it: not as root, but with CAP_SETUID, CAP_SETGID and CAP_KILL.
    // Root only.
    bool as_service;
};

struct world {
    char dir[WORLD_PATH_MAX];
    pid_t euicc, smdp, lpad;
    unsigned port; // of the SM-DP+
    struct {
        const char *address;
        pid_t pid;
        unsigned port;
    } smds[WORLD_SMDS_MAX]; // by number
    int notify;             // READY=1 arrives here
    const struct world_options *options;
};

// What a program printed and how it ended.
struct run {
    int code;  // exit code, or 128 + signal
    char *out; // with a terminating zero
    char *err;
};

// Makes the folder and starts everything; lpad is ready when it returns.
void world_start(struct world *w, const struct world_options *options);
// Stops lpad with SIGTERM, which must end it with code 0 within its time, then the rest, and removes the
// folder.
void world_stop(struct world *w);
// The parts of it.
void world_make(struct world *w,
                const struct world_options *options); // folder, PKI, order, configuration; nothing runs
void world_start_euicc(struct world *w);
void world_start_smdp(struct world *w);
void world_start_lpad(struct world *w);      // and waits until it is ready
void world_start_lpad_only(struct world *w); // does not wait
void world_wait_ready(struct world *w);
int world_stop_lpad(struct world *w); // SIGTERM; the exit code
void world_stop_euicc(struct world *w);
void world_stop_smdp(struct world *w);
// An SM-DS of this address, before lpad starts; its events are files of the folder "events-NUMBER", its log
// is "smds-NUMBER.log", its faults are "smds-NUMBER-faults.json".
void world_start_smds(struct world *w, unsigned number, const char *address);
void world_remove(struct world *w);
// A revocation list of the CI, with one certificate in it (a file in the folder: "pki/nist/dpauth.cert.der").
// The list's path, until the next few paths are made.
const char *world_make_crl(struct world *w, const char *revoked);

// Runs lpactl with --socket and these arguments (NULL-terminated), `input` on its standard input.
struct run world_lpactl(struct world *w, const char *input, ...) __attribute__((sentinel));
void run_free(struct run *r);
// Starts it in the background; world_join waits for it.
struct background {
    pid_t pid;
    int out, err;
};
struct background world_lpactl_start(struct world *w, const char *input, ...) __attribute__((sentinel));
struct run world_join(struct background *b);

// Downloads with WORLD_CODE and --yes and asserts success.
void world_download(struct world *w);
// Downloads another order's profile (WORLD_OTHER_ICCID), so that what became of the first one does not
// matter.
void world_download_other(struct world *w);

// Files in the folder: "apdu.log", "smdp.log", "audit.jsonl", "lpad.log", "card.json",
// "orders/order.state.json".
char *world_read(const struct world *w, const char *name); // malloc'ed; empty when it is not there
unsigned world_count(const struct world *w, const char *name, const char *text);
void world_write(const struct world *w, const char *name, const char *text);
// Waits until `text` stands `times` times in the file (at most 20 s, by inotify).
void world_wait_for(const struct world *w, const char *name, const char *text, unsigned times);
// The pid of a process of lpad as `lpactl status --json` tells; 0 when there is none.
pid_t world_pid(struct world *w, const char *process);
bool world_is_root(void);

#define assert_contains(haystack, needle)                                                                    \
    do {                                                                                                     \
        if (strstr((haystack), (needle)) == NULL)                                                            \
            fail_msg("\"%s\" is not in:\n%s", (needle), (haystack));                                         \
    } while (0)
#define assert_lacks(haystack, needle)                                                                       \
    do {                                                                                                     \
        if (strstr((haystack), (needle)) != NULL)                                                            \
            fail_msg("\"%s\" is in:\n%s", (needle), (haystack));                                             \
    } while (0)

#endif
