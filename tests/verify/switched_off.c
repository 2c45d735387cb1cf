// SPDX-License-Identifier: Apache-2.0
// A verifier with one check switched off, to show that the comparison of the two would see it. The linker
// puts one of these in the place of the real function (CMakeLists.txt names which).
#include "verify/verifier.h"

#include <sodium.h>

int __wrap_crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *message,
                                       unsigned long long len, const unsigned char *key);
bool __wrap_text_is_clean(const uint8_t *text, size_t len);
bool __wrap_verifier_torn(struct verifier *v, size_t len, bool is_last_file);

// Every signature holds.
int __wrap_crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *message,
                                       unsigned long long len, const unsigned char *key)
{
    (void)sig, (void)message, (void)len, (void)key;
    return 0;
}

// Every octet may stand in a record.
bool __wrap_text_is_clean(const uint8_t *text, size_t len)
{
    (void)text, (void)len;
    return true;
}

// Every file may end without a newline.
bool __wrap_verifier_torn(struct verifier *v, size_t len, bool is_last_file)
{
    (void)v, (void)len, (void)is_last_file;
    return true;
}
