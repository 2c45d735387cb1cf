// SPDX-License-Identifier: Apache-2.0
// Prints the tables that documents show, from the same data that the programs use:
//
//   doc_facts NAME      one Markdown table, NAME as in `<!-- table NAME -->`
//
// Exit codes: 0; 2 for a name that it does not know.
#include "broker/audit.h"
#include "broker/broker.h"
#include "broker/session_table.h"
#include "broker/supervisor.h"
#include "cardd/sandbox.h"
#include "netd/sandbox.h"
#include "policy/sandbox.h"
#include "probed/sandbox.h"
#include "proto/link.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// --- system calls ---

static void print_condition(const struct sandbox_condition *c)
{
    printf("argument %u", c->argument);
    if (c->mask != 0xffffffffu && c->mask != UINT64_MAX)
        printf(" & 0x%llx", (unsigned long long)c->mask);
    printf(" = 0x%llx", (unsigned long long)c->value);
}

static void print_call(const struct sandbox_call *row)
{
    printf("| `%s` | ", row->name);
    if (row->action == SANDBOX_DENY)
        printf("fails with %s", strerrorname_np(row->error));
    else
        printf("works");
    for (unsigned i = 0; i < row->conditions; i++) {
        printf(i == 0 ? " if " : " and ");
        print_condition(&row->condition[i]);
    }
    printf(" | %s |\n", row->reason);
}

