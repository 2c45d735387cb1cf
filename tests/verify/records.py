#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the real lpad has written: every record fits the schema, every log is whole for both verifiers, and what is
done to those logs is found like what is done to made ones.

    records.py VERIFIER BATCH FOLDER

FOLDER: one folder for each world of the end to end tests (LPAD_KEEP_AUDIT), with its audit files. They are removed
when all is well. Exit code 77: there are none; the end to end tests have not run.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCRIPT = ROOT / "docs" / "audit-verify.py"


def load():
    schema = json.loads((ROOT / "docs" / "audit-schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema, jsonschema.Draft202012Validator(schema)


def check(validator, record, where):
    error = jsonschema.exceptions.best_match(validator.iter_errors(record))
    if error:
        sys.exit(f"{where}: {json.dumps(record)}\n  {error.json_path}: {error.message}")


def logs_of(folder):
    """The files of each log: PATH and PATH.FIRSTSEQ, in their order."""
    logs = {}
    for name in sorted(p for p in folder.rglob("*") if p.is_file()):
        log = name if name.suffix == ".jsonl" else name.with_suffix("")
        logs.setdefault(log, []).append(name)
    return {log: [n for n in names if n != log] + [n for n in names if n == log] for log, names in logs.items()}


def check_records(validator, names, types):
    first = None
    for name in names:
        for number, line in enumerate(name.read_bytes().split(b"\n")[:-1], 1):
            record = json.loads(line)
            check(validator, record, f"{name}:{number}")
            types[record["type"]] += 1
            first = first or record
    return first


def check_whole(verifier, names, key):
    verdicts = []
    for program in (verifier, SCRIPT):
        done = subprocess.run([program, "--json", "--key", key, *names], capture_output=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{program} {names}: {done.stdout.decode()}{done.stderr.decode()}")
        verdicts.append(json.loads(done.stdout))
    for field in ("open", "torn", "last_seq"):
        if verdicts[0][field] != verdicts[1][field]:
            sys.exit(f"{names}: {field}: {verdicts}")


def mutate(batch, logs):
    with tempfile.NamedTemporaryFile("w", suffix=".logs") as rows:
        rows.writelines(f"{key} {' '.join(map(str, names))}\n" for key, names in logs)
        rows.flush()
        subprocess.run([HERE / "mutations", batch, "4000", "5", "--only", "--logs", rows.name], check=True)


def main():
    verifier, batch, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    _, validator = load()
    types, short, count = Counter(), [], 0
    for names in logs_of(folder).values() if folder.is_dir() else ():
        first = check_records(validator, names, types)
        if first is None:
            continue  # lpad was not to start in this world
        count += 1
        check_whole(verifier, names, first["key"])
        lines = sum(name.read_bytes().count(b"\n") for name in names)
        if 20 <= lines <= 150 and len(short) < 60:
            short.append((first["key"], names))
    if count == 0:
        print("skipped: no audit files were left here; run the end to end tests first")
        sys.exit(77)
    print(f"{count} logs:", ", ".join(f"{t} {n}" for t, n in sorted(types.items())), flush=True)
    if short:
        mutate(batch, short)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
