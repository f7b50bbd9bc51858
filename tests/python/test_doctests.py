"""The examples in the docstrings of native classes and functions."""

import doctest

import pytest

from pep3118 import _pep3118


def documented():
    for name, value in vars(_pep3118).items():
        yield name, value
        if isinstance(value, type):
            for attribute, inner in vars(value).items():
                # A method as found by name; `__dict__` has its wrapper, whose docs are the same.
                yield f"{name}.{attribute}", inner


def examples():
    parser = doctest.DocTestParser()
    for name, value in documented():
        # The docs of an instance are those of its class.
        text = getattr(value, "__doc__", None) if name != "__doc__" else None
        if isinstance(text, str):
            test = parser.get_doctest(text, {}, name, None, None)
            if test.examples:
                yield test


EXAMPLES = list(examples())


def test_there_are_examples():
    assert {test.name for test in EXAMPLES} >= {"Format", "Format.from_ctypes", "Format.explain", "layout_of", "diff"}


@pytest.mark.parametrize("test", EXAMPLES, ids=[test.name for test in EXAMPLES])
def test_examples(test):
    if "numpy" in test.docstring or "dtype" in test.name:
        pytest.importorskip("numpy")
    runner = doctest.DocTestRunner(verbose=False)
    out = []
    runner.run(test, out=out.append)
    assert runner.failures == 0, "".join(out)
