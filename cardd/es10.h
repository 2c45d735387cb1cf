// SPDX-License-Identifier: Apache-2.0
// What the ES10 functions share: a command built by the DER writer, one exchange, a response read by the DER
// reader.
//
// SGP.22 v2.5, 5.7. es10a.c, es10b.c and es10c.c hold one function of the standard each. Responses are views
// into the exchange buffer and are good until the next call.
#ifndef LPAD_CARDD_ES10_H
#define LPAD_CARDD_ES10_H

#include "cardd/apdu.h"
#include "lib/der.h"

#include "types.pb-c.h"

// The longest command of one chain.
#define ES10_COMMAND_MAX ((size_t)APDU_BLOCKS_MAX * 255)

// The last call that did not succeed, for a Failure message. `has_function` false: none since es10_forget.
struct es10_fault {
    bool has_function;
    Lpad__Function function;
    uint16_t status_word; // 0: the card gave none
    bool has_result;
    uint32_t result; // with ERR_CARD_RESULT: the function's own code (5.7.x)
};

struct es10 {
    struct apdu *apdu; // borrowed
    uint8_t *command;  // borrowed: ES10_COMMAND_MAX bytes, where commands are built
    struct es10_fault fault;
};

void es10_forget(struct es10 *es);
// Notes the fault and returns `e`: for readers that find a response wrong. ERR_DER_* becomes
// ERR_CARD_RESPONSE, since it was the card that sent it.
enum err es10_fail(struct es10 *es, Lpad__Function function, enum err e);
// As es10_fail with ERR_CARD_RESULT and this code.
enum err es10_refuse(struct es10 *es, Lpad__Function function, uint32_t result);

// A writer over the command buffer.
struct der_writer es10_begin(struct es10 *es);
// Finishes and sends what was written; the response must be exactly one TLV of `tag`.
LPAD_NODISCARD enum err es10_call(struct es10 *es, Lpad__Function function, struct der_writer *w,
                                  enum apdu_repeat repeat, der_tag tag, struct der_tlv *ret_response);
// The same for a command that stands complete.
LPAD_NODISCARD enum err es10_call_raw(struct es10 *es, Lpad__Function function, struct bytes command,
                                      enum apdu_repeat repeat, der_tag tag, struct der_tlv *ret_response);
// A response whose content is one INTEGER [0]: 0 is success, anything else es10_refuse.
LPAD_NODISCARD enum err es10_read_result(struct es10 *es, Lpad__Function function, struct der_tlv response);
// A response whose content is either [0] {...}, which is given back, or INTEGER [1], which is es10_refuse.
LPAD_NODISCARD enum err es10_read_choice(struct es10 *es, Lpad__Function function, struct der_tlv response,
                                         struct bytes *ret_content);

#endif