static int print_calls(const struct sandbox_call *rows, size_t count)
{
    printf("| call | what happens | for |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < count; i++)
        print_call(&rows[i]);
    return 0;
}

static int print_common(void)
{
    return print_calls(sandbox_common_calls, sandbox_common_call_count);
}
static int print_supervisor(void)
{
    return print_calls(supervisor_calls, supervisor_call_count);
}
static int print_broker(void)
{
    return print_calls(broker_sandbox.calls, broker_sandbox.call_count);
}
static int print_cardd(void)
{
    return print_calls(cardd_sandbox.calls, cardd_sandbox.call_count);
}
static int print_policyd(void)
{
    return print_calls(policyd_sandbox.calls, policyd_sandbox.call_count);
}
static int print_policy(void)
{
    return print_calls(policy_tool_sandbox.calls, policy_tool_sandbox.call_count);
}
static int print_netd(void)
{
    Lpad__NetdSettings settings = LPAD__NETD_SETTINGS__INIT;
    struct netd_sandbox netd;
    if (netd_sandbox_make(&settings, &netd) != ERR_OK)
        return 1;
    return print_calls(netd.spec.calls, netd.spec.call_count);
}

static int print_probed(void)
{
    Lpad__ProbedSettings settings = LPAD__PROBED_SETTINGS__INIT;
    struct probed_sandbox probed;
    if (probed_sandbox_make(&settings, &probed) != ERR_OK)
        return 1;
    return print_calls(probed.spec.calls, probed.spec.call_count);
}

// --- rlimits ---

static void print_limits_of(const struct sandbox_spec *spec)
{
    static const struct {
        int resource;
        const char *name;
    } names[] = {
        {RLIMIT_NOFILE,  "NOFILE" },
        {RLIMIT_NPROC,   "NPROC"  },
        {RLIMIT_CORE,    "CORE"   },
        {RLIMIT_MEMLOCK, "MEMLOCK"},
        {RLIMIT_FSIZE,   "FSIZE"  },
    };
    printf("| `%s` |", spec->process);
    for (size_t n = 0; n < COUNT(names); n++) {
        const struct sandbox_limit *limit = NULL;
        for (size_t i = 0; i < spec->limit_count; i++)
            if (spec->limits[i].resource == names[n].resource)
                limit = &spec->limits[i];
        if (limit == NULL)
            printf(" as inherited |");
        else
            printf(" %llu |", (unsigned long long)limit->value);
    }
    printf("\n");
}

static int print_limits(void)
{
    Lpad__NetdSettings settings = LPAD__NETD_SETTINGS__INIT;
    Lpad__ProbedSettings probed_settings = LPAD__PROBED_SETTINGS__INIT;
    struct netd_sandbox netd;
    struct probed_sandbox probed;
    if (netd_sandbox_make(&settings, &netd) != ERR_OK ||
        probed_sandbox_make(&probed_settings, &probed) != ERR_OK)
        return 1;
    printf("| process | NOFILE | NPROC | CORE | MEMLOCK | FSIZE |\n| --- | --- | --- | --- | --- | --- |\n");
    print_limits_of(&broker_sandbox);
    print_limits_of(&netd.spec);
    print_limits_of(&probed.spec);
    print_limits_of(&cardd_sandbox);
    print_limits_of(&policyd_sandbox);
    print_limits_of(&policy_tool_sandbox);
    return 0;
}

// --- links ---

static void print_descriptor_bodies(const ProtobufCMessageDescriptor *root)
{
    const char *separator = "";
    for (size_t i = 0; i < link_descriptor_rule_count; i++) {
        if (!link_names_message(link_descriptor_rules[i].root, root))
            continue;
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(root, link_descriptor_rules[i].body_field);
        printf("%s`%s`", separator, field->name);
        separator = ", ";
    }
    printf("%s", separator[0] == '\0' ? "none" : "");
}

static int print_links(void)
{
    static const struct link_end *const ends[] = {
        &link_broker_supervisor, &link_supervisor_broker, &link_policyd_supervisor, &link_supervisor_policyd,
        &link_broker_netd,       &link_netd_broker,       &link_broker_probed,      &link_probed_broker,
        &link_broker_cardd,      &link_cardd_broker,      &link_broker_policyd,     &link_policyd_broker,
        &link_cardd_policyd,     &link_policyd_cardd,     &link_client_broker,      &link_broker_client,
    };
    printf("| from | to | root message | bodies | bodies with a descriptor |\n| --- | --- | --- | --- | --- "
           "|\n");
    for (size_t i = 0; i < COUNT(ends); i++) {
        size_t from = strcspn(ends[i]->name, "/");
        printf("| %.*s | %s | `%s` | %u | ", (int)from, ends[i]->name, ends[i]->name + from + 1,
               ends[i]->sends->short_name, ends[i]->sends->n_fields - 1); // without the id
        print_descriptor_bodies(ends[i]->sends);
        printf(" |\n");
    }
    return 0;
}

// --- sessions and audit ---

static int print_states(void)
{
    static const char *const waits[] = {
        [WAITS_FOR_NOBODY] = "nobody",     [WAITS_FOR_POLICYD] = "lpad-policyd",
        [WAITS_FOR_CARDD] = "lpad-cardd",  [WAITS_FOR_NETD] = "lpad-netd",
        [WAITS_FOR_CLIENT] = "the client",
    };
    printf("| state | waits for | at most |\n| --- | --- | --- |\n");
    for (unsigned s = 0; s < SESSION_STATE_MAX; s++) {
        const struct session_state_info *info = &session_states[s];
        printf("| `%s` | %s | ", info->name, waits[info->waits_for]);
        if (info->deadline_ms == SESSION_DEADLINE_CONSENT)
            printf("`limits.consent_timeout` |\n");
        else if (info->deadline_ms == 0)
            printf("for ever |\n");
        else
            printf("%u s |\n", info->deadline_ms / 1000);
    }
    return 0;
}

static int print_audit_types(void)
{
    for (unsigned t = 0; t < AUDIT_TYPE_MAX; t++)
        printf("%s\n", audit_type_name((enum audit_type)t));
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*print)(void);
    } tables[] = {
        {"calls-every-process", print_common     },
        {"calls-lpad",          print_supervisor },
        {"calls-lpad-broker",   print_broker     },
        {"calls-lpad-netd",     print_netd       },
        {"calls-lpad-probed",   print_probed     },
        {"calls-lpad-cardd",    print_cardd      },
        {"calls-lpad-policyd",  print_policyd    },
        {"calls-lpad-policy",   print_policy     },
        {"limits",              print_limits     },
        {"links",               print_links      },
        {"states",              print_states     },
        {"audit-types",         print_audit_types},
    };
    for (size_t i = 0; argc == 2 && i < COUNT(tables); i++)
        if (strcmp(argv[1], tables[i].name) == 0)
            return tables[i].print();
    fprintf(stderr, "usage: doc_facts NAME, with NAME one of:\n");
    for (size_t i = 0; i < COUNT(tables); i++)
        fprintf(stderr, "  %s\n", tables[i].name);
    return 2;
}
