// SPDX-License-Identifier: Apache-2.0
// lpad-cardd between a scripted broker, a scripted policyd and the simulated eUICC.
#include "tests/unit/cardd_rig.h"

#include "lib/proc.h"
#include "lib/sealed.h"
#include "proto/convert.h"
#include "tests/sim/common/upp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ADDRESS     "smdp.example.com"
#define ANSWER_MS   60000
#define LONGEST_LOG 65536

// --- the process ---

static int settings_fd(const struct cardd_options *o)
{
    static const uint8_t aid[] = {0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF,
                                  0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x00};
    static const uint8_t capability[] = {0xA9, 0x03, 0x83, 0x01, 0x07};
    static const uint8_t imei[] = {0x53, 0x96, 0x83, 0x30, 0x65, 0x34, 0x08, 0x9F};
    Lpad__CarddSettings s = LPAD__CARDD_SETTINGS__INIT;
    uint8_t packed[512], more[2][16] = {
                             {0xA0, 0, 0, 0, 1}
    };
    ProtobufCBinaryData more_aids[] = {binary_from(more[0], 5), binary_from(more[1], 0)};
    char transport[] = "sim";
    int fd;
    s.sandbox = LPAD__SANDBOX_MODE__SANDBOX_BEST_EFFORT;
    s.block_size = o->block_size != 0 ? o->block_size : 255;
    s.has_terminal_capability = true;
    s.terminal_capability = binary_from(capability, sizeof capability);
    s.isdr_aid = binary_from(aid, sizeof aid);
    s.tac = binary_from(imei, 4);
    s.has_imei = true;
    s.imei = binary_from(imei, sizeof imei);
    s.apdu_timeout_ms = o->apdu_timeout_ms != 0 ? o->apdu_timeout_ms : 10000;
    s.load_timeout_ms = s.apdu_timeout_ms;
    s.response_max = 65536;
    s.package_max = o->package_max != 0 ? o->package_max : 1u << 20;
    s.transport = transport;
    if (o->more_aid != NULL) {
        assert_int_equal(
            hex_decode(o->more_aid, strlen(o->more_aid), more[1], sizeof more[1], &more_aids[1].len), ERR_OK);
        s.n_more_isdr_aids = 2;
        s.more_isdr_aids = more_aids;
    }
    assert_true(lpad__cardd_settings__get_packed_size(&s) <= sizeof packed);
    size_t len = lpad__cardd_settings__pack(&s, packed);
    assert_int_equal(sealed_make("settings", bytes_make(packed, len), &fd), ERR_OK);
    return fd;
}

// Puts the descriptors where the contract wants them and nothing else.
static void exec_cardd(const char *program, const int fds[static 4])
{
    int high[4];
    for (int i = 0; i < 4; i++)
        high[i] = fcntl(fds[i], F_DUPFD, 64);
    for (int i = 0; i < 4; i++)
        dup2(high[i], PROC_FD_SETTINGS + i);
    close_range(PROC_FD_SETTINGS + 4, ~0u, 0);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    close(null);
    // The sandbox stops the leak checker, which needs a thread and ptrace; other builds ignore the variable.
    char no_leak_check[] = "ASAN_OPTIONS=detect_leaks=0";
    char name[] = "lpad-cardd";
    execve(program, (char *[]){name, NULL}, (char *[]){no_leak_check, NULL});
    _exit(127);
}

void cardd_rig_start(struct cardd_rig *r, const char *const *card_arguments,
                     const struct cardd_options *options)
{
    static const struct cardd_options defaults;
    int broker[2], policyd[2];
    rig_start(&r->card, card_arguments);
    rig_disconnect(&r->card);
    rig_connect(&r->card);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, broker), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, policyd), 0);
    int settings = settings_fd(options != NULL ? options : &defaults);
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0)
        exec_cardd(r->program, (const int[]){settings, broker[1], policyd[1], r->card.fd});
    close(settings);
    close(broker[1]);
    close(policyd[1]);
    rig_disconnect(&r->card);
    assert_int_equal(link_init(&r->broker, broker[0], &link_broker_cardd), ERR_OK);
    assert_int_equal(link_init(&r->policyd, policyd[0], &link_policyd_cardd), ERR_OK);
    r->policy = POLICY_YES;
    const Lpad__CarddToBroker *hello = cardd_answer(r);
    assert_non_null(hello);
    assert_int_equal(hello->body_case, LPAD__CARDD_TO_BROKER__BODY_HELLO);
}

