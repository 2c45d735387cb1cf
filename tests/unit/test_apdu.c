// SPDX-License-Identifier: Apache-2.0
// The APDU layer against a scripted card: chains out, chains back, and what a bad card can do.
#include "cardd/apdu.h"

#include "tests/unit/card_script.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define RESPONSE_MAX 2048

static struct {
    struct card_script script;
    struct apdu apdu;
    uint8_t aid[16];
    uint8_t response[RESPONSE_MAX];
} rig;

static struct apdu *start(const struct card_step *steps, size_t count, unsigned block_size)
{
    size_t len;
    card_script_init(&rig.script, steps, count);
    assert_int_equal(hex_decode(CARD_AID, strlen(CARD_AID), rig.aid, sizeof rig.aid, &len), ERR_OK);
    rig.apdu = (struct apdu){
        .transport = &rig.script.transport,
        .settings = {.block_size = block_size,
                     .response_max = RESPONSE_MAX,
                     .timeout_ms = 1000,
                     .isdr_aid = bytes_make(rig.aid, len)},
        .response = rig.response,
    };
    return &rig.apdu;
}
#define START(steps, block) start(steps, sizeof(steps) / sizeof((steps)[0]), block)

static enum err exchange(struct apdu *a, const char *command, enum apdu_repeat repeat,
                         struct bytes *ret_response)
{
    struct bytes c = unit_hex(command);
    enum err e = apdu_exchange(a, c, repeat, ret_response);
    unit_free(c);
    return e;
}

static void test_class(void **state)
{
    (void)state;
    static const struct {
        uint8_t base, channel, cla;
    } cases[] = {
        {0x80, 0,  0x80},
        {0x80, 1,  0x81},
        {0x80, 3,  0x83},
        {0x80, 4,  0xC0},
        {0x80, 19, 0xCF},
        {0x00, 0,  0x00},
        {0x00, 3,  0x03},
        {0x00, 4,  0x40},
        {0x00, 19, 0x4F},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(apdu_class(cases[i].base, cases[i].channel), cases[i].cla);
}

// SGP.22's own example: TERMINAL CAPABILITY, the channel, the EID through 61xx, and the channel given back.
static void test_one_session(void **state)
{
    (void)state;
    static const struct card_step steps[] = {
        {.command = "80AA00000AA9088100820101830107", .response = "9000"                                          },
        {.command = "0070000001",                     .response = "019000"                                        },
        {.command = "01A4040010" CARD_AID,            .response = "6121"                                          },
        {.command = "81E2910006BF3E035C015A",         .response = "6115"                                          },
        {.command = "01C0000015",                     .response = "BF3E125A10890490321234512345123451234512359000"},
        {.command = "81E2910003BF2000",               .response = "BF20009000"                                    },
        {.command = "0070800100",                     .response = "9000"                                          },
    };
    struct apdu *a = START(steps, 255);
    struct bytes capability = unit_hex("A9088100820101830107"), response;
    a->settings.terminal_capability = capability;
    assert_int_equal(exchange(a, "BF3E035C015A", APDU_REPEATABLE, &response), ERR_OK);
    assert_bytes_hex(response, "BF3E125A1089049032123451234512345123451235");
    assert_int_equal(exchange(a, "BF2000", APDU_REPEATABLE, &response), ERR_OK);
    assert_bytes_hex(response, "BF2000");
    apdu_close(a);
    assert_int_equal(rig.script.resets, 1);
    card_script_assert_end(&rig.script);
    unit_free(capability);
}

static void test_high_channel(void **state)
{
    (void)state;
    static const struct card_step steps[] = {
        {.command = "0070000001",          .response = "059000"    },
        {.command = "41A4040010" CARD_AID, .response = "9000"      },
        {.command = "C1E2910003BF2000",    .response = "6103"      },
        {.command = "41C0000003",          .response = "BF20009000"},
    };
    struct bytes response;
    assert_int_equal(exchange(START(steps, 255), "BF2000", APDU_ONCE, &response), ERR_OK);
    card_script_assert_end(&rig.script);
}

// Every channel that there can be: SELECT, STORE DATA and GET RESPONSE carry its number (TS 102 221, 10.1.1).
static void test_every_channel(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 19; n++) {
        const unsigned bits = n < 4 ? n : 0x40 | (n - 4);
        char answer[16], select[64], store[32], get[16], close[16];
        snprintf(answer, sizeof answer, "%02X9000", n);
        snprintf(select, sizeof select, "%02XA4040010" CARD_AID, bits);
        snprintf(store, sizeof store, "%02XE2910003BF2000", 0x80 | bits);
        snprintf(get, sizeof get, "%02XC0000003", bits);
        snprintf(close, sizeof close, "007080%02X00", n);
        const struct card_step steps[] = {
            {.command = "0070000001", .response = answer      },
            {.command = select,       .response = "9000"      },
            {.command = store,        .response = "6103"      },
            {.command = get,          .response = "BF20009000"},
            {.command = close,        .response = "9000"      },
        };
        struct bytes response;
        struct apdu *a = START(steps, 255);
        assert_int_equal(exchange(a, "BF2000", APDU_ONCE, &response), ERR_OK);
        apdu_close(a);
        card_script_assert_end(&rig.script);
    }
}

