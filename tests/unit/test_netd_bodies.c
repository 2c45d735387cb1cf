// SPDX-License-Identifier: Apache-2.0
// The real lpad-netd and the many ways in which servers write the same reply.
#include "tests/unit/netd_rig.h"

#include "lib/sealed.h"

#include <stdio.h>
#include <unistd.h>

#define STATUS(word) "\"header\":{\"functionExecutionStatus\":{\"status\":\"" word "\"}}"

// --- InitiateAuthentication, in one reply each ---

static void initiate(struct netd_rig *f, const struct server_step *step)
{
    rig_begin(f, SERVER_GOOD, step, 1);
    rig_send_open(f, true);
    rig_expect(f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    rig_send_initiate_ok(f);
}

static void expect_initiated(const char *reply)
{
    struct netd_rig f = {0};
    const struct server_step step = {SERVER_SEND, reply};
    initiate(&f, &step);
    const Lpad__NetInitiateAuthenticationOk *ok =
        rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION)->initiate_authentication;
    assert_memory_equal(ok->transaction_id.data, rig_transaction_id, RIG_TRANSACTION_ID_SIZE);
    assert_int_equal(ok->server_signature1.len, 67);
    assert_int_equal(ok->euicc_ci_pk_id.len, 22);
    rig_end(&f);
}

static void headers_of_the_reply_do_not_matter(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "Content-Type: application/json;charset=UTF-8\r\n",
        "content-type: APPLICATION/JSON\r\nx-admin-protocol: gsma/rsp/v3.1.0\r\n",
        "Content-Type: text/html\r\n",
        "Content-Type: application/x-gsma-rsp-asn1\r\nSet-Cookie: a=b; Secure\r\nServer: none\r\n",
        "X-Admin-Protocol: gsma/rsp/v2.1.0\r\nCache-Control: no-store\r\n",
        "",
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        static char reply[8192];
        snprintf(reply, sizeof(reply), "HTTP/1.1 200 \r\n%sContent-Length: %zu\r\n\r\n%s", headers[i],
                 strlen(RIG_INITIATED), RIG_INITIATED);
        expect_initiated(reply);
    }
}

// Chunks of `size` octets, with an extension and a trailer.
static const char *chunked(const char *body, size_t size)
{
    static char reply[65536];
    struct buf b = buf_make(reply, sizeof(reply));
    const char *text;
    buf_put_text(&b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n");
    for (size_t i = 0; i < strlen(body); i += size) {
        size_t len = strlen(body) - i < size ? strlen(body) - i : size;
        buf_printf(&b, "%zx;part=%zu\r\n%.*s\r\n", len, i, (int)len, body + i);
    }
    buf_put_text(&b, "0\r\nX-End: yes\r\n\r\n");
    assert_int_equal(buf_finish_text(&b, &text), ERR_OK);
    return text;
}

static void chunks_of_every_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 7, 100, 4096};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        expect_initiated(chunked(RIG_INITIATED, sizes[i]));
}

static void a_body_may_end_with_the_connection(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    const struct server_step step = {SERVER_SEND_CLOSE, "HTTP/1.1 200 OK\r\n\r\n" RIG_INITIATED};
    initiate(&f, &step);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION);
    rig_end(&f);
}

#define SIGNED1                                                                                              \
    "MEiAEAECAwQFBgcICQoLDA0ODxCBEKq7zN3u\\/wARIjNEVWZ3iJmDEHNtZHAuZXhhbXBsZS5jb22EEPDh0sO0pZaHeGlaSzwtHg8="
#define SIGNATURE1                                                                                           \
    "XzdAJVs9QUguckUTVNBBBo7GRfErMsYCR4lMtK5Tl0TLJxpDsAwOg6acEfgghd8RYirFGzsnQR4rh\\/GzqXw9By9nSQ=="
#define MEMBERS(more)                                                                                        \
    "\"transactionId\":\"0102030405060708090a0b0C0d0e0f10\",\"serverSigned1\":\"" SIGNED1                    \
    "\",\"serverSignature1\":\"" SIGNATURE1                                                                  \
    "\",\"euiccCiPKIdToBeUsed\":\"BBT1QXK9+YqV1ly+uIo4ocEdgAqFww==\","                                       \
    "\"serverCertificate\":\"MAMCAQE=\"" more

