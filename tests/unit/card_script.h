// SPDX-License-Identifier: Apache-2.0
// A scripted card: a transport that expects given commands and gives given responses, in this order.
#ifndef LPAD_TESTS_UNIT_CARD_SCRIPT_H
#define LPAD_TESTS_UNIT_CARD_SCRIPT_H

#include "cardd/transports/transport.h"

struct card_step {
    const char *command;  // hexadecimal; NULL: any
    const char *response; // hexadecimal; NULL: `error` instead
    enum err error;
    unsigned times; // this step in a row; 0: once
};

struct card_script {
    struct transport transport; // give a pointer to this one
    const struct card_step *steps;
    size_t count, next;
    unsigned done; // of the current step
    unsigned resets;
};

// The transport answers by `steps`; a command that is not the next one's fails the test.
void card_script_init(struct card_script *s, const struct card_step *steps, size_t count);
void card_script_assert_end(const struct card_script *s);

// What opens channel 1 on a card that asks for nothing: reset, MANAGE CHANNEL, SELECT.
#define CARD_STEPS_OPEN                                                                                      \
    {.command = "0070000001", .response = "019000"},                                                         \
    {                                                                                                        \
        .command = "01A4040010A0000005591010FFFFFFFF8900000100", .response = "9000"                          \
    }
#define CARD_AID "A0000005591010FFFFFFFF8900000100"

#endif
