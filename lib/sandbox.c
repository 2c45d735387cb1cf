// SPDX-License-Identifier: Apache-2.0
// The sandbox's order and its seccomp half; Landlock is in lib/landlock.c.
#include "lib/sandbox.h"

#include "lib/landlock.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65 // Linux 6.3
#endif
#define MDWE_REFUSE_EXEC_GAIN 1u

static void report_missing(struct sandbox_report *report, const char *what)
{
    if (report->missing_count < SANDBOX_MISSING_MAX)
        report->missing[report->missing_count++] = what;
}

static uint32_t row_action(const struct sandbox_call *row)
{
    return row->action == SANDBOX_DENY ? SCMP_ACT_ERRNO((unsigned)row->error) : SCMP_ACT_ALLOW;
}

static enum err add_row(scmp_filter_ctx ctx, const struct sandbox_call *row)
{
    int nr = seccomp_syscall_resolve_name(row->name);
    if (nr == __NR_SCMP_ERROR)
        return ERR_IO_SANDBOX; // a name that libseccomp does not know is a mistake in the table
    if (nr < 0)
        return ERR_OK; // a call that this architecture does not have
    struct scmp_arg_cmp cmp[SANDBOX_CONDITIONS_MAX];
    for (unsigned i = 0; i < row->conditions; i++) {
        const struct sandbox_condition *c = &row->condition[i];
        cmp[i] = SCMP_CMP(c->argument, SCMP_CMP_MASKED_EQ, c->mask, c->value);
    }
    int r = seccomp_rule_add_array(ctx, row_action(row), nr, row->conditions, cmp);
    return r == 0 ? ERR_OK : ERR_IO_SANDBOX;
}

static enum err add_rows(scmp_filter_ctx ctx, const struct sandbox_call *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        LPAD_TRY(add_row(ctx, &rows[i]));
    return ERR_OK;
}

static bool has_own_row(const struct sandbox_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->call_count; i++)
        if (strcmp(spec->calls[i].name, name) == 0)
            return true;
    return false;
}

// A process's own rows for a call replace the common ones, so that a table can be tighter.
static enum err add_shared_rows(scmp_filter_ctx ctx, const struct sandbox_spec *spec,
                                const struct sandbox_call *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!has_own_row(spec, rows[i].name))
            LPAD_TRY(add_row(ctx, &rows[i]));
    return ERR_OK;
}

static enum err load_filter(const struct sandbox_spec *spec)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (ctx == NULL) // no memory, or a kernel without seccomp
        return ERR_IO_SANDBOX;
    enum err e = add_rows(ctx, spec->calls, spec->call_count);
    if (e == ERR_OK)
        e = add_shared_rows(ctx, spec, sandbox_common_calls, sandbox_common_call_count);
    // A widened build adds to every list, its own rows or not.
    if (e == ERR_OK)
        e = add_rows(ctx, sandbox_build_calls, sandbox_build_call_count);
    if (e == ERR_OK && seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
        e = ERR_IO_SANDBOX;
    if (e == ERR_OK && seccomp_load(ctx) != 0)
        e = ERR_IO_SANDBOX;
    seccomp_release(ctx);
    return e;
}

static enum err set_limits(const struct sandbox_spec *spec)
{
    for (size_t i = 0; i < spec->limit_count; i++) {
        struct rlimit r = {spec->limits[i].value, spec->limits[i].value};
        if (setrlimit((__rlimit_resource_t)spec->limits[i].resource, &r) != 0)
            return ERR_IO_SANDBOX;
    }
    return ERR_OK;
}

enum err sandbox_enter(const struct sandbox_spec *spec, bool required, struct sandbox_report *ret_report)
{
    struct sandbox_report report = {0};
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ERR_IO_SANDBOX;
    if (sandbox_build_note != NULL)
        report_missing(&report, "widened allowlist (sanitizer or coverage build)");
    else if (prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0) {
        if (errno != EINVAL && errno != EPERM && required)
            return ERR_IO_SANDBOX;
        report_missing(&report, "memory-deny-write-execute (Linux 6.3)");
    }
    LPAD_TRY(set_limits(spec));

    enum err e = landlock_enter(spec, &report.landlock_abi);
    if (e != ERR_OK && required)
        return e;
    if (e != ERR_OK)
        report.landlock_abi = 0;
    if (report.landlock_abi == 0)
        report_missing(&report, "Landlock (Linux 5.13)");
    else if (report.landlock_abi < 4)
        report_missing(&report, "Landlock TCP rules (Linux 6.7)");
    else if (report.landlock_abi < 6)
        report_missing(&report, "Landlock scopes (Linux 6.12)");

    // Seccomp comes last: it forbids all of the above. Without it there is no lpad.
    LPAD_TRY(load_filter(spec));
    *ret_report = report;
    return ERR_OK;
}

enum err sandbox_forbid(const char *const *names, size_t count)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    if (ctx == NULL) // no memory, or a kernel without seccomp
        return ERR_IO_SANDBOX;
    enum err e = ERR_OK;
    for (size_t i = 0; i < count && e == ERR_OK; i++) {
        int nr = seccomp_syscall_resolve_name(names[i]);
        if (nr == __NR_SCMP_ERROR || (nr >= 0 && seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, nr, 0) != 0))
            e = ERR_IO_SANDBOX;
    }
    // no_new_privs is on already, and the first filter lets no prctl through.
    if (e == ERR_OK && (seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0) != 0 || seccomp_load(ctx) != 0))
        e = ERR_IO_SANDBOX;
    seccomp_release(ctx);
    return e;
}
