import sys
from collections.abc import Callable, Iterator, Sequence
from types import GenericAlias, ModuleType
from typing import Any, Generic, Literal, Self, SupportsIndex, TypeAlias, TypeVar, final, overload

import numpy
from typing_extensions import Buffer, CapsuleType, disjoint_base

_T = TypeVar("_T")
_R = TypeVar("_R")

__version__: str

class FormatError(ValueError):
    """The format is invalid, or has several interpretations.

    `span` is the start and the end of the offending bytes in the format, or None if the error has no position.
    """

    span: tuple[int, int] | None

class BufferRuleError(BufferError):
    """The metadata of a buffer break a rule of the buffer protocol.

    `rule` is the id of the first broken rule, such as 'A04'. `findings` contains a Finding for each broken rule.
    """

    rule: str
    findings: tuple[Finding, ...]

class CastError(TypeError, ValueError):
    """The memory of a View cannot be cast to the format or the shape.

    The class derives from the two classes that memoryview.cast raises.
    """

class FieldNameError(KeyError, TypeError):
    """The items of a View have no field of this name.

    memoryview raises TypeError for every text in the brackets.
    """

class IndexCountError(IndexError, TypeError):
    """The key of a View has more indices than the View has dimensions.

    memoryview raises TypeError for such a key, and NumPy raises IndexError.
    """

_Layout: TypeAlias = str | bytes | Format | numpy.dtype[Any] | type

class SelectionError(TypeError, ValueError):
    """The value does not fit the items that a list of indices, an array of indices or a mask selects.

    memoryview raises TypeError for such a key, and NumPy raises ValueError for the value.
    """

def register_type(
    name: str,
    size: int,
    unpack: Callable[[bytes], Any],
    pack: Callable[[Any], bytes],
    *,
    align: int = 1,
    values: str | None = None,
) -> None:
    """Adds a user type: the meaning of `[name]` in formats. The type stays registered until the process ends.

    - `name`: the text between the brackets, with the parameters after a `$`
    - `size`: the size of a value in bytes
    - `unpack`: a function that returns the object for the bytes of a value
    - `pack`: a function that returns the bytes for an object
    - `align`: the alignment in bytes under the byte-order character `@`
    - `values`: the type of the values in columns and in Arrow, such as 'float64'. With None, a column has this type,
      and Arrow has the bytes of the values.

    `unpack` gets and `pack` returns the bytes with the least significant byte first, in every byte order of the
    format.
    """

def calcsize(format: _Layout) -> int:
    """Returns the size in bytes of an item of `format`. Accepts every format of PEP 3118, and every layout that
    `Format` accepts.
    """

# Checks of exporters

