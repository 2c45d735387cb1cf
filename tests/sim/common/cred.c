// SPDX-License-Identifier: Apache-2.0
// The credentials folder: DIR/<nist|brp>/<name>.cert.der and <name>.key.pem.
#include "tests/sim/common/cred.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { CERT_MAX = 16384, PATH_SIZE = 4096 };

const char *cred_curve_text(enum cred_curve curve)
{
    static const char *const texts[CRED_CURVE_MAX] = {[CRED_NIST] = "nist", [CRED_BRP] = "brp"};
    return curve < CRED_CURVE_MAX ? texts[curve] : "unknown";
}

const char *cred_name_text(enum cred_name name)
{
    static const char *const texts[CRED_NAME_MAX] = {
        [CRED_CI] = "ci",     [CRED_EUM] = "eum",     [CRED_EUICC] = "euicc",   [CRED_DPAUTH] = "dpauth",
        [CRED_DPPB] = "dppb", [CRED_DPTLS] = "dptls", [CRED_DSAUTH] = "dsauth", [CRED_DSTLS] = "dstls",
    };
    return name < CRED_NAME_MAX ? texts[name] : "unknown";
}

bool cred_present(const struct cred *cred)
{
    return cred->cert != NULL;
}

struct slice cred_der(const struct cred *cred)
{
    return slice_of(cred->der, cred->der_len);
}

X509 *cred_cert_parse(struct slice der)
{
    if (der.len == 0 || der.len > CERT_MAX) {
        return NULL;
    }
    const unsigned char *p = der.data;
    X509 *cert = d2i_X509(NULL, &p, (long)der.len);
    ERR_clear_error();
    if (cert != NULL && p != der.data + der.len) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

enum cred_curve cred_cert_curve(X509 *cert)
{
    return cred_key_curve(X509_get0_pubkey(cert));
}

enum load { LOAD_DONE, LOAD_ABSENT, LOAD_BAD };

static enum load cert_load(const char *path, struct cred *cred)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return errno == ENOENT || errno == ENOTDIR ? LOAD_ABSENT : LOAD_BAD;
    }
    cred->der = malloc(CERT_MAX);
    cred->der_len = cred->der == NULL ? 0 : fread(cred->der, 1, CERT_MAX, file);
    fclose(file);
    cred->cert = cred_cert_parse(cred_der(cred));
    return cred->cert == NULL ? LOAD_BAD : LOAD_DONE;
}

static enum load key_load(const char *path, struct cred *cred)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return errno == ENOENT ? LOAD_ABSENT : LOAD_BAD;
    }
    cred->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    ERR_clear_error();
    if (cred->key == NULL || X509_check_private_key(cred->cert, cred->key) != 1) {
        ERR_clear_error();
        return LOAD_BAD;
    }
    return LOAD_DONE;
}

static enum load cred_load(const char *dir, enum cred_curve curve, enum cred_name name, char *ret_why,
                           size_t why_size, struct cred *cred)
{
    char path[PATH_SIZE];
    const char *kinds[] = {"cert.der", "key.pem"};
    for (size_t i = 0; i < 2; i++) {
        int len = snprintf(path, sizeof path, "%s/%s/%s.%s", dir, cred_curve_text(curve),
                           cred_name_text(name), kinds[i]);
        if (len < 0 || (size_t)len >= sizeof path) {
            snprintf(ret_why, why_size, "path of the credentials folder is too long");
            return LOAD_BAD;
        }
        enum load load = i == 0 ? cert_load(path, cred) : key_load(path, cred);
        if (load == LOAD_BAD) {
            snprintf(ret_why, why_size, "%s: cannot be read, or does not fit its certificate", path);
            return LOAD_BAD;
        }
        if (i == 0 && load == LOAD_ABSENT) {
            return LOAD_ABSENT;
        }
    }
    if (cred_cert_curve(cred->cert) != curve) {
        snprintf(ret_why, why_size, "%s: its certificate is on another curve", path);
        return LOAD_BAD;
    }
    return LOAD_DONE;
}

bool cred_store_load(const char *dir, char *ret_why, size_t why_size, struct cred_store *ret_store)
{
    struct cred_store store = {0};
    size_t found = 0;
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        for (enum cred_name name = CRED_CI; name < CRED_NAME_MAX; name++) {
            enum load load = cred_load(dir, curve, name, ret_why, why_size, &store.at[curve][name]);
            if (load == LOAD_BAD) {
                cred_store_free(&store);
                return false;
            }
            found += load == LOAD_DONE ? 1 : 0;
        }
    }
    if (found == 0) {
        snprintf(ret_why, why_size, "%s: no certificate found", dir);
        return false;
    }
    *ret_store = store;
    return true;
}

void cred_store_free(struct cred_store *store)
{
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        for (enum cred_name name = CRED_CI; name < CRED_NAME_MAX; name++) {
            struct cred *cred = &store->at[curve][name];
            X509_free(cred->cert);
            EVP_PKEY_free(cred->key);
            free(cred->der);
            *cred = (struct cred){0};
        }
    }
}
