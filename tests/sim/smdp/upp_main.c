// SPDX-License-Identifier: Apache-2.0
// sim-upp: writes an Unprotected Profile Package into a file.
#include "tests/sim/common/upp.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
    struct upp_params params;
    const char *out;
};

static bool size_read(const char *text, size_t *ret_size)
{
    char *end = NULL;
    unsigned long long value = 0;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value > 16u << 20) {
        return false;
    }
    *ret_size = (size_t)value;
    return true;
}

static bool options_read(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"iccid",  required_argument, NULL, 'i'},
        {"size",   required_argument, NULL, 's'},
        {"mccmnc", required_argument, NULL, 'm'},
        {"out",    required_argument, NULL, 'o'},
        {NULL,     0,                 NULL, 0  },
    };
    int opt = 0;

    while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (opt) {
        case 'i': o->params.iccid = optarg; break;
        case 's':
            if (!size_read(optarg, &o->params.size)) {
                return false;
            }
            break;
        case 'm': o->params.mcc_mnc = optarg; break;
        case 'o': o->out = optarg; break;
        default: return false;
        }
    }
    return o->params.iccid != NULL && o->out != NULL && optind == argc;
}

static bool file_write(const char *path, struct slice bytes)
{
    FILE *file = fopen(path, "wbe");
    bool ok = file != NULL && fwrite(bytes.data, 1, bytes.len, file) == bytes.len;

    return file != NULL && fclose(file) == 0 && ok;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct tlvb upp = TLVB_INIT;
    bool ok = false;

    if (!options_read(argc, argv, &o)) {
        fputs("Usage: sim-upp --iccid DIGITS [--size BYTES] [--mccmnc DIGITS] --out FILE\n", stderr);
        return 2;
    }
    if (!upp_make(&o.params, &upp)) {
        fputs("sim-upp: ICCID, MCC/MNC or size not possible\n", stderr);
        tlvb_free(&upp);
        return 1;
    }
    ok = file_write(o.out, tlvb_get(&upp));
    if (!ok) {
        fprintf(stderr, "sim-upp: %s: %s\n", o.out, strerror(errno));
    }
    tlvb_free(&upp);
    return ok ? 0 : 1;
}
