//! Copies of evenly spaced cells: the inner loops of reading, writing, byte swapping and transposing.
//!
//! This module uses three terms:
//! - A *cell* is a range of bytes that is copied at once, for example an item or a field of a record. A [`Strided`]
//!   or [`StridedMut`] describes cells of equal length that start at equal distances.
//! - A *unit* consists of the bytes of one number inside of a cell: the 8 bytes of a `d`, or the 4 bytes of each half
//!   of a `Zf`. Byte swapping reverses the bytes of every unit. A unit length of 0 or 1 means that no bytes are
//!   reversed.
//! - The cells are *adjacent* if each cell starts at the end of the cell before it.
//!
//! The constructors `within` and `of_rows` prove that all cells are inside of the memory. The caller of the
//! constructor `new` guarantees that all cells are inside of the memory. The loops therefore need no check for each
//! cell. The compiler generates one loop for each common cell length, and the code selects the loop before the first
//! cell. A cell of 8 bytes then costs one load and one store, while a call of `memcpy` costs about ten instructions.
//!
//! The memory can belong to an exporter, which can write to the memory at any time. Bytes are therefore copied
//! through raw pointers, and no reference to foreign memory is created.
#![allow(unsafe_code, reason = "copies cells without a check for each cell, also in memory that Rust does not own")]

use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::nontemporal;
use crate::spare_capacity::Unfilled;

/// The address from which the offsets of a view of writable memory count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BaseAddress(pub(crate) *mut u8);

impl BaseAddress {
    /// Returns the address that is `origin` bytes after the start of `bytes`. The address may be used until the borrow
    /// of `bytes` ends.
    pub(crate) fn within(bytes: &mut [u8], origin: isize) -> Self {
        Self(bytes.as_mut_ptr().wrapping_offset(origin))
    }
}

/// The length of a cache line in bytes.
const LINE: usize = 64;

/// A source of the addresses of cells, in the order in which the cells are copied.
///
/// # Safety
/// Every implementation guarantees:
/// - (a) If the caller of [`next`](Self::next) meets requirement (b), [`cell_len`](Self::cell_len) bytes may be read at
///   the returned address until the `CellAddresses` value is dropped.
pub(crate) unsafe trait CellAddresses {
    /// Returns the length of every cell in bytes.
    fn cell_len(&self) -> usize;

    /// Returns the number of cells. Calls of [`next`](Self::next) do not change this number.
    fn count(&self) -> usize;

    /// Returns the address of the next cell. Returns `None` if the address is read from a pointer in memory and this
    /// pointer is NULL.
    ///
    /// # Safety
    /// - (b) The caller calls `next` at most [`count`](Self::count) times.
    unsafe fn next(&mut self) -> Option<*const u8>;
}

/// Evenly spaced cells that can be read.
///
/// INVARIANT: `len` bytes may be read at each of `count` addresses during `'m`. The first address is `first`. Each
/// further address is the preceding address plus `stride`. Nothing writes to these bytes during `'m`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strided<'m> {
    first: *const u8,
    stride: isize,
    count: usize,
    len: usize,
    memory: PhantomData<&'m [u8]>,
}

/// Evenly spaced cells that can be read and written.
///
/// INVARIANT: `len` initialised bytes may be read and written at each of `count` addresses during `'m`. The first
/// address is `first`. Each further address is the preceding address plus `stride`. Nothing except this value reads
/// or writes these bytes during `'m`.
#[derive(Debug)]
pub(crate) struct StridedMut<'m> {
    first: *mut u8,
    stride: isize,
    count: usize,
    len: usize,
    memory: PhantomData<&'m mut [u8]>,
}

/// Returns whether `count` cells of `len` bytes are inside of a memory of `size` bytes. The first cell starts at byte
/// `start` of the memory. The starts of two successive cells are `stride` bytes apart.
fn cells_are_inside(start: usize, stride: isize, count: usize, len: usize, size: usize) -> bool {
    let Some(last) = count.checked_sub(1) else { return true };
    let distance = isize::try_from(last).ok().and_then(|last| stride.checked_mul(last));
    let last_start = distance.and_then(|distance| start.checked_add_signed(distance));
    last_start.and_then(|last_start| last_start.max(start).checked_add(len)).is_some_and(|end| end <= size)
}

impl<'m> Strided<'m> {
    /// No cells.
    pub(crate) const EMPTY: Self =
        Self { first: core::ptr::dangling(), stride: 0, count: 0, len: 0, memory: PhantomData };

    /// Creates a description of `count` cells of `len` bytes in memory of any owner, for example of an exporter. The
    /// first cell starts at `first`. The starts of two successive cells are `stride` bytes apart.
    ///
    /// # Safety
    /// - (a) `len` bytes may be read at each of `count` addresses during `'m`. The first address is `first`. Each
    ///   further address is the preceding address plus `stride`.
    /// - (b) Nothing writes to these bytes during `'m`.
    pub(crate) unsafe fn new(first: *const u8, stride: isize, count: usize, len: usize) -> Self {
        Self { first, stride, count, len, memory: PhantomData }
    }

