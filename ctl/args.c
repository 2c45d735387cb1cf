// SPDX-License-Identifier: Apache-2.0
// Parsing of the command line, by tables.
#include "ctl/args.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BIT(command) (1u << (command))

struct command_row {
    enum command command;
    const char *group;
    const char *verb; // NULL: the group alone
    const char *arguments;
    unsigned least, most; // arguments
    const char *help;
};

static const struct command_row commands[] = {
    {COMMAND_STATUS,               "status",       NULL,       "",           0, 0, "lpad's processes and sandboxes, policy, card, session"},
    {COMMAND_EUICC_INFO,           "euicc",        "info",     "",           0, 0, "the eUICC: EID, versions, free memory, addresses"     },
    {COMMAND_PROFILE_LIST,         "profile",      "list",     "",           0, 0, "the profiles on the card"                             },
    {COMMAND_PROFILE_ENABLE,       "profile",      "enable",   "ICCID",      1, 1,
     "enable a profile (the enabled one is disabled)"                                                                                     },
    {COMMAND_PROFILE_DISABLE,      "profile",      "disable",  "ICCID",      1, 1, "disable the enabled profile"                          },
    {COMMAND_PROFILE_DELETE,       "profile",      "delete",   "ICCID",      1, 1, "delete a disabled profile, for good"                  },
    {COMMAND_PROFILE_NICKNAME,     "profile",      "nickname", "ICCID TEXT", 2, 2,
     "name a profile; an empty text unnames it"                                                                                           },
    {COMMAND_PROFILE_DOWNLOAD,     "profile",      "download", "",           0, 0,
     "download and install a profile; the activation code is asked for on the terminal, or read from "
     "standard input or a descriptor, never from an argument"                                                                             },
    {COMMAND_NOTIFICATION_LIST,    "notification", "list",     "",           0, 0, "pending and delivered notifications"                  },
    {COMMAND_NOTIFICATION_DELIVER, "notification", "deliver",  "",           0, 0, "deliver the pending ones now"                         },
    {COMMAND_AUDIT_VERIFY,         "audit",        "verify",   "[FILE]",     0, 1,
     "check the audit log's hash chain (default " AUDIT_FILE_DEFAULT "; - is standard input)"                                             },
};

const char *command_name(enum command command)
{
    static const char *const names[COMMAND_MAX] = {
        [COMMAND_NONE] = "usage",
        [COMMAND_HELP] = "help",
        [COMMAND_VERSION] = "version",
        [COMMAND_STATUS] = "status",
        [COMMAND_EUICC_INFO] = "euicc info",
        [COMMAND_PROFILE_LIST] = "profile list",
        [COMMAND_PROFILE_ENABLE] = "profile enable",
        [COMMAND_PROFILE_DISABLE] = "profile disable",
        [COMMAND_PROFILE_DELETE] = "profile delete",
        [COMMAND_PROFILE_NICKNAME] = "profile nickname",
        [COMMAND_PROFILE_DOWNLOAD] = "profile download",
        [COMMAND_NOTIFICATION_LIST] = "notification list",
        [COMMAND_NOTIFICATION_DELIVER] = "notification deliver",
        [COMMAND_AUDIT_VERIFY] = "audit verify",
    };
    LPAD_ASSERT((unsigned)command < COMMAND_MAX);
    return names[command];
}

enum option {
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_JSON,
    OPTION_SOCKET,
    OPTION_TIMEOUT,
    OPTION_NO_COLOR,
    OPTION_YES,
    OPTION_NO_REFRESH,
    OPTION_CODE_FD,
    OPTION_CODE_STDIN,
    OPTION_CONFIRMATION_CODE_FD,
    OPTION_HEAD,
    OPTION_EXPECT,
    OPTION_MAX,
};

struct option_row {
    enum option option;
    const char *name;
    const char *value; // NULL: takes none
    unsigned commands; // bits; 0: every command
    const char *help;
};

