// SPDX-License-Identifier: Apache-2.0
// The whole of lpad with credentials and a profile package that nobody here made: the certificates of GSMA
// SGP.26 and a test profile of TS.48, on both curves.
//
// They stand in a folder that is no part of the source: beside it, or where LPAD_SHARED says. Where it is
// missing, this test is skipped. The TLS certificates among them last a few years only, so one is made here
// under the public CI.
#include "tests/e2e/world.h"
#include "tests/sim/common/sgp26_layout.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array)    (sizeof(array) / sizeof((array)[0]))
#define PATH_LEN_MAX    512
#define PUBLIC_ICCID    "89000123456789012341" // of the test profile
#define PUBLIC_ICCID_18 "8900012345678901234"
#define EXIT_SKIPPED    77

static const char *shared;

struct curve {
    const char *name;  // of the simulators' folder
    const char *label; // as it stands in the names of the public files
};

static const struct curve curves[] = {
    {"nist", "NIST"},
    {"brp",  "BRP" },
};

// The path of a public file whose name has the curve at its "%s".
static void public_path(const char *name, const struct curve *curve, char ret_path[PATH_LEN_MAX])
{
    const char *mark = strstr(name, "%s");
    assert_non_null(mark);
    int n = snprintf(ret_path, PATH_LEN_MAX, "%s/sgp26/%.*s%s%s", shared, (int)(mark - name), name,
                     curve->label, mark + 2);
    assert_in_range(n, 1, PATH_LEN_MAX - 1);
}

static FILE *open_in_pki(const struct world *w, const struct curve *curve, const char *name)
{
    char path[PATH_LEN_MAX];
    int n = snprintf(path, sizeof path, "%s/pki/%s/%s", w->dir, curve->name, name);
    assert_in_range(n, 1, (int)sizeof path - 1);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    return f;
}

static void copy(const struct world *w, const struct curve *curve, const char *from, const char *to)
{
    char path[PATH_LEN_MAX], bytes[8192];
    public_path(from, curve, path);
    FILE *in = fopen(path, "re"), *out = open_in_pki(w, curve, to);
    assert_non_null(in);
    size_t n = fread(bytes, 1, sizeof bytes, in);
    assert_in_range(n, 1, sizeof bytes - 1);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

static X509 *read_ci(const struct curve *curve, EVP_PKEY **ret_key)
{
    char path[PATH_LEN_MAX];
    public_path("CertificateIssuer/CERT_CI_ECDSA_%s.der", curve, path);
    BIO *bio = BIO_new_file(path, "rb");
    X509 *ci = d2i_X509_bio(bio, NULL);
    BIO_free(bio);
    public_path("CertificateIssuer/SK_CI_ECDSA_%s.pem", curve, path);
    bio = BIO_new_file(path, "r");
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(ci);
    assert_non_null(key);
    *ret_key = key;
    return ci;
}

static void add_extension(X509 *leaf, X509V3_CTX *ctx, int nid, const char *value)
{
    CONF *none = NCONF_new(NULL); // without one OpenSSL refuses certificatePolicies
    assert_non_null(none);
    X509V3_set_nconf(ctx, none);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(none, ctx, nid, value);
    NCONF_free(none);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(leaf, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

// As SGP.26 describes CERT.DP.TLS.
static X509 *make_leaf(X509 *ci, EVP_PKEY *ci_key, EVP_PKEY *key)
{
    X509 *leaf = X509_new();
    assert_non_null(leaf);
    X509_NAME *name = X509_get_subject_name(leaf);
    X509V3_CTX ctx;
    assert_int_equal(X509_set_version(leaf, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(leaf), 20000001), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(leaf), -3600));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(leaf), 3600));
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"ACME", -1, -1, 0), 1);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)WORLD_HOST, -1, -1, 0),
        1);
    assert_int_equal(X509_set_issuer_name(leaf, X509_get_subject_name(ci)), 1);
    assert_int_equal(X509_set_pubkey(leaf, key), 1);
    X509V3_set_ctx(&ctx, ci, leaf, NULL, NULL, 0);
    add_extension(leaf, &ctx, NID_key_usage, "critical,digitalSignature");
    add_extension(leaf, &ctx, NID_ext_key_usage, "critical,serverAuth,clientAuth");
    add_extension(leaf, &ctx, NID_certificate_policies, "2.23.146.1.2.1.3");
    add_extension(leaf, &ctx, NID_subject_key_identifier, "hash");
    add_extension(leaf, &ctx, NID_authority_key_identifier, "keyid:always");
    add_extension(leaf, &ctx, NID_subject_alt_name, "DNS:" WORLD_HOST ",RID:2.999.10");
    assert_true(X509_sign(leaf, ci_key, EVP_sha256()) > 0);
    return leaf;
}

// The TLS certificate and its key, and the CI's certificate for lpad.
static void write_tls(const struct world *w, const struct curve *curve)
{
    EVP_PKEY *ci_key;
    X509 *ci = read_ci(curve, &ci_key);
    EVP_PKEY *key =
        EVP_PKEY_Q_keygen(NULL, NULL, "EC", strcmp(curve->name, "nist") == 0 ? "P-256" : "brainpoolP256r1");
    assert_non_null(key);
    X509 *leaf = make_leaf(ci, ci_key, key);
    FILE *f = open_in_pki(w, curve, "dptls.cert.der");
    assert_int_equal(i2d_X509_fp(f, leaf), 1);
    assert_int_equal(fclose(f), 0);
    f = open_in_pki(w, curve, "dptls.key.pem");
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(f), 0);
    f = open_in_pki(w, &curves[0], "ci.cert.pem"); // which the configuration names, whatever the curve
    assert_int_equal(PEM_write_X509(f, ci), 1);
    assert_int_equal(fclose(f), 0);
    X509_free(leaf);
    X509_free(ci);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ci_key);
}