    /// Creates a description of `count` cells of `len` bytes in `bytes`. The first cell starts at byte `start` of
    /// `bytes`. The starts of two successive cells are `stride` bytes apart. Returns `None` if a cell is not
    /// completely inside of `bytes`.
    pub(crate) fn within(bytes: &'m [u8], start: usize, stride: isize, count: usize, len: usize) -> Option<Self> {
        if !cells_are_inside(start, stride, count, len, bytes.len()) {
            return None;
        }
        // SAFETY: (a) `cells_are_inside` has proved that all cells are inside `bytes`, which is borrowed for `'m`.
        // (b) `bytes` is a shared slice, so nothing writes to it during `'m`.
        Some(unsafe { Self::new(bytes.as_ptr().wrapping_add(start), stride, count, len) })
    }

    /// Divides `bytes` into adjacent cells of `len` bytes. Returns no cells if `len` is 0. Ignores the bytes after
    /// the last complete cell.
    pub(crate) fn of_rows(bytes: &'m [u8], len: usize) -> Self {
        let Some(count) = bytes.len().checked_div(len) else { return Self::EMPTY };
        // SAFETY: (a) `count * len` is at most the length of `bytes`, which is borrowed for `'m`. (b) `bytes` is a
        // shared slice, so nothing writes to it during `'m`.
        unsafe { Self::new(bytes.as_ptr(), len.cast_signed(), count, len) }
    }

    /// Returns the number of cells.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Returns whether each cell starts at the end of the cell before it. Returns `true` if there is at most one cell.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.count <= 1 || usize::try_from(self.stride) == Ok(self.len)
    }

    /// Replaces each cell with a part of the cell: the `len` bytes that start at byte `offset` of the cell. Returns
    /// `None` if these bytes extend past the end of a cell.
    pub(crate) fn field(self, offset: usize, len: usize) -> Option<Self> {
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            return None;
        }
        Some(Self { first: self.first.wrapping_add(offset), len, ..self })
    }

    /// Returns an iterator over the first `len` bytes of each cell. Returns `None` if the cells are shorter.
    ///
    /// The iterator has a known length, so that a loop over it needs no check of the capacity of a vector. If `len` is
    /// a constant, the compiler removes the check of [`Cell::bytes`].
    #[cfg(feature = "pyo3")]
    #[inline(always)]
    pub(crate) fn cells(self, len: usize) -> Option<impl Iterator<Item = Cell<'m>> + use<'m>> {
        if len > self.len {
            return None;
        }
        let Self { first, stride, memory, .. } = self;
        Some((0..self.count).map(move |index| {
            let first: *const u8 = first.wrapping_offset(stride.wrapping_mul(index.cast_signed()));
            Cell { first, len, memory }
        }))
    }

    /// Returns an iterator over the cells, as [`cells`](Self::cells) does, if all cells have `len` bytes and are
    /// adjacent. Returns `None` for other cells. The compiler knows the distance of two cells if `len` is a constant.
    #[cfg(feature = "pyo3")]
    #[inline(always)]
    pub(crate) fn adjacent_cells(self, len: usize) -> Option<impl Iterator<Item = Cell<'m>> + use<'m>> {
        if len != self.len || !self.is_contiguous() {
            return None;
        }
        Self { stride: len.cast_signed(), ..self }.cells(len)
    }

    /// Removes the first `max_count` cells from `self` and returns the removed cells. Removes all cells if `self` has
    /// fewer than `max_count` cells.
    pub(crate) fn split_off(&mut self, max_count: usize) -> Self {
        let first = Self { count: self.count.min(max_count), ..*self };
        self.count = self.count.saturating_sub(first.count);
        // The address can wrap around only if no cell remains. The address is then never read.
        self.first = self.first.wrapping_offset(self.stride.wrapping_mul(first.count.cast_signed()));
        first
    }

    /// Reads one byte of each cache line, so that the cells are in the cache. Does nothing if the cells are not
    /// contiguous.
    ///
    /// A loop that reads one field of each wide record should call `touch` first. The hardware prefetcher loads memory
    /// early only if each read is in the cache line after the previous read. The steps of such a loop are larger than
    /// a cache line.
    pub(crate) fn touch(&self) {
        let len = if self.is_contiguous() { self.count.saturating_mul(self.len) } else { 0 };
        for offset in (0..len).step_by(LINE) {
            // SAFETY: `offset` is inside the `count * len` contiguous bytes that the INVARIANT permits reading.
            core::hint::black_box(unsafe { self.first.wrapping_add(offset).read() });
        }
    }

    /// Copies all cells to `out` one after another, and reverses the bytes of each unit of `unit` bytes. The cell
    /// length must be a multiple of `unit`, because the units are counted from the start of `out`. Returns `out` as
    /// initialised bytes. Returns `None` and writes nothing if the length of `out` is not the total length of the
    /// cells.
    #[inline]
    pub(crate) fn read<'o>(self, unit: usize, mut out: Unfilled<'o>) -> Option<&'o mut [u8]> {
        if !self.is_contiguous() {
            return read_cells(self, unit, out);
        }
        if self.count.checked_mul(self.len) != Some(out.len()) {
            return None;
        }
        // SAFETY: (a) `copy_nonoverlapping` and `copy_contiguous` copy initialised bytes.
        let to = unsafe { out.as_uninit() };
        let reversed = if unit <= 1 {
            // SAFETY: The INVARIANT permits reading `count * len` contiguous bytes from `first`, and `to` has this
            // length. `to` is borrowed exclusively, so it does not overlap with the cells.
            unsafe { core::ptr::copy_nonoverlapping(self.first, to.as_mut_ptr().cast(), to.len()) };
            true
        } else {
            // SAFETY: (a) The INVARIANT permits reading `count * len` contiguous bytes from `first`, and `to` has this
            // length.
            unsafe { copy_contiguous(self.first, unit, to) }
        };
        // SAFETY: (a) `copy_nonoverlapping` or `copy_contiguous` has written every byte of `out`.
        let filled = unsafe { out.assume_filled() };
        if !reversed {
            reverse_units(filled, unit);
        }
        Some(filled)
    }

    /// Copies all cells to `out` as [`read`](Self::read) does, but with stores that bypass the caches. If no loop with
    /// such stores supports the cell length and `unit`, the method calls `read`. A caller uses this method only for a
    /// large `out`. Returns `None` and writes nothing if the length of `out` is not the total length of the cells.
    pub(crate) fn stream(self, unit: usize, out: &mut [u8]) -> Option<()> {
        if self.count.checked_mul(self.len) != Some(out.len()) {
            return None;
        }
        match (self.len, unit) {
            (2, 0 | 1) => self.stream_cells::<2>(out, |cell| cell),
            (4, 0 | 1) => self.stream_cells::<4>(out, |cell| cell),
            (8, 0 | 1) => self.stream_cells::<8>(out, |cell| cell),
            (16, 0 | 1) => self.stream_cells::<16>(out, |cell| cell),
            (2, 2) => self.stream_cells::<2>(out, reversed),
            (4, 4) => self.stream_cells::<4>(out, reversed),
            (8, 8) => self.stream_cells::<8>(out, reversed),
            _ => return self.read(unit, out.into()).map(|_| ()),
        }
        Some(())
    }

    /// Calls `transform` with the first `W` bytes of each cell, and writes the results to `out` one after another. The
    /// stores bypass the caches. `out` must have the length of all results. Cells that are shorter than `W` bytes are
    /// not read, and the content of `out` is then unspecified.
    #[inline(always)]
    fn stream_cells<const W: usize>(self, out: &mut [u8], transform: impl Fn([u8; W]) -> [u8; W]) {
        let count = if W <= self.len { self.count } else { 0 };
        let mut from = self.first;
        nontemporal::fill(
            out,
            (0..count).map(|_| {
                // SAFETY: `from` is the address of one of `count` cells, and the INVARIANT permits reading at least
                // `W` bytes of a cell. An array of bytes has alignment 1, and every bit pattern is valid.
                let cell = unsafe { from.cast::<[u8; W]>().read() };
                from = from.wrapping_offset(self.stride);
                transform(cell)
            }),
        );
    }
}

