// SPDX-License-Identifier: Apache-2.0
// The scripted HTTPS server.
#include "tests/unit/netd_server.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAY (24L * 60 * 60)

// --- certificates ---

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    CONF *none = NCONF_new(NULL); // certificatePolicies asks for one
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509V3_set_nconf(&context, none);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(certificate, e, -1), 1);
    X509_EXTENSION_free(e);
    NCONF_free(none);
}

static struct identity make_identity(const char *name, const char *curve, long from, long to,
                                     const struct identity *issuer)
{
    struct identity made = {.key = EVP_EC_gen(curve), .certificate = X509_new()};
    assert_non_null(made.key);
    X509 *c = made.certificate;
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), issuer == NULL ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(c), from);
    X509_gmtime_adj(X509_getm_notAfter(c), to);
    X509_set_pubkey(c, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                               -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(issuer == NULL ? c : issuer->certificate));
    return made;
}

static void sign_identity(struct identity *i, const struct identity *issuer)
{
    add_extension(i->certificate, issuer->certificate, NID_subject_key_identifier, "hash");
    add_extension(i->certificate, issuer->certificate, NID_authority_key_identifier, "keyid");
    assert_true(X509_sign(i->certificate, issuer->key, EVP_sha256()) > 0);
}

static const char *curve_of(enum server_certificate kind)
{
    return kind == SERVER_BRAINPOOL ? "brainpoolP256r1" : "P-256";
}

static struct identity make_ci(const char *name, const char *curve)
{
    struct identity ci = make_identity(name, curve, -DAY, 10 * DAY, NULL);
    add_extension(ci.certificate, ci.certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(ci.certificate, ci.certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    sign_identity(&ci, &ci);
    return ci;
}

static struct identity make_leaf(enum server_certificate kind, const struct identity *ci)
{
    bool expired = kind == SERVER_EXPIRED;
    bool other = kind == SERVER_OTHER_NAME;
    struct identity leaf =
        make_identity("TEST SM-DP+", curve_of(kind), expired ? -3 * DAY : -DAY, expired ? -2 * DAY : DAY, ci);
    add_extension(leaf.certificate, ci->certificate, NID_subject_alt_name,
                  other ? "DNS:other.example.com,RID:2.999.10" : "DNS:" SERVER_NAME ",RID:2.999.10");
    add_extension(leaf.certificate, ci->certificate, NID_key_usage, "critical,digitalSignature");
    add_extension(leaf.certificate, ci->certificate, NID_ext_key_usage,
                  kind == SERVER_OTHER_USAGE ? "critical,clientAuth" : "critical,serverAuth,clientAuth");
    if (kind == SERVER_OTHER_ROLE)
        add_extension(leaf.certificate, ci->certificate, NID_certificate_policies,
                      "critical,2.23.146.1.2.1.4");
    else if (kind == SERVER_DS_ROLE)
        add_extension(leaf.certificate, ci->certificate, NID_certificate_policies,
                      "critical,2.23.146.1.2.1.6");
    else if (kind != SERVER_NO_ROLE)
        add_extension(leaf.certificate, ci->certificate, NID_certificate_policies, "2.23.146.1.2.1.3");
    sign_identity(&leaf, ci);
    return leaf;
}

static struct identity make_sub_ca(const struct identity *ci)
{
    struct identity ca = make_identity("Test sub-CA", "P-256", -DAY, 10 * DAY, ci);
    add_extension(ca.certificate, ci->certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(ca.certificate, ci->certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    sign_identity(&ca, ci);
    return ca;
}

static void put_pem(char *out, const X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    int n = BIO_read(bio, out, SERVER_PEM_MAX - 1);
    assert_true(n > 0 && n < SERVER_PEM_MAX - 1);
    out[n] = '\0';
    BIO_free(bio);
}

static void free_identity(struct identity *i)
{
    EVP_PKEY_free(i->key);
    X509_free(i->certificate);
}

static X509 *read_certificate(const char *path)
{
    BIO *bio = BIO_new_file(path, "rb");
    assert_non_null(bio);
    X509 *certificate = d2i_X509_bio(bio, NULL);
    BIO_free(bio);
    assert_non_null(certificate);
    return certificate;
}

static void tell_ci(struct server *s, X509 *ci)
{
    put_pem(s->ci_pem, ci);
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(ci);
    assert_int_equal(ASN1_STRING_length(id), SERVER_CI_PK_ID_SIZE);
    memcpy(s->ci_pk_id, ASN1_STRING_get0_data(id), SERVER_CI_PK_ID_SIZE);
}

// OpenSSL has brainpoolP256r1 for TLS 1.2 only, and only where it is asked for.
static void set_groups(SSL_CTX *context)
{
    static char groups[] = "P-256:brainpoolP256r1";
    assert_int_equal(SSL_CTX_set1_groups_list(context, groups), 1);
}

static SSL_CTX *make_context_of_files(struct server *s)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    X509 *ci = read_certificate(s->files->ci);
    X509 *leaf = read_certificate(s->files->certificate);
    tell_ci(s, ci);
    set_groups(context);
    assert_int_equal(SSL_CTX_use_certificate(context, leaf), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, s->files->key, SSL_FILETYPE_PEM), 1);
    X509_free(ci);
    X509_free(leaf);
    return context;
}

static SSL_CTX *make_context(enum server_certificate kind, struct server *s)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    struct identity trusted = make_ci("Test CI", curve_of(kind));
    struct identity other = make_ci("Other CI", curve_of(kind));
    struct identity sub_ca = make_sub_ca(&trusted);
    const struct identity *issuer = kind == SERVER_UNKNOWN_CI ? &other
                                    : kind == SERVER_SUB_CA   ? &sub_ca
                                                              : &trusted;
    struct identity leaf = make_leaf(kind, issuer);
    tell_ci(s, trusted.certificate);
    if (kind == SERVER_BRAINPOOL)
        set_groups(context);
    assert_int_equal(SSL_CTX_use_certificate(context, leaf.certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, leaf.key), 1);
    if (kind == SERVER_SUB_CA)
        assert_int_equal(SSL_CTX_add1_chain_cert(context, sub_ca.certificate), 1);
    if (kind == SERVER_OLD_TLS) {
        // OpenSSL counts SHA-1, which it signs with there, as secure at no higher level.
        SSL_CTX_set_security_level(context, 0);
        assert_int_equal(SSL_CTX_set_min_proto_version(context, TLS1_VERSION), 1);
        assert_int_equal(SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION), 1);
    }
    if (kind == SERVER_OTHER_SUITE) {
        assert_int_equal(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION), 1);
        assert_int_equal(SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES256-SHA384"), 1);
    }
    free_identity(&trusted);
    free_identity(&other);
    free_identity(&sub_ca);
    free_identity(&leaf);
    return context;
}

