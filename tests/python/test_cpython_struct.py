"""Runs CPython's tests of ``struct`` with ``pep3118.struct``."""

import importlib
import sys
import unittest
import warnings

import pytest

from pep3118 import struct

# Tests of implementation details of CPython. Each of these tests must fail. Remove a test that passes from this list.
CPYTHON_ONLY = {
    "StructTest.test__sizeof__": "compares __sizeof__ with the C structs of _struct",
    "StructTest.test__struct_types_immutable": "classes of the stable ABI of 3.11 cannot be made immutable",
}

# Tests that import another module or start another interpreter, and thus do not test pep3118.
ELSEWHERE = {
    "StructTest.test__struct_reference_cycle_cleaned_up": "imports _struct and collects it",
    "StructTest.test_struct_cleans_up_at_runtime_shutdown": "starts an interpreter that imports struct",
    "StructTest.test_Struct_reference_cycle": "imports _struct and collects it",
}


def suite():
    """Returns a dict from names to the test cases of CPython, which use `pep3118.struct` in place of `struct`. Returns
    an empty dict if CPython's tests are not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = importlib.import_module("test.test_struct")
    except ModuleNotFoundError as error:
        print(f"this interpreter has no package of tests: {error}", file=sys.stderr)
        return {}
    module.struct = struct
    cases = {}
    for test_case in vars(module).values():
        if isinstance(test_case, type) and issubclass(test_case, unittest.TestCase):
            for name in unittest.defaultTestLoader.getTestCaseNames(test_case):
                cases[f"{test_case.__name__}.{name}"] = test_case(name)
    return cases


CASES = suite()


@pytest.mark.parametrize("name", CASES)
def test_cpythons_test_passes(name):
    if name in ELSEWHERE:
        pytest.skip(ELSEWHERE[name])
    result = unittest.TestResult()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        CASES[name].run(result)
    assert result.testsRun == 1
    if result.skipped:
        pytest.skip(result.skipped[0][1])
    problems = [text for _, text in result.failures + result.errors]
    if name in CPYTHON_ONLY:
        assert problems, "passes now: take it off the list"
    else:
        assert not problems, "\n".join(problems)


def test_most_tests_of_cpython_run():
    if not CASES:
        pytest.skip("this interpreter has no package of tests (test.test_struct)")
    run = [name for name in CASES if name not in ELSEWHERE and name not in CPYTHON_ONLY]
    assert len(run) >= 30, run
    # Each excluded test exists in at least one version of CPython. This version has most of these tests.
    assert len([name for name in CPYTHON_ONLY if name in CASES]) == len(CPYTHON_ONLY)
