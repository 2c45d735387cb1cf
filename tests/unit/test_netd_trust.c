// SPDX-License-Identifier: Apache-2.0
// Whom the real lpad-netd trusts: the configured CIs that the card lists, on both curves, and the roles that
// a server's TLS certificate may have (SGP.22 v2.5, 2.6.6 and 4.5.2).
#include "tests/unit/netd_rig.h"

#include <stdio.h>

static const uint8_t unknown_ci[SERVER_CI_PK_ID_SIZE] = {0xF5, 0x41, 0x72, 0xBD};

static const struct server_step acknowledged[] = {
    {SERVER_SEND, "HTTP/1.1 204 No Content\r\n\r\n"},
};

static void certificates_of_a_server_are_accepted(void **state)
{
    (void)state;
    static const struct {
        enum server_certificate certificate;
        const char *tls;
    } cases[] = {
        {SERVER_GOOD,      "TLSv1.3"},
        {SERVER_DS_ROLE,   "TLSv1.3"},
        {SERVER_NO_ROLE,   "TLSv1.3"},
        {SERVER_SUB_CA,    "TLSv1.3"},
        {SERVER_BRAINPOOL, "TLSv1.2"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct netd_rig f = {0};
        rig_begin(&f, cases[i].certificate, NULL, 0);
        f.ci_pk_id = f.server.ci_pk_id;
        rig_send_open(&f, true);
        const Lpad__NetdToBroker *m = rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
        assert_string_equal(m->opened->tls_version, cases[i].tls);
        rig_end(&f);
    }
}

// Two CIs are configured, of which the card lists one: the other one's servers are strangers.
static void only_listed_cis_are_trusted(void **state)
{
    (void)state;
    char both[2 * SERVER_PEM_MAX];
    struct server other = {0};
    server_start(&other, SERVER_BRAINPOOL, NULL, 0);
    for (int listed = 0; listed < 2; listed++) {
        struct server server = {0};
        struct netd_rig f = {.ci_pem = both};
        server_start(&server, SERVER_GOOD, NULL, 0);
        snprintf(both, sizeof(both), "%s%s", other.ci_pem, server.ci_pem);
        rig_begin_at(&f, server.port);
        f.ci_pk_id = listed ? server.ci_pk_id : other.ci_pk_id;
        rig_send_open(&f, true);
        if (listed)
            rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
        else
            rig_expect_failure(&f, ERR_REMOTE_TLS, "that the configuration names and this card lists");
        rig_end(&f);
        server_stop(&server);
    }
    server_stop(&other);
}

static void nothing_is_connected_when_no_ci_is_left(void **state)
{
    (void)state;
    struct netd_rig f = {.ci_pk_id = unknown_ci};
    rig_begin(&f, SERVER_GOOD, acknowledged, 1);
    rig_send_open(&f, true);
    const Lpad__Failure *failure =
        rig_expect_failure(&f, ERR_REMOTE_TLS, "none of the 1 configured CI certificates");
    assert_non_null(strstr(failure->detail, "F54172BD"));
    assert_non_null(strstr(failure->detail, "network.ci_certificates"));
    assert_int_equal(f.server.seen->accepted, 0);
    rig_end(&f);
}

// The connection that is made late is held to the same.
static void a_late_connection_trusts_no_more(void **state)
{
    (void)state;
    char both[2 * SERVER_PEM_MAX];
    struct server other = {0};
    struct server server = {0};
    struct netd_rig f = {.ci_pem = both, .ci_pk_id = other.ci_pk_id};
    server_start(&other, SERVER_GOOD, NULL, 0);
    server_start(&server, SERVER_GOOD, acknowledged, 1);
    snprintf(both, sizeof(both), "%s%s", other.ci_pem, server.ci_pem);
    rig_begin_at(&f, server.port);
    rig_send_open(&f, false);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    rig_send_notification(&f);
    rig_expect_failure(&f, ERR_REMOTE_TLS, "no trusted connection");
    assert_int_equal(server.seen->requests, 0);
    rig_end(&f);
    server_stop(&other);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_of_a_server_are_accepted),
        cmocka_unit_test(only_listed_cis_are_trusted),
        cmocka_unit_test(nothing_is_connected_when_no_ci_is_left),
        cmocka_unit_test(a_late_connection_trusts_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
