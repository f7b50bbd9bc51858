//! Positions of items: offsets from `buf`, and the steps that follow pointers.

use core::iter::FusedIterator;

use super::contiguity::Order;
use super::dim_vec::DimVec;
use super::error::ViewError;
use super::view::View;

/// One step on the way from `buf` to an item.
///
/// ```
/// use pep3118::{RawView, Request, Step};
/// // Two rows of 3 bytes, each at a pointer in a table.
/// let raw = RawView {
///     len: 6, itemsize: 1, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[8, 1]), suboffsets: Some(&[0, -1]),
///     ..RawView::default()
/// };
/// let view = raw.check(Request::INDIRECT, None, None).into_result()?;
/// let steps: Vec<Step> = view.steps(&[1, 2])?.collect();
/// // The second pointer of the table, then the third byte of its row.
/// assert_eq!(steps, [Step::Stride(8), Step::Dereference, Step::Add(0), Step::Stride(2)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Spec: CPython `Doc/c-api/buffer.rst`, "PIL-style: shape, strides and suboffsets".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Add this many bytes: an index times its stride.
    Stride(i64),
    /// Read the pointer at this position and continue where it points.
    Dereference,
    /// Add this many bytes: a suboffset, or the offset of a slice.
    Add(i64),
}

/// The steps to one item. [`View::steps`] makes it.
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
    dimension: usize,
    next: NextStep,
}

/// The kind of the next step.
#[derive(Clone, Debug)]
enum NextStep {
    /// Add the offset of the view, if it is not 0.
    Offset(i64),
    /// Add the stride of the dimension.
    Stride,
    /// Follow the pointer of the dimension; then add its suboffset.
    Dereference(i64),
    /// Add the suboffset of the dimension.
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
        // The index is in bounds, so the product is part of a span that fits 63 bits.
        Some(Step::Stride(stride.wrapping_mul(*index)))
    }
}

impl FusedIterator for Steps<'_> {}

/// The offset of every item in bytes from `buf`. [`View::offsets`] makes it.
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
    indices: DimVec,
    order: Order,
    offset: i64,
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

/// Advances the multi-index by one item, fastest axis first, and returns the offset of that item. After
/// the last item it returns to the first.
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
    /// Returns the offset of an item in bytes from `buf`.
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
    /// - `[1]` in two dimensions: there must be one index for each dimension
    /// - `[0, 3]` in shape (2, 3), `[-1, 0]`: out of bounds
    /// - any index if suboffsets is not NULL: see [`steps`](View::steps)
    pub fn offset_of(&self, indices: &[i64]) -> Result<i64, ViewError> {
        if self.is_indirect() {
            return Err(ViewError::Indirect);
        }
        self.check_indices(indices)?;
        // The indices are in bounds, so every sum is part of a span that fits 63 bits.
        let add = |sum: i64, (index, stride): (&i64, &i64)| sum.wrapping_add(index.wrapping_mul(*stride));
        Ok(indices.iter().zip(self.strides()).fold(self.offset, add))
    }

    /// Returns the steps from `buf` to an item: `get_item_pointer` of PEP 3118 as data.
    ///
    /// # Errors
    /// - `[1]` in two dimensions: there must be one index for each dimension
    /// - `[0, 3]` in shape (2, 3), `[-1, 0]`: out of bounds
    pub fn steps<'v>(&'v self, indices: &'v [i64]) -> Result<Steps<'v>, ViewError> {
        self.check_indices(indices)?;
        Ok(Steps {
            strides: self.strides(),
            suboffsets: self.suboffsets().unwrap_or_default(),
            indices,
            dimension: 0,
            next: NextStep::Offset(self.offset),
        })
    }

    /// Returns the offsets of all items in bytes from `buf`, the last index fastest. With
    /// [`Order::Fortran`] the first index is fastest.
    ///
    /// # Errors
    /// - any view whose suboffsets is not NULL: see [`steps`](View::steps)
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
