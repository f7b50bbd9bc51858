//! Implements `==` between a view and another buffer, and the hash of a view.

use pep3118::layout::{Field, Type};
use pep3118::view::Order;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::hold::Hold;
use super::part::{Part, PinnedPart, read_pinned};
use crate::borrowed_bytes::BorrowedBytes;
use crate::objects;
use crate::tuple_builder::tuple;
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

/// Selects the comparison of the bytes of an item of `left` with the bytes of an item of `right`. Returns `None` if the
/// items must be compared as Python objects.
fn equality(left: &Part, right: &Part) -> Option<Equality> {
    let (left, right) = (left.primitive()?, right.primitive()?);
    if left.has_type_of(right) { left.equality() } else { None }
}

/// Returns `true` if all items of `left` equal the items of `right`. Compares the bytes of the items by the rule
/// `equality`. The two parts must have the same shape and items of the same type. Returns an error if an access to the
/// items fails.
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

/// Returns `true` if the values in `left` and `right` are equal by the rule `equality`. `left` and `right` must have
/// the same number of bytes. Compares chunks that fit the registers of the processor.
fn contiguous_are_equal(equality: Equality, mut left: BorrowedBytes<'_>, mut right: BorrowedBytes<'_>) -> bool {
    // No float is split between two chunks. The length of memory with 8-byte floats is a multiple of 8, and so is every
    // chunk size of at least 8. Such memory therefore has no bytes left for the smaller chunks.
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

/// Returns `true` if the values in the bytes `one` and `other` are equal by the rule `equality`. `one` and `other` must
/// have the same length.
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
/// comparison may run Python code that releases a view. The read of the next item then fails.
///
/// # Errors
/// - a view that was released: `ValueError`
/// - the comparison of two objects raises an exception: the exception is returned unchanged
fn objects_are_equal(py: Python<'_>, left: Operand<'_>, right: Operand<'_>) -> PyResult<bool> {
    let view = right.part().view();
    let (own, other) = (ItemValues::of(left.part()), ItemValues::of(right.part()));
    let mut indices = vec![0_i64; view.shape().len()];
    let mut equal = true;
    // This error makes `each_place` stop at the first difference. The error does not reach the caller.
    let stop = || objects::error::<PyValueError>("different");
    let walked = left.part().each_place(|place| {
        let other_place = right.part().place(&indices);
        let ours = own.strip(left.with(|held| read_pinned(py, &held, place))?)?;
        equal = ours.eq(other.strip(right.with(|held| read_pinned(py, &held, other_place))?)?)?;
        for (index, length) in indices.iter_mut().zip(view.shape()).rev() {
            *index = index.saturating_add(1);
            if *index < *length {
                break;
            }
            *index = 0;
        }
        if equal { Ok(()) } else { Err(stop()) }
    });
    if equal { walked.map(|()| true) } else { Ok(false) }
}

/// The values of an item that `==` compares.
enum ItemValues {
    /// All values.
    All,
    /// Only the fields with these indices. The other fields of the record have no values, such as the `0c` of the
    /// format `h 0c`.
    Fields(Vec<usize>),
}

impl ItemValues {
    /// Selects the values of an item of `part` that `==` compares.
    fn of(part: &Part) -> Self {
        let item = part.description().item();
        let has_values = |field: &Field<'_>| !field.shape().contains(&0);
        let is_flat = item.ty() == Type::Record && item.shape().is_empty();
        // memoryview compares values as `struct` reads them. The formats of `struct` have no names, so all values of
        // records with names are compared.
        if !is_flat
            || item.fields().all(|field| has_values(&field))
            || item.fields().any(|field| field.name().is_some())
        {
            return Self::All;
        }
        let fields = item.fields().enumerate().filter(|(_, field)| has_values(field));
        Self::Fields(fields.map(|(index, _)| index).collect())
    }

    /// Returns the values of `item`, the object of an item, without the fields that have no values, as memoryview
    /// compares them. A single value becomes the value itself, and not a tuple of one element.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    fn strip<'py>(&self, item: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let Self::Fields(fields) = self else { return Ok(item) };
        let values = fields.iter().map(|index| item.get_item(*index)).collect::<PyResult<Vec<_>>>()?;
        match <[Bound<'py, PyAny>; 1]>::try_from(values) {
            Ok([value]) => Ok(value),
            Err(values) => Ok(tuple(item.py(), values.into_iter().map(Some))?.into_any()),
        }
    }
}

/// Returns the hash of the bytes of all items of `held`. As for memoryview, the view must be read-only, the items must
/// be bytes, and the exporter must be hashable.
///
/// # Errors
/// - the view is writable, or the items are not bytes: `ValueError`
/// - the exporter is not hashable: `TypeError`
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