int cardd_rig_wait(struct cardd_rig *r)
{
    int status = 0;
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    r->pid = 0;
    return status;
}

void cardd_rig_stop(struct cardd_rig *r)
{
    link_close(&r->broker);
    int status = cardd_rig_wait(r);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), PROC_EXIT_OK);
    link_close(&r->policyd);
}

// --- policyd ---

static void keep_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

static void keep_hex(char *out, size_t size, ProtobufCBinaryData data)
{
    assert_int_equal(hex_encode(bytes_from_binary(data), out, size), ERR_OK);
}

static void keep_question(struct cardd_rig *r, const Lpad__CarddToPolicyd *q)
{
    r->questions++;
    r->asked = q->body_case;
    if (q->body_case == LPAD__CARDD_TO_POLICYD__BODY_PROFILE_CHANGE) {
        r->operation = q->profile_change->operation;
        keep_hex(r->asked_iccid, sizeof r->asked_iccid, q->profile_change->target->iccid);
        r->enabled_iccid[0] = 0;
        if (q->profile_change->enabled != NULL)
            keep_hex(r->enabled_iccid, sizeof r->enabled_iccid, q->profile_change->enabled->iccid);
    }
    if (q->body_case == LPAD__CARDD_TO_POLICYD__BODY_PREPARE_DOWNLOAD) {
        keep_text(r->asked_server, sizeof r->asked_server, q->prepare_download->server_address);
        keep_text(r->asked_oid, sizeof r->asked_oid, q->prepare_download->smdp_oid);
        r->asked_cc = q->prepare_download->confirmation_code_required;
    }
    if (q->body_case == LPAD__CARDD_TO_POLICYD__BODY_RESET) {
        r->asked_profiles = q->reset->n_profiles;
        r->asked_options[0] = q->reset->operational_profiles;
        r->asked_options[1] = q->reset->test_profiles;
        r->asked_options[2] = q->reset->default_address;
    }
    if (q->body_case == LPAD__CARDD_TO_POLICYD__BODY_DEFAULT_ADDRESS)
        keep_text(r->asked_server, sizeof r->asked_server, q->default_address->address);
    if (q->body_case == LPAD__CARDD_TO_POLICYD__BODY_LOAD_CRL)
        keep_hex(r->asked_sha256, sizeof r->asked_sha256, q->load_crl->crl_sha256);
    if (q->body_case == LPAD__CARDD_TO_POLICYD__BODY_LOAD) {
        keep_hex(r->asked_iccid, sizeof r->asked_iccid, q->load->metadata->iccid);
        keep_text(r->asked_spn, sizeof r->asked_spn, q->load->metadata->service_provider_name);
    }
}

static void answer_question(struct cardd_rig *r)
{
    const ProtobufCMessage *frame;
    int fd;
    Lpad__Approval approval = LPAD__APPROVAL__INIT;
    Lpad__PolicydToCardd reply = LPAD__POLICYD_TO_CARDD__INIT;
    char rule[] = "permissions[0]";
    enum err e = link_recv(&r->policyd, 0, &frame, &fd);
    if (e == ERR_CLOSED) {
        link_close(&r->policyd);
        return;
    }
    assert_int_equal(e, ERR_OK);
    const Lpad__CarddToPolicyd *q = (const Lpad__CarddToPolicyd *)(const void *)frame;
    keep_question(r, q);
    reply.id = q->id + (r->policy == POLICY_OTHER_ID ? 1 : 0);
    reply.body_case = LPAD__POLICYD_TO_CARDD__BODY_APPROVAL;
    reply.approval = &approval;
    approval.allow = r->policy != POLICY_NO;
    if (r->policy == POLICY_NO) {
        approval.has_reason = true;
        approval.reason = LPAD__DENY_REASON__DENY_RULE;
        approval.rule = rule;
        approval.has_line = true;
        approval.line = 7;
    }
    if (r->policy == POLICY_CLOSES)
        link_close(&r->policyd);
    for (unsigned i = 0;
         link_is_open(&r->policyd) && r->policy != POLICY_SILENT && i < (r->policy == POLICY_TWICE ? 2u : 1u);
         i++)
        assert_int_equal(link_send(&r->policyd, &reply.base, -1), ERR_OK);
}

