"""Tests of exporters that report a failure without an exception."""

import pytest

import pep3118
from pep3118 import View
from pep3118 import struct as our_struct

USES = {
    "View": View,
    "View with a format": lambda exporter: View(exporter, format="i"),
    "Exporter": pep3118.Exporter,
    "assignment": lambda exporter: View(bytearray(4)).__setitem__(slice(None), exporter),
    "unpack": lambda exporter: our_struct.unpack("i", exporter),
    "unpack_from": lambda exporter: our_struct.unpack_from("i", exporter),
    "iter_unpack": lambda exporter: list(our_struct.iter_unpack("i", exporter)),
    "pack_into": lambda exporter: our_struct.pack_into("i", exporter, 0, 1),
    "pack": lambda exporter: our_struct.pack("4s", exporter),
    "Struct.unpack": lambda exporter: our_struct.Struct("i").unpack(exporter),
    "Struct.unpack_from": lambda exporter: our_struct.Struct("i").unpack_from(exporter),
    "Struct.iter_unpack": lambda exporter: list(our_struct.Struct("i").iter_unpack(exporter)),
    "Struct.pack_into": lambda exporter: our_struct.Struct("i").pack_into(exporter, 0, 1),
    "calcsize": our_struct.calcsize,
    "Format": pep3118.Format,
    "check": pep3118.check,
    "columns of a view": lambda exporter: View(exporter).columns(),
    "comparison": lambda exporter: View(b"abcd") == exporter,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("returns", [-1, 1, 2])
def test_a_failure_without_an_exception_is_an_error(faulty_exporter, use, returns):
    exporter = faulty_exporter(lambda flags: {"returns": returns, "obj": "null"})
    try:
        result = use(exporter)
    except (SystemError, TypeError, BufferError, ValueError, our_struct.error):
        return
    # Only `==` ignores the failure.
    assert result is False
