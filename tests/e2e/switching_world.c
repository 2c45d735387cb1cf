// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/switching_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const char card[] = "{\"profiles\":[{\"iccid\":\"" MAIN "\",\"name\":\"Main\",\"enabled\":true},"
                           "{\"iccid\":\"" BACKUP "\",\"name\":\"Backup\"}]}";

// --- servers ---

void server_listen(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
    socklen_t len = sizeof a;
    int on = 1;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->fd >= 0);
    assert_int_equal(setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(s->fd, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->fd, 1024), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
    s->port = ntohs(a.sin_port);
}

void server_go_down(struct server *s)
{
    assert_int_equal(close(s->fd), 0);
    s->fd = -1;
}

// --- the world ---

void setting_begin(struct setting *s, const char *rules, bool trial_listens)
{
    s->net = s->trial = (struct server){.fd = -1};
    server_listen(&s->net);
    server_listen(&s->trial);
    if (!trial_listens)
        server_go_down(&s->trial);
    snprintf(s->policy, sizeof s->policy,
             "version: 1\n"
             "roles: { admin: { users: [%u] } }\n"
             "permissions:\n"
             "  - { operations: [enable, disable, hold, reload], roles: [admin], profiles: any }\n"
             "%s"
             "caps: { enables_per_day: 1000 }\n"
             "profiles: { main: \"" MAIN "\", backup: \"" BACKUP "\" }\n"
             "probes:\n"
             "  net: { tcp: [\"127.0.0.1:%u\"], interval: 1s, failure_interval: 1s, timeout: 1s, up: 1, "
             "down: 1 }\n"
             "  try: { tcp: [\"127.0.0.1:%u\"], interval: 1s, failure_interval: 1s, timeout: 1s, up: 1, "
             "down: 1 }\n"
             "switching:\n%s",
             (unsigned)getuid(), s->permissions != NULL ? s->permissions : "", s->net.port, s->trial.port,
             rules);
    s->options.policy = s->policy;
    s->options.config_top = s->top;
    if (s->options.initial == NULL)
        s->options.initial = card;
    world_make(&s->w, &s->options);
    snprintf(s->top, sizeof s->top, "probes: { ports: [%u, %u] }\nrecording: { file: %s/trace }\n",
             s->net.port, s->trial.port, s->w.dir);
    world_start_euicc(&s->w);
    world_start_lpad(&s->w);
}

void setting_expect_replay(struct setting *s, const char *policy)
{
    char file[WORLD_PATH_MAX + 32], trace[WORLD_PATH_MAX + 32];
    snprintf(file, sizeof file, "%s/policy.yaml", s->w.dir);
    snprintf(trace, sizeof trace, "%s/trace", s->w.dir);
    world_write(&s->w, "policy.yaml", policy);
    struct run r = world_lpactl(&s->w, NULL, "policy", "test", file, trace, NULL);
    if (r.code != 0) {
        char *text = world_read(&s->w, "trace");
        fail_msg("the recording does not replay (%d): %s%s\n%s", r.code, r.out, r.err, text);
    }
    assert_lacks(r.err, "with another policy than this.");
    run_free(&r);
}

void setting_end(struct setting *s)
{
    assert_int_equal(world_stop_lpad(&s->w), 0);
    setting_expect_replay(s, s->policy);
    world_stop(&s->w);
    if (s->net.fd >= 0)
        close(s->net.fd);
    if (s->trial.fd >= 0)
        close(s->trial.fd);
}

void setting_wait_audit(struct setting *s, const char *type, unsigned times)
{
    char text[64];
    snprintf(text, sizeof text, "\"type\":\"%s\"", type);
    world_wait_for(&s->w, "audit.jsonl", text, times);
}

unsigned setting_count_audit(struct setting *s, const char *type)
{
    char text[64];
    snprintf(text, sizeof text, "\"type\":\"%s\"", type);
    return world_count(&s->w, "audit.jsonl", text);
}

char *setting_ask(struct setting *s, const char *a, const char *b)
{
    struct run r = world_lpactl(&s->w, NULL, "--json", a, b, NULL);
    if (r.code != 0)
        fail_msg("%s %s ended with %d: %s%s", a, b, r.code, r.out, r.err);
    char *out = r.out;
    free(r.err);
    return out;
}

void setting_expect_enabled(struct setting *s, const char *iccid)
{
    char *list = setting_ask(s, "profile", "list");
    unsigned enabled = 0;
    const char *here = strstr(list, iccid);
    for (const char *p = list; (p = strstr(p, "\"enabled\"")) != NULL; p++)
        enabled++;
    assert_non_null(here);
    const char *state = strstr(here, "\"state\":\"");
    assert_non_null(state);
    if (enabled != 1 || strncmp(state, "\"state\":\"enabled\"", 17) != 0)
        fail_msg("%s is not the one that is enabled: %s", iccid, list);
    free(list);
}

void setting_expect_done(struct setting *s, const char *a, const char *b)
{
    struct run r = world_lpactl(&s->w, NULL, "--json", a, b, NULL);
    if (r.code != 0)
        fail_msg("%s ended with %d: %s%s", a, r.code, r.out, r.err);
    run_free(&r);
}

unsigned setting_count_enables(struct setting *s)
{
    return world_count(&s->w, "apdu.log", "= ES10 BF31");
}