// --- the broker ---

const Lpad__CarddToBroker *cardd_answer(struct cardd_rig *r)
{
    for (;;) {
        struct pollfd fds[] = {
            {.fd = r->broker.fd,  .events = POLLIN},
            {.fd = r->policyd.fd, .events = POLLIN}
        };
        assert_true(poll(fds, 2, ANSWER_MS) > 0);
        // The broker's end first: when policyd's end closes, an answer may still be there.
        if (fds[0].revents == 0) {
            answer_question(r);
            continue;
        }
        const ProtobufCMessage *frame;
        int fd;
        enum err e = link_recv(&r->broker, 0, &frame, &fd);
        if (e == ERR_CLOSED)
            return NULL;
        assert_int_equal(e, ERR_OK);
        const Lpad__CarddToBroker *answer = (const Lpad__CarddToBroker *)(const void *)frame;
        if (answer->body_case != LPAD__CARDD_TO_BROKER__BODY_PROGRESS)
            return answer;
        r->progress++;
        r->last_progress = *answer->progress;
    }
}

void cardd_send(struct cardd_rig *r, Lpad__BrokerToCardd *request, int fd)
{
    request->id = ++r->id;
    assert_int_equal(link_send(&r->broker, &request->base, fd), ERR_OK);
}

const Lpad__CarddToBroker *cardd_call(struct cardd_rig *r, Lpad__BrokerToCardd *request, int fd)
{
    r->progress = 0;
    cardd_send(r, request, fd);
    const Lpad__CarddToBroker *answer = cardd_answer(r);
    if (answer != NULL)
        assert_int_equal(answer->id, r->id);
    return answer;
}

#define REQUEST(case_, field, type, init)                                                                    \
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;                                               \
    type body = init;                                                                                        \
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_##case_;                                                 \
    request.field = &body

const Lpad__CarddToBroker *cardd_get_info(struct cardd_rig *r, bool all)
{
    REQUEST(GET_INFO, get_info, Lpad__CardGetInfo, LPAD__CARD_GET_INFO__INIT);
    body.euicc_info2 = all;
    body.addresses = all;
    return cardd_call(r, &request, -1);
}

const Lpad__CarddToBroker *cardd_list(struct cardd_rig *r)
{
    REQUEST(LIST_PROFILES, list_profiles, Lpad__CardListProfiles, LPAD__CARD_LIST_PROFILES__INIT);
    return cardd_call(r, &request, -1);
}

const Lpad__CarddToBroker *cardd_get_rat(struct cardd_rig *r)
{
    REQUEST(GET_INFO, get_info, Lpad__CardGetInfo, LPAD__CARD_GET_INFO__INIT);
    body.has_rat = true;
    body.rat = true;
    return cardd_call(r, &request, -1);
}

static size_t from_hex(const char *text, uint8_t out[static 16])
{
    size_t len;
    assert_int_equal(hex_decode(text, strlen(text), out, 16, &len), ERR_OK);
    return len;
}