static const struct option_row options[] = {
    {OPTION_JSON,                 "--json",                 NULL,       0,                                                          "print one JSON document on standard output, errors too"},
    {OPTION_SOCKET,               "--socket",               "PATH",     0,
     "lpad's control socket (default $LPAD_SOCKET, then " SOCKET_PATH_DEFAULT ")"                                                                                                           },
    {OPTION_TIMEOUT,              "--timeout",              "SECONDS",  0,
     "give up when lpad is silent for this long (default 180; 0: never)"                                                                                                                    },
    {OPTION_NO_COLOR,             "--no-color",             NULL,       0,                                                          "no colours; so does NO_COLOR in the environment"       },
    {OPTION_HELP,                 "--help",                 NULL,       0,                                                          "print this text"                                       },
    {OPTION_VERSION,              "--version",              NULL,       0,                                                          "print the version"                                     },
    {OPTION_CODE_FD,              "--code-fd",              "N",        BIT(COMMAND_PROFILE_DOWNLOAD),
     "download: read the activation code from descriptor N"                                                                                                                                 },
    {OPTION_CODE_STDIN,           "--code-stdin",           NULL,       BIT(COMMAND_PROFILE_DOWNLOAD),
     "download: read the activation code from standard input, also when that is a terminal"                                                                                                 },
    {OPTION_CONFIRMATION_CODE_FD, "--confirmation-code-fd", "N",        BIT(COMMAND_PROFILE_DOWNLOAD),
     "download: read the confirmation code, when one is needed, from descriptor N"                                                                                                          },
    {OPTION_YES,                  "--yes",                  NULL,
     BIT(COMMAND_PROFILE_DOWNLOAD) | BIT(COMMAND_PROFILE_ENABLE) | BIT(COMMAND_PROFILE_DISABLE) |
         BIT(COMMAND_PROFILE_DELETE) | BIT(COMMAND_PROFILE_NICKNAME),
     "profile download, enable, disable, delete, nickname: consent to what would be asked"                                                                                                  },
    {OPTION_NO_REFRESH,           "--no-refresh",           NULL,       BIT(COMMAND_PROFILE_ENABLE) | BIT(COMMAND_PROFILE_DISABLE),
     "enable, disable: do not have the card tell the modem to read it anew"                                                                                                                 },
    {OPTION_HEAD,                 "--head",                 NULL,       BIT(COMMAND_AUDIT_VERIFY),
     "audit verify: print only the last record's number and hash, to keep elsewhere"                                                                                                        },
    {OPTION_EXPECT,               "--expect",               "SEQ:HASH", BIT(COMMAND_AUDIT_VERIFY),
     "audit verify: the log must contain this record, seen earlier with --head"                                                                                                             },
};

// --- the parser ---

struct parser {
    int argc;
    char **argv;
    int next;
    bool only_arguments; // after "--"
    bool help, version;
    unsigned seen;  // options, as bits
    char *words[4]; // group, verb and arguments
    unsigned word_count;
    struct args args;
    char *message;
};

static enum err fail(struct parser *p, const char *text)
{
    snprintf(p->message, ARGS_MESSAGE_MAX, "%s", text);
    return ERR_INPUT;
}

// `name` is cut where a value begins: that may be a secret.
static enum err fail_named(struct parser *p, const char *before, const char *name, const char *after)
{
    char shown[80];
    text_escape(bytes_make(name, strcspn(name, "=")), shown, sizeof shown);
    snprintf(p->message, ARGS_MESSAGE_MAX, "%s\"%s\"%s", before, shown, after);
    return ERR_INPUT;
}

static bool is_activation_code(const char *text)
{
    while (*text == ' ')
        text++;
    return strncasecmp(text, "LPA:", 4) == 0 || strncmp(text, "1$", 2) == 0;
}

