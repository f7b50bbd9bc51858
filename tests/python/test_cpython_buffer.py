"""Runs CPython's tests of exporters (test_buffer) with ``Exporter``, if CPython's tests are installed."""

import itertools
import random
import struct

import pytest

from pep3118 import BufferRuleError, Exporter, audit

theirs = pytest.importorskip("test.test_buffer")
if theirs.ndarray is None:
    pytest.skip("_testbuffer is not built", allow_module_level=True)

#: Every request of `verify_getbuf`: each structure without further flags, and with FORMAT, WRITABLE or both.
STRUCTURES = ("SIMPLE", "ND", "STRIDES", "C_CONTIGUOUS", "F_CONTIGUOUS", "ANY_CONTIGUOUS", "INDIRECT")
REQUESTS = [
    getattr(theirs, f"PyBUF_{structure}") | extra
    for structure in STRUCTURES
    for extra in (0, theirs.PyBUF_WRITABLE, theirs.PyBUF_FORMAT, theirs.PyBUF_FORMAT | theirs.PyBUF_WRITABLE)
]


class Listed(Exporter):
    """An ``Exporter`` with the method `tolist`, because `verify_getbuf` calls `tolist`."""

    def tolist(self):
        return memoryview(self).tolist()


def verifier():
    """Returns an instance of CPython's test case. The method `verify_getbuf` of the instance checks an exporter."""
    case = theirs.TestBufferProtocol("verify_getbuf")
    case.setUp()
    return case


#: Formats with one code, with standard sizes and with several values, and a function that returns a random item.
VALUES = {
    "B": lambda: random.randrange(256),
    "b": lambda: random.randrange(-128, 128),
    "h": lambda: random.randrange(-(1 << 15), 1 << 15),
    "<i": lambda: random.randrange(-(1 << 31), 1 << 31),
    ">q": lambda: random.randrange(-(1 << 63), 1 << 63),
    "@l": lambda: random.randrange(-(1 << 31), 1 << 31),
    "d": lambda: random.uniform(-1, 1),
    "=f": lambda: float(random.randrange(1000)),
    "c": lambda: random.randbytes(1),
    "3s": lambda: random.randbytes(3),
    "<hI": lambda: (random.randrange(1 << 15), random.randrange(1 << 32)),
}


def block(fmt, items):
    """Returns the bytes of `items` in the format `fmt`, as `_testbuffer.ndarray` packs them."""
    return bytearray(b"".join(struct.pack(fmt, *(item if isinstance(item, tuple) else (item,))) for item in items))


def pair(fmt, t):
    """Returns (exporter of CPython, ``Exporter``) with the same random items. `t` describes the shape and the
    strides."""
    memlen, itemsize, _, shape, strides, offset = t
    items = [VALUES[fmt]() for _ in range(memlen // itemsize)]
    orig = theirs.ndarray_from_structure(items if shape else items[0], fmt, t)
    ours = Listed(block(fmt, items), format=fmt, shape=shape, strides=strides if shape else None, offset=offset)
    return orig, ours


def applies(case, orig, request):
    """Returns False if the verifier also fails with CPython's exporter, for example for buffers without items."""
    try:
        case.verify_getbuf(orig, orig, request)
    except (BufferError, ValueError):
        return False
    return True


@pytest.mark.parametrize("fmt", VALUES)
def test_verify_getbuf_accepts_random_structures(fmt):
    case = verifier()
    verified = 0
    for _ in range(12):
        t = theirs.rand_structure(struct.calcsize(fmt), True, maxdim=3, maxshape=5)
        orig, ours = pair(fmt, t)
        for request in REQUESTS:
            if applies(case, orig, request):
                case.verify_getbuf(orig, ours, request)
                verified += 1
        assert ours.exports == 0
        assert not [finding for finding in audit(ours) if finding.rule not in {"B01", "C02", "D08"}], t
    assert verified > 12 * 20


@pytest.mark.parametrize("fmt", ["B", "<h"])
def test_structures_that_do_not_fit_are_refused(fmt):
    refused = 0
    for _ in range(200):
        t = theirs.rand_structure(struct.calcsize(fmt), False, maxdim=3, maxshape=5)
        memlen, _, _, shape, strides, offset = t
        fits = theirs.verify_structure(*t)
        try:
            Exporter(bytes(memlen), format=fmt, shape=shape, strides=strides if shape else None, offset=offset)
        except BufferRuleError as error:
            assert error.rule in {"D02", "D06"}
            assert not fits, t
            refused += 1
        else:
            # For a shape without items, the tests of CPython require memory for one item.
            assert fits or 0 in shape, t
    assert refused > 100


def test_verify_getbuf_accepts_all_slices_of_one_dimension():
    case = verifier()
    memory = bytearray(range(4))
    orig = theirs.ndarray(list(range(4)), shape=[4], format="B", flags=theirs.ND_WRITABLE)
    count = 0
    for start, stop, step in itertools.product(range(-4, 5), repeat=3):
        if step == 0:
            continue
        cut = slice(start, stop, step)
        first, _, _ = cut.indices(4)
        sliced = orig[cut]
        ours = Listed(memory, shape=sliced.shape, strides=sliced.strides, offset=first if sliced.shape[0] else 0)
        for request in REQUESTS:
            if applies(case, sliced, request):
                case.verify_getbuf(sliced, ours, request, sliced=True)
        count += 1
    assert count == 9 * 9 * 8


def test_the_audit_accepts_suboffsets_of_cpythons_test_exporter():
    orig = theirs.ndarray(list(range(6)), shape=[2, 3], format="B", flags=theirs.ND_PIL | theirs.ND_WRITABLE)
    assert memoryview(orig).suboffsets
    report = audit(orig)
    assert not [finding for finding in report if finding.rule != "B01"], report
