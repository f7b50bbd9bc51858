//! Feature `serde`: `Serialize` for decoded values.

use half::f16;
use num_complex::Complex;
use serde::ser::{Serialize, SerializeMap, SerializeTuple, Serializer};

use crate::decode::{ArrayValue, LongDouble, RecordValue, Value};
use crate::text::escape;

/// Numbers are numbers, records are maps in the order of the format, and arrays are nested lists.
///
/// | value | text formats (JSON) | binary formats |
/// |--|--|--|
/// | integers, up to `u64` | the number | the number |
/// | floats, `e` as `f32` | the number with its shortest digits | the number |
/// | NaN, infinities | `"NaN"`, `"Infinity"`, `"-Infinity"`, which JSON lacks | the number |
/// | `g` | the nearest `f64` | the nearest `f64` |
/// | complex | `[re, im]` | a tuple of two |
/// | `c`, `s`, `p` | text in which only printable ASCII is not escaped: `"a\\x00"` | bytes |
/// | void, bits, user types | hexadecimal: `"00ff"` | bytes |
/// | text | text | text |
/// | text that is not Unicode | `{"units": [55296]}` | the same map |
/// | addresses | the number | the number |
///
/// The key of a field without a name is its index, `f0`. A name that is not UTF-8 is escaped. Values cannot be
/// deserialized: the output does not contain their types.
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
            Self::Float16(value) => Part::from(*value).serialize(serializer),
            Self::Float32(value) => Part::from(*value).serialize(serializer),
            Self::Float64(value) => Part::from(*value).serialize(serializer),
            Self::LongDouble(value) => Part::from(*value).serialize(serializer),
            Self::Complex32(value) => complex(*value, serializer),
            Self::Complex64(value) => complex(*value, serializer),
            Self::Complex128(value) => complex(*value, serializer),
            Self::ComplexLongDouble(value) => complex(*value, serializer),
            Self::Char(byte) => text_of(&[*byte], serializer),
            Self::Bytes(bytes) => text_of(bytes, serializer),
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

/// A map in the order of the format, see [`Value`].
impl Serialize for RecordValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values().len()))?;
        for (index, (name, value)) in self.iter().enumerate() {
            match name.map(|name| (name, core::str::from_utf8(name))) {
                Some((_, Ok(name))) => map.serialize_entry(name, value)?,
                Some((name, Err(_))) => map.serialize_entry(&escape(name), value)?,
                None => map.serialize_entry(&Unnamed(index), value)?,
            }
        }
        map.end()
    }
}

/// The key of a field without a name: `f` and its index.
struct Unnamed(usize);

impl Serialize for Unnamed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("f{}", self.0))
    }
}

/// Lists nested as deep as the shape. An array without elements is `[]`, because the lengths of its other
/// dimensions can be huge: (4294967296, 0).
impl Serialize for ArrayValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Nested(self.shape(), self.values()).serialize(serializer)
    }
}

/// The nearest `f64`, see [`Value`].
impl Serialize for LongDouble {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Part::from(*self).serialize(serializer)
    }
}

/// A float, or one part of a complex number. An `f32` stays an `f32`, so that it has few digits.
enum Part {
    Single(f32),
    Double(f64),
}

impl From<f16> for Part {
    fn from(value: f16) -> Self {
        Self::Single(value.to_f32())
    }
}

impl From<f32> for Part {
    fn from(value: f32) -> Self {
        Self::Single(value)
    }
}

impl From<f64> for Part {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<LongDouble> for Part {
    fn from(value: LongDouble) -> Self {
        Self::Double(value.to_f64())
    }
}

impl Serialize for Part {
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

fn complex<T: Into<Part>, S: Serializer>(value: Complex<T>, serializer: S) -> Result<S::Ok, S::Error> {
    let (re, im): (Part, Part) = (value.re.into(), value.im.into());
    let mut parts = serializer.serialize_tuple(2)?;
    parts.serialize_element(&re)?;
    parts.serialize_element(&im)?;
    parts.end()
}

fn text_of<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        // Fast path: most texts need no escape.
        let plain = bytes.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'\'' | b'"' | b'\\'));
        match core::str::from_utf8(bytes) {
            Ok(text) if plain => serializer.serialize_str(text),
            _ => serializer.collect_str(&bytes.escape_ascii()),
        }
    } else {
        serializer.serialize_bytes(bytes)
    }
}

struct Hexadecimal<'b>(&'b [u8]);

impl core::fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A shape and its elements.
struct Nested<'v>(&'v [usize], &'v [Value]);

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(shape, values) = *self;
        let row_len = match shape {
            [length, _, ..] => values.len().checked_div(*length).filter(|row_len| *row_len > 0),
            _ => None,
        };
        match (row_len, shape.split_first()) {
            (Some(row_len), Some((_, inner))) => {
                serializer.collect_seq(values.chunks(row_len).map(|row| Nested(inner, row)))
            }
            // One dimension, or no elements.
            _ => serializer.collect_seq(values),
        }
    }
}
