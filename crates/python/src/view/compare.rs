//! Implements `==` of two views, and the hash of a view.

use pep3118::layout::Type;
use pep3118::view::Order;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::hold::Hold;
use super::part::{Part, PinnedPart, read_pinned};
use crate::borrowed_bytes::BorrowedBytes;
use crate::objects;
use crate::values::Equality;
use pep3118::py::Acquired;

/// One operand of a comparison.
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

    /// Calls `call` with the items of the operand. The buffer is not released during the call.
    ///
    /// # Errors
    /// - a view that was released: `ValueError`
    /// - an error of `call`
    fn with<T>(self, call: impl FnOnce(PinnedPart<'_>) -> PyResult<T>) -> PyResult<T> {
        match self {
            Self::View(part, hold) => call(part.pinned(&hold.pin()?)),
            Self::Open(part, acquired) => call(part.pinned_by(acquired)),
        }
    }
}

/// Returns `true` if `left` and `right` have the same shape and equal values. The comparison follows the rules of
/// Python: 1 equals 1.0, and NaN equals no number.
///
/// # Errors
/// - the comparison of two objects raises an exception: the exception is returned unchanged
pub(super) fn equal(py: Python<'_>, left: Operand<'_>, right: Operand<'_>) -> PyResult<bool> {
    if left.part().shape() != right.part().shape() {
        return Ok(false);
    }
    match equality(left.part(), right.part()) {
        None => objects_are_equal(py, left, right),
        Some(equality) => left.with(|left| right.with(|right| items_are_equal(equality, left, right))),
    }
}

/// Returns how the bytes of an item of `left` and an item of `right` are compared. Returns `None` if the items must be
/// compared as Python objects.
fn equality(left: &Part, right: &Part) -> Option<Equality> {
    let (left, right) = (left.primitive()?, right.primitive()?);
    if left.has_type_of(right) { left.equality() } else { None }
}

/// Returns `true` if all items of `left` equal the items of `right`, by a comparison of their bytes as `equality`.
/// Returns an error if an access to the items fails. The two parts must have the same shape and the same type of item.
fn items_are_equal(equality: Equality, left: PinnedPart<'_>, right: PinnedPart<'_>) -> PyResult<bool> {
    if let (Some(left), Some(right)) = (left.contiguous(), right.contiguous()) {
        return Ok(left.len() == right.len() && contiguous_are_equal(equality, left, right));
    }
    left.with_buffer(|left| {
        right.with_buffer(|right| {
            let (mut ours, mut others) = (left.blocks()?, right.blocks()?);
            // Both parts have the same shape and itemsize, so their blocks of bytes have the same lengths.
            while ours.advance()? & others.advance()? {
                let (one, other) = (ours.block(), others.block());
                if one.len() != other.len() || !values_are_equal(equality, one, other) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    })
}

/// Returns `true` if the values in `left` and `right` are equal, by a comparison as `equality`. Both must have the same
/// number of bytes. Compares chunks that fit the registers of the processor.
fn contiguous_are_equal(equality: Equality, mut left: BorrowedBytes<'_>, mut right: BorrowedBytes<'_>) -> bool {
    // No float is split between two chunks. Every chunk size of at least 8 is a multiple of 8, so memory with 8-byte
    // floats has no bytes left for the smaller chunks.
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

/// Returns `true` if the values in the byte strings `one` and `other`, which must have the same length, are equal, by a
/// comparison as `equality`.
#[inline(always)]
fn values_are_equal(equality: Equality, one: &[u8], other: &[u8]) -> bool {
    macro_rules! floats {
        ($float:ty, $size:literal) => {{
            let (one, other) = (one.as_chunks::<$size>().0, other.as_chunks::<$size>().0);
            // Without a branch for each pair of floats, the compiler generates vector instructions, which compare
            // several pairs at once.
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

/// Returns `true` if all items of `left` equal the items of `right`. Compares the items one by one as Python objects. A
/// comparison may run Python code that releases a view. Reading the next item then fails.
///
/// # Errors
/// - a view that was released: `ValueError`
/// - the comparison of two objects raises an exception: the exception is returned unchanged
fn objects_are_equal(py: Python<'_>, left: Operand<'_>, right: Operand<'_>) -> PyResult<bool> {
    let view = right.part().view();
    let mut indices = vec![0_i64; view.shape().len()];
    let mut equal = true;
    // This error only makes `each_place` stop at the first difference. It does not reach the caller.
    let stop = || objects::error::<PyValueError>("different");
    let walked = left.part().each_place(|place| {
        let other = right.part().place(&indices);
        let ours = left.with(|held| read_pinned(py, &held, place))?;
        equal = ours.eq(right.with(|held| read_pinned(py, &held, other))?)?;
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

/// Returns the hash of the bytes of all items of `held`. As for memoryview, the view must be read-only, its items must
/// be bytes, and the exporter must have a hash.
///
/// # Errors
/// - a writable view, or items that are not bytes: `ValueError`
/// - the exporter has no hash: `TypeError`
pub(super) fn hash(py: Python<'_>, held: PinnedPart<'_>, exporter: Option<&Bound<'_, PyAny>>) -> PyResult<isize> {
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
