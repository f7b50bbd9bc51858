from types import ModuleType
from typing import Any

import numpy

__version__: str

class FormatError(ValueError):
    span: tuple[int, int] | None

class BufferRuleError(BufferError):
    rule: str

def calcsize(format: str) -> int: ...
def dtype_from_pep3118(spec: str | bytes, /) -> numpy.dtype[Any]: ...

_struct: ModuleType
