"""Checks exporters in CI: `pytest test_exporter.py`, with the package installed.

The package contains the fixture `assert_conformant_buffer`. If the exporter breaks a rule, the test fails with a
message that explains the rule and the fault. The fixture returns the report, which also has warnings and notes.
"""

import ctypes

import pytest

pytest.importorskip("pep3118")


def make_frame():
    """Returns an exporter. In your project, return the object that you want to audit."""
    return memoryview(bytearray(24)).cast("i", (2, 3))


def test_frames_follow_every_rule(assert_conformant_buffer):
    report = assert_conformant_buffer(make_frame())
    assert report.readable


def test_ctypes_breaks_only_one_rule(assert_conformant_buffer):
    # ctypes returns a format for requests without FORMAT, which breaks rule B05. `allow` accepts this violation.
    report = assert_conformant_buffer(ctypes.c_int(1), allow=("B05",))
    assert "B05" in report.rules


def test_a_failure_names_the_broken_rule(assert_conformant_buffer):
    with pytest.raises(pytest.fail.Exception, match="B05"):
        assert_conformant_buffer(ctypes.c_int(1))
