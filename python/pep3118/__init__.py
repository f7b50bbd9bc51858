"""Read what memoryview refuses, judge any exporter, export any memory."""

from ._pep3118 import BufferRuleError, FormatError, View, __version__, calcsize

__all__ = ["BufferRuleError", "FormatError", "View", "__version__", "calcsize"]
