// SPDX-License-Identifier: Apache-2.0
// Makes the certificates of a test PKI; the profiles are data, one row per role.
#include "pki.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const curve_names[PKI_CURVE_MAX] = {
    [PKI_CURVE_NIST] = "nist",
    [PKI_CURVE_BRP] = "brp",
};

static const char *const curve_groups[PKI_CURVE_MAX] = {
    [PKI_CURVE_NIST] = "prime256v1",
    [PKI_CURVE_BRP] = "brainpoolP256r1",
};

// notAfter of the eUICC is the year that real cards use for "never" (UTCTime cannot hold it).
struct profile {
    const char *name;
    const char *not_after;
    const char *key_usage;
    const char *policy;
    const char *wrong_policy;
    const char *registered_id;
    const char *basic_constraints;
    enum pki_role issuer;
    bool crl;
};

static const char ca_usage[] = "critical,keyCertSign";
static const char leaf_usage[] = "critical,digitalSignature";
static const char leaf_end[] = "20570101000000Z";

// Members of a leaf directly under the CI; its registeredID is its server's.
#define LEAF(stem, right, wrong, rid)                                                                        \
    {                                                                                                        \
        .name = (stem), .not_after = leaf_end, .key_usage = leaf_usage, .policy = (right),                   \
        .wrong_policy = (wrong), .registered_id = (rid), .issuer = PKI_ROLE_CI, .crl = true                  \
    }

static const struct profile profiles[PKI_ROLE_MAX] = {
    [PKI_ROLE_CI] =
        {
                       .name = "ci",
                       .not_after = "20590101000000Z",
                       .key_usage = "critical,keyCertSign,cRLSign",
                       .policy = "critical,2.23.146.1.2.1.0",
                       .wrong_policy = "critical,2.23.146.1.2.1.2",
                       .registered_id = "2.999.1",
                       .basic_constraints = "critical,CA:TRUE",
                       .issuer = PKI_ROLE_CI,
                       .crl = true,
                       },
    [PKI_ROLE_EUM] =
        {
                       .name = "eum",
                       .not_after = "20580101000000Z",
                       .key_usage = ca_usage,
                       .policy = "critical,2.23.146.1.2.1.2",
                       .wrong_policy = "critical,2.23.146.1.2.1.1",
                       .registered_id = "2.999.5",
                       .basic_constraints = "critical,CA:TRUE,pathlen:0",
                       .issuer = PKI_ROLE_CI,
                       .crl = true,
                       },
    [PKI_ROLE_EUICC] =
        {
                       .name = "euicc",
                       .not_after = "74960124094858Z",
                       .key_usage = leaf_usage,
                       .policy = "critical,2.23.146.1.2.1.1",
                       .wrong_policy = "critical,2.23.146.1.2.1.4",
                       .issuer = PKI_ROLE_EUM,
                       },
    [PKI_ROLE_DPAUTH] = LEAF("dpauth", "critical,2.23.146.1.2.1.4", "critical,2.23.146.1.2.1.5", "2.999.10"),
    [PKI_ROLE_DPPB] = LEAF("dppb", "critical,2.23.146.1.2.1.5", "critical,2.23.146.1.2.1.4", "2.999.10"),
    [PKI_ROLE_DPTLS] = LEAF("dptls", "2.23.146.1.2.1.3", "2.23.146.1.2.1.6", "2.999.10"),
    [PKI_ROLE_DSAUTH] = LEAF("dsauth", "critical,2.23.146.1.2.1.7", "critical,2.23.146.1.2.1.5", "2.999.15"),
    [PKI_ROLE_DSTLS] = LEAF("dstls", "2.23.146.1.2.1.6", "2.23.146.1.2.1.3", "2.999.15"),
};

static const char not_before[] = "20240101000000Z";
static const char long_ago[] = "20240102000000Z";
static const char eum_org[] = "RSP Test EUM";
static const char other_oid[] = "2.999.12";
static const char other_host[] = "other.example.com";
static const char *const default_ds_hosts[] = {"smds.example.com"};

