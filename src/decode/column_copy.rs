//! The copies between records and columns, in blocks of records that stay in the first-level cache.

use alloc::vec::Vec;

use super::element::sealed::{ColumnTarget, Elements, ElementsMut};
use super::error::DecodeError;
use super::leaf::Leaf;
use crate::spare_capacity::SpareCapacity;
use crate::strided::{Strided, StridedMut};

/// Bytes of one block of records: the first-level cache holds it and the columns that it becomes. Blocks of 2 to 4 KB
/// were fastest for records of 4 to 64 bytes; 8 KB took a third longer.
const BLOCK_BYTES: usize = 3 << 10;
/// The fewest records of a block: with less, the lines of the cache that each column fills are written in parts.
const LEAST_ITEMS: usize = 32;
/// The most records of a block: more make no difference.
const MOST_ITEMS: usize = 256;
/// Bytes of a record from which on a field is in another line of the cache for each record.
const WIDE: usize = 48;

/// Returns the number of records of one block, at least one.
pub(super) fn block_items(itemsize: usize) -> usize {
    BLOCK_BYTES.checked_div(itemsize).unwrap_or(MOST_ITEMS).clamp(LEAST_ITEMS, MOST_ITEMS)
}

/// Returns whether a block of records is worth touching before its fields are copied one by one: the records are wide, and
/// at least half of their bytes are copied.
fn is_worth_touching(lengths: impl Iterator<Item = usize>, itemsize: usize) -> bool {
    itemsize >= WIDE && lengths.fold(0, usize::saturating_add) >= itemsize >> 1_u32
}

/// A column that the same adjacent bytes of every item are appended to.
#[derive(Debug)]
struct ColumnWriter<'c> {
    /// From the start of the item, in bytes.
    offset: usize,
    /// Bytes of one item.
    len: usize,
    /// Bytes that are reversed together; 1 if none are.
    unit: usize,
    column: ColumnMemory<'c>,
}

/// The memory of a column that is being filled.
#[derive(Debug)]
enum ColumnMemory<'c> {
    /// The rest of a slice.
    Slice(&'c mut [u8]),
    /// The spare capacity of a vector.
    Spare(&'c mut (dyn SpareCapacity + 'static)),
}

impl<'c> ColumnWriter<'c> {
    /// Makes a writer for a leaf whose bytes are adjacent in the item.
    fn new(leaf: &Leaf, column: ColumnMemory<'c>) -> Self {
        Self { offset: leaf.offset, len: leaf.adjacent_bytes(), unit: leaf.codec.reversed_unit(), column }
    }

    /// Appends the bytes of the leaf in each of `items` to the column. Fails if the column was allocated too small.
    fn append(&mut self, items: Strided<'_>) -> Result<(), DecodeError> {
        let Self { offset, len, unit, column } = self;
        let bytes = len.saturating_mul(items.count());
        let appended = items.field(*offset, *len).and_then(|cells| match column {
            ColumnMemory::Slice(rest) => cells.read(*unit, rest.split_off_mut(..bytes)?.into()).map(|_| ()),
            // An empty slice means that nothing was filled.
            ColumnMemory::Spare(column) => {
                column.grow(bytes, &mut |out| cells.read(*unit, out).unwrap_or_default()).then_some(())
            }
        });
        appended.ok_or_else(|| DecodeError::internal("a column has no memory for its items"))
    }
}

/// Returns whether the column of a leaf can be filled in memory that was never written to: its bytes are adjacent in the
/// item, and there are some.
pub(super) fn can_grow(leaf: &Leaf) -> bool {
    leaf.repeats.is_empty() && leaf.bytes() > 0
}

/// Columns that records are copied to, block by block.
pub(super) struct ColumnFiller<'f> {
    /// Leaves that are copied with no change but byte order.
    writers: Vec<ColumnWriter<'f>>,
    /// Leaves that are converted, or repeated in the item.
    others: Vec<(&'f Leaf, ElementsMut<'f>)>,
    itemsize: usize,
    /// Records that were copied.
    done: usize,
    dense: bool,
    scratch: Vec<u8>,
}

