// SPDX-License-Identifier: Apache-2.0
// The scripted card.
#include "tests/unit/card_script.h"

#include "tests/unit/unit.h"

static enum err script_transmit(struct transport *t, struct bytes command, int timeout_ms,
                                uint8_t *ret_response, size_t *ret_len)
{
    struct card_script *s = (struct card_script *)(void *)t;
    size_t len;
    assert_true(timeout_ms > 0);
    assert_true(s->next < s->count);
    const struct card_step *step = &s->steps[s->next];
    if (step->command != NULL)
        assert_bytes_hex(command, step->command);
    if (++s->done >= step->times) {
        s->next++;
        s->done = 0;
    }
    if (step->response == NULL)
        return step->error;
    assert_int_equal(
        hex_decode(step->response, strlen(step->response), ret_response, TRANSPORT_RESPONSE_MAX, &len),
        ERR_OK);
    *ret_len = len;
    return ERR_OK;
}

static enum err script_reset(struct transport *t)
{
    struct card_script *s = (struct card_script *)(void *)t;
    s->resets++;
    return ERR_OK;
}

static void script_close(struct transport *t)
{
    (void)t;
}

static const struct transport_ops script_ops = {
    .name = "script",
    .transmit = script_transmit,
    .reset = script_reset,
    .close = script_close,
};

void card_script_init(struct card_script *s, const struct card_step *steps, size_t count)
{
    *s = (struct card_script){
        .transport = {.ops = &script_ops, .fd = -1},
          .steps = steps, .count = count
    };
}

void card_script_assert_end(const struct card_script *s)
{
    assert_int_equal(s->next, s->count);
}
