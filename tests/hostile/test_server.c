// SPDX-License-Identifier: Apache-2.0
// What claims to come from a server, falsified in every field: nothing of it reaches the card. Where a
// server's signature covers what was changed, it is signed anew, so that it is lpad's gate and not the card
// that refuses.
#include "tests/hostile/download.h"

#include <stdio.h>
#include <string.h>

// --- the signed structures, built element by element ---

struct element {
    uint32_t tag;
    const char *hex; // NULL: the session's own value
};
#define ELEMENTS_MAX 6

struct structure {
    const char *name;
    enum err error;
    struct element elements[ELEMENTS_MAX]; // tag 0 at the end
    const char *header;   // hex, in the place of tag and length; NULL: 30 and a minimal length
    const char *trailing; // hex, after the whole
};

static void put_hex(struct tlvb *b, const char *hex)
{
    for (; hex != NULL && hex[0] != 0; hex += 2) {
        unsigned byte;
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        uint8_t octet = (uint8_t)byte;
        tlvb_raw(b, &octet, 1);
    }
}

static void build(const struct structure *s, struct tlvb *part)
{
    struct tlvb content = TLVB_INIT, value = TLVB_INIT;
    struct tlv own, found;
    assert_true(tlv_only(tlvb_get(part), 0x30, &own));
    for (const struct element *e = s->elements; e->tag != 0; e++) {
        value.len = 0;
        put_hex(&value, e->hex);
        if (e->hex == NULL)
            assert_true(tlv_find(own.value, e->tag, &found));
        tlvb_put_slice(&content, e->tag, e->hex == NULL ? found.value : tlvb_get(&value));
    }
    struct tlvb whole = TLVB_INIT;
    if (s->header != NULL) {
        put_hex(&whole, s->header);
        tlvb_slice(&whole, tlvb_get(&content));
    } else {
        tlvb_put_slice(&whole, 0x30, tlvb_get(&content));
    }
    put_hex(&whole, s->trailing);
    assert_false(whole.failed);
    tlvb_free(&content);
    tlvb_free(&value);
    tlvb_free(part);
    *part = whole;
}

#define OWN       NULL
#define CHALLENGE "00112233445566778899AABBCCDDEEFF"
#define EVIL      "6576696C2E6578616D706C652E636F6D" // evil.example.com
#define HOST_HEX  "736D64702E6578616D706C652E636F6D" // smdp.example.com

