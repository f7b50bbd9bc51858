"""Tests of `audit` and `check` with correct exporters, exporters with known faults, and exporters with wrong fields."""

import array
import io
import json
import mmap
import pathlib
import pickle
import sys

import pytest

from pep3118 import BufferRuleError, Report, audit, check
from pep3118._audit import evaluate

FIVE = memoryview(b"abcdefghij")


@pytest.mark.parametrize(
    "exporter",
    [
        b"abc",
        b"",
        bytearray(3),
        array.array("d", [1.5]),
        array.array("w" if "w" in array.typecodes else "u", "ab"),
        mmap.mmap(-1, 16),
        FIVE[::2],
        FIVE[::-1],
        FIVE[3:3],
        FIVE.cast("h"),
        io.BytesIO(b"abc").getbuffer(),
        pickle.PickleBuffer(b"abc"),
        pickle.PickleBuffer(FIVE[::2]),
        pickle.PickleBuffer(FIVE.cast("B", (2, 5))[0:1]),
    ],
    ids=lambda exporter: type(exporter).__name__,
)
def test_exporters_of_the_standard_library_break_no_rule(exporter):
    report = audit(exporter)
    assert report and all(finding.rule == "B01" and finding.severity == "note" for finding in report), report


def test_two_dimensions_give_a_note_on_ndim_under_simple():
    for exporter in (FIVE.cast("B", (2, 5)), FIVE[:8].cast("d", ())):
        report = audit(exporter)
        assert report and report.rules == ("B01",)
        assert set(report[0].requests) == {"SIMPLE", "WRITABLE"} & set(report[0].requests)


KNOWN = json.loads(pathlib.Path(__file__).with_name("findings.json").read_text())


def _applies(row):
    """Returns whether `row`, a row of findings.json, was recorded for this version of Python."""
    python = row.get("python", ["3.11", "4"])
    low, high = (tuple(map(int, version.split("."))) for version in python)
    return low <= sys.version_info[:2] < high


@pytest.mark.parametrize("row", [pytest.param(row, id=row["exporter"]) for row in KNOWN if _applies(row)])
def test_the_audit_reports_only_the_known_faults(row):
    library = row["exporter"].partition(":")[0]
    if "version" in row:
        module = pytest.importorskip(library)
        if not module.__version__.startswith(row["version"]):
            pytest.skip(f"recorded with {library} {row['version']}")
    report = audit(evaluate(row["exporter"]))
    assert sorted(report.rules) == row["rules"], report
    assert set(row["why"]) == set(row["rules"])


def test_check_sends_one_request():
    assert str(check(b"abc")) == "bytes: clean"
    assert len(check(b"abc", "SIMPLE")) == len(check(b"abc", 0)) == 0
    with pytest.raises(BufferError):
        check(b"abc", "WRITABLE")
    for wrong in ("FULL_RW", 0x100, 0x200, 0x10, 0x400):
        with pytest.raises(ValueError):
            check(b"abc", wrong)
    with pytest.raises(TypeError, match="a request is an int or a str"):
        check(b"abc", 1.5)
    for function in (check, audit):
        with pytest.raises(TypeError, match="a bytes-like object is required, not 'int'"):
            function(1)


# The fields of the `Py_buffer` that a correct exporter of six ints in two rows fills in for FULL_RO.
MEMORY = bytes(24)
ROWS = {
    "buf": MEMORY,
    "len": 24,
    "itemsize": 4,
    "readonly": 1,
    "ndim": 2,
    "format": b"<i",
    "shape": (2, 3),
    "strides": (12, 4),
}
WRITABLE, FORMAT, ND, STRIDES = 1, 4, 8, 0x18
F_CONTIGUOUS = 0x58


def correct_answer(flags, **changes):
    """Returns the fields that a correct exporter of ROWS fills in for `flags`, with the fields in `changes` replaced.
    Raises BufferError if the exporter refuses `flags`."""
    if flags & WRITABLE or flags & F_CONTIGUOUS == F_CONTIGUOUS:
        raise BufferError("no")
    fields = {**ROWS, **changes}
    fields["format"] = fields["format"] if flags & FORMAT else None
    fields["shape"] = fields["shape"] if flags & ND else None
    fields["strides"] = fields["strides"] if flags & STRIDES == STRIDES else None
    return fields


