"""What readers answer for a format: answers.jsonl.

Usage: python answers.py [FORMAT...]       the rows of these formats, of all of ../answers.jsonl without any
       python answers.py --differ          compare with what is recorded for these versions

The readers are those of the interpreter that runs this: `struct`, `PyBuffer_SizeFromFormat`, `memoryview`, and NumPy if
it is installed. They are given a buffer of two items, bytes 01 02 .. 08 repeated, whose format is the one asked about.
Its itemsize is what the reader itself takes the format for: `memoryview` is told `PyBuffer_SizeFromFormat` (8 if that
fails), NumPy the itemsize of its own dtype. CPython 3.9 or newer, 64-bit.

Versions are written one by one here; ../answers.jsonl joins those that agree: "CPython 3.6-3.15".
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
kept = []  # What the buffers point to lives as long as this process.


def exported(format, itemsize):
    """A memoryview of two items; what comes after a NUL is not seen by anybody."""
    text, shape, strides = format.encode(), (ctypes.c_ssize_t * 1)(2), (ctypes.c_ssize_t * 1)(itemsize)
    memory = ctypes.create_string_buffer(BYTES * (1 + 2 * itemsize // len(BYTES)))
    info = PyBuffer(
        ctypes.addressof(memory), None, 2 * itemsize, itemsize, 0, 1, text, ctypes.addressof(shape),
        ctypes.addressof(strides), None, None,
    )  # fmt: skip
    kept.append((text, shape, strides, memory, info))
    return from_buffer(ctypes.byref(info))


def attempt(act):
    try:
        return act()
    except Exception as error:  # The exception is the answer.
        cause = f" <- {type(error.__cause__).__name__}: {error.__cause__}" if error.__cause__ else ""
        return f"ERR {type(error).__name__}: {error}{cause}"


def cast(format, itemsize):
    return f"ok itemsize={memoryview(bytes(8 * max(itemsize, 1))).cast(format).itemsize}"


def described(dtype, scalar=str):
    """NumPy's type string; [name, offset, size, dtype] of each field; or ["sub", base, shape]."""
    if dtype.subdtype:
        base, shape = dtype.subdtype
        return [
            "sub",
            described(base, scalar) if base.names is not None or base.subdtype else scalar(base),
            list(shape),
        ]
    if dtype.fields is None and dtype.names is None:
        return dtype.str
    places = ((name, *dtype.fields[name][:2]) for name in dtype.names or ())
    return [[name, offset, inner.itemsize, described(inner, scalar)] for name, inner, offset in places]


def numpy_answer(np, format, known):
    """The answer for the itemsize that NumPy takes the format for: as its parser says, as recorded, as struct says.

    No other itemsize is tried: a temporary buffer has no exporter, which NumPy asks for where the two differ.
    """
    try:
        from numpy._core._internal import _dtype_from_pep3118
    except ImportError:  # before 2.0
        from numpy.core._internal import _dtype_from_pep3118
    asked = (
        lambda: _dtype_from_pep3118(format.split("\0")[0]).itemsize,
        lambda: known["itemsize"],
        lambda: struct.calcsize(format),
    )
    sizes = (size for size in map(attempt, asked) if isinstance(size, int) and size < 1 << 20)

    def read():
        view = exported(format, next(sizes, 8))
        array = np.asarray(view)
        return {"itemsize": view.itemsize, "dtype": described(array.dtype), "shape": list(array.shape)}

    return attempt(read)


def row(format, np, known=None):
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
    told = {"format": format, **{key: {CPYTHON: answer} for key, answer in answers.items()}}
    told["numpy.asarray"] = [{"numpy": [np.__version__], "answer": numpy_answer(np, format, known)}] if np else []
    return told


def numpy_recorded(each):
    """What some NumPy made of the format, if one read it."""
    return next((was["answer"] for was in each["numpy.asarray"] if isinstance(was["answer"], dict)), None)


def minors(key):
    first, _, last = key.removeprefix("CPython 3.").partition("-3.")
    return range(int(first), int(last or first) + 1) if key.startswith("CPython 3.") else ()


def differ(recorded, np):
    compared = same = 0
    for each in recorded:
        now = row(each["format"], np, numpy_recorded(each))
        pairs = [
            (key, was, now.get(key, {}).get(CPYTHON))
            for key, versions in each.items() if isinstance(versions, dict)
            for version, was in versions.items() if sys.version_info[1] in minors(version)
        ]  # fmt: skip
        pairs += [
            ("numpy.asarray", was["answer"], now["numpy.asarray"][0]["answer"])
            for was in each["numpy.asarray"] if np and np.__version__ in was["numpy"]
        ]  # fmt: skip
        for key, was, answer in pairs:
            compared += 1
            same += was == answer
            if was != answer:
                print(f"{each['format']!r} {key}: {was!r} recorded, {answer!r} now")
    print(f"{same} of {compared} answers as recorded for {CPYTHON}" + (f" and NumPy {np.__version__}" if np else ""))


def main():
    try:
        import numpy as np
    except ImportError:
        np = None
    recorded = [json.loads(line) for line in (HERE.parent / "answers.jsonl").read_text("utf-8").splitlines()]
    if sys.argv[1:] == ["--differ"]:
        differ(recorded, np)
    else:
        known = {each["format"]: numpy_recorded(each) for each in recorded}
        for format in sys.argv[1:] or known:
            print(json.dumps(row(format, np, known.get(format)), ensure_ascii=False))


if __name__ == "__main__":
    main()
