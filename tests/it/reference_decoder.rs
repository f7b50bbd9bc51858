//! A simple decoder. The tests compare its results with the results of the module `decode`. The decoder processes one
//! field and one byte after another, and returns the values as text and the columns as bytes.

use pep3118::decode::{ColumnData, LongDouble, Value};
use pep3118::layout::NulHandling;
use pep3118::{Endian, Field, LongDoubleFormat, Type};

/// Returns `bytes` as hexadecimal digits. The least significant byte of the number is first. `endian` is the byte
/// order of `bytes`.
fn hex(bytes: &[u8], endian: Endian) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    // The fuzz targets call this function more often than any other function, so it does not use `format!`.
    let mut push = |byte: &u8| [byte >> 4, byte & 15].map(|digit| text.push(DIGITS[usize::from(digit)].into()));
    match endian {
        Endian::Little => bytes.iter().for_each(|byte| _ = push(byte)),
        Endian::Big => bytes.iter().rev().for_each(|byte| _ = push(byte)),
    }
    text
}

/// Returns a text with the value of `field`. `record` contains the bytes of the record that contains `field`.
pub(crate) fn read(field: Field<'_>, record: &[u8]) -> String {
    let start = usize::try_from(field.offset()).unwrap();
    let size = usize::try_from(field.size()).unwrap();
    let count = if field.shape().is_empty() { 1 } else { usize::try_from(field.count()).unwrap() };
    let elements: Vec<String> =
        (0..count).map(|index| element(field, &record[start + index * size..][..size])).collect();
    if field.shape().is_empty() { elements.concat() } else { format!("{:?}[{}]", field.shape(), elements.join(", ")) }
}

/// Returns a text with the value of one element of `field`. `bytes` contains the bytes of the element.
pub(crate) fn element(field: Field<'_>, bytes: &[u8]) -> String {
    let endian = field.endian().unwrap_or(Endian::Little);
    let halves = bytes.split_at(bytes.len() / 2);
    let long_double = |bytes: &[u8]| match (field.model().long_double.format, endian) {
        (LongDoubleFormat::X87, Endian::Little) => hex(&bytes[..10], endian),
        (LongDoubleFormat::X87, Endian::Big) => hex(&bytes[bytes.len() - 10..], endian),
        (LongDoubleFormat::DoubleDouble, _) => hex(&bytes[..8], endian) + &hex(&bytes[8..], endian),
        _ => hex(bytes, endian),
    };
    let name = field.ty();
    match field.ty() {
        Type::Record => {
            let inside: Vec<String> =
                field.fields().map(|child| format!("{:?}: {}", child.name(), read(child, bytes))).collect();
            format!("{{{}}}", inside.join(", "))
        }
        Type::Bool => format!("bool {}", bytes.iter().any(|byte| *byte != 0)),
        Type::Bits if field.bit_field().is_some() => {
            format!("integer {}", hex(&bit_field(field, bytes), Endian::Little))
        }
        Type::Char | Type::Bytes | Type::Void | Type::Bits | Type::Opaque => {
            format!("bytes {}", hex(bytes, Endian::Little))
        }
        Type::Pascal => {
            let len = bytes.first().map_or(0, |len| usize::from(*len).min(bytes.len() - 1));
            format!("bytes {}", hex(bytes.get(1..=len).unwrap_or_default(), Endian::Little))
        }
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => {
            let digits = hex(bytes, endian);
            let extended =
                if u8::from_str_radix(&digits[digits.len() - 2..], 16).unwrap() >= 0x80 { "ff" } else { "00" };
            format!("integer {digits}{}", extended.repeat(16 - bytes.len()))
        }
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => {
            format!("integer {}{}", hex(bytes, endian), "00".repeat(16 - bytes.len()))
        }
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
            format!("address {}{}", hex(bytes, endian), "00".repeat(8 - bytes.len()))
        }
        Type::LongDouble => format!("{name} {}", long_double(bytes)),
        Type::ComplexLongDouble => format!("{name} {} {}", long_double(halves.0), long_double(halves.1)),
        Type::Complex32 | Type::Complex64 | Type::Complex128 => {
            format!("{name} {} {}", hex(halves.0, endian), hex(halves.1, endian))
        }
        Type::Float16 | Type::Float32 | Type::Float64 => format!("{name} {}", hex(bytes, endian)),
        Type::Ucs2 | Type::Ucs4 | Type::Wchar => {
            let width = match field.ty() {
                Type::Ucs2 => 2,
                Type::Ucs4 => 4,
                _ => usize::try_from(field.model().wchar).unwrap(),
            };
            let mut units: Vec<String> = bytes.chunks(width).map(|unit| hex(unit, endian)).collect();
            // A single character keeps its NUL.
            while field.nul_handling() != NulHandling::Keep
                && units.last().is_some_and(|unit| unit.bytes().all(|digit| digit == b'0'))
            {
                units.pop();
            }
            format!("text {}", units.concat())
        }
        other => panic!("unknown type {other}"),
    }
}