static enum err refuse_codes(struct parser *p)
{
    bool found = false;
    for (int i = 1; i < p->argc; i++) {
        const char *equals = strchr(p->argv[i], '=');
        if (is_activation_code(p->argv[i]) || (equals != NULL && is_activation_code(equals + 1))) {
            explicit_bzero(p->argv[i], strlen(p->argv[i]));
            found = true;
        }
    }
    if (!found)
        return ERR_OK;
    return fail(p, "An activation code must not be an argument: every user of this machine can read the "
                   "arguments of a running program, and shells keep them. Start 'lpactl profile download' "
                   "without it and type it when asked, or give it on standard input.");
}

static enum err read_number(const char *text, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (text[0] == 0 || (text[0] == '0' && text[1] != 0))
        return ERR_INPUT;
    for (; *text != 0; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return ERR_INPUT;
    }
    if (value > max)
        return ERR_INPUT;
    *ret_value = value;
    return ERR_OK;
}

static enum err read_expected(struct parser *p, char *value)
{
    char *colon = strchr(value, ':');
    if (colon == NULL || strlen(colon + 1) != 64 || strspn(colon + 1, "0123456789abcdef") != 64)
        return fail(p, "--expect wants what --head printed: the record's number, a colon, and its hash of 64 "
                       "lower-case hexadecimal digits.");
    *colon = 0;
    if (read_number(value, UINT64_MAX, &p->args.expected_seq) != ERR_OK || p->args.expected_seq == 0)
        return fail(p, "--expect wants a record's number, from 1, before the colon.");
    p->args.expected_hash = colon + 1;
    p->args.has_expected = true;
    return ERR_OK;
}

static enum err read_descriptor(struct parser *p, const struct option_row *row, const char *value,
                                int *ret_fd)
{
    uint64_t n;
    if (read_number(value, 1u << 20, &n) != ERR_OK)
        return fail_named(p, "", row->name, " wants the number of an open descriptor, such as 3.");
    *ret_fd = (int)n;
    return ERR_OK;
}

static enum err apply_option(struct parser *p, const struct option_row *row, char *value)
{
    struct args *a = &p->args;
    uint64_t n;
    switch (row->option) {
    case OPTION_HELP: p->help = true; return ERR_OK;
    case OPTION_VERSION: p->version = true; return ERR_OK;
    case OPTION_JSON: a->json = true; return ERR_OK;
    case OPTION_NO_COLOR: a->no_color = true; return ERR_OK;
    case OPTION_YES: a->yes = true; return ERR_OK;
    case OPTION_NO_REFRESH: a->no_refresh = true; return ERR_OK;
    case OPTION_CODE_STDIN: a->code_stdin = true; return ERR_OK;
    case OPTION_HEAD: a->head = true; return ERR_OK;
    case OPTION_SOCKET:
        a->socket_path = value;
        return value[0] != 0 ? ERR_OK : fail(p, "--socket wants a path.");
    case OPTION_TIMEOUT:
        if (read_number(value, TIMEOUT_MAX, &n) != ERR_OK)
            return fail(p, "--timeout wants whole seconds, 0 to 86400.");
        a->timeout_ms = n == 0 ? -1 : (int)n * 1000;
        return ERR_OK;
    case OPTION_CODE_FD: return read_descriptor(p, row, value, &a->code_fd);
    case OPTION_CONFIRMATION_CODE_FD: return read_descriptor(p, row, value, &a->confirmation_code_fd);
    case OPTION_EXPECT: return read_expected(p, value);
    case OPTION_MAX: break;
    }
    LPAD_BUG("an option without a reader");
}

static enum err refuse_option(struct parser *p, const char *text)
{
    static const char *const secrets[] = {"--code", "--activation-code", "--confirmation-code"};
    size_t len = strcspn(text, "=");
    for (size_t i = 0; i < COUNT(secrets); i++)
        if (strlen(secrets[i]) == len && memcmp(secrets[i], text, len) == 0)
            return fail(p,
                        "Codes must not be arguments: every user of this machine can read the arguments of a "
                        "running program. Use --code-fd, --code-stdin or --confirmation-code-fd.");
    return fail_named(p, "There is no option ", text, ". See 'lpactl --help'.");
}

