// SPDX-License-Identifier: Apache-2.0
// Rows that the allowlists of processes with sockets have in common.
#ifndef LPAD_LIB_SANDBOX_NETWORK_H
#define LPAD_LIB_SANDBOX_NETWORK_H

#include "lib/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#define SANDBOX_DNS_PORT 53

// The whole of a socket() call: flags in the type are masked out, everything else must be exact.
#define SANDBOX_SOCKET(family, type, protocol, why)                                                          \
    SANDBOX_CALL_IF("socket", why, 3, SANDBOX_ARG(0, family),                                                \
                    SANDBOX_ARG_MASKED(1, ~(SOCK_NONBLOCK | SOCK_CLOEXEC), type), SANDBOX_ARG(2, protocol))

// getsockopt and setsockopt of one option.
#define SANDBOX_OPTION(call, level, option, why)                                                             \
    SANDBOX_CALL_IF(call, why, 2, SANDBOX_ARG(1, level), SANDBOX_ARG(2, option))

#define SANDBOX_FCNTL(command, why) SANDBOX_CALL_IF("fcntl", why, 1, SANDBOX_ARG(1, command))

// sendto() with an address is how data leaves with the SYN, past Landlock's ports: no address, no such flag.
#define SANDBOX_SENDTO_CONNECTED(why)                                                                        \
    SANDBOX_CALL_IF("sendto", why, 2, SANDBOX_ARG_MASKED(3, MSG_FASTOPEN, 0),                                \
                    {.mask = ~0ull, .value = 0, .argument = 4})

// What libcurl and the libraries behind it try, and can do without.
#define SANDBOX_LIBCURL_TRIES                                                                                \
    SANDBOX_FCNTL(F_GETFL, "libcurl makes its socket non-blocking"), SANDBOX_FCNTL(F_SETFL, "likewise"),     \
        SANDBOX_OPTION("setsockopt", IPPROTO_TCP, TCP_NODELAY, "libcurl switches Nagle's algorithm off"),    \
        SANDBOX_CALL_IF("newfstatat", "the same, as the C library calls it", 1,                              \
                        SANDBOX_ARG_MASKED(3, AT_EMPTY_PATH, AT_EMPTY_PATH)),                                \
        {.name = "newfstatat",                                                                               \
         .action = SANDBOX_DENY,                                                                             \
         .error = EACCES,                                                                                    \
         .conditions = 1,                                                                                    \
         .condition = {SANDBOX_ARG_MASKED(3, AT_EMPTY_PATH, 0)},                                             \
         .reason = "libraries look for files that they do not need"},                                        \
        SANDBOX_CALL_DENY("openat", EACCES,                                                                  \
                          "c-ares, libcurl and OpenSSL look for files that they do not need"),               \
        SANDBOX_CALL_DENY("open", EACCES, "likewise"), SANDBOX_CALL_DENY("access", EACCES, "likewise"),      \
        SANDBOX_CALL_DENY("stat", EACCES, "likewise"), SANDBOX_CALL_DENY("statx", EACCES, "likewise"),       \
        SANDBOX_CALL_DENY("readlink", EACCES, "likewise"),                                                   \
        SANDBOX_CALL_DENY("ioctl", ENOTTY, "stdio asks whether it writes to a terminal")

#endif
