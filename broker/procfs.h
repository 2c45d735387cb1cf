// SPDX-License-Identifier: Apache-2.0
// What is really in force in a process, as /proc tells: not what the process says of itself.
#ifndef LPAD_BROKER_PROCFS_H
#define LPAD_BROKER_PROCFS_H

#include "lib/err.h"

#include "supervisor.pb-c.h"

#include <sys/types.h>

// Fills uid, gid, no_new_privs, seccomp_*, capabilities, dumpable, descriptors and rss_kib. ERR_CLOSED when
// there is no such process. `descriptors` is 0 where this process may not look (another uid's).
LPAD_NODISCARD enum err procfs_read(pid_t pid, Lpad__ProcessStatus *ret);

#endif
