"""Compares the package with the second reader of tests/reference, for random formats.

    python tests/python/compare_reference.py --cases 1000000 --seed 7

prints each difference and the number of cases. The exit status is 1 if the readers differ in a case.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import pep3118

sys.path.insert(0, str(Path(__file__).parents[1]))

from reference import MODELS, Ambiguous, Refused, reconcile
from reference.dialects import DIALECTS
from reference.generate import random_format, random_itemsize


class Case(NamedTuple):
    """The input of one comparison. `itemsize` is in bytes."""

    format: bytes
    itemsize: int | None
    dialect: str | None
    model: str


def kind(answer: Any) -> str:
    """Returns the certainty of `answer`, "ambiguous" or "refused"."""
    return answer if isinstance(answer, str) else answer[0]


def answer_of_package(case: Case) -> Any:
    """Returns what the package reads from the format of `case`.

    The result is `(certainty, layout)` with the result of `plain`, `("ambiguous", layouts)` with a set of such results,
    or "refused".
    """
    try:
        layout = pep3118.Format(*case)
    except pep3118.FormatError:
        return "refused"
    if layout.certainty == "ambiguous":
        return ("ambiguous", {plain(one) for one in (layout, *layout.alternatives)})
    return (layout.certainty, plain(layout))


def plain(layout: pep3118.Format) -> Any:
    """Returns (size in bytes, fields) of a layout of the package, in the same form as `reference_plain`."""
    return (layout.itemsize, tuple(plain_field(field) for field in layout.fields))


def plain_field(field: pep3118.Field) -> Any:
    fields = tuple(plain_field(one) for one in field.fields)
    size = element_size(field.type, field.itemsize, field.shape)
    return (field.name_bytes, field.offset, field.type, size, field.endian, field.shape, fields)


def element_size(kind: str, size: int, shape: tuple[int, ...]) -> int:
    """Returns 0 for a record, or an array of at most one record, because padding at its end has no effect on any value.
    Returns `size` for any other element."""
    return 0 if kind == "record" and prod(shape) <= 1 else size


def answer_of_reference(case: Case) -> Any:
    """Returns what the second reader reads from the format of `case`, in the form of `answer_of_package`."""
    try:
        result = reconcile(case.format, case.itemsize, case.dialect, MODELS[case.model])
    except Ambiguous as error:
        return ("ambiguous", {reference_plain(one) for one in error.layouts})
    except Refused:
        return "refused"
    return (result.certainty.replace(" ", "-"), reference_plain(result.layout))


def reference_plain(layout: Any) -> Any:
    """Returns (size in bytes, fields) of a layout of the second reader.

    If the layout is a single record without a name and without a shape, returns the fields of this record.
    """
    fields = layout.fields
    if len(fields) == 1 and fields[0] == replace(
        fields[0], name=None, offset=0, type="record", size=layout.size, shape=()
    ):
        fields = fields[0].fields
    return (layout.size, tuple(reference_field(field) for field in fields))


def reference_field(field: Any) -> Any:
    fields = tuple(reference_field(one) for one in field.fields)
    size = element_size(field.type, field.size, field.shape)
    return (field.name, field.offset, field.type, size, field.endian, field.shape, fields)


def cases(seed: int) -> Any:
    """Yields an endless sequence of cases. The same `seed` gives the same cases."""
    source = random.Random(seed)
    dialects = [None, None, None, None, *DIALECTS]
    models = [*MODELS]
    while True:
        text = random_format(source)
        model = source.choice(models)
        sizes = []
        for dialect in ("pep3118-packed", "native-c", "numpy", "ctypes"):
            with suppress(Refused):
                sizes.append(reconcile(text, None, dialect, MODELS[model]).layout.size)
        for _ in range(4):
            yield Case(text, random_itemsize(source, sizes), source.choice(dialects), model)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--print", type=int, default=20, help="the largest number of differences to print")
    arguments = parser.parse_args()
    kinds: Counter[str] = Counter()
    differences = 0
    for _, case in zip(range(arguments.cases), cases(arguments.seed), strict=False):
        package, reference = answer_of_package(case), answer_of_reference(case)
        kinds[kind(reference)] += 1
        if package != reference:
            differences += 1
            if differences <= arguments.print:
                print(f"{case}\n  package:   {package}\n  reference: {reference}")
    print(f"{arguments.cases} cases, {differences} differences; {dict(kinds)}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
