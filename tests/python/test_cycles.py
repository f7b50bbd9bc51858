"""Tests that the garbage collector finds every reference that a view, an exporter or an iterator holds."""

import ctypes
import gc
import struct
import weakref

import numpy as np
import pytest
from programs import assert_runs

import pep3118.struct
from pep3118 import Exporter, View

RECORD = "T{<i:a:<i:b:}"


class Owner(bytearray):
    """A bytearray that can refer to views of its own memory, and can have weak references."""


class ArrayOwner(np.ndarray):
    """A NumPy array with attributes."""


class StructureOwner(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_int)]


class ExporterSubclass(Exporter):
    """An exporter with attributes."""


def with_parent(part):
    """Returns a function that returns a view of its argument, and the result of `part` for this view."""

    def build(owner):
        view = View(owner)
        return view, part(view)

    return build


def started(iterator):
    """Reads the first item of `iterator` and returns the iterator."""
    next(iterator)
    return iterator


def in_subclass(owner):
    """Returns an exporter of `owner` that refers to `owner` in an attribute."""
    exporter = ExporterSubclass(owner)
    exporter.owner = owner
    return exporter


# Functions with an owner of 64 bytes as argument. The owner gets a reference to the returned object.
REFERENCES = {
    "view": View,
    "two views": lambda owner: (View(owner), View(owner)),
    "slice": lambda owner: View(owner)[1:],
    "view and slice": with_parent(lambda view: view[1:]),
    "view and slice of another view": lambda owner: (View(owner), View(owner)[1:]),
    "view and slice of a slice": with_parent(lambda view: view[1:][::2]),
    "view and field": lambda owner: (view := View(owner).cast(RECORD), view["a"], view["b"]),
    "view and cast": with_parent(lambda view: view.cast(RECORD)),
    "view and item": with_parent(lambda view: view.cast(RECORD)[0]),
    "view and read-only view": with_parent(lambda view: view.toreadonly()),
    "view and transposed view": with_parent(lambda view: view.cast("B", (8, 8)).transpose()),
    "view and row": with_parent(lambda view: view.cast("B", (8, 8))[1]),
    "rows": lambda owner: list(View(owner).cast("B", (8, 8))),
    "iterator": lambda owner: iter(View(owner)),
    "view and iterator": with_parent(iter),
    "view and started iterator": with_parent(lambda view: started(iter(view))),
    "view and reversed iterator": with_parent(reversed),
    "view of a view": lambda owner: View(View(owner)),
    "view of a slice of a view": lambda owner: View(View(owner)[1:])[1:],
    "view of a memoryview": lambda owner: View(memoryview(owner)),
    "view and slice of a memoryview": lambda owner: (view := View(memoryview(owner)), view[1:]),
    "memoryview of a view": lambda owner: memoryview(View(owner)),
    "memoryview of a slice": with_parent(lambda view: memoryview(view[1:])),
    "exporter": Exporter,
    "exporter of a subclass": in_subclass,
    "exporter of an address": lambda owner: Exporter.from_address(
        ctypes.addressof(memory := ctypes.create_string_buffer(64)), 64, (owner, memory)
    ),
    "memoryview of an exporter": lambda owner: memoryview(Exporter(owner)),
    "view of an exporter": lambda owner: View(Exporter(owner)),
    "view and slice of an exporter": lambda owner: (view := View(Exporter(owner)), view[1:]),
    "iter_unpack": lambda owner: pep3118.struct.iter_unpack("<i", owner),
    "started iter_unpack": lambda owner: started(pep3118.struct.iter_unpack("<i", owner)),
    "Struct.iter_unpack": lambda owner: pep3118.struct.Struct("<i").iter_unpack(owner),
    "iter_unpack of a view": lambda owner: pep3118.struct.iter_unpack("<i", View(owner)[32:]),
}


def assert_collected(reference):
    """Asserts that the garbage collector frees the object to which the weak reference `reference` refers."""
    # The second collection frees the objects that the first collection finalizes.
    gc.collect()
    gc.collect()
    assert reference() is None, "the object is not collected"


@pytest.mark.parametrize("kind", REFERENCES)
def test_an_owner_of_its_own_views_is_collected(kind):
    owner = Owner(64)
    references = REFERENCES[kind](owner)
    owner.references = references
    collected = weakref.ref(owner)
    del owner, references
    assert_collected(collected)


@pytest.mark.parametrize("kind", ["whole", "slice", "field", "record"])
@pytest.mark.parametrize(
    "make", [lambda: np.zeros(4, "i4,f8").view(ArrayOwner), StructureOwner * 4], ids=["NumPy", "ctypes"]
)
def test_an_owner_with_a_type_layout_is_collected(make, kind):
    owner = make()
    view = View(owner)
    part = {"whole": view, "slice": view[1:], "field": view[view.fields[0]], "record": view[0]}[kind]
    owner.references = view, part
    collected = weakref.ref(owner)
    del owner, view, part
    assert_collected(collected)


