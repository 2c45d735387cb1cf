// SPDX-License-Identifier: Apache-2.0
// sim-pki: writes a whole test PKI into a folder, or one revocation list of a CI.
#include "crl.h"
#include "pki.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HOSTS_MAX   16
#define REVOKED_MAX 64

static const char default_eid[] = "89049032123451234512345678901235";
static const char default_host[] = "smdp.example.com";

struct options {
    const char *out;
    bool curves[PKI_CURVE_MAX];
    bool wrong;
    const char *hosts[HOSTS_MAX];
    const char *ds_hosts[HOSTS_MAX];
    struct pki_params params;
    const char *crl; // the file to make in place of a PKI
    const char *revoked[REVOKED_MAX];
    struct pki_crl_params crl_params;
};

static void usage(FILE *to)
{
    fputs(
        "Usage: sim-pki --out DIR [--curve nist|brp|both] [--eid EID] [--host NAME]... [--ds-host NAME]...\n"
        "               [--wrong]\n"
        "Writes DIR/<curve>/<name>.cert.der and .key.pem for ci, eum, euicc, dpauth, dppb, dptls, dsauth, "
        "dstls.\n"
        "       sim-pki --crl FILE --from DIR/<curve> [--revoke CERTIFICATE]... [--number N] [--base N]\n"
        "               [--part I/N] [--bad-signature]\n"
        "Writes a revocation list of the CI in that folder: number N (1), a delta to --base, part I of N.\n"
        "--wrong adds DIR/<curve>-wrong-<kind>/<curve>/ for every flaw; --list-wrong prints the kinds.\n",
        to);
}

static int curve_set(struct options *o, const char *text)
{
    bool both = strcmp(text, "both") == 0;

    o->curves[PKI_CURVE_NIST] = both || strcmp(text, "nist") == 0;
    o->curves[PKI_CURVE_BRP] = both || strcmp(text, "brp") == 0;
    return o->curves[PKI_CURVE_NIST] || o->curves[PKI_CURVE_BRP] ? 0 : -1;
}

static void wrong_print(void)
{
    size_t count = 0;
    const struct pki_wrong *list = pki_wrong_list(&count);

    for (size_t i = 0; i < count; i++) {
        puts(list[i].kind);
    }
}

static int number_take(const char *text, long *ret_number)
{
    char *end = NULL;
    long number = strtol(text, &end, 10);

    if (end == text || *end != '\0' || number < 1 || number > 1000000) {
        return -1;
    }
    *ret_number = number;
    return 0;
}

// I/N, both below 128.
static int part_take(struct pki_crl_params *params, const char *text)
{
    char *slash = NULL;

    params->part = strtol(text, &slash, 10);
    if (*slash != '/' || number_take(slash + 1, &params->parts) != 0) {
        return -1;
    }
    return params->part >= 1 && params->part <= params->parts && params->parts < 128 ? 0 : -1;
}

static int crl_option_take(struct options *o, int opt)
{
    switch (opt) {
    case 'C': o->crl = optarg; return 0;
    case 'f': o->crl_params.folder = optarg; return 0;
    case 'r':
        if (o->crl_params.revoked_count == REVOKED_MAX) {
            return -1;
        }
        o->revoked[o->crl_params.revoked_count++] = optarg;
        return 0;
    case 'N': return number_take(optarg, &o->crl_params.number);
    case 'B': return number_take(optarg, &o->crl_params.base);
    case 'p': return part_take(&o->crl_params, optarg);
    case 'b': o->crl_params.bad_signature = true; return 0;
    default: return -1;
    }
}

