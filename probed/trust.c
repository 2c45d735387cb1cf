// SPDX-License-Identifier: Apache-2.0
// CA certificates, parsed once: a bundle of the usual size takes ten milliseconds and a megabyte.
#include "probed/trust.h"

#include "lib/file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (2 * 1024 * 1024)

static enum err add_all(X509_STORE *store, const uint8_t *pem, size_t len)
{
    size_t count = 0;
    enum err e = ERR_OK;
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    if (bio == NULL)
        return ERR_MEMORY;
    for (;;) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (certificate == NULL)
            break;
        if (X509_STORE_add_cert(store, certificate) != 1)
            e = ERR_MEMORY;
        X509_free(certificate);
        count++;
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    ERR_clear_error();
    if (e == ERR_OK && (count == 0 || !at_end))
        e = ERR_INPUT;
    return e;
}

static enum err read_whole(int fd, uint8_t **ret_data, size_t *ret_len)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return ERR_IO;
    if (st.st_size > FILE_MAX)
        return ERR_LIMIT;
    size_t len = (size_t)st.st_size;
    uint8_t *data = malloc(len + 1);
    if (data == NULL)
        return ERR_MEMORY;
    ssize_t n = pread(fd, data, len, 0);
    if (n != (ssize_t)len) {
        free(data);
        return ERR_IO;
    }
    *ret_data = data;
    *ret_len = len;
    return ERR_OK;
}

enum err trust_read(int fd, struct x509_store_st **ret_store)
{
    uint8_t *pem = NULL;
    size_t len = 0;
    LPAD_TRY(read_whole(fd, &pem, &len));
    X509_STORE *store = X509_STORE_new();
    enum err e = store == NULL ? ERR_MEMORY : ERR_OK;
    // No file at all: no server is trusted, and everything else is measured.
    if (e == ERR_OK && len > 0)
        e = add_all(store, pem, len);
    free(pem);
    // A server's own certificate or its issuer's may be trusted by itself.
    if (e == ERR_OK &&
        X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN) != 1)
        e = ERR_MEMORY;
    if (e != ERR_OK) {
        X509_STORE_free(store);
        return e;
    }
    *ret_store = store;
    return ERR_OK;
}
