//! [`ColumnFiller`] copies records to columns, and [`scatter_columns`] copies columns to records. The copies are made
//! block by block. A block has as many records as fit into the first-level cache.

use alloc::vec::Vec;

use super::element::sealed::{ColumnTarget, Elements, ElementsMut};
use super::error::DecodeError;
use super::leaf::Leaf;
use crate::spare_capacity::SpareCapacity;
use crate::strided::{Strided, StridedMut};

/// The size of a block of records in bytes. The first-level cache holds a block and the columns that the block is
/// copied to. Blocks of 2 to 4 KB were fastest for records of 4 to 64 bytes. Blocks of 8 KB took 1.3 times as long.
const BLOCK_BYTES: usize = 3 << 10;
/// The smallest number of records in a block. With fewer records, the values that one block adds to a column do not
/// fill a cache line.
const LEAST_ITEMS: usize = 32;
/// The largest number of records of a block. Larger blocks were not faster.
const MOST_ITEMS: usize = 256;
/// The smallest size in bytes of a wide record. In wide records, the same field of two consecutive records is usually
/// in different cache lines. Therefore [`is_worth_touching`] can return `true` only for wide records.
const WIDE_RECORD: usize = 48;

/// Returns the number of records of one block, from `LEAST_ITEMS` to `MOST_ITEMS`. `itemsize` is the size of a record
/// in bytes.
pub(super) fn block_items(itemsize: usize) -> usize {
    // Any number of records of 0 bytes fits into a block.
    BLOCK_BYTES.checked_div(itemsize).unwrap_or(MOST_ITEMS).clamp(LEAST_ITEMS, MOST_ITEMS)
}

/// Returns whether each block should be read into the cache before its fields are copied. The reading saves time if
/// the records are wide and at least half of their bytes are copied. `lengths` are the sizes of the copied fields in
/// bytes, and `itemsize` is the size of a record in bytes.
fn is_worth_touching(lengths: impl Iterator<Item = usize>, itemsize: usize) -> bool {
    itemsize >= WIDE_RECORD && lengths.fold(0, usize::saturating_add) >= itemsize >> 1_u32
}

/// Appends the bytes of one field of every record to a column, and reverses the bytes of each unit if the byte order
/// differs. The values of the field must be adjacent in the record, and they must need no other conversion.
#[derive(Debug)]
struct ColumnWriter<'c> {
    /// The offset of the field, in bytes from the start of the record.
    offset: usize,
    /// The size of the field in bytes.
    len: usize,
    /// The number of adjacent bytes that are reversed together, or 1 for no reversal.
    unit: usize,
    column: ColumnMemory<'c>,
}

/// The memory of a column that records are copied to.
#[derive(Debug)]
enum ColumnMemory<'c> {
    /// The bytes of the slice that were not written yet.
    Slice(&'c mut [u8]),
    /// A vector with enough spare capacity for the column.
    Spare(&'c mut (dyn SpareCapacity + 'static)),
}

impl<'c> ColumnWriter<'c> {
    /// Creates a writer that appends the values of `leaf`, a field that is not a record, to `column`. The values must
    /// be adjacent in the item.
    fn new(leaf: &Leaf, column: ColumnMemory<'c>) -> Self {
        Self { offset: leaf.offset, len: leaf.adjacent_bytes(), unit: leaf.codec.reversed_unit(), column }
    }

    /// Appends the field of each of `items`, which are records, to the column.
    ///
    /// # Errors
    /// - the column does not have enough memory for the values of `items`
    fn append(&mut self, items: Strided<'_>) -> Result<(), DecodeError> {
        let Self { offset, len, unit, column } = self;
        let bytes = len.saturating_mul(items.count());
        let appended = items.field(*offset, *len).and_then(|cells| match column {
            ColumnMemory::Slice(rest) => cells.read(*unit, rest.split_off_mut(..bytes)?.into()).map(|_| ()),
            // If `read` fails, the closure returns an empty slice, and `grow` returns `false`.
            ColumnMemory::Spare(column) => {
                column.grow(bytes, &mut |out| cells.read(*unit, out).unwrap_or_default()).then_some(())
            }
        });
        appended.ok_or_else(|| DecodeError::internal("a column has no memory for its items"))
    }
}

/// Returns whether a column of `leaf` can be filled by appending to an empty vector. Returns `false` if the values of
/// `leaf` are not adjacent in the item, if the values have 0 bytes, or if they need a conversion.
pub(super) fn can_grow(leaf: &Leaf) -> bool {
    leaf.repeats.is_empty() && leaf.bytes() > 0 && !leaf.codec.needs_conversion()
}