// Some cards want SELECT without a response.
static void test_select_again(void **state)
{
    (void)state;
    static const struct card_step steps[] = {
        {.command = "0070000001",          .response = "019000"},
        {.command = "01A4040010" CARD_AID, .response = "6A86"  },
        {.command = "01A4040C10" CARD_AID, .response = "9000"  },
        {.command = "81E2910003BF2000",    .response = "9000"  },
    };
    struct bytes response;
    assert_int_equal(exchange(START(steps, 255), "BF2000", APDU_ONCE, &response), ERR_OK);
    assert_int_equal(response.len, 0);
    card_script_assert_end(&rig.script);
}

// No ISD-R: the channel is given back, and the card's own word is what is told.
static void test_select_fails(void **state)
{
    (void)state;
    static const struct card_step steps[] = {
        {.command = "0070000001",          .response = "019000"},
        {.command = "01A4040010" CARD_AID, .response = "6A82"  },
        {.command = "01A4040C10" CARD_AID, .response = "6A82"  },
        {.command = "0070800100",          .response = "9000"  },
    };
    struct bytes response;
    struct apdu *a = START(steps, 255);
    assert_int_equal(exchange(a, "BF2000", APDU_REPEATABLE, &response), ERR_CARD_SW);
    assert_int_equal(a->sw, 0x6A82);
    assert_false(a->is_open);
    card_script_assert_end(&rig.script);
}

#define AID_2 "A0000005591010FFFFFFFF8900050500"
#define AID_3 "A000000559"

// The first AID that the card knows is the one, for as long as the process lives.
static void test_more_aids(void **state)
{
    (void)state;
    static const struct card_step steps[] = {
        {.command = "0070000001",          .response = "019000"},
        {.command = "01A4040010" CARD_AID, .response = "6A82"  },
        {.command = "01A4040C10" CARD_AID, .response = "6A82"  },
        {.command = "01A4040010" AID_2,    .response = "6A82"  },
        {.command = "01A4040C10" AID_2,    .response = "6A82"  },
        {.command = "01A4040005" AID_3,    .response = "6120"  },
        {.command = "81E2910003BF2000",    .response = "6881"  },
        {.command = "0070000001",          .response = "029000"},
        {.command = "02A4040005" AID_3,    .response = "9000"  },
        {.command = "82E2910003BF2000",    .response = "9000"  },
        {.command = "82E2910003BF2000",    .response = "6881"  },
        {.command = "0070000001",          .response = "039000"},
        {.command = "03A4040005" AID_3,    .response = "6A82"  },
        {.command = "03A4040C05" AID_3,    .response = "6A82"  },
        {.command = "0070800300",          .response = "9000"  },
    };
    struct bytes more[] = {unit_hex(AID_2), unit_hex(AID_3)}, response;
    struct apdu *a = START(steps, 255);
    a->settings.more_isdr_aids = more;
    a->settings.more_isdr_aid_count = 2;
    assert_int_equal(exchange(a, "BF2000", APDU_REPEATABLE, &response), ERR_OK);
    assert_int_equal(exchange(a, "BF2000", APDU_REPEATABLE, &response), ERR_CARD_SW);
    assert_int_equal(a->sw, 0x6A82);
    card_script_assert_end(&rig.script);
    unit_free(more[0]);
    unit_free(more[1]);
}