// SAFETY: (a) `next` returns the `count` addresses at which the INVARIANT permits reading `len` bytes.
unsafe impl CellAddresses for Strided<'_> {
    #[inline(always)]
    fn cell_len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    fn count(&self) -> usize {
        self.count
    }

    #[inline(always)]
    unsafe fn next(&mut self) -> Option<*const u8> {
        let cell = self.first;
        self.first = cell.wrapping_offset(self.stride);
        // The method does not check whether it was already called `count` times, because the compiler unrolls a loop
        // only if the loop has one exit.
        Some(cell)
    }
}

/// One cell of a [`Strided`].
///
/// INVARIANT: `len` bytes may be read at `first` during `'m`, and nothing writes to these bytes during `'m`.
#[cfg(feature = "pyo3")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell<'m> {
    first: *const u8,
    len: usize,
    memory: PhantomData<&'m [u8]>,
}

#[cfg(feature = "pyo3")]
impl Cell<'_> {
    /// Copies `W` bytes of the cell that start at byte `offset`. Returns `None` if these bytes extend past the end of
    /// the cell.
    #[inline(always)]
    pub(crate) fn bytes<const W: usize>(self, offset: usize) -> Option<[u8; W]> {
        if offset.checked_add(W).is_none_or(|end| end > self.len) {
            return None;
        }
        let start: *const [u8; W] = self.first.wrapping_add(offset).cast();
        // SAFETY: the `W` bytes are inside the cell, whose bytes may be read by the INVARIANT. An array of bytes has
        // alignment 1, and every bit pattern is valid.
        Some(unsafe { start.read() })
    }
}

/// Adjacent cells, in ascending order of their addresses.
///
/// The loop over these cells needs no register for the stride. When columns of 64 doubles are written to records,
/// this loop takes 0.92 times as long as the loop over a [`Strided`].
///
/// INVARIANT: [`Strided::is_contiguous`] is true.
struct AdjacentCells<'m>(Strided<'m>);

// SAFETY: (a) `is_contiguous` is true for the cells, so each cell starts `len` bytes after the preceding cell, as the
// INVARIANT of `Strided` states.
unsafe impl CellAddresses for AdjacentCells<'_> {
    #[inline(always)]
    fn cell_len(&self) -> usize {
        self.0.len
    }

    #[inline(always)]
    fn count(&self) -> usize {
        self.0.count
    }

    #[inline(always)]
    unsafe fn next(&mut self) -> Option<*const u8> {
        let cell = self.0.first;
        self.0.first = cell.wrapping_add(self.0.len);
        Some(cell)
    }
}

impl<'m> StridedMut<'m> {
    /// No cells.
    pub(crate) const EMPTY: Self =
        Self { first: core::ptr::dangling_mut(), stride: 0, count: 0, len: 0, memory: PhantomData };

