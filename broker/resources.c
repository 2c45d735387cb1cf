// SPDX-License-Identifier: Apache-2.0
// Opening what the other processes inherit.
#include "broker/resources.h"

#include "broker/audit_files.h"
#include "lib/log.h"
#include "lib/sealed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CI_PEM_MAX      49152 // as the settings' limit
#define CI_FILE_MAX     16384
#define POLICY_TEXT_MAX (256 * 1024)

static enum err complain(const char *path, const char *what)
{
    log_error("%s: %s: %s", path, what, strerror(errno));
    return ERR_IO;
}

static enum err make_directory(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return ERR_OK;
    return complain(path, "cannot make the directory");
}

static enum err make_parent(const char *path, mode_t mode)
{
    char copy[4096];
    if (strlen(path) >= sizeof copy)
        return ERR_LIMIT;
    memcpy(copy, path, strlen(path) + 1);
    return make_directory(dirname(copy), mode);
}

static enum err open_file(const char *directory, const char *name, int flags, mode_t mode, int *ret_fd)
{
    char path[4096];
    int n = name ? snprintf(path, sizeof path, "%s/%s", directory, name)
                 : snprintf(path, sizeof path, "%s", directory);
    if (n < 0 || (size_t)n >= sizeof path)
        return ERR_LIMIT;
    int fd = open(path, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode);
    if (fd < 0)
        return complain(path, "cannot open it");
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        log_error("%s: not a regular file", path);
        return ERR_INPUT;
    }
    *ret_fd = fd;
    return ERR_OK;
}

static enum err open_control(const struct config *c, const struct accounts *a, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(c->control.socket);
    if (len >= sizeof address.sun_path)
        return ERR_LIMIT;
    memcpy(address.sun_path, c->control.socket, len + 1);
    gid_t group = (gid_t)-1;
    if (c->control.group.text != NULL && c->control.group.is_number)
        group = c->control.group.number;
    if (c->control.group.text != NULL && !c->control.group.is_number) {
        const struct account *g = accounts_find_group(a, c->control.group.text);
        if (g == NULL) {
            log_error("line %u, column %u: there is no group \"%s\"; make it, or name another",
                      c->control.group.line, c->control.group.column, c->control.group.text);
            return ERR_INPUT;
        }
        group = g->id;
    }
    // The lock is held: a socket that lies there is a dead lpad's.
    struct stat st;
    if (lstat(c->control.socket, &st) == 0 && S_ISSOCK(st.st_mode) && unlink(c->control.socket) != 0)
        return complain(c->control.socket, "cannot remove the old socket");
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return complain(c->control.socket, "cannot make the socket");
    // Nobody gets in before mode and group are set.
    mode_t before = umask(0177);
    int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(before);
    if (bound != 0 || (group != (gid_t)-1 && chown(c->control.socket, (uid_t)-1, group) != 0) ||
        chmod(c->control.socket, c->control.mode) != 0 || listen(fd, 16) != 0) {
        close(fd);
        return complain(c->control.socket, "cannot open the control socket");
    }
    *ret_fd = fd;
    return ERR_OK;
}

static enum err open_netlink(const struct sockaddr_nl *address, int *ret_fd)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0)
        return complain("rtnetlink", "cannot make a socket (RestrictAddressFamilies= needs AF_NETLINK)");
    if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        enum err e = complain("rtnetlink", "cannot watch the kernel's routes");
        close(fd);
        return e;
    }
    *ret_fd = fd;
    return ERR_OK;
}

static enum err open_routes(int *ret_fd)
{
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                        .nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
    return open_netlink(&address, ret_fd);
}

static enum err open_recording(const struct config *c, struct resources *r)
{
    if (c->recording.file == NULL) {
        r->recording = open("/dev/null", O_WRONLY | O_CLOEXEC);
        return r->recording < 0 ? complain("/dev/null", "cannot open it") : ERR_OK;
    }
    LPAD_TRY(make_parent(c->recording.file, 0750));
    return open_file(c->recording.file, NULL, O_WRONLY | O_APPEND, 0640, &r->recording);
}

static void read_boot_id(struct resources *r)
{
    char *text;
    size_t len;
    if (resources_read_file("/proc/sys/kernel/random/boot_id", sizeof r->boot - 1, &text, &len) != ERR_OK)
        return;
    memcpy(r->boot, text, strcspn(text, "\n"));
    free(text);
}

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

