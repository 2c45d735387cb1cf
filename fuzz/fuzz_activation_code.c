// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what is accepted can be written in the plain form and read again with the same meaning.
#include "fuzz/fuzz.h"

#include "rsp/activation_code.h"

static void check_again(const struct activation_code *code)
{
    char text[ACTIVATION_CODE_MAX + 1];
    const char *plain;
    struct buf b = buf_make(text, sizeof text);
    struct activation_code again;
    buf_printf(&b, "1$%s$%s$%s$%s", code->smdp_address, code->matching_id, code->smdp_oid,
               code->confirmation_code_required ? "1" : "");
    // The plain form can be a few characters longer, for the empty fields at its end.
    if (buf_finish_text(&b, &plain) != ERR_OK)
        return;
    FUZZ_CHECK(activation_code_parse(plain, strlen(plain), &again) == ACTIVATION_CODE_OK);
    FUZZ_CHECK(strcmp(again.smdp_address, code->smdp_address) == 0);
    FUZZ_CHECK(strcmp(again.matching_id, code->matching_id) == 0);
    FUZZ_CHECK(strcmp(again.smdp_oid, code->smdp_oid) == 0);
    FUZZ_CHECK(again.confirmation_code_required == code->confirmation_code_required);
    FUZZ_CHECK(host_equal(&again.host, &code->host));
}

static void check_host(const struct host *host, const char *address)
{
    FUZZ_CHECK(host->name[0] != 0);
    for (const char *p = address; *p; p++)
        FUZZ_CHECK((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || strchr(".-:[]", *p));
    FUZZ_CHECK(host_matches_pattern(host, "*"));
    FUZZ_CHECK(host->port != HOST_PORT_DEFAULT);
    FUZZ_CHECK(!(host->is_ip_literal && host->is_local_name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct activation_code code;
    memset(&code, 0xA5, sizeof code);
    enum activation_code_error e = activation_code_parse((const char *)data, size, &code);
    FUZZ_CHECK(e < ACTIVATION_CODE_ERROR_MAX && activation_code_words(e)[0] != 0);
    if (e != ACTIVATION_CODE_OK) {
        FUZZ_CHECK(fuzz_untouched(&code, sizeof code, 0xA5));
        return 0;
    }
    check_host(&code.host, code.smdp_address);
    FUZZ_CHECK(strlen(code.matching_id) <= ACTIVATION_CODE_MAX);
    check_again(&code);
    return 0;
}
