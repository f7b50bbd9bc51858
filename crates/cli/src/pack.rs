//! `PackedField`: converts the JSON values and CSV cells that `decode` writes to the bytes of an item. `Problem`: the
//! reason why a value does not fit its field.

use std::borrow::Cow;
use std::fmt;

use half::f16;
use num_complex::Complex;
use pep3118::__private::{ScalarCodec, abridge, nearest_float16, plural};
use pep3118::decode::{EncodeErrorKind, LongDouble, Value};
use pep3118::{Field, Layout, Type};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::date::DateUnit;
use super::escape::escape;
use super::failure::Failure;
use super::fields::{length, own_name, unknown_field};
use pep3118::__private::to_u64;

/// The maximum length of a value in an error message, in bytes. A longer value is abridged.
const LONGEST_VALUE: usize = 60;

/// A field of an item: its name, its offset, and the codec that writes a value of the field as bytes.
#[derive(Debug)]
pub(super) struct PackedField {
    /// The name that `decode` writes. If the field has no name in the format, `f` and the index of the field.
    pub(super) name: String,
    /// The offset in bytes from the start of the enclosing record.
    pub(super) offset: usize,
    /// The size of one element in bytes.
    pub(super) size: usize,
    /// The number of elements in each dimension. Empty for a single value or record.
    pub(super) shape: Vec<usize>,
    pub(super) kind: PackedKind,
}

/// The kind of an element of a field: a single value, or a record.
#[derive(Debug)]
pub(super) enum PackedKind {
    Value(ScalarCodec),
    Record(Vec<PackedField>),
}

/// The reason why a value cannot be written, and the path of the field.
#[derive(Debug, Default)]
pub(super) struct Problem {
    /// The reason. Empty if the JSON parser found the error, because the error of the parser contains the message.
    message: String,
    /// The names and indices on the path to the value, the innermost first: `[1]`, `m`, `in` for the value at
    /// `in.m[1]`.
    path: Vec<String>,
}

impl Problem {
    /// Returns the problem with the message `message`. All text from the input in `message` must be escaped.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), path: Vec::new() }
    }

    /// Returns the problem for `value`, the text of a JSON value or of a CSV cell that is not a value of the type `ty`.
    fn wrong_type(value: &str, ty: Type) -> Self {
        Self::new(format!("`{}` is not a value of type {ty}", abridge(value.as_bytes(), LONGEST_VALUE)))
    }

    /// Adds `step` before the path of the problem. `step` is the name of a field, or an index in brackets.
    pub(super) fn inside(mut self, step: impl Into<String>) -> Self {
        self.path.push(step.into());
        self
    }

    /// Adds the message of `error`, the error of the JSON parser, if this problem has no message. Returns this problem.
    fn of_json(self, error: &serde_json::Error) -> Self {
        if self.message.is_empty() {
            // The line number in `error` is always 1, because each line is parsed separately. The message does not
            // contain this number.
            let text = error.to_string();
            let text = text.split(" at line ").next().unwrap_or_default();
            let column = plural(to_u64(error.column()), "byte");
            return Self { message: format!("{text} after {column} of JSON"), ..self };
        }
        self
    }
}

impl From<EncodeErrorKind> for Problem {
    fn from(kind: EncodeErrorKind) -> Self {
        Self::new(kind.to_string())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = String::new();
        for step in self.path.iter().rev() {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path.push_str(&escape(step.as_bytes()));
        }
        match path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "field `{path}`: {}", self.message),
        }
    }
}

impl PackedField {
    /// Returns an item of `layout` as a field. The field has the name `value`, the name of the CSV column for an item
    /// that is not a record.
    ///
    /// # Errors
    /// - a value has more bytes than this machine can address
    pub(super) fn item(layout: &Layout) -> Result<Self, Failure> {
        Self::new(layout.item(), "value".to_owned())
    }

