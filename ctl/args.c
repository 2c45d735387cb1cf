// SPDX-License-Identifier: Apache-2.0
// Parsing of the command line, by the tables of ctl/args_table.h.
#include "ctl/args_table.h"

#include "rsp/host.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define CARD_NAME_MAX 32  // octets, as the control socket takes it
#define EVENT_ID_MAX  255 // likewise
#define HOLD_MAX_MS   (UINT64_C(30) * 86400000)
#define BIT(command)  (UINT64_C(1) << (command))

// --- the parser ---

struct parser {
    int argc;
    char **argv;
    int next;
    bool only_arguments; // after "--"
    bool help, version;
    uint64_t seen;                    // options, as bits
    char *words[2 + AUDIT_FILES_MAX]; // group, verb and arguments
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

static bool text_within(const char *text, size_t min, size_t max)
{
    struct bytes v = bytes_from_text(text);
    return v.len >= min && v.len <= max && utf8_valid(v);
}

// It becomes a part of the socket's path.
static bool is_card_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    return text_within(text, 1, CARD_NAME_MAX) && text[strspn(text, letters)] == '\0';
}

// The one option of two values: the second is the next argument.
static enum err read_event(struct parser *p, char *value)
{
    struct host host;
    if (p->next >= p->argc)
        return fail(p, "The option --event wants two values: an address and an event's identifier.");
    p->args.event_address = value;
    p->args.event_id = p->argv[p->next++];
    if (host_parse(value, strlen(value), &host) != ERR_OK)
        return fail_named(p, "", value, " is not the address of a server.");
    if (!text_within(p->args.event_id, 1, EVENT_ID_MAX))
        return fail(p, "An event's identifier is text of 1 to 255 bytes.");
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
    case OPTION_STRICT: a->strict = true; return ERR_OK;
    case OPTION_QUIET: a->quiet = true; return ERR_OK;
    case OPTION_STRONG_YES: a->strong_yes = true; return ERR_OK;
    case OPTION_RAT: a->rat = true; return ERR_OK;
    case OPTION_OPERATIONAL: a->reset_operational = true; return ERR_OK;
    case OPTION_TEST: a->reset_test = true; return ERR_OK;
    case OPTION_DEFAULT_ADDRESS: a->reset_default_address = true; return ERR_OK;
    case OPTION_REMOVE: a->address = ""; return ERR_OK;
    case OPTION_DOWNLOAD: a->download = true; return ERR_OK;
    case OPTION_DEFAULT: a->from_default = true; return ERR_OK;
    case OPTION_EVENT: return read_event(p, value);
    case OPTION_CARD:
        a->card = value;
        return is_card_name(value)
                   ? ERR_OK
                   : fail(p, "--card wants a card's name, as its configuration has it: at most 32 "
                             "letters, digits, - and _.");
    case OPTION_OUTPUT:
        a->output = value;
        return value[0] != 0 ? ERR_OK : fail(p, "--output wants a file's name.");
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
    case OPTION_FOLLOW: a->follow = true; return ERR_OK;
    case OPTION_LINES:
        return read_number(value, AUDIT_LINES_MAX, &a->lines) == ERR_OK
                   ? ERR_OK
                   : fail(p, "--lines wants a number, 0 to 1000000.");
    case OPTION_AFTER:
        a->has_after = true;
        return read_number(value, UINT64_MAX - 1, &a->after_seq) == ERR_OK
                   ? ERR_OK
                   : fail(p, "--after wants a record's number; 0 is everything.");
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
    char lines[] = "--lines", follow[] = "--follow";
    if (strcmp(text, "-h") == 0) {
        p->help = true;
        return ERR_OK;
    }
    if (strcmp(text, "-n") == 0 || strcmp(text, "-f") == 0)
        text = text[1] == 'n' ? lines : follow;
    size_t len = strcspn(text, "=");
    const struct option_row *row = NULL;
    for (size_t i = 0; i < option_row_count; i++)
        if (strlen(option_rows[i].name) == len && memcmp(option_rows[i].name, text, len) == 0)
            row = &option_rows[i];
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
    p->seen |= BIT(row->option);
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
    for (size_t i = 0; i < command_row_count; i++) {
        if (strcmp(command_rows[i].group, p->words[0]) != 0)
            continue;
        group_known = true;
        if (command_rows[i].verb != NULL &&
            (p->word_count < 2 || strcmp(command_rows[i].verb, p->words[1]) != 0))
            continue;
        *ret_row = &command_rows[i];
        *ret_used = command_rows[i].verb != NULL ? 2 : 1;
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
    for (size_t i = 0; i < option_row_count; i++)
        if ((p->seen & BIT(option_rows[i].option)) && option_rows[i].commands != 0 &&
            !(option_rows[i].commands & BIT(p->args.command)))
            return fail_named(p, "The option ", option_rows[i].name, " does not belong to this command.");
    const struct args *a = &p->args;
    if (a->code_stdin && a->code_fd >= 0)
        return fail(p, "Give --code-fd or --code-stdin, not both.");
    if (a->from_default + (a->event_id != NULL) + (a->code_stdin || a->code_fd >= 0) > 1)
        return fail(p, "Give one of --default, --event and an activation code.");
    if (a->has_after && (p->seen & BIT(OPTION_LINES)))
        return fail(p, "Give --after or --lines, not both.");
    if (a->command == COMMAND_AUDIT_REPORT && a->json && a->output == NULL)
        return fail(p, "With --json, name the report's file with --output.");
    if (a->strong_yes && !a->yes)
        return fail(p, "--strong-yes says nothing without --yes.");
    if (a->command == COMMAND_EUICC_RESET && !a->reset_operational && !a->reset_test &&
        !a->reset_default_address)
        return fail(
            p, "Say what is to be reset: --operational, --test or --default-address, or several of them.");
    return ERR_OK;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

// 18 to 20 digits are an ICCID, also when they could be hexadecimal.
static enum err read_profile(struct parser *p, const char *text)
{
    struct profile_name *name = &p->args.profile;
    size_t len = strlen(text);
    if (iccid_from_text(text, len, &name->iccid) == ERR_OK)
        return ERR_OK;
    bool is_hex = len % 2 == 0 && len >= 10 && len <= sizeof name->aid * 2;
    for (size_t i = 0; is_hex && i < len; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        is_hex = high >= 0 && low >= 0;
        name->aid[i / 2] = (uint8_t)(is_hex ? high << 4 | low : 0);
    }
    if (!is_hex)
        return fail_named(
            p, "", text,
            " is not an ICCID: 18 to 20 digits, as 'lpactl profile list' shows them (or the AID of an "
            "ISD-P in hexadecimal).");
    name->is_aid = true;
    name->aid_len = len / 2;
    return ERR_OK;
}

static enum err read_address(struct parser *p, char *text)
{
    struct host host;
    if (p->args.address != NULL)
        return fail(p, "Give an address or --remove, not both.");
    if (strlen(text) > 255 || host_parse(text, strlen(text), &host) != ERR_OK)
        return fail_named(p, "", text, " is not the address of a server, such as smdp.example.com.");
    p->args.address = text;
    return ERR_OK;
}

static enum err read_sequence_number(struct parser *p, const char *text)
{
    uint64_t n;
    if (read_number(text, UINT32_MAX, &n) != ERR_OK)
        return fail_named(p, "", text, " is not a number of 'lpactl notification list'.");
    p->args.sequence_number = (uint32_t)n;
    return ERR_OK;
}

static enum err read_nickname(struct parser *p, const char *text)
{
    if (!text_within(text, 0, 64))
        return fail(p, "A nickname is UTF-8 text of at most 64 bytes.");
    p->args.nickname = text;
    return ERR_OK;
}

// Whole units: "90s", "2h". 30 days at most, as the daemon takes it.
static enum err read_hold(struct parser *p, const char *text)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {
        {"s", 1000    },
        {"m", 60000   },
        {"h", 3600000 },
        {"d", 86400000},
    };
    char digits[12] = "";
    size_t len = strspn(text, "0123456789");
    uint64_t n = 0;
    if (len > 0 && len < sizeof digits)
        memcpy(digits, text, len);
    for (size_t i = 0; i < COUNT(units) && read_number(digits, HOLD_MAX_MS, &n) == ERR_OK; i++) {
        if (strcmp(text + len, units[i].unit) != 0 || n == 0 || n > HOLD_MAX_MS / units[i].ms)
            continue;
        p->args.hold_ms = n * units[i].ms;
        return ERR_OK;
    }
    return fail_named(p, "", text, " is not a duration of 1 s to 30 days, such as 30s, 10m, 2h or 1d.");
}

static enum err read_files(struct parser *p, char **words, unsigned count)
{
    p->args.file_count = count > 0 ? count : 1;
    p->args.files[0] = AUDIT_FILE_DEFAULT;
    for (unsigned i = 0; i < count; i++)
        p->args.files[i] = words[i];
    return ERR_OK;
}

static enum err take_arguments(struct parser *p, char **words, unsigned count)
{
    switch (p->args.command) {
    case COMMAND_AUDIT_VERIFY: p->args.file = count > 0 ? words[0] : AUDIT_FILE_DEFAULT; return ERR_OK;
    case COMMAND_AUDIT_REPORT: return read_files(p, words, count);
    case COMMAND_EUICC_LOAD_CRL:
    case COMMAND_POLICY_CHECK: p->args.file = words[0]; return ERR_OK;
    case COMMAND_POLICY_TEST:
        p->args.file = words[0];
        p->args.trace = words[1];
        return ERR_OK;
    case COMMAND_HOLD: return count > 0 ? read_hold(p, words[0]) : ERR_OK;
    case COMMAND_EUICC_DEFAULT_ADDRESS: return count > 0 ? read_address(p, words[0]) : ERR_OK;
    case COMMAND_NOTIFICATION_RESEND: return read_sequence_number(p, words[0]);
    case COMMAND_PROFILE_ENABLE:
    case COMMAND_PROFILE_DISABLE:
    case COMMAND_PROFILE_DELETE:
    case COMMAND_PROFILE_ICON: return read_profile(p, words[0]);
    case COMMAND_PROFILE_NICKNAME: LPAD_TRY(read_profile(p, words[0])); return read_nickname(p, words[1]);
    case COMMAND_NONE:
    case COMMAND_HELP:
    case COMMAND_VERSION:
    case COMMAND_STATUS:
    case COMMAND_EUICC_INFO:
    case COMMAND_EUICC_RESET:
    case COMMAND_PROFILE_LIST:
    case COMMAND_PROFILE_DOWNLOAD:
    case COMMAND_PROFILE_DISCOVER:
    case COMMAND_NOTIFICATION_LIST:
    case COMMAND_NOTIFICATION_DELIVER:
    case COMMAND_RELEASE:
    case COMMAND_POLICY_EXPLAIN:
    case COMMAND_POLICY_RELOAD:
    case COMMAND_AUDIT_TAIL:
    case COMMAND_AUDIT_HEAD:
    case COMMAND_AUDIT_ENROL:
    case COMMAND_MAX: return ERR_OK;
    }
    LPAD_BUG("a command without a reader of its arguments");
}

static enum err check_arguments(struct parser *p, const struct command_row *row, unsigned used)
{
    unsigned count = p->word_count - used;
    if (count < row->least)
        return fail_named(p, "An argument is missing: ", row->arguments, ". See 'lpactl --help'.");
    if (count > row->most)
        return fail(p,
                    row->command == COMMAND_PROFILE_DOWNLOAD
                        ? "profile download takes no argument: the activation code is typed when asked, or "
                          "read from standard input, because every user of this machine can read arguments."
                        : "There are too many arguments. See 'lpactl --help'.");
    return take_arguments(p, p->words + used, count);
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
    p.args = (struct args){.lines = AUDIT_LINES_DEFAULT,
                           .code_fd = -1,
                           .confirmation_code_fd = -1,
                           .timeout_ms = TIMEOUT_DEFAULT * 1000,
                           .socket_path = env_socket != NULL && env_socket[0] != 0 ? env_socket : NULL};
    // Known before anything can go wrong, so that the error has the wanted form.
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            p.args.json = true;
    enum err e = parse(&p);
    if (p.args.socket_path == NULL && p.args.card == NULL)
        p.args.socket_path = SOCKET_PATH_DEFAULT;
    *ret_args = p.args;
    return e;
}
