// SPDX-License-Identifier: Apache-2.0
// The exit codes' words, and the one table from error values to exit codes.
#include "ctl/exit_code.h"

#include <stddef.h>

const char *exit_code_words(enum exit_code code)
{
    switch (code) {
    case EXIT_CODE_OK: return "done";
    case EXIT_CODE_INTERNAL:
        return "something unexpected inside lpactl or lpad; policy check and test: a finding";
    case EXIT_CODE_USAGE: return "wrong usage, or input that cannot be used";
    case EXIT_CODE_UNREACHABLE: return "lpad could not be reached over its socket";
    case EXIT_CODE_DENIED: return "the policy does not allow it";
    case EXIT_CODE_DECLINED: return "consent was not given: the person said no, or nobody could be asked";
    case EXIT_CODE_SERVER: return "the server refused, or did not keep to the protocol";
    case EXIT_CODE_NETWORK:
        return "the server was not reached, not verified (TLS), or did not answer in time";
    case EXIT_CODE_CARD: return "the card refused, failed, or did not answer";
    case EXIT_CODE_BUSY: return "lpad is busy, or a limit is reached: try again later";
    case EXIT_CODE_RESTARTING: return "a process of lpad died or was stopped; it is started again";
    case EXIT_CODE_AUDIT: return "the audit is broken, or does not go on where it should";
    case EXIT_CODE_TIMEOUT: return "lpad did not answer in time, or a deadline of its own passed";
    case EXIT_CODE_MAX: break;
    }
    return "unknown";
}

#define TRY_AGAIN      "Try again in a moment; if it happens again, look at 'lpactl status' and at lpad's log."
#define ASK_OPERATOR   "Try again later; if it happens again, give this message to the operator of the server."
#define SAME_VERSION   "Look at lpad's log for the process that was stopped, then try again."
#define LOOK_AT_CARD   "Look at 'lpactl euicc info'; if it fails too, reset or reseat the card."
#define CHECK_NETWORK  "Check that the gateway is online and that the server's name and port are right."
#define ASK_CARD_MAKER "Try again; if it happens again, give this message to the maker of the card."

