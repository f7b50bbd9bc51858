"""Prints the nanoseconds of one call of `verify_structure` of CPython's documentation, to compare with `bench-view`.

The module `test.test_buffer` of CPython has this function. The figure is that of the fastest of five rounds.
"""

import timeit
from test.test_buffer import verify_structure

CALL = "verify_structure(960, 8, 3, (4, 5, 6), (240, 48, 8), 0)"
N = 100_000
best = min(timeit.repeat(CALL, globals={"verify_structure": verify_structure}, number=N, repeat=5))
print(f"{'python':<12} {best / N * 1e9:8.1f}")
