// SPDX-License-Identifier: Apache-2.0
// Frames to the broker: what each reply of net.proto is made of. All of them can fail as link_send does.
#ifndef LPAD_NETD_REPLIES_H
#define LPAD_NETD_REPLIES_H

#include "netd/es11.h"
#include "netd/es9p.h"
#include "netd/http.h"
#include "proto/link.h"

#include "net.pb-c.h"

// `function` 0: none of SGP.22. The fault's empty members are left out.
LPAD_NODISCARD enum err reply_failure(struct link *broker, uint32_t id, Lpad__Function function,
                                      enum err error, struct fault *f);
LPAD_NODISCARD enum err reply_opened(struct link *broker, uint32_t id, const char *peer,
                                     const struct tls_facts *tls);
// Nothing is connected yet: the first address that will be tried stands in the peer's place.
LPAD_NODISCARD enum err reply_opened_lazily(struct link *broker, uint32_t id, const struct target *t);
LPAD_NODISCARD enum err reply_initiated(struct link *broker, uint32_t id, const struct es9p_initiated *r);
LPAD_NODISCARD enum err reply_authenticated(struct link *broker, uint32_t id,
                                            const struct es9p_authenticated *r);
LPAD_NODISCARD enum err reply_events(struct link *broker, uint32_t id, struct es11_events *events);
// `fd` stays the caller's.
LPAD_NODISCARD enum err reply_package(struct link *broker, uint32_t id, int fd, uint32_t size);
// `total` 0: the server did not say.
LPAD_NODISCARD enum err reply_progress(struct link *broker, uint32_t id, uint32_t received, uint32_t total);
LPAD_NODISCARD enum err reply_notified(struct link *broker, uint32_t id, uint32_t http_status);
LPAD_NODISCARD enum err reply_cancelled(struct link *broker, uint32_t id);

#endif