static const struct pki_wrong wrong_list[] = {
    {"tls-name",          PKI_ROLE_DPTLS,  PKI_FLAW_HOST      },
    {"tls-expired",       PKI_ROLE_DPTLS,  PKI_FLAW_EXPIRED   },
    {"tls-unknown-ci",    PKI_ROLE_DPTLS,  PKI_FLAW_UNKNOWN_CI},
    {"tls-signature",     PKI_ROLE_DPTLS,  PKI_FLAW_SIGNATURE },
    {"tls-usage",         PKI_ROLE_DPTLS,  PKI_FLAW_KEY_USAGE },
    {"tls-oid",           PKI_ROLE_DPTLS,  PKI_FLAW_OID       },
    {"tls-role",          PKI_ROLE_DPTLS,  PKI_FLAW_POLICY    },
    {"dpauth-role",       PKI_ROLE_DPAUTH, PKI_FLAW_POLICY    },
    {"dpauth-expired",    PKI_ROLE_DPAUTH, PKI_FLAW_EXPIRED   },
    {"dpauth-unknown-ci", PKI_ROLE_DPAUTH, PKI_FLAW_UNKNOWN_CI},
    {"dpauth-signature",  PKI_ROLE_DPAUTH, PKI_FLAW_SIGNATURE },
    {"dpauth-oid",        PKI_ROLE_DPAUTH, PKI_FLAW_OID       },
    {"dppb-role",         PKI_ROLE_DPPB,   PKI_FLAW_POLICY    },
    {"dppb-expired",      PKI_ROLE_DPPB,   PKI_FLAW_EXPIRED   },
    {"dppb-unknown-ci",   PKI_ROLE_DPPB,   PKI_FLAW_UNKNOWN_CI},
    {"dppb-signature",    PKI_ROLE_DPPB,   PKI_FLAW_SIGNATURE },
    {"dppb-oid",          PKI_ROLE_DPPB,   PKI_FLAW_OID       },
    {"dstls-name",        PKI_ROLE_DSTLS,  PKI_FLAW_HOST      },
    {"dstls-expired",     PKI_ROLE_DSTLS,  PKI_FLAW_EXPIRED   },
    {"dstls-unknown-ci",  PKI_ROLE_DSTLS,  PKI_FLAW_UNKNOWN_CI},
    {"dstls-signature",   PKI_ROLE_DSTLS,  PKI_FLAW_SIGNATURE },
    {"dstls-usage",       PKI_ROLE_DSTLS,  PKI_FLAW_KEY_USAGE },
    {"dstls-oid",         PKI_ROLE_DSTLS,  PKI_FLAW_OID       },
    {"dstls-role",        PKI_ROLE_DSTLS,  PKI_FLAW_POLICY    },
    {"dsauth-role",       PKI_ROLE_DSAUTH, PKI_FLAW_POLICY    },
    {"dsauth-expired",    PKI_ROLE_DSAUTH, PKI_FLAW_EXPIRED   },
    {"dsauth-unknown-ci", PKI_ROLE_DSAUTH, PKI_FLAW_UNKNOWN_CI},
    {"dsauth-signature",  PKI_ROLE_DSAUTH, PKI_FLAW_SIGNATURE },
    {"dsauth-oid",        PKI_ROLE_DSAUTH, PKI_FLAW_OID       },
    {"eum-role",          PKI_ROLE_EUM,    PKI_FLAW_POLICY    },
    {"eum-expired",       PKI_ROLE_EUM,    PKI_FLAW_EXPIRED   },
    {"eum-unknown-ci",    PKI_ROLE_EUM,    PKI_FLAW_UNKNOWN_CI},
    {"eum-signature",     PKI_ROLE_EUM,    PKI_FLAW_SIGNATURE },
    {"eum-usage",         PKI_ROLE_EUM,    PKI_FLAW_KEY_USAGE },
    {"eum-ca",            PKI_ROLE_EUM,    PKI_FLAW_CA        },
    {"euicc-role",        PKI_ROLE_EUICC,  PKI_FLAW_POLICY    },
    {"euicc-expired",     PKI_ROLE_EUICC,  PKI_FLAW_EXPIRED   },
    {"euicc-signature",   PKI_ROLE_EUICC,  PKI_FLAW_SIGNATURE },
    {"euicc-usage",       PKI_ROLE_EUICC,  PKI_FLAW_KEY_USAGE },
    {"euicc-org",         PKI_ROLE_EUICC,  PKI_FLAW_ORG       },
    {"euicc-iin",         PKI_ROLE_EUICC,  PKI_FLAW_IIN       },
};

