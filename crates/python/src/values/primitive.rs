//! Fast paths for records of numbers and byte strings.
//!
//! Most records hold nothing else. A [`PrimitiveField`] is read and written by one `match`, without the
//! checks and the error paths of other types.

use half::f16;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt};

use super::codec::{FieldCodec, ValueCodec};
use super::float::{NanConversion, NanConversions, narrow, widen, widen_half};
use super::scalar::ScalarField;
use crate::objects::{self, NewObject, into_result};
use crate::tuple_builder::Filling;
use pep3118::Endian;
use pep3118::decode::ScalarCodec;
use pep3118::layout::{Field, Type};

/// A type whose values have a fixed width and are read without errors other than lack of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Primitive {
    Bool,
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
    Float16,
    Float32,
    Float64,
    Complex64,
    Complex128,
    /// A byte string of so many bytes.
    Bytes(usize),
}

impl Primitive {
    /// The primitive of a scalar of `size` bytes, if it is one.
    pub(super) fn of(scalar: &ScalarCodec, size: usize) -> Option<Self> {
        Some(match (scalar.ty(), size) {
            (Type::Bool, 1) => Self::Bool,
            (Type::Int8, 1) => Self::Int8,
            (Type::UInt8, 1) => Self::UInt8,
            (Type::Int16, 2) => Self::Int16,
            (Type::UInt16, 2) => Self::UInt16,
            (Type::Int32, 4) => Self::Int32,
            (Type::UInt32, 4) => Self::UInt32,
            (Type::Int64, 8) => Self::Int64,
            (Type::UInt64, 8) => Self::UInt64,
            (Type::Float16, 2) => Self::Float16,
            (Type::Float32, 4) => Self::Float32,
            (Type::Float64, 8) => Self::Float64,
            (Type::Complex64, 8) => Self::Complex64,
            (Type::Complex128, 16) => Self::Complex128,
            (Type::Char | Type::Bytes | Type::Void, size) => Self::Bytes(size),
            _ => return None,
        })
    }
}

/// A primitive value in a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PrimitiveField {
    /// From the start of the record, in bytes.
    offset: usize,
    primitive: Primitive,
    /// Whether the byte order is not that of this machine.
    swapped: bool,
    nans: NanConversions,
}

/// Values that are listed one by one, 32 bytes each. A record of more values uses its fields.
const MOST: usize = 1024;

impl PrimitiveField {
    /// All `values` values of a record, repeated ones one by one, if each of them is primitive.
    pub(super) fn all(fields: &[FieldCodec], values: usize) -> Option<Vec<Self>> {
        if values > MOST {
            return None;
        }
        let mut all = Vec::with_capacity(values);
        for field in fields {
            let first = Self::of(field)?;
            all.extend((0..field.repeat).map(|repeated| Self { offset: field.start(repeated), ..first }));
        }
        Some(all)
    }

    fn of(field: &FieldCodec) -> Option<Self> {
        let ValueCodec::Scalar(scalar) = &field.value else { return None };
        Self::of_scalar(scalar, field.offset, field.size)
    }

    /// The item, if it is one primitive value.
    pub(crate) fn of_item(item: Field<'_>) -> Option<Self> {
        if !item.shape().is_empty() || item.ty() == Type::Record {
            return None;
        }
        let scalar = ScalarField::new(item, None, NanConversions::both(NanConversion::Quiet)).ok()?;
        Self::of_scalar(&scalar, 0, usize::try_from(item.size()).ok()?)
    }

    fn of_scalar(scalar: &ScalarField, offset: usize, size: usize) -> Option<Self> {
        let primitive = Primitive::of(&scalar.codec, size)?;
        let swapped = scalar.codec.endian() != Endian::HOST;
        Some(Self { offset, primitive, swapped, nans: scalar.nans })
    }

    /// Whether the value is a byte string, not a number.
    pub(crate) fn is_bytes(self) -> bool {
        matches!(self.primitive, Primitive::Bytes(_))
    }