    /// Converts `field` and all fields inside of `field`. `name` is the name of the converted field. Returns an error
    /// if a value has more bytes than this machine can address.
    fn new(field: Field<'_>, name: String) -> Result<Self, Failure> {
        let kind = if field.ty() == Type::Record {
            let member = |(index, member): (usize, Field<'_>)| Self::new(member, own_name(member, index));
            PackedKind::Record(field.fields().enumerate().map(member).collect::<Result<_, _>>()?)
        } else {
            PackedKind::Value(ScalarCodec::of(field).map_err(Failure::refused)?)
        };
        let shape = field.shape().iter().map(|len| length(*len)).collect::<Result<_, _>>()?;
        Ok(Self { name, offset: length(field.offset())?, size: length(field.size())?, shape, kind })
    }

    /// Returns `true` if the field is a single record. Returns `false` for an array of records.
    pub(super) fn is_record(&self) -> bool {
        self.shape.is_empty() && matches!(self.kind, PackedKind::Record(_))
    }

    /// Returns the fields that are the columns of a table. If this item is a single record, the columns are the fields
    /// of the record. Otherwise, the only column is the item.
    pub(super) fn columns(&self) -> &[Self] {
        match &self.kind {
            PackedKind::Record(fields) if self.shape.is_empty() => fields,
            _ => std::slice::from_ref(self),
        }
    }

    /// Returns the bytes of all elements of this field in `record`, the bytes of the enclosing record. Returns an error
    /// if `record` is too short.
    pub(super) fn bytes<'r>(&self, record: &'r mut [u8]) -> Result<&'r mut [u8], Problem> {
        let count = if self.shape.contains(&0) { 0 } else { self.shape.iter().copied().fold(1, usize::saturating_mul) };
        let len = self.size.saturating_mul(count);
        let bytes = record.get_mut(self.offset..self.offset.saturating_add(len));
        debug_assert!(bytes.is_some(), "a field is outside of its record");
        bytes.ok_or_else(|| Problem::new("internal error: a field is outside of its record"))
    }

    /// Writes `json`, the JSON text of a value of this field, to `record`, the bytes of the enclosing record. Returns
    /// an error if `json` is not a value of this field.
    pub(super) fn store_json(&self, json: &str, record: &mut [u8]) -> Result<(), Problem> {
        let bytes = self.bytes(record)?;
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let mut problem = Problem::default();
        let seed = ValueSeed { kind: &self.kind, size: self.size, shape: &self.shape, bytes, problem: &mut problem };
        match seed.deserialize(&mut deserializer).and_then(|()| deserializer.end()) {
            Ok(()) => Ok(()),
            Err(error) => Err(problem.of_json(&error)),
        }
    }

    /// Writes `cell`, the CSV cell with a value of this field, to `record`, the bytes of the enclosing record. The cell
    /// of an array or of an array of records contains JSON. Returns an error if `cell` is not a value of this field.
    pub(super) fn store_cell(&self, cell: &str, record: &mut [u8]) -> Result<(), Problem> {
        match &self.kind {
            PackedKind::Value(codec) if self.shape.is_empty() => store_cell(codec, cell, self.bytes(record)?),
            _ => self.store_json(cell, record),
        }
    }
}

/// Writes `cell`, the CSV cell with one value of `codec`, to `bytes`, the bytes of the value. Returns an error if
/// `cell` is not a value of `codec`.
fn store_cell(codec: &ScalarCodec, cell: &str, bytes: &mut [u8]) -> Result<(), Problem> {
    match codec.value_type() {
        Type::Char | Type::Bytes | Type::Pascal | Type::Void | Type::Bits | Type::Opaque => {
            store_string(codec, cell, cell, bytes)
        }
        Type::Ucs2 | Type::Ucs4 | Type::Wchar if cell.starts_with("{\"units\":") => store_scalar(codec, cell, bytes),
        Type::Ucs2 | Type::Ucs4 | Type::Wchar => {
            let text = String::from_utf8(unescape(cell)?.into_owned());
            let text = text.map_err(|_| Problem::new("the escapes of the text are not UTF-8"))?;
            Ok(codec.store(&Value::Text(text), bytes)?)
        }
        _ => {
            let cell = cell.trim_ascii();
            match cell.as_bytes().first() {
                None => Err(Problem::new(format!("the cell is empty but the field is {}", codec.value_type()))),
                Some(b'{' | b'[' | b't' | b'f' | b'n') => store_scalar(codec, cell, bytes),
                // A year has the form of a number, so a cell never has the number of units.
                Some(_) if codec.user_type().and_then(DateUnit::of).is_some() => store_string(codec, cell, cell, bytes),
                Some(b'0'..=b'9' | b'-' | b'+' | b'.') if !cell.starts_with("0x") => match non_finite(cell) {
                    Some(_) => store_string(codec, cell, cell, bytes),
                    None => store_number(codec, cell, bytes),
                },
                Some(_) => store_string(codec, cell, cell, bytes),
            }
        }
    }
}

