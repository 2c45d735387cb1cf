// SPDX-License-Identifier: Apache-2.0
// The skeleton's first and last steps before a process serves.
#include "lib/proc.h"

#include "lib/log.h"
#include "lib/sealed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTINGS_MAX (256u * 1024)

static _Noreturn void refuse(const char *what, const char *name)
{
    log_error("%s: %s; this program is started by lpad alone", what, name);
    _exit(PROC_EXIT_CONTRACT);
}

static bool is_socket(int fd, int type, bool listening)
{
    int value = 0;
    socklen_t len = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len) != 0 || value != type)
        return false;
    len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && (value != 0) == listening;
}

static bool is_netlink(int fd)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &len) == 0 && value == AF_NETLINK;
}

static bool has_type(int fd, enum proc_descriptor_type type)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    switch (type) {
    case PROC_FD_LINK: return is_socket(fd, SOCK_SEQPACKET, false);
    case PROC_FD_LISTEN: return is_socket(fd, SOCK_SEQPACKET, true);
    case PROC_FD_FILE: return S_ISREG(st.st_mode);
    case PROC_FD_MAYBE: return S_ISREG(st.st_mode) || S_ISCHR(st.st_mode);
    case PROC_FD_STREAM: return S_ISCHR(st.st_mode) || is_socket(fd, SOCK_STREAM, false);
    case PROC_FD_ROUTES: return is_netlink(fd);
    case PROC_FD_JOURNAL: return S_ISCHR(st.st_mode) || is_socket(fd, SOCK_DGRAM, false);
    case PROC_FD_TYPE_MAX: break;
    }
    return false;
}

// Every open descriptor must be one of the contract's: one too many would be a hole in the sandbox.
static void check_no_others(const struct proc_spec *spec)
{
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        refuse("cannot see the open descriptors", "/proc/self/fd");
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char *end;
        long fd = strtol(entry->d_name, &end, 10);
        if (end == entry->d_name || fd == dirfd(dir))
            continue;
        if (fd >= PROC_FD_OWN + (long)spec->own_count)
            refuse("a descriptor too many", entry->d_name);
    }
    closedir(dir);
}

static void tie_to_parent(int signal_number)
{
    pid_t parent = getppid();
    if (signal_number == 0)
        return;
    if (prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0)
        refuse("cannot ask for a death signal", strerror(errno));
    // The parent may have died between the two calls: its signal would never come.
    if (getppid() != parent)
        _exit(PROC_EXIT_OK);
}

void proc_begin(const struct proc_spec *spec)
{
    log_open(spec->name);
    for (size_t i = 0; i < spec->own_count; i++)
        if (!has_type(PROC_FD_OWN + (int)i, spec->own[i].type))
            refuse("a descriptor is missing or of the wrong kind", spec->own[i].name);
    check_no_others(spec);
    // What is started by a process must not be able to inherit them, though nothing is.
    for (int fd = PROC_FD_SETTINGS; fd < PROC_FD_OWN + (int)spec->own_count; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            refuse("a descriptor is missing", "settings");
    // A closed link and a log that may not grow are errors, not ends.
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        refuse("cannot ignore SIGPIPE and SIGXFSZ", strerror(errno));
    tie_to_parent(spec->death_signal);
    if (sandbox_build_note != NULL)
        log_info("%s", sandbox_build_note);
}

struct bytes proc_read_settings(void)
{
    struct bytes settings;
    enum err e = sealed_map(PROC_FD_SETTINGS, SETTINGS_MAX, &settings);
    if (e != ERR_OK)
        refuse("the settings cannot be read", err_words(e));
    close(PROC_FD_SETTINGS);
    return settings;
}

void proc_enter_sandbox(const struct sandbox_spec *spec, bool required, struct sandbox_report *ret_report)
{
    enum err e = sandbox_enter(spec, required, ret_report);
    if (e != ERR_OK) {
        log_error(
            "%s (%s); with `sandbox: best-effort` in the configuration lpad runs with what this kernel has",
            err_words(e), strerror(errno));
        _exit(PROC_EXIT_SANDBOX);
    }
}
