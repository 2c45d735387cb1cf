// SPDX-License-Identifier: Apache-2.0
// A linked list: a test server has a handful of sessions.
#include "tests/sim/smdp/session.h"

#include <openssl/rand.h>
#include <stdlib.h>

static void session_free(struct session *session)
{
    X509_free(session->euicc_cert);
    free(session);
}

static void sessions_expire(struct session_table *table, time_t now)
{
    struct session **link = &table->first;

    while (*link != NULL) {
        struct session *session = *link;

        if (now - session->started > SESSION_LIFETIME_S) {
            *link = session->next;
            session_free(session);
        } else {
            link = &session->next;
        }
    }
}

struct session *session_new(struct session_table *table)
{
    struct session *session = calloc(1, sizeof(*session));

    if (session == NULL) {
        return NULL;
    }
    session->started = time(NULL);
    if (RAND_bytes(session->tid, sizeof(session->tid)) != 1 ||
        RAND_bytes(session->server_challenge, sizeof(session->server_challenge)) != 1) {
        free(session);
        return NULL;
    }
    sessions_expire(table, session->started);
    session->next = table->first;
    table->first = session;
    return session;
}

struct session *session_find(struct session_table *table, struct slice tid)
{
    sessions_expire(table, time(NULL));
    for (struct session *session = table->first; session != NULL; session = session->next) {
        if (slice_equal(session_tid(session), tid)) {
            return session;
        }
    }
    return NULL;
}

void session_end(struct session_table *table, struct session *session)
{
    struct session **link = &table->first;

    while (*link != NULL && *link != session) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = session->next;
        session_free(session);
    }
}

void session_table_clear(struct session_table *table)
{
    while (table->first != NULL) {
        session_end(table, table->first);
    }
}

struct slice session_tid(const struct session *session)
{
    return slice_of(session->tid, sizeof(session->tid));
}
