//! [`Memory`] and [`MemoryMut`]: access to the items of a buffer. [`SliceMemory`] implements both traits for a slice of
//! bytes, and [`PartMemory`] implements [`Memory`] for a part of a view. `foreign.rs` implements both traits for the
//! memory of an exporter. Every access is to a [`Run`], a sequence of evenly spaced items.

use alloc::vec::Vec;

use super::error::{DecodeError, to_isize};
use crate::align::to_u64;

use crate::strided::{BaseAddress, Strided, StridedMut};
use crate::view::View;

/// The position of evenly spaced items in a buffer, such as the items of one row. A `Run` has no reference to the bytes
/// of the items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'r> {
    /// The indices of the pointers that lead to the items: one index for each dimension up to and including the last
    /// dimension with pointers. `path` is empty if the view has no pointers.
    pub(crate) path: &'r [i64],
    /// The offset of the first item in bytes. If `path` is empty, offset 0 is `buf` of the view. Otherwise, offset 0 is
    /// the address that is reached by following the pointers with the indices in `path`.
    pub(crate) offset: isize,
    /// The distance from the start of one item to the start of the next item, in bytes.
    pub(crate) stride: isize,
    /// The number of items.
    pub(crate) items: usize,
    /// The size of one item in bytes. If a caller copies several adjacent items together, the run treats these items as
    /// one item, and `itemsize` is the total size of these items.
    pub(crate) itemsize: usize,
}

impl Run<'_> {
    /// Returns whether each item starts where the previous item ends. Returns `true` for a single item.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.items == 1 || usize::try_from(self.stride) == Ok(self.itemsize)
    }

    /// Returns two offsets in bytes: the offset of the lowest byte of the items, and the offset after their highest
    /// byte. Both offsets count from the same byte as [`offset`](Self::offset). Returns `None` if an offset is out of
    /// range of `isize`.
    pub(crate) fn bounds(&self) -> Option<(isize, isize)> {
        let last = isize::try_from(self.items.saturating_sub(1)).ok()?;
        let reach = self.stride.checked_mul(last)?.checked_add(self.offset)?;
        let (low, high) = (self.offset.min(reach), self.offset.max(reach));
        Some((low, high.checked_add_unsigned(self.itemsize)?))
    }
}

/// Memory that items are read from.
///
/// Every method checks that the run is inside the memory.
pub(crate) trait Memory: Send + Sync {
    /// Returns the bytes of the items that `run` describes, borrowed from this memory with the stride of `run`.
    ///
    /// Returns an error if the items are not inside the memory, or if a pointer on the path of `run` is NULL.
    fn run(&self, run: &Run<'_>) -> Result<Strided<'_>, DecodeError>;

    /// Copies the items of `run` to `out` without gaps, and reverses the order of the bytes in each group of `unit`
    /// bytes. If `unit` is 1, no bytes are reversed. The length of `out` must be `run.items * run.itemsize` bytes.
    /// Returns an error if the items are not inside the memory, if a pointer is NULL, or if `out` has another length.
    ///
    /// An implementation can replace this default method to save the 5 ns that [`run`](Self::run) takes to return its
    /// result. These 5 ns matter if a run has few items.
    fn read(&self, run: &Run<'_>, unit: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        self.run(run)?
            .read(unit, out.into())
            .map(|_| ())
            .ok_or_else(|| DecodeError::internal("items do not fill their copy"))
    }

    /// Follows `rows` consecutive pointers, and copies the row at each address to `out` without gaps. `run` describes
    /// the row of the first pointer. The last index in `run.path` is the index of the first pointer, and each further
    /// pointer has the next index. Returns [`DecodeError::Indirect`] if this memory has no pointers. The default method
    /// always returns this error.
    fn read_rows(&self, _run: &Run<'_>, _rows: usize, _out: &mut [u8]) -> Result<(), DecodeError> {
        Err(DecodeError::Indirect)
    }

    /// Returns the bytes of the items of `run` without a copy. Returns `None` if the items are not adjacent, are
    /// outside the memory, or are reached through pointers. Always returns `None` for the memory of an exporter,
    /// because other threads may write to such memory.
    fn borrow(&self, _run: &Run<'_>) -> Option<&[u8]> {
        None
    }
}

/// The memory of a part of a view: the items whose index in the first dimension is at least `start`.
pub(super) struct PartMemory<'m> {
    /// The memory of the whole view.
    pub(super) memory: &'m (dyn Memory + 'm),
    /// The index in the first dimension of the whole view that corresponds to index 0 of the part.
    pub(super) start: i64,
}

impl PartMemory<'_> {
    /// Calls `access` with the memory of the whole view, and with `run` as a run of the whole view.
    ///
    /// The offset of a run without pointers counts from `buf`, and the part has the same `buf` as the whole view. The
    /// first index of a path with pointers is an index of the first dimension. The method adds `start` to this index.
    fn access<'s, R>(&'s self, run: &Run<'_>, access: impl FnOnce(&'s dyn Memory, &Run<'_>) -> R) -> R {
        let Some((first, others)) = run.path.split_first() else { return access(self.memory, run) };
        let path: Vec<i64> = core::iter::once(first.saturating_add(self.start)).chain(others.iter().copied()).collect();
        access(self.memory, &Run { path: &path, ..*run })
    }
}

