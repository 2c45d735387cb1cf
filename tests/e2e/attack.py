#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A root attacker on a stopped gateway: one result of a sealed epoch is rewritten, with the key file in hand.

    attack.py LOG KEY_FILE OUT

OUT.rechained: every hash behind it made to fit. OUT.resigned: every signature behind it made anew, by the key that lies
on the disk. OUT.rekeyed: the epochs from there on name that key as theirs, too.
"""
import hashlib
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "verify"))
from sealed_log import Key, PREV, SIG, is_signed, sign  # noqa: E402

PLACE = 4096


def key_on_disk(data):
    """The newest of the keys that the file's two places hold: magic, epoch, chain, first public key, seed."""
    places = [data[i:i + PLACE] for i in range(0, len(data), PLACE)]
    whole = [p for p in places if p[:8] == b"LPADKEY1"]
    if not whole:
        sys.exit("no key lies on the disk")
    newest = max(whole, key=lambda p: int.from_bytes(p[8:16], "little"))
    return Key(newest[64:96])


def forge(lines, target, begin, key, resign, rekey):
    out = list(lines)
    out[target] = out[target].replace(b'"result":"ok"', b'"result":"no"')
    first = begin if rekey else target
    for i in range(first, len(out)):
        line = out[i]
        if i > first:
            line = PREV.sub(b'"prev":"%s"' % hashlib.sha256(out[i - 1]).hexdigest().encode(), line, count=1)
        if is_signed(line):
            if rekey:
                line = re.sub(rb'"(key|next_key)":"[0-9a-f]{64}"', rb'"\1":"%s"' % key.public.encode(), line)
            if resign:
                body = SIG.sub(b"", line)
                line = body + b',"sig":"' + sign(key, json.loads(line)["chain"], body) + b'"}'
        out[i] = line
    return b"".join(line + b"\n" for line in out)


def main():
    log, key_file, out = sys.argv[1:]
    lines = pathlib.Path(log).read_bytes().splitlines()
    key = key_on_disk(pathlib.Path(key_file).read_bytes())
    kinds = [json.loads(line)["type"] for line in lines]
    target = next(i for i, line in enumerate(lines) if kinds[i] == "profile.change.result" and b'"result":"ok"' in line)
    begin = max(i for i in range(target) if kinds[i] == "epoch.begin")
    if "epoch.end" not in kinds[target:] or begin == 0:
        sys.exit("the result is not in an epoch in the middle of the log that has ended")
    for name, resign, rekey in (("rechained", False, False), ("resigned", True, False), ("rekeyed", True, True)):
        pathlib.Path(f"{out}.{name}").write_bytes(forge(lines, target, begin, key, resign, rekey))


if __name__ == "__main__":
    main()
