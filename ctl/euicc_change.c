// SPDX-License-Identifier: Apache-2.0
// lpactl euicc reset, default-address and load-crl.
#include "ctl/asker.h"
#include "ctl/ctl.h"

#include "proto/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CRL_MAX 32768 // octets, as the control socket takes it

// --- reset ---

static bool is_reset(const struct args *args, const Lpad__Profile *p)
{
    bool test = p->profile_class == LPAD__PROFILE_CLASS__CLASS_TEST;
    return test ? args->reset_test : args->reset_operational;
}

static const char *reset_words(struct arena *a, const struct args *args)
{
    const char *all = "";
    if (args->reset_operational)
        all = "delete all operational profiles";
    if (args->reset_test)
        all = text_printf(a, "%s%sdelete the loaded test profiles", all, all[0] != 0 ? ", " : "");
    if (args->reset_default_address)
        all = text_printf(a, "%s%sput the default SM-DP+ back", all, all[0] != 0 ? ", " : "");
    return text_printf(a, "reset the card: %s", all);
}

// Shows what would go and asks twice. The profiles that were shown are remembered: lpad's own question is
// answered by it when it names no others.
static enum exit_code confirm_reset(struct ctl *ctl, struct asker *asker)
{
    struct arena *a = &ctl->arena;
    const Lpad__ProfilesReply *list = NULL;
    enum exit_code code = ctl_request_profiles(ctl, &list);
    if (code != EXIT_CODE_OK)
        return code;
    struct iccid *shown = text_take(a, (list->n_profiles + 1) * sizeof *shown);
    size_t count = 0;
    const char *text = "";
    for (size_t i = 0; i < list->n_profiles; i++) {
        const Lpad__Profile *p = list->profiles[i];
        if (!is_reset(ctl->args, p) || p->iccid.len != ICCID_SIZE)
            continue;
        memcpy(shown[count++].bytes, p->iccid.data, ICCID_SIZE);
        text = text_printf(a, "%s%s", text, consent_profile_line(a, p));
    }
    text = text_printf(a, "%s%sYou are about to %s. This cannot be undone.\n",
                       count > 0 ? "These profiles would be deleted, for good:\n"
                                 : "No profile would be deleted.\n",
                       text, asker->change);
    asker->agreed = (struct asker_agreed){true, true, shown, count};
    return asker_confirm_loss(asker, text, "reset", "reset");
}

enum exit_code euicc_reset_run(struct ctl *ctl)
{
    const struct args *args = ctl->args;
    Lpad__ResetCard reset = LPAD__RESET_CARD__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    struct asker asker = {.ctl = ctl, .signal_fd = -1, .change = reset_words(&ctl->arena, args)};
    const Lpad__BrokerToClient *reply = NULL;
    if (!args->strong_yes) {
        enum exit_code code = confirm_reset(ctl, &asker);
        if (code != EXIT_CODE_OK)
            return code;
    }
    reset.operational_profiles = args->reset_operational;
    reset.test_profiles = args->reset_test;
    reset.default_address = args->reset_default_address;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_RESET_CARD;
    request.reset_card = &reset;
    enum exit_code code =
        ctl_request_asking(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_CHANGED, &asker, &reply);
    if (code != EXIT_CODE_OK)
        return code;
    if (!args->json)
        buf_put_text(&ctl->out, "The card is reset. It now holds:\n");
    ctl_show_profiles(ctl, reply->changed->profiles, reply->changed->n_profiles);
    return EXIT_CODE_OK;
}

// --- the default SM-DP+ ---

static enum exit_code show_default_address(struct ctl *ctl)
{
    const Lpad__CardInfo *info = NULL;
    enum exit_code code = ctl_request_info(ctl, false, &info);
    if (code != EXIT_CODE_OK)
        return code;
    const char *address = info->default_smdp_address;
    bool given = address != NULL && address[0] != 0;
    if (ctl->args->json)
        json_put_text(&ctl->json, "default_smdp_address", given ? address : NULL);
    else if (given)
        buf_printf(&ctl->out, "%s\n", text_shown(&ctl->arena, address));
    else
        buf_put_text(&ctl->out, "The card has no default SM-DP+.\n");
    return EXIT_CODE_OK;
}

