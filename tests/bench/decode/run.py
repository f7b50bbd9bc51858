#!/usr/bin/env python3
"""Compares the time of decoding and encoding with memcpy, NumPy and CPython, in one table.

    tests/bench/decode/run.py [--rounds 25] [--only WORD] [--python BINARY] [--check]

Each row is one operation. In every round, the library, its baseline and the peer run the operation one after the
other. The baseline is memcpy unless the name of the row has another baseline in parentheses. The library and the peers
are two processes. One process waits while the other process works.

Columns: the median time of the library; the median time of the baseline, the ratio of the medians, and the ratio of the
fastest rounds; the same three figures for the peer; the goal. Other programs of the machine disturb the fastest rounds
least. A goal is the highest permitted ratio to the peer that it names ("NumPy 1.05"), or to the baseline ("1.25").

BINARY is a Python with NumPy. Without this option the script installs the pinned NumPy into a virtual environment. With
--check the exit status is 1 if a goal is missed.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import run as format_bench  # noqa: E402  `build` and `python` of the benchmark of formats


def start(command):
    """Starts a process that answers each line of its standard input with one line."""
    pipe = subprocess.PIPE
    return subprocess.Popen([str(part) for part in command], stdin=pipe, stdout=pipe, text=True, bufsize=1)


def answer(process, line):
    """Sends `line` to `process` and returns its answer."""
    process.stdin.write(line + "\n")
    return process.stdout.readline().rstrip("\n")


def parse_goal(goal):
    """Returns the competitor and the highest permitted ratio: ("NumPy", 1.05) for "NumPy 1.05", and ("baseline", 1.25)
    for "1.25".

    The ratio is None for a goal without a number, such as "-". Both are None for a goal that is relative to another
    row, such as "1.2 x that".
    """
    words = goal.split()
    number = next((float(word) for word in words if word.replace(".", "").isdigit()), None)
    if "x" in words:
        return None, None
    return (words[0] if words and words[0] in ("NumPy", "CPython") else "baseline"), number


def columns(ours, theirs):
    """Formats the columns of the baseline or peer: the median of `theirs` in ms, the ratio of the medians, and the
    ratio of the minima. Both arguments are lists of seconds."""
    median = statistics.median(theirs)
    return f"{median * 1e3:9.3f} {statistics.median(ours) / median:6.2f} {min(ours) / min(theirs):6.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--only", default="")
    parser.add_argument("--python")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()

    target = Path(os.environ.get("CARGO_TARGET_DIR", format_bench.TARGET))
    library = start([format_bench.build(HERE, target) / "bench-decode", "serve", options.only])
    peers = start([options.python or format_bench.python(), HERE / "peers.py"])
    head = f"{'ms':>9} {'baseline':>9} {'ratio':>6} {'best':>6} {'peer':>9} {'ratio':>6} {'best':>6}  goal"
    print(f"{'operation':44} {head}")
    missed = False
    while row := library.stdout.readline().rstrip("\n"):
        name, goal = row.split("\t")
        ours, baselines, theirs, peer = [], [], [], None
        for _ in range(options.rounds):
            library_seconds, baseline_seconds = map(float, answer(library, "round").split("\t"))
            ours.append(library_seconds)
            baselines.append(baseline_seconds)
            peer_answer = answer(peers, name)
            if peer_answer != "-":
                peer, seconds = peer_answer.split()
                theirs.append(float(seconds))
        medians = {"baseline": statistics.median(baselines)}
        if theirs:
            medians[peer] = statistics.median(theirs)
        median = statistics.median(ours)
        competitor, ratio = parse_goal(goal)
        result = ""
        if ratio is not None and competitor in medians:
            met = median <= ratio * medians[competitor]
            missed |= not met
            result = "met" if met else "NOT MET"
        peer_columns = columns(ours, theirs) if theirs else f"{'-':>9} {'-':>6} {'-':>6}"
        print(
            f"{name:44} {median * 1e3:9.3f} {columns(ours, baselines)} {peer_columns}  {goal} {result}",
            flush=True,
        )
        library.stdin.write("next\n")
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
