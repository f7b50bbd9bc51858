//! Operations on a [`View`] that return a view of the same memory: slice (with a [`Slice`]), split, chunks, transpose,
//! select, field, cast and conversion to read-only.

use alloc::boxed::Box;
use core::num::NonZeroU64;
use core::ops::Range;

use super::bounds::{Overlap, StructureSummary};
use super::contiguity::{Order, c_strides};
use super::dim_vec::{DimVec, Dims};
use super::error::ViewError;
use super::view::{ItemLayout, View};
use crate::layout::{Certainty, Dialect, Field, Interpretation};

/// The maximum number of dimensions of a `Py_buffer`: `PyBUF_MAX_NDIM` (A13, range of `ndim`).
const MAX_NDIM: usize = 64;

/// A slice `start:stop:step` of one dimension, with the meaning of Python's `slice`.
///
/// ```
/// use pep3118::Slice;
/// // [::-1] selects the indices 4, 3, 2, 1, 0 of five items.
/// let reversed = Slice { step: -1, ..Slice::FULL };
/// assert_eq!(reversed.indices(5), Some((4, 5)));
/// assert_eq!(Slice::from(1..3).indices(5), Some((1, 2)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct Slice {
    /// The first index. A negative index counts from the end of the dimension. `None` means the first or, for a
    /// negative step, the last index of the dimension.
    pub start: Option<i64>,
    /// The end of the slice, which the slice does not include. A negative index counts from the end of the
    /// dimension. `None` means that the slice continues to the end or, for a negative step, to the start of the
    /// dimension.
    pub stop: Option<i64>,
    /// The distance from one index to the next. The distance can be negative, but not 0.
    pub step: i64,
}

impl Slice {
    /// The slice `[:]`, which selects every index.
    pub const FULL: Self = Self { start: None, stop: None, step: 1 };

    /// Returns the indices that the slice selects in a dimension of `length` items, as a pair: the first index
    /// and the number of indices. The result agrees with Python's `slice.indices`.
    ///
    /// Returns `None` if the step is 0. Returns `(0, 0)` if the slice selects no index.
    ///
    /// ```
    /// use pep3118::Slice;
    /// // [::-2] selects the indices 4, 2, 0 of five items.
    /// assert_eq!(Slice { start: None, stop: None, step: -2 }.indices(5), Some((4, 3)));
    /// ```
    #[must_use]
    pub fn indices(self, length: i64) -> Option<(i64, i64)> {
        let Self { start, stop, step } = self;
        let step_size = NonZeroU64::new(step.unsigned_abs())?;
        let (lowest, highest) = if step < 0 { (-1, length.saturating_sub(1)) } else { (0, length) };
        let bound = |index: Option<i64>, default: i64| match index {
            None => default,
            Some(index) if index < 0 => index.saturating_add(length).max(lowest),
            Some(index) => index.min(highest),
        };
        let (first, last) = if step < 0 { (highest, lowest) } else { (lowest, highest) };
        let (start, stop) = (bound(start, first), bound(stop, last));
        let distance = if step < 0 { start.saturating_sub(stop) } else { stop.saturating_sub(start) };
        if distance <= 0 {
            return Some((0, 0));
        }
        let count = distance.unsigned_abs().div_ceil(step_size.get());
        // The step is at least 1 here, so `count` is at most `distance`, which fits an `i64`.
        Some((start, i64::try_from(count).unwrap_or(distance)))
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

/// The result of [`View::select`]: the items at one index of a dimension, and the position of their `buf`.
///
/// ```
/// use pep3118::{RawView, Request};
/// let raw = RawView { len: 6, itemsize: 1, ndim: 2, shape: Some(&[2, 3]), ..RawView::default() };
/// let rows = raw.check(Request::ND, None, None).into_result()?;
/// let second = rows.select(0, 1)?;
/// assert_eq!((second.view.shape(), second.view.offset(), second.pointer), (&[3][..], 3, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selected<'a> {
    /// The view of the items at the index.
    pub view: View<'a>,
    /// The position of the `buf` of `view`. `None` means that `view` has the same `buf` as the original view. `Some(n)`
    /// means that the caller must read the pointer that is stored `n` bytes after the original `buf`. This
    /// pointer is the `buf` of `view`.
    pub pointer: Option<i64>,
}

impl<'a> View<'a> {
    /// Returns a view of the items that `slices` select. `slices[i]` applies to dimension `i`. Dimensions
    /// without a slice do not change.
    ///
    /// The result is equal to the result of NumPy. If the slices select at least one item, the result is also equal to
    /// the result of memoryview. If the slices select no item, memoryview and this method can return different offsets.
    ///
    /// ```
    /// use pep3118::{RawView, Request, Slice};
    /// let raw = RawView { len: 6, itemsize: 1, ndim: 2, shape: Some(&[2, 3]), ..RawView::default() };
    /// let view = raw.check(Request::ND, None, None).into_result()?;
    /// let columns = view.slice(&[Slice::FULL, Slice { start: Some(1), ..Slice::FULL }])?;
    /// assert_eq!((columns.shape(), columns.strides(), columns.offset()), (&[2, 2][..], &[3, 1][..], 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - a slice has a step of 0
    /// - there are more slices than dimensions
    /// - a slice would make a suboffset negative
    pub fn slice(&self, slices: &[Slice]) -> Result<Self, ViewError> {
        if slices.len() > self.ndim() {
            return Err(ViewError::SliceCount { slices: slices.len(), ndim: self.ndim() });
        }
        let (mut shape, mut strides) = (DimVec::from_slice(self.shape()), DimVec::from_slice(self.strides()));
        let mut distances = DimVec::new();
        for (dimension, ((length, stride), slice)) in shape.iter_mut().zip(&mut strides).zip(slices).enumerate() {
            let (start, count) = slice.indices(*length).ok_or(ViewError::SliceStep { dimension })?;
            *length = count;
            // The index is in bounds. The product is therefore at most the distance between two items of the
            // view, which fits an `i64`.
            distances.push(stride.wrapping_mul(start));
            // If the product overflows, the dimension has at most one item after the slice, so its stride is
            // never used.
            *stride = stride.checked_mul(slice.step).unwrap_or(*stride);
        }
        let mut first = FirstItem::of(self);
        // A consumer reads no byte of an array without items, so the suboffsets need no change.
        if !(self.is_indirect() && shape.contains(&0)) {
            for (dimension, distance) in distances.into_iter().enumerate() {
                first.move_by(distance, dimension)?;
            }
        }
        let shape = Dims::Owned(shape);
        Ok(Self { shape, strides: Dims::Owned(strides), ..first.apply_to(self) }.with_len())
    }

