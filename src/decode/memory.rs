//! The memory that items are in: bytes of this program here, memory of an exporter in `foreign.rs`.

use super::error::{DecodeError, to_isize, wide};

use crate::strided::{Strided, StridedMut};
use crate::view::View;

/// Evenly spaced items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'r> {
    /// Indices in the dimensions up to the last one with a pointer; empty where there is none.
    pub(crate) path: &'r [i64],
    /// The first item, in bytes from `buf`, or from where the last pointer of the path leads.
    pub(crate) offset: isize,
    /// From one item to the next, in bytes.
    pub(crate) stride: isize,
    /// Number of items.
    pub(crate) items: usize,
    /// Bytes of an item.
    pub(crate) itemsize: usize,
}

impl Run<'_> {
    /// Returns whether the items are adjacent, in ascending order.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.items == 1 || usize::try_from(self.stride) == Ok(self.itemsize)
    }

    /// Returns the lowest byte and one past the highest, counted as `offset` is; `None` if they overflow.
    pub(crate) fn bounds(&self) -> Option<(isize, isize)> {
        let last = isize::try_from(self.items.saturating_sub(1)).ok()?;
        let reach = self.stride.checked_mul(last)?.checked_add(self.offset)?;
        let (low, high) = (self.offset.min(reach), self.offset.max(reach));
        Some((low, high.checked_add_unsigned(self.itemsize)?))
    }
}

/// Memory that items are copied out of.
///
/// An implementation compares every run with the bounds of its memory.
pub(crate) trait Memory {
    /// Returns the items of a run.
    fn run(&self, run: &Run<'_>) -> Result<Strided<'_>, DecodeError>;

    /// Copies the items of a run one after the other, reversing each unit of `unit` bytes; `out` is as long as they are.
    ///
    /// For few items it is faster than [`run`](Self::run), whose result the caller reads from memory that was just
    /// written: 5 ns for each call.
    fn read(&self, run: &Run<'_>, unit: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        self.run(run)?
            .read(unit, out.into())
            .map(|_| ())
            .ok_or_else(|| DecodeError::internal("items do not fill their copy"))
    }

    /// Copies the same run behind each of `rows` neighbouring pointers, row after row; the last index of the path is that
    /// of the first pointer.
    fn read_rows(&self, _run: &Run<'_>, _rows: usize, _out: &mut [u8]) -> Result<(), DecodeError> {
        Err(DecodeError::Indirect)
    }

    /// Returns the bytes of a run of adjacent items, if they are memory of this program.
    fn borrow(&self, _run: &Run<'_>) -> Option<&[u8]> {
        None
    }
}

/// Memory that items are copied into.
pub(crate) trait MemoryMut: Memory {
    /// Returns the items of a run to be written to.
    fn run_mut(&mut self, run: &Run<'_>) -> Result<StridedMut<'_>, DecodeError>;

    /// Writes the items of a run; `items` is as long as they are.
    fn write(&mut self, run: &Run<'_>, items: &[u8]) -> Result<(), DecodeError> {
        let copied = self.run_mut(run)?.copy_from(Strided::of_rows(items, run.itemsize), 1);
        copied.ok_or_else(|| DecodeError::internal("items do not fill their run"))
    }
}

/// Bytes of this program.
#[derive(Debug)]
pub(super) struct Owned<B> {
    bytes: B,
    /// The byte that `buf` points to.
    origin: isize,
}

impl<B: AsRef<[u8]>> Owned<B> {
    /// Checks that the bytes hold all items. They are the block that the view was checked against, or without one start
    /// at `buf`.
    pub(super) fn new(view: &View<'_>, bytes: B) -> Result<Self, DecodeError> {
        let extent = view.byte_bounds().ok_or(DecodeError::Indirect)?;
        let origin = view.memory().map_or(0, |block| block.offset);
        let len = wide(bytes.as_ref().len());
        let (low, high) = (extent.low.saturating_add(origin), extent.high.saturating_add(origin));
        let inside = low >= 0 && u64::try_from(high).is_ok_and(|high| high <= len);
        if !inside && !view.is_empty() {
            return Err(DecodeError::Outside { low, high, len });
        }
        Ok(Self { bytes, origin: to_isize(origin)? })
    }

    /// Returns the first byte of a run that is not empty.
    fn start(&self, run: &Run<'_>) -> Option<usize> {
        let start = run.offset.checked_add(self.origin).filter(|_| run.path.is_empty())?;
        usize::try_from(start).ok()
    }
}

/// The error for a run that is outside the view, which `Owned::new` has checked.
fn outside() -> DecodeError {
    DecodeError::internal("a run is outside the view")
}

impl<B: AsRef<[u8]>> Memory for Owned<B> {
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

impl<B: AsRef<[u8]> + AsMut<[u8]>> MemoryMut for Owned<B> {
    fn run_mut(&mut self, run: &Run<'_>) -> Result<StridedMut<'_>, DecodeError> {
        if run.items == 0 || run.itemsize == 0 {
            return Ok(StridedMut::EMPTY);
        }
        let start = self.start(run).ok_or_else(outside)?;
        let items = StridedMut::within(self.bytes.as_mut(), start, run.stride, run.items, run.itemsize);
        items.ok_or_else(outside)
    }
}