// Only "no such application" leads on; none left is the last one's answer.
static void test_more_aids_end(void **state)
{
    (void)state;
    static const struct card_step busy[] = {
        {.command = "0070000001",          .response = "019000"},
        {.command = "01A4040010" CARD_AID, .response = "6985"  },
        {.command = "01A4040C10" CARD_AID, .response = "6985"  },
        {.command = "0070800100",          .response = "9000"  },
    };
    static const struct card_step none[] = {
        {.command = "0070000001",          .response = "019000"},
        {.command = "01A4040010" CARD_AID, .response = "6A82"  },
        {.command = "01A4040C10" CARD_AID, .response = "6A82"  },
        {.command = "01A4040005" AID_3,    .response = "6A82"  },
        {.command = "01A4040C05" AID_3,    .response = "6A82"  },
        {.command = "0070800100",          .response = "9000"  },
    };
    struct bytes more = unit_hex(AID_3), response;
    struct apdu *a = START(busy, 255);
    a->settings.more_isdr_aids = &more;
    a->settings.more_isdr_aid_count = 1;
    assert_int_equal(exchange(a, "BF2000", APDU_REPEATABLE, &response), ERR_CARD_SW);
    assert_int_equal(a->sw, 0x6985);
    card_script_assert_end(&rig.script);
    a = START(none, 255);
    a->settings.more_isdr_aids = &more;
    a->settings.more_isdr_aid_count = 1;
    assert_int_equal(exchange(a, "BF2000", APDU_REPEATABLE, &response), ERR_CARD_SW);
    assert_int_equal(a->sw, 0x6A82);
    card_script_assert_end(&rig.script);
    unit_free(more);
}

// All channels are taken: on a card that nobody else uses, those of an earlier run are closed, once.
static void check_leaked(bool exclusive, const char *refusal)
{
    static char commands[19][16];
    static struct card_step steps[32];
    size_t count = 0;
    steps[count++] = (struct card_step){.command = "0070000001", .response = refusal};
    for (unsigned i = 1; exclusive && i <= 19; i++) {
        snprintf(commands[i - 1], sizeof commands[i - 1], "007080%02X00", i);
        steps[count++] = (struct card_step){.command = commands[i - 1], .response = i < 4 ? "9000" : "6A86"};
    }
    if (exclusive)
        steps[count++] = (struct card_step){.command = "0070000001", .response = refusal};
    // The next one asks once more, and closes nothing.
    steps[count++] = (struct card_step){.command = "0070000001", .response = exclusive ? "019000" : refusal};
    if (exclusive) {
        steps[count++] = (struct card_step){.command = "01A4040010" CARD_AID, .response = "9000"};
        steps[count++] = (struct card_step){.command = "81E2910003BF2000", .response = "9000"};
    }
    struct bytes response;
    struct apdu *a = start(steps, count, 255);
    struct transport_ops ops = *rig.script.transport.ops;
    ops.is_exclusive = exclusive;
    rig.script.transport.ops = &ops;
    assert_int_equal(exchange(a, "BF2000", APDU_REPEATABLE, &response), ERR_CARD_SW);
    assert_int_equal(exchange(a, "BF2000", APDU_REPEATABLE, &response), exclusive ? ERR_OK : ERR_CARD_SW);
    card_script_assert_end(&rig.script);
}

static void test_leaked_channels(void **state)
{
    (void)state;
    check_leaked(true, "6881");
    check_leaked(true, "6A81");
    check_leaked(false, "6881");
    check_leaked(false, "6A81");
}

static void test_leaked_channels_are_closed(void **state)
{
    (void)state;
    static struct card_step steps[32] = {
        {.command = "0070000001",          .response = "6A81"      },
        {.response = "9000",               .times = 19             },
        {.command = "0070000001",          .response = "139000"    },
        {.command = "4FA4040010" CARD_AID, .response = "9000"      },
        {.command = "CFE2910003BF2000",    .response = "6103"      },
        {.command = "4FC0000003",          .response = "BF20009000"},
        {.command = "0070801300",          .response = "9000"      },
    };
    struct bytes response;
    struct apdu *a = start(steps, 7, 255);
    struct transport_ops ops = *rig.script.transport.ops;
    ops.is_exclusive = true;
    rig.script.transport.ops = &ops;
    assert_int_equal(exchange(a, "BF2000", APDU_ONCE, &response), ERR_OK);
    apdu_close(a);
    card_script_assert_end(&rig.script);
}

