//! Slices and transpositions of a view: another view of the same memory.

use core::ops::Range;

use super::dim_vec::Dims;
use super::error::ViewError;
use super::view::View;

/// Python's `slice(start, stop, step)` in one dimension.
///
/// ```
/// use pep3118::Slice;
/// // [::-1] of 5 items
/// let backwards = Slice { step: -1, ..Slice::FULL };
/// assert_eq!(backwards.indices(5), Some((4, 5)));
/// assert_eq!(Slice::from(1..3).indices(5), Some((1, 2)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The first index; negative ones count from the end.
    pub start: Option<i64>,
    /// The index before which it ends.
    pub stop: Option<i64>,
    /// From one index to the next; not 0.
    pub step: i64,
}

impl Slice {
    /// `[:]`
    pub const FULL: Self = Self { start: None, stop: None, step: 1 };

    /// The first index in `0..extent` and how many there are, as `slice.indices` counts; `None` for
    /// a step of 0. Where there is no index, the first is 0.
    ///
    /// ```
    /// use pep3118::Slice;
    /// // [::-2] of five: 4, 2, 0
    /// assert_eq!(Slice { start: None, stop: None, step: -2 }.indices(5), Some((4, 3)));
    /// ```
    #[must_use]
    pub fn indices(self, extent: i64) -> Option<(i64, i64)> {
        let Self { start, stop, step } = self;
        if step == 0 {
            return None;
        }
        let (lowest, highest) = if step < 0 { (-1, extent.saturating_sub(1)) } else { (0, extent) };
        let bound = |index: Option<i64>, default: i64| match index {
            None => default,
            Some(index) if index < 0 => index.saturating_add(extent).max(lowest),
            Some(index) => index.min(highest),
        };
        let (first, last) = if step < 0 { (highest, lowest) } else { (lowest, highest) };
        let (start, stop) = (bound(start, first), bound(stop, last));
        let distance = if step < 0 { start.saturating_sub(stop) } else { stop.saturating_sub(start) };
        if distance <= 0 {
            return Some((0, 0));
        }
        let whole = distance.saturating_sub(1).unsigned_abs().checked_div(step.unsigned_abs()).unwrap_or(0);
        Some((start, i64::try_from(whole).unwrap_or(i64::MAX).saturating_add(1)))
    }
}

impl Default for Slice {
    fn default() -> Self {
        Self::FULL
    }
}

impl From<Range<i64>> for Slice {
    fn from(range: Range<i64>) -> Self {
        Self { start: Some(range.start), stop: Some(range.end), step: 1 }
    }
}

impl<'a> View<'a> {
    /// The items that a slice for each dimension selects; dimensions without one are kept whole.
    ///
    /// The answer is memoryview's and NumPy's. Where nothing is selected the first item stays where
    /// it was, as in NumPy; memoryview moves it.
    ///
    /// ```
    /// use pep3118::{RawView, Request, Slice};
    /// let raw = RawView { len: 6, itemsize: 1, ndim: 2, shape: Some(&[2, 3]), ..RawView::default() };
    /// let view = raw.check(Request::ND, None, None).1.unwrap();
    /// let columns = view.slice(&[Slice::FULL, Slice { start: Some(1), ..Slice::FULL }])?;
    /// assert_eq!((columns.shape(), columns.strides(), columns.offset()), (&[2, 2][..], &[3, 1][..], 1));
    /// # Ok::<(), pep3118::ViewError>(())
    /// ```
    ///
    /// # Errors
    /// - a step of 0
    /// - more slices than dimensions
    /// - a slice that would move a suboffset below 0
    pub fn slice(&self, slices: &[Slice]) -> Result<Self, ViewError> {
        if slices.len() > self.ndim() {
            return Err(ViewError::SliceCount { slices: slices.len(), ndim: self.ndim() });
        }
        let mut view = self.clone();
        let mut moved = Dims::zeros(slices.len());
        for ((dimension, slice), moved) in slices.iter().enumerate().zip(moved.make_mut()) {
            *moved = view.slice_axis(dimension, *slice)?;
        }
        // No byte of an empty array is read, so its pointers lead nowhere and their suboffsets need not move.
        if !(view.is_indirect() && view.shape().contains(&0)) {
            for (dimension, moved) in moved.as_slice().iter().enumerate() {
                view.shift(dimension, *moved)?;
            }
        }
        let product = |bytes: i64, extent: &i64| bytes.wrapping_mul(*extent);
        // No longer than before, except that an empty array need not have been small.
        view.len = if view.shape().contains(&0) { 0 } else { view.shape().iter().fold(view.itemsize, product) };
        Ok(view)
    }

