// SPDX-License-Identifier: Apache-2.0
// sim-euicc: options, and what they start.
#include "tests/sim/euicc/server.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { WHY_SIZE = 512, USAGE = 2 };

struct options {
    const char *credentials;
    const char *state;
    const char *initial;
    const char *eid;
    const char *log;
    struct card_config card;
    struct server server;
};

static const char STANDARD_AID[] = "A0000005591010FFFFFFFF8900000100";

static const char HELP[] =
    "usage: sim-euicc --credentials DIR --state FILE (--listen ADDRESS | --connect ADDRESS) [option...]\n"
    "A simulated eUICC behind a socket with vpcd framing. ADDRESS is unix:PATH or tcp:127.0.0.1:PORT.\n"
    "  --credentials DIR   nist/ and brp/ with ci, eum and euicc certificates and keys\n"
    "  --state FILE        non-volatile memory, made when it is not there\n"
    "  --initial FILE      what a new state begins with\n"
    "  --eid EID           has to be the certificate's\n"
    "  --aid HEX           of the ISD-R, in place of the standard one; may be given several times\n"
    "  --answer 61|data    responses through 61xx and GET RESPONSE (default), or at once\n"
    "  --refresh keep|channel-loss  what a refresh does to logical channels (default: keep)\n"
    "  --apdu-log FILE     every APDU, appended\n"
    "  --faults FILE       faults to show\n"
    "  --latency-ms N      wait before every answer\n"
    "  --ready-fd N        gets a newline once the socket is open\n";

enum option_code {
    OPT_CREDENTIALS = 256,
    OPT_STATE,
    OPT_INITIAL,
    OPT_EID,
    OPT_AID,
    OPT_LISTEN,
    OPT_CONNECT,
    OPT_ANSWER,
    OPT_REFRESH,
    OPT_LOG,
    OPT_FAULTS,
    OPT_LATENCY,
    OPT_READY,
    OPT_HELP,
};

static bool number_parse(const char *text, long max, long *ret_number)
{
    char *end = NULL;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < 0 || number > max) {
        return false;
    }
    *ret_number = number;
    return true;
}

// One of two words.
static bool word_parse(const char *text, const char *no, const char *yes, bool *ret_yes)
{
    *ret_yes = strcmp(text, yes) == 0;
    return *ret_yes || strcmp(text, no) == 0;
}

static bool aid_parse(const char *text, struct card_config *config)
{
    size_t len = 0;
    if (config->aids_count == AIDS_MAX) {
        return false;
    }
    bool done =
        OPENSSL_hexstr2buf_ex(config->aids[config->aids_count].bytes, AID_SIZE, &len, text, '\0') == 1 &&
        len >= 5;
    config->aids[config->aids_count++].len = len;
    return done;
}

static bool option_take(struct options *options, int code, const char *value)
{
    long number = 0;
    switch (code) {
    case OPT_CREDENTIALS: options->credentials = value; return true;
    case OPT_STATE: options->state = value; return true;
    case OPT_INITIAL: options->initial = value; return true;
    case OPT_EID: options->eid = value; return true;
    case OPT_AID: return aid_parse(value, &options->card);
    case OPT_LISTEN:
    case OPT_CONNECT:
        options->server.connect = code == OPT_CONNECT;
        options->server.address = value;
        return true;
    case OPT_ANSWER: return word_parse(value, "61", "data", &options->card.answer_data);
    case OPT_REFRESH: return word_parse(value, "keep", "channel-loss", &options->card.refresh_channel_loss);
    case OPT_LOG: options->log = value; return true;
    case OPT_FAULTS: options->server.faults.path = value; return true;
    case OPT_LATENCY:
        if (!number_parse(value, 600000, &number)) {
            return false;
        }
        options->server.latency_ms = (uint32_t)number;
        return true;
    case OPT_READY:
        if (!number_parse(value, 65535, &number)) {
            return false;
        }
        options->server.ready = (int)number;
        return true;
    default: return false;
    }
}

