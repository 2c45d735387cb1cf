// SPDX-License-Identifier: Apache-2.0
// lpad, the supervisor: reads its configuration, opens what the others inherit, drops what it need not keep,
// and runs.
#include "broker/supervisor.h"

#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "Usage: lpad [--config FILE] [--libexec DIR] [--check]\n"
    "\n"
    "The eSIM Local Profile Assistant. Runs in the foreground; SIGTERM stops it, SIGHUP has the\n"
    "policy file read again.\n"
    "\n"
    "  --config FILE   the configuration (" LPAD_CONFIG ")\n"
    "  --libexec DIR   where lpad-broker, lpad-netd, lpad-cardd and lpad-policyd lie\n"
    "                  (" LPAD_LIBEXECDIR ")\n"
    "  --check         read the configuration, say whether it is good, and end\n"
    "  --version       print the version\n"
    "  --help          print this\n";

struct options {
    const char *config;
    const char *libexec;
    bool check;
};

static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"config",  required_argument, NULL, 'c'},
        {"libexec", required_argument, NULL, 'l'},
        {"check",   no_argument,       NULL, 'k'},
        {"version", no_argument,       NULL, 'v'},
        {"help",    no_argument,       NULL, 'h'},
        {NULL,      0,                 NULL, 0  }
    };
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) >= 0) {
        switch (option) {
        case 'c': o->config = optarg; break;
        case 'l': o->libexec = optarg; break;
        case 'k': o->check = true; break;
        case 'v': puts("lpad " LPAD_VERSION); return 0;
        case 'h': fputs(usage, stdout); return 0;
        default: fputs(usage, stderr); return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "lpad: %s: an argument that is not understood\n\n%s", argv[optind], usage);
        return 2;
    }
    return -1;
}

// Descriptors 0 to 2 must be taken, or a file of ours would land there and be written to as the log.
static enum err fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0)
        return ERR_IO;
    close(fd);
    return ERR_OK;
}

static struct config *read_config(const char *path)
{
    char *text, words[1024];
    size_t len;
    struct config *config = NULL;
    struct yaml_error error;
    enum err e = resources_read_file(path, YAML_TEXT_MAX, &text, &len);
    if (e != ERR_OK) {
        log_error("%s: cannot read the configuration: %s", path,
                  e == ERR_IO ? strerror(errno) : err_words(e));
        return NULL;
    }
    e = config_read(bytes_make(text, len), &config, &error);
    free(text);
    if (e == ERR_INPUT)
        log_error("%s: %s", path, yaml_error_text(&error, words, sizeof words));
    else if (e != ERR_OK)
        log_error("%s: %s", path, err_words(e));
    return e == ERR_OK ? config : NULL;
}

static bool user_exists(const struct accounts *a, const struct config_id *id)
{
    if (id->is_number || accounts_find_user(a, id->text) != NULL)
        return true;
    log_error("line %u, column %u: there is no user \"%s\"; make it, or give a number", id->line, id->column,
              id->text);
    return false;
}

// Own identities go with privilege: having one without the other is a mistake worth a stop.
static enum err check_identities(struct supervisor *s)
{
    const struct config *c = s->config;
    bool privileged = privilege_read().separate;
    if (privileged && !c->users.given) {
        log_error("lpad is started with privilege, but the configuration has no `users:`; give each process "
                  "its own");
        return ERR_INPUT;
    }
    if (!privileged && c->users.given) {
        log_error(
            "the configuration has `users:`, but lpad may not change identities; start it as root or with "
            "CAP_SETUID, CAP_SETGID and CAP_KILL, or take `users:` out");
        return ERR_INPUT;
    }
    s->separate = privileged;
    if (privileged &&
        !(user_exists(s->accounts, &c->users.broker) && user_exists(s->accounts, &c->users.netd) &&
          user_exists(s->accounts, &c->users.cardd) && user_exists(s->accounts, &c->users.policyd) &&
          user_exists(s->accounts, &c->users.probed)))
        return ERR_INPUT;
    return ERR_OK;
}

static int run(struct supervisor *s)
{
    enum err e = check_identities(s);
    if (e == ERR_OK)
        e = resources_read_ci(s->config, &s->ci_pem, &s->ci_pem_len);
    if (e != ERR_OK)
        return 1;
    if (resources_open(s->config, s->accounts, &s->resources) != ERR_OK)
        return 1;
    e = privilege_reduce();
    if (e != ERR_OK)
        log_error("cannot drop capabilities: %s", strerror(errno));
    int code = e == ERR_OK ? supervisor_run(s) : 1;
    resources_close(&s->resources, s->config);
    return code;
}

int main(int argc, char **argv)
{
    struct options options = {.config = LPAD_CONFIG, .libexec = LPAD_LIBEXECDIR};
    int code = parse_options(argc, argv, &options);
    if (code >= 0)
        return code;
    log_open("lpad");
    struct config *config = read_config(options.config);
    if (config == NULL)
        return 2;
    if (options.check) {
        printf("%s: good\n", options.config);
        config_free(config);
        return 0;
    }
    struct accounts *accounts = NULL;
    static struct supervisor s; // too large for the stack
    if (sodium_init() < 0 || fill_standard_descriptors() != ERR_OK || accounts_read(&accounts) != ERR_OK) {
        log_error("cannot start: %s", strerror(errno));
        config_free(config);
        return 1;
    }
    s.config = config;
    s.accounts = accounts;
    s.libexec = options.libexec;
    code = run(&s);
    free(s.ci_pem);
    accounts_free(accounts);
    config_free(config);
    return code;
}