static const struct structure signed1s[] = {
    {"as it was, signed anew",      ERR_OK,        {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}},                    NULL,     NULL            },
    {"another challenge",
     ERR_REMOTE_MISMATCH,                          {{0x80, OWN}, {0x81, CHALLENGE}, {0x83, OWN}, {0x84, OWN}},
     NULL,                                                                                                                            NULL            },
    {"another server",
     ERR_REMOTE_MISMATCH,                          {{0x80, OWN}, {0x81, OWN}, {0x83, EVIL}, {0x84, OWN}},
     NULL,                                                                                                                            NULL            },
    {"a longer server",
     ERR_REMOTE_MISMATCH,                          {{0x80, OWN}, {0x81, OWN}, {0x83, HOST_HEX "2E6576696C"}, {0x84, OWN}},
     NULL,                                                                                                                            NULL            },
    {"a server with a NUL",
     ERR_DER_VALUE,                                {{0x80, OWN}, {0x81, OWN}, {0x83, HOST_HEX "00"}, {0x84, OWN}},
     NULL,                                                                                                                            NULL            },
    {"no server",                   ERR_DER_VALUE, {{0x80, OWN}, {0x81, OWN}, {0x83, ""}, {0x84, OWN}},                     NULL,     NULL            },
    {"right, then wrong challenge",
     ERR_DER_VALUE,                                {{0x80, OWN}, {0x81, OWN}, {0x81, CHALLENGE}, {0x83, OWN}, {0x84, OWN}},
     NULL,                                                                                                                            NULL            },
    {"wrong, then right challenge",
     ERR_DER_VALUE,                                {{0x80, OWN}, {0x81, CHALLENGE}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}},
     NULL,                                                                                                                            NULL            },
    {"two transactions",
     ERR_DER_VALUE,                                {{0x80, OWN}, {0x80, "01"}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}},
     NULL,                                                                                                                            NULL            },
    {"two servers",
     ERR_DER_VALUE,                                {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}, {0x83, EVIL}, {0x84, OWN}},
     NULL,                                                                                                                            NULL            },
    {"two server challenges",
     ERR_DER_VALUE,                                {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}, {0x84, OWN}},
     NULL,                                                                                                                            NULL            },
    {"no transaction",              ERR_DER_VALUE, {{0x81, OWN}, {0x83, OWN}, {0x84, OWN}},                                 NULL,     NULL            },
    {"an empty transaction",        ERR_DER_VALUE, {{0x80, ""}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}},                     NULL,     NULL            },
    {"a long transaction",
     ERR_DER_VALUE,                                {{0x80, CHALLENGE "00"}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}},
     NULL,                                                                                                                            NULL            },
    {"no challenge",                ERR_DER_VALUE, {{0x80, OWN}, {0x83, OWN}, {0x84, OWN}},                                 NULL,     NULL            },
    {"a short challenge",
     ERR_DER_VALUE,                                {{0x80, OWN}, {0x81, "001122"}, {0x83, OWN}, {0x84, OWN}},
     NULL,                                                                                                                            NULL            },
    {"no server challenge",         ERR_DER_VALUE, {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}},                                 NULL,     NULL            },
    {"a short server challenge",
     ERR_DER_VALUE,                                {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}, {0x84, "00"}},
     NULL,                                                                                                                            NULL            },
    {"a byte behind it",            ERR_DER_VALUE, {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}},                    NULL,     "00"            },
    {"a command behind it",
     ERR_DER_VALUE,                                {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}},
     NULL,                                                                                                                            "BF3404820205E0"},
    {"another tag",                 ERR_DER_VALUE, {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}},                    "3148",   NULL            },
    {"a long length",               ERR_DER_VALUE, {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}},                    "308148", NULL            },
    {"an indefinite length",
     ERR_DER_VALUE,                                {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}},
     "3080",                                                                                                                          "0000"          },
    {"a length past the end",
     ERR_DER_VALUE,                                {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}},
     "3049",                                                                                                                          NULL            },
    {"a length short of it",
     ERR_DER_VALUE,                                {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}},
     "3047",                                                                                                                          NULL            },
};

static const struct structure signed2s[] = {
    {"as it was, signed anew", ERR_OK,              {{0x80, OWN}, {0x01, OWN}},                    NULL,     NULL    },
    {"another transaction",    ERR_REMOTE_MISMATCH, {{0x80, CHALLENGE}, {0x01, OWN}},              NULL,     NULL    },
    {"a short transaction",    ERR_REMOTE_MISMATCH, {{0x80, "01"}, {0x01, OWN}},                   NULL,     NULL    },
    {"no transaction",         ERR_DER_VALUE,       {{0x01, OWN}},                                 NULL,     NULL    },
    {"two transactions",       ERR_DER_VALUE,       {{0x80, OWN}, {0x80, CHALLENGE}, {0x01, OWN}}, NULL,     NULL    },
    {"other, then right",      ERR_DER_VALUE,       {{0x80, CHALLENGE}, {0x80, OWN}, {0x01, OWN}}, NULL,     NULL    },
    {"no flag",                ERR_DER_VALUE,       {{0x80, OWN}},                                 NULL,     NULL    },
    {"two flags",              ERR_DER_VALUE,       {{0x80, OWN}, {0x01, OWN}, {0x01, "FF"}},      NULL,     NULL    },
    {"a flag that is none",    ERR_DER_VALUE,       {{0x80, OWN}, {0x01, "02"}},                   NULL,     NULL    },
    {"a flag of two bytes",    ERR_DER_VALUE,       {{0x80, OWN}, {0x01, "00FF"}},                 NULL,     NULL    },
    {"a short key",            ERR_DER_VALUE,       {{0x80, OWN}, {0x01, OWN}, {0x5F49, "04"}},    NULL,     NULL    },
    {"a byte behind it",       ERR_DER_VALUE,       {{0x80, OWN}, {0x01, OWN}},                    NULL,     "00"    },
    {"a command behind it",    ERR_DER_VALUE,       {{0x80, OWN}, {0x01, OWN}},                    NULL,     "BF3100"},
    {"a long length",          ERR_DER_VALUE,       {{0x80, OWN}, {0x01, OWN}},                    "308115", NULL    },
    {"an indefinite length",   ERR_DER_VALUE,       {{0x80, OWN}, {0x01, OWN}},                    "3080",   "0000"  },
    {"another tag",            ERR_DER_VALUE,       {{0x80, OWN}, {0x01, OWN}},                    "A015",   NULL    },
};