static int option_take(struct options *o, int opt)
{
    switch (opt) {
    case 'o': o->out = optarg; return 0;
    case 'c': return curve_set(o, optarg);
    case 'e': o->params.eid = optarg; return pki_eid_is_valid(optarg) ? 0 : -1;
    case 'n':
        if (o->params.host_count == HOSTS_MAX) {
            return -1;
        }
        o->hosts[o->params.host_count++] = optarg;
        return 0;
    case 's':
        if (o->params.ds_host_count == HOSTS_MAX) {
            return -1;
        }
        o->ds_hosts[o->params.ds_host_count++] = optarg;
        return 0;
    case 'w': o->wrong = true; return 0;
    case 'l': wrong_print(); exit(0);
    case 'h': usage(stdout); exit(0);
    default: return crl_option_take(o, opt);
    }
}
static int options_read(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"out",           required_argument, NULL, 'o'},
        {"curve",         required_argument, NULL, 'c'},
        {"eid",           required_argument, NULL, 'e'},
        {"host",          required_argument, NULL, 'n'},
        {"ds-host",       required_argument, NULL, 's'},
        {"wrong",         no_argument,       NULL, 'w'},
        {"crl",           required_argument, NULL, 'C'},
        {"from",          required_argument, NULL, 'f'},
        {"revoke",        required_argument, NULL, 'r'},
        {"number",        required_argument, NULL, 'N'},
        {"base",          required_argument, NULL, 'B'},
        {"part",          required_argument, NULL, 'p'},
        {"bad-signature", no_argument,       NULL, 'b'},
        {"list-wrong",    no_argument,       NULL, 'l'},
        {"help",          no_argument,       NULL, 'h'},
        {NULL,            0,                 NULL, 0  },
    };
    int opt = 0;

    while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option_take(o, opt) != 0) {
            return -1;
        }
    }
    if (o->params.host_count == 0) {
        o->hosts[o->params.host_count++] = default_host;
    }
    o->params.hosts = o->hosts;
    o->params.ds_hosts = o->ds_hosts;
    o->crl_params.revoked = o->revoked;
    if (optind != argc || (o->crl != NULL && o->crl_params.folder == NULL)) {
        return -1;
    }
    return o->out != NULL || o->crl != NULL ? 0 : -1;
}

static int folder_make(const char *dir)
{
    if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
        fprintf(stderr, "sim-pki: %s: %s\n", dir, strerror(errno));
        return -1;
    }
    return 0;
}

static int wrong_write(const struct options *o, enum pki_curve curve, const struct pki_set *good)
{
    size_t count = 0;
    const struct pki_wrong *list = pki_wrong_list(&count);
    char dir[4096];

    for (size_t i = 0; i < count; i++) {
        struct pki_set set = {0};
        int failed = pki_set_make_wrong(curve, &o->params, good, &list[i], &set);

        if (failed != 0) {
            return -1;
        }
        snprintf(dir, sizeof(dir), "%s/%s-wrong-%s", o->out, pki_curve_name(curve), list[i].kind);
        failed = folder_make(dir);
        snprintf(dir, sizeof(dir), "%s/%s-wrong-%s/%s", o->out, pki_curve_name(curve), list[i].kind,
                 pki_curve_name(curve));
        failed = failed == 0 ? pki_set_write(&set, dir) : -1;
        pki_set_clear(&set);
        if (failed != 0) {
            return -1;
        }
    }
    return 0;
}

static int curve_write(const struct options *o, enum pki_curve curve)
{
    struct pki_set set = {0};
    char dir[4096];
    int failed = pki_set_make(curve, &o->params, &set);

    if (failed != 0) {
        return -1;
    }
    snprintf(dir, sizeof(dir), "%s/%s", o->out, pki_curve_name(curve));
    failed = pki_set_write(&set, dir);
    if (failed == 0 && o->wrong) {
        failed = wrong_write(o, curve, &set);
    }
    pki_set_clear(&set);
    return failed;
}

int main(int argc, char **argv)
{
    struct options o = {
        .curves = {true, true},
          .params = {.eid = default_eid   },
          .crl_params = {.number = 1}
    };

    if (options_read(argc, argv, &o) != 0) {
        usage(stderr);
        return 2;
    }
    if (o.crl != NULL) {
        return pki_crl_write(&o.crl_params, o.crl) == 0 ? 0 : 1;
    }
    if (folder_make(o.out) != 0) {
        return 1;
    }
    for (enum pki_curve curve = PKI_CURVE_NIST; curve < PKI_CURVE_MAX; curve++) {
        if (o.curves[curve] && curve_write(&o, curve) != 0) {
            return 1;
        }
    }
    return 0;
}
