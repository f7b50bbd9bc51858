"""Read, check and export memory that Python objects share through the buffer protocol (PEP 3118)."""

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
