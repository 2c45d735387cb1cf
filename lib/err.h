// SPDX-License-Identifier: Apache-2.0
// Error values: one enum for all of lpad, its class in the high byte.
//
// "The world misbehaved" is an error value; "we are wrong" is an abort (see LPAD_BUG). The class
// decides the reaction, in one switch per process. Libraries never log: a function either logs or
// returns, never both.
#ifndef LPAD_LIB_ERR_H
#define LPAD_LIB_ERR_H

#include <stdbool.h>

#define LPAD_NODISCARD    __attribute__((warn_unused_result))
#define LPAD_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum err_class {
    ERR_CLASS_NONE = 0,
    ERR_CLASS_IO,     // a local system call or file failed
    ERR_CLASS_CLOSED, // the other end went away
    ERR_CLASS_PEER,   // a local peer broke the contract of its link: a violation
    ERR_CLASS_REMOTE, // a server sent or did what the protocol does not allow, or refused
    ERR_CLASS_CARD,   // the card did, or refused
    ERR_CLASS_DENIED, // policy or person said no
    ERR_CLASS_LIMIT,  // a bound of ours was reached
    ERR_CLASS_MEMORY,
    ERR_CLASS_INPUT, // what a person or a file gave us cannot be used
    ERR_CLASS_MAX,
};

#define ERR_VALUE(class, n) (((class) << 8) | (n))

enum err {
    ERR_OK = 0,

    ERR_IO = ERR_VALUE(ERR_CLASS_IO, 0),
    ERR_IO_TIMEOUT = ERR_VALUE(ERR_CLASS_IO, 1),
    ERR_IO_SANDBOX = ERR_VALUE(ERR_CLASS_IO, 2), // the sandbox could not be made

    ERR_CLOSED = ERR_VALUE(ERR_CLASS_CLOSED, 0),

    ERR_PEER_TRUNCATED = ERR_VALUE(ERR_CLASS_PEER, 0),  // datagram longer than a frame may be
    ERR_PEER_UNPARSABLE = ERR_VALUE(ERR_CLASS_PEER, 1), // not a message of this link
    ERR_PEER_UNKNOWN = ERR_VALUE(ERR_CLASS_PEER, 2),    // unknown field or enum value
    ERR_PEER_LIMIT = ERR_VALUE(ERR_CLASS_PEER, 3),      // over-long field or list
    ERR_PEER_DESCRIPTOR = ERR_VALUE(ERR_CLASS_PEER, 4), // a descriptor too many or too few
    ERR_PEER_ENCODING = ERR_VALUE(ERR_CLASS_PEER, 5),   // does not re-pack to the same bytes
    ERR_PEER_UNEXPECTED = ERR_VALUE(ERR_CLASS_PEER, 6), // well-formed, but not now
    ERR_PEER_SEAL = ERR_VALUE(ERR_CLASS_PEER, 7),       // memory that is not sealed as it must be

    ERR_DER_TRUNCATED = ERR_VALUE(ERR_CLASS_REMOTE, 0), // a length runs past the end
    ERR_DER_LENGTH = ERR_VALUE(ERR_CLASS_REMOTE, 1),    // indefinite, non-minimal or over-long length
    ERR_DER_TAG = ERR_VALUE(ERR_CLASS_REMOTE, 2),       // not the tag that must stand here
    ERR_DER_TRAILING = ERR_VALUE(ERR_CLASS_REMOTE, 3),  // something stands after the end
    ERR_DER_VALUE = ERR_VALUE(ERR_CLASS_REMOTE, 4),     // a value out of its range
    ERR_DER_DUPLICATE = ERR_VALUE(ERR_CLASS_REMOTE, 5), // a known tag twice
    ERR_DER_MISSING = ERR_VALUE(ERR_CLASS_REMOTE, 6),   // a mandatory element is not there
    ERR_REMOTE_SHAPE = ERR_VALUE(ERR_CLASS_REMOTE, 16), // JSON or HTTP that is not the function's
    ERR_REMOTE_REFUSED = ERR_VALUE(ERR_CLASS_REMOTE, 17),
    ERR_REMOTE_TLS = ERR_VALUE(ERR_CLASS_REMOTE, 18),
    ERR_REMOTE_CONNECT = ERR_VALUE(ERR_CLASS_REMOTE, 19),
    ERR_REMOTE_MISMATCH = ERR_VALUE(ERR_CLASS_REMOTE, 20), // an echo that is not what was sent
    ERR_REMOTE_HTTP = ERR_VALUE(ERR_CLASS_REMOTE, 21),     // an HTTP status that is not the protocol's
    ERR_REMOTE_TIMEOUT = ERR_VALUE(ERR_CLASS_REMOTE, 22),

    ERR_CARD_SW = ERR_VALUE(ERR_CLASS_CARD, 0),       // a status word that is not success
    ERR_CARD_RESPONSE = ERR_VALUE(ERR_CLASS_CARD, 1), // a response that is not the function's
    ERR_CARD_RESULT = ERR_VALUE(ERR_CLASS_CARD, 2),   // a result code of the function
    ERR_CARD_GONE = ERR_VALUE(ERR_CLASS_CARD, 3),     // the transport closed
    ERR_CARD_TIMEOUT = ERR_VALUE(ERR_CLASS_CARD, 4),

    ERR_DENIED = ERR_VALUE(ERR_CLASS_DENIED, 0),       // by the policy
    ERR_DENIED_PHASE = ERR_VALUE(ERR_CLASS_DENIED, 1), // not in this phase of the session

    ERR_LIMIT = ERR_VALUE(ERR_CLASS_LIMIT, 0),

    ERR_MEMORY = ERR_VALUE(ERR_CLASS_MEMORY, 0),

    ERR_INPUT = ERR_VALUE(ERR_CLASS_INPUT, 0),
};

static inline enum err_class err_class_of(enum err e)
{
    return (enum err_class)((unsigned)e >> 8);
}

// A short sentence for people; never NULL.
const char *err_words(enum err e);

// Ends the process: lpad itself is wrong, and going on could do harm.
_Noreturn void lpad_bug(const char *file, int line, const char *what);
#define LPAD_BUG(what)    lpad_bug(__FILE__, __LINE__, (what))
#define LPAD_ASSERT(cond) ((cond) ? (void)0 : lpad_bug(__FILE__, __LINE__, #cond))

// `LPAD_TRY(f(x))`: returns f's error from the calling function, if there is one.
#define LPAD_TRY(expr)                                                                                       \
    do {                                                                                                     \
        enum err lpad_try_ = (expr);                                                                         \
        if (lpad_try_ != ERR_OK)                                                                             \
            return lpad_try_;                                                                                \
    } while (0)

#endif
