//! `Behavior`: the differences between versions of CPython that this package follows.
//!
//! No other file of the package compares the version of the running interpreter.

use std::sync::OnceLock;

use pep3118::layout::Dialect;
use pyo3::prelude::*;

/// The behaviors in which supported versions of CPython differ.
#[derive(Debug)]
pub(crate) struct Behavior {
    /// The dialect of the formats that `struct` accepts.
    pub(crate) dialect: &'static Dialect,
    /// Whether messages of `struct` use words for native integers of one or two bytes: `ubyte` for the format `B`.
    pub(crate) has_integer_words: bool,
    /// Whether `struct.pack("f", 1e300)` returns infinity. Otherwise, the call raises `OverflowError`.
    pub(crate) native_float_becomes_infinite: bool,
    /// How `struct` converts signalling NaNs and payloads of NaNs.
    pub(crate) nans: StructNans,
    /// Whether a tuple contains its elements only, and one thread runs at a time. `false` from CPython 3.14 on: a tuple
    /// also contains its hash, and the package supports builds without the GIL.
    pub(crate) has_plain_tuples: bool,
    /// The result of `Struct.__new__(Struct).format`.
    pub(crate) format_before_init: FormatBeforeInit,
    /// Whether `Struct.__new__` compiles the format. Otherwise, `Struct.__init__` compiles the format.
    pub(crate) new_compiles: bool,
    /// The exception that `struct` raises for a format with a non-ASCII character.
    pub(crate) non_ascii: NonAscii,
    /// The order of the checks in `pack` and `pack_into`. If `true`, the methods check the number of arguments, the
    /// buffer and the offset before the number of values, and errors of arguments have the messages of CPython's
    /// argument parser. If `false`, the methods check the number of values first, and all errors have the messages of
    /// `struct`.
    pub(crate) checks_arguments_first: bool,
    /// Whether error messages of `struct` name a class with its module: `decimal.Decimal` and not `Decimal`.
    pub(crate) has_qualified_names: bool,
}

/// How `struct` converts signalling NaNs and payloads of NaNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StructNans {
    /// `pack` and `unpack` replace the payload of a NaN of `e` by the payload of `float("nan")`, and make a NaN of `f`
    /// quiet.
    Quiet,
    /// NaNs of `e` and `f` are not changed, except that `unpack` makes a NaN of `f` quiet after `@`.
    QuietAfterNative,
    /// NaNs of `e` and `f` are not changed, except that `unpack` makes a NaN of `f` quiet in the byte order of the
    /// machine: after `@`, `=`, and `<` or `>`.
    QuietInHostOrder,
}

/// The result of `Struct.__new__(Struct).format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormatBeforeInit {
    /// The text `""`.
    Empty,
    /// `RuntimeError`.
    RuntimeError,
    /// `AttributeError`.
    AttributeError,
}

/// The exception that `struct` raises for a format with a non-ASCII character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NonAscii {
    /// `UnicodeEncodeError` if the format is a `str` object, and `struct.error` if the format is a `bytes` object.
    EncodeText,
    /// `UnicodeEncodeError`. The class `Struct` raises `struct.error` if the format is a `bytes` object.
    EncodeTextAndBytes,
    /// `ValueError`.
    ValueError,
}

/// CPython 3.11.
const CPYTHON_3_11: Behavior = Behavior {
    dialect: &Dialect::STRUCT_3_13,
    has_integer_words: true,
    native_float_becomes_infinite: true,
    nans: StructNans::Quiet,
    has_plain_tuples: true,
    format_before_init: FormatBeforeInit::Empty,
    new_compiles: false,
    non_ascii: NonAscii::EncodeText,
    checks_arguments_first: false,
    has_qualified_names: false,
};

/// CPython 3.12 and 3.13.
const CPYTHON_3_12: Behavior = Behavior { has_integer_words: false, ..CPYTHON_3_11 };

/// CPython 3.14.
const CPYTHON_3_14: Behavior = Behavior {
    dialect: &Dialect::STRUCT_3_14,
    native_float_becomes_infinite: false,
    nans: StructNans::QuietAfterNative,
    has_plain_tuples: false,
    format_before_init: FormatBeforeInit::RuntimeError,
    non_ascii: NonAscii::EncodeTextAndBytes,
    ..CPYTHON_3_12
};

/// CPython 3.15 and later versions.
const CPYTHON_3_15: Behavior = Behavior {
    dialect: &Dialect::STRUCT,
    nans: StructNans::QuietInHostOrder,
    format_before_init: FormatBeforeInit::AttributeError,
    new_compiles: true,
    non_ascii: NonAscii::ValueError,
    checks_arguments_first: true,
    has_qualified_names: true,
    ..CPYTHON_3_14
};

impl Behavior {
    /// Returns the behaviors of the running interpreter.
    #[inline]
    pub(crate) fn current(py: Python<'_>) -> &'static Self {
        // The initialization runs no Python code. A thread that waits for the initialization may therefore stay
        // attached to the interpreter.
        static CURRENT: OnceLock<&'static Behavior> = OnceLock::new();
        CURRENT.get_or_init(|| match py.version_info() {
            version if version < (3, 12) => &CPYTHON_3_11,
            version if version < (3, 14) => &CPYTHON_3_12,
            version if version < (3, 15) => &CPYTHON_3_14,
            _ => &CPYTHON_3_15,
        })
    }
}
