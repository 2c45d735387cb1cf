#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The configuration for rsyslog that docs/audit-consumers.md shows, with paths of this test: a real rsyslogd ships every
# record once and in order, over a rotation and a restart.
#
#   tests/relays/rsyslog.py
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WAIT = 60

if not (rsyslogd := shutil.which("rsyslogd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")):
    print("skipped: there is no rsyslogd here")
    sys.exit(77)


class Collector:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(WAIT)
        self.port = self.listener.getsockname()[1]
        self.lines, self.connection, self.rest = [], None, b""

    def wait_for(self, count):
        while len(self.lines) < count:
            if self.connection is None:
                self.connection, _ = self.listener.accept()
                self.connection.settimeout(WAIT)
            data = self.connection.recv(65536)
            if not data:
                assert self.rest == b"", self.rest
                self.connection = None
                continue
            *whole, self.rest = (self.rest + data).split(b"\n")
            self.lines += whole


def configuration(folder, port):
    text = (ROOT / "docs/audit-consumers.md").read_text()
    snippet = re.search(r"```rsyslog\n(.*?)```", text, re.S).group(1)
    for old, new in (("/var/spool/rsyslog", f"{folder}/spool"), ("/var/log/lpad", str(folder)),
                     ("collector.example.com", "127.0.0.1"), ('port="6514"', f'port="{port}"')):
        assert old in snippet, old
        snippet = snippet.replace(old, new)
    return snippet


def start(folder):
    # It is ready when it has written its pid.
    return subprocess.Popen([rsyslogd, "-n", "-f", folder / "rsyslog.conf", "-i", folder / "pid"])


def stop(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT) == 0


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    (folder / "spool").mkdir()
    collector = Collector()
    (folder / "rsyslog.conf").write_text(configuration(folder, collector.port))
    made = subprocess.run([ROOT / "tests/report/make_log.py", "1200", "Evil\tName \\ \u00e9 " + "x" * 9000],
                          capture_output=True, check=True).stdout.splitlines(keepends=True)
    assert max(map(len, made)) > 9000
    log = folder / "audit.jsonl"

    def append(lines):
        with open(log, "ab") as f:
            for line in lines:
                f.write(line)
                f.flush()

    append(made[:300])
    rsyslog = start(folder)
    try:
        collector.wait_for(300)
        append(made[300:500])
        # As lpad rotates: the file is renamed, a new one has its name.
        log.rename(folder / "audit.jsonl.000000000001")
        append(made[500:800])
        collector.wait_for(800)
        stop(rsyslog)
        append(made[800:1000])
        rsyslog = start(folder)
        collector.wait_for(1000)
        append(made[1000:])
        collector.wait_for(len(made))
    finally:
        if rsyslog.poll() is None:
            stop(rsyslog)
    assert [line + b"\n" for line in collector.lines] == made, "not the same lines"
    print(f"{len(made)} records arrived, once and in order")
