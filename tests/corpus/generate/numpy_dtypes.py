"""Generates random NumPy dtypes, and prints their exported formats with the true offsets: rows of numpy_dtypes.jsonl.

The tests of the Python package use the functions of this file too.

Usage: python numpy_dtypes.py SEED ROWS > ../numpy_dtypes.jsonl    (recorded with 3118 800)

A row has the form {"format", "itemsize", "leaves": [[path, offset, bytes]], "numpy"}. An array of records has the
leaves of each of its elements. Any other array is one leaf. The exporter is an array of one to three items. In one of
ten rows, the exporter is a void scalar.
"""

import json
import random
import sys

import numpy as np

SCALARS = "i1 u1 i2 u2 i4 u4 i8 f2 f4 f8 c8 c16 g ? S3 U2 V3 O >i4 >f8 >u2".split()


def field(choose, depth, scalars):
    """Returns a random dtype for a field: one of `scalars`, a record, or an array of one of these. `depth` limits the
    nesting of records."""
    base = record(choose, depth - 1, scalars) if depth and choose.random() < 0.35 else np.dtype(choose.choice(scalars))
    if choose.random() < 0.35:
        shape = tuple(choose.choice([1, 2, 3]) for _ in range(choose.choice([1, 1, 2])))
        base = np.dtype((base, shape))
    return base


def record(choose, depth, scalars=SCALARS):
    """Returns a random record dtype that is packed, is aligned or has explicit offsets. The fields do not overlap.
    `depth` limits the nesting of records. `scalars` are the types of the other fields."""
    names = [f"f{index}" for index in range(choose.choice([1, 1, 2, 2, 3, 4]))]
    formats = [field(choose, depth, scalars) for _ in names]
    kind = choose.choice(["packed", "aligned", "offsets"])
    if kind != "offsets":
        return np.dtype(list(zip(names, formats, strict=True)), align=kind == "aligned")
    offsets, end = [], 0
    for each in formats:
        end += choose.choice([0, 0, 1, 2, 3, 4, 8])
        offsets.append(end)
        end += each.itemsize
    itemsize = end + choose.choice([0, 0, 1, 3, 4, 8])
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": itemsize})


# The types that NumPy does not export, or whose values are not those of C.
DATES = "M8[Y] >M8[D] M8[us] >M8[ns] M8[h] m8[s] >m8[us] m8[D] m8[as]".split()
ML_DTYPES = "bfloat16 float8_e5m2 float8_e4m3fn float8_e4m3fnuz float4_e2m1fn float6_e3m2fn int4 uint2".split()


def any_record(choose, depth, scalars):
    """Returns a random record dtype, as `record` does. Its fields can also overlap, with offsets in any order, or have
    titles.

    Fields that overlap are neither text nor objects, because their bytes are arbitrary.
    """
    kind = choose.choice(["packed", "aligned", "offsets", "overlap", "titles"])
    if kind == "overlap":
        scalars = [each for each in scalars if "U" not in str(each) and each != "O"]
    formats = []
    for _ in range(choose.choice([1, 2, 2, 3, 4])):
        nested = depth and choose.random() < 0.3
        each = any_record(choose, depth - 1, scalars) if nested else np.dtype(choose.choice(scalars))
        shape = tuple(choose.choice([1, 2, 3]) for _ in range(choose.choice([1, 1, 2])))
        formats.append(np.dtype((each, shape)) if choose.random() < 0.25 else each)
    names = [f"f{index}" for index in range(len(formats))]
    if kind == "titles":
        return np.dtype([((f"title {name}", name), each) for name, each in zip(names, formats, strict=True)])
    if kind in ("packed", "aligned"):
        return np.dtype(list(zip(names, formats, strict=True)), align=kind == "aligned")
    gaps, end, offsets = [0, 0, 1, 2, 3, 8], 0, []
    for each in formats:
        end += choose.choice(gaps)
        offsets.append(choose.randrange(end + 1) if kind == "overlap" else end)
        end = max(end, offsets[-1] + each.itemsize)
    itemsize = end + choose.choice(gaps)
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": itemsize})


def leaves(dtype, offset, path):
    """Yields [path, offset, bytes] for each leaf of `dtype`, which starts `offset` bytes into the item."""
    if dtype.subdtype:
        base, shape = dtype.subdtype
        if base.fields:
            for index in range(int(np.prod(shape))):
                yield from leaves(base, offset + index * base.itemsize, f"{path}[{index}]")
            return
    if dtype.fields is None:
        yield [path, offset, dtype.itemsize]
        return
    for name in dtype.names:
        inner, at = dtype.fields[name][:2]
        yield from leaves(inner, offset + at, f"{path}.{name}" if path else name)


def main():
    choose = random.Random(int(sys.argv[1]))
    rows = int(sys.argv[2])
    while rows:
        dtype = record(choose, choose.choice([0, 1, 1, 2, 3]))
        exporter = np.zeros(choose.choice([1, 2, 3]), dtype)
        if choose.random() < 0.1:
            exporter = exporter[0]
        try:
            view = memoryview(exporter)
        except (BufferError, ValueError):
            continue  # NumPy refuses to export, for example, a byte-swapped long double.
        row = {"format": view.format, "itemsize": view.itemsize, "leaves": list(leaves(dtype, 0, ""))}
        if dtype.itemsize and len(view.format) < 200:
            print(json.dumps({**row, "numpy": np.__version__}))
            rows -= 1


if __name__ == "__main__":
    main()
