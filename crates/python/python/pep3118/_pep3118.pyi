import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, Literal, Self, SupportsIndex, final, overload

import numpy
from typing_extensions import Buffer, CapsuleType, disjoint_base

__version__: str

class FormatError(ValueError):
    """A format that cannot be read, or that has several interpretations.

    `span` is the byte offsets where the error starts and ends, or None.
    """

    span: tuple[int, int] | None

class BufferRuleError(BufferError):
    """Metadata that break a rule of the buffer protocol.

    `rule` is the id of the first broken rule, such as 'A04'; `findings` has all of them.
    """

    rule: str
    findings: tuple[Finding, ...]

def calcsize(format: str | bytes) -> int:
    """Returns the size of an item in bytes, as `struct.calcsize` does, for every format of PEP 3118."""

# Judging exporters

@final
class Finding:
    """A broken rule: its id, its severity, and the values that break it.

    `str()` returns one line, `explain()` a paragraph with the rule and the calculation.
    """
    @property
    def rule(self) -> str:
        """The id of the rule, such as "A04"."""
    @property
    def name(self) -> str:
        """The name of the rule, such as "LEN-PRODUCT"."""
    @property
    def severity(self) -> Literal["error", "warning", "note"]:
        """The severity: "error", "warning" or "note"."""
    @property
    def message(self) -> str:
        """The message, in one line."""
    @property
    def requests(self) -> tuple[str, ...]:
        """The requests whose buffers break the rule, such as ("ND", "FULL_RO")."""
    def explain(self) -> str:
        """Returns the message with the calculation, the rule and its source."""
    def __eq__(self, other: object, /) -> bool: ...

@final
class Report:
    """The findings of `check` or `audit`. A report is true unless one of its findings is an error."""
    @property
    def exporter(self) -> str:
        """The type of the object that was checked, such as "numpy.ndarray"."""
    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings, errors first."""
    @property
    def readable(self) -> bool:
        """Whether the items can be read in spite of the findings."""
    @property
    def layout_source(self) -> str | None:
        """The source of the layout that the format was compared with (T01, format against type): "numpy.dtype",
        "ctypes", "array.typecode" or "bytes". None if the type of the object gives no layout.
        """
    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the broken rules, each once, errors first."""
    def explain(self) -> str:
        """Returns all findings with the calculations and the rules, a paragraph each."""
    def to_json(self) -> str:
        """Returns the report as JSON, as `pep3118 check --json` prints it:
        `{"exporter": ..., "findings": [...], "readable": ...}`.
        """
    def raise_for_errors(self, allow: Sequence[str] = ...) -> None:
        """Raises BufferRuleError if a finding is an error. `allow` is the ids of rules that may be broken."""
    def __bool__(self) -> bool: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, key: SupportsIndex, /) -> Finding: ...
    @overload
    def __getitem__(self, key: slice, /) -> tuple[Finding, ...]: ...
    def __iter__(self) -> Iterator[Finding]: ...
    def __contains__(self, key: str, /) -> bool: ...

def check(obj: object, request: int | str | None = None) -> Report:
    """Checks the buffer that an exporter returns for one request.

    `request` is a name such as "FULL_RO" or "ND|FORMAT", or the flags as an int. If the type of the object
    gives the layout of the items (a NumPy dtype, the fields of a ctypes structure), the format is compared
    with it (T01, format against type).

    Raises the exporter's exception if it refuses the request, and TypeError if the object exports no buffer.
    """

def audit(obj: object) -> Report:
    """Checks an exporter: sends all 26 legal requests, twice, and compares the buffers with the rules, with one
    another, and with the layout that the type of the object gives (T01, format against type).

    Each buffer is released at once. Reference counts and exceptions in `__release_buffer__` are checked too.
    No byte of the memory is read.

    Raises TypeError if the object exports no buffer.
    """

def _cli(argv: Sequence[str], handle_signals: bool = False) -> int:
    """Runs the command `pep3118` of Rust and returns its exit status. `argv[0]` is the name of the program.

    With `handle_signals`, SIGHUP, SIGINT and SIGTERM end the process from now on, without Python's handlers.
    """

def _exports_buffers(ty: type) -> bool:
    """Whether the instances of a type export buffers."""

def _python_command(argv: Sequence[str]) -> tuple[Any, ...] | None:
    """Returns `("audit", expressions, allow, explain, json)` or `("census", packages, json)`, the commands that Python
    runs. None for any other command, and for arguments that `_cli` prints help or an error for.
    """

# Views

