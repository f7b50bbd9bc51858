"""Records `struct.calcsize` on this machine for every format of ../abi.jsonl.

Usage: python abi.py [--differ KEY]

Prints one row for each format. A row has one answer. The key of the answer contains the machine and the Python version.
The answer is the size in bytes, or null if `struct` refuses the format. With --differ KEY, the script compares the
sizes with the answers recorded under KEY, for example "x86_64-linux cpython 3.15".
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
    """Returns the size of `format` in bytes, or None if `struct` refuses `format`."""
    try:
        return struct.calcsize(format)
    except (struct.error, ValueError):
        return None


def main():
    rows = [json.loads(line) for line in (HERE.parent / "abi.jsonl").read_text("utf-8").splitlines()]
    key = sys.argv[2] if sys.argv[1:2] == ["--differ"] else None
    equal = 0
    for row in rows:
        current, recorded = size(row["format"]), row["struct.calcsize"].get(key)
        equal += current == recorded
        if key is None:
            print(json.dumps({"format": row["format"], "struct.calcsize": {KEY: current}}, ensure_ascii=False))
        elif current != recorded:
            print(f"{row['format']!r}: {recorded} recorded, {current} now")
    if key:
        print(f"{equal} of {len(rows)} equal the answers recorded for {key}")


main()