impl Memory for PartMemory<'_> {
    fn run(&self, run: &Run<'_>) -> Result<Strided<'_>, DecodeError> {
        self.access(run, |memory, run| memory.run(run))
    }

    fn read(&self, run: &Run<'_>, unit: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        self.access(run, |memory, run| memory.read(run, unit, out))
    }

    fn read_rows(&self, run: &Run<'_>, rows: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        self.access(run, |memory, run| memory.read_rows(run, rows, out))
    }

    fn borrow(&self, run: &Run<'_>) -> Option<&[u8]> {
        // Only runs without pointers can be borrowed.
        if run.path.is_empty() { self.memory.borrow(run) } else { None }
    }
}

/// Memory that items are written to.
pub(crate) trait MemoryMut: Memory {
    /// Returns the address from which the offsets of a view of this memory count. The address may be used until the
    /// borrow of `self` ends, to access the items of the view.
    fn base(&mut self) -> BaseAddress;

    /// Returns the bytes of the items that `run` describes, mutably borrowed. Returns an error if the items are not
    /// inside the memory, or if a pointer on the path of `run` is NULL.
    fn run_mut(&mut self, run: &Run<'_>) -> Result<StridedMut<'_>, DecodeError>;

    /// Replaces the items of `run` with `items`, the bytes of the new items without gaps. The length of `items` must
    /// be `run.items * run.itemsize` bytes. Returns an error if the items of `run` are not inside the memory, if a
    /// pointer is NULL, or if `items` has another length.
    fn write(&mut self, run: &Run<'_>, items: &[u8]) -> Result<(), DecodeError> {
        let copied = self.run_mut(run)?.copy_from(Strided::of_rows(items, run.itemsize), 1);
        copied.ok_or_else(|| DecodeError::internal("items do not fill their run"))
    }
}

/// Memory that is a slice of bytes.
#[derive(Debug)]
pub(super) struct SliceMemory<B> {
    /// The bytes that contain all items of the view.
    bytes: B,
    /// The index in `bytes` that `buf` of the view points to.
    origin: isize,
}

impl<B: AsRef<[u8]>> SliceMemory<B> {
    /// Creates the memory of `view` from `bytes`. If `view` was checked against a memory block, `bytes` must be this
    /// block. Otherwise `bytes` must start at `buf` of `view`. Returns [`DecodeError::Outside`] if an item of `view` is
    /// outside `bytes`, and [`DecodeError::Indirect`] if `view` has suboffsets.
    pub(super) fn new(view: &View<'_>, bytes: B) -> Result<Self, DecodeError> {
        let bounds = view.byte_bounds().ok_or(DecodeError::Indirect)?;
        // If the view was checked without a memory block, `bytes` starts at `buf`.
        let origin = view.memory().map_or(0, |block| block.offset);
        let len = to_u64(bytes.as_ref().len());
        let (low, high) = (bounds.low.saturating_add(origin), bounds.high.saturating_add(origin));
        let inside = low >= 0 && u64::try_from(high).is_ok_and(|high| high <= len);
        if !inside && !view.is_empty() {
            return Err(DecodeError::Outside { low, high, len });
        }
        Ok(Self { bytes, origin: to_isize(origin)? })
    }

    /// Returns the index in `bytes` of the first byte of `run`. `run` must have at least one item. Returns `None` if
    /// the index is negative, or if `run` has a path of pointers.
    fn start(&self, run: &Run<'_>) -> Option<usize> {
        let start = run.offset.checked_add(self.origin).filter(|_| run.path.is_empty())?;
        usize::try_from(start).ok()
    }
}

/// Creates the error for a run that is not inside the bytes. Only a bug causes this error, because `SliceMemory::new`
/// checks that all items of the view are inside the bytes.
fn outside() -> DecodeError {
    DecodeError::internal("a run is outside the view")
}

impl<B: AsRef<[u8]> + Send + Sync> Memory for SliceMemory<B> {
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

impl<B: AsRef<[u8]> + AsMut<[u8]> + Send + Sync> MemoryMut for SliceMemory<B> {
    fn base(&mut self) -> BaseAddress {
        BaseAddress::within(self.bytes.as_mut(), self.origin)
    }

    fn run_mut(&mut self, run: &Run<'_>) -> Result<StridedMut<'_>, DecodeError> {
        if run.items == 0 || run.itemsize == 0 {
            return Ok(StridedMut::EMPTY);
        }
        let start = self.start(run).ok_or_else(outside)?;
        let items = StridedMut::within(self.bytes.as_mut(), start, run.stride, run.items, run.itemsize);
        items.ok_or_else(outside)
    }
}
