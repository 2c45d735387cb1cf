// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/es10_rig.h"

#include "tests/unit/card_script.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#include <stdio.h>

#define RESPONSE_MAX 8192

static struct {
    struct card_script script;
    struct card_step steps[3];
    char command[1024], response[1024];
    struct apdu apdu;
    struct es10 es10;
    uint8_t commands[ES10_COMMAND_MAX];
    uint8_t responses[RESPONSE_MAX];
} rig;

struct es10 *expect(const char *command, const char *response)
{
    static const struct card_step open[] = {CARD_STEPS_OPEN};
    static uint8_t aid[16];
    size_t len;
    assert_int_equal(hex_decode(CARD_AID, strlen(CARD_AID), aid, sizeof aid, &len), ERR_OK);
    assert_true(strlen(command) / 2 <= 255 && strlen(response) / 2 <= 256);
    snprintf(rig.command, sizeof rig.command, "81E29100%02X%s", (unsigned)(strlen(command) / 2), command);
    snprintf(rig.response, sizeof rig.response, "%s9000", response);
    memcpy(rig.steps, open, sizeof open);
    rig.steps[2] = (struct card_step){.command = rig.command, .response = rig.response};
    card_script_init(&rig.script, rig.steps, 3);
    rig.apdu = (struct apdu){
        .transport = &rig.script.transport,
        .settings = {.block_size = 255,
                     .response_max = RESPONSE_MAX,
                     .timeout_ms = 1000,
                     .isdr_aid = bytes_make(aid, len)},
        .response = rig.responses,
    };
    rig.es10 = (struct es10){.apdu = &rig.apdu, .command = rig.commands};
    return &rig.es10;
}

void es10_answer(const char *response)
{
    rig.steps[2].response = response;
}

struct es10 *es10_last(void)
{
    return &rig.es10;
}

void assert_refused(const struct es10 *es, Lpad__Function function, uint32_t result)
{
    assert_true(es->fault.has_function && es->fault.has_result);
    assert_int_equal(es->fault.function, function);
    assert_int_equal(es->fault.result, result);
}
