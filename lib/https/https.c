// SPDX-License-Identifier: Apache-2.0
// libcurl's start and its options.
#include "lib/https/https.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdint.h>

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
