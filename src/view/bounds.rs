//! Which bytes the items touch, and whether a memory block holds them.

use super::check::{Sink, Stop};
use super::geometry::{Order, has_order};
use super::raw::Block;
use super::report::Report;
use super::violation::{FieldName, Violation};

/// The bytes that items touch, counted from `buf`: `low` is the lowest, `high` one past the highest.
///
/// With negative strides `low` is negative. Without items both are 0.
///
/// ```
/// use pep3118::{ByteBounds, RawView, Request};
/// let raw = RawView { len: 12, itemsize: 4, ndim: 1, shape: Some(&[3]), strides: Some(&[-4]), ..RawView::default() };
/// let view = raw.check(Request::STRIDES, None, None).into_result()?;
/// assert_eq!(view.extent(), Some(ByteBounds { low: -8, high: 4 }));
/// # Ok::<(), pep3118::Report>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ByteBounds {
    /// The lowest byte, at most 0.
    pub low: i64,
    /// One past the highest byte.
    pub high: i64,
}

/// What one walk over shape and strides finds out; O(ndim).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan {
    /// Product of the extents and the itemsize; `None` past 64 bits.
    pub(crate) bytes: Option<i64>,
    /// `None` where the distance between the lowest and the highest byte is past 63 bits.
    pub(crate) extent: Option<ByteBounds>,
    /// Some extent is negative.
    pub(crate) negative: bool,
    /// Some extent is 0.
    pub(crate) empty: bool,
    /// Some stride is no multiple of the itemsize.
    pub(crate) unaligned: bool,
    /// The items adjoin, the last index fastest.
    pub(crate) c_contiguous: bool,
}

impl Scan {
    /// Arrays of one length; without strides the array is C-contiguous. `itemsize` is not negative.
    #[inline]
    pub(crate) fn new(shape: &[i64], strides: Option<&[i64]>, itemsize: i64) -> Self {
        match strides {
            Some(strides) => Self::strided(shape, strides, itemsize),
            None => Self::plain(shape, itemsize),
        }
    }

    /// The walk for arrays as they should be: every extent at least 1, every sum within 63 bits.
    #[inline]
    fn strided(shape: &[i64], strides: &[i64], itemsize: i64) -> Self {
        let (mut bytes, mut low, mut high) = (itemsize, 0_i64, itemsize);
        let (mut union, mut c_contiguous) = (0, true);
        for (extent, stride) in shape.iter().zip(strides).rev() {
            let (extent, stride) = (*extent, *stride);
            let reach = stride.checked_mul(extent.wrapping_sub(1));
            let (Some(reach), Some(product), 1..) = (reach, bytes.checked_mul(extent), extent) else {
                return Self::odd(shape, strides, itemsize);
            };
            c_contiguous &= extent == 1 || stride == bytes;
            let end = if reach < 0 { &mut low } else { &mut high };
            let Some(sum) = end.checked_add(reach) else { return Self::odd(shape, strides, itemsize) };
            *end = sum;
            union |= stride;
            bytes = product;
        }
        if high.checked_sub(low).is_none() {
            return Self::odd(shape, strides, itemsize);
        }
        Self {
            bytes: Some(bytes),
            extent: Some(ByteBounds { low, high }),
            negative: false,
            empty: false,
            unaligned: has_crooked(strides, union, itemsize),
            c_contiguous,
        }
    }

    /// The walk for any arrays.
    #[cold]
    #[inline(never)]
    fn odd(shape: &[i64], strides: &[i64], itemsize: i64) -> Self {
        let mut scan = Self::plain(shape, itemsize);
        if scan.empty || scan.negative {
            return scan;
        }
        let (mut low, mut high) = (0_i128, i128::from(itemsize));
        for (extent, stride) in shape.iter().zip(strides) {
            // At most 2^126, and 64 of them; what saturates does not fit anyway.
            let reach = i128::from(*stride).saturating_mul(i128::from(*extent).saturating_sub(1));
            let end = if reach < 0 { &mut low } else { &mut high };
            *end = end.saturating_add(reach);
        }
        scan.extent = match (i64::try_from(low), i64::try_from(high)) {
            (Ok(low), Ok(high)) if high.checked_sub(low).is_some() => Some(ByteBounds { low, high }),
            _ => None,
        };
        scan.unaligned = has_crooked(strides, strides.iter().fold(0, |union, stride| union | stride), itemsize);
        scan.c_contiguous = has_order(shape, strides, itemsize, Order::C);
        scan
    }

