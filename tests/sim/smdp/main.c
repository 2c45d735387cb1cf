// SPDX-License-Identifier: Apache-2.0
// sim-smdp: a simulated SM-DP+ speaking ES9+ over TLS, or an SM-DS speaking ES11.
#include "tests/sim/smdp/server.h"
#include "tests/sim/smdp/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct options {
    struct server_config server;
    const char *port_file;
    long ready_fd;
};

enum option_id {
    OPT_CREDENTIALS = 1,
    OPT_CURVE,
    OPT_TLS_CURVE,
    OPT_ADDRESS,
    OPT_ORDERS,
    OPT_ROLE,
    OPT_EVENTS,
    OPT_LISTEN,
    OPT_PORT_FILE,
    OPT_LOG,
    OPT_FAULTS,
    OPT_LATENCY,
    OPT_IDLE,
    OPT_READY_FD,
    OPT_TLS_MIN,
    OPT_TLS_MAX,
    OPT_NO_TICKETS,
    OPT_CC_HEX,
    OPT_LAX_NAMES,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"credentials", required_argument, NULL, OPT_CREDENTIALS},
    {"curve",       required_argument, NULL, OPT_CURVE      },
    {"tls-curve",   required_argument, NULL, OPT_TLS_CURVE  },
    {"address",     required_argument, NULL, OPT_ADDRESS    },
    {"orders",      required_argument, NULL, OPT_ORDERS     },
    {"role",        required_argument, NULL, OPT_ROLE       },
    {"events",      required_argument, NULL, OPT_EVENTS     },
    {"listen",      required_argument, NULL, OPT_LISTEN     },
    {"port-file",   required_argument, NULL, OPT_PORT_FILE  },
    {"log",         required_argument, NULL, OPT_LOG        },
    {"faults",      required_argument, NULL, OPT_FAULTS     },
    {"latency-ms",  required_argument, NULL, OPT_LATENCY    },
    {"idle-s",      required_argument, NULL, OPT_IDLE       },
    {"ready-fd",    required_argument, NULL, OPT_READY_FD   },
    {"tls-min",     required_argument, NULL, OPT_TLS_MIN    },
    {"tls-max",     required_argument, NULL, OPT_TLS_MAX    },
    {"no-tickets",  no_argument,       NULL, OPT_NO_TICKETS },
    {"cc-hex",      no_argument,       NULL, OPT_CC_HEX     },
    {"lax-names",   no_argument,       NULL, OPT_LAX_NAMES  },
    {"help",        no_argument,       NULL, OPT_HELP       },
    {NULL,          0,                 NULL, 0              },
};

static void usage(FILE *to)
{
    fputs("Usage: sim-smdp --credentials DIR --orders DIR [--address NAME] [--listen ADDRESS:PORT]\n"
          "       sim-smdp --role smds --credentials DIR --events DIR ...\n"
          "  --role smdp|smds       SM-DP+ (default) or SM-DS\n"
          "  --events DIR           the SM-DS's events\n"
          "  --address NAME         own FQDN (smdp.example.com, smds.example.com)\n"
          "  --curve nist|brp       use this curve alone (both)\n"
          "  --tls-curve nist|brp   whose TLS certificate (nist when there)\n"
          "  --listen ADDRESS:PORT  (127.0.0.1:0)\n"
          "  --port-file FILE       the port goes there once listening\n"
          "  --ready-fd N           and there, followed by a line end\n"
          "  --log FILE             one JSON line per handshake and request\n"
          "  --faults FILE          faults on demand, read again when it changes\n"
          "  --latency-ms N         before each response\n"
          "  --idle-s N             close connections idle for so long (120)\n"
          "  --tls-min 1.1|1.2|1.3, --tls-max 1.1|1.2|1.3, --no-tickets\n"
          "  --cc-hex               take confirmation codes for hexadecimal digits\n"
          "  --lax-names            do not hold eUICCs to their EUM's name constraints\n",
          to);
}

static bool number_read(const char *text, long max, long *ret_number)
{
    char *end = NULL;
    long value = 0;

    errno = 0;
    value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 0 || value > max) {
        return false;
    }
    *ret_number = value;
    return true;
}

static bool curve_read(const char *text, enum cred_curve *ret_curve)
{
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        if (strcmp(text, cred_curve_text(curve)) == 0) {
            *ret_curve = curve;
            return true;
        }
    }
    return false;
}

static bool role_read(const char *text, enum smdp_role *ret_role)
{
    *ret_role = strcmp(text, "smds") == 0 ? SMDP_ROLE_SMDS : SMDP_ROLE_SMDP;
    return *ret_role == SMDP_ROLE_SMDS || strcmp(text, "smdp") == 0;
}

