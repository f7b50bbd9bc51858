"""Tests of keys of a view, compared with NumPy: arrays of indices, masks and lists of field names.

Other tests assign mappings to records, and arrays of another numeric type, whose numbers are converted.
"""

import array
import collections
import itertools
import random
import types

import pytest

from pep3118 import Exporter, View

np = pytest.importorskip("numpy")

KEYS = [
    [0, 2],
    [],
    [[0, 1], [2, 0]],
    [-1, 0, 0],
    ([0, 1], [1, 2]),
    ([0, 1], slice(None), [1, 2]),
    (slice(1, None), [0, 2]),
    (..., [0, 1]),
    ([0, 1], ...),
    ([[0], [1]], [0, 2]),
    (1, [0, 2]),
    ([0, 2], 1),
    ([0, 2], slice(None), 1),
    (0, slice(None), [1, 2]),
    (0, [1, 2], slice(None, None, -1)),
    ([0, 1], ..., [0, 1]),
    [True, False, True],
    ([True, False, True], 1),
    ([True, False, True], [0, 2]),
    (slice(None), [True, False, False, True]),
    [1, True, 0],
]


def grid():
    """Returns a big-endian array of the shape (3, 4, 5) with the numbers 0 to 59."""
    return np.arange(60, dtype=">i4").reshape(3, 4, 5)


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_arrays_of_indices_select_as_numpy(key):
    source = grid()
    selected = View(source)[key]
    wanted = source[key]
    assert (selected.shape, selected.tolist()) == (wanted.shape, wanted.tolist())
    assert selected.format == View(source).format


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_assignments_through_arrays_of_indices_write_as_numpy(key):
    for value in (7, "range"):
        ours, theirs = grid(), grid()
        new = np.arange(theirs[key].size, dtype=theirs.dtype).reshape(theirs[key].shape) if value == "range" else value
        View(ours)[key] = new
        theirs[key] = new
        assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("kind", ["list", "NumPy", "View", "array.array", "memoryview"])
def test_indices_can_be_any_array(kind):
    indices = {
        "list": [2, 0],
        "NumPy": np.array([2, 0], ">u2"),
        "View": View(np.array([2, 0])),
        "array.array": array.array("h", [2, 0]),
        "memoryview": memoryview(array.array("q", [2, 0])),
    }[kind]
    assert View(grid())[indices].tolist() == grid()[[2, 0]].tolist()


def test_masks_can_have_several_dimensions_and_be_views():
    source = grid()
    mask = source > 30
    assert View(source)[mask].tolist() == View(source)[View(mask)].tolist() == source[mask].tolist()
    assert View(source)[mask[:, :, 0]].tolist() == source[mask[:, :, 0]].tolist()
    assert View(source)[mask.tolist()].tolist() == source[mask].tolist()


def test_random_keys_select_and_assign_as_numpy():
    rng = random.Random(3)
    for _ in range(400):
        ndim = rng.randint(1, 4)
        shape = tuple(rng.randint(1, 4) for _ in range(ndim))
        source = np.arange(int(np.prod(shape)), dtype="<i2").reshape(shape)
        source = source.transpose(rng.sample(range(ndim), ndim))
        length = rng.randint(1, 3)
        key, has_array = [], False
        for extent in source.shape[: rng.randint(1, ndim)]:
            kind = rng.choice(["int", "slice", "array", "mask"])
            if kind == "int":
                key.append(rng.randrange(-extent, extent))
            elif kind == "slice":
                key.append(slice(rng.choice([None, 0, 1]), None, rng.choice([None, 1, 2, -1])))
            elif kind == "array":
                has_array = True
                key.append(np.array([rng.randrange(-extent, extent) for _ in range(length)]))
            else:
                has_array = True
                key.append(np.array([rng.random() < 0.5 for _ in range(extent)]))
        if not has_array:
            continue
        key = tuple(key)
        try:
            wanted = source[key]
        except IndexError:
            with pytest.raises(IndexError):
                View(source)[key]
            continue
        selected = View(source)[key]
        assert (selected.shape, selected.tolist()) == (wanted.shape, wanted.tolist()), key
        ours, theirs = source.copy(), source.copy()
        value = np.arange(wanted.size, dtype="<i2").reshape(wanted.shape) + 500
        View(ours)[key] = value
        theirs[key] = value
        assert ours.tolist() == theirs.tolist(), key


