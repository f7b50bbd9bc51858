"""Checks exporters in CI: `pytest test_exporter.py`, with the package installed.

The fixture comes with the package. A test fails with the rules that are broken, what they ask for and the
working; warnings and notes are in the report that is returned.
"""

import ctypes

import pytest

pytest.importorskip("pep3118")


def make_frame():
    """In your project: the object whose `__getbuffer__` is audited."""
    return memoryview(bytearray(24)).cast("i", (2, 3))


def test_frames_keep_every_rule(assert_conformant_buffer):
    report = assert_conformant_buffer(make_frame())
    assert report.readable


def test_an_old_exporter_breaks_one_rule_and_no_other(assert_conformant_buffer):
    # ctypes gives a format to those who ask for none (B05), and has for so long that it will stay.
    report = assert_conformant_buffer(ctypes.c_int(1), allow=("B05",))
    assert "B05" in report.rules


def test_what_a_failure_looks_like(assert_conformant_buffer):
    with pytest.raises(pytest.fail.Exception, match="B05"):
        assert_conformant_buffer(ctypes.c_int(1))
