"""Compares the time of converting records to columns in NumPy, pyarrow and polars with a copy of the same bytes.

    python tests/bench/decode/decode_peers.py [ROUNDS]

NumPy copies every field into an existing array ("warm") or into a new array ("new"). pyarrow and polars make a table.
If a library refuses the records, its row contains the start of the exception. The times are medians of the processor
time of all threads. The conversion and the copy alternate.
"""

import statistics
import sys
import time

import numpy as np

RECORDS = 1_000_000
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15


def row(name, convert, array):
    """Times `convert` and a copy of the bytes of `array`, and prints a row of the table. If `convert` raises an
    exception, the row has the exception in place of the times."""
    target = np.ones(array.nbytes, np.uint8)
    flat = array.view(np.uint8).reshape(-1)

    def copy():
        np.copyto(target, flat)

    try:
        convert()
    except Exception as refusal:
        print(f"{name:<44} refused: {str(refusal).splitlines()[0][:60]}")
        return
    copy()
    convert_times, copy_times = [], []
    for _ in range(ROUNDS):
        for run, times in ((convert, convert_times), (copy, copy_times)):
            start = time.process_time()
            run()
            times.append(time.process_time() - start)
    converted, copied = statistics.median(convert_times), statistics.median(copy_times)
    print(f"{name:<44} {converted * 1e3:>10.3f} {copied * 1e3:>10.3f}  {converted / copied:>6.2f}")


def dtypes():
    """Yields (name, dtype, number of records) of each table."""
    packed = [("a", "u4"), ("b", "i2"), ("c", "u1"), ("d", "f8"), ("e", "S8")]

    def ordered(order):
        return np.dtype([(name, order + code if code[0] != "S" else code) for name, code in packed])

    yield "<IhBd8s", ordered("<"), RECORDS
    yield ">IhBd8s", ordered(">"), RECORDS
    aligned = [("a", "u1"), ("b", "i2"), ("c", "i4"), ("d", "f8"), ("e", "u8")]
    yield "@BhidQ", np.dtype(aligned, align=True), RECORDS
    yield "64 doubles", np.dtype([(f"x{at}", "<f8") for at in range(64)]), RECORDS // 5


def peers(array):
    """Yields the name of each library and a function that converts `array` to columns. NumPy has two such functions.
    Prints a line for a library that is not installed."""
    names = array.dtype.names
    columns = [np.ones(len(array), array.dtype[name].newbyteorder("=")) for name in names]

    def copy_into_columns():
        for name, column in zip(names, columns, strict=True):
            np.copyto(column, array[name])

    yield "NumPy, warm", copy_into_columns
    yield "NumPy, new", lambda: [array[name].astype(array.dtype[name].newbyteorder("=")) for name in names]
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
    # Bytes from 1 to 126 are valid ASCII text without NUL, and valid parts of numbers.
    array = np.random.default_rng(1).integers(1, 127, count * dtype.itemsize, dtype=np.uint8).view(dtype)
    for peer, convert in peers(array):
        row(f"{name}, {peer}", convert, array)
