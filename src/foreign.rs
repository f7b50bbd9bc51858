//! [`Buffer::from_ptr`] and [`BufferMut::from_ptr`]: buffers of memory that Rust does not own, such as the memory of an
//! exporter. With the feature `pyo3`, `with_memory` and `follow_pointer` read such memory without a buffer.
//!
//! The exporter and every other consumer of a buffer can write to the memory at any time. The code therefore creates no
//! reference to the memory. The code copies bytes through raw pointers to memory of this program, and then interprets
//! the copied bytes.
//!
//! This module uses three terms:
//! - A [`Run`] describes evenly spaced items, for example all items of the last dimension at one index of the other
//!   dimensions.
//! - A dimension with a suboffset contains *pointers* instead of items. The *path* of a view consists of the dimensions
//!   up to and including the last dimension with pointers. To find an item, the code reads one pointer in each
//!   dimension with pointers.
//! - A *row* consists of the items at the target of the last pointer of a path.
#![allow(unsafe_code, reason = "reads and writes memory of exporters through raw pointers")]

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::decode::{
    Buffer, BufferMut, DecodeError, EncodeError, EncodeErrorKind, Memory, MemoryMut, Plan, Run, ViewRef, path_len,
    to_isize, to_u64,
};
use crate::strided::{BaseAddress, CellAddresses, Strided, StridedMut, read_cells};
#[cfg(feature = "pyo3")]
use crate::view::Order;
use crate::view::{View, ViewError, chunk_bounds};

/// The memory that the field `buf` of one `Py_buffer` points to, with the view that describes the items.
///
/// INVARIANT: only `Foreign::new` creates this value, so requirements (a) to (c) of `new` are met while the value
/// exists.
struct Foreign {
    buf: *const u8,
    /// The offset of the view in bytes, or 0 if `path` is empty.
    offset: isize,
    itemsize: usize,
    /// The dimensions of the path. The list is empty if the view has no pointers or no items.
    path: Vec<PathAxis>,
    /// The range of bytes of all items at the end of one path. The first number is the offset of the first byte, and
    /// the second number is the offset one past the last byte. The offsets and [`Run::offset`] are distances in bytes
    /// from the same address.
    bounds: (isize, isize),
}

// SAFETY: requirements (a) to (c) of `new` hold on every thread, because they concern the memory and the time of an
// access, and not the thread. All other fields are numbers.
unsafe impl Send for Foreign {}

// SAFETY: a shared `Foreign` only reads the memory. Requirement (c) of `new` excludes a write at the same time.
unsafe impl Sync for Foreign {}

/// One dimension of the path.
struct PathAxis {
    /// The number of indices in the dimension.
    len: i64,
    /// The distance in bytes from one index to the next.
    stride: isize,
    /// The number of bytes to add to a pointer that was read in this dimension. `None` if the dimension has no
    /// pointers.
    suboffset: Option<isize>,
}

impl Foreign {
    /// Creates the description of the memory that `buf` points to. `view` describes the shape, the strides and the
    /// suboffsets of the memory. Returns an error if a stride or an offset does not fit in an `isize`.
    ///
    /// # Safety
    /// Until the result is dropped:
    /// - (a) If the view has no pointers, all bytes of the items are in one live allocation and may be read.
    ///   [`View::byte_bounds`] returns the offsets of these bytes from `buf`.
    /// - (b) If the view has pointers, every pointer on the path to an item may be read. All items at the end of a
    ///   path may be read.
    /// - (c) Nothing writes to any of these bytes while a method of the buffer runs.
    #[inline(always)]
    unsafe fn new(view: &View<'_>, buf: *const u8) -> Result<Self, DecodeError> {
        let itemsize = to_isize(view.itemsize())?.cast_unsigned();
        let (path, bounds) = match view.byte_bounds() {
            Some(bounds) => (Vec::new(), (to_isize(bounds.low)?, to_isize(bounds.high)?)),
            None if view.is_indirect() => path_and_bounds(view)?,
            None => return Err(out_of_range()),
        };
        let offset = if path.is_empty() { 0 } else { to_isize(view.offset())? };
        Ok(Self { buf, offset, itemsize, path, bounds })
    }