    /// Changes length and stride of a dimension. Returns the distance from the first item to the first selected one.
    fn slice_axis(&mut self, dimension: usize, slice: Slice) -> Result<i64, ViewError> {
        let Some(extent) = self.shape.make_mut().get_mut(dimension) else { return Ok(0) };
        let Some((start, count)) = slice.indices(*extent) else { return Err(ViewError::SliceStep { dimension }) };
        *extent = count;
        let Some(stride) = self.strides.make_mut().get_mut(dimension) else { return Ok(0) };
        // An index that exists, so the product is part of a span that fits.
        let moved = stride.wrapping_mul(start);
        // With one item or none the stride has no say.
        *stride = stride.checked_mul(slice.step).unwrap_or(*stride);
        Ok(moved)
    }

    /// Moves the first item: before the first pointer by the offset, behind one by its suboffset.
    pub(super) fn shift(&mut self, dimension: usize, moved: i64) -> Result<(), ViewError> {
        let before = self.suboffsets.as_mut().and_then(|suboffsets| {
            let before = suboffsets.make_mut().iter_mut().enumerate().take(dimension);
            before.rev().find(|(_, suboffset)| **suboffset >= 0)
        });
        let Some((dimension, suboffset)) = before else {
            self.offset = self.offset.wrapping_add(moved);
            return Ok(());
        };
        let shifted = suboffset.saturating_add(moved);
        if shifted < 0 {
            return Err(ViewError::SliceSuboffset { dimension, suboffset: shifted });
        }
        *suboffset = shifted;
        Ok(())
    }

    /// The same items with the dimensions in another order, reversed if `axes` is `None`; NumPy's
    /// `transpose`.
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView {
    ///     len: 24, itemsize: 4, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[12, 4]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::STRIDES, None, None).1.unwrap().transpose(None)?;
    /// assert_eq!((view.shape(), view.strides()), (&[3, 2][..], &[4, 12][..]));
    /// # Ok::<(), pep3118::ViewError>(())
    /// ```
    ///
    /// # Errors
    /// - `[0, 0]`: no permutation of the dimensions
    /// - any view where suboffsets is not NULL: pointers are followed in one order only
    pub fn transpose(&self, axes: Option<&[usize]>) -> Result<Self, ViewError> {
        if self.is_indirect() {
            return Err(ViewError::Indirect);
        }
        let ndim = self.ndim();
        let mut view = self.clone();
        let (mut shape, mut strides) = (Dims::zeros(ndim), Dims::zeros(ndim));
        match axes {
            None => {
                shape = copied(shape, self.shape().iter().rev());
                strides = copied(strides, self.strides().iter().rev());
            }
            Some(axes) => {
                let mut taken = Dims::zeros(ndim);
                let permuted = axes.len() == ndim
                    && axes.iter().all(|axis| {
                        taken.make_mut().get_mut(*axis).is_some_and(|taken| core::mem::replace(taken, 1) == 0)
                    });
                if !permuted {
                    return Err(ViewError::Axes { ndim });
                }
                shape = copied(shape, axes.iter().filter_map(|axis| self.shape().get(*axis)));
                strides = copied(strides, axes.iter().filter_map(|axis| self.strides().get(*axis)));
            }
        }
        (view.shape, view.strides) = (shape, strides);
        Ok(view)
    }
}

fn copied<'d, 'v>(mut dims: Dims<'d>, values: impl Iterator<Item = &'v i64>) -> Dims<'d> {
    for (slot, value) in dims.make_mut().iter_mut().zip(values) {
        *slot = *value;
    }
    dims
}
