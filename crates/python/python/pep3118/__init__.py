"""Read, check and export memory that Python objects share through the buffer protocol (PEP 3118)."""

from ._pep3118 import (
    BufferRuleError,
    CastError,
    Difference,
    Exporter,
    Field,
    FieldNameError,
    Finding,
    Format,
    FormatError,
    IndexCountError,
    Report,
    SelectionError,
    View,
    __version__,
    audit,
    calcsize,
    check,
    diff,
    layout_of,
    register_type,
)

# `__getattr__` imports `records` when a name of `records` is first used. `records` imports `typing`, and this import
# takes as long as a short command of `pep3118`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from .records import (
        Record,
        bits,
        bool_,
        char,
        complex64,
        complex128,
        f16,
        f32,
        f64,
        i8,
        i16,
        i32,
        i64,
        isize,
        record,
        u8,
        u16,
        u32,
        u64,
        ucs2,
        ucs4,
        usize,
        wchar,
    )

__all__ = [
    "BufferRuleError",
    "CastError",
    "Difference",
    "Exporter",
    "Field",
    "FieldNameError",
    "Finding",
    "Format",
    "FormatError",
    "IndexCountError",
    "Record",
    "Report",
    "SelectionError",
    "View",
    "__version__",
    "audit",
    "bits",
    "bool_",
    "calcsize",
    "char",
    "check",
    "complex64",
    "complex128",
    "diff",
    "f16",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "isize",
    "layout_of",
    "record",
    "register_type",
    "u8",
    "u16",
    "u32",
    "u64",
    "ucs2",
    "ucs4",
    "usize",
    "wchar",
]

if not TYPE_CHECKING:
    _RECORDS = frozenset(
        "Record bits bool_ char complex64 complex128 f16 f32 f64 i8 i16 i32 i64 "
        "isize record u8 u16 u32 u64 ucs2 ucs4 usize wchar".split()
    )

    def __getattr__(name: str) -> object:
        """Returns the attribute `name` of the module `records`.

        The first call imports `records` and adds all its public names to this module. Raises AttributeError if
        `records` has no such public name.
        """
        if name not in _RECORDS:
            raise AttributeError(f"module 'pep3118' has no attribute {name!r}")
        from . import records

        globals().update((name, getattr(records, name)) for name in _RECORDS)
        return globals()[name]

    def __dir__() -> list[str]:
        """Returns the names of this module and the public names of `records`."""
        return sorted({*globals(), *_RECORDS})
