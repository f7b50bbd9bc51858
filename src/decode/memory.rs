//! Where items lie: bytes of this program, or, in `mem.rs`, of someone else.

use super::column_cells::{self, Cells};
use super::error::{DecodeError, wide};
use super::swap::{self, reverse_units};
use crate::view::View;

/// Items on one line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'r> {
    /// Indices in the dimensions up to the last one with a pointer; empty where there is none.
    pub(crate) path: &'r [i64],
    /// The first item, in bytes from `buf`; behind pointers from where the last one leads.
    pub(crate) offset: i64,
    /// From one item to the next, in bytes.
    pub(crate) stride: i64,
    /// Number of items.
    pub(crate) items: usize,
    /// Bytes of an item.
    pub(crate) itemsize: usize,
}

impl Run<'_> {
    /// The first items, no more than so many, which the run then begins after.
    pub(crate) fn split_off(&mut self, most: usize) -> Self {
        let first = Self { items: self.items.min(most), ..*self };
        self.items = self.items.saturating_sub(first.items);
        // Of a run that was compared with its memory, or will be.
        self.offset = self.offset.wrapping_add(self.stride.wrapping_mul(i64::try_from(first.items).unwrap_or(0)));
        first
    }

    /// Whether its items adjoin, forwards.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.items == 1 || usize::try_from(self.stride) == Ok(self.itemsize)
    }

    /// The lowest and one past the highest byte; `None` past 63 bits.
    pub(crate) fn extent(&self) -> Option<(i64, i64)> {
        let last = i64::try_from(self.items.saturating_sub(1)).ok()?;
        let reach = self.stride.checked_mul(last)?.checked_add(self.offset)?;
        let (low, high) = (self.offset.min(reach), self.offset.max(reach));
        Some((low, high.checked_add(i64::try_from(self.itemsize).ok()?)?))
    }
}

