"""Records to columns by NumPy, pyarrow and polars, under the yardstick of `bench-decode`: a copy of the same bytes.

python tests/bench/decode/decode_peers.py [ROUNDS]

NumPy copies every field into columns that are there, and into fresh ones; the others make a table of their own. What
they refuse is printed as such. Time is that of all threads of the process, work and copy in turns, medians.
"""

import statistics
import sys
import time

import numpy as np

RECORDS = 1_000_000
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15


def row(name, work, array):
    copy = np.ones(array.nbytes, np.uint8)
    flat = array.view(np.uint8).reshape(-1)

    def yardstick():
        np.copyto(copy, flat)

    try:
        work()
    except Exception as refusal:
        print(f"{name:<44} refused: {str(refusal).splitlines()[0][:60]}")
        return
    yardstick()
    samples = ([], [])
    for _ in range(ROUNDS):
        for run, into in zip((work, yardstick), samples, strict=True):
            start = time.process_time()
            run()
            into.append(time.process_time() - start)
    ours, theirs = map(statistics.median, samples)
    print(f"{name:<44} {ours * 1e3:>10.3f} {theirs * 1e3:>10.3f}  {ours / theirs:>6.2f}")


def dtypes():
    packed = [("a", "u4"), ("b", "i2"), ("c", "u1"), ("d", "f8"), ("e", "S8")]

    def ordered(order):
        return np.dtype([(name, order + code if code[0] != "S" else code) for name, code in packed])

    yield "<IhBd8s", ordered("<"), RECORDS
    yield ">IhBd8s", ordered(">"), RECORDS
    aligned = [("a", "u1"), ("b", "i2"), ("c", "i4"), ("d", "f8"), ("e", "u8")]
    yield "@BhidQ", np.dtype(aligned, align=True), RECORDS
    yield "64 doubles", np.dtype([(f"x{at}", "<f8") for at in range(64)]), RECORDS // 5


def peers(array):
    names = array.dtype.names
    columns = [np.ones(len(array), array.dtype[name].newbyteorder("=")) for name in names]

    def into():
        for name, column in zip(names, columns, strict=True):
            np.copyto(column, array[name])

    yield "NumPy, warm", into
    yield "NumPy, fresh", lambda: [array[name].astype(array.dtype[name].newbyteorder("=")) for name in names]
    try:
        import pyarrow as pa

        yield f"pyarrow {pa.__version__}", lambda: pa.table({name: pa.array(array[name]) for name in names})
    except ImportError:
        print("pyarrow is not installed")
    try:
        import polars as pl

        yield f"polars {pl.__version__}", lambda: pl.from_numpy(array)
    except ImportError:
        print("polars is not installed")


print(f"{'columns of':<44} {'ms':>10} {'copy ms':>10}  {'ratio':>6}   NumPy {np.__version__}")
for name, dtype, count in dtypes():
    # Numbers whose every byte is there, and text of 7-bit characters.
    array = np.random.default_rng(1).integers(1, 127, count * dtype.itemsize, dtype=np.uint8).view(dtype)
    for peer, work in peers(array):
        row(f"{name}, {peer}", work, array)
