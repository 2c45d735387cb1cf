// SPDX-License-Identifier: Apache-2.0
// The configuration file: defaults, every key, and every refusal at its exact place.
#include "tests/unit/unit.h"

#include "broker/config.h"

#include <arpa/inet.h>
#include <stdio.h>

static struct config *read_good(const char *text)
{
    struct config *c = NULL;
    struct yaml_error error = {0};
    struct bytes copy = unit_copy(bytes_from_text(text));
    enum err e = config_read(copy, &c, &error);
    unit_free(copy);
    if (e != ERR_OK) {
        char shown[512];
        fail_msg("%s", yaml_error_text(&error, shown, sizeof shown));
    }
    return c;
}

static void test_defaults(void **state)
{
    (void)state;
    struct config *c = read_good("version: 1\ncard: {address: \"unix:/run/card.sock\"}\n");
    assert_true(c->sandbox_required);
    assert_false(c->users.given);
    assert_string_equal(c->control.socket, "/run/lpad/control.sock");
    assert_null(c->control.group.text);
    assert_int_equal(c->control.mode, 0660);
    assert_int_equal(c->control.clients_max, 16);
    assert_string_equal(c->card.transport, "sim");
    assert_int_equal(c->card.address.any.sa_family, AF_UNIX);
    assert_string_equal(c->card.address.un.sun_path, "/run/card.sock");
    assert_int_equal(c->card.address_len, 2 + strlen("/run/card.sock") + 1);
    assert_int_equal(c->card.block_size, 255);
    assert_bytes_hex(bytes_make(c->card.terminal_capability, c->card.terminal_capability_len),
                     "A9088100820101830107");
    assert_bytes_hex(bytes_make(c->card.isdr_aid, c->card.isdr_aid_len), "A0000005591010FFFFFFFF8900000100");
    assert_int_equal(c->card.more_isdr_aid_count, 6); // the vendors'
    assert_bytes_hex(bytes_make(c->card.more_isdr_aids[0].bytes, c->card.more_isdr_aids[0].len),
                     "A0000005591010FFFFFFFF8900050500");
    assert_bytes_hex(bytes_make(c->card.more_isdr_aids[5].bytes, c->card.more_isdr_aids[5].len),
                     "A06573746B6D65FFFF4953442D522031");
    assert_null(c->card.reader);
    assert_false(c->card.shared);
    assert_bytes_hex(bytes_make(c->card.tac, 4), "53968330");
    assert_false(c->card.has_imei);
    assert_int_equal(c->card.apdu_timeout_ms, 10000);
    assert_int_equal(c->card.load_timeout_ms, 240000);
    assert_int_equal(c->network.ci_certificate_count, 0);
    assert_false(c->network.test_trust);
    assert_int_equal(c->notifications.retry_ms, 60000);
    assert_int_equal(c->notifications.retry_max_ms, 6 * 60 * 60 * 1000);
    assert_int_equal(c->network.port_count, 1);
    assert_int_equal(c->network.ports[0], 443);
    assert_int_equal(c->network.host_count, 0);
    assert_false(c->network.allow_private_addresses);
    assert_int_equal(c->network.connect_timeout_ms, 15000);
    assert_int_equal(c->network.request_timeout_ms, 120000);
    assert_int_equal(c->network.low_speed_bytes, 32);
    assert_int_equal(c->network.low_speed_time_ms, 30000);
    assert_int_equal(c->network.reply_max, 262144);
    assert_int_equal(c->network.package_max, 4194304);
    assert_string_equal(c->network.user_agent, "gsma-rsp-lpad");
    assert_string_equal(c->network.admin_protocol, "gsma/rsp/v2.2.2");
    assert_string_equal(c->policy, "/etc/lpad/policy.yaml");
    assert_string_equal(c->state, "/var/lib/lpad");
    assert_string_equal(c->audit.file, "/var/log/lpad/audit.jsonl");
    assert_false(c->audit.mask_identifiers);
    assert_string_equal(c->probes.ca_certificates, "/etc/ssl/certs/ca-certificates.crt");
    assert_int_equal(c->probes.port_count, 1);
    assert_int_equal(c->probes.ports[0], 443);
    assert_null(c->recording.file);
    assert_int_equal(c->limits.netds, 3);
    assert_int_equal(c->limits.netd_starts_per_minute, 60);
    assert_int_equal(c->limits.stop_timeout_ms, 30000);
    assert_int_equal(c->limits.consent_timeout_ms, 120000);
    assert_int_equal(c->limits.intent_timeout_ms, 180000);
    config_free(c);
}

