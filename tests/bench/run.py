#!/usr/bin/env python3
"""Counts the instructions and measures the times of functions that read a format string.

Prints a table of the library and the peers, and each goal with its figure.

    tests/bench/run.py                 the library, CPython's struct and NumPy
    tests/bench/run.py --rustpython    also RustPython's parser; builds its virtual machine, which takes minutes
    tests/bench/run.py --no-count      times only; works without valgrind
    tests/bench/run.py --no-time       counts only; every run prints the same figures
    tests/bench/run.py --check         exit status 1 if a goal about instructions or allocations is missed

callgrind counts the instructions, including the allocation and the drop of the result. In Rust, callgrind counts from
the entry of the measured function to its return. In Python the script runs N calls and 2 N calls, divides the
difference by N, and subtracts the same figure of an empty loop.

Nanoseconds are medians. In every round all programs run one after the other, so that a disturbance affects all of them.
The figures of the library include the loop, and the figures of Python do not. The table also has the allocations of one
call, which memcheck counts in Rust only. The script installs NumPy into target/bench/venv, in the version of the
constant NUMPY.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target")).resolve()
NUMPY = "numpy==2.2.6"
ROUNDS = 25
ROUND_SECONDS = 1e-3  # the shortest time of one program in one round

ONE, NATIVE, COUNT = "<i", "@i", "3i"
TWENTY, TWENTY_NATIVE = "<bBhHiIlLqQfdbBhHiIqd", "@bBhHiIlLqQfdbBhHiIqd"
FLAT = [ONE, NATIVE, COUNT, TWENTY, TWENTY_NATIVE]

# The measured function of each operation, by the name of the operation in the protocol.
LIBRARY = {
    "recognize": "Scalar::recognize",
    "calcsize": "calcsize_in",
    "read": "Layout::read",
    "read_into": "Layout::read_into",
    "read_numpy": "Layout::read",
    "read_into_numpy": "Layout::read_into",
    "parse": "Format::parse",
}
PYTHON = {
    "struct_cached": "struct.calcsize, cached",
    "struct_uncached": "struct.Struct",
    "numpy": "NumPy _dtype_from_pep3118",
}
RUSTPYTHON = {"rustpython": "RustPython FormatSpec::parse"}
LABELS = LIBRARY | PYTHON | RUSTPYTHON


def build(folder, target):
    """Builds the package in `folder` with the target directory `target`, and returns the folder of the programs."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(target)}
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=folder, env=environment, check=True)
    return target / "release"


def python():
    """Returns the path of a Python with the pinned NumPy. Creates its virtual environment if it does not exist."""
    home = TARGET / "bench" / "venv"
    binary = home / "bin" / "python"
    if not binary.exists():
        venv.create(home, with_pip=True)
    subprocess.run([binary, "-m", "pip", "install", "--quiet", NUMPY], check=True)
    return binary


