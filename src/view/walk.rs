//! [`Offsets`] and [`Steps`]: the positions of the items of a view. [`Offsets`] has the offset of each item from `buf`.
//! [`Steps`] has each [`Step`] of the access to one item, which can read pointers.
//!
//! [`Offsets`] does not use the multi-index of the module `decode` for three reasons. (1) The module `view` is
//! a lower layer than `decode` and cannot import from `decode`. (2) Offsets are `isize` in `decode`, but a
//! view of a 64-bit buffer on a 32-bit machine needs `i64`. (3) The multi-index of `decode` allocates memory,
//! merges dimensions and also computes the offset of each item in a contiguous copy.

use core::iter::FusedIterator;

use super::contiguity::Order;
use super::dim_vec::DimVec;
use super::error::ViewError;
use super::view::View;

/// One step on the way from `buf` to an item. A step changes the current position, which is an address.
///
/// ```
/// use pep3118::{RawView, Request, Step};
/// // A table has the pointers to two rows of 3 bytes.
/// let raw = RawView {
///     len: 6, itemsize: 1, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[8, 1]), suboffsets: Some(&[0, -1]),
///     ..RawView::default()
/// };
/// let view = raw.check(Request::INDIRECT, None, None).into_result()?;
/// let steps: Vec<Step> = view.steps(&[1, 2])?.collect();
/// // The steps read the second pointer of the table and add the offset of the third byte of the row.
/// assert_eq!(steps, [Step::Stride(8), Step::Dereference, Step::Add(0), Step::Stride(2)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Spec: CPython `Doc/c-api/buffer.rst`, "PIL-style: shape, strides and suboffsets".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Step {
    /// Add this number of bytes to the position. The number is the product of an index and its stride.
    Stride(i64),
    /// Read the pointer at the current position. The pointer becomes the current position.
    Dereference,
    /// Add this number of bytes to the position. The number is a suboffset, or the offset of a view.
    Add(i64),
}

/// An iterator over the steps on the way from `buf` to one item. [`View::steps`] creates this iterator.
///
/// ```
/// use pep3118::{RawView, Request, Step};
/// let raw = RawView { len: 6, itemsize: 1, ndim: 2, shape: Some(&[2, 3]), ..RawView::default() };
/// let view = raw.check(Request::ND, None, None).into_result()?;
/// let steps: Vec<Step> = view.steps(&[1, 2])?.collect();
/// assert_eq!(steps, [Step::Stride(3), Step::Stride(2)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Steps<'v> {
    strides: &'v [i64],
    suboffsets: &'v [i64],
    indices: &'v [i64],
    /// The number of the dimension that the next `Stride` step belongs to.
    dimension: usize,
    /// The kind of the next step.
    next: NextStep,
}

/// The kind of the step that `Steps` returns next.
#[derive(Clone, Debug)]
enum NextStep {
    /// The step adds the offset of the view in bytes. No step is returned if the offset is 0.
    Offset(i64),
    /// The step adds the product of the stride and the index of the current dimension.
    Stride,
    /// The step reads a pointer. The value is the suboffset in bytes that the next step adds.
    Dereference(i64),
    /// The step adds this suboffset in bytes.
    Suboffset(i64),
}

impl Iterator for Steps<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        match self.next {
            NextStep::Dereference(suboffset) => {
                self.next = NextStep::Suboffset(suboffset);
                return Some(Step::Dereference);
            }
            NextStep::Suboffset(suboffset) => {
                self.next = NextStep::Stride;
                return Some(Step::Add(suboffset));
            }
            NextStep::Offset(offset) => {
                self.next = NextStep::Stride;
                if offset != 0 {
                    return Some(Step::Add(offset));
                }
            }
            NextStep::Stride => {}
        }
        let (stride, index) = (self.strides.get(self.dimension)?, self.indices.get(self.dimension)?);
        if let Some(suboffset @ 0..) = self.suboffsets.get(self.dimension) {
            self.next = NextStep::Dereference(*suboffset);
        }
        self.dimension = self.dimension.saturating_add(1);
        // The index is in bounds. The product is therefore at most the distance between two items of the view,
        // which fits an `i64`.
        Some(Step::Stride(stride.wrapping_mul(*index)))
    }
}

impl FusedIterator for Steps<'_> {}

/// An iterator over the offsets of all items, in bytes from `buf`. [`View::offsets`] creates this iterator.
///
/// ```
/// use pep3118::{Order, RawView, Request};
/// let raw = RawView { len: 6, itemsize: 1, ndim: 2, shape: Some(&[2, 3]), ..RawView::default() };
/// let view = raw.check(Request::ND, None, None).into_result()?;
/// assert_eq!(view.offsets(Order::Fortran)?.collect::<Vec<i64>>(), [0, 3, 1, 4, 2, 5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Offsets<'v> {
    shape: &'v [i64],
    strides: &'v [i64],
    /// The indices of the next item.
    indices: DimVec,
    order: Order,
    /// The offset of the next item in bytes.
    offset: i64,
    /// The number of items that were not returned yet.
    remaining: u64,
}

