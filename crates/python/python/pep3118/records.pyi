# The names of the field types are lower case, as the names of C types are.
# ruff: noqa: PYI042
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, SupportsIndex, TypeAlias, TypeVar, final, overload

from typing_extensions import Buffer, dataclass_transform

from ._pep3118 import Format

_T = TypeVar("_T")
_V = TypeVar("_V")
_Order: TypeAlias = Literal["<", ">", "=", "!"]

@final
class FieldType:
    align: int
    size: int
    def __init__(self, name: str, type: str, size: int, align: int, lengths: tuple[int, ...] = ()) -> None: ...
    def __getitem__(self, lengths: Any) -> FieldType: ...

# Type checkers read `id: u16` as `id: int`. At run time, the names of field types are objects of FieldType.
i8: TypeAlias = Annotated[int, "int8"]
u8: TypeAlias = Annotated[int, "uint8"]
i16: TypeAlias = Annotated[int, "int16"]
u16: TypeAlias = Annotated[int, "uint16"]
i32: TypeAlias = Annotated[int, "int32"]
u32: TypeAlias = Annotated[int, "uint32"]
i64: TypeAlias = Annotated[int, "int64"]
u64: TypeAlias = Annotated[int, "uint64"]
isize: TypeAlias = Annotated[int, "ssize_t"]
usize: TypeAlias = Annotated[int, "size_t"]
f16: TypeAlias = Annotated[float, "float16"]
f32: TypeAlias = Annotated[float, "float32"]
f64: TypeAlias = Annotated[float, "float64"]
complex64: TypeAlias = Annotated[complex, "complex64"]
complex128: TypeAlias = Annotated[complex, "complex128"]
bool_: TypeAlias = Annotated[bool, "bool"]

# Type checkers read a field of the type `char[8]` as `bytes`. Pyright accepts any subscript of a class with
# `__class_getitem__`. The type of the attribute is the type that `__get__` returns.
class _Value(Generic[_V]):
    @overload
    def __get__(self, record: None, cls: type[Any], /) -> Any: ...
    @overload
    def __get__(self, record: object, cls: type[Any], /) -> _V: ...
    def __set__(self, record: Any, value: _V, /) -> None: ...

@final
class char(_Value[bytes]):
    def __class_getitem__(cls, lengths: Any, /) -> Any: ...

@final
class bits(_Value[int]):
    def __class_getitem__(cls, arguments: Any, /) -> Any: ...

@final
class wchar(_Value[str]):
    def __class_getitem__(cls, lengths: Any, /) -> Any: ...

@final
class ucs2(_Value[str]):
    def __class_getitem__(cls, lengths: Any, /) -> Any: ...

@final
class ucs4(_Value[str]):
    def __class_getitem__(cls, lengths: Any, /) -> Any: ...

@dataclass_transform(frozen_default=True, eq_default=True)
class Record:
    """The base class of record classes.

    `class Tick(Record, order="<")` declares the same class as `@record(order="<")` above `class Tick`. Type checkers
    know the methods of a class that is derived from `Record`.

    A record is a tuple whose elements are the values of the fields. An array is a list. A nested record is a record.
    """

    format: ClassVar[str]
    itemsize: ClassVar[int]
    _fields: ClassVar[tuple[str, ...]]
    _field_defaults: ClassVar[dict[str, object]]
    __pep3118_format__: ClassVar[Format]

    def __init_subclass__(cls, order: _Order = "=", align: bool = False) -> None: ...
    def __class_getitem__(cls, shape: Any) -> Any:
        """Returns the type of a field that is an array of records: `Point[3]`."""
    @classmethod
    def unpack(cls, buffer: Buffer, /) -> Self:
        """Returns the record in `buffer`. The size of `buffer` must be the size of one record."""
    @classmethod
    def unpack_from(cls, buffer: Buffer, offset: int = 0) -> Self:
        """Returns the record at byte `offset` of `buffer`. A negative offset counts from the end."""
    @classmethod
    def iter_unpack(cls, buffer: Buffer, /) -> Iterator[Self]:
        """Returns an iterator over the records of `buffer`, whose size must be a multiple of the size of a record."""
    def pack(self) -> bytes:
        """Returns the bytes of the record. Raises struct.error if a value does not fit its field."""
    def pack_into(self, buffer: Buffer, offset: int = 0) -> None:
        """Writes the record to byte `offset` of `buffer`. If a value does not fit, `buffer` does not change."""
    @staticmethod
    def from_c(source: str, name: str | None = None) -> type[_RecordOfFormat]:
        """Returns the record class with the layout of a C type in `source` on this machine.

        `name` is the tag or the typedef of the C type. By default, the type is the last structure of `source`.

        Type checkers do not know the fields of the class, except mypy with the plugin `pep3118.mypy`. The command
        `pep3118 emit --c FILE --to python-record` writes a class whose fields every type checker knows.
        """
    @staticmethod
    def from_format(format: Format, name: str = "Record") -> type[_RecordOfFormat]:
        """Returns the record class named `name` with the layout of `format`, a Format."""
    @classmethod
    def _make(cls, values: Any) -> Self:
        """Returns a record with the values of the iterable `values`."""
    def _asdict(self) -> dict[str, Any]:
        """Returns a dict of the values by the names of the fields."""
    def _replace(self, /, **values: Any) -> Self:
        """Returns a record with other values for the fields in `values`."""
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    @overload
    def __getitem__(self, key: SupportsIndex, /) -> Any: ...
    @overload
    def __getitem__(self, key: slice, /) -> tuple[Any, ...]: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def __getnewargs__(self) -> tuple[Any, ...]: ...

# Type checkers accept all arguments and all attributes of a class that `Record.from_c` or `Record.from_format` returns.
@final
class _RecordOfFormat(Record):
    def __init__(self, *values: Any, **fields: Any) -> None: ...
    def __getattr__(self, name: str, /) -> Any: ...

@overload
@dataclass_transform(frozen_default=True, eq_default=True)
def record(cls: type[_T], /, *, order: _Order = "=", align: bool = False) -> type[_T]:
    """Makes `cls` a record class. The annotations of `cls` are the fields of a record.

    - `order`: the byte order of all fields. "<" is little-endian, ">" and "!" are big-endian, and "=" is the order of
      this machine. `@record("<")` means `@record(order="<")`.
    - `align`: whether the record has the alignment and the padding of a C structure. By default, it has no padding.

    A field `bits[u32, 5]` is a bit-field of 5 bits. Adjacent bit-fields share bytes: with `align`, as the C compiler of
    this machine places them, and otherwise as in a packed structure of GCC.

    The class has `format`, `itemsize`, `unpack`, `unpack_from` and `iter_unpack`. Its objects are tuples with `pack`
    and `pack_into`. `View(data, cls)` is a view whose items are objects of the class.
    """

@overload
@dataclass_transform(frozen_default=True, eq_default=True)
def record(
    cls: _Order | None = None, /, *, order: _Order = "=", align: bool = False
) -> Callable[[type[_T]], type[_T]]: ...
def _attribute_name(name: str | None, number: int) -> str: ...