static void server_signed1_is_the_sessions_own(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof signed1s / sizeof signed1s[0]; i++) {
        struct download d;
        print_message("%s\n", signed1s[i].name);
        download_init(&d, &r);
        download_run(&d, STEP_CHALLENGE, STEP_INITIATE);
        build(&signed1s[i], &d.parts[PART_SERVER_SIGNED1]);
        assert_true(server_sign1(r.server, d.parts));
        rig_mark(&r);
        expect_error(download_step(&d, STEP_AUTHENTICATE), signed1s[i].error);
        if (signed1s[i].error == ERR_OK) {
            assert_int_equal(rig_done(&r, 0xBF38), 1);
            expect_ok(card_cancel(&r, 127));
        } else {
            rig_expect_reads_only(&r);
            // The challenge is used up with it.
            expect_error(download_step(&d, STEP_AUTHENTICATE), ERR_DENIED_PHASE);
        }
        download_free(&d);
    }
    assert_true(rig_lives(&r.cardd) && rig_lives(&r.policyd));
    rig_close(&r);
}

static void smdp_signed2_is_the_sessions_own(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof signed2s / sizeof signed2s[0]; i++) {
        struct download d;
        print_message("%s\n", signed2s[i].name);
        download_init(&d, &r);
        download_run(&d, STEP_INTENT, STEP_CONSENT);
        build(&signed2s[i], &d.parts[PART_SMDP_SIGNED2]);
        assert_true(server_sign2(r.server, tlvb_get(&d.authenticated), d.parts));
        rig_mark(&r);
        expect_error(download_step(&d, STEP_PREPARE), signed2s[i].error);
        if (signed2s[i].error == ERR_OK)
            assert_int_equal(rig_done(&r, 0xBF21), 1);
        else
            rig_expect_reads_only(&r);
        expect_ok(card_cancel(&r, 127));
        download_free(&d);
    }
    assert_true(rig_lives(&r.cardd) && rig_lives(&r.policyd));
    rig_close(&r);
}

// --- certificates, signatures, identifiers ---

static void load_certificate(const char *set, const char *name, struct tlvb *out)
{
    char path[128];
    static uint8_t der[4096];
    snprintf(path, sizeof path, "pki/%s/%s.cert.der", set, name);
    FILE *f = fopen(rig_credentials(path), "re");
    assert_non_null(f);
    size_t len = fread(der, 1, sizeof der, f);
    fclose(f);
    assert_in_range(len, 100, sizeof der - 1);
    tlvb_free(out);
    *out = TLVB_INIT;
    tlvb_raw(out, der, len);
}

static void replace(struct tlvb *part, uint32_t tag, size_t value_len, uint8_t fill)
{
    static uint8_t value[512];
    assert_true(value_len <= sizeof value);
    memset(value, fill, value_len);
    tlvb_free(part);
    *part = TLVB_INIT;
    tlvb_put(part, tag, value, value_len);
}

// What is wrong with a signature, of 67 octets in all: other lengths do not even fit the link.
static void spoil_signature(struct tlvb *part, int i)
{
    switch (i) {
    case 0: part->buf[2] = 0x3F; break;                      // 63 octets, and one behind
    case 1: part->buf[1] = 0x38; break;                      // another tag
    case 2: part->buf[2] = 0x41; break;                      // past the end
    case 3: part->buf[2] = 0x80; break;                      // indefinite
    case 4: memcpy(part->buf, "\x5f\x37\x81\x3f", 4); break; // 63 octets, spelt too long
    case 5: replace(part, 0xBF33, 64, 0x5A); break;
    default: fail();
    }
}
#define SIGNATURES 6

