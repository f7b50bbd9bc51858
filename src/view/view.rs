//! `View`: the validated shape, strides and item layout of a buffer. `ItemLayout`: the layout of one item.

use alloc::boxed::Box;

use super::bounds::{ByteBounds, StructureSummary};
use super::contiguity::{Order, has_order};
use super::dim_vec::Dims;
use super::raw::{Block, Owner, RawView};
use crate::endian::Endian;
use crate::layout::{Ambiguity, Interpretation, Scalar, Type};

/// The validated description of a buffer: the positions of the items, and the layout of one item.
///
/// [`RawView::check`] creates a view. A view has no access to the memory. All positions are offsets in bytes from
/// `buf`. No calculation of the offset of an item overflows. A view always has a shape and strides. If the exporter
/// reported NULL, the check computes the shape and the strides.
///
/// INVARIANT: (1) `shape` and `strides` have the same length. (2) No entry of `shape` is negative. (3) `len` is the
/// product of `shape` and `itemsize`. (4) The distance in bytes between the lowest and the highest byte of all items
/// fits an `i64`. (5) If `memory` is present and `suboffsets` is absent, all items are inside of the memory block.
///
/// ```
/// use pep3118::{Order, RawView, Request, Slice};
///
/// let raw = RawView {
///     len: 24, itemsize: 4, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[12, 4]), ..RawView::default()
/// };
/// let view = raw.check(Request::STRIDES, None, None).into_result()?;
/// assert!(view.is_contiguous(Order::C));
///
/// // The slice selects every second column in reverse order.
/// let view = view.slice(&[Slice::FULL, Slice { step: -2, ..Slice::FULL }])?;
/// assert_eq!((view.shape(), view.strides(), view.offset_of(&[0, 0])?), (&[2, 2][..], &[12, -8][..], 8));
/// assert_eq!(view.offsets(Order::C)?.collect::<Vec<i64>>(), [8, 0, 20, 12]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Every property of a view:
/// ```
/// use pep3118::{RawView, Request};
/// let raw = RawView { len: 8, itemsize: 4, ndim: 1, format: Some(b"<i"), shape: Some(&[2]), ..RawView::default() };
/// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
/// assert_eq!((view.len(), view.itemsize(), view.ndim(), view.offset()), (8, 4, 1, 0));
/// assert_eq!((view.is_empty(), view.readonly(), view.suboffsets()), (false, false, None));
/// assert_eq!((view.format(), view.memory()), (Some(&b"<i"[..]), None));
/// assert_eq!(view.byte_bounds().map(|bounds| (bounds.low, bounds.high)), Some((0, 8)));
/// assert_eq!((view.as_raw().strides, view.to_readonly().readonly()), (Some(&[4][..]), true));
/// assert_eq!(view.without_format().format(), None);
/// # Ok::<(), pep3118::Report>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View<'a> {
    pub(super) len: i64,
    pub(super) itemsize: i64,
    pub(super) readonly: bool,
    /// The distance in bytes from `buf` to the item whose indices are all 0.
    pub(super) offset: i64,
    pub(super) format: Option<&'a [u8]>,
    pub(super) shape: Dims<'a>,
    pub(super) strides: Dims<'a>,
    pub(super) suboffsets: Option<Dims<'a>>,
    pub(super) item: ItemLayout,
    pub(super) memory: Option<Block>,
}

/// The layout of one item of a view.
///
/// ```
/// use pep3118::{ItemLayout, RawView, Request};
/// let raw = RawView { len: 8, itemsize: 4, ndim: 1, format: Some(b"<f"), shape: Some(&[2]), ..RawView::default() };
/// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
/// assert!(matches!(view.item(), ItemLayout::Scalar(scalar) if scalar.ty.as_str() == "float32"));
/// # Ok::<(), pep3118::Report>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ItemLayout {
    /// One value. The format has one code (`<f`), or the format is NULL and the itemsize is 1 byte.
    Scalar(Scalar),
    /// The only interpretation of a format that is not one code, such as `T{i:a:}`. The size of the interpretation
    /// is the itemsize.
    Interpretation(Box<Interpretation>),
    /// Several interpretations whose size is the itemsize. A caller must choose one interpretation before the items
    /// can be decoded.
    Ambiguous(Ambiguity),
    /// Bytes without a type, because the exporter reported no format.
    Bytes,
}

impl ItemLayout {
    /// The item `B`: one unsigned byte.
    pub(super) const BYTE: Self = Self::Scalar(Scalar { ty: Type::UInt8, size: 1, endian: Endian::HOST });
}