    /// Creates a description of `count` cells of `len` bytes in memory of any owner, for example of an exporter. The
    /// first cell starts at `first`. The starts of two successive cells are `stride` bytes apart.
    ///
    /// # Safety
    /// - (a) `len` initialised bytes may be read and written at each of `count` addresses during `'m`. The first
    ///   address is `first`. Each further address is the preceding address plus `stride`.
    /// - (b) Nothing except the returned value reads or writes these bytes during `'m`.
    pub(crate) unsafe fn new(first: *mut u8, stride: isize, count: usize, len: usize) -> Self {
        Self { first, stride, count, len, memory: PhantomData }
    }

    /// Creates a description of `count` cells of `len` bytes in `bytes`. The first cell starts at byte `start` of
    /// `bytes`. The starts of two successive cells are `stride` bytes apart. Returns `None` if a cell is not
    /// completely inside of `bytes`.
    pub(crate) fn within(bytes: &'m mut [u8], start: usize, stride: isize, count: usize, len: usize) -> Option<Self> {
        if !cells_are_inside(start, stride, count, len, bytes.len()) {
            return None;
        }
        // SAFETY: (a) `cells_are_inside` has proved that all cells are inside `bytes`, which is initialised and
        // borrowed for `'m`. (b) The borrow of `bytes` is exclusive.
        Some(unsafe { Self::new(bytes.as_mut_ptr().wrapping_add(start), stride, count, len) })
    }

    /// Divides `bytes` into adjacent cells of `len` bytes. Returns no cells if `len` is 0. Ignores the bytes after
    /// the last complete cell.
    pub(crate) fn of_rows(bytes: &'m mut [u8], len: usize) -> Self {
        let Some(count) = bytes.len().checked_div(len) else { return Self::EMPTY };
        // SAFETY: (a) `count * len` is at most the length of `bytes`, which is initialised and borrowed for `'m`. (b)
        // The borrow of `bytes` is exclusive.
        unsafe { Self::new(bytes.as_mut_ptr(), len.cast_signed(), count, len) }
    }

    /// Replaces each cell with a part of the cell: the `len` bytes that start at byte `offset` of the cell. Returns
    /// `None` if these bytes extend past the end of a cell.
    pub(crate) fn field(self, offset: usize, len: usize) -> Option<Self> {
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            return None;
        }
        Some(Self { first: self.first.wrapping_add(offset), len, ..self })
    }

    /// Returns the number of cells.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Returns the cells of `self` for reading. `self` cannot be written while the result exists.
    pub(crate) fn as_strided(&self) -> Strided<'_> {
        // SAFETY: (a) The INVARIANT permits reading the cells. (b) `self` is borrowed while the result exists, so
        // nothing writes to the cells.
        unsafe { Strided::new(self.first, self.stride, self.count, self.len) }
    }

    /// Returns the cells of `self` for writing. `self` cannot be used while the result exists.
    pub(crate) fn reborrow(&mut self) -> StridedMut<'_> {
        StridedMut { memory: PhantomData, ..*self }
    }

    /// Copies each cell of `from` to the cell of `self` with the same index, and reverses the bytes of each unit of
    /// `unit` bytes. Returns `None` and writes nothing if `from` and `self` have different numbers of cells or
    /// different cell lengths.
    #[inline]
    pub(crate) fn copy_from(mut self, from: Strided<'_>, unit: usize) -> Option<()> {
        if (self.count, self.len) != (from.count, from.len) {
            return None;
        }
        let reversed = if from.is_contiguous() {
            // SAFETY: (c) The INVARIANT permits writing the cells of `self`, which have the number and the length of
            // the cells of `from`. (d) Only `self` accesses the cells of `self`, so the cells of `from` do not overlap
            // with the cells of `self`.
            unsafe { copy_cells::<_, false>(AdjacentCells(from), self.first, self.stride, unit) }
        } else {
            // SAFETY: (c) The INVARIANT permits writing the cells of `self`, which have the number and the length of
            // the cells of `from`. (d) Only `self` accesses the cells of `self`, so the cells of `from` do not overlap
            // with the cells of `self`.
            unsafe { copy_cells::<_, false>(from, self.first, self.stride, unit) }
        }?;
        if !reversed {
            self.reverse(unit);
        }
        Some(())
    }

    /// Reverses the bytes of each unit of `unit` bytes in each cell. Does not change the bytes after the last
    /// complete unit of a cell.
    pub(crate) fn reverse(&mut self, unit: usize) {
        match unit {
            0 | 1 => {}
            2 => self.reverse_each::<2>(),
            4 => self.reverse_each::<4>(),
            8 => self.reverse_each::<8>(),
            16 => self.reverse_each::<16>(),
            // Units have another length only in a `DataModel` that the caller creates.
            unit => {
                for cell in 0..self.count {
                    self.reverse_cell(cell, unit);
                }
            }
        }
    }

    /// Reverses the bytes of each unit of `W` bytes in each cell.
    fn reverse_each<const W: usize>(&mut self) {
        let units = self.len.div_euclid(W);
        let mut cell = self.first;
        for _ in 0..self.count {
            let mut to = cell;
            for _ in 0..units {
                // SAFETY: The `W` bytes at `to` are inside of the cell, and the INVARIANT permits reading the cell. An
                // array of bytes has alignment 1, and every bit pattern is valid.
                let bytes = reversed(unsafe { to.cast::<[u8; W]>().read() });
                // SAFETY: The `W` bytes at `to` are inside of the cell, and the INVARIANT permits writing the cell.
                unsafe { to.cast::<[u8; W]>().write(bytes) };
                to = to.wrapping_add(W);
            }
            cell = cell.wrapping_offset(self.stride);
        }
    }

    /// Reverses the bytes of each unit of `unit` bytes in the cell with the index `cell`. Does nothing if no cell has
    /// this index, or if `unit` is 0.
    fn reverse_cell(&mut self, cell: usize, unit: usize) {
        if cell >= self.count {
            return;
        }
        let first = self.first.wrapping_offset(self.stride.wrapping_mul(cell.cast_signed()));
        let Some(units) = self.len.checked_div(unit) else { return };
        for start in (0..units).map(|index| index.wrapping_mul(unit)) {
            for (low, high) in (0..unit >> 1_u32).zip((0..unit).rev()) {
                let (low, high) =
                    (first.wrapping_add(start.wrapping_add(low)), first.wrapping_add(start.wrapping_add(high)));
                // SAFETY: `low` and `high` point to two different bytes of one cell, and the INVARIANT permits reading
                // and writing the cell.
                unsafe { low.swap(high) };
            }
        }
    }
}

