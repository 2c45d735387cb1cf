// SPDX-License-Identifier: Apache-2.0
// Fuzz target: a policy's text is read, or refused with a place inside it, and decides without a fault.
#include "fuzz/fuzz.h"

#include "policy/decide.h"
#include "policy/schema.h"

static const struct policy_name users[] = {
    {"root", 0},
};
static const struct policy_names names = {users, 1, NULL, 0};

static void check_error(const struct yaml_error *error, const uint8_t *data, size_t size)
{
    uint32_t lines = 2; // the end of a text may be a line of its own, and libyaml counts CR and NEL as well
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80;
    FUZZ_CHECK(error->line >= 1 && error->line <= lines);
    FUZZ_CHECK(error->column >= 1 && error->column <= size + 1);
    FUZZ_CHECK(error->message[0] != '\0' && utf8_valid(bytes_from_text(error->message)));
    // What passed the checks with positions must also pass libcyaml.
    FUZZ_CHECK(strncmp(error->message, "the text cannot", 15) != 0);
}

static void decide_all(const struct policy *policy)
{
    struct policy_actor actor = {.uid = 0};
    struct policy_counters counters = {0};
    struct host host;
    struct iccid iccid = {
        {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x51, 0xF1}
    };
    Lpad__Metadata metadata = LPAD__METADATA__INIT;
    Lpad__Profile profile = LPAD__PROFILE__INIT, *profiles[] = {&profile};
    profile.iccid = (ProtobufCBinaryData){.len = sizeof iccid.bytes, .data = iccid.bytes};
    profile.profile_class = metadata.profile_class = LPAD__PROFILE_CLASS__CLASS_TEST;
    FUZZ_CHECK(host_parse("smdp.example.com", 16, &host) == ERR_OK);
    for (int op = LPAD__OPERATION__OPERATION_READ; op <= LPAD__OPERATION__OPERATION_LOAD_CRL; op++) {
        struct policy_request request = {.operation = (Lpad__Operation)op,
                                         .host = &host,
                                         .iccid = &iccid,
                                         .smdp_oid = "2.999.1",
                                         .metadata = &metadata,
                                         .target = &profile,
                                         .reset_options = POLICY_RESET_ALL,
                                         .profiles = profiles,
                                         .profile_count = 1};
        struct policy_decision d = policy_decide(policy, &actor, &request, &counters);
        FUZZ_CHECK(d.rule == DECISION_NO_RULE || (d.rule < policy->permission_count && d.line > 0));
        if (policy->permission_count == 0 && op != LPAD__OPERATION__OPERATION_READ)
            FUZZ_CHECK(d.verdict == LPAD__VERDICT__VERDICT_DENY);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy *policy = NULL;
    struct yaml_error error = {0};
    enum err e = policy_read(bytes_make(data, size), &names, &policy, &error);
    if (e == ERR_OK) {
        decide_all(policy);
        policy_free(policy);
        return 0;
    }
    FUZZ_CHECK(policy == NULL && e == ERR_INPUT);
    check_error(&error, data, size);
    return 0;
}
