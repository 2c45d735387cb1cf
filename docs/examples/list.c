// SPDX-License-Identifier: Apache-2.0
// A whole client of lpad: prints the profiles on the card, one on each line.
#include "client/lpad_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Ten octets, two digits each with the nibbles swapped, filled up with F.
static void print_iccid(ProtobufCBinaryData iccid)
{
    for (size_t i = 0; i < iccid.len * 2; i++) {
        unsigned digit = i % 2 == 0 ? iccid.data[i / 2] & 15u : iccid.data[i / 2] >> 4;
        if (digit < 10)
            printf("%u", digit);
    }
}

static int print_profiles(const Lpad__ProfilesReply *reply)
{
    for (size_t i = 0; i < reply->n_profiles; i++) {
        const Lpad__Profile *p = reply->profiles[i];
        print_iccid(p->iccid);
        printf(" %s\n", p->state == LPAD__PROFILE_STATE__PROFILE_ENABLED ? "enabled" : "disabled");
    }
    return EXIT_SUCCESS;
}

int main(void)
{
    const char *path = getenv("LPAD_SOCKET");
    struct lpad_client *client = NULL;
    int code = EXIT_FAILURE;
    if (lpad_client_open(path != NULL ? path : LPAD_CLIENT_SOCKET_DEFAULT, 10000, &client) != ERR_OK) {
        fprintf(stderr, "lpad cannot be reached: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    Lpad__ListProfiles list = LPAD__LIST_PROFILES__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES;
    request.list_profiles = &list;
    struct lpad_client_result result =
        lpad_client_request(client, &request, LPAD__BROKER_TO_CLIENT__BODY_PROFILES, NULL);
    switch (result.end) {
    case LPAD_CLIENT_REPLIED: code = print_profiles(result.reply->profiles); break;
    case LPAD_CLIENT_FAILED:
        fprintf(stderr, "lpad says no: %s\n", err_words((enum err)result.failure->error));
        break;
    case LPAD_CLIENT_ERROR: fprintf(stderr, "%s\n", err_words(result.error)); break;
    case LPAD_CLIENT_SIGNAL:
    case LPAD_CLIENT_END_MAX: break;
    }
    lpad_client_close(client);
    return code;
}
