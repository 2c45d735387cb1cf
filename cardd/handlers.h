// SPDX-License-Identifier: Apache-2.0
// One handler per request of card.proto. A handler fills the reply's body, from scratch memory; on an error
// the dispatcher sends a Failure instead, with what cardd_fail and the ES10 functions noted.
#ifndef LPAD_CARDD_HANDLERS_H
#define LPAD_CARDD_HANDLERS_H

#include "cardd/cardd.h"

// `fd` is -1 unless the request carries one; it stays the dispatcher's.
typedef enum err handler(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                         Lpad__CarddToBroker *reply);

handler handle_get_info;
handler handle_list_profiles, handle_get_icon;
handler handle_change_profile, handle_set_nickname;
handler handle_set_default_address, handle_reset, handle_load_crl;
handler handle_get_challenge, handle_authenticate_server, handle_prepare_download, handle_cancel_session;
handler handle_stage, handle_load;
handler handle_list_notifications, handle_retrieve_notification, handle_remove_notification;

// Borrows from `n`.
void notification_to_message(const struct notification_metadata *n, Lpad__Notification *ret);

// Serves one request: phase, handler, phase, reply.
void dispatch_request(struct cardd *c, const Lpad__BrokerToCardd *request, int fd);

#endif