/// Memory that can be copied out of.
///
/// Nobody is asked to believe a run: what lies outside of the memory is an error.
pub(crate) trait Memory {
    /// Copies the items of a run, one after the other; `out` has exactly their bytes.
    fn read(&self, run: Run<'_>, out: &mut [u8]) -> Result<(), DecodeError>;

    /// The same with each unit of `width` bytes swapped.
    fn read_swapped(&self, run: Run<'_>, width: usize, out: &mut [u8]) -> Result<(), DecodeError>;

    /// Copies the same bytes of every item to their columns; `false`, and nothing is done, where that
    /// is not possible.
    fn gather(&self, run: Run<'_>, cells: &mut [Cells<'_>]) -> Result<bool, DecodeError>;

    /// Whether `gather` fills memory that was never written to as well as any other.
    fn fills(&self) -> bool {
        false
    }

    /// The same as `read`, or as `read_swapped` where the units are items, past the caches: for items
    /// that lie apart, and for much that nobody reads soon.
    fn read_past(&self, run: Run<'_>, swapped: bool, out: &mut [u8]) -> Result<(), DecodeError>;

    /// The same run behind each of `rows` neighbouring pointers, row after row: the last index of the
    /// path is that of the first.
    fn read_rows(&self, _run: Run<'_>, _rows: usize, _out: &mut [u8]) -> Result<(), DecodeError> {
        Err(DecodeError::Indirect)
    }

    /// The bytes themselves, where they are this program's.
    fn borrow(&self, _offset: i64, _len: usize) -> Option<&[u8]> {
        None
    }
}

/// Memory that can be written to.
pub(crate) trait MemoryMut: Memory {
    /// Writes the items of a run, one after the other in `from`.
    fn write(&mut self, run: Run<'_>, from: &[u8]) -> Result<(), DecodeError>;
}

/// Bytes of this program, of which `origin` is where `buf` points.
#[derive(Debug)]
pub(super) struct Owned<B> {
    bytes: B,
    origin: i64,
}

impl<B: AsRef<[u8]>> Owned<B> {
    /// The bytes, if they hold all items: the block that the view was checked against, else what
    /// begins at `buf`.
    pub(super) fn new(view: &View<'_>, bytes: B) -> Result<Self, DecodeError> {
        let extent = view.byte_bounds().ok_or(DecodeError::Indirect)?;
        let origin = view.memory().map_or(0, |block| block.offset);
        let len = bytes.as_ref().len();
        let (low, high) = (extent.low.saturating_add(origin), extent.high.saturating_add(origin));
        let inside = low >= 0 && u64::try_from(high).is_ok_and(|high| high <= wide(len));
        if !inside && !view.is_empty() {
            return Err(DecodeError::Outside { low, high, len: wide(len) });
        }
        Ok(Self { bytes, origin })
    }

    /// The place of a run in the bytes.
    fn range(&self, run: &Run<'_>) -> Result<core::ops::Range<usize>, DecodeError> {
        if !run.path.is_empty() {
            return Err(DecodeError::Indirect);
        }
        let (low, high) = run.extent().unwrap_or((i64::MIN, i64::MAX));
        let (low, high) = (low.saturating_add(self.origin), high.saturating_add(self.origin));
        let len = self.bytes.as_ref().len();
        match (usize::try_from(low), usize::try_from(high)) {
            (Ok(low), Ok(high)) if high <= len => Ok(low..high),
            _ => Err(DecodeError::Outside { low, high, len: wide(len) }),
        }
    }
}

impl<B: AsRef<[u8]>> Memory for Owned<B> {
    fn read(&self, run: Run<'_>, out: &mut [u8]) -> Result<(), DecodeError> {
        if run.items == 0 || run.itemsize == 0 {
            return Ok(());
        }
        let from = self.bytes.as_ref().get(self.range(&run)?).unwrap_or_default();
        let stride = usize::try_from(run.stride.unsigned_abs()).unwrap_or(usize::MAX);
        if from.len() == out.len() && (run.items == 1 || run.stride > 0) {
            out.copy_from_slice(from);
        } else if stride >= run.itemsize {
            swap::gather_strided(from, stride, run.itemsize, out);
            if run.stride < 0 {
                reverse_units(out, run.itemsize);
            }
        } else {
            // Items that share bytes.
            let last = run.items.saturating_sub(1);
            for (index, item) in out.chunks_exact_mut(run.itemsize).enumerate() {
                let step = if run.stride < 0 { last.saturating_sub(index) } else { index };
                let start = step.saturating_mul(stride);
                if let Some(from) = from.get(start..start.saturating_add(run.itemsize)) {
                    item.copy_from_slice(from);
                }
            }
        }
        Ok(())
    }

    fn read_swapped(&self, run: Run<'_>, width: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        if run.is_contiguous()
            && let Some(from) = self.borrow(run.offset, out.len())
        {
            swap::copy_swapped(from, out, width);
            return Ok(());
        }
        self.read(run, out)?;
        swap::swap_in_place(out, width);
        Ok(())
    }

    fn gather(&self, run: Run<'_>, cells: &mut [Cells<'_>]) -> Result<bool, DecodeError> {
        let stride = if run.items == 1 { Ok(run.itemsize) } else { usize::try_from(run.stride) };
        let Ok(stride) = stride else { return Ok(false) };
        if run.itemsize == 0 || stride < run.itemsize {
            return Ok(false);
        }
        let items = self.bytes.as_ref().get(self.range(&run)?).unwrap_or_default();
        column_cells::gather(items, stride, run.itemsize, cells);
        Ok(true)
    }

    fn read_past(&self, run: Run<'_>, swapped: bool, out: &mut [u8]) -> Result<(), DecodeError> {
        let from = self.bytes.as_ref().get(self.range(&run)?).unwrap_or_default();
        let stride = usize::try_from(run.stride.unsigned_abs()).unwrap_or(usize::MAX);
        if stride >= run.itemsize && swap::stream_strided(from, run.stride, run.itemsize, swapped, out) {
            return Ok(());
        }
        let width = if swapped { run.itemsize } else { 1 };
        self.read_swapped(run, width, out)
    }

    fn borrow(&self, offset: i64, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_add(self.origin)?).ok()?;
        self.bytes.as_ref().get(start..start.checked_add(len)?)
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> MemoryMut for Owned<B> {
    fn write(&mut self, run: Run<'_>, from: &[u8]) -> Result<(), DecodeError> {
        if run.items == 0 || run.itemsize == 0 {
            return Ok(());
        }
        let range = self.range(&run)?;
        let to = self.bytes.as_mut().get_mut(range).unwrap_or_default();
        let stride = usize::try_from(run.stride.unsigned_abs()).unwrap_or(usize::MAX);
        let last = run.items.saturating_sub(1);
        for (index, item) in from.chunks_exact(run.itemsize).enumerate() {
            let step = if run.stride < 0 { last.saturating_sub(index) } else { index };
            let start = step.saturating_mul(stride);
            if let Some(to) = to.get_mut(start..start.saturating_add(run.itemsize)) {
                to.copy_from_slice(item);
            }
        }
        Ok(())
    }
}
