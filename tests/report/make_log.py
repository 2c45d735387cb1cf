#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# A made-up log of some days, for looking at the report and for its tests. Its hashes are right, its signatures
# are not: nobody verifies it.
#
#   tests/report/make_log.py RECORDS [HOSTILE_NAME] >LOG
import datetime
import hashlib
import json
import random
import sys

WANTED = int(sys.argv[1])
NAME = sys.argv[2] if len(sys.argv) > 2 else "Meters Europe"
HOME, ROAM, SPARE = "8949449999999990031", "8931089999999990049", "8944119999999990056"
EID = "89049032123451234512345678901235"
rng = random.Random(7)
now = datetime.datetime(2026, 11, 20, 6, 2, 11, 120000)
state = {"seq": 0, "prev": "0" * 64, "session": 0, "epoch": 1}
out = sys.stdout


def put(kind, seconds=0.02, **fields):
    global now
    now += datetime.timedelta(seconds=seconds)
    state["seq"] += 1
    record = {"seq": state["seq"], "time": now.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (now.microsecond // 1000),
              "mono_ms": state["seq"] * 17, "boot": "1c69aa49-51ff-477a-93b4-14f5eef392d2", "type": kind}
    record.update(fields)
    record["prev"] = state["prev"]
    line = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    state["prev"] = hashlib.sha256(line.encode()).hexdigest()
    out.write(line + "\n")


def epoch():
    put("epoch.end", chain="ab" * 16, epoch=state["epoch"], records=40)
    state["epoch"] += 1
    put("epoch.begin", chain="ab" * 16, epoch=state["epoch"], key="cd" * 32, next_key="ef" * 32, reason="change")


def session(operation, seconds, result="ok", uid=0, role="admin", verdict="allow", claimed=None, **fields):
    state["session"] += 1
    n = state["session"]
    put("session.begin", seconds, session=n, actor={"uid": uid, "gid": uid, "pid": 4000 + n}, operation=operation,
        eid=EID, **fields)
    decision = {"rule": "permissions[1]", "line": 8} if verdict == "allow" else {"deny_reason": "DENY_NO_RULE"}
    put("decision", session=n, step="intent", operation=operation, verdict=verdict, role=role, **decision)
    if claimed:
        put("session.step", 0.8, session=n, step="authenticate", claimed=claimed)
    if verdict == "allow" and operation in ("enable", "disable", "download"):
        put("profile.change.intent", session=n, actor={"uid": uid}, operation=operation, target=fields.get("target", HOME))
        put("profile.change.result", 1.4, session=n, operation=operation, read={"iccid": fields.get("target", HOME)},
            result=result)
    put("session.end", 0.4, session=n, operation=operation, result=result)
    epoch()


def switch(seconds, source, target, rule, why, end="commit"):
    put("switch.begin", seconds, **{"rule": rule, "line": 21, "profile": "spare", "from": source, "to": target, "why": why})
    if end != "failed":
        put("switch.enabled", 2.2, **{"rule": rule, "to": target})
    if end == "commit":
        put("switch.commit", 14, **{"rule": rule, "to": target, "from": source})
    elif end == "failed":
        put("switch.failed", 9, **{"rule": rule, "to": target, "from": source, "why": "the card refused: catBusy"})
    else:
        put("switch.roll_back", 60, **{"rule": rule, "to": source, "why": "no probe of ping-gw came through in 60 s"})
        put("switch.rolled_back", 3, **{"rule": rule, "to": source, "from": target})
    epoch()


put("epoch.begin", chain="ab" * 16, epoch=1, key="12" * 32, next_key="cd" * 32, reason="start")
put("lpad.start", version="0.1.0", generation=1)
for name in ("lpad-policyd", "lpad-cardd"):
    put("process.started", process=name, pid=700)
put("policy.loaded", in_force_sha256="9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08")
for iccid, name, host in ((HOME, NAME, "smdp.example.com"), (ROAM, "Roaming World", "rsp.carrier.example"),
                          (SPARE, "Bootstrap", "smdp.example.com")):
    session("download", 400, target=iccid, host=host,
            claimed={"iccid": iccid, "service_provider": "Example", "profile_name": name})
session("enable", 120, target=HOME)
session("download", 1800, host="smdp.example.com",
        result={"error": "the server refused", "function": "ES9+ AuthenticateClient", "subject_code": "8.2.6",
                "reason_code": "3.8", "detail": "the matching ID is not known to it"})
session("enable", 900, verdict="deny", role="operator", uid=1000, target=ROAM,
        result={"error": "the policy does not allow it", "deny_reason": "DENY_NO_RULE"})
switch(9000, HOME, ROAM, "home-is-down", "ping-gw failed 5 times in 120 s")
switch(14000, ROAM, HOME, "back-home", "ping-gw of home came through for 30 min")
put("process.died", 3000, process="lpad-netd", pid=812, signal="SIGSYS", sandbox=True, result="sandbox stop")
put("process.died", 900, process="lpad-probed", pid=813, signal="SIGKILL", restart_ms=100)
put("request.refused", 60, uid=1001, operation="hold", result={"error": "the policy does not allow it",
                                                              "deny_reason": "DENY_NO_RULE"})
put("client.refused", 500, uid=1000, error="a limit is reached", more_since_last=11)
switch(21000, HOME, ROAM, "home-is-down", "ping-gw failed 5 times in 120 s", "rolled_back")
switch(5000, HOME, SPARE, "home-is-down", "ping-gw failed 5 times in 120 s", "failed")
put("policy.refused", 2000, error="line 12: there is no profile \"home2\"", line=12)
put("audit.gap", 6000, lost=3)
put("lpad.start", 40000, version="0.1.0", generation=1)
put("epoch.begin", chain="ab" * 16, epoch=state["epoch"] + 1, key="cd" * 32, next_key="ef" * 32, reason="start", adopted=2)
state["epoch"] += 1
put("audit.repaired", octets=212)
put("notification.kept", 100, session=3, notification=4, event="enable", host="rsp.carrier.example", target=ROAM,
    result={"error": "the server was not reached"})
switch(3000, HOME, ROAM, "home-is-down", "<b>ping-gw</b> failed 5 times in 120 s")
put("switch.hold", 800, actor={"uid": 0, "gid": 0, "pid": 900}, operation="hold", duration_ms=7200000, role="admin")
put("switch.blocked", 30, rule="back-home", line=21, why="hold", **{"from": ROAM})
put("switch.external", 10, profile="home", **{"from": HOME, "to": ROAM})
session("disable", 4000, target=ROAM, result={"error": "the card refused", "function": "ES10c DisableProfile",
                                             "status_word": "6985"})
switch(30000, ROAM, HOME, "back-home", "ping-gw of home came through for 30 min")
while state["seq"] < WANTED:
    if rng.random() < 0.5:
        switch(rng.uniform(50, 900), HOME, ROAM, "home-is-down", "ping-gw failed 5 times in 120 s",
               rng.choice(["commit", "commit", "rolled_back"]))
        switch(rng.uniform(50, 900), ROAM, HOME, "back-home", "ping-gw of home came through for 30 min")
    else:
        session(rng.choice(["enable", "notify", "download"]), rng.uniform(10, 400), target=rng.choice([HOME, ROAM]))