// A machine without a journal is no error. The socket is the service manager's: a journal that is started
// anew goes on with it.
static enum err open_journal(int *ret_fd)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
        *ret_fd = fd;
        return ERR_OK;
    }
    if (fd >= 0)
        close(fd);
    *ret_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    return *ret_fd >= 0 ? ERR_OK : complain("/dev/null", "cannot open it");
}

static enum err open_all(const struct config *c, const struct accounts *a, struct resources *r)
{
    r->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (r->null < 0)
        return complain("/dev/null", "cannot open it");
    LPAD_TRY(make_parent(c->state, 0755));
    LPAD_TRY(make_directory(c->state, 0750));
    LPAD_TRY(open_file(c->state, "lock", O_RDWR, 0600, &r->lock));
    if (flock(r->lock, LOCK_EX | LOCK_NB) != 0) {
        log_error("%s: another lpad runs with this state directory; stop it first", c->state);
        return ERR_INPUT;
    }
    LPAD_TRY(open_file(c->state, "policy.state", O_RDWR, 0600, &r->policy_state));
    LPAD_TRY(open_file(c->state, "policy.last-good", O_RDWR, 0600, &r->policy_good));
    LPAD_TRY(open_file(c->state, "engine.state", O_RDWR, 0600, &r->engine_state));
    LPAD_TRY(open_recording(c, r));
    read_boot_id(r);
    LPAD_TRY(open_file(c->state, "notifications.0", O_RDWR, 0600, &r->archive[0]));
    LPAD_TRY(open_file(c->state, "notifications.1", O_RDWR, 0600, &r->archive[1]));
    LPAD_TRY(make_parent(c->audit.file, 0750));
    LPAD_TRY(audit_files_open(c->audit.file, &r->audit));
    LPAD_TRY(open_file(c->state, "audit.key", O_RDWR, 0600, &r->audit_key));
    LPAD_TRY(open_routes(&r->routes));
    LPAD_TRY(open_journal(&r->journal));
    LPAD_TRY(make_parent(c->control.socket, 0755));
    return open_control(c, a, &r->control);
}

enum err resources_open(const struct config *c, const struct accounts *a, struct resources *ret)
{
    struct resources r = {
        .null = -1,
        .lock = -1,
        .policy_state = -1,
        .policy_good = -1,
        .engine_state = -1,
        .recording = -1,
        .archive = {-1, -1},
        .audit = -1,
        .audit_key = -1,
        .control = -1,
        .routes = -1,
        .journal = -1
    };
    enum err e = open_all(c, a, &r);
    if (e != ERR_OK) {
        resources_close(&r, NULL);
        return e;
    }
    *ret = r;
    return ERR_OK;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void resources_close(struct resources *r, const struct config *c)
{
    if (c != NULL && r->control >= 0 && unlink(c->control.socket) != 0 && errno != ENOENT)
        log_error("%s: cannot remove the control socket: %s", c->control.socket, strerror(errno));
    close_one(&r->control);
    close_one(&r->journal);
    close_one(&r->routes);
    close_one(&r->audit_key);
    close_one(&r->audit);
    close_one(&r->archive[1]);
    close_one(&r->archive[0]);
    close_one(&r->recording);
    close_one(&r->engine_state);
    close_one(&r->policy_good);
    close_one(&r->policy_state);
    close_one(&r->lock);
    close_one(&r->null);
}

enum err resources_reopen_audit(const struct config *c, struct resources *r)
{
    int fd;
    LPAD_TRY(audit_files_open(c->audit.file, &fd));
    close_one(&r->audit);
    r->audit = fd;
    return ERR_OK;
}

enum err resources_read_file(const char *path, size_t max, char **ret_text, size_t *ret_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return ERR_IO;
    struct stat st;
    char *text = malloc(max + 1);
    size_t len = 0;
    enum err e = text == NULL ? ERR_MEMORY : fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ? ERR_INPUT : ERR_OK;
    while (e == ERR_OK && len <= max) {
        ssize_t n = read(fd, text + len, max + 1 - len);
        if (n < 0)
            e = ERR_IO;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    if (e == ERR_OK && len > max)
        e = ERR_LIMIT;
    int error = errno;
    close(fd);
    errno = error;
    if (e != ERR_OK) {
        free(text);
        return e;
    }
    text[len] = 0;
    *ret_text = text;
    *ret_len = len;
    return ERR_OK;
}

// Appends one certificate file; DER becomes PEM.
static enum err add_certificate(const char *path, struct buf *pem)
{
    char *data;
    size_t len;
    enum err e = resources_read_file(path, CI_FILE_MAX, &data, &len);
    if (e == ERR_IO)
        return complain(path, "cannot read the CI certificate");
    if (e != ERR_OK) {
        log_error("%s: not a CI certificate: %s", path, err_words(e));
        return e;
    }
    if (memmem(data, len, "-----BEGIN CERTIFICATE-----", 27) != NULL) {
        buf_put(pem, data, len);
        buf_put_text(pem, "\n");
    } else if (len > 2 && (uint8_t)data[0] == 0x30) {
        char base64[CI_FILE_MAX * 4 / 3 + 8];
        sodium_bin2base64(base64, sizeof base64, (const uint8_t *)data, len, sodium_base64_VARIANT_ORIGINAL);
        buf_put_text(pem, "-----BEGIN CERTIFICATE-----\n");
        for (size_t i = 0; i < strlen(base64); i += 64)
            buf_printf(pem, "%.64s\n", base64 + i);
        buf_put_text(pem, "-----END CERTIFICATE-----\n");
    } else {
        log_error("%s: neither a PEM nor a DER certificate", path);
        e = ERR_INPUT;
    }
    free(data);
    return e;
}

static enum err add_directory(const char *path, DIR *dir, struct buf *pem)
{
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char file[4096];
        if (entry->d_name[0] == '.')
            continue;
        int n = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof file)
            return ERR_LIMIT;
        LPAD_TRY(add_certificate(file, pem));
    }
    return ERR_OK;
}

