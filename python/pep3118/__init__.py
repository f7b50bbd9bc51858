"""Read what memoryview refuses, judge any exporter, export any memory."""

from ._pep3118 import (
    BufferRuleError,
    Exporter,
    Finding,
    FormatError,
    Report,
    __version__,
    audit,
    calcsize,
    check,
)

__all__ = [
    "BufferRuleError",
    "Exporter",
    "Finding",
    "FormatError",
    "Report",
    "__version__",
    "audit",
    "calcsize",
    "check",
]