static const char whole[] = "version: 1\n"
                            "sandbox: best-effort\n"
                            "users: {broker: 901, netd: lpad-netd, cardd: 903, policyd: 904, probed: 905}\n"
                            "control: {socket: /tmp/c.sock, group: 906, mode: \"0600\", clients: 4}\n"
                            "card:\n"
                            "  transport: sim\n"
                            "  address: \"tcp:127.0.0.1:35963\"\n"
                            "  block_size: 120\n"
                            "  terminal_capability: none\n"
                            "  isdr_aid: A0000005591010FFFFFFFF8900000177\n"
                            "  isdr_aids: [A000000559, A0000005591010FFFFFFFF8900000178]\n"
                            "  imei: \"356938035643809\"\n"
                            "  apdu_timeout: 500ms\n"
                            "  load_timeout: 5m\n"
                            "network:\n"
                            "  ci_certificates: [/etc/lpad/ci.pem, /etc/lpad/ci]\n"
                            "  test_ci_certificates: [/etc/lpad/test-ci]\n"
                            "  ports: [443, 8443]\n"
                            "  hosts:\n"
                            "    SMDP.example.com: 127.0.0.1:8443\n"
                            "    smds.example.com: \"[::1]:444\"\n"
                            "    other.example.com: 2001:DB8:0:0::1\n"
                            "    plain.example.com: 192.0.2.1\n"
                            "  allow_private_addresses: true\n"
                            "  connect_timeout: 1s\n"
                            "  request_timeout: 1h\n"
                            "  low_speed: {bytes_per_second: 1, time: 1m}\n"
                            "  reply_limit: 4096B\n"
                            "  package_limit: 1MiB\n"
                            "  user_agent: gsma-rsp-test\n"
                            "  admin_protocol: gsma/rsp/v2.5.0\n"
                            "notifications: {retry: 2s, retry_max: 1h}\n"
                            "policy: /p.yaml\n"
                            "state: /s\n"
                            "audit: {file: /a.jsonl, identifiers: masked}\n"
                            "probes: {ca_certificates: /ca.pem, ports: [443, 8080]}\n"
                            "recording: {file: /trace, limit: 1MiB}\n"
                            "limits: {netds: 8, netd_starts_per_minute: 60, stop_timeout: 1s, "
                            "consent_timeout: 2s, intent_timeout: 3s}\n";

static void test_network(const struct config *c)
{
    assert_int_equal(c->network.ci_certificate_count, 3);
    assert_string_equal(c->network.ci_certificates[1], "/etc/lpad/ci");
    assert_string_equal(c->network.ci_certificates[2], "/etc/lpad/test-ci");
    assert_true(c->network.test_trust);
    assert_int_equal(c->network.ports[1], 8443);
    assert_int_equal(c->network.host_count, 4);
    assert_string_equal(c->network.hosts[0].name, "smdp.example.com");
    assert_string_equal(c->network.hosts[0].address, "127.0.0.1");
    assert_int_equal(c->network.hosts[0].port, 8443);
    assert_string_equal(c->network.hosts[1].address, "::1");
    assert_int_equal(c->network.hosts[1].port, 444);
    assert_string_equal(c->network.hosts[2].address, "2001:db8::1");
    assert_int_equal(c->network.hosts[2].port, 0);
    assert_int_equal(c->network.hosts[3].port, 0);
    assert_true(c->network.allow_private_addresses);
    assert_int_equal(c->network.request_timeout_ms, 3600000);
    assert_int_equal(c->network.low_speed_bytes, 1);
    assert_int_equal(c->network.low_speed_time_ms, 60000);
    assert_int_equal(c->network.reply_max, 4096);
    assert_int_equal(c->network.package_max, 1048576);
    assert_string_equal(c->network.user_agent, "gsma-rsp-test");
    assert_string_equal(c->network.admin_protocol, "gsma/rsp/v2.5.0");
}

