//! `ByteBounds`: the range of bytes that the items of a buffer occupy. `StructureSummary`: properties of a shape and
//! strides. `Overlap`: whether items share bytes. `check_bounds`: checks that the items are inside the memory block
//! (rules D01, D02, D03 and D06). `check_lengths`: checks the signs of the lengths (A17).

use smallvec::SmallVec;

use super::contiguity::{Order, has_order};
use super::raw::Block;
use super::report::ViolationSink;
use super::violation::Violation;

/// The range of bytes that the items of a buffer occupy, as offsets in bytes from `buf`.
///
/// `low` is negative if a stride is negative. `low` and `high` are 0 if there are no items. After an operation such as
/// [`View::slice`](super::View::slice), both numbers also contain the [offset](super::View::offset) of the view.
///
/// ```
/// use pep3118::{ByteBounds, RawView, Request};
/// let raw = RawView { len: 12, itemsize: 4, ndim: 1, shape: Some(&[3]), strides: Some(&[-4]), ..RawView::default() };
/// let view = raw.check(Request::STRIDES, None, None).into_result()?;
/// assert_eq!(view.byte_bounds(), Some(ByteBounds { low: -8, high: 4 }));
/// # Ok::<(), pep3118::Report>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct ByteBounds {
    /// The offset of the first byte of the item at the lowest address. The offset is at most 0, unless the view has an
    /// offset.
    pub low: i64,
    /// The offset one past the last byte of the item at the highest address.
    pub high: i64,
}

/// The properties of shape, strides and itemsize that several rules need. One pass over the dimensions computes all
/// properties.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StructureSummary {
    /// The product of the shape and the itemsize, in bytes. `None` if the product does not fit an `i64`.
    pub(crate) len: Option<i64>,
    /// The range of bytes that the items occupy. `None` if the distance from `low` to `high` does not fit an `i64`.
    pub(crate) bounds: Option<ByteBounds>,
    /// Whether an entry of the shape is negative.
    pub(crate) has_negative_length: bool,
    /// Whether an entry of the shape is 0.
    pub(crate) is_empty: bool,
    /// Whether at least one stride is not a multiple of the itemsize.
    pub(crate) has_unaligned_stride: bool,
    /// Whether the items are contiguous in C order: the last index varies fastest.
    pub(crate) is_c_contiguous: bool,
}

impl StructureSummary {
    /// Computes the properties of an array. If `strides` is `None`, the array is C-contiguous.
    ///
    /// `shape` and `strides` must have the same number of entries. `strides` and `itemsize` are in bytes. `itemsize`
    /// must not be negative.
    #[inline]
    pub(crate) fn of(shape: &[i64], strides: Option<&[i64]>, itemsize: i64) -> Self {
        match strides {
            Some(strides) => Self::of_strided(shape, strides, itemsize),
            None => Self::of_contiguous(shape, itemsize),
        }
    }

    /// Computes the properties of an array with `shape`, `strides` and `itemsize`. `strides` and `itemsize` are in
    /// bytes. This fast path uses 64-bit arithmetic. The function calls [`of_strided_wide`](Self::of_strided_wide) if a
    /// length is less than 1, or if a sum or a product does not fit an `i64`.
    #[inline]
    pub(crate) fn of_strided(shape: &[i64], strides: &[i64], itemsize: i64) -> Self {
        let (mut len, mut low, mut high) = (itemsize, 0_i64, itemsize);
        let (mut stride_bits, mut is_c_contiguous) = (0, true);
        for (length, stride) in shape.iter().zip(strides).rev() {
            let (length, stride) = (*length, *stride);
            let reach = stride.checked_mul(length.wrapping_sub(1));
            let (Some(reach), Some(product), 1..) = (reach, len.checked_mul(length), length) else {
                return Self::of_strided_wide(shape, strides, itemsize);
            };
            is_c_contiguous &= length == 1 || stride == len;
            let bound = if reach < 0 { &mut low } else { &mut high };
            let Some(sum) = bound.checked_add(reach) else { return Self::of_strided_wide(shape, strides, itemsize) };
            *bound = sum;
            stride_bits |= stride;
            len = product;
        }
        if high.checked_sub(low).is_none() {
            return Self::of_strided_wide(shape, strides, itemsize);
        }
        Self {
            len: Some(len),
            bounds: Some(ByteBounds { low, high }),
            has_negative_length: false,
            is_empty: false,
            has_unaligned_stride: any_unaligned(strides, stride_bits, itemsize),
            is_c_contiguous,
        }
    }

