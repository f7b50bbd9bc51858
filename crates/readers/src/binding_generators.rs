//! Models of pybind11, nanobind and PyO3: predict how C++ and Rust extension modules read a format.

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
/// pybind11 calls NumPy's internal parser directly. NumPy itself first removes white space and reads `n`
/// without the parser, so pybind11 refuses white space and `n`. For a dtype without fields, pybind11 ignores
/// the itemsize. For a dtype with fields, pybind11 uses the itemsize as size of the dtype and returns an
/// error if a field does not fit.
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

/// Models nanobind's `nb::ndarray`. nanobind accepts at most one byte-order character of this machine, an
/// optional `Z` and one format character. The format character determines the kind of number, and the
/// itemsize determines the size of the number.
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
        // nanobind accepts an itemsize that no C type of this kind has. The elements of such an array cannot
        // be read.
        None => Ok(Accepted { layout: ConsumerLayout::opaque(itemsize), note: None }),
    }
}

/// Models PyO3's `PyBuffer<T>`. PyO3 accepts a format if there is a Rust type `T` with the kind of number of
/// the format character and with the size `itemsize`. PyO3 reads numbers after `@`, `=` and `>` in the byte
/// order of the machine, even if `>` is not the byte order of the machine.
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

/// Returns `format` as escaped text for a message. The text ends after the first 24 bytes of `format`.
pub(super) fn excerpt(format: &[u8]) -> String {
    abridge(format, 24).into_owned()
}