static enum err parse_option(struct parser *p, char *text)
{
    if (strcmp(text, "-h") == 0) {
        p->help = true;
        return ERR_OK;
    }
    size_t len = strcspn(text, "=");
    const struct option_row *row = NULL;
    for (size_t i = 0; i < COUNT(options); i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, text, len) == 0)
            row = &options[i];
    if (row == NULL)
        return refuse_option(p, text);
    bool has_value = text[len] == '=';
    if (row->value == NULL && has_value)
        return fail_named(p, "The option ", text, " takes no value.");
    char *value = has_value ? text + len + 1 : NULL;
    if (row->value != NULL && !has_value) {
        if (p->next >= p->argc)
            return fail_named(p, "The option ", text, " wants a value.");
        value = p->argv[p->next++];
    }
    p->seen |= 1u << row->option;
    return apply_option(p, row, value);
}

static enum err parse_words(struct parser *p)
{
    while (p->next < p->argc) {
        char *text = p->argv[p->next++];
        if (!p->only_arguments && strcmp(text, "--") == 0) {
            p->only_arguments = true;
        } else if (!p->only_arguments && text[0] == '-' && text[1] != 0) {
            LPAD_TRY(parse_option(p, text));
        } else if (p->word_count < COUNT(p->words)) {
            p->words[p->word_count++] = text;
        } else {
            return fail(p, "There are too many arguments. See 'lpactl --help'.");
        }
    }
    return ERR_OK;
}

static enum err find_command(struct parser *p, const struct command_row **ret_row, unsigned *ret_used)
{
    if (p->word_count == 0)
        return fail(p, "No command is given. See 'lpactl --help'.");
    bool group_known = false;
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (strcmp(commands[i].group, p->words[0]) != 0)
            continue;
        group_known = true;
        if (commands[i].verb != NULL && (p->word_count < 2 || strcmp(commands[i].verb, p->words[1]) != 0))
            continue;
        *ret_row = &commands[i];
        *ret_used = commands[i].verb != NULL ? 2 : 1;
        return ERR_OK;
    }
    if (!group_known)
        return fail_named(p, "There is no command ", p->words[0], ". See 'lpactl --help'.");
    if (p->word_count < 2)
        return fail_named(p, "What is to be done with ", p->words[0], "? See 'lpactl --help'.");
    return fail_named(p, "There is no such command: ", p->words[1], ". See 'lpactl --help'.");
}

static enum err check_options(struct parser *p)
{
    for (size_t i = 0; i < COUNT(options); i++)
        if ((p->seen & (1u << options[i].option)) && options[i].commands != 0 &&
            !(options[i].commands & BIT(p->args.command)))
            return fail_named(p, "The option ", options[i].name, " does not belong to this command.");
    if (p->args.code_stdin && p->args.code_fd >= 0)
        return fail(p, "Give --code-fd or --code-stdin, not both.");
    return ERR_OK;
}

static enum err check_arguments(struct parser *p, const struct command_row *row, unsigned used)
{
    char **words = p->words + used;
    unsigned count = p->word_count - used;
    if (count < row->least)
        return fail_named(p, "An argument is missing: ", row->arguments, ". See 'lpactl --help'.");
    if (count > row->most)
        return fail(p,
                    row->command == COMMAND_PROFILE_DOWNLOAD
                        ? "profile download takes no argument: the activation code is typed when asked, or "
                          "read from standard input, because every user of this machine can read arguments."
                        : "There are too many arguments. See 'lpactl --help'.");
    if (row->command == COMMAND_AUDIT_VERIFY)
        p->args.file = count > 0 ? words[0] : AUDIT_FILE_DEFAULT;
    else if (count > 0 && iccid_from_text(words[0], strlen(words[0]), &p->args.iccid) != ERR_OK)
        return fail_named(p, "", words[0],
                          " is not an ICCID: 18 to 20 digits, as 'lpactl profile list' shows them.");
    if (row->command != COMMAND_PROFILE_NICKNAME)
        return ERR_OK;
    struct bytes nickname = bytes_from_text(words[1]);
    if (nickname.len > 64 || !utf8_valid(nickname))
        return fail(p, "A nickname is UTF-8 text of at most 64 bytes.");
    p->args.nickname = words[1];
    return ERR_OK;
}

