//! Values whose type is known at run time.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use half::f16;
use num_complex::Complex;

use super::long_double::LongDouble;

/// A value of any type that a format can describe.
///
/// Integers of all widths are one of two variants, since their width is the layout's business;
/// floats keep theirs, so nothing is rounded.
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
    /// `?`: false where all bytes are 0, true for anything else, as C and `struct` have it.
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
    /// `s`, with its NULs, as `struct` has it; `p`, as long as its first byte says and the field is.
    Bytes(Vec<u8>),
    /// `u`, `w` and `wchar_t`, without the NULs at the end. Two-byte units are read as UTF-16.
    Text(String),
    /// The same where the units are no Unicode: a lone surrogate, a unit past U+10FFFF. All units,
    /// without the NULs at the end.
    IllFormedText(Vec<u32>),
    /// NumPy's void: bytes without a meaning.
    Void(Vec<u8>),
    /// The address of data, of a function or of a Python object. Nothing is read there.
    Address(u64),
    /// Bits, and user types that only their author knows.
    Opaque(Vec<u8>),
    /// An array, by a shape in the format.
    Array(ArrayValue),
    /// A structure.
    Record(RecordValue),
}

impl Value {
    /// What it is, in a word or two: `"integer"`, `"float64"`, `"record"`.
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

/// An array inside an item: its elements in C order.
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
    /// An array from its elements in C order; `None` if there are not as many as the shape says.
    #[must_use]
    pub fn new(shape: &[usize], values: Vec<Value>) -> Option<Self> {
        let count = if shape.contains(&0) {
            Some(0)
        } else {
            shape.iter().try_fold(1_usize, |count, extent| count.checked_mul(*extent))
        };
        (count == Some(values.len())).then(|| Self { shape: shape.into(), values })
    }

    /// The extent of each dimension, in elements.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements in C order.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}

/// The name of a field: bytes, if it has one.
pub(super) type Name = Option<Vec<u8>>;

/// A structure: its fields in the order of the format, padding left out.
///
/// ```
/// use pep3118::decode::{RecordValue, Value};
/// let record = RecordValue::new([(Some("id"), Value::UInt(7)), (None, Value::Bool(true))]);
/// assert_eq!(record.get(b"id"), Some(&Value::UInt(7)));
/// assert_eq!(record.values().len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RecordValue {
    /// Shared by all records of one plan.
    pub(super) names: Arc<[Name]>,
    pub(super) values: Vec<Value>,
}

impl RecordValue {
    /// A record from names and values.
    pub fn new<N: Into<Vec<u8>>>(fields: impl IntoIterator<Item = (Option<N>, Value)>) -> Self {
        let (names, values): (Vec<Name>, Vec<Value>) =
            fields.into_iter().map(|(name, value)| (name.map(Into::into), value)).unzip();
        Self { names: names.into(), values }
    }

    /// The value of a name; the first if there are several.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&Value> {
        self.iter().find(|(found, _)| *found == Some(name)).map(|(_, value)| value)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&[u8]>, &Value)> {
        self.names.iter().map(Option::as_deref).zip(&self.values)
    }

    /// The values.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}