static void signatures_have_their_shape(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (int i = 0; i < SIGNATURES; i++) {
        struct download d;
        download_init(&d, &r);
        download_run(&d, STEP_CHALLENGE, STEP_INITIATE);
        spoil_signature(&d.parts[PART_SERVER_SIGNATURE1], i);
        rig_mark(&r);
        expect_error(download_step(&d, STEP_AUTHENTICATE), ERR_DER_VALUE);
        rig_expect_reads_only(&r);
        download_run(&d, STEP_INTENT, STEP_CONSENT);
        spoil_signature(&d.parts[PART_SMDP_SIGNATURE2], i);
        rig_mark(&r);
        expect_error(download_step(&d, STEP_PREPARE), ERR_DER_VALUE);
        rig_expect_reads_only(&r);
        expect_ok(card_cancel(&r, 127));
        download_free(&d);
    }
    rig_close(&r);
}

static void the_ci_key_is_one_that_the_card_lists(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (int i = 0; i < 6; i++) {
        struct download d;
        download_init(&d, &r);
        download_run(&d, STEP_CHALLENGE, STEP_INITIATE);
        struct tlvb *id = &d.parts[PART_CI_PK_ID];
        enum err error = ERR_DER_VALUE;
        switch (i) {
        case 0:
            id->buf[5] ^= 1;
            error = ERR_REMOTE_MISMATCH;
            break;
        case 1:
            // A beginning of a listed one.
            id->buf[1]--;
            id->len--;
            error = ERR_REMOTE_MISMATCH;
            break;
        case 2: tlvb_raw(id, "\x04\x01\x00", 3); break;
        case 3: id->buf[0] = 0x80; break;
        case 4: id->buf[1]++; break;
        case 5: tlvb_raw(id, "\xbf\x34\x00", 3); break;
        default: break;
        }
        rig_mark(&r);
        expect_error(download_step(&d, STEP_AUTHENTICATE), error);
        rig_expect_reads_only(&r);
        download_free(&d);
    }
    rig_close(&r);
}

static void a_server_certificate_names_one_smdp(void **state)
{
    (void)state;
    static const char *const names[] = {
        NULL,                        // no subjectAltName
        "DNS:smdp.example.com",      // no registeredID
        "RID:2.999.10,RID:2.999.11", // two
    };
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0] + 2; i++) {
        struct download d;
        download_init(&d, &r);
        download_run(&d, STEP_CHALLENGE, STEP_INITIATE);
        struct tlvb *certificate = &d.parts[PART_SERVER_CERTIFICATE];
        if (i < sizeof names / sizeof names[0])
            assert_true(server_certificate(r.server, names[i], certificate));
        else if (i == 3)
            tlvb_raw(certificate, "\0", 1);
        else
            certificate->len--;
        rig_mark(&r);
        expect_error(download_step(&d, STEP_AUTHENTICATE), ERR_DER_VALUE);
        rig_expect_reads_only(&r);
        download_free(&d);
    }
    // Made the same way, with one name: the card takes it.
    struct download d;
    download_init(&d, &r);
    download_run(&d, STEP_CHALLENGE, STEP_INITIATE);
    assert_true(server_certificate(r.server, "RID:2.999.10", &d.parts[PART_SERVER_CERTIFICATE]));
    expect_ok(download_step(&d, STEP_AUTHENTICATE));
    assert_string_equal(d.oid, "2.999.10");
    download_free(&d);
    rig_close(&r);
}

// The activation code may ask for one SM-DP+; the package may come only from the one that was authenticated.
static void another_smdp_does_not_take_over(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    for (int i = 0; i < 3; i++) {
        enum err error = i < 2 ? ERR_REMOTE_MISMATCH : ERR_DER_VALUE;
        download_init(&d, &r);
        download_run(&d, STEP_INTENT, STEP_CONSENT);
        if (i == 0)
            load_certificate("nist-wrong-dppb-oid/nist", "dppb", &d.parts[PART_SMDP_CERTIFICATE]);
        else if (i == 1)
            load_certificate("nist", "eum", &d.parts[PART_SMDP_CERTIFICATE]);
        else
            tlvb_raw(&d.parts[PART_SMDP_CERTIFICATE], "\xbf\x34\x04\x82\x02\x05\xe0", 7);
        rig_mark(&r);
        expect_error(download_step(&d, STEP_PREPARE), error);
        rig_expect_reads_only(&r);
        expect_ok(card_cancel(&r, 127));
        download_free(&d);
    }
    rig_close(&r);
}

// --- commands in the place of fields ---

