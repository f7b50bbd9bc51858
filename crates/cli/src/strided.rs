//! `StridedItems`: reads the items of a strided array from a file, in blocks. The items of a block are in C order: the
//! last index changes fastest.
//!
//! Adjacent items in C order can be far apart in the file, so reading in C order would need a seek for each item. A
//! block therefore contains a range of the indices of one dimension, and all indices of the later dimensions. The items
//! of a block are read in the order of their file offsets, and each item is copied to its offset in the block. For any
//! strides, each block needs one pass over the file, from low to high offsets. The reader allocates one block and one
//! read buffer.

use std::io::{self, SeekFrom};

use super::failure::Failure;
use super::input::ReadSeek;

/// The size in bytes of a block if the items of the file are not in C order. A large block reduces the
/// number of passes over the file.
const BLOCK: i64 = 1 << 25;
/// The size in bytes of a block if the items of the file are in C order.
const ORDERED_BLOCK: i64 = 1 << 18;
/// The size in bytes of the read buffer.
const BUFFER: i64 = 1 << 20;
/// The longest gap between two items, in bytes, that the reader reads and ignores. A seek skips a longer gap.
const GAP: i64 = 1 << 12;

/// A dimension of a block.
#[derive(Clone, Copy, Debug)]
struct Axis {
    /// The number of indices of the dimension in the block.
    len: i64,
    /// The distance in bytes from one index to the next in the file. Never negative.
    file_stride: i64,
    /// The distance in bytes from one index to the next in the block.
    block_stride: i64,
}

impl Axis {
    /// Returns the last index of the dimension in the block.
    fn last(&self) -> i64 {
        self.len.wrapping_sub(1)
    }
}

/// The items of an array with a shape and strides in a file.
///
/// Calculations with offsets cannot overflow, because all items are in a file of less than 2^63 bytes. The wrapping
/// operations below save the overflow checks.
pub(super) struct StridedItems {
    file: BufferedFile,
    /// The offset in the file of the item whose indices are all 0.
    origin: i64,
    shape: Vec<i64>,
    strides: Vec<i64>,
    /// The size of an item in bytes, at least 1.
    itemsize: i64,
    /// The dimension that is divided into blocks. A block contains all indices of the later dimensions.
    split: usize,
    /// The largest number of indices of dimension `split` in a block.
    split_len: i64,
    /// The indices of the first item of the next block, in the dimensions up to and including `split`.
    indices: Vec<i64>,
    finished: bool,
    block: Vec<u8>,
}

impl StridedItems {
    /// Creates a reader of the items in `file`, an array of the shape `shape`. `origin` is the offset of the item whose
    /// indices are all 0. `strides` and `itemsize` are in bytes.
    ///
    /// The array must have at least one item. All items must be inside of the file, at offsets less than 2^63.
    pub(super) fn new(file: Box<dyn ReadSeek>, origin: i64, shape: &[i64], strides: &[i64], itemsize: i64) -> Self {
        debug_assert!(itemsize > 0 && !shape.contains(&0));
        let itemsize = itemsize.max(1);
        let ordered = strides.is_sorted_by(|outer, inner| outer.unsigned_abs() >= inner.unsigned_abs());
        let bytes = if ordered { ORDERED_BLOCK } else { BLOCK };
        let block_items = bytes.checked_div(itemsize).map_or(1, |items| items.max(1));
        let mut split = shape.len().saturating_sub(1);
        // The number of items in the dimensions after `split`. These items must fit into one block.
        let mut inner = 1_i64;
        while let Some(len) = shape.get(split)
            && split > 0
            && inner.saturating_mul(*len) <= block_items
        {
            inner = inner.saturating_mul((*len).max(1));
            split = split.saturating_sub(1);
        }
        let split_len = block_items.checked_div(inner).map_or(1, |len| len.max(1));
        Self {
            file: BufferedFile { file, bytes: Vec::new(), start: 0 },
            origin,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            itemsize,
            split,
            split_len,
            indices: vec![0; if shape.is_empty() { 0 } else { split.saturating_add(1) }],
            finished: false,
            block: Vec::new(),
        }
    }