enum exit_code euicc_default_address_run(struct ctl *ctl)
{
    const char *address = ctl->args->address;
    if (address == NULL)
        return show_default_address(ctl);
    struct arena *a = &ctl->arena;
    Lpad__SetDefaultAddress set = LPAD__SET_DEFAULT_ADDRESS__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    struct asker asker = {.ctl = ctl, .signal_fd = -1};
    const Lpad__BrokerToClient *reply = NULL;
    asker.change = address[0] == 0
                       ? "remove the card's default SM-DP+"
                       : text_printf(a, "make %s the card's default SM-DP+", text_shown(a, address));
    set.address = (char *)(uintptr_t)address;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_SET_DEFAULT_ADDRESS;
    request.set_default_address = &set;
    enum exit_code code =
        ctl_request_asking(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_DONE, &asker, &reply);
    if (code != EXIT_CODE_OK)
        return code;
    if (ctl->args->json)
        json_put_text(&ctl->json, "default_smdp_address", address[0] != 0 ? address : NULL);
    else if (address[0] == 0)
        buf_put_text(&ctl->out, "The card has no default SM-DP+ any more.\n");
    else
        buf_printf(&ctl->out, "The card's default SM-DP+ is %s.\n", text_shown(a, address));
    return EXIT_CODE_OK;
}

// --- revocation lists ---

static enum exit_code report_file(struct ctl *ctl, const char *words, const char *advice)
{
    struct problem p = problem_make(EXIT_CODE_USAGE, "file", words, advice);
    return ctl_report(ctl, &p);
}

// Up to `cap` octets; -1 with errno set.
static ssize_t read_whole(int fd, uint8_t *out, size_t cap)
{
    size_t len = 0;
    while (len < cap) {
        ssize_t n = read(fd, out + len, cap - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

static enum exit_code read_crl(struct ctl *ctl, ProtobufCBinaryData *ret_crl)
{
    struct arena *a = &ctl->arena;
    const char *file = ctl->args->file;
    bool input = strcmp(file, "-") == 0;
    uint8_t *data = text_take(a, CRL_MAX + 1);
    int fd = input ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : read_whole(fd, data, CRL_MAX + 1);
    int error = errno;
    if (fd >= 0 && !input)
        close(fd);
    if (n < 0)
        return report_file(ctl,
                           text_printf(a, "%s cannot be read: %s.", text_shown(a, file), strerror(error)),
                           "Name a file with a certificate revocation list.");
    if (n > CRL_MAX)
        return report_file(ctl,
                           text_printf(a, "%s is longer than the %d octets that a card is given.",
                                       text_shown(a, file), CRL_MAX),
                           "Ask its issuer for it in segments (SGP.22 v2.5, 4.6).");
    if (n < 2 || data[0] != 0x30)
        return report_file(ctl, text_printf(a, "%s is not a revocation list in DER.", text_shown(a, file)),
                           "Turn a PEM file into DER: openssl crl -in FILE -outform DER -out FILE.der");
    *ret_crl = binary_from(data, (size_t)n);
    return EXIT_CODE_OK;
}

enum exit_code euicc_load_crl_run(struct ctl *ctl)
{
    Lpad__LoadCrl load = LPAD__LOAD_CRL__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    struct asker asker = {.ctl = ctl, .signal_fd = -1, .change = "give the card a revocation list"};
    const Lpad__BrokerToClient *reply = NULL;
    enum exit_code code = read_crl(ctl, &load.crl);
    if (code != EXIT_CODE_OK)
        return code;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_LOAD_CRL;
    request.load_crl = &load;
    code = ctl_request_asking(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_DONE, &asker, &reply);
    if (code != EXIT_CODE_OK)
        return code;
    const Lpad__DoneReply *done = reply->done;
    if (ctl->args->json) {
        json_open_array(&ctl->json, "missing_parts");
        for (size_t i = 0; i < done->n_missing_crl_parts; i++)
            json_put_uint(&ctl->json, NULL, done->missing_crl_parts[i]);
        json_close_array(&ctl->json);
        return EXIT_CODE_OK;
    }
    buf_put_text(&ctl->out, "The card took the revocation list.");
    for (size_t i = 0; i < done->n_missing_crl_parts; i++)
        buf_printf(&ctl->out, "%s %u", i == 0 ? " It still waits for the segments" : ",",
                   done->missing_crl_parts[i]);
    buf_put_text(&ctl->out, done->n_missing_crl_parts > 0 ? ".\n" : "\n");
    return EXIT_CODE_OK;
}
