# SPDX-License-Identifier: Apache-2.0
"""Writes sealed audit logs as lpad does, for the tests of the verifiers: keys, epochs, crashes, rotation."""
import hashlib
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NOTHING = "0" * 64
BOOTS = ("1c69aa49-51ff-477a-93b4-14f5eef392d2", "a2f80b8c-9e5d-4cd2-9b5f-06b2ab1cf5d0")


class Key:
    def __init__(self, seed):
        self.secret = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def sign(key, chain, line):
    """`line` ends with the closing quote of prev's value."""
    return key.secret.sign(b"lpad-audit-v1\n" + bytes.fromhex(chain) + line).hex().encode()


def digest(line):
    return hashlib.sha256(line).hexdigest()


def is_signed(line):
    return b'"type":"epoch.' in line


SEQ = re.compile(rb'^\{"seq":\d+')
PREV = re.compile(rb'"prev":"[0-9a-f]{64}"(?=(,"sig":"[^"]*")?\}$)')
SIG = re.compile(rb',"sig":"[^"]*"\}$')


def rechain(lines, start, seq, prev):
    """Numbers and hashes made to fit from `start` on, as anybody can; the signatures stay as they are."""
    out = lines[:start]
    for line in lines[start:]:
        line = SEQ.sub(b'{"seq":%d' % seq, line, count=1)
        line = PREV.sub(b'"prev":"%s"' % prev.encode(), line, count=1)
        out.append(line)
        seq, prev = seq + 1, digest(line)
    return out


class Log:
    """lines: of all files; splits: where a file begins; keys: the first of each chain; head(n): of record n."""

    def __init__(self, rng):
        self.rng = rng
        self.lines, self.splits, self.keys = [], [0], []
        self.begins = []  # (line, chain, epoch): of each epoch.begin
        self.epoch, self.clock, self.boot = 0, 4296932, BOOTS[0]
        self.prev, self.since, self.length = NOTHING, 0, 0
        self.running = False
        self.new_keys("start")

    def fresh_key(self):
        return Key(self.rng.randbytes(32))

    def put(self, kind, fields, key=None):
        self.clock += self.rng.randrange(1, 400)
        text = (f'{{"seq":{len(self.lines) + 1},"time":"2026-11-22T15:{self.clock // 60000 % 60:02}:'
                f'{self.clock // 1000 % 60:02}.{self.clock % 1000:03}Z","mono_ms":{self.clock},"boot":"{self.boot}",'
                f'"type":"{kind}"{fields},"prev":"{self.prev}"')
        line = text.encode()
        if key:
            line += b',"sig":"' + sign(key, self.chain, line) + b'"'
        line += b"}"
        self.lines.append(line)
        self.prev = digest(line)
        self.length += 1
        self.since = 0 if key else self.since + 1

    def new_keys(self, reason):
        self.chain = self.rng.randbytes(16).hex()
        self.epoch, self.next = 0, self.fresh_key()
        self.keys.append(self.next.public)
        self.begin(reason)

    def begin(self, reason):
        self.key, self.next = self.next, self.fresh_key()
        self.epoch += 1
        adopted = f',"adopted":{self.since}' if self.since else ""
        self.length = 0
        self.begins.append((len(self.lines), self.chain, self.epoch))
        self.put("epoch.begin", f',"chain":"{self.chain}","epoch":{self.epoch},"key":"{self.key.public}",'
                 f'"next_key":"{self.next.public}","reason":"{reason}"{adopted}', self.key)
        self.running = True

    def end(self):
        self.put("epoch.end", f',"chain":"{self.chain}","epoch":{self.epoch},"records":{self.length + 1}', self.key)
        self.running = False

    def roll(self, reason):
        if self.running:
            self.end()
        self.begin(reason)

    def rotate(self):
        if self.running:
            self.end()
        self.splits.append(len(self.lines))
        self.begin("rotation")

    def crash(self):
        """The epoch is not ended; the next start adopts what is there."""
        self.boot = self.rng.choice(BOOTS)
        if self.rng.random() < 0.5:
            self.put("audit.repaired", f',"octets":{self.rng.randrange(1, 300)}')
        self.begin("start")

    def lose_keys(self):
        self.new_keys("new_chain")

    def record(self):
        r = self.rng
        kind, fields = r.choice((
            ("lpad.start", ',"version":"0.1.0","generation":%d' % r.randrange(1, 9)),
            ("process.started", ',"process":"lpad-netd","pid":%d' % r.randrange(300, 99999)),
            ("process.died", ',"process":"lpad-netd","pid":%d,"exit_code":0' % r.randrange(300, 99999)),
            ("session.begin", ',"session":4,"actor":{"uid":0,"gid":0,"pid":18591},"operation":"enable",'
             '"target":"8949449999999990031","eid":"89049032123451234512345678901235"'),
            ("session.step", ',"session":4,"step":"change-intent","event":"allow","next":"change"'),
            ("session.step", ',"session":4,"step":"authenticate","event":"reply","claimed":{"peer":"192.0.2.7",'
             '"name":"Zo\u00eb \u0416 \U0001f4f6 \\"},{\\\\ \\u0001\\u001b[2J"}'),
            ("profile.change.intent", ',"session":4,"actor":{"role":"lpad"},"operation":"enable",'
             '"target":"8949449999999990031"'),
            ("profile.change.result", ',"session":4,"operation":"enable","read":{"iccid":"8949449999999990031",'
             '"before":"disabled"},"result":"ok"'),
            ("client.refused", ',"uid":%d,"error":"no permission"' % r.randrange(0, 2000)),
            ("lpad.stop", ""),
        ))
        self.put(kind, fields)

    def head(self, seq):
        return seq, digest(self.lines[seq - 1])

    def files(self):
        ends = self.splits[1:] + [len(self.lines)]
        return [self.lines[a:b] for a, b in zip(self.splits, ends)]


def make(rng, chains=1):
    """A log of some 30 to 60 records. Its last epoch may be open or just ended."""
    log = Log(rng)
    wanted = rng.randrange(30, 60)
    while len(log.lines) < wanted:
        for _ in range(rng.randrange(0, 7)):
            log.record()
        what = rng.random()
        if what < 0.55:
            log.roll(rng.choice(("count", "time", "netd", "change")))
        elif what < 0.75:
            log.crash()
        elif what < 0.9 and len(log.splits) < 4:
            log.rotate()
        elif chains > 1 and len(log.keys) < chains and len(log.lines) > wanted // 3:
            log.lose_keys()
    for _ in range(rng.randrange(0, 6)):
        log.record()
    if log.running and rng.random() < 0.2:
        log.end()
    return log
