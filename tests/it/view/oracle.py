"""Calls the buffer functions of the running CPython for tests/it/view/cpython.rs.

Both commands first print `1` if CPython's tests are installed, and `0` otherwise.

`contiguity` reads one view per line: `len itemsize shape strides suboffsets memlen offset`. The entries of an array are
separated by commas, and `-` is NULL. For each line it prints `C F A c-strides f-strides valid`: the contiguity in the
orders C, F and A, the contiguous strides in both orders, and the result of `verify_structure`, or `?` if CPython's
tests are not installed.

`exporters SEED COUNT REQUEST...` makes COUNT structures of each kind with the generator of CPython's tests, and prints
the answers of their buffers and of some other exporters to every request, one JSON object per line. It prints nothing
else than `0` if CPython's tests are not installed.
"""

import ctypes
import json
import sys


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


API = ctypes.pythonapi
IS_CONTIGUOUS = API.PyBuffer_IsContiguous
IS_CONTIGUOUS.argtypes = [ctypes.POINTER(PyBuffer), ctypes.c_char]
IS_CONTIGUOUS.restype = ctypes.c_int
FILL_STRIDES = API.PyBuffer_FillContiguousStrides
FILL_STRIDES.restype = None
GET_BUFFER = API.PyObject_GetBuffer
GET_BUFFER.argtypes = [ctypes.py_object, ctypes.POINTER(PyBuffer), ctypes.c_int]
GET_BUFFER.restype = ctypes.c_int
RELEASE = API.PyBuffer_Release
RELEASE.argtypes = [ctypes.POINTER(PyBuffer)]
RELEASE.restype = None

ARRAYS = [ctypes.c_ssize_t * count for count in range(65)]


def numbers(text):
    """Returns the numbers in `text`, which are separated by commas. Returns None for `-`."""
    return None if text == "-" else [int(number) for number in text.split(",") if number]


def array(values):
    """Returns `values` as a ctypes array. Returns None for None."""
    return None if values is None else ARRAYS[len(values)](*values)


def contiguity(verify_structure):
    """Answers the lines of the standard input, see the top of the file.

    `verify_structure` is the function of CPython's tests, or None if the tests are not installed.
    """
    view = PyBuffer()
    for line in sys.stdin:
        length, itemsize, shape, strides, suboffsets, memlen, offset = line.split()
        shape, strides, suboffsets = numbers(shape), numbers(strides), numbers(suboffsets)
        view.len, view.itemsize, view.ndim = int(length), int(itemsize), len(shape)
        view.shape, view.strides, view.suboffsets = array(shape or None), array(strides), array(suboffsets)
        words = [str(int(IS_CONTIGUOUS(view, order) != 0)) for order in (b"C", b"F", b"A")]
        for order in (b"C", b"F"):
            filled = ARRAYS[len(shape)]()
            FILL_STRIDES(len(shape), array(shape), filled, view.itemsize, ctypes.c_char(order))
            words.append(",".join(map(str, filled)) or "-")
        if verify_structure is None:
            words.append("?")
        else:
            given = strides if strides is not None else list(filled_c(words[3]))
            valid = verify_structure(int(memlen), int(itemsize), len(shape), shape, given, int(offset))
            words.append(str(int(valid)))
        print(*words)


def filled_c(text):
    """Returns the numbers in `text`, or an empty list for `-`."""
    return numbers(text) or []


def request(obj, flags):
    """Returns the answer of `obj` to the request `flags`, as a dict of the fields of the `Py_buffer`.

    If the exporter refuses the request, returns `{"error": name}` with the name of the exception class.
    """
    view = PyBuffer()
    try:
        GET_BUFFER(obj, view, flags)
    except Exception as error:
        return {"error": type(error).__name__}
    count = max(view.ndim, 0)
    listed = lambda pointer: [pointer[index] for index in range(count)] if pointer else None
    answer = {
        "buf": view.buf or 0,
        "obj": view.obj,
        "len": view.len,
        "itemsize": view.itemsize,
        "readonly": view.readonly,
        "ndim": view.ndim,
        "format": None if view.format is None else view.format.decode(),
        "shape": listed(view.shape),
        "strides": listed(view.strides),
        "suboffsets": listed(view.suboffsets),
    }
    RELEASE(view)
    return answer


def exporters(seed, count, requests):
    """Prints the answers of the buffers of `count` random structures to `requests`, see the top of the file."""
    import random
    from test import test_buffer as suite

    random.seed(seed)

    def write(name, obj, structure, valid):
        answers = [] if obj is None else [[flags, request(obj, flags)] for flags in requests]
        print(json.dumps({"name": name, "structure": structure, "valid": valid, "answers": answers}))

    formats = [char for char in suite.NATIVE if char not in "cP"]
    for number in range(count):
        char = random.choice(formats)
        itemsize = suite.struct.calcsize(char)
        # Structures of the full size of CPython's tests. These structures are too large for arrays.
        for valid in (True, False):
            write("rand_structure", None, suite.rand_structure(itemsize, valid), valid)
        # Structures that are small enough for arrays.
        structure = suite.rand_structure(itemsize, True, maxdim=3, maxshape=4)
        items = suite.randitems_from_structure(char, structure)
        for flags in (0, suite.ND_PIL) if structure[2] else (0,):
            array = suite.ndarray_from_structure(items, char, structure, flags)
            write("ndarray", array, None if flags else structure, True)
            write("memoryview of ndarray", memoryview(array), None, True)
        wrong = suite.rand_structure(itemsize, False, maxdim=3, maxshape=4)
        items = suite.randitems_from_structure(char, wrong)
        try:
            suite.ndarray_from_structure(items, char, wrong)
        except Exception:  # CPython's tests also accept any exception here.
            write("refused by ndarray", None, wrong, False)

    import array

    plain = [b"abc", b"", bytearray(b"abc"), array.array("d", [1, 2]), memoryview(b"abcdef")[::2]]
    plain += [memoryview(b"abcdef")[::-1], memoryview(bytearray(24)).cast("i", [2, 3])]
    for obj in plain:
        write(repr(type(obj)), obj, None, True)


def main():
    command, *arguments = sys.argv[1:]
    if command == "contiguity":
        try:
            from test.test_buffer import verify_structure
        except ImportError:
            verify_structure = None
        print("0" if verify_structure is None else "1")
        contiguity(verify_structure)
    else:
        try:
            import _testbuffer, test.test_buffer
        except ImportError:
            print("0")
            return
        print("1")
        seed, count, *requests = map(int, arguments)
        exporters(seed, count, requests)


main()