static void test_every_key(void **state)
{
    (void)state;
    struct config *c = read_good(whole);
    assert_false(c->sandbox_required);
    assert_true(c->users.given && c->users.broker.is_number && !c->users.netd.is_number);
    assert_int_equal(c->users.broker.number, 901);
    assert_string_equal(c->users.netd.text, "lpad-netd");
    assert_int_equal(c->users.netd.line, 3);
    assert_int_equal(c->users.netd.column, 28);
    assert_int_equal(c->control.group.number, 906);
    assert_int_equal(c->users.probed.number, 905);
    assert_string_equal(c->probes.ca_certificates, "/ca.pem");
    assert_int_equal(c->probes.port_count, 2);
    assert_int_equal(c->probes.ports[1], 8080);
    assert_string_equal(c->recording.file, "/trace");
    assert_int_equal(c->recording.limit, 1 << 20);
    assert_int_equal(c->control.mode, 0600);
    assert_int_equal(c->control.clients_max, 4);
    assert_int_equal(c->card.address.in.sin_family, AF_INET);
    assert_int_equal(ntohs(c->card.address.in.sin_port), 35963);
    assert_int_equal(ntohl(c->card.address.in.sin_addr.s_addr), INADDR_LOOPBACK);
    assert_int_equal(c->card.block_size, 120);
    assert_int_equal(c->card.terminal_capability_len, 0);
    assert_int_equal(c->card.isdr_aid[15], 0x77);
    assert_int_equal(c->card.more_isdr_aid_count, 2);
    assert_bytes_hex(bytes_make(c->card.more_isdr_aids[0].bytes, c->card.more_isdr_aids[0].len),
                     "A000000559");
    assert_int_equal(c->card.more_isdr_aids[1].bytes[15], 0x78);
    assert_int_equal(c->notifications.retry_ms, 2000);
    assert_int_equal(c->notifications.retry_max_ms, 3600000);
    assert_true(c->card.has_imei);
    assert_bytes_hex(bytes_make(c->card.tac, 4), "53968330");
    assert_int_equal(c->card.apdu_timeout_ms, 500);
    assert_int_equal(c->card.load_timeout_ms, 300000);
    test_network(c);
    assert_string_equal(c->policy, "/p.yaml");
    assert_true(c->audit.mask_identifiers);
    assert_int_equal(c->limits.netds, 8);
    assert_int_equal(c->limits.intent_timeout_ms, 3000);
    config_free(c);
}

// One line of a good file is exchanged: the error must stand in that line, at the column given.
struct change {
    const char *head; // the line that begins so
    const char *line;
    uint32_t column;
    const char *path, *message;
};

