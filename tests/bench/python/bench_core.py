"""Compares the times of ``pep3118.View`` and ``pep3118.struct`` with memoryview, NumPy and ``struct``.

Usage, with a release build of the package and NumPy:

    python tests/bench/python/bench_core.py [--only WORD] [--rounds N] [--check]
    python tests/bench/python/bench_core.py --json before.json     # save the figures
    python tests/bench/python/bench_core.py --before before.json   # print saved figures beside the new figures

A row compares a statement of pep3118 with a statement of the peer. The two statements are compiled into the same loop,
and all names in the statements are local variables. The rounds of the two statements alternate. The ratio is the ratio
of the medians of the processor time. The garbage collector runs before each round and is off during the measurement.
The goals are for CPython 3.13. For other versions the goals are 1.2 times as large.
"""

import argparse
import array
import ctypes
import functools
import gc
import json
import statistics
import struct
import sys
import time
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

import pep3118
from pep3118 import View
from pep3118 import struct as pep3118_struct

GOALS_ARE_FOR = (3, 13)
ROUND_SECONDS = 0.004  # A short statement is repeated until its round takes this time.
LARGE = 1_000_000
RECORD = "<IhBd8s"


@dataclass
class Row:
    """One comparison: a statement of pep3118 and a statement of the peer, with the variables of each statement.

    `goal` is the highest permitted ratio of the times, or None.
    """

    group: str
    title: str
    peer: str
    goal: float | None
    ours: str
    theirs: str
    our_names: dict = field(repr=False)
    their_names: dict = field(repr=False)

    @property
    def key(self):
        return f"{self.group}: {self.title} | {self.peer}"


def same(group, title, peer, goal, statement, ours, theirs, **names):
    """Returns a row with the same statement for pep3118 and the peer. The variable `v` is `ours` or `theirs`."""
    return Row(group, title, peer, goal, statement, statement, {"v": ours, **names}, {"v": theirs, **names})


def records(count, fields=(("I", "<u4"), ("h", "<i2"), ("B", "u1"), ("d", "<f8"), ("s", "S8"))):
    """Returns an array of `count` packed records of random bytes.

    The bytes are written, because the system maps all pages that were never written to one page of zeros.
    """
    dtype = np.dtype(list(fields))
    return np.frombuffer(bytearray(np.random.default_rng(1).bytes(count * dtype.itemsize)), dtype)


def opening():
    """Yields the rows that open an object."""
    numbers = (ctypes.c_double * 1000)()
    many = np.zeros(4, [(f"field_{index}", "<f8") for index in range(1000)])
    objects = {
        "array": array.array("d", range(1000)),
        "bytes": bytes(1000),
        "NumPy f8": np.zeros(1000),
        "NumPy record": records(1000),
        "NumPy record of 1,000 fields": many,
        "ctypes array": numbers,
    }
    for title, obj in objects.items():
        yield same("open", title, "memoryview", 2.5, "v(x)", View, memoryview, x=obj)


def items():
    """Yields the rows that read and write one item or slice."""
    doubles = array.array("d", range(1000))
    integers = array.array("i", range(1000))
    raw = bytearray(range(256)) * 4
    grid = np.arange(10_000.0).reshape(100, 100)
    for name, obj, value in [("double", doubles, 1.5), ("int", integers, 7), ("byte", raw, 7)]:
        yield same("item", f"v[i], {name}", "memoryview", 2.0, "v[5]", View(obj), memoryview(obj))
        yield same("item", f"v[i] = x, {name}", "memoryview", 2.0, "v[5] = x", View(obj), memoryview(obj), x=value)
    yield same("item", "v[i, j], double", "memoryview", 2.0, "v[5, 7]", View(grid), memoryview(grid))
    yield same("item", "v[i, j] = x, double", "memoryview", 2.0, "v[5, 7] = x", View(grid), memoryview(grid), x=1.5)
    yield same("part", "v[a:b]", "memoryview", 2.0, "v[2:9]", View(doubles), memoryview(doubles))
    line = np.arange(1000.0)
    yield same("part", "v[a:b]", "NumPy", 2.0, "v[2:9]", View(line), line)
    yield same("part", "v[i] of two dimensions", "NumPy", 2.0, "v[5]", View(grid), grid)


def record_items():
    """Yields the row that reads one record."""
    table = records(1000)
    data, at = table.tobytes(), table.itemsize * 5
    names = {"unpack_from": struct.unpack_from, "f": RECORD, "b": data, "at": at}
    yield Row("record", "v[i]", "struct.unpack_from", 1.3, "v[5]", "unpack_from(f, b, at)", {"v": View(table)}, names)


