// SPDX-License-Identifier: Apache-2.0
// The words of each error value.
#include "lib/err.h"

#include <stdio.h>
#include <stdlib.h>

const char *err_words(enum err e)
{
    switch (e) {
    case ERR_OK: return "no error";
    case ERR_IO: return "a system call failed";
    case ERR_IO_TIMEOUT: return "a deadline passed";
    case ERR_IO_SANDBOX: return "the sandbox could not be set up";
    case ERR_CLOSED: return "the other end closed the link";
    case ERR_PEER_TRUNCATED: return "a frame was longer than allowed";
    case ERR_PEER_UNPARSABLE: return "a frame was not a message of this link";
    case ERR_PEER_UNKNOWN: return "a message had an unknown field or value";
    case ERR_PEER_LIMIT: return "a field or list was longer than allowed";
    case ERR_PEER_DESCRIPTOR:
        return "a message came with a descriptor it does not call for, or without its own";
    case ERR_PEER_ENCODING: return "a message was not in its one canonical encoding";
    case ERR_PEER_UNEXPECTED: return "a message came that was not expected now";
    case ERR_PEER_SEAL: return "shared memory was not sealed";
    case ERR_DER_TRUNCATED: return "a TLV runs past the end of its data";
    case ERR_DER_LENGTH: return "a TLV has an invalid length";
    case ERR_DER_TAG: return "a TLV has the wrong tag";
    case ERR_DER_TRAILING: return "there are bytes after the end of a TLV";
    case ERR_DER_VALUE: return "a TLV's value is out of range";
    case ERR_DER_DUPLICATE: return "a TLV stands twice";
    case ERR_DER_MISSING: return "a mandatory TLV is missing";
    case ERR_REMOTE_SHAPE: return "the server's answer does not have the function's shape";
    case ERR_REMOTE_REFUSED: return "the server refused the request";
    case ERR_REMOTE_TLS: return "the server's TLS identity could not be verified";
    case ERR_REMOTE_CONNECT: return "the server could not be reached";
    case ERR_REMOTE_MISMATCH: return "the server's answer belongs to another session";
    case ERR_REMOTE_HTTP: return "the server answered with an unexpected HTTP status";
    case ERR_REMOTE_TIMEOUT: return "the server did not answer in time";
    case ERR_CARD_SW: return "the card answered with an error status word";
    case ERR_CARD_RESPONSE: return "the card's answer does not have the function's shape";
    case ERR_CARD_RESULT: return "the card refused the function";
    case ERR_CARD_GONE: return "the card is gone";
    case ERR_CARD_TIMEOUT: return "the card did not answer in time";
    case ERR_DENIED: return "the policy does not allow it";
    case ERR_DENIED_PHASE: return "not possible in this phase of the session";
    case ERR_LIMIT: return "a limit was reached";
    case ERR_MEMORY: return "out of memory";
    case ERR_INPUT: return "the input cannot be used";
    }
    return "unknown error";
}

void lpad_bug(const char *file, int line, const char *what)
{
    fprintf(stderr, "lpad: bug at %s:%d: %s\n", file, line, what);
    abort();
}
