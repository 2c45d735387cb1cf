// SPDX-License-Identifier: Apache-2.0
// The supervisor's configuration file, /etc/lpad/lpad.yaml: read once at start, checked whole, typed.
//
//   version: 1                       # required
//   sandbox: required                # required | best-effort
//   users:                           # own identities, when started with privilege; all five or none
//     broker: lpad-broker            # name or number; never root, no two the same
//     netd: lpad-netd
//     cardd: lpad-cardd
//     policyd: lpad-policyd
//     probed: lpad-probed
//   control:
//     socket: /run/lpad/control.sock
//     group: lpad                    # name or number; absent: the socket's group stays
//     mode: "0660"                   # octal, in quotes
//     clients: 16                    # 1 to 64 at a time
//   card:                            # required
//     name: left                     # when the machine has several: each card has an lpad of its own
//     transport: sim                 # sim | pcsc
//     address: "unix:/run/card.sock" # of sim, required; or tcp:127.0.0.1:PORT, tcp:[::1]:PORT; loopback only
//     reader: "Example Reader"       # of pcsc: a part of its name; absent: the first with an eUICC
//     shared: false                  # of pcsc: true leaves the reader open to other programs
//     block_size: 255                # of STORE DATA, 1 to 255
//     terminal_capability: A9088100820101830107  # the A9 TLV in hexadecimal, or none
//     isdr_aid: A0000005591010FFFFFFFF8900000100  # tried first
//     isdr_aids: [A000000559101089]  # and then these; default: those of vendors that lpad knows
//     tac: "35693803"                # 8 digits; default: the first digits of `imei`, when there is one
//     imei: "356938035643809"        # 15 digits with a right check digit; absent: not given to servers
//     apdu_timeout: 10s
//     load_timeout: 240s             # per APDU while a package is loaded
//   network:
//     ci_certificates: [/etc/lpad/ci]  # PEM or DER files, or folders of them; absent: no server is trusted
//     test_ci_certificates: [/etc/lpad/test-ci]  # likewise, of test CIs (SGP.26): the status says so
//     ports: [443]                   # that a connection may use
//     hosts: {smdp.example.com: "127.0.0.1:8443"}  # instead of DNS; ADDRESS, ADDRESS:PORT, [V6]:PORT
//     allow_private_addresses: false
//     connect_timeout: 15s
//     request_timeout: 120s
//     low_speed: {bytes_per_second: 32, time: 30s}
//     reply_limit: 256KiB            # of an HTTP body
//     package_limit: 4MiB            # of the HTTP body that holds a package
//     user_agent: gsma-rsp-lpad
//     admin_protocol: gsma/rsp/v2.2.2
//   notifications:                   # of those that could not be delivered
//     retry: 1m                      # after the first failure; doubled after each further one,
//     retry_max: 6h                  # up to this; default 6h, or `retry` when that is more
//   policy: /etc/lpad/policy.yaml
//   state: /var/lib/lpad
//   audit:
//     file: /var/log/lpad/audit.jsonl
//     identifiers: whole             # whole | masked
//     on_failure: refuse             # refuse | availability: what changes the card, when it cannot be
//     written file_max: 8MiB                 # then the file is rotated, file_hours: 0                  # or
//     after so many; 0: by size alone; at most 8760 files: 32                      # rotated ones that are
//     kept; 0: all epoch_records: 1000            # 16 to 100000; then what was written is sealed,
//     epoch_minutes: 60              # 1 to 1440, or after so long
//   probes:                          # of a policy that switches: what lpad-probed may use
//     ca_certificates: /etc/ssl/certs/ca-certificates.crt  # one file of PEM, for https probes
//     ports: [443]                   # that https and tcp probes may use
//   recording:                       # of what the switching engine sees and decides; absent: none
//     file: /var/log/lpad/switching.trace
//     limit: 4MiB                    # then it ends
//   limits:
//     netds: 3                       # 1 to 8 alive at a time
//     netd_starts_per_minute: 60
//     stop_timeout: 30s
//     consent_timeout: 120s
//     intent_timeout: 180s
//
// Durations are a number and a unit, ms, s, m or h; sizes a number and B, KiB or MiB. Paths are absolute.
#ifndef LPAD_BROKER_CONFIG_H
#define LPAD_BROKER_CONFIG_H

#include "lib/bytes.h"
#include "lib/yaml/yaml.h"