    /// Returns `Ok` if all items of `run` are inside of `bounds`, if the path of `run` has as many indices as `path`
    /// has dimensions, and if the itemsize of `run` is a multiple of the view's itemsize. Otherwise returns
    /// [`DecodeError::Internal`]. Does not compare the indices with the lengths of the dimensions.
    fn check(&self, run: &Run<'_>) -> Result<(), DecodeError> {
        let inside = run.bounds().is_some_and(|(low, high)| low >= self.bounds.0 && high <= self.bounds.1);
        // One item of a run can consist of several adjacent items of the view. The code copies these items together.
        // A division takes longer than a comparison, so the common case comes first.
        let whole_items = run.itemsize == self.itemsize || run.itemsize.checked_rem(self.itemsize) == Some(0);
        if inside && run.path.len() == self.path.len() && whole_items {
            return Ok(());
        }
        Err(DecodeError::internal("a run is outside the view"))
    }

    /// Returns the address of the first item of `run`. Returns an error if `run` is outside of the view, or if a
    /// pointer on the path is NULL.
    fn first_address(&self, run: &Run<'_>) -> Result<*const u8, DecodeError> {
        self.check(run)?;
        let start = if run.path.is_empty() { self.buf } else { self.follow(run.path)? };
        Ok(start.wrapping_offset(run.offset))
    }

    /// Returns the address that `indices` lead to. `indices` has the indices of the first dimensions of the path, one
    /// for each dimension. In each dimension with pointers, the method reads the pointer and continues at its target.
    /// Returns an error if an index is out of bounds or a pointer is NULL.
    fn follow(&self, indices: &[i64]) -> Result<*const u8, DecodeError> {
        let mut here = self.buf.wrapping_offset(self.offset);
        for (dimension, (index, axis)) in indices.iter().zip(&self.path).enumerate() {
            here = here.wrapping_offset(axis.distance(dimension, *index)?);
            if let Some(suboffset) = axis.suboffset {
                // SAFETY: `axis.distance` has compared every index with the length of its dimension, so this pointer is
                // on the path to an item. Requirement (b) of `new` permits reading the pointer, and requirement (c)
                // excludes a write at the same time. `read_unaligned` accepts every address.
                let next = unsafe { here.cast::<*const u8>().read_unaligned() };
                if next.is_null() {
                    return Err(null_pointer(dimension));
                }
                here = next.wrapping_offset(suboffset);
            }
        }
        Ok(here)
    }

    /// Returns the pointers to `rows` rows with successive indices. The first row contains the items of `run`.
    /// Returns an error if a row is outside of the view, or if a pointer before the last pointer of the path is NULL.
    /// Returns [`DecodeError::Indirect`] if `path` is empty.
    fn row_pointers(&self, run: &Run<'_>, rows: usize) -> Result<RowPointers, DecodeError> {
        self.check(run)?;
        let (Some((index, before)), Some(axis)) = (run.path.split_last(), self.path.last()) else {
            return Err(DecodeError::Indirect);
        };
        let (dimension, suboffset) = (before.len(), axis.suboffset.ok_or(DecodeError::Indirect)?);
        let last = i64::try_from(rows).ok().and_then(|rows| index.checked_add(rows.checked_sub(1)?));
        axis.distance(dimension, last.ok_or_else(|| DecodeError::internal("a row has no index"))?)?;
        let next_pointer = self.follow(before)?.wrapping_offset(axis.distance(dimension, *index)?);
        let row_len = run.items.checked_mul(run.itemsize);
        let row_len = row_len.ok_or_else(|| DecodeError::internal("a row has no length"))?;
        let first_item_offset = suboffset.wrapping_add(run.offset);
        Ok(RowPointers { next_pointer, stride: axis.stride, count: rows, first_item_offset, row_len, dimension })
    }
}