// In place of what sim-pki made.
static void lay_out(const struct world *w, const struct curve *curve)
{
    static const char *const others[] = {"dsauth", "dstls"}; // SGP.26's are not in the folder
    for (size_t i = 0; i < COUNT(sgp26_layout); i++)
        copy(w, curve, sgp26_layout[i].from, sgp26_layout[i].to);
    for (size_t i = 0; i < COUNT(others); i++) {
        char path[PATH_LEN_MAX];
        snprintf(path, sizeof path, "%s/pki/%s/%s.cert.der", w->dir, curve->name, others[i]);
        unlink(path);
        snprintf(path, sizeof path, "%s/pki/%s/%s.key.pem", w->dir, curve->name, others[i]);
        unlink(path);
    }
    write_tls(w, curve);
}

static void write_order(struct world *w)
{
    char order[2 * PATH_LEN_MAX];
    int n = snprintf(
        order, sizeof order,
        "{\"matchingId\":\"TS48\",\"iccid\":\"" PUBLIC_ICCID
        "\",\"class\":\"test\",\"serviceProviderName\":\"Example Telecom\",\"profileName\":\"TS.48\","
        "\"upp\":\"%s/ts48/TS48v5_SAIP2.3_NoBERTLV.der\",\"notifications\":[{\"events\":[\"enable\","
        "\"disable\",\"delete\"],\"address\":\"" WORLD_HOST "\"}]}",
        shared);
    assert_in_range(n, 1, (int)sizeof order - 1);
    world_write(w, "orders/public.json", order);
}

static void expect(struct run r, int code, const char *text)
{
    if (r.code != code || strstr(r.out, text) == NULL)
        fail_msg("ended with %d, not %d; \"%s\" is expected in:\n%s%s", r.code, code, text, r.out, r.err);
    run_free(&r);
}

static struct run profile(struct world *w, const char *verb)
{
    return world_lpactl(w, NULL, "--json", "--yes", "--strong-yes", "profile", verb, PUBLIC_ICCID, NULL);
}

// Download, enable, disable and delete; the server verifies each notification under the public EUM.
static void live_through(struct world *w)
{
    expect(world_lpactl(w, "LPA:1$" WORLD_HOST "$TS48$2.999.10\n", "--json", "profile", "download", "--yes",
                        NULL),
           0, PUBLIC_ICCID_18);
    expect(world_lpactl(w, NULL, "--json", "profile", "list", NULL), 0, "\"class\":\"test\"");
    expect(world_lpactl(w, NULL, "--json", "euicc", "info", NULL), 0, WORLD_EID);
    expect(profile(w, "enable"), 0, "\"state\":\"enabled\"");
    expect(profile(w, "disable"), 0, "\"state\":\"disabled\"");
    expect(profile(w, "delete"), 0, "\"profiles\":[]");
    world_wait_for(w, "smdp.log", "\"verdict\":\"ok\"", 4);
    assert_int_equal(world_count(w, "smdp.log", "\"verdict\""), 4);
}

static void run_curve(const struct curve *curve)
{
    char policy[1024];
    const char *const smdp_args[] = {"--curve", curve->name, "--tls-curve", curve->name, NULL};
    const char *const pki_args[] = {"--curve", "both", NULL};
    snprintf(policy, sizeof policy,
             "version: 1\n"
             "roles:\n  admin: { users: [%u] }\n"
             "permissions:\n"
             "  - operations: [download]\n    roles: [admin]\n    hosts: [\"" WORLD_HOST "\"]\n"
             "    classes: [test]\n"
             "  - operations: [enable, disable, delete]\n    roles: [admin]\n"
             "    profiles: { iccids: [\"" PUBLIC_ICCID "\"] }\n",
             (unsigned)getuid());
    struct world_options o = {.policy = policy, .smdp_args = smdp_args, .pki_args = pki_args};
    struct world w;
    world_make(&w, &o);
    for (size_t i = 0; i < COUNT(curves); i++)
        lay_out(&w, &curves[i]);
    write_tls(&w, curve); // lpad trusts this one's CI alone
    write_order(&w);
    world_start_euicc(&w);
    world_start_smdp(&w);
    world_start_lpad(&w);
    live_through(&w);
    char used[64];
    snprintf(used, sizeof used, "\"curve\":\"%s\"", curve->name);
    assert_true(world_count(&w, "smdp.log", used) > 0);
    world_stop(&w);
}

static void on_the_nist_curve(void **state)
{
    (void)state;
    run_curve(&curves[0]);
}

static void on_the_brainpool_curve(void **state)
{
    (void)state;
    run_curve(&curves[1]);
}

static bool is_there(const char *name)
{
    char path[PATH_LEN_MAX];
    snprintf(path, sizeof path, "%s/%s", shared, name);
    return access(path, R_OK) == 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_the_nist_curve),
        cmocka_unit_test(on_the_brainpool_curve),
    };
    shared = getenv("LPAD_SHARED");
    if (shared == NULL)
        shared = PUBLIC_FOLDER; // from CMake
    if (!is_there("sgp26") || !is_there("ts48/TS48v5_SAIP2.3_NoBERTLV.der")) {
        printf("skipped: no SGP.26 credentials and TS.48 profile below %s\n", shared);
        return EXIT_SKIPPED;
    }
    return cmocka_run_group_tests_name("e2e-public", tests, NULL, NULL);
}
