//! [`Value`], [`ArrayValue`] and [`RecordValue`]: the dynamic values of items whose type is known only at run time.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use half::f16;
use num_complex::Complex;

use super::long_double::LongDouble;

/// A value of any type that a format can describe.
///
/// `Int` and `UInt` contain integers of all widths, because the layout has the width. Floats have one variant for each
/// width, so that no value is rounded. A bit-field is a `Bool`, an `Int` or a `UInt`. A value of a user type has the
/// variant of its number, text or bytes.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, decode::{Plan, Value}};
/// let layout = Layout::read(b"T{<h:a:(2)B:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// let value = Plan::new(&layout)?.value(&[0xff, 0xff, 7, 8])?;
/// let Value::Record(record) = &value else { unreachable!() };
/// assert_eq!(record.get(b"a"), Some(&Value::Int(-1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A bool, format `?`. The value is false if all bytes are 0, and true otherwise, as in C and `struct`.
    Bool(bool),
    /// A signed integer of 1 to 8 bytes.
    Int(i64),
    /// An unsigned integer of 1 to 8 bytes.
    UInt(u64),
    /// A signed integer that needs more than 8 bytes, user type `[int128]`.
    Int128(i128),
    /// An unsigned integer that needs more than 8 bytes, user type `[uint128]`.
    UInt128(u128),
    /// A 16-bit float, format `e`.
    Float16(f16),
    /// A 32-bit float, format `f`.
    Float32(f32),
    /// A 64-bit float, format `d`.
    Float64(f64),
    /// A C `long double`, format `g`.
    LongDouble(LongDouble),
    /// A complex number of two 16-bit floats, format `Ze`.
    Complex32(Complex<f16>),
    /// A complex number of two 32-bit floats, format `Zf`.
    Complex64(Complex<f32>),
    /// A complex number of two 64-bit floats, format `Zd`.
    Complex128(Complex<f64>),
    /// A complex number of two C `long double`s, format `Zg`.
    ComplexLongDouble(Complex<LongDouble>),
    /// A byte, format `c`.
    Char(u8),
    /// A byte string, format `s` or `p`. The value of `s` includes the NULs at the end, as in `struct`, unless
    /// [`Leaf::nul_handling`](super::Leaf::nul_handling) is another rule. The value of `p` includes neither the length
    /// byte nor the bytes after the string.
    Bytes(Vec<u8>),
    /// Text, format `u` or `w`. [`Leaf::nul_handling`](super::Leaf::nul_handling) decides which NULs belong to the
    /// text. A text of several code units, such as `4w`, has no NULs at its end. Code units of 2 bytes are decoded as
    /// UTF-16.
    Text(String),
    /// The code units of a text that is not valid Unicode, with the same rule for NULs as `Text`. Such a text has a
    /// lone surrogate or a code unit above U+10FFFF.
    IllFormedText(Vec<u32>),
    /// The bytes of a NumPy void field. The format declares no type for these bytes.
    Void(Vec<u8>),
    /// The address of data, of a function or of a Python object. The library never follows an address.
    Address(u64),
    /// The bytes of a type that the format does not describe, of a bit-field without a known position, or of a user
    /// type that has no value for these bytes.
    Opaque(Vec<u8>),
    /// The elements of an array field, such as `(2,3)i`.
    Array(ArrayValue),
    /// The fields of a record, `T{...}`.
    Record(RecordValue),
}

impl Value {
    /// Returns the name of the variant for messages: `"integer"`, `"float64"`, `"record"`.
    ///
    /// ```
    /// use pep3118::decode::Value;
    /// assert_eq!(Value::Bool(true).kind(), "bool");
    /// ```
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::UInt(_) | Self::Int128(_) | Self::UInt128(_) => "integer",
            Self::Float16(_) => "float16",
            Self::Float32(_) => "float32",
            Self::Float64(_) => "float64",
            Self::LongDouble(_) => "longdouble",
            Self::Complex32(_) => "complex32",
            Self::Complex64(_) => "complex64",
            Self::Complex128(_) => "complex128",
            Self::ComplexLongDouble(_) => "clongdouble",
            Self::Char(_) => "char",
            Self::Bytes(_) => "bytes",
            Self::Text(_) => "text",
            Self::IllFormedText(_) => "ill-formed text",
            Self::Void(_) => "void",
            Self::Address(_) => "address",
            Self::Opaque(_) => "opaque bytes",
            Self::Array(_) => "array",
            Self::Record(_) => "record",
        }
    }
}