static void the_same_reply_in_other_words(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        // The header last, with what version 2.0 had in it, and members of version 3.
        "{" MEMBERS(
            ",\"otherCertsInChain\":[\"MAMCAQE=\",\"MAMCAQE=\"],\"crlList\":[\"MAA=\"],\"sessionContext\":"
            "{\"a\":[1,2.5,null,true,{}]},\"serverRspCapability\":\"AwIGQA==\"") ",\"header\":{"
                                                                                 "\"functionCallIdentifier\":"
                                                                                 "\"call "
                                                                                 "1\","
                                                                                 "\"functionRequesterIdentifi"
                                                                                 "er\":\"RSP\","
                                                                                 "\"functionExecutionStatus\""
                                                                                 ":{"
                                                                                 "\"status\":\"Executed-"
                                                                                 "Success\","
                                                                                 "\"statusCodeData\":null}}}",
        // Line breaks in base64 and spaces between everything, a line end after the object.
        "\r\n{\r\n\t\"header\" : { \"functionExecutionStatus\" : { \"status\" : \"Executed-Success\" } } "
        ",\r\n"
        "\t\"transactionId\" : \"" RIG_TRANSACTION_ID "\" , \"serverSigned1\" : "
        "\"MEiAEAECAwQFBgcICQoLDA0ODxCBEKq7\\r\\nzN3u\\/"
        "wARIjNEVWZ3iJmDEHNtZHAuZXhh\\nbXBsZS5jb22EEPDh0sO0pZaHeGla "
        "Szwt\\r\\nHg8=\\r\\n\",\r\n\t\"serverSignature1\" : \"" SIGNATURE1 "\" , \"euiccCiPKIdToBeUsed\" : "
        "\"\\u0042BT1QXK9+YqV1ly+uIo4ocEdgAqFww==\" ,\r\n\t\"serverCertificate\" : \"MAMCAQE=\"\r\n}\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        expect_initiated(rig_reply_text("200 OK", bodies[i]));
}

// serverSigned1 of version 3 has [5] sessionContext and [6] serverRspCapability behind what is known.
static void a_longer_signed_structure_is_kept_whole(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    const struct server_step step = {
        SERVER_SEND,
        rig_reply_text("200 OK", "{" RIG_OK_HEADER ",\"transactionId\":\"" RIG_TRANSACTION_ID
                                 "\",\"serverSigned1\":\"MBmAEAECAwQFBgcICQoLDA0ODxClAoAAhgEC\","
                                 "\"serverSignature1\":\"" SIGNATURE1
                                 "\",\"euiccCiPKIdToBeUsed\":\"BBT1QXK9+YqV1ly+uIo4ocEdgAqFww==\","
                                 "\"serverCertificate\":\"MAMCAQE=\"}")};
    initiate(&f, &step);
    const Lpad__NetInitiateAuthenticationOk *ok =
        rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION)->initiate_authentication;
    assert_bytes_hex(bytes_make(ok->server_signed1.data, ok->server_signed1.len),
                     "301980100102030405060708090A0B0C0D0E0F10A5028000860102");
    rig_end(&f);
}

static void a_warning_is_logged_and_goes_on(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    const struct server_step step = {
        SERVER_SEND,
        rig_reply_text("200 OK",
                       "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-WithWarning\","
                       "\"statusCodeData\":{\"subjectCode\":\"8.8\",\"reasonCode\":\"4.2\",\"message\":"
                       "\"old \\u001b[31m\\nversion\"}}}," MEMBERS("") "}")};
    initiate(&f, &step);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION);
    assert_true(rig_has_logged(&f, "with a warning: subject 8.8, reason 4.2: old \\x1b[31m\\x0aversion\n"));
    rig_end(&f);
}

static void too_late_has_a_sentence_of_its_own(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    const struct server_step step = {SERVER_SEND, rig_reply_text("200 OK", "{" STATUS("Expired") "}")};
    initiate(&f, &step);
    const Lpad__Failure *failure =
        rig_expect_failure(&f, ERR_REMOTE_REFUSED, "the time for this request is over");
    assert_null(failure->subject_code);
    rig_end(&f);
}

static void a_refusal_without_codes_says_so(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    const struct server_step step = {SERVER_SEND, rig_reply_text("200 OK", "{" STATUS("Failed") "}")};
    initiate(&f, &step);
    rig_expect_failure(&f, ERR_REMOTE_REFUSED, "gave no code");
    rig_end(&f);
}

// --- the functions that follow, pretty-printed and chunked ---