static const struct change changes[] = {
    {"version",               "version: 2",                                                            10,  "version",                                 "version 1"             },
    {"version",               "version: \"1\"",                                                        10,  "version",                                 "a number"              },
    {"version",               "verson: 1",                                                             1,   "verson",                                  "unknown key"           },
    {"sandbox",               "sandbox: off",                                                          10,  "sandbox",                                 "required or"           },
    {"users",                 "users: {broker: 901, netd: 902, cardd: 903, policyd: 904}",             8,   "users",
     "\"probed\" is missing"                                                                                                                                                   },
    {"probes",                "probes: {ports: [0]}",                                                  18,  "probes.ports[0]",                         "from 1 to 65535"       },
    {"recording",             "recording: {file: trace}",                                              19,  "recording.file",                          "absolute"              },
    {"users",                 "users: {broker: 901, netd: 902, cardd: 903}",                           8,   "users",                                   "\"policyd\" is missing"},
    {"users",                 "users: {broker: 901, netd: 901, cardd: 903, policyd: 4, probed: 5}",    28,  "users.netd",
     "of its own"                                                                                                                                                              },
    {"users",                 "users: {broker: 901, netd: 2, cardd: root, policyd: 4, probed: 5}",     38,  "users.cardd",                             "root"                  },
    {"users",                 "users: {broker: 901, netd: 2, cardd: 0, policyd: 4, probed: 5}",        38,  "users.cardd",                             "root"                  },
    {"users",                 "users: {broker: 4294967295, netd: 2, cardd: 3, policyd: 4, probed: 5}", 17,  "users.broker",
     "not an id"                                                                                                                                                               },
    {"control",               "control: {socket: c.sock}",                                             19,  "control.socket",                          "absolute"              },
    {"control",               "control: {mode: \"0680\"}",                                             17,  "control.mode",                            "octal"                 },
    {"control",               "control: {mode: \"0060\"}",                                             17,  "control.mode",                            "the owner"             },
    {"control",               "control: {clients: 0}",                                                 20,  "control.clients",                         "from 1 to 64"          },
    {"control",               "control: {clients: 65}",                                                20,  "control.clients",                         "from 1 to 64"          },
    {"  transport",           "  transport: qmi",                                                      14,  "card.transport",                          "not a transport"       },
    {"  block_size",          "  reader: ACME",                                                        3,   "card.reader",                             "no effect"             },
    {"  block_size",          "  shared: true",                                                        3,   "card.shared",                             "no effect"             },
    {"  isdr_aids",           "  isdr_aids: [A000000559, A000]",                                       27,  "card.isdr_aids[1]",                       "5 to 16"               },
    {"  isdr_aids",           "  isdr_aids: [A00000055x]",                                             15,  "card.isdr_aids[0]",                       "hexadecimal"           },
    {"  isdr_aids",           "  isdr_aids: A000000559",                                               14,  "card.isdr_aids",                          "a list"                },
    {"  isdr_aids",
     "  isdr_aids: [A000000551, A000000552, A000000553, A000000554, A000000555, A000000556, A000000557, "
     "A000000558, A000000559]",                                                                        111, "card.isdr_aids[8]",                       "8"                     },
    {"  test_ci",             "  test_ci_certificates: []",                                            25,  "network.test_ci_certificates",            "an empty list"         },
    {"  test_ci",             "  test_ci_certificates: [ci.pem]",                                      26,  "network.test_ci_certificates[0]",         "absolute"              },
    {"notifications",         "notifications: {retry: 2}",                                             24,  "notifications.retry",                     "not a duration"        },
    {"notifications",         "notifications: {retry: 25h}",                                           24,  "notifications.retry",                     "100ms to 24h"          },
    {"notifications",         "notifications: {retry: 2m, retry_max: 119s}",                           39,  "notifications.retry_max",
     "less than"                                                                                                                                                               },
    {"notifications",         "notifications: {retry_max: 30s}",                                       28,  "notifications.retry_max",                 "less than"             },
    {"notifications",         "notifications: {retries: 3}",                                           17,  "notifications.retries",                   "unknown key"           },
    {"notifications",         "notification: {retry: 1m}",                                             1,   "notification",                            "unknown key"           },
    {"  address",             "  address: /run/card.sock",                                             12,  "card.address",                            "not a card's"          },
    {"  address",             "  address: unix:card.sock",                                             12,  "card.address",                            "absolute"              },
    {"  address",             "  address: tcp:192.0.2.1:35963",                                        12,  "card.address",                            "loopback"              },
    {"  address",             "  address: tcp:127.0.0.1:0",                                            12,  "card.address",                            "1 to 65535"            },
    {"  address",             "  address: tcp:127.0.0.1:70000",                                        12,  "card.address",                            "1 to 65535"            },
    {"  block_size",          "  block_size: 256",                                                     15,  "card.block_size",                         "from 1 to 255"         },
    {"  block_size",          "  block_size: 0",                                                       15,  "card.block_size",                         "from 1 to 255"         },
    {"  block_size",          "  block_size: 0255",                                                    15,  "card.block_size",                         "a number"              },
    {"  terminal_capability", "  terminal_capability: A90381",                                         24,  "card.terminal_capability",                "A9"                    },
    {"  terminal_capability", "  terminal_capability: A9x",                                            24,  "card.terminal_capability",                "hexadecimal"           },
    {"  isdr_aid",            "  isdr_aid: A000",                                                      13,  "card.isdr_aid",                           "5 to 16"               },
    {"  isdr_aid",            "  isdr_aid: A0000005591010FFFFFFFF890000010000",                        13,  "card.isdr_aid",                           "5 to 16"               },
    {"  imei",                "  imei: \"356938035643808\"",                                           9,   "card.imei",                               "IMEI"                  },
    {"  imei",                "  tac: \"3569380\"",                                                    8,   "card.tac",                                "TAC"                   },
    {"  apdu_timeout",        "  apdu_timeout: 10",                                                    17,  "card.apdu_timeout",                       "not a duration"        },
    {"  apdu_timeout",        "  apdu_timeout: 10 s",                                                  17,  "card.apdu_timeout",                       "not a duration"        },
    {"  apdu_timeout",        "  apdu_timeout: 10KiB",                                                 17,  "card.apdu_timeout",                       "not a duration"        },
    {"  apdu_timeout",        "  apdu_timeout: 0s",                                                    17,  "card.apdu_timeout",                       "100ms to 24h"          },
    {"  apdu_timeout",        "  apdu_timeout: 25h",                                                   17,  "card.apdu_timeout",                       "100ms to 24h"          },
    {"  ci_certificates",     "  ci_certificates: [/a, b]",                                            25,  "network.ci_certificates[1]",              "absolute"              },
    {"  ci_certificates",     "  ci_certificates: []",                                                 20,  "network.ci_certificates",                 "an empty list"         },
    {"  ports",               "  ports: [443, 0]",                                                     16,  "network.ports[1]",                        "1 to 65535"            },
    {"  ports",               "  ports: [65536]",                                                      11,  "network.ports[0]",                        "1 to 65535"            },
    {"    SMDP",              "    smdp_x.example.com: 127.0.0.1",                                     5,   "network.hosts[\"smdp_x.example.com\"]",
     "not a host name"                                                                                                                                                         },
    {"    SMDP",              "    \"smdp.example.com:443\": 127.0.0.1",                               5,   "network.hosts[\"smdp.example.com:443\"]",
     "not a host name"                                                                                                                                                         },
    {"    SMDP",              "    smdp.example.com: localhost",                                       23,  "network.hosts[\"smdp.example.com\"]",
     "not an address"                                                                                                                                                          },
    {"    SMDP",              "    smdp.example.com: 127.0.0.1:x",                                     23,  "network.hosts[\"smdp.example.com\"]",
     "not an address"                                                                                                                                                          },
    {"    SMDP",              "    smdp.example.com: 127.1",                                           23,  "network.hosts[\"smdp.example.com\"]",     "not an address"        },
    {"    SMDP",              "    smdp.example.com: \"[127.0.0.1]:1\"",                               23,  "network.hosts[\"smdp.example.com\"]",
     "not an address"                                                                                                                                                          },
    {"    SMDP",              "    smdp.example.com: \"[::1\"",                                        23,  "network.hosts[\"smdp.example.com\"]",
     "not an address"                                                                                                                                                          },
    {"  allow_private",       "  allow_private_addresses: yes",                                        28,  "network.allow_private_addresses",
     "true or false"                                                                                                                                                           },
    {"  low_speed",           "  low_speed: {bytes_per_second: 0}",                                    33,  "network.low_speed.bytes_per_second",      "from 1"                },
    {"  low_speed",           "  low_speed: {bytes: 0}",                                               15,  "network.low_speed.bytes",                 "unknown key"           },
    {"  reply_limit",         "  reply_limit: 256KB",                                                  16,  "network.reply_limit",                     "not a size"            },
    {"  reply_limit",         "  reply_limit: 17MiB",                                                  16,  "network.reply_limit",                     "4KiB to 16MiB"         },
    {"  user_agent",          "  user_agent: caf\xc3\xa9",                                             15,  "network.user_agent",                      "ASCII"                 },
    {"policy",                "policy: policy.yaml",                                                   9,   "policy",                                  "absolute"              },
    {"state",                 "state:",                                                                1,   "state",                                   "no value"              },
    {"audit",                 "audit: {identifiers: hashed}",                                          22,  "audit.identifiers",                       "whole or masked"       },
    {"limits",                "limits: {netds: 9}",                                                    17,  "limits.netds",                            "from 1 to 8"           },
    {"limits",                "limits: {netd: 2}",                                                     10,  "limits.netd",                             "unknown key"           },
};

