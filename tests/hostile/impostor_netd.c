// SPDX-License-Identifier: Apache-2.0
// An lpad-netd that is its own server: the simulated SM-DP+, called directly, so that every signature is
// right unless the script falsifies what was signed.
#include "tests/hostile/impostor.h"
#include "tests/hostile/server.h"

#include "lib/sealed.h"
#include "proto/convert.h"
#include "rsp/metadata.h"

#include "net.pb-c.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HOST "smdp.example.com"

struct impostor {
    struct link link;
    struct server *server;
    const char *script;
    struct tlvb parts[PART_MAX];
    uint8_t tid[SERVER_TID_SIZE];
};

static const uint8_t enable[] = {0xBF, 0x31, 0x13, 0xA0, 0x0E, 0x5A, 0x0A, 0x98, 0x44, 0x49,
                                 0x99, 0x99, 0x99, 0x99, 0x99, 0x00, 0x13, 0x81, 0x01, 0xFF};
static const uint8_t delete[] = {0xBF, 0x33, 0x0C, 0x5A, 0x0A, 0x98, 0x44, 0x49,
                                 0x99, 0x99, 0x99, 0x99, 0x99, 0x00, 0x13};

static bool plays(const struct impostor *i, const char *script)
{
    return strcmp(i->script, script) == 0;
}

static ProtobufCBinaryData part(const struct impostor *i, enum part part)
{
    return binary_from(i->parts[part].buf, i->parts[part].len);
}

static void send(struct impostor *i, Lpad__NetdToBroker *frame, int fd)
{
    (void)!link_send(&i->link, &frame->base, fd); // the broker may have closed it
}

static void send_handled(struct impostor *i, uint32_t id)
{
    Lpad__NetdToBroker frame = LPAD__NETD_TO_BROKER__INIT;
    Lpad__NetHandleNotificationOk body = LPAD__NET_HANDLE_NOTIFICATION_OK__INIT;
    frame.id = id;
    body.http_status = 204;
    frame.body_case = LPAD__NETD_TO_BROKER__BODY_HANDLE_NOTIFICATION;
    frame.handle_notification = &body;
    send(i, &frame, -1);
}