impl<'f> ColumnFiller<'f> {
    pub(super) fn new(targets: impl Iterator<Item = (&'f Leaf, ColumnTarget<'f>)>, itemsize: usize) -> Self {
        let (mut writers, mut others) = (Vec::new(), Vec::new());
        for (leaf, target) in targets {
            match target {
                ColumnTarget::Spare(column) => writers.push(ColumnWriter::new(leaf, ColumnMemory::Spare(column))),
                ColumnTarget::Elements(ElementsMut::Bytes(column)) if leaf.repeats.is_empty() => {
                    writers.push(ColumnWriter::new(leaf, ColumnMemory::Slice(column)));
                }
                ColumnTarget::Elements(elements) => others.push((leaf, elements)),
            }
        }
        let dense = is_worth_touching(writers.iter().map(|writer| writer.len), itemsize);
        Self { writers, others, itemsize, done: 0, dense, scratch: Vec::new() }
    }

    /// Copies the next records.
    pub(super) fn append(&mut self, mut items: Strided<'_>) -> Result<(), DecodeError> {
        let (most, touched) = (block_items(self.itemsize), self.dense && items.is_contiguous());
        while items.count() > 0 {
            let block = items.split_off(most);
            if touched {
                block.touch();
            }
            for writer in &mut self.writers {
                writer.append(block)?;
            }
            for (leaf, elements) in &mut self.others {
                elements.gather(leaf, block, self.done, &mut self.scratch)?;
            }
            self.done = self.done.saturating_add(block.count());
        }
        Ok(())
    }
}

/// A column whose elements are copied to the same adjacent bytes of every item.
#[derive(Debug)]
struct ColumnReader<'c> {
    /// From the start of the item, in bytes.
    offset: usize,
    /// Bytes of one item.
    len: usize,
    /// Bytes that are reversed together; 1 if none are.
    unit: usize,
    /// The elements that were not copied.
    rest: &'c [u8],
}

impl ColumnReader<'_> {
    /// Copies the next elements to as many items.
    #[inline]
    fn copy_to(&mut self, items: StridedMut<'_>) -> Result<(), DecodeError> {
        let Self { offset, len, unit, rest } = self;
        let copied = rest.split_off(..len.saturating_mul(items.count())).and_then(|bytes| {
            let cells = Strided::within(bytes, 0, len.cast_signed(), items.count(), *len)?;
            items.field(*offset, *len)?.copy_from(cells, *unit)
        });
        copied.ok_or_else(|| DecodeError::internal("a column is shorter than its items"))
    }
}

/// Writes columns to the fields of adjacent records, block by block.
///
/// Loops of its own over slices were 1.2 times as fast for 64 doubles a record; for records of 5 fields this is the faster one,
/// by 0.7 to 0.9.
pub(super) fn scatter_columns(
    columns: Vec<(&Leaf, Elements<'_>)>,
    records: &mut [u8],
    itemsize: usize,
) -> Result<(), DecodeError> {
    let most = block_items(itemsize);
    let touched = is_worth_touching(columns.iter().map(|(leaf, _)| leaf.bytes()), itemsize);
    let (mut readers, mut others) = (Vec::new(), Vec::new());
    for (leaf, elements) in columns {
        match elements {
            Elements::Bytes(rest) if leaf.repeats.is_empty() => {
                let (len, unit) = (leaf.adjacent_bytes(), leaf.codec.reversed_unit());
                readers.push(ColumnReader { offset: leaf.offset, len, unit, rest });
            }
            elements => others.push((leaf, elements)),
        }
    }
    let mut scratch = Vec::new();
    for (index, block) in records.chunks_mut(most.saturating_mul(itemsize).max(1)).enumerate() {
        let mut block = StridedMut::of_rows(block, itemsize);
        if touched {
            block.as_strided().touch();
        }
        for reader in &mut readers {
            reader.copy_to(block.reborrow())?;
        }
        for (leaf, elements) in &others {
            elements.scatter(leaf, block.reborrow(), index.saturating_mul(most), &mut scratch)?;
        }
    }
    Ok(())
}
