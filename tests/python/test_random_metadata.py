"""Opens random tensors of DLPack, random dicts of ``__array_interface__`` and random pickles. Each input is refused or
its items are those that a loop over every index reads.

`PEP3118_RANDOM_METADATA=100000 pytest tests/python/test_random_metadata.py` tests 100,000 inputs of each kind.
`PEP3118_RANDOM_SEED` is the seed, which is 14 by default.
"""

import copy
import ctypes
import io
import itertools
import math
import os
import pickle
import random
from functools import partial

import pytest

from pep3118 import Format, View

COUNT = int(os.environ.get("PEP3118_RANDOM_METADATA", "3000"))
SEED = os.environ.get("PEP3118_RANDOM_SEED", "14")

# The exceptions that refuse an input. A panic of Rust is a `BaseException`.
REFUSED = (BufferError, KeyError, MemoryError, OverflowError, TypeError, ValueError)

EDGES = [0, 1, 2, 3, 7, 8, 64, -1, -2, -8, 2**31, 2**32, 2**62, 2**63 - 1, -(2**63)]


def number(choose):
    """Returns a small number, or a number at which arithmetic overflows."""
    return choose.choice(EDGES) if choose.random() < 0.2 else choose.randrange(-4, 17)


def numbers(choose, count):
    return tuple(number(choose) for _ in range(count))


def lengths(choose, count):
    """Returns a shape of `count` entries. Most shapes have few items."""
    return tuple(abs(number(choose)) if choose.random() < 0.1 else choose.randrange(5) for _ in range(count))


def gathered(memory, start, shape, strides, itemsize):
    """Returns the bytes of all items in C order, or None if an item is outside of `memory`. The item with all indices 0
    starts at byte `start`."""
    if 0 in shape:
        return b""
    reach = [(length - 1) * stride for length, stride in zip(shape, strides, strict=True)]
    low, high = start + sum(each for each in reach if each < 0), start + sum(each for each in reach if each > 0)
    if low < 0 or high + itemsize > len(memory):
        return None
    items = []
    for indices in itertools.product(*map(range, shape)):
        at = start + sum(index * stride for index, stride in zip(indices, strides, strict=True))
        items.append(bytes(memory[at : at + itemsize]))
    return b"".join(items)


def c_strides(shape, itemsize):
    """Returns the strides of a C-contiguous array in bytes."""
    strides, size = [], itemsize
    for length in reversed(shape):
        strides.insert(0, size)
        size *= length
    return strides


