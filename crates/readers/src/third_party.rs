//! Models of mpi4py, numba, pygame, nanoarrow, JPype, USD, simsimd and numkong: predict the layout that each library
//! reads from a format. Each library supports a fixed list of formats.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::binding_generators::excerpt;
use super::consumer_layout::{ConsumerLayout, ScalarArray, scalar, widened};
use super::cpython::{self, Version};
use super::query::{Accepted, Query, ReadResult};
use pep3118::__private::plural;
use pep3118::Endian;
use pep3118::abi::{CType, DataModel};
use pep3118::layout::{Dialect, Scalar, Type, calcsize_in};

/// The maximum of a C int.
const INT_MAX: u64 = 0x7fff_ffff;

/// Models mpi4py. mpi4py removes a byte-order character of this machine and looks up the remaining text in a table of
/// MPI datatypes. mpi4py reads values with the size of the MPI datatype, even if the itemsize differs. Returns an error
/// if the table has no entry, or if the size of the buffer is not a multiple of the size of the datatype.
pub(super) fn mpi4py(query: &Query<'_>) -> ReadResult {
    let (has_byte_order, key) = match (query.format, query.model.endian) {
        ([b'@', key @ ..], _) => (false, key),
        ([b'<', key @ ..], Endian::Little) | ([b'>', key @ ..], Endian::Big) => (true, key),
        ([b'<' | b'>', ..], _) => return Err(String::from("byte order of another machine")),
        (key, _) => (false, key),
    };
    let datatype = mpi_datatype(key, query.model).ok_or_else(|| format!("no MPI datatype for `{}`", excerpt(key)))?;
    // The behaviour of mpi4py was recorded with buffers of two items. mpi4py refuses a buffer with a size that is not a
    // multiple of the size of the datatype.
    let itemsize = query.itemsize_or_described().unwrap_or(datatype.size);
    let remainder = itemsize.saturating_mul(2).checked_rem(datatype.size);
    if remainder.is_some_and(|remainder| remainder > 0) {
        let (item, datatype) = (plural(itemsize, "byte"), plural(datatype.size, "byte"));
        return Err(format!("itemsize is {item}, the MPI datatype has {datatype}"));
    }
    let note = (has_byte_order && matches!(key, [b'l' | b'L' | b'n' | b'N' | b'g'])).then_some("of native size");
    Ok(Accepted { layout: ConsumerLayout::scalar(datatype), note })
}

/// Returns the MPI datatype for the text `key` in mpi4py's table, with the sizes of MPICH on the machine
/// `model`. `key` is a format character, a type character of NumPy (`F`) or a type string of NumPy (`c16`).
/// Returns `None` if the table has no entry for `key`, or if the entry has no datatype.
fn mpi_datatype(key: &[u8], model: &DataModel) -> Option<Scalar> {
    let unit = |ty, size| Some(Scalar { ty, size, endian: model.endian });
    let long_double = model.size_of(CType::LongDouble);
    match key {
        b"s" | b"1s" | b"S" | b"S1" | b"a" => unit(Type::Char, 1),
        b"p" => scalar(b"n", true, model),
        b"P" => scalar(b"N", true, model),
        b"u" | b"1u" => unit(Type::UInt16, 2),
        b"w" | b"1w" | b"U" | b"U1" => unit(Type::Ucs4, 4),
        b"M" | b"M8" | b"m" | b"m8" => unit(Type::Int64, 8),
        b"Ze" => None,
        b"f16" if long_double == 16 => scalar(b"g", true, model),
        b"f12" if long_double == 12 => scalar(b"g", true, model),
        b"c32" if long_double == 16 => scalar(b"Zg", true, model),
        b"c24" if long_double == 12 => scalar(b"Zg", true, model),
        [
            b'?' | b'c' | b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'l' | b'L' | b'q' | b'Q' | b'n' | b'N' | b'e'
            | b'f' | b'd' | b'g' | b'F' | b'D' | b'G',
        ]
        | [b'Z', _] => scalar(key, true, model),
        _ => type_string(key, model),
    }
}

