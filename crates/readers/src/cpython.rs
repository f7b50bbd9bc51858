//! `struct` and `memoryview`, of CPython and PyPy.

use alloc::format;
use alloc::string::{String, ToString};

use super::answer::{Query, ReadResult};
use super::interpretation::{Taken, scalar};
use pep3118::__private::escape;
use pep3118::format::Code;
use pep3118::layout::{Codes, Dialect, Layout, WideChar};

/// PyPy's `struct`: CPython 3.11's, and `u` is a native `wchar_t`.
pub(super) const PYPY: Dialect = Dialect {
    name: "pypy",
    codes: with_wide_char(Dialect::STRUCT_3_13.codes),
    wide_char: WideChar::Wchar,
    ..Dialect::STRUCT_3_13
};

const fn with_wide_char(codes: Codes) -> Codes {
    codes.with(&[Code::Ucs2])
}

/// `struct.calcsize` and what `struct.unpack` makes of that many bytes.
pub(super) fn calcsize(asked: &Query<'_>, dialect: &Dialect) -> ReadResult {
    match Layout::read(asked.format, dialect, asked.model) {
        Ok(layout) => Ok(Taken::of(&layout).into()),
        Err(error) => Err(error.to_string()),
    }
}

/// Which format characters `memoryview` has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Without `e`.
    Before312,
    /// With `e`.
    From312,
    /// With `Zf` and `Zd`.
    From315,
}

/// Indexing a memoryview: one native format character, with or without `@`. It looks at no itemsize.
pub(super) fn memoryview(asked: &Query<'_>, view: View) -> ReadResult {
    let code = asked.format.strip_prefix(b"@").unwrap_or(asked.format);
    let known = match code {
        [byte] => match byte {
            b'e' => view != View::Before312,
            byte => b"?cbBhHiIlLqQnNfdP".contains(byte),
        },
        b"Zf" | b"Zd" => view == View::From315,
        _ => false,
    };
    match scalar(code, true, asked.model) {
        Some(scalar) if known => Ok(Taken::scalar(scalar).into()),
        _ => Err(view_refusal(code)),
    }
}

fn view_refusal(code: &[u8]) -> String {
    match code {
        [b'e'] => String::from("format character `e` is read from Python 3.12 on"),
        b"Zf" | b"Zd" => String::from("complex numbers are read from Python 3.15 on"),
        [byte] => format!("format character `{}` is not supported", escape(&[*byte])),
        [] => String::from("no format character"),
        [b'=' | b'<' | b'>' | b'!', ..] => String::from("only native formats are supported"),
        _ => String::from("only single format characters are supported"),
    }
}