impl<'a> View<'a> {
    /// Returns the size of all items together in bytes, without the gaps between items.
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView {
    ///     len: 12, itemsize: 4, ndim: 1, format: Some(b"<i"), shape: Some(&[3]), strides: Some(&[8]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::RECORDS_RO, None, None).into_result()?;
    /// // The gaps between the items are not counted.
    /// assert_eq!(view.len(), 12);
    /// # Ok::<(), pep3118::Report>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn len(&self) -> i64 {
        self.len
    }

    /// Returns whether all items together have 0 bytes.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the size of one item in bytes. If the request had no structural flag, the size is 1 byte, even if the
    /// exporter reported another itemsize (A09, items of `SIMPLE`).
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView {
    ///     len: 12, itemsize: 4, ndim: 1, format: Some(b"<i"), shape: Some(&[3]), strides: Some(&[8]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::RECORDS_RO, None, None).into_result()?;
    /// assert_eq!(view.itemsize(), 4);
    /// # Ok::<(), pep3118::Report>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn itemsize(&self) -> i64 {
        self.itemsize
    }

    /// Returns whether the memory is read-only.
    #[must_use]
    #[inline]
    pub fn readonly(&self) -> bool {
        self.readonly
    }

    /// Returns the distance in bytes from `buf` to the item whose indices are all 0.
    ///
    /// The offset is 0 unless an operation such as [`slice`](Self::slice) changed the offset. If the view has
    /// suboffsets, a consumer adds the offset to `buf` before the consumer reads the first pointer.
    #[must_use]
    #[inline]
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// Returns the number of dimensions.
    #[must_use]
    #[inline]
    pub fn ndim(&self) -> usize {
        self.shape().len()
    }

    /// Returns the number of items in each dimension.
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView {
    ///     len: 12, itemsize: 4, ndim: 1, format: Some(b"<i"), shape: Some(&[3]), strides: Some(&[8]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::RECORDS_RO, None, None).into_result()?;
    /// assert_eq!(view.shape(), [3]);
    /// # Ok::<(), pep3118::Report>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn shape(&self) -> &[i64] {
        self.shape.as_slice()
    }

    /// Returns the distance in bytes from one item to the next, for each dimension.
    ///
    /// If the exporter reported NULL strides, the strides are those of a C-contiguous array (rule A20, "NULL
    /// strides").
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView {
    ///     len: 12, itemsize: 4, ndim: 1, format: Some(b"<i"), shape: Some(&[3]), strides: Some(&[8]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::RECORDS_RO, None, None).into_result()?;
    /// assert_eq!(view.strides(), [8]);
    /// # Ok::<(), pep3118::Report>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn strides(&self) -> &[i64] {
        self.strides.as_slice()
    }

    /// Returns the suboffset in bytes of each dimension. A negative entry means that the dimension has no pointer.
    /// Returns `None` if no dimension has a pointer. Otherwise at least one entry is not negative.
    #[must_use]
    #[inline]
    pub fn suboffsets(&self) -> Option<&[i64]> {
        self.suboffsets.as_ref().map(Dims::as_slice)
    }

