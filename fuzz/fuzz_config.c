// SPDX-License-Identifier: Apache-2.0
// Fuzz target: a configuration is read within its bounds, or refused with a place and a reason.
#include "fuzz/fuzz.h"

#include "broker/config.h"

static void check_config(const struct config *c)
{
    FUZZ_CHECK(c->network.port_count >= 1 && c->network.port_count <= CONFIG_PORTS_MAX);
    FUZZ_CHECK(c->network.host_count <= CONFIG_HOSTS_MAX &&
               c->network.ci_certificate_count <= 2 * CONFIG_PATHS_MAX);
    FUZZ_CHECK(!c->network.test_trust || c->network.ci_certificate_count > 0);
    for (size_t i = 0; i < c->network.host_count; i++)
        FUZZ_CHECK(c->network.hosts[i].name[0] != '\0' && c->network.hosts[i].address[0] != '\0');
    FUZZ_CHECK(c->card.block_size >= 1 && c->card.block_size <= 255);
    FUZZ_CHECK(c->card.isdr_aid_len >= 5 && c->card.isdr_aid_len <= CONFIG_AID_MAX);
    FUZZ_CHECK(c->card.terminal_capability_len <= CONFIG_TERMINAL_MAX);
    FUZZ_CHECK(c->card.more_isdr_aid_count <= CONFIG_AIDS_MAX);
    for (size_t i = 0; i < c->card.more_isdr_aid_count; i++)
        FUZZ_CHECK(c->card.more_isdr_aids[i].len >= 5 && c->card.more_isdr_aids[i].len <= CONFIG_AID_MAX);
    bool has_address = c->card.address_len > 0;
    FUZZ_CHECK(has_address == (strcmp(c->card.transport, "sim") == 0) &&
               c->card.address_len <= sizeof c->card.address);
    FUZZ_CHECK(has_address ? c->card.reader == NULL && !c->card.shared
                           : c->card.reader == NULL || c->card.reader[0] != '\0');
    FUZZ_CHECK(c->notifications.retry_ms >= 100 &&
               c->notifications.retry_max_ms >= c->notifications.retry_ms);
    FUZZ_CHECK(strlen(c->control.socket) < sizeof c->card.address.un.sun_path);
    FUZZ_CHECK(c->policy[0] == '/' && c->state[0] == '/' && c->audit.file[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct yaml_error error = {0};
    enum err e = config_read(bytes_make(data, size), &config, &error);
    if (e == ERR_OK) {
        check_config(config);
        config_free(config);
        return 0;
    }
    FUZZ_CHECK(config == NULL && e == ERR_INPUT && error.line >= 1 && error.column >= 1);
    FUZZ_CHECK(strncmp(error.message, "the text cannot", 15) != 0);
    return 0;
}
