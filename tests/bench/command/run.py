#!/usr/bin/env python3
"""Compares the time and the memory of `decode` of two builds of the command on one large file, for each output mode.

    tests/bench/command/run.py OLD NEW [--megabytes 1000] [--rounds 1]

OLD and NEW are executables of `pep3118`. The calls of both alternate. For each mode of the output, the script prints
the processor time (user and system) in seconds, and the largest resident memory in MB, which Linux calls VmHWM.
"""

import argparse
import os
import pathlib
import random
import statistics
import struct
import tempfile
import time

FORMAT = "<IhBd8s"
# The options of each mode. A build that refuses an option has no figure.
MODES = {
    "table": [],
    "jsonl": ["--to", "json"],
    "csv": ["--to", "csv"],
    "csv, two columns": ["--to", "csv", "--columns", "f0,f3"],
    "jsonl, `--every 46`": ["--to", "json", "--every", "46"],
    "csv, `--text`": ["--to", "csv", "--text"],
    "csv, `--hex`": ["--to", "csv", "--hex"],
    "csv, `--csv-safe`": ["--to", "csv", "--csv-safe"],
    "arrow": ["--to", "arrow"],
    "parquet": ["--to", "parquet"],
}


def write_items(path, megabytes):
    """Writes blocks of 1,000 items to `path`, up to `megabytes` MB."""
    rng = random.Random(1)
    # 1,000 different items, so that the file is written fast. The values have the usual numbers of digits.
    block = b"".join(
        struct.pack(
            FORMAT,
            rng.randrange(1 << 32),
            rng.randrange(-999, 999),
            rng.randrange(256),
            rng.random() * 1000,
            rng.choice([b"AAPL", b"MSFT", b"GOOGL", b"BRK.B"]),
        )
        for _ in range(1000)
    )
    with path.open("wb") as file:
        for _ in range(megabytes * 1_000_000 // len(block)):
            file.write(block)


def measure(program, arguments):
    """Runs `program` and discards its output. Returns its processor time in seconds and its largest resident memory in
    MB, or None if the program fails."""
    out = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)]
    child = os.posix_spawn(program, [program, *arguments], os.environ, file_actions=actions)
    os.close(out)
    memory = 0
    # `ru_maxrss` contains the memory of this script, which starts the process. VmHWM does not.
    while not (waited := os.wait4(child, os.WNOHANG))[0]:
        status = pathlib.Path(f"/proc/{child}/status").read_text()
        memory = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), memory)
        time.sleep(0.01)
    _, status, usage = waited
    return None if status else (usage.ru_utime + usage.ru_stime, memory * 1024 / 1e6)


def main():
    """Measures both builds in each mode of `MODES`, and prints a table with a row for each mode."""
    parser = argparse.ArgumentParser()
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    print("| mode | old: CPU s | new: CPU s | new / old | old: MB | new: MB |\n|--|--|--|--|--|--|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        items = pathlib.Path(folder) / "items"
        write_items(items, options.megabytes)
        for mode, arguments in MODES.items():
            call = ["decode", "-f", FORMAT, *arguments, str(items)]
            found = {"old": [], "new": []}
            for _ in range(options.rounds):
                for name, figures in found.items():
                    figures.append(measure(getattr(options, name), call))
            row(mode, found)


def row(mode, found):
    """Prints the row for `mode`: the median times and the largest memory. `found` has a list of the results of
    `measure` for each of "old" and "new"."""
    cells = {}
    for name, figures in found.items():
        known = [figure for figure in figures if figure]
        cells[name] = (
            (statistics.median(cpu for cpu, _ in known), max(memory for _, memory in known)) if known else None
        )
    text = {name: (f"{cell[0]:.2f}", f"{cell[1]:.1f}") if cell else ("-", "-") for name, cell in cells.items()}
    ratio = f"{cells['new'][0] / cells['old'][0]:.2f}" if all(cells.values()) else "-"
    (old_time, old_memory), (new_time, new_memory) = text["old"], text["new"]
    print(f"| {mode} | {old_time} | {new_time} | {ratio} | {old_memory} | {new_memory} |", flush=True)


if __name__ == "__main__":
    main()