enum err resources_read_ci(const struct config *c, char **ret_pem, size_t *ret_len)
{
    char *data = malloc(CI_PEM_MAX);
    if (data == NULL)
        return ERR_MEMORY;
    struct buf pem = buf_make(data, CI_PEM_MAX);
    enum err e = ERR_OK;
    for (size_t i = 0; i < c->network.ci_certificate_count && e == ERR_OK; i++) {
        const char *path = c->network.ci_certificates[i];
        DIR *dir = opendir(path);
        e = dir ? add_directory(path, dir, &pem) : add_certificate(path, &pem);
        if (dir != NULL)
            closedir(dir);
    }
    struct bytes v = {0};
    if (e == ERR_OK && (e = buf_finish(&pem, &v)) != ERR_OK)
        log_error("the CI certificates are larger than %d bytes together", CI_PEM_MAX);
    if (e != ERR_OK) {
        free(data);
        return e;
    }
    *ret_pem = data;
    *ret_len = v.len;
    return ERR_OK;
}

enum err resources_read_policy(const struct config *c, int *ret_fd, size_t *ret_size)
{
    char *text;
    size_t len;
    enum err read = resources_read_file(c->policy, POLICY_TEXT_MAX, &text, &len);
    if (read == ERR_LIMIT)
        errno = EFBIG;
    LPAD_TRY(read);
    // An empty file is one blank: sealed memory of no size cannot be mapped.
    enum err e = sealed_make("lpad-policy", len > 0 ? bytes_make(text, len) : bytes_from_text("\n"), ret_fd);
    free(text);
    if (e == ERR_OK)
        *ret_size = len > 0 ? len : 1;
    return e;
}

enum err resources_connect_card(const struct config *c, int *ret_fd)
{
    // cardd connects to pcscd by itself; the descriptor's place is kept.
    if (strcmp(c->card.transport, "pcsc") == 0) {
        *ret_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        return *ret_fd < 0 ? ERR_IO : ERR_OK;
    }
    int fd = socket(c->card.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_IO;
    if (connect(fd, &c->card.address.any, c->card.address_len) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return ERR_IO;
    }
    *ret_fd = fd;
    return ERR_OK;
}

enum err resources_open_probe_ca(const struct config *c, int *ret_fd)
{
    int fd = open(c->probes.ca_certificates, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && errno == ENOENT) {
        log_error("%s: there are no CA certificates: https probes fail", c->probes.ca_certificates);
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0)
        return complain(c->probes.ca_certificates, "cannot open the CA certificates");
    *ret_fd = fd;
    return ERR_OK;
}

enum err resources_open_links(int *ret_fd)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    address.nl_groups =
        RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
    return open_netlink(&address, ret_fd);
}
