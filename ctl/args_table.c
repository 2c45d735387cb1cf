// SPDX-License-Identifier: Apache-2.0
// Commands, options, and the help made of them.
#include "ctl/args_table.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BIT(command) (UINT64_C(1) << (command))

const struct command_row command_rows[] = {
    {COMMAND_STATUS,                "status",       NULL,              "",           0, 0,               "lpad's processes and sandboxes, policy, card, session"},
    {COMMAND_EUICC_INFO,            "euicc",        "info",            "",           0, 0,               "the eUICC: EID, versions, free memory, addresses"     },
    {COMMAND_EUICC_RESET,           "euicc",        "reset",           "",           0, 0,
     "take profiles or the default SM-DP+ off the card, for good; say what with --operational, --test, "
     "--default-address"                                                                                                                                        },
    {COMMAND_EUICC_DEFAULT_ADDRESS, "euicc",        "default-address", "[ADDRESS]",  0, 1,
     "show, set or (--remove) remove the card's default SM-DP+"                                                                                                 },
    {COMMAND_EUICC_LOAD_CRL,        "euicc",        "load-crl",        "FILE",       1, 1,
     "give the card a certificate revocation list (DER; - is standard input)"                                                                                   },
    {COMMAND_PROFILE_LIST,          "profile",      "list",            "",           0, 0,               "the profiles on the card"                             },
    {COMMAND_PROFILE_ENABLE,        "profile",      "enable",          "ICCID",      1, 1,
     "enable a profile (the enabled one is disabled)"                                                                                                           },
    {COMMAND_PROFILE_DISABLE,       "profile",      "disable",         "ICCID",      1, 1,               "disable the enabled profile"                          },
    {COMMAND_PROFILE_DELETE,        "profile",      "delete",          "ICCID",      1, 1,               "delete a disabled profile, for good"                  },
    {COMMAND_PROFILE_NICKNAME,      "profile",      "nickname",        "ICCID TEXT", 2, 2,
     "name a profile; an empty text unnames it"                                                                                                                 },
    {COMMAND_PROFILE_ICON,          "profile",      "icon",            "ICCID",      1, 1,               "fetch a profile's icon (PNG or JPEG)"                 },
    {COMMAND_PROFILE_DISCOVER,      "profile",      "discover",        "",           0, 0,               "ask the SM-DS what waits for this card"               },
    {COMMAND_PROFILE_DOWNLOAD,      "profile",      "download",        "",           0, 0,
     "download and install a profile; the activation code is asked for on the terminal, or read from "
     "standard input or a descriptor, never from an argument; --default and --event need none"                                                                  },
    {COMMAND_NOTIFICATION_LIST,     "notification", "list",            "",           0, 0,               "pending and delivered notifications"                  },
    {COMMAND_NOTIFICATION_DELIVER,  "notification", "deliver",         "",           0, 0,               "deliver the pending ones now"                         },
    {COMMAND_NOTIFICATION_RESEND,   "notification", "resend",          "SEQ",        1, 1,
     "send a delivered notification once more, from lpad's archive"                                                                                             },
    {COMMAND_HOLD,                  "hold",         NULL,              "[DURATION]", 0, 1,
     "no switch by the policy for a while (30s, 10m, 2h, 1d), or until 'release'"                                                                               },
    {COMMAND_RELEASE,               "release",      NULL,              "",           0, 0,               "the policy may switch again"                          },
    {COMMAND_POLICY_EXPLAIN,        "policy",       "explain",         "",           0, 0,
     "why this profile is in use, and why each other rule does not decide"                                                                                      },
    {COMMAND_POLICY_RELOAD,         "policy",       "reload",          "",           0, 0,
     "read the policy file anew; one with a mistake changes nothing"                                                                                            },
    {COMMAND_POLICY_CHECK,          "policy",       "check",           "FILE",       1, 1,
     "mistakes in a policy file, rules that cannot fire or that contend, loops (needs no lpad; - is standard "
     "input)"                                                                                                                                                   },
    {COMMAND_POLICY_TEST,           "policy",       "test",            "FILE TRACE", 2, 2,
     "what a policy file decides on a trace of events, and whether that is what the trace expects (needs no "
     "lpad)"                                                                                                                                                    },
    {COMMAND_AUDIT_VERIFY,          "audit",        "verify",          "[FILE]",     0, 1,
     "check the audit log's hash chain (default " AUDIT_FILE_DEFAULT "; - is standard input)"                                                                   },
    {COMMAND_AUDIT_TAIL,            "audit",        "tail",            "",           0, 0,
     "the audit's last records, from lpad; with --follow (-f) also what comes, across restarts of lpad"                                                         },
    {COMMAND_AUDIT_HEAD,            "audit",        "head",            "",           0, 0,
     "the audit's last record as SEQ:HASH, to be kept elsewhere, and what is sealed"                                                                            },
    {COMMAND_AUDIT_ENROL,           "audit",        "enrol",           "",           0, 0,
     "the public key with which the audit is verified from its beginning; keep it elsewhere"                                                                    },
    {COMMAND_AUDIT_REPORT,          "audit",        "report",          "[FILE] ...", 0, AUDIT_FILES_MAX,
     "one HTML page of the audit's files, oldest first (default " AUDIT_FILE_DEFAULT
     "; - is standard input)"                                                                                                                                   },
};

