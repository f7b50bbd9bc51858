//! Comparison of two views by their values, and the hash of one.

use pep3118::layout::Type;
use pep3118::view::Order;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::hold::Hold;
use super::part::{Held, Part, Span, read_held};
use crate::objects;
use crate::values::Equality;
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
    match equality(left.part(), right.part()) {
        None => objects_are_equal(py, left, right),
        Some(equality) => left.with(|left| right.with(|right| bytes_are_equal(equality, left, right))),
    }
}

/// How the bytes of the items are compared; `None` if the items are compared as Python objects.
fn equality(left: &Part, right: &Part) -> Option<Equality> {
    let (left, right) = (left.primitive()?, right.primitive()?);
    if left.has_type_of(right) { left.equality() } else { None }
}

/// Compares the bytes of all items.
fn bytes_are_equal(equality: Equality, left: Held<'_>, right: Held<'_>) -> PyResult<bool> {
    if let (Some(left), Some(right)) = (left.contiguous(), right.contiguous()) {
        return Ok(left.len() == right.len() && spans_are_equal(equality, left, right));
    }
    left.with_blocks(false, |ours| {
        right.with_blocks(false, |others| {
            loop {
                let (one, other) = (ours.next()?, others.next()?);
                if one.len() != other.len() || !values_are_equal(equality, one, other) {
                    return Ok(false);
                }
                if one.is_empty() {
                    return Ok(true);
                }
            }
        })
    })
}

/// Compares contiguous bytes in chunks that fit the registers.
fn spans_are_equal(equality: Equality, mut left: Span<'_>, mut right: Span<'_>) -> bool {
    // Each size of an item divides the size of a chunk, or the items are compared as bytes.
    macro_rules! chunks {
        ($($size:literal)+) => {
            $(while let (Some(one), Some(other)) = (left.next_chunk::<$size>(), right.next_chunk::<$size>()) {
                if !values_are_equal(equality, &one, &other) {
                    return false;
                }
            })+
        };
    }
    chunks!(64 8 4 1);
    true
}

/// Whether the values in two byte strings of the same length are equal.
#[inline(always)]
fn values_are_equal(equality: Equality, one: &[u8], other: &[u8]) -> bool {
    macro_rules! floats {
        ($float:ty, $size:literal) => {{
            let (one, other) = (one.as_chunks::<$size>().0, other.as_chunks::<$size>().0);
            // Without a branch for each pair, the compiler compares several at once.
            !one.iter().zip(other).fold(false, |differ, (one, other)| {
                differ | (<$float>::from_ne_bytes(*one) != <$float>::from_ne_bytes(*other))
            })
        }};
    }
    match equality {
        Equality::Bytes => one == other,
        Equality::Float32 => floats!(f32, 4),
        Equality::Float64 => floats!(f64, 8),
    }
}

/// Compares the items one by one. Comparing runs other code, which may release a view: then the next item is
/// refused.
fn objects_are_equal(py: Python<'_>, left: Operand<'_>, right: Operand<'_>) -> PyResult<bool> {
    let view = right.part().view();
    let mut indices = vec![0_i64; view.shape().len()];
    let mut equal = true;
    // Stops at the first difference.
    let stop = || objects::error::<PyValueError>("different");
    let walked = left.part().each_place(|place| {
        let other = right.part().place(&indices);
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