    /// Returns the bytes of the next block of items, or `None` after the last block. Returns an error if reading fails,
    /// or if there is no memory for a block.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        if self.finished {
            return Ok(None);
        }
        let len = self.load()?;
        self.advance();
        Ok(self.block.get(..len))
    }

    /// Reads the block at `self.indices` into `self.block`. Returns the length of the block in bytes. Returns an error
    /// if reading fails, or if there is no memory for the block.
    fn load(&mut self) -> Result<usize, Failure> {
        let add = |offset: i64, (index, stride): (&i64, &i64)| offset.wrapping_add(index.wrapping_mul(*stride));
        // The bytes of the items are between the offsets `low` and `high` of the file.
        let mut low = self.indices.iter().zip(&self.strides).fold(self.origin, add);
        let mut high = low.wrapping_add(self.itemsize);
        // The offset in the block of the item at `low`.
        let mut first = 0_i64;
        let mut block_stride = self.itemsize;
        let mut axes = Vec::new();
        let dimensions = self.shape.iter().zip(&self.strides).enumerate().skip(self.split);
        for (dimension, (len, stride)) in dimensions.rev() {
            let len = match self.indices.last() {
                Some(start) if dimension == self.split => len.wrapping_sub(*start).min(self.split_len),
                _ => *len,
            };
            let last = len.wrapping_sub(1);
            let distance = stride.wrapping_mul(last);
            if distance < 0 {
                // The file is read in ascending order, but the stride of this dimension is negative. The block is
                // therefore filled in descending order.
                low = low.wrapping_add(distance);
                first = first.saturating_add(block_stride.saturating_mul(last));
                let (file_stride, block_stride) = (stride.wrapping_neg(), block_stride.saturating_neg());
                axes.push(Axis { len, file_stride, block_stride });
            } else {
                high = high.wrapping_add(distance);
                axes.push(Axis { len, file_stride: *stride, block_stride });
            }
            block_stride = block_stride.saturating_mul(len);
        }
        let no_memory = || Failure::refused(format_args!("there is no memory for an item of {block_stride} bytes"));
        let len = usize::try_from(block_stride).map_err(|_| no_memory())?;
        if let Some(more) = len.checked_sub(self.block.len()).filter(|more| *more > 0) {
            self.block.try_reserve_exact(more).map_err(|_| no_memory())?;
            self.block.resize(len, 0);
        }
        axes.sort_by_key(|axis| axis.file_stride);
        self.copy(&axes, low, high, first)?;
        Ok(len)
    }

    /// Copies the items of a block from the file to `self.block`, in the order of their file offsets. The items are
    /// between the file offsets `low` and `high`. The item at `low` is copied to the offset `first` of the block.
    /// `axes` are the dimensions, sorted by `file_stride` with the shortest first. Returns an error if reading fails.
    fn copy(&mut self, axes: &[Axis], low: i64, high: i64, first: i64) -> Result<(), Failure> {
        let ahead = bytes_ahead(axes, self.itemsize);
        let (row, outer) = match axes.split_first() {
            Some((row, outer)) => (*row, outer),
            None => (Axis { len: 1, file_stride: 0, block_stride: 0 }, axes),
        };
        // A row whose items are contiguous in the file and in the block is copied as one long item.
        let contiguous = row.file_stride == self.itemsize && row.block_stride == self.itemsize;
        let (size, count) =
            if contiguous { (self.itemsize.saturating_mul(row.len), 1) } else { (self.itemsize, row.len) };
        let outside = || Failure::internal("an item is outside of its block");
        let size = usize::try_from(size).map_err(|_| outside())?;
        let mut indices = vec![0_i64; outer.len()];
        let (mut row_in_file, mut row_in_block) = (low, first);
        loop {
            let (mut in_file, mut in_block) = (row_in_file, row_in_block);
            for _ in 0..count {
                let start = usize::try_from(in_block).map_err(|_| outside())?;
                let item = self.block.get_mut(start..start.saturating_add(size)).ok_or_else(outside)?;
                self.file.read(in_file, item, ahead.min(high.wrapping_sub(in_file)))?;
                in_file = in_file.wrapping_add(row.file_stride);
                in_block = in_block.wrapping_add(row.block_stride);
            }
            // Advance the indices of the outer axes. The axis with the shortest stride changes fastest.
            let mut advanced = false;
            for (index, axis) in indices.iter_mut().zip(outer) {
                if *index < axis.last() {
                    *index = index.wrapping_add(1);
                    row_in_file = row_in_file.wrapping_add(axis.file_stride);
                    row_in_block = row_in_block.wrapping_add(axis.block_stride);
                    advanced = true;
                    break;
                }
                *index = 0;
                row_in_file = row_in_file.wrapping_sub(axis.file_stride.wrapping_mul(axis.last()));
                row_in_block = row_in_block.wrapping_sub(axis.block_stride.wrapping_mul(axis.last()));
            }
            if !advanced {
                return Ok(());
            }
        }
    }

    /// Sets `self.indices` to the start of the next block, or `self.finished` after the last block.
    fn advance(&mut self) {
        let split = self.split;
        for (dimension, index) in self.indices.iter_mut().enumerate().rev() {
            *index = index.saturating_add(if dimension == split { self.split_len } else { 1 });
            if self.shape.get(dimension).is_some_and(|len| *index < *len) {
                return;
            }
            *index = 0;
        }
        self.finished = true;
    }
}