const size_t command_row_count = COUNT(command_rows);

const char *command_name(enum command command)
{
    static const char *const names[COMMAND_MAX] = {
        [COMMAND_NONE] = "usage",
        [COMMAND_HELP] = "help",
        [COMMAND_VERSION] = "version",
        [COMMAND_STATUS] = "status",
        [COMMAND_EUICC_INFO] = "euicc info",
        [COMMAND_EUICC_RESET] = "euicc reset",
        [COMMAND_EUICC_DEFAULT_ADDRESS] = "euicc default-address",
        [COMMAND_EUICC_LOAD_CRL] = "euicc load-crl",
        [COMMAND_PROFILE_LIST] = "profile list",
        [COMMAND_PROFILE_ICON] = "profile icon",
        [COMMAND_PROFILE_DISCOVER] = "profile discover",
        [COMMAND_NOTIFICATION_RESEND] = "notification resend",
        [COMMAND_PROFILE_ENABLE] = "profile enable",
        [COMMAND_PROFILE_DISABLE] = "profile disable",
        [COMMAND_PROFILE_DELETE] = "profile delete",
        [COMMAND_PROFILE_NICKNAME] = "profile nickname",
        [COMMAND_PROFILE_DOWNLOAD] = "profile download",
        [COMMAND_NOTIFICATION_LIST] = "notification list",
        [COMMAND_NOTIFICATION_DELIVER] = "notification deliver",
        [COMMAND_HOLD] = "hold",
        [COMMAND_RELEASE] = "release",
        [COMMAND_POLICY_EXPLAIN] = "policy explain",
        [COMMAND_POLICY_RELOAD] = "policy reload",
        [COMMAND_POLICY_CHECK] = "policy check",
        [COMMAND_POLICY_TEST] = "policy test",
        [COMMAND_AUDIT_VERIFY] = "audit verify",
        [COMMAND_AUDIT_TAIL] = "audit tail",
        [COMMAND_AUDIT_HEAD] = "audit head",
        [COMMAND_AUDIT_ENROL] = "audit enrol",
        [COMMAND_AUDIT_REPORT] = "audit report",
    };
    LPAD_ASSERT((unsigned)command < COMMAND_MAX);
    return names[command];
}

// The commands during which lpad or lpactl may ask for consent.
#define CONSENTED                                                                                            \
    (BIT(COMMAND_PROFILE_DOWNLOAD) | BIT(COMMAND_PROFILE_DISCOVER) | BIT(COMMAND_PROFILE_ENABLE) |           \
     BIT(COMMAND_PROFILE_DISABLE) | BIT(COMMAND_PROFILE_DELETE) | BIT(COMMAND_PROFILE_NICKNAME) |            \
     BIT(COMMAND_EUICC_RESET) | BIT(COMMAND_EUICC_DEFAULT_ADDRESS) | BIT(COMMAND_EUICC_LOAD_CRL))

