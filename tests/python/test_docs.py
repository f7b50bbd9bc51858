"""The examples in the docstrings."""

import doctest

import pytest

import pep3118


@pytest.mark.parametrize(
    "name",
    [name for name in pep3118.__all__ if ">>>" in (getattr(getattr(pep3118, name), "__doc__", None) or "")],
)
def test_examples(name):
    documented = [getattr(pep3118, name)]
    documented += [value for value in vars(documented[0]).values()] if isinstance(documented[0], type) else []
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for value in documented:
        text = getattr(value, "__doc__", None)
        if isinstance(text, str) and ">>>" in text:
            runner.run(parser.get_doctest(text, {"pep3118": pep3118}, name, None, 0))
    assert runner.tries > 0 and runner.failures == 0
