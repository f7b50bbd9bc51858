"""Generates random ctypes types, and prints their exported formats with the true offsets: rows of
ctypes_structures.jsonl.

Usage: python ctypes_structures.py SEED ROWS >> ../ctypes_structures.jsonl    (recorded with 3118 300 on four versions)

A row has the form {"format", "itemsize", "leaves": [[offset, bytes]], "ctypes"}. A leaf is a value that is not a
structure, or an array of such values. Some types contain unions, bit-fields, packing, inheritance or swapped byte
order. ctypes exports a wrong format for many of these types. A reader must refuse a wrong format or find the true
offsets.
"""

import ctypes as C
import json
import random
import sys

SCALARS = [
    C.c_byte, C.c_ubyte, C.c_short, C.c_int, C.c_long, C.c_longlong, C.c_float, C.c_double, C.c_longdouble,
    C.c_bool, C.c_char, C.c_wchar, C.c_void_p, C.c_char_p, C.c_wchar_p, C.py_object, C.c_size_t,
    C.POINTER(C.c_int), C.CFUNCTYPE(None),
]  # fmt: skip
SWAPPABLE = [C.c_byte, C.c_short, C.c_int, C.c_longlong, C.c_float, C.c_double]
ARRAY = type(C.c_int * 1)


def field(choose, depth, base, anonymous):
    """Returns a random type for a field of a subclass of `base`: a scalar, a structure, or an array of these. `depth`
    limits the nesting of structures. `anonymous` is passed to `structure`."""
    if base is C.BigEndianStructure:
        kind = choose.choice(SWAPPABLE)
    elif depth and choose.random() < 0.3:
        kind = structure(choose, depth - 1, anonymous)
    else:
        kind = choose.choice(SCALARS)
    while choose.random() < 0.2:
        kind = kind * choose.choice([0, 1, 2, 3])
    return kind


def structure(choose, depth, anonymous=False):
    """Returns a random structure or union. If `anonymous` is true, some members are anonymous. The recorded rows have
    no anonymous members."""
    while True:
        base = choose.choices([C.Structure, C.BigEndianStructure, C.Union], [73, 15, 12])[0]
        space = {"_layout_": "ms", "_pack_": choose.choice([1, 2, 4])} if choose.random() < 0.2 else {}
        # The fields of anonymous members are also attributes of the structure, so all names must differ.
        names = [f"f{depth}{index}" if anonymous else f"f{index}" for index in range(choose.randrange(5))]
        fields = [(name, field(choose, depth, base, anonymous)) for name in names]
        if base is C.Structure and choose.random() < 0.1:
            fields = [(name, kind, 5) if kind is C.c_int else (name, kind) for name, kind in fields]
        if base is C.Structure and choose.random() < 0.1:
            base = type("Base", (C.Structure,), {"_fields_": [("b0", choose.choice(SCALARS))]})
        if anonymous and base is not C.Union and choose.random() < 0.1:
            space["_anonymous_"] = [name for name, kind, *_ in fields if isinstance(kind, type(C.Structure))]
        try:
            return type("Random", (base,), {**space, "_fields_": fields})
        except (TypeError, ValueError, AttributeError):
            continue  # ctypes refuses, for example, a pointer in a big-endian structure.


def leaves(kind, offset):
    """Yields [offset, bytes] for each leaf of type `kind`, which starts `offset` bytes into the item."""
    if isinstance(kind, ARRAY):
        element = kind._type_
        if isinstance(element, ARRAY) or issubclass(element, (C.Structure, C.Union)):
            for index in range(kind._length_):
                yield from leaves(element, offset + index * C.sizeof(element))
        elif kind._length_:
            yield [offset, C.sizeof(kind)]
    elif issubclass(kind, (C.Structure, C.Union)):
        for owner in reversed(kind.__mro__):
            for name, inner, *_ in owner.__dict__.get("_fields_", []):
                yield from leaves(inner, offset + getattr(kind, name).offset)
    else:
        yield [offset, C.sizeof(kind)]


def main():
    choose = random.Random(int(sys.argv[1]))
    rows = int(sys.argv[2])
    while rows:
        kind = structure(choose, choose.choice([0, 1, 2]))
        view = memoryview(kind())
        if len(view.format) < 150:
            row = {"format": view.format, "itemsize": view.itemsize, "leaves": sorted(leaves(kind, 0))}
            print(json.dumps({**row, "ctypes": sys.version.split()[0]}))
            rows -= 1


if __name__ == "__main__":
    main()
