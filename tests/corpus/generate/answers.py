"""Records the interpretations of a format by the readers of this interpreter: the rows of answers.jsonl.

Usage: python answers.py [FORMAT...]       print the rows of these formats, or of every format of ../answers.jsonl
       python answers.py --differ          compare the answers with the answers recorded for the installed versions

The readers are `struct`, `PyBuffer_SizeFromFormat`, `memoryview`, and NumPy if NumPy is installed. Each reader gets a
buffer of two items with the format. The memory repeats the bytes 01 02 .. 08. The itemsize of the buffer is the size
that the reader computes for the format. For `memoryview`, the itemsize is the result of `PyBuffer_SizeFromFormat`, or 8
if that call fails. For NumPy, the itemsize is the itemsize of the dtype. The script needs a 64-bit CPython 3.9 or
newer.

The script prints one key for each version. In ../answers.jsonl, versions with equal answers have one merged key, for
example "CPython 3.6-3.15".
"""

import ctypes
import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).parent
CPYTHON = "CPython {}.{}".format(*sys.version_info[:2])
BYTES = bytes(range(1, 9)) * 64


class PyBuffer(ctypes.Structure):
    _fields_ = [
        ("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("len", ctypes.c_ssize_t), ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int), ("ndim", ctypes.c_int), ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p), ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p),
    ]  # fmt: skip


from_buffer = ctypes.pythonapi.PyMemoryView_FromBuffer
from_buffer.argtypes, from_buffer.restype = [ctypes.POINTER(PyBuffer)], ctypes.py_object
size_from_format = ctypes.pythonapi.PyBuffer_SizeFromFormat
size_from_format.argtypes, size_from_format.restype = [ctypes.c_char_p], ctypes.c_ssize_t
referenced = []  # The buffers point to these objects, so the objects must live until the process ends.


def exported(format, itemsize):
    """Returns a writable memoryview of two items of `itemsize` bytes. The exported format ends at the first NUL of
    `format`, and the format need not fit the itemsize."""
    text, shape, strides = format.encode(), (ctypes.c_ssize_t * 1)(2), (ctypes.c_ssize_t * 1)(itemsize)
    memory = ctypes.create_string_buffer(BYTES * (1 + 2 * itemsize // len(BYTES)))
    info = PyBuffer(
        ctypes.addressof(memory), None, 2 * itemsize, itemsize, 0, 1, text, ctypes.addressof(shape),
        ctypes.addressof(strides), None, None,
    )  # fmt: skip
    referenced.append((text, shape, strides, memory, info))
    return from_buffer(ctypes.byref(info))


def attempt(function):
    """Returns the result of `function`, or a text that starts with ERR and describes the exception."""
    try:
        return function()
    except Exception as error:  # The row records the exception as the answer.
        cause = f" <- {type(error.__cause__).__name__}: {error.__cause__}" if error.__cause__ else ""
        return f"ERR {type(error).__name__}: {error}{cause}"


def cast(format, itemsize):
    """Casts 8 * `itemsize` bytes to `format` with memoryview and returns the itemsize of the result as text. Raises the
    exception of memoryview if it refuses the cast."""
    return f"ok itemsize={memoryview(bytes(8 * max(itemsize, 1))).cast(format).itemsize}"


def described(dtype, scalar=str):
    """Describes `dtype` as JSON.

    Returns the type string of a scalar, a list of [name, offset, size, dtype] for the fields of a record, and
    ["sub", base, shape] for a subarray. `scalar` converts a base without fields to text.
    """
    if dtype.subdtype:
        base, shape = dtype.subdtype
        return [
            "sub",
            described(base, scalar) if base.names is not None or base.subdtype else scalar(base),
            list(shape),
        ]
    if dtype.fields is None and dtype.names is None:
        return dtype.str
    fields = ((name, *dtype.fields[name][:2]) for name in dtype.names or ())
    return [[name, offset, inner.itemsize, described(inner, scalar)] for name, inner, offset in fields]


def numpy_answer(np, format, recorded):
    """Returns the answer of NumPy for a buffer with `format`: a dict that describes the array, or the exception as
    text.

    The itemsize of the buffer is the size that NumPy's parser computes for `format`. If the parser fails, the itemsize
    is that of the answer `recorded`, and without an answer the result of `struct.calcsize`. With any other itemsize,
    NumPy requests the exporter of the buffer, and a temporary buffer has no exporter.
    """
    try:
        from numpy._core._internal import _dtype_from_pep3118
    except ImportError:  # before 2.0
        from numpy.core._internal import _dtype_from_pep3118
    sources = (
        lambda: _dtype_from_pep3118(format.split("\0")[0]).itemsize,
        lambda: recorded["itemsize"],
        lambda: struct.calcsize(format),
    )
    sizes = (size for size in map(attempt, sources) if isinstance(size, int) and size < 1 << 20)

    def read():
        view = exported(format, next(sizes, 8))
        array = np.asarray(view)
        return {"itemsize": view.itemsize, "dtype": described(array.dtype), "shape": list(array.shape)}

    return attempt(read)


def row(format, np, recorded=None):
    """Returns the row of `format`: the answer of every reader. `np` is the module numpy, or None. `recorded` is the
    recorded answer of NumPy, or None; see `numpy_answer`."""
    size = attempt(lambda: size_from_format(format.encode()))
    itemsize = size if isinstance(size, int) and size >= 0 else 8
    calcsize = attempt(lambda: struct.calcsize(format))
    answers = {"struct.calcsize": calcsize, "PyBuffer_SizeFromFormat": size}
    if isinstance(calcsize, int):
        bytes_of_item = (BYTES * (1 + calcsize // len(BYTES)))[:calcsize]
        values = attempt(lambda: repr(struct.unpack(format, bytes_of_item)))
        answers["struct.unpack of 01 02 .. 08 repeated"] = values
    view = exported(format, itemsize)
    answers["memoryview[0]"] = attempt(lambda: repr(view[0]))
    answers["memoryview==itself"] = attempt(lambda: view == view)
    answers["memoryview cast to it from B"] = attempt(lambda: cast(format, itemsize))
    result = {"format": format, **{key: {CPYTHON: answer} for key, answer in answers.items()}}
    result["numpy.asarray"] = [{"numpy": [np.__version__], "answer": numpy_answer(np, format, recorded)}] if np else []
    return result


def numpy_recorded(row):
    """Returns the answer of the first NumPy version in `row` that accepted the format, or None."""
    return next((entry["answer"] for entry in row["numpy.asarray"] if isinstance(entry["answer"], dict)), None)


def minors(key):
    """Returns the minor versions in a key of a row: 6 to 15 for "CPython 3.6-3.15". Returns () for another program."""
    first, _, last = key.removeprefix("CPython 3.").partition("-3.")
    return range(int(first), int(last or first) + 1) if key.startswith("CPython 3.") else ()


def differ(recorded_rows, np):
    """Prints every answer of the installed versions that differs from its recorded answer, and the number of equal
    answers."""
    compared = equal = 0
    for recorded_row in recorded_rows:
        current_row = row(recorded_row["format"], np, numpy_recorded(recorded_row))
        pairs = [
            (key, answer, current_row.get(key, {}).get(CPYTHON))
            for key, versions in recorded_row.items() if isinstance(versions, dict)
            for version, answer in versions.items() if sys.version_info[1] in minors(version)
        ]  # fmt: skip
        pairs += [
            ("numpy.asarray", entry["answer"], current_row["numpy.asarray"][0]["answer"])
            for entry in recorded_row["numpy.asarray"] if np and np.__version__ in entry["numpy"]
        ]  # fmt: skip
        for key, recorded, current in pairs:
            compared += 1
            equal += recorded == current
            if recorded != current:
                print(f"{recorded_row['format']!r} {key}: {recorded!r} recorded, {current!r} now")
    versions = CPYTHON + (f" and NumPy {np.__version__}" if np else "")
    print(f"{equal} of {compared} equal the answers recorded for {versions}")


def main():
    try:
        import numpy as np
    except ImportError:
        np = None
    recorded = [json.loads(line) for line in (HERE.parent / "answers.jsonl").read_text("utf-8").splitlines()]
    if sys.argv[1:] == ["--differ"]:
        differ(recorded, np)
    else:
        numpy_answers = {row["format"]: numpy_recorded(row) for row in recorded}
        for format in sys.argv[1:] or numpy_answers:
            print(json.dumps(row(format, np, numpy_answers.get(format)), ensure_ascii=False))


if __name__ == "__main__":
    main()