def test_a_correct_answer_breaks_no_rule(faulty_exporter):
    report = audit(faulty_exporter(correct_answer))
    assert report and not len(report) and report.readable, report


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"len": 20}, ("A04",)),
        ({"len": -24}, ("A06",)),
        ({"itemsize": 8}, ("A04", "A07")),
        ({"itemsize": 0}, ("A04", "A07", "A10")),
        ({"itemsize": -4}, ("A06",)),
        ({"readonly": 7}, ("A25",)),
        ({"ndim": 65}, ("A13",)),
        ({"ndim": -1}, ("A13",)),
        ({"ndim": 0}, ("A14", "A15", "B01")),
        ({"ndim": 3}, ("A17",)),
        ({"shape": None, "ndim": 3}, ("B07", "B08", "B09", "B11", "B13")),
        ({"shape": (2, -3)}, ("A17",)),
        ({"shape": (2**62, 2**62)}, ("A06",)),
        ({"strides": (2**62, 2**62)}, None),
        ({"strides": (4, 8)}, None),
        ({"suboffsets": (-1, -1)}, None),
        ({"format": b"<q"}, ("A07",)),
        ({"format": b"T{"}, ("A11",)),
        ({"format": b"\xff\xfe"}, ("A11",)),
        ({"format": b"x" * (1 << 21)}, ("A11",)),
        ({"buf": None}, ("A03",)),
        ({"obj": "null"}, ("A01",)),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_field_breaks_its_rules(faulty_exporter, changes, rules):
    exporter = faulty_exporter(lambda flags: correct_answer(flags, **changes))
    report = audit(exporter)
    assert not report, report
    if rules is not None:
        assert set(rules) <= set(report.rules), report
    assert isinstance(check(exporter), Report)
    assert isinstance(check(exporter, "SIMPLE"), Report)
    with pytest.raises(BufferRuleError) as info:
        report.raise_for_errors()
    assert info.value.rule == report.rules[0]
    assert len(info.value.findings) == len(report)


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ({"returns": -1}, "B19"),
        ({"returns": -1, "raises": ValueError}, "B19"),
        ({"returns": -1, "raises": BufferError, "obj": "null"}, "B23"),
        ({"returns": -1, "raises": BufferError}, "B20"),
        ({"returns": 7, "obj": "null"}, "B21"),
        ({"returns": 0, "raises": ValueError}, "B21"),
    ],
)
def test_wrong_failures_break_their_rules(faulty_exporter, answer, rule):
    exporter = faulty_exporter(
        lambda flags: {**correct_answer(flags), **answer} if flags & FORMAT else correct_answer(flags)
    )
    assert rule in audit(exporter).rules


def test_a_failure_with_an_object_in_obj_leaks_the_reference(faulty_exporter):
    report = audit(faulty_exporter(lambda flags: {**ROWS, "returns": -1, "raises": BufferError}))
    assert {"B20", "E11"} <= set(report.rules), report


def test_leaked_references_are_reported(faulty_exporter):
    exporter = faulty_exporter(lambda flags: {**correct_answer(flags), "leaks": 2})
    report = audit(exporter)
    assert report.rules == ("E09",), report
    assert "2 more references" in report[0].message
    once = iter([1])
    assert audit(faulty_exporter(lambda flags: {**correct_answer(flags), "leaks": next(once, 0)}))


def test_a_borrowed_reference_in_obj_does_not_free_the_exporter(faulty_exporter):
    exporter = faulty_exporter(lambda flags: {**correct_answer(flags), "obj": "borrowed"})
    before = sys.getrefcount(exporter)
    report = audit(exporter)
    assert report.rules == ("E09",), report
    assert "1 fewer reference to the exporter" in report[0].message
    assert sys.getrefcount(exporter) == before