const char *pki_curve_name(enum pki_curve curve)
{
    return curve_names[curve];
}

const char *pki_role_name(enum pki_role role)
{
    return profiles[role].name;
}

const struct pki_wrong *pki_wrong_list(size_t *ret_count)
{
    *ret_count = sizeof(wrong_list) / sizeof(wrong_list[0]);
    return wrong_list;
}

bool pki_eid_is_valid(const char *eid)
{
    unsigned remainder = 0;
    size_t len = strlen(eid);

    if (len != 32) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (eid[i] < '0' || eid[i] > '9') {
            return false;
        }
        remainder = (remainder * 10 + (unsigned)(eid[i] - '0')) % 97;
    }
    return remainder == 1;
}

static bool is_tls(enum pki_role role)
{
    return role == PKI_ROLE_DPTLS || role == PKI_ROLE_DSTLS;
}

// The names of a TLS certificate; the first is also its subject's.
static const char *const *hosts_get(enum pki_role role, const struct pki_params *params, size_t *ret_count)
{
    bool ds = role == PKI_ROLE_DSTLS;

    if (ds && params->ds_host_count == 0) {
        *ret_count = 1;
        return default_ds_hosts;
    }
    *ret_count = ds ? params->ds_host_count : params->host_count;
    return ds ? params->ds_hosts : params->hosts;
}

static int report(const char *what)
{
    fprintf(stderr, "sim-pki: %s failed\n", what);
    ERR_print_errors_fp(stderr);
    return -1;
}

static int name_add(X509_NAME *name, const char *field, const char *value)
{
    const unsigned char *text = (const unsigned char *)value;

    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, text, -1, -1, 0) == 1 ? 0 : -1;
}

// Ends in an EID that the EUM with the first eight digits of params->eid may not certify.
static const char *eid_outside(const struct pki_params *params)
{
    bool same = strncmp(params->eid, "89044045", 8) == 0;

    return same ? "89049032123451234512345678901235" : "89044045118427484800000000011628";
}

static int subject_set(X509 *cert, enum pki_role role, enum pki_flaw flaw, const struct pki_params *params)
{
    X509_NAME *name = X509_get_subject_name(cert);
    size_t host_count = 0;
    const char *const *hosts = hosts_get(role, params, &host_count);
    int failed = 0;

    switch (role) {
    case PKI_ROLE_CI:
        failed |= name_add(name, "CN", flaw == PKI_FLAW_UNKNOWN_CI ? "Unknown CI" : "Test CI");
        failed |= name_add(name, "OU", "TESTCERT");
        failed |= name_add(name, "O", "RSPTEST");
        failed |= name_add(name, "C", "IT");
        break;
    case PKI_ROLE_EUM:
        failed |= name_add(name, "C", "ES");
        failed |= name_add(name, "O", eum_org);
        failed |= name_add(name, "CN", "EUM Test");
        break;
    case PKI_ROLE_EUICC:
        failed |= name_add(name, "C", "ES");
        failed |= name_add(name, "O", flaw == PKI_FLAW_ORG ? "Another EUM" : eum_org);
        failed |= name_add(name, "serialNumber", flaw == PKI_FLAW_IIN ? eid_outside(params) : params->eid);
        failed |= name_add(name, "CN", "Test eUICC");
        break;
    case PKI_ROLE_DPAUTH:
    case PKI_ROLE_DPPB:
        failed |= name_add(name, "O", "ACME");
        failed |= name_add(name, "CN", "TEST SM-DP+");
        break;
    case PKI_ROLE_DSAUTH:
        failed |= name_add(name, "O", "ACME");
        failed |= name_add(name, "CN", "TEST SM-DS");
        break;
    case PKI_ROLE_DPTLS:
    case PKI_ROLE_DSTLS:
        failed |= name_add(name, "O", "ACME");
        failed |= name_add(name, "CN", flaw == PKI_FLAW_HOST ? other_host : hosts[0]);
        break;
    case PKI_ROLE_MAX: failed = -1; break;
    }
    return failed;
}