// Criteria that are not NULL, and not -1.
const Lpad__CarddToBroker *cardd_search(struct cardd_rig *r, const char *iccid, const char *aid, int class)
{
    REQUEST(LIST_PROFILES, list_profiles, Lpad__CardListProfiles, LPAD__CARD_LIST_PROFILES__INIT);
    uint8_t iccid_value[16], aid_value[16];
    if (iccid != NULL) {
        body.has_iccid = true;
        body.iccid = binary_from(iccid_value, from_hex(iccid, iccid_value));
    }
    if (aid != NULL) {
        body.has_isdp_aid = true;
        body.isdp_aid = binary_from(aid_value, from_hex(aid, aid_value));
    }
    if (class >= 0) {
        body.has_profile_class = true;
        body.profile_class = (Lpad__ProfileClass) class;
    }
    return cardd_call(r, &request, -1);
}

const Lpad__CarddToBroker *cardd_get_icon(struct cardd_rig *r, const char *iccid)
{
    REQUEST(GET_ICON, get_icon, Lpad__CardGetIcon, LPAD__CARD_GET_ICON__INIT);
    uint8_t value[16];
    body.iccid = binary_from(value, from_hex(iccid, value));
    return cardd_call(r, &request, -1);
}

const Lpad__CarddToBroker *cardd_change(struct cardd_rig *r, Lpad__Operation operation, const char *iccid,
                                        bool refresh)
{
    REQUEST(CHANGE_PROFILE, change_profile, Lpad__CardChangeProfile, LPAD__CARD_CHANGE_PROFILE__INIT);
    uint8_t value[16];
    size_t len;
    assert_int_equal(hex_decode(iccid, strlen(iccid), value, sizeof value, &len), ERR_OK);
    body.operation = operation;
    body.iccid = binary_from(value, len);
    body.has_refresh = !refresh;
    body.refresh = refresh;
    return cardd_call(r, &request, -1);
}

const Lpad__CarddToBroker *cardd_default_address(struct cardd_rig *r, const char *address)
{
    REQUEST(SET_DEFAULT_ADDRESS, set_default_address, Lpad__CardSetDefaultAddress,
            LPAD__CARD_SET_DEFAULT_ADDRESS__INIT);
    char text[256];
    snprintf(text, sizeof text, "%s", address);
    body.address = text;
    return cardd_call(r, &request, -1);
}

const Lpad__CarddToBroker *cardd_reset(struct cardd_rig *r, bool operational, bool test, bool address)
{
    REQUEST(RESET, reset, Lpad__CardReset, LPAD__CARD_RESET__INIT);
    body.operational_profiles = operational;
    body.test_profiles = test;
    body.default_address = address;
    return cardd_call(r, &request, -1);
}

const Lpad__CarddToBroker *cardd_load_crl(struct cardd_rig *r, const char *crl)
{
    REQUEST(LOAD_CRL, load_crl, Lpad__CardLoadCrl, LPAD__CARD_LOAD_CRL__INIT);
    uint8_t value[256];
    size_t len;
    assert_int_equal(hex_decode(crl, strlen(crl), value, sizeof value, &len), ERR_OK);
    body.crl = binary_from(value, len);
    return cardd_call(r, &request, -1);
}

const Lpad__CarddToBroker *cardd_nickname(struct cardd_rig *r, const char *iccid, const char *nickname)
{
    REQUEST(SET_NICKNAME, set_nickname, Lpad__CardSetNickname, LPAD__CARD_SET_NICKNAME__INIT);
    uint8_t value[16];
    char text[65];
    size_t len;
    assert_int_equal(hex_decode(iccid, strlen(iccid), value, sizeof value, &len), ERR_OK);
    snprintf(text, sizeof text, "%s", nickname);
    body.iccid = binary_from(value, len);
    body.nickname = text;
    return cardd_call(r, &request, -1);
}

const Lpad__CarddToBroker *cardd_cancel(struct cardd_rig *r, uint32_t reason)
{
    REQUEST(CANCEL_SESSION, cancel_session, Lpad__CardCancelSession, LPAD__CARD_CANCEL_SESSION__INIT);
    body.reason = reason;
    return cardd_call(r, &request, -1);
}

