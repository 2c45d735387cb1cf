// SPDX-License-Identifier: Apache-2.0
// libcurl's start and its options.
#include "lib/https/https.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

// Debian's libcurl brings libgnutls with it (for RTMP). Nothing here calls it, so its start-up is skipped:
// half a millisecond and a hundred kilobytes of every process's life. The name is libgnutls's.
__attribute__((visibility("default"))) int _gnutls_global_init_skip(void);
int _gnutls_global_init_skip(void)
{
    return 1;
}

enum err https_warm_up(void)
{
    uint8_t seed[16];
    // No exit handlers: the process ends with _exit, and they would run inside the sandbox.
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
        return ERR_IO;
    // This loads the default provider, which is part of libcrypto: what is fetched from it later opens
    // nothing.
    if (RAND_bytes(seed, sizeof(seed)) != 1)
        return ERR_IO;
    ERR_clear_error();
    return curl_global_init(CURL_GLOBAL_SSL) == CURLE_OK ? ERR_OK : ERR_IO;
}

#define NAME_MAX_LEN 253
#define LINE_MAX_LEN ((NAME_MAX_LEN + 8) * 2 + RESOLVE_MAX * (ADDRESS_TEXT_MAX + 3))

struct long_option {
    CURLoption option;
    long value;
};

static const struct long_option long_options[] = {
    {CURLOPT_NOSIGNAL,            1                      },
    {CURLOPT_NOPROGRESS,          1                      },
    {CURLOPT_FOLLOWLOCATION,      0                      },
    {CURLOPT_UNRESTRICTED_AUTH,   0                      },
    {CURLOPT_NETRC,               CURL_NETRC_IGNORED     },
    {CURLOPT_HTTP_VERSION,        CURL_HTTP_VERSION_1_1  },
    {CURLOPT_HTTP09_ALLOWED,      0                      },
    {CURLOPT_SSL_VERIFYPEER,      1                      },
    {CURLOPT_SSL_VERIFYHOST,      2                      },
    {CURLOPT_SSLVERSION,          CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_SSL_SESSIONID_CACHE, 0                      },
    {CURLOPT_SSL_ENABLE_ALPN,     0                      },
    {CURLOPT_PATH_AS_IS,          1                      },
    {CURLOPT_DNS_CACHE_TIMEOUT,   -1                     },
};

struct text_option {
    CURLoption option;
    const char *value; // NULL: unset what the build has as its default
};

static const struct text_option text_options[] = {
    {CURLOPT_PROTOCOLS_STR,       "https"},
    {CURLOPT_REDIR_PROTOCOLS_STR, "https"},
    {CURLOPT_PROXY,               ""     },
    {CURLOPT_NOPROXY,             "*"    },
    {CURLOPT_CAINFO,              NULL   },
    {CURLOPT_CAPATH,              NULL   },
    {CURLOPT_CRLFILE,             NULL   },
    {CURLOPT_ACCEPT_ENCODING,     NULL   },
};

enum err https_harden(void *easy)
{
    for (size_t i = 0; i < sizeof(long_options) / sizeof(long_options[0]); i++)
        if (curl_easy_setopt(easy, long_options[i].option, long_options[i].value) != CURLE_OK)
            return ERR_IO;
    for (size_t i = 0; i < sizeof(text_options) / sizeof(text_options[0]); i++)
        if (curl_easy_setopt(easy, text_options[i].option, text_options[i].value) != CURLE_OK)
            return ERR_IO;
    return ERR_OK;
}

// --- addresses ---

// "name:port:a,[b]"
static enum err make_resolve(const char *name, uint16_t port, const struct address_list *list,
                             struct curl_slist **ret_list)
{
    char line[LINE_MAX_LEN];
    const char *text;
    struct buf b = buf_make(line, sizeof line);
    buf_printf(&b, "%s:%u:", name, (unsigned)port);
    for (size_t i = 0; i < list->count; i++) {
        char address[ADDRESS_TEXT_MAX];
        bool v6 = list->item[i].any.sa_family == AF_INET6;
        address_to_text(&list->item[i], address);
        buf_printf(&b, v6 ? "%s[%s]" : "%s%s", i > 0 ? "," : "", address);
    }
    LPAD_TRY(buf_finish_text(&b, &text));
    *ret_list = curl_slist_append(NULL, text);
    return *ret_list != NULL ? ERR_OK : ERR_MEMORY;
}

// "name:port:name:other port"
static enum err make_connect_to(const char *name, uint16_t port, uint16_t connect_port,
                                struct curl_slist **ret_list)
{
    char line[LINE_MAX_LEN];
    const char *text;
    struct buf b = buf_make(line, sizeof line);
    buf_printf(&b, "%s:%u:%s:%u", name, (unsigned)port, name, (unsigned)connect_port);
    LPAD_TRY(buf_finish_text(&b, &text));
    *ret_list = curl_slist_append(NULL, text);
    return *ret_list != NULL ? ERR_OK : ERR_MEMORY;
}

enum err https_pin(void *easy, const char *name, uint16_t port, uint16_t connect_port,
                   const struct address_list *list, struct https_pins *ret_pins)
{
    struct https_pins pins = {.resolve = NULL};
    enum err e = make_resolve(name, connect_port, list, &pins.resolve);
    if (e == ERR_OK && port != connect_port)
        e = make_connect_to(name, port, connect_port, &pins.connect_to);
    if (e == ERR_OK && (curl_easy_setopt(easy, CURLOPT_RESOLVE, pins.resolve) != CURLE_OK ||
                        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, pins.connect_to) != CURLE_OK))
        e = ERR_MEMORY;
    if (e != ERR_OK) {
        https_unpin(&pins);
        return e;
    }
    *ret_pins = pins;
    return ERR_OK;
}

void https_unpin(struct https_pins *pins)
{
    curl_slist_free_all(pins->resolve);
    curl_slist_free_all(pins->connect_to);
    *pins = (struct https_pins){.resolve = NULL};
}

// --- trust ---

enum err https_read_certificates(struct bytes pem, struct x509_store_st *store, size_t *ret_count)
{
    size_t count = 0;
    bool kept = true;
    BIO *bio = pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
    if (bio == NULL)
        return ERR_MEMORY;
    for (;;) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (certificate == NULL)
            break;
        kept = kept && (store == NULL || X509_STORE_add_cert(store, certificate) == 1);
        X509_free(certificate);
        count++;
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    ERR_clear_error();
    if (!kept)
        return ERR_MEMORY;
    *ret_count = count;
    return count > 0 && at_end ? ERR_OK : ERR_INPUT;
}
