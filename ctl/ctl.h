// SPDX-License-Identifier: Apache-2.0
// What every command of lpactl works with, and the commands themselves.
#ifndef LPAD_CTL_CTL_H
#define LPAD_CTL_CTL_H

#include "ctl/args.h"
#include "client/lpad_client.h"
#include "ctl/json_out.h"
#include "ctl/problem.h"
#include "ctl/text.h"

struct asker;

struct ctl {
    const struct args *args;
    struct arena arena; // every text that is shown
    struct buf out;     // standard output, written when the command is over
    struct json json;   // over `out`; the document's outermost object is open when args->json
    bool out_colors, err_colors;
    struct lpad_client *client; // of ctl_request; NULL: not connected
    struct iccid iccid;         // of ctl_resolve_profile
    int ended_by;               // the signal that ended the command; 0: none
};

// Connects once and asks; says what is wrong when there is no reply of the wanted kind.
// EXIT_CODE_OK: `*ret_reply` is set, borrowed until the next request.
LPAD_NODISCARD enum exit_code ctl_request(struct ctl *ctl, Lpad__ClientToBroker *request,
                                          Lpad__BrokerToClient__BodyCase expected,
                                          const Lpad__BrokerToClient **ret_reply);
// The same, for a request during which lpad may ask.
LPAD_NODISCARD enum exit_code ctl_request_asking(struct ctl *ctl, Lpad__ClientToBroker *request,
                                                 Lpad__BrokerToClient__BodyCase expected, struct asker *asker,
                                                 const Lpad__BrokerToClient **ret_reply);
// Both are borrowed until the next request.
LPAD_NODISCARD enum exit_code ctl_request_profiles(struct ctl *ctl, const Lpad__ProfilesReply **ret_profiles);
LPAD_NODISCARD enum exit_code ctl_request_info(struct ctl *ctl, bool rat, const Lpad__CardInfo **ret_info);
// Sets ctl->iccid to the profile that the command line names; an ISD-P's AID is looked up in the card's list.
LPAD_NODISCARD enum exit_code ctl_resolve_profile(struct ctl *ctl);
// Writes all of it to a descriptor, whatever it takes. False: errno says why not.
bool ctl_write(int fd, struct bytes v);
// Connects ctl->client, or says why that is not possible.
LPAD_NODISCARD enum exit_code ctl_connect(struct ctl *ctl);
void ctl_disconnect(struct ctl *ctl);

// Says what went wrong: for people on standard error, or as the document's "error". Returns problem->exit.
// With --json and no document yet, as of `audit tail`, it begins one.
enum exit_code ctl_report(struct ctl *ctl, const struct problem *problem);

// One table row of text and one JSON member "profiles" or array element.
void ctl_show_profiles(struct ctl *ctl, Lpad__Profile *const *profiles, size_t count);
// The members of an announced profile, without braces.
void ctl_json_metadata(struct ctl *ctl, const Lpad__Metadata *metadata);
void ctl_json_pprs(struct json *j, uint32_t mask);
// Nothing for NULL.
void ctl_json_owner(struct ctl *ctl, const char *key, const Lpad__Owner *owner);
const char *ctl_mcc_mnc_text(struct arena *a, const Lpad__Owner *owner);
// The members of a policy's state, and the same for people: what is wrong with the file stands out.
void ctl_json_policy(struct json *j, const Lpad__PolicyStatus *policy);
void ctl_show_policy(struct ctl *ctl, const Lpad__PolicyStatus *policy);
// "policy file, line 3, column 9: ..."; NULL: no mistake.
const char *ctl_policy_mistake(struct ctl *ctl, const Lpad__PolicyStatus *policy);
// Of a switch by the policy: "on trial: ...", "for 2 h more ..."; what is to be said of a phase and of a hold.
const char *ctl_phase_words(struct ctl *ctl, const char *phase);
const char *ctl_hold_words(struct ctl *ctl, uint64_t left_ms);
// "label:  value" with the values in one column; nothing for an empty value.
void ctl_put_field(struct ctl *ctl, const char *label, const char *value);

enum exit_code status_run(struct ctl *ctl);
enum exit_code euicc_info_run(struct ctl *ctl);
enum exit_code euicc_reset_run(struct ctl *ctl);
enum exit_code euicc_default_address_run(struct ctl *ctl);
enum exit_code euicc_load_crl_run(struct ctl *ctl);
enum exit_code profile_list_run(struct ctl *ctl);
enum exit_code profile_change_run(struct ctl *ctl); // enable, disable, delete
enum exit_code profile_nickname_run(struct ctl *ctl);
enum exit_code profile_icon_run(struct ctl *ctl);
enum exit_code download_run(struct ctl *ctl);
enum exit_code discover_run(struct ctl *ctl);
enum exit_code notification_list_run(struct ctl *ctl);
enum exit_code notification_deliver_run(struct ctl *ctl);
enum exit_code notification_resend_run(struct ctl *ctl);
enum exit_code hold_run(struct ctl *ctl);
enum exit_code release_run(struct ctl *ctl);
enum exit_code policy_explain_run(struct ctl *ctl);
enum exit_code policy_reload_run(struct ctl *ctl);
enum exit_code policy_tool_run(struct ctl *ctl); // check, test
enum exit_code audit_verify_run(struct ctl *ctl);
enum exit_code audit_tail_run(struct ctl *ctl);
enum exit_code audit_head_run(struct ctl *ctl);
enum exit_code audit_enrol_run(struct ctl *ctl);
enum exit_code audit_report_run(struct ctl *ctl);

// The whole program: parses, runs, writes. Returns the exit code, or ends by the signal that ended the
// command.
int ctl_main(int argc, char **argv);

#endif