/// Returns the type of `text`, a type string of NumPy without a byte-order character, such as `i4` or `c16`. The type
/// has the byte order of `model`. Returns `None` if `text` is not the type string of a number.
fn type_string(text: &[u8], model: &DataModel) -> Option<Scalar> {
    let (ty, size) = match text {
        b"b1" => (Type::Bool, 1),
        b"i1" => (Type::Int8, 1),
        b"i2" => (Type::Int16, 2),
        b"i4" => (Type::Int32, 4),
        b"i8" => (Type::Int64, 8),
        b"u1" => (Type::UInt8, 1),
        b"u2" => (Type::UInt16, 2),
        b"u4" => (Type::UInt32, 4),
        b"u8" => (Type::UInt64, 8),
        b"f2" => (Type::Float16, 2),
        b"f4" => (Type::Float32, 4),
        b"f8" => (Type::Float64, 8),
        b"c8" => (Type::Complex64, 8),
        b"c16" => (Type::Complex128, 16),
        _ => return None,
    };
    Some(Scalar { ty, size, endian: model.endian })
}

/// Models numba. For an integer, numba accepts one format character and takes the size from the itemsize. For `f`, `d`,
/// `Zf` and `Zd`, numba accepts any number of preceding `=`. Returns an error for other formats.
pub(super) fn numba(query: &Query<'_>) -> ReadResult {
    let unsupported = || format!("format `{}` is not supported", excerpt(query.format));
    if let [code] = query.format
        && b"bBhHiIlLqQnN".contains(code)
    {
        let kind = scalar(&[*code], true, query.model).ok_or_else(unsupported)?;
        let itemsize = query.itemsize.unwrap_or(kind.size);
        // numba also accepts an itemsize for which no integer type exists, such as 3 bytes. An array of such items
        // supports no operations, so the model returns items without a type.
        return Ok(widened(kind, itemsize).map_or(ConsumerLayout::opaque(itemsize), ConsumerLayout::scalar).into());
    }
    let start = query.format.iter().position(|byte| *byte != b'=').unwrap_or(query.format.len());
    match query.format.get(start..) {
        Some(code @ (b"f" | b"d" | b"Zf" | b"Zd")) => {
            Ok(ConsumerLayout::scalar(scalar(code, true, query.model).ok_or_else(unsupported)?).into())
        }
        _ => Err(unsupported()),
    }
}

/// Models pygame. pygame accepts one number or padding. The format character determines the kind of number, and the
/// itemsize determines the size. pygame reads padding (`x`, or `2x` to `9x`) and a number with the count 1 (`1i`) as
/// bytes without a type. Returns an error for other formats, such as `3i`.
pub(super) fn pygame(query: &Query<'_>) -> ReadResult {
    let (order, rest) = match query.format {
        [order @ (b'@' | b'=' | b'<' | b'>' | b'!'), rest @ ..] => (Some(*order), rest),
        rest => (None, rest),
    };
    let counted = match rest {
        [b'1', item @ ..] => item,
        [b'2'..=b'9', item @ ..] if item.first() == Some(&b'x') => item,
        item => item,
    };
    match counted {
        [code, ..] if !b"bBhHiIlLqQfdx".contains(code) => {
            return Err(String::from("the format is not an array element type of pygame"));
        }
        [] => return Err(String::from("the format is not an array element type of pygame")),
        [_] => {}
        _ => return Err(String::from("arrays of records are not supported")),
    }
    let itemsize = query.itemsize_or_described().ok_or_else(|| String::from("the format has no size"))?;
    let endian = match order {
        Some(b'<') => Endian::Little,
        Some(b'>' | b'!') => Endian::Big,
        _ => query.model.endian,
    };
    // pygame does not find the format character after a count, and reads the item as bytes without a type.
    let kind = match rest {
        [code] if *code != b'x' => scalar(&[*code], true, query.model),
        _ => None,
    };
    let found = kind.and_then(|kind| widened(kind, itemsize)).map(|kind| Scalar { endian, ..kind });
    Ok(found.map_or(ConsumerLayout::opaque(itemsize), ConsumerLayout::scalar).into())
}