def test_answers_that_differ_between_requests_are_reported(faulty_exporter):
    calls = iter(range(1000))
    report = audit(faulty_exporter(lambda flags: correct_answer(flags, buf=bytes(next(calls) + 24))))
    assert "B24" in report.rules and "B25" in report.rules, report
    calls = iter(range(1000))
    report = audit(faulty_exporter(lambda flags: correct_answer(flags, readonly=int(next(calls) % 3 == 0))))
    assert {"B03", "B24"} <= set(report.rules), report


def test_a_release_that_raises_is_reported(faulty_exporter):
    def release():
        raise RuntimeError("a release cannot fail")

    before = sys.unraisablehook
    report = audit(faulty_exporter(correct_answer, release))
    assert sys.unraisablehook is before
    assert report.rules == ("E10",), report
    assert report[0].message == "the release raises RuntimeError"


def test_unraisable_exceptions_of_other_objects_go_to_the_previous_hook(faulty_exporter, monkeypatch):
    received = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: received.append(unraisable.exc_type))

    class Other:
        def __del__(self):
            raise ArithmeticError

    def answer(flags):
        Other()
        return correct_answer(flags)

    assert not len(audit(faulty_exporter(answer)))
    assert received == [ArithmeticError] * 52


def test_a_keyboard_interrupt_ends_the_audit(faulty_exporter):
    def answer(flags):
        raise KeyboardInterrupt

    before = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt):
        audit(faulty_exporter(answer))
    assert sys.unraisablehook is before


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in 3.12")
def test_python_classes_with_buffer_methods_are_audited():
    class Redirects:
        def __buffer__(self, flags):
            return memoryview(bytearray(8))

    # Each request returns a new block. If the new block has the address of the previous block, the audit cannot detect
    # the new block.
    assert audit(Redirects()).rules in {(), ("B24",), ("B25",), ("B24", "B25")}

    class Keeps:
        released = 0

        def __init__(self):
            self.memory = bytearray(8)

        def __buffer__(self, flags):
            return memoryview(self.memory)

        def __release_buffer__(self, view):
            self.released += 1
            view.release()

    keeps = Keeps()
    report = audit(keeps)
    assert not len(report), report
    assert keeps.released == 52

    class Raises(Keeps):
        def __release_buffer__(self, view):
            raise ZeroDivisionError

    report = audit(Raises())
    assert report.rules == ("E10",), report
    assert report[0].message == "the release raises ZeroDivisionError"

    class Refuses:
        def __buffer__(self, flags):
            raise BufferError("never")

    report = audit(Refuses())
    assert report.rules == ("B23",) and not report.readable, report

    class WrongType:
        def __buffer__(self, flags):
            return b"not a memoryview"

    assert audit(WrongType()).rules == ("B19", "B23")


def test_a_report_is_a_sequence_of_findings():
    ctypes = pytest.importorskip("ctypes")
    report = audit(ctypes.c_int(1))
    assert not report and len(report) == len(report.findings) == len(list(report)) == 1
    finding = report[0]
    assert report[0] == finding and report[-1] == finding and report[:1] == (finding,)
    with pytest.raises(IndexError):
        report[1]
    assert "B05" in report and "A04" not in report
    assert (finding.rule, finding.name, finding.severity) == ("B05", "FORMAT-UNSET-NULL", "error")
    assert finding.message == "the request has no FORMAT but format is `<i`"
    assert str(finding).startswith("error B05: the request has no FORMAT but format is `<i` [SIMPLE, WRITABLE,")
    assert finding.requests[:2] == ("SIMPLE", "WRITABLE")
    assert "FORMAT-UNSET-NULL: a request without FORMAT returns format NULL" in finding.explain()
    assert str(report) == str(finding)
    assert report.explain() == finding.explain()
    assert repr(report) == "<Report on ctypes.c_int: 1 error>"
    loaded = json.loads(report.to_json())
    assert loaded["exporter"] == "ctypes.c_int" and loaded["readable"] is True
    assert [found["rule"] for found in loaded["findings"]] == ["B05"]
    report.raise_for_errors(allow=["B05"])
    with pytest.raises(ValueError):
        report.raise_for_errors(allow=["B99"])
    with pytest.raises(BufferRuleError, match="FORMAT-UNSET-NULL"):
        report.raise_for_errors()