/// Returns the values of [`Foreign::path`] and [`Foreign::bounds`] for `view`. `view` must have suboffsets. If `view`
/// has no items, the path is empty and both bounds are 0. Returns an error if a number does not fit in an `isize`.
#[cold]
fn path_and_bounds(view: &View<'_>) -> Result<(Vec<PathAxis>, (isize, isize)), DecodeError> {
    if view.shape().contains(&0) {
        return Ok((Vec::new(), (0, 0)));
    }
    let len = path_len(view);
    let suboffsets = view.suboffsets().ok_or_else(out_of_range)?;
    let axes = view.shape().iter().zip(view.strides());
    let path = axes.clone().zip(suboffsets).take(len).map(|((length, stride), suboffset)| {
        // The stride of a dimension of length 1 can be any number, and no access uses this stride.
        let stride = if *length == 1 { 0 } else { to_isize(*stride)? };
        let suboffset = if *suboffset >= 0 { Some(to_isize(*suboffset)?) } else { None };
        Ok(PathAxis { len: *length, stride, suboffset })
    });
    let path = path.collect::<Result<Vec<_>, DecodeError>>()?;
    let (mut low, mut high) = (0_i64, view.itemsize());
    if len == 0 {
        (low, high) = (view.offset(), view.offset().checked_add(high).ok_or_else(out_of_range)?);
    }
    for (length, stride) in axes.skip(len) {
        let reach = length.checked_sub(1).and_then(|last| stride.checked_mul(last)).ok_or_else(out_of_range)?;
        let end = if reach < 0 { &mut low } else { &mut high };
        *end = end.checked_add(reach).ok_or_else(out_of_range)?;
    }
    Ok((path, (to_isize(low)?, to_isize(high)?)))
}

impl PathAxis {
    /// Returns the distance in bytes from index 0 to `index`. `dimension` is the number of this dimension, for the
    /// error message. Returns an error if `index` is negative or otherwise out of bounds.
    fn distance(&self, dimension: usize, index: i64) -> Result<isize, DecodeError> {
        if index < 0 || index >= self.len {
            return Err(ViewError::IndexOutOfBounds { dimension, index, length: self.len }.into());
        }
        // The product does not overflow, because `index` is in bounds and the check of the view has proved that the
        // distance to the last index fits in an `isize`.
        Ok(self.stride.wrapping_mul(to_isize(index)?))
    }
}

/// Returns the error for a view whose items are outside of the address space. The check of a view refuses such items.
#[cold]
fn out_of_range() -> DecodeError {
    DecodeError::internal("the items of a view are outside of the address space")
}

/// Returns the error for a NULL pointer in the dimension `dimension`.
fn null_pointer(dimension: usize) -> DecodeError {
    DecodeError::NullPointer { dimension: to_u64(dimension) }
}

/// The addresses of rows of items, which are read from evenly spaced pointers in memory.
///
/// INVARIANT: only `Foreign::row_pointers` creates this value. Requirement (b) of `Foreign::new` permits reading the
/// next `count` pointers and all bytes of their rows.
struct RowPointers {
    /// The address of the next pointer.
    next_pointer: *const u8,
    /// The distance in bytes from one pointer to the next.
    stride: isize,
    /// The number of pointers.
    count: usize,
    /// The number of bytes to add to a pointer. The sum is the address of the first item of the row.
    first_item_offset: isize,
    /// The length in bytes of a row whose items are contiguous.
    row_len: usize,
    /// The dimension that contains the pointers, for the error about a NULL pointer.
    dimension: usize,
}

// SAFETY: (a) `next` returns the address of a row, and the INVARIANT permits reading the bytes of the row. `Foreign`
// uses `cell_len` only if the items of a row are contiguous. A row then has `row_len` bytes.
unsafe impl CellAddresses for RowPointers {
    #[inline(always)]
    fn cell_len(&self) -> usize {
        self.row_len
    }

    #[inline(always)]
    fn count(&self) -> usize {
        self.count
    }

