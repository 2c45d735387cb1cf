// SPDX-License-Identifier: Apache-2.0
// Pieces of policies, for the tests of the switching language. A text begins with "version: 1\n" and one of
// these.
#ifndef LPAD_TESTS_UNIT_POLICY_TEXTS_H
#define LPAD_TESTS_UNIT_POLICY_TEXTS_H

#define NAMES                                                                                                \
    "profiles: {main: 8949449999999990031, backup: {owner: {mcc_mnc: 26201}}}\n"                             \
    "probes: {internet: {https: [https://a.example.com/]}}\n"                                                \
    "windows: {night: {from: 02:00, to: 04:00}}\n"
#define PROFILE(text) "profiles:\n  main: {" text "}\n"
#define PROBE(text)   "probes:\n  p: {" text "}\n"
#define TCP(text)     PROBE("tcp: [a.example.com:1], " text)
#define HTTPS(text)   PROBE("https: [https://a.example.com], " text)
#define WINDOW(text)  "windows:\n  w: {" text "}\n"
#define RULE(text)    NAMES "switching:\n  rules:\n    - {name: n, use: main, " text "}\n"
#define WHEN(text)    RULE("when: {" text "}")
#define SET(text)     NAMES "switching:\n  " text "\n  rules: [{name: n, use: main}]\n"

#endif