@final
class View:
    """A view of the items of an exporter, like memoryview, for every format.

    Records become named tuples, and arrays in items become nested lists. `view["pos.x"]` returns a view of that
    field. `view.columns()` copies each field to an array.

    The layout of an item is the layout that the exporter's type declares: a NumPy dtype, a ctypes class, or an
    `array.array`. For any other type, the layout is read from the exporter's format, in `dialect` if it is given.
    `format` replaces the exporter's format by another format of the same itemsize.
    """
    @property
    def obj(self) -> object:
        """The object that owns the memory."""
    @property
    def nbytes(self) -> int:
        """The size in bytes of a contiguous copy of all items."""
    @property
    def readonly(self) -> bool:
        """Whether the memory is read-only."""
    @property
    def format(self) -> str:
        """The format that the exporter reported. A field or a cast has a format of its own. Bytes that are not UTF-8
        become surrogates.
        """
    @property
    def itemsize(self) -> int:
        """The size of one item in bytes."""
    @property
    def ndim(self) -> int:
        """The number of dimensions."""
    @property
    def shape(self) -> tuple[int, ...]:
        """The number of items in each dimension."""
    @property
    def strides(self) -> tuple[int, ...]:
        """The distance in bytes from one item to the next in each dimension."""
    @property
    def suboffsets(self) -> tuple[int, ...]:
        """The suboffset of each dimension, or () if no item is reached through a pointer. If a suboffset is at least 0,
        the reader follows a pointer and then adds the suboffset in bytes.
        """
    @property
    def c_contiguous(self) -> bool:
        """Whether the items are contiguous in C order, the last index fastest."""
    @property
    def f_contiguous(self) -> bool:
        """Whether the items are contiguous in Fortran order, the first index fastest."""
    @property
    def contiguous(self) -> bool:
        """Whether the items are contiguous in either order."""
    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields of a record, or () if items are not records. A field without a name is named by its
        index: 'f0', 'f1'.
        """
    @property
    def certainty(self) -> Literal["exact", "trailing-padding", "inferred"]:
        """The certainty of the interpretation of the format: 'exact', 'trailing-padding' or 'inferred'."""
    @property
    def dialect(self) -> str:
        """The dialect in which the format was interpreted."""
    def __new__(cls, obj: Buffer, format: str | bytes | None = None, dialect: str | None = None) -> Self: ...
    def explain(self) -> str:
        """Returns the layout of an item as a table of offsets, sizes and types, and the arrangement of the items."""
    def tolist(self) -> Any:
        """Returns all items as nested lists. Returns the item itself if the view has no dimension."""
    def tobytes(self, order: Literal["C", "F", "A"] | None = "C") -> bytes:
        """Returns the bytes of all items in a contiguous order: 'C' with the last index fastest, 'F' with the first
        index fastest. 'A' is 'F' for memory in Fortran order, and 'C' for any other memory.
        """
    def hex(self, *args: Any, **kwargs: Any) -> str:
        """Returns `tobytes().hex(...)`."""
    def toreadonly(self) -> View:
        """Returns a read-only view of the same memory."""
    def cast(self, format: str | bytes, shape: Sequence[int] | None = None, *, dialect: str | None = None) -> View:
        """Returns a view of the same bytes as items of another format, in one dimension or in `shape`. The memory
        must be C-contiguous.
        """
    def transpose(self, *axes: int) -> View:
        """Returns a view with the dimensions in the order of `axes`, or in reverse order if no axes are given."""
    def columns(self, *names: str) -> dict[str, View]:
        """Copies each field to an array in this machine's byte order. Returns a dict of writable Views by the dotted
        names of the fields. Copies all fields if no `names` are given.
        """
    def release(self) -> None:
        """Releases the buffer. Raises BufferError while a consumer holds a buffer of this view."""
    def __arrow_c_schema__(self) -> CapsuleType: ...
    def __arrow_c_array__(self, requested_schema: CapsuleType | None = None) -> tuple[CapsuleType, CapsuleType]: ...
    def __arrow_c_stream__(self, requested_schema: CapsuleType | None = None) -> CapsuleType: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: object) -> None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, key: Any, /) -> Any: ...
    def __setitem__(self, key: Any, value: Any, /) -> None: ...
    def __delitem__(self, key: Any, /) -> None: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __reversed__(self) -> Iterator[Any]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    if sys.version_info >= (3, 12):
        def __buffer__(self, flags: int, /) -> memoryview: ...
        def __release_buffer__(self, buffer: memoryview, /) -> None: ...

# Exporting

@disjoint_base
class Exporter:
    """Exports memory as items of any format, in any arrangement, to every consumer of the buffer protocol.

    `memory` is a contiguous bytes-like object, of which the exporter holds a buffer as long as it lives. `format`
    is the format of an item (None: a buffer without a format, of bytes), and `itemsize` its size, by default that of
    the format. `shape` is the number of items in each dimension, by default all that fit in one dimension. `strides`
    and `offset` are in bytes, by default those of a C-contiguous array at the start of the memory. Where an entry
    of `suboffsets` is not negative, the memory holds addresses, and the caller is responsible for the memory at
    them. `readonly` is by default that of the memory.

    The arguments are checked before a buffer is exported. Raises BufferRuleError for items outside of the memory or
    a format of another size, FormatError for a format that cannot be read, and BufferError for `readonly=False` with
    read-only memory, or memory that is not contiguous.
    """
    def __new__(
        cls,
        memory: Buffer,
        *,
        format: str | None = "B",
        itemsize: int | None = None,
        shape: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        suboffsets: Sequence[int] | None = None,
        readonly: bool | None = None,
        offset: int = 0,
    ) -> Self: ...
    @staticmethod
    def from_address(
        address: int,
        length: int,
        owner: object,
        *,
        format: str | None = "B",
        itemsize: int | None = None,
        shape: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        suboffsets: Sequence[int] | None = None,
        readonly: bool = True,
        offset: int = 0,
    ) -> Exporter:
        """Exports the `length` bytes at an address: memory that belongs to no Python object, such as a plane of a
        video frame or a mapped device.

        The exporter holds `owner` while it, or a buffer of it, exists; `owner` should free the memory when it is
        deleted. The address cannot be checked: a wrong one crashes the process or corrupts memory. Read-only
        unless `readonly=False`.
        """
    @property
    def exports(self) -> int:
        """The number of buffers that consumers hold."""
    @property
    def obj(self) -> object:
        """The object whose memory is exported, or the owner of the address."""
    @property
    def format(self) -> str | None:
        """The format of an item, or None."""
    @property
    def itemsize(self) -> int:
        """The size of an item in bytes."""
    @property
    def nbytes(self) -> int:
        """The size of all items in bytes."""
    @property
    def ndim(self) -> int:
        """The number of dimensions."""
    @property
    def readonly(self) -> bool:
        """Whether consumers cannot write to the memory."""
    @property
    def shape(self) -> tuple[int, ...]:
        """The number of items in each dimension."""
    @property
    def strides(self) -> tuple[int, ...]:
        """The distance from one item to the next in each dimension, in bytes."""
    @property
    def suboffsets(self) -> tuple[int, ...]:
        """The bytes to add after following a pointer in each dimension; () if no dimension has pointers."""
    @property
    def c_contiguous(self) -> bool:
        """Whether the items are contiguous in C order, the last index fastest."""
    @property
    def f_contiguous(self) -> bool:
        """Whether the items are contiguous in Fortran order, the first index fastest."""
    @property
    def contiguous(self) -> bool:
        """Whether the items are contiguous in either order."""
    if sys.version_info >= (3, 12):
        def __buffer__(self, flags: int, /) -> memoryview: ...
        def __release_buffer__(self, buffer: memoryview, /) -> None: ...

# Formats
@final
class Field:
    """A field of a format: its offset, its size and its type. Offsets and sizes are in bytes."""
    @property
    def name(self) -> str | None:
        """The name, or None. Bytes that are not UTF-8 are escaped."""
    @property
    def name_bytes(self) -> bytes | None:
        """The name as the bytes in the format, or None."""
    @property
    def offset(self) -> int:
        """The offset from the start of the enclosing record, in bytes."""
    @property
    def size(self) -> int:
        """The size of all elements, in bytes."""
    @property
    def itemsize(self) -> int:
        """The size of one element, in bytes."""
    @property
    def count(self) -> int:
        """The number of elements."""
    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each dimension; empty for a single value."""
    @property
    def type(self) -> str:
        """The type of an element, such as "int32" or "record"."""
    @property
    def endian(self) -> Literal["little", "big"] | None:
        """The byte order, "little" or "big"; None if the type has none."""
    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of a record; empty for any other type."""
    @property
    def is_union(self) -> bool:
        """Whether all fields of the record start at its first byte, as in a union."""
    def __getitem__(self, key: str, /) -> Field: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...

@final
class Format:
    """The layout that a format gives: fields with offsets, for one producer, on one machine.

    `itemsize` is the size of an item in bytes, if it is known; `dialect` is the name of the producer's dialect,
    without which all dialects are tried; `model` is the machine, a data model such as "lp64" or a target triple,
    by default this one. A `fmt` of None is that of a buffer without a format, unsigned bytes.
    """
    def __new__(
        cls,
        fmt: str | bytes | None,
        itemsize: int | None = None,
        dialect: str | None = None,
        model: str | None = None,
    ) -> Self: ...
    @classmethod
    def from_dtype(cls, dtype: Any) -> Format:
        """Returns the format of a numpy.dtype, with the offsets of the dtype."""
    @classmethod
    def from_ctypes(cls, ctype: type[Any]) -> Format:
        """Returns the format of a ctypes class: a structure, a union, an array, a pointer or a number."""
    @property
    def format(self) -> str | None:
        """The format that was given; None for the format of a type."""
    @property
    def itemsize(self) -> int:
        """The size of an item in bytes."""
    @property
    def alignment(self) -> int:
        """The largest alignment that the format implies, in bytes."""
    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of a record; any other item as one field."""
    @property
    def item(self) -> Field:
        """The item as one field."""
    @property
    def certainty(self) -> Literal["exact", "trailing-padding", "inferred", "ambiguous"]:
        """How well the format determines the layout: "exact", "trailing-padding", "inferred" or "ambiguous"."""
    @property
    def dialect(self) -> str:
        """The dialect whose rules gave the offsets."""
    @property
    def model(self) -> str:
        """The machine whose sizes the layout has: the name of a data model, or a target triple."""
    @property
    def alternatives(self) -> tuple[Format, ...]:
        """The other interpretations of an ambiguous format; empty if it is not ambiguous."""
    def explain(self, *, width: int | None = None, color: bool = False) -> str:
        """Returns the table of offsets and the picture of the bytes. `width` is the width of the picture in
        characters, `color` adds ANSI colours.
        """
    def svg(self) -> str:
        """Returns the picture of the bytes as SVG."""
    def emit(
        self, target: Literal["canonical", "struct", "cpython-3.14", "cpython-3.15", "numpy", "cython"] = "canonical"
    ) -> str:
        """Returns a format string for the layout. `target` is the reader that it is for: "canonical", "struct",
        "cpython-3.14", "cpython-3.15", "numpy" or "cython".
        """
    def to_dtype(self) -> Any:
        """Returns the numpy.dtype of the items, with the same offsets, itemsize and values."""
    def to_ctypes(self, name: str = "Item") -> type[Any]:
        """Returns a ctypes class whose instances have the bytes of an item: a structure, an array or a number.
        `name` is the name of a structure.
        """
    def to_c(self, name: str = "item") -> str:
        """Returns C source of a type for the item, with static assertions of its size and its offsets. Fields in
        the other byte order are arrays of bytes, with a comment.
        """
    def to_rust(self, name: str = "Item") -> str:
        """Returns Rust source of a type for the item, with assertions of its size and its offsets."""
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Format: ...
    def __deepcopy__(self, _memo: object) -> Format: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def _repr_html_(self) -> str:
        """The picture of the bytes for a notebook, and one of each alternative."""
    @classmethod
    def _restore(cls, tree: dict[str, Any], dialect: str, model: str) -> Format:
        """Restores the pickled format of a type."""

@final
class Difference:
    """The difference between two formats, and how far they are equivalent."""
    @property
    def equivalence(self) -> Literal["text", "scalars", "layout-ignoring-names", "bytes-after-swap"] | None:
        """The highest level that holds: "text", "scalars", "layout-ignoring-names" or "bytes-after-swap". Each
        implies those after it. None if the same bytes are different values.
        """
    @property
    def difference(self) -> str | None:
        """The first difference, in one sentence; None if there is none."""
    def __bool__(self) -> bool: ...

def diff(a: Format | str | bytes, b: Format | str | bytes) -> Difference:
    """Compares the layouts of two formats. Strings are read in dialect pep3118, for this machine."""

def layout_of(obj: Any) -> Format:
    """Returns the format of an object's items. Its layout is that of the object's type, if the type gives one
    (NumPy, ctypes, array, bytes). Otherwise it follows from the exporter's format and itemsize, in the dialect
    of the module that defines the type.
    """

# struct and NumPy
def dtype_from_pep3118(spec: str | bytes, /) -> numpy.dtype[Any]:
    """Returns the dtype of a format, as NumPy reads it, also of formats that NumPy refuses."""

_struct: ModuleType
