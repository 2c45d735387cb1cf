// SPDX-License-Identifier: Apache-2.0
// The words of codes: every code has some, the important ones have the right ones.
#include "tests/unit/unit.h"

#include "rsp/result.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_functions(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ES10_FUNCTION_MAX; i++) {
        enum es10_function f = (enum es10_function)i, found = ES10_FUNCTION_MAX;
        assert_non_null(es10_function_name(f));
        assert_true(es10_function_of_tag(es10_function_tag(f), &found));
        assert_int_equal(found, f);
        for (uint32_t code = 0; code <= 128; code++) {
            struct code_info info = es10_result_info(f, code);
            assert_true(strlen(info.name) > 1 && strlen(info.words) > 3);
        }
    }
    enum es10_function f = ES10_FUNCTION_MAX;
    assert_false(es10_function_of_tag(0xBF99, &f));
    assert_int_equal(f, ES10_FUNCTION_MAX);
    assert_string_equal(es10_function_name(ES10_ENABLE_PROFILE), "EnableProfile");
    assert_int_equal(es10_function_tag(ES10_AUTHENTICATE_SERVER), 0xBF38);
}

static void test_result_codes(void **state)
{
    (void)state;
    static const struct {
        enum es10_function f;
        uint32_t code;
        const char *name;
    } rows[] = {
        {ES10_ENABLE_PROFILE,                0,   "ok"                            },
        {ES10_ENABLE_PROFILE,                4,   "wrongProfileReenabling"        },
        {ES10_ENABLE_PROFILE,                5,   "catBusy"                       },
        {ES10_DISABLE_PROFILE,               2,   "profileNotInEnabledState"      },
        {ES10_DISABLE_PROFILE,               4,   "unknown"                       },
        {ES10_DELETE_PROFILE,                2,   "profileNotInDisabledState"     },
        {ES10_DELETE_PROFILE,                3,   "disallowedByPolicy"            },
        {ES10_EUICC_MEMORY_RESET,            1,   "nothingToDelete"               },
        {ES10_SET_NICKNAME,                  1,   "iccidNotFound"                 },
        {ES10_PREPARE_DOWNLOAD,              2,   "invalidSignature"              },
        {ES10_AUTHENTICATE_SERVER,           6,   "euiccChallengeMismatch"        },
        {ES10_AUTHENTICATE_SERVER,           7,   "ciPKUnknown"                   },
        {ES10_CANCEL_SESSION,                5,   "invalidTransactionId"          },
        {ES10_LOAD_CRL,                      5,   "fresherCrlAlreadyLoaded"       },
        {ES10_REMOVE_NOTIFICATION_FROM_LIST, 1,   "nothingToDelete"               },
        {ES10_LIST_NOTIFICATION,             127, "undefinedError"                },
        {ES10_GET_EID,                       3,   "unknown"                       },
        {ES10_LOAD_BOUND_PROFILE_PACKAGE,    127, "installFailedDueToUnknownError"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(es10_result_info(rows[i].f, rows[i].code).name, rows[i].name);
}

static void test_other_codes(void **state)
{
    (void)state;
    assert_string_equal(bpp_command_info(BPP_STORE_METADATA).name, "storeMetadata");
    assert_string_equal(bpp_command_info(6).name, "unknown");
    assert_string_equal(bpp_command_info(127).name, "unknown");
    assert_string_equal(error_reason_info(ERROR_REASON_ICCID_ALREADY_EXISTS).name,
                        "installFailedDueToIccidAlreadyExistsOnEuicc");
    assert_string_equal(error_reason_info(ERROR_REASON_PPR_NOT_ALLOWED).name, "pprNotAllowed");
    assert_string_equal(error_reason_info(31).name, "unknown");
    assert_string_equal(cancel_reason_info(CANCEL_METADATA_MISMATCH).name, "metadataMismatch");
    assert_string_equal(cancel_reason_info(CANCEL_UNDEFINED_REASON).name, "undefinedReason");
    assert_string_equal(cancel_reason_info(16).name, "unknown");
}

static void test_status_pairs(void **state)
{
    (void)state;
    static const struct {
        const char *subject, *reason;
        enum status_class class;
        bool known;
        const char *name;
    } rows[] = {
        {"8.2.6",  "3.8",  STATUS_OPERATOR,  true,  "matching ID"                         },
        {"8.8.5",  "4.10", STATUS_OPERATOR,  true,  "download order"                      },
        {"8.8.5",  "6.4",  STATUS_OPERATOR,  true,  "download order"                      },
        {"8.1",    "4.8",  STATUS_OPERATOR,  true,  "eUICC"                               },
        {"8.10.1", "3.9",  STATUS_RETRY,     true,  "transaction identifier"              },
        {"8.8.2",  "3.1",  STATUS_PERMANENT, true,  "security configuration of the SM-DP+"},
        {"8.1.2",  "6.1",  STATUS_PERMANENT, true,  "certificate of the card's maker"     },
 // Unknown pairs: the reason, then its family, then nothing at all.
        {"8.8.5",  "5.1",  STATUS_RETRY,     false, "download order"                      },
        {"8.8.5",  "5.77", STATUS_RETRY,     false, "download order"                      },
        {"9.9",    "3.8",  STATUS_OPERATOR,  false, "server"                              },
        {"9.9",    "4.99", STATUS_RETRY,     false, "server"                              },
        {"9.9",    "6.99", STATUS_PERMANENT, false, "server"                              },
        {"9.9",    "2.4",  STATUS_PERMANENT, false, "server"                              },
        {"",       "",     STATUS_OPERATOR,  false, "server"                              },
        {"8.2.6",  "77",   STATUS_OPERATOR,  false, "matching ID"                         },
        {"8.2.6",  ".",    STATUS_OPERATOR,  false, "matching ID"                         },
        {"8.2.6 ", "3.8 ", STATUS_OPERATOR,  false, "server"                              },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct status_info s = status_explain(rows[i].subject, rows[i].reason);
        assert_int_equal(s.class, rows[i].class);
        assert_int_equal(s.known, rows[i].known);
        assert_string_equal(s.subject, rows[i].name);
        assert_true(strlen(s.words) > 5 && strlen(s.advice) > 5 && strlen(s.name) > 3);
    }
    assert_string_equal(status_explain("9.9", "3.8").name, "refused");
    assert_string_equal(status_explain("9.9", "3.77").name, "conditionNotMet");
    assert_string_equal(status_explain("9.9", "77").name, "unknownStatus");
    // 4.10 is not 4.1 with something behind it.
    assert_string_not_equal(status_explain("9.9", "4.10").words, status_explain("9.9", "4.1").words);
    assert_string_equal(status_class_name(STATUS_RETRY), "retry");
    assert_string_equal(status_class_name(STATUS_PERMANENT), "permanent");
    assert_string_equal(status_class_name(STATUS_OPERATOR), "operator");
}

// Every pair that SGP.22 v2.5 has for ES9+ and ES11 (5.6, 5.8), and those of ES2+ that a server may hand on.
static void test_every_status_code_of_the_standard(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *subject, *reason, *name;
        enum status_class class;
    } rows[] = {
        {"1.6", "1.2", "functionNotAllowed", STATUS_OPERATOR},
        {"1.6", "2.1", "functionInvalid", STATUS_PERMANENT},
        {"1.6", "2.2", "functionElementMissing", STATUS_PERMANENT},
        {"1.6", "2.3", "functionConditionalElementMissing", STATUS_PERMANENT},
        {"1.6", "3.1", "functionUnsupported", STATUS_PERMANENT},
        {"1.6", "4.2", "functionFailed", STATUS_RETRY},
        {"1.6", "4.3", "functionStopped", STATUS_RETRY},
        {"1.6", "5.1", "functionInaccessible", STATUS_RETRY},
        {"8.1", "4.8", "cardMemoryInsufficient", STATUS_OPERATOR},
        {"8.1", "6.1", "cardSignatureInvalid", STATUS_RETRY},
        {"8.1.1", "2.2", "eidMissing", STATUS_OPERATOR},
        {"8.1.1", "3.1", "eidUnsupported", STATUS_OPERATOR},
        {"8.1.1", "3.8", "eidRefused", STATUS_OPERATOR},
        {"8.1.1", "3.10", "eidAssociationInvalid", STATUS_OPERATOR},
        {"8.1.2", "6.1", "eumCertificateInvalid", STATUS_PERMANENT},
        {"8.1.2", "6.3", "eumCertificateExpired", STATUS_PERMANENT},
        {"8.1.3", "6.1", "cardCertificateInvalid", STATUS_PERMANENT},
        {"8.1.3", "6.3", "cardCertificateExpired", STATUS_PERMANENT},
        {"8.1.4", "6.1", "eidOutsideMakersRange", STATUS_PERMANENT},
        {"8.2", "1.2", "profileNotReleased", STATUS_OPERATOR},
        {"8.2", "3.7", "profileUnavailable", STATUS_OPERATOR},
        {"8.2.1", "1.2", "iccidNotAllowed", STATUS_OPERATOR},
        {"8.2.1", "3.1", "iccidUnsupported", STATUS_OPERATOR},
        {"8.2.1", "3.3", "iccidInUse", STATUS_OPERATOR},
        {"8.2.1", "3.5", "iccidStateInvalid", STATUS_OPERATOR},
        {"8.2.1", "3.9", "iccidUnknown", STATUS_OPERATOR},
        {"8.2.1", "3.10", "iccidAssociationInvalid", STATUS_OPERATOR},
        {"8.2.5", "1.2", "profileTypeNotAllowed", STATUS_OPERATOR},
        {"8.2.5", "3.7", "profileTypeUnavailable", STATUS_OPERATOR},
        {"8.2.5", "3.8", "profileTypeRefused", STATUS_OPERATOR},
        {"8.2.5", "3.9", "profileTypeUnknown", STATUS_OPERATOR},
        {"8.2.5", "4.3", "noEligibleProfile", STATUS_OPERATOR},
        {"8.2.5", "5.1", "profileTypeInaccessible", STATUS_OPERATOR},
        {"8.2.6", "3.1", "matchingIdUnsupported", STATUS_OPERATOR},
        {"8.2.6", "3.3", "matchingIdInUse", STATUS_OPERATOR},
        {"8.2.6", "3.8", "matchingIdRefused", STATUS_OPERATOR},
        {"8.2.6", "3.10", "matchingIdAssociationInvalid", STATUS_OPERATOR},
        {"8.2.7", "2.2", "confirmationCodeMissing", STATUS_OPERATOR},
        {"8.2.7", "3.8", "confirmationCodeRefused", STATUS_OPERATOR},
        {"8.2.7", "6.4", "confirmationCodeRetriesExceeded", STATUS_OPERATOR},
        {"8.8", "3.1", "smdpUnsupported", STATUS_OPERATOR},
        {"8.8", "3.10", "smdpAssociationInvalid", STATUS_PERMANENT},
        {"8.8", "4.2", "smdpFailed", STATUS_RETRY},
        {"8.8", "5.1", "smdpInaccessible", STATUS_RETRY},
        {"8.8.1", "3.8", "smdpAddressRefused", STATUS_OPERATOR},
        {"8.8.2", "3.1", "smdpSecurityUnsupported", STATUS_PERMANENT},
        {"8.8.3", "3.1", "smdpVersionUnsupported", STATUS_PERMANENT},
        {"8.8.4", "3.7", "smdpCertificateUnavailable", STATUS_PERMANENT},
        {"8.8.5", "4.1", "downloadOrderExpired", STATUS_OPERATOR},
        {"8.8.5", "4.10", "downloadOrderExpired", STATUS_OPERATOR},
        {"8.8.5", "6.4", "downloadRetriesExceeded", STATUS_OPERATOR},
        {"8.9", "4.2", "smdsFailed", STATUS_RETRY},
        {"8.9", "5.1", "smdsInaccessible", STATUS_RETRY},
        {"8.9.1", "3.8", "smdsAddressRefused", STATUS_OPERATOR},
        {"8.9.2", "3.1", "smdsSecurityUnsupported", STATUS_PERMANENT},
        {"8.9.3", "3.1", "smdsVersionUnsupported", STATUS_PERMANENT},
        {"8.9.4", "3.7", "smdsCertificateUnavailable", STATUS_PERMANENT},
        {"8.9.5", "3.3", "eventInUse", STATUS_PERMANENT},
        {"8.9.5", "3.9", "eventUnknown", STATUS_PERMANENT},
        {"8.10.1", "3.9", "transactionUnknown", STATUS_RETRY},
        {"8.11.1", "3.9", "ciUnknown", STATUS_PERMANENT},
    };
    // clang-format on
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct status_info s = status_explain(rows[i].subject, rows[i].reason);
        assert_true(s.known);
        assert_string_equal(s.name, rows[i].name);
        assert_int_equal(s.class, rows[i].class);
        assert_string_not_equal(s.subject, "server");
        // Sentences: they begin with a capital letter, end with a full stop.
        assert_true(s.words[0] >= 'A' && s.words[0] <= 'Z' && s.words[strlen(s.words) - 1] == '.');
        assert_true(s.advice[0] >= 'A' && s.advice[0] <= 'Z' && s.advice[strlen(s.advice) - 1] == '.');
        for (size_t j = 0; j < i; j++) {
            bool same_name = strcmp(rows[j].name, rows[i].name) == 0;
            struct status_info other = status_explain(rows[j].subject, rows[j].reason);
            assert_int_equal(strcmp(other.words, s.words) == 0, same_name);
        }
    }
}

static void test_status_words_of_the_card(void **state)
{
    (void)state;
    for (uint32_t sw = 0; sw <= 0xFFFF; sw++)
        assert_true(strlen(sw_words((uint16_t)sw)) > 5);
    assert_string_equal(sw_words(0x9000), "success");
    assert_string_equal(sw_words(0x9112), sw_words(0x9130));
    assert_string_not_equal(sw_words(0x6A80), sw_words(0x6A88));
    assert_string_not_equal(sw_words(0x6985), sw_words(0x6982));
    assert_string_not_equal(sw_words(0x6E00), sw_words(0x6D00));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_result_codes),
        cmocka_unit_test(test_other_codes),
        cmocka_unit_test(test_status_pairs),
        cmocka_unit_test(test_every_status_code_of_the_standard),
        cmocka_unit_test(test_status_words_of_the_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