const Lpad__CarddToBroker *cardd_remove(struct cardd_rig *r, uint32_t seq_number)
{
    REQUEST(REMOVE_NOTIFICATION, remove_notification, Lpad__CardRemoveNotification,
            LPAD__CARD_REMOVE_NOTIFICATION__INIT);
    body.sequence_number = seq_number;
    return cardd_call(r, &request, -1);
}

const Lpad__CarddToBroker *cardd_retrieve(struct cardd_rig *r, uint32_t seq_number)
{
    REQUEST(RETRIEVE_NOTIFICATION, retrieve_notification, Lpad__CardRetrieveNotification,
            LPAD__CARD_RETRIEVE_NOTIFICATION__INIT);
    body.sequence_number = seq_number;
    return cardd_call(r, &request, -1);
}

const Lpad__CarddToBroker *cardd_stage(struct cardd_rig *r, struct slice package)
{
    REQUEST(STAGE, stage, Lpad__CardStage, LPAD__CARD_STAGE__INIT);
    int fd;
    assert_int_equal(sealed_make("package", bytes_make(package.data, package.len), &fd), ERR_OK);
    const Lpad__CarddToBroker *answer = cardd_call(r, &request, fd);
    close(fd);
    return answer;
}

const Lpad__CarddToBroker *cardd_load(struct cardd_rig *r)
{
    REQUEST(LOAD, load, Lpad__CardLoad, LPAD__CARD_LOAD__INIT);
    return cardd_call(r, &request, -1);
}

// --- the server ---

static const struct cred *own(const struct server_side *server, enum cred_name name)
{
    return &server->creds.at[server->curve][name];
}

static ProtobufCBinaryData binary_from_slice(struct slice s)
{
    return binary_from(s.data, s.len);
}

static ProtobufCBinaryData since(const struct tlvb *b, size_t mark)
{
    return binary_from_slice(tlvb_since(b, mark));
}

const Lpad__CarddToBroker *cardd_challenge(struct cardd_rig *r, struct server_side *server)
{
    REQUEST(GET_CHALLENGE, get_challenge, Lpad__CardGetChallenge, LPAD__CARD_GET_CHALLENGE__INIT);
    char address[] = ADDRESS;
    body.smdp_address = address;
    const Lpad__CarddToBroker *answer = cardd_call(r, &request, -1);
    if (answer != NULL && answer->body_case == LPAD__CARDD_TO_BROKER__BODY_CHALLENGE)
        memcpy(server->challenge, answer->challenge->euicc_challenge.data, 16);
    return answer;
}

// What the server needs of the card's answer for the steps that follow.
static void take_authentication(struct server_side *server, const Lpad__CardAuthenticateServerOk *ok)
{
    struct tlv response, good, signed1, signature, certificate;
    char digits[40];
    size_t len;
    assert_true(
        tlv_only(slice_of(ok->authenticate_server_response.data, ok->authenticate_server_response.len),
                 0xBF38, &response));
    assert_true(tlv_only(response.value, 0xA0, &good));
    struct slice rest = good.value;
    assert_true(tlv_expect(&rest, 0x30, &signed1) && tlv_expect(&rest, 0x5F37, &signature) &&
                tlv_expect(&rest, 0x30, &certificate));
    X509_free(server->euicc);
    server->euicc = cred_cert_parse(certificate.whole);
    assert_non_null(server->euicc);
    assert_true(cred_cert_verify(server->euicc, signed1.whole, signature.value));
    memcpy(server->euicc_signature1, signature.value.data, 64);
    assert_true(cred_cert_subject(server->euicc, NID_serialNumber, digits, sizeof digits));
    assert_int_equal(OPENSSL_hexstr2buf_ex(server->eid, 16, &len, digits, '\0'), 1);
}

