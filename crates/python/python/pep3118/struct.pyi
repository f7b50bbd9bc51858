from collections.abc import Iterator
from struct import error as error
from typing import Any, Self

from _typeshed import ReadableBuffer, WriteableBuffer
from typing_extensions import disjoint_base

__all__ = ["Struct", "calcsize", "error", "iter_unpack", "pack", "pack_into", "unpack", "unpack_from"]

@disjoint_base
class Struct:
    """A compiled format. `unpack` and the other methods return a flat tuple: one value for each item at the top
    level of the format, as many as its count. Arrays with a shape are lists, records are tuples.
    """
    @property
    def format(self) -> str:
        """The format as text."""
    @property
    def size(self) -> int:
        """The size of an item in bytes; -1 before `__init__`."""
    def __new__(cls, *_arguments: Any, **_options: Any) -> Self: ...
    def __init__(self, format: str | bytes) -> None: ...
    def pack(self, *values: Any) -> bytes:
        """Returns the bytes of an item with these values."""
    def pack_into(self, buffer: WriteableBuffer, offset: int, /, *values: Any) -> None:
        """Writes an item into a buffer, at an offset in bytes. If a value does not fit, nothing is written."""
    def unpack(self, buffer: ReadableBuffer, /) -> tuple[Any, ...]:
        """Returns the values of the item that fills a buffer."""
    def unpack_from(self, buffer: ReadableBuffer, offset: int = 0) -> tuple[Any, ...]:
        """Returns the values of the item at an offset in bytes. A negative offset counts from the end."""
    def iter_unpack(self, buffer: ReadableBuffer, /) -> Iterator[tuple[Any, ...]]:
        """Iterates over the items of a buffer, each of which is a tuple of values."""

def calcsize(format: str | bytes, /) -> int:
    """Returns the size of an item in bytes."""

def pack(format: str | bytes, /, *values: Any) -> bytes:
    """Returns the bytes of an item with these values."""

def pack_into(format: str | bytes, buffer: WriteableBuffer, offset: int, /, *values: Any) -> None:
    """Writes an item into a buffer, at an offset in bytes. If a value does not fit, nothing is written."""

def unpack(format: str | bytes, buffer: ReadableBuffer, /) -> tuple[Any, ...]:
    """Returns the values of the item that fills a buffer."""

def unpack_from(format: str | bytes, /, buffer: ReadableBuffer, offset: int = 0) -> tuple[Any, ...]:
    """Returns the values of the item at an offset in bytes. A negative offset counts from the end."""

def iter_unpack(format: str | bytes, buffer: ReadableBuffer, /) -> Iterator[tuple[Any, ...]]:
    """Iterates over the items of a buffer, each of which is a tuple of values."""

def _clearcache() -> None:
    """Forgets the formats that were compiled."""