/// Returns the number of bytes to read at once from the start of an item. The bytes extend to the first gap between
/// items that is longer than [`GAP`], and are at most [`BUFFER`]. `axes` are the dimensions, and `itemsize` is the size
/// of an item in bytes.
fn bytes_ahead(axes: &[Axis], itemsize: i64) -> i64 {
    let mut span = itemsize;
    for axis in axes {
        if axis.file_stride > span.saturating_add(GAP) {
            break;
        }
        span = span.saturating_add(axis.file_stride.saturating_mul(axis.last()));
    }
    span.min(BUFFER)
}

/// A file and a read buffer.
struct BufferedFile {
    file: Box<dyn ReadSeek>,
    /// The buffered bytes.
    bytes: Vec<u8>,
    /// The offset in the file of the first buffered byte.
    start: i64,
}

impl BufferedFile {
    /// Copies the bytes at `offset` of the file to `item`. If the bytes are not buffered, reads `ahead` bytes at
    /// `offset` into the buffer, because these bytes probably contain the next items. If `ahead` is not larger than the
    /// item, reads only the item, without the buffer. Returns an error if reading fails, or if the file became shorter.
    fn read(&mut self, offset: i64, item: &mut [u8], ahead: i64) -> Result<(), Failure> {
        let buffered = || {
            let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
            self.bytes.get(from..from.checked_add(item.len())?)
        };
        if let Some(bytes) = buffered() {
            item.copy_from_slice(bytes);
            return Ok(());
        }
        let truncated = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Failure::refused("the file became shorter while it was read"),
            _ => Failure::Io(error),
        };
        let position = u64::try_from(offset).map_err(|_| Failure::internal("an item is before the file"))?;
        self.file.seek(SeekFrom::Start(position))?;
        let ahead = usize::try_from(ahead).map_err(|_| Failure::internal("an item is after its block"))?;
        if ahead <= item.len() {
            return self.file.read_exact(item).map_err(truncated);
        }
        self.bytes.resize(ahead, 0);
        self.start = offset;
        if let Err(error) = self.file.read_exact(&mut self.bytes) {
            self.bytes.clear();
            return Err(truncated(error));
        }
        let (bytes, _) = self.bytes.split_at_checked(item.len()).ok_or_else(|| Failure::internal("a short buffer"))?;
        item.copy_from_slice(bytes);
        Ok(())
    }
}
