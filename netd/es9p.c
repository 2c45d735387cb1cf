// SPDX-License-Identifier: Apache-2.0
// ES9+ request bodies and reply readers.
#include "netd/es9p.h"

#include "lib/file.h"
#include "lib/sealed.h"
#include "netd/base64.h"

#include <string.h>
#include <unistd.h>

#define TAG_SEQUENCE              0x30
#define TAG_OCTET_STRING          0x04
#define TAG_BOOLEAN               0x01
#define TAG_SIGNATURE             0x5F37
#define TAG_TRANSACTION_ID        0x80
#define TAG_METADATA              0xBF25
#define TAG_BOUND_PROFILE_PACKAGE 0xBF36

#define PACKAGE_NAME   "bound-profile-package"
#define DECODE_AT_ONCE 16384 // characters

// --- requests ---

static void put_member(struct buf *b, const char *before, const char *name)
{
    buf_put_text(b, before);
    buf_put_text(b, "\"");
    buf_put_text(b, name);
    buf_put_text(b, "\":\"");
}

void es9p_put_initiate_authentication(struct buf *b, struct bytes challenge, struct bytes euicc_info1,
                                      const char *smdp_address)
{
    put_member(b, "{", "euiccChallenge");
    buf_put_base64(b, challenge);
    put_member(b, "\",", "euiccInfo1");
    buf_put_base64(b, euicc_info1);
    put_member(b, "\",", "smdpAddress");
    buf_put_json_escaped(b, bytes_from_text(smdp_address));
    buf_put_text(b, "\"}");
}

size_t es9p_initiate_authentication_len(size_t euicc_info1_len, const char *smdp_address)
{
    return strlen("{\"euiccChallenge\":\"\",\"euiccInfo1\":\"\",\"smdpAddress\":\"\"}") +
           base64_encoded_len(EUICC_CHALLENGE_SIZE) + base64_encoded_len(euicc_info1_len) +
           strlen(smdp_address);
}

void es9p_put_transaction_request(struct buf *b, struct bytes transaction_id, const char *member,
                                  struct bytes tlv)
{
    put_member(b, "{", "transactionId");
    buf_put_hex(b, transaction_id);
    put_member(b, "\",", member);
    buf_put_base64(b, tlv);
    buf_put_text(b, "\"}");
}

void es9p_put_handle_notification(struct buf *b, struct bytes pending_notification)
{
    put_member(b, "{", "pendingNotification");
    buf_put_base64(b, pending_notification);
    buf_put_text(b, "\"}");
}

// --- replies ---

enum err es9p_check_echo(const json_t *reply, struct bytes transaction_id, struct fault *f)
{
    struct transaction_id echo;
    LPAD_TRY(json_get_transaction_id(reply, &echo, f));
    if (!bytes_equal(transaction_id_view(&echo), transaction_id))
        return fault_set(f, ERR_REMOTE_MISMATCH, "the reply's transactionId is not this session's");
    return ERR_OK;
}

// serverSigned1 and smdpSigned2 both begin with [0] transactionId. `*ret_rest`: what follows it.
static enum err check_signed_id(struct bytes tlv, const char *name, struct bytes transaction_id,
                                struct bytes *ret_rest, struct fault *f)
{
    struct der_tlv outer;
    struct der_tlv id;
    LPAD_TRY(der_read_only(tlv, TAG_SEQUENCE, &outer));
    struct bytes view = outer.value;
    enum err e = der_read_tag(&view, TAG_TRANSACTION_ID, &id);
    if (e != ERR_OK)
        return fault_set(f, e, "the reply's %s does not begin with a transactionId: %s", name, err_words(e));
    if (!bytes_equal(id.value, transaction_id))
        return fault_set(f, ERR_REMOTE_MISMATCH, "the transactionId inside %s is not that of the reply",
                         name);
    *ret_rest = view;
    return ERR_OK;
}

enum err es9p_read_initiated(const json_t *reply, struct arena *arena, struct es9p_initiated *ret_initiated,
                             struct fault *f)
{
    struct es9p_initiated r = {0};
    struct bytes rest;
    LPAD_TRY(json_get_transaction_id(reply, &r.transaction_id, f));
    LPAD_TRY(
        json_get_tlv(reply, "serverSigned1", TAG_SEQUENCE, ES9P_SIGNED_MAX, arena, &r.server_signed1, f));
    LPAD_TRY(json_get_tlv(reply, "serverSignature1", TAG_SIGNATURE, ES9P_SIGNATURE_MAX, arena,
                          &r.server_signature1, f));
    LPAD_TRY(json_get_tlv(reply, "euiccCiPKIdToBeUsed", TAG_OCTET_STRING, ES9P_CI_PK_ID_MAX, arena,
                          &r.euicc_ci_pk_id, f));
    LPAD_TRY(json_get_tlv(reply, "serverCertificate", TAG_SEQUENCE, ES9P_CERTIFICATE_MAX, arena,
                          &r.server_certificate, f));
    LPAD_TRY(
        check_signed_id(r.server_signed1, "serverSigned1", transaction_id_view(&r.transaction_id), &rest, f));
    *ret_initiated = r;
    return ERR_OK;
}

