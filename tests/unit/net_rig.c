// SPDX-License-Identifier: Apache-2.0
// Namespaces and cables.
#include "tests/unit/net_rig.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX       24
#define ETHERNET_HEADER 14

void net_rig_run(const char *command)
{
    static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    static char *const environment[] = {path, NULL};
    char text[256];
    char *argv[WORDS_MAX + 1] = {NULL};
    char *rest = text;
    size_t count = 0;
    int status = 0;
    pid_t pid;
    snprintf(text, sizeof text, "%s", command);
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (word[0] != '\0' && count < WORDS_MAX)
            argv[count++] = word;
    assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, argv, environment), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        fail_msg("%s: status %d", command, status);
}

void net_rig_enter(int name_space)
{
    assert_int_equal(setns(name_space, CLONE_NEWNET), 0);
}

void net_rig_run_far(const struct net_rig *n, const char *command)
{
    net_rig_enter(n->far);
    net_rig_run(command);
    net_rig_enter(n->near);
}

void net_rig_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

// This process alone sees another /etc/resolv.conf.
static int make_names(void)
{
    static const char text[] = "nameserver 10.77.0.1\n";
    char path[] = "/tmp/lpad-names-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), (ssize_t)(sizeof text - 1));
    assert_int_equal(fchmod(fd, 0644), 0);
    assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    assert_int_equal(mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL), 0);
    return fd;
}

static int make_namespace(void)
{
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    net_rig_run("ip link set lo up");
    return fd;
}

static void make_cable(const struct net_rig *n, int number)
{
    char command[128];
    snprintf(command, sizeof command, "ip link add wan%d type veth peer name peer%d", number, number);
    net_rig_run(command);
    snprintf(command, sizeof command, "ip link set peer%d netns /proc/%d/fd/%d", number, (int)getpid(),
             n->far);
    net_rig_run(command);
    snprintf(command, sizeof command, "ip address add 10.%d.0.2/24 dev wan%d", 77 + number, number);
    net_rig_run(command);
    snprintf(command, sizeof command, "ip link set wan%d up", number);
    net_rig_run(command);
    snprintf(command, sizeof command, "ip address add 10.%d.0.1/24 dev peer%d", 77 + number, number);
    net_rig_run_far(n, command);
    snprintf(command, sizeof command, "ip link set peer%d up", number);
    net_rig_run_far(n, command);
    snprintf(command, sizeof command, "ip route add default via 10.%d.0.1 dev wan%d metric %d", 77 + number,
             number, 10 + number);
    net_rig_run(command);
}

bool net_rig_make(struct net_rig *n)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 || unshare(CLONE_NEWNET) != 0) {
        print_message("skipped: network namespaces need root\n");
        return false;
    }
    n->names = make_names();
    n->far = make_namespace();
    net_rig_run("ip address add 10.99.0.1/32 dev lo");
    n->near = make_namespace();
    make_cable(n, 0);
    make_cable(n, 1);
    net_rig_run("ip address add fd77::2/64 dev wan0 nodad");
    net_rig_run_far(n, "ip address add fd77::1/64 dev peer0 nodad");
    return true;
}

void net_rig_free(struct net_rig *n)
{
    char path[64], name[128];
    snprintf(path, sizeof path, "/proc/self/fd/%d", n->names);
    ssize_t len = readlink(path, name, sizeof name - 1);
    assert_true(len > 0);
    name[len] = '\0';
    assert_true(unlink(name) == 0 || errno == ENOENT);
    close(n->names);
    close(n->near);
    close(n->far);
}

void net_rig_drop(const struct net_rig *n, const char *interface)
{
    char command[160];
    net_rig_run_far(n, "nft add table inet rig");
    net_rig_run_far(n, "nft add chain inet rig arriving { type filter hook input priority 0 ; }");
    snprintf(command, sizeof command, "nft add rule inet rig arriving iifname %s drop", interface);
    net_rig_run_far(n, command);
}

void net_rig_drop_no_more(const struct net_rig *n)
{
    net_rig_run_far(n, "nft delete table inet rig");
}

unsigned long long net_rig_octets(const char *interface)
{
    char line[512], name[32];
    unsigned long long in = 0, in_packets = 0, out = 0, out_packets = 0;
    bool found = false;
    FILE *f = fopen("/proc/self/net/dev", "re");
    assert_non_null(f);
    while (!found && fgets(line, sizeof line, f) != NULL)
        found = sscanf(line, " %31[^:]: %llu %llu %*u %*u %*u %*u %*u %*u %llu %llu", name, &in, &in_packets,
                       &out, &out_packets) == 5 &&
                strcmp(name, interface) == 0;
    fclose(f);
    assert_true(found);
    return in + out - ETHERNET_HEADER * (in_packets + out_packets);
}