def test_values_are_broadcast_to_the_selection():
    for key, value in [
        ([0, 2], np.arange(5, dtype=">i4")),
        ([0, 2], np.arange(4, dtype=">i4").reshape(4, 1)),
        ([0, 1], [[1, 2, 3, 4, 5]]),
    ]:
        ours, theirs = grid(), grid()
        View(ours)[key] = value
        theirs[key] = value
        assert ours.tolist() == theirs.tolist()


def test_a_value_of_another_shape_is_refused_and_nothing_is_written():
    source = grid()
    with pytest.raises(ValueError, match="broadcast"):
        View(source)[[0, 2]] = np.zeros((3, 4, 5), ">i4")
    with pytest.raises(ValueError):
        View(source)[[0, 2]] = 2**40
    assert source.tolist() == grid().tolist()


@pytest.mark.parametrize(
    "key", [[3], [0, -4], [1.5], [[0], [1, 2]], [True, False], (0, 0, 0, [0]), ([0, 1], [0, 1, 2]), np.array([0.5])]
)
def test_keys_that_numpy_refuses_are_refused(key):
    with pytest.raises((IndexError, TypeError)):
        View(grid())[key]
    with pytest.raises((IndexError, TypeError)):
        View(grid())[key] = 0


@pytest.mark.parametrize("key", [b"\0", None, 1.5, {}, object(), bytearray(1)])
def test_other_objects_are_no_keys(key):
    with pytest.raises((TypeError, IndexError)):
        View(grid())[key]


def test_a_list_that_contains_itself_is_refused():
    nested = []
    nested.append(nested)
    with pytest.raises(IndexError):
        View(grid())[nested]


def test_a_selection_is_a_copy():
    source = grid()
    selected = View(source)[[0]]
    selected[0] = 0 * source[0]
    assert source.tolist() == grid().tolist() and not selected.readonly


def test_records_are_selected_and_assigned_with_their_padding():
    memory = np.zeros(4, np.dtype([("a", "i1"), ("b", "<i8")], align=True))
    memory.view("u1")[:] = 0xEE
    before = memory.tobytes()
    view = View(memory)
    view[[1, 3]] = [(1, 2), (3, 4)]
    assert view[[3, 1]].tolist() == [(3, 4), (1, 2)]

    def padding(data):
        return [data[i] for i in range(len(data)) if i % 16 in range(1, 8)]

    assert padding(memory.tobytes()) == padding(before)


def test_items_with_references_are_refused():
    objects = np.array([object(), None], dtype=object)
    with pytest.raises(TypeError, match="one by one"):
        View(objects)[[0]]


def test_indices_of_memory_behind_pointers():
    pointers = pytest.importorskip("ctypes")
    rows = [(pointers.c_int * 3)(*range(i, i + 3)) for i in (0, 10)]
    table = (pointers.c_void_p * 2)(*(pointers.addressof(row) for row in rows))
    view = View(Exporter(table, format="i", shape=(2, 3), strides=(8, 4), suboffsets=(0, -1)))
    assert view[[1, 0], [0, 2]].tolist() == [10, 2]
    view[[1], [0]] = 77
    assert rows[1][0] == 77


# Fields

TABLE = np.dtype([("a", "<i4"), ("pos", [("x", "<f8"), ("y", "<f8")]), ("b", "S4"), ("m", "<i2", (2,))])


def table():
    """Returns three records of the dtype `TABLE`, in which only the fields `a` and `b` are not zero."""
    data = np.zeros(3, TABLE)
    data["a"], data["b"] = [1, 2, 3], [b"x", b"yy", b"zzz"]
    return data


@pytest.mark.parametrize("names", [["a", "b"], ["b", "a"], ["pos"], ["m", "pos", "a"]])
def test_chosen_fields_have_the_values_and_the_memory_of_numpy(names):
    data = table()
    view, wanted = View(data)[tuple(names)], data[names]
    assert view.fields == tuple(names) and view.itemsize == wanted.dtype.itemsize
    assert str(view.to_numpy().tolist()) == str(wanted.tolist())
    assert view.to_numpy().dtype == wanted.dtype
    assert np.shares_memory(view.to_numpy(), data)


def test_dotted_names_choose_fields_of_records():
    data = table()
    view = View(data)["pos.y", "a"]
    view[0] = (2.5, 9)
    assert (data["pos"]["y"][0], data["a"][0]) == (2.5, 9)


