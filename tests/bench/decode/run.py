#!/usr/bin/env python3
"""What decoding costs beside memcpy, NumPy and CPython, in one table.

    tests/bench/decode/run.py [--rounds 25] [--only WORD] [--python BINARY] [--check]

Each piece of work is one row: medians of rounds in which the library, its yardstick (memcpy, unless the
name says otherwise) and the peer take turns. Library and peers are two processes, of which one waits
while the other works. Beside each ratio stands that of the quickest rounds, which a machine that is busy
with something else disturbs least. The goal is the most that the library may take, as a share of whom it names, or
else of the yardstick. BINARY is another Python with NumPy; without it the pinned NumPy is installed for
this one. With --check the status is 1 if a goal is missed.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import run as formats  # noqa: E402  the build and the environment of the bench of formats


def lines(command):
    """A process that answers a line with a line."""
    pipe = subprocess.PIPE
    return subprocess.Popen([str(part) for part in command], stdin=pipe, stdout=pipe, text=True, bufsize=1)


def answer(process, line):
    process.stdin.write(line + "\n")
    return process.stdout.readline().rstrip("\n")


def bound(goal):
    """Whom a goal is relative to, and its factor."""
    words = goal.split()
    number = next((float(word) for word in words if word.replace(".", "").isdigit()), None)
    if "x" in words:
        return None, None
    return (words[0] if words and words[0] in ("NumPy", "CPython") else "yardstick"), number


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--only", default="")
    parser.add_argument("--python")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()

    target = Path(os.environ.get("CARGO_TARGET_DIR", formats.TARGET))
    library = lines([formats.build(HERE, target) / "bench-decode", "serve", options.only])
    peers = lines([options.python or formats.python(), HERE / "peers.py"])
    print(f"{'work':44} {'ms':>9} {'yardstick':>9} {'ratio':>6} {'best':>6} {'peer':>9} {'ratio':>6} {'best':>6}  goal")
    missed = False
    while row := library.stdout.readline().rstrip("\n"):
        name, goal = row.split("\t")
        ours, yardsticks, theirs, peer = [], [], [], None
        for _ in range(options.rounds):
            work, yardstick = map(float, answer(library, "round").split("\t"))
            ours.append(work)
            yardsticks.append(yardstick)
            told = answer(peers, name)
            if told != "-":
                peer, seconds = told.split()
                theirs.append(float(seconds))
        figures = {"yardstick": statistics.median(yardsticks)}
        if theirs:
            figures[peer] = statistics.median(theirs)
        work = statistics.median(ours)
        whom, factor = bound(goal)
        verdict = ""
        if factor is not None and whom in figures:
            met = work <= factor * figures[whom]
            missed |= not met
            verdict = "met" if met else "NOT MET"
        beside = lambda them: f"{statistics.median(them) * 1e3:9.3f} {work / statistics.median(them):6.2f} {min(ours) / min(them):6.2f}"
        no_peer = f"{'-':>9} {'-':>6} {'-':>6}"
        print(f"{name:44} {work * 1e3:9.3f} {beside(yardsticks)} {beside(theirs) if theirs else no_peer}  {goal} {verdict}", flush=True)
        library.stdin.write("next\n")
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