// `whole` with the line exchanged, and the number of that line.
static uint32_t exchange(const struct change *c, char *out, size_t cap)
{
    const char *at = strncmp(whole, c->head, strlen(c->head)) == 0 ? whole : NULL;
    char with_break[64];
    snprintf(with_break, sizeof with_break, "\n%s", c->head);
    if (at == NULL)
        at = strstr(whole, with_break) + 1;
    const char *end = strchr(at, '\n');
    snprintf(out, cap, "%.*s%s%s", (int)(at - whole), whole, c->line, end);
    uint32_t line = 1;
    for (const char *p = whole; p < at; p++)
        line += *p == '\n';
    return line;
}

static void test_refusals(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const struct change *c = &changes[i];
        char text[sizeof whole + 256];
        uint32_t line = exchange(c, text, sizeof text);
        struct config *config = NULL;
        struct yaml_error error = {0};
        enum err e = config_read(bytes_from_text(text), &config, &error);
        if (e == ERR_INPUT && error.line == line && error.column == c->column &&
            strcmp(error.path, c->path) == 0 && strstr(error.message, c->message) != NULL)
            continue;
        char shown[512];
        print_error("%s: wanted line %u, column %u, %s: %s; got %s\n", c->line, line, c->column, c->path,
                    c->message, e == ERR_OK ? "no error" : yaml_error_text(&error, shown, sizeof shown));
        failed++;
        config_free(config);
    }
    assert_int_equal(failed, 0);
}

