#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Verifies a sealed audit log of lpad, from its description in docs/audit.md alone.

    audit-verify.py [--json] [--trust-first] [--key HEX]... [--head SEQ:HASH]... FILE...

The format's proof: it shares nothing with lpad-audit-verify, and says the same of every log. Python's standard
library and `cryptography` (Debian: python3-cryptography). Exit codes: 0 whole, 1 broken, 2 wrong use.
"""
import argparse
import hashlib
import json
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LONGEST = 16384
NOTHING = "0" * 64

NUMBER = rb"[1-9][0-9]{0,17}"
TEXT = rb'[^"\\]*'
RECORD = re.compile(
    rb'\{"seq":(?P<seq>' + NUMBER + rb'),"time":"' + TEXT + rb'","mono_ms":[0-9]+,"boot":"' + TEXT + rb'","type":"(?P<type>'
    + TEXT + rb')"(?P<fields>|,".+),"prev":"(?P<prev>[0-9a-f]{64})"(?P<seal>,"sig":"(?P<sig>[^"]*)")?\}', re.DOTALL)
MORE = rb'(?:,".+)?'
BEGIN = re.compile(
    rb',"chain":"(?P<chain>[0-9a-f]{32})","epoch":(?P<epoch>' + NUMBER + rb'),"key":"(?P<key>[0-9a-f]{64})","next_key":"'
    rb'(?P<next>[0-9a-f]{64})","reason":"(?P<reason>' + TEXT + rb')"(?:,"adopted":(?P<adopted>' + NUMBER + rb')|(?!,"adopted":))' + MORE,
    re.DOTALL)
END = re.compile(rb',"chain":"(?P<chain>[0-9a-f]{32})","epoch":(?P<epoch>' + NUMBER + rb'),"records":(?P<records>'
                 + NUMBER + rb')' + MORE, re.DOTALL)
SIGNATURE = re.compile(rb"[0-9a-f]{128}")
CONTROL = re.compile(rb"[\x00-\x1f]")

PRIME = 2**255 - 19
EIGHTH = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7
SMALL = {0, 1, PRIME - 1, EIGHTH, PRIME - EIGHTH}  # y of the points of order 1, 2, 4 and 8


def is_sound(point):
    """An encoded point for which a signature proves something, in its one encoding."""
    y = int.from_bytes(point, "little") % 2**255
    return y < PRIME and y not in SMALL


def signature_holds(key, message, sig):
    if not is_sound(key) or not is_sound(sig[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(sig, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Broken(Exception):
    def __init__(self, kind, record, words):
        super().__init__(words)
        self.kind, self.record = kind, record


class Line:
    """One record, taken apart; ValueError when it is none."""

    def __init__(self, octets):
        if len(octets) > LONGEST or CONTROL.search(octets):
            raise ValueError("too long, or with a control character")
        octets.decode("utf-8")
        found = RECORD.fullmatch(octets)
        if not found:
            raise ValueError("not the form of a record")
        self.seq = int(found["seq"])
        self.prev = found["prev"].decode()
        self.hash = hashlib.sha256(octets).hexdigest()
        form = {b"epoch.begin": BEGIN, b"epoch.end": END}.get(found["type"])
        self.begins, self.ends = form is BEGIN, form is END
        if bool(form) != bool(found["seal"]):
            raise ValueError("signed or not, and should be otherwise")
        if form:
            self.field = form.fullmatch(found["fields"])
            if not self.field or not SIGNATURE.fullmatch(found["sig"]):
                raise ValueError("not the fields of its type")
            self.epoch = int(self.field["epoch"])
            self.sealed = octets[: found.start("seal")]
            self.sig = bytes.fromhex(found["sig"].decode())

    def is_signed_by(self, key):
        message = b"lpad-audit-v1\n" + bytes.fromhex(self.field["chain"].decode()) + self.sealed
        return signature_holds(bytes.fromhex(key), message, self.sig)


class Verifier:
    def __init__(self, keys=(), heads=(), trust_first=False):
        self.keys, self.trust_first = set(keys), trust_first
        self.heads = {}  # number: the hashes that were seen
        for seq, digest in heads:
            self.heads.setdefault(seq, set()).add(digest)
        self.first = self.last = None  # numbers
        self.hash = None  # of the last line
        self.begun = None  # the last epoch.begin
        self.running = False
        self.length = 0  # of the epoch that runs
        self.open = 0  # lines that nothing seals yet
        self.torn = 0

    def lines(self, lines):
        """The lines of one file."""
        first = True
        for octets in lines:
            self.line(octets, first)
            first = False

    def line(self, octets, begins_file):
        try:
            line = Line(octets)
        except ValueError as e:
            raise Broken("form", (self.last or 0) + 1, str(e)) from e
        if self.last is not None:
            if line.seq != self.last + 1:
                raise Broken("order", self.last + 1, f"record {line.seq} stands here")
            if line.prev != self.hash:
                raise Broken("hash", line.seq, "not the hash of the line before")
        if begins_file:
            self.start(line)
        if line.begins:
            self.begin(line)
        elif line.ends:
            self.end(line)
        if self.heads.get(line.seq, {line.hash}) != {line.hash}:
            raise Broken("head", line.seq, "not the record that was seen")
        self.first = line.seq if self.first is None else self.first
        self.last, self.hash = line.seq, line.hash
        self.length += 1
        self.open = 0 if line.begins or line.ends else self.open + 1

    def start(self, line):
        if not line.begins:
            raise Broken("start", line.seq, "no epoch.begin at the beginning")
        if self.last is None and ((line.prev == NOTHING) != (line.seq == 1) or (line.seq == 1 and line.epoch != 1)):
            raise Broken("start", line.seq, "not the beginning of a log")

    def begin(self, line):
        key = line.field["key"].decode()
        if self.begun is None:
            if key not in self.keys and not self.trust_first:
                raise Broken("key", line.seq, "not a key that was named")
        elif line.field["chain"] != self.begun["chain"] and line.epoch == 1 and line.field["reason"] == b"new_chain":
            if key not in self.keys:
                raise Broken("new_chain", line.seq, "a new chain, with a key that was not named")
        elif line.field["chain"] != self.begun["chain"] or line.epoch != int(self.begun["epoch"]) + 1:
            raise Broken("epoch", line.seq, "not the epoch that follows")
        elif line.field["key"] != self.begun["next"]:
            raise Broken("key", line.seq, "not the key that was announced")
        if not line.is_signed_by(key):
            raise Broken("signature", line.seq, "the signature does not hold")
        if (self.last is not None or line.seq == 1) and int(line.field["adopted"] or 0) != self.open:
            raise Broken("count", line.seq, f"{self.open} records are adopted here")
        self.begun, self.running, self.length = line.field, True, 0

    def end(self, line):
        if not self.running or line.epoch != int(self.begun["epoch"]) or line.field["chain"] != self.begun["chain"]:
            raise Broken("epoch", line.seq, "ends an epoch that does not run")
        if not line.is_signed_by(self.begun["key"].decode()):
            raise Broken("signature", line.seq, "the signature does not hold")
        if int(line.field["records"]) != self.length + 1:
            raise Broken("count", line.seq, f"the epoch has {self.length + 1} records")
        self.running = False

    def rest(self, octets, is_last):
        """What stands behind the last newline of a file."""
        if octets and (len(octets) > LONGEST or not is_last):
            raise Broken("form", (self.last or 0) + 1, "no newline ends it")
        self.torn = len(octets)

    def finish(self):
        if self.last is None:
            raise Broken("start", 1, "no record")
        missing = [seq for seq in self.heads if not self.first <= seq <= self.last]
        if missing:
            raise Broken("cut", min(missing), "a record that was seen is not there")


def first_number(octets):
    found = re.match(rb'\{"seq":(' + NUMBER + rb')(?![0-9])', octets)
    return int(found[1]) if found else 0


def in_order(files, beginning):
    """Sorted by the numbers they begin with; of several, the empty ones say nothing."""
    if len(files) == 1:
        return files
    return sorted((f for f in files if beginning(f)), key=lambda f: first_number(beginning(f)))


def verify(files, **known):
    """The verdict over `files`, an iterable of iterables of pieces of octets, in the order of their records."""
    v = Verifier(**known)
    verdict = {"verdict": "whole"}
    try:
        files = list(files)
        for i, file in enumerate(files):
            whole, rest = split(file)
            v.lines(whole)
            v.rest(b"".join(rest), i == len(files) - 1)
        v.finish()
    except Broken as e:
        verdict = {"verdict": "broken", "record": e.record, "kind": e.kind, "words": str(e)}
    verdict.update(open=v.open, torn=v.torn, last_seq=v.last or 0)
    return verdict


def split(file):
    """The lines of a file as they come, and a list that holds what is left once they are taken."""
    rest = []

    def lines():
        for piece in file:
            if piece.endswith(b"\n"):
                yield piece[:-1]
            else:
                rest.append(piece)
                return  # what is written meanwhile is no line of its own

    return lines(), rest


def number_and_hash(text):
    seq, digest = text.split(":")
    if not re.fullmatch(NUMBER.decode(), seq) or not re.fullmatch("[0-9a-fA-F]{64}", digest):
        raise ValueError(text)
    return int(seq), digest.lower()


def key_text(text):
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise ValueError(text)
    return text.lower()


def main():
    p = argparse.ArgumentParser(description="Verifies a sealed audit log of lpad.")
    p.add_argument("--key", action="append", default=[], type=key_text)
    p.add_argument("--head", action="append", default=[], type=number_and_hash)
    p.add_argument("--trust-first", action="store_true")
    p.add_argument("--json", action="store_true")
    p.add_argument("files", nargs="+")
    a = p.parse_args()
    if bool(a.key) == a.trust_first:
        p.error("one of --key and --trust-first is needed")
    try:
        files = [sys.stdin.buffer if name == "-" else open(name, "rb") for name in a.files]
    except OSError as e:
        p.error(str(e))
    try:
        verdict = verify(in_order(files, lambda f: f.peek(64)[:64]), keys=a.key, heads=a.head, trust_first=a.trust_first)
    except OSError as e:
        p.error(str(e))
    print(json.dumps(verdict) if a.json else " ".join(f"{key}: {value}" for key, value in verdict.items()))
    return 0 if verdict["verdict"] == "whole" else 1


if __name__ == "__main__":
    sys.exit(main())
