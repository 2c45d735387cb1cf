// SPDX-License-Identifier: Apache-2.0
// Fuzz target: whatever comes over the netlink socket, the reader makes progress and the watched interfaces
// stay in a state that makes sense.
#include "fuzz/fuzz.h"

#include "probed/links.h"

#define PORT 7

static void check_fact(const struct netlink_fact *fact)
{
    FUZZ_CHECK(fact->kind < NETLINK_KIND_MAX && fact->way_count <= NETLINK_WAYS_MAX && fact->error >= 0);
    FUZZ_CHECK(memchr(fact->name, '\0', sizeof fact->name) != NULL);
    for (size_t i = 0; i < fact->way_count; i++)
        FUZZ_CHECK(fact->ways[i] > 0);
    if (fact->kind == NETLINK_LINK || fact->kind == NETLINK_LINK_GONE)
        FUZZ_CHECK(fact->index > 0 && fact->name[0] != '\0');
    if (fact->kind == NETLINK_OCTETS)
        FUZZ_CHECK(fact->has_octets);
}

static void check_links(const struct links *l)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct watched_link *w = &l->link[i];
        FUZZ_CHECK(w->index >= 0);
        // Of an interface that is not there nothing is said.
        FUZZ_CHECK(w->index != 0 || (!w->now.carrier && !w->now.address && !w->now.route && !w->has_base));
    }
}

// What is asked is itself a message that ends where it says.
static void check_requests(void)
{
    for (int question = NETLINK_ASK_LINKS; question < NETLINK_QUESTION_MAX; question++) {
        uint8_t request[NETLINK_REQUEST_MAX];
        struct netlink_fact fact;
        struct bytes view =
            bytes_make(request, netlink_put_request((enum netlink_question)question, 9, 3, request));
        FUZZ_CHECK(netlink_read(&view, &fact) == ERR_OK && view.len == 0 && fact.sequence == 9);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct links links = {.fd = -1, .port = PORT, .count = 3};
    const char *const names[] = {"lo", "wan0", "wan1"};
    struct bytes view = bytes_make(data, size);
    struct netlink_fact fact;
    check_requests();
    for (size_t i = 0; i < links.count; i++) {
        memcpy(links.link[i].name, names[i], strlen(names[i]));
        links.link[i].data = true;
    }
    for (uint32_t turn = 0; view.len > 0; turn++) {
        struct bytes before = view;
        // Each message once as it is, and now and then as part of a dump of ours.
        if (links.dump == 0 && turn % 2 == 0) {
            links.dumping = (enum netlink_question)(turn / 2 % NETLINK_ASK_OCTETS);
            links.dump = 1;
        }
        if (netlink_read(&view, &fact) != ERR_OK) {
            FUZZ_CHECK(view.data == before.data && view.len == before.len);
            return 0;
        }
        FUZZ_CHECK(view.len < before.len);
        check_fact(&fact);
        links_apply(&links, &fact);
        check_links(&links);
        fact.port = PORT;
        fact.sequence = links.dump;
        links_apply(&links, &fact);
        check_links(&links);
    }
    return 0;
}
