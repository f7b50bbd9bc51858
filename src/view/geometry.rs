//! Contiguity, strides and sizes: CPython's `PyBuffer_*` functions on plain numbers.

use alloc::vec::Vec;
use core::fmt;

use super::error::ViewError;
use super::raw::RawView;
use crate::abi::DataModel;
use crate::layout::{Dialect, LayoutError, calcsize_in};

/// The order of items in memory.
///
/// ```
/// use pep3118::{Order, RawView};
/// let raw = RawView { len: 24, itemsize: 4, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[4, 8]), ..RawView::default() };
/// assert!(raw.is_contiguous(Order::Fortran) && raw.is_contiguous(Order::Any) && !raw.is_contiguous(Order::C));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The last index varies fastest: CPython's `'C'`.
    C,
    /// The first index varies fastest: CPython's `'F'`.
    Fortran,
    /// Either: CPython's `'A'`.
    Any,
}

impl Order {
    /// `"C"`, `"Fortran"`, `"any"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::C => "C",
            Self::Fortran => "Fortran",
            Self::Any => "any",
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl RawView<'_> {
    /// Whether the memory is contiguous in an order, by the numbers as they stand.
    ///
    /// The answer of `PyBuffer_IsContiguous`: suboffsets are never contiguous (C01), no bytes always
    /// (C02), no strides mean C order (C03), the stride of a dimension of one item has no say (C04).
    ///
    /// ```
    /// use pep3118::{Order, RawView};
    /// let raw = RawView {
    ///     len: 12, itemsize: 4, ndim: 2, shape: Some(&[3, 1]), strides: Some(&[4, 999]), ..RawView::default()
    /// };
    /// assert!(raw.is_contiguous(Order::C) && raw.is_contiguous(Order::Fortran));
    /// let backwards = RawView { len: 12, itemsize: 4, ndim: 1, shape: Some(&[3]), strides: Some(&[-4]), ..raw };
    /// assert!(!backwards.is_contiguous(Order::Any));
    /// ```
    ///
    /// Spec: CPython `Doc/c-api/buffer.rst`, `PyBuffer_IsContiguous`; `Objects/abstract.c`.
    #[must_use]
    pub fn is_contiguous(&self, order: Order) -> bool {
        if self.suboffsets.is_some() {
            return false;
        }
        if self.len == 0 {
            return true;
        }
        let shape = self.shape.unwrap_or_default();
        match (self.strides, order) {
            (None, Order::C | Order::Any) => true,
            (None, Order::Fortran) => {
                self.ndim <= 1 || (self.shape.is_some() && shape.iter().filter(|extent| **extent > 1).count() <= 1)
            }
            (Some(strides), order) => has_order(shape, strides, self.itemsize, order),
        }
    }
}

/// Whether strides are those of an order, where they have a say.
pub(crate) fn has_order(shape: &[i64], strides: &[i64], itemsize: i64, order: Order) -> bool {
    let axes = shape.iter().zip(strides);
    match order {
        Order::C => adjoin(axes.rev(), itemsize),
        Order::Fortran => adjoin(axes, itemsize),
        Order::Any => adjoin(axes.clone().rev(), itemsize) || adjoin(axes, itemsize),
    }
}

/// Whether each axis, from the fastest on, starts where the one before it ends.
fn adjoin<'a>(axes: impl Iterator<Item = (&'a i64, &'a i64)>, itemsize: i64) -> bool {
    let mut expected = Some(itemsize);
    for (extent, stride) in axes {
        if *extent > 1 && Some(*stride) != expected {
            return false;
        }
        expected = expected.and_then(|expected| expected.checked_mul(*extent));
    }
    true
}

/// Writes the strides of a contiguous array, in bytes.
///
/// `shape` is in items, `itemsize` in bytes; [`Order::Any`] gives those of C.
///
/// ```
/// use pep3118::{Order, fill_contiguous_strides};
/// let mut strides = [0; 3];
/// fill_contiguous_strides(&[2, 3, 4], 8, Order::C, &mut strides)?;
/// assert_eq!(strides, [96, 32, 8]);
/// fill_contiguous_strides(&[2, 3, 4], 8, Order::Fortran, &mut strides)?;
/// assert_eq!(strides, [8, 16, 48]);
/// # Ok::<(), pep3118::ViewError>(())
/// ```
///
/// Spec: CPython `Doc/c-api/buffer.rst`, `PyBuffer_FillContiguousStrides`. There `itemsize` is an
/// `int` and overflow is not noticed (F08); here it is.
///
/// # Errors
/// - `strides` of another length than `shape`
/// - shape (2, 2^62) of 4-byte items: a stride does not fit `Py_ssize_t`
pub fn fill_contiguous_strides(
    shape: &[i64],
    itemsize: i64,
    order: Order,
    strides: &mut [i64],
) -> Result<(), ViewError> {
    if shape.len() != strides.len() {
        return Err(ViewError::StridesLength { strides: strides.len(), shape: shape.len() });
    }
    let mut next = Some(itemsize);
    let mut fill = |extent: &i64, stride: &mut i64| {
        *stride = next.ok_or(ViewError::StrideOverflow)?;
        next = stride.checked_mul(*extent);
        Ok(())
    };
    let mut axes = shape.iter().zip(strides);
    match order {
        Order::Fortran => axes.try_for_each(|(extent, stride)| fill(extent, stride)),
        Order::C | Order::Any => axes.rev().try_for_each(|(extent, stride)| fill(extent, stride)),
    }
}

/// The strides of a contiguous array, if they fit.
pub(crate) fn contiguous_strides(shape: &[i64], itemsize: i64, order: Order) -> Option<Vec<i64>> {
    let mut strides = alloc::vec![0; shape.len()];
    fill_contiguous_strides(shape, itemsize, order, &mut strides).ok()?;
    Some(strides)
}

/// The size in bytes of one item of a format, as `PyBuffer_SizeFromFormat` tells it.
///
/// That function is `struct.calcsize` (F07): it refuses every extension of PEP 3118. What other
/// readers take the size for is [`reconcile`](crate::reconcile)'s business.
///
/// ```
/// use pep3118::{DataModel, size_from_format};
/// assert_eq!(size_from_format(b"bi", &DataModel::LP64)?, 8);
/// assert!(size_from_format(b"T{b:a:i:b:}", &DataModel::LP64).is_err());
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
///
/// # Errors
/// - `T{i}`, `(2)i`, `i:a:`, `g`, `O`, `w`: not part of `struct`
/// - as [`Layout::read`](crate::Layout::read)
pub fn size_from_format(format: &[u8], model: &DataModel) -> Result<u64, LayoutError> {
    calcsize_in(format, &Dialect::STRUCT, model)
}
