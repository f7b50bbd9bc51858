//! Reads and writes numbers and byte strings, which are the values of most records.
//!
//! A *primitive* value is a number or a byte string. [`PrimitiveField::read`] needs one `match`; reading the other
//! types also needs checks, which can fail. [`PrimitiveField::write`] returns `false` for every object that needs a
//! conversion or a check. The caller then uses the codec.

use half::f16;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt};

use super::float::{NanConversion, NanConversions, narrow, widen, widen_half};
use super::scalar::ScalarField;
use crate::objects::{self, NewObject, into_result};
use crate::tuple_builder::ListBuilder;
use pep3118::Endian;
use pep3118::decode::ScalarCodec;
use pep3118::layout::{Field, NulHandling, Type};

/// The type of a primitive value. All values of one type have the same size. Reading a value fails only for lack of
/// memory.
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
    /// A byte string, with its length in bytes and the rule for its NULs.
    Bytes(u32, NulHandling),
}

impl Primitive {
    /// Returns the primitive type of `scalar`, which has `size` bytes. Returns `None` if the scalar is not primitive.
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
            (Type::Char | Type::Bytes | Type::Void, size) => {
                Self::Bytes(u32::try_from(size).ok()?, scalar.nul_handling())
            }
            _ => return None,
        })
    }
}

/// The comparison of two values of the same type by their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Equality {
    /// Two values are equal if and only if all their bytes are equal, as for integers.
    Bytes,
    /// The bytes are 32-bit floats in the byte order of this machine: NaN is not equal to itself, and -0.0 equals 0.0.
    Float32,
    /// The bytes are 64-bit floats in the byte order of this machine, compared by the same rules.
    Float64,
}

/// Converts `bytes`, a length or an offset in bytes, to `usize`. On a machine with 16-bit addresses, a number that does
/// not fit becomes `usize::MAX`, a length that no memory has.
#[inline(always)]
fn to_usize(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The bytes from which a primitive value is read.
pub(crate) trait Source {
    /// Returns a copy of the `N` bytes from the offset `start` on. If the source ends before, all `N` bytes are 0.
    fn bytes<const N: usize>(&self, start: usize) -> [u8; N];

    /// Returns a `bytes` object with a copy of the value in the `len` bytes from the offset `start` on. `nuls` selects
    /// the bytes that belong to the value. Returns `None` and sets an exception if there is no memory.
    fn byte_string<'py>(&self, py: Python<'py>, start: usize, len: usize, nuls: NulHandling) -> NewObject<'py>;
}

impl Source for &[u8] {
    #[inline(always)]
    fn bytes<const N: usize>(&self, start: usize) -> [u8; N] {
        self.get(start..).and_then(<[u8]>::first_chunk::<N>).copied().unwrap_or([0; N])
    }

    #[inline(always)]
    fn byte_string<'py>(&self, py: Python<'py>, start: usize, len: usize, nuls: NulHandling) -> NewObject<'py> {
        // The plan of the record has checked that the value is inside of the item, so the default is never used.
        let bytes = self.get(start..start.saturating_add(len)).unwrap_or_default();
        objects::bytes(py, bytes.get(..nuls.value_len(bytes)).unwrap_or(bytes))
    }
}

/// A primitive value in a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PrimitiveField {
    /// The offset from the start of the record, in bytes.
    offset: u32,
    primitive: Primitive,
    /// `true` if the byte order differs from that of this machine.
    swapped: bool,
    nans: NanConversions,
}

impl PrimitiveField {
    /// Returns the type and the byte order of `item` if `item` is one primitive value. Returns `None` for any other
    /// item.
    pub(crate) fn of_item(item: Field<'_>) -> Option<Self> {
        if !item.shape().is_empty() || item.ty() == Type::Record {
            return None;
        }
        let scalar = ScalarField::new(item, None, NanConversions::both(NanConversion::Quiet)).ok()?;
        Self::of_scalar(&scalar, 0, usize::try_from(item.size()).ok()?)
    }

    /// Returns the primitive value of `scalar`, which has `size` bytes at the byte `offset` of a record. Returns `None`
    /// if the scalar is not primitive, or if `offset` does not fit 32 bits.
    pub(super) fn of_scalar(scalar: &ScalarField, offset: usize, size: usize) -> Option<Self> {
        let primitive = Primitive::of(&scalar.codec, size)?;
        let swapped = scalar.codec.endian() != Endian::HOST;
        Some(Self { offset: u32::try_from(offset).ok()?, primitive, swapped, nans: scalar.nans })
    }

