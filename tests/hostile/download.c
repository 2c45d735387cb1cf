// SPDX-License-Identifier: Apache-2.0
// The steps of a download.
#include "tests/hostile/download.h"

#include "lib/sealed.h"
#include "rsp/metadata.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void download_init(struct download *d, struct rig *r)
{
    memset(d, 0, sizeof *d);
    d->rig = r;
    d->uid = RIG_ADMIN;
    d->host = RIG_HOST;
}

void download_free(struct download *d)
{
    for (int i = 0; i < PART_MAX; i++)
        tlvb_free(&d->parts[i]);
    tlvb_free(&d->info1);
    tlvb_free(&d->authenticated);
    tlvb_free(&d->prepared);
}

static void keep(struct tlvb *to, ProtobufCBinaryData from)
{
    tlvb_free(to);
    *to = TLVB_INIT;
    tlvb_raw(to, from.data, from.len);
    assert_false(to->failed);
}

static ProtobufCBinaryData part_of(const struct download *d, enum part part)
{
    return binary_from(d->parts[part].buf, d->parts[part].len);
}

static void expect_executed(const char *status)
{
    assert_string_equal(status, "Executed-Success");
}

static struct outcome challenge(struct download *d)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardGetInfo info = LPAD__CARD_GET_INFO__INIT;
    Lpad__CardGetChallenge body = LPAD__CARD_GET_CHALLENGE__INIT;
    struct outcome o;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_GET_INFO;
    request.get_info = &info;
    const Lpad__CarddToBroker *reply = rig_ask_card(d->rig, &request, -1, &o);
    if (o.error != ERR_OK)
        return o;
    keep(&d->info1, reply->info->euicc_info1);
    body.smdp_address = (char *)(uintptr_t)RIG_HOST;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_GET_CHALLENGE;
    request.get_challenge = &body;
    reply = rig_ask_card(d->rig, &request, -1, &o);
    if (o.error == ERR_OK)
        memcpy(d->challenge, reply->challenge->euicc_challenge.data, sizeof d->challenge);
    return o;
}

static struct outcome initiate(struct download *d)
{
    expect_executed(server_initiate(d->rig->server, slice_of(d->challenge, sizeof d->challenge),
                                    tlvb_get(&d->info1), d->parts, d->tid));
    return (struct outcome){0};
}

static struct outcome authenticate(struct download *d)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardAuthenticateServer body = LPAD__CARD_AUTHENTICATE_SERVER__INIT;
    struct outcome o;
    body.server_signed1 = part_of(d, PART_SERVER_SIGNED1);
    body.server_signature1 = part_of(d, PART_SERVER_SIGNATURE1);
    body.euicc_ci_pk_id = part_of(d, PART_CI_PK_ID);
    body.server_certificate = part_of(d, PART_SERVER_CERTIFICATE);
    body.matching_id = (char *)(uintptr_t) "MATCHING-1";
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_AUTHENTICATE_SERVER;
    request.authenticate_server = &body;
    const Lpad__CarddToBroker *reply = rig_ask_card(d->rig, &request, -1, &o);
    if (o.error == ERR_OK) {
        keep(&d->authenticated, reply->authenticate_server->authenticate_server_response);
        snprintf(d->oid, sizeof d->oid, "%s", reply->authenticate_server->smdp_oid);
    }
    return o;
}

static struct outcome client(struct download *d)
{
    expect_executed(server_authenticate(d->rig->server, tlvb_get(&d->authenticated), d->parts));
    const struct tlvb *metadata = &d->parts[PART_METADATA];
    assert_int_equal(metadata_read(bytes_make(metadata->buf, metadata->len), &d->announced), ERR_OK);
    metadata_to_message(&d->announced, &d->message);
    return (struct outcome){0};
}

static struct outcome verdict(int deny)
{
    return (struct outcome){.error = deny > 0 ? ERR_DENIED : ERR_OK, .deny = deny > 0 ? deny : 0};
}

