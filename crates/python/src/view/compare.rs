//! Comparison of two views by their values, and the hash of one.

use pep3118::Endian;
use pep3118::decode::Leaf;
use pep3118::layout::Type;
use pep3118::view::Order;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::hold::Hold;
use super::part::{Blocks, Held, Part, Place, read_held};
use crate::objects;
use pep3118::py::Acquired;

/// One side of a comparison.
#[derive(Clone, Copy)]
pub(super) enum Operand<'o> {
    View(&'o Part, &'o Hold),
    Open(&'o Part, &'o Acquired),
}

impl<'o> Operand<'o> {
    fn part(self) -> &'o Part {
        match self {
            Self::View(part, _) | Self::Open(part, _) => part,
        }
    }

    /// Calls with the items, whose buffer is held meanwhile.
    fn with<T>(self, call: impl FnOnce(Held<'_>) -> PyResult<T>) -> PyResult<T> {
        match self {
            Self::View(part, hold) => call(part.held(&hold.pin()?)),
            Self::Open(part, acquired) => call(part.held_by(acquired)),
        }
    }
}

/// Whether shapes and values are the same, as Python's `==` has it: 1 equals 1.0, NaN equals nothing.
pub(super) fn equal(py: Python<'_>, left: Operand<'_>, right: Operand<'_>) -> PyResult<bool> {
    if left.part().shape() != right.part().shape() {
        return Ok(false);
    }
    match Comparison::of(left.part(), right.part()) {
        Comparison::Objects => objects_are_equal(py, left, right),
        comparison => left.with(|left| right.with(|right| bytes_are_equal(comparison, left, right))),
    }
}

/// Compares the items in blocks.
fn bytes_are_equal(comparison: Comparison, left: Held<'_>, right: Held<'_>) -> PyResult<bool> {
    // The blocks of both have the same items.
    let direct = left.contiguous().is_some() && right.contiguous().is_some();
    let (first, second) = (Blocks::buffer(&left, direct)?, Blocks::buffer(&right, direct)?);
    let (mut ours, mut others) = (Blocks::new(left, &first), Blocks::new(right, &second));
    loop {
        let (one, other) = (ours.next()?, others.next()?);
        if one.len() != other.len() || !comparison.is_equal(one, other) {
            return Ok(false);
        }
        if one.is_empty() {
            return Ok(true);
        }
    }
}

/// How the bytes of items are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// The same bytes are the same values, and others are others.
    Bytes,
    /// As 32-bit floats of this machine.
    Float32,
    /// As 64-bit floats of this machine.
    Float64,
    /// As Python objects.
    Objects,
}

impl Comparison {
    fn of(left: &Part, right: &Part) -> Self {
        let (left, right) = (left.description(), right.description());
        let [leaf] = left.plan().leaves() else { return Self::Objects };
        if left.plan().leaves() != right.plan().leaves() || !left.plan().is_one_leaf() {
            return Self::Objects;
        }
        let native = left.item().endian().is_none_or(|endian| endian == Endian::HOST);
        match leaf.ty() {
            Type::Float32 | Type::Complex64 if native => Self::Float32,
            Type::Float64 | Type::Complex128 if native => Self::Float64,
            _ if has_unique_bytes(leaf) => Self::Bytes,
            _ => Self::Objects,
        }
    }

    fn is_equal(self, one: &[u8], other: &[u8]) -> bool {
        macro_rules! floats {
            ($float:ty, $size:literal) => {{
                let (one, other) = (one.as_chunks::<$size>().0, other.as_chunks::<$size>().0);
                let differ = |one: &[u8; $size], other: &[u8; $size]| {
                    <$float>::from_ne_bytes(*one) != <$float>::from_ne_bytes(*other)
                };
                // Without a branch for each pair, the compiler compares several at once.
                one.chunks(64).zip(other.chunks(64)).all(|(one, other)| {
                    !one.iter().zip(other).fold(false, |found, (one, other)| found | differ(one, other))
                })
            }};
        }
        match self {
            Self::Bytes => one == other,
            Self::Float32 => floats!(f32, 4),
            Self::Float64 => floats!(f64, 8),
            Self::Objects => false,
        }
    }
}

/// Whether each value has one representation in bytes.
fn has_unique_bytes(leaf: &Leaf) -> bool {
    matches!(
        leaf.ty(),
        Type::Char
            | Type::Int8
            | Type::UInt8
            | Type::Int16
            | Type::UInt16
            | Type::Int32
            | Type::UInt32
            | Type::Int64
            | Type::UInt64
            | Type::Bytes
            | Type::Void
    )
}

/// Compares the items one by one. Comparing runs other code, which may release a view: then the next item is
/// refused.
fn objects_are_equal(py: Python<'_>, left: Operand<'_>, right: Operand<'_>) -> PyResult<bool> {
    let view = right.part().view();
    let mut indices = vec![0_i64; view.ndim()];
    let mut equal = true;
    // Stops at the first difference.
    let stop = || objects::error::<PyValueError>("different");
    let walked = left.part().each_place(|place| {
        let other =
            if view.is_indirect() { Place::Indices(&indices) } else { Place::Offset(view.offset_of(&indices)?) };
        let ours = left.with(|held| read_held(py, &held, place))?;
        equal = ours.eq(right.with(|held| read_held(py, &held, other))?)?;
        for (index, extent) in indices.iter_mut().zip(view.shape()).rev() {
            *index = index.saturating_add(1);
            if *index < *extent {
                break;
            }
            *index = 0;
        }
        if equal { Ok(()) } else { Err(stop()) }
    });
    if equal { walked.map(|()| true) } else { Ok(false) }
}

/// The hash of the bytes, where neither this view nor the exporter can be written to; memoryview's rule.
pub(super) fn hash(py: Python<'_>, held: Held<'_>, exporter: Option<&Bound<'_, PyAny>>) -> PyResult<isize> {
    let part = held.part();
    if !part.view().readonly() {
        return Err(objects::error::<PyValueError>("cannot hash a writable View"));
    }
    let item = part.description().item();
    if !item.shape().is_empty() || !matches!(item.ty(), Type::Int8 | Type::UInt8 | Type::Char) {
        return Err(objects::error::<PyValueError>("only Views of formats 'B', 'b' and 'c' can be hashed"));
    }
    if let Some(exporter) = exporter {
        let _: isize = exporter.hash()?;
    }
    held.to_bytes(py, Order::C)?.hash()
}
