"""Compares the time of ``dtype_from_pep3118`` with NumPy's reader. The figures are medians of interleaved rounds.

A row ``cold`` reads every format for the first time. A row ``warm`` reads the same format again.
"""

import itertools
import statistics
import sys
import time

from numpy._core._internal import _dtype_from_pep3118 as theirs

from pep3118.numpy import dtype_from_pep3118 as ours

NUMBER = itertools.count()
FORMATS = {
    "scalar": lambda tag: "<d",
    "5 fields": lambda tag: f"T{{i:a{tag}:d:b:3s:c:<h:d:(2,3)f:e:}}",
    "200 fields": lambda tag: "T{" + "".join(f"{'bhidf'[i % 5]}:f{i}{tag}:" for i in range(200)) + "}",
}


def seconds(reader, specs):
    """Returns the seconds in which `reader` reads all formats `specs`."""
    start = time.perf_counter()
    for spec in specs:
        reader(spec)
    return time.perf_counter() - start


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    print(f"{'':18}{'NumPy us':>10}{'ours us':>10}{'speedup':>8}")
    for name, make in FORMATS.items():
        calls = 20 if name == "200 fields" else 500
        for temperature in ("cold", "warm"):
            times = {theirs: [], ours: []}
            for _ in range(rounds):
                for reader in (theirs, ours):
                    tags = [f"_{next(NUMBER)}" if temperature == "cold" else "" for _ in range(calls)]
                    specs = [make(tag) for tag in tags]
                    times[reader].append(seconds(reader, specs) / calls * 1e6)
            peer, library = (statistics.median(times[reader]) for reader in (theirs, ours))
            print(f"{name + ' ' + temperature:18}{peer:10.2f}{library:10.2f}{peer / library:8.1f}")


if __name__ == "__main__":
    main()