    /// Returns two views: the items with an index below `index` in the first dimension, and all other items.
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView { len: 12, itemsize: 4, ndim: 1, shape: Some(&[3]), ..RawView::default() };
    /// let (first, rest) = raw.check(Request::ND, None, None).into_result()?.split_at(1)?;
    /// assert_eq!((first.shape(), rest.shape(), rest.offset()), (&[1][..], &[2][..], 4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the view has no dimensions
    /// - `index` is negative, or larger than the length of the first dimension: 4 for a length of 3
    pub fn split_at(&self, index: i64) -> Result<(Self, Self), ViewError> {
        let length = self.first_length()?;
        let rest = length.checked_sub(index).filter(|rest| index >= 0 && *rest >= 0);
        let rest = rest.ok_or(ViewError::IndexOutOfBounds { dimension: 0, index, length })?;
        Ok((self.rows(0, index), self.rows(index, rest)))
    }

    /// Returns an iterator over views of consecutive items: each view has `len` indices of the first dimension, and the
    /// last view has the remaining indices.
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView { len: 24, itemsize: 4, ndim: 2, shape: Some(&[3, 2]), ..RawView::default() };
    /// let view = raw.check(Request::ND, None, None).into_result()?;
    /// let shapes: Vec<Vec<i64>> = view.chunks(2)?.map(|part| part.shape().to_vec()).collect();
    /// assert_eq!(shapes, [[2, 2], [1, 2]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the view has no dimensions
    /// - `len` is 0 or negative
    pub fn chunks(&self, len: i64) -> Result<impl Iterator<Item = Self> + use<'_, 'a>, ViewError> {
        Ok(chunk_bounds(self.first_length()?, len)?.map(|(start, count)| self.rows(start, count)))
    }

    /// Returns the length of the first dimension. Returns an error if the view has no dimensions.
    pub(crate) fn first_length(&self) -> Result<i64, ViewError> {
        self.shape().first().copied().ok_or(ViewError::IndexCount { indices: 1, ndim: 0 })
    }

    /// Returns whether two items of the view can share bytes. Returns `true` if pointers lead to the items, because two
    /// pointers can be equal.
    pub(crate) fn can_share_bytes(&self) -> bool {
        self.is_indirect()
            || !self.is_empty() && Overlap::of(self.shape(), self.strides(), self.itemsize()) != Overlap::None
    }