@final
class Finding:
    """A broken rule, with its id, its severity and the values that break it.

    `str()` returns one line. `explain()` returns a paragraph with the text of the rule and the calculation.
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
        """The message in one line."""
    @property
    def requests(self) -> tuple[str, ...]:
        """The requests whose buffers break the rule, such as ("ND", "FULL_RO")."""
    def explain(self) -> str:
        """Returns the message with the calculation, the text of the rule and the source of the rule."""
    def __eq__(self, other: object, /) -> bool: ...

@final
class Report:
    """The findings of `check` or `audit`. `bool(report)` is False if a finding is an error."""
    @property
    def exporter(self) -> str:
        """The name of the type of the object that was checked, such as "numpy.ndarray"."""
    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings, errors first."""
    @property
    def readable(self) -> bool:
        """Whether the items can be read safely in spite of the findings."""
    @property
    def layout_source(self) -> str | None:
        """The source of the layout that the object's type defines, or None if the type defines no layout.

        The source is "numpy.dtype", "ctypes", "array.typecode" or "bytes". The format was compared with the layout
        (rule T01, format against type).
        """
    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the broken rules without duplicates, errors first."""
    def explain(self) -> str:
        """Returns a paragraph for each finding, with the calculation and the text of the rule. Returns `NAME: clean` if
        there are no findings, where `NAME` is the name of the type of the object.
        """
    def to_json(self) -> str:
        """Returns the report as JSON in the form of `pep3118 check --json`:
        `{"exporter": ..., "findings": [...], "readable": ...}`.
        """
    def raise_for_errors(self, allow: Sequence[str] = ...) -> None:
        """Raises BufferRuleError if a finding is an error. `allow` contains the ids or names of rules that may be
        broken. Raises ValueError if `allow` contains an unknown rule.
        """
    def __bool__(self) -> bool: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, key: SupportsIndex, /) -> Finding: ...
    @overload
    def __getitem__(self, key: slice, /) -> tuple[Finding, ...]: ...
    def __iter__(self) -> Iterator[Finding]: ...
    def __contains__(self, key: str, /) -> bool: ...

def check(obj: object, request: int | str | None = None) -> Report:
    """Checks the buffer that `obj` exports for one request.

    `request` is a name such as "FULL_RO" or "ND|FORMAT", or the flags as an int. The default is "FULL_RO".

    Some types define the layout of their items, for example by a NumPy dtype or by the fields of a ctypes structure.
    For these types, the format is compared with the layout (rule T01, format against type).

    Raises the exception of the exporter if the exporter refuses the request. Raises TypeError if `obj` exports no
    buffer, and ValueError if `request` is not a legal request.
    """

def audit(obj: object) -> Report:
    """Checks the buffers that `obj` exports for all 26 legal requests.

    Each request is sent twice. The buffers are compared with the rules, with each other, and with the layout that the
    type of `obj` defines (rule T01, format against type). Each buffer is released at once. The function also checks
    reference counts and exceptions in `__release_buffer__`. No byte of the memory is read.

    Raises TypeError if `obj` exports no buffer.
    """

def _cli(argv: Sequence[str], handle_signals: bool = False) -> int | tuple[Any, ...]:
    """Answers the call `argv` of the command `pep3118` in native code, and returns the exit status. `argv[0]` is the
    program name.

    If `argv` is a valid call of `audit` or `census`, does nothing and returns the options: `("audit", expressions,
    allow, explain, to)` or `("census", packages, json)`. `allow` contains the ids of rules, and `to` is the name of an
    output format.

    If `handle_signals` is true, SIGHUP, SIGINT and SIGTERM end the process from the start of a native command. Python's
    handlers of these signals no longer run.
    """

def _escape(text: str) -> str:
    """Returns `text` with all control characters and invisible characters escaped."""

def _exports_buffers(ty: type) -> bool:
    """Returns whether the instances of `ty` export buffers."""

def _rule_id(rule: str) -> str:
    """Returns the id of the rule with the id or name `rule`.

    Raises ValueError if the rule is unknown. The message suggests the nearest id or name.
    """

def _findings(to: str, rows: Sequence[tuple[str, Report | str]], allow: Sequence[str], explain: bool) -> str:
    """Returns the text of `pep3118 audit` for `rows`, in the output format `to`.

    Each row is an expression and the report on its value, or an expression and the message of an exception. `allow`
    contains the ids of rules whose errors are allowed. With `explain`, the text format contains the text of the rules.

    Raises ValueError if `to` is not an output format or a rule is unknown.
    """

# Views

@final
class View(Generic[_T]):
    """A view of the items of an exporter, like memoryview, for every format.

    Records become named tuples, and arrays in items become nested lists. `view["pos.x"]` returns a view of that
    field. `view.columns()` copies each field to an array. Raises KeyError for a name that several fields have, such as
    `a.b` for a field `a.b` and the field `b` of a field `a`, or `f0` for a field `f0` and a first field without a name.

    The layout of an item is the layout that the exporter's type declares: a NumPy dtype, a ctypes class, or an
    `array.array`. For any other type, the layout is read from the exporter's format, in `dialect` if it is given.
    `format` replaces the exporter's format by another layout of the same itemsize: a str, bytes, Format, numpy.dtype,
    ctypes class or record class. Memory of bytes becomes one dimension of items of the layout.

    `view["a", "b"]` is a view of these fields. A list or an array of indices, or a mask, selects a copy, as in NumPy.

    A view is a sequence, registered with `collections.abc.Sequence`.

    An object without buffers is read through `__dlpack__`, as tensors have it, or through an `__array_interface__`
    whose data is a buffer, as images of Pillow have it.
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
        """The format that the exporter reported. For a field or a cast, the format of the field or of the cast.
        Bytes that are not UTF-8 become surrogates.
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
        """The suboffset of each dimension, or () if access to the items follows no pointers. In a dimension with a
        suboffset of at least 0, a reader follows a pointer and then adds the suboffset in bytes.
        """
    @property
    def c_contiguous(self) -> bool:
        """Whether the items are contiguous in C order: the last index changes fastest."""
    @property
    def f_contiguous(self) -> bool:
        """Whether the items are contiguous in Fortran order: the first index changes fastest."""
    @property
    def contiguous(self) -> bool:
        """Whether the items are contiguous in C order or in Fortran order."""
    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields of a record, or () if items are not records. A field without a name gets a name
        with its index: 'f0', 'f1'.
        """
    @property
    def certainty(self) -> Literal["exact", "trailing-padding", "inferred"]:
        """The certainty of the interpretation of the format: 'exact', 'trailing-padding' or 'inferred'."""
    @property
    def dialect(self) -> str:
        """The dialect in which the format was interpreted."""
    @overload
    def __new__(cls, object: Buffer, format: type[_R], dialect: str | None = None) -> View[_R]: ...
    @overload
    def __new__(cls, object: Buffer, format: _Layout | None = None, dialect: str | None = None) -> View[Any]: ...
    def explain(self) -> str:
        """Returns the layout of an item as a table of offsets, sizes and types, and the arrangement of the items."""
    def tolist(self) -> Any:
        """Returns all items as nested lists. Returns the item itself if the view has no dimension."""
    def tobytes(self, order: Literal["C", "F", "A"] | None = "C") -> bytes:
        """Returns the bytes of all items. `order` is the order of the items: with 'C', the last index changes
        fastest, and with 'F', the first index changes fastest. 'A' means 'F' for memory in Fortran order, and 'C'
        for any other memory.
        """
    def hex(self, *args: Any, **kwargs: Any) -> str:
        """Returns `tobytes().hex(...)`."""
    def toreadonly(self) -> View[_T]:
        """Returns a read-only view of the same memory."""
    @overload
    def cast(
        self,
        format: type[_R],
        shape: Sequence[int] | None = None,
        *,
        order: Literal["C", "F"] = "C",
        dialect: str | None = None,
    ) -> View[_R]:
        """Returns a view that divides the same memory into items of another format. The memory must be contiguous.
        `shape` is the shape of the new view; by default, the new view has one dimension. The new items are
        contiguous in C order, or in Fortran order if `order` is 'F'.
        """
    @overload
    def cast(
        self,
        format: _Layout,
        shape: Sequence[int] | None = None,
        *,
        order: Literal["C", "F"] = "C",
        dialect: str | None = None,
    ) -> View[Any]:
        """Returns a view that divides the same memory into items of another format. The memory must be contiguous.
        `shape` is the shape of the new view; by default, the new view has one dimension. The new items are
        contiguous in C order, or in Fortran order if `order` is 'F'.
        """
    def transpose(self, *axes: int) -> View[_T]:
        """Returns a view with the dimensions in the order of `axes`, or in reverse order if no axes are given."""
    def columns(self, *names: str) -> dict[str, View[Any]]:
        """Copies each field to an array in this machine's byte order. Returns a dict from the dotted names of the
        fields to writable Views. Without `names`, copies all fields. Raises KeyError if two columns would have
        the same name, or if no field has a name in `names`.

        A column has the values of the field. Dates stay dates, and `bfloat16` becomes `float32`.
        """
    def count(self, value: object, /) -> int:
        """Returns the number of items of the first dimension that equal `value`. In a view with several dimensions,
        the items of the first dimension are views of one dimension less.
        """
    def index(self, value: object, start: SupportsIndex = 0, stop: SupportsIndex = ..., /) -> int:
        """Returns the index in the first dimension of the first item that equals `value`. Compares the items from
        `start` up to, but not including, `stop`. Negative bounds count from the end. Raises ValueError if no item
        equals `value`.
        """
    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias:
        """Returns a generic alias for annotations, such as `View[int]`."""
    def to_numpy(self, *, copy: bool | None = None) -> numpy.ndarray[Any, numpy.dtype[Any]]:
        """Returns a NumPy array that shares the memory of the view.

        The items are copied if `copy` is True, or if access to the items follows pointers (suboffsets). In the
        second case, a `copy` of False raises ValueError. Raises NotImplementedError if NumPy has no dtype for the
        items.
        """
    def to_arrow(self) -> Any:
        """Returns a pyarrow Table of records, or a pyarrow Array of other items.

        Contiguous numbers share the memory of a `bytes` object. Memory that can change is copied. Records are
        also copied, because Arrow stores each field in a separate array.
        """
    def to_pandas(self) -> Any:
        """Returns a pandas DataFrame of records or of a two-dimensional array of numbers, or else a Series.

        Numbers in the byte order of this machine share the memory of the view. The fields of records are copied,
        because pandas stores each column in a separate array.
        """
    def to_polars(self) -> Any:
        """Returns a polars DataFrame of records, or a polars Series of other items.

        Contiguous numbers share the memory of a `bytes` object. Memory that can change is copied. Records are
        also copied, because polars stores each column in a separate array.

        `polars.DataFrame(view)` reads the items as Python objects: an `int32` becomes an `Int64`. This method keeps
        the types.
        """
    def release(self) -> None:
        """Releases the buffer. Raises BufferError while a consumer holds a buffer of this view."""
    def __arrow_c_schema__(self) -> CapsuleType: ...
    def __arrow_c_array__(self, requested_schema: CapsuleType | None = None) -> tuple[CapsuleType, CapsuleType]: ...
    def __arrow_c_stream__(self, requested_schema: CapsuleType | None = None) -> CapsuleType: ...
    @property
    def __array_interface__(self) -> dict[str, Any]:
        """The array interface of NumPy, version 3. `numpy.asarray(view)` uses the array interface for items that no
        format describes, such as records with overlapping fields. The array keeps the memory from being released."""
    def __dlpack__(
        self,
        *,
        stream: None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> CapsuleType:
        """Returns a capsule with a tensor of DLPack that shares the memory of the items. The items must be single
        numbers in the byte order of this machine. `max_version` is the newest version of DLPack that the consumer
        reads. With `copy=True`, the tensor has a copy of the items. `stream` must be None, because the memory is on the
        CPU."""
    def __dlpack_device__(self) -> tuple[int, int]:
        """Returns DLPack's numbers for the CPU."""
    def __bytes__(self) -> bytes: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: object) -> None: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, key: SupportsIndex, /) -> _T: ...
    @overload
    def __getitem__(self, key: slice, /) -> View[_T]: ...
    @overload
    def __getitem__(self, key: str, /) -> View[Any]: ...
    @overload
    def __getitem__(self, key: tuple[Any, ...], /) -> Any: ...
    def __setitem__(self, key: Any, value: Any, /) -> None: ...
    def __delitem__(self, key: Any, /) -> None: ...
    def __iter__(self) -> Iterator[_T]: ...
    def __reversed__(self) -> Iterator[_T]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    if sys.version_info >= (3, 12):
        def __buffer__(self, flags: int, /) -> memoryview: ...
        def __release_buffer__(self, buffer: memoryview, /) -> None: ...