    #[inline(always)]
    unsafe fn next(&mut self) -> Option<*const u8> {
        // SAFETY: Requirement (b) limits the calls of `next` to `count`. The INVARIANT therefore permits reading the
        // pointer at `next_pointer`. `read_unaligned` accepts every address.
        let next = unsafe { self.next_pointer.cast::<*const u8>().read_unaligned() };
        if next.is_null() {
            return None;
        }
        self.next_pointer = self.next_pointer.wrapping_offset(self.stride);
        Some(next.wrapping_offset(self.first_item_offset))
    }
}

impl Memory for Foreign {
    fn run(&self, run: &Run<'_>) -> Result<Strided<'_>, DecodeError> {
        if run.items == 0 || run.itemsize == 0 {
            return Ok(Strided::EMPTY);
        }
        let first = self.first_address(run)?;
        // SAFETY: (a) `first_address` has compared `run` with the bounds of the view. Requirement (a) or (b) of
        // `Foreign::new` therefore permits reading all items of `run`. (b) The result is dropped before the method of
        // the buffer returns. Until then, requirement (c) of `Foreign::new` excludes a write to the items.
        Ok(unsafe { Strided::new(first, run.stride, run.items, run.itemsize) })
    }

    fn read_rows(&self, run: &Run<'_>, rows: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        if rows == 0 || run.items == 0 || run.itemsize == 0 {
            return Ok(());
        }
        let mut pointers = self.row_pointers(run, rows)?;
        let dimension = pointers.dimension;
        let wrong = || DecodeError::internal("rows do not fill their copy");
        if pointers.row_len.checked_mul(rows) != Some(out.len()) {
            return Err(wrong());
        }
        if run.is_contiguous() {
            return read_cells(pointers, 1, out.into()).map(|_| ()).ok_or_else(|| null_pointer(dimension));
        }
        for row in out.chunks_exact_mut(pointers.row_len) {
            // SAFETY: (b) `out` has `rows` rows, and `pointers` has `rows` pointers.
            let first = unsafe { pointers.next() }.ok_or_else(|| null_pointer(dimension))?;
            // SAFETY: (a) The INVARIANT of `RowPointers` permits reading all items of the row. (b) Requirement (c) of
            // `Foreign::new` excludes a write to the items.
            let items = unsafe { Strided::new(first, run.stride, run.items, run.itemsize) };
            items.read(1, row.into()).ok_or_else(wrong)?;
        }
        Ok(())
    }
}

/// Memory of an exporter that this program may write to.
///
/// INVARIANT: only `BufferMut::from_ptr` and `BufferMut::part` create this value. All bytes of the items may therefore
/// be written, and no reference to these bytes is used while a method of the buffer runs. Nothing else reads these
/// bytes during this time.
struct ForeignMut(Foreign);

impl Memory for ForeignMut {
    fn run(&self, run: &Run<'_>) -> Result<Strided<'_>, DecodeError> {
        self.0.run(run)
    }

    fn read_rows(&self, run: &Run<'_>, rows: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        self.0.read_rows(run, rows, out)
    }
}

impl MemoryMut for ForeignMut {
    fn base(&mut self) -> BaseAddress {
        BaseAddress(self.0.buf.cast_mut())
    }

