//! The same bytes of every item, side by side in a column: what a field is to records that become
//! columns.

use alloc::vec;
use core::hint::black_box;

use super::leaf::Leaf;
use super::swap;
use crate::spare_capacity::SpareCapacity;

/// Bytes of one block of records: the first cache holds it and the cells that it becomes. Measured:
/// 2 to 4 KB are best for records of 4 to 64 bytes, 8 KB take a third longer.
const BLOCK_BYTES: usize = 3 << 10;
/// Wide records: a block is a few lines of the cache in each column, else lines are written in parts.
const LEAST_ITEMS: usize = 32;
/// Narrow ones: more make no difference.
const MOST_ITEMS: usize = 256;
/// Bytes of records from which on a field is in another line of the cache with each record.
const WIDE: usize = 48;
/// A line of the cache.
pub(crate) const LINE: usize = 64;

/// Records of one block, at least one.
pub(crate) fn block_items(itemsize: usize) -> usize {
    BLOCK_BYTES.checked_div(itemsize).unwrap_or(MOST_ITEMS).clamp(LEAST_ITEMS, MOST_ITEMS)
}

/// Bytes of every item that lie side by side, and the column that they go to.
#[derive(Debug)]
pub(crate) struct Cells<'c> {
    /// From the start of the item, in bytes.
    pub(crate) offset: usize,
    /// Bytes of one item.
    pub(crate) len: usize,
    /// Bytes that are swapped together; 1 where none are.
    pub(crate) unit: usize,
    column: Column<'c>,
}

/// Where cells go.
#[derive(Debug)]
enum Column<'c> {
    /// The rest of it.
    Slice(&'c mut [u8]),
    /// Its end.
    End(&'c mut (dyn SpareCapacity + 'static)),
}

/// Where the next cells go.
pub(crate) enum Next<'n> {
    /// Here.
    Slice(&'n mut [u8]),
    /// To the end, so many bytes.
    End(&'n mut (dyn SpareCapacity + 'static), usize),
}

impl<'c> Cells<'c> {
    /// The cells of a leaf; the column as it was given where they are in several places of an item.
    pub(super) fn new(leaf: &Leaf, column: &'c mut [u8]) -> Result<Self, &'c mut [u8]> {
        if !leaf.outer.is_empty() {
            return Err(column);
        }
        Ok(Self::of(leaf, Column::Slice(column)))
    }

    /// The cells of a leaf that [`can_grow`].
    pub(super) fn growing(leaf: &Leaf, column: &'c mut (dyn SpareCapacity + 'static)) -> Self {
        Self::of(leaf, Column::End(column))
    }

    fn of(leaf: &Leaf, column: Column<'c>) -> Self {
        let unit = if leaf.kernel.swapped() { leaf.kernel.unit } else { 1 };
        Self { offset: leaf.offset, len: leaf.bytes(), unit, column }
    }

    /// One past the last byte, from the start of the item.
    pub(crate) fn end(&self) -> Option<usize> {
        self.offset.checked_add(self.len)
    }

    /// Room for the cells of the next items, of no more than so many.
    pub(crate) fn next(&mut self, items: usize) -> Next<'_> {
        let len = self.len.saturating_mul(items);
        match &mut self.column {
            Column::Slice(rest) => Next::Slice(rest.split_off_mut(..len.min(rest.len())).unwrap_or_default()),
            Column::End(column) => Next::End(&mut **column, len),
        }
    }
}

/// Whether the cells of a leaf lie side by side.
pub(super) fn can_grow(leaf: &Leaf) -> bool {
    leaf.outer.is_empty()
}

/// Reads a byte of each line of the cache, in the order in which they lie, which the processor
/// foresees.
fn touch(block: &[u8]) {
    block.iter().step_by(LINE).for_each(|byte| _ = black_box(*byte));
}

/// Whether a block is worth to be gone through once, before each field of it is.
pub(crate) fn is_dense(cells: &[Cells<'_>], itemsize: usize) -> bool {
    fills(cells.iter().map(|cells| cells.len), itemsize)
}

fn fills(lengths: impl Iterator<Item = usize>, itemsize: usize) -> bool {
    itemsize >= WIDE && lengths.fold(0, usize::saturating_add) >= itemsize >> 1_u32
}

/// Blocks of records to be written to field by field, with the number of records before each.
pub(super) fn blocks_mut(
    records: &mut [u8],
    itemsize: usize,
    lengths: impl Iterator<Item = usize>,
) -> impl Iterator<Item = (usize, &mut [u8])> {
    let (most, dense) = (block_items(itemsize), fills(lengths, itemsize));
    let blocks = records.chunks_mut(most.saturating_mul(itemsize).max(1)).enumerate();
    blocks.map(move |(index, block)| {
        if dense {
            touch(block);
        }
        (index.saturating_mul(most), block)
    })
}

/// Records to their columns, block by block and inside of a block field by field. `items` ends with
/// the last item, and each begins `stride` bytes after the one before, at least as far as it is long.
pub(super) fn gather(items: &[u8], stride: usize, itemsize: usize, cells: &mut [Cells<'_>]) {
    let (most, dense) = (block_items(stride), is_dense(cells, itemsize) && stride == itemsize);
    for block in items.chunks(most.saturating_mul(stride).max(1)) {
        if dense {
            touch(block);
        }
        let count = block.len().div_ceil(stride.max(1));
        for cells in cells.iter_mut() {
            let Cells { offset, len, unit, .. } = *cells;
            let from = block.get(offset..).unwrap_or_default();
            match cells.next(count) {
                Next::Slice(column) => swap::gather(from, stride, len, unit, column),
                // Those that were brought together from elsewhere.
                Next::End(column, bytes) => {
                    let mut cells = vec![0; bytes];
                    swap::gather(from, stride, len, unit, &mut cells);
                    column.append(&cells);
                }
            }
        }
    }
}