def fields():
    """Yields the rows that select a field or an item of a field."""
    table = records(1000)
    inner = [("b", "<f8"), ("c", "<i4")]
    nested = np.zeros(1000, [("a", inner), ("n", "<i4")])
    for title, goal, statement, obj in [
        ('v["f"]', 2.5, 'v["d"]', table),
        ('v["a"]["b"]', 2.5, 'v["a"]["b"]', nested),
        ('v["f"][i]', 2.0, 'v["d"][5]', table),
        ('v["f"][i] = x', 2.0, 'v["d"][5] = x', table),
        # NumPy's scalar of a record reads its values only when they are accessed, so this row has no goal.
        ('v["rec"][i]', None, 'v["a"][5]', nested),
    ]:
        yield same("field", title, "NumPy", goal, statement, View(obj), obj, x=1.5)
    # `item()` reads all values of the record into a tuple, as `View` does.
    names = {"our_names": {"v": View(nested)}, "their_names": {"v": nested}}
    yield Row("field", 'v["rec"][i]', "NumPy, item()", 1.0, 'v["a"][5]', 'v["a"][5].item()', **names)


def iteration():
    """Yields the rows that iterate over a view: with a loop and with `list`, over doubles and over records."""
    doubles = array.array("d", range(1000))
    table = records(1000)
    for title, loop in [("for x in v", "for x in {}: pass"), ("list(v)", "list({})")]:
        yield same(
            "iterate",
            f"{title}, 1,000 doubles",
            "memoryview",
            1.2,
            loop.format("v"),
            View(doubles),
            memoryview(doubles),
        )
        names = {"iter_unpack": struct.iter_unpack, "f": RECORD, "b": table.tobytes()}
        ours, theirs = loop.format("v"), loop.format("iter_unpack(f, b)")
        yield Row(
            "iterate", f"{title}, 1,000 records", "struct.iter_unpack", 1.0, ours, theirs, {"v": View(table)}, names
        )


def attributes():
    """Yields the rows that read an attribute."""
    doubles = array.array("d", range(1000))
    for statement in ("len(v)", "v.shape", "v.format", "v.itemsize"):
        yield same("attribute", statement, "memoryview", 1.3, statement, View(doubles), memoryview(doubles))


def all_items():
    """Yields the rows that compare or assign all items, or assign a slice of bytes."""
    for count, size in [(10, "10"), (1000, "1,000"), (LARGE, "a million")]:
        left, right = array.array("d", range(count)), array.array("d", range(count))
        names = {
            "our_names": {"v": View(left), "w": View(right)},
            "their_names": {"v": memoryview(left), "w": memoryview(right)},
        }
        yield Row("whole", f"v == w, {size} doubles", "memoryview", 1.5, "v == w", "v == w", **names)
        yield same(
            "whole",
            f"v[:] = array, {size} doubles",
            "memoryview",
            1.5,
            "v[:] = x",
            View(left),
            memoryview(left),
            x=right,
        )
        line, other = np.array(left), np.array(right)
        yield same("whole", f"v[:] = array, {size} doubles", "NumPy", 1.5, "v[:] = x", View(line), line, x=other)
        yield same("whole", f"v[:] = 0.0, {size} doubles", "NumPy", 1.5, "v[:] = 0.0", View(line), line)
    left, right = array.array("i", range(1000)), array.array("i", range(1000))
    names = {
        "our_names": {"v": View(left), "w": View(right)},
        "their_names": {"v": memoryview(left), "w": memoryview(right)},
    }
    yield Row("whole", "v == w, 1,000 ints", "memoryview", 1.5, "v == w", "v == w", **names)
    left, right = bytes(1000), bytes(1000)
    yield same("whole", "v == bytes, 1,000 bytes", "memoryview", 1.5, "v == w", View(left), memoryview(left), w=right)
    raw = bytearray(1000)
    yield same("whole", "v[a:b] = bytes, 7", "memoryview", 1.5, "v[2:9] = x", View(raw), memoryview(raw), x=b"1234567")
    yield same(
        "whole", "v[a:b] = bytes, 900", "memoryview", 1.5, "v[2:902] = x", View(raw), memoryview(raw), x=bytes(900)
    )


