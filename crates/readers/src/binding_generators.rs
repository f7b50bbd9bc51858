//! Libraries that bind C++ and Rust: pybind11, nanobind, PyO3.

use alloc::format;
use alloc::string::String;

use super::answer::{Query, ReadResult, Recognition};
use super::interpretation::{Taken, scalar, widened};
use super::numpy;
use pep3118::__private::abridge;
use pep3118::Endian;
use pep3118::layout::{Scalar, Type};

/// `py::array`: NumPy's parser without what NumPy's C entry does before it (no white space, no `n`),
/// and the itemsize believed rather than compared.
pub(super) fn pybind11(asked: &Query<'_>) -> ReadResult {
    let text = core::str::from_utf8(asked.format).map_err(|_| String::from("format is not UTF-8"))?;
    let numpy::Dtype { mut taken, is_record } = numpy::dtype(text, asked.model)?;
    if let Some(itemsize) = asked.itemsize
        && is_record
        && itemsize > 0
    {
        if itemsize < taken.size && taken.reaches() > itemsize {
            return Err(format!("itemsize is {itemsize} bytes, too few for the fields"));
        }
        taken.size = itemsize;
    }
    let exact = matches!(
        asked.format,
        [b'?' | b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'q' | b'Q' | b'f' | b'd' | b'l' | b'L' | b'g']
    ) || matches!(asked.format, [b'Z', b'f' | b'd' | b'g']);
    let note = (!exact && taken.is_scalar()).then_some("as py::array; a request by type compares the exact text");
    Ok(Recognition { taken, note })
}

/// `nb::ndarray`: one byte order character at most, one letter, and the width from the itemsize.
pub(super) fn nanobind(asked: &Query<'_>) -> ReadResult {
    let rest = match (asked.format, asked.model.endian) {
        ([b'@' | b'=', rest @ ..], _)
        | ([b'<', rest @ ..], Endian::Little)
        | ([b'>' | b'!', rest @ ..], Endian::Big) => rest,
        (rest, _) => rest,
    };
    let (complex, code) = match rest {
        [b'Z', code @ ..] => (true, code),
        code => (false, code),
    };
    let known = match code {
        [byte] => {
            if complex {
                b"efd".contains(byte)
            } else {
                b"cbhilqnBHILQNefd?".contains(byte)
            }
        }
        _ => false,
    };
    let kind = if known { scalar(rest, true, asked.model) } else { None };
    let Some(kind) = kind else {
        return Err(match rest.first() {
            Some(b'<' | b'>' | b'!') => String::from("byte order of another machine"),
            _ => format!("`{}` is not one format character that it has", short(rest)),
        });
    };
    let itemsize = asked.itemsize.unwrap_or(kind.size);
    match widened(kind, itemsize) {
        Some(seen) => Ok(Taken::scalar(seen).into()),
        // A dtype with a width that no type has: taken, but no element of it can be named.
        None => Ok(Recognition { taken: Taken::opaque(itemsize), note: None }),
    }
}

/// `PyBuffer<T>`: some type `T` has the format and the itemsize. The byte orders that it takes for
/// native are `@`, `=` and `>`, on every machine.
pub(super) fn pybuffer(asked: &Query<'_>) -> ReadResult {
    let (native, code) = match asked.format {
        [code] | [b'@', code] => (true, *code),
        [b'=' | b'>', code] => (false, *code),
        [b'!', code] if asked.model.endian == Endian::Big => (false, *code),
        [b'<' | b'!', _] => return Err(String::from("byte order is taken for that of another machine")),
        _ => return Err(String::from("only single format characters are known")),
    };
    let unknown = || format!("no element type for format character `{}`", short(&[code]));
    if !b"cbBhHiIlLqQnNfd".contains(&code) {
        return Err(unknown());
    }
    let seen = scalar(&[code], native, asked.model).ok_or_else(unknown)?;
    let seen = if seen.ty == Type::Char { Scalar { ty: Type::UInt8, ..seen } } else { seen };
    match asked.itemsize {
        Some(itemsize) if itemsize != seen.size => {
            Err(format!("itemsize is {itemsize} bytes, {} has {}", seen.ty, seen.size))
        }
        _ => Ok(Taken::scalar(seen).into()),
    }
}

/// The start of a format inside a sentence.
pub(super) fn short(format: &[u8]) -> String {
    abridge(format, 24).into_owned()
}
