"""Compares `View` with NumPy for random dtypes, and with ctypes for random classes.

`PEP3118_RANDOM_TYPES=10000 pytest tests/python/test_random_types.py` tests 10,000 of each. `PEP3118_RANDOM_SEED` is the
seed, which is 14 by default.
"""

import ctypes as C
import os
import random

import pytest
from test_owner_values import fields_of, is_too_small, masked, random_bytes, structure

from pep3118 import Format, View

COUNT = int(os.environ.get("PEP3118_RANDOM_TYPES", "400"))
SEED = os.environ.get("PEP3118_RANDOM_SEED", "14")


def plain(value):
    """Returns `value` with lists for arrays and tuples for records."""
    if type(value).__name__ == "ndarray":
        return plain(value.tolist())
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return list(map(plain, value)) if isinstance(value, list) else value


def fill(choose, array, np):
    """Fills `array` with random bytes, except if its dtype has objects, and its text fields with valid text. Objects
    stay the number 0."""
    if not array.dtype.hasobject:
        data = array.view("u1") if array.dtype.itemsize else np.zeros(0, "u1")
        data[...] = np.frombuffer(random_bytes(choose, data.size), "u1").reshape(data.shape)
    fill_text(choose, array)


def fill_text(choose, array):
    """Fills the text fields of `array` with random valid text."""
    if array.dtype.kind == "U":
        for index in range(array.size):
            array.flat[index] = "".join(choose.choice("ab\0é€😀") for _ in range(4))
    for name in array.dtype.names or ():
        fill_text(choose, array[name])


def bytes_of(dtype, leaves):
    """Returns the set of the offsets of the bytes that belong to values of `dtype`. `leaves` is the function of
    `numpy_dtypes`."""
    return {offset + index for _, offset, size in leaves(dtype, 0, "") for index in range(size)}


def assert_columns_have_the_values_of_the_fields(view):
    """Compares each column with the view of the same field."""
    for name, column in view.columns().items():
        field = view if name == "value" and not view.fields else view[name]
        assert repr(column.tolist()) == repr(field.tolist()), name


def test_random_dtypes_have_the_values_of_numpy():
    np, ml_dtypes = pytest.importorskip("numpy"), pytest.importorskip("ml_dtypes")
    from numpy_dtypes import DATES, ML_DTYPES, SCALARS, any_record, leaves

    # NumPy converts a long double to a `numpy.longdouble`, which is not compared with a `float`.
    scalars = [*[each for each in SCALARS if each not in ("g", "O")], ">U2", ">c16", *DATES]
    scalars += [getattr(ml_dtypes, name) for name in ML_DTYPES if hasattr(ml_dtypes, name)]
    choose = random.Random(f"dtypes {SEED}")
    written = 0
    for number in range(COUNT):
        dtype = any_record(choose, choose.choice([0, 1, 1, 2]), [*scalars, *["O"] * (number % 8 == 0)])
        array, source = np.zeros(3, dtype), np.zeros(3, dtype)
        fill(choose, array, np)
        fill(choose, source, np)
        with np.errstate(all="ignore"):
            wanted = plain(array.tolist())
        view, other = View(array), View(source)
        assert Format(dtype).itemsize == dtype.itemsize and view.itemsize == dtype.itemsize
        assert repr(plain(view.tolist())) == repr(wanted), (number, dtype)
        if dtype.hasobject:
            continue
        assert_columns_have_the_values_of_the_fields(view)
        for name in dtype.names:
            inner, offset = dtype.fields[name][:2]
            # The fields before may have bytes of this field, and they were written.
            wanted = [row[dtype.names.index(name)] for row in plain(array.tolist())]
            assert repr(plain(view[name].tolist())) == repr(wanted), (number, dtype, name)
            before, value = array.tobytes(), other[name][2]
            view[name][1] = value
            after, own = array.tobytes(), {dtype.itemsize + offset + each for each in bytes_of(inner, leaves)}
            assert all(before[at] == after[at] for at in range(len(before)) if at not in own), (number, dtype, name)
            # A value that shares bytes with another value can change when the other value is written.
            if sum(size for *_, size in leaves(inner, 0, "")) == len(own):
                assert repr(plain(view[name][1])) == repr(plain(value)), (number, dtype, name)
                written += 1
    assert written > COUNT


def test_random_classes_have_the_values_of_ctypes():
    choose = random.Random(f"classes {SEED}")
    compared = written = 0
    while compared < COUNT:
        kind = structure(choose, choose.choice([0, 1, 2]))
        if is_too_small(kind):
            continue
        owner, source = (kind.from_buffer_copy(random_bytes(choose, C.sizeof(kind))) for _ in range(2))
        try:
            wanted, values = fields_of(owner), fields_of(source)
        except ValueError:  # A wide character that is not Unicode.
            continue
        compared += 1
        view = View(owner)
        assert repr(masked(view[()], kind)) == repr(wanted), kind._fields_
        for position, field in enumerate(kind._fields_):
            name, _, *bits = field
            if bits or "?" in repr(values[position]):
                continue  # test_owner_values.py writes bit-fields.
            before, descriptor = bytes(owner), getattr(kind, name)
            view[name][()] = values[position]
            after, end = bytes(owner), descriptor.offset + descriptor.size
            assert after[: descriptor.offset] == before[: descriptor.offset] and after[end:] == before[end:]
            written += 1
            try:
                wanted = fields_of(owner)
            except ValueError:
                # The written field shares bytes with a wide text of a union, which is not Unicode now.
                with pytest.raises(ValueError, match="is not a character"):
                    view[()]
                continue
            assert repr(masked(view[()], kind)[position]) == repr(wanted[position]), (kind._fields_, name)
    assert written > COUNT // 2
