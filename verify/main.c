// SPDX-License-Identifier: Apache-2.0
// lpad-audit-verify: whether an audit log is as it was written, for readers who trust nobody.
#include "verify/report.h"
#include "verify/sandbox.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum exit_code { WHOLE = 0, BROKEN = 1, USAGE = 2 };

static const char usage[] =
    "usage: lpad-audit-verify --key HEX [OPTION]... FILE...\n"
    "\n"
    "Says whether lpad's audit log is as it was written, and if not, which record breaks it and how.\n"
    "FILE: the log and its rotated files, in any order; - is standard input.\n"
    "\n"
    "  --key HEX         the first public key, as 'lpactl audit enrol' showed it; again for each later "
    "chain\n"
    "  --head SEQ:HASH   a record that was seen: it must be in the log; may be given again\n"
    "  --trust-first     take the first key from the log itself (proves nothing against who can replace it "
    "all)\n"
    "  --print-head      print only SEQ:HASH of the last record, to keep elsewhere\n"
    "  --json            print one JSON object\n"
    "  --stats           say on standard error how long it took\n"
    "  --help, --version\n"
    "\n"
    "Exit codes: 0 whole, 1 broken, 2 wrong use or a file that cannot be read.\n";

struct arguments {
    struct verify_options options;
    bool json, stats, print_head;
};

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return false;
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

// Hexadecimal as people paste it: upper case will do.
static bool read_hex(const char *text, uint8_t ret_octets[static 32])
{
    size_t len;
    return strlen(text) == 64 && sodium_hex2bin(ret_octets, 32, text, 64, NULL, &len, NULL) == 0 && len == 32;
}

static bool add_key(struct verify_options *o, const char *text)
{
    if (o->key_count == VERIFY_KEYS_MAX || !read_hex(text, o->keys[o->key_count])) {
        fprintf(stderr, "lpad-audit-verify: --key wants 64 hexadecimal digits (at most %d times)\n",
                VERIFY_KEYS_MAX);
        return false;
    }
    o->key_count++;
    return true;
}

static bool add_head(struct verify_options *o, const char *text)
{
    struct verify_head head = {0};
    char *end = NULL;
    if (text[0] >= '1' && text[0] <= '9')
        head.seq = strtoull(text, &end, 10);
    if (o->head_count == VERIFY_HEADS_MAX || end == NULL || *end != ':' || end - text > 18 ||
        !read_hex(end + 1, head.hash)) {
        fprintf(stderr,
                "lpad-audit-verify: --head wants SEQ:HASH, a number and 64 hexadecimal digits (at most %d "
                "times)\n",
                VERIFY_HEADS_MAX);
        return false;
    }
    o->heads[o->head_count++] = head;
    return true;
}

enum { OPT_KEY = 1, OPT_HEAD, OPT_TRUST, OPT_PRINT_HEAD, OPT_JSON, OPT_STATS, OPT_HELP, OPT_VERSION };
static const struct option long_options[] = {
    {"key",         required_argument, NULL, OPT_KEY       },
    {"head",        required_argument, NULL, OPT_HEAD      },
    {"trust-first", no_argument,       NULL, OPT_TRUST     },
    {"print-head",  no_argument,       NULL, OPT_PRINT_HEAD},
    {"json",        no_argument,       NULL, OPT_JSON      },
    {"stats",       no_argument,       NULL, OPT_STATS     },
    {"help",        no_argument,       NULL, OPT_HELP      },
    {"version",     no_argument,       NULL, OPT_VERSION   },
    {NULL,          0,                 NULL, 0             },
};

