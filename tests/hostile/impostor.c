// SPDX-License-Identifier: Apache-2.0
// In the place of lpad-netd or lpad-probed: what they do once somebody else has taken them over. It has their
// descriptors and no sandbox of its own. What it does is one word in the file `script` beside it; the process
// that it plays is its name.
#include "tests/hostile/impostor.h"

#include "lib/proc.h"
#include "proto/convert.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void impostor_need(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "impostor: %s\n", what);
    _exit(PROC_EXIT_FAILED);
}

void impostor_folder(char out[static IMPOSTOR_PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", out, IMPOSTOR_PATH_MAX - 1);
    impostor_need(len > 0, "its own path");
    out[len] = '\0';
    *strrchr(out, '/') = '\0';
}

void impostor_open(const struct link_end *end, struct link *ret_link)
{
    impostor_need(link_init(ret_link, PROC_FD_OWN, end) == ERR_OK, "the link");
}

void impostor_send_raw(const struct link *l, const char *bytes, size_t len)
{
    impostor_need(write(l->fd, bytes, len) == (ssize_t)len, "a frame");
}

int main(int argc, char **argv)
{
    char folder[IMPOSTOR_PATH_MAX], path[IMPOSTOR_PATH_MAX + 16], script[64] = "";
    impostor_need(argc > 0, "its name");
    impostor_folder(folder);
    snprintf(path, sizeof path, "%s/script", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    impostor_need(fd >= 0 && read(fd, script, sizeof script - 1) > 0, "its script");
    close(fd);
    if (strcmp(argv[0], "lpad-netd") == 0)
        impostor_netd(folder, script);
    else
        impostor_probed(script);
    return PROC_EXIT_OK;
}