const Lpad__CarddToBroker *cardd_authenticate(struct cardd_rig *r, struct server_side *server,
                                              const struct server_options *options)
{
    static const struct server_options defaults;
    const struct server_options *o = options != NULL ? options : &defaults;
    REQUEST(AUTHENTICATE_SERVER, authenticate_server, Lpad__CardAuthenticateServer,
            LPAD__CARD_AUTHENTICATE_SERVER__INIT);
    const enum cred_name credential = o->credential != 0 ? o->credential : CRED_DPAUTH;
    struct tlvb signed1 = TLVB_INIT, other = TLVB_INIT;
    uint8_t signature[64];
    char matching_id[] = "MATCH-1", oid[64];
    struct slice ski;
    assert_int_equal(RAND_bytes(server->tid, 16), 1);
    assert_int_equal(RAND_bytes(server->server_challenge, 16), 1);
    if (o->wrong_challenge)
        server->challenge[0] ^= 1;
    size_t mark = tlvb_open(&signed1);
    tlvb_put(&signed1, 0x80, server->tid, 16);
    tlvb_put(&signed1, 0x81, server->challenge, 16);
    tlvb_put_string(&signed1, 0x83, o->address != NULL ? o->address : ADDRESS);
    tlvb_put(&signed1, 0x84, server->server_challenge, 16);
    tlvb_close(&signed1, mark, 0x30);
    assert_true(cred_sign(own(server, credential)->key, tlvb_get(&signed1), signature));
    tlvb_put(&other, 0x5F37, signature, sizeof signature);
    size_t at = other.len;
    assert_true(cred_cert_ski(own(server, CRED_CI)->cert, &ski));
    tlvb_put_slice(&other, 0x04, ski);
    body.server_signed1 = binary_from_slice(tlvb_get(&signed1));
    body.server_signature1 = binary_from(other.buf, at);
    body.euicc_ci_pk_id = since(&other, at);
    body.server_certificate = binary_from_slice(cred_der(own(server, credential)));
    body.matching_id = matching_id;
    if (o->expected_oid != NULL) {
        snprintf(oid, sizeof oid, "%s", o->expected_oid);
        body.smdp_oid = oid;
    }
    const Lpad__CarddToBroker *answer = cardd_call(r, &request, -1);
    if (answer != NULL && answer->body_case == LPAD__CARDD_TO_BROKER__BODY_AUTHENTICATE_SERVER)
        take_authentication(server, answer->authenticate_server);
    tlvb_free(&signed1);
    tlvb_free(&other);
    return answer;
}

static void take_preparation(struct server_side *server, const Lpad__CardPrepareDownloadOk *ok,
                             const char *code)
{
    struct tlv response, good, signed2, signature, otpk, hash;
    struct tlvb message = TLVB_INIT;
    assert_true(tlv_only(slice_of(ok->prepare_download_response.data, ok->prepare_download_response.len),
                         0xBF21, &response));
    assert_true(tlv_only(response.value, 0xA0, &good));
    struct slice rest = good.value;
    assert_true(tlv_expect(&rest, 0x30, &signed2) && tlv_expect(&rest, 0x5F37, &signature));
    tlvb_slice(&message, signed2.whole);
    tlvb_put(&message, 0x5F37, server->smdp_signature2, 64);
    assert_true(cred_cert_verify(server->euicc, tlvb_get(&message), signature.value));
    assert_true(tlv_find(signed2.value, 0x5F49, &otpk));
    memcpy(server->euicc_otpk, otpk.value.data, CRED_POINT_SIZE);
    bool has_hash = tlv_find(signed2.value, 0x04, &hash);
    assert_int_equal(has_hash, code != NULL);
    if (code != NULL) {
        uint8_t inner[64], want[32];
        assert_int_equal(EVP_Digest(code, strlen(code), inner, NULL, EVP_sha256(), NULL), 1);
        memcpy(inner + 32, server->tid, 16);
        assert_int_equal(EVP_Digest(inner, 48, want, NULL, EVP_sha256(), NULL), 1);
        assert_int_equal(hash.value.len, 32);
        assert_memory_equal(hash.value.data, want, 32);
    }
    tlvb_free(&message);
}