/// Returns the value of the bit-field `field` as an integer of 16 little-endian bytes, with sign extension. `bytes`
/// contains the bytes of the field.
fn bit_field(field: Field<'_>, bytes: &[u8]) -> [u8; 16] {
    let bits = field.bit_field().unwrap();
    let mut little = bytes.to_vec();
    if field.endian() == Some(Endian::Big) {
        little.reverse();
    }
    // The bits of the value, least significant first.
    let all = little.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
    let digits: Vec<u8> = all.skip(bits.offset().into()).take(bits.width().into()).collect();
    let sign = if bits.is_signed() { *digits.last().unwrap() } else { 0 };
    core::array::from_fn(|at| (0..8).map(|bit| digits.get(at * 8 + bit).unwrap_or(&sign) << bit).sum())
}

/// Returns the bytes of `value` as hexadecimal digits, least significant byte first.
fn long_double(value: LongDouble) -> String {
    hex(value.as_le_bytes(), Endian::Little)
}

/// Returns the decoded value `value` of `field` as text in the notation of [`read`].
pub(crate) fn describe_value(value: &Value, field: Field<'_>) -> String {
    let little = |bytes: &[u8]| hex(bytes, Endian::Little);
    match value {
        Value::Bool(value) => format!("bool {value}"),
        Value::Int(value) => format!("integer {}", little(&i128::from(*value).to_le_bytes())),
        Value::UInt(value) => format!("integer {}", little(&i128::from(*value).to_le_bytes())),
        Value::Address(value) => format!("address {}", little(&value.to_le_bytes())),
        Value::Float16(value) => format!("float16 {}", little(&value.to_le_bytes())),
        Value::Float32(value) => format!("float32 {}", little(&value.to_le_bytes())),
        Value::Float64(value) => format!("float64 {}", little(&value.to_le_bytes())),
        Value::LongDouble(value) => format!("longdouble {}", long_double(*value)),
        Value::Complex32(value) => {
            format!("complex32 {} {}", little(&value.re.to_le_bytes()), little(&value.im.to_le_bytes()))
        }
        Value::Complex64(value) => {
            format!("complex64 {} {}", little(&value.re.to_le_bytes()), little(&value.im.to_le_bytes()))
        }
        Value::Complex128(value) => {
            format!("complex128 {} {}", little(&value.re.to_le_bytes()), little(&value.im.to_le_bytes()))
        }
        Value::ComplexLongDouble(value) => {
            format!("clongdouble {} {}", long_double(value.re), long_double(value.im))
        }
        Value::Char(byte) => format!("bytes {byte:02x}"),
        Value::Bytes(bytes) | Value::Void(bytes) | Value::Opaque(bytes) => format!("bytes {}", little(bytes)),
        Value::Text(text) => {
            let two = field.ty() == Type::Ucs2 || (field.ty() == Type::Wchar && field.model().wchar == 2);
            let units: String = if two {
                text.encode_utf16().map(|unit| little(&unit.to_le_bytes())).collect()
            } else {
                text.chars().map(|unit| little(&u32::from(unit).to_le_bytes())).collect()
            };
            format!("text {units}")
        }
        Value::IllFormedText(units) => {
            let two = field.ty() == Type::Ucs2 || (field.ty() == Type::Wchar && field.model().wchar == 2);
            let unit = |unit: &u32| little(&unit.to_le_bytes()[..if two { 2 } else { 4 }]);
            format!("text {}", units.iter().map(unit).collect::<String>())
        }
        Value::Array(array) => {
            let values: Vec<String> = array.values().iter().map(|value| describe_value(value, field)).collect();
            format!("{:?}[{}]", array.shape(), values.join(", "))
        }
        Value::Record(record) => {
            let inside: Vec<String> = record
                .iter()
                .zip(field.fields())
                .map(|((name, value), child)| format!("{name:?}: {}", describe_value(value, child)))
                .collect();
            assert_eq!(inside.len(), field.fields().count());
            format!("{{{}}}", inside.join(", "))
        }
        other => panic!("unknown kind {}", other.kind()),
    }
}

