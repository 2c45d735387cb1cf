// SPDX-License-Identifier: Apache-2.0
// lpad-audit-report: reads the audit's files, oldest first, and writes one HTML page. lpactl audit report
// starts it.
#include "report/html.h"
#include "report/input.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2

static void take_line(void *context, struct bytes line)
{
    story_take(context, line);
}

static bool read_file(struct story *s, const char *name)
{
    bool is_stdin = strcmp(name, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum err e = fd < 0 ? ERR_IO : input_read(fd, take_line, s);
    if (e != ERR_OK) {
        char shown[256];
        fprintf(stderr, "lpad-audit-report: %s: %s\n",
                text_escape(bytes_from_text(name), shown, sizeof shown),
                e == ERR_IO ? strerror(errno) : err_words(e));
    }
    if (fd >= 0 && !is_stdin)
        close(fd);
    return e == ERR_OK;
}

static int usage(FILE *to)
{
    fputs("Usage: lpad-audit-report [--output FILE] FILE...\n"
          "Writes one HTML page of the audit's files, oldest first; - is standard input.\n",
          to);
    return to == stdout ? 0 : EXIT_USAGE;
}

static int write_page(const struct story *s, const char *output, const char *const *files, size_t count)
{
    FILE *f = output == NULL ? stdout : fopen(output, "we");
    if (f != NULL)
        page_write(f, s, files, count, LPAD_VERSION);
    if (f == NULL || ferror(f) || fflush(f) != 0 || (output != NULL && fclose(f) != 0)) {
        fprintf(stderr, "lpad-audit-report: the page cannot be written: %s\n", strerror(errno));
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"output", required_argument, NULL, 'o'},
        {"help",   no_argument,       NULL, 'h'},
        {NULL,     0,                 NULL, 0  }
    };
    const char *output = NULL;
    for (int option; (option = getopt_long(argc, argv, "o:h", known, NULL)) >= 0;) {
        if (option == 'h')
            return usage(stdout);
        if (option != 'o')
            return usage(stderr);
        output = optarg;
    }
    if (optind == argc)
        return usage(stderr);
    struct story *s = story_new();
    if (s == NULL) {
        fputs("lpad-audit-report: not enough memory\n", stderr);
        return 1;
    }
    bool read = true;
    for (int i = optind; i < argc && read; i++)
        read = read_file(s, argv[i]);
    int code = EXIT_USAGE;
    if (read) {
        story_finish(s);
        code = write_page(s, output, (const char *const *)(argv + optind), (size_t)(argc - optind));
    }
    free(s);
    return code;
}
