// SPDX-License-Identifier: Apache-2.0
// The simulated card's socket: vpcd framing over Unix or loopback TCP, faults, latency and the APDU log.
//
// Framing, both ways: two bytes of length, most significant first, then as many bytes. A message of one byte
// is a control: 0 power off, 1 power on, 2 reset, 4 asks for the ATR and is the only one that is answered.
// All others are APDUs.
#ifndef TESTS_SIM_EUICC_SERVER_H
#define TESTS_SIM_EUICC_SERVER_H

#include "tests/sim/euicc/card.h"
#include "tests/sim/euicc/faults.h"

struct server {
    struct card *card;
    struct faults faults;
    const char *address; // unix:PATH or tcp:127.0.0.1:PORT
    bool connect;        // dial to a vpcd reader instead of listening
    bool is_tcp;
    int signals;  // signalfd of SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2
    bool removed; // SIGUSR1 took the card out of its reader; SIGUSR2 puts it back
    int log;      // -1: none
    int ready;    // one newline goes there once listening; -1: none
    uint32_t latency_ms;
    unsigned apdus; // numbered through for the whole life
};

// Serves until a signal ends it (or, dialling, the reader hangs up). While the card is out, nothing listens
// and nothing is connected. False with a reason on stderr when it cannot.
SIM_NODISCARD bool server_run(struct server *server);

#endif
