//! Model of RustPython's `struct`: predicts the layout that the module reads from a format. RustPython's `struct` skips
//! the syntax of PEP 3118, which CPython's `struct` refuses.

use alloc::string::String;
use alloc::vec::Vec;

use super::consumer_layout::{ConsumerLayout, ScalarArray, align_of, scalar};
use super::python_int::decimal;
use super::query::{Query, ReadResult};
use pep3118::__private::escape;
use pep3118::Align;
use pep3118::Endian;
use pep3118::abi::{CType, DataModel};
use pep3118::layout::{Scalar, Type};

/// Models `struct.calcsize`. RustPython skips structures with their content, shapes, names, braces, and every
/// byte-order character after the first. Returns an error if RustPython raises an error.
pub(super) fn calcsize(query: &Query<'_>) -> ReadResult {
    if !query.format.is_ascii() {
        return Err(String::from("a byte is not ASCII"));
    }
    let model = query.model;
    let (native, endian, mut rest) = match query.format {
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
            // RustPython accepts a count of 1 at the end of the format.
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
        let code = code_layout(byte, native, endian, model)?;
        let start = if native { code.align.round_up(offset) } else { Some(offset) };
        let end = start.and_then(|start| code.scalar.size.checked_mul(count)?.checked_add(start));
        match (start, end.filter(|end| *end <= limit)) {
            (Some(start), Some(end)) => {
                offset = end;
                match byte {
                    b'x' => {}
                    b's' | b'p' => values.push(ScalarArray::sized(start, code.scalar.ty, count, None)),
                    _ => {
                        let mut value = ScalarArray::new(start, code.scalar);
                        value.repeat(count, code.scalar.size);
                        values.push(value);
                    }
                }
            }
            _ => return Err(too_long()),
        }
    }
    Ok(ConsumerLayout::new(offset, values).into())
}

/// Skips a construct of PEP 3118, such as a structure or a name. `byte` is the first byte of the construct, and `rest`
/// is the format after `byte`. Returns the format after the construct. Returns `Ok(None)` if `byte` is a format
/// character, or a `T` or `X` without a `{`, because these are not skipped. Returns an error if the construct has no
/// end, or if `byte` is NUL.
fn skip(byte: u8, rest: &[u8]) -> Result<Option<&[u8]>, String> {
    match byte {
        0 => Err(String::from("embedded NUL")),
        b'T' | b'X' => match rest {
            [b'{', inside @ ..] => after_bracket(inside, b'{', b'}').map(Some),
            _ => Ok(None),
        },
        b'(' => after_bracket(rest, b'(', b')').map(Some),
        b':' => match rest.iter().position(|byte| *byte == b':') {
            // `colon` is an index in `rest`, so the range starts at the end of `rest` or before it.
            Some(colon) => Ok(Some(rest.get(colon.saturating_add(1)..).unwrap_or_default())),
            None => Err(String::from("a name is never closed")),
        },
        b'{' | b'}' | b'&' | b'<' | b'>' | b'@' | b'=' | b'!' => Ok(Some(rest)),
        _ => Ok(None),
    }
}

/// Returns the format after the closing bracket of a construct. `rest` must be the format after the opening bracket.
/// `open` and `close` are the two brackets, such as `{` and `}`. Skips nested pairs of these brackets. Returns an error
/// if no `close` matches the opening bracket.
fn after_bracket(rest: &[u8], open: u8, close: u8) -> Result<&[u8], String> {
    let mut depth = 1_usize;
    for (at, byte) in rest.iter().enumerate() {
        if *byte == open {
            depth = depth.saturating_add(1);
        } else if *byte == close {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            // `at` is an index in `rest`, so the range starts at the end of `rest` or before it.
            return Ok(rest.get(at.saturating_add(1)..).unwrap_or_default());
        }
    }
    Err(alloc::format!("a `{}` is never closed", char::from(open)))
}

/// The type, the size and the alignment that RustPython uses for a format character. Sizes are in bytes.
struct CodeLayout {
    scalar: Scalar,
    align: Align,
}

/// Returns the layout of the format character `byte` in the byte order `endian`. If `native` is `true`, the layout has
/// the native size and alignment of the machine `model`. Otherwise, the layout has the standard size. Returns an error
/// if RustPython does not support the character.
fn code_layout(byte: u8, native: bool, endian: Endian, model: &DataModel) -> Result<CodeLayout, String> {
    let unknown = || alloc::format!("unknown format character `{}`", escape(&[byte]));
    let fixed = |ty, size, ctype| CodeLayout { scalar: Scalar { ty, size, endian }, align: model.align_of(ctype) };
    let layout = match byte {
        b'x' => fixed(Type::Void, 1, CType::Char),
        b's' => fixed(Type::Bytes, 1, CType::Char),
        b'p' => fixed(Type::Pascal, 1, CType::Char),
        b'u' if native => fixed(Type::Wchar, model.size_of(CType::Wchar), CType::Wchar),
        b'u' => return Err(String::from("`u` has no standard size: RustPython stops with an internal error")),
        b'w' if native => fixed(Type::Ucs4, 4, CType::Int),
        // RustPython has no long double and reads `g` as a double.
        b'g' => fixed(Type::Float64, 8, CType::Double),
        b'O' => fixed(Type::Object, model.pointer, CType::Pointer),
        b'?' | b'c' | b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'l' | b'L' | b'q' | b'Q' | b'n' | b'N' | b'e'
        | b'f' | b'd' | b'P' => {
            let scalar = scalar(&[byte], native, model).ok_or_else(unknown)?;
            CodeLayout { scalar: Scalar { endian, ..scalar }, align: align_of(byte, model) }
        }
        _ => return Err(unknown()),
    };
    Ok(layout)
}
