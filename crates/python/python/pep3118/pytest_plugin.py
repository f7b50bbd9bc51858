"""A pytest plugin for authors of exporters: the fixture ``assert_conformant_buffer``.

::

    def test_frames_keep_the_rules(assert_conformant_buffer):
        assert_conformant_buffer(Frame(width=4, height=2))
        assert_conformant_buffer(legacy_frame(), allow=("B19",))  # B19, exception of a refused request
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import pytest

from . import Report, audit


class AssertConformantBuffer(Protocol):
    """The fixture: a function that checks an exporter."""

    def __call__(self, obj: object, allow: Iterable[str] = ()) -> Report:
        """Returns the report of ``obj``, or fails the test."""
        ...


def _assert_conformant_buffer(obj: object, allow: Iterable[str] = ()) -> Report:
    __tracebackhide__ = True
    allowed = frozenset(allow)
    report = audit(obj)
    broken = [finding for finding in report if finding.severity == "error" and finding.rule not in allowed]
    if broken:
        rules = ", ".join(dict.fromkeys(finding.rule for finding in broken))
        explanations = "\n\n".join(finding.explain() for finding in broken)
        pytest.fail(f"{report.exporter} breaks {rules}\n\n{explanations}", pytrace=False)
    return report


@pytest.fixture(scope="session")
def assert_conformant_buffer() -> AssertConformantBuffer:
    """Fails the test if an exporter breaks a rule of the buffer protocol.

    ``assert_conformant_buffer(obj, allow=("B19",))`` sends all 26 requests; rules in ``allow`` may be broken.
    Notes and warnings do not fail the test. The report, which is returned, contains them.
    """
    return _assert_conformant_buffer
