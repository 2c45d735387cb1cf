// SPDX-License-Identifier: Apache-2.0
// How lpad-policy says it.
#include "policy/tool.h"

#include <inttypes.h>
#include <string.h>

void tool_put_json(const char *text)
{
    uint8_t space[8192];
    struct buf b = buf_make(space, sizeof space);
    // A long text is cut where a character ends.
    size_t len = strlen(text);
    while (len > 1024 || (len > 0 && len < strlen(text) && ((unsigned char)text[len] & 0xC0) == 0x80))
        len--;
    buf_put_json_escaped(&b, bytes_make(text, len));
    putchar('"');
    fwrite(b.data, 1, b.len, stdout);
    putchar('"');
}

void tool_put_error(const char *file, uint32_t line, uint32_t column, const char *message, const char *hint)
{
    printf("\"error\":{\"code\":\"input\",\"file\":");
    tool_put_json(file);
    if (line > 0)
        printf(",\"line\":%" PRIu32 ",\"column\":%" PRIu32, line, column);
    printf(",\"message\":");
    tool_put_json(message);
    if (hint[0] != '\0') {
        printf(",\"hint\":");
        tool_put_json(hint);
    }
    putchar('}');
}

void tool_put_wrapped(FILE *out, const char *text, size_t indent)
{
    size_t column = indent;
    fprintf(out, "%*s", (int)indent, "");
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (column > indent && column + 1 + len > 79) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int)len, text);
        column += len;
        text += len + strspn(text + len, " ");
    }
    fputc('\n', out);
}

int tool_refuse(const struct tool *t, const char *file, uint32_t line, uint32_t column, const char *message,
                const char *hint)
{
    char shown[512];
    if (t->json) {
        printf("{\"ok\":false,");
        tool_put_error(file, line, column, message, hint);
        printf("}\n");
        return TOOL_EXIT_INPUT;
    }
    fprintf(stderr, "%s", text_escape(bytes_from_text(file), shown, sizeof shown));
    if (line > 0)
        fprintf(stderr, ":%" PRIu32 ":%" PRIu32, line, column);
    fprintf(stderr, ": error: %s\n", message);
    if (hint[0] != '\0')
        tool_put_wrapped(stderr, hint, 2);
    return TOOL_EXIT_INPUT;
}