/// The value of an array field: its shape, and its elements in C order.
///
/// ```
/// use pep3118::decode::{ArrayValue, Value};
/// let array = ArrayValue::new(&[2, 1], vec![Value::Int(1), Value::Int(2)]).unwrap();
/// assert_eq!((array.shape(), array.values().len()), (&[2, 1][..], 2));
/// assert!(ArrayValue::new(&[3], vec![Value::Int(1)]).is_none());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayValue {
    pub(super) shape: Arc<[usize]>,
    pub(super) values: Vec<Value>,
}

impl ArrayValue {
    /// Creates an array. `shape` has the length of each dimension, and `values` has the elements in C order. Returns
    /// `None` if the number of `values` is not the product of `shape`.
    #[must_use]
    pub fn new(shape: &[usize], values: Vec<Value>) -> Option<Self> {
        let count = if shape.contains(&0) {
            Some(0)
        } else {
            shape.iter().try_fold(1_usize, |count, length| count.checked_mul(*length))
        };
        (count == Some(values.len())).then(|| Self { shape: shape.into(), values })
    }

    /// Returns the length of each dimension, in elements.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the elements in C order.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Returns the elements in C order as a mutable slice. The caller can replace elements, but not change the number
    /// of elements.
    ///
    /// ```
    /// use pep3118::decode::{ArrayValue, Value};
    /// let mut array = ArrayValue::new(&[2], vec![Value::Int(1), Value::Int(2)]).unwrap();
    /// array.values_mut()[1] = Value::Int(5);
    /// assert_eq!(array.values(), [Value::Int(1), Value::Int(5)]);
    /// ```
    #[must_use]
    pub fn values_mut(&mut self) -> &mut [Value] {
        &mut self.values
    }
}

/// The name of a field, or `None` if the format gives the field no name.
pub(super) type Name = Option<Vec<u8>>;

/// The value of a record: its fields in the order of the format, without padding.
///
/// ```
/// use pep3118::decode::{RecordValue, Value};
/// let record = RecordValue::new([(Some("id"), Value::UInt(7)), (None, Value::Bool(true))]);
/// assert_eq!(record.get(b"id"), Some(&Value::UInt(7)));
/// assert_eq!(record.values().len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RecordValue {
    /// The names of the fields. All records that one plan decodes share this list.
    pub(super) names: Arc<[Name]>,
    pub(super) values: Vec<Value>,
}

impl RecordValue {
    /// Creates a record. `fields` has the name and the value of each field. The name is `None` for a field without a
    /// name.
    pub fn new<N: Into<Vec<u8>>>(fields: impl IntoIterator<Item = (Option<N>, Value)>) -> Self {
        let (names, values): (Vec<Name>, Vec<Value>) =
            fields.into_iter().map(|(name, value)| (name.map(Into::into), value)).unzip();
        Self { names: names.into(), values }
    }

    /// Returns the value of the first field with the name `name`. Returns `None` if no field has this name.
    ///
    /// ```
    /// use pep3118::decode::{RecordValue, Value};
    /// let record = RecordValue::new([(Some("id"), Value::UInt(7))]);
    /// assert_eq!((record.get("id"), record.get("price")), (Some(&Value::UInt(7)), None));
    /// ```
    #[must_use]
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&Value> {
        let name = name.as_ref();
        self.iter().find(|(found, _)| *found == Some(name)).map(|(_, value)| value)
    }

    /// Returns an iterator over the name and the value of each field. The name is `None` for a field without a name.
    ///
    /// ```
    /// use pep3118::decode::{RecordValue, Value};
    /// let record = RecordValue::new([(Some("id"), Value::UInt(7)), (None, Value::Bool(true))]);
    /// let names: Vec<_> = record.iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, [Some(&b"id"[..]), None]);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (Option<&[u8]>, &Value)> {
        self.names.iter().map(Option::as_deref).zip(&self.values)
    }

    /// Returns the values of the fields in the order of the format.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Returns the values of the fields, in the order of the format, as a mutable slice. The names and the number of
    /// fields cannot be changed.
    ///
    /// ```
    /// use pep3118::decode::{RecordValue, Value};
    /// let mut record = RecordValue::new([(Some("id"), Value::UInt(7))]);
    /// record.values_mut()[0] = Value::UInt(8);
    /// assert_eq!(record.get("id"), Some(&Value::UInt(8)));
    /// ```
    #[must_use]
    pub fn values_mut(&mut self) -> &mut [Value] {
        &mut self.values
    }
}
