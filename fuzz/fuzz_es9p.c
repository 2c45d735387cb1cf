// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what a server answers to an ES9+ function. The first octet chooses the reader, the rest is the
// body.
//
// What was read is sent back in the next request, which must have room in what es9p.h says it needs.
#include "fuzz/fuzz.h"

#include "lib/sealed.h"
#include "netd/base64.h"
#include "netd/es9p.h"

#include <unistd.h>

#define ARENA_SIZE (256u * 1024)

enum reader {
    READER_INITIATE = 'i',
    READER_AUTHENTICATE = 'a',
    READER_PACKAGE = 'p',
    READER_HEADER = 'h', // HandleNotification and CancelSession
};

static const uint8_t transaction_id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

// To base64 and back, in two pieces.
static void check_base64(struct bytes data)
{
    size_t len = base64_encoded_len(data.len);
    char *text = malloc(len + 1);
    uint8_t *again = malloc(base64_decoded_max(len));
    struct buf b = buf_make(text, len);
    struct base64_decoder d = {0};
    size_t first = 0, second = 0;
    FUZZ_CHECK(text != NULL && again != NULL);
    buf_put_base64(&b, data);
    FUZZ_CHECK(!b.overflow && b.len == len);
    FUZZ_CHECK(base64_decode_some(&d, text, len / 2, again, &first) == ERR_OK);
    FUZZ_CHECK(base64_decode_some(&d, text + len / 2, len - len / 2, again + first, &second) == ERR_OK);
    FUZZ_CHECK(base64_decode_end(&d) == ERR_OK);
    FUZZ_CHECK(bytes_equal(bytes_make(again, first + second), data));
    free(text);
    free(again);
}

static void check_tlv(struct bytes tlv, der_tag tag, size_t max)
{
    struct der_tlv read;
    FUZZ_CHECK(tlv.len <= max && der_read_only(tlv, tag, &read) == ERR_OK);
    check_base64(tlv);
}

// Each request with this TLV in the place of the card's.
static void check_requests(const struct es9p_initiated *r)
{
    static const char address[] = "smdp.example.com:8443";
    static uint8_t memory[2 * ES9P_SIGNED_MAX];
    struct bytes tlv = r->server_signed1;
    struct buf b = buf_make(memory, sizeof(memory));
    es9p_put_initiate_authentication(&b, bytes_make(transaction_id, EUICC_CHALLENGE_SIZE), tlv, address);
    FUZZ_CHECK(!b.overflow && b.len == es9p_initiate_authentication_len(tlv.len, address));
    FUZZ_CHECK(b.len <= es9p_request_max(tlv.len, strlen(address)));
    b = buf_make(memory, es9p_request_max(tlv.len, 0));
    es9p_put_transaction_request(&b, transaction_id_view(&r->transaction_id), "authenticateServerResponse",
                                 tlv);
    FUZZ_CHECK(!b.overflow);
    b = buf_make(memory, es9p_request_max(tlv.len, 0));
    es9p_put_handle_notification(&b, tlv);
    FUZZ_CHECK(!b.overflow);
}

static enum err read_initiated(const json_t *reply, struct arena *arena, struct fault *f)
{
    struct es9p_initiated r;
    LPAD_TRY(es9p_read_initiated(reply, arena, &r, f));
    FUZZ_CHECK(r.transaction_id.len >= 1 && r.transaction_id.len <= TRANSACTION_ID_MAX);
    check_tlv(r.server_signed1, 0x30, ES9P_SIGNED_MAX);
    check_tlv(r.server_signature1, 0x5F37, ES9P_SIGNATURE_MAX);
    check_tlv(r.euicc_ci_pk_id, 0x04, ES9P_CI_PK_ID_MAX);
    check_tlv(r.server_certificate, 0x30, ES9P_CERTIFICATE_MAX);
    check_requests(&r);
    return ERR_OK;
}

static enum err read_authenticated(const json_t *reply, struct arena *arena, struct fault *f)
{
    struct es9p_authenticated r;
    LPAD_TRY(
        es9p_read_authenticated(reply, bytes_make(transaction_id, sizeof(transaction_id)), arena, &r, f));
    check_tlv(r.smdp_signed2, 0x30, ES9P_SIGNED_MAX);
    check_tlv(r.smdp_signature2, 0x5F37, ES9P_SIGNATURE_MAX);
    check_tlv(r.smdp_certificate, 0x30, ES9P_CERTIFICATE_MAX);
    FUZZ_CHECK(r.metadata.notification_count <= METADATA_NOTIFICATIONS_MAX);
    return ERR_OK;
}

static enum err read_package(const json_t *reply, struct fault *f)
{
    int fd;
    uint32_t size;
    struct bytes package;
    LPAD_TRY(es9p_read_bound_profile_package(reply, bytes_make(transaction_id, sizeof(transaction_id)), &fd,
                                             &size, f));
    FUZZ_CHECK(sealed_map(fd, size, &package) == ERR_OK && package.len == size && package.data[0] == 0xBF);
    sealed_unmap(package);
    close(fd);
    return ERR_OK;
}

static enum err read_with(enum reader reader, const json_t *reply, struct arena *arena, struct fault *f)
{
    switch (reader) {
    case READER_INITIATE: return read_initiated(reply, arena, f);
    case READER_AUTHENTICATE: return read_authenticated(reply, arena, f);
    case READER_PACKAGE: return read_package(reply, f);
    case READER_HEADER: break;
    }
    return ERR_OK;
}

// A refusal of a server's must be sendable and must say why.
static void check_fault(enum err e, const struct fault *f)
{
    enum err_class class = err_class_of(e);
    FUZZ_CHECK(class == ERR_CLASS_REMOTE || class == ERR_CLASS_LIMIT);
    FUZZ_CHECK(f->detail[0] != '\0' && utf8_valid(bytes_from_text(f->detail)));
    FUZZ_CHECK(utf8_valid(bytes_from_text(f->remote_text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault f = {0};
    struct arena arena;
    json_t *reply;
    if (size < 1 || arena_init(&arena, ARENA_SIZE) != ERR_OK)
        return 0;
    FUZZ_CHECK(json_warm_up() == ERR_OK);
    enum json_header header = data[0] == READER_HEADER ? JSON_HEADER_OPTIONAL : JSON_HEADER_REQUIRED;
    enum err e = json_reply_load(bytes_make(data + 1, size - 1), header, &reply, &f);
    if (e == ERR_OK) {
        e = read_with((enum reader)data[0], reply, &arena, &f);
        json_decref(reply);
    }
    if (e != ERR_OK)
        check_fault(e, &f);
    FUZZ_CHECK(utf8_valid(bytes_from_text(f.warning)));
    arena_free(&arena);
    return 0;
}
