//! `Primitive`, a number or bytes at an offset: the values that most items consist of.
//!
//! Reading one needs a look at its kind and no look at its bytes: only lack of memory is an error. So items,
//! records and lists of such values share this one fast path.

use half::f16;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt};

use super::codec::{Node, Part};
use super::float::single;
use super::leaf::Leaf;
use crate::objects::{self, Filling, Made, Raised};
use pep3118::Endian;
use pep3118::layout::{Field, Type};
use pep3118::py::ObjectReferences;

/// A value of an item or of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Primitive {
    /// From the start of the record, in bytes.
    offset: usize,
    kind: Kind,
    /// Whether the byte order is the other one than this machine's.
    swapped: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
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
    /// A number of bytes.
    Bytes(usize),
}

/// Values that are listed one by one, each in 24 bytes; more are found through their parts.
const MOST: usize = 1024;

impl Primitive {
    /// The values of all parts, repeated ones one by one, if each is of this kind.
    pub(super) fn all(parts: &[Part], values: usize) -> Option<Box<[Self]>> {
        if values > MOST {
            return None;
        }
        let mut all = Vec::with_capacity(values);
        for part in parts {
            let first = Self::of(part)?;
            all.extend((0..part.repeat).map(|repeated| Self { offset: part.start(repeated), ..first }));
        }
        Some(all.into())
    }

    fn of(part: &Part) -> Option<Self> {
        let Node::Leaf(leaf) = &part.node else { return None };
        Self::of_leaf(leaf, part.offset, part.size)
    }

    /// The item, if it is one value.
    pub(crate) fn of_item(item: Field<'_>) -> Option<Self> {
        if !item.shape().is_empty() || item.ty() == Type::Record {
            return None;
        }
        let leaf = Leaf::new(item, None, ObjectReferences::Unknown).ok()?;
        Self::of_leaf(&leaf, 0, usize::try_from(item.size()).ok()?)
    }

    /// Whether the value is bytes, not a number.
    pub(crate) fn is_bytes(self) -> bool {
        matches!(self.kind, Kind::Bytes(_))
    }

    /// Bytes of the value.
    #[inline]
    pub(crate) fn size(self) -> usize {
        match self.kind {
            Kind::Bool | Kind::Int8 | Kind::UInt8 => 1,
            Kind::Int16 | Kind::UInt16 | Kind::Float16 => 2,
            Kind::Int32 | Kind::UInt32 | Kind::Float32 => 4,
            Kind::Int64 | Kind::UInt64 | Kind::Float64 | Kind::Complex64 => 8,
            Kind::Complex128 => 16,
            Kind::Bytes(len) => len,
        }
    }

    /// The value of a leaf of `size` bytes.
    pub(super) fn of_leaf(leaf: &Leaf, offset: usize, size: usize) -> Option<Self> {
        let kind = match (leaf.kernel.ty(), size) {
            (Type::Bool, 1) => Kind::Bool,
            (Type::Int8, 1) => Kind::Int8,
            (Type::UInt8, 1) => Kind::UInt8,
            (Type::Int16, 2) => Kind::Int16,
            (Type::UInt16, 2) => Kind::UInt16,
            (Type::Int32, 4) => Kind::Int32,
            (Type::UInt32, 4) => Kind::UInt32,
            (Type::Int64, 8) => Kind::Int64,
            (Type::UInt64, 8) => Kind::UInt64,
            (Type::Float16, 2) => Kind::Float16,
            (Type::Float32, 4) => Kind::Float32,
            (Type::Float64, 8) => Kind::Float64,
            (Type::Complex64, 8) => Kind::Complex64,
            (Type::Complex128, 16) => Kind::Complex128,
            (Type::Char | Type::Bytes | Type::Void, size) => Kind::Bytes(size),
            _ => return None,
        };
        Some(Self { offset, kind, swapped: leaf.kernel.endian() != Endian::HOST })
    }

    /// The bytes of a number in the order of the memory; 0 if they are missing.
    #[inline(always)]
    fn bytes<const N: usize>(self, record: &[u8]) -> [u8; N] {
        record.get(self.offset..).and_then(<[u8]>::first_chunk::<N>).copied().unwrap_or([0; N])
    }

