//! Feature `serde`: `Serialize` for decoded values.

use half::f16;
use num_complex::Complex;
use serde::ser::{Serialize, SerializeMap, SerializeTuple, Serializer};

use crate::decode::{ArrayValue, LongDouble, RecordValue, Value};
use crate::text::escape;

/// Writes a number as a number, a record as a map in the order of the format, and an array as nested lists.
///
/// | value | text formats (JSON) | binary formats |
/// |--|--|--|
/// | `?` | the bool | the bool |
/// | integers, up to 128 bits | the number | the number |
/// | floats, `e` as `f32` | the number with its shortest digits | the number |
/// | NaN, infinities | `"NaN"`, `"Infinity"`, `"-Infinity"`, because JSON has no such numbers | the number |
/// | `g` | the nearest `f64` | the nearest `f64` |
/// | complex | `[re, im]` | a tuple of 2 numbers |
/// | `c`, `s`, `p` | text, with an escape for every byte that is not printable ASCII: `"a\\x00"` | bytes |
/// | void, and other bytes without a type | hexadecimal: `"00ff"` | bytes |
/// | bit-fields, user types | as the number, bool, text or bytes that is their value | the same |
/// | text | text | text |
/// | text that is not Unicode | `{"units": [55296]}` | the same map |
/// | addresses | the number | the number |
///
/// The key of a field without a name is `f` and the index of the field: `f3` for the field with the index 3. A name
/// that is not UTF-8 is escaped. The output does not contain the types of the values, so values cannot be
/// deserialized.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
/// let layout = Layout::read(b"T{<Q:a:(2)<f:b:2s:c:<H}", &Dialect::PEP3118, &DataModel::LP64)?;
/// let mut item = u64::MAX.to_le_bytes().to_vec();
/// item.extend(0.1_f32.to_le_bytes().into_iter().chain(f32::NAN.to_le_bytes()).chain(*b"x\0\x01\x02"));
/// let value = Plan::new(&layout)?.value(&item)?;
/// let json = serde_json::to_string(&value)?;
/// assert_eq!(json, r#"{"a":18446744073709551615,"b":[0.1,"NaN"],"c":"x\\x00","f3":513}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::UInt(value) | Self::Address(value) => serializer.serialize_u64(*value),
            Self::Int128(value) => serializer.serialize_i128(*value),
            Self::UInt128(value) => serializer.serialize_u128(*value),
            Self::Float16(value) => Real::from(*value).serialize(serializer),
            Self::Float32(value) => Real::from(*value).serialize(serializer),
            Self::Float64(value) => Real::from(*value).serialize(serializer),
            Self::LongDouble(value) => Real::from(*value).serialize(serializer),
            Self::Complex32(value) => complex(*value, serializer),
            Self::Complex64(value) => complex(*value, serializer),
            Self::Complex128(value) => complex(*value, serializer),
            Self::ComplexLongDouble(value) => complex(*value, serializer),
            Self::Char(byte) => byte_string(&[*byte], serializer),
            Self::Bytes(bytes) => byte_string(bytes, serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::IllFormedText(units) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("units", units)?;
                map.end()
            }
            Self::Void(bytes) | Self::Opaque(bytes) => {
                if serializer.is_human_readable() {
                    serializer.collect_str(&Hexadecimal(bytes))
                } else {
                    serializer.serialize_bytes(bytes)
                }
            }
            Self::Array(array) => array.serialize(serializer),
            Self::Record(record) => record.serialize(serializer),
        }
    }
}

/// Writes a map with one key for each field, in the order of the format. The implementation for [`Value`]
/// documents the keys and values.
impl Serialize for RecordValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values().len()))?;
        for (index, (name, value)) in self.iter().enumerate() {
            match name.map(|name| (name, core::str::from_utf8(name))) {
                Some((_, Ok(name))) => map.serialize_entry(name, value)?,
                Some((name, Err(_))) => map.serialize_entry(&escape(name), value)?,
                None => map.serialize_entry(&UnnamedKey(index), value)?,
            }
        }
        map.end()
    }
}

/// The key of a field without a name: `f3` for the field with the index 3. The value of this type is the index.
struct UnnamedKey(usize);

impl Serialize for UnnamedKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("f{}", self.0))
    }
}

/// Writes nested lists with one level for each dimension of the shape. Writes `[]` for an array without elements,
/// because the other lengths of the shape can be huge, such as 4294967296 in (4294967296, 0).
impl Serialize for ArrayValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        NestedList(self.shape(), self.values()).serialize(serializer)
    }
}

/// Writes the `f64` that is nearest to the value.
impl Serialize for LongDouble {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Real::from(*self).serialize(serializer)
    }
}

/// A float, or one part of a complex number, in the type that is written. `Single` and `Double` are separate,
/// because the shortest text of an `f32` has fewer digits than the shortest text of the equal `f64`.
enum Real {
    Single(f32),
    Double(f64),
}

impl From<f16> for Real {
    fn from(value: f16) -> Self {
        Self::Single(value.to_f32())
    }
}

impl From<f32> for Real {
    fn from(value: f32) -> Self {
        Self::Single(value)
    }
}

impl From<f64> for Real {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<LongDouble> for Real {
    fn from(value: LongDouble) -> Self {
        Self::Double(value.to_f64())
    }
}

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wide = match self {
            Self::Single(value) => f64::from(*value),
            Self::Double(value) => *value,
        };
        if serializer.is_human_readable() && !wide.is_finite() {
            let name = if wide.is_nan() {
                "NaN"
            } else if wide > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            return serializer.serialize_str(name);
        }
        match self {
            Self::Single(value) => serializer.serialize_f32(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
        }
    }
}

/// Writes the complex number `value` to `serializer`, as a tuple of the real and the imaginary part. Returns an error
/// if `serializer` returns an error.
fn complex<T: Into<Real>, S: Serializer>(value: Complex<T>, serializer: S) -> Result<S::Ok, S::Error> {
    let (re, im): (Real, Real) = (value.re.into(), value.im.into());
    let mut parts = serializer.serialize_tuple(2)?;
    parts.serialize_element(&re)?;
    parts.serialize_element(&im)?;
    parts.end()
}

/// Writes `bytes` as escaped text if `serializer` writes a text format, such as JSON. Writes `bytes` as bytes if
/// `serializer` writes a binary format. Returns an error if `serializer` returns an error.
fn byte_string<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        // Most byte strings need no escape, so this fast path avoids the formatting machinery.
        let needs_no_escape =
            bytes.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'\'' | b'"' | b'\\'));
        match core::str::from_utf8(bytes) {
            Ok(text) if needs_no_escape => serializer.serialize_str(text),
            _ => serializer.collect_str(&bytes.escape_ascii()),
        }
    } else {
        serializer.serialize_bytes(bytes)
    }
}

/// Displays each byte as two hexadecimal digits.
struct Hexadecimal<'b>(&'b [u8]);

impl core::fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A shape, and the elements of an array with this shape in C order. `Serialize` writes nested lists.
struct NestedList<'v>(&'v [usize], &'v [Value]);

impl Serialize for NestedList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(shape, values) = *self;
        let row_len = match shape {
            [length, _, ..] => values.len().checked_div(*length).filter(|row_len| *row_len > 0),
            _ => None,
        };
        match (row_len, shape.split_first()) {
            (Some(row_len), Some((_, inner))) => {
                serializer.collect_seq(values.chunks(row_len).map(|row| NestedList(inner, row)))
            }
            // The array has one dimension or no elements, so its elements are one list.
            _ => serializer.collect_seq(values),
        }
    }
}