static void test_device(void **state)
{
    (void)state;
    struct config *c = read_good("version: 1\ncard: {address: \"tcp:[::1]:1\", tac: 86012305}\n");
    assert_bytes_hex(bytes_make(c->card.tac, 4), "68103250");
    assert_int_equal(c->card.address.in6.sin6_family, AF_INET6);
    config_free(c);
    struct yaml_error error;
    c = NULL;
    assert_int_equal(
        config_read(bytes_from_text("version: 1\ncard:\n  address: unix:/c\n  imei: 356938035643809\n"
                                    "  tac: 86012305\n"),
                    &c, &error),
        ERR_INPUT);
    assert_int_equal(error.line, 5);
    assert_null(c);
    assert_int_equal(config_read(bytes_from_text("version: 1\n"), &c, &error), ERR_INPUT);
    assert_non_null(strstr(error.message, "\"card\" is missing"));
}

static void assert_refused(const char *text, uint32_t line, uint32_t column, const char *message)
{
    struct config *c = NULL;
    struct yaml_error error = {0};
    assert_int_equal(config_read(bytes_from_text(text), &c, &error), ERR_INPUT);
    assert_null(c);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
    if (strstr(error.message, message) == NULL)
        fail_msg("%s", error.message);
}

// A reader needs no address and has none; a simulated card needs one.
static void test_transports(void **state)
{
    (void)state;
    struct config *c = read_good("version: 1\ncard: {transport: pcsc}\n");
    assert_string_equal(c->card.transport, "pcsc");
    assert_null(c->card.reader);
    assert_false(c->card.shared);
    assert_int_equal(c->card.address_len, 0);
    config_free(c);
    c = read_good("version: 1\ncard: {transport: pcsc, reader: ACME Dual 0, shared: true, isdr_aids: []}\n");
    assert_string_equal(c->card.reader, "ACME Dual 0");
    assert_true(c->card.shared);
    assert_int_equal(c->card.more_isdr_aid_count, 0);
    config_free(c);
    assert_refused("version: 1\ncard:\n  transport: pcsc\n  address: unix:/c\n", 4, 3,
                   "\"address\" has no effect");
    assert_refused("version: 1\ncard:\n  transport: pcsc\n  reader: \"\"\n", 4, 11, "");
    assert_refused("version: 1\ncard:\n  transport: pcsc\n  shared: yes\n", 4, 11, "true or false");
    assert_refused("version: 1\ncard:\n  transport: sim\n", 3, 3, "\"address\" is missing");
    assert_refused("version: 1\ncard: {block_size: 9}\n", 2, 7, "\"address\" is missing");
}

// The bound of the retries is never below their beginning, also when it was not given.
static void test_retries(void **state)
{
    (void)state;
    struct config *c = read_good("version: 1\ncard: {transport: pcsc}\nnotifications: {retry: 12h}\n");
    assert_int_equal(c->notifications.retry_ms, 43200000);
    assert_int_equal(c->notifications.retry_max_ms, 43200000);
    config_free(c);
    c = read_good("version: 1\ncard: {transport: pcsc}\nnetwork: {test_ci_certificates: [/t]}\n");
    assert_int_equal(c->network.ci_certificate_count, 1);
    assert_true(c->network.test_trust);
    config_free(c);
    c = read_good("version: 1\ncard: {transport: pcsc}\nnetwork: {ci_certificates: [/t]}\n");
    assert_false(c->network.test_trust);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_every_key),  cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_device),   cmocka_unit_test(test_transports), cmocka_unit_test(test_retries),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