// The sections that nameConstraints and subjectAltName refer to, in OpenSSL's configuration language.
static CONF *sections_make(enum pki_role role, enum pki_flaw flaw, const char *registered_id,
                           const struct pki_params *params)
{
    size_t host_count = 0;
    const char *const *hosts = hosts_get(role, params, &host_count);
    BIO *text = BIO_new(BIO_s_mem());
    CONF *conf = NCONF_new(NULL);
    long error_line = 0;
    int ok = text != NULL && conf != NULL;

    ok = ok && BIO_printf(text, "[eum]\nO=%s\nserialNumber=%.8s\n[names]\n", eum_org, params->eid) > 0;
    if (flaw == PKI_FLAW_HOST) {
        ok = ok && BIO_printf(text, "DNS.0=%s\n", other_host) > 0;
    }
    for (size_t i = 0; flaw != PKI_FLAW_HOST && i < host_count; i++) {
        ok = ok && BIO_printf(text, "DNS.%zu=%s\n", i, hosts[i]) > 0;
    }
    if (registered_id != NULL) {
        ok = ok && BIO_printf(text, "RID=%s\n", registered_id) > 0;
    }
    ok = ok && NCONF_load_bio(conf, text, &error_line) > 0;
    BIO_free(text);
    if (!ok) {
        NCONF_free(conf);
        return NULL;
    }
    return conf;
}

struct ext_writer {
    X509 *cert;
    X509V3_CTX ctx;
    CONF *conf;
    bool failed;
};

static void ext_add(struct ext_writer *w, const char *name, const char *value)
{
    X509_EXTENSION *ext = w->failed ? NULL : X509V3_EXT_nconf(w->conf, &w->ctx, name, value);

    if (ext == NULL || X509_add_ext(w->cert, ext, -1) != 1) {
        w->failed = true;
    }
    X509_EXTENSION_free(ext);
}

static const char *key_usage_get(const struct profile *p, enum pki_role role, enum pki_flaw flaw)
{
    if (flaw != PKI_FLAW_KEY_USAGE || is_tls(role)) {
        return p->key_usage;
    }
    return role == PKI_ROLE_EUM ? "critical,digitalSignature" : "critical,keyCertSign";
}

static const char *san_get(const struct profile *p, enum pki_role role, enum pki_flaw flaw, char *buf,
                           size_t size)
{
    if (is_tls(role)) {
        return "@names";
    }
    snprintf(buf, size, "RID:%s", flaw == PKI_FLAW_OID ? other_oid : p->registered_id);
    return buf;
}

static void extensions_add(struct ext_writer *w, enum pki_role role, enum pki_flaw flaw)
{
    const struct profile *p = &profiles[role];
    const char *constraints = flaw == PKI_FLAW_CA ? "critical,CA:FALSE" : p->basic_constraints;
    const char *tls_use =
        flaw == PKI_FLAW_KEY_USAGE ? "critical,clientAuth" : "critical,serverAuth,clientAuth";
    char san[64];

    if (role != PKI_ROLE_CI) {
        ext_add(w, "authorityKeyIdentifier", "keyid:always");
    }
    ext_add(w, "subjectKeyIdentifier", "hash");
    ext_add(w, "keyUsage", key_usage_get(p, role, flaw));
    if (is_tls(role)) {
        ext_add(w, "extendedKeyUsage", tls_use);
    }
    ext_add(w, "certificatePolicies", flaw == PKI_FLAW_POLICY ? p->wrong_policy : p->policy);
    if (p->registered_id != NULL) {
        ext_add(w, "subjectAltName", san_get(p, role, flaw, san, sizeof(san)));
    }
    if (constraints != NULL) {
        ext_add(w, "basicConstraints", constraints);
    }
    if (p->crl) {
        ext_add(w, "crlDistributionPoints",
                "URI:http://ci.test.example.com/CRL-A.crl,URI:http://ci.test.example.com/CRL-B.crl");
    }
    if (role == PKI_ROLE_EUM) {
        ext_add(w, "nameConstraints", "critical,permitted;dirName:eum");
    }
}