/// Copies all cells of `from` to `out` one after another, and reverses the bytes of each unit of `unit` bytes. The cell
/// length must be a multiple of `unit`, because the units are counted from the start of `out`. Returns `out` as
/// initialised bytes. Returns `None` if the length of `out` is not the total length of the cells, or
/// if [`CellAddresses::next`] returns `None`.
#[inline]
pub(crate) fn read_cells<A: CellAddresses>(from: A, unit: usize, mut out: Unfilled<'_>) -> Option<&mut [u8]> {
    if from.count().checked_mul(from.cell_len()) != Some(out.len()) {
        return None;
    }
    // SAFETY: (a) `copy_cells` copies initialised bytes.
    let to = unsafe { out.as_uninit() }.as_mut_ptr().cast();
    // SAFETY: (c) The length of `out` is the total length of the cells. (d) `out` is borrowed exclusively, so it does
    // not overlap with the cells.
    let reversed = unsafe { copy_cells::<A, true>(from, to, 0, unit) }?;
    // SAFETY: (a) `copy_cells` has not returned `None`, so every cell was copied to `out`.
    let filled = unsafe { out.assume_filled() };
    if !reversed {
        reverse_units(filled, unit);
    }
    Some(filled)
}

/// Copies all cells of `from` to memory at `to`. If `DENSE` is `false`, the starts of two successive copies are
/// `to_stride` bytes apart. If `DENSE` is `true`, the copies are adjacent and `to_stride` is ignored.
///
/// Returns `Some(true)` if the bytes of each unit of `unit` bytes were reversed during the copy, or if `unit` is less
/// than 2. Returns `Some(false)` if the caller must reverse the units after the copy. Returns `None` if
/// [`CellAddresses::next`] returns `None`.
///
/// # Safety
/// - (c) `from.cell_len()` bytes may be written at each of `from.count()` addresses. The first address is `to`. Each
///   further address is the preceding address plus `to_stride`, or plus `from.cell_len()` if `DENSE` is true.
/// - (d) These bytes do not overlap with the cells of `from`.
#[inline(always)]
unsafe fn copy_cells<A: CellAddresses, const DENSE: bool>(
    from: A,
    to: *mut u8,
    to_stride: isize,
    unit: usize,
) -> Option<bool> {
    let len = from.cell_len();
    /// Calls `copy_fixed` if the cell length is in the list, and `copy_any` if not.
    macro_rules! copy {
        ($($width:literal)+) => {
            match len {
                0 => Some(()),
                // SAFETY: (c) and (d) are guaranteed by the caller of `copy_cells`. (e) `$width` equals `len`.
                $($width => unsafe { copy_fixed::<A, DENSE, $width>(from, to, to_stride, |cell| cell) },)+
                // SAFETY: (c) and (d) are guaranteed by the caller of `copy_cells`.
                _ => unsafe { copy_any::<A, DENSE>(from, to, to_stride) },
            }
        };
    }
    let copied = match (len, unit) {
        // SAFETY: (c) and (d) are guaranteed by the caller of `copy_cells`. (e) `len` is 2.
        (2, 2) => unsafe { copy_fixed::<A, DENSE, 2>(from, to, to_stride, reversed) },
        // SAFETY: (c) and (d) are guaranteed by the caller of `copy_cells`. (e) `len` is 4.
        (4, 4) => unsafe { copy_fixed::<A, DENSE, 4>(from, to, to_stride, reversed) },
        // SAFETY: (c) and (d) are guaranteed by the caller of `copy_cells`. (e) `len` is 8.
        (8, 8) => unsafe { copy_fixed::<A, DENSE, 8>(from, to, to_stride, reversed) },
        // SAFETY: (c) and (d) are guaranteed by the caller of `copy_cells`. (e) `len` is 16.
        (16, 16) => unsafe { copy_fixed::<A, DENSE, 16>(from, to, to_stride, reversed) },
        _ => return copy!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 20 24 32 48 64).map(|()| unit <= 1),
    };
    copied.map(|()| true)
}

