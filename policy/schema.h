// SPDX-License-Identifier: Apache-2.0
// From a policy's text to a policy, each error with its line and column. The language is in policy.h.
#ifndef LPAD_POLICY_SCHEMA_H
#define LPAD_POLICY_SCHEMA_H

#include "lib/yaml/yaml.h"
#include "policy/policy.h"

#define POLICY_TEXT_MAX YAML_TEXT_MAX

struct policy_name {
    const char *name;
    uint32_t id;
};

// The names that a text may use instead of numbers. A count of POLICY_EVERY_NAME: each is taken, for somebody
// who looks at a policy on another machine than its own.
#define POLICY_EVERY_NAME SIZE_MAX
struct policy_names {
    const struct policy_name *users;
    size_t user_count;
    const struct policy_name *groups;
    size_t group_count;
};

// ERR_INPUT with *ret_error filled; ERR_MEMORY. Text and names are not needed afterwards.
LPAD_NODISCARD enum err policy_read(struct bytes text, const struct policy_names *names,
                                    struct policy **ret_policy, struct yaml_error *ret_error);
void policy_free(struct policy *policy);

#endif