    /// Returns `true` if `self` and `other` have the same type and the same byte order.
    #[inline]
    pub(crate) fn has_type_of(self, other: Self) -> bool {
        self.primitive == other.primitive && self.swapped == other.swapped
    }

    /// Returns the rule by which the bytes of two values of this type are compared. Returns `None` if the values must
    /// be compared as Python objects.
    #[inline]
    pub(crate) fn equality(self) -> Option<Equality> {
        match self.primitive {
            Primitive::Int8 | Primitive::UInt8 | Primitive::Int16 | Primitive::UInt16 => Some(Equality::Bytes),
            Primitive::Int32 | Primitive::UInt32 | Primitive::Int64 | Primitive::UInt64 => Some(Equality::Bytes),
            // Different bytes after the first NUL can be equal values.
            Primitive::Bytes(_, NulHandling::StopAtFirst) => None,
            Primitive::Bytes(..) => Some(Equality::Bytes),
            Primitive::Float32 | Primitive::Complex64 if !self.swapped => Some(Equality::Float32),
            Primitive::Float64 | Primitive::Complex128 if !self.swapped => Some(Equality::Float64),
            // Different bytes can be equal values: all bytes other than 0 are `True`, and 0.0 equals -0.0.
            Primitive::Bool | Primitive::Float16 => None,
            Primitive::Float32 | Primitive::Float64 | Primitive::Complex64 | Primitive::Complex128 => None,
        }
    }

    /// Returns the offset from the start of the record, in bytes.
    #[inline(always)]
    fn start(self) -> usize {
        to_usize(self.offset)
    }

    /// Returns `true` if the value is a byte string, and `false` if it is a number.
    pub(crate) fn is_bytes(self) -> bool {
        matches!(self.primitive, Primitive::Bytes(..))
    }

    /// Returns the size of the value in bytes.
    #[inline]
    pub(crate) fn size(self) -> usize {
        match self.primitive {
            Primitive::Bool | Primitive::Int8 | Primitive::UInt8 => 1,
            Primitive::Int16 | Primitive::UInt16 | Primitive::Float16 => 2,
            Primitive::Int32 | Primitive::UInt32 | Primitive::Float32 => 4,
            Primitive::Int64 | Primitive::UInt64 | Primitive::Float64 | Primitive::Complex64 => 8,
            Primitive::Complex128 => 16,
            Primitive::Bytes(len, _) => to_usize(len),
        }
    }