/// Calls `transform` with each cell of `from`, and writes the results to memory at `to`. [`copy_cells`] calls this loop
/// for cells of the constant length `W`, and defines `DENSE` and `to_stride`. Returns `None` if [`CellAddresses::next`]
/// returns `None`.
///
/// # Safety
/// - (c), (d) The requirements of `copy_cells` are met.
/// - (e) `W` equals `from.cell_len()`.
#[inline(always)]
unsafe fn copy_fixed<A: CellAddresses, const DENSE: bool, const W: usize>(
    mut from: A,
    to: *mut u8,
    to_stride: isize,
    transform: impl Fn([u8; W]) -> [u8; W],
) -> Option<()> {
    // The stride is a constant here, so the compiler optimises the loop like a loop over a slice.
    let to_stride = if DENSE { W.cast_signed() } else { to_stride };
    let mut to = to;
    for _ in 0..from.count() {
        // SAFETY: (b) The loop calls `next` `from.count()` times.
        let cell = unsafe { from.next() }?;
        // SAFETY: Guarantee (a) of `CellAddresses` and requirement (e) permit reading `W` bytes at `cell`. An array of
        // bytes has alignment 1, and every bit pattern is valid.
        let cell = transform(unsafe { cell.cast::<[u8; W]>().read() });
        // SAFETY: Requirements (c) and (e) permit writing `W` bytes at `to`.
        unsafe { to.cast::<[u8; W]>().write(cell) };
        to = to.wrapping_offset(to_stride);
    }
    Some(())
}

/// Copies each cell of `from` to memory at `to`. [`copy_cells`] calls this loop for cells of any length, and defines
/// `DENSE` and `to_stride`. Returns `None` if [`CellAddresses::next`] returns `None`.
///
/// # Safety
/// - (c), (d) The requirements of `copy_cells` are met.
#[inline(always)]
unsafe fn copy_any<A: CellAddresses, const DENSE: bool>(mut from: A, to: *mut u8, to_stride: isize) -> Option<()> {
    let len = from.cell_len();
    let to_stride = if DENSE { len.cast_signed() } else { to_stride };
    let mut to = to;
    for _ in 0..from.count() {
        // SAFETY: (b) The loop calls `next` `from.count()` times.
        let cell = unsafe { from.next() }?;
        // SAFETY: Guarantee (a) of `CellAddresses` permits reading `len` bytes at `cell`. Requirement (c) permits
        // writing `len` bytes at `to`. Requirement (d) excludes an overlap of the two ranges.
        unsafe { core::ptr::copy_nonoverlapping(cell, to, len) };
        to = to.wrapping_offset(to_stride);
    }
    Some(())
}

/// Fills `to` with bytes from the address `from`. Reverses the bytes of each unit of `unit` bytes and returns `true` if
/// `unit` is 2, 4, 8 or 16. Copies the bytes unchanged and returns `false` for every other `unit`; the caller must then
/// reverse the units.
///
/// # Safety
/// - (a) `to.len()` bytes may be read from `from`.
#[cfg_attr(feature = "std", multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2")))]
unsafe fn copy_contiguous(from: *const u8, unit: usize, to: &mut [MaybeUninit<u8>]) -> bool {
    match unit {
        // SAFETY: (a) is guaranteed by the caller of `copy_contiguous`.
        2 => unsafe { copy_reversed::<2>(from, to) },
        // SAFETY: (a) is guaranteed by the caller of `copy_contiguous`.
        4 => unsafe { copy_reversed::<4>(from, to) },
        // SAFETY: (a) is guaranteed by the caller of `copy_contiguous`.
        8 => unsafe { copy_reversed::<8>(from, to) },
        // SAFETY: (a) is guaranteed by the caller of `copy_contiguous`.
        16 => unsafe { copy_reversed::<16>(from, to) },
        _ => {
            // SAFETY: Requirement (a) permits reading `to.len()` bytes from `from`. `to` is borrowed exclusively, so it
            // does not overlap with the source.
            unsafe { core::ptr::copy_nonoverlapping(from, to.as_mut_ptr().cast(), to.len()) };
            return false;
        }
    }
    true
}

/// Fills `to` with bytes from the address `from`, and reverses the bytes of each unit of `W` bytes. The bytes after
/// the last complete unit keep their order.
///
/// # Safety
/// - (a) `to.len()` bytes may be read from `from`.
#[inline(always)]
unsafe fn copy_reversed<const W: usize>(from: *const u8, to: &mut [MaybeUninit<u8>]) {
    let mut unit_from = from;
    let len = to.len();
    let (units, rest) = to.as_chunks_mut::<W>();
    // `rest_from` is computed before the loop. If the code after the loop used `unit_from`, the compiler would not
    // vectorise the last iterations.
    let rest_from = from.wrapping_add(len.wrapping_sub(rest.len()));
    for unit in units {
        // SAFETY: The `W` bytes at `unit_from` are inside the `to.len()` bytes that requirement (a) permits reading. An
        // array of bytes has alignment 1, and every bit pattern is valid.
        let bytes = reversed(unsafe { unit_from.cast::<[u8; W]>().read() });
        let unit: *mut [MaybeUninit<u8>; W] = unit;
        // SAFETY: `unit` points to `W` bytes that are borrowed exclusively.
        unsafe { unit.cast::<[u8; W]>().write(bytes) };
        unit_from = unit_from.wrapping_add(W);
    }
    if !rest.is_empty() {
        // SAFETY: Requirement (a) permits reading the last `rest.len()` bytes of the source, which start at
        // `rest_from`. `rest` is borrowed exclusively, so it does not overlap with the source.
        unsafe { core::ptr::copy_nonoverlapping(rest_from, rest.as_mut_ptr().cast(), rest.len()) };
    }
}