static bool tls_read(const char *text, int *ret_version)
{
    static const struct {
        const char *name;
        int version;
    } names[] = {
        {"1.1", TLS1_1_VERSION},
        {"1.2", TLS1_2_VERSION},
        {"1.3", TLS1_3_VERSION}
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i].name) == 0) {
            *ret_version = names[i].version;
            return true;
        }
    }
    return false;
}

static bool listen_read(const char *text, struct server_config *config)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    long port = 0;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host) || !number_read(colon + 1, 65535, &port)) {
        return false;
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    config->listen_port = (uint16_t)port;
    return inet_pton(AF_INET, host, &config->listen_address) == 1;
}

static bool option_take(struct options *o, int id, const char *value)
{
    struct server_config *server = &o->server;

    switch ((enum option_id)id) {
    case OPT_CREDENTIALS: server->smdp.credentials = value; return true;
    case OPT_CURVE: return curve_read(value, &server->smdp.curve);
    case OPT_TLS_CURVE: return curve_read(value, &server->tls_curve);
    case OPT_ADDRESS: server->smdp.address = value; return true;
    case OPT_ORDERS: server->smdp.orders = value; return true;
    case OPT_ROLE: return role_read(value, &server->smdp.role);
    case OPT_EVENTS: server->smdp.events = value; return true;
    case OPT_LISTEN: return listen_read(value, server);
    case OPT_PORT_FILE: o->port_file = value; return true;
    case OPT_LOG: server->log = value; return true;
    case OPT_FAULTS: server->faults = value; return true;
    case OPT_LATENCY: return number_read(value, 600000, &server->latency_ms);
    case OPT_IDLE: return number_read(value, 86400, &server->idle_s);
    case OPT_READY_FD: return number_read(value, 1023, &o->ready_fd);
    case OPT_TLS_MIN: return tls_read(value, &server->tls_min);
    case OPT_TLS_MAX: return tls_read(value, &server->tls_max);
    case OPT_NO_TICKETS: server->tickets = false; return true;
    case OPT_CC_HEX: server->smdp.cc_is_hex = true; return true;
    case OPT_LAX_NAMES: server->smdp.lax_names = true; return true;
    case OPT_HELP: usage(stdout); exit(0);
    }
    return false;
}

static bool folder_given(const struct smdp_config *config)
{
    return (config->role == SMDP_ROLE_SMDS ? config->events : config->orders) != NULL;
}

static bool options_read(int argc, char **argv, struct options *o)
{
    int id = 0;

    while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (!option_take(o, id, optarg)) {
            return false;
        }
    }
    if (o->server.smdp.address == NULL) {
        o->server.smdp.address =
            o->server.smdp.role == SMDP_ROLE_SMDS ? "smds.example.com" : "smdp.example.com";
    }
    return o->server.smdp.credentials != NULL && folder_given(&o->server.smdp) && optind == argc;
}

static bool readiness_tell(const struct options *o, const struct server *server)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%u\n", (unsigned)server_port(server));

    if (o->port_file != NULL && !file_replace(o->port_file, text, (size_t)len)) {
        fprintf(stderr, "sim-smdp: %s: %s\n", o->port_file, strerror(errno));
        return false;
    }
    if (o->ready_fd >= 0) {
        bool told = write((int)o->ready_fd, text, (size_t)len) == len;

        close((int)o->ready_fd);
        return told;
    }
    return true;
}

// The signals that end the server become readable on a descriptor; a vanished peer is no signal at all.
static int signals_open(void)
{
    sigset_t ends;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    if (sigprocmask(SIG_BLOCK, &ends, NULL) != 0) {
        return -1;
    }
    return signalfd(-1, &ends, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
    struct options o = {
        .ready_fd = -1,
        .server = {.smdp = {.curve = CRED_CURVE_MAX},
                   .tls_curve = CRED_CURVE_MAX,
                   .tls_min = TLS1_2_VERSION,
                   .tickets = true,
                   .idle_s = 120,
                   .listen_address = {htonl(INADDR_LOOPBACK)}},
    };
    struct server *server = NULL;
    int stop_fd = -1;
    bool ready = false;

    if (!options_read(argc, argv, &o)) {
        usage(stderr);
        return 2;
    }
    stop_fd = signals_open();
    server = stop_fd >= 0 ? server_open(&o.server) : NULL;
    ready = server != NULL && readiness_tell(&o, server);
    if (ready) {
        server_run(server, stop_fd);
    }
    server_close(server);
    return ready ? 0 : 1;
}