    /// Returns the format that the exporter reported. Returns `None` if the format is NULL, or if the view is a result
    /// of [`without_format`](Self::without_format), or of [`field`](Self::field) or [`cast`](Self::cast), which change
    /// the items.
    #[must_use]
    pub fn format(&self) -> Option<&'a [u8]> {
        self.format
    }

    /// Returns the layout of one item.
    ///
    /// ```
    /// use pep3118::{ItemLayout, RawView, Request};
    /// let raw = RawView { len: 8, itemsize: 4, ndim: 1, shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::ND, None, None).into_result()?;
    /// assert_eq!(view.item(), &ItemLayout::Bytes);
    /// # Ok::<(), pep3118::Report>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn item(&self) -> &ItemLayout {
        &self.item
    }

    /// Returns the length of the memory block that contains the items, and the offset of the buffer in the block, both
    /// in bytes. Returns `None` if the block is unknown.
    #[must_use]
    pub fn memory(&self) -> Option<Block> {
        self.memory
    }

    /// Returns the number of items, which is the product of the shape.
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView {
    ///     len: 12, itemsize: 4, ndim: 1, format: Some(b"<i"), shape: Some(&[3]), strides: Some(&[8]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::RECORDS_RO, None, None).into_result()?;
    /// assert_eq!(view.item_count(), 3);
    /// # Ok::<(), pep3118::Report>(())
    /// ```
    #[must_use]
    pub fn item_count(&self) -> u64 {
        let product = |count: u64, length: &i64| count.saturating_mul(length.unsigned_abs());
        if self.shape().contains(&0) { 0 } else { self.shape().iter().fold(1, product) }
    }

    /// Returns whether the items are contiguous in `order`. The result is that of `PyBuffer_IsContiguous`.
    ///
    /// ```
    /// use pep3118::{RawView, Request};
    /// let raw = RawView {
    ///     len: 12, itemsize: 4, ndim: 1, format: Some(b"<i"), shape: Some(&[3]), strides: Some(&[8]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::RECORDS_RO, None, None).into_result()?;
    /// assert!(!view.is_contiguous(pep3118::Order::C));
    /// # Ok::<(), pep3118::Report>(())
    /// ```
    #[must_use]
    pub fn is_contiguous(&self, order: Order) -> bool {
        self.suboffsets.is_none() && (self.len == 0 || has_order(self.shape(), self.strides(), self.itemsize, order))
    }

    /// Returns the range of bytes that the items occupy, as offsets from `buf` that include [`offset`](Self::offset).
    /// Returns `None` if the access to an item reads pointers.
    #[must_use]
    pub fn byte_bounds(&self) -> Option<ByteBounds> {
        if self.suboffsets.is_some() {
            return None;
        }
        let bounds = match self.strides() {
            // Adjacent items occupy `len` bytes.
            [stride] if *stride == self.itemsize => ByteBounds { low: 0, high: self.len },
            strides => StructureSummary::of_strided(self.shape(), strides, self.itemsize).bounds?,
        };
        let (low, high) = (bounds.low.checked_add(self.offset)?, bounds.high.checked_add(self.offset)?);
        Some(ByteBounds { low, high })
    }

    /// Returns the fields of a `Py_buffer` that describes this view. In the result, `buf` is `None` and `obj` is
    /// unknown. The result does not contain [`offset`](Self::offset): the `buf` of such a `Py_buffer` is `offset` bytes
    /// after the `buf` of this view.
    #[must_use]
    pub fn as_raw(&self) -> RawView<'_> {
        let array = |values| if self.ndim() == 0 { None } else { Some(values) };
        RawView {
            buf: None,
            obj: Owner::Unknown,
            len: self.len,
            itemsize: self.itemsize,
            readonly: i32::from(self.readonly),
            // `ndim` of the checked struct was an `i32`, and the operations on views return at most 64 dimensions.
            ndim: i32::try_from(self.ndim()).unwrap_or(i32::MAX),
            format: self.format,
            shape: array(self.shape()),
            strides: array(self.strides()),
            suboffsets: self.suboffsets(),
        }
    }

    /// Removes the format and copies the arrays, so that the result borrows nothing. The layout of an item does not
    /// change.
    #[must_use]
    pub fn without_format(self) -> View<'static> {
        View {
            len: self.len,
            itemsize: self.itemsize,
            readonly: self.readonly,
            offset: self.offset,
            format: None,
            shape: self.shape.into_owned(),
            strides: self.strides.into_owned(),
            suboffsets: self.suboffsets.map(Dims::into_owned),
            item: self.item,
            memory: self.memory,
        }
    }

    /// Creates a view of items without a type, from fields that are known to be valid. `itemsize`, `offset`, `strides`
    /// and `suboffsets` are in bytes. `readonly` is `true` if the memory is read-only. A `suboffsets` of `None` means
    /// that no dimension has pointers.
    ///
    /// The INVARIANT of [`View`] must hold for the fields. For example, the fields can come from another view. `len`
    /// is computed from `shape` and `itemsize`.
    #[doc(hidden)]
    #[must_use]
    pub fn of_validated(
        itemsize: i64,
        readonly: bool,
        offset: i64,
        shape: &'a [i64],
        strides: &'a [i64],
        suboffsets: Option<&'a [i64]>,
    ) -> Self {
        let (format, item, memory) = (None, ItemLayout::Bytes, None);
        let (shape, strides) = (Dims::Borrowed(shape), Dims::Borrowed(strides));
        let suboffsets = suboffsets.map(Dims::Borrowed);
        Self { len: 0, itemsize, readonly, offset, format, shape, strides, suboffsets, item, memory }.with_len()
    }

    /// Returns whether the access to an item must read pointers, because the view has suboffsets.
    #[doc(hidden)]
    pub fn is_indirect(&self) -> bool {
        self.suboffsets.is_some()
    }
}
