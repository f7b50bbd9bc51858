"""Records the buffers that objects export, with the true offsets of their fields: rows of exports.jsonl.

Usage: python exports.py [--differ]

The script evaluates every distinct expression of ../exports.jsonl with the installed libraries. It prints a row for
each expression that exports a buffer. It skips an expression whose module is not installed, and prints the number of
skipped expressions on standard error. With --differ, it prints only rows that are not recorded for the installed
versions, and lists the differences from recorded rows on standard error.

A row has the form of ../schema/exports.json without the key `consistent_under`. The author of a row adds this key by
hand: it lists the padding rules under which format and itemsize give the true leaves.

To add an expression, write one row with its `producer` and `how` by hand. The script evaluates the expression from then
on.
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
    """Returns a function that creates a subclass of `base` with the argument `fields` as `_fields_`, or without
    `_fields_`."""

    def make(fields=None, **attributes):
        # CPython 3.15 requires `_layout_` for a class with `_pack_`. In earlier versions, `_pack_` implies the layout
        # "ms".
        if "_pack_" in attributes:
            attributes["_layout_"] = "ms"
        return type("S", (base,), attributes if fields is None else {**attributes, "_fields_": fields})

    return make


def selfptr():
    """Returns a structure with a pointer to its own type."""
    kind = type("N", (C.Structure,), {})
    kind._fields_ = [("v", C.c_int), ("next", C.POINTER(kind))]
    return kind


def late():
    """Returns a structure whose `_fields_` is assigned after the class statement."""
    kind = type("L", (C.Structure,), {})
    kind._fields_ = [("a", C.c_byte), ("b", C.c_int)]
    return kind


def sub(base, fields):
    """Returns a subclass of a structure, with further `fields` or, if `fields` is None, without further fields."""
    return type("Sub", (base,), {} if fields is None else {"_fields_": fields})


def names():
    """Returns a dict of the names that the expressions use: functions of this file, and the modules that can be
    imported."""
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
    """Yields [path, offset, bytes, code, shape] for each leaf of the ctypes type `kind`, which starts at `offset`.
    `bytes` is the size of one element, and `shape` is [] for a single value."""
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
    """Returns the type code of a simple ctypes type, "ptr" for a pointer and "func" for a function."""
    letter = getattr(kind, "_type_", None)
    return letter if isinstance(letter, str) else "ptr" if letter else "func"


def bitfields(kind):
    """Returns {name: [first bit, number of bits]} for the bit-fields of a structure, without those of its fields."""
    fields = [field for owner in reversed(kind.__mro__) for field in owner.__dict__.get("_fields_", [])]
    return {
        name: [getattr(kind, name).size & 0xFFFF, getattr(kind, name).size >> 16] for name, _, *bits in fields if bits
    }


def numpy_leaves(dtype, offset, path):
    """Yields [path, offset, bytes, type string, shape] for each leaf of `dtype`, which starts at `offset`. `bytes` is
    the size of one element, and `shape` is [] for a single value."""
    import numpy as np

    base, shape = dtype.subdtype or (dtype, ())
    if base.fields is None:
        yield [path, offset, base.itemsize, base.str, list(shape)]
        return
    for index in range(int(np.prod(shape))) if shape else [None]:
        here = path if index is None else f"{path}[{index}]"
        at = offset + (index or 0) * base.itemsize
        for name in base.names:
            inner, field_offset = base.fields[name][:2]
            yield from numpy_leaves(inner, at + field_offset, f"{here}.{name}" if here else name)


def type_layout(value):
    """Returns the part of a row that the type of `value` declares: the key "leaves", and for ctypes also "union" and,
    if the structure has bit-fields, "bitfields". Returns {} if an item is not a record."""
    kind = type(value)
    while isinstance(kind, type(C.c_int * 1)):
        kind = kind._type_
    if isinstance(kind, type) and issubclass(kind, (C.Structure, C.Union)):
        layout = {"leaves": list(ctypes_leaves(kind, 0, "")), "union": issubclass(kind, C.Union)}
        bits = bitfields(kind)
        return {**layout, "bitfields": bits} if bits else layout
    dtype = getattr(value, "dtype", None)
    if getattr(dtype, "fields", None):
        return {"leaves": list(numpy_leaves(dtype, 0, ""))}
    return {}


def version(producer):
    """Returns the version of the module of `producer`, or of Python for a producer of the standard library."""
    module = {"numpy": "numpy", "_testbuffer.ndarray": None, "ctypes": None}.get(producer, producer.split(".")[0])
    module = module and sys.modules.get(module)
    return getattr(module, "__version__", None) or sys.version.split()[0]


def row(producer, how, space):
    """Evaluates the expression `how` with the names in `space`. Returns the row of the exported buffer. Raises the
    exceptions of the expression and of `memoryview`."""
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
        **type_layout(value),
    }


def main():
    recorded = [json.loads(line) for line in (HERE.parent / "exports.jsonl").read_text("utf-8").splitlines()]
    space, failed = names(), collections.Counter()
    answers = {}
    for producer, how in dict.fromkeys((old["producer"], old["how"]) for old in recorded):
        try:
            current = row(producer, how, dict(space))
        except Exception as error:  # Any exception of a library: the script skips the expression.
            failed[f"{producer}: {type(error).__name__}"] += 1
        else:
            answers[producer, how] = json.loads(json.dumps(current))
    equal = compared = 0
    already_recorded = set()
    for old in recorded:
        old.pop("consistent_under")
        current = answers.get((old["producer"], old["how"]))
        versions = ("producer_version", "python", "platform")
        if current and all(current[key] == old[key] for key in versions):
            compared += 1
            equal += current == old
            already_recorded.add((old["producer"], old["how"]))
            if current != old:
                changed = [key for key in {**old, **current} if old.get(key) != current.get(key)]
                changes = ", ".join(f"{key}: {old.get(key)} recorded, {current.get(key)} now" for key in changed)
                print(f"{old['producer']} {old['how']}: {changes}", file=sys.stderr)
    for key, current in answers.items():
        if "--differ" not in sys.argv or key not in already_recorded:
            print(json.dumps(current, ensure_ascii=False))
    print(f"{len(answers)} exported, {equal} of {compared} equal the rows of these versions", file=sys.stderr)
    for reason, count in sorted(failed.items()):
        print(f"skipped {count}: {reason}", file=sys.stderr)


main()
