"""What NumPy needs for the same work as `bench-decode`, beside a copy of the same bytes.

python tests/bench/decode/decode_numpy.py [ROUNDS]
"""

import statistics
import sys
import time

import numpy as np

ITEMS, RECORDS = 10_000_000, 1_000_000
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
memory = np.random.default_rng(1).integers(0, 256, ITEMS * 16, dtype=np.uint8)
room = np.ones(ITEMS * 16, np.uint8)


def row(name, work, nbytes, times=1):
    samples = ([], [])
    yardstick = lambda: np.copyto(room[:nbytes], memory[:nbytes])
    work(), yardstick()
    for _ in range(ROUNDS):
        for run, into in zip((work, yardstick), samples):
            start = time.perf_counter()
            for _ in range(times):
                run()
            into.append((time.perf_counter() - start) / times)
    ours, theirs = map(statistics.median, samples)
    print(f"{name:<44} {ours * 1e3:>10.3f} {theirs * 1e3:>10.3f}  {ours / theirs:>6.2f}")


def typed(name, dtype, items, times=1):
    source = memory[: items * np.dtype(dtype).itemsize].view(dtype)
    target = np.ones(items, np.dtype(dtype).newbyteorder("="))
    row(name, lambda: np.copyto(target, source), source.nbytes, times)


print(f"{'work':<44} {'ms':>10} {'copy ms':>10}  {'ratio':>6}   NumPy {np.__version__}")
typed("native f64, warm", "<f8", ITEMS)
row("native f64, fresh", lambda: memory[: ITEMS * 8].view("<f8").copy(), ITEMS * 8)
typed("big-endian f64, 80 MB", ">f8", ITEMS)
typed("big-endian f64, 1000 items", ">f8", 1000, 20_000)
typed("big-endian u16, 20 MB", ">u2", ITEMS, 4)
halves = memory[: ITEMS * 2].view("<f2")
row("half to f32", lambda: halves.astype("<f4"), halves.nbytes)
second, target = memory.view("<f8")[::2], np.ones(ITEMS)
row("every second f64", lambda: np.copyto(target, second), ITEMS * 16)
for rows, columns in ((3000, 3000), (2048, 4096)):
    matrix = memory[: rows * columns * 8].view("<f8").reshape(rows, columns)
    turned = np.ones((columns, rows))
    row(f"transposed f64, {rows} x {columns}", lambda: np.copyto(turned, matrix.T), matrix.nbytes)
packed = [("a", "I"), ("b", "h"), ("c", "B"), ("d", "d"), ("e", "S8")]
records = [
    ("columns of <IhBd8s", np.dtype([(n, "<" + t if t[0] != "S" else t) for n, t in packed]), RECORDS),
    ("columns of >IhBd8s", np.dtype([(n, ">" + t if t[0] != "S" else t) for n, t in packed]), RECORDS),
    ("columns of @BhidQ", np.dtype([("a", "B"), ("b", "h"), ("c", "i"), ("d", "d"), ("e", "Q")], align=True), RECORDS),
    ("columns of 64 doubles", np.dtype([(f"x{n}", "<f8") for n in range(64)]), RECORDS // 5),
]
for name, dtype, count in records:
    array = memory[: count * dtype.itemsize].view(dtype)
    columns = [np.ones(count, dtype[field].newbyteorder("=")) for field in dtype.names]

    def split():
        for field, column in zip(dtype.names, columns):
            np.copyto(column, array[field])

    row(name, split, array.nbytes)
