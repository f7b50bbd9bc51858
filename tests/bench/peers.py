"""The Python side of the bench: `struct` and NumPy's reader of format strings.

    peers.py count WORK CALLS FORMAT    runs it, says nothing
    peers.py serve                      reads lines `WORK TAB CALLS TAB FORMAT`,
                                        answers each with nanoseconds per call
    peers.py record FIELDS              a format of nested records, as NumPy spells it

The same protocol as src/harness.rs. `nothing` is the loop alone: run.py subtracts it, so that a call
costs what the function costs and not what a Python loop costs.
"""

import struct
import sys
import time


def work(name):
    """The function of a name. NumPy is imported only when asked for: under valgrind that is slow."""
    if name == "struct_cached":
        return struct.calcsize
    if name == "struct_uncached":
        # What `calcsize` does when its cache knows nothing of the format.
        return struct.Struct
    if name == "numpy":
        from numpy._core._internal import _dtype_from_pep3118

        return _dtype_from_pep3118
    if name == "nothing":
        return None
    sys.exit(f"no work is called {name!r}")


def repeat(function, calls, format):
    if function is None:
        for _ in range(calls):
            pass
    else:
        for _ in range(calls):
            function(format)


def record(fields):
    """A format with `fields` leaves: structures of five, nested two deep, as NumPy spells it."""
    import numpy

    leaves = ["i2", "<f8", "u1", "(2,3)<i4", ">i8"]
    inner = numpy.dtype(
        {
            "names": [f"leaf{index}" for index in range(5)],
            "formats": leaves,
            "offsets": [0, 8, 16, 20, 48],
            "itemsize": 56,
        }
    )
    outer = numpy.dtype([(f"record{index}", inner) for index in range(fields // 5)])
    return memoryview(numpy.zeros(1, outer)).format


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["count"]:
        name, calls, format = arguments[1:]
        repeat(work(name), int(calls), format)
    elif arguments == ["serve"]:
        for line in sys.stdin:
            name, calls, format = line.rstrip("\n").split("\t")
            calls = int(calls)
            function = work(name)
            start = time.perf_counter_ns()
            repeat(function, calls, format)
            print((time.perf_counter_ns() - start) / calls, flush=True)
    elif arguments[:1] == ["record"]:
        print(record(int(arguments[1])))
    else:
        sys.exit(__doc__)


main()
