"""What objects export, with the true places of their fields: exports.jsonl.

Usage: python exports.py [--differ]

Every distinct expression of ../exports.jsonl is evaluated with whatever is installed, and a row is printed for each
that exports a buffer; expressions whose modules are missing are counted on standard error and left out. With
--differ only rows are printed that are not recorded as they are for the same versions, and rows that are recorded and
differ are named on standard error.

A row has the form of ../schema/exports.json without `consistent_under`, which the author of a row adds: the padding
rules under which format and itemsize give the true leaves.

A new expression is recorded by hand, once, as a row with its `producer` and `how`; from then on it is asked again.
"""

import array
import collections
import contextlib
import ctypes as C
import importlib
import io
import json
import mmap
import pathlib
import pickle
import platform
import sys

HERE = pathlib.Path(__file__).parent

MODULES = {
    "np": "numpy", "pa": "pyarrow", "na": "nanoarrow", "jax": "jax", "jnp": "jax.numpy", "glm": "glm", "pg": "pygame",
    "simsimd": "simsimd", "nk": "numkong", "p3d": "panda3d.core", "zmq": "zmq", "av": "av", "bitarray": "bitarray",
    "sz": "stringzilla", "zstd": "zstandard", "vtk": "vtk", "cffi": "cffi", "tb": "_testbuffer", "h5py": "h5py",
    "ts": "tensorstore", "sitk": "SimpleITK",
}  # fmt: skip


def structure(base):
    """Makes a class of fields; without any, a class that never got `_fields_`."""

    def make(fields=None, **attributes):
        # The layout is what _pack_ always meant; 3.15 wants it said.
        if "_pack_" in attributes:
            attributes["_layout_"] = "ms"
        return type("S", (base,), attributes if fields is None else {**attributes, "_fields_": fields})

    return make


def selfptr():
    """A structure with a pointer to itself."""
    kind = type("N", (C.Structure,), {})
    kind._fields_ = [("v", C.c_int), ("next", C.POINTER(kind))]
    return kind


def late():
    """A structure whose fields are set after its class was made."""
    kind = type("L", (C.Structure,), {})
    kind._fields_ = [("a", C.c_byte), ("b", C.c_int)]
    return kind


def sub(base, fields):
    return type("Sub", (base,), {} if fields is None else {"_fields_": fields})


def names():
    found = {
        "C": C, "array": array, "mmap": mmap, "io": io, "pickle": pickle, "sub": sub, "selfptr": selfptr, "late": late,
        "S": structure(C.Structure), "U": structure(C.Union), "LE": structure(C.LittleEndianStructure),
        "BE": structure(C.BigEndianStructure),
    }  # fmt: skip
    if hasattr(C, "BigEndianUnion"):
        found["BEU"] = structure(C.BigEndianUnion)
    for short, name in MODULES.items():
        with contextlib.suppress(ImportError):
            found[short] = importlib.import_module(name)
    return found


def ctypes_leaves(kind, offset, path):
    if isinstance(kind, type(C.c_int * 1)):
        element, shape = kind, []
        while isinstance(element, type(C.c_int * 1)):
            shape.append(element._length_)
            element = element._type_
        if not issubclass(element, (C.Structure, C.Union)):
            yield [path, offset, C.sizeof(element), code(element), shape]
            return
        for index in range(kind._length_):
            yield from ctypes_leaves(kind._type_, offset + index * C.sizeof(kind._type_), f"{path}[{index}]")
    elif issubclass(kind, (C.Structure, C.Union)):
        for owner in reversed(kind.__mro__):
            for name, inner, *_ in owner.__dict__.get("_fields_", []):
                at = offset + getattr(kind, name).offset
                yield from ctypes_leaves(inner, at, f"{path}.{name}" if path else name)
    else:
        yield [path, offset, C.sizeof(kind), code(kind), []]


def code(kind):
    letter = getattr(kind, "_type_", None)
    return letter if isinstance(letter, str) else "ptr" if letter else "func"