@final
class _RecordCodec:
    """The codec of a record class. `pep3118.records` creates a codec for each class and stores the codec in the
    class."""
    def __new__(cls, class_: type[Any], format: Format, fields: Sequence[_RecordCodec | None]) -> Self: ...
    @property
    def format(self) -> str:
        """The canonical format of the layout."""
    def unpack(self, buffer: Buffer, /) -> Any:
        """Returns the record in `buffer`. The size of `buffer` must be the size of one record."""
    def unpack_from(self, buffer: Buffer, offset: SupportsIndex, /) -> Any:
        """Returns the record at byte `offset` of `buffer`. A negative offset counts from the end."""
    def iter_unpack(self, buffer: Buffer, /) -> Iterator[Any]:
        """Returns an iterator over the records of `buffer`, whose size must be a multiple of the size of a record."""
    def pack(self, record: object, /) -> bytes:
        """Returns the bytes of `record`."""
    def pack_into(self, record: object, buffer: Buffer, offset: SupportsIndex, /) -> None:
        """Writes `record` to byte `offset` of `buffer`."""

def _reduce_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns (function, arguments): the call that creates `row`, a named tuple, again. Only `pickle` and `copy`
    call this function."""

def _restore_row(names: Sequence[str], values: tuple[Any, ...]) -> Any:
    """Returns the named tuple of a record whose fields have the names `names` and the values `values`. The records
    of a view with the same names have the same class. Only `pickle` and `copy` call this function.
    """

# Exporting

@disjoint_base
class Exporter:
    """Exports memory through the buffer protocol, as items of any format, shape and strides.

    - `memory`: a contiguous bytes-like object. The exporter holds a buffer of `memory` until the exporter is deleted.
    - `format`: the format of an item, or another description of a layout: a Format, a numpy.dtype, a ctypes class or a
      record class. With None, the exported buffer has no format, and its items are bytes.
    - `itemsize`: the size of an item in bytes. The default is the size of `format`.
    - `shape`: the number of items in each dimension. The default is one dimension with all items after `offset`. Raises
      ValueError if the bytes after `offset` are not a multiple of the item size and there is no `shape`.
    - `strides`: the distance in bytes from one item to the next in each dimension. The default is C order.
    - `suboffsets`: for each dimension, the number of bytes to add after following a pointer. A negative number means
      that the dimension has no pointers. The caller is responsible for the memory that the pointers refer to.
    - `readonly`: whether consumers cannot write to the memory. By default, they can write if `memory` is writable.
    - `offset`: the offset in bytes of the first item in `memory`.

    The constructor checks all arguments. Raises BufferRuleError if an item is outside of `memory` or `itemsize` does
    not match `format`. Raises FormatError if `format` is invalid. Raises BufferError if `memory` is not contiguous,
    or if `readonly` is False and `memory` is read-only.
    """
    def __new__(
        cls,
        memory: Buffer,
        *,
        format: _Layout | None = "B",
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
        format: _Layout | None = "B",
        itemsize: int | None = None,
        shape: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        suboffsets: Sequence[int] | None = None,
        readonly: bool = True,
        offset: int = 0,
    ) -> Exporter:
        """Exports the `length` bytes at `address`, for memory that belongs to no Python object.

        The exporter and its buffers hold a reference to `owner`, an object that frees the memory when it is deleted.
        The address cannot be checked. A wrong address or length crashes the process or corrupts memory. The buffers
        are read-only unless `readonly` is False. The other arguments are those of the constructor.
        """
    @property
    def exports(self) -> int:
        """The number of buffers that consumers hold now."""
    @property
    def obj(self) -> object:
        """The object that owns the memory: the argument `memory`, or `owner` of `from_address`."""
    @property
    def format(self) -> str | None:
        """The format of an item, or None if buffers have no format."""
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
        """The distance in bytes from one item to the next in each dimension."""
    @property
    def suboffsets(self) -> tuple[int, ...]:
        """The bytes to add after following a pointer in each dimension, or () if no dimension has pointers."""
    @property
    def c_contiguous(self) -> bool:
        """Whether the items are contiguous in C order: the last index changes fastest."""
    @property
    def f_contiguous(self) -> bool:
        """Whether the items are contiguous in Fortran order: the first index changes fastest."""
    @property
    def contiguous(self) -> bool:
        """Whether the items are contiguous in C order or in Fortran order."""
    if sys.version_info >= (3, 12):
        def __buffer__(self, flags: int, /) -> memoryview: ...
        def __release_buffer__(self, buffer: memoryview, /) -> None: ...

# Formats
@final
class Field:
    """A field of a format, with its name, offset, size and type. Offsets and sizes are in bytes."""
    @property
    def name(self) -> str | None:
        """The name, or None for an unnamed field. Bytes that are not UTF-8 are escaped."""
    @property
    def name_bytes(self) -> bytes | None:
        """The bytes of the name in the format, or None for an unnamed field."""
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
        """The length of each dimension, or () for a single value."""
    @property
    def type(self) -> str:
        """The type of an element, such as "int32" or "record"."""
    @property
    def bits(self) -> tuple[str, int, int] | None:
        """The type of the values, the bits below the bit-field, and the bits in the bit-field: ("int32", 3, 5).

        None if the field is not a bit-field. To read the value, read the bytes of the field as one unsigned integer in
        the byte order of the field. Then shift the integer right by the second number, and use as many low bits as the
        third number.
        """
    @property
    def endian(self) -> Literal["little", "big"] | None:
        """The byte order, "little" or "big", or None for a type without byte order."""
    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of a record, or () for any other type."""
    @property
    def is_union(self) -> bool:
        """Whether the field is a record whose fields all start at the first byte, as in a union."""
    def __getitem__(self, key: str, /) -> Field: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...