static int serial_set(X509 *cert)
{
    unsigned char bytes[8];
    BIGNUM *number = NULL;
    int ok = RAND_bytes(bytes, sizeof(bytes)) == 1;

    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); // positive, and always eight bytes
    number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    ok = ok && number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return ok ? 0 : -1;
}

static int times_set(X509 *cert, const struct profile *p, enum pki_flaw flaw)
{
    const char *end = flaw == PKI_FLAW_EXPIRED ? long_ago : p->not_after;

    if (ASN1_TIME_set_string_X509(X509_getm_notBefore(cert), not_before) != 1) {
        return -1;
    }
    return ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), end) == 1 ? 0 : -1;
}

static int cert_fill(X509 *cert, enum pki_role role, enum pki_flaw flaw, const struct pki_params *params,
                     EVP_PKEY *key, X509 *issuer)
{
    const struct profile *p = &profiles[role];
    struct ext_writer w = {.cert = cert};

    if (X509_set_version(cert, X509_VERSION_3) != 1 || serial_set(cert) != 0 ||
        times_set(cert, p, flaw) != 0) {
        return -1;
    }
    if (subject_set(cert, role, flaw, params) != 0 || X509_set_pubkey(cert, key) != 1) {
        return -1;
    }
    if (X509_set_issuer_name(cert, X509_get_subject_name(issuer)) != 1) {
        return -1;
    }
    w.conf = sections_make(role, flaw, flaw == PKI_FLAW_OID ? other_oid : p->registered_id, params);
    if (w.conf == NULL) {
        return -1;
    }
    X509V3_set_ctx(&w.ctx, issuer, cert, NULL, NULL, 0);
    X509V3_set_nconf(&w.ctx, w.conf);
    extensions_add(&w, role, flaw);
    NCONF_free(w.conf);
    return w.failed ? -1 : 0;
}

static void entity_clear(struct pki_entity *entity)
{
    EVP_PKEY_free(entity->key);
    X509_free(entity->cert);
    *entity = (struct pki_entity){0};
}

// issuer NULL: self-signed.
static int entity_make(enum pki_curve curve, enum pki_role role, enum pki_flaw flaw,
                       const struct pki_params *params, const struct pki_entity *issuer,
                       struct pki_entity *ret_entity)
{
    struct pki_entity e = {.key = EVP_EC_gen(curve_groups[curve]), .cert = X509_new()};
    EVP_PKEY *stranger = NULL;
    EVP_PKEY *signer = issuer != NULL ? issuer->key : e.key;
    int ok = e.key != NULL && e.cert != NULL;

    if (flaw == PKI_FLAW_SIGNATURE) {
        stranger = EVP_EC_gen(curve_groups[curve]);
        signer = stranger;
    }
    ok = ok && signer != NULL;
    ok = ok && cert_fill(e.cert, role, flaw, params, e.key, issuer != NULL ? issuer->cert : e.cert) == 0;
    ok = ok && X509_sign(e.cert, signer, EVP_sha256()) > 0;
    EVP_PKEY_free(stranger);
    if (!ok) {
        entity_clear(&e);
        return report(profiles[role].name);
    }
    *ret_entity = e;
    return 0;
}

int pki_set_make(enum pki_curve curve, const struct pki_params *params, struct pki_set *ret_set)
{
    struct pki_set set = {0};

    for (enum pki_role role = PKI_ROLE_CI; role < PKI_ROLE_MAX; role++) {
        const struct pki_entity *issuer = role == PKI_ROLE_CI ? NULL : &set.entity[profiles[role].issuer];

        if (entity_make(curve, role, PKI_FLAW_NONE, params, issuer, &set.entity[role]) != 0) {
            pki_set_clear(&set);
            return -1;
        }
    }
    *ret_set = set;
    return 0;
}