    /// The size of the value in bytes.
    #[inline]
    pub(crate) fn size(self) -> usize {
        match self.primitive {
            Primitive::Bool | Primitive::Int8 | Primitive::UInt8 => 1,
            Primitive::Int16 | Primitive::UInt16 | Primitive::Float16 => 2,
            Primitive::Int32 | Primitive::UInt32 | Primitive::Float32 => 4,
            Primitive::Int64 | Primitive::UInt64 | Primitive::Float64 | Primitive::Complex64 => 8,
            Primitive::Complex128 => 16,
            Primitive::Bytes(len) => len,
        }
    }

    /// The bytes of a number in the order of memory; 0 if the record is too short.
    #[inline(always)]
    fn bytes<const N: usize>(self, record: &[u8]) -> [u8; N] {
        record.get(self.offset..).and_then(<[u8]>::first_chunk::<N>).copied().unwrap_or([0; N])
    }

    /// The object.
    #[inline(always)]
    pub(crate) fn read<'py>(self, py: Python<'py>, record: &[u8]) -> NewObject<'py> {
        // The number is swapped, not its bytes: the compiler makes one instruction of it.
        macro_rules! bits {
            ($bits:ty) => {{
                let bits = <$bits>::from_ne_bytes(self.bytes(record));
                if self.swapped { bits.swap_bytes() } else { bits }
            }};
        }
        match self.primitive {
            Primitive::Bool => objects::boolean(py, self.bytes(record) != [0_u8]),
            Primitive::Int8 => objects::int(py, i8::from_ne_bytes(self.bytes(record)).into()),
            Primitive::UInt8 => objects::int(py, u8::from_ne_bytes(self.bytes(record)).into()),
            Primitive::Int16 => objects::int(py, bits!(i16).into()),
            Primitive::UInt16 => objects::int(py, bits!(u16).into()),
            Primitive::Int32 => objects::int(py, bits!(i32).into()),
            // `unsigned` is faster than `int` for values of 31 or 32 bits.
            Primitive::UInt32 => objects::unsigned(py, bits!(u32).into()),
            Primitive::Int64 => objects::int(py, bits!(i64)),
            Primitive::UInt64 => objects::unsigned(py, bits!(u64)),
            Primitive::Float16 => objects::float(py, widen_half(f16::from_bits(bits!(u16)), self.nans.read)),
            Primitive::Float32 => objects::float(py, widen(f32::from_bits(bits!(u32)), self.nans.read)),
            Primitive::Float64 => objects::float(py, f64::from_bits(bits!(u64))),
            Primitive::Complex64 => {
                let part = |offset: usize| {
                    let number = Self { offset: self.offset.saturating_add(offset), ..self };
                    let bits = u32::from_ne_bytes(number.bytes(record));
                    widen(f32::from_bits(if self.swapped { bits.swap_bytes() } else { bits }), self.nans.read)
                };
                objects::complex(py, part(0), part(4))
            }
            Primitive::Complex128 => {
                let part = |offset: usize| {
                    let number = Self { offset: self.offset.saturating_add(offset), ..self };
                    let bits = u64::from_ne_bytes(number.bytes(record));
                    f64::from_bits(if self.swapped { bits.swap_bytes() } else { bits })
                };
                objects::complex(py, part(0), part(8))
            }
            Primitive::Bytes(len) => {
                let end = self.offset.saturating_add(len);
                objects::bytes(py, record.get(self.offset..end).unwrap_or_default())
            }
        }
    }

    /// Appends one object for each value in `cells` to a list. The values are adjacent, without padding.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(super) fn read_all<'py>(self, py: Python<'py>, cells: &[u8], list: &mut Filling<'py>) -> PyResult<()> {
        // The type is known outside of the loop, so that each loop is compiled for one type.
        macro_rules! each {
            ($size:literal, $primitive:expr) => {{
                let value = Self { primitive: $primitive, ..self };
                for cell in cells.as_chunks::<$size>().0 {
                    list.push(into_result(py, value.read(py, cell))?);
                }
            }};
        }
        match self.primitive {
            Primitive::Bool => each!(1, Primitive::Bool),
            Primitive::Int8 => each!(1, Primitive::Int8),
            Primitive::UInt8 => each!(1, Primitive::UInt8),
            Primitive::Int16 => each!(2, Primitive::Int16),
            Primitive::UInt16 => each!(2, Primitive::UInt16),
            Primitive::Float16 => each!(2, Primitive::Float16),
            Primitive::Int32 => each!(4, Primitive::Int32),
            Primitive::UInt32 => each!(4, Primitive::UInt32),
            Primitive::Float32 => each!(4, Primitive::Float32),
            Primitive::Int64 => each!(8, Primitive::Int64),
            Primitive::UInt64 => each!(8, Primitive::UInt64),
            Primitive::Float64 => each!(8, Primitive::Float64),
            Primitive::Complex64 => each!(8, Primitive::Complex64),
            Primitive::Complex128 => each!(16, Primitive::Complex128),
            Primitive::Bytes(len) => {
                for cell in cells.chunks_exact(len.max(1)) {
                    list.push(into_result(py, self.read(py, cell))?);
                }
            }
        }
        Ok(())
    }

    /// Writes an object of the exact type that the field takes, and in its range. Returns `false`, and writes
    /// nothing, for any other object: it may be converted or refused by the slow path.
    #[inline(always)]
    pub(crate) fn write(self, object: &Bound<'_, PyAny>, record: &mut [u8]) -> bool {
        macro_rules! store {
            ($bits:expr) => {{
                let bits = $bits;
                self.store(if self.swapped { bits.swap_bytes() } else { bits }.to_ne_bytes(), record)
            }};
        }
        macro_rules! int {
            ($number:ty) => {
                match integer(object).map(<$number>::try_from) {
                    Some(Ok(number)) => store!(number),
                    _ => false,
                }
            };
        }
        match self.primitive {
            Primitive::Int8 => int!(i8),
            Primitive::UInt8 => int!(u8),
            Primitive::Int16 => int!(i16),
            Primitive::UInt16 => int!(u16),
            Primitive::Int32 => int!(i32),
            Primitive::UInt32 => int!(u32),
            Primitive::Int64 => int!(i64),
            Primitive::UInt64 => match object.cast_exact::<PyInt>().map(|int| int.extract::<u64>()) {
                Ok(Ok(number)) => store!(number),
                _ => false,
            },
            Primitive::Float32 => match float(object).map(|number| narrow(number, self.nans.write)) {
                Some(number) if number.is_finite() => store!(number.to_bits()),
                _ => false,
            },
            Primitive::Float64 => float(object).is_some_and(|number| store!(number.to_bits())),
            Primitive::Bytes(len) => {
                let Ok(bytes) = object.cast_exact::<PyBytes>() else { return false };
                match record.get_mut(self.offset..self.offset.saturating_add(len)) {
                    Some(field) if bytes.as_bytes().len() == len => {
                        field.copy_from_slice(bytes.as_bytes());
                        true
                    }
                    _ => false,
                }
            }
            Primitive::Bool => {
                object.cast_exact::<PyBool>().is_ok_and(|value| self.store([u8::from(value.is_true())], record))
            }
            Primitive::Float16 | Primitive::Complex64 | Primitive::Complex128 => false,
        }
    }

    /// Writes the bytes of a number; `false` if the record is too short.
    #[inline(always)]
    fn store<const N: usize>(self, number: [u8; N], record: &mut [u8]) -> bool {
        let field = record.get_mut(self.offset..).and_then(<[u8]>::first_chunk_mut::<N>);
        field.map(|field| *field = number).is_some()
    }
}

/// The value of an `int` that fits `i64`. `None` for subclasses, which may override methods.
#[inline]
fn integer(object: &Bound<'_, PyAny>) -> Option<i64> {
    if object.is_exact_instance_of::<PyInt>() { object.extract::<i64>().ok() } else { None }
}

/// The value of a `float`, but not of a subclass.
#[inline]
fn float(object: &Bound<'_, PyAny>) -> Option<f64> {
    object.cast_exact::<PyFloat>().ok().map(|float| float.value())
}
