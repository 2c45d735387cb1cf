// SPDX-License-Identifier: Apache-2.0
// Counts in the card's APDU log and the server's log.
#include "bench/traffic.h"

#include "bench/spawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 8192
#define INS_MANAGE   "70"
#define INS_SELECT   "A4"
#define INS_TERMINAL "AA"
#define INS_RESPONSE "C0"

static long size_of(const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    fclose(f);
    return size;
}

struct traffic_mark traffic_mark(const char *apdu_log, const char *http_log)
{
    return (struct traffic_mark){.apdu = size_of(apdu_log), .http = size_of(http_log)};
}

static FILE *open_at(const char *path, long offset)
{
    FILE *f = fopen(path, "re");
    if (f != NULL && fseek(f, offset, SEEK_SET) != 0)
        die("%s cannot be read", path);
    return f;
}

static unsigned octets(const char *hex)
{
    unsigned digits = 0;
    for (; *hex != 0 && *hex != '\n'; hex++)
        digits += *hex != ' ';
    return digits / 2;
}

static struct apdu_count *class_of(struct traffic *t, const char *command)
{
    const char *ins = command + 2;
    if (strncmp(ins, INS_MANAGE, 2) == 0)
        return strncmp(ins + 2, "80", 2) == 0 ? &t->close : &t->set_up;
    if (strncmp(ins, INS_SELECT, 2) == 0 || strncmp(ins, INS_TERMINAL, 2) == 0)
        return &t->set_up;
    return &t->channel;
}

static unsigned *function_slot(struct traffic *t, const char *name, size_t len)
{
    for (size_t i = 0; i < t->function_count; i++)
        if (strlen(t->function[i].name) == len && strncmp(t->function[i].name, name, len) == 0)
            return &t->function[i].apdus;
    if (t->function_count == FUNCTIONS_MAX)
        die("more than %d ES10 functions in the log", FUNCTIONS_MAX);
    snprintf(t->function[t->function_count].name, sizeof t->function[0].name, "%.*s", (int)len, name);
    return &t->function[t->function_count++].apdus;
}

// Lines: "N > command", "N = ES10 TAG Name ...", "N < answer"; others have no number.
static void read_apdus(FILE *f, struct traffic *t)
{
    static char line[LINE_MAX_LEN];
    struct apdu_count *at = NULL;
    unsigned *function = NULL;
    unsigned partial = 0; // APDUs of a command that is not complete yet
    while (fgets(line, sizeof line, f) != NULL) {
        char *kind, *text;
        strtoul(line, &kind, 10);
        if (kind == line || kind[0] != ' ' || kind[1] == 0 || kind[2] != ' ')
            continue;
        text = kind + 3;
        if (kind[1] == '>') {
            at = class_of(t, text);
            at->apdus++;
            at->bytes_out += octets(text);
            if (at != &t->channel)
                continue;
            if (strncmp(text + 2, INS_RESPONSE, 2) == 0 && function != NULL)
                ++*function;
            else
                partial++;
        } else if (kind[1] == '=' && strncmp(text, "ES10 ", 5) == 0 && strlen(text) > 10) {
            function = function_slot(t, text + 10, strcspn(text + 10, " \n"));
            *function += partial;
            partial = 0;
        } else if (kind[1] == '<' && at != NULL)
            at->bytes_in += octets(text);
    }
}

static unsigned number_after(const char *line, const char *key)
{
    const char *at = strstr(line, key);
    return at == NULL ? 0 : (unsigned)strtoul(at + strlen(key), NULL, 10);
}

static void read_requests(FILE *f, struct traffic *t)
{
    static char line[LINE_MAX_LEN];
    while (fgets(line, sizeof line, f) != NULL) {
        t->handshakes += strstr(line, "\"event\":\"tls\"") != NULL;
        if (strstr(line, "\"event\":\"request\"") == NULL)
            continue;
        t->requests++;
        t->http_bytes_up += number_after(line, "\"bytesIn\":");
        t->http_bytes_down += number_after(line, "\"bytesOut\":");
    }
}

void traffic_since(const struct traffic_mark *mark, const char *apdu_log, const char *http_log,
                   struct traffic *ret_traffic)
{
    struct traffic t = {0};
    FILE *f = open_at(apdu_log, mark->apdu);
    if (f != NULL) {
        read_apdus(f, &t);
        fclose(f);
    }
    f = open_at(http_log, mark->http);
    if (f != NULL) {
        read_requests(f, &t);
        fclose(f);
    }
    *ret_traffic = t;
}

unsigned traffic_function(const struct traffic *traffic, const char *name)
{
    for (size_t i = 0; i < traffic->function_count; i++)
        if (strcmp(traffic->function[i].name, name) == 0)
            return traffic->function[i].apdus;
    return 0;
}