    fn plain(shape: &[i64], itemsize: i64) -> Self {
        let mut scan = Self::item(itemsize);
        for extent in shape {
            scan.empty |= *extent == 0;
            scan.negative |= *extent < 0;
            scan.bytes = scan.bytes.and_then(|bytes| bytes.checked_mul(*extent));
        }
        scan.extent = scan.bytes.map(|bytes| ByteBounds { low: 0, high: bytes });
        scan.settled()
    }

    /// One item.
    const fn item(itemsize: i64) -> Self {
        Self {
            bytes: Some(itemsize),
            extent: Some(ByteBounds { low: 0, high: itemsize }),
            negative: false,
            empty: false,
            unaligned: false,
            c_contiguous: true,
        }
    }

    /// Without items nothing is touched, whatever the other numbers are.
    #[inline]
    fn settled(mut self) -> Self {
        if self.empty {
            self.bytes = Some(0);
            self.extent = Some(ByteBounds::default());
            self.c_contiguous = true;
        }
        self
    }
}

/// `itemsize - 1` where that is a mask for the remainder, 0 otherwise.
#[inline]
const fn mask(itemsize: i64) -> i64 {
    let below = itemsize.wrapping_sub(1);
    if itemsize & below == 0 { below } else { 0 }
}

/// Whether a distance is no multiple of the itemsize; never with items of 0 bytes (D09).
#[inline]
fn is_crooked(distance: i64, itemsize: i64, mask: i64) -> bool {
    match (itemsize, mask) {
        // A division costs as much as the rest of the walk.
        (1.., 1..) => distance & mask != 0,
        (2.., _) => distance.checked_rem(itemsize) != Some(0),
        _ => false,
    }
}

/// Whether some stride is unaligned; `union` has the bits of all.
#[inline]
fn has_crooked(strides: &[i64], union: i64, itemsize: i64) -> bool {
    match mask(itemsize) {
        0 => strides.iter().any(|stride| is_crooked(*stride, itemsize, 0)),
        mask => union & mask != 0,
    }
}

/// Reports the D rules for items that touch `extent`; a block without items holds everything.
#[inline]
pub(crate) fn report_bounds<S: Sink>(
    block: Block,
    itemsize: i64,
    extent: ByteBounds,
    strides: Option<(&[i64], bool)>,
    sink: &mut S,
) -> Result<(), Stop> {
    let Block { len: memlen, offset } = block;
    if is_crooked(offset, itemsize, mask(itemsize)) {
        sink.report(Violation::OffsetMultiple { offset, itemsize })?;
    }
    if let Some((strides, true)) = strides {
        let unaligned = |(_, stride): &(usize, &i64)| is_crooked(**stride, itemsize, mask(itemsize));
        if let Some((dimension, stride)) = strides.iter().enumerate().find(unaligned) {
            sink.report(Violation::StrideMultiple { dimension, stride: *stride, itemsize })?;
        }
    }
    let ends = |end: i64| offset.checked_add(end).is_some_and(|end| end <= memlen);
    if offset < 0 || !ends(itemsize) {
        return sink.report(Violation::OffsetOutside { offset, itemsize, memlen });
    }
    if offset.checked_add(extent.low).is_none_or(|start| start < 0) || !ends(extent.high) {
        let from_start = |end: i64| i128::from(offset).saturating_add(i128::from(end));
        return sink.report(Violation::ExtentOutside {
            low: from_start(extent.low),
            high: from_start(extent.high),
            memlen,
        });
    }
    Ok(())
}

