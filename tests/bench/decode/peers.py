"""Times the operations of `bench-decode` in NumPy and CPython, one round for each line of standard input.

Protocol: each line of standard input is the name of an operation. The answer is one line "PEER SECONDS", or "-" if the
script does not have the operation.

NumPy copies with `copyto`, `copy` and `astype`. CPython's `PyBuffer_ToContiguous` copies indirect rows. The script
calls this function through ctypes and fills in its `Py_buffer`. The call takes some microseconds and the copy takes
milliseconds. If an operation of `bench-decode` writes to memory that was written before ("warm"), the operation of the
same name in this script does too.
"""

import ctypes
import sys
import time

import numpy as np

ITEMS, RECORDS = 10_000_000, 1_000_000
memory = np.random.default_rng(1).integers(0, 256, ITEMS * 16, dtype=np.uint8)


class PyBuffer(ctypes.Structure):
    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
        ("internal", ctypes.c_void_p),
    ]


to_contiguous = ctypes.pythonapi.PyBuffer_ToContiguous
to_contiguous.argtypes = [ctypes.c_void_p, ctypes.POINTER(PyBuffer), ctypes.c_ssize_t, ctypes.c_char]


# Each function below prepares an operation, and returns the name of the peer and a function that runs the operation.


def typed(dtype, items):
    """Returns the peer and a function that copies `items` numbers and converts them to native byte order if needed."""
    source = memory[: items * np.dtype(dtype).itemsize].view(dtype)
    target = np.ones(items, np.dtype(dtype).newbyteorder("="))
    return "NumPy", lambda: np.copyto(target, source)


def every_second():
    """Returns the peer and a function that copies every second double."""
    source, target = memory.view("<f8")[::2], np.ones(ITEMS)
    return "NumPy", lambda: np.copyto(target, source)


def transposed(rows, columns):
    """Returns the peer and a function that copies a matrix of `rows` x `columns` doubles to its transposition."""
    matrix = memory[: rows * columns * 8].view("<f8").reshape(rows, columns)
    target = np.ones((columns, rows))
    return "NumPy", lambda: np.copyto(target, matrix.T)


def columns(dtype, count):
    """Returns the peer and a function that copies each field of `count` records to an array in native byte order."""
    array = memory[: count * dtype.itemsize].view(dtype)
    targets = [np.ones(count, dtype[field].newbyteorder("=")) for field in dtype.names]

    def split():
        for field, target in zip(dtype.names, targets, strict=True):
            np.copyto(target, array[field])

    return "NumPy", split


def indirect(width, step):
    """Returns the name of the peer and a function that copies rows through a table of pointers to the rows: 4 million
    doubles in all. A row has `width` doubles at intervals of `step` bytes. Asserts that the copy is right."""
    rows = 4_000_000 // width
    table = memory.ctypes.data + np.arange(rows, dtype=np.uintp) * (width * step)
    pair = ctypes.c_ssize_t * 2
    destination = np.ones(rows * width * 8, np.uint8)
    view = PyBuffer(
        table.ctypes.data,
        None,
        destination.nbytes,
        8,
        1,
        2,
        b"d",
        pair(rows, width),
        pair(8, step),
        pair(0, -1),
        None,
    )

    def run(table=table):  # The default argument keeps `table` alive.
        if to_contiguous(destination.ctypes.data, view, destination.nbytes, b"C"):
            raise MemoryError

    run()
    items = memory[: rows * width * step].view("<u8").reshape(-1, step // 8)[:, 0]
    assert (destination.view("<u8") == items).all(), "CPython copied other items than NumPy"
    return "CPython", run


def packed(order):
    """Returns the dtype of a packed record with byte order `order`."""
    fields = [("a", "I"), ("b", "h"), ("c", "B"), ("d", "d"), ("e", "S8")]
    return np.dtype([(name, code if code[0] == "S" else order + code) for name, code in fields])


# The operations by name. An entry allocates its arrays when it is called.
OPERATIONS = {
    "native f64, warm": lambda: typed("<f8", ITEMS),
    "native f64, new destination": lambda: ("NumPy", lambda: memory[: ITEMS * 8].view("<f8").copy()),
    "big-endian f64, 80 MB": lambda: typed(">f8", ITEMS),
    "big-endian u16, 20 MB": lambda: typed(">u2", ITEMS),
    "half to f32 (baseline: u16 to u32)": lambda: ("NumPy", lambda: memory[: ITEMS * 2].view("<f2").astype("<f4")),
    "every second f64 (baseline: all bytes)": every_second,
    "transposed f64, 3000 x 3000": lambda: transposed(3000, 3000),
    "transposed f64, 2048 x 4096": lambda: transposed(2048, 4096),
    "columns of <IhBd8s": lambda: columns(packed("<"), RECORDS),
    "columns of >IhBd8s": lambda: columns(packed(">"), RECORDS),
    "columns of @BhidQ": lambda: columns(
        np.dtype([("a", "B"), ("b", "h"), ("c", "i"), ("d", "d"), ("e", "Q")], align=True), RECORDS
    ),
    "columns of 64 doubles": lambda: columns(np.dtype([(f"x{n}", "<f8") for n in range(64)]), RECORDS // 5),
    "indirect rows of 8 KB": lambda: indirect(1024, 8),
    "indirect rows of 32 bytes": lambda: indirect(4, 8),
    "indirect rows of 16 bytes": lambda: indirect(2, 8),
    "indirect rows of 8 bytes": lambda: indirect(1, 8),
    "indirect rows of every second f64": lambda: indirect(512, 16),
}


def main():
    name, operation = None, None
    for line in sys.stdin:
        if line.rstrip("\n") != name:
            name = line.rstrip("\n")
            operation = OPERATIONS[name]() if name in OPERATIONS else None
            if operation:
                operation[1]()  # The first run is not timed, because it writes to new memory.
        if operation is None:
            print("-", flush=True)
            continue
        peer, run = operation
        start = time.perf_counter()
        run()
        print(peer, time.perf_counter() - start, flush=True)


main()