/// Models nanoarrow, which calls `struct.calcsize`. nanoarrow reads a number if the format is one format character
/// with or without `=` or `@`. nanoarrow reads other formats as bytes without a type. Returns an error if
/// `struct.calcsize` fails, if the size does not fit a C int, or if the byte order differs from the byte order of the
/// machine.
pub(super) fn nanoarrow(query: &Query<'_>) -> ReadResult {
    let size = calcsize_in(query.format, &Dialect::STRUCT_3_13, query.model).map_err(|error| error.to_string())?;
    if size > INT_MAX {
        return Err(format!("itemsize {size} does not fit a C int"));
    }
    let foreign = match query.model.endian {
        Endian::Little => query.format.iter().any(|byte| matches!(byte, b'>' | b'!')),
        Endian::Big => query.format.contains(&b'<'),
    };
    if foreign {
        return Err(String::from("byte order of another machine"));
    }
    let (native, code) = match query.format {
        [b'=', code @ ..] => (false, code),
        [b'@', code @ ..] => (true, code),
        code => (true, code),
    };
    let kind = match code {
        [code] if b"bhilqnBHILQN?efdc".contains(code) => scalar(&[*code], native, query.model),
        _ => None,
    };
    Ok(match kind {
        Some(Scalar { ty: Type::Bool, endian, .. }) => {
            let byte = Scalar { ty: Type::UInt8, size: 1, endian };
            Accepted { layout: ConsumerLayout::scalar(byte), note: Some("not as bool") }
        }
        Some(kind) => ConsumerLayout::scalar(kind).into(),
        None => ConsumerLayout::opaque(size).into(),
    })
}

/// Models JPype. JPype reads at most one byte-order character and one format character, and ignores the text
/// after the format character. Returns an error if JPype does not support the format character.
pub(super) fn jpype(query: &Query<'_>) -> ReadResult {
    let (endian, rest) = match query.format {
        [b'<', rest @ ..] => (Endian::Little, rest),
        [b'>' | b'!', rest @ ..] => (Endian::Big, rest),
        [b'@' | b'=', rest @ ..] => (query.model.endian, rest),
        rest => (query.model.endian, rest),
    };
    let wide = query.itemsize_or_described() == Some(8);
    let unable = || format!("buffer type `{}` is not handled", excerpt(rest));
    let code = *rest.first().ok_or_else(unable)?;
    let native = match code {
        b'n' | b'N' => true,
        b'?' | b'c' | b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'l' | b'L' | b'q' | b'Q' | b'f' | b'd' | b'e' => false,
        _ => return Err(unable()),
    };
    let code = match code {
        b'l' if wide => b'q',
        b'L' if wide => b'Q',
        b'?' | b'c' => b'b',
        code => code,
    };
    let found = scalar(&[code], native, query.model).ok_or_else(unable)?;
    let layout = ConsumerLayout::scalar(Scalar { endian, ..found });
    let is_swapped_half = code == b'e' && endian != query.model.endian;
    if is_swapped_half {
        // For this type, JPype reverses four bytes instead of two bytes. The value therefore comes from the two bytes
        // after the item.
        return Ok(ConsumerLayout::new(2, Vec::from([ScalarArray::new(2, Scalar { endian, ..found })])).into());
    }
    Ok(layout.into())
}

/// Models USD's `Vt` arrays. USD reads the values by indexing a memoryview, and accepts only numbers. The behaviour
/// was recorded with Python 3.11. Returns an error if the memoryview does not support the format, and for the format
/// `c`.
pub(super) fn usd_vt(query: &Query<'_>) -> ReadResult {
    let accepted = cpython::memoryview(query, Version::Before312)?;
    if matches!(query.format, [b'c'] | [b'@', b'c']) {
        return Err(String::from("bytes cannot be converted to a number"));
    }
    Ok(accepted)
}

/// Returns `true` if simsimd and numkong use `l` for integers of 4 bytes and `q` for integers of 8 bytes on the
/// machine `model`. Returns `false` if both libraries use `i` for 4 bytes and `l` for 8 bytes.
const fn has_short_long(model: &DataModel) -> bool {
    model.long == 4
}