static enum err parse(struct parser *p)
{
    LPAD_TRY(refuse_codes(p));
    LPAD_TRY(parse_words(p));
    if (p->help || p->version) {
        p->args.command = p->help ? COMMAND_HELP : COMMAND_VERSION;
        return ERR_OK;
    }
    const struct command_row *row = NULL;
    unsigned used = 0;
    LPAD_TRY(find_command(p, &row, &used));
    p->args.command = row->command;
    LPAD_TRY(check_options(p));
    return check_arguments(p, row, used);
}

enum err args_parse(int argc, char **argv, const char *env_socket, struct args *ret_args,
                    char message[static ARGS_MESSAGE_MAX])
{
    struct parser p = {.argc = argc, .argv = argv, .next = 1, .message = message};
    p.args = (struct args){.code_fd = -1,
                           .confirmation_code_fd = -1,
                           .timeout_ms = TIMEOUT_DEFAULT * 1000,
                           .socket_path =
                               env_socket != NULL && env_socket[0] != 0 ? env_socket : SOCKET_PATH_DEFAULT};
    // Known before anything can go wrong, so that the error has the wanted form.
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            p.args.json = true;
    enum err e = parse(&p);
    *ret_args = p.args;
    return e;
}

// --- the help ---

// Words from column `indent` on, broken before column 100. The cursor stands at `column`.
static void put_wrapped(struct buf *out, const char *text, size_t column, size_t indent)
{
    if (column + 1 >= indent) {
        buf_put_byte(out, '\n');
        column = 0;
    }
    for (; column < indent; column++)
        buf_put_byte(out, ' ');
    while (*text != 0) {
        size_t len = strcspn(text, " ");
        if (column > indent && column + 1 + len > 100) {
            buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            buf_put_byte(out, ' ');
            column++;
        }
        buf_put(out, text, len);
        column += len;
        text += len + strspn(text + len, " ");
    }
    buf_put_byte(out, '\n');
}

static void put_options(struct buf *out, bool common)
{
    for (size_t i = 0; i < COUNT(options); i++) {
        const struct option_row *o = &options[i];
        if ((o->commands == 0) != common)
            continue;
        size_t start = out->len;
        buf_printf(out, "  %s%s%s", o->name, o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
        put_wrapped(out, o->help, out->len - start, 30);
    }
}

void args_put_help(struct buf *out)
{
    buf_put_text(out, "lpactl manages the profiles of an eUICC through lpad.\n\n"
                      "Usage: lpactl [OPTIONS] COMMAND [ARGUMENTS]\n\nCommands:\n");
    for (size_t i = 0; i < COUNT(commands); i++) {
        const struct command_row *c = &commands[i];
        size_t start = out->len;
        buf_printf(out, "  %s%s%s%s%s", c->group, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
                   c->arguments[0] != 0 ? " " : "", c->arguments);
        put_wrapped(out, c->help, out->len - start, 34);
    }
    buf_put_text(out, "\nOptions of every command:\n");
    put_options(out, true);
    buf_put_text(out, "\nOptions of single commands:\n");
    put_options(out, false);
    buf_put_text(out, "\nExit codes:\n");
    for (unsigned i = 0; i < EXIT_CODE_MAX; i++)
        buf_printf(out, "  %3u  %s\n", i, exit_code_words((enum exit_code)i));
    buf_put_text(
        out,
        "  128+N  ended by signal N, as shells report it (130: Ctrl-C)\n\n"
        "Results go to standard output; questions go to the terminal; progress and errors go to standard "
        "error.\n");
}
