"""Which libraries accept a buffer, and as what: consumers.jsonl and readers.jsonl.

Usage: python readers.py consumers|readers [--differ]

Every format and itemsize of that file is given, as a writable buffer of two items, to the libraries that are installed;
a row is printed with their answers. With --differ they are compared with what is recorded. CPython 3.12 or newer,
because the exporter is a class of Python.

An answer is the type that the library found, in its own words, or `ERR` with the start of the exception (in
readers.jsonl without).
pybind11, nanobind, Cython, USD, JPype and mpi4py are recorded too; they were asked through extension modules and
programs of their own, and are left alone here.
"""

import importlib
import json
import pathlib
import sys
import warnings

from answers import described, exported

HERE = pathlib.Path(__file__).parent


class Exporter:
    """An object whose buffer has any format and itemsize."""

    def __init__(self, format, itemsize):
        self.view = exported(format, itemsize)

    def __buffer__(self, flags):
        return self.view


def numpy(np, buffer, itemsize):
    array = np.asarray(buffer)
    return {"itemsize": itemsize, "dtype": described(array.dtype, str_of_base), "shape": list(array.shape)}


def str_of_base(dtype):
    """answers.jsonl has a subarray's base by its name, this file by its type string."""
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


def asked(libraries, row, short):
    for ask, module in libraries:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = ask(module, Exporter(row["format"], row["itemsize"]), row["itemsize"])
        except Exception as error:  # The exception is the answer.
            answer = "ERR" if short else f"ERR {type(error).__name__}:{str(error)[:48]}"
        yield ask.__name__, answer


def main():
    name = sys.argv[1]
    libraries = []
    for ask in LIBRARIES:
        try:
            libraries.append((ask, importlib.import_module(ask.__name__)))
        except ImportError:
            print(f"left out: {ask.__name__}", file=sys.stderr)
    for ask, module in libraries:
        print(f"{ask.__name__} {getattr(module, '__version__', '')}", file=sys.stderr)
    compared = {ask.__name__: [0, 0] for ask, _ in libraries}
    for line in (HERE.parent / f"{name}.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        answers = dict(asked(libraries, row, name == "readers"))
        if "--differ" not in sys.argv:
            told = {"format": row["format"], "itemsize": row["itemsize"], "answers": answers}
            print(json.dumps(told, ensure_ascii=False))
            continue
        for reader, answer in answers.items():
            was = row["answers"].get(reader)
            if was is None:
                continue
            compared[reader][0] += was == answer
            compared[reader][1] += 1
            if was != answer:
                print(f"{reader} {row['format']!r} itemsize {row['itemsize']}: {was!r} recorded, {answer!r} now")
    if "--differ" in sys.argv:
        for reader, (same, all_) in compared.items():
            print(f"{reader}: {same} of {all_} as recorded")


main()
