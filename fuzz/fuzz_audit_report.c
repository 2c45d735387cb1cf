// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the report of an audit that somebody else wrote. Whatever stands in its lines, each is
// counted, and the page has no element, attribute or script from it: no "<" but the page's own.
#include "fuzz/fuzz.h"

#include "report/html.h"
#include "report/story.h"

#include <stdio.h>

// Every line of a log, with the octet that begins an element in its texts changed into a letter.
static void take(struct story *s, const uint8_t *data, size_t size, bool plain)
{
    static uint8_t line[65536];
    size_t from = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && data[i] != '\n')
            continue;
        size_t len = i - from < sizeof line ? i - from : sizeof line;
        for (size_t k = 0; k < len; k++)
            line[k] = plain && (data[from + k] == '<' || data[from + k] == '>') ? '_' : data[from + k];
        story_take(s, bytes_make(line, len));
        from = i + 1;
    }
    story_finish(s);
}

static size_t count_elements(const uint8_t *data, size_t size, bool plain)
{
    static const char *const files[] = {"audit.jsonl"};
    char *page = NULL;
    size_t len = 0, count = 0;
    struct story *s = story_new();
    FILE *f = open_memstream(&page, &len);
    FUZZ_CHECK(s != NULL && f != NULL);
    take(s, data, size, plain);
    page_write(f, s, files, 1, "1");
    FUZZ_CHECK(fclose(f) == 0 && utf8_valid(bytes_make((const uint8_t *)page, len)));
    for (size_t i = 0; i < len; i++)
        count += page[i] == '<';
    free(page);
    free(s);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    // As many elements as of the same log without any "<" in it, unless JSON's own escapes hide one.
    size_t raw = count_elements(data, size, false);
    bool has_any = size > 0 && memchr(data, '<', size) != NULL;
    if (has_any && memmem(data, size, "\\u", 2) == NULL)
        FUZZ_CHECK(raw == count_elements(data, size, true));
    return 0;
}
