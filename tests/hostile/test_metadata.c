// SPDX-License-Identifier: Apache-2.0
// A broker shows harmless metadata and stages another package. Every package here is sound and the card would
// install it: only that it is not what was decided on stops it.
#include "tests/hostile/download.h"

#include <stdio.h>
#include <string.h>

#define OTHER_ICCID "8949449999999990064"

// What the package says instead of what was announced.
static const struct {
    const char *name, *metadata;
} packages[] = {
    {"iccid",                   "\"iccid\":\"" OTHER_ICCID "\""                                             },
    {"profile name",            "\"profileName\":\"Gateway Two\""                                           },
    {"profile name's case",     "\"profileName\":\"gateway one\""                                           },
    {"provider",                "\"serviceProviderName\":\"Example Telecom \""                              },
    {"class test",              "\"class\":\"test\""                                                        },
    {"class provisioning",      "\"class\":\"provisioning\""                                                },
    {"no disabling",            "\"pprs\":[\"ppr1\"]"                                                       },
    {"no deletion",             "\"pprs\":[\"ppr2\"]"                                                       },
    {"update control",          "\"pprs\":[\"pprUpdateControl\"]"                                           },
    {"notification address",
     "\"notifications\":[{\"events\":[\"enable\",\"delete\"],\"address\":\"evil.example.com\"}]"            },
    {"notification events",     "\"notifications\":[{\"events\":[\"delete\"],\"address\":\"" RIG_HOST "\"}]"},
    {"more notifications",
     "\"notifications\":[{\"events\":[\"enable\",\"delete\"],\"address\":\"" RIG_HOST "\"},"
     "{\"events\":[\"disable\"],\"address\":\"" RIG_HOST "\"}]"                                             },
    {"no notifications",        "\"notifications\":null"                                                    },
    {"owner",                   "\"ownerMccMnc\":\"26201\""                                                 },
    {"icon",                    "\"icon\":\"iVBORw0KGgo=\",\"iconType\":\"png\""                            },
    {"what lpad does not type", "\"extraMetadata\":\"BF220AA0088006312E322E3334\""                          },
};

// After a refusal: no segment went out, none will, and the session can be cancelled with the right reason.
static void expect_nothing_loaded(struct rig *r)
{
    expect_error(card_load(r), ERR_DENIED_PHASE);
    rig_expect_reads_only(r);
    expect_ok(card_cancel(r, 4));
    assert_int_equal(rig_done_with(r, 0xBF41, "reason=4"), 1);
    assert_true(rig_lives(&r->cardd) && rig_lives(&r->policyd));
}

static void another_package_than_announced_is_never_loaded(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof packages / sizeof packages[0]; i++) {
        struct download d;
        char fault[512];
        print_message("%s\n", packages[i].name);
        snprintf(fault, sizeof fault, "{\"action\":\"bpp\",\"bpp\":\"swap-metadata\",\"metadata\":{%s}}",
                 packages[i].metadata);
        download_init(&d, &r);
        d.fault = fault;
        download_run(&d, STEP_INTENT, STEP_STAGE);
        rig_mark(&r);
        expect_denied(download_step(&d, STEP_LOAD), DENY_METADATA_MISMATCH);
        expect_nothing_loaded(&r);
        download_free(&d);
    }
    rig_close(&r);
}

// The server is honest; the broker shows the client, and policyd, something else than the server announced.
static void another_announcement_than_the_servers_is_never_loaded(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (int i = 0; i < 6; i++) {
        struct download d;
        download_init(&d, &r);
        download_run(&d, STEP_INTENT, STEP_CLIENT);
        Lpad__Metadata *m = &d.message.message;
        static char name[] = "Harmless", icon[32];
        switch (i) {
        case 0: m->profile_name = name; break;
        case 1: m->service_provider_name = name; break;
        case 2: m->profile_class = LPAD__PROFILE_CLASS__CLASS_PROVISIONING; break;
        case 3: m->n_notifications = 0; break;
        case 4:
            m->has_icon_sha256 = m->has_icon_type = true;
            m->icon_sha256 = binary_from(icon, sizeof icon);
            break;
        case 5:
            // Present and zero is not absent.
            m->has_pprs = !m->has_pprs;
            m->pprs = 0;
            break;
        default: break;
        }
        download_run(&d, STEP_INSTALL, STEP_STAGE);
        rig_mark(&r);
        expect_denied(download_step(&d, STEP_LOAD), DENY_METADATA_MISMATCH);
        expect_nothing_loaded(&r);
        download_free(&d);
    }
    rig_close(&r);
}

// What the policy would not have allowed cannot be shown as something that it allows: see the rows with rules
// above. Shown as it is, it is refused before anything is prepared.
static void what_the_policy_forbids_is_refused_when_it_is_announced(void **state)
{
    (void)state;
    static const struct rig_options options = {.order = "\"pprs\":[\"ppr1\"]"};
    struct rig r;
    struct download d;
    rig_open(&r, &options);
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_CLIENT);
    rig_mark(&r);
    expect_denied(download_step(&d, STEP_INSTALL), DENY_PPR);
    expect_denied(download_step(&d, STEP_CONSENT), DENY_NO_INTENT);
    expect_denied(download_step(&d, STEP_PREPARE), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    download_free(&d);
    rig_close(&r);
}

// The same bytes that were staged are the ones that are sent: what the broker writes later has no effect.
static void a_later_package_does_not_replace_the_staged_one(void **state)
{
    (void)state;
    struct rig r;
    struct download d, other;
    rig_open(&r, NULL);
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_STAGE);
    download_init(&other, &r);
    tlvb_slice(&other.parts[PART_PACKAGE], tlvb_get(&d.parts[PART_PACKAGE]));
    other.parts[PART_PACKAGE].buf[other.parts[PART_PACKAGE].len - 1] ^= 1;
    rig_mark(&r);
    expect_error(download_step(&other, STEP_STAGE), ERR_DENIED_PHASE);
    download_run(&d, STEP_LOAD, STEP_LOAD);
    assert_int_equal(rig_done_with(&r, 0xBF36, "result=0"), 1);
    download_free(&other);
    download_free(&d);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_package_than_announced_is_never_loaded),
        cmocka_unit_test(another_announcement_than_the_servers_is_never_loaded),
        cmocka_unit_test(what_the_policy_forbids_is_refused_when_it_is_announced),
        cmocka_unit_test(a_later_package_does_not_replace_the_staged_one),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
