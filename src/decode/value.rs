//! Dynamic values: items whose type is known at run time only.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use half::f16;
use num_complex::Complex;

use super::long_double::LongDouble;

/// A value of any type that a format can describe.
///
/// Integers of all widths are one of two variants, because the layout has their width. Floats keep their width, so that no
/// value is rounded.
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
    /// `?`: false where all bytes are 0, true otherwise, as in C and `struct`.
    Bool(bool),
    /// Signed integers.
    Int(i64),
    /// Unsigned integers.
    UInt(u64),
    /// `e`
    Float16(f16),
    /// `f`
    Float32(f32),
    /// `d`
    Float64(f64),
    /// `g`
    LongDouble(LongDouble),
    /// `Ze`
    Complex32(Complex<f16>),
    /// `Zf`
    Complex64(Complex<f32>),
    /// `Zd`
    Complex128(Complex<f64>),
    /// `Zg`
    ComplexLongDouble(Complex<LongDouble>),
    /// `c`
    Char(u8),
    /// `s`, with its NULs, as in `struct`; `p`, as long as its first byte declares, at most as long as the field.
    Bytes(Vec<u8>),
    /// `u`, `w` and `wchar_t`, without the NULs at the end. Units of two bytes are UTF-16.
    Text(String),
    /// The units of text that is not valid Unicode, because of a lone surrogate or a unit above U+10FFFF; without the NULs
    /// at the end.
    IllFormedText(Vec<u32>),
    /// NumPy's void: bytes without a meaning.
    Void(Vec<u8>),
    /// The address of data, of a function or of a Python object. It is never followed.
    Address(u64),
    /// Bits, and types that the format does not describe.
    Opaque(Vec<u8>),
    /// An array with a shape in the format.
    Array(ArrayValue),
    /// A record.
    Record(RecordValue),
}

impl Value {
    /// Returns the kind in a word or two: `"integer"`, `"float64"`, `"record"`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::UInt(_) => "integer",
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

/// An array in an item: its shape, and its elements in C order.
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
    /// Makes an array from its elements in C order; `None` if their number is not the product of the shape.
    #[must_use]
    pub fn new(shape: &[usize], values: Vec<Value>) -> Option<Self> {
        let count = if shape.contains(&0) {
            Some(0)
        } else {
            shape.iter().try_fold(1_usize, |count, extent| count.checked_mul(*extent))
        };
        (count == Some(values.len())).then(|| Self { shape: shape.into(), values })
    }

    /// Returns the length of each dimension in elements.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the elements in C order.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Returns the elements in C order for changes. The caller can replace elements, but not change their number.
    #[must_use]
    pub fn values_mut(&mut self) -> &mut [Value] {
        &mut self.values
    }
}

/// The name of a field; `None` if it has none.
pub(super) type Name = Option<Vec<u8>>;

/// A record: its fields in the order of the format, without padding.
///
/// ```
/// use pep3118::decode::{RecordValue, Value};
/// let record = RecordValue::new([(Some("id"), Value::UInt(7)), (None, Value::Bool(true))]);
/// assert_eq!(record.get(b"id"), Some(&Value::UInt(7)));
/// assert_eq!(record.values().len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RecordValue {
    /// Shared by all values of one record of a plan.
    pub(super) names: Arc<[Name]>,
    pub(super) values: Vec<Value>,
}

impl RecordValue {
    /// Makes a record from names and values.
    pub fn new<N: Into<Vec<u8>>>(fields: impl IntoIterator<Item = (Option<N>, Value)>) -> Self {
        let (names, values): (Vec<Name>, Vec<Value>) =
            fields.into_iter().map(|(name, value)| (name.map(Into::into), value)).unzip();
        Self { names: names.into(), values }
    }

    /// Returns the value of a name; the first if several fields have it.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&Value> {
        self.iter().find(|(found, _)| *found == Some(name)).map(|(_, value)| value)
    }

    /// Iterates over names and values.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&[u8]>, &Value)> {
        self.names.iter().map(Option::as_deref).zip(&self.values)
    }

    /// Returns the values.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Returns the values in the order of the fields for changes. The names and the number of fields stay.
    #[must_use]
    pub fn values_mut(&mut self) -> &mut [Value] {
        &mut self.values
    }
}
