// SPDX-License-Identifier: Apache-2.0
// The events of an SM-DS: one JSON file each, read again at every request (SGP.22 v2.5, 3.6.2 and 5.8.2).
//
//     { "eid": "...", "eventId": "...", "rspServerAddress": "smdp.example.com" }
//
// "registeredAs" is optional: the event ID under which another SM-DS knows this one's event, by which an LPA
// that followed a cascade asks for it.
#ifndef TESTS_SIM_SMDP_EVENTS_H
#define TESTS_SIM_SMDP_EVENTS_H

#include "tests/sim/smdp/smdp.h"

// ES11.AuthenticateClient behind the identity check: eventEntries in the order of file names. An empty token
// asks for all events of the session's EID; any other for that one, and 8.9.5/3.9 is the answer when this EID
// has none such. Ends the session.
void events_serve(struct smdp *smdp, struct session *session, const char *token, struct reply *reply);

#endif
