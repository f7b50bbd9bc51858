"""Tests that every public class and function has a docstring, that the examples run, and that the stubs have the same
docstrings."""

import ast
import doctest
import inspect
import pathlib

import pytest

import pep3118
import pep3118.numpy
import pep3118.struct

MODULES = [pep3118, pep3118.struct, pep3118.numpy]
# `error` is the class of the standard library, so its docstring is not checked.
PUBLIC = [
    (f"{module.__name__}.{name}", getattr(module, name))
    for module in MODULES
    for name in module.__all__
    if not isinstance(getattr(module, name), str) and name != "error"
]
ATTRIBUTES = [
    (f"{path}.{name}", getattr(owner, name))
    for path, owner in PUBLIC
    if isinstance(owner, type)
    for name in vars(owner)
    if not name.startswith("_")
]


def documented(value):
    """Returns the docstring of `value`, or "" without a docstring."""
    text = getattr(value, "__doc__", None)
    return text if isinstance(text, str) else ""


@pytest.mark.parametrize(("path", "value"), PUBLIC, ids=[path for path, _ in PUBLIC])
def test_classes_and_functions_have_an_example(path, value):
    assert ">>>" in documented(value)


def test_every_method_and_attribute_is_documented():
    assert len(ATTRIBUTES) > 80
    assert [path for path, value in ATTRIBUTES if not documented(value).strip()] == []


EVERYTHING = [*((module.__name__, module) for module in MODULES), *PUBLIC, *ATTRIBUTES]
EXAMPLES = [(path, documented(value)) for path, value in EVERYTHING if ">>>" in documented(value)]


@pytest.mark.parametrize(("path", "text"), EXAMPLES, ids=[path for path, _ in EXAMPLES])
def test_the_examples_of_a_docstring_run(path, text):
    if "dtype" in text:
        pytest.importorskip("numpy")
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(doctest.DocTestParser().get_doctest(text, {}, path, None, 0))
    assert runner.tries > 0 and runner.failures == 0


STUBS = pathlib.Path(__file__).parents[2] / "crates/python/python/pep3118"


def declarations(stub, owner):
    """Yields (name, docstring in the stub, docstring at run time) of each class, function and method of `stub`.

    Names that start with `__` are skipped. The docstring at run time ends before its first example.
    """
    for node in stub.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("__"):
            continue
        value = getattr(owner, node.name)
        # The docstrings in the stub have no examples.
        yield node.name, ast.get_docstring(node), inspect.cleandoc(documented(value).partition(">>>")[0]).strip()
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{name}", *texts) for name, *texts in declarations(node, value))


@pytest.mark.parametrize(("name", "module"), [("_pep3118.pyi", pep3118._pep3118), ("struct.pyi", pep3118.struct)])
def test_stubs_have_the_docstrings_of_the_module(name, module):
    compared = list(declarations(ast.parse((STUBS / name).read_text(encoding="utf-8")), module))
    assert len(compared) > 10
    assert [(path, text) for path, text, _ in compared] == [(path, wanted or None) for path, _, wanted in compared]
