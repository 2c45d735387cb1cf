// SPDX-License-Identifier: Apache-2.0
// The device's IMEI as DeviceInfo carries it: SGP.22 v2.5, 4.2; digits as in TS 24.008, 10.5.1.4.
#ifndef LPAD_RSP_IMEI_H
#define LPAD_RSP_IMEI_H

#include "lib/bytes.h"

#define IMEI_DIGITS 15
#define IMEI_SIZE   8
#define TAC_SIZE    4

struct imei {
    uint8_t bytes[IMEI_SIZE]; // swapped nibbles; the last octet has the check digit high and F low
    uint8_t tac[TAC_SIZE];    // the first eight digits, swapped
};

// Exactly 15 digits of which the last is the Luhn check digit, else ERR_INPUT.
LPAD_NODISCARD enum err imei_from_text(const char *text, size_t len, struct imei *ret_imei);
// A TAC alone, eight digits, for a device that does not give its IMEI away. ERR_INPUT.
LPAD_NODISCARD enum err tac_from_text(const char *text, size_t len, uint8_t ret_tac[static TAC_SIZE]);

#endif