static void a_pretty_session(void **state)
{
    (void)state;
    static char package[4096];
    struct netd_rig f = {0};
    const char *text = chunked(
        "{\n  \"boundProfilePackage\" : \"vzYFAQ\\r\\nIDBAU=\\r\\n\",\n  \"transactionId\" : \""
        "0102030405060708090a0b0c0d0e0f10\",\n  \"unknown\" : {\"list\" : []},\n  " RIG_OK_HEADER "\n}\n",
        5);
    snprintf(package, sizeof(package), "%s", text);
    const struct server_step script[] = {
        {SERVER_SEND,                                                                                        rig_reply_text("200 OK", RIG_INITIATED)},
        {SERVER_SEND,
         rig_reply_text(
             "200 OK",                                                                                                               "{\n" RIG_OK_HEADER
             ",\n\"transactionId\":\"0102030405060708090A0B0C0D0E0F10\",\n\"profileMetadata\":"
             "\"vyUvWgqYABAyVHaYEDIUkQlldWljYy1yc3CSFmV1aWNjLXJzcCB0ZXN0IHByb2ZpbGU=\",\n"
             // smdpSigned2 with rpmPending of version 3 at its end.
             "\"smdpSigned2\":\"MBeAEAECAwQFBgcICQoLDA0ODxABAf8FAA==\",\n\"smdpSignature2\":\"" SIGNATURE1
             "\",\n"
             "\"smdpCertificate\":\"MAMCAQE=\",\n\"otherCertsInChain\":[],\"rpmPackage\":null}\n")},
        {SERVER_SEND, package                       },
    };
    rig_begin(&f, SERVER_GOOD, script, 3);
    rig_send_open(&f, true);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    rig_send_initiate_ok(&f);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION);
    rig_send_authenticate_client(&f);
    const Lpad__NetAuthenticateClientOk *ok =
        rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_AUTHENTICATE_CLIENT)->authenticate_client;
    assert_true(ok->confirmation_code_required);
    assert_int_equal(ok->smdp_signed2.len, 25);
    rig_send_get_package(&f);
    int fd;
    const Lpad__NetdToBroker *m = rig_receive(&f, &fd);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_BOUND_PROFILE_PACKAGE);
    struct bytes sealed;
    assert_int_equal(sealed_map(fd, 1024, &sealed), ERR_OK);
    assert_bytes_hex(sealed, "BF36050102030405");
    sealed_unmap(sealed);
    close(fd);
    assert_int_equal(f.server.seen->accepted, 1);
    rig_end(&f);
}

// --- the functions without output ---

struct output_case {
    const char *reply;
    enum err error; // ERR_OK: acknowledged
    const char *detail;
};

static const struct output_case *output_cases(size_t *ret_count)
{
    static struct output_case cases[12];
    size_t n = 0;
    cases[n++] = (struct output_case){"HTTP/1.1 204 No Content\r\n\r\n", ERR_OK, NULL};
    cases[n++] = (struct output_case){"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", ERR_OK, NULL};
    cases[n++] = (struct output_case){"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ERR_OK, NULL};
    cases[n++] = (struct output_case){
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n \r\n\r\n0\r\n\r\n", ERR_OK, NULL};
    cases[n++] = (struct output_case){"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", ERR_OK, NULL};
    cases[n++] = (struct output_case){
        "HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n{" STATUS("Executed-Success") "  }", ERR_OK, NULL};
    cases[n++] = (struct output_case){"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", ERR_REMOTE_SHAPE,
                                      "not JSON"};
    cases[n++] = (struct output_case){"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ERR_REMOTE_HTTP,
                                      "HTTP 404"};
    cases[n++] =
        (struct output_case){"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}", ERR_REMOTE_HTTP, "HTTP 503"};
    *ret_count = n;
    return cases;
}

static void check_output(const struct output_case *c, bool cancel)
{
    struct netd_rig f = {0};
    const struct server_step step = {SERVER_SEND, c->reply};
    rig_begin(&f, SERVER_GOOD, &step, 1);
    rig_send_open(&f, false);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    if (cancel)
        rig_send_cancel(&f);
    else
        rig_send_notification(&f);
    if (c->error != ERR_OK)
        rig_expect_failure(&f, c->error, c->detail);
    else
        rig_expect(&f, cancel ? LPAD__NETD_TO_BROKER__BODY_CANCEL_SESSION
                              : LPAD__NETD_TO_BROKER__BODY_HANDLE_NOTIFICATION);
    rig_end(&f);
}

static void functions_without_output(void **state)
{
    (void)state;
    size_t count;
    const struct output_case *cases = output_cases(&count);
    for (size_t i = 0; i < count; i++) {
        check_output(&cases[i], false);
        check_output(&cases[i], true);
    }
}

// A body that says that the notification was refused: it must not be removed from the card.
static void a_refused_notification_is_not_delivered(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    const struct server_step step = {
        SERVER_SEND,
        rig_reply_text("200 OK",
                       "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Failed\",\"statusCodeData\":{"
                       "\"subjectCode\":\"8.8\",\"reasonCode\":\"4.2\"}}}}")};
    rig_begin(&f, SERVER_GOOD, &step, 1);
    rig_send_open(&f, false);
    rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    rig_send_notification(&f);
    const Lpad__Failure *failure = rig_expect_failure(&f, ERR_REMOTE_REFUSED, "Failed");
    assert_int_equal(failure->function, LPAD__FUNCTION__ES9P_HANDLE_NOTIFICATION);
    assert_string_equal(failure->reason_code, "4.2");
    rig_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_the_reply_do_not_matter),
        cmocka_unit_test(chunks_of_every_size),
        cmocka_unit_test(a_body_may_end_with_the_connection),
        cmocka_unit_test(the_same_reply_in_other_words),
        cmocka_unit_test(a_longer_signed_structure_is_kept_whole),
        cmocka_unit_test(a_warning_is_logged_and_goes_on),
        cmocka_unit_test(too_late_has_a_sentence_of_its_own),
        cmocka_unit_test(a_refusal_without_codes_says_so),
        cmocka_unit_test(a_pretty_session),
        cmocka_unit_test(functions_without_output),
        cmocka_unit_test(a_refused_notification_is_not_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
