// SPDX-License-Identifier: Apache-2.0
// What the supervisor opens for the others: files, the control socket, the card's transport, trust anchors.
#ifndef LPAD_BROKER_RESOURCES_H
#define LPAD_BROKER_RESOURCES_H

#include "broker/accounts.h"
#include "broker/config.h"

// Open for the supervisor's life; handed to each process as it starts.
struct resources {
    int null;
    int lock;         // one lpad per state directory
    int policy_state; // policyd's two files
    int policy_good;
    int engine_state;
    int recording;  // of the switching engine; /dev/null when nothing is recorded
    int archive[2]; // the broker's notification archive
    int audit;
    int audit_key; // the key of the audit's next epoch
    int control;   // the listening socket
    int routes;    // a socket on which the kernel tells of new routes
    int journal;   // a socket of systemd's journal, or /dev/null
    char boot[64]; // the kernel's boot id, empty: not known
};

// Makes missing directories and files (0750, 0640). Errors are logged with path, reason and what to do.
LPAD_NODISCARD enum err resources_open(const struct config *c, const struct accounts *a,
                                       struct resources *ret);
void resources_close(struct resources *r, const struct config *c);

// The broker died, maybe while the audit was being rotated: the file that it goes on in.
LPAD_NODISCARD enum err resources_reopen_audit(const struct config *c, struct resources *r);

// The CI certificates of all configured files and folders, as PEM. `*ret` is malloc'ed.
LPAD_NODISCARD enum err resources_read_ci(const struct config *c, char **ret_pem, size_t *ret_len);
// The policy's text as a sealed memfd. ERR_IO with errno when the file cannot be read, ERR_LIMIT when it is
// too large.
LPAD_NODISCARD enum err resources_read_policy(const struct config *c, int *ret_fd, size_t *ret_size);
// The CA certificates of https probes, read-only; /dev/null when the file is not there. ERR_IO with errno.
LPAD_NODISCARD enum err resources_open_probe_ca(const struct config *c, int *ret_fd);
// A socket of rtnetlink, to ask about interfaces and to be told of changes. ERR_IO with errno.
LPAD_NODISCARD enum err resources_open_links(int *ret_fd);
// A connection to the card, or /dev/null where cardd makes it by itself. ERR_IO with errno.
LPAD_NODISCARD enum err resources_connect_card(const struct config *c, int *ret_fd);
// A whole file of at most `max` bytes; malloc'ed, with a terminating zero that is not counted.
LPAD_NODISCARD enum err resources_read_file(const char *path, size_t max, char **ret_text, size_t *ret_len);

#endif
