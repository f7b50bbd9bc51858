from collections.abc import Iterator
from struct import error as error
from typing import Any, Self

from _typeshed import ReadableBuffer, WriteableBuffer
from typing_extensions import disjoint_base

from ._pep3118 import _Layout

__all__ = ["Struct", "calcsize", "error", "iter_unpack", "pack", "pack_into", "unpack", "unpack_from"]

@disjoint_base
class Struct:
    """A compiled format, with methods that pack and unpack items.

    An unpacked item is a tuple with the values of the format's top level. A count such as `3i` means three values. An
    array with a shape is a list, and a record is a tuple.
    """
    @property
    def format(self) -> str:
        """The format as text."""
    @property
    def size(self) -> int:
        """The size of an item in bytes, or -1 if the object has no format."""
    def __new__(cls, *_arguments: Any, **_options: Any) -> Self: ...
    def __init__(self, format: _Layout) -> None: ...
    def pack(self, *values: Any) -> bytes:
        """Returns the bytes of an item with `values`."""
    def pack_into(self, buffer: WriteableBuffer, offset: int, /, *values: Any) -> None:
        """Writes an item with `values` to byte `offset` of `buffer`.

        If a value is out of range, `buffer` does not change.
        """
    def unpack(self, buffer: ReadableBuffer, /) -> tuple[Any, ...]:
        """Returns the values of the item in `buffer`. The size of `buffer` must be the size of one item."""
    def unpack_from(self, buffer: ReadableBuffer, offset: int = 0) -> tuple[Any, ...]:
        """Returns the values of the item at byte `offset` of `buffer`. A negative offset counts from the end."""
    def iter_unpack(self, buffer: ReadableBuffer, /) -> Iterator[tuple[Any, ...]]:
        """Returns an iterator over the items of `buffer`. Each item is a tuple of values. The size of `buffer` must be
        a multiple of the size of an item.
        """

def calcsize(format: _Layout, /) -> int:
    """Returns the size in bytes of an item of `format`."""

def pack(format: _Layout, /, *values: Any) -> bytes:
    """Returns the bytes of an item of `format` with `values`."""

def pack_into(format: _Layout, buffer: WriteableBuffer, offset: int, /, *values: Any) -> None:
    """Writes an item of `format` with `values` to byte `offset` of `buffer`.

    If a value is out of range, `buffer` does not change.
    """

def unpack(format: _Layout, buffer: ReadableBuffer, /) -> tuple[Any, ...]:
    """Returns the values of the item in `buffer`. The size of `buffer` must be the size of one item."""

def unpack_from(format: _Layout, /, buffer: ReadableBuffer, offset: int = 0) -> tuple[Any, ...]:
    """Returns the values of the item at byte `offset` of `buffer`. A negative offset counts from the end."""

def iter_unpack(format: _Layout, buffer: ReadableBuffer, /) -> Iterator[tuple[Any, ...]]:
    """Returns an iterator over the items of `buffer`. Each item is a tuple of values. The size of `buffer` must be
    a multiple of the size of an item.
    """

def _clearcache() -> None:
    """Clears the cache of compiled formats."""