def bitfields(kind):
    fields = [field for owner in reversed(kind.__mro__) for field in owner.__dict__.get("_fields_", [])]
    return {
        name: [getattr(kind, name).size & 0xFFFF, getattr(kind, name).size >> 16] for name, _, *bits in fields if bits
    }


def numpy_leaves(dtype, offset, path):
    import numpy as np

    base, shape = dtype.subdtype or (dtype, ())
    if base.fields is None:
        yield [path, offset, base.itemsize, base.str, list(shape)]
        return
    for index in range(int(np.prod(shape))) if shape else [None]:
        here = path if index is None else f"{path}[{index}]"
        at = offset + (index or 0) * base.itemsize
        for name in base.names:
            inner, place = base.fields[name][:2]
            yield from numpy_leaves(inner, at + place, f"{here}.{name}" if here else name)


def truth(value):
    """What the type of an object says of its items; nothing of items that are a single value."""
    kind = type(value)
    while isinstance(kind, type(C.c_int * 1)):
        kind = kind._type_
    if isinstance(kind, type) and issubclass(kind, (C.Structure, C.Union)):
        told = {"leaves": list(ctypes_leaves(kind, 0, "")), "union": issubclass(kind, C.Union)}
        bits = bitfields(kind)
        return {**told, "bitfields": bits} if bits else told
    dtype = getattr(value, "dtype", None)
    if getattr(dtype, "fields", None):
        return {"leaves": list(numpy_leaves(dtype, 0, ""))}
    return {}


def version(producer):
    module = {"numpy": "numpy", "_testbuffer.ndarray": None, "ctypes": None}.get(producer, producer.split(".")[0])
    module = module and sys.modules.get(module)
    return getattr(module, "__version__", None) or sys.version.split()[0]


def row(producer, how, space):
    value = eval(how, space)
    view = memoryview(value)
    width = "" if C.sizeof(C.c_void_p) == 8 else "-32"
    return {
        "producer": producer,
        "producer_version": version(producer),
        "python": sys.version.split()[0],
        "platform": f"{platform.system()}-{platform.machine()}{width}",
        "how": how,
        "format": view.format,
        "itemsize": view.itemsize,
        "ndim": view.ndim,
        "shape": list(view.shape),
        "strides": list(view.strides),
        "readonly": view.readonly,
        **truth(value),
    }


def main():
    recorded = [json.loads(line) for line in (HERE.parent / "exports.jsonl").read_text("utf-8").splitlines()]
    space, failed = names(), collections.Counter()
    answers = {}
    for producer, how in dict.fromkeys((each["producer"], each["how"]) for each in recorded):
        try:
            answer = row(producer, how, dict(space))
        except Exception as error:  # Whatever a library raises, its expression is left out.
            failed[f"{producer}: {type(error).__name__}"] += 1
        else:
            answers[producer, how] = json.loads(json.dumps(answer))
    same = compared = 0
    known = set()
    for each in recorded:
        each.pop("consistent_under")
        answer = answers.get((each["producer"], each["how"]))
        own = ("producer_version", "python", "platform")
        if answer and all(answer[key] == each[key] for key in own):
            compared += 1
            same += answer == each
            known.add((each["producer"], each["how"]))
            if answer != each:
                parts = [key for key in {**each, **answer} if each.get(key) != answer.get(key)]
                said = ", ".join(f"{key}: {each.get(key)} recorded, {answer.get(key)} now" for key in parts)
                print(f"{each['producer']} {each['how']}: {said}", file=sys.stderr)
    for key, answer in answers.items():
        if "--differ" not in sys.argv or key not in known:
            print(json.dumps(answer, ensure_ascii=False))
    print(f"{len(answers)} exported, {same} of {compared} as recorded for these versions", file=sys.stderr)
    for reason, count in sorted(failed.items()):
        print(f"left out: {count} of {reason}", file=sys.stderr)


main()