/// Whether writable items may share bytes: `None` if they cannot, else whether they do for certain.
///
/// Sound and bounded, O(ndim²) for at most 64 dimensions: where each stride, from the smallest on,
/// reaches past all that the smaller ones cover, nothing overlaps. Deciding the rest exactly is
/// NP-hard, so it is "may".
pub(crate) fn overlap(shape: &[i64], strides: &[i64], itemsize: i64) -> Option<bool> {
    let covered_all = itemsize.unsigned_abs();
    let mut covered = covered_all;
    let mut last = None;
    let mut certain = false;
    let mut uncertain = false;
    // The next larger stride, and whether two axes share it.
    while let Some((stride, extent, shared)) = next_axis(shape, strides, last) {
        let smallest = last.is_none();
        if shared || stride == 0 || (smallest && stride < covered_all) {
            certain = true;
        } else if stride < covered {
            uncertain = true;
        }
        covered = covered.saturating_add(stride.saturating_mul(extent.saturating_sub(1)));
        last = Some(stride);
    }
    // More items than the span has room for.
    let items = shape.iter().try_fold(covered_all, |bytes, extent| bytes.checked_mul(extent.unsigned_abs()));
    certain |= items.is_some_and(|bytes| bytes > covered);
    (certain || uncertain).then_some(certain)
}

/// The axis of the smallest stride above `last`, among those of several items.
fn next_axis(shape: &[i64], strides: &[i64], last: Option<u64>) -> Option<(u64, u64, bool)> {
    let mut best: Option<(u64, u64, bool)> = None;
    for (extent, stride) in shape.iter().zip(strides) {
        let stride = stride.unsigned_abs();
        if *extent <= 1 || last.is_some_and(|last| stride <= last) {
            continue;
        }
        let extent = extent.unsigned_abs();
        best = match best {
            Some((least, longest, _)) if stride == least => Some((least, longest.max(extent), true)),
            Some(best) if stride > best.0 => Some(best),
            _ => Some((stride, extent, false)),
        };
    }
    best
}

/// The function of that name in the documentation of `Py_buffer`, with a reason for its answer.
///
/// `memlen` is the length of the block and `offset` the distance from its start to `buf`, both in
/// bytes. The report has an error where the structure is not valid; the documentation's demand that
/// offset and strides are multiples of itemsize is a note, because NumPy's views of record fields
/// rightly break it, and an array without items fits every block.
///
/// ```
/// use pep3118::{RuleId, verify_structure};
/// assert!(verify_structure(24, 4, 2, &[2, 3], &[12, 4], 0).is_empty());
/// assert!(verify_structure(24, 4, 2, &[2, 3], &[-12, 4], 12).is_empty());
/// let report = verify_structure(24, 4, 2, &[2, 3], &[12, 4], 4);
/// assert_eq!(report.to_string(), "error D06: the items lie at bytes 4 to 28 of a block of 24 bytes");
/// // An item of a NumPy record array.
/// let report = verify_structure(27, 8, 1, &[3], &[9], 1);
/// assert!(report.contains(RuleId::D03) && !report.has_errors());
/// ```
///
/// Spec: CPython `Doc/c-api/buffer.rst`, `verify_structure`.
#[must_use]
#[inline]
pub fn verify_structure(memlen: i64, itemsize: i64, ndim: i32, shape: &[i64], strides: &[i64], offset: i64) -> Report {
    let mut report = Report::new();
    let _: Result<(), Stop> = verify(Block { len: memlen, offset }, itemsize, ndim, shape, strides, &mut report);
    report.sorted()
}

#[inline]
fn verify<S: Sink>(
    block: Block,
    itemsize: i64,
    ndim: i32,
    shape: &[i64],
    strides: &[i64],
    sink: &mut S,
) -> Result<(), Stop> {
    if usize::try_from(ndim) != Ok(shape.len()) || shape.len() != strides.len() {
        return sink.report(Violation::BlockNdim { ndim, shape: shape.len(), strides: strides.len() });
    }
    if itemsize < 0 {
        return sink.report(Violation::NegativeSize { field: FieldName::Itemsize, value: itemsize });
    }
    let scan = Scan::strided(shape, strides, itemsize);
    if scan.negative {
        let negative = shape.iter().enumerate().find(|(_, extent)| **extent < 0);
        let (dimension, extent) = negative.map_or((0, 0), |(dimension, extent)| (dimension, *extent));
        return sink.report(Violation::NegativeExtent { dimension, extent });
    }
    if scan.empty {
        return Ok(());
    }
    let Some(extent) = scan.extent else {
        let (shape, strides) = (shape.into(), strides.into());
        return sink.report(Violation::ExtentOverflow { shape, strides, limit: i64::MAX });
    };
    report_bounds(block, itemsize, extent, Some((strides, scan.unaligned)), sink)
}