def test_struct_of_the_standard_library_collects_iterators_in_cycles():
    """The cycles with `pep3118.struct` in `REFERENCES` must be collected, because this cycle is collected."""
    owner = Owner(64)
    owner.references = struct.iter_unpack("<i", owner)
    collected = weakref.ref(owner)
    del owner
    assert_collected(collected)


def test_a_record_class_that_refers_to_its_view_is_collected():
    owner = Owner(64)
    view = View(owner).cast("T{<i:in_a_cycle:<i:b:}")
    type(view[0]).view = view
    collected = weakref.ref(owner)
    del owner, view
    # A cache may contain the class of a recent layout. 2,000 other layouts remove the class from the cache.
    for number in range(2000):
        View(bytes(8)).cast(f"T{{<i:a{number}:<i:b:}}")[0]
    assert_collected(collected)


def test_record_classes_are_collected():
    classes = weakref.WeakSet()
    for number in range(2000):
        record = View(bytes(8)).cast(f"T{{<i:x{number}:<i:y:}}")[0]
        type(record).example = record
        classes.add(type(record))
    del record
    gc.collect()
    # Only the classes in the cache of recent layouts are alive.
    assert len(classes) <= 1024


def test_collected_views_release_the_buffer():
    memory = bytearray(64)

    class Node:
        pass

    node = Node()
    view = View(memory)
    node.node, node.views = node, [view, view[1:], view.cast(RECORD)["a"], iter(view), memoryview(view)]
    del view, node
    with pytest.raises(BufferError):
        memory.append(0)
    gc.collect()
    memory.append(0)


def test_a_consumer_outside_of_the_cycle_still_reads():
    memory = Owner(b"abcdef")
    memory.view = View(memory)
    memory.part = memory.view[1:]
    consumer = memoryview(memory.part)
    collected = weakref.ref(memory)
    del memory
    gc.collect()
    assert consumer.tolist() == list(b"bcdef") and collected() is not None
    del consumer
    assert_collected(collected)


GARBAGE = {
    "View(memoryview(b'abc'))": "View(memoryview(b'abc'))",
    "of a slice": "View(memoryview(b'abc'))[1:]",
    "of a view and its slice": "(view := View(memoryview(b'abc')), view[1:])",
    "of a memoryview of a bytearray": "View(memoryview(bytearray(b'abc')))",
    "of a slice of a memoryview": "View(memoryview(b'abc')[1:])",
    "of a view of a view": "View(View(memoryview(b'abc')))",
    "of a memoryview of a view": "memoryview(View(memoryview(b'abc')))",
    "of an iterator": "iter(View(memoryview(b'abc')))",
    "of a field": "View(memoryview(bytes(8))).cast('T{<i:a:<i:b:}')['a']",
    "of an exporter": "Exporter(memoryview(b'abc'))",
    "of a view of an exporter": "View(Exporter(memoryview(b'abc')))",
    "of iter_unpack": "iter_unpack('B', memoryview(b'abc'))",
    "of columns": "View(memoryview(bytes(8))).cast('T{<i:a:<i:b:}').columns()",
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_a_view_of_a_memoryview_in_garbage_does_not_crash(kind):
    assert_runs(
        f"""
        import gc
        from pep3118 import Exporter, View
        from pep3118.struct import iter_unpack

        class Node:
            pass

        for turn in range(2000):
            made = {GARBAGE[kind]}
            node = Node()
            node.node, node.made = node, made
            if turn % 100 == 0:
                gc.collect()
        del made, node
        gc.collect()
        """
    )


def test_garbage_of_any_shape_is_collected():
    """Views, memoryviews, exporters and iterators refer to each other at random."""
    assert_runs(
        """
        import gc, random, weakref
        from pep3118 import Exporter, View
        from pep3118.struct import iter_unpack

        class Owner(bytearray):
            pass

        wrap = [
            View,
            memoryview,
            Exporter,
            lambda made: View(made)[1:],
            lambda made: View(made)[::-1],
            lambda made: View(made).toreadonly(),
            lambda made: memoryview(made)[:],
            lambda made: iter(View(made)),
            lambda made: iter_unpack("B", made),
        ]
        choose = random.Random(3118)
        owners = []
        for turn in range(1000):
            owner = Owner(16)
            owners.append(weakref.ref(owner))
            made = [owner]
            for _ in range(choose.randrange(1, 8)):
                try:
                    made.append(choose.choice(wrap)(choose.choice(made)))
                except (TypeError, BufferError):
                    pass  # An iterator exports no buffer, and a view in reverse order is not contiguous.
            owner.references = choose.sample(made, choose.randrange(len(made) + 1))
            del owner, made
            if choose.random() < 0.1:
                gc.collect(choose.randrange(3))
        gc.collect()
        gc.collect()
        alive = sum(owner() is not None for owner in owners)
        assert not alive, f"{alive} of 1000 owners are not collected"
        """
    )
