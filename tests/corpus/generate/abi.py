"""`struct.calcsize` of every format of ../abi.jsonl on this machine.

Usage: python abi.py [--differ KEY]

Prints rows with one answer, whose key names machine and version; null is a refusal. With --differ KEY the answers
recorded under that key ("x86_64-linux cpython 3.15") are compared instead.
"""

import json
import pathlib
import platform
import struct
import sys

HERE = pathlib.Path(__file__).parent
KEY = (
    f"{platform.machine()}-{platform.system().lower()} {platform.python_implementation().lower()} %d.%d"
    % sys.version_info[:2]
)


def size(format):
    try:
        return struct.calcsize(format)
    except (struct.error, ValueError):
        return None


def main():
    rows = [json.loads(line) for line in (HERE.parent / "abi.jsonl").read_text("utf-8").splitlines()]
    key = sys.argv[2] if sys.argv[1:2] == ["--differ"] else None
    same = 0
    for row in rows:
        now, was = size(row["format"]), row["struct.calcsize"].get(key)
        same += now == was
        if key is None:
            print(json.dumps({"format": row["format"], "struct.calcsize": {KEY: now}}, ensure_ascii=False))
        elif now != was:
            print(f"{row['format']!r}: {was} recorded, {now} now")
    if key:
        print(f"{same} of {len(rows)} as recorded for {key}")


main()