    /// Returns `strides` if at least one stride is not a multiple of the itemsize. Returns `None` if all strides are
    /// multiples of the itemsize. `strides` must be the strides that `self` was computed from.
    #[inline]
    pub(crate) fn unaligned_strides<'s>(&self, strides: &'s [i64]) -> Option<&'s [i64]> {
        self.has_unaligned_stride.then_some(strides)
    }

    /// Computes the properties of an array in 128-bit arithmetic. `strides` and `itemsize` are in bytes. The lengths
    /// in `shape` and the strides can have any value.
    #[cold]
    #[inline(never)]
    fn of_strided_wide(shape: &[i64], strides: &[i64], itemsize: i64) -> Self {
        let mut summary = Self::of_contiguous(shape, itemsize);
        if summary.is_empty || summary.has_negative_length {
            return summary;
        }
        let (mut low, mut high) = (0_i128, i128::from(itemsize));
        for (length, stride) in shape.iter().zip(strides) {
            // Each product is less than 2^126. If a sum saturates, the sum is far outside of the range of an `i64`,
            // and `bounds` becomes `None`.
            let reach = i128::from(*stride).saturating_mul(i128::from(*length).saturating_sub(1));
            let bound = if reach < 0 { &mut low } else { &mut high };
            *bound = bound.saturating_add(reach);
        }
        summary.bounds = match (i64::try_from(low), i64::try_from(high)) {
            (Ok(low), Ok(high)) if high.checked_sub(low).is_some() => Some(ByteBounds { low, high }),
            _ => None,
        };
        let stride_bits = strides.iter().fold(0, |bits, stride| bits | stride);
        summary.has_unaligned_stride = any_unaligned(strides, stride_bits, itemsize);
        summary.is_c_contiguous = has_order(shape, strides, itemsize, Order::C);
        summary
    }

    /// Computes the properties of a C-contiguous array. The lengths in `shape` can have any value. `itemsize` is in
    /// bytes.
    fn of_contiguous(shape: &[i64], itemsize: i64) -> Self {
        let mut len = Some(itemsize);
        let (mut is_empty, mut has_negative_length) = (false, false);
        for length in shape {
            is_empty |= *length == 0;
            has_negative_length |= *length < 0;
            len = len.and_then(|len| len.checked_mul(*length));
        }
        if is_empty {
            // There are no items if a dimension has length 0. The size of all items is then 0 bytes, even if the
            // product of the other lengths overflows.
            len = Some(0);
        }
        Self {
            len,
            bounds: len.map(|len| ByteBounds { low: 0, high: len }),
            has_negative_length,
            is_empty,
            has_unaligned_stride: false,
            is_c_contiguous: true,
        }
    }
}

/// Returns `itemsize - 1` if `itemsize` is a power of two, and 0 if not. If the result `mask` is not 0, `distance &
/// mask` is the remainder of `distance` divided by `itemsize`.
#[inline]
const fn remainder_mask(itemsize: i64) -> i64 {
    let below = itemsize.wrapping_sub(1);
    if itemsize & below == 0 { below } else { 0 }
}

/// Returns whether `distance` is not a multiple of `itemsize`. Both numbers are in bytes. Returns `false` if
/// `itemsize` is 0, because the rules about multiples (D01, D03) do not apply to items of 0 bytes (D09).
#[inline]
fn is_unaligned(distance: i64, itemsize: i64) -> bool {
    match (itemsize, remainder_mask(itemsize)) {
        // The mask avoids a division, which costs as much time as the whole pass over shape and strides.
        (1.., mask @ 1..) => distance & mask != 0,
        (2.., _) => distance.checked_rem(itemsize) != Some(0),
        _ => false,
    }
}

/// Returns whether at least one stride is not a multiple of `itemsize`. `stride_bits` must be the bitwise OR of all
/// strides. If `itemsize` is a power of two, `stride_bits` gives the result without a loop.
#[inline]
fn any_unaligned(strides: &[i64], stride_bits: i64, itemsize: i64) -> bool {
    match remainder_mask(itemsize) {
        0 => strides.iter().any(|stride| is_unaligned(*stride, itemsize)),
        mask => stride_bits & mask != 0,
    }
}

/// Passes a violation to `sink` for each negative entry of `shape` (A17, lengths of dimensions). Returns an error if
/// `sink` ends the check.
#[cold]
pub(crate) fn check_lengths<S: ViolationSink>(shape: &[i64], sink: &mut S) -> Result<(), S::Stop> {
    for (dimension, length) in shape.iter().enumerate().filter(|(_, length)| **length < 0) {
        sink.report(Violation::NegativeLength { dimension, length: *length })?;
    }
    Ok(())
}

