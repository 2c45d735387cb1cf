// SPDX-License-Identifier: Apache-2.0
// Compares the keys that a document describes with those that the schema knows, both ways, and the defaults
// that the document tells with those that are really used.
//
//   doc_keys config|policy FILE...
//
// A key is described by a table row that begins with | `its.path` |; the next cell is its default: `value`
// (in the form in which it would be written) or words without backquotes, which are not checked.
#include "broker/config.h"
#include "broker/config_schema.h"
#include "policy/schema_tables.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX     128
#define KEY_PATH_MAX 128

struct keys {
    char path[KEYS_MAX][KEY_PATH_MAX];
    char value[KEYS_MAX][KEY_PATH_MAX];
    size_t count;
};

static bool has_key(const struct keys *keys, const char *path)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->path[i], path) == 0)
            return true;
    return false;
}

static void add_key(struct keys *keys, const char *path, const char *value)
{
    if (has_key(keys, path))
        return;
    if (keys->count == KEYS_MAX)
        abort();
    snprintf(keys->path[keys->count], KEY_PATH_MAX, "%s", path);
    snprintf(keys->value[keys->count++], KEY_PATH_MAX, "%s", value);
}

// --- from the schema ---

// Shapes add keys that nobody writes.
static bool is_of_a_shape(const char *path, const char *key)
{
    static const struct {
        const char *path, *key;
    } made[] = {
        {"network.hosts",        "name"   },
        {"network.hosts",        "address"},
        {"roles",                "name"   },
        {"permissions.profiles", "any"    },
        {"profiles",             "name"   },
        {"probes",               "name"   },
        {"windows",              "name"   },
    };
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        if (strcmp(path, made[i].path) == 0 && strcmp(key, made[i].key) == 0)
            return true;
    }
    return false;
}

// A list that a shape made: its keys are its owner's. Or what it made of a condition's conditions.
static bool is_made_list(const char *path)
{
    return strcmp(path, "windows.spans") == 0;
}

static bool is_branch(const char *path)
{
    static const char head[] = "switching.rules.when.";
    return strncmp(path, head, strlen(head)) == 0 &&
           (strcmp(path + strlen(head), "all") == 0 || strcmp(path + strlen(head), "any") == 0 ||
            strcmp(path + strlen(head), "not") == 0);
}

static void walk(struct keys *keys, const cyaml_schema_value_t *value, const char *path)
{
    if (value->type == CYAML_SEQUENCE) {
        walk(keys, value->sequence.entry, path);
        return;
    }
    if (value->type != CYAML_MAPPING)
        return;
    for (const cyaml_schema_field_t *f = value->mapping.fields; f->key != NULL; f++) {
        char inner[KEY_PATH_MAX];
        if (is_of_a_shape(path, f->key))
            continue;
        int n = snprintf(inner, sizeof inner, "%s%s%s", path, path[0] != '\0' ? "." : "", f->key);
        if (n < 0 || (size_t)n >= sizeof inner)
            abort();
        // What has keys of its own is described by these.
        if (is_made_list(inner)) {
            walk(keys, &f->value, path);
            continue;
        }
        const cyaml_schema_value_t *v = f->value.type == CYAML_SEQUENCE ? f->value.sequence.entry : &f->value;
        bool has_own = v->type == CYAML_MAPPING && strcmp(inner, "network.hosts") != 0;
        if (!has_own || is_branch(inner) || strcmp(inner, "permissions.profiles") == 0)
            add_key(keys, inner, "");
        if (!is_branch(inner))
            walk(keys, &f->value, inner);
    }
}

// --- from the document ---

// `permissions[].hosts`, `roles.NAME.users`: lists and names of the reader's own choice are no keys.
static void drop(char *text, const char *part)
{
    char *p = strstr(text, part);
    if (p != NULL)
        memmove(p, p + strlen(part), strlen(p + strlen(part)) + 1);
}

static void read_row(struct keys *keys, char *line)
{
    if (strncmp(line, "| `", 3) != 0)
        return;
    char *end = strchr(line + 3, '`'), *cell = end != NULL ? strchr(end, '|') : NULL;
    if (cell == NULL)
        return;
    *end = '\0';
    drop(line + 3, "[]");
    drop(line + 3, ".NAME");
    char *value = strstr(cell, "| `");
    char *value_end = value != NULL ? strchr(value + 3, '`') : NULL;
    bool is_value = value == cell && value_end != NULL;
    if (is_value)
        *value_end = '\0';
    add_key(keys, line + 3, is_value ? value + 3 : "");
}

static void read_document(struct keys *keys, const char *path)
{
    char line[4096];
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof line, f) != NULL)
        read_row(keys, line);
    fclose(f);
}

// --- defaults ---

static void put(char *out, size_t cap, const char *format, ...) LPAD_PRINTF(3, 4);
static void put(char *out, size_t cap, const char *format, ...)
{
    size_t used = strlen(out);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out + used, cap - used, format, arguments);
    va_end(arguments);
}

static void put_hex(char *out, size_t cap, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        put(out, cap, "%02X", data[i]);
    put(out, cap, "\n");
}

