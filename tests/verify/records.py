#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the real lpad has written: every record fits the schema, every log is whole for both verifiers, and what is
done to those logs is found like what is done to made ones.

    records.py VERIFIER BATCH FOLDER

FOLDER: one folder for each world of the end to end tests (LPAD_KEEP_AUDIT), with its audit files. They are removed
when all is well. Exit code 77: there are none; the end to end tests have not run.
"""
import functools
import importlib.util
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
spec = importlib.util.spec_from_file_location("audit_verify", ROOT / "docs" / "audit-verify.py")
audit_verify = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit_verify)


def load():
    schema = json.loads((ROOT / "docs" / "audit-schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema, jsonschema.Draft202012Validator(schema)


@functools.lru_cache(maxsize=None)
def validator_of(kind):
    """The same schema without the types that are not this one: many times faster."""
    schema, validator = load()
    if kind not in schema["$defs"]["types"]:
        return validator
    return jsonschema.Draft202012Validator(schema | {"else": {"$ref": f"#/$defs/types/{kind}"}})


def check(record, where):
    validator = validator_of(record.get("type"))
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


def check_records(names, types):
    first = None
    for name in names:
        for number, line in enumerate(name.read_bytes().split(b"\n")[:-1], 1):
            record = json.loads(line)
            check(record, f"{name}:{number}")
            types[record["type"]] += 1
            first = first or record
    return first


def pieces(octets):
    """As reading a file by lines does: at newlines alone."""
    return [piece for piece in re.split(rb"(?<=\n)", octets) if piece]


def check_whole(verifier, names, key):
    done = subprocess.run([verifier, "--json", "--key", key, *names], capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{names}: {done.stdout.decode()}{done.stderr.decode()}")
    said = json.loads(done.stdout)
    other = audit_verify.verify([pieces(name.read_bytes()) for name in names], keys=[key])
    for field in ("verdict", "open", "torn", "last_seq"):
        if said[field] != other[field]:
            sys.exit(f"{names}: {field}: {said} {other}")


def mutate(batch, logs):
    with tempfile.NamedTemporaryFile("w", suffix=".logs") as rows:
        rows.writelines(f"{key} {' '.join(map(str, names))}\n" for key, names in logs)
        rows.flush()
        subprocess.run([HERE / "mutations", batch, "4000", "5", "--only", "--logs", rows.name], check=True)


def main():
    verifier, batch, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    types, short, count = Counter(), [], 0
    for names in logs_of(folder).values() if folder.is_dir() else ():
        first = check_records(names, types)
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
