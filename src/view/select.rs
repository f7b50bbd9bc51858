//! Parts of a view with another shape: one index, one field, the same bytes as other items.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::bounds::Scan;
use super::dim_vec::Dims;
use super::error::ViewError;
use super::geometry::{Order, contiguous_strides};
use super::view::{ItemLayout, View};
use crate::layout::{Field, Interpretation};

/// Dimensions that a `Py_buffer` may have: `PyBUF_MAX_NDIM` (A13).
const MAX_NDIM: usize = 64;

/// What [`View::select`] leaves.
///
/// ```
/// use pep3118::{RawView, Request};
/// let raw = RawView { len: 6, itemsize: 1, ndim: 2, shape: Some(&[2, 3]), ..RawView::default() };
/// let rows = raw.check(Request::ND, None, None).1.unwrap();
/// let second = rows.select(0, 1)?;
/// assert_eq!((second.view.shape(), second.view.offset(), second.pointer), (&[3][..], 3, None));
/// # Ok::<(), pep3118::ViewError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Selected<'a> {
    /// The items of that index.
    pub view: View<'a>,
    /// If there is a number: the pointer that lies this many bytes from `buf` of the old view is `buf`
    /// of the new one.
    pub pointer: Option<i64>,
}

impl<'a> View<'a> {
    /// The items of one index in a dimension, which is dropped.
    ///
    /// Where the dimension has a pointer and others come before it, the one before takes the pointer
    /// over; where none does, the pointer must be read: [`Selected::pointer`] says where.
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView {
    ///     len: 24, itemsize: 4, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[12, 4]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::STRIDES, None, None).1.unwrap();
    /// let column = view.select(1, 2)?;
    /// assert_eq!((column.view.shape(), column.view.strides(), column.view.offset()), (&[2][..], &[12][..], 8));
    /// assert_eq!(column.pointer, None);
    ///
    /// // Rows behind a table of pointers: the row is where the second pointer leads.
    /// let raw = RawView { strides: Some(&[8, 4]), suboffsets: Some(&[16, -1]), ..raw };
    /// let view = raw.check(Request::INDIRECT, None, None).1.unwrap();
    /// let row = view.select(0, 1)?;
    /// assert_eq!((row.pointer, row.view.offset(), row.view.suboffsets()), (Some(8), 16, None));
    /// # Ok::<(), pep3118::ViewError>(())
    /// ```
    ///
    /// # Errors
    /// - index 3 of a dimension of 3 items, index -1; dimension 2 of 2
    /// - dimension 1 of two that both have a pointer: one after the other cannot be told
    /// - an index that would move a suboffset below 0
    pub fn select(&self, dimension: usize, index: i64) -> Result<Selected<'a>, ViewError> {
        let (Some(extent), Some(stride)) = (self.shape().get(dimension), self.strides().get(dimension)) else {
            let count = dimension.saturating_add(1);
            return Err(ViewError::IndexCount { indices: count, ndim: self.ndim() });
        };
        if index < 0 || index >= *extent {
            return Err(ViewError::IndexOutOfBounds { dimension, index, extent: *extent });
        }
        let suboffset = self.suboffsets().and_then(|suboffsets| suboffsets.get(dimension)).copied().unwrap_or(-1);
        let mut view = self.clone();
        let mut pointer = None;
        // No byte of an empty array may be read (A18), and its strides promise nothing.
        if !self.shape().contains(&0) {
            // An index that exists, so the product is part of a span that fits.
            view.shift(dimension, stride.wrapping_mul(index))?;
            match (suboffset >= 0).then(|| dimension.checked_sub(1)) {
                None => {}
                Some(None) => {
                    pointer = Some(core::mem::replace(&mut view.offset, suboffset));
                    view.memory = None;
                }
                Some(Some(before)) => {
                    let before = view.suboffsets.as_mut().and_then(|all| all.make_mut().get_mut(before));
                    match before {
                        Some(free) if *free < 0 => *free = suboffset,
                        _ => return Err(ViewError::PointerTwice { dimension }),
                    }
                }
            }
        }
        let without = |dims: &[i64]| -> Dims<'a> {
            let kept = dims.iter().enumerate().filter(|(axis, _)| *axis != dimension);
            let mut own = Dims::zeros(dims.len().saturating_sub(1));
            own.make_mut().iter_mut().zip(kept).for_each(|(slot, (_, value))| *slot = *value);
            own
        };
        view.shape = without(self.shape());
        view.strides = without(self.strides());
        // Where no pointer is left there must be no suboffsets (A21).
        let suboffsets = view.suboffsets.as_ref().map(|suboffsets| without(suboffsets.as_slice()));
        view.suboffsets = suboffsets.filter(|suboffsets| suboffsets.as_slice().iter().any(|entry| *entry >= 0));
        view.count_bytes();
        Ok(Selected { view, pointer })
    }

    /// One field of every item: NumPy's `array["name"]`. Its shape in the format becomes the last
    /// dimensions. `field` is one of the fields of the item, its offset counted from there.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, RawView, Request};
    /// let layout = Layout::read(b"T{<h:a:(2)<i:b:}", &Dialect::PEP3118, &DataModel::LP64).unwrap();
    /// let raw = RawView { len: 30, itemsize: 10, ndim: 1, shape: Some(&[3]), ..RawView::default() };
    /// let view = raw.check(Request::ND, None, None).1.unwrap();
    /// let b = view.field(layout.item().field(b"b").unwrap())?;
    /// assert_eq!((b.shape(), b.strides(), b.offset(), b.itemsize()), (&[3, 2][..], &[10, 4][..], 2, 4));
    /// # Ok::<(), pep3118::ViewError>(())
    /// ```
    ///
    /// # Errors
    /// - a field at bytes 8 to 12 where items have 10
    /// - more than 64 dimensions
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
        let extents: Result<Vec<i64>, _> = field.shape().iter().map(|extent| i64::try_from(*extent)).collect();
        // Beside a 0 an extent may be anything; then no stride is used.
        let extents = extents.map_err(|_| outside)?;
        let strides = contiguous_strides(&extents, size, Order::C).unwrap_or_else(|| alloc::vec![0; extents.len()]);
        Ok(Self { item: self.item.of_field(field), ..self.subarray(start, size, &extents, &strides)? })
    }

    /// Items of `itemsize` bytes inside of every item: at `offset`, with more dimensions. What an item is
    /// stays undetermined. They must lie inside of the item.
    #[doc(hidden)]
    pub fn subarray(&self, offset: i64, itemsize: i64, shape: &[i64], strides: &[i64]) -> Result<Self, ViewError> {
        let outside = |end: i64| ViewError::FieldOutside {
            offset: offset.unsigned_abs(),
            end: end.unsigned_abs(),
            itemsize: self.itemsize,
        };
        if offset < 0 || itemsize < 0 || shape.len() != strides.len() || shape.iter().any(|extent| *extent < 0) {
            return Err(outside(i64::MAX));
        }
        // Inside of the item, so that the INVARIANT holds for the result. Without items there is no byte.
        if !shape.contains(&0) {
            let bounds = Scan::new(shape, Some(strides), itemsize).extent.ok_or_else(|| outside(i64::MAX))?;
            let end = offset.saturating_add(bounds.high);
            if bounds.low < 0 || end > self.itemsize {
                return Err(outside(end));
            }
        }
        let ndim = self.ndim().saturating_add(shape.len());
        if ndim > MAX_NDIM {
            return Err(ViewError::Dimensions { ndim });
        }
        let mut view = Self { item: ItemLayout::Bytes, ..self.clone() };
        if !self.shape().contains(&0) {
            view.shift(self.ndim(), offset)?;
        }
        view.itemsize = itemsize;
        view.format = None;
        view.shape = joined(self.shape(), shape);
        view.strides = joined(self.strides(), strides);
        if view.suboffsets.is_some() {
            let none = alloc::vec![-1; shape.len()];
            view.suboffsets = view.suboffsets().map(|suboffsets| joined(suboffsets, &none));
        }
        view.count_bytes();
        Ok(view)
    }

    /// The same bytes as items of another layout, in one dimension or in a shape; memoryview's `cast`,
    /// from and to anything.
    ///
    /// ```
    /// use pep3118::{DataModel, ItemLayout, RawView, Request, Scalar};
    /// let raw = RawView { len: 24, itemsize: 1, ndim: 1, shape: Some(&[24]), ..RawView::default() };
    /// let view = raw.check(Request::ND, None, None).1.unwrap();
    /// let int = ItemLayout::Scalar(Scalar::recognize(b"<i", &DataModel::LP64).unwrap());
    /// assert_eq!(view.cast(int.clone(), 4, None)?.shape(), [6]);
    /// assert_eq!(view.cast(int.clone(), 4, Some(&[2, 3]))?.strides(), [12, 4]);
    /// let error = view.cast(int, 5, None).unwrap_err();
    /// assert_eq!(error.to_string(), "24 bytes are not a whole number of items of 5 bytes");
    /// # Ok::<(), pep3118::ViewError>(())
    /// ```
    ///
    /// # Errors
    /// - memory that is not C-contiguous
    /// - 24 bytes as items of 5, as items of 0
    /// - 24 bytes as shape (2, 2) of items of 4; a negative extent; more than 64 dimensions
    pub fn cast(&self, item: ItemLayout, itemsize: i64, shape: Option<&[i64]>) -> Result<Self, ViewError> {
        if !self.is_contiguous(Order::C) {
            return Err(ViewError::NotContiguous);
        }
        let own: [i64; 1];
        let shape = match (shape, self.len.checked_div(itemsize), self.len.checked_rem(itemsize)) {
            (Some(shape), ..) => shape,
            (None, Some(items), Some(0)) if itemsize > 0 => {
                own = [items];
                &own
            }
            _ => return Err(ViewError::CastItems { len: self.len, itemsize }),
        };
        if shape.len() > MAX_NDIM {
            return Err(ViewError::Dimensions { ndim: shape.len() });
        }
        let empty = shape.contains(&0);
        let bytes = shape.iter().try_fold(itemsize, |bytes, extent| bytes.checked_mul(*extent));
        let bytes = if empty { Some(0) } else { bytes };
        let fits = itemsize >= 0 && bytes == Some(self.len) && shape.iter().all(|extent| *extent >= 0);
        // Items of no bytes could be as many as one likes.
        if !fits || (itemsize == 0 && !empty) {
            return Err(ViewError::CastShape { len: self.len, itemsize, shape: shape.into() });
        }
        let strides = contiguous_strides(shape, itemsize, Order::C).unwrap_or_else(|| alloc::vec![0; shape.len()]);
        let mut view = self.clone();
        view.itemsize = itemsize;
        view.format = None;
        view.shape = joined(shape, &[]);
        view.strides = joined(&strides, &[]);
        view.suboffsets = None;
        view.item = item;
        Ok(view)
    }

    /// The same, not to be written to: memoryview's `toreadonly`.
    #[must_use]
    pub fn to_readonly(&self) -> Self {
        Self { readonly: true, ..self.clone() }
    }

    /// What it all takes in bytes after the shape or the itemsize has changed.
    fn count_bytes(&mut self) {
        let product = |bytes: i64, extent: &i64| bytes.wrapping_mul(*extent);
        // Part of what fitted before, except that an empty array need not have.
        self.len = if self.shape().contains(&0) { 0 } else { self.shape().iter().fold(self.itemsize, product) };
    }
}

impl ItemLayout {
    /// What one element of a field is; as sure as the item.
    fn of_field(&self, field: Field<'_>) -> Self {
        let (dialect, certainty) = match self {
            Self::Interpretation(reading) => (reading.dialect, reading.certainty),
            Self::Scalar(_) | Self::Bytes => (crate::layout::Dialect::PEP3118, crate::layout::Certainty::Exact),
        };
        Self::Interpretation(Box::new(Interpretation {
            layout: field.element_layout(),
            dialect,
            certainty,
            tail: 0,
            alternatives: Vec::new(),
        }))
    }
}

fn joined<'d>(first: &[i64], second: &[i64]) -> Dims<'d> {
    let mut own = Dims::zeros(first.len().saturating_add(second.len()));
    own.make_mut().iter_mut().zip(first.iter().chain(second)).for_each(|(slot, value)| *slot = *value);
    own
}
