//! Models of libraries that bind C++ and Rust to Python: pybind11, nanobind, PyO3.

use alloc::format;
use alloc::string::String;

use super::consumer_layout::{ConsumerLayout, scalar, widened};
use super::numpy;
use super::query::{Accepted, Query, ReadResult};
use pep3118::__private::abridge;
use pep3118::Endian;
use pep3118::layout::{Scalar, Type};

/// Models pybind11's `py::array`.
///
/// pybind11 calls NumPy's parser without NumPy's preparation, and therefore refuses white space and `n`.
/// pybind11 uses the itemsize and does not compare the itemsize with the format.
pub(super) fn pybind11(query: &Query<'_>) -> ReadResult {
    let text = core::str::from_utf8(query.format).map_err(|_| String::from("format is not UTF-8"))?;
    let numpy::Dtype { mut layout, is_record } = numpy::dtype(text, query.model)?;
    if let Some(itemsize) = query.itemsize
        && is_record
        && itemsize > 0
    {
        if itemsize < layout.size && layout.end() > itemsize {
            return Err(format!("itemsize is {itemsize} bytes, too few for the fields"));
        }
        layout.size = itemsize;
    }
    let exact = matches!(
        query.format,
        [b'?' | b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'q' | b'Q' | b'f' | b'd' | b'l' | b'L' | b'g']
    ) || matches!(query.format, [b'Z', b'f' | b'd' | b'g']);
    let note = (!exact && layout.is_scalar()).then_some("as py::array; a request by type compares the exact text");
    Ok(Accepted { layout, note })
}

/// Models nanobind's `nb::ndarray`. An accepted format has at most one byte-order character and one format
/// character. The itemsize determines the size of the type.
pub(super) fn nanobind(query: &Query<'_>) -> ReadResult {
    let rest = match (query.format, query.model.endian) {
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
    let kind = if known { scalar(rest, true, query.model) } else { None };
    let Some(kind) = kind else {
        return Err(match rest.first() {
            Some(b'<' | b'>' | b'!') => String::from("byte order of another machine"),
            _ => format!("format `{}` is not supported", excerpt(rest)),
        });
    };
    let itemsize = query.itemsize.unwrap_or(kind.size);
    match widened(kind, itemsize) {
        Some(scalar) => Ok(ConsumerLayout::scalar(scalar).into()),
        // nanobind accepts a size that no type has, but cannot access an element of that size.
        None => Ok(Accepted { layout: ConsumerLayout::opaque(itemsize), note: None }),
    }
}

/// Models PyO3's `PyBuffer<T>`. PyO3 accepts a format if a Rust type `T` has the kind of the format character
/// and the itemsize. PyO3 treats `@`, `=` and `>` as native on every machine.
pub(super) fn pybuffer(query: &Query<'_>) -> ReadResult {
    let (native, code) = match query.format {
        [code] | [b'@', code] => (true, *code),
        [b'=' | b'>', code] => (false, *code),
        [b'!', code] if query.model.endian == Endian::Big => (false, *code),
        [b'<' | b'!', _] => return Err(String::from("byte order is treated as that of another machine")),
        _ => return Err(String::from("only single format characters are supported")),
    };
    let unknown = || format!("no element type for format character `{}`", excerpt(&[code]));
    if !b"cbBhHiIlLqQnNfd".contains(&code) {
        return Err(unknown());
    }
    let found = scalar(&[code], native, query.model).ok_or_else(unknown)?;
    let found = if found.ty == Type::Char { Scalar { ty: Type::UInt8, ..found } } else { found };
    match query.itemsize {
        Some(itemsize) if itemsize != found.size => {
            Err(format!("itemsize is {itemsize} bytes, {} has {}", found.ty, found.size))
        }
        _ => Ok(ConsumerLayout::scalar(found).into()),
    }
}

/// Returns at most the first 24 bytes of a format for a message.
pub(super) fn excerpt(format: &[u8]) -> String {
    abridge(format, 24).into_owned()
}