    fn run_mut(&mut self, run: &Run<'_>) -> Result<StridedMut<'_>, DecodeError> {
        if run.items == 0 || run.itemsize == 0 {
            return Ok(StridedMut::EMPTY);
        }
        let first = self.0.first_address(run)?.cast_mut();
        // SAFETY: (a) `first_address` has compared `run` with the bounds of the view. Requirement (a) or (b) of
        // `Foreign::new` therefore permits reading all items of `run`, and the INVARIANT permits writing them. (b)
        // While a method of the buffer runs, requirement (c) of `Foreign::new` excludes other writes, and the INVARIANT
        // excludes other reads.
        Ok(unsafe { StridedMut::new(first, run.stride, run.items, run.itemsize) })
    }
}

/// Calls `read` with the memory of the items of `view`, and returns the result. The offsets of `view` count from `buf`.
/// Unlike the memory of a [`Buffer`], this memory needs no allocation. Returns an error if an offset of `view` does not
/// fit the address space.
///
/// # Safety
/// - (a), (b), (c) The requirements of [`Buffer::from_ptr`] are met until `read` returns.
#[cfg(feature = "pyo3")]
#[inline]
pub(crate) unsafe fn with_memory<R>(
    view: &View<'_>,
    buf: *const u8,
    read: impl FnOnce(&dyn Memory) -> R,
) -> Result<R, DecodeError> {
    // SAFETY: (a) to (c) of `new` are (a) to (c) of this function.
    let memory = unsafe { Foreign::new(view, buf) }?;
    Ok(read(&memory))
}

/// Copies all items of `view` to `out` without gaps, and reverses the order of the bytes in each group of `unit` bytes.
/// If `unit` is 1, no bytes are reversed. The offsets of `view` count from `buf`. Returns `false` and copies nothing if
/// the items are not contiguous in C order, if `out` has another length than the items, or if the offset does not fit
/// the address space. For few items, this function takes a third of the time of [`with_memory`].
///
/// # Safety
/// - (a), (b), (c) The requirements of [`Buffer::from_ptr`] are met until the function returns.
#[cfg(feature = "pyo3")]
#[inline]
pub(crate) unsafe fn copy_contiguous_items(view: &View<'_>, buf: *const u8, unit: usize, out: &mut [u8]) -> bool {
    let len = out.len();
    // One dimension of adjacent items is the common case.
    let is_contiguous = match view.strides() {
        [stride] if *stride == view.itemsize() => view.suboffsets().is_none(),
        _ => view.is_contiguous(Order::C),
    };
    let Ok(offset) = to_isize(view.offset()) else { return false };
    if !is_contiguous || usize::try_from(view.len()) != Ok(len) {
        return false;
    }
    // SAFETY: (a) The items are contiguous and have no pointers, so the `len` bytes after the offset are the bytes of
    // all items. Requirement (a) permits reading these bytes. (b) Requirement (c) excludes a write to the items.
    let items = unsafe { Strided::new(buf.wrapping_offset(offset), 0, 1, len) };
    items.read(unit, out.into()).is_some()
}

/// Returns the address in the pointer that is `offset` bytes after `buf`. `dimension` is the number of the dimension
/// whose items the pointer leads to, for the error message.
///
/// # Errors
/// - a NULL pointer
/// - an `offset` outside of the address space
///
/// # Safety
/// - (a) The bytes of the pointer may be read. They need not be aligned.
#[cfg(feature = "pyo3")]
pub unsafe fn follow_pointer(buf: *mut u8, offset: i64, dimension: usize) -> Result<*mut u8, DecodeError> {
    let at = buf.wrapping_offset(to_isize(offset)?).cast::<*mut u8>();
    // SAFETY: by (a) the bytes may be read. `read_unaligned` accepts every address.
    let pointer = unsafe { at.read_unaligned() };
    if pointer.is_null() { Err(null_pointer(dimension)) } else { Ok(pointer) }
}

impl<'b> Buffer<'b> {
    /// Creates a buffer that reads memory of any owner.
    ///
    /// `buf` is the field `buf` of a `Py_buffer`, and `view` is the validated description of its items. `plan` must
    /// be the plan for the layout of an item.
    ///
    /// ```
    /// use pep3118::{DataModel, Order, RawView, Request, decode::{Buffer, Plan}};
    /// let foreign = [1.5_f64, 2.5, 3.5];
    /// let raw = RawView {
    ///     len: 24, itemsize: 8, ndim: 1, format: Some(b"d"), shape: Some(&[3]), strides: Some(&[-8]),
    ///     ..RawView::default()
    /// };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let last = foreign.as_ptr_range().end.wrapping_sub(1).cast::<u8>();
    /// // SAFETY: (a) the three items are at `last` and before it; (b) there are no suboffsets; (c) the array is
    /// // not shared.
    /// let buffer = unsafe { Buffer::from_ptr(&view, &plan, last) }?;
    /// assert_eq!(buffer.to_vec::<f64>(Order::C)?, [3.5, 2.5, 1.5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Safety
    /// The caller guarantees for the lifetime `'b`:
    /// - (a) If the view has no suboffsets, all bytes in [`View::byte_bounds`], counted from `buf`, are in one live
    ///   allocation and may be read.
    /// - (b) If the view has suboffsets, every pointer that [`View::steps`] follows to an item may be read, and every
    ///   item may be read. A NULL pointer causes an error. Other invalid pointers are not detected.
    /// - (c) Nothing writes to any of these bytes while a method of the buffer runs. In Python, the caller holds the
    ///   GIL, or the lock that the exporter requires in an interpreter without the GIL. If the caller sends the buffer
    ///   to another thread, the requirement also holds on this thread.
    ///
    /// # Errors
    /// - the item of `plan` and the items of `view` have different sizes
    /// - an offset of `view` does not fit the address space of this machine
    pub unsafe fn from_ptr(view: &'b View<'b>, plan: &'b Plan, buf: *const u8) -> Result<Self, DecodeError> {
        // SAFETY: (a) to (c) of `new` are (a) to (c) of this function.
        let memory = unsafe { Foreign::new(view, buf) }?;
        Self::over(view, plan, Box::new(memory))
    }
}

impl<'b> BufferMut<'b> {
    /// Creates a buffer that reads and writes memory of any owner.
    ///
    /// `buf` is the field `buf` of a `Py_buffer`, and `view` is the validated description of its items. `plan` must
    /// be the plan for the layout of an item.
    ///
    /// ```
    /// use pep3118::{DataModel, RawView, Request, decode::{BufferMut, Plan}};
    /// let mut foreign = [0_i32; 2];
    /// let raw = RawView { len: 8, itemsize: 4, ndim: 1, format: Some(b"i"), shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// // SAFETY: (a) the items are in the array; (b) there are no suboffsets; (c), (d) only the buffer uses the array.
    /// let mut buffer = unsafe { BufferMut::from_ptr(&view, &plan, foreign.as_mut_ptr().cast()) }?;
    /// buffer.copy_from_slice(&[7_i32, 8])?;
    /// drop(buffer);
    /// assert_eq!(foreign, [7, 8]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Safety
    /// - (a), (b), (c) The requirements of [`Buffer::from_ptr`] are met. In addition, nothing else reads the bytes
    ///   while a method of the buffer runs.
    /// - (d) All bytes of the items may be written, and no reference to any of these bytes exists.
    ///
    /// # Errors
    /// - `view` is read-only
    /// - the item of `plan` and the items of `view` have different sizes
    /// - an offset of `view` does not fit the address space of this machine
    pub unsafe fn from_ptr(view: &'b View<'b>, plan: &'b Plan, buf: *mut u8) -> Result<Self, EncodeError> {
        // SAFETY: (a) to (c) of `new` are (a) to (c) of this function. (d) establishes the INVARIANT of `ForeignMut`.
        let memory = unsafe { Foreign::new(view, buf) }?;
        Self::over(view, plan, Box::new(ForeignMut(memory)))
    }

