//! Libraries that match format strings against small tables.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::answer::{Query, ReadResult, Recognition};
use super::binding_generators::short;
use super::cpython::{self, View};
use super::interpretation::{Taken, Value, scalar, widened};
use pep3118::__private::plural;
use pep3118::Endian;
use pep3118::abi::{CType, DataModel};
use pep3118::layout::{Dialect, Scalar, Type, calcsize_in};

const INT_MAX: u64 = 0x7fff_ffff;

/// mpi4py: a byte order character of this machine is dropped, the rest is looked up as it is. What
/// it finds has a size of its own, whatever the itemsize.
pub(super) fn mpi4py(asked: &Query<'_>) -> ReadResult {
    let (marked, key) = match (asked.format, asked.model.endian) {
        ([b'@', key @ ..], _) => (false, key),
        ([b'<', key @ ..], Endian::Little) | ([b'>', key @ ..], Endian::Big) => (true, key),
        ([b'<' | b'>', ..], _) => return Err(String::from("byte order of another machine")),
        (key, _) => (false, key),
    };
    let datatype = mpi_datatype(key, asked.model).ok_or_else(|| format!("no MPI datatype for `{}`", short(key)))?;
    // Recorded with two items, which must make up whole datatypes.
    let itemsize = asked.itemsize_or_natural().unwrap_or(datatype.size);
    let left = itemsize.saturating_mul(2).checked_rem(datatype.size);
    if left.is_some_and(|left| left > 0) {
        let (item, datatype) = (plural(itemsize, "byte"), plural(datatype.size, "byte"));
        return Err(format!("itemsize is {item}, the MPI datatype has {datatype}"));
    }
    let note = (marked && matches!(key, [b'l' | b'L' | b'n' | b'N' | b'g'])).then_some("of native size");
    Ok(Recognition { taken: Taken::scalar(datatype), note })
}

/// mpi4py's table with the datatypes that MPICH has: format characters, NumPy's letters and NumPy's
/// type strings.
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

/// NumPy's type strings, `i4` to `c16`, without a byte order.
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

/// numba: integers by one bare letter with the width from the itemsize; floats and complex numbers
/// also after `=`.
pub(super) fn numba(asked: &Query<'_>) -> ReadResult {
    let unsupported = || format!("format `{}` is not supported", short(asked.format));
    if let [code] = asked.format
        && b"bBhHiIlLqQnN".contains(code)
    {
        let kind = scalar(&[*code], true, asked.model).ok_or_else(unsupported)?;
        let itemsize = asked.itemsize.unwrap_or(kind.size);
        // A width that no integer has is accepted as a type, but nothing can be done with it.
        return Ok(widened(kind, itemsize).map_or(Taken::opaque(itemsize), Taken::scalar).into());
    }
    let start = asked.format.iter().position(|byte| *byte != b'=').unwrap_or(asked.format.len());
    match asked.format.get(start..) {
        Some(code @ (b"f" | b"d" | b"Zf" | b"Zd")) => {
            Ok(Taken::scalar(scalar(code, true, asked.model).ok_or_else(unsupported)?).into())
        }
        _ => Err(unsupported()),
    }
}

/// pygame: a number, or padding as opaque bytes; the kind from the letter, the width from the
/// itemsize.
pub(super) fn pygame(asked: &Query<'_>) -> ReadResult {
    let (mark, rest) = match asked.format {
        [mark @ (b'@' | b'=' | b'<' | b'>' | b'!'), rest @ ..] => (Some(*mark), rest),
        rest => (None, rest),
    };
    let counted = match rest {
        [b'1', item @ ..] => item,
        [b'2'..=b'9', item @ ..] if item.first() == Some(&b'x') => item,
        item => item,
    };
    match counted {
        [code, ..] if !b"bBhHiIlLqQfdx".contains(code) => {
            return Err(String::from("not a type of array element that it has"));
        }
        [] => return Err(String::from("not a type of array element that it has")),
        [_] => {}
        _ => return Err(String::from("arrays of records are not supported")),
    }
    let itemsize = asked.itemsize_or_natural().unwrap_or(0);
    let endian = match mark {
        Some(b'<') => Endian::Little,
        Some(b'>' | b'!') => Endian::Big,
        _ => asked.model.endian,
    };
    // A count hides the letter from it.
    let kind = match rest {
        [code] if *code != b'x' => scalar(&[*code], true, asked.model),
        _ => None,
    };
    let seen = kind.and_then(|kind| widened(kind, itemsize)).map(|seen| Scalar { endian, ..seen });
    Ok(seen.map_or(Taken::opaque(itemsize), Taken::scalar).into())
}