impl Iterator for Offsets<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        self.remaining = self.remaining.checked_sub(1)?;
        let offset = self.offset;
        let axes = self.indices.iter_mut().zip(self.shape.iter().zip(self.strides));
        self.offset = match self.order {
            Order::Fortran => advance(offset, axes),
            Order::C | Order::Any => advance(offset, axes.rev()),
        };
        Some(offset)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let remaining = usize::try_from(self.remaining);
        (remaining.unwrap_or(usize::MAX), remaining.ok())
    }
}

impl FusedIterator for Offsets<'_> {}

/// Advances the indices to the next item, and returns the offset of this item in bytes.
///
/// `offset` is the offset of the current item in bytes. `axes` yields a triple for each dimension: the index,
/// which the function changes, the length and the stride in bytes. The dimension whose index varies fastest
/// must be first. After the last item, all indices become 0, and the result is the offset of the first item.
fn advance<'v>(offset: i64, axes: impl Iterator<Item = (&'v mut i64, (&'v i64, &'v i64))>) -> i64 {
    let mut offset = offset;
    for (index, (length, stride)) in axes {
        *index = index.wrapping_add(1);
        if *index < *length {
            return offset.wrapping_add(*stride);
        }
        *index = 0;
        offset = offset.wrapping_sub(stride.wrapping_mul(length.wrapping_sub(1)));
    }
    offset
}

impl View<'_> {
    /// Returns the offset of the item at `indices`, in bytes from `buf`. `indices` has one index for each
    /// dimension.
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView {
    ///     len: 6, itemsize: 1, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[8, -1]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::STRIDES, None, None).into_result()?;
    /// assert_eq!(view.offset_of(&[1, 2])?, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the number of indices is not `ndim`: `[1]` in two dimensions
    /// - an index is negative or too large: `[-1, 0]`, or `[0, 3]` in shape (2, 3)
    /// - the view has suboffsets, so the items have no fixed offset from `buf`: use [`steps`](View::steps)
    pub fn offset_of(&self, indices: &[i64]) -> Result<i64, ViewError> {
        if self.is_indirect() {
            return Err(ViewError::Indirect);
        }
        self.check_indices(indices)?;
        // The indices are in bounds. Every sum is therefore an offset inside of the range of bytes of the
        // view, which fits an `i64`.
        let add = |sum: i64, (index, stride): (&i64, &i64)| sum.wrapping_add(index.wrapping_mul(*stride));
        Ok(indices.iter().zip(self.strides()).fold(self.offset, add))
    }

    /// Returns the steps on the way from `buf` to the item at `indices`. `indices` has one index for each dimension. If
    /// the [`offset`](View::offset) of the view is not 0, the first step adds this offset. A caller that performs the
    /// steps does the same as `get_item_pointer` of PEP 3118.
    ///
    /// ```
    /// use pep3118::{RawView, Request, Step};
    /// let raw = RawView {
    ///     len: 6, itemsize: 1, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[8, 1]), suboffsets: Some(&[0, -1]),
    ///     ..RawView::default()
    /// };
    /// let view = raw.check(Request::INDIRECT, None, None).into_result()?;
    /// let steps: Vec<Step> = view.steps(&[1, 2])?.collect();
    /// assert_eq!(steps[..2], [Step::Stride(8), Step::Dereference]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the number of indices is not `ndim`: `[1]` in two dimensions
    /// - an index is negative or too large: `[-1, 0]`, or `[0, 3]` in shape (2, 3)
    pub fn steps<'v>(&'v self, indices: &'v [i64]) -> Result<Steps<'v>, ViewError> {
        self.check_indices(indices)?;
        Ok(Steps {
            strides: self.strides(),
            // NULL suboffsets are treated as an empty array: no dimension has a pointer.
            suboffsets: self.suboffsets().unwrap_or_default(),
            indices,
            dimension: 0,
            next: NextStep::Offset(self.offset),
        })
    }

    /// Returns an iterator over the offsets of all items, in bytes from `buf`.
    ///
    /// If `order` is [`Order::Fortran`], the first index varies fastest. If `order` is [`Order::C`] or
    /// [`Order::Any`], the last index varies fastest.
    ///
    /// # Errors
    /// - the view has suboffsets, so the items have no fixed offset from `buf`: use [`steps`](View::steps)
    pub fn offsets(&self, order: Order) -> Result<Offsets<'_>, ViewError> {
        if self.is_indirect() {
            return Err(ViewError::Indirect);
        }
        Ok(Offsets {
            shape: self.shape(),
            strides: self.strides(),
            indices: DimVec::from_elem(0, self.ndim()),
            order,
            offset: self.offset,
            remaining: self.item_count(),
        })
    }

    /// Returns `Ok` if `indices` has one entry for each dimension and all entries are in bounds. Otherwise returns an
    /// error.
    fn check_indices(&self, indices: &[i64]) -> Result<(), ViewError> {
        if indices.len() != self.ndim() {
            return Err(ViewError::IndexCount { indices: indices.len(), ndim: self.ndim() });
        }
        for (dimension, (index, length)) in indices.iter().zip(self.shape()).enumerate() {
            if *index < 0 || index >= length {
                return Err(ViewError::IndexOutOfBounds { dimension, index: *index, length: *length });
            }
        }
        Ok(())
    }
}