/// Writes `json`, the JSON text of one value of `codec`, to `bytes`, the bytes of the value. Returns an error if `json`
/// is not a value of `codec`.
fn store_scalar(codec: &ScalarCodec, json: &str, bytes: &mut [u8]) -> Result<(), Problem> {
    let wrong = || Problem::wrong_type(json, codec.value_type());
    match json.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => store_number(codec, json, bytes),
        Some(b'"') => {
            let inner = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default();
            let text = string_value(inner, json)?;
            match codec.value_type() {
                Type::Ucs2 | Type::Ucs4 | Type::Wchar => Ok(codec.store(&Value::Text(text.into_owned()), bytes)?),
                _ => store_string(codec, &text, json, bytes),
            }
        }
        Some(b't' | b'f') if codec.value_type() == Type::Bool => {
            codec.store_bool(json.parse().map_err(|_| wrong())?, bytes);
            Ok(())
        }
        Some(b'[') => store_complex(codec, json, bytes),
        Some(b'{') if matches!(codec.value_type(), Type::Ucs2 | Type::Ucs4 | Type::Wchar) => {
            let units: Units = serde_json::from_str(json).map_err(|_| wrong())?;
            Ok(codec.store(&Value::IllFormedText(units.units), bytes)?)
        }
        _ => Err(wrong()),
    }
}

/// Returns the value of the JSON string `json`, which the JSON parser has checked. `inner` is the string without its
/// quotes. Returns an error if an escape is not a character, such as half of a surrogate pair.
fn string_value<'j>(inner: &'j str, json: &str) -> Result<Cow<'j, str>, Problem> {
    let backslash = |text: &str| text.bytes().position(|byte| byte == b'\\');
    if backslash(inner).is_none() {
        return Ok(Cow::Borrowed(inner));
    }
    // The only JSON escape that `decode` writes for bytes is the doubled backslash. The JSON parser would allocate a
    // buffer for each string.
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escape)) = backslash(rest).and_then(|at| rest.split_at_checked(at)) {
        let Some(after) = escape.strip_prefix("\\\\") else {
            return serde_json::from_str(json).map(Cow::Owned).map_err(|error| Problem::default().of_json(&error));
        };
        text.push_str(plain);
        text.push('\\');
        rest = after;
    }
    text.push_str(rest);
    Ok(Cow::Owned(text))
}

/// The JSON object that `decode` writes for text that is not valid Unicode. Example: `{"units":[55296]}`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Units {
    units: Vec<u32>,
}

/// Parses `number`, a number in decimal, and encodes it to `bytes`. `bytes` has the size of a value of `codec`. Returns
/// an error if `number` is not a value of `codec`.
fn store_number(codec: &ScalarCodec, number: &str, bytes: &mut [u8]) -> Result<(), Problem> {
    let wrong = || Problem::wrong_type(number, codec.value_type());
    match codec.value_type() {
        _ if codec.is_integer() => {
            if let Ok(value) = number.parse::<i64>() {
                return Ok(codec.store_number(value.into(), bytes)?);
            }
            match number.parse::<i128>() {
                Ok(value) => Ok(codec.store_number(value, bytes)?),
                Err(_) if number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => {
                    Err(too_large(codec, number))
                }
                // Some programs write every number as a float: `7.0`.
                Err(_) => Ok(codec.store_number(integral(number).ok_or_else(wrong)?, bytes)?),
            }
        }
        Type::Float16 | Type::Float32 | Type::Float64 | Type::LongDouble => {
            let double = decimal(number).ok_or_else(wrong)?;
            store_float(codec, double, number, bytes)
        }
        Type::Bool if number == "0" || number == "1" => {
            codec.store_bool(number == "1", bytes);
            Ok(())
        }
        _ => Err(wrong()),
    }
}

