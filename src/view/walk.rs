//! From indices to bytes: offsets, and the steps through pointers.

use core::iter::FusedIterator;

use super::dim_vec::Dims;
use super::error::ViewError;
use super::geometry::Order;
use super::view::View;

/// One step on the way from `buf` to an item.
///
/// ```
/// use pep3118::{RawView, Request, Step};
/// // Rows of 3 bytes behind a table of pointers.
/// let raw = RawView {
///     len: 6, itemsize: 1, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[8, 1]), suboffsets: Some(&[0, -1]),
///     ..RawView::default()
/// };
/// let view = raw.check(Request::INDIRECT, None, None).into_result()?;
/// let steps: Vec<Step> = view.steps(&[1, 2])?.collect();
/// assert_eq!(steps, [Step::Stride(8), Step::Dereference, Step::Add(0), Step::Stride(2)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Spec: CPython `Doc/c-api/buffer.rst`, "PIL-style: shape, strides and suboffsets".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Add an index times its stride: this many bytes.
    Stride(i64),
    /// Read the pointer that lies here and go where it points.
    Dereference,
    /// Add a suboffset, or the offset of a slice: this many bytes.
    Add(i64),
}

/// The steps to one item; made by [`View::steps`].
///
/// ```
/// use pep3118::{RawView, Request, Step};
/// let raw = RawView {
///     len: 6, itemsize: 1, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[8, 1]), suboffsets: Some(&[0, -1]),
///     ..RawView::default()
/// };
/// let view = raw.check(Request::INDIRECT, None, None).into_result()?;
/// // The second pointer of the table, then the third byte of the row that it leads to.
/// let way: Vec<Step> = view.steps(&[1, 2])?.collect();
/// assert_eq!(way, [Step::Stride(8), Step::Dereference, Step::Add(0), Step::Stride(2)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Steps<'v> {
    strides: &'v [i64],
    suboffsets: &'v [i64],
    indices: &'v [i64],
    offset: i64,
    /// What is left to do in the dimension that was strided last: 2 dereference, 1 add, 0 nothing.
    pending: u8,
    dimension: usize,
}

impl Iterator for Steps<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.offset != 0 {
            return Some(Step::Add(core::mem::take(&mut self.offset)));
        }
        let current = self.dimension.checked_sub(1).and_then(|current| self.suboffsets.get(current));
        if let Some(suboffset) = current.filter(|_| self.pending > 0) {
            self.pending = self.pending.saturating_sub(1);
            return Some(if self.pending == 1 { Step::Dereference } else { Step::Add(*suboffset) });
        }
        let (stride, index) = (self.strides.get(self.dimension)?, self.indices.get(self.dimension)?);
        self.pending = match self.suboffsets.get(self.dimension) {
            Some(0..) => 2,
            _ => 0,
        };
        self.dimension = self.dimension.saturating_add(1);
        // In bounds, so the product is part of a span that fits.
        Some(Step::Stride(stride.wrapping_mul(*index)))
    }
}

impl FusedIterator for Steps<'_> {}

/// The offset of every item in bytes from `buf`; made by [`View::offsets`].
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
    indices: Dims<'static>,
    order: Order,
    next: i64,
    left: u64,
}

impl Iterator for Offsets<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        self.left = self.left.checked_sub(1)?;
        let here = self.next;
        let axes = self.indices.make_mut().iter_mut().zip(self.shape.iter().zip(self.strides));
        self.next = match self.order {
            Order::Fortran => advance(here, axes),
            Order::C | Order::Any => advance(here, axes.rev()),
        };
        Some(here)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left);
        (left.unwrap_or(usize::MAX), left.ok())
    }
}

impl FusedIterator for Offsets<'_> {}

/// Turns the odometer, fastest wheel first. Where it comes full circle, nobody asks for more.
fn advance<'v>(here: i64, axes: impl Iterator<Item = (&'v mut i64, (&'v i64, &'v i64))>) -> i64 {
    let mut next = here;
    for (index, (extent, stride)) in axes {
        *index = index.wrapping_add(1);
        if *index < *extent {
            return next.wrapping_add(*stride);
        }
        *index = 0;
        next = next.wrapping_sub(stride.wrapping_mul(extent.wrapping_sub(1)));
    }
    next
}

impl View<'_> {
    /// The offset of an item in bytes from `buf`.
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
    /// - `[1]` in two dimensions: an index for each is needed
    /// - `[0, 3]` in shape (2, 3), `[-1, 0]`: out of bounds
    /// - any index where suboffsets is not NULL: see [`steps`](View::steps)
    pub fn offset_of(&self, indices: &[i64]) -> Result<i64, ViewError> {
        if self.is_indirect() {
            return Err(ViewError::Indirect);
        }
        self.in_bounds(indices)?;
        // In bounds, so every sum is part of a span that fits.
        let add = |sum: i64, (index, stride): (&i64, &i64)| sum.wrapping_add(index.wrapping_mul(*stride));
        Ok(indices.iter().zip(self.strides()).fold(self.offset, add))
    }

    /// The way to an item, through pointers where there are any: PEP 3118's `get_item_pointer` as
    /// data.
    ///
    /// # Errors
    /// - `[1]` in two dimensions: an index for each is needed
    /// - `[0, 3]` in shape (2, 3), `[-1, 0]`: out of bounds
    pub fn steps<'v>(&'v self, indices: &'v [i64]) -> Result<Steps<'v>, ViewError> {
        self.in_bounds(indices)?;
        Ok(Steps {
            strides: self.strides(),
            suboffsets: self.suboffsets().unwrap_or_default(),
            indices,
            offset: self.offset,
            pending: 0,
            dimension: 0,
        })
    }

    /// The offsets of all items, in bytes from `buf`, with the last index fastest
    /// ([`Order::Fortran`]: the first).
    ///
    /// # Errors
    /// - any view where suboffsets is not NULL: see [`steps`](View::steps)
    pub fn offsets(&self, order: Order) -> Result<Offsets<'_>, ViewError> {
        if self.is_indirect() {
            return Err(ViewError::Indirect);
        }
        Ok(Offsets {
            shape: self.shape(),
            strides: self.strides(),
            indices: Dims::zeros(self.ndim()),
            order,
            next: self.offset,
            left: self.item_count(),
        })
    }

    fn in_bounds(&self, indices: &[i64]) -> Result<(), ViewError> {
        if indices.len() != self.ndim() {
            return Err(ViewError::IndexCount { indices: indices.len(), ndim: self.ndim() });
        }
        for (dimension, (index, extent)) in indices.iter().zip(self.shape()).enumerate() {
            if *index < 0 || index >= extent {
                return Err(ViewError::IndexOutOfBounds { dimension, index: *index, extent: *extent });
            }
        }
        Ok(())
    }
}
