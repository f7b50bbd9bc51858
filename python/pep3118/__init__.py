"""Read what memoryview refuses, judge any exporter, export any memory."""

from ._pep3118 import (
    BufferRuleError,
    Difference,
    Field,
    Format,
    FormatError,
    View,
    __version__,
    calcsize,
    diff,
    layout_of,
)

__all__ = [
    "BufferRuleError",
    "Difference",
    "Field",
    "Format",
    "FormatError",
    "View",
    "__version__",
    "calcsize",
    "diff",
    "layout_of",
]