/// Models simsimd, which looks up the whole format in a table. The only byte-order characters in the table are `<` and
/// `|`. A format character has the same size with and without `<`. Returns an error if the table has no entry.
pub(super) fn simsimd(query: &Query<'_>) -> ReadResult {
    let model = query.model;
    simsimd_table(query, has_short_long(model) && (model.pointer == 8 || model.double_align.bytes() == 4))
}

/// Models numkong, which looks up the format in the same table as simsimd. Returns an error if the table has no entry.
pub(super) fn numkong(query: &Query<'_>) -> ReadResult {
    simsimd_table(query, has_short_long(query.model))
}

/// Looks up the format of `query` in the table of simsimd and numkong. The libraries ignore the itemsize. `short_long`
/// selects the characters for integers, see [`has_short_long`]. Returns an error if the table has no entry.
fn simsimd_table(query: &Query<'_>, short_long: bool) -> ReadResult {
    let model = query.model;
    let (order, code) = match query.format {
        [order @ (b'<' | b'|'), code @ ..] => (Some(*order), code),
        code => (None, code),
    };
    let is_sized = matches!(code, [b'i' | b'u', b'1' | b'2' | b'4' | b'8']);
    let found = match (order, code) {
        (Some(b'|'), _) if !is_sized => None,
        (_, [code @ (b'i' | b'I' | b'l' | b'L' | b'q' | b'Q')]) => {
            // The table has one character for each integer size: the usual character of the platform.
            let (four, eight) = if short_long { (b'l', b'q') } else { (b'i', b'l') };
            let four = (code.to_ascii_lowercase() == four).then_some(4_u64);
            let size = four.or_else(|| (code.to_ascii_lowercase() == eight).then_some(8));
            let kind = scalar(&[*code], true, model);
            kind.zip(size).and_then(|(kind, size)| widened(kind, size))
        }
        (_, [b'f' | b'e' | b'd' | b'b' | b'B' | b'h' | b'H' | b'F' | b'D']) => scalar(code, true, model),
        (_, b"F4") => scalar(b"Zf", true, model),
        (_, b"F8") => scalar(b"Zd", true, model),
        (_, b"E" | b"F2") => scalar(b"Ze", true, model),
        (None, b"Zf" | b"Zd" | b"Ze") => scalar(code, true, model),
        (None, b"?") => Some(Scalar { ty: Type::Bits, size: 1, endian: model.endian }),
        (_, [b'f', b'2' | b'4' | b'8']) => type_string(code, model),
        _ if is_sized => type_string(code, model),
        (None, name) => type_name(name, model),
        _ => None,
    };
    let found = found.ok_or_else(|| format!("no data type for `{}`", excerpt(query.format)))?;
    Ok(ConsumerLayout::scalar(found).into())
}

/// Returns the type with the name `name`, such as `int32` or `bf16`. simsimd and numkong use these names as formats.
/// The type has the byte order of the machine `model`. Returns `None` if the table of the libraries does not contain
/// `name`.
fn type_name(name: &[u8], model: &DataModel) -> Option<Scalar> {
    let (ty, size) = match name {
        b"int8" => (Type::Int8, 1),
        b"int16" => (Type::Int16, 2),
        b"int32" => (Type::Int32, 4),
        b"int64" => (Type::Int64, 8),
        b"uint8" => (Type::UInt8, 1),
        b"uint16" => (Type::UInt16, 2),
        b"uint32" => (Type::UInt32, 4),
        b"uint64" => (Type::UInt64, 8),
        b"float16" | b"f16" => (Type::Float16, 2),
        b"float32" | b"f32" => (Type::Float32, 4),
        b"float64" | b"f64" => (Type::Float64, 8),
        b"complex32" => (Type::Complex32, 4),
        b"complex64" => (Type::Complex64, 8),
        b"complex128" => (Type::Complex128, 16),
        b"bfloat16" | b"bf16" => (Type::Opaque, 2),
        b"e4m3" | b"e5m2" => (Type::Opaque, 1),
        b"bfloat16c" | b"bf16c" | b"bcomplex32" => (Type::Opaque, 4),
        _ => return None,
    };
    Some(Scalar { ty, size, endian: model.endian })
}