    /// Returns a view of the items whose index in the first dimension is at least `start` and below `start + count`.
    /// The view must have these indices.
    pub(crate) fn rows(&self, start: i64, count: i64) -> Self {
        let mut shape = DimVec::from_slice(self.shape());
        if let Some(length) = shape.first_mut() {
            debug_assert!(
                start >= 0 && count >= 0 && start.saturating_add(count) <= *length,
                "{start} {count} {length}"
            );
            *length = count;
        }
        // The index is in bounds. The product is therefore at most the distance between two items of the view, which
        // fits an `i64`. No dimension before the first has a pointer, so only the offset changes.
        let stride = self.strides().first().copied().filter(|_| count > 0).unwrap_or(0);
        let offset = self.offset.wrapping_add(stride.wrapping_mul(start));
        Self { shape: Dims::Owned(shape), offset, ..self.clone() }.with_len()
    }

    /// Returns a view of the same items whose dimensions are in another order, like NumPy's `transpose`.
    ///
    /// Dimension `i` of the result is dimension `axes[i]` of this view. If `axes` is `None`, the order of the
    /// dimensions is reversed.
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView {
    ///     len: 24, itemsize: 4, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[12, 4]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::STRIDES, None, None).into_result()?.transpose(None)?;
    /// assert_eq!((view.shape(), view.strides()), (&[3, 2][..], &[4, 12][..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - `axes` is not a permutation of the dimensions: `[0, 0]`
    /// - the view has suboffsets, because pointers must be read in the order of the dimensions
    pub fn transpose(&self, axes: Option<&[usize]>) -> Result<Self, ViewError> {
        if self.is_indirect() {
            return Err(ViewError::Indirect);
        }
        let ndim = self.ndim();
        let Some(axes) = axes else {
            let shape = self.shape().iter().rev().copied().collect();
            let strides = self.strides().iter().rev().copied().collect();
            return Ok(Self { shape, strides, ..self.clone() });
        };
        let mut is_used = DimVec::from_elem(0, ndim);
        let mut is_new = |axis: &usize| is_used.get_mut(*axis).is_some_and(|used| core::mem::replace(used, 1) == 0);
        if axes.len() != ndim || !axes.iter().all(&mut is_new) {
            return Err(ViewError::Axes { ndim });
        }
        let shape = axes.iter().filter_map(|axis| self.shape().get(*axis)).copied().collect();
        let strides = axes.iter().filter_map(|axis| self.strides().get(*axis)).copied().collect();
        Ok(Self { shape, strides, ..self.clone() })
    }

    /// Returns the items at the index `index` of the dimension `dimension`. The result does not have this
    /// dimension.
    ///
    /// If `dimension` has a suboffset, the view in the result has the suboffset in the dimension before `dimension`. If
    /// `dimension` is 0, there is no dimension before it. In this case, the caller must read the pointer at
    /// [`Selected::pointer`].
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView {
    ///     len: 24, itemsize: 4, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[12, 4]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::STRIDES, None, None).into_result()?;
    /// let column = view.select(1, 2)?;
    /// assert_eq!((column.view.shape(), column.view.strides(), column.view.offset()), (&[2][..], &[12][..], 8));
    /// assert_eq!(column.pointer, None);
    ///
    /// // A table has the pointers to the rows. The second pointer is at byte 8 of the table. A row starts
    /// // 16 bytes after the address that its pointer contains.
    /// let raw = RawView { strides: Some(&[8, 4]), suboffsets: Some(&[16, -1]), ..raw };
    /// let view = raw.check(Request::INDIRECT, None, None).into_result()?;
    /// let row = view.select(0, 1)?;
    /// assert_eq!((row.pointer, row.view.offset(), row.view.suboffsets()), (Some(8), 16, None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - `index` is out of bounds: 3 in a dimension of 3 items, or -1
    /// - the dimension does not exist: 2 in a view of 2 dimensions
    /// - the dimension before `dimension` already has a suboffset
    /// - a suboffset would become negative
    pub fn select(&self, dimension: usize, index: i64) -> Result<Selected<'a>, ViewError> {
        let (Some(length), Some(stride)) = (self.shape().get(dimension), self.strides().get(dimension)) else {
            let indices = dimension.saturating_add(1);
            return Err(ViewError::IndexCount { indices, ndim: self.ndim() });
        };
        if index < 0 || index >= *length {
            return Err(ViewError::IndexOutOfBounds { dimension, index, length: *length });
        }
        let mut first = FirstItem::of(self);
        let mut pointer = None;
        // An array without items has no bytes (A18, length 0), and its strides can be any numbers.
        if !self.shape().contains(&0) {
            // The index is in bounds. The product is therefore at most the distance between two items of the
            // view, which fits an `i64`.
            let distance = stride.wrapping_mul(index);
            first.move_by(distance, dimension)?;
            let suboffset = self.suboffsets().and_then(|suboffsets| suboffsets.get(dimension)).copied();
            if let Some(suboffset @ 0..) = suboffset {
                match dimension.checked_sub(1) {
                    None => pointer = Some(core::mem::replace(&mut first.offset, suboffset)),
                    Some(before) => match first.suboffsets.as_mut().and_then(|all| all.get_mut(before)) {
                        Some(free) if *free < 0 => *free = suboffset,
                        _ => return Err(ViewError::PointerTwice { dimension }),
                    },
                }
            }
        }
        let without_dimension = |dims: &[i64]| -> DimVec {
            dims.iter().enumerate().filter(|(axis, _)| *axis != dimension).map(|(_, value)| *value).collect()
        };
        first.suboffsets = first.suboffsets.as_deref().map(without_dimension);
        let view = Self {
            shape: Dims::Owned(without_dimension(self.shape())),
            strides: Dims::Owned(without_dimension(self.strides())),
            // The bounds of the memory that a pointer leads to are unknown.
            memory: self.memory.filter(|_| pointer.is_none()),
            ..first.apply_to(self)
        };
        Ok(Selected { view: view.with_len(), pointer })
    }

    /// Returns a view of one field of every item, like NumPy's `array["name"]`.
    ///
    /// `field` must be a field of the layout of the view's items. If the field is an array, the dimensions of
    /// the array become additional dimensions after those of the view.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, RawView, Request};
    /// let layout = Layout::read(b"T{<h:a:(2)<i:b:}", &Dialect::PEP3118, &DataModel::LP64).unwrap();
    /// let raw = RawView { len: 30, itemsize: 10, ndim: 1, shape: Some(&[3]), ..RawView::default() };
    /// let view = raw.check(Request::ND, None, None).into_result()?;
    /// let b = view.field(layout.item().field(b"b").unwrap())?;
    /// assert_eq!((b.shape(), b.strides(), b.offset(), b.itemsize()), (&[3, 2][..], &[10, 4][..], 2, 4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the field is not inside of the item: bytes 8 to 12 of an item of 10 bytes
    /// - the result would have more than 64 dimensions
    pub fn field(&self, field: Field<'_>) -> Result<Self, ViewError> {
        let (offset, end) = (field.offset(), field.offset().saturating_add(field.total_size()));
        let outside = ViewError::FieldOutside { offset, end, itemsize: self.itemsize };
        let (Ok(start), Ok(size), true) = (
            i64::try_from(offset),
            i64::try_from(field.size()),
            u64::try_from(self.itemsize).is_ok_and(|itemsize| end <= itemsize),
        ) else {
            return Err(outside);
        };
        let shape: Result<DimVec, _> = field.shape().iter().map(|length| i64::try_from(*length)).collect();
        // Only a field without elements can have a length of more than `i64::MAX`: shape (0, `u64::MAX`). No view can
        // have this shape.
        let shape = shape.map_err(|_| outside)?;
        let strides = c_strides(&shape, size);
        Ok(Self { item: self.item.of_field(field), ..self.subarray(start, size, &shape, &strides)? })
    }

    /// Returns a view of an array that every item contains.
    ///
    /// The array starts `offset` bytes after the start of the item. `shape` has the number of elements in each
    /// dimension of the array. `strides` has the distance in bytes from one element to the next, for each dimension.
    /// Each element has `itemsize` bytes and becomes an item without a type. The dimensions of the array become
    /// additional dimensions after those of the view.
    ///
    /// # Errors
    /// - an element is not inside of the item
    /// - an argument is negative, or `shape` and `strides` have different lengths
    /// - a suboffset would become negative
    /// - the result would have more than 64 dimensions
    #[doc(hidden)]
    pub fn subarray(&self, offset: i64, itemsize: i64, shape: &[i64], strides: &[i64]) -> Result<Self, ViewError> {
        let outside = |end: i64| {
            let (offset, end) = (offset.unsigned_abs(), end.unsigned_abs());
            ViewError::FieldOutside { offset, end, itemsize: self.itemsize }
        };
        if offset < 0 || itemsize < 0 || shape.len() != strides.len() || shape.iter().any(|length| *length < 0) {
            return Err(outside(i64::MAX));
        }
        // Elements inside of the item satisfy the INVARIANT of `View`. An array without elements has no bytes
        // and needs no test.
        if !shape.contains(&0) {
            let summary = StructureSummary::of(shape, Some(strides), itemsize);
            let bounds = summary.bounds.ok_or_else(|| outside(i64::MAX))?;
            let end = offset.saturating_add(bounds.high);
            if bounds.low < 0 || end > self.itemsize {
                return Err(outside(end));
            }
        }
        let ndim = self.ndim().saturating_add(shape.len());
        if ndim > MAX_NDIM {
            return Err(ViewError::Dimensions { ndim });
        }
        let mut first = FirstItem::of(self);
        if !self.shape().contains(&0) {
            first.move_by(offset, self.ndim())?;
        }
        // The new dimensions have no pointers, so their suboffsets are -1.
        first.suboffsets =
            first.suboffsets.map(|suboffsets| suboffsets.into_iter().chain(shape.iter().map(|_| -1)).collect());
        let view = Self {
            itemsize,
            format: None,
            strides: self.strides().iter().chain(strides).copied().collect(),
            shape: self.shape().iter().chain(shape).copied().collect(),
            item: ItemLayout::Bytes,
            ..first.apply_to(self)
        };
        Ok(view.with_len())
    }

    /// Returns a view of the same bytes as items of another layout. Unlike `memoryview.cast`, the method accepts every
    /// layout for the old and the new items.
    ///
    /// `item` is the layout of a new item. `itemsize` is the size of a new item in bytes, and must be the size of
    /// `item`: the method does not check this. `shape` is the shape of the result. If `shape` is `None`, the result has
    /// one dimension with all items.
    ///
    /// ```
    /// use pep3118::{DataModel, ItemLayout, RawView, Request, Scalar};
    /// let raw = RawView { len: 24, itemsize: 1, ndim: 1, shape: Some(&[24]), ..RawView::default() };
    /// let view = raw.check(Request::ND, None, None).into_result()?;
    /// let int = ItemLayout::Scalar(Scalar::recognize(b"<i", &DataModel::LP64).unwrap());
    /// assert_eq!(view.cast(int.clone(), 4, None)?.shape(), [6]);
    /// assert_eq!(view.cast(int.clone(), 4, Some(&[2, 3]))?.strides(), [12, 4]);
    /// let error = view.cast(int, 5, None).unwrap_err();
    /// assert_eq!(error.to_string(), "24 bytes are not a multiple of the 5-byte item size");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the memory is not C-contiguous
    /// - the size of the memory is not a multiple of `itemsize`: 24 bytes as items of 5 bytes or of 0 bytes
    /// - the size of the memory is not the size of the new shape: 24 bytes as shape (2, 2) of 4-byte items
    /// - an entry of `shape` is negative, or `shape` has more than 64 entries
    pub fn cast(&self, item: ItemLayout, itemsize: i64, shape: Option<&[i64]>) -> Result<Self, ViewError> {
        if !self.is_contiguous(Order::C) {
            return Err(ViewError::NotContiguous);
        }
        let one_dimension: [i64; 1];
        let shape = match (shape, self.len.checked_div(itemsize), self.len.checked_rem(itemsize)) {
            (Some(shape), ..) => shape,
            (None, Some(items), Some(0)) if itemsize > 0 => {
                one_dimension = [items];
                &one_dimension
            }
            _ => return Err(ViewError::CastItems { len: self.len, itemsize }),
        };
        if shape.len() > MAX_NDIM {
            return Err(ViewError::Dimensions { ndim: shape.len() });
        }
        let is_empty = shape.contains(&0);
        let len =
            if is_empty { Some(0) } else { shape.iter().try_fold(itemsize, |len, length| len.checked_mul(*length)) };
        let is_equal_size = itemsize >= 0 && len == Some(self.len) && shape.iter().all(|length| *length >= 0);
        // If the itemsize is 0, every number of items has 0 bytes, and the shape cannot be checked against the
        // size.
        if !is_equal_size || (itemsize == 0 && !is_empty) {
            return Err(ViewError::CastShape { len: self.len, itemsize, shape: shape.into() });
        }
        Ok(Self {
            itemsize,
            format: None,
            shape: shape.iter().copied().collect(),
            strides: Dims::Owned(c_strides(shape, itemsize)),
            suboffsets: None,
            item,
            ..self.clone()
        })
    }

    /// Returns the same view with the memory treated as read-only, like `memoryview.toreadonly`.
    #[must_use]
    pub fn to_readonly(&self) -> Self {
        Self { readonly: true, ..self.clone() }
    }

    /// Sets `len` to the product of the shape and the itemsize, and returns the view. An operation that changes the
    /// shape or the itemsize must call this method.
    pub(super) fn with_len(self) -> Self {
        let product = |len: i64, length: &i64| len.wrapping_mul(*length);
        // The new items are inside of the old items, so the product fits an `i64`. Only the lengths of an array
        // without items can have a product that does not fit.
        let len = if self.shape().contains(&0) { 0 } else { self.shape().iter().fold(self.itemsize, product) };
        Self { len, ..self }
    }
}

impl ItemLayout {
    /// Returns the layout of one element of `field`. The dialect and the certainty of the result are those of `self`.
    /// If `self` is not an interpretation, the dialect is `pep3118`, and the certainty is `Exact`.
    fn of_field(&self, field: Field<'_>) -> Self {
        let (dialect, certainty) = match self {
            Self::Interpretation(interpretation) => (interpretation.dialect, interpretation.certainty),
            // `field` comes from one interpretation. If the format is ambiguous, the caller has therefore already
            // chosen this interpretation.
            Self::Scalar(_) | Self::Bytes | Self::Ambiguous(_) => (Dialect::PEP3118, Certainty::Exact),
        };
        Self::Interpretation(Box::new(Interpretation {
            layout: field.element_layout(),
            dialect,
            certainty,
            trailing_padding: 0,
        }))
    }
}

/// Divides `length` indices into chunks of `len` indices. Returns an iterator over pairs of the first index and the
/// number of indices of a chunk. The last chunk has the remaining indices. Returns an error if `len` is not positive.
pub(crate) fn chunk_bounds(length: i64, len: i64) -> Result<impl Iterator<Item = (i64, i64)>, ViewError> {
    if len <= 0 {
        return Err(ViewError::ChunkLength { len });
    }
    let mut start = 0_i64;
    Ok(core::iter::from_fn(move || {
        let count = length.saturating_sub(start).min(len);
        let chunk = (start, count);
        start = start.saturating_add(count);
        (count > 0).then_some(chunk)
    }))
}

/// The position of the item whose indices are all 0. The position consists of the offset from `buf` and of the
/// suboffsets.
struct FirstItem {
    /// The distance in bytes from `buf` to the item, or to the first pointer if the view has suboffsets.
    offset: i64,
    /// The suboffset of each dimension in bytes. `None` if the view has no suboffsets.
    suboffsets: Option<DimVec>,
}

impl FirstItem {
    /// Returns the position of the first item of `view`.
    fn of(view: &View<'_>) -> Self {
        Self { offset: view.offset, suboffsets: view.suboffsets().map(DimVec::from_slice) }
    }

