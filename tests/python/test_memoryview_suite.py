"""Runs CPython's tests of memoryview with ``View`` in place of ``memoryview``, if CPython's tests are installed.

`DIFFERENCES` contains every test that must fail, with the reason. The module skips a test that also fails with
memoryview, for example because of the version of NumPy.
"""

import ast
import builtins
import contextlib
import importlib
import importlib.util
import io
import sys
import types
import unittest
import warnings

import pytest

from pep3118 import View

MULTIDIMENSIONAL = "memoryview does not implement slices and rows of several dimensions; View does"
NOT_FORMATS = "memoryview reads formats of one character only; View reads every format"
ARGUMENTS = "View has the parameters `format` and `dialect`; memoryview has one parameter"
LENGTH = "`len` of a memoryview without dimensions is 1 before CPython 3.12, and an error since 3.12 and in View"

#: The tests that do not pass, and the reasons. A name stands for the test of this name in each class.
DIFFERENCES = {
    "test_memoryview": {
        "test_setitem_writable": MULTIDIMENSIONAL,
        "test_constructor": ARGUMENTS,
        "test_use_released_memory": (
            "a method `__index__` that releases the view makes the slice fail; "
            "memoryview still returns the slice, because it holds the buffer during the call"
        ),
    },
    "test_buffer": {
        "test_memoryview_assign": MULTIDIMENSIONAL,
        "test_memoryview_cast_invalid": "a cast from one number type to another needs no cast to bytes in between",
        "test_memoryview_cast_zero_shape": "a cast of memory with several dimensions and no items is possible",
        "test_memoryview_compare_special_cases": "View reads the items of both sides, so equal items are equal",
        "test_memoryview_compare_special_cases_deprecated_u_type_code": "View reads `u` and `w`: equal text is equal",
        "test_memoryview_construction": ARGUMENTS,
        "test_memoryview_index": MULTIDIMENSIONAL,
        "test_memoryview_repr": "the representation has the shape and the format, and not the address",
        "test_memoryview_sizeof": "the test computes the size of CPython's struct",
        "test_memoryview_slice": MULTIDIMENSIONAL,
        "test_memoryview_tolist": NOT_FORMATS,
        "test_ndarray_slice_invalid": "a slice accepts a list of values",
        "test_buffer_flags": "memoryview._from_flags is private to CPython's tests",
        "test_c_buffer": "the C class returns a memoryview, which is not a View",
    },
}


class BufferMethods(ast.NodeTransformer):
    """Keeps the builtin `memoryview` in each method `__buffer__`, because CPython accepts no other type there."""

    def visit_FunctionDef(self, node):
        if node.name == "__buffer__":
            for name in ast.walk(node):
                if builtins.isinstance(name, ast.Name) and name.id == "memoryview":
                    name.id = "builtin_memoryview"
        return self.generic_visit(node)


def cases(name, memoryview):
    """Returns a dict from ids to the test cases of CPython's module `name`. The argument `memoryview` replaces
    memoryview in the module. Returns an empty dict if CPython's tests are not installed."""
    try:
        spec = importlib.util.find_spec(f"test.{name}")
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        return {}
    module = types.ModuleType(f"{name}_of_{memoryview.__name__}")
    module.__file__ = spec.origin
    module.memoryview = memoryview
    module.builtin_memoryview = builtins.memoryview

    # Functions of CPython return objects of the builtin memoryview. This function lets the tests accept such an object
    # as an instance of `memoryview`.
    def isinstance(obj, classes):
        return builtins.isinstance(obj, (memoryview, builtins.memoryview) if classes is memoryview else classes)

    module.isinstance = isinstance
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = BufferMethods().visit(ast.parse(spec.loader.get_data(spec.origin)))
        exec(compile(tree, spec.origin, "exec"), vars(module))
    return {case.id().partition(".")[2]: case for case in flat(unittest.defaultTestLoader.loadTestsFromModule(module))}


def flat(suite):
    """Yields the test cases of a suite."""
    for item in suite:
        if builtins.isinstance(item, unittest.TestSuite):
            yield from flat(item)
        else:
            yield item


OURS = {name: cases(name, View) for name in DIFFERENCES}
TESTS = [(name, test) for name, found in OURS.items() for test in found]


def run(case):
    """Runs a test case. Returns "passed", "skipped", or the traceback of the failure."""
    result = unittest.TestResult()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        case.run(result)
    if result.skipped:
        return "skipped"
    failures = result.failures + result.errors
    return failures[0][1] if failures else "passed"


@pytest.mark.skipif(not TESTS, reason="CPython's tests are not installed")
@pytest.mark.parametrize(("name", "test"), TESTS, ids=lambda value: value)
def test_cpythons_test_passes(name, test):
    outcome = run(OURS[name][test])
    reason = DIFFERENCES[name].get(test.rpartition(".")[2])
    if reason:
        assert outcome != "passed", f"the test passes, so it is no difference: {reason}"
        return
    if "0-dim view has no length" in outcome and sys.version_info < (3, 12):
        # The tests of CPython 3.11 are random. Only some runs create a view without dimensions, which has no length.
        pytest.skip(LENGTH)
    if outcome not in {"passed", "skipped"} and run(cases(name, memoryview)[test]) != "passed":
        pytest.skip("the test also fails with memoryview")
    assert outcome in {"passed", "skipped"}, outcome


def test_each_difference_is_a_test_of_a_supported_version():
    names = {name: {test.rpartition(".")[2] for test in tests} for name, tests in OURS.items()}
    if not TESTS or sys.version_info < (3, 13):
        pytest.skip("some tests are not in this version of CPython")
    for name, differences in DIFFERENCES.items():
        assert set(differences) <= names[name]


def test_most_of_cpythons_tests_pass():
    if not TESTS:
        pytest.skip("CPython's tests are not installed")
    differences = {
        name: sum(test.rpartition(".")[2] in DIFFERENCES[name] for test in tests) for name, tests in OURS.items()
    }
    assert differences["test_memoryview"] <= 8
    assert differences["test_buffer"] <= 14