/// Returns the dotted name and the little-endian bytes of each field inside of `item` that is not a record. A field
/// without a name is named after its position: `f0`. A field in an array of records has one entry with the bytes of all
/// elements, and no entry if the array has no elements. `record` contains the bytes of the item.
pub(crate) fn leaf_bytes(item: Field<'_>, record: &[u8]) -> Vec<(String, Vec<u8>)> {
    fn walk(field: Field<'_>, name: Option<&str>, record: &[u8], out: &mut Vec<(String, Vec<u8>)>, slot: &mut usize) {
        let start = usize::try_from(field.offset()).unwrap();
        let size = usize::try_from(field.size()).unwrap();
        let count = if field.shape().is_empty() { 1 } else { usize::try_from(field.count()).unwrap() };
        let first = *slot;
        if field.ty() != Type::Record {
            if out.len() == first {
                out.push((name.unwrap_or_default().to_owned(), Vec::new()));
            }
            for index in 0..count {
                out[first].1.extend(little(field, &record[start + index * size..][..size]));
            }
            *slot += 1;
            return;
        }
        // The function ignores an array without elements.
        for index in 0..count {
            *slot = first;
            let bytes = &record[start + index * size..][..size];
            for (at, child) in field.fields().enumerate() {
                let own = child.name().map_or(format!("f{at}"), |name| name.escape_ascii().to_string());
                let dotted = name.map_or_else(|| own.clone(), |name| format!("{name}.{own}"));
                walk(child, Some(&dotted), bytes, out, slot);
            }
        }
    }
    let mut out = Vec::new();
    walk(item, None, record, &mut out, &mut 0);
    out
}

/// Returns the bytes of one element of `field`, in which each number is in little-endian order. A bool is 0 or 1, a
/// bit-field is an integer of its type, and an x87 `long double` has 10 bytes. `bytes` contains the bytes of the
/// element.
fn little(field: Field<'_>, bytes: &[u8]) -> Vec<u8> {
    let endian = field.endian().unwrap_or(Endian::Little);
    let flip = |width: usize| -> Vec<u8> {
        bytes
            .chunks(width.max(1))
            .flat_map(|unit| {
                let mut unit = unit.to_vec();
                if endian == Endian::Big {
                    unit.reverse();
                }
                unit
            })
            .collect()
    };
    if let Some(bits) = field.bit_field() {
        let size = match bits.ty() {
            Type::Int16 | Type::UInt16 => 2,
            Type::Int32 | Type::UInt32 => 4,
            Type::Int64 | Type::UInt64 => 8,
            _ => 1,
        };
        return bit_field(field, bytes)[..size].to_vec();
    }
    match field.ty() {
        Type::Bool => vec![u8::from(bytes.iter().any(|byte| *byte != 0))],
        Type::Complex32 => flip(2),
        Type::Complex64 => flip(4),
        Type::Complex128 => flip(8),
        Type::Ucs2 => flip(2),
        Type::Ucs4 => flip(4),
        Type::Wchar => flip(usize::try_from(field.model().wchar).unwrap()),
        Type::LongDouble | Type::ComplexLongDouble => {
            let size = if field.ty() == Type::LongDouble { bytes.len() } else { bytes.len() / 2 };
            let mut out = Vec::new();
            for part in bytes.chunks(size) {
                let mut part = part.to_vec();
                if endian == Endian::Big {
                    part.reverse();
                }
                if field.model().long_double.format == LongDoubleFormat::X87 {
                    part.truncate(10);
                }
                out.extend(part);
            }
            out
        }
        ty if ty.has_byte_order() => flip(bytes.len()),
        _ => bytes.to_vec(),
    }
}

/// Returns the bytes of the column `data`, in which each number is in little-endian order.
pub(crate) fn column_bytes(data: &ColumnData) -> Vec<u8> {
    macro_rules! numbers {
        ($elements:expr) => {
            $elements.iter().flat_map(|element| element.to_le_bytes()).collect()
        };
    }
    macro_rules! pairs {
        ($elements:expr) => {
            $elements.iter().flat_map(|pair| [pair.re.to_le_bytes(), pair.im.to_le_bytes()].concat()).collect()
        };
    }
    match data {
        ColumnData::Bool(elements) => elements.iter().map(|element| u8::from(*element)).collect(),
        ColumnData::Bytes(elements) => elements.clone(),
        ColumnData::Int8(elements) => numbers!(elements),
        ColumnData::UInt8(elements) => numbers!(elements),
        ColumnData::Int16(elements) => numbers!(elements),
        ColumnData::UInt16(elements)
        | ColumnData::Address16(elements)
        | ColumnData::Object16(elements)
        | ColumnData::Ucs2(elements) => numbers!(elements),
        ColumnData::Int32(elements) => numbers!(elements),
        ColumnData::UInt32(elements)
        | ColumnData::Address32(elements)
        | ColumnData::Object32(elements)
        | ColumnData::Ucs4(elements) => numbers!(elements),
        ColumnData::Int64(elements) => numbers!(elements),
        ColumnData::UInt64(elements) | ColumnData::Address64(elements) | ColumnData::Object64(elements) => {
            numbers!(elements)
        }
        ColumnData::Float16(elements) => numbers!(elements),
        ColumnData::Float32(elements) => numbers!(elements),
        ColumnData::Float64(elements) => numbers!(elements),
        ColumnData::LongDouble(elements) => {
            elements.iter().flat_map(|element| element.as_le_bytes().to_vec()).collect()
        }
        ColumnData::Complex32(elements) => pairs!(elements),
        ColumnData::Complex64(elements) => pairs!(elements),
        ColumnData::Complex128(elements) => pairs!(elements),
        _ => panic!("unknown variant"),
    }
}