/// Writes `number`, the decimal text of a float, to `bytes`, a value of `codec`. `double` must be the `f64` that is
/// nearest to `number`.
///
/// # Errors
/// - `number` is finite, but the nearest value of the type is infinite
fn store_float(codec: &ScalarCodec, double: f64, number: &str, bytes: &mut [u8]) -> Result<(), Problem> {
    let value = float(codec, codec.value_type(), double, number)?;
    Ok(codec.store(&value, bytes)?)
}

/// Returns `number`, the decimal text of a float, as a value of the type `ty`. `double` must be the `f64` that is
/// nearest to `number`. Returns an error if `ty` is not a type of floats, or if `number` is finite but the nearest
/// value of `ty` is infinite.
fn float(codec: &ScalarCodec, ty: Type, double: f64, number: &str) -> Result<Value, Problem> {
    let (value, is_finite) = match ty {
        Type::Float16 => {
            // As in CPython's `struct`, the `f64` is rounded directly to float16. Rounding to `f32` first can have
            // another result.
            let half = nearest_float16(double);
            (Value::Float16(half), half.is_finite())
        }
        Type::Float32 => {
            // The digits are parsed again, because rounding to `f64` and then to `f32` can have another result than
            // rounding to `f32` once.
            let single: f32 = number.parse().map_err(|_| Problem::wrong_type(number, ty))?;
            (Value::Float32(single), single.is_finite())
        }
        Type::Float64 => (Value::Float64(double), double.is_finite()),
        Type::LongDouble => {
            (Value::LongDouble(LongDouble::from_f64(double, codec.long_double_format())), double.is_finite())
        }
        _ => return Err(Problem::wrong_type(number, ty)),
    };
    if !is_finite && non_finite(number).is_none() {
        let largest = match ty {
            Type::Float16 => f16::MAX.to_string(),
            Type::Float32 => format!("{:e}", f32::MAX),
            _ => format!("{:e}", f64::MAX),
        };
        let number = abridge(number.as_bytes(), LONGEST_VALUE);
        return Err(Problem::new(format!("{number} is not in the range -{largest} to {largest} of {ty}")));
    }
    Ok(value)
}

