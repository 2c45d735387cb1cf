// SPDX-License-Identifier: Apache-2.0
// The card's Rules Authorisation Table against the profile policy rules of what is to be installed
// (SGP.22 v2.5, 2.9): a pure function.
#ifndef LPAD_POLICY_RAT_H
#define LPAD_POLICY_RAT_H

#include "policy.pb-c.h"

enum rat_answer {
    RAT_FREE,    // no rule is set, or all are allowed as they are
    RAT_CONSENT, // allowed when the person agrees to the consequences (strong confirmation)
    RAT_REFUSED,
    RAT_ANSWER_MAX,
};

// For each rule that the metadata set: the card must not forbid it, and of the table the first entry that has
// the rule and the profile's owner decides. None: refused; so is every rule when the table was not given, or
// when the profile names no owner. PPR1 is refused beside an installed operational profile, and when it was
// not said whether there is one. In an entry's operator a nibble E of MCC and MNC stands for any, an empty
// GID for any or none, and an absent one for none. pprUpdateControl restricts nothing.
enum rat_answer rat_check(const Lpad__InstallIntent *install);

#endif