static const struct err_row rows[] = {
    {ERR_OK,              EXIT_CODE_OK,         "ok",               "Nothing is to be done."                                 },

    {ERR_IO,              EXIT_CODE_RESTARTING, "io",               TRY_AGAIN                                                },
    {ERR_IO_TIMEOUT,      EXIT_CODE_TIMEOUT,    "timeout",          TRY_AGAIN                                                },
    {ERR_IO_SANDBOX,      EXIT_CODE_RESTARTING, "sandbox",
     "Look at lpad's log: a process could not be confined, and does not run without it."                                     },
    {ERR_CLOSED,          EXIT_CODE_RESTARTING, "closed",           TRY_AGAIN                                                },

    {ERR_PEER_TRUNCATED,  EXIT_CODE_RESTARTING, "peer_truncated",   SAME_VERSION                                             },
    {ERR_PEER_UNPARSABLE, EXIT_CODE_RESTARTING, "peer_unparsable",  SAME_VERSION                                             },
    {ERR_PEER_UNKNOWN,    EXIT_CODE_RESTARTING, "peer_unknown",     SAME_VERSION                                             },
    {ERR_PEER_LIMIT,      EXIT_CODE_RESTARTING, "peer_limit",       SAME_VERSION                                             },
    {ERR_PEER_DESCRIPTOR, EXIT_CODE_RESTARTING, "peer_descriptor",  SAME_VERSION                                             },
    {ERR_PEER_ENCODING,   EXIT_CODE_RESTARTING, "peer_encoding",    SAME_VERSION                                             },
    {ERR_PEER_UNEXPECTED, EXIT_CODE_RESTARTING, "peer_unexpected",  SAME_VERSION                                             },
    {ERR_PEER_SEAL,       EXIT_CODE_RESTARTING, "peer_seal",        SAME_VERSION                                             },

    {ERR_DER_TRUNCATED,   EXIT_CODE_SERVER,     "der_truncated",    ASK_OPERATOR                                             },
    {ERR_DER_LENGTH,      EXIT_CODE_SERVER,     "der_length",       ASK_OPERATOR                                             },
    {ERR_DER_TAG,         EXIT_CODE_SERVER,     "der_tag",          ASK_OPERATOR                                             },
    {ERR_DER_TRAILING,    EXIT_CODE_SERVER,     "der_trailing",     ASK_OPERATOR                                             },
    {ERR_DER_VALUE,       EXIT_CODE_SERVER,     "der_value",        ASK_OPERATOR                                             },
    {ERR_DER_DUPLICATE,   EXIT_CODE_SERVER,     "der_duplicate",    ASK_OPERATOR                                             },
    {ERR_DER_MISSING,     EXIT_CODE_SERVER,     "der_missing",      ASK_OPERATOR                                             },
    {ERR_REMOTE_SHAPE,    EXIT_CODE_SERVER,     "server_shape",     ASK_OPERATOR                                             },
    {ERR_REMOTE_REFUSED,  EXIT_CODE_SERVER,     "server_refused",
     "Give this message to the operator of the server."                                                                      },
    {ERR_REMOTE_TLS,      EXIT_CODE_NETWORK,    "tls",
     "Check the date of the gateway, the server's name, and that lpad's CI certificates belong to this "
     "server "
     "(test servers use a test CI). Do not go on if the name is right: somebody may be in between."                          },
    {ERR_REMOTE_CONNECT,  EXIT_CODE_NETWORK,    "connect",          CHECK_NETWORK                                            },
    {ERR_REMOTE_MISMATCH, EXIT_CODE_SERVER,     "server_mismatch",  ASK_OPERATOR                                             },
    {ERR_REMOTE_HTTP,     EXIT_CODE_SERVER,     "server_http",      ASK_OPERATOR                                             },
    {ERR_REMOTE_TIMEOUT,  EXIT_CODE_NETWORK,    "server_timeout",   CHECK_NETWORK                                            },

    {ERR_CARD_SW,         EXIT_CODE_CARD,       "card_status_word", LOOK_AT_CARD                                             },
    {ERR_CARD_RESPONSE,   EXIT_CODE_CARD,       "card_response",    ASK_CARD_MAKER                                           },
    {ERR_CARD_RESULT,     EXIT_CODE_CARD,       "card_result",
     "Look at 'lpactl profile list' for what the card holds."                                                                },
    {ERR_CARD_GONE,       EXIT_CODE_CARD,       "card_gone",
     "Check that the card is there and that its reader or modem works."                                                      },
    {ERR_CARD_TIMEOUT,    EXIT_CODE_CARD,       "card_timeout",     LOOK_AT_CARD                                             },

    {ERR_DENIED,          EXIT_CODE_DENIED,     "denied",           "Ask whoever keeps lpad's policy file."                  },
    {ERR_DENIED_PHASE,    EXIT_CODE_BUSY,       "busy",             "Wait until the running session is over, then try again."},

    {ERR_LIMIT,           EXIT_CODE_BUSY,       "limit",            "Try again later."                                       },
    {ERR_MEMORY,          EXIT_CODE_INTERNAL,   "memory",           "Free some memory on the gateway, then try again."       },
    {ERR_INPUT,           EXIT_CODE_USAGE,      "input",            "Check what was given, and try again."                   },
};

const struct err_row *err_row_get(uint32_t error)
{
    static const struct err_row unknown = {
        ERR_OK, EXIT_CODE_INTERNAL, "unknown",
        "Check that lpactl and lpad are of the same version ('lpactl --version', 'lpactl status')."};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((uint32_t)rows[i].error == error)
            return &rows[i];
    return &unknown;
}
