// SPDX-License-Identifier: Apache-2.0
// The tables of commands and options, which the parser and --help share.
#ifndef LPAD_CTL_ARGS_TABLE_H
#define LPAD_CTL_ARGS_TABLE_H

#include "ctl/args.h"

struct command_row {
    enum command command;
    const char *group;
    const char *verb; // NULL: the group alone
    const char *arguments;
    unsigned least, most; // arguments
    const char *help;
};

enum option {
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_JSON,
    OPTION_SOCKET,
    OPTION_TIMEOUT,
    OPTION_NO_COLOR,
    OPTION_CARD,
    OPTION_YES,
    OPTION_STRONG_YES,
    OPTION_RAT,
    OPTION_OPERATIONAL,
    OPTION_TEST,
    OPTION_DEFAULT_ADDRESS,
    OPTION_REMOVE,
    OPTION_OUTPUT,
    OPTION_DOWNLOAD,
    OPTION_DEFAULT,
    OPTION_EVENT,
    OPTION_NO_REFRESH,
    OPTION_CODE_FD,
    OPTION_CODE_STDIN,
    OPTION_CONFIRMATION_CODE_FD,
    OPTION_STRICT,
    OPTION_QUIET,
    OPTION_HEAD,
    OPTION_EXPECT,
    OPTION_LINES,
    OPTION_FOLLOW,
    OPTION_AFTER,
    OPTION_MAX,
};

struct option_row {
    enum option option;
    const char *name;
    const char *value; // NULL: takes none
    uint64_t commands; // bits; 0: every command
    const char *help;
};

extern const struct command_row command_rows[];
extern const size_t command_row_count;
extern const struct option_row option_rows[];
extern const size_t option_row_count;

#endif