static void test_bad_channel_numbers(void **state)
{
    (void)state;
    static const char *const answers[] = {"009000", "149000", "01029000", "9000"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const struct card_step steps[] = {
            {.command = "0070000001", .response = answers[i]}
        };
        struct bytes response;
        assert_int_equal(exchange(START(steps, 255), "BF2000", APDU_ONCE, &response), ERR_CARD_RESPONSE);
    }
    static const struct card_step full[] = {
        {.command = "0070000001", .response = "6A81"}
    };
    struct bytes response;
    assert_int_equal(exchange(START(full, 255), "BF2000", APDU_ONCE, &response), ERR_CARD_SW);
}

// --- chains out ---

// A command of `len` octets in blocks: every block but the last carries P1 11, the number counts, nothing is
// lost.
static void check_blocks(size_t len, unsigned block)
{
    static char commands[300][600];
    static struct card_step steps[302] = {CARD_STEPS_OPEN};
    uint8_t data[1024];
    size_t count = 2;
    assert_true(len <= sizeof data);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 7);
    for (size_t at = 0, number = 0; at < len; at += block, number++) {
        size_t size = len - at < block ? len - at : block;
        char hex[520];
        assert_int_equal(hex_encode(bytes_make(data + at, size), hex, sizeof hex), ERR_OK);
        snprintf(commands[number], sizeof commands[number], "81E2%s%02X%02X%s",
                 at + size == len ? "91" : "11", (unsigned)number, (unsigned)size, hex);
        steps[count++] = (struct card_step){.command = commands[number], .response = "9000"};
    }
    struct bytes response;
    struct apdu *a = start(steps, count, block);
    assert_int_equal(apdu_exchange(a, bytes_make(data, len), APDU_ONCE, &response), ERR_OK);
    assert_int_equal(response.len, 0);
    card_script_assert_end(&rig.script);
}

static void test_blocks(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        unsigned block;
    } cases[] = {
        {1,    255},
        {254,  255},
        {255,  255},
        {256,  255},
        {510,  255},
        {1020, 255},
        {1020, 254},
        {299,  120},
        {240,  120},
        {256,  1  },
        {3,    1  },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_blocks(cases[i].len, cases[i].block);
}

static void test_too_many_blocks(void **state)
{
    (void)state;
    static const uint8_t zeros[65281];
    struct bytes response;
    struct apdu *a = start(NULL, 0, 1);
    assert_int_equal(apdu_exchange(a, bytes_make(zeros, 257), APDU_ONCE, &response), ERR_LIMIT);
    assert_int_equal(apdu_exchange(a, bytes_make(zeros, 0), APDU_ONCE, &response), ERR_LIMIT);
    assert_true(apdu_fits(a, 256) && !apdu_fits(a, 257));
    a = start(NULL, 0, 255);
    assert_true(apdu_fits(a, 65280));
    assert_int_equal(apdu_exchange(a, bytes_make(zeros, 65281), APDU_ONCE, &response), ERR_LIMIT);
}

// An error in the middle ends the chain; an answer in the middle is the answer.
static void test_chain_ends_early(void **state)
{
    (void)state;
    static const struct card_step refused[] = {
        CARD_STEPS_OPEN,
        {.command = "81E211000101", .response = "9000"},
        {.command = "81E211010102", .response = "6A80"},
    };
    static const struct card_step answered[] = {
        CARD_STEPS_OPEN,
        {.command = "81E211000101", .response = "6102"    },
        {.command = "01C0000002",   .response = "BF379000"},
    };
    struct bytes response;
    struct apdu *a = START(refused, 1);
    assert_int_equal(exchange(a, "010203", APDU_ONCE, &response), ERR_CARD_SW);
    assert_int_equal(a->sw, 0x6A80);
    card_script_assert_end(&rig.script);
    assert_int_equal(exchange(START(answered, 1), "010203", APDU_ONCE, &response), ERR_OK);
    assert_bytes_hex(response, "BF37");
    card_script_assert_end(&rig.script);
}

// --- chains back ---

static void test_long_response(void **state)
{
    (void)state;
    static char full[600];
    memset(full, 'A', 512);
    memcpy(full + 512, "6100", 5);
    static char rest[600];
    memset(rest, 'B', 512);
    memcpy(rest + 512, "6103", 5);
    const struct card_step steps[] = {
        CARD_STEPS_OPEN,
        {.command = "81E2910003BF2000", .response = "6100"      },
        {.command = "01C0000000",       .response = full        },
        {.command = "01C0000000",       .response = rest        },
        {.command = "01C0000003",       .response = "CCCCCC9000"},
    };
    struct bytes response;
    assert_int_equal(exchange(START(steps, 255), "BF2000", APDU_ONCE, &response), ERR_OK);
    assert_int_equal(response.len, 256 + 256 + 3);
    assert_int_equal(response.data[255], 0xAA);
    assert_int_equal(response.data[256], 0xBB);
    assert_int_equal(response.data[512], 0xCC);
    card_script_assert_end(&rig.script);
}