def lists():
    """Yields the rows of `tolist`, one for each type and length. The peer is memoryview if memoryview reads the type,
    and NumPy otherwise."""
    codes = "b B h H i I q Q f d ?".split() + ["e"] * (sys.version_info >= (3, 12))
    others = {"e": "f2"} if "e" not in codes else {}
    others |= {
        "S1": "S1",
        "U4": "U4",
        "complex64": "c8",
        "complex128": "c16",
        "big-endian i4": ">i4",
        "big-endian f8": ">f8",
    }
    random = np.random.default_rng(2)
    # Integers of all sizes. CPython shares the objects of small integers only, so most of these integers are new
    # objects.
    bits = random.bytes(LARGE * 8)
    for count, size, goal in [(10, "10", 1.6), (LARGE, "a million", 1.1)]:
        numbers = random.random(count) * 100

        def values(dtype, count=count, numbers=numbers):
            dtype = np.dtype(dtype)
            if dtype.kind in "iu":
                return np.frombuffer(bits, dtype, count)
            if dtype.kind in "US":
                return numbers.astype(int).astype(dtype)
            return (numbers > 50 if dtype.kind == "b" else numbers).astype(dtype)

        for code in codes:
            obj = values(code)
            yield same("tolist", f"{size}, {code}", "memoryview", goal, "v.tolist()", View(obj), memoryview(obj))
        chars = memoryview(bits[:count]).cast("c")
        yield same("tolist", f"{size}, c", "memoryview", goal, "v.tolist()", View(chars), chars)
        for name, dtype in others.items():
            obj = values(dtype)
            yield same("tolist", f"{size}, {name}", "NumPy", goal, "v.tolist()", View(obj), obj)


def columns():
    """Yields the rows that read records as columns."""
    for count, size, goal in [(10, "10", 2.5), (LARGE, "a million", 0.5)]:
        table = records(count)
        names = {"v": table, "ascontiguousarray": np.ascontiguousarray, "names": table.dtype.names}
        peer = "{name: ascontiguousarray(v[name]) for name in names}"
        yield Row(
            "columns",
            f"{size} records",
            "ascontiguousarray of each",
            goal,
            "v.columns()",
            peer,
            {"v": View(table)},
            names,
        )


def structs():
    """Yields the rows of `pep3118.struct`."""
    data = records(1000).tobytes()
    one = data[: struct.calcsize(RECORD)]

    def row(title, goal, statement, **names):
        ours, theirs = ({"m": module, "f": RECORD, **names} for module in (pep3118_struct, struct))
        return Row("struct", title, "struct", goal, statement, statement, ours, theirs)

    yield row("Struct(f)", 1.5, "m.Struct(f)")
    yield row("iter_unpack(f, b)", 1.5, "m.iter_unpack(f, b)", b=one)
    for name, kind in [("bytes", bytes), ("bytearray", bytearray)]:
        yield row(f"list(iter_unpack(f, {name})), 1 record", 1.5, "list(m.iter_unpack(f, b))", b=kind(one))
        yield row(f"list(iter_unpack(f, {name})), 1,000", 1.5, "list(m.iter_unpack(f, b))", b=kind(data))
    # No goal: these arguments take the longest.
    yield row("unpack(f, bytearray)", None, "m.unpack(f, b)", b=bytearray(one))


def rows():
    """Yields all rows."""
    for table in (opening, items, record_items, fields, iteration, attributes, all_items, lists, columns, structs):
        yield from table()


@functools.cache
def loop(statement, names, unrolled):
    """Returns a function that iterates over the iterable `times`, runs `statement` `unrolled` times a turn, and returns
    the seconds of processor time. Its keyword arguments are `names`, the variables of the statement."""
    body = "\n        ".join([statement] * unrolled)
    source = f"""
def run(times, {", ".join(names)}):
    start = clock()
    for _ in times:
        {body}
    return clock() - start
"""
    # Processor time, because the scheduler of a busy machine does not interrupt the two statements equally often.
    space = {"clock": time.thread_time}
    exec(source, space)
    return space["run"]


class Side:
    """A statement with its variables. A round has `times` turns of a loop, each with `unrolled` statements."""

    def __init__(self, statement, names):
        self.statement, self.names = statement, names
        self.unrolled = self.times = 1

    def seconds(self):
        """Runs one round and returns its seconds."""
        run = loop(self.statement, tuple(self.names), self.unrolled)
        return run(repeat(None, self.times), **self.names)

    def calibrate(self, unrolled):
        """Sets `unrolled`, and increases the number of turns from 1 until a round takes about `ROUND_SECONDS`."""
        self.unrolled, self.times = unrolled, 1
        while (taken := self.seconds()) < ROUND_SECONDS / 2:
            self.times = max(self.times * 2, int(self.times * ROUND_SECONDS / max(taken, 1e-7) * 0.8))

    def nanoseconds(self):
        """Runs one round and returns the nanoseconds of one statement."""
        return self.seconds() / self.times / self.unrolled * 1e9


