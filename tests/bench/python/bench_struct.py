"""Compares the time of ``pep3118.struct`` with ``struct``. The figures are medians of interleaved rounds.

Build the package with ``maturin develop -r``, then run ``python tests/bench/python/bench_struct.py [ROUNDS]``.
"""

import collections
import random
import statistics
import struct
import sys
import time

from pep3118 import struct as ours

FORMAT = "<IhBd8s"
RECORDS = 1_000_000
CALLS = 200_000


def exhaust(iterator):
    """Consumes all items of `iterator`."""
    collections.deque(iterator, maxlen=0)


def cases():
    """Yields the name, the number of items or calls, and the function of each case.

    The argument of the function is the module to measure: `struct` or `pep3118.struct`.
    """
    size = struct.calcsize(FORMAT)
    data = random.Random(1).randbytes(size * RECORDS)
    one, array = data[:size], bytearray(data[:size])
    values = struct.unpack(FORMAT, one)

    def repeat(make):
        """Returns a function of a module that repeats a call `CALLS` times. `make(module)` returns the function to call
        and its arguments."""

        def run(module):
            call, arguments = make(module)
            for _ in range(CALLS):
                call(*arguments)

        return run

    yield (f"iter_unpack {FORMAT}", RECORDS, lambda m: exhaust(m.iter_unpack(FORMAT, data)))
    yield ("iter_unpack <i", RECORDS, lambda m: exhaust(m.iter_unpack("<i", data[: 4 * RECORDS])))
    mutable = bytearray(data)
    yield ("iter_unpack of a bytearray", RECORDS, lambda m: exhaust(m.iter_unpack(FORMAT, mutable)))
    yield ("unpack", CALLS, repeat(lambda m: (m.unpack, (FORMAT, one))))
    yield ("unpack of a bytearray", CALLS, repeat(lambda m: (m.unpack, (FORMAT, array))))
    yield ("unpack <i", CALLS, repeat(lambda m: (m.unpack, ("<i", b"abcd"))))
    yield ("Struct.unpack", CALLS, repeat(lambda m: (m.Struct(FORMAT).unpack, (one,))))
    yield ("unpack_from", CALLS, repeat(lambda m: (m.unpack_from, (FORMAT, data, size * 3))))
    yield ("pack", CALLS, repeat(lambda m: (m.pack, (FORMAT, *values))))
    yield ("Struct.pack", CALLS, repeat(lambda m: (m.Struct(FORMAT).pack, values)))
    yield ("pack_into", CALLS, repeat(lambda m: (m.pack_into, (FORMAT, array, 0, *values))))
    many = "<1000d"
    block = data[: struct.calcsize(many)]
    yield ("unpack <1000d", 200_000, lambda m: [m.unpack(many, block) for _ in range(200)])
    yield ("calcsize", CALLS, repeat(lambda m: (m.calcsize, (FORMAT,))))


def seconds(call, module):
    """Returns the seconds of `call(module)`."""
    start = time.perf_counter()
    call(module)
    return time.perf_counter() - start


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    print(f"CPython {sys.version.split()[0]}, medians of {rounds} rounds, ns for one item or call")
    print(f"{'':28}{'struct':>10}{'pep3118':>10}{'ratio':>8}")
    for name, items, call in cases():
        times = {struct: [], ours: []}
        for index in range(rounds):
            for module in (struct, ours) if index % 2 else (ours, struct):
                times[module].append(seconds(call, module))
        peer, library = (statistics.median(times[module]) / items * 1e9 for module in (struct, ours))
        print(f"{name:28}{peer:10.1f}{library:10.1f}{library / peer:8.2f}")


if __name__ == "__main__":
    main()