// Everything that a key may change.
static void describe(const struct config *c, char *out, size_t cap)
{
    out[0] = '\0';
    put(out, cap, "%d %d\n", c->sandbox_required, c->users.given);
    put(out, cap, "%s %s %o %u\n", c->control.socket, c->control.group.text ? c->control.group.text : "-",
        c->control.mode, c->control.clients_max);
    put(out, cap, "%s %u %u %u %u\n", c->card.transport, c->card.address_len, c->card.block_size,
        c->card.apdu_timeout_ms, c->card.load_timeout_ms);
    put_hex(out, cap, c->card.terminal_capability, c->card.terminal_capability_len);
    put_hex(out, cap, c->card.isdr_aid, c->card.isdr_aid_len);
    put_hex(out, cap, c->card.tac, sizeof c->card.tac);
    put(out, cap, "%zu %zu %zu %d\n", c->network.ci_certificate_count, c->network.port_count,
        c->network.host_count, c->network.allow_private_addresses);
    for (size_t i = 0; i < c->network.port_count; i++)
        put(out, cap, "%u\n", c->network.ports[i]);
    put(out, cap, "%u %u %u %u %u %u\n", c->network.connect_timeout_ms, c->network.request_timeout_ms,
        c->network.low_speed_bytes, c->network.low_speed_time_ms, c->network.reply_max,
        c->network.package_max);
    put(out, cap, "%s %s\n", c->network.user_agent, c->network.admin_protocol);
    put(out, cap, "%s %s %s %d\n", c->policy, c->state, c->audit.file, c->audit.mask_identifiers);
    put(out, cap, "%u %u %u %u %u\n", c->limits.netds, c->limits.netd_starts_per_minute,
        c->limits.stop_timeout_ms, c->limits.consent_timeout_ms, c->limits.intent_timeout_ms);
}

static void describe_text(const char *text, char *out, size_t cap)
{
    struct config *config;
    struct yaml_error error = {0};
    char words[1024];
    if (config_read(bytes_from_text(text), &config, &error) != ERR_OK) {
        snprintf(out, cap, "%s", yaml_error_text(&error, words, sizeof words));
        return;
    }
    describe(config, out, cap);
    config_free(config);
}

// The smallest configuration with this one key written out.
static void write_key(const char *path, const char *value, char *out, size_t cap)
{
    static const char card[] = "address: \"unix:/run/card.sock\"";
    char copy[KEY_PATH_MAX], *parts[4];
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *p = copy; p != NULL && count < 4; count++) {
        parts[count] = p;
        p = strchr(p, '.');
        if (p != NULL)
            *p++ = '\0';
    }
    bool in_card = strcmp(parts[0], "card") == 0;
    out[0] = '\0';
    put(out, cap, "version: 1\n");
    put(out, cap, in_card && count == 2 ? "card: {%s, %s: %s}\n" : "card: {%s}\n", card, parts[1 % count],
        value);
    if (in_card || strcmp(path, "version") == 0)
        return;
    for (size_t i = 0; i < count; i++)
        put(out, cap, "%s%s: ", i > 0 ? "{" : "", parts[i]);
    put(out, cap, "%s%s\n", value, count == 3 ? "}}" : count == 2 ? "}" : "");
}

static unsigned check_defaults(const struct keys *described, const char *file)
{
    char usual[8192], text[1024], got[8192];
    unsigned failures = 0, checked = 0;
    describe_text("version: 1\ncard: {address: \"unix:/run/card.sock\"}\n", usual, sizeof usual);
    for (size_t i = 0; i < described->count; i++) {
        const char *path = described->path[i], *value = described->value[i];
        if (value[0] == '\0')
            continue;
        write_key(path, value, text, sizeof text);
        describe_text(text, got, sizeof got);
        checked++;
        if (strcmp(usual, got) != 0) {
            fprintf(stderr, "%s: `%s` is not %s when it is left out:\n%s\nagainst\n%s\n", file, path, value,
                    got, usual);
            failures++;
        }
    }
    printf("%s: %u defaults checked\n", file, checked);
    if (checked < 20) {
        fprintf(stderr, "%s: tells too few defaults to be the right document\n", file);
        failures++;
    }
    return failures;
}

int main(int argc, char **argv)
{
    static struct keys known, described;
    if (argc < 3)
        return 2;
    bool is_config = strcmp(argv[1], "config") == 0;
    walk(&known, is_config ? &config_schema : &policy_schema, "");
    for (int i = 2; i < argc; i++)
        read_document(&described, argv[i]);
    unsigned failures = 0;
    for (size_t i = 0; i < known.count; i++)
        if (!has_key(&described, known.path[i])) {
            fprintf(stderr, "%s: does not describe the key `%s`\n", argv[2], known.path[i]);
            failures++;
        }
    for (size_t i = 0; i < described.count; i++)
        if (!has_key(&known, described.path[i])) {
            fprintf(stderr, "%s: describes `%s`, which is no key\n", argv[2], described.path[i]);
            failures++;
        }
    printf("%s: %zu keys described, %zu known\n", argv[2], described.count, known.count);
    if (is_config)
        failures += check_defaults(&described, argv[2]);
    return failures == 0 ? 0 : 1;
}