/// Checks that the items are inside the memory block (rules D01, D02, D03 and D06). Passes each violation to `sink`.
///
/// `block` is the memory block, `itemsize` is in bytes, and `bounds` is the range of bytes of at least one item.
/// `unaligned_strides` are the strides if at least one stride is not a multiple of `itemsize`, and `None` if not. If
/// the first item is outside of `block`, the function reports D02 (first item) but not D06 (all items). Otherwise the
/// report would contain the same mistake twice. Returns an error if `sink` ends the check.
#[inline]
pub(crate) fn check_bounds<S: ViolationSink>(
    block: Block,
    itemsize: i64,
    bounds: ByteBounds,
    unaligned_strides: Option<&[i64]>,
    sink: &mut S,
) -> Result<(), S::Stop> {
    if !check_first_item(block, itemsize, unaligned_strides, sink)? {
        return Ok(());
    }
    let Block { len: memlen, offset } = block;
    let start = offset.checked_add(bounds.low);
    let end = offset.checked_add(bounds.high);
    if start.is_some_and(|start| start >= 0) && end.is_some_and(|end| end <= memlen) {
        return Ok(());
    }
    let from_start = |bound: i64| i128::from(offset).saturating_add(i128::from(bound));
    sink.report(Violation::ItemsOutside { low: from_start(bounds.low), high: from_start(bounds.high), memlen })
}

/// Checks the offset of the first item and the strides (rules D01 to D03). Passes each violation to `sink`. If several
/// strides are not multiples of `itemsize`, passes only the violation of the first of these strides. Returns whether
/// the first item is inside of `block`.
///
/// `itemsize` is in bytes. `unaligned_strides` are the strides if at least one stride is not a multiple of
/// `itemsize`, and `None` if not. Returns an error if `sink` ends the check.
// The function is always inlined. Without inlining, `verify_structure` executes 14 % more instructions.
#[inline(always)]
pub(crate) fn check_first_item<S: ViolationSink>(
    block: Block,
    itemsize: i64,
    unaligned_strides: Option<&[i64]>,
    sink: &mut S,
) -> Result<bool, S::Stop> {
    let Block { len: memlen, offset } = block;
    if is_unaligned(offset, itemsize) {
        sink.report(Violation::UnalignedOffset { offset, itemsize })?;
    }
    if let Some(strides) = unaligned_strides {
        let mut unaligned = strides.iter().enumerate().filter(|(_, stride)| is_unaligned(**stride, itemsize));
        if let Some((dimension, stride)) = unaligned.next() {
            sink.report(Violation::UnalignedStride { dimension, stride: *stride, itemsize })?;
        }
    }
    let is_inside = offset >= 0 && offset.checked_add(itemsize).is_some_and(|end| end <= memlen);
    if !is_inside {
        sink.report(Violation::FirstItemOutside { offset, itemsize, memlen })?;
    }
    Ok(is_inside)
}

/// Whether two items of an array share bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// No two items share bytes.
    None,
    /// Two items possibly share bytes. The fast test of [`Overlap::of`] does not decide the case.
    Possible,
    /// At least two items share bytes.
    Certain,
}

impl Overlap {
    /// Returns whether two items of an array with `shape`, `strides` and `itemsize` share bytes. `strides` and
    /// `itemsize` are in bytes. No length of `shape` may be 0. For n dimensions, the time is O(n log n).
    ///
    /// The function sorts the strides by absolute value. No items overlap if each stride is at least as large as the
    /// range of bytes that all smaller strides cover. Returns `Possible` for strides that this test does not decide,
    /// because an exact decision is NP-hard (integer programming).
    pub(crate) fn of(shape: &[i64], strides: &[i64], itemsize: i64) -> Self {
        let axes = shape.iter().zip(strides).filter(|(length, _)| **length > 1);
        let mut axes: SmallVec<[(u64, u64); 8]> =
            axes.map(|(length, stride)| (stride.unsigned_abs(), length.unsigned_abs())).collect();
        axes.sort_unstable();
        let itemsize = itemsize.unsigned_abs();
        let (mut span, mut previous) = (itemsize, None);
        let mut overlap = Self::None;
        for (stride, length) in axes {
            let is_smallest = previous.is_none();
            if previous == Some(stride) || stride == 0 || (is_smallest && stride < itemsize) {
                return Self::Certain;
            }
            if stride < span {
                overlap = Self::Possible;
            }
            span = span.saturating_add(stride.saturating_mul(length.saturating_sub(1)));
            previous = Some(stride);
        }
        // If all items together have more bytes than the range that the items cover, at least two items share bytes.
        let len = shape.iter().try_fold(itemsize, |len, length| len.checked_mul(length.unsigned_abs()));
        if len.is_some_and(|len| len > span) { Self::Certain } else { overlap }
    }
}