static bool options_parse(int argc, char **argv, struct options *options)
{
    static const struct option longs[] = {
        {"credentials", required_argument, NULL, OPT_CREDENTIALS},
        {"state",       required_argument, NULL, OPT_STATE      },
        {"initial",     required_argument, NULL, OPT_INITIAL    },
        {"eid",         required_argument, NULL, OPT_EID        },
        {"aid",         required_argument, NULL, OPT_AID        },
        {"listen",      required_argument, NULL, OPT_LISTEN     },
        {"connect",     required_argument, NULL, OPT_CONNECT    },
        {"answer",      required_argument, NULL, OPT_ANSWER     },
        {"refresh",     required_argument, NULL, OPT_REFRESH    },
        {"apdu-log",    required_argument, NULL, OPT_LOG        },
        {"faults",      required_argument, NULL, OPT_FAULTS     },
        {"latency-ms",  required_argument, NULL, OPT_LATENCY    },
        {"ready-fd",    required_argument, NULL, OPT_READY      },
        {"help",        no_argument,       NULL, OPT_HELP       },
        {NULL,          0,                 NULL, 0              },
    };
    int code = 0;
    while ((code = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (code == OPT_HELP) {
            fputs(HELP, stdout);
            exit(EXIT_SUCCESS);
        }
        if (!option_take(options, code, optarg)) {
            fprintf(stderr, "sim-euicc: option %s\n%s", optind > 1 ? argv[optind - 1] : "", HELP);
            return false;
        }
    }
    if (optind != argc || options->credentials == NULL || options->state == NULL ||
        options->server.address == NULL) {
        fputs(HELP, stderr);
        return false;
    }
    return true;
}

// The state's own file, else what a new card begins with.
static bool state_open(const struct options *options, char *ret_why, size_t why_size, struct state *ret_state)
{
    if (access(options->state, F_OK) == 0) {
        return state_load(options->state, ret_why, why_size, ret_state);
    }
    if (options->initial != NULL) {
        return state_load(options->initial, ret_why, why_size, ret_state);
    }
    state_init(ret_state);
    return true;
}

static bool card_open(const struct options *options, struct card *ret_card)
{
    char why[WHY_SIZE] = "";
    struct cred_store creds = {0};
    struct state *state = calloc(1, sizeof *state);
    bool done = state != NULL && cred_store_load(options->credentials, why, sizeof why, &creds) &&
                state_open(options, why, sizeof why, state) &&
                card_init(ret_card, &options->card, &creds, state, options->state, why, sizeof why);
    if (!done) {
        fprintf(stderr, "sim-euicc: %s\n", why);
        cred_store_free(&creds);
        if (state != NULL) {
            state_free(state);
        }
    }
    free(state);
    return done;
}

static bool eid_is(const struct card *card, const char *eid)
{
    char own[2 * EID_SIZE + 1];
    return OPENSSL_buf2hexstr_ex(own, sizeof own, NULL, card->eid, EID_SIZE, '\0') == 1 &&
           strcmp(own, eid) == 0;
}

static int signals_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    return sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? signalfd(-1, &set, SFD_CLOEXEC) : -1;
}

static bool card_serve(struct options *options, struct card *card)
{
    char why[WHY_SIZE];
    struct server *server = &options->server;
    if (options->eid != NULL && !eid_is(card, options->eid)) {
        fprintf(stderr, "sim-euicc: --eid %s is not the certificate's\n", options->eid);
        return false;
    }
    server->card = card;
    server->signals = signals_open();
    if (options->log != NULL) {
        server->log = open(options->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    if (server->signals < 0 || (options->log != NULL && server->log < 0)) {
        fprintf(stderr, "sim-euicc: %s: %s\n", server->signals < 0 ? "signals" : options->log,
                strerror(errno));
        return false;
    }
    if (!faults_refresh(&server->faults, true, why, sizeof why)) {
        fprintf(stderr, "sim-euicc: %s\n", why);
        return false;
    }
    bool done = server_run(server);
    faults_free(&server->faults);
    return done;
}

int main(int argc, char **argv)
{
    struct options options = {
        .server = {.log = -1, .ready = -1}
    };
    if (!options_parse(argc, argv, &options) ||
        (options.card.aids_count == 0 && !aid_parse(STANDARD_AID, &options.card))) {
        return USAGE;
    }
    struct card *card = calloc(1, sizeof *card);
    if (card == NULL || !card_open(&options, card)) {
        free(card);
        return EXIT_FAILURE;
    }
    bool done = card_serve(&options, card);
    card_free(card);
    free(card);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
