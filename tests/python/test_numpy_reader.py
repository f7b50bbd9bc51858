"""Tests of ``pep3118.numpy.dtype_from_pep3118``, also as a replacement of NumPy's reader in NumPy's own tests."""

import subprocess
import sys
import textwrap

import pytest

numpy = pytest.importorskip("numpy")

from numpy._core import _internal  # noqa: E402

import pep3118  # noqa: E402
from pep3118.numpy import dtype_from_pep3118  # noqa: E402

NUMPY_VERSION = tuple(map(int, numpy.__version__.split(".")[:2]))

# The tests of NumPy that fail with this reader, as {name: reason}. A test that passes must not be in this table.
EXCLUDED: dict[str, str] = {}

# The program runs in a new process, because NumPy caches the first reader that it imports.
RUN = """
    import sys, unittest, warnings
    warnings.simplefilter("ignore")
    import numpy._core._internal as internal
    from pep3118.numpy import dtype_from_pep3118
    calls = []
    def reader(spec):
        calls.append(spec)
        return dtype_from_pep3118(spec)
    internal._dtype_from_pep3118 = reader
    import pytest
    import numpy._core.tests.test_multiarray as tests
    assert tests._dtype_from_pep3118 is reader
    class Outcomes:
        def pytest_runtest_logreport(self, report):
            if report.failed or (report.when == "call" and report.passed) or report.skipped:
                print("RESULT", report.outcome, report.nodeid.split("::", 1)[1])
    pytest.main(
        ["-q", "-p", "no:cacheprovider", "-W", "ignore", "-c", "/dev/null",
         *(f"{tests.__file__}::{name}" for name in ("TestPEP3118Dtype", "TestNewBufferProtocol"))],
        plugins=[Outcomes()],
    )
    print("CALLS", len(calls))
"""


def test_numpys_tests_pass_with_this_reader():
    pytest.importorskip("hypothesis", reason="numpy's tests import it")
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(RUN)], capture_output=True, text=True, check=False)
    # pytest may print dots before the word RESULT.
    lines = [line[line.index("RESULT ") :] for line in run.stdout.splitlines() if "RESULT " in line]
    results = [line.split(" ", 2)[1:] for line in lines]
    outcomes = {name: outcome for outcome, name in results}
    calls = [int(line.split()[1]) for line in run.stdout.splitlines() if line.startswith("CALLS ")]
    # The tests of NumPy 2.4 call the reader 118 times. The tests of NumPy 2.5 call the reader 88 times: they have 30
    # fewer calls with `1s`, `1w` and `O`.
    assert calls and calls[0] > (100 if NUMPY_VERSION < (2, 5) else 80), run.stdout + run.stderr
    failed = {name for name, outcome in outcomes.items() if outcome == "failed"}
    assert failed == set(EXCLUDED), run.stdout
    assert sum(outcome == "passed" for outcome in outcomes.values()) >= 30, run.stdout


FORMATS = [
    "d", "<d", ">i", "=l", "@l", "?", "c", "3c", "5s", "0s", "3w", ">2w", "O", "g", "Zd", ">Zf", "Zg", "3i", "(2,3)i",
    "(2)3h", "", "T{}", "3x", "x", "i:a:", "i:a:d:b:", "ib", "@i3s", "@i3x", "T{i:a:d:b:3s:c:}", "T{<i:a:<d:b:}",
    "T{=d:f0:b:f1:}", "T{i:f0:T{h:x:b:y:}:f1:}", "T{i:a:(3)T{b:x:h:y:}:b:}b", "(2)T{b:a:}", "T{b:a:3x:pad:i:c:}",
    "bhi", "i:f1:bd", "b:f0:i:f2:h", "T{(2,3)>f:m:^d:d:}", "T{O:o:i:i:}", "T{i:é:}", "2T{i:a:b:b:}i", "T{?:x:e:y:}",
    "(1)i", "1i", "T{=b:a:@i:b:=b:c:}", "^ib", "@ib", "T{b:a:}x", "d:a b:", "T{T{T{b:x:}:y:}:z:}", "0i", "b0i", "(0)i",
]  # fmt: skip


@pytest.mark.parametrize("spec", FORMATS)
def test_the_dtype_equals_the_dtype_of_numpy(spec):
    theirs, ours = _internal._dtype_from_pep3118(spec), dtype_from_pep3118(spec)
    assert ours == theirs
    assert (ours.itemsize, ours.alignment, ours.flags, ours.isalignedstruct) == (
        theirs.itemsize,
        theirs.alignment,
        theirs.flags,
        theirs.isalignedstruct,
    )
    assert repr(ours) == repr(theirs)
    assert ours.fields == theirs.fields
    assert dtype_from_pep3118(spec.encode()) == theirs


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ("T{ i : a : }", None),
        ("T{i:a: d:b:}", [("a", "i4"), ("", "V4"), ("b", "f8")]),
        ("<(2)i", ("<i4", (2,))),
        ("(2)(3)i", ("i4", (2, 3))),
        ("T{n:a:N:b:}", [("a", "i8"), ("b", "u8")]),
        ("T{P:p:}", [("p", "u8")]),
        ("T{<F:a:<D:b:}", [("a", "<c8"), ("b", "<c16")]),
    ],
)
def test_formats_that_numpy_refuses_are_read(spec, wanted):
    with pytest.raises((ValueError, NotImplementedError, TypeError)):
        _internal._dtype_from_pep3118(spec)
    ours = dtype_from_pep3118(spec)
    if wanted is None:
        assert ours.names is not None
    elif isinstance(wanted, list):
        wanted = numpy.dtype(wanted)
        named = [name for name in wanted.names if wanted[name].kind != "V"]
        assert ours.names == tuple(named)
        assert [ours[name] for name in named] == [wanted[name] for name in named]
        assert ours.itemsize == wanted.itemsize
    else:
        assert ours == numpy.dtype(wanted)


@pytest.mark.parametrize("spec", ["<u", "4u", "&i", "T{&d:p:}", "X{}", "5t", "3p", "Ze", "z", "Z"])
def test_types_without_a_dtype_are_not_implemented(spec, monkeypatch):
    # With ml_dtypes, `Ze` has a dtype.
    monkeypatch.delitem(sys.modules, "ml_dtypes", raising=False)
    with pytest.raises(NotImplementedError, match="Unrepresentable PEP 3118 data type"):
        dtype_from_pep3118(spec)


@pytest.mark.parametrize("spec", ["T{i", "i}d", "(2", "(-1)i", "i:a", "3", "\0", "k"])
def test_an_invalid_format_is_a_format_error(spec):
    with pytest.raises(pep3118.FormatError):
        dtype_from_pep3118(spec)


def test_two_fields_with_the_same_name_are_refused():
    with pytest.raises(ValueError, match="a"):
        dtype_from_pep3118("T{i:a:i:a:}")


def test_an_argument_that_is_not_text_is_a_type_error():
    with pytest.raises(TypeError):
        dtype_from_pep3118(5)


def test_each_call_returns_a_new_dtype():
    """Callers can assign the names of a dtype, so a cached dtype must not be returned twice."""
    spec = "T{i:a:T{h:c:}:b:}"
    first = dtype_from_pep3118(spec)
    inner = first["b"]
    first.names = ("x", "y")
    inner.names = ("z",)
    again = dtype_from_pep3118(spec)
    assert again.names == ("a", "b")
    assert again["b"].names == ("c",)


def test_more_formats_than_the_cache_holds_are_read():
    for index in range(600):
        assert dtype_from_pep3118(f"T{{i:a{index}:}}").names == (f"a{index}",)