// What the program is to end with at once; -1: go on.
static int read_arguments(int argc, char **argv, struct arguments *a)
{
    for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        bool ok = true;
        switch (c) {
        case OPT_KEY: ok = add_key(&a->options, optarg); break;
        case OPT_HEAD: ok = add_head(&a->options, optarg); break;
        case OPT_TRUST: a->options.trust_first = true; break;
        case OPT_PRINT_HEAD: a->print_head = true; break;
        case OPT_JSON: a->json = true; break;
        case OPT_STATS: a->stats = true; break;
        case OPT_HELP: fputs(usage, stdout); return WHOLE;
        case OPT_VERSION: puts("lpad-audit-verify " LPAD_VERSION); return WHOLE;
        default: ok = false;
        }
        if (!ok)
            return USAGE;
    }
    if (optind == argc || (a->options.key_count == 0) != a->options.trust_first) {
        fputs(optind == argc
                  ? "lpad-audit-verify: no file is named; see --help\n"
                  : "lpad-audit-verify: name the first public key with --key, or else --trust-first\n",
              stderr);
        return USAGE;
    }
    return -1;
}

static bool open_input(struct input *in, char **names, size_t count)
{
    // Every file is open before the sandbox closes.
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (input_open(in, names, count))
        return true;
    fprintf(stderr, "lpad-audit-verify: %s: %s\n", names[in->file],
            errno != 0 ? strerror(errno) : "can be read only once, so it must be the only one");
    return false;
}

static double seconds_of(clockid_t clock)
{
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct taken taken_until_now(void)
{
    return (struct taken){seconds_of(CLOCK_MONOTONIC), seconds_of(CLOCK_PROCESS_CPUTIME_ID),
                          seconds_of(CLOCK_THREAD_CPUTIME_ID), false};
}

static void put_stats(struct report *r, const struct verifier *v, const struct input *in,
                      const struct taken *begin, bool is_sandboxed)
{
    struct taken t = taken_until_now();
    t.seconds -= begin->seconds;
    t.cpu_seconds -= begin->cpu_seconds;
    t.reader_seconds -= begin->reader_seconds;
    t.is_sandboxed = is_sandboxed;
    report_stats(r, v, in, &t);
}

static int verify(const struct arguments *a, struct input *in, struct verifier *v, struct report *out)
{
    struct report stats = {.len = 0};
    bool is_sandboxed = sandbox_close();
    struct taken begin = taken_until_now();
    enum input_end end = input_verify(in, v);
    if (end == INPUT_FAILED) {
        report_put(out, "lpad-audit-verify: %s: %s\n", in->files[in->file].name, strerror(in->error_number));
        (void)write_all(STDERR_FILENO, out->text, out->len);
        return USAGE;
    }
    bool whole = end == INPUT_READ && verifier_end(v);
    put_stats(&stats, v, in, &begin, is_sandboxed);
    if (a->json)
        report_json(out, v, in);
    else if (a->print_head && whole)
        report_head(out, v);
    else
        report_words(out, v, in);
    bool is_said = write_all(STDOUT_FILENO, out->text, out->len);
    if (a->stats)
        is_said &= write_all(STDERR_FILENO, stats.text, stats.len);
    // A verdict that nobody got to read is none.
    return !is_said ? USAGE : whole ? WHOLE : BROKEN;
}

static int run(int argc, char **argv, struct arguments *a, struct verifier *v, struct report *out)
{
    struct input in;
    int end = read_arguments(argc, argv, a);
    if (end >= 0)
        return end;
    if (!open_input(&in, argv + optind, (size_t)(argc - optind))) {
        input_free(&in);
        return USAGE;
    }
    struct hasher *hasher = hasher_new();
    if (hasher == NULL) {
        fputs("lpad-audit-verify: OpenSSL has no SHA-256 here\n", stderr);
        input_free(&in);
        return USAGE;
    }
    verifier_init(v, &a->options, hasher, checks_start());
    // At once: what the C library does at an exit is no longer allowed.
    _exit(verify(a, &in, v, out));
}

int main(int argc, char **argv)
{
    struct arguments *a = calloc(1, sizeof *a);
    struct verifier *v = calloc(1, sizeof *v);
    struct report *out = calloc(1, sizeof *out);
    int end = USAGE;
    if (a != NULL && v != NULL && out != NULL && sodium_init() >= 0)
        end = run(argc, argv, a, v, out);
    free(a);
    free(v);
    free(out);
    return end;
}
