// SPDX-License-Identifier: Apache-2.0
// The table of answers in docs/policy.md is what the document's first policy really answers.
//
//   doc_decisions FILE
#include "policy/decide.h"
#include "policy/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct policy_name users[] = {
    {"root", 0},
};
static const struct policy_name groups[] = {
    {"service", 102},
};
static const struct policy_names names = {users, 1, groups, 1};

struct row {
    char who[32], operation[32], on[64], answer[64];
};

static bool make_actor(const char *who, struct policy_actor *ret_actor)
{
    struct policy_actor a = {.uid = 65534, .gid = 65534};
    if (strcmp(who, "root") == 0)
        a.uid = a.gid = 0;
    else if (strcmp(who, "group service") == 0)
        a.groups[a.group_count++] = 102;
    else if (strcmp(who, "lpad") == 0)
        a.is_lpad = true;
    else if (strcmp(who, "somebody else") != 0)
        return false;
    *ret_actor = a;
    return true;
}

// "DENY_NO_RULE" becomes "no_rule".
static void put_reason(Lpad__DenyReason reason, char *out, size_t cap)
{
    const ProtobufCEnumValue *v =
        protobuf_c_enum_descriptor_get_value(&lpad__deny_reason__descriptor, (int)reason);
    snprintf(out, cap, "deny, %s", v->name + strlen("DENY_"));
    for (char *p = out; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
}

static int enum_value(const ProtobufCEnumDescriptor *type, const char *prefix, const char *word)
{
    for (unsigned i = 0; i < type->n_values; i++)
        if (strcasecmp(type->values[i].name + strlen(prefix), word) == 0)
            return type->values[i].value;
    return -1;
}

static bool answer(const struct policy *policy, const struct row *row, char *out, size_t cap)
{
    static const struct policy_counters none;
    struct policy_actor actor;
    struct host host;
    struct iccid iccid;
    Lpad__Profile target = LPAD__PROFILE__INIT;
    int operation = enum_value(&lpad__operation__descriptor, "OPERATION_", row->operation);
    int class = enum_value(&lpad__profile_class__descriptor, "CLASS_", row->on);
    if (operation < 0 || !make_actor(row->who, &actor) ||
        iccid_from_text("8949449999999990031", 19, &iccid) != ERR_OK)
        return false;
    struct policy_request request = {.operation = (Lpad__Operation)operation};
    if (class >= 0) {
        target.profile_class = (Lpad__ProfileClass) class;
        request.iccid = &iccid;
        request.target = &target;
    } else if (host_parse(row->on, strlen(row->on), &host) == ERR_OK) {
        request.host = &host;
    } else {
        return false;
    }
    struct policy_decision d = policy_decide(policy, &actor, &request, &none);
    if (d.verdict == LPAD__VERDICT__VERDICT_DENY)
        put_reason(d.reason, out, cap);
    else
        snprintf(out, cap, "%s, line %u", d.verdict == LPAD__VERDICT__VERDICT_ASK ? "ask" : "allow", d.line);
    return true;
}

static struct policy *read_policy(const char *text)
{
    static const char fence[] = "```yaml policy.yaml\n";
    const char *begin = strstr(text, fence), *end = begin != NULL ? strstr(begin, "\n```") : NULL;
    struct policy *policy = NULL;
    struct yaml_error error;
    if (end == NULL)
        return NULL;
    begin += strlen(fence);
    return policy_read(bytes_make(begin, (size_t)(end - begin)), &names, &policy, &error) == ERR_OK ? policy
                                                                                                    : NULL;
}

int main(int argc, char **argv)
{
    static char text[1 << 16];
    FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;
    if (f == NULL || fread(text, 1, sizeof text - 1, f) == 0)
        return 2;
    fclose(f);
    struct policy *policy = read_policy(text);
    unsigned rows = 0, failures = policy == NULL;
    for (char *line = text; policy != NULL && line != NULL; line = strchr(line, '\n')) {
        struct row row;
        char got[64];
        line += *line == '\n';
        if (sscanf(line, "| %31[^|`] | %31[^|`] | %63[^|`] | %63[^|\n] |", row.who, row.operation, row.on,
                   row.answer) != 4)
            continue;
        char *cells[] = {row.who, row.operation, row.on, row.answer};
        for (size_t i = 0; i < 4; i++)
            for (size_t n = strlen(cells[i]); n > 0 && cells[i][n - 1] == ' '; n--)
                cells[i][n - 1] = '\0';
        if (strcmp(row.who, "who") == 0 || row.who[0] == '-')
            continue;
        rows++;
        if (!answer(policy, &row, got, sizeof got)) {
            fprintf(stderr, "%s: not understood: %s, %s, %s\n", argv[1], row.who, row.operation, row.on);
            failures++;
        } else if (strcmp(got, row.answer) != 0) {
            fprintf(stderr, "%s: %s, %s, %s: the answer is \"%s\", not \"%s\"\n", argv[1], row.who,
                    row.operation, row.on, got, row.answer);
            failures++;
        }
    }
    policy_free(policy);
    printf("%s: %u answers\n", argv[1], rows);
    return failures == 0 && rows >= 10 ? 0 : 1;
}