    /// Moves the position by `distance` bytes along the dimension `dimension`.
    ///
    /// If dimensions before `dimension` have pointers, adds `distance` to the suboffset of the last of these
    /// dimensions. Otherwise, adds `distance` to the offset. Returns an error if the suboffset would become negative.
    fn move_by(&mut self, distance: i64, dimension: usize) -> Result<(), ViewError> {
        let before = self.suboffsets.iter_mut().flatten().enumerate().take(dimension);
        let Some((dimension, suboffset)) = before.filter(|(_, suboffset)| **suboffset >= 0).last() else {
            self.offset = self.offset.wrapping_add(distance);
            return Ok(());
        };
        let moved = suboffset.saturating_add(distance);
        if moved < 0 {
            return Err(ViewError::SliceSuboffset { dimension, suboffset: moved });
        }
        *suboffset = moved;
        Ok(())
    }

    /// Returns a copy of `view` with the offset and the suboffsets of this position. If all suboffsets are
    /// negative, the copy has no suboffsets (A21, negative suboffsets).
    fn apply_to<'a>(self, view: &View<'a>) -> View<'a> {
        let suboffsets = self.suboffsets.filter(|suboffsets| suboffsets.iter().any(|suboffset| *suboffset >= 0));
        View { offset: self.offset, suboffsets: suboffsets.map(Dims::Owned), ..view.clone() }
    }
}