/// Returns the float with the name `text`. `decode` writes the names `NaN`, `Infinity` and `-Infinity`. Returns `None`
/// for any other text.
fn non_finite(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Returns the `f64` that is nearest to `number`, the decimal text of a number. Returns `None` for any other text, such
/// as the names `-inf` and `nan` that `str::parse` accepts.
fn decimal(number: &str) -> Option<f64> {
    let is_decimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    number.bytes().all(is_decimal).then(|| number.parse().ok()).flatten()
}

/// Converts `number`, the decimal text of a float such as `7.0`, to an integer. Returns `None` if the value is not an
/// integer, or is too large for an `f64` to be exact.
fn integral(number: &str) -> Option<i128> {
    let double: f64 = number.parse().ok()?;
    if double.fract() != 0.0 || double.abs() > 9_007_199_254_740_992.0 {
        return None;
    }
    #[expect(clippy::as_conversions, reason = "the float is an integer of at most 54 bits")]
    Some(double as i128)
}

/// Returns the problem for `number`, the decimal text of an integer that is outside of the range of every integer type.
/// The message contains the range of `codec`.
fn too_large(codec: &ScalarCodec, number: &str) -> Problem {
    let (low, high) = codec.range();
    let number = abridge(number.as_bytes(), LONGEST_VALUE);
    Problem::new(format!("{number} is not in the range {low} to {high} of {}", codec.value_type()))
}

/// Converts `text` to a value of `codec`, and writes the value to `bytes`. `text` is a JSON string without its quotes,
/// or a CSV cell. `bytes` must have the size of the value. The type of `codec` must not be text. `source` is the text
/// that error messages contain: the JSON string with its quotes, or the cell. Returns an error if `text` is not a value
/// of `codec`.
fn store_string(codec: &ScalarCodec, text: &str, source: &str, bytes: &mut [u8]) -> Result<(), Problem> {
    let wrong = || Problem::wrong_type(source, codec.value_type());
    match codec.value_type() {
        Type::Bytes | Type::Pascal => Ok(codec.store_bytes(&unescape(text)?, bytes)?),
        Type::Char => match *unescape(text)? {
            // `decode --text` prints the character NUL as an empty string.
            [] => Ok(codec.store(&Value::Char(0), bytes)?),
            [byte] => Ok(codec.store(&Value::Char(byte), bytes)?),
            ref more => {
                let len = plural(to_u64(more.len()), "byte");
                Err(Problem::new(format!("value has {len} but the field holds 1")))
            }
        },
        Type::Void | Type::Bits | Type::Opaque => {
            let digits = text.as_bytes();
            let value: Option<Vec<u8>> = digits.chunks(2).map(hexadecimal_byte).collect();
            let value = value.ok_or_else(|| {
                let text = abridge(digits, LONGEST_VALUE);
                Problem::new(format!("`{text}` is not an even number of hexadecimal digits"))
            })?;
            if value.len() != bytes.len() {
                let [found, wanted] = [value.len(), bytes.len()].map(|len| plural(to_u64(len), "byte"));
                return Err(Problem::new(format!("the digits stand for {found} but the field has {wanted}")));
            }
            Ok(codec.store_bytes(&value, bytes)?)
        }
        Type::Float16 | Type::Float32 | Type::Float64 | Type::LongDouble => {
            store_float(codec, non_finite(text).ok_or_else(wrong)?, text, bytes)
        }
        _ if let Some(user) = codec.user_type()
            && let Some(unit) = DateUnit::of(user) =>
        {
            let date = unit.parse(text).ok_or_else(|| {
                let text = abridge(text.as_bytes(), LONGEST_VALUE);
                Problem::new(format!("`{text}` is not a date of {}; an example is `{}`", user.name(), unit.text(0)))
            })?;
            Ok(codec.store_number(date.into(), bytes)?)
        }
        _ if codec.is_integer() => {
            let value = text.strip_prefix("0x").and_then(hexadecimal).ok_or_else(wrong)?;
            Ok(codec.store_number(value, bytes)?)
        }
        Type::Bool => {
            codec.store_bool(text.to_ascii_lowercase().parse().map_err(|_| wrong())?, bytes);
            Ok(())
        }
        _ => Err(wrong()),
    }
}

/// Writes `json`, a JSON list of the real and the imaginary part of a complex number, to `bytes`, a value of `codec`.
/// Returns an error if `json` is not such a list.
fn store_complex(codec: &ScalarCodec, json: &str, bytes: &mut [u8]) -> Result<(), Problem> {
    let wrong = || Problem::wrong_type(json, codec.value_type());
    let part = match codec.value_type() {
        Type::Complex32 => Type::Float16,
        Type::Complex64 => Type::Float32,
        Type::Complex128 => Type::Float64,
        Type::ComplexLongDouble => Type::LongDouble,
        _ => return Err(wrong()),
    };
    let (re, im): (&RawValue, &RawValue) = serde_json::from_str(json).map_err(|_| wrong())?;
    let value = |json: &RawValue| {
        let text = json.get().trim_matches('"');
        let double = non_finite(text).or_else(|| decimal(json.get())).ok_or_else(wrong)?;
        float(codec, part, double, text)
    };
    let value = match (value(re)?, value(im)?) {
        (Value::Float16(re), Value::Float16(im)) => Value::Complex32(Complex::new(re, im)),
        (Value::Float32(re), Value::Float32(im)) => Value::Complex64(Complex::new(re, im)),
        (Value::Float64(re), Value::Float64(im)) => Value::Complex128(Complex::new(re, im)),
        (Value::LongDouble(re), Value::LongDouble(im)) => Value::ComplexLongDouble(Complex::new(re, im)),
        _ => return Err(wrong()),
    };
    Ok(codec.store(&value, bytes)?)
}

/// Replaces the escapes `\n`, `\r`, `\t`, `\\`, `\'`, `\"`, `\xff` and `\u{202e}` in `text`, and returns the resulting
/// bytes. The function is the inverse of the escapes that `decode` writes.
///
/// # Errors
/// - a backslash does not start one of the escapes
fn unescape(text: &str) -> Result<Cow<'_, [u8]>, Problem> {
    let backslash = |text: &str| text.bytes().position(|byte| byte == b'\\');
    if backslash(text).is_none() {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let mut rest = text;
    // An escape is longer than its bytes.
    let mut bytes = Vec::with_capacity(text.len());
    while let Some((plain, escape)) = backslash(rest).and_then(|at| rest.split_at_checked(at)) {
        let after = escape.strip_prefix('\\').unwrap_or_default();
        bytes.extend_from_slice(plain.as_bytes());
        rest = take_escape(after, &mut bytes).ok_or_else(|| {
            let escape = abridge(after.as_bytes(), 8);
            Problem::new(format!("`\\{escape}` does not start with an escape; a backslash is written as `\\\\`"))
        })?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(Cow::Owned(bytes))
}

/// Returns the integer with the hexadecimal digits `digits`. Returns `None` if a character is not a digit, or if the
/// integer is too large. Unlike `from_str_radix`, refuses signs.
fn hexadecimal(digits: &str) -> Option<i128> {
    let digits = Some(digits).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    i128::from_str_radix(digits, 16).ok()
}

/// Returns the byte with the two hexadecimal digits `digits`. Returns `None` for any other text.
fn hexadecimal_byte(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match *digits {
        [high, low] => Some(digit(high)?.wrapping_shl(4) | digit(low)?),
        _ => None,
    }
}

/// Decodes one escape, and appends its bytes to `bytes`. `text` is the text after the backslash. Returns the text after
/// the escape. Returns `None` if `text` does not start with an escape.
fn take_escape<'t>(text: &'t str, bytes: &mut Vec<u8>) -> Option<&'t str> {
    let mut characters = text.chars();
    let byte = match characters.next()? {
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        '\\' => b'\\',
        '\'' => b'\'',
        '"' => b'"',
        'x' => {
            let (digits, after) = characters.as_str().split_at_checked(2)?;
            bytes.push(hexadecimal_byte(digits.as_bytes())?);
            return Some(after);
        }
        'u' => {
            let (digits, after) = characters.as_str().strip_prefix('{')?.split_once('}')?;
            let character = char::from_u32(u32::try_from(hexadecimal(digits)?).ok()?)?;
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(after);
        }
        _ => return None,
    };
    bytes.push(byte);
    Some(characters.as_str())
}