    /// Returns two writable buffers: the items with an index below `index` in the first dimension, and all other items.
    /// The two buffers can be sent to other threads.
    ///
    /// ```
    /// use pep3118::decode::{BufferMut, Plan};
    /// use pep3118::{DataModel, RawView, Request};
    /// let raw = RawView { len: 8, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[4]), ..RawView::default() };
    /// let view = raw.check(Request::FULL, None, None).into_result()?;
    /// let (plan, mut bytes) = (Plan::for_view(&view, &DataModel::HOST)?, [0; 8]);
    /// let mut buffer = BufferMut::new(&view, &plan, &mut bytes)?;
    /// let (mut low, mut high) = buffer.split_at(1)?;
    /// let results = std::thread::scope(move |scope| {
    ///     let other = scope.spawn(move || high.copy_from_slice(&[2_i16, 3, 4]));
    ///     (low.copy_from_slice(&[1_i16]), other.join().unwrap())
    /// });
    /// assert_eq!(results, (Ok(()), Ok(())));
    /// drop(buffer);
    /// assert_eq!(bytes, [0, 1, 0, 2, 0, 3, 0, 4]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the errors of [`View::split_at`]
    /// - two items share bytes, or pointers lead to the items: shape (2, 2) with strides (1, 1) and items of 1 byte
    pub fn split_at(&mut self, index: i64) -> Result<(BufferMut<'_>, BufferMut<'_>), EncodeError> {
        let (low, high) = self.view.split_at(index).map_err(DecodeError::from)?;
        if self.view.can_share_bytes() {
            return Err(EncodeErrorKind::SharedBytes.into());
        }
        let (base, plan) = (self.memory.base(), self.plan);
        // SAFETY: (a) `low` is a part of the view of this buffer, and `base` permits the access to the items while
        // `self` is borrowed. (b) No two items share bytes, and `high` has other items than `low`.
        let low = unsafe { Self::part(low, plan, base) };
        // SAFETY: (a), (b) As for `low`.
        let high = unsafe { Self::part(high, plan, base) };
        Ok((low?, high?))
    }