class Program:
    """A measured program that understands the protocol of src/harness.rs."""

    def __init__(self, *command):
        self.command = [str(part) for part in command]
        self.process = None

    def seconds(self, operation, calls, format):
        """Returns the mean seconds of one call in a run of `calls` calls. The first use starts the process."""
        if self.process is None:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen([*self.command, "serve"], stdin=pipe, stdout=pipe, text=True)
        self.process.stdin.write(f"{operation}\t{calls}\t{format}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline()) * 1e-9

    def valgrind(self, tool, pattern, operation, calls, format):
        """Runs `calls` calls under valgrind and returns the number that `pattern` finds in its output. `tool` is a list
        of options of valgrind."""
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        command = ["valgrind", *tool, *self.command, "count", operation, str(calls), format]
        answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return int(re.search(pattern, answer.stderr).group(1).replace(",", ""))

    def per_call(self, tool, pattern, operation, calls, format):
        """Returns the figure of one call: the difference between 2 * `calls` and `calls` calls, divided by `calls`.
        The arguments are those of `valgrind`."""
        once = self.valgrind(tool, pattern, operation, calls, format)
        twice = self.valgrind(tool, pattern, operation, 2 * calls, format)
        return (twice - once) / calls

    def instructions(self, operation, format):
        """Returns the instructions of one call. In Python, these include the loop."""
        tool = ["--tool=callgrind", "--callgrind-out-file=/dev/null"]
        calls = 1000
        if operation in PYTHON:
            # The import of NumPy takes a different number of instructions in each run. With many calls the difference
            # per call is small.
            calls = (10_000 if len(format) < 100 else 20_000) // len(format) if operation == "numpy" else 2000
        else:
            tool.append("--toggle-collect=*work_*")
        return self.per_call(tool, r"Collected : (\d+)", operation, calls, format)

    def allocations(self, operation, format):
        """Returns the allocations of one call."""
        return self.per_call(["--tool=memcheck"], r"total heap usage: ([\d,]+) allocs", operation, 1000, format)


def measurements(records):
    """Yields (format, list of operations) for each format of the table. `records` are the formats of records.

    The operations include those of RustPython, which `main` removes if RustPython is not measured.
    """
    for format in FLAT:
        recognize = ["recognize"] if len(format) == 2 and format != COUNT else []
        ours = [*recognize, "calcsize", "read", "read_into", "parse"]
        yield format, [*ours, "struct_cached", "struct_uncached", "rustpython", "numpy"]
    for format in records:
        yield format, ["read_numpy", "read_into_numpy", "parse", "numpy"]


def count(programs, pairs):
    """Returns {(operation, format): (instructions, allocations)} for all `pairs` of (operation, format).

    The allocations of Python are None. The instructions of Python do not include the loop. `programs` are the programs
    by operation.
    """

    def count_pair(pair):
        operation, format = pair
        program = programs[operation]
        allocations = None if operation in PYTHON else program.allocations(operation, format)
        return program.instructions(operation, format), allocations

    # Programs that run at the same time do not change each other's counts.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        figures = dict(zip(pairs, pool.map(count_pair, pairs), strict=True))
        if any(operation in PYTHON for operation, _ in pairs):
            tool, pattern = ["--tool=callgrind", "--callgrind-out-file=/dev/null"], r"Collected : (\d+)"
            loop = programs["struct_cached"].per_call(tool, pattern, "nothing", 2000, "")
            for pair in pairs:
                if pair[0] in PYTHON:
                    figures[pair] = (figures[pair][0] - loop, None)
    return figures


def measure_times(programs, pairs):
    """Returns {(operation, format): median nanoseconds of one call}. The operations of one format alternate.

    The nanoseconds of Python do not include the loop. `programs` are the programs by operation.
    """
    figures = {}
    formats = dict.fromkeys(format for _, format in pairs)
    for format in formats:
        operations = [operation for operation, other in pairs if other == format]
        calls = {}
        for operation in operations:
            calls[operation] = 1
            while programs[operation].seconds(operation, calls[operation], format) * calls[operation] < ROUND_SECONDS:
                calls[operation] *= 2
        rounds = {operation: [] for operation in operations}
        for _ in range(ROUNDS):
            for operation in operations:
                seconds = programs[operation].seconds(operation, calls[operation], format)
                if operation in PYTHON:
                    seconds -= programs[operation].seconds("nothing", calls[operation], format)
                rounds[operation].append(seconds * 1e9)
        for operation in operations:
            figures[operation, format] = statistics.median(rounds[operation])
    return figures


def goals(instructions, nanoseconds, allocations, records):
    """Yields (name, figure of the library, highest permitted figure, source of this figure) for each goal.

    A figure is None if it was not measured. The arguments are the figures by (operation, format), and the two formats
    of records. For the two formats with `<`, recorded figures replace missing figures of RustPython.
    """
    codes = {ONE: "one code", TWENTY: "20 codes", NATIVE: "one code, native", TWENTY_NATIVE: "20 codes, native"}
    for format in (ONE, NATIVE):
        yield f"recognize {format}: instructions", instructions.get(("recognize", format)), 60, "the goal"
    for format in (ONE, TWENTY, NATIVE, TWENTY_NATIVE):
        name = codes[format]
        ours = nanoseconds.get(("calcsize", format))
        for peer, share in (("struct_cached", 0.5), ("struct_uncached", 0.1)):
            bound = nanoseconds.get((peer, format))
            yield f"calcsize, {name}: ns", ours, bound and bound * share, f"{share} of {LABELS[peer]}"
    # The instructions of RustPython when the goals were set, for a run that does not measure RustPython.
    recorded = {ONE: 422, TWENTY: 2960}
    for format in (ONE, TWENTY, NATIVE, TWENTY_NATIVE):
        name = codes[format]
        peer, source = instructions.get(("rustpython", format)), "RustPython"
        if peer is None:
            peer, source = recorded.get(format), "RustPython as recorded"
        yield f"read, {name}: instructions", instructions.get(("read", format)), peer, source
        yield (
            f"read_into, {name}: instructions",
            instructions.get(("read_into", format)),
            peer and peer * 0.7,
            f"0.7 of {source}",
        )
    for format in (ONE, TWENTY, NATIVE, TWENTY_NATIVE):
        yield f"read, {codes[format]}: allocations", allocations.get(("read", format)), 1, "the goal"
        yield f"read_into, {codes[format]}: allocations", allocations.get(("read_into", format)), 0, "the goal"
    for fields, format in zip((20, 200), records, strict=True):
        for operation in ("read_numpy", "read_into_numpy"):
            peer = instructions.get(("numpy", format))
            ours = instructions.get((operation, format))
            yield f"{operation}, {fields} fields: instructions", ours, peer and peer / 100, "a hundredth of NumPy"


def show(number, digits=0):
    """Formats a figure. Returns "-" for None, a figure that was not measured."""
    return "-" if number is None else f"{number:,.{digits}f}"


def short(format, records):
    """Returns `format`, or "20 fields" or "200 fields" for a format in `records`, because these are too long for the
    table."""
    return f"{(20, 200)[records.index(format)]} fields" if format in records else format


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rustpython", action="store_true")
    parser.add_argument("--no-count", action="store_true")
    parser.add_argument("--no-time", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()

    interpreter = python()
    peers = Program(interpreter, HERE / "peers.py")
    library = Program(build(HERE, TARGET) / "pep3118-bench")
    programs = dict.fromkeys(LIBRARY, library) | dict.fromkeys(PYTHON, peers)
    if options.rustpython:
        folder = build(HERE / "rustpython", TARGET / "bench-rustpython")
        programs |= dict.fromkeys(RUSTPYTHON, Program(folder / "rustpython-bench"))

    records = []
    for fields in (20, 200):
        answer = subprocess.run(
            [interpreter, HERE / "peers.py", "record", str(fields)], check=True, capture_output=True
        )
        records.append(answer.stdout.decode().strip())
    pairs = [
        (operation, format)
        for format, operations in measurements(records)
        for operation in operations
        if operation in programs
    ]

    counted = {} if options.no_count else count(programs, pairs)
    nanoseconds = {} if options.no_time else measure_times(programs, pairs)
    instructions = {pair: figures[0] for pair, figures in counted.items()}
    allocations = {pair: figures[1] for pair, figures in counted.items()}

    print(f"{'format':22} {'operation':28} {'instructions':>13} {'ns':>12} {'allocations':>12}")
    previous = None
    for pair in pairs:
        operation, format = pair
        if format != previous:
            print()
        previous = format
        figures = (
            f"{show(instructions.get(pair)):>13} {show(nanoseconds.get(pair), 1):>12} {show(allocations.get(pair)):>12}"
        )
        print(f"{short(format, records):22} {LABELS[operation]:28} {figures}")

    print(f"\n{'goal':40} {'figure':>10} {'at most':>10} {'share':>6}")
    missed = False
    for name, ours, bound, source in goals(instructions, nanoseconds, allocations, records):
        if ours is None or bound is None:
            continue
        met = ours <= bound
        missed |= not met and not name.endswith("ns")
        share = f"{ours / bound:.2f}" if bound else "-"
        print(f"{name:40} {show(ours):>10} {show(bound):>10} {share:>6}  {'met' if met else 'NOT MET'}: {source}")
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