/// Reads the JSON value of a field, and writes the value as bytes.
struct ValueSeed<'s> {
    kind: &'s PackedKind,
    /// The size of one element in bytes.
    size: usize,
    /// The shape of the value: the number of elements in each dimension.
    shape: &'s [usize],
    /// The bytes of the value.
    bytes: &'s mut [u8],
    /// The reason why the JSON is not a value of the field. Set only if the conversion fails.
    problem: &'s mut Problem,
}

/// Returns a parser error without a message. The caller must have stored the message in a [`Problem`].
fn reported<E: serde::de::Error>() -> E {
    E::custom("")
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match (self.kind, self.shape) {
            (PackedKind::Value(codec), []) => {
                let json = <&RawValue as serde::Deserialize>::deserialize(deserializer)?;
                store_scalar(codec, json.get(), self.bytes).map_err(|problem| {
                    *self.problem = problem;
                    reported()
                })
            }
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl ValueSeed<'_> {
    /// Stores the problem for a JSON value of the wrong kind. `found` is the kind of the value, such as `a number`; the
    /// field is an array or a record. Returns an error without a message.
    fn wrong_kind<E: serde::de::Error>(self, found: &str) -> E {
        let wanted = if self.shape.is_empty() { "a record" } else { "an array" };
        *self.problem = Problem::new(format!("the value is {found} but the field is {wanted}"));
        reported()
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.shape.is_empty() { "an object" } else { "a list" })
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        Err(self.wrong_kind("a bool"))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        Err(self.wrong_kind("a number"))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        Err(self.wrong_kind("a number"))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        Err(self.wrong_kind("a number"))
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(self.wrong_kind("a string"))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Err(self.wrong_kind("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { kind, size, shape, bytes, problem } = self;
        let Some((len, inner)) = shape.split_first() else {
            *problem = Problem::new("the value is a list but the field is a record");
            return Err(reported());
        };
        // `decode` writes an array without elements as `[]`, even if the array has several dimensions.
        let len = if shape.contains(&0) { 0 } else { *len };
        let step = inner.iter().copied().fold(size, usize::saturating_mul);
        let mut found = 0_usize;
        for index in 0..len {
            let start = index.saturating_mul(step);
            let Some(bytes) = bytes.get_mut(start..start.saturating_add(step)) else {
                debug_assert!(false, "an element is outside of its array");
                return Err(A::Error::custom("internal error: an element is outside of its array"));
            };
            let seed = ValueSeed { kind, size, shape: inner, bytes, problem: &mut *problem };
            match list.next_element_seed(seed) {
                Ok(Some(())) => found = found.saturating_add(1),
                Ok(None) => break,
                Err(error) => {
                    problem.path.push(format!("[{index}]"));
                    return Err(error);
                }
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            found = found.saturating_add(1);
        }
        if found != len {
            let (found, len) = (plural(to_u64(found), "value"), plural(to_u64(len), "element"));
            *problem = Problem::new(format!("{found} for {len}"));
            return Err(reported());
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { kind, bytes, problem, shape, .. } = self;
        let (PackedKind::Record(fields), []) = (kind, shape) else {
            *problem = Problem::new("the value is a record but the field is an array");
            return Err(reported());
        };
        // All fields before the index `next` have values. While the keys are in the order of the fields, `later` is
        // empty. After the first key in another order, `later` is `true` at the index of each field from `next` on that
        // has a value.
        let mut next = 0_usize;
        let mut later: Vec<bool> = Vec::new();
        loop {
            let key = KeySeed { fields, next, later: &later, problem: &mut *problem };
            let Some(index) = map.next_key_seed(key)? else { break };
            let Some(field) = fields.get(index) else {
                debug_assert!(false, "the index is that of a field");
                return Err(A::Error::custom("internal error: there is no such field"));
            };
            if index == next && later.is_empty() {
                next = next.saturating_add(1);
            } else {
                later.resize(fields.len(), false);
                if let Some(later) = later.get_mut(index) {
                    *later = true;
                }
            }
            let bytes = field.bytes(bytes).map_err(|found| {
                *problem = found;
                reported()
            })?;
            let seed =
                ValueSeed { kind: &field.kind, size: field.size, shape: &field.shape, bytes, problem: &mut *problem };
            map.next_value_seed(seed).inspect_err(|_| problem.path.push(field.name.clone()))?;
        }
        let is_missing = |(index, _): &(usize, &PackedField)| !is_filled(*index, next, &later);
        if let Some((_, field)) = fields.iter().enumerate().find(is_missing) {
            *problem = Problem::new(format!("field `{}` is missing", escape(field.name.as_bytes())));
            return Err(reported());
        }
        Ok(())
    }
}

/// Returns `true` if the field at `index` already has a value: `index` is less than `next`, or `later[index]` is
/// `true`.
fn is_filled(index: usize, next: usize, later: &[bool]) -> bool {
    index < next || later.get(index).copied().unwrap_or_default()
}

/// Reads the key of a JSON object, and returns the index of the field.
struct KeySeed<'s> {
    fields: &'s [PackedField],
    /// The index of the field after the field of the previous key.
    next: usize,
    /// For fields from the index `next` on: `later[index]` is `true` if the field has a value. Empty if none of these
    /// fields has a value.
    later: &'s [bool],
    /// The reason why the key is refused: no field without a value has this name. Set only if the key is refused.
    problem: &'s mut Problem,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<usize, E> {
        if self.later.is_empty() && self.fields.get(self.next).is_some_and(|field| field.name == key) {
            return Ok(self.next);
        }
        // Several fields can have the same name. A key of the JSON object names the first of these fields that has no
        // value yet.
        let is_free = |index: &usize| !is_filled(*index, self.next, self.later);
        let named = |(index, field): (usize, &PackedField)| (field.name == key).then_some(index);
        if let Some(index) = self.fields.iter().enumerate().filter_map(named).find(is_free) {
            return Ok(index);
        }
        *self.problem = Problem::new(if self.fields.iter().any(|field| field.name == key) {
            format!("field `{}` is given twice", escape(key.as_bytes()))
        } else {
            let known = self.fields.iter().enumerate();
            let known = known.map(|(index, field)| (field.name.as_str(), is_free(&index)));
            unknown_field(key, known, |near| format!("`{near}`"))
        });
        Err(reported())
    }
}
