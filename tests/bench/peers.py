"""Runs the measured functions of Python for run.py: `struct` and NumPy's reader of format strings.

    peers.py count OPERATION CALLS FORMAT    runs the operation CALLS times and prints nothing
    peers.py serve                           reads lines `OPERATION TAB CALLS TAB FORMAT` and
                                             answers each with nanoseconds per call
    peers.py record FIELDS                   prints a format of nested records as NumPy writes it

The first two commands are the protocol of src/harness.rs. The operation `nothing` runs the loop only. run.py subtracts
the figure of `nothing` from the other figures, so that these figures do not include the loop.
"""

import struct
import sys
import time


def operation(name):
    """Returns the function of an operation, or None for `nothing`. Exits with an error for an unknown name. Imports
    NumPy only for the operation that needs it, because the import takes long under valgrind.
    """
    if name == "struct_cached":
        return struct.calcsize
    if name == "struct_uncached":
        # `calcsize` constructs a `Struct` if its cache does not have the format.
        return struct.Struct
    if name == "numpy":
        from numpy._core._internal import _dtype_from_pep3118

        return _dtype_from_pep3118
    if name == "nothing":
        return None
    sys.exit(f"unknown operation {name!r}")


def repeat(function, calls, format):
    """Calls `function` with `format` `calls` times. If `function` is None, runs the same loop without a call."""
    if function is None:
        for _ in range(calls):
            pass
    else:
        for _ in range(calls):
            function(format)


def record(fields):
    """Returns the format that NumPy exports for a record of `fields // 5` records with five fields each."""
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
        repeat(operation(name), int(calls), format)
    elif arguments == ["serve"]:
        for line in sys.stdin:
            name, calls, format = line.rstrip("\n").split("\t")
            calls = int(calls)
            function = operation(name)
            start = time.perf_counter_ns()
            repeat(function, calls, format)
            print((time.perf_counter_ns() - start) / calls, flush=True)
    elif arguments[:1] == ["record"]:
        print(record(int(arguments[1])))
    else:
        sys.exit(__doc__)


main()
