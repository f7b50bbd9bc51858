"""Records the libraries that accept a buffer, and the type that each library finds: rows of consumers.jsonl and
readers.jsonl.

Usage: python readers.py consumers|readers [--differ]

The argument selects the file. For every format and itemsize of the file, the script passes a writable buffer of two
items to each installed library and prints a row with the answers. With --differ, it compares the answers with the
recorded answers. It needs CPython 3.12, because the exporter is a Python class with a method `__buffer__`.

An answer is the type that the library finds, in the notation of the library, or `ERR` and the start of the exception.
In readers.jsonl, the answer for an exception is only `ERR`.

The files also have answers of pybind11, nanobind, Cython, USD, JPype and mpi4py. These libraries need compiled
extension modules and programs, so this script does not call them.
"""

import importlib
import json
import pathlib
import sys
import warnings

from answers import described, exported

HERE = pathlib.Path(__file__).parent


class Exporter:
    """An object whose buffer has two items with any format and itemsize, which need not fit."""

    def __init__(self, format, itemsize):
        self.view = exported(format, itemsize)

    def __buffer__(self, flags):
        return self.view


# Each function below has the name of a library, except `type_string`. The function returns the type that this library
# finds in `buffer`. The first argument is the module.


def numpy(np, buffer, itemsize):
    array = np.asarray(buffer)
    return {"itemsize": itemsize, "dtype": described(array.dtype, type_string), "shape": list(array.shape)}


def type_string(dtype):
    """Returns the type string of the base of a subarray, the notation of consumers.jsonl. answers.jsonl contains the
    name instead."""
    return dtype.str


def numba(module, buffer, itemsize):
    return str(module.typeof(memoryview(buffer)).dtype)


def pygame(module, buffer, itemsize):
    proxy = module.BufferProxy(buffer)
    return proxy.__array_interface__["typestr"]


def nanoarrow(module, buffer, itemsize):
    view = module.c_buffer(buffer)
    return f"{view.data_type}/{view.element_size_bits}"


def numkong(module, buffer, itemsize):
    return module.Tensor(buffer).dtype


LIBRARIES = [numpy, numba, pygame, nanoarrow, numkong]


def answers_for(libraries, row, short):
    """Yields (name, answer) of each library for the format and itemsize of `row`.

    If `short` is true, the answer for an exception is `ERR` without the text of the exception.
    """
    for read, module in libraries:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = read(module, Exporter(row["format"], row["itemsize"]), row["itemsize"])
        except Exception as error:  # The row records the exception as the answer.
            answer = "ERR" if short else f"ERR {type(error).__name__}:{str(error)[:48]}"
        yield read.__name__, answer


def main():
    name = sys.argv[1]
    libraries = []
    for read in LIBRARIES:
        try:
            libraries.append((read, importlib.import_module(read.__name__)))
        except ImportError:
            print(f"not installed: {read.__name__}", file=sys.stderr)
    for read, module in libraries:
        print(f"{read.__name__} {getattr(module, '__version__', '')}", file=sys.stderr)
    compared = {read.__name__: [0, 0] for read, _ in libraries}
    for line in (HERE.parent / f"{name}.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        answers = dict(answers_for(libraries, row, name == "readers"))
        if "--differ" not in sys.argv:
            current_row = {"format": row["format"], "itemsize": row["itemsize"], "answers": answers}
            print(json.dumps(current_row, ensure_ascii=False))
            continue
        for reader, current in answers.items():
            recorded = row["answers"].get(reader)
            if recorded is None:
                continue
            compared[reader][0] += recorded == current
            compared[reader][1] += 1
            if recorded != current:
                print(f"{reader} {row['format']!r} itemsize {row['itemsize']}: {recorded!r} recorded, {current!r} now")
    if "--differ" in sys.argv:
        for reader, (equal, total) in compared.items():
            print(f"{reader}: {equal} of {total} equal the recorded answers")


main()