const struct option_row option_rows[] = {
    {OPTION_JSON,                 "--json",                 NULL,               0,                                                          "print one JSON document on standard output, errors too"    },
    {OPTION_SOCKET,               "--socket",               "PATH",             0,
     "lpad's control socket (default $LPAD_SOCKET, then " SOCKET_PATH_DEFAULT ")"                                                                                                                       },
    {OPTION_CARD,                 "--card",                 "NAME",             0,
     "the card that is meant, when there are several; its lpad is asked at /run/lpad/NAME/control.sock, "
     "unless --socket or LPAD_SOCKET names another"                                                                                                                                                     },
    {OPTION_TIMEOUT,              "--timeout",              "SECONDS",          0,
     "give up when lpad is silent for this long (default 180; 0: never)"                                                                                                                                },
    {OPTION_NO_COLOR,             "--no-color",             NULL,               0,                                                          "no colours; so does NO_COLOR in the environment"           },
    {OPTION_HELP,                 "--help",                 NULL,               0,                                                          "print this text"                                           },
    {OPTION_VERSION,              "--version",              NULL,               0,                                                          "print the version"                                         },
    {OPTION_CODE_FD,              "--code-fd",              "N",                BIT(COMMAND_PROFILE_DOWNLOAD),
     "download: read the activation code from descriptor N"                                                                                                                                             },
    {OPTION_CODE_STDIN,           "--code-stdin",           NULL,               BIT(COMMAND_PROFILE_DOWNLOAD),
     "download: read the activation code from standard input, also when that is a terminal"                                                                                                             },
    {OPTION_CONFIRMATION_CODE_FD, "--confirmation-code-fd", "N",                BIT(COMMAND_PROFILE_DOWNLOAD),
     "download: read the confirmation code, when one is needed, from descriptor N"                                                                                                                      },
    {OPTION_DEFAULT,              "--default",              NULL,               BIT(COMMAND_PROFILE_DOWNLOAD),
     "download: what is reserved for this card at its default SM-DP+"                                                                                                                                   },
    {OPTION_EVENT,                "--event",                "ADDRESS EVENT_ID", BIT(COMMAND_PROFILE_DOWNLOAD),
     "download: an event that 'profile discover' showed"                                                                                                                                                },
    {OPTION_DOWNLOAD,             "--download",             NULL,               BIT(COMMAND_PROFILE_DISCOVER),
     "discover: download what waits, asking for each"                                                                                                                                                   },
    {OPTION_YES,                  "--yes",                  NULL,               CONSENTED,                                                  "consent to what would be asked, except where it asks twice"},
    {OPTION_STRONG_YES,           "--strong-yes",           NULL,               CONSENTED,
     "with --yes: consent also to what cannot be undone and would be asked twice"                                                                                                                       },
    {OPTION_RAT,                  "--rat",                  NULL,               BIT(COMMAND_EUICC_INFO),                                    "info: the card's Rules Authorisation Table too"            },
    {OPTION_OPERATIONAL,          "--operational",          NULL,               BIT(COMMAND_EUICC_RESET),
     "reset: delete all operational profiles"                                                                                                                                                           },
    {OPTION_TEST,                 "--test",                 NULL,               BIT(COMMAND_EUICC_RESET),
     "reset: delete the test profiles that were loaded in the field"                                                                                                                                    },
    {OPTION_DEFAULT_ADDRESS,      "--default-address",      NULL,               BIT(COMMAND_EUICC_RESET),
     "reset: put the default SM-DP+ back to what it was at first"                                                                                                                                       },
    {OPTION_REMOVE,               "--remove",               NULL,               BIT(COMMAND_EUICC_DEFAULT_ADDRESS),
     "default-address: the card is to have none"                                                                                                                                                        },
    {OPTION_OUTPUT,               "--output",               "FILE",             BIT(COMMAND_PROFILE_ICON) | BIT(COMMAND_AUDIT_REPORT),
     "icon, audit report: write it to FILE (default: standard output, unless that is a terminal)"                                                                                                       },
    {OPTION_NO_REFRESH,           "--no-refresh",           NULL,               BIT(COMMAND_PROFILE_ENABLE) | BIT(COMMAND_PROFILE_DISABLE),
     "enable, disable: do not have the card tell the modem to read it anew"                                                                                                                             },
    {OPTION_STRICT,               "--strict",               NULL,               BIT(COMMAND_POLICY_CHECK),                                  "check: a warning is a failure, too"                        },
    {OPTION_QUIET,                "--quiet",                NULL,               BIT(COMMAND_POLICY_TEST),                                   "policy test: print only the end"                           },
    {OPTION_HEAD,                 "--head",                 NULL,               BIT(COMMAND_AUDIT_VERIFY),
     "audit verify: print only the last record's number and hash, to keep elsewhere"                                                                                                                    },
    {OPTION_EXPECT,               "--expect",               "SEQ:HASH",         BIT(COMMAND_AUDIT_VERIFY),
     "audit verify: the log must contain this record, seen earlier with --head"                                                                                                                         },
    {OPTION_LINES,                "--lines",                "N",                BIT(COMMAND_AUDIT_TAIL),
     "audit tail: how many of the last records (default 10); -n is short for it"                                                                                                                        },
    {OPTION_FOLLOW,               "--follow",               NULL,               BIT(COMMAND_AUDIT_TAIL),
     "audit tail: go on with what is written from now on; -f is short for it"                                                                                                                           },
    {OPTION_AFTER,                "--after",                "SEQ",              BIT(COMMAND_AUDIT_TAIL),
     "audit tail: everything after the record of this number; 0 is everything"                                                                                                                          },
};
const size_t option_row_count = COUNT(option_rows);

