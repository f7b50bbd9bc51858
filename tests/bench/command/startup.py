#!/usr/bin/env python3
"""Measures the start of the command of the Python package.

    tests/bench/command/startup.py [PYTHON] [--rounds 50]

PYTHON is an interpreter with the package, by default the one that runs this script. For each call, the script prints
the processor time (user and system) in milliseconds above the time of `PYTHON -c pass`. The calls alternate, because
the speed of the machine changes.
"""

import argparse
import os
import pathlib
import statistics
import sys

CALLS = {
    "--version": ["--version"],
    "size": ["size", "ib"],
    "explain": ["explain", "T{<H:id:6x<d:price:}"],
    "emit": ["emit", "T{<i:a:}", "--to", "ctypes"],
    "readers": ["readers", "<i"],
    "check": ["check", "-f", "<i", "--shape", "2"],
    "rules": ["rules"],
    "decode": ["decode", "--count", "1", "/dev/zero", "<i"],
    "hexdump": ["hexdump", "--count", "1", "/dev/zero", "<i"],
    "encode": ["encode", "<i", "/dev/null", "--from", "jsonl"],
    "audit": ["audit", "bytearray(3)"],
    "census": ["census", "pickle"],
}


def milliseconds(arguments):
    """Runs a program and returns its processor time in milliseconds."""
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, stream) for stream in (0, 1, 2)]
    child = os.posix_spawn(arguments[0], arguments, os.environ, file_actions=actions)
    os.close(null)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{arguments} ends with status {status}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def main():
    """Prints a table with a row for each call."""
    parser = argparse.ArgumentParser()
    parser.add_argument("python", nargs="?", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    script = str(pathlib.Path(options.python).parent / "pep3118")
    calls = {"bare Python": [options.python, "-c", "pass"]}
    calls |= {f"`pep3118 {name}`": [script, *arguments] for name, arguments in CALLS.items()}
    calls["`python -m pep3118 size`"] = [options.python, "-m", "pep3118", *CALLS["size"]]
    found = {name: [] for name in calls}
    for _ in range(options.rounds):
        for name, arguments in calls.items():
            found[name].append(milliseconds(arguments))
    bare = found["bare Python"]
    print("| call | median ms | median above bare Python | lowest above bare Python |\n|--|--|--|--|")
    for name, figures in found.items():
        above = statistics.median(figures) - statistics.median(bare), min(figures) - min(bare)
        print(f"| {name} | {statistics.median(figures):.1f} | {above[0]:.1f} | {above[1]:.1f} |")


if __name__ == "__main__":
    main()
