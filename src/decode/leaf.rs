//! Leaf fields: where the values of a field are in an item, and how their bytes are copied to a column and back.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::ControlFlow;

use super::error::DecodeError;
use super::scalar::ScalarCodec;
use crate::layout::Type;
use crate::strided::{Strided, StridedMut};

/// A field that is not a record: where its values are in an item, and their type.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
/// let plan = Plan::new(&Layout::read(b"T{<h:id:(2)T{<d:x:}:at:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
/// let at = &plan.leaves()[1];
/// assert_eq!((at.name(), at.size(), at.shape()), (&b"at.x"[..], 8, &[2][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    name: Box<[u8]>,
    pub(super) offset: usize,
    pub(super) codec: ScalarCodec,
    /// Adjacent units of the codec.
    adjacent: usize,
    /// The enclosing arrays of records, outermost first.
    pub(super) repeats: Vec<Repeat<1>>,
    shape: Vec<usize>,
}

impl Leaf {
    /// Makes a leaf of `count` adjacent values, which the arrays of records around it repeat.
    pub(super) fn new(
        name: Box<[u8]>,
        offset: usize,
        codec: ScalarCodec,
        count: usize,
        repeats: &[Repeat<1>],
        shape: Vec<usize>,
    ) -> Result<Self, DecodeError> {
        let mut adjacent = count.checked_mul(codec.units());
        let mut repeats = repeats.to_vec();
        // An array of records that have no other field is one array.
        while let (Some(Repeat { count, strides: [stride] }), Some(units)) = (repeats.last().copied(), adjacent) {
            if units.checked_mul(codec.unit) != Some(stride) {
                break;
            }
            adjacent = units.checked_mul(count);
            repeats.pop();
        }
        // Values of no bytes were counted before; the product of others is at most the itemsize.
        let adjacent = adjacent.ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
        Ok(Self { name, offset, codec, adjacent, repeats, shape })
    }

    /// Returns the dotted name: `b"a.b"`. A field without a name has its index for a name, `f0`, as in NumPy; the name of
    /// the item itself is empty.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Returns the offset of the first value in bytes from the start of the item.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the type of one value.
    #[must_use]
    pub fn ty(&self) -> Type {
        self.codec.ty
    }

    /// Returns the size of one value in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.codec.size
    }

    /// Returns the shape in one item: the lengths of the enclosing arrays of records, then those of the field.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the number of adjacent bytes.
    pub(super) fn adjacent_bytes(&self) -> usize {
        self.adjacent.saturating_mul(self.codec.unit)
    }

    /// Returns the number of bytes in one item.
    pub(super) fn bytes(&self) -> usize {
        self.repeats.iter().fold(self.adjacent_bytes(), |bytes, repeat| bytes.saturating_mul(repeat.count))
    }

    /// Copies the values of all items to a column of as many, reversing each unit of `unit` bytes.
    pub(super) fn gather(&self, items: Strided<'_>, column: &mut [u8], unit: usize) -> Result<(), DecodeError> {
        let (count, len) = (items.count(), self.bytes());
        let column = StridedMut::within(column, 0, len.cast_signed(), count, len);
        let mut column = column.ok_or_else(|| DecodeError::internal("a column is shorter than its items"))?;
        self.each_part(|offset, at, len| {
            let from = items.field(offset, len)?;
            column.reborrow().field(at, len)?.copy_from(from, unit)
        })
    }

    /// Copies a column to the values of as many items, reversing each unit of `unit` bytes.
    pub(super) fn scatter(&self, column: &[u8], mut items: StridedMut<'_>, unit: usize) -> Result<(), DecodeError> {
        let (count, len) = (items.count(), self.bytes());
        let column = Strided::within(column, 0, len.cast_signed(), count, len);
        let column = column.ok_or_else(|| DecodeError::internal("a column is shorter than its items"))?;
        self.each_part(|offset, at, len| {
            let from = column.field(at, len)?;
            items.reborrow().field(offset, len)?.copy_from(from, unit)
        })
    }

    /// Calls `copy` for each group of adjacent bytes with its offsets in the item and in the column and its length.
    fn each_part(&self, mut copy: impl FnMut(usize, usize, usize) -> Option<()>) -> Result<(), DecodeError> {
        let (len, mut at) = (self.adjacent_bytes(), 0_usize);
        if len == 0 {
            return Ok(());
        }
        let copied = each_offset(&self.repeats, [self.offset], &mut |[offset]| {
            let copied = copy(offset, at, len);
            at = at.saturating_add(len);
            if copied.is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        match copied {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(DecodeError::internal("a field is outside its item")),
        }
    }
}

/// An array of records around a field: its number of elements, and their distance in bytes in each of `N` memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repeat<const N: usize> {
    pub(super) count: usize,
    pub(super) strides: [usize; N],
}