    /// Creates the Python object for this value. `record` contains the bytes of the record, or the bytes of the value
    /// if the whole item is the value. Returns `None` and sets an exception if there is no memory.
    #[inline(always)]
    pub(crate) fn read<'py>(self, py: Python<'py>, record: &[u8]) -> NewObject<'py> {
        self.read_from(py, self.start(), &record)
    }

    /// Creates the Python object for the value at the byte `start` of `source`. Returns `None` and sets an exception if
    /// there is no memory.
    #[inline(always)]
    pub(crate) fn read_from<'py>(self, py: Python<'py>, start: usize, source: &impl Source) -> NewObject<'py> {
        // The compiler needs one instruction to swap the bytes of a number, but several instructions to reverse an
        // array of bytes.
        macro_rules! bits {
            ($bits:ty) => {{
                let bits = <$bits>::from_ne_bytes(source.bytes(start));
                if self.swapped { bits.swap_bytes() } else { bits }
            }};
        }
        match self.primitive {
            Primitive::Bool => objects::boolean(py, source.bytes(start) != [0_u8]),
            Primitive::Int8 => objects::int(py, i8::from_ne_bytes(source.bytes(start)).into()),
            Primitive::UInt8 => objects::int(py, u8::from_ne_bytes(source.bytes(start)).into()),
            Primitive::Int16 => objects::int(py, bits!(i16).into()),
            Primitive::UInt16 => objects::int(py, bits!(u16).into()),
            Primitive::Int32 => objects::int(py, bits!(i32).into()),
            // `objects::unsigned` is faster than `objects::int` for values of 31 or 32 bits.
            Primitive::UInt32 => objects::unsigned(py, bits!(u32).into()),
            Primitive::Int64 => objects::int(py, bits!(i64)),
            Primitive::UInt64 => objects::unsigned(py, bits!(u64)),
            Primitive::Float16 => objects::float(py, widen_half(f16::from_bits(bits!(u16)), self.nans.read)),
            Primitive::Float32 => objects::float(py, widen(f32::from_bits(bits!(u32)), self.nans.read)),
            Primitive::Float64 => objects::float(py, f64::from_bits(bits!(u64))),
            Primitive::Complex64 => {
                let part = |offset: usize| {
                    let bits = u32::from_ne_bytes(source.bytes(start.saturating_add(offset)));
                    widen(f32::from_bits(if self.swapped { bits.swap_bytes() } else { bits }), self.nans.read)
                };
                objects::complex(py, part(0), part(4))
            }
            Primitive::Complex128 => {
                let part = |offset: usize| {
                    let bits = u64::from_ne_bytes(source.bytes(start.saturating_add(offset)));
                    f64::from_bits(if self.swapped { bits.swap_bytes() } else { bits })
                };
                objects::complex(py, part(0), part(8))
            }
            Primitive::Bytes(len, nuls) => source.byte_string(py, start, to_usize(len), nuls),
        }
    }

    /// Appends one object to `list` for each entry of `sources`. Each entry must have the bytes of one value of this
    /// type.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    #[inline]
    pub(crate) fn read_all<'py, S: Source>(
        self,
        py: Python<'py>,
        sources: impl Iterator<Item = S>,
        list: &mut ListBuilder<'py>,
    ) -> PyResult<()> {
        // Each loop is compiled for one type, so that the loop has no `match`.
        macro_rules! each {
            ($primitive:expr) => {{
                let value = Self { primitive: $primitive, ..self };
                for source in sources {
                    list.push(into_result(py, value.read_from(py, 0, &source))?);
                }
            }};
        }
        match self.primitive {
            Primitive::Bool => each!(Primitive::Bool),
            Primitive::Int8 => each!(Primitive::Int8),
            Primitive::UInt8 => each!(Primitive::UInt8),
            Primitive::Int16 => each!(Primitive::Int16),
            Primitive::UInt16 => each!(Primitive::UInt16),
            Primitive::Float16 => each!(Primitive::Float16),
            Primitive::Int32 => each!(Primitive::Int32),
            Primitive::UInt32 => each!(Primitive::UInt32),
            Primitive::Float32 => each!(Primitive::Float32),
            Primitive::Int64 => each!(Primitive::Int64),
            Primitive::UInt64 => each!(Primitive::UInt64),
            Primitive::Float64 => each!(Primitive::Float64),
            Primitive::Complex64 => each!(Primitive::Complex64),
            Primitive::Complex128 => each!(Primitive::Complex128),
            Primitive::Bytes(1, NulHandling::Keep) => each!(Primitive::Bytes(1, NulHandling::Keep)),
            Primitive::Bytes(1, NulHandling::StripTrailing) => each!(Primitive::Bytes(1, NulHandling::StripTrailing)),
            Primitive::Bytes(len, nuls) => each!(Primitive::Bytes(len, nuls)),
        }
        Ok(())
    }

    /// Writes `object` as this value to `record`, the bytes of the record. `object` must have exactly the Python type
    /// of the field, and must be in the range of the field. For any other object, the function writes nothing and
    /// returns `false`. The same applies to every float16, every complex number, and `bytes` of another length. After
    /// `false`, the caller uses the codec, which converts or refuses the object.
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
            Primitive::Bytes(len, _) => {
                let Ok(bytes) = object.cast_exact::<PyBytes>() else { return false };
                match record.get_mut(self.start()..self.start().saturating_add(to_usize(len))) {
                    Some(field) if bytes.as_bytes().len() == field.len() => {
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

    /// Writes `number`, the bytes of a number in the byte order of the field, as this value to `record`. Returns
    /// `false` if `record` is too short.
    #[inline(always)]
    fn store<const N: usize>(self, number: [u8; N], record: &mut [u8]) -> bool {
        let field = record.get_mut(self.start()..).and_then(<[u8]>::first_chunk_mut::<N>);
        field.map(|field| *field = number).is_some()
    }
}

/// Returns the value of `object` if its class is exactly `int` and the value fits 64 bits. Returns `None` for any other
/// object, also for an object of a subclass, because a subclass may override methods.
#[inline]
fn integer(object: &Bound<'_, PyAny>) -> Option<i64> {
    if object.is_exact_instance_of::<PyInt>() { object.extract::<i64>().ok() } else { None }
}

/// Returns the value of `object` if its class is exactly `float`. Returns `None` for any other object.
#[inline]
fn float(object: &Bound<'_, PyAny>) -> Option<f64> {
    object.cast_exact::<PyFloat>().ok().map(|float| float.value())
}
