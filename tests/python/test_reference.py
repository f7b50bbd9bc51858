"""Compares the package with the second reader in ``tests/reference``, which was written from the documentation."""

from collections import Counter
from itertools import islice

from compare_reference import answer_of_package, answer_of_reference, cases, kind


def test_random_formats_have_the_layouts_of_the_second_reader():
    kinds = Counter()
    for case in islice(cases(seed=17), 20_000):
        expected = answer_of_reference(case)
        assert answer_of_package(case) == expected, case
        kinds[kind(expected)] += 1
    # The comparison needs enough cases of each kind.
    assert kinds["exact"] > 5000, kinds
    assert min(kinds["refused"], kinds["trailing-padding"], kinds["ambiguous"]) > 100, kinds