const Lpad__CarddToBroker *cardd_prepare(struct cardd_rig *r, struct server_side *server,
                                         const struct server_options *options)
{
    static const struct server_options defaults;
    const struct server_options *o = options != NULL ? options : &defaults;
    REQUEST(PREPARE_DOWNLOAD, prepare_download, Lpad__CardPrepareDownload, LPAD__CARD_PREPARE_DOWNLOAD__INIT);
    struct tlvb signed2 = TLVB_INIT, message = TLVB_INIT, signature = TLVB_INIT;
    uint8_t required = o->confirmation_code_required ? 0xFF : 0x00;
    char code[64];
    size_t mark = tlvb_open(&signed2);
    tlvb_put(&signed2, 0x80, server->tid, 16);
    tlvb_put(&signed2, 0x01, &required, 1);
    tlvb_close(&signed2, mark, 0x30);
    tlvb_slice(&message, tlvb_get(&signed2));
    tlvb_put(&message, 0x5F37, server->euicc_signature1, 64);
    assert_true(cred_sign(own(server, CRED_DPPB)->key, tlvb_get(&message), server->smdp_signature2));
    tlvb_put(&signature, 0x5F37, server->smdp_signature2, 64);
    body.smdp_signed2 = binary_from_slice(tlvb_get(&signed2));
    body.smdp_signature2 = binary_from_slice(tlvb_get(&signature));
    body.smdp_certificate = binary_from_slice(cred_der(own(server, CRED_DPPB)));
    if (o->confirmation_code != NULL) {
        snprintf(code, sizeof code, "%s", o->confirmation_code);
        body.confirmation_code = code;
    }
    const Lpad__CarddToBroker *answer = cardd_call(r, &request, -1);
    if (answer != NULL && answer->body_case == LPAD__CARDD_TO_BROKER__BODY_PREPARE_DOWNLOAD)
        take_preparation(server, answer->prepare_download,
                         o->confirmation_code_required ? o->confirmation_code : NULL);
    tlvb_free(&signed2);
    tlvb_free(&message);
    tlvb_free(&signature);
    return answer;
}

void server_package(struct server_side *server, const char *iccid, size_t size, struct package *package)
{
    struct tlvb metadata = TLVB_INIT, upp = TLVB_INIT;
    uint8_t value[UPP_ICCID_SIZE];
    const struct upp_params params = {.iccid = iccid, .size = size};
    assert_true(upp_iccid_encode(iccid, value));
    assert_true(upp_make(&params, &upp));
    size_t mark = tlvb_open(&metadata);
    tlvb_put(&metadata, 0x5A, value, sizeof value);
    tlvb_put_string(&metadata, 0x91, "Example");
    tlvb_put_string(&metadata, 0x92, "Gamma");
    tlvb_close(&metadata, mark, 0xBF25);
    const struct package_options options = {
        .metadata = tlvb_get(&metadata), .upp = tlvb_get(&upp), .chunk = 1007};
    server_bind(server, &options, package);
    tlvb_free(&metadata);
    tlvb_free(&upp);
}

// --- the card's log ---

static FILE *open_log(struct rig *rig)
{
    char path[2 * RIG_PATH];
    snprintf(path, sizeof path, "%s/apdu.log", rig->dir);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    return file;
}

unsigned rig_count_apdus(struct rig *rig)
{
    FILE *file = open_log(rig);
    char *line = NULL;
    size_t size = 0;
    unsigned count = 0;
    while (getline(&line, &size, file) > 0)
        if (strstr(line, " > ") != NULL)
            count++;
    free(line);
    fclose(file);
    return count;
}

bool rig_log_last_es10_is(struct rig *rig, const char *text)
{
    FILE *file = open_log(rig);
    char *line = NULL;
    size_t size = 0;
    bool is = false;
    while (getline(&line, &size, file) > 0)
        if (strstr(line, " = ES10 ") != NULL)
            is = strstr(line, text) != NULL;
    free(line);
    fclose(file);
    return is;
}