/// Copies fields of records to columns, block by block.
pub(super) struct ColumnFiller<'f> {
    /// The columns of fields whose bytes are adjacent and need no conversion except byte reversal.
    writers: Vec<ColumnWriter<'f>>,
    /// The columns of all other fields: the values are converted, or the field is in an array of records.
    others: Vec<(&'f Leaf, ElementsMut<'f>)>,
    /// The size of a record in bytes.
    itemsize: usize,
    /// The number of records that were copied to all columns.
    done: usize,
    /// The result of [`is_worth_touching`].
    touch: bool,
    /// Memory for the bytes of a field before conversion.
    scratch: Vec<u8>,
}

impl<'f> ColumnFiller<'f> {
    /// Creates a filler. `targets` has the field and the memory of each column. `itemsize` is the size of a record in
    /// bytes.
    pub(super) fn new(targets: impl Iterator<Item = (&'f Leaf, ColumnTarget<'f>)>, itemsize: usize) -> Self {
        let (mut writers, mut others) = (Vec::new(), Vec::new());
        for (leaf, target) in targets {
            match target {
                ColumnTarget::Spare(column) => writers.push(ColumnWriter::new(leaf, ColumnMemory::Spare(column))),
                ColumnTarget::Elements(ElementsMut::Bytes(column))
                    if leaf.repeats.is_empty() && !leaf.codec.needs_conversion() =>
                {
                    writers.push(ColumnWriter::new(leaf, ColumnMemory::Slice(column)));
                }
                ColumnTarget::Elements(elements) => others.push((leaf, elements)),
            }
        }
        let touch = is_worth_touching(writers.iter().map(|writer| writer.len), itemsize);
        Self { writers, others, itemsize, done: 0, touch, scratch: Vec::new() }
    }

    /// Appends the fields of the records `items` to the columns. Returns an error if a column has no memory for
    /// `items`, or if a user type has no number for the bytes of a value.
    pub(super) fn append(&mut self, mut items: Strided<'_>) -> Result<(), DecodeError> {
        let (most, touch) = (block_items(self.itemsize), self.touch && items.is_contiguous());
        while items.count() > 0 {
            let block = items.split_off(most);
            if touch {
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

/// Copies the bytes of a column to one field of every record. The values of the field must be adjacent in the record.
#[derive(Debug)]
struct ColumnReader<'c> {
    /// The offset of the field, in bytes from the start of the record.
    offset: usize,
    /// The size of the field in bytes.
    len: usize,
    /// The number of adjacent bytes that are reversed together, or 1 for no reversal.
    unit: usize,
    /// The bytes of the column that were not copied yet.
    rest: &'c [u8],
}

impl ColumnReader<'_> {
    /// Copies the next elements of the column to the field of each of `items`. Returns an error if the column has too
    /// few elements.
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

/// Copies `columns` to fields of `records`, block by block. Each element of `columns` has a field and the elements of
/// the column for this field. `records` contains the bytes of adjacent records of `itemsize` bytes. Returns an error if
/// a column has too few elements.
///
/// A simpler method is one loop over slices for each field. For records of 5 fields, this function takes 0.7 to 0.9
/// times as long as the simpler method. For records of 64 doubles, this function takes 1.2 times as long.
pub(super) fn scatter_columns(
    columns: Vec<(&Leaf, Elements<'_>)>,
    records: &mut [u8],
    itemsize: usize,
) -> Result<(), DecodeError> {
    let most = block_items(itemsize);
    let touch = is_worth_touching(columns.iter().map(|(leaf, _)| leaf.bytes()), itemsize);
    let (mut readers, mut others) = (Vec::new(), Vec::new());
    for (leaf, elements) in columns {
        match elements {
            Elements::Bytes(rest) if leaf.repeats.is_empty() && leaf.codec.conversion().is_none() => {
                let (len, unit) = (leaf.adjacent_bytes(), leaf.codec.reversed_unit());
                readers.push(ColumnReader { offset: leaf.offset, len, unit, rest });
            }
            #[cfg(feature = "arrow")]
            Elements::Encoded(rest) if leaf.repeats.is_empty() => {
                readers.push(ColumnReader { offset: leaf.offset, len: leaf.adjacent_bytes(), unit: 1, rest });
            }
            elements => others.push((leaf, elements)),
        }
    }
    let mut scratch = Vec::new();
    for (index, block) in records.chunks_mut(most.saturating_mul(itemsize).max(1)).enumerate() {
        let mut block = StridedMut::of_rows(block, itemsize);
        if touch {
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
