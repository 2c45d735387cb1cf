// SPDX-License-Identifier: Apache-2.0
// Values that are written as text, each with its bounds and its refusal. For config.c and config_card.c
// alone.
#ifndef LPAD_BROKER_CONFIG_VALUES_H
#define LPAD_BROKER_CONFIG_VALUES_H

#include "broker/config.h"
#include "broker/config_schema.h"

struct config_reading {
    const struct yaml_document *document;
    struct yaml_error *error;
};

#define REFUSE(r, path, hint, ...) yaml_refuse((r)->document, (path), (hint), (r)->error, __VA_ARGS__)

const char *config_text_or(const char *text, const char *fallback);

// `path` is the value's place, `text` (or `number`) what stands there, NULL when nothing does. ERR_INPUT with
// the error filled; outputs are untouched then.
// Durations from 100 ms to 24 h, sizes from 4 KiB to 16 MiB.
LPAD_NODISCARD enum err config_read_duration(const struct config_reading *r, const char *path,
                                             const char *text, const char *fallback, uint32_t *ret_ms);
LPAD_NODISCARD enum err config_read_size(const struct config_reading *r, const char *path, const char *text,
                                         const char *fallback, uint32_t *ret_bytes);
LPAD_NODISCARD enum err config_read_number(const struct config_reading *r, const char *path,
                                           const uint32_t *number, uint32_t fallback, uint32_t min,
                                           uint32_t max, uint32_t *ret_number);
// An absolute path.
LPAD_NODISCARD enum err config_read_path(const struct config_reading *r, const char *path, const char *text,
                                         const char *fallback, const char **ret_text);
// Printable ASCII.
LPAD_NODISCARD enum err config_read_printable(const struct config_reading *r, const char *path,
                                              const char *text, const char *fallback, const char **ret_text);
// `min` to `cap` bytes in hexadecimal.
LPAD_NODISCARD enum err config_read_hex(const struct config_reading *r, const char *path, const char *text,
                                        size_t min, uint8_t *out, size_t cap, size_t *ret_len);
// An absolute path that fits sockaddr_un.
LPAD_NODISCARD enum err config_read_socket_path(const struct config_reading *r, const char *path,
                                                const char *text);

// The whole of `card`.
LPAD_NODISCARD enum err config_read_card(const struct config_reading *r, const struct raw_card *raw,
                                         struct config *c);

#endif
