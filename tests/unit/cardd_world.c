// SPDX-License-Identifier: Apache-2.0
// The world of the tests of lpad-cardd as a program.
#include "tests/unit/cardd_world.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char world_initial[] =
    "{\"rootDsAddress\": \"smds.example.com\", \"defaultDpAddress\": \"smdp.example.com\", \"profiles\": ["
    "{\"iccid\": \"" ICCID_ALPHA
    "\", \"enabled\": true, \"name\": \"Alpha\", \"serviceProvider\": \"Example\","
    " \"notifications\": [{\"events\": [\"enable\", \"disable\", \"delete\"], \"address\": "
    "\"smdp.example.com\"}]},"
    "{\"iccid\": \"" ICCID_BETA
    "\", \"name\": \"Beta\", \"serviceProvider\": \"Example\", \"nickname\": \"b\"},"
    "{\"iccid\": \"89490099999999990044\", \"name\": \"Delta\", \"serviceProvider\": \"Example\"}]}";

const char world_with_icons[] =
    "{\"rootDsAddress\": \"smds.example.com\", \"profiles\": ["
    "{\"iccid\": \"" ICCID_ALPHA "\", \"enabled\": true, \"name\": \"Fleet 2026\", "
    "\"serviceProvider\": \"Example\", \"owner\": {\"mccMnc\": \"62F210\"}, \"iconType\": \"png\", "
    "\"icon\": \"89504E470D0A1A0A\"},"
    "{\"iccid\": \"" ICCID_BETA "\", \"name\": \"Fleet Backup\", \"serviceProvider\": \"Example\", "
    "\"owner\": {\"mccMnc\": \"62F210\"}, \"iconType\": \"jpg\", \"icon\": \"FFD8FFE0\"},"
    "{\"iccid\": \"89490099999999990044\", \"name\": \"Delta\", \"serviceProvider\": \"Example\", "
    "\"owner\": {\"mccMnc\": \"62F210\"}, \"class\": \"test\", \"fieldLoaded\": true}]}";

struct cardd_world world;

// --- setting up ---

static int remove_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int world_set_up(void **state)
{
    (void)state;
    const char *temporary = getenv("TMPDIR");
    snprintf(world.base, sizeof world.base, "%s/cardd-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(world.base) == NULL)
        return -1;
    snprintf(world.credentials, sizeof world.credentials, "%s/pki", world.base);
    pid_t pid = fork();
    if (pid == 0) {
        execl(world.sim_pki, "sim-pki", "--out", world.credentials, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return -1;
    server_init(&world.server, world.credentials, CRED_NIST);
    return 0;
}

int world_tear_down(void **state)
{
    (void)state;
    server_free(&world.server);
    return nftw(world.base, remove_file, 16, FTW_DEPTH | FTW_PHYS);
}

int world_clean(void **state)
{
    (void)state;
    struct cardd_rig *r = &world.rig;
    if (r->pid > 0) {
        kill(r->pid, SIGKILL);
        (void)cardd_rig_wait(r);
    }
    if (link_is_open(&r->broker))
        link_close(&r->broker);
    if (link_is_open(&r->policyd))
        link_close(&r->policyd);
    if (r->card.pid > 0)
        rig_kill(&r->card);
    r->card.pid = 0;
    return 0;
}

struct cardd_rig *world_start_card(const char *card, const char *option, const char *value,
                                   const struct cardd_options *options)
{
    static char path[512];
    struct cardd_rig *r = &world.rig;
    *r = (struct cardd_rig){.program = world.lpad_cardd, .broker = LINK_NONE, .policyd = LINK_NONE};
    rig_init(&r->card, world.sim_euicc, world.base, world.credentials);
    rig_file_write(&r->card, "initial.json", card);
    snprintf(path, sizeof path, "%s/initial.json", r->card.dir);
    const char *arguments[] = {"--initial", path, option, value, NULL};
    cardd_rig_start(r, arguments, options);
    return r;
}

struct cardd_rig *world_start_with(const char *option, const char *value, const struct cardd_options *options)
{
    return world_start_card(world_initial, option, value, options);
}

struct cardd_rig *world_start(void)
{
    return world_start_with(NULL, NULL, NULL);
}

void assert_failure(const Lpad__CarddToBroker *answer, enum err error)
{
    assert_non_null(answer);
    assert_int_equal(answer->body_case, LPAD__CARDD_TO_BROKER__BODY_FAILURE);
    assert_int_equal(answer->failure->error, error);
}

const Lpad__Profile *find_profile(size_t count, Lpad__Profile *const *profiles, const char *iccid)
{
    uint8_t value[16];
    size_t len;
    assert_int_equal(hex_decode(iccid, strlen(iccid), value, sizeof value, &len), ERR_OK);
    for (size_t i = 0; i < count; i++)
        if (profiles[i]->iccid.len == len && memcmp(profiles[i]->iccid.data, value, len) == 0)
            return profiles[i];
    return NULL;
}

bool is_enabled(struct cardd_rig *r, const char *iccid)
{
    const Lpad__CarddToBroker *answer = cardd_list(r);
    ASSERT_BODY(answer, PROFILES);
    const Lpad__Profile *p = find_profile(answer->profiles->n_profiles, answer->profiles->profiles, iccid);
    return p != NULL && p->state == LPAD__PROFILE_STATE__PROFILE_ENABLED;
}

void open_session(struct cardd_rig *r)
{
    ASSERT_BODY(cardd_challenge(r, &world.server), CHALLENGE);
    ASSERT_BODY(cardd_authenticate(r, &world.server, NULL), AUTHENTICATE_SERVER);
}

void open_and_prepare(struct cardd_rig *r)
{
    open_session(r);
    ASSERT_BODY(cardd_prepare(r, &world.server, NULL), PREPARE_DOWNLOAD);
}

void stage_gamma(struct cardd_rig *r, size_t size, struct package *package)
{
    server_package(&world.server, ICCID_GAMMA, size, package);
    ASSERT_BODY(cardd_stage(r, tlvb_get(&package->bytes)), STAGED);
}

int world_take(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s LPAD-CARDD SIM-EUICC SIM-PKI\n", argv[0]);
        return 2;
    }
    world.lpad_cardd = argv[1];
    world.sim_euicc = argv[2];
    world.sim_pki = argv[3];
    return 0;
}