@final
class Format:
    """The layout that a format describes: fields with offsets, sizes and types.

    - `fmt`: the format as a str or bytes object, or another description of a layout: a Format, a numpy.dtype, a ctypes
      class or a record class. None means the format of a buffer without a format, unsigned bytes.
    - `itemsize`: the size of an item in bytes, if it is known.
    - `dialect`: the name of the producer's dialect. By default, all dialects are tried.
    - `model`: the machine, as a data model such as "lp64" or a target triple. The default is this machine.

    An ambiguous format is not an error: `alternatives` contains the other interpretations. Methods that convert the
    layout, such as `emit`, raise FormatError for an ambiguous format.
    """
    def __new__(
        cls,
        fmt: _Layout | None,
        itemsize: int | None = None,
        dialect: str | None = None,
        model: str | None = None,
    ) -> Self: ...
    @classmethod
    def from_dtype(cls, dtype: Any) -> Format:
        """Returns the format with the layout of `dtype`, a numpy.dtype."""
    @classmethod
    def from_ctypes(cls, ctype: type[Any]) -> Format:
        """Returns the format with the layout of `ctype`, a ctypes class.

        `ctype` is a structure, a union, an array, a pointer or a number.
        """
    @classmethod
    def from_c(cls, source: str, name: str | None = None, model: str = "host") -> Format:
        """Returns the format with the layout that a C compiler gives to a type that the C code `source` declares.

        `name` is the tag or the typedef of the type. If `name` is None, the type is the last structure or union of
        `source`. `model` is the target machine of the compiler, as a data model such as "lp64" or a target triple.
        Raises FormatError if `source` is invalid or declares no such type.
        """
    @property
    def format(self) -> str | None:
        """The format that the caller gave, or None if the layout comes from a type."""
    @property
    def itemsize(self) -> int:
        """The size of an item in bytes."""
    @property
    def alignment(self) -> int:
        """The alignment of an item in bytes."""
    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of an item that is a record. For any other item, a tuple of one unnamed field."""
    @property
    def item(self) -> Field:
        """The item as a field, whose `fields` are the fields of the item."""
    @property
    def certainty(self) -> Literal["exact", "trailing-padding", "inferred", "ambiguous"]:
        """How well the format determines the layout: "exact", "trailing-padding", "inferred" or "ambiguous"."""
    @property
    def dialect(self) -> str:
        """The name of the dialect in which the format was interpreted."""
    @property
    def model(self) -> str:
        """The machine of the layout: the name of a data model, or a target triple."""
    @property
    def alternatives(self) -> tuple[Format, ...]:
        """The other interpretations of an ambiguous format, or () if the format is not ambiguous."""
    def explain(self, *, width: int | None = None, color: bool = False) -> str:
        """Returns a table of the fields and a picture of the bytes, as text.

        `width` is the largest width of the picture in characters. If `color` is True, the text contains ANSI colours.
        """
    def svg(self) -> str:
        """Returns a picture of the bytes as SVG, for an ambiguous format of the first interpretation."""
    def emit(
        self, target: Literal["canonical", "struct", "cpython-3.14", "cpython-3.15", "numpy", "cython"] = "canonical"
    ) -> str:
        """Returns a format string that the reader `target` interprets as this layout.

        `target` is "canonical", "struct", "cpython-3.14", "cpython-3.15", "numpy" or "cython". Raises ValueError if
        no format string describes the layout to `target`.
        """
    def to_dtype(self) -> Any:
        """Returns the numpy.dtype with the same offsets, itemsize and values.

        Raises NotImplementedError if NumPy has no dtype for a type of a field.
        """
    def to_ctypes(self, name: str = "Item") -> type[Any]:
        """Returns the ctypes class with the same layout.

        If the item is a record, the class is a structure or a union named `name`. Bit-fields stay bit-fields.
        Raises ValueError if ctypes has no class with this layout, or reads a bit-field from other bits.
        """
    def to_c(self, name: str = "item") -> str:
        """Returns C source that defines a type named `name` with the layout of this format.

        The source also asserts the size of the type and the offset of each field.

        A field with the opposite byte order of the machine becomes an array of bytes with a comment. A bit-field that a
        C compiler would place at other bits becomes an array of bytes too.
        """
    def to_rust(self, name: str = "Item") -> str:
        """Returns Rust source that defines a type named `name` with the layout of this format.

        The source also asserts the size of the type and the offset of each field.
        """
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Format: ...
    def __deepcopy__(self, _memo: object) -> Format: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def _repr_html_(self) -> str:
        """Returns a picture of the bytes of each interpretation as HTML, for notebooks."""
    def _tree(self) -> dict[str, Any]:
        """Returns the layout as a dict. `_restore` converts the dict to a format. Only `pep3118.records` calls this
        method.
        """
    @classmethod
    def _restore(cls, tree: dict[str, Any], dialect: str, model: str) -> Format:
        """Returns the format with the layout `tree`, a dict from `_tree`. `dialect` and `model` are names. Only
        `pickle` and `pep3118.records` call this method.
        """

@final
class Difference:
    """The result of comparing two formats: the first difference, and the level of equivalence."""
    @property
    def equivalence(self) -> Literal["text", "scalars", "layout-ignoring-names", "bytes-after-swap"] | None:
        """The highest level of equivalence, or None if the formats are not equivalent.

        - "text": the format strings have the same tokens.
        - "scalars": the same bytes are the same values under the same names.
        - "layout-ignoring-names": the same bytes are the same values.
        - "bytes-after-swap": the bytes are the same values after a change of the byte order.
        """
    @property
    def difference(self) -> str | None:
        """The first difference in one sentence, or None if the formats have the same values under the same names."""
    def __bool__(self) -> bool: ...

def diff(a: _Layout, b: _Layout) -> Difference:
    """Compares the layouts of the formats `a` and `b`.

    A string is interpreted in the dialect pep3118 for this machine.
    """

def layout_of(obj: Any) -> Format:
    """Returns the format of the items of `obj`, which exports a buffer, or the format with the layout that `obj`
    describes: a str, a Format, a numpy.dtype, a ctypes class or a record class. A bytes object is a buffer and not a
    format.

    If the type of `obj` defines the layout of the items (NumPy, ctypes, array, bytes), the format has this layout.
    Otherwise the layout is computed from the format and the itemsize of the buffer. If the module that defines the type
    is known, for example Cython, the dialect of this module is used.
    """

# struct and NumPy
def dtype_from_pep3118(spec: str | bytes, /) -> numpy.dtype[Any]:
    """Returns the dtype for the format `spec`.

    For every format that NumPy accepts, the dtype is the same as in NumPy. The function accepts more formats than
    NumPy. The docstring of the module pep3118.numpy lists the exceptions.

    Raises FormatError if the format is invalid, and NotImplementedError if NumPy has no dtype for a type.
    """

_struct: ModuleType
