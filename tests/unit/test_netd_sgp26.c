// SPDX-License-Identifier: Apache-2.0
// The real lpad-netd and a server with the TLS certificates of SGP.26, which nobody here made.
//
//     test_netd_sgp26 FOLDER
#include "tests/unit/netd_rig.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <unistd.h>

#define PATH_LEN_MAX 512

static const char *folder;

struct set {
    const char *curve; // as it stands in the files' names
    const char *tls;
    uint8_t ci_pk_id[SERVER_CI_PK_ID_SIZE]; // SGP.26's own words
};

static const struct set sets[] = {
    {"NIST", "TLSv1.3", {0xF5, 0x41, 0x72, 0xBD, 0xF9, 0x8A, 0x95, 0xD6, 0x5C, 0xBE,
                         0xB8, 0x8A, 0x38, 0xA1, 0xC1, 0x1D, 0x80, 0x0A, 0x85, 0xC3}},
    {"BRP",  "TLSv1.2", {0xC0, 0xBC, 0x70, 0xBA, 0x36, 0x92, 0x9D, 0x43, 0xB4, 0x67,
                        0xFF, 0x57, 0x57, 0x05, 0x30, 0xE5, 0x7A, 0xB8, 0xFC, 0xD8} },
};

// FOLDER/<name><curve><suffix>, valid until the eighth next call.
static const char *path_of(const char *name, const char *curve, const char *suffix)
{
    static char paths[8][PATH_LEN_MAX];
    static unsigned next;
    char *path = paths[next++ % 8];
    int n = snprintf(path, PATH_LEN_MAX, "%s/%s%s%s", folder, name, curve, suffix);
    assert_true(n > 0 && n < PATH_LEN_MAX);
    return path;
}

static struct server_files files_of(const struct set *set)
{
    return (struct server_files){
        .ci = path_of("CertificateIssuer/CERT_CI_ECDSA_", set->curve, ".der"),
        .certificate = path_of("DPtls/CERT_S_SM_DP_VARO_TLS_", set->curve, ".der"),
        .key = path_of("DPtls/SK_S_SM_DP_TLS_", set->curve, ".pem"),
    };
}

// Whether the certificate's time is not over: these were made to last a few years.
static bool is_valid(const char *path)
{
    BIO *bio = BIO_new_file(path, "rb");
    X509 *certificate = bio != NULL ? d2i_X509_bio(bio, NULL) : NULL;
    bool valid = certificate != NULL && X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
    X509_free(certificate);
    BIO_free(bio);
    return valid;
}

static void servers_of_sgp26_are_trusted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        struct server_files files = files_of(&sets[i]);
        struct netd_rig f = {
            .name = "testsmdpplus1.example.com", .ci_pk_id = sets[i].ci_pk_id, .server.files = &files};
        const struct server_step step = {SERVER_SEND, "HTTP/1.1 204 No Content\r\n\r\n"};
        rig_begin(&f, SERVER_FILES, &step, 1);
        rig_send_open(&f, true);
        const Lpad__NetdToBroker *m = rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
        assert_string_equal(m->opened->tls_version, sets[i].tls);
        rig_end(&f);
    }
}

// Under the CI of the other curve, and under another name, they are not.
static void only_under_their_name_and_ci(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        struct server_files files = files_of(&sets[i]);
        struct netd_rig name = {.server.files = &files};
        rig_begin(&name, SERVER_FILES, NULL, 0);
        rig_send_open(&name, true);
        rig_expect_failure(&name, ERR_REMOTE_TLS, "another name");
        rig_end(&name);

        struct netd_rig ci = {.name = "testsmdpplus1.example.com", .server.files = &files};
        files.ci = path_of("CertificateIssuer/CERT_CI_ECDSA_", sets[1 - i].curve, ".der");
        rig_begin(&ci, SERVER_FILES, NULL, 0);
        rig_send_open(&ci, true);
        rig_expect_failure(&ci, ERR_REMOTE_TLS, "no trusted connection");
        rig_end(&ci);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_of_sgp26_are_trusted),
        cmocka_unit_test(only_under_their_name_and_ci),
    };
    if (argc != 2) {
        fputs("usage: test_netd_sgp26 FOLDER\n", stderr);
        return 2;
    }
    folder = argv[1];
    if (access(folder, R_OK | X_OK) != 0) {
        puts("skipped: the public SGP.26 credentials are not here");
        return 0;
    }
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        if (!is_valid(files_of(&sets[i]).certificate)) {
            puts("skipped: the time of SGP.26's TLS certificates is over");
            return 0;
        }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