def test_an_assignment_to_chosen_fields_leaves_the_other_bytes():
    data = table()
    before = data.copy()
    View(data)["a", "m"][:] = {"a": 5, "m": [6, 7]}
    assert (data["a"] == 5).all() and (data["m"] == [6, 7]).all()
    assert data["b"].tolist() == before["b"].tolist() and data["pos"].tobytes() == before["pos"].tobytes()


def test_unknown_and_repeated_names_are_refused():
    with pytest.raises(KeyError, match="no field is called 'nope'"):
        View(table())["a", "nope"]
    with pytest.raises(ValueError, match="twice"):
        View(table())["a", "a"]
    with pytest.raises(KeyError):
        View(b"abc")["a", "b"]


# Mappings


@pytest.mark.parametrize(
    "make", [dict, collections.OrderedDict, types.MappingProxyType, collections.UserDict, collections.ChainMap]
)
def test_a_mapping_assigns_a_record(make):
    data = table()
    View(data)[1] = make({"b": b"q", "a": 8, "m": [1, 2], "pos": make({"y": 1.0, "x": 2.0})})
    assert View(data)[1] == (8, (2.0, 1.0), b"q", [1, 2])


def test_mappings_assign_a_list_of_records_and_every_record():
    data = table()
    view = View(data)["a", "b"]
    view[:] = [{"a": i, "b": b"r"} for i in range(3)]
    assert data["a"].tolist() == [0, 1, 2]
    view[:] = {"a": 4, "b": b""}
    assert data["a"].tolist() == [4, 4, 4]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": 1}, "field 'b'"),
        ({"a": 1, "b": b"", "c": 1}, "called 'c'"),
        ({"a": 1, "B": b""}, "field 'b'"),
        ({}, "field 'a'"),
    ],
)
def test_a_mapping_with_other_keys_is_refused(value, message):
    data = table()
    before = data.tobytes()
    with pytest.raises(ValueError, match=message):
        View(data)["a", "b"][0] = value
    assert data.tobytes() == before


# Numbers of another type

NUMBERS = ["?", "i1", "u1", "<i2", ">u2", "<i4", ">i8", "<u8", "<f2", ">f4", "<f8", "<c8", ">c16"]


@pytest.mark.parametrize(("source", "target"), list(itertools.product(NUMBERS, NUMBERS)))
def test_numbers_that_both_types_have_are_converted(source, target):
    values = np.array([[0, 1], [1, 0]], source)
    memory = np.zeros((2, 2), target)
    View(memory)[:] = values
    assert (memory == values).all()


@pytest.mark.parametrize(
    ("values", "target"),
    [
        (np.array([1, 300]), "i1"),
        (np.array([1, -1]), "u8"),
        (np.array([1, 2**53 + 1]), "f8"),
        (np.array([1, 2**24 + 1]), "f4"),
        (np.array([1, 2049]), "f2"),
        (np.array([1, 0.5]), "i4"),
        (np.array([1, np.nan]), "i4"),
        (np.array([1, np.inf]), "i8"),
        (np.array([1, 1e300]), "i8"),
        (np.array([1, 0.1]), "f4"),
        (np.array([1, 1e300]), "f4"),
        (np.array([1, 2]), "?"),
        (np.array([1, 1j]), "f8"),
        (np.array([1, 2**63], "u8"), "i8"),
    ],
)
def test_a_number_that_does_not_fit_is_named_and_nothing_is_written(values, target):
    memory = np.zeros(2, target)
    with pytest.raises(ValueError, match=r"index \[1\]: .* cannot be converted to"):
        View(memory)[:] = values
    assert not memory.any()


def test_special_floats_are_converted():
    values = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-8], "f4")
    memory = np.zeros(5, ">f8")
    View(memory)[:] = values
    assert np.array_equal(memory, values, equal_nan=True) and np.signbit(memory[3])


def test_the_index_of_a_number_has_each_dimension():
    values = np.zeros((2, 3), "i4")
    values[1, 2] = 1000
    with pytest.raises(ValueError, match=r"index \[1, 2\]: 1000"):
        View(np.zeros((2, 3), "i1"))[:] = values


def test_the_help_for_a_rounded_number_works():
    memory, values = np.zeros(1, "f4"), np.array([0.1])
    with pytest.raises(ValueError, match=r"values\.tolist"):
        View(memory)[:] = values
    View(memory)[:] = values.tolist()
    assert memory[0] == np.float32(0.1)


def test_other_items_are_not_converted():
    for target in ("S4", "V4", [("a", "i4")]):
        with pytest.raises(ValueError, match="items of format"):
            View(np.zeros(2, target))[:] = np.zeros(2, "i4")