/// Returns the bytes of `cell` in reverse order.
#[inline(always)]
pub(crate) fn reversed<const W: usize>(mut cell: [u8; W]) -> [u8; W] {
    /// Reverses `cell` with the byte swap of an integer, if an integer type has `W` bytes. The compiler vectorises a
    /// loop of integer swaps better than a loop of `reverse`. Cells of 16 bytes use `reverse`, because the compiler
    /// splits an integer of 16 bytes into two integers.
    macro_rules! integer {
        ($($integer:ty)+) => {$(
            if W == size_of::<$integer>()
                && let Some(bytes) = cell.first_chunk_mut()
            {
                *bytes = <$integer>::from_ne_bytes(*bytes).swap_bytes().to_ne_bytes();
                return cell;
            }
        )+};
    }
    integer!(u16 u32 u64);
    cell.reverse();
    cell
}

/// Reverses the bytes of each unit of `unit` bytes in `bytes`. Does not change the bytes after the last complete
/// unit.
#[cfg_attr(feature = "std", multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2")))]
pub(crate) fn reverse_units(bytes: &mut [u8], unit: usize) {
    /// The function [`reverse_units`] for units of the constant length `W`.
    #[inline(always)]
    fn each<const W: usize>(bytes: &mut [u8]) {
        bytes.as_chunks_mut::<W>().0.iter_mut().for_each(|unit| *unit = reversed(*unit));
    }
    match unit {
        0 | 1 => {}
        2 => each::<2>(bytes),
        4 => each::<4>(bytes),
        8 => each::<8>(bytes),
        16 => each::<16>(bytes),
        unit => bytes.chunks_exact_mut(unit).for_each(<[u8]>::reverse),
    }
}

/// The number of rows and columns of a tile. A tile is a square table of units that one call of [`transpose`] copies.
pub(crate) const TILE: usize = 64;
/// The number of units from the start of one row of a tile to the start of the next row in memory. The number is
/// larger than `TILE`. If the number were a power of two, all rows of the tile would be stored in the same few sets
/// of the cache.
pub(crate) const TILE_PITCH: usize = TILE + 8;

/// Returns whether [`transpose`] supports units of `width` bytes.
pub(crate) fn can_transpose(width: usize) -> bool {
    matches!(width, 1 | 2 | 4 | 8 | 16)
}

/// Transposes a tile: copies row `i` of `tile` to column `i` of `to`.
///
/// A unit has `width` bytes. The rows of `tile` start [`TILE_PITCH`] units apart. The rows of `to` start `pitch`
/// bytes apart. The function writes the first `rows` rows of `to`, but at most [`TILE`] rows. [`can_transpose`] must be
/// true for `width`: for other widths, the function writes nothing and panics in debug builds.
#[cfg_attr(feature = "std", multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2")))]
pub(crate) fn transpose(tile: &[u8], to: &mut [u8], pitch: usize, rows: usize, width: usize) {
    /// The function [`transpose`] for units of the constant length `W`.
    #[inline(always)]
    fn units<const W: usize>(tile: &[u8], to: &mut [u8], pitch: usize, rows: usize) {
        let lines = tile.as_chunks::<W>().0.as_chunks::<TILE_PITCH>().0;
        for (index, row) in to.chunks_mut(pitch.max(1)).take(rows.min(TILE)).enumerate() {
            for (cell, line) in row.as_chunks_mut::<W>().0.iter_mut().zip(lines) {
                if let Some(unit) = line.get(index) {
                    *cell = *unit;
                }
            }
        }
    }
    match width {
        1 => units::<1>(tile, to, pitch, rows),
        2 => units::<2>(tile, to, pitch, rows),
        4 => units::<4>(tile, to, pitch, rows),
        8 => units::<8>(tile, to, pitch, rows),
        16 => units::<16>(tile, to, pitch, rows),
        _ => debug_assert!(false, "no loop for units of {width} bytes: call `can_transpose` first"),
    }
}