/// Calls `each` with the offsets of every element of nested arrays, the last array fastest, until it breaks.
pub(super) fn each_offset<const N: usize, B>(
    repeats: &[Repeat<N>],
    start: [usize; N],
    each: &mut impl FnMut([usize; N]) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let Some((repeat, inner)) = repeats.split_first() else { return each(start) };
    let mut offsets = start;
    for _ in 0..repeat.count {
        each_offset(inner, offsets, each)?;
        for (offset, stride) in offsets.iter_mut().zip(repeat.strides) {
            // Wraps only after the last element.
            *offset = offset.wrapping_add(stride);
        }
    }
    ControlFlow::Continue(())
}

/// Adjacent units of an item that are in the other byte order than this machine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Swap {
    /// From the start of the item, in bytes.
    offset: usize,
    /// Bytes of one unit.
    width: usize,
    /// Bytes of all units.
    len: usize,
    /// The enclosing arrays of records, outermost first.
    repeats: Vec<Repeat<1>>,
}

impl Swap {
    /// Returns the swaps that turn items into the byte order of this machine, neighbours of one width merged.
    pub(super) fn of_leaves(leaves: &[Leaf]) -> Vec<Self> {
        let mut swaps: Vec<Self> = Vec::new();
        for leaf in leaves.iter().filter(|leaf| leaf.codec.swapped() && leaf.adjacent > 0) {
            let (width, len) = (leaf.codec.unit, leaf.adjacent_bytes());
            let swap = Self { offset: leaf.offset, width, len, repeats: leaf.repeats.clone() };
            match swaps.last_mut() {
                Some(last) if last.is_continued_by(&swap) => last.len = last.len.saturating_add(swap.len),
                _ => swaps.push(swap),
            }
        }
        swaps
    }

    /// Returns the width of the units, if the whole item is units of one width.
    pub(super) fn whole(swaps: &[Self], itemsize: usize) -> Option<usize> {
        match swaps {
            [swap] if swap.len == itemsize && swap.repeats.is_empty() => Some(swap.width),
            _ => None,
        }
    }

    fn is_continued_by(&self, next: &Self) -> bool {
        let end = self.offset.saturating_add(self.len);
        self.width == next.width && end == next.offset && self.repeats == next.repeats
    }

    /// Reverses the units of every item.
    pub(super) fn apply(&self, items: &mut StridedMut<'_>) -> Result<(), DecodeError> {
        let swapped = each_offset(&self.repeats, [self.offset], &mut |[offset]| {
            match items.reborrow().field(offset, self.len) {
                Some(mut units) => units.reverse(self.width),
                None => return ControlFlow::Break(()),
            }
            ControlFlow::Continue(())
        });
        match swapped {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(DecodeError::internal("a field is outside its item")),
        }
    }
}

/// Turns adjacent items into the byte order of this machine, or back.
pub(super) fn swap_items(items: &mut [u8], itemsize: usize, swaps: &[Swap]) -> Result<(), DecodeError> {
    let mut items = StridedMut::of_rows(items, itemsize);
    swaps.iter().try_for_each(|swap| swap.apply(&mut items))
}