    /// The object.
    #[inline(always)]
    pub(crate) fn read<'py>(self, py: Python<'py>, record: &[u8]) -> Made<'py> {
        // Numbers are swapped and not their bytes: the compiler makes one instruction of each.
        macro_rules! bits {
            ($bits:ty) => {{
                let bits = <$bits>::from_ne_bytes(self.bytes(record));
                if self.swapped { bits.swap_bytes() } else { bits }
            }};
        }
        match self.kind {
            Kind::Bool => Ok(PyBool::new(py, self.bytes(record) != [0_u8]).to_owned().into_any()),
            Kind::Int8 => objects::int(py, i8::from_ne_bytes(self.bytes(record)).into()),
            Kind::UInt8 => objects::int(py, u8::from_ne_bytes(self.bytes(record)).into()),
            Kind::Int16 => objects::int(py, bits!(i16).into()),
            Kind::UInt16 => objects::int(py, bits!(u16).into()),
            Kind::Int32 => objects::int(py, bits!(i32).into()),
            // The interpreter makes numbers of 31 and 32 bits faster where they have no sign.
            Kind::UInt32 => objects::unsigned(py, bits!(u32).into()),
            Kind::Int64 => objects::int(py, bits!(i64)),
            Kind::UInt64 => objects::unsigned(py, bits!(u64)),
            Kind::Float16 => objects::float(py, f16::from_bits(bits!(u16)).to_f64()),
            Kind::Float32 => objects::float(py, f32::from_bits(bits!(u32)).into()),
            Kind::Float64 => objects::float(py, f64::from_bits(bits!(u64))),
            Kind::Complex64 => {
                let part = |offset: usize| {
                    let offset = self.offset.saturating_add(offset);
                    let number = Self { offset, ..self };
                    let bits = u32::from_ne_bytes(number.bytes(record));
                    f64::from(f32::from_bits(if self.swapped { bits.swap_bytes() } else { bits }))
                };
                objects::complex(py, part(0), part(4))
            }
            Kind::Complex128 => {
                let part = |offset: usize| {
                    let offset = self.offset.saturating_add(offset);
                    let number = Self { offset, ..self };
                    let bits = u64::from_ne_bytes(number.bytes(record));
                    f64::from_bits(if self.swapped { bits.swap_bytes() } else { bits })
                };
                objects::complex(py, part(0), part(8))
            }
            Kind::Bytes(len) => {
                let end = self.offset.saturating_add(len);
                objects::bytes(py, record.get(self.offset..end).unwrap_or_default())
            }
        }
    }

    /// Appends the objects of contiguous cells, each of which is the value and nothing else.
    pub(super) fn read_all<'py>(self, py: Python<'py>, cells: &[u8], list: &mut Filling<'py>) -> Result<(), Raised> {
        // The kind is known outside of the loop, so that each loop is compiled for one.
        macro_rules! each {
            ($size:literal, $kind:expr) => {{
                let value = Self { kind: $kind, ..self };
                for cell in cells.as_chunks::<$size>().0 {
                    list.push(value.read(py, cell)?);
                }
            }};
        }
        match self.kind {
            Kind::Bool => each!(1, Kind::Bool),
            Kind::Int8 => each!(1, Kind::Int8),
            Kind::UInt8 => each!(1, Kind::UInt8),
            Kind::Int16 => each!(2, Kind::Int16),
            Kind::UInt16 => each!(2, Kind::UInt16),
            Kind::Float16 => each!(2, Kind::Float16),
            Kind::Int32 => each!(4, Kind::Int32),
            Kind::UInt32 => each!(4, Kind::UInt32),
            Kind::Float32 => each!(4, Kind::Float32),
            Kind::Int64 => each!(8, Kind::Int64),
            Kind::UInt64 => each!(8, Kind::UInt64),
            Kind::Float64 => each!(8, Kind::Float64),
            Kind::Complex64 => each!(8, Kind::Complex64),
            Kind::Complex128 => each!(16, Kind::Complex128),
            Kind::Bytes(len) => {
                for cell in cells.chunks_exact(len.max(1)) {
                    list.push(self.read(py, cell)?);
                }
            }
        }
        Ok(())
    }

    /// Writes an object that is just what the value takes; `false`, and nothing written, if it takes a
    /// second look.
    #[inline(always)]
    pub(crate) fn write(self, object: &Bound<'_, PyAny>, record: &mut [u8]) -> bool {
        macro_rules! int {
            ($number:ty) => {
                match integer(object).map(<$number>::try_from) {
                    Some(Ok(number)) => {
                        self.store(if self.swapped { number.swap_bytes() } else { number }.to_ne_bytes(), record)
                    }
                    _ => false,
                }
            };
        }
        match self.kind {
            Kind::Int8 => int!(i8),
            Kind::UInt8 => int!(u8),
            Kind::Int16 => int!(i16),
            Kind::UInt16 => int!(u16),
            Kind::Int32 => int!(i32),
            Kind::UInt32 => int!(u32),
            Kind::Int64 => int!(i64),
            Kind::UInt64 => match object.cast_exact::<PyInt>().map(|int| int.extract::<u64>()) {
                Ok(Ok(number)) => {
                    self.store(if self.swapped { number.swap_bytes() } else { number }.to_ne_bytes(), record)
                }
                _ => false,
            },
            Kind::Float32 => match float(object).map(single) {
                Some(number) if number.is_finite() => {
                    let bits = number.to_bits();
                    self.store(if self.swapped { bits.swap_bytes() } else { bits }.to_ne_bytes(), record)
                }
                _ => false,
            },
            Kind::Float64 => float(object).map(f64::to_bits).is_some_and(|bits| {
                self.store(if self.swapped { bits.swap_bytes() } else { bits }.to_ne_bytes(), record)
            }),
            Kind::Bytes(len) => {
                let Ok(bytes) = object.cast_exact::<PyBytes>() else { return false };
                let room = record.get_mut(self.offset..self.offset.saturating_add(len));
                match room {
                    Some(room) if bytes.as_bytes().len() == len => {
                        room.copy_from_slice(bytes.as_bytes());
                        true
                    }
                    _ => false,
                }
            }
            Kind::Bool => {
                object.cast_exact::<PyBool>().is_ok_and(|truth| self.store([u8::from(truth.is_true())], record))
            }
            Kind::Float16 | Kind::Complex64 | Kind::Complex128 => false,
        }
    }

    /// Writes the bytes of a number.
    #[inline(always)]
    fn store<const N: usize>(self, number: [u8; N], record: &mut [u8]) -> bool {
        let cell = record.get_mut(self.offset..).and_then(<[u8]>::first_chunk_mut::<N>);
        cell.map(|cell| *cell = number).is_some()
    }
}

/// An `int`, and no subclass of it, of at most 64 bits with a sign.
#[inline]
fn integer(object: &Bound<'_, PyAny>) -> Option<i64> {
    if object.is_exact_instance_of::<PyInt>() { object.extract::<i64>().ok() } else { None }
}

/// A `float`, and no subclass of it.
#[inline]
fn float(object: &Bound<'_, PyAny>) -> Option<f64> {
    object.cast_exact::<PyFloat>().ok().map(|float| float.value())
}