#[cfg(test)]
#[allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests may panic"
)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    const LENGTHS: [usize; 26] =
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 24, 31, 32, 48, 63, 64, 100];

    /// Returns `len` bytes in which neighbouring bytes differ.
    fn noise(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 31 + at / 7 + 1) as u8).collect()
    }

    /// Returns the unit lengths that divide the cell length `len`.
    fn units(len: usize) -> impl Iterator<Item = usize> {
        [1, 2, 3, 4, 8, 12, 16].into_iter().filter(move |unit| len.is_multiple_of(*unit))
    }

    /// Returns the `len` bytes at the offset `at` of `bytes`, with the bytes of each unit of `unit` bytes reversed.
    fn cell(bytes: &[u8], at: isize, len: usize, unit: usize) -> Vec<u8> {
        let cell = &bytes[at as usize..][..len];
        cell.chunks(unit.max(1)).flat_map(|unit| unit.iter().rev()).copied().collect()
    }

    /// Calls `check` with every combination of cell length, unit length and stride. The last argument of `check` is
    /// the offset of the first cell.
    fn each_shape(check: impl Fn(usize, usize, isize, usize)) {
        for len in LENGTHS {
            for unit in units(len) {
                for stride in [len as isize, len as isize + 1, 3 * len as isize, -(len as isize), -7, 0, 1] {
                    let start = if stride < 0 { stride.unsigned_abs() * 20 } else { 0 };
                    check(len, unit, stride, start);
                }
            }
        }
    }

    #[test]
    fn cells_are_read_in_any_stride() {
        let bytes = noise(8000);
        each_shape(|len, unit, stride, start| {
            for count in [0, 1, 2, 3, 21] {
                let cells = Strided::within(&bytes, start, stride, count, len).unwrap();
                let at = |index: usize| start as isize + stride * index as isize;
                let expected: Vec<u8> = (0..count).flat_map(|index| cell(&bytes, at(index), len, unit)).collect();
                let mut out = vec![0; len * count];
                assert_eq!(cells.read(unit, out.as_mut_slice().into()).unwrap().len(), out.len());
                assert_eq!(out, expected, "{count} cells of {len} in {unit}, stride {stride}");
                let mut out = vec![0; len * count];
                cells.stream(unit, &mut out).unwrap();
                assert_eq!(out, expected, "streamed: {count} cells of {len} in {unit}, stride {stride}");
            }
        });
    }

    #[test]
    fn cells_are_copied_to_any_stride() {
        let bytes = noise(8000);
        each_shape(|len, unit, stride, start| {
            // Overlapping cells are not tested, because their result depends on the order of the writes.
            if stride.unsigned_abs() < len {
                return;
            }
            let (mut to, mut expected) = (vec![0xee; 8000], vec![0xee; 8000]);
            let from = Strided::within(&bytes, 1, 2 * len as isize + 1, 21, len).unwrap();
            StridedMut::within(&mut to, start, stride, 21, len).unwrap().copy_from(from, unit).unwrap();
            for index in 0..21_usize {
                let at = (start as isize + stride * index as isize) as usize;
                expected[at..at + len].copy_from_slice(&cell(
                    &bytes,
                    1 + (2 * len as isize + 1) * index as isize,
                    len,
                    unit,
                ));
            }
            assert!(to == expected, "cells of {len} in {unit}, stride {stride}");
            StridedMut::within(&mut to, start, stride, 21, len).unwrap().reverse(unit);
            StridedMut::within(&mut expected, start, stride, 21, len).unwrap().copy_from(from, 1).unwrap();
            assert!(to == expected, "reversed again: cells of {len} in {unit}, stride {stride}");
        });
    }

    #[test]
    fn fields_are_parts_of_cells() {
        let bytes = noise(40);
        let fields = Strided::of_rows(&bytes, 10).field(3, 2).unwrap();
        let mut out = [0; 8];
        fields.read(2, (&mut out[..]).into()).unwrap();
        let expected = [3, 13, 23, 33].map(|at| [bytes[at + 1], bytes[at]]);
        assert_eq!(out, expected.as_flattened());
    }

    #[test]
    fn cells_outside_the_memory_are_refused() {
        let mut bytes = noise(40);
        for (start, stride, count, len) in [
            (0, 10, 5, 1),
            (0, 10, 4, 11),
            (31, 1, 1, 10),
            (9, -10, 2, 1),
            (41, 1, 1, 0),
            (0, isize::MAX, 3, 1),
            (0, isize::MIN, 2, 1),
            (usize::MAX, 1, 1, 1),
            (0, 1, usize::MAX, 1),
            (0, 0, 1, usize::MAX),
        ] {
            assert!(Strided::within(&bytes, start, stride, count, len).is_none(), "{start} {stride} {count} {len}");
            assert!(StridedMut::within(&mut bytes, start, stride, count, len).is_none());
        }
        assert!(Strided::of_rows(&bytes, 10).field(9, 2).is_none());
        assert!(Strided::of_rows(&bytes, 10).field(usize::MAX, 2).is_none());
        assert!(StridedMut::of_rows(&mut bytes, 10).field(11, 0).is_none());
    }

    #[test]
    fn copies_of_another_length_are_refused() {
        let (bytes, mut to) = (noise(40), [0; 40]);
        let cells = Strided::of_rows(&bytes, 10);
        assert!(cells.read(1, (&mut to[..39]).into()).is_none());
        assert!(cells.field(0, 4).unwrap().read(1, (&mut to[..17]).into()).is_none());
        assert!(cells.stream(1, &mut to[..30]).is_none());
        assert!(StridedMut::of_rows(&mut to[..30], 10).copy_from(cells, 1).is_none());
        assert!(StridedMut::of_rows(&mut to, 8).copy_from(cells, 1).is_none());
        assert_eq!(to, [0; 40]);
    }

    #[test]
    fn cells_are_split_off_from_the_front() {
        let bytes = noise(40);
        let mut rest = Strided::of_rows(&bytes, 4);
        let mut out = Vec::new();
        while rest.count() > 0 {
            let first = rest.split_off(3);
            first.touch();
            let start = out.len();
            out.resize(start + first.count() * 4, 0);
            first.read(1, (&mut out[start..]).into()).unwrap();
        }
        assert_eq!(out, bytes);
        assert_eq!(rest.split_off(3).count(), 0);
    }
}