// Data with the first status word, as modems that fetch themselves give it; a pending proactive command.
static void test_response_at_once(void **state)
{
    (void)state;
    static const struct card_step steps[] = {
        CARD_STEPS_OPEN,
        {.command = "81E2910003BF2000", .response = "BF20009000"},
        {.command = "81E2910003BF2000", .response = "BF2000910B"},
    };
    struct bytes response;
    struct apdu *a = START(steps, 255);
    assert_int_equal(exchange(a, "BF2000", APDU_ONCE, &response), ERR_OK);
    assert_int_equal(exchange(a, "BF2000", APDU_ONCE, &response), ERR_OK);
    assert_int_equal(a->sw, 0x910B);
    assert_bytes_hex(response, "BF2000");
    card_script_assert_end(&rig.script);
}

static void test_wrong_length(void **state)
{
    (void)state;
    static const struct card_step steps[] = {
        CARD_STEPS_OPEN,
        {.command = "81E2910003BF2000",   .response = "6C05"      },
        {.command = "81E2910003BF200005", .response = "6105"      },
        {.command = "01C0000005",         .response = "6C03"      },
        {.command = "01C0000003",         .response = "BF20009000"},
    };
    struct bytes response;
    assert_int_equal(exchange(START(steps, 255), "BF2000", APDU_ONCE, &response), ERR_OK);
    assert_bytes_hex(response, "BF2000");
    card_script_assert_end(&rig.script);
}

// --- a card that does not end ---

static void test_endless_wrong_length(void **state)
{
    (void)state;
    static const struct card_step steps[] = {
        CARD_STEPS_OPEN, {.response = "6C05", .times = 5}
    };
    struct bytes response;
    assert_int_equal(exchange(START(steps, 255), "BF2000", APDU_ONCE, &response), ERR_CARD_RESPONSE);
    card_script_assert_end(&rig.script);
}

static void test_endless_crumbs(void **state)
{
    (void)state;
    // One octet each: the count is what ends it, for the size would allow twice as many.
    static const struct card_step crumbs[] = {
        CARD_STEPS_OPEN,
        {.response = "6101",   .times = 1   },
        {.response = "AA6101", .times = 1024},
    };
    // Nothing each: no progress.
    static const struct card_step nothing[] = {
        CARD_STEPS_OPEN, {.response = "6101", .times = 2}
    };
    struct bytes response;
    assert_int_equal(exchange(START(crumbs, 255), "BF2000", APDU_ONCE, &response), ERR_LIMIT);
    card_script_assert_end(&rig.script);
    assert_int_equal(exchange(START(nothing, 255), "BF2000", APDU_ONCE, &response), ERR_CARD_RESPONSE);
    card_script_assert_end(&rig.script);
}

static void test_response_too_large(void **state)
{
    (void)state;
    static char full[600];
    memset(full, 'A', 512);
    memcpy(full + 512, "6100", 5);
    const struct card_step steps[] = {
        CARD_STEPS_OPEN, {.response = full, .times = RESPONSE_MAX / 256 + 1}
    };
    struct bytes response = {NULL, 77};
    assert_int_equal(exchange(START(steps, 255), "BF2000", APDU_ONCE, &response), ERR_LIMIT);
    assert_int_equal(response.len, 77);
    card_script_assert_end(&rig.script);
}

static void test_short_and_garbled(void **state)
{
    (void)state;
    static const struct {
        const char *response;
        enum err error;
    } cases[] = {
        {"",         ERR_CARD_RESPONSE},
        {"90",       ERR_CARD_RESPONSE},
        {"0000",     ERR_CARD_SW      },
        {"6F00",     ERR_CARD_SW      },
        {"FFFFFFFF", ERR_CARD_SW      },
        {"9001",     ERR_CARD_SW      },
        {"9100",     ERR_OK           },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct card_step steps[] = {CARD_STEPS_OPEN, {.response = cases[i].response}};
        struct bytes response;
        assert_int_equal(exchange(START(steps, 255), "BF2000", APDU_ONCE, &response), cases[i].error);
    }
}