def measure(row, rounds):
    """Returns {"ours", "peer", "ratio"}: the median nanoseconds of pep3118 and of the peer, and their ratio. Runs
    `rounds` rounds, or a third of them for statements of more than 2 ms."""
    sides = Side(row.ours, row.our_names), Side(row.theirs, row.their_names)
    quickest = min(min(side.seconds() for _ in range(3)) for side in sides)
    # A turn of the loop takes about 10 ns. Ten short statements share one turn.
    unrolled = 10 if quickest < 2e-6 else 1
    for side in sides:
        side.calibrate(unrolled)
    if quickest > 0.002:
        rounds = max(5, rounds // 3)
    times = [], []
    for turn in range(rounds):
        for index in (0, 1) if turn % 2 else (1, 0):
            gc.collect()
            times[index].append(sides[index].nanoseconds())
    ours, theirs = map(statistics.median, times)
    return {"ours": ours, "peer": theirs, "ratio": ours / theirs}


def duration(nanoseconds):
    """Formats a time with its unit."""
    units = [("ns", 1), ("us", 1e3), ("ms", 1e6)]
    unit, size = next(((unit, size) for unit, size in units if nanoseconds < 1000 * size), units[-1])
    digits = 0 if unit == "ns" and nanoseconds >= 100 else 1
    return f"{nanoseconds / size:.{digits}f} {unit}"


def outcome(ratio, goal):
    """Returns "met", "missed" or, without a goal, ""."""
    if goal is None:
        return ""
    return "met" if ratio <= goal else "missed"


def report(row, found, before):
    """Prints one line of the table and returns "met", "missed" or, without a goal, "".

    `found` is the result of `measure`, or {"error": text}, which counts as "missed". `before` has the saved figures by
    the keys of the rows, or is None.
    """
    goal = row.goal and round(row.goal * (1 if sys.version_info[:2] == GOALS_ARE_FOR else 1.2), 2)
    line = f"{row.group:10}{row.title:44}{row.peer:27}"
    if before is not None:
        earlier = before.get(row.key, {})
        line += (
            f"{duration(earlier['ours']):>10}{earlier['ratio']:8.2f}" if "ratio" in earlier else f"{'-':>10}{'-':>8}"
        )
    if "error" in found:
        print(f"{line}  {found['error']}")
        return "missed"
    verdict = outcome(found["ratio"], goal)
    line += (
        f"{duration(found['ours']):>10}{duration(found['peer']):>10}{found['ratio']:8.2f}{goal or '-':>7}  {verdict}"
    )
    print(line, flush=True)
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=31, help="rounds of a row, a third of them for long statements")
    parser.add_argument("--only", default="", help="measure only rows whose name contains this word")
    parser.add_argument("--json", metavar="FILE", help="save this run")
    parser.add_argument("--before", metavar="FILE", help="print the figures of a saved run beside this one")
    parser.add_argument("--check", action="store_true", help="exit with status 1 where a goal is missed")
    options = parser.parse_args()
    before = None
    if options.before:
        with open(options.before) as file:
            before = json.load(file)
    run = {"python": sys.version.split()[0], "numpy": np.__version__, "pep3118": pep3118.__version__, "rows": {}}
    print(f"CPython {run['python']}, NumPy {run['numpy']}, medians of {options.rounds} interleaved rounds")
    head = f"{'':10}{'':44}{'beside':27}"
    if before is not None:
        print(f"before: CPython {before['python']}, NumPy {before['numpy']}")
        head += f"{'before':>10}{'ratio':>8}"
    print(head + f"{'pep3118':>10}{'peer':>10}{'ratio':>8}{'goal':>7}")
    verdicts = []
    gc.freeze()  # Later collections examine the objects of one row only.
    for row in rows():
        if options.only not in row.key:
            continue
        gc.disable()
        try:
            found = measure(row, options.rounds)
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"}
        finally:
            gc.enable()
        run["rows"][row.key] = {**found, "goal": row.goal}
        verdicts.append(report(row, found, before["rows"] if before else None))
    print(f"{verdicts.count('met')} goals met, {verdicts.count('missed')} missed")
    print("Not measured: opening a buffer and reading 4 records in a Rust extension, which needs a compiled program.")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(run, file, indent=1)
    return int(options.check and "missed" in verdicts)


if __name__ == "__main__":
    sys.exit(main())
