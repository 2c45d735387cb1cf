// SPDX-License-Identifier: Apache-2.0
// Landlock: files beneath named paths, TCP ports, scopes.
#include "lib/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule       445
#define __NR_landlock_restrict_self  446
#endif

#define CREATE_RULESET_VERSION (1u << 0)
#define RULE_PATH_BENEATH      1
#define RULE_NET_PORT          2

#define FS_EXECUTE                 (1ull << 0)
#define FS_WRITE_FILE              (1ull << 1)
#define FS_READ_FILE               (1ull << 2)
#define FS_READ_DIR                (1ull << 3)
#define FS_REMOVE_DIR              (1ull << 4)
#define FS_REMOVE_FILE             (1ull << 5)
#define FS_MAKE_ALL                (0x7full << 6) // char, dir, reg, sock, fifo, block, sym
#define FS_REFER                   (1ull << 13)   // ABI 2
#define FS_TRUNCATE                (1ull << 14)   // ABI 3
#define FS_IOCTL_DEV               (1ull << 15)   // ABI 5
#define FS_ABI_1                   ((1ull << 13) - 1)
#define FS_OF_A_FILE               (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define NET_BIND_TCP               (1ull << 0) // ABI 4
#define NET_CONNECT_TCP            (1ull << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ull << 0) // ABI 6
#define SCOPE_SIGNAL               (1ull << 1)

struct ruleset_attr {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};
struct path_beneath_attr {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));
struct net_port_attr {
    uint64_t allowed_access;
    uint64_t port;
};

static uint64_t handled_files(unsigned abi)
{
    uint64_t access = FS_ABI_1;
    if (abi >= 2)
        access |= FS_REFER;
    if (abi >= 3)
        access |= FS_TRUNCATE;
    if (abi >= 5)
        access |= FS_IOCTL_DEV;
    return access;
}

static uint64_t path_access(unsigned access)
{
    uint64_t rights = 0;
    if (access & SANDBOX_READ)
        rights |= FS_READ_FILE | FS_READ_DIR;
    if (access & SANDBOX_WRITE)
        rights |= FS_WRITE_FILE | FS_REMOVE_FILE | FS_MAKE_ALL | FS_TRUNCATE;
    if (access & SANDBOX_EXECUTE)
        rights |= FS_EXECUTE | FS_READ_FILE;
    return rights;
}

static enum err add_path(int ruleset, const struct sandbox_path *path, uint64_t handled)
{
    int fd = open(path->path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_OK : ERR_IO_SANDBOX; // what is not there needs no permission
    struct stat st;
    struct path_beneath_attr attr = {.allowed_access = path_access(path->access) & handled, .parent_fd = fd};
    enum err e = ERR_IO_SANDBOX;
    if (fstat(fd, &st) == 0) {
        if (!S_ISDIR(st.st_mode))
            attr.allowed_access &= FS_OF_A_FILE;
        if (syscall(__NR_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0) == 0)
            e = ERR_OK;
    }
    close(fd);
    return e;
}

static enum err add_rules(int ruleset, const struct sandbox_spec *spec, const struct ruleset_attr *attr)
{
    for (size_t i = 0; i < spec->path_count; i++)
        LPAD_TRY(add_path(ruleset, &spec->paths[i], attr->handled_access_fs));
    if (attr->handled_access_net == 0)
        return ERR_OK;
    for (size_t i = 0; i < spec->port_count; i++) {
        struct net_port_attr port = {.allowed_access = NET_CONNECT_TCP, .port = spec->ports[i]};
        if (syscall(__NR_landlock_add_rule, ruleset, RULE_NET_PORT, &port, 0) != 0)
            return ERR_IO_SANDBOX;
    }
    return ERR_OK;
}

enum err landlock_enter(const struct sandbox_spec *spec, unsigned *ret_abi)
{
    long abi = syscall(__NR_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
    if (abi <= 0) {
        *ret_abi = 0;
        return abi < 0 && errno != ENOSYS && errno != EOPNOTSUPP ? ERR_IO_SANDBOX : ERR_OK;
    }
    struct ruleset_attr attr = {.handled_access_fs = handled_files((unsigned)abi)};
    size_t size = sizeof attr.handled_access_fs;
    if (abi >= 4) {
        attr.handled_access_net = spec->filter_tcp ? NET_BIND_TCP | NET_CONNECT_TCP : 0;
        size += sizeof attr.handled_access_net;
    }
    if (abi >= 6) {
        attr.scoped = spec->scope ? SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL : 0;
        size += sizeof attr.scoped;
    }
    int ruleset = (int)syscall(__NR_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0)
        return ERR_IO_SANDBOX;
    enum err e = add_rules(ruleset, spec, &attr);
    if (e == ERR_OK && syscall(__NR_landlock_restrict_self, ruleset, 0) != 0)
        e = ERR_IO_SANDBOX;
    close(ruleset);
    if (e == ERR_OK)
        *ret_abi = (unsigned)abi;
    return e;
}
