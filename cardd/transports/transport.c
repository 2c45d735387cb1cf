// SPDX-License-Identifier: Apache-2.0
// The table of transports.
#include "cardd/transports/transport.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const struct transport_ops *const transports[] = {
    &transport_sim,
    &transport_pcsc,
};

const struct transport_ops *transport_row(size_t i)
{
    return i < sizeof transports / sizeof transports[0] ? transports[i] : NULL;
}

enum err transport_open(const char *name, int fd, struct transport *ret_transport)
{
    for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
        if (strcmp(transports[i]->name, name) != 0)
            continue;
        *ret_transport = (struct transport){.ops = transports[i], .fd = fd};
        return ERR_OK;
    }
    return ERR_INPUT;
}

static bool is_null_device(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

enum err transport_prepare(struct transport *t, const struct transport_options *options)
{
    if (is_null_device(t->fd) != (t->ops->prepare != NULL))
        return ERR_INPUT;
    if (t->ops->prepare == NULL)
        return ERR_OK;
    close(t->fd);
    t->fd = -1;
    return t->ops->prepare(t, options);
}

enum err transport_transmit(struct transport *t, struct bytes command, int timeout_ms, uint8_t *ret_response,
                            size_t *ret_len)
{
    if (t->broken)
        return ERR_CARD_GONE;
    LPAD_ASSERT(command.len >= 4 && command.len <= TRANSPORT_COMMAND_MAX);
    return t->ops->transmit(t, command, timeout_ms, ret_response, ret_len);
}

enum err transport_reset(struct transport *t)
{
    return t->broken ? ERR_CARD_GONE : t->ops->reset(t);
}

void transport_close(struct transport *t)
{
    if (t->ops != NULL)
        t->ops->close(t);
    *t = (struct transport){.fd = -1, .broken = true};
}