#include <netinet/in.h>
#include <sys/un.h>

#define CONFIG_PATHS_MAX    16
#define CONFIG_PORTS_MAX    16
#define CONFIG_HOSTS_MAX    64
#define CONFIG_AID_MAX      16
#define CONFIG_AIDS_MAX     8 // beside the first
#define CONFIG_TERMINAL_MAX 32

// A user or group as it was written. Names are the caller's to resolve; line and column are for its error.
struct config_id {
    const char *text; // NULL: not given
    bool is_number;
    uint32_t number;
    uint32_t line, column;
};

struct config_host {
    const char *name;    // lower case
    const char *address; // numeric IPv4 or IPv6, without brackets
    uint16_t port;       // 0: none given
};

struct config_aid {
    uint8_t bytes[CONFIG_AID_MAX];
    size_t len;
};

// Everything that is not given has its default. Strings live as long as the struct.
struct config {
    bool sandbox_required;
    struct {
        bool given; // then all five are
        struct config_id broker, netd, cardd, policyd, probed;
    } users;
    struct {
        const char *socket; // fits sockaddr_un
        struct config_id group;
        uint32_t mode; // 0600 to 0777
        uint32_t clients_max;
    } control;
    struct {
        const char *name;      // NULL: the machine's only one
        const char *transport; // "sim", "pcsc"
        const char *reader;    // of pcsc; NULL: the first with an eUICC
        bool shared;           // of pcsc
        union {
            struct sockaddr any;
            struct sockaddr_un un;
            struct sockaddr_in in;
            struct sockaddr_in6 in6;
        } address;             // of sim, ready for connect(2)
        socklen_t address_len; // 0: none, as with pcsc
        uint32_t block_size;
        uint8_t terminal_capability[CONFIG_TERMINAL_MAX];
        size_t terminal_capability_len; // 0: none
        uint8_t isdr_aid[CONFIG_AID_MAX];
        size_t isdr_aid_len;
        struct config_aid more_isdr_aids[CONFIG_AIDS_MAX]; // in the order to try them
        size_t more_isdr_aid_count;
        uint8_t tac[4]; // nibbles swapped, as DeviceInfo carries it
        bool has_imei;
        uint8_t imei[8]; // likewise
        uint32_t apdu_timeout_ms;
        uint32_t load_timeout_ms;
    } card;
    struct {
        const char *ci_certificates[2 * CONFIG_PATHS_MAX]; // all that servers are trusted by
        size_t ci_certificate_count;
        bool test_trust; // some of them are of test CIs
        uint16_t ports[CONFIG_PORTS_MAX];
        size_t port_count; // at least 1
        struct config_host hosts[CONFIG_HOSTS_MAX];
        size_t host_count;
        bool allow_private_addresses;
        uint32_t connect_timeout_ms;
        uint32_t request_timeout_ms;
        uint32_t low_speed_bytes;
        uint32_t low_speed_time_ms;
        uint32_t reply_max;
        uint32_t package_max;
        const char *user_agent;     // printable ASCII
        const char *admin_protocol; // likewise
    } network;
    struct {
        uint32_t retry_ms;
        uint32_t retry_max_ms; // not less
    } notifications;
    const char *policy;
    const char *state;
    struct {
        const char *file;
        bool mask_identifiers;
        bool availability;      // changes of the card go on when the file cannot be written
        uint32_t file_max;      // octets, then the file is rotated
        uint32_t file_hours;    // or after so long; 0: never
        uint32_t files;         // rotated ones that are kept; 0: all
        uint32_t epoch_records; // then an epoch ends
        uint32_t epoch_minutes; // or after so long
    } audit;
    struct {
        const char *ca_certificates;
        uint16_t ports[CONFIG_PORTS_MAX];
        size_t port_count; // at least 1
    } probes;
    struct {
        const char *file; // NULL: nothing is recorded
        uint32_t limit;
    } recording;
    struct {
        uint32_t netds;
        uint32_t netd_starts_per_minute;
        uint32_t stop_timeout_ms;
        uint32_t consent_timeout_ms;
        uint32_t intent_timeout_ms;
    } limits;
};

// ERR_INPUT with *ret_error filled (the first error, exact line and column); ERR_MEMORY. config_free(NULL) is
// fine.
LPAD_NODISCARD enum err config_read(struct bytes text, struct config **ret_config,
                                    struct yaml_error *ret_error);
void config_free(struct config *c);

#endif