static enum err read_metadata(const json_t *reply, struct arena *arena, struct profile_metadata *ret_metadata,
                              struct fault *f)
{
    struct bytes tlv;
    LPAD_TRY(json_get_binary(reply, "profileMetadata", ES9P_METADATA_MAX, arena, &tlv, f));
    enum err e = metadata_read(tlv, ret_metadata);
    if (e != ERR_OK)
        return fault_set(f, e, "the reply's profileMetadata cannot be used: %s", err_words(e));
    return ERR_OK;
}

static enum err read_confirmation_flag(struct bytes smdp_signed2, struct bytes transaction_id,
                                       bool *ret_required, struct fault *f)
{
    struct bytes rest;
    struct der_tlv flag;
    LPAD_TRY(check_signed_id(smdp_signed2, "smdpSigned2", transaction_id, &rest, f));
    enum err e = der_read_tag(&rest, TAG_BOOLEAN, &flag);
    if (e == ERR_OK)
        e = der_get_bool(flag.value, ret_required);
    if (e != ERR_OK)
        return fault_set(f, e, "the ccRequiredFlag of smdpSigned2 cannot be read: %s", err_words(e));
    return ERR_OK;
}

enum err es9p_read_authenticated(const json_t *reply, struct bytes transaction_id, struct arena *arena,
                                 struct es9p_authenticated *ret_authenticated, struct fault *f)
{
    struct es9p_authenticated r = {0};
    LPAD_TRY(es9p_check_echo(reply, transaction_id, f));
    LPAD_TRY(read_metadata(reply, arena, &r.metadata, f));
    LPAD_TRY(json_get_tlv(reply, "smdpSigned2", TAG_SEQUENCE, ES9P_SIGNED_MAX, arena, &r.smdp_signed2, f));
    LPAD_TRY(json_get_tlv(reply, "smdpSignature2", TAG_SIGNATURE, ES9P_SIGNATURE_MAX, arena,
                          &r.smdp_signature2, f));
    LPAD_TRY(json_get_tlv(reply, "smdpCertificate", TAG_SEQUENCE, ES9P_CERTIFICATE_MAX, arena,
                          &r.smdp_certificate, f));
    LPAD_TRY(read_confirmation_flag(r.smdp_signed2, transaction_id, &r.confirmation_code_required, f));
    *ret_authenticated = r;
    return ERR_OK;
}

// `*ret_size` stays 0 for an empty text.
static enum err decode_into(int fd, const char *text, size_t len, uint32_t *ret_size, struct fault *f)
{
    struct base64_decoder d = {0};
    uint8_t piece[DECODE_AT_ONCE / 4 * 3 + 3];
    uint32_t size = 0;
    while (len > 0) {
        size_t n = len < DECODE_AT_ONCE ? len : DECODE_AT_ONCE;
        size_t decoded;
        if (base64_decode_some(&d, text, n, piece, &decoded) != ERR_OK)
            return fault_set(f, ERR_REMOTE_SHAPE, "the reply's boundProfilePackage is not base64");
        LPAD_TRY(file_write(fd, bytes_make(piece, decoded)));
        if (__builtin_add_overflow(size, (uint32_t)decoded, &size))
            return ERR_LIMIT;
        text += n;
        len -= n;
    }
    if (base64_decode_end(&d) != ERR_OK)
        return fault_set(f, ERR_REMOTE_SHAPE, "the reply's boundProfilePackage is not base64");
    *ret_size = size;
    return ERR_OK;
}

static enum err check_package(int fd, uint32_t size, struct fault *f)
{
    struct bytes package;
    struct der_tlv tlv;
    if (size == 0)
        return fault_set(f, ERR_REMOTE_SHAPE, "the reply's boundProfilePackage is empty");
    LPAD_TRY(sealed_map(fd, size, &package));
    struct bytes view = package;
    enum err e = der_read_lax(&view, &tlv);
    if (e == ERR_OK && tlv.tag != TAG_BOUND_PROFILE_PACKAGE)
        e = ERR_DER_TAG;
    if (e == ERR_OK)
        e = der_end(view);
    sealed_unmap(package);
    if (e != ERR_OK)
        return fault_set(f, e, "the reply's boundProfilePackage is not one TLV of tag BF36: %s",
                         err_words(e));
    return ERR_OK;
}

enum err es9p_read_bound_profile_package(const json_t *reply, struct bytes transaction_id, int *ret_fd,
                                         uint32_t *ret_size, struct fault *f)
{
    const char *text;
    size_t len;
    uint32_t size = 0;
    int fd;
    LPAD_TRY(es9p_check_echo(reply, transaction_id, f));
    LPAD_TRY(json_get_text(reply, "boundProfilePackage", &text, &len, f));
    LPAD_TRY(sealed_create(PACKAGE_NAME, &fd));
    enum err e = decode_into(fd, text, len, &size, f);
    if (e == ERR_OK)
        e = sealed_close(fd);
    if (e == ERR_OK)
        e = check_package(fd, size, f);
    if (e != ERR_OK) {
        close(fd);
        return e;
    }
    *ret_fd = fd;
    *ret_size = size;
    return ERR_OK;
}
