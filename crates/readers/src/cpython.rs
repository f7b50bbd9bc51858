//! Models of the `struct` modules of CPython and PyPy, and of CPython's `memoryview`: predict the layout that they read
//! from a format.

use alloc::format;
use alloc::string::{String, ToString};

use super::consumer_layout::{ConsumerLayout, scalar};
use super::query::{Query, ReadResult};
use pep3118::__private::escape;
use pep3118::format::Code;
use pep3118::layout::{Codes, Dialect, Layout, WideChar};

/// The dialect of PyPy's `struct`: the dialect of CPython 3.11 with the additional format character `u`, a
/// native `wchar_t`.
pub(super) const PYPY: Dialect = {
    let mut dialect = Dialect::STRUCT_3_13;
    dialect.name = "pypy";
    dialect.codes = with_wide_char(dialect.codes);
    dialect.wide_char = WideChar::Wchar;
    dialect
};

/// Returns `codes` with the additional format character `u`.
const fn with_wide_char(codes: Codes) -> Codes {
    codes.with(&[Code::Ucs2])
}

/// Models `struct.calcsize` and `struct.unpack`. `dialect` has the rules of one version of `struct`. The result is the
/// layout of the values that `struct.unpack` returns. The size of the item is the result of `struct.calcsize`. Returns
/// an error if `struct.calcsize` raises an error.
pub(super) fn calcsize(query: &Query<'_>, dialect: &Dialect) -> ReadResult {
    match Layout::read(query.format, dialect, query.model) {
        Ok(layout) => Ok(ConsumerLayout::of(&layout).into()),
        Err(error) => Err(error.to_string()),
    }
}

/// The versions of `memoryview`, which differ in the supported format characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Python 3.11. `e`, `Zf` and `Zd` are not supported.
    Before312,
    /// Python 3.12 to 3.14. `e` is supported, but `Zf` and `Zd` are not.
    From312,
    /// Python 3.15 and newer. `e`, `Zf` and `Zd` are supported.
    From315,
}

/// Models the indexing of a memoryview of Python `version`. A memoryview accepts one native format character (from
/// Python 3.15 on also `Zf` and `Zd`) with or without `@`. A memoryview ignores the itemsize. Returns an error for
/// every other format.
pub(super) fn memoryview(query: &Query<'_>, version: Version) -> ReadResult {
    let code = query.format.strip_prefix(b"@").unwrap_or(query.format);
    let known = match code {
        [byte] => match byte {
            b'e' => version != Version::Before312,
            byte => b"?cbBhHiIlLqQnNfdP".contains(byte),
        },
        b"Zf" | b"Zd" => version == Version::From315,
        _ => false,
    };
    match scalar(code, true, query.model) {
        Some(scalar) if known => Ok(ConsumerLayout::scalar(scalar).into()),
        _ => Err(memoryview_refusal(code)),
    }
}

/// Returns the reason why a memoryview refuses the format `code`. A leading `@` must be removed from `code`.
fn memoryview_refusal(code: &[u8]) -> String {
    match code {
        [b'e'] => String::from("format character `e` is read from Python 3.12 on"),
        b"Zf" | b"Zd" => String::from("complex numbers are read from Python 3.15 on"),
        [byte] => format!("format character `{}` is not supported", escape(&[*byte])),
        [] => String::from("no format character"),
        [b'=' | b'<' | b'>' | b'!', ..] => String::from("only native formats are supported"),
        _ => String::from("only single format characters are supported"),
    }
}
