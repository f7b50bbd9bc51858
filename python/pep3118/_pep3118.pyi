__version__: str

class FormatError(ValueError):
    span: tuple[int, int] | None

class BufferRuleError(BufferError):
    rule: str

def calcsize(format: str) -> int: ...
