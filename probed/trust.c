// SPDX-License-Identifier: Apache-2.0
// CA certificates, parsed once: a bundle of the usual size takes ten milliseconds and a megabyte.
#include "probed/trust.h"

#include "lib/file.h"
#include "lib/https/https.h"

#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX (2 * 1024 * 1024)

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
    enum err e = file_read_at(fd, 0, data, len, &len);
    if (e != ERR_OK) {
        free(data);
        return e;
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
    size_t count = 0;
    enum err e = store != NULL ? ERR_OK : ERR_MEMORY;
    // No file at all: no server is trusted, and everything else is measured.
    if (e == ERR_OK && len > 0)
        e = https_read_certificates(bytes_make(pem, len), store, &count);
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
