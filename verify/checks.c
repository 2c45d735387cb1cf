// SPDX-License-Identifier: Apache-2.0
#include "verify/checks.h"

#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <stdlib.h>

// Signature checks use some 6 KiB of it; the rest is for what sanitizers add.
#define STACK (256u * 1024)

struct checks {
    pthread_mutex_t lock; // over all that follows, but for the ring's messages
    pthread_cond_t work, room;
    pthread_t threads[CHECKS_THREADS_MAX];
    unsigned running; // threads that have begun
    bool is_over;
    uint64_t given, taken, done; // how many so far; the one numbered n lies in ring[n % CHECKS_RING]
    uint64_t failed;             // the least number of those that do not hold; UINT64_MAX: all hold
    bool is_busy[CHECKS_RING];   // given, and not done
    struct check ring[CHECKS_RING];
};

bool check_holds(const struct check *check)
{
    return crypto_sign_verify_detached(check->sig, check->message, check->len, check->key) == 0;
}

// Under the lock, which is let go while the check runs.
static void check_next(struct checks *c)
{
    uint64_t number = c->taken++;
    pthread_mutex_unlock(&c->lock);
    bool holds = check_holds(&c->ring[number % CHECKS_RING]);
    pthread_mutex_lock(&c->lock);
    c->is_busy[number % CHECKS_RING] = false;
    c->done++;
    if (!holds && number < c->failed)
        c->failed = number;
    // The reader is woken when there is something to do for it, not for each place in the ring.
    if (!holds || c->given - c->done <= CHECKS_RING / 2)
        pthread_cond_signal(&c->room);
}

static void *run_thread(void *argument)
{
    struct checks *c = argument;
    pthread_mutex_lock(&c->lock);
    c->running++;
    pthread_cond_signal(&c->room);
    while (!c->is_over)
        if (c->taken == c->given)
            pthread_cond_wait(&c->work, &c->lock);
        else
            check_next(c);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static unsigned start_threads(struct checks *c, unsigned count)
{
    pthread_attr_t attributes;
    unsigned started = 0;
    if (pthread_attr_init(&attributes) != 0)
        return 0;
    if (pthread_attr_setstacksize(&attributes, STACK) == 0)
        while (started < count && started < CHECKS_THREADS_MAX &&
               pthread_create(&c->threads[started], &attributes, run_thread, c) == 0)
            started++;
    pthread_attr_destroy(&attributes);
    // What the C library does at a thread's start is done before a filter forbids it.
    pthread_mutex_lock(&c->lock);
    while (c->running < started)
        pthread_cond_wait(&c->room, &c->lock);
    pthread_mutex_unlock(&c->lock);
    return started;
}

struct checks *checks_start_threads(unsigned count)
{
    struct checks *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_cond_init(&c->room, NULL);
    c->failed = UINT64_MAX;
    if (start_threads(c, count) > 0)
        return c;
    checks_stop(c);
    return NULL;
}

struct checks *checks_start(void)
{
    cpu_set_t processors;
    if (sched_getaffinity(0, sizeof processors, &processors) != 0 || CPU_COUNT(&processors) < 2)
        return NULL;
    return checks_start_threads((unsigned)CPU_COUNT(&processors));
}

void checks_stop(struct checks *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    c->is_over = true;
    pthread_cond_broadcast(&c->work);
    pthread_mutex_unlock(&c->lock);
    for (unsigned i = 0; i < c->running; i++)
        pthread_join(c->threads[i], NULL);
    pthread_cond_destroy(&c->room);
    pthread_cond_destroy(&c->work);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

struct check *checks_room(struct checks *c)
{
    pthread_mutex_lock(&c->lock);
    size_t at = c->given % CHECKS_RING;
    while (c->failed == UINT64_MAX && c->is_busy[at])
        pthread_cond_wait(&c->room, &c->lock);
    bool is_settled = c->failed != UINT64_MAX;
    pthread_mutex_unlock(&c->lock);
    return is_settled ? NULL : &c->ring[at];
}

void checks_give(struct checks *c)
{
    pthread_mutex_lock(&c->lock);
    c->is_busy[c->given % CHECKS_RING] = true;
    c->given++;
    pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->lock);
}

const struct check *checks_settle(struct checks *c)
{
    pthread_mutex_lock(&c->lock);
    while (c->done < c->given)
        pthread_cond_wait(&c->room, &c->lock);
    uint64_t failed = c->failed;
    c->failed = UINT64_MAX;
    pthread_mutex_unlock(&c->lock);
    return failed == UINT64_MAX ? NULL : &c->ring[failed % CHECKS_RING];
}