static void set_copy(const struct pki_set *from, struct pki_set *to)
{
    *to = *from;
    for (int role = 0; role < PKI_ROLE_MAX; role++) {
        EVP_PKEY_up_ref(to->entity[role].key);
        X509_up_ref(to->entity[role].cert);
    }
}

static int entity_remake(enum pki_curve curve, enum pki_role role, enum pki_flaw flaw,
                         const struct pki_params *params, const struct pki_entity *issuer,
                         struct pki_set *set)
{
    struct pki_entity fresh = {0};

    if (entity_make(curve, role, flaw, params, issuer, &fresh) != 0) {
        return -1;
    }
    entity_clear(&set->entity[role]);
    set->entity[role] = fresh;
    return 0;
}

int pki_set_make_wrong(enum pki_curve curve, const struct pki_params *params, const struct pki_set *good,
                       const struct pki_wrong *wrong, struct pki_set *ret_set)
{
    struct pki_set set = {0};
    struct pki_entity unknown_ci = {0};
    const struct pki_entity *issuer = &good->entity[profiles[wrong->role].issuer];
    int failed = 0;

    set_copy(good, &set);
    if (wrong->flaw == PKI_FLAW_UNKNOWN_CI) {
        failed = entity_make(curve, PKI_ROLE_CI, PKI_FLAW_UNKNOWN_CI, params, NULL, &unknown_ci);
        issuer = &unknown_ci;
    }
    if (failed == 0) {
        failed = entity_remake(curve, wrong->role, wrong->flaw, params, issuer, &set);
    }
    if (failed == 0 && wrong->role == PKI_ROLE_EUM) {
        failed = entity_remake(curve, PKI_ROLE_EUICC, PKI_FLAW_NONE, params, &set.entity[PKI_ROLE_EUM], &set);
    }
    entity_clear(&unknown_ci);
    if (failed != 0) {
        pki_set_clear(&set);
        return -1;
    }
    *ret_set = set;
    return 0;
}

static BIO *file_create(const char *dir, const char *stem, const char *suffix, mode_t mode)
{
    char path[4096];
    int fd = -1;
    BIO *bio = NULL;

    if (snprintf(path, sizeof(path), "%s/%s%s", dir, stem, suffix) >= (int)sizeof(path)) {
        return NULL;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0 || (bio = BIO_new_fd(fd, BIO_CLOSE)) == NULL) {
        fprintf(stderr, "sim-pki: %s: %s\n", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
    }
    return bio;
}

static int entity_write(const struct pki_entity *entity, const char *dir, const char *stem)
{
    BIO *der = file_create(dir, stem, ".cert.der", 0644);
    BIO *key = file_create(dir, stem, ".key.pem", 0600);
    int ok = der != NULL && key != NULL;

    ok = ok && i2d_X509_bio(der, entity->cert) == 1;
    ok = ok && PEM_write_bio_PrivateKey(key, entity->key, NULL, NULL, 0, NULL, NULL) == 1;
    BIO_free(der);
    BIO_free(key);
    return ok ? 0 : report(stem);
}

int pki_set_write(const struct pki_set *set, const char *dir)
{
    BIO *pem = NULL;
    int ok = 1;

    if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
        fprintf(stderr, "sim-pki: %s: %s\n", dir, strerror(errno));
        return -1;
    }
    for (enum pki_role role = PKI_ROLE_CI; role < PKI_ROLE_MAX; role++) {
        if (entity_write(&set->entity[role], dir, profiles[role].name) != 0) {
            return -1;
        }
    }
    pem = file_create(dir, profiles[PKI_ROLE_CI].name, ".cert.pem", 0644);
    ok = pem != NULL && PEM_write_bio_X509(pem, set->entity[PKI_ROLE_CI].cert) == 1;
    BIO_free(pem);
    return ok ? 0 : report("ci.cert.pem");
}

void pki_set_clear(struct pki_set *set)
{
    for (int role = 0; role < PKI_ROLE_MAX; role++) {
        entity_clear(&set->entity[role]);
    }
}
