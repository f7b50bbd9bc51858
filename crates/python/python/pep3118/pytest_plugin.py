"""A pytest plugin with the fixture ``assert_conformant_buffer``, for tests of classes that export buffers.

::

    def test_frames_keep_the_rules(assert_conformant_buffer):
        assert_conformant_buffer(Frame(width=4, height=2))
        # This class may break rule B19: a refused request raises BufferError.
        assert_conformant_buffer(legacy_frame(), allow=("B19",))
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import pytest

from . import Report, audit
from ._pep3118 import _escape, _rule_id


class AssertConformantBuffer(Protocol):
    """The type of the fixture: a function that audits an exporter."""

    def __call__(self, obj: object, allow: Iterable[str] = ()) -> Report:
        """Returns the report on ``obj``. Fails the test if ``obj`` breaks a rule that is not in ``allow``.

        Raises ValueError if ``allow`` contains an unknown rule.
        """
        ...


def _assert_conformant_buffer(obj: object, allow: Iterable[str] = ()) -> Report:
    """Implements the fixture ``assert_conformant_buffer``."""
    __tracebackhide__ = True
    allowed = frozenset(map(_rule_id, allow))
    report = audit(obj)
    broken = [finding for finding in report if finding.severity == "error" and finding.rule not in allowed]
    if broken:
        rules = ", ".join(dict.fromkeys(finding.rule for finding in broken))
        explanations = "\n\n".join(finding.explain() for finding in broken)
        # pytest hides this function in tracebacks, so that the traceback ends at the line of the test.
        pytest.fail(f"{_shown(obj)} of type {_escape(report.exporter)} breaks {rules}\n\n{explanations}")
    return report


def _shown(obj: object) -> str:
    """Returns the first 200 characters of the ``repr`` of an object, escaped for a message."""
    try:
        text = repr(obj)
    except Exception as error:  # A class can define any `__repr__`.
        text = f"an object whose repr raises {type(error).__name__}"
    return _escape(text if len(text) <= 200 else f"{text[:197]}...")


@pytest.fixture(scope="session")
def assert_conformant_buffer() -> AssertConformantBuffer:
    """Fails the test if an exporter breaks a rule of the buffer protocol.

    ``assert_conformant_buffer(obj, allow=("B19",))`` sends all 26 requests to ``obj``. ``allow`` contains the ids or
    names of rules that ``obj`` may break. Notes and warnings do not fail the test. The returned report contains all
    findings.
    """
    return _assert_conformant_buffer