static void test_transport_errors(void **state)
{
    (void)state;
    static const enum err errors[] = {ERR_CARD_TIMEOUT, ERR_CARD_GONE, ERR_CARD_RESPONSE};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        const struct card_step steps[] = {CARD_STEPS_OPEN, {.error = errors[i]}};
        struct bytes response;
        struct apdu *a = START(steps, 255);
        // Not even a read is repeated: the card may still be at it.
        assert_int_equal(exchange(a, "BF2000", APDU_REPEATABLE, &response), errors[i]);
        assert_int_equal(a->sw, 0);
        card_script_assert_end(&rig.script);
    }
}

// --- a channel that is gone ---

static void test_lost_channel(void **state)
{
    (void)state;
    static const char *const words[] = {"6881", "6882", "6E00", "6D00"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const struct card_step read[] = {
            CARD_STEPS_OPEN,
            {.command = "81E2910003BF2000", .response = words[i]    },
            CARD_STEPS_OPEN,
            {.command = "81E2910003BF2000", .response = "BF20009000"},
        };
        const struct card_step read_twice[] = {
            CARD_STEPS_OPEN,
            {.command = "81E2910003BF2000", .response = words[i]},
            CARD_STEPS_OPEN,
            {.command = "81E2910003BF2000", .response = words[i]},
        };
        const struct card_step change[] = {
            CARD_STEPS_OPEN,
            {.command = "81E2910003BF3100", .response = words[i]    },
            CARD_STEPS_OPEN,
            {.command = "81E2910003BF2000", .response = "BF20009000"},
        };
        struct bytes response;
        assert_int_equal(exchange(START(read, 255), "BF2000", APDU_REPEATABLE, &response), ERR_OK);
        assert_int_equal(rig.script.resets, 1);
        card_script_assert_end(&rig.script);
        assert_int_equal(exchange(START(read_twice, 255), "BF2000", APDU_REPEATABLE, &response), ERR_CARD_SW);
        card_script_assert_end(&rig.script);
        // A change is not repeated; the next command finds the channel open again.
        struct apdu *a = START(change, 255);
        assert_int_equal(exchange(a, "BF3100", APDU_ONCE, &response), ERR_CARD_SW);
        assert_int_equal(exchange(a, "BF2000", APDU_ONCE, &response), ERR_OK);
        card_script_assert_end(&rig.script);
    }
}

static void test_after_a_reset(void **state)
{
    (void)state;
    static const struct card_step steps[] = {
        CARD_STEPS_OPEN,
        {.command = "81E2910003BF2000", .response = "9000"},
        CARD_STEPS_OPEN,
        {.command = "81E2910003BF2000", .response = "9000"},
    };
    struct bytes response;
    struct apdu *a = START(steps, 255);
    assert_int_equal(exchange(a, "BF2000", APDU_ONCE, &response), ERR_OK);
    assert_int_equal(apdu_reset(a), ERR_OK);
    assert_int_equal(exchange(a, "BF2000", APDU_ONCE, &response), ERR_OK);
    assert_int_equal(rig.script.resets, 2);
    card_script_assert_end(&rig.script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_class),
        cmocka_unit_test(test_one_session),
        cmocka_unit_test(test_high_channel),
        cmocka_unit_test(test_every_channel),
        cmocka_unit_test(test_select_again),
        cmocka_unit_test(test_select_fails),
        cmocka_unit_test(test_more_aids),
        cmocka_unit_test(test_more_aids_end),
        cmocka_unit_test(test_leaked_channels),
        cmocka_unit_test(test_leaked_channels_are_closed),
        cmocka_unit_test(test_bad_channel_numbers),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_too_many_blocks),
        cmocka_unit_test(test_chain_ends_early),
        cmocka_unit_test(test_long_response),
        cmocka_unit_test(test_response_at_once),
        cmocka_unit_test(test_wrong_length),
        cmocka_unit_test(test_endless_wrong_length),
        cmocka_unit_test(test_endless_crumbs),
        cmocka_unit_test(test_response_too_large),
        cmocka_unit_test(test_short_and_garbled),
        cmocka_unit_test(test_transport_errors),
        cmocka_unit_test(test_lost_channel),
        cmocka_unit_test(test_after_a_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
