#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The report: its structure, that it needs nothing from elsewhere, that text from a record stays text, that odd input
# is counted, and that a long log needs little memory and time.
#
#   tests/report/check.py LPAD_AUDIT_REPORT LPACTL
import html.parser
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

program, lpactl = sys.argv[1:3]
here = pathlib.Path(__file__).parent
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>\u202e\x1b[2J"
MEMORY_KIB = 40 * 1024


class Page(html.parser.HTMLParser):
    VOID = {"meta", "link", "br", "img", "input", "hr"}
    OPTIONAL = {"th"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.texts, self.ids, self.policy, self.attributes = [], [], [], [], [], None, set()
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.attributes.update(attrs)
        self.links += [attrs[k] for k in ("href", "src", "action", "data", "xlink:href") if k in attrs]
        self.ids += [attrs["id"]] if "id" in attrs else []
        if attrs.get("http-equiv") == "Content-Security-Policy":
            self.policy = attrs["content"]
        if tag not in self.VOID | self.OPTIONAL:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID | self.OPTIONAL:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        self.texts.append(data)


def make_log(path, records, name):
    with open(path, "w", encoding="utf-8") as f:
        subprocess.run([here / "make_log.py", str(records), name], stdout=f, check=True)


def report(*arguments, stdin=None):
    done = subprocess.run([program, *map(str, arguments)], input=stdin, capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode()


def check_page(text):
    page = Page(text)
    for tag in ("script", "iframe", "object", "embed", "img", "form", "base"):
        assert tag not in page.tags, tag
    assert not [a for a in page.attributes if a.startswith("on")], page.attributes
    assert page.policy and page.policy.startswith("default-src 'none'"), page.policy
    assert all(link.startswith("#") for link in page.links), page.links
    assert not re.search(r"https?://|url\(|@import|//[a-z]", text), "it points elsewhere"
    assert all(link[1:] in page.ids for link in page.links if link.startswith("#")), page.links
    return page


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    log = folder / "log"
    make_log(log, 100, HOSTILE)
    code, text, errors = report(log)
    assert code == 0 and errors == "", (code, errors)
    page = check_page(text)
    for section in ("timeline", "attention", "switches", "operations", "causes", "refusals", "deaths", "policies", "log"):
        assert section in page.ids, section
    shown = "".join(page.texts)
    assert "<script>alert(1)</script>\"'><img src=x onerror=y>\\xe2\\x80\\xae\\x1b[2J" in shown
    assert "<b>ping-gw</b> failed 5 times" in shown
    assert "\u202e" not in text and "\x1b" not in text
    for words in ("3 serious findings.", "taken back", "the card refused: catBusy", "stopped by its sandbox",
                  "ES9+ AuthenticateClient: the server refused (8.2.6/3.8)", "3 records", "uid 1000 (operator)",
                  "Records could not be written", "2 records had not been sealed", "Roaming World", "8931089999999990049"):
        assert words in shown, words

    # Several files and standard input give the same page as one; what is missing between them is said.
    lines = log.read_bytes().splitlines(keepends=True)
    (folder / "a").write_bytes(b"".join(lines[:50]))
    (folder / "b").write_bytes(b"".join(lines[50:]))
    strip = lambda t: re.sub(r"<dt>Files</dt>.*?<dt>Records</dt>", "", t)
    assert strip(report(folder / "a", folder / "b")[1]) == strip(text)
    assert strip(report("-", stdin=log.read_bytes())[1]) == strip(text)
    (folder / "b").write_bytes(b"".join(lines[53:]))
    assert "3 records are missing between others" in "".join(check_page(report(folder / "a", folder / "b")[1]).texts)

    # Whatever stands in a file, there is a page.
    odd = [b"", b"\n\n", b"{", b"\0\0\0", b"x" * 100000, b"{\"seq\":1}\n", b"[" * 20000 + b"\n", b"{\"seq\":1,\"type\":3}",
           b"{\"seq\":1,\"type\":\"session.end\",\"session\":-1,\"result\":[]}", b"{\"seq\":5,\"type\":\"switch.\"}",
           b"{\"seq\":1,\"type\":\"epoch.begin\",\"time\":\"9999999999999999999999Z\"}", log.read_bytes()[:-30],
           b"{\"seq\":2,\"type\":\"switch.begin\",\"time\":\"2026-13-45T99:99:99.999Z\",\"from\":{},\"to\":7}\n"]
    for data in odd:
        code, text, errors = report("-", stdin=data)
        assert code == 0, (data[:40], code, errors)
        check_page(text)
    whole = log.read_bytes()
    for at in range(0, len(whole), 211):
        flipped = bytearray(whole)
        flipped[at] ^= 0x41
        code, text, _ = report("-", stdin=bytes(flipped))
        assert code == 0, at
        check_page(text)
    assert report(folder / "none")[0] == 2
    assert report()[0] == 2

    # Through lpactl, which starts it.
    page_file = folder / "page.html"
    environment = dict(os.environ, LPAD_LIBEXECDIR=str(pathlib.Path(program).parent))
    done = subprocess.run([lpactl, "--json", "audit", "report", "--output", page_file, log], env=environment, capture_output=True)
    assert done.returncode == 0 and done.stdout.decode() == f'{{"file":"{page_file}"}}\n', done
    check_page(page_file.read_text())
    done = subprocess.run([lpactl, "audit", "report", folder / "none"], env=environment, capture_output=True)
    assert done.returncode == 2 and b"No such file" in done.stderr and done.stdout == b"", done

    # A hundred thousand records.
    make_log(log, 100000, "Meters")
    pid = os.posix_spawn(program, [program, "--output", str(page_file), str(log)], os.environ)
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    text = page_file.read_text()
    check_page(text)
    print(f"100,000 records: {usage.ru_maxrss} KiB, {usage.ru_utime + usage.ru_stime:.2f} s, a page of {len(text) // 1024} KiB")
    if "--any-memory" not in sys.argv:
        assert usage.ru_maxrss < MEMORY_KIB, usage.ru_maxrss
    assert len(text) < 2 * 1024 * 1024
