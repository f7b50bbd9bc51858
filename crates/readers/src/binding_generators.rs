//! Models of pybind11, nanobind and PyO3, the binding generators of C++ and Rust extension modules: predict the layout
//! that such a module reads from a format.

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
/// pybind11 calls NumPy's internal parser directly. The parser supports neither white space nor `n`, so pybind11
/// refuses both. (`numpy.asarray` removes white space and reads `n` before it calls the parser.) For a dtype without
/// fields, pybind11 ignores the itemsize. For a dtype with fields, pybind11 uses the itemsize as the size of the dtype.
/// Returns an error if the parser refuses the format, or if a field ends after the itemsize.
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

/// Models nanobind's `nb::ndarray`. nanobind accepts at most one byte-order character of this machine, an optional `Z`
/// and one format character. The format character determines the kind of number, and the itemsize determines the size
/// of the number. Returns an error for other formats.
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
        // nanobind also accepts an itemsize for which no number of this kind exists, such as 3 bytes. The elements of
        // such an array cannot be read, so the model returns an item without a type.
        None => Ok(Accepted { layout: ConsumerLayout::opaque(itemsize), note: None }),
    }
}

/// Models PyO3's `PyBuffer<T>`. PyO3 accepts a format if a Rust type `T` has the size `itemsize` and is the kind of
/// number that the format character declares. PyO3 reads numbers after `@`, `=` and `>` in the byte order of the
/// machine. On a little-endian machine, the values after `>` are therefore wrong. Returns an error if no Rust type
/// fits.
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

/// Returns the first 24 bytes of `format` as escaped text for a message, with `...` if `format` is longer.
pub(super) fn excerpt(format: &[u8]) -> String {
    abridge(format, 24).into_owned()
}
