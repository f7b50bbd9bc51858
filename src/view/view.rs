//! A buffer whose numbers were checked.

use alloc::boxed::Box;

use super::bounds::{ByteBounds, Scan};
use super::check::Checker;
use super::dim_vec::Dims;
use super::error::ViewError;
use super::geometry::{Order, has_order};
use super::raw::{Block, Owner, RawView};
use crate::layout::{Ambiguity, Interpretation, Scalar};

/// The geometry of a buffer, proved: whatever index is in bounds has an offset, and nothing overflows.
///
/// Made by [`RawView::check`]. It is data, without a pointer: offsets are in bytes and count from
/// `buf`. It always has a shape and strides, given or worked out.
///
/// INVARIANT: `shape` and `strides` have one length, no extent is negative, `len` is their product
/// times `itemsize`, and the distance between the lowest and the highest byte of any two items fits
/// 63 bits. If `memory` is there, `offset` and all items lie inside it.
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
/// // Every second column, backwards.
/// let view = view.slice(&[Slice::FULL, Slice { step: -2, ..Slice::FULL }])?;
/// assert_eq!((view.shape(), view.strides(), view.offset_of(&[0, 0])?), (&[2, 2][..], &[12, -8][..], 8));
/// assert_eq!(view.offsets(Order::C)?.collect::<Vec<i64>>(), [8, 0, 20, 12]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct View<'a> {
    pub(super) len: i64,
    pub(super) itemsize: i64,
    pub(super) readonly: bool,
    /// From `buf` to the item of index 0 in every dimension.
    pub(super) offset: i64,
    pub(super) format: Option<&'a [u8]>,
    pub(super) shape: Dims<'a>,
    pub(super) strides: Dims<'a>,
    pub(super) suboffsets: Option<Dims<'a>>,
    pub(super) item: ItemLayout,
    pub(super) memory: Option<Block>,
}

/// What one item of a view is.
///
/// ```
/// use pep3118::{ItemLayout, RawView, Request};
/// let raw = RawView { len: 8, itemsize: 4, ndim: 1, format: Some(b"<f"), shape: Some(&[2]), ..RawView::default() };
/// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
/// assert!(matches!(view.item(), ItemLayout::Scalar(scalar) if scalar.ty.as_str() == "float32"));
/// # Ok::<(), pep3118::Report>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum ItemLayout {
    /// One value, from a format of one code, or from NULL with items of one byte.
    Scalar(Scalar),
    /// Anything else, by the interpretation that fits the itemsize.
    Interpretation(Box<Interpretation>),
    /// Several interpretations that fit the itemsize. Decoding needs one of them.
    Ambiguous(Ambiguity),
    /// Bytes without a meaning: the format was not asked for.
    Bytes,
}

impl<'a> View<'a> {
    /// Bytes of all items.
    #[must_use]
    #[inline]
    pub fn len(&self) -> i64 {
        self.len
    }

    /// Whether there is no byte to read.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of one item: 1 where no structure was asked for, whatever the items are (A09).
    #[must_use]
    #[inline]
    pub fn itemsize(&self) -> i64 {
        self.itemsize
    }

    /// Whether the memory must not be written to.
    #[must_use]
    #[inline]
    pub fn readonly(&self) -> bool {
        self.readonly
    }

    /// Bytes from `buf` to the item of index 0: what slicing has moved, 0 before. With suboffsets it
    /// is added before the first pointer is followed.
    #[must_use]
    #[inline]
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// Number of dimensions.
    #[must_use]
    #[inline]
    pub fn ndim(&self) -> usize {
        self.shape().len()
    }

    /// Items in each dimension.
    #[must_use]
    #[inline]
    pub fn shape(&self) -> &[i64] {
        self.shape.as_slice()
    }

    /// Bytes from one item to the next in each dimension; those of a C-contiguous array if the
    /// exporter gave none (A20).
    #[must_use]
    #[inline]
    pub fn strides(&self) -> &[i64] {
        self.strides.as_slice()
    }

    /// Where some entry is at least 0, the items are reached through pointers.
    #[must_use]
    #[inline]
    pub fn suboffsets(&self) -> Option<&[i64]> {
        self.suboffsets.as_ref().map(Dims::as_slice)
    }

    /// The format as the exporter gave it.
    #[must_use]
    pub fn format(&self) -> Option<&'a [u8]> {
        self.format
    }

    /// What one item is.
    #[must_use]
    #[inline]
    pub fn item(&self) -> &ItemLayout {
        &self.item
    }

    /// The memory block that it was checked against.
    #[must_use]
    pub fn memory(&self) -> Option<Block> {
        self.memory
    }

    /// Number of items: the product of the shape.
    #[must_use]
    pub fn item_count(&self) -> u64 {
        let product = |count: u64, extent: &i64| count.saturating_mul(extent.unsigned_abs());
        if self.shape().contains(&0) { 0 } else { self.shape().iter().fold(1, product) }
    }

    /// Whether the memory is contiguous in an order, as `PyBuffer_IsContiguous` tells it.
    #[must_use]
    pub fn is_contiguous(&self, order: Order) -> bool {
        self.suboffsets.is_none() && (self.len == 0 || has_order(self.shape(), self.strides(), self.itemsize, order))
    }

    /// The lowest and the highest byte that the items touch, counted from `buf`; `None` where they
    /// are reached through pointers.
    #[must_use]
    pub fn extent(&self) -> Option<ByteBounds> {
        if self.suboffsets.is_some() {
            return None;
        }
        let extent = Scan::new(self.shape(), Some(self.strides()), self.itemsize).extent?;
        let (low, high) = (extent.low.checked_add(self.offset)?, extent.high.checked_add(self.offset)?);
        Some(ByteBounds { low, high })
    }

    /// The same as a struct, `buf` left out: what a consumer of this view would be given.
    #[must_use]
    pub fn as_raw(&self) -> RawView<'_> {
        let array = |values| if self.ndim() == 0 { None } else { Some(values) };
        RawView {
            buf: None,
            obj: Owner::Unknown,
            len: self.len,
            itemsize: self.itemsize,
            readonly: i32::from(self.readonly),
            ndim: i32::try_from(self.ndim()).unwrap_or(i32::MAX),
            format: self.format,
            shape: array(self.shape()),
            strides: array(self.strides()),
            suboffsets: self.suboffsets(),
        }
    }

    /// The same without the format, so that it borrows nothing. What an item is stays.
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

    #[doc(hidden)]
    pub fn is_indirect(&self) -> bool {
        self.suboffsets.is_some()
    }
}

impl<'a> TryFrom<RawView<'a>> for View<'a> {
    type Error = ViewError;

    /// The view, or the first rule that the struct breaks; rules about requests and about memory
    /// are left out.
    ///
    /// ```
    /// use pep3118::{RawView, View};
    /// let raw = RawView { len: 20, itemsize: 4, ndim: 2, shape: Some(&[2, 3]), ..RawView::default() };
    /// assert_eq!(
    ///     View::try_from(raw).unwrap_err().to_string(),
    ///     "A04: len is 20 bytes but shape (2, 3) of 4-byte items describes 24 bytes",
    /// );
    /// ```
    fn try_from(raw: RawView<'a>) -> Result<Self, ViewError> {
        Checker::DEFAULT.prove(&raw, None)
    }
}