static struct outcome install(struct download *d)
{
    Lpad__BrokerToPolicyd request = LPAD__BROKER_TO_POLICYD__INIT;
    Lpad__InstallIntent body = LPAD__INSTALL_INTENT__INIT;
    body.metadata = &d->message.message;
    body.confirmation_code_required = d->code_required;
    body.transaction_id = binary_from(d->tid, sizeof d->tid);
    body.smdp_oid = d->oid;
    request.body_case = LPAD__BROKER_TO_POLICYD__BODY_INSTALL;
    request.install = &body;
    const Lpad__PolicydToBroker *reply = rig_ask_policy(d->rig, &request);
    assert_int_equal(reply->body_case, LPAD__POLICYD_TO_BROKER__BODY_DECISION);
    bool denied = reply->decision->verdict == LPAD__VERDICT__VERDICT_DENY;
    return verdict(denied ? (int)reply->decision->reason : 0);
}

static struct outcome prepare(struct download *d)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardPrepareDownload body = LPAD__CARD_PREPARE_DOWNLOAD__INIT;
    struct outcome o;
    body.smdp_signed2 = part_of(d, PART_SMDP_SIGNED2);
    body.smdp_signature2 = part_of(d, PART_SMDP_SIGNATURE2);
    body.smdp_certificate = part_of(d, PART_SMDP_CERTIFICATE);
    body.confirmation_code = (char *)(uintptr_t)d->code;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_PREPARE_DOWNLOAD;
    request.prepare_download = &body;
    const Lpad__CarddToBroker *reply = rig_ask_card(d->rig, &request, -1, &o);
    if (o.error == ERR_OK)
        keep(&d->prepared, reply->prepare_download->prepare_download_response);
    return o;
}

static struct outcome fetch(struct download *d)
{
    expect_executed(server_package(d->rig->server, tlvb_get(&d->prepared), d->fault, d->parts));
    return (struct outcome){0};
}

int download_seal(const struct download *d)
{
    int fd;
    const struct tlvb *package = &d->parts[PART_PACKAGE];
    assert_int_equal(sealed_make("package", bytes_make(package->buf, package->len), &fd), ERR_OK);
    return fd;
}

struct outcome download_stage(struct download *d, int fd)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardStage body = LPAD__CARD_STAGE__INIT;
    struct outcome o;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_STAGE;
    request.stage = &body;
    rig_ask_card(d->rig, &request, fd, &o);
    return o;
}

static struct outcome stage(struct download *d)
{
    int fd = download_seal(d);
    struct outcome o = download_stage(d, fd);
    close(fd);
    return o;
}

struct outcome download_step(struct download *d, enum step step)
{
    switch (step) {
    case STEP_INTENT: return verdict(policy_download(d->rig, d->uid, d->host));
    case STEP_CHALLENGE: return challenge(d);
    case STEP_INITIATE: return initiate(d);
    case STEP_AUTHENTICATE: return authenticate(d);
    case STEP_CLIENT: return client(d);
    case STEP_INSTALL: return install(d);
    case STEP_CONSENT: return verdict(policy_consent(d->rig));
    case STEP_PREPARE: return prepare(d);
    case STEP_FETCH: return fetch(d);
    case STEP_STAGE: return stage(d);
    case STEP_LOAD: return card_load(d->rig);
    case STEP_MAX: break;
    }
    fail_msg("no such step");
    return (struct outcome){0};
}

void download_run(struct download *d, enum step first, enum step last)
{
    for (int step = (int)first; step <= (int)last; step++) {
        struct outcome o = download_step(d, (enum step)step);
        if (o.error != ERR_OK)
            fail_msg("step %d: error %x, deny reason %d, SW %04X (%s)", step, (unsigned)o.error, o.deny,
                     (unsigned)o.sw, o.detail);
    }
}