static void send_package(struct impostor *i, uint32_t id, struct bytes package, uint32_t size, bool sealed)
{
    Lpad__NetdToBroker frame = LPAD__NETD_TO_BROKER__INIT;
    Lpad__NetBoundProfilePackage body = LPAD__NET_BOUND_PROFILE_PACKAGE__INIT;
    int fd;
    if (sealed) {
        impostor_need(sealed_make("package", package, &fd) == ERR_OK, "sealed memory");
    } else {
        fd = memfd_create("package", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        impostor_need(write(fd, package.data, package.len) == (ssize_t)package.len, "memory");
    }
    frame.id = id;
    body.size = size;
    frame.body_case = LPAD__NETD_TO_BROKER__BODY_BOUND_PROFILE_PACKAGE;
    frame.bound_profile_package = &body;
    send(i, &frame, fd);
    close(fd);
}

static void opened(struct impostor *i, uint32_t id)
{
    static uint8_t hash[32];
    Lpad__NetdToBroker frame = LPAD__NETD_TO_BROKER__INIT;
    Lpad__NetOpened body = LPAD__NET_OPENED__INIT;
    body.peer = (char *)(uintptr_t) "192.0.2.1:443";
    body.tls_version = (char *)(uintptr_t) "TLSv1.3";
    body.certificate_sha256 = binary_from(hash, sizeof hash);
    frame.id = id;
    frame.body_case = LPAD__NETD_TO_BROKER__BODY_OPENED;
    frame.opened = &body;
    send(i, &frame, -1);
}

static void initiate(struct impostor *i, uint32_t id, const Lpad__NetInitiateAuthentication *m)
{
    Lpad__NetdToBroker frame = LPAD__NETD_TO_BROKER__INIT;
    Lpad__NetInitiateAuthenticationOk body = LPAD__NET_INITIATE_AUTHENTICATION_OK__INIT;
    const char *status = server_initiate(i->server, slice_of(m->euicc_challenge.data, m->euicc_challenge.len),
                                         slice_of(m->euicc_info1.data, m->euicc_info1.len), i->parts, i->tid);
    impostor_need(strcmp(status, "Executed-Success") == 0, status);
    if (plays(i, "another transaction"))
        i->tid[0] ^= 1;
    body.transaction_id = binary_from(i->tid, sizeof i->tid);
    body.server_signed1 = part(i, PART_SERVER_SIGNED1);
    body.server_signature1 = part(i, PART_SERVER_SIGNATURE1);
    body.euicc_ci_pk_id = part(i, PART_CI_PK_ID);
    body.server_certificate = part(i, PART_SERVER_CERTIFICATE);
    if (plays(i, "a command as serverSigned1"))
        body.server_signed1 = binary_from(enable, sizeof enable);
    if (plays(i, "a command as certificate"))
        body.server_certificate = binary_from(delete, sizeof delete);
    if (plays(i, "another signature"))
        i->parts[PART_SERVER_SIGNATURE1].buf[8] ^= 1;
    frame.id = plays(i, "another id") ? id + 7 : id;
    frame.body_case = LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION;
    frame.initiate_authentication = &body;
    send(i, &frame, -1);
    if (plays(i, "twice"))
        send(i, &frame, -1);
    if (plays(i, "a package before it is asked for"))
        send_package(i, id + 1, bytes_make(enable, sizeof enable), sizeof enable, true);
    if (plays(i, "a delivery that was not asked for"))
        send_handled(i, id + 1);
}

static void send_events(struct impostor *i, uint32_t id)
{
    Lpad__NetdToBroker frame = LPAD__NETD_TO_BROKER__INIT;
    Lpad__NetEvents body = LPAD__NET_EVENTS__INIT;
    Lpad__NetEvent event = LPAD__NET_EVENT__INIT, *list[] = {&event};
    event.event_id = (char *)(uintptr_t) "MATCHING-1";
    event.rsp_server_address = (char *)(uintptr_t)HOST;
    body.n_events = 1;
    body.events = list;
    frame.id = id;
    frame.body_case = LPAD__NETD_TO_BROKER__BODY_EVENTS;
    frame.events = &body;
    send(i, &frame, -1);
}

static void client(struct impostor *i, uint32_t id, const Lpad__NetAuthenticateClient *m)
{
    Lpad__NetdToBroker frame = LPAD__NETD_TO_BROKER__INIT;
    Lpad__NetAuthenticateClientOk body = LPAD__NET_AUTHENTICATE_CLIENT_OK__INIT;
    struct profile_metadata metadata;
    struct metadata_message message;
    const ProtobufCBinaryData *response = &m->authenticate_server_response;
    const char *status = server_authenticate(i->server, slice_of(response->data, response->len), i->parts);
    impostor_need(strcmp(status, "Executed-Success") == 0, status);
    const struct tlvb *announced = &i->parts[PART_METADATA];
    impostor_need(metadata_read(bytes_make(announced->buf, announced->len), &metadata) == ERR_OK, "metadata");
    metadata_to_message(&metadata, &message);
    body.metadata = &message.message;
    body.smdp_signed2 = part(i, PART_SMDP_SIGNED2);
    body.smdp_signature2 = part(i, PART_SMDP_SIGNATURE2);
    body.smdp_certificate = part(i, PART_SMDP_CERTIFICATE);
    if (plays(i, "metadata of another profile"))
        message.message.iccid.data[7] ^= 0x10;
    if (plays(i, "metadata of another name"))
        message.message.profile_name = (char *)(uintptr_t) "Another";
    if (plays(i, "a command as smdpSigned2"))
        body.smdp_signed2 = binary_from(delete, sizeof delete);
    if (plays(i, "no code where one is needed"))
        body.confirmation_code_required = true;
    if (plays(i, "events that were not asked for")) {
        send_events(i, id);
        return;
    }
    frame.id = id;
    frame.body_case = LPAD__NETD_TO_BROKER__BODY_AUTHENTICATE_CLIENT;
    frame.authenticate_client = &body;
    send(i, &frame, -1);
}

static void package(struct impostor *i, uint32_t id, const Lpad__NetGetBoundProfilePackage *m)
{
    const ProtobufCBinaryData *response = &m->prepare_download_response;
    const char *status = server_package(i->server, slice_of(response->data, response->len), NULL, i->parts);
    impostor_need(strcmp(status, "Executed-Success") == 0, status);
    struct tlvb *p = &i->parts[PART_PACKAGE];
    struct bytes bytes = bytes_make(p->buf, p->len);
    if (plays(i, "enable as the package"))
        bytes = bytes_make(enable, sizeof enable);
    if (plays(i, "delete as the package"))
        bytes = bytes_make(delete, sizeof delete);
    if (plays(i, "delete behind the package")) {
        tlvb_raw(p, delete, sizeof delete);
        bytes = bytes_make(p->buf, p->len);
    }
    if (plays(i, "a package cut in half"))
        bytes.len /= 2;
    if (plays(i, "a package that changed on its way"))
        p->buf[p->len / 2] ^= 1;
    send_package(i, id, bytes, (uint32_t)bytes.len, !plays(i, "memory that can change"));
    if (plays(i, "a second package"))
        send_package(i, id + 1, bytes_make(enable, sizeof enable), sizeof enable, true);
}

static void cancelled(struct impostor *i, uint32_t id)
{
    Lpad__NetdToBroker frame = LPAD__NETD_TO_BROKER__INIT;
    Lpad__NetCancelSessionOk body = LPAD__NET_CANCEL_SESSION_OK__INIT;
    frame.id = id;
    frame.body_case = LPAD__NETD_TO_BROKER__BODY_CANCEL_SESSION;
    frame.cancel_session = &body;
    send(i, &frame, -1);
}

static void hello(struct impostor *i)
{
    static const struct sandbox_report all = {.landlock_abi = 1};
    struct hello_message hello;
    Lpad__NetdToBroker frame = LPAD__NETD_TO_BROKER__INIT;
    hello_to_message(&all, &hello);
    frame.body_case = LPAD__NETD_TO_BROKER__BODY_HELLO;
    frame.hello = &hello.message;
    send(i, &frame, -1);
}

static void answer(struct impostor *i, const Lpad__BrokerToNetd *m)
{
    switch (m->body_case) {
    case LPAD__BROKER_TO_NETD__BODY_OPEN:
        if (plays(i, "what is no message"))
            impostor_send_raw(&i->link, "\x08\x01\xff\xff\xff", 5);
        opened(i, m->id);
        break;
    case LPAD__BROKER_TO_NETD__BODY_INITIATE_AUTHENTICATION:
        initiate(i, m->id, m->initiate_authentication);
        break;
    case LPAD__BROKER_TO_NETD__BODY_AUTHENTICATE_CLIENT: client(i, m->id, m->authenticate_client); break;
    case LPAD__BROKER_TO_NETD__BODY_GET_BOUND_PROFILE_PACKAGE:
        package(i, m->id, m->get_bound_profile_package);
        break;
    case LPAD__BROKER_TO_NETD__BODY_HANDLE_NOTIFICATION: send_handled(i, m->id); break;
    case LPAD__BROKER_TO_NETD__BODY_CANCEL_SESSION: cancelled(i, m->id); break;
    case LPAD__BROKER_TO_NETD__BODY__NOT_SET:
    case _LPAD__BROKER_TO_NETD__BODY__CASE_IS_INT_SIZE: break;
    }
}

void impostor_netd(const char *folder, const char *script)
{
    struct impostor i = {.script = script};
    char pki[IMPOSTOR_PATH_MAX + 16], orders[IMPOSTOR_PATH_MAX + 16];
    snprintf(pki, sizeof pki, "%s/../pki", folder);
    snprintf(orders, sizeof orders, "%s/../orders", folder);
    impostor_open(&link_netd_broker, &i.link);
    i.server = server_new(pki, orders, HOST);
    impostor_need(i.server != NULL, "the server");
    hello(&i);
    for (;;) {
        const ProtobufCMessage *frame;
        int none;
        if (link_recv(&i.link, -1, &frame, &none) != ERR_OK)
            return;
        answer(&i, (const Lpad__BrokerToNetd *)(const void *)frame);
    }
}