    /// Returns an iterator over writable buffers of consecutive items. `len` is the number of indices of the first
    /// dimension in each buffer. The last buffer has fewer indices if fewer are left. The buffers can be sent to other
    /// threads.
    ///
    /// ```
    /// use pep3118::decode::{BufferMut, Plan};
    /// use pep3118::{DataModel, RawView, Request};
    /// let raw = RawView { len: 3, itemsize: 1, ndim: 1, format: Some(b"B"), shape: Some(&[3]), ..RawView::default() };
    /// let view = raw.check(Request::FULL, None, None).into_result()?;
    /// let (plan, mut bytes) = (Plan::for_view(&view, &DataModel::HOST)?, [0; 3]);
    /// let mut buffer = BufferMut::new(&view, &plan, &mut bytes)?;
    /// for (part, values) in buffer.chunks(2)?.zip([&[1_u8, 2][..], &[3]]) {
    ///     part?.copy_from_slice(values)?;
    /// }
    /// drop(buffer);
    /// assert_eq!(bytes, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the errors of [`View::chunks`]
    /// - two items share bytes, or pointers lead to the items, as for [`split_at`](Self::split_at)
    pub fn chunks(
        &mut self,
        len: i64,
    ) -> Result<impl Iterator<Item = Result<BufferMut<'_>, EncodeError>> + use<'_, 'b>, EncodeError> {
        let bounds = self.view.first_length().and_then(|length| chunk_bounds(length, len));
        let bounds = bounds.map_err(DecodeError::from)?;
        if self.view.can_share_bytes() {
            return Err(EncodeErrorKind::SharedBytes.into());
        }
        let (base, plan, view) = (self.memory.base(), self.plan, &self.view);
        Ok(bounds.map(move |(start, count)| {
            // SAFETY: (a) The chunk is a part of the view of this buffer, and `base` permits the access to the items
            // while `self` is borrowed. (b) No two items share bytes, and each chunk has other items.
            unsafe { Self::part(view.rows(start, count), plan, base) }
        }))
    }

    /// Creates a buffer for `view`, a part of the view of another buffer. `base` is the address from which the offsets
    /// of `view` count. Returns an error if an offset does not fit the address space.
    ///
    /// # Safety
    /// For the lifetime `'p`:
    /// - (a) All items of `view` may be read and written through `base`.
    /// - (b) Nothing else accesses the items, except through a buffer of other items.
    unsafe fn part<'p>(view: View<'p>, plan: &'p Plan, base: BaseAddress) -> Result<BufferMut<'p>, EncodeError> {
        // SAFETY: (a) and (c) of `new` follow from (a) and (b) of this function. (b) The view has no pointers, because
        // `can_share_bytes` returned `false`.
        let memory = unsafe { Foreign::new(&view, base.0) }?;
        Ok(BufferMut { view: ViewRef::Owned(Box::new(view)), plan, memory: Box::new(ForeignMut(memory)) })
    }
}