// --- the help ---

// Words from column `indent` on, broken before column 100. The cursor stands at `column`.
static void put_wrapped(struct buf *out, const char *text, size_t column, size_t indent)
{
    if (column + 1 >= indent) {
        buf_put_byte(out, '\n');
        column = 0;
    }
    for (; column < indent; column++)
        buf_put_byte(out, ' ');
    while (*text != 0) {
        size_t len = strcspn(text, " ");
        if (column > indent && column + 1 + len > 100) {
            buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            buf_put_byte(out, ' ');
            column++;
        }
        buf_put(out, text, len);
        column += len;
        text += len + strspn(text + len, " ");
    }
    buf_put_byte(out, '\n');
}

static void put_options(struct buf *out, bool common)
{
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *o = &option_rows[i];
        if ((o->commands == 0) != common)
            continue;
        size_t start = out->len;
        buf_printf(out, "  %s%s%s", o->name, o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
        put_wrapped(out, o->help, out->len - start, 30);
    }
}

void args_put_help(struct buf *out)
{
    buf_put_text(out, "lpactl manages the profiles of an eUICC through lpad.\n\n"
                      "Usage: lpactl [OPTIONS] COMMAND [ARGUMENTS]\n\nCommands:\n");
    for (size_t i = 0; i < command_row_count; i++) {
        const struct command_row *c = &command_rows[i];
        size_t start = out->len;
        buf_printf(out, "  %s%s%s%s%s", c->group, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
                   c->arguments[0] != 0 ? " " : "", c->arguments);
        put_wrapped(out, c->help, out->len - start, 34);
    }
    buf_put_text(out, "\nOptions of every command:\n");
    put_options(out, true);
    buf_put_text(out, "\nOptions of single commands:\n");
    put_options(out, false);
    buf_put_text(out, "\nExit codes:\n");
    for (unsigned i = 0; i < EXIT_CODE_MAX; i++)
        buf_printf(out, "  %3u  %s\n", i, exit_code_words((enum exit_code)i));
    buf_put_text(
        out,
        "  128+N  ended by signal N, as shells report it (130: Ctrl-C)\n\n"
        "Results go to standard output; questions go to the terminal; progress and errors go to standard "
        "error.\n");
}
