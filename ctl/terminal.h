// SPDX-License-Identifier: Apache-2.0
// Asking a person at the controlling terminal, and reading secrets from descriptors.
#ifndef LPAD_CTL_TERMINAL_H
#define LPAD_CTL_TERMINAL_H

#include "lib/err.h"

#include <stddef.h>

#define SECRET_MAX 512 // with the terminating zero

// A line that may be a secret. Its holder wipes it.
struct secret {
    char text[SECRET_MAX];
    size_t len;
};

void secret_wipe(struct secret *s);
// Takes spaces and control characters off both ends.
void secret_trim(struct secret *s);

// What else may end a wait: a signal (a signalfd), or the link's socket becoming readable. -1: not watched.
struct watch {
    int signal_fd;
    int link_fd;
};

enum line_end {
    LINE_READ,
    LINE_NO_TERMINAL,
    LINE_CLOSED, // end of file before anything came
    LINE_TOO_LONG,
    LINE_SIGNAL,
    LINE_LINK, // lpad has something to say first
    LINE_FAILED,
    LINE_END_MAX,
};

// Reads up to the first line end or the end of file, byte by byte: what follows stays for others.
LPAD_NODISCARD enum line_end line_read(int fd, const struct watch *watch, struct secret *ret_line);

// Shows `prompt` on the controlling terminal and reads a line from it; what was typed before is thrown away.
// Without `echo` nothing of it is shown, but how many characters were read is said afterwards. The terminal's
// mode is as before on every return.
LPAD_NODISCARD enum line_end terminal_ask(const char *prompt, bool echo, const struct watch *watch,
                                          struct secret *ret_line);

#endif
