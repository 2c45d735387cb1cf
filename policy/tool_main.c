// SPDX-License-Identifier: Apache-2.0
// lpad-policy: its arguments and files; then the sandbox; only then is anything parsed.
#include "policy/tool.h"

#include "policy/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "Usage: lpad-policy check [--strict] [--json] FILE\n"
                            "       lpad-policy test [--json] [--quiet] FILE TRACE\n"
                            "\n"
                            "Checks a policy file, or tests it with a trace of events; - is standard input.\n"
                            "lpactl policy check and lpactl policy test run it. See lpactl(1).\n";

struct arguments {
    bool check, test, help;
    const char *files[2];
    unsigned file_count;
};

static bool take_word(struct arguments *a, const char *word)
{
    if (a->check || a->test) {
        if (a->file_count == 2)
            return false;
        a->files[a->file_count++] = word;
        return true;
    }
    a->check = strcmp(word, "check") == 0;
    a->test = strcmp(word, "test") == 0;
    return a->check || a->test;
}

static bool read_arguments(int argc, char **argv, struct arguments *a, struct tool *t)
{
    bool only_files = false; // after "--"
    for (int i = 1; i < argc; i++) {
        if (only_files || argv[i][0] != '-' || argv[i][1] == '\0') {
            if (!take_word(a, argv[i]))
                return false;
        } else if (strcmp(argv[i], "--") == 0)
            only_files = true;
        else if (strcmp(argv[i], "--json") == 0)
            t->json = true;
        else if (strcmp(argv[i], "--strict") == 0)
            t->strict = true;
        else if (strcmp(argv[i], "--quiet") == 0)
            t->quiet = true;
        else if (strcmp(argv[i], "--help") == 0)
            a->help = true;
        else
            return false;
    }
    if (a->help)
        return true;
    return (a->check && a->file_count == 1 && !t->quiet) || (a->test && a->file_count == 2 && !t->strict);
}

static FILE *open_file(const struct tool *t, const char *name)
{
    FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    if (f == NULL)
        (void)tool_refuse(t, name, 0, 0, strerror(errno), "");
    return f;
}

// At most one octet more than a policy may have: the reader then says that it is too long.
static bool read_policy(struct tool *t, FILE *f, uint8_t *text, size_t cap)
{
    static const struct policy_names every_name = {NULL, POLICY_EVERY_NAME, NULL, POLICY_EVERY_NAME};
    struct yaml_error e = {0};
    size_t len = fread(text, 1, cap, f);
    if (ferror(f) != 0) {
        (void)tool_refuse(t, t->file, 0, 0, strerror(errno), "");
        return false;
    }
    crypto_hash_sha256(t->sha256, text, len);
    enum err result = policy_read(bytes_make(text, len), &every_name, &t->policy, &e);
    if (result == ERR_OK)
        return true;
    if (result == ERR_INPUT) {
        char message[512];
        snprintf(message, sizeof message, "%s%s%s", e.path, e.path[0] != '\0' ? ": " : "", e.message);
        (void)tool_refuse(t, t->file, e.line, e.column, message, e.hint);
    } else {
        (void)tool_refuse(t, t->file, 0, 0, err_words(result), "");
    }
    return false;
}

static int run(const struct arguments *a, struct tool *t)
{
    struct sandbox_report report;
    FILE *f = open_file(t, t->file);
    if (f == NULL)
        return TOOL_EXIT_INPUT;
    if (a->test && (t->trace_file = open_file(t, t->trace)) == NULL)
        return TOOL_EXIT_INPUT;
    size_t cap = POLICY_TEXT_MAX + 1;
    uint8_t *text = malloc(cap);
    // It parses what others wrote, and needs nothing to do so. A kernel that confines less is no reason not
    // to.
    if (text == NULL || sodium_init() < 0 || sandbox_enter(&policy_tool_sandbox, false, &report) != ERR_OK)
        return tool_refuse(t, t->file, 0, 0, "this process could not be confined", "");
    int code = TOOL_EXIT_INPUT;
    if (read_policy(t, f, text, cap))
        code = a->check ? tool_check(t) : tool_test(t);
    policy_free(t->policy);
    free(text);
    return code;
}

int main(int argc, char **argv)
{
    struct arguments a = {0};
    struct tool t = {0};
    if (!read_arguments(argc, argv, &a, &t)) {
        fputs(usage, stderr);
        return TOOL_EXIT_INPUT;
    }
    if (a.help) {
        fputs(usage, stdout);
        return TOOL_EXIT_OK;
    }
    t.file = a.files[0];
    t.trace = a.files[1];
    int code = run(&a, &t);
    if (fflush(stdout) != 0) {
        fprintf(stderr, "lpad-policy: standard output: %s\n", strerror(errno));
        return TOOL_EXIT_INPUT;
    }
    return code;
}
