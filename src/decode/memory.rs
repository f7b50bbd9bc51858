//! The traits [`Memory`] and [`MemoryMut`] give access to the items of a buffer. [`SliceMemory`] implements the traits
//! for a slice of bytes, and `foreign.rs` for memory of an exporter. A run is a sequence of evenly spaced items.

use super::error::{DecodeError, to_isize, wide};

use crate::strided::{Strided, StridedMut};
use crate::view::View;

/// A run: evenly spaced items of a buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'r> {
    /// The indices in the leading dimensions, up to the last dimension with pointers. `path` is empty if there are no
    /// pointers.
    pub(crate) path: &'r [i64],
    /// The offset of the first item in bytes. If `path` is empty, offset 0 is `buf` of the view. Otherwise, offset 0 is
    /// the address that the last pointer along `path` leads to.
    pub(crate) offset: isize,
    /// The distance from one item to the next, in bytes.
    pub(crate) stride: isize,
    /// The number of items.
    pub(crate) items: usize,
    /// The size in bytes of one item, or of several adjacent items that are copied together.
    pub(crate) itemsize: usize,
}

impl Run<'_> {
    /// Returns whether the items are adjacent and in ascending order.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.items == 1 || usize::try_from(self.stride) == Ok(self.itemsize)
    }

    /// Returns the offsets of the lowest byte and of the byte after the highest one. Offset 0 is the same byte as for
    /// `offset`. Returns `None` on overflow.
    pub(crate) fn bounds(&self) -> Option<(isize, isize)> {
        let last = isize::try_from(self.items.saturating_sub(1)).ok()?;
        let reach = self.stride.checked_mul(last)?.checked_add(self.offset)?;
        let (low, high) = (self.offset.min(reach), self.offset.max(reach));
        Some((low, high.checked_add_unsigned(self.itemsize)?))
    }
}

/// Memory to read items from.
///
/// Every implementation checks that a run is inside its memory.
pub(crate) trait Memory {
    /// Returns the items of `run` for reading.
    fn run(&self, run: &Run<'_>) -> Result<Strided<'_>, DecodeError>;

    /// Copies the items of `run` to `out`, one after the other. Reverses each unit of `unit` bytes. `out` has the
    /// length of all items.
    ///
    /// Implementations can replace this default, because [`run`](Self::run) returns its result in memory. Storing and
    /// loading the result takes 5 ns, which matters if a run has few items.
    fn read(&self, run: &Run<'_>, unit: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        self.run(run)?
            .read(unit, out.into())
            .map(|_| ())
            .ok_or_else(|| DecodeError::internal("items do not fill their copy"))
    }

    /// Copies the rows behind `rows` consecutive pointers to `out`, one after the other. `run` is the row behind the
    /// first pointer. The last index of `run.path` is the index of the first pointer.
    fn read_rows(&self, _run: &Run<'_>, _rows: usize, _out: &mut [u8]) -> Result<(), DecodeError> {
        Err(DecodeError::Indirect)
    }

    /// Returns the bytes of a run of adjacent items without a copy. Returns `None` for memory of an exporter, because
    /// other threads may write to such memory.
    fn borrow(&self, _run: &Run<'_>) -> Option<&[u8]> {
        None
    }
}

/// Memory to write items to.
pub(crate) trait MemoryMut: Memory {
    /// Returns the items of `run` for writing.
    fn run_mut(&mut self, run: &Run<'_>) -> Result<StridedMut<'_>, DecodeError>;

    /// Copies `items`, the bytes of all items one after the other, to the items of `run`.
    fn write(&mut self, run: &Run<'_>, items: &[u8]) -> Result<(), DecodeError> {
        let copied = self.run_mut(run)?.copy_from(Strided::of_rows(items, run.itemsize), 1);
        copied.ok_or_else(|| DecodeError::internal("items do not fill their run"))
    }
}

/// Memory that is a slice of bytes.
#[derive(Debug)]
pub(super) struct SliceMemory<B> {
    bytes: B,
    /// The index in `bytes` that `buf` of the view points to.
    origin: isize,
}

impl<B: AsRef<[u8]>> SliceMemory<B> {
    /// Checks that `bytes` contains all items of `view`. If the view was checked against a memory block, `bytes` is
    /// this block. Otherwise `bytes` starts at `buf` of the view.
    pub(super) fn new(view: &View<'_>, bytes: B) -> Result<Self, DecodeError> {
        let extent = view.byte_bounds().ok_or(DecodeError::Indirect)?;
        // Without a memory block, `bytes` starts at `buf`.
        let origin = view.memory().map_or(0, |block| block.offset);
        let len = wide(bytes.as_ref().len());
        let (low, high) = (extent.low.saturating_add(origin), extent.high.saturating_add(origin));
        let inside = low >= 0 && u64::try_from(high).is_ok_and(|high| high <= len);
        if !inside && !view.is_empty() {
            return Err(DecodeError::Outside { low, high, len });
        }
        Ok(Self { bytes, origin: to_isize(origin)? })
    }

    /// Returns the index in `bytes` of the first byte of `run`. The run has at least one item.
    fn start(&self, run: &Run<'_>) -> Option<usize> {
        let start = run.offset.checked_add(self.origin).filter(|_| run.path.is_empty())?;
        usize::try_from(start).ok()
    }
}

/// Creates the error for a run outside the view. `SliceMemory::new` has checked that all items are inside.
fn outside() -> DecodeError {
    DecodeError::internal("a run is outside the view")
}

impl<B: AsRef<[u8]>> Memory for SliceMemory<B> {
    fn run(&self, run: &Run<'_>) -> Result<Strided<'_>, DecodeError> {
        if run.items == 0 || run.itemsize == 0 {
            return Ok(Strided::EMPTY);
        }
        let start = self.start(run).ok_or_else(outside)?;
        let items = Strided::within(self.bytes.as_ref(), start, run.stride, run.items, run.itemsize);
        items.ok_or_else(outside)
    }

    fn borrow(&self, run: &Run<'_>) -> Option<&[u8]> {
        let len = run.items.checked_mul(run.itemsize).filter(|_| run.is_contiguous())?;
        let start = self.start(run)?;
        self.bytes.as_ref().get(start..start.checked_add(len)?)
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> MemoryMut for SliceMemory<B> {
    fn run_mut(&mut self, run: &Run<'_>) -> Result<StridedMut<'_>, DecodeError> {
        if run.items == 0 || run.itemsize == 0 {
            return Ok(StridedMut::EMPTY);
        }
        let start = self.start(run).ok_or_else(outside)?;
        let items = StridedMut::within(self.bytes.as_mut(), start, run.stride, run.items, run.itemsize);
        items.ok_or_else(outside)
    }
}
