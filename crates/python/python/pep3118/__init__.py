"""Read what memoryview refuses, judge any exporter, export any memory."""

from ._pep3118 import (
    BufferRuleError,
    Difference,
    Exporter,
    Field,
    Finding,
    Format,
    FormatError,
    Report,
    View,
    __version__,
    audit,
    calcsize,
    check,
    diff,
    layout_of,
)

__all__ = [
    "BufferRuleError",
    "Difference",
    "Exporter",
    "Field",
    "Finding",
    "Format",
    "FormatError",
    "Report",
    "View",
    "__version__",
    "audit",
    "calcsize",
    "check",
    "diff",
    "layout_of",
]