// --- the child ---

struct connection {
    SSL *ssl;
};

static bool give(struct connection *c, const char *data, size_t len)
{
    return len == 0 || SSL_write(c->ssl, data, (int)len) > 0;
}

// One request with its body, as Content-Length says; a GET has none. False at the end of the connection.
static bool read_request(struct connection *c, char out[SERVER_REQUEST_MAX])
{
    static char all[256 * 1024];
    size_t len = 0;
    for (;;) {
        int n = SSL_read(c->ssl, all + len, (int)(sizeof(all) - 1 - len));
        if (n <= 0)
            return false;
        len += (size_t)n;
        all[len] = '\0';
        const char *end = strstr(all, "\r\n\r\n");
        const char *length = strstr(all, "Content-Length: ");
        if (end != NULL && strncmp(all, "GET ", 4) == 0)
            break;
        if (end == NULL || length == NULL)
            continue;
        size_t body = strtoul(length + strlen("Content-Length: "), NULL, 10);
        if (len >= (size_t)(end + 4 - all) + body)
            break;
    }
    size_t kept = len < SERVER_REQUEST_MAX - 1 ? len : SERVER_REQUEST_MAX - 1;
    memcpy(out, all, kept);
    out[kept] = '\0';
    return true;
}

static void repeat(struct connection *c, const char *text, int pause_ms)
{
    while (give(c, text, strlen(text)))
        poll(NULL, 0, pause_ms);
}

// False when the connection is to be closed.
static bool act(struct connection *c, const struct server_step *step)
{
    static char letters[16384];
    if (step->act == SERVER_SILENT)
        return true;
    if (!give(c, step->text, strlen(step->text)))
        return false;
    memset(letters, 'x', sizeof(letters) - 1);
    if (step->act == SERVER_ENDLESS_BODY)
        repeat(c, letters, 0);
    if (step->act == SERVER_ENDLESS_HEADER)
        repeat(c, "X-More: of the same\r\n", 0);
    if (step->act == SERVER_DRIP)
        repeat(c, "x", 100);
    return step->act == SERVER_SEND;
}

// What a port for plain HTTP does with the first flight of a handshake.
static void serve_plain(int fd)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    char request[SERVER_REQUEST_MAX];
    if (recv(fd, request, sizeof(request), 0) > 0)
        send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
    close(fd);
}

static void serve_tls(int fd, SSL_CTX *context, struct server_seen *seen, const struct server_step *script,
                      size_t count)
{
    struct connection c = {.ssl = SSL_new(context)};
    SSL_set_fd(c.ssl, fd);
    if (SSL_accept(c.ssl) == 1)
        seen->handshakes++;
    while (SSL_is_init_finished(c.ssl)) {
        unsigned i = seen->requests;
        char request[SERVER_REQUEST_MAX];
        if (!read_request(&c, request))
            break;
        if (i < SERVER_REQUESTS_MAX)
            memcpy(seen->request[i], request, sizeof(request));
        seen->requests++;
        if (i >= count || !act(&c, &script[i]))
            break;
    }
    if (SSL_is_init_finished(c.ssl))
        SSL_shutdown(c.ssl);
    SSL_free(c.ssl);
    close(fd);
}

void server_start(struct server *s, enum server_certificate certificate, const struct server_step *script,
                  size_t count)
{
    SSL_CTX *context = certificate == SERVER_FILES ? make_context_of_files(s) : make_context(certificate, s);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    assert_int_equal(inet_pton(AF_INET, s->address != NULL ? s->address : "127.0.0.1", &address.sin_addr), 1);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    s->port = ntohs(address.sin_port);
    s->seen = mmap(NULL, sizeof(*s->seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(s->seen != MAP_FAILED);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            s->seen->accepted++;
            if (certificate == SERVER_NO_TLS)
                serve_plain(fd);
            else
                serve_tls(fd, context, s->seen, script, count);
        }
    }
    close(listener);
    SSL_CTX_free(context);
}

void server_stop(struct server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    munmap(s->seen, sizeof(*s->seen));
}
