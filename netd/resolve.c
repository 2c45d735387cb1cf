// SPDX-License-Identifier: Apache-2.0
// The one wait of this process for a name server.
#include "netd/resolve.h"

#include <time.h>

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum err resolve_name(struct resolver *r, const char *name, int timeout_ms, struct address_list *ret_list,
                      struct fault *f)
{
    struct resolve_answer answer;
    int64_t deadline = now_ms() + timeout_ms;
    resolver_ask(r, name, &answer);
    while (!answer.done) {
        int64_t left = deadline - now_ms();
        if (left <= 0) {
            resolver_cancel(r);
            return fault_set(f, ERR_REMOTE_TIMEOUT,
                             "the name %s was not resolved within %d ms; check the name servers", name,
                             timeout_ms);
        }
        resolver_wait(r, left);
    }
    if (answer.error == ERR_REMOTE_TIMEOUT)
        return fault_set(f, ERR_REMOTE_TIMEOUT,
                         "no name server answered for %s; check the network and resolv.conf", name);
    if (answer.error != ERR_OK)
        return fault_set(f, ERR_REMOTE_CONNECT,
                         "the name %s cannot be resolved (%s); check the address and the name servers", name,
                         answer.words);
    if (answer.list.count == 0)
        return fault_set(f, ERR_REMOTE_CONNECT, "the name %s has no address", name);
    *ret_list = answer.list;
    return ERR_OK;
}
