//! RustPython's `struct`, which skips what it does not know of PEP 3118.

use alloc::string::String;
use alloc::vec::Vec;

use super::answer::{Query, ReadResult};
use super::interpretation::{Taken, Value, scalar};
use super::python_int::decimal;
use pep3118::__private::escape;
use pep3118::Align;
use pep3118::Endian;
use pep3118::abi::{CType, DataModel};
use pep3118::layout::{Scalar, Type};

/// `struct.calcsize`. Structures and shapes are skipped unread, and so are names, braces and every
/// byte order character but the first.
pub(super) fn calcsize(asked: &Query<'_>) -> ReadResult {
    if !asked.format.is_ascii() {
        return Err(String::from("a byte is not ASCII"));
    }
    let model = asked.model;
    let (native, endian, mut rest) = match asked.format {
        [b'@', rest @ ..] => (true, model.endian, rest),
        [b'=', rest @ ..] => (false, model.endian, rest),
        [b'<', rest @ ..] => (false, Endian::Little, rest),
        [b'>' | b'!', rest @ ..] => (false, Endian::Big, rest),
        rest => (true, model.endian, rest),
    };
    let limit = model.ssize_max();
    let too_long = || String::from("total struct size too long");
    let mut offset = 0_u64;
    let mut values = Vec::new();
    loop {
        while let [b' ' | b'\t' | b'\n' | b'\r', after @ ..] = rest {
            rest = after;
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, after) = rest.split_at(digits);
        let count = match digits {
            0 => 1,
            _ => decimal(number.iter().filter_map(|byte| char::from(*byte).to_digit(10))),
        };
        if count > limit {
            return Err(too_long());
        }
        let Some((&byte, after)) = after.split_first() else {
            // A count of 1 at the end goes unnoticed.
            if count == 1 {
                break;
            }
            return Err(String::from("repeat count given without format specifier"));
        };
        rest = after;
        if let Some(after) = skip(byte, rest)? {
            rest = after;
            continue;
        }
        let code = code(byte, native, endian, model)?;
        let start = if native { code.align.round_up(offset) } else { Some(offset) };
        let end = start.and_then(|start| code.unit.size.checked_mul(count)?.checked_add(start));
        match (start, end.filter(|end| *end <= limit)) {
            (Some(start), Some(end)) => {
                offset = end;
                match byte {
                    b'x' => {}
                    b's' | b'p' => values.push(Value::sized(start, code.unit.ty, count, None)),
                    _ => {
                        let mut value = Value::new(start, code.unit);
                        value.repeat(count, code.unit.size);
                        values.push(value);
                    }
                }
            }
            _ => return Err(too_long()),
        }
    }
    Ok(Taken::new(offset, values).into())
}

/// What follows a construct that is skipped; `None` if the byte is a format character.
fn skip(byte: u8, rest: &[u8]) -> Result<Option<&[u8]>, String> {
    match byte {
        0 => Err(String::from("embedded NUL")),
        b'T' | b'X' => match rest {
            [b'{', inside @ ..] => past(inside, b'{', b'}').map(Some),
            _ => Ok(None),
        },
        b'(' => past(rest, b'(', b')').map(Some),
        b':' => match rest.iter().position(|byte| *byte == b':') {
            Some(colon) => Ok(Some(rest.get(colon.saturating_add(1)..).unwrap_or_default())),
            None => Err(String::from("a name is never closed")),
        },
        b'{' | b'}' | b'&' | b'<' | b'>' | b'@' | b'=' | b'!' => Ok(Some(rest)),
        _ => Ok(None),
    }
}

/// What follows the bracket that closes one already open.
fn past(rest: &[u8], open: u8, close: u8) -> Result<&[u8], String> {
    let mut depth = 1_usize;
    for (at, byte) in rest.iter().enumerate() {
        if *byte == open {
            depth = depth.saturating_add(1);
        } else if *byte == close {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            return Ok(rest.get(at.saturating_add(1)..).unwrap_or_default());
        }
    }
    Err(alloc::format!("a `{}` is never closed", char::from(open)))
}

struct Unit {
    unit: Scalar,
    align: Align,
}

fn code(byte: u8, native: bool, endian: Endian, model: &DataModel) -> Result<Unit, String> {
    let unknown = || alloc::format!("unknown format character `{}`", escape(&[byte]));
    let unit = |ty, size| Scalar { ty, size, endian };
    let fixed = |ty, size, ctype| Unit { unit: unit(ty, size), align: model.align_of(ctype) };
    let unit = match byte {
        b'x' => fixed(Type::Void, 1, CType::Char),
        b's' => fixed(Type::Bytes, 1, CType::Char),
        b'p' => fixed(Type::Pascal, 1, CType::Char),
        b'u' if native => fixed(Type::Wchar, model.size_of(CType::Wchar), CType::Wchar),
        b'u' => return Err(String::from("`u` has no standard size; it stops with an internal error")),
        b'w' if native => fixed(Type::Ucs4, 4, CType::Int),
        // No long double there: a double.
        b'g' => fixed(Type::Float64, 8, CType::Double),
        b'O' => fixed(Type::Object, model.pointer, CType::Pointer),
        b'?' | b'c' | b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'l' | b'L' | b'q' | b'Q' | b'n' | b'N' | b'e'
        | b'f' | b'd' | b'P' => {
            let scalar = scalar(&[byte], native, model).ok_or_else(unknown)?;
            Unit { unit: Scalar { endian, ..scalar }, align: align_of(byte, model) }
        }
        _ => return Err(unknown()),
    };
    Ok(unit)
}

/// The native alignment of a code.
pub(super) fn align_of(code: u8, model: &DataModel) -> Align {
    model.align_of(match code {
        b'h' | b'H' | b'e' => CType::Short,
        b'i' | b'I' | b'f' | b'w' => CType::Int,
        b'l' | b'L' => CType::Long,
        b'q' | b'Q' => CType::LongLong,
        b'n' | b'N' => CType::SizeT,
        b'd' => CType::Double,
        b'g' => CType::LongDouble,
        b'P' | b'O' => CType::Pointer,
        _ => CType::Char,
    })
}