def test_random_tensors_are_read_or_refused():
    pytest.importorskip("numpy")
    from test_dlpack import HandMade

    choose = random.Random(f"tensors {SEED}")
    read = 0
    for _ in range(COUNT):
        memory = bytearray(choose.randbytes(256))
        ndim = choose.choice([0, 1, 1, 2, 2, 3, 64, 65])
        shape = lengths(choose, ndim) if ndim < 9 else (1,) * ndim
        dtype = choose.choice([(0, 8, 1), (0, 32, 1), (1, 16, 1), (2, 64, 1), (2, 32, 2), (5, 64, 1), (6, 8, 1)])
        if choose.random() < 0.3:
            dtype = (
                choose.randrange(20),
                choose.choice([0, 1, 4, 7, 8, 16, 32, 128, 255]),
                choose.choice([0, 1, 3, 65535]),
            )
        strides = numbers(choose, ndim) if choose.random() < 0.6 else None
        offset = choose.choice([0, 8, 100, 128, 2**32, 2**63 - 1, 2**64 - 1])
        fields = {}
        if choose.random() < 0.1:
            fields["ndim"] = choose.choice([-1, -(2**31), 65, 2**31 - 1])
        versioned = choose.random() < 0.7
        if versioned and choose.random() < 0.2:
            fields["flags"] = choose.choice([1, 2, 3, 2**63])
        device = choose.choice([1, 1, 1, 1, 1, 2, 3, 0, -1])
        tensor = HandMade(memory, shape, dtype, strides, versioned=versioned, device=device, offset=offset, **fields)
        try:
            view = View(tensor)
        except REFUSED as error:
            assert str(error)
        else:
            steps = [stride * view.itemsize for stride in strides or ()] if strides else c_strides(shape, view.itemsize)
            assert (view.shape, view.itemsize) == (shape, dtype[1] * dtype[2] // 8)
            # The producer is trusted for the address, so a tensor outside of the memory is not read.
            wanted = gathered(memory, offset, shape, steps, view.itemsize) if len(bytes(memory)) > offset else None
            if wanted is not None:
                assert view.tobytes() == wanted
                assert len(list(itertools.islice(iter(view), 3))) <= 3 if shape else view.tolist() is not None
                read += 1
            view.release()
        # A producer whose device is not supported is not asked for a tensor.
        assert tensor.deleted == (1 if hasattr(tensor, "capsule") else 0)
    assert read > COUNT // 20


class Interface:
    def __init__(self, interface):
        self.__array_interface__ = interface


def test_random_array_interfaces_are_read_or_refused():
    choose = random.Random(f"interfaces {SEED}")
    read = 0
    for _ in range(COUNT):
        memory = bytearray(choose.randbytes(128))
        ndim = choose.choice([0, 1, 1, 2, 2, 3])
        shape, strides = lengths(choose, ndim), numbers(choose, ndim)
        typestr = choose.choice(["<i4", ">f8", "|u1", "|S3", "<U2", "=i2", "|V5", "<c16", "|b1", "<f2"])
        interface = {"version": 3, "shape": shape, "typestr": typestr, "data": memory}
        if choose.random() < 0.6:
            interface["strides"] = strides
        if choose.random() < 0.5:
            interface["offset"] = choose.choice([0, 1, 8, 60, -1, 2**63 - 1, 2**64, -(2**63)])
        if choose.random() < 0.3:
            key = choose.choice(["shape", "strides", "typestr", "data", "descr", "offset", "mask"])
            hostile = [
                None,
                (),
                "",
                "x",
                "\0",
                5,
                -1,
                1.5,
                (1, 2),
                (2**64,),
                ("a",),
                range(2**40),
                range(2**62),
                b"<i4",
                [[]],
            ]
            hostile += [
                memoryview(b"abcd" * 9)[::2],
                itertools.repeat(1),
                {},
                object(),
                "<i999999999999",
                "|O8",
                "<M8[s]",
                "V",
            ]
            interface[key] = choose.choice(hostile)
        if choose.random() < 0.05:
            del interface[choose.choice([*interface])]
        try:
            view = View(Interface(interface))
        except REFUSED as error:
            assert str(error)
            continue
        data, offset = memoryview(interface["data"]).cast("B"), interface.get("offset") or 0
        shape, strides = tuple(interface["shape"]), interface.get("strides")
        steps = c_strides(shape, view.itemsize) if strides is None else tuple(strides)
        assert view.shape == shape
        wanted = gathered(data, offset, shape, steps, view.itemsize)
        assert wanted is not None, f"{interface}: an item is outside of the memory"
        assert view.tobytes() == wanted
        # Random bytes are not always text. For a shape such as (4, 2**31, 0), `tolist` creates 2**33 lists.
        if "w" not in (view.format or "") and math.prod(shape[:-1]) < 10_000:
            assert len(view.tolist()) == shape[0] if shape else view.tolist() is not None
        read += 1
    assert read > COUNT // 20


class Restored:
    """An object whose pickle calls `Format._restore`."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __reduce__(self):
        return Format._restore, self.arguments


HOSTILE = [
    None, (), [], "", "x", b"", b"\0\xff", b"*/", 0, 1, -1, 2**31, 2**63 - 1, 2**63, 2**64, 1.5, True, {}, [{}], (2, 3),
    (0,), (2**64 - 1,), (2**63, 2), range(9), range(2**40), range(2**62), "int32", "record", "bits", "opaque", "ucs4",
    "big", ("int32", 31, 1), ("uint8", 0, 255), ("int32", range(2**40), 1), "strip", "bfloat16", "g", "\udc00",
]  # fmt: skip


def places(tree):
    """Lists the (container, key) of each value in `tree`, a nest of dicts and lists."""
    found = []
    for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        found.append((tree, key))
        if isinstance(value, dict | list):
            found += places(value)
    return found


def use(format):
    """Calls every method of `format` that does not need a buffer."""
    methods = [format.to_c, format.to_rust, format.to_ctypes, format.to_dtype, format.explain, format.svg, format._tree]
    functions = [str, repr, hash, lambda format: format.fields, lambda format: format.emit("numpy"), is_restored]
    for call in [*methods, *(partial(function, format) for function in functions)]:
        try:
            call()
        except (*REFUSED, AttributeError, NotImplementedError) as error:
            assert str(error)


def is_restored(format):
    assert pickle.loads(pickle.dumps(format)) == format


class Union(ctypes.Union):
    _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_short * 2)]


class Bits(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int, 3), ("b", ctypes.c_int, 9), ("c", ctypes.c_wchar * 3), ("u", Union)]


TREES = [
    *(
        Format(text, dialect="pep3118")._tree()
        for text in ["i", "T{<h:a:(2,3)>d:b:}", "T{4s:a:2w:b:[bfloat16]:c:}", "T{T{T{b:a:}:b:}:c:P:p:}"]
    ),
    Format.from_ctypes(Bits)._tree(),
]


def test_random_pickles_are_restored_or_refused():
    choose = random.Random(f"pickles {SEED}")
    restored = 0
    for number in range(COUNT):
        tree = copy.deepcopy(choose.choice(TREES))
        for _ in range(choose.choice([0, 1, 1, 1, 2, 4])):
            container, key = choose.choice(places(tree))
            if choose.random() < 0.1:
                del container[key]
                if not places(tree):
                    break
            else:
                container[key] = choose.choice(HOSTILE)
        model = choose.choice(["lp64", "lp64", "i386", "s390x", "host", "unknown"])
        pickled = pickle.dumps(Restored(tree, choose.choice(["pep3118", "numpy", "unknown"]), model))
        try:
            format = pickle.loads(pickled)
        except REFUSED as error:
            assert str(error)
            continue
        restored += 1
        if number % 4 == 0:
            use(format)
    assert restored > COUNT // 20


class OnlyFormats(pickle.Unpickler):
    """Reads a pickle that refers to no other globals than those of pep3118, because a changed pickle could call any
    function."""

    def find_class(self, module, name):
        if module.split(".")[0] != "pep3118" or name.startswith("__"):
            raise pickle.UnpicklingError(f"{module}.{name}")
        return super().find_class(module, name)


def test_pickles_with_changed_bytes_are_restored_or_refused():
    choose = random.Random(f"bytes of pickles {SEED}")
    originals = [pickle.dumps(Restored(tree, "pep3118", "lp64")) for tree in TREES]
    originals += [pickle.dumps(Format(text)) for text in ["T{<h:a:(2,3)>d:b:}", "3s", "<i"]]
    for _ in range(COUNT):
        pickled = bytearray(choose.choice(originals))
        for _ in range(choose.choice([1, 1, 2, 8])):
            at = choose.randrange(len(pickled))
            pickled[at : at + choose.choice([0, 1, 1, 3])] = choose.randbytes(choose.choice([0, 1, 1, 4]))
            if not pickled:
                break
        # The unpickler raises many classes of exceptions. A panic is not an `Exception`.
        try:
            found = OnlyFormats(io.BytesIO(pickled)).load()
        except Exception as error:
            assert not isinstance(error, SystemError), error
        else:
            if isinstance(found, Format):
                use(found)


@pytest.mark.parametrize("length", [2**40, 2**62])
def test_a_huge_length_in_metadata_is_refused(length):
    tree = Format("T{i:a:}")._tree()
    for key in ("shape", "name"):
        changed = copy.deepcopy(tree)
        changed["fields"][0][key] = range(length)
        with pytest.raises((TypeError, ValueError)):
            Format._restore(changed, "pep3118", "lp64")
    for key in ("shape", "strides"):
        interface = {"version": 3, "shape": (1,), "typestr": "|u1", "data": bytearray(1), key: range(length)}
        with pytest.raises(BufferError, match="more than 64 dimensions"):
            View(Interface(interface))
