// SPDX-License-Identifier: Apache-2.0
// What the parts of the policy's reader share: the text's place of everything, and values that are written as
// text. For schema*.c alone. Paths are as in yaml_find; every function refuses with ERR_INPUT and the error
// filled.
#ifndef LPAD_POLICY_SCHEMA_READING_H
#define LPAD_POLICY_SCHEMA_READING_H

#include "lib/arena.h"
#include "policy/schema.h"
#include "policy/schema_tables.h"

struct reading {
    const struct yaml_document *document;
    struct yaml_error *error;
    const struct policy_names *names;
    struct raw_policy *raw; // lives as long as the policy
    struct policy *policy;
    struct arena *arena; // likewise
};

struct path {
    char text[96];
};
struct path policy_path(const char *format, ...) LPAD_PRINTF(1, 2);

#define REFUSE(r, path, hint, ...) yaml_refuse((r)->document, (path), (hint), (r)->error, __VA_ARGS__)
#define REFUSE_KEY(r, path, hint, ...)                                                                       \
    yaml_refuse_at_key((r)->document, (path), (hint), (r)->error, __VA_ARGS__)

#define POLICY_QUOTE_MAX 48
// Escaped and cut, for a message. Returns `out`.
const char *policy_quote(const char *text, char out[static POLICY_QUOTE_MAX]);

// Line of what must be there.
uint32_t policy_line_of(const struct reading *r, const char *path);

// Bounds are written as in a policy: "1s", "7d". `text` NULL: `fallback`.
struct duration_bounds {
    const char *fallback, *least, *most;
};
LPAD_NODISCARD enum err policy_read_duration(const struct reading *r, const char *path, const char *text,
                                             struct duration_bounds bounds, uint32_t *ret_ms);
LPAD_NODISCARD enum err policy_read_octets(const struct reading *r, const char *path, const char *text,
                                           uint64_t *ret_octets);

// `given` NULL: `fallback`.
struct number_bounds {
    uint32_t fallback, least, most;
};
LPAD_NODISCARD enum err policy_read_number(const struct reading *r, const char *path, const uint32_t *given,
                                           struct number_bounds bounds, uint32_t *ret_number);

// Letters, digits, _ and -, at most SWITCH_NAME_MAX.
LPAD_NODISCARD enum err policy_check_name(const struct reading *r, const char *path, const char *name);
// What the kernel takes for an interface's name.
LPAD_NODISCARD enum err policy_check_interface(const struct reading *r, const char *path, const char *name);

// The index of what a name stands for in the switching part.
enum named {
    NAMED_PROFILE,
    NAMED_PROBE,
    NAMED_WINDOW,
    NAMED_MAX,
};
LPAD_NODISCARD enum err policy_find_name(const struct reading *r, const char *path, enum named kind,
                                         const char *name, uint32_t *ret_index);

// The parts, in the order in which they need each other.
LPAD_NODISCARD enum err policy_read_switch_profiles(const struct reading *r);
LPAD_NODISCARD enum err policy_read_probes(const struct reading *r);
LPAD_NODISCARD enum err policy_read_windows(const struct reading *r);
LPAD_NODISCARD enum err policy_read_conditions(const struct reading *r);
LPAD_NODISCARD enum err policy_read_switching(const struct reading *r);

#endif