// EnableProfile, DeleteProfile, eUICCMemoryReset, SetNickname, SetDefaultDpAddress,
// RemoveNotificationFromList.
static const uint32_t commands[] = {0xBF31, 0xBF33, 0xBF34, 0xBF29, 0xBF3F, 0xBF30};

enum place { INSTEAD, BEFORE, BEHIND, PLACE_MAX };

static void smuggle(struct tlvb *part, bool fixed_size, uint32_t command, enum place place)
{
    struct tlvb out = TLVB_INIT, old = *part;
    if (place == BEHIND)
        tlvb_slice(&out, tlvb_get(&old));
    static uint8_t value[64];
    tlvb_put(&out, command, value, fixed_size ? 64 : 12);
    if (place == BEFORE)
        tlvb_slice(&out, tlvb_get(&old));
    // A field of one size: what fits of it.
    if (fixed_size)
        out.len = 67;
    assert_false(out.failed);
    tlvb_free(&old);
    *part = out;
}

static void commands_in_fields_do_not_reach_the_card(void **state)
{
    (void)state;
    static const struct {
        enum part part;
        enum step before, step;
        bool fixed_size;
    } fields[] = {
        {PART_SERVER_SIGNED1,     STEP_INITIATE, STEP_AUTHENTICATE, false},
        {PART_SERVER_SIGNATURE1,  STEP_INITIATE, STEP_AUTHENTICATE, true },
        {PART_CI_PK_ID,           STEP_INITIATE, STEP_AUTHENTICATE, false},
        {PART_SERVER_CERTIFICATE, STEP_INITIATE, STEP_AUTHENTICATE, false},
        {PART_SMDP_SIGNED2,       STEP_CONSENT,  STEP_PREPARE,      false},
        {PART_SMDP_SIGNATURE2,    STEP_CONSENT,  STEP_PREPARE,      true },
        {PART_SMDP_CERTIFICATE,   STEP_CONSENT,  STEP_PREPARE,      false},
    };
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        for (size_t k = 0; k < sizeof commands / sizeof commands[0]; k++) {
            for (int place = INSTEAD; place < PLACE_MAX; place++) {
                struct download d;
                // Behind a field of one size there is no room.
                if (fields[i].fixed_size && place == BEHIND)
                    continue;
                download_init(&d, &r);
                download_run(&d, STEP_INTENT, fields[i].before);
                smuggle(&d.parts[fields[i].part], fields[i].fixed_size, commands[k], (enum place)place);
                rig_mark(&r);
                struct outcome o = download_step(&d, fields[i].step);
                assert_int_equal(err_class_of(o.error), ERR_CLASS_REMOTE);
                rig_expect_reads_only(&r);
                if (fields[i].step == STEP_PREPARE)
                    expect_ok(card_cancel(&r, 127));
                download_free(&d);
            }
        }
    }
    assert_true(rig_lives(&r.cardd) && rig_lives(&r.policyd));
    rig_close(&r);
}

// An unknown element within a signed structure passes (EXTENSIBILITY IMPLIED); it stays within it.
static void an_unknown_element_stays_in_its_command(void **state)
{
    (void)state;
    static const struct structure extended = {
        "unknown",
        ERR_OK,
        {{0x80, OWN}, {0x81, OWN}, {0x83, OWN}, {0x84, OWN}, {0xBF34, "820205E0"}},
        NULL,
        NULL
    };
    static const uint32_t once[] = {0xBF38, 0};
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    download_init(&d, &r);
    download_run(&d, STEP_CHALLENGE, STEP_INITIATE);
    build(&extended, &d.parts[PART_SERVER_SIGNED1]);
    assert_true(server_sign1(r.server, d.parts));
    rig_mark(&r);
    expect_ok(download_step(&d, STEP_AUTHENTICATE));
    rig_expect_only(&r, once);
    assert_int_equal(rig_done(&r, 0xBF34), 0);
    download_free(&d);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_signed1_is_the_sessions_own),
        cmocka_unit_test(smdp_signed2_is_the_sessions_own),
        cmocka_unit_test(signatures_have_their_shape),
        cmocka_unit_test(the_ci_key_is_one_that_the_card_lists),
        cmocka_unit_test(a_server_certificate_names_one_smdp),
        cmocka_unit_test(another_smdp_does_not_take_over),
        cmocka_unit_test(commands_in_fields_do_not_reach_the_card),
        cmocka_unit_test(an_unknown_element_stays_in_its_command),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
