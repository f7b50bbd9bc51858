"""Compares the time of `pep3118.View` with memoryview and NumPy: copies, columns, and opening, indexing and slicing.

The figures are medians of interleaved rounds, in milliseconds.

Usage: python bench_view.py [ROUNDS]. Needs a release build of the package, and NumPy.
"""

import statistics
import sys
import time

import numpy as np

from pep3118 import View

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15


def milliseconds(call):
    """Returns the milliseconds of one call of `call`."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def compare(name, ours, peer, theirs):
    """Prints the median times of the functions `ours` and `theirs`, and their ratio. The calls alternate, so that other
    programs disturb both functions."""
    rounds = [(milliseconds(ours), milliseconds(theirs)) for _ in range(ROUNDS)]
    library, other = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"{name:44} {library:9.3f} ms  {peer:32} {other:9.3f} ms  ratio {library / other:5.2f}")


def repeated(call, times):
    """Returns a function that runs `call` `times` times."""

    def run():
        for _ in range(times):
            call()

    return run


doubles = np.random.default_rng(1).random(1_000_000)
ours, theirs = View(doubles), memoryview(doubles)
compare("tolist of 1M doubles", ours.tolist, "memoryview.tolist", theirs.tolist)
compare("tolist of 1M doubles", ours.tolist, "ndarray.tolist", doubles.tolist)
numbers = np.arange(1_000_000, dtype="<i4")
compare("tolist of 1M int32", View(numbers).tolist, "memoryview.tolist", memoryview(numbers).tolist)
swapped = doubles.astype(">f8")
compare("tolist of 1M big-endian doubles", View(swapped).tolist, "ndarray.tolist", swapped.tolist)
grid = doubles.reshape(1000, 1000).T
compare("tobytes of a transposed 1000 x 1000", View(grid).tobytes, "memoryview.tobytes", memoryview(grid).tobytes)
compare("tobytes of a transposed 1000 x 1000", View(grid).tobytes, "ndarray.tobytes", grid.tobytes)

fields = [("I", "<u4"), ("h", "<i2"), ("B", "u1"), ("d", "<f8"), ("s", "S8")]
# The bytes are written, because the system maps all pages that were never written to one page, which is in the cache.
records = np.frombuffer(bytearray(np.random.default_rng(2).bytes(23_000_000)), fields)
view = View(records)
compare(
    "all 5 columns of 1M <IhBd8s",
    view.columns,
    "ascontiguousarray of each",
    lambda: [np.ascontiguousarray(records[name]) for name in records.dtype.names],
)
for name in records.dtype.names:
    compare(
        f"column {name}",
        lambda n=name: view.columns(n),
        "ascontiguousarray",
        lambda n=name: np.ascontiguousarray(records[n]),
    )
compare("tolist of 100k records", view[:100_000].tolist, "ndarray.tolist", records[:100_000].tolist)

compare("1000 x open", repeated(lambda: View(doubles), 1000), "memoryview", repeated(lambda: memoryview(doubles), 1000))
compare(
    "1000 x open a record array",
    repeated(lambda: View(records), 1000),
    "memoryview",
    repeated(lambda: memoryview(records), 1000),
)
compare("1000 x item", repeated(lambda: ours[5], 1000), "memoryview", repeated(lambda: theirs[5], 1000))
compare("1000 x slice", repeated(lambda: ours[5:9], 1000), "memoryview", repeated(lambda: theirs[5:9], 1000))