/// nanoarrow: `struct.calcsize` gives the size, and what is not one letter, with or without `=` or
/// `@`, is opaque bytes.
pub(super) fn nanoarrow(asked: &Query<'_>) -> ReadResult {
    let size = calcsize_in(asked.format, &Dialect::STRUCT_3_13, asked.model).map_err(|error| error.to_string())?;
    if size > INT_MAX {
        return Err(format!("itemsize {size} is more than a C int holds"));
    }
    let foreign = match asked.model.endian {
        Endian::Little => asked.format.iter().any(|byte| matches!(byte, b'>' | b'!')),
        Endian::Big => asked.format.contains(&b'<'),
    };
    if foreign {
        return Err(String::from("byte order of another machine"));
    }
    let (native, code) = match asked.format {
        [b'=', code @ ..] => (false, code),
        [b'@', code @ ..] => (true, code),
        code => (true, code),
    };
    let kind = match code {
        [code] if b"bhilqnBHILQN?efdc".contains(code) => scalar(&[*code], native, asked.model),
        _ => None,
    };
    Ok(match kind {
        Some(Scalar { ty: Type::Bool, endian, .. }) => {
            let byte = Scalar { ty: Type::UInt8, size: 1, endian };
            Recognition { taken: Taken::scalar(byte), note: Some("not as bool") }
        }
        Some(kind) => Taken::scalar(kind).into(),
        None => Taken::opaque(size).into(),
    })
}

/// JPype: one byte order character, then the first letter; the rest is not looked at.
pub(super) fn jpype(asked: &Query<'_>) -> ReadResult {
    let (endian, rest) = match asked.format {
        [b'<', rest @ ..] => (Endian::Little, rest),
        [b'>' | b'!', rest @ ..] => (Endian::Big, rest),
        [b'@' | b'=', rest @ ..] => (asked.model.endian, rest),
        rest => (asked.model.endian, rest),
    };
    let wide = asked.itemsize_or_natural() == Some(8);
    let unable = || format!("buffer type `{}` is not handled", short(rest));
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
    let seen = scalar(&[code], native, asked.model).ok_or_else(unable)?;
    let taken = Taken::scalar(Scalar { endian, ..seen });
    let swapped_half = code == b'e' && endian != asked.model.endian;
    if swapped_half {
        // Four bytes are turned around where a half has two: out comes the neighbour.
        return Ok(Taken::new(2, Vec::from([Value::new(2, Scalar { endian, ..seen })])).into());
    }
    Ok(taken.into())
}

/// USD's arrays take what a memoryview (recorded with Python 3.11) gives, if it is a number.
pub(super) fn usd_vt(asked: &Query<'_>) -> ReadResult {
    let sight = cpython::memoryview(asked, View::Before312)?;
    if matches!(asked.format, [b'c'] | [b'@', b'c']) {
        return Err(String::from("bytes cannot be made a number"));
    }
    Ok(sight)
}

/// Where the tables below have `l` for four bytes and `q` for eight, and no `i` at all.
const fn has_short_long(model: &DataModel) -> bool {
    model.long == 4
}

/// simsimd: exact texts only; of the byte orders `<`, and no difference between standard and
/// native.
pub(super) fn simsimd(asked: &Query<'_>) -> ReadResult {
    let model = asked.model;
    table(asked, has_short_long(model) && (model.pointer == 8 || model.double_align.bytes() == 4))
}

/// numkong: the same table.
pub(super) fn numkong(asked: &Query<'_>) -> ReadResult {
    table(asked, has_short_long(asked.model))
}

/// The table of simsimd and numkong, by one author. No itemsize is looked at.
fn table(asked: &Query<'_>, short_long: bool) -> ReadResult {
    let model = asked.model;
    let (mark, code) = match asked.format {
        [mark @ (b'<' | b'|'), code @ ..] => (Some(*mark), code),
        code => (None, code),
    };
    let is_sized = matches!(code, [b'i' | b'u', b'1' | b'2' | b'4' | b'8']);
    let seen = match (mark, code) {
        (Some(b'|'), _) if !is_sized => None,
        (_, [code @ (b'i' | b'I' | b'l' | b'L' | b'q' | b'Q')]) => {
            // One letter for each width, whichever is usual on the platform.
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
        (None, name) => own_name(name, model),
        _ => None,
    };
    let seen = seen.ok_or_else(|| format!("no data type for `{}`", short(asked.format)))?;
    Ok(Taken::scalar(seen).into())
}

/// Names of types in full, which no exporter but these two writes.
fn own_name(name: &[u8], model: &DataModel) -> Option<Scalar> {
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
