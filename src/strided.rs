//! Copies of evenly spaced cells: the inner loops of reading, writing and byte swapping.
//!
//! A [`Strided`] or [`StridedMut`] is a number of cells of one length that start a fixed number of bytes apart, in
//! memory of this program or of an exporter. Its constructor proves once that all cells are inside the memory; the
//! loops run without a check for each cell. Every loop is compiled for each width, and the width is chosen outside
//! of the loop: a cell of 8 bytes is then one load and one store, while a call of `memcpy` for it costs about ten.
//!
//! Bytes are copied through raw pointers and no reference to foreign memory is made, because its exporter may write
//! to it at any time.
#![allow(unsafe_code, reason = "copies cells of memory that Rust does not own without a check for each cell")]

use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::nontemporal;
use crate::spare_capacity::Unfilled;

/// Size of a cache line in bytes.
const LINE: usize = 64;

/// The addresses of cells, one after the other.
///
/// # Safety
/// An implementation promises:
/// - (a) at each address that `next` returns within the bounds of its duty, [`cell_len`](Self::cell_len) bytes may be read
///   until the value is dropped.
pub(crate) unsafe trait CellAddresses {
    /// Returns the length of a cell in bytes.
    fn cell_len(&self) -> usize;

    /// Returns the number of cells.
    fn count(&self) -> usize;

    /// Returns the address of the next cell; `None` if it is missing.
    ///
    /// # Safety
    /// - (b) it is called at most [`count`](Self::count) times
    unsafe fn next(&mut self) -> Option<*const u8>;
}

/// Evenly spaced cells to read from.
///
/// INVARIANT: while `'m` lasts, `len` bytes may be read at each of `count` addresses, which start at `first` and are
/// `stride` bytes apart, and nothing writes to these bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strided<'m> {
    first: *const u8,
    stride: isize,
    count: usize,
    len: usize,
    memory: PhantomData<&'m [u8]>,
}

/// Evenly spaced cells to write to.
///
/// INVARIANT: while `'m` lasts, `len` bytes may be read and written at each of `count` addresses, which start at
/// `first` and are `stride` bytes apart, all of them are initialised, and nothing else reads or writes them.
#[derive(Debug)]
pub(crate) struct StridedMut<'m> {
    first: *mut u8,
    stride: isize,
    count: usize,
    len: usize,
    memory: PhantomData<&'m mut [u8]>,
}

/// Returns whether `count` cells of `len` bytes, `stride` bytes apart from byte `start` on, are inside `size` bytes.
fn fits(start: usize, stride: isize, count: usize, len: usize, size: usize) -> bool {
    let Some(last) = count.checked_sub(1) else { return true };
    let last = isize::try_from(last).ok().and_then(|last| stride.checked_mul(last));
    let last = last.and_then(|reach| start.checked_add_signed(reach));
    last.and_then(|last| last.max(start).checked_add(len)).is_some_and(|end| end <= size)
}

impl<'m> Strided<'m> {
    /// No cells.
    pub(crate) const EMPTY: Self =
        Self { first: core::ptr::dangling(), stride: 0, count: 0, len: 0, memory: PhantomData };

    /// Describes cells in memory of any owner.
    ///
    /// # Safety
    /// - (a) while `'m` lasts, `len` bytes may be read at each of `count` addresses, which start at `first` and are
    ///   `stride` bytes apart;
    /// - (b) nothing writes to these bytes meanwhile.
    pub(crate) unsafe fn new(first: *const u8, stride: isize, count: usize, len: usize) -> Self {
        Self { first, stride, count, len, memory: PhantomData }
    }

    /// Describes cells in a slice, of which the first starts at byte `start`; `None` if not all are inside.
    pub(crate) fn within(bytes: &'m [u8], start: usize, stride: isize, count: usize, len: usize) -> Option<Self> {
        if !fits(start, stride, count, len, bytes.len()) {
            return None;
        }
        // SAFETY: (a) all cells are inside `bytes`, (b) which is borrowed for `'m`.
        Some(unsafe { Self::new(bytes.as_ptr().wrapping_add(start), stride, count, len) })
    }

    /// Divides a slice into adjacent cells of `len` bytes, none if that is 0; a shorter rest is left out.
    pub(crate) fn of_rows(bytes: &'m [u8], len: usize) -> Self {
        let count = bytes.len().checked_div(len).unwrap_or(0);
        // SAFETY: (a) `count * len` is at most the length of `bytes`, (b) which is borrowed for `'m`.
        unsafe { Self::new(bytes.as_ptr(), len.cast_signed(), count, len) }
    }

    /// Returns the number of cells.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Returns whether the cells are adjacent, in ascending order.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.count <= 1 || usize::try_from(self.stride) == Ok(self.len)
    }

    /// Returns the part of each cell from byte `offset` on that is `len` bytes long; `None` if cells are shorter.
    pub(crate) fn field(self, offset: usize, len: usize) -> Option<Self> {
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            return None;
        }
        Some(Self { first: self.first.wrapping_add(offset), len, ..self })
    }

    /// Removes the first cells, at most `most` of them, and returns them.
    pub(crate) fn split_off(&mut self, most: usize) -> Self {
        let first = Self { count: self.count.min(most), ..*self };
        self.count = self.count.saturating_sub(first.count);
        // Wraps only when no cell is left.
        self.first = self.first.wrapping_offset(self.stride.wrapping_mul(first.count.cast_signed()));
        first
    }

    /// Reads one byte per cache line of contiguous cells, so that the hardware prefetcher streams them: it follows
    /// ascending lines, but not the steps of a wide record.
    pub(crate) fn touch(&self) {
        let len = if self.is_contiguous() { self.count.saturating_mul(self.len) } else { 0 };
        for offset in (0..len).step_by(LINE) {
            // SAFETY: inside the `count * len` adjacent bytes, which may be read by the INVARIANT.
            core::hint::black_box(unsafe { self.first.wrapping_add(offset).read() });
        }
    }

    /// Copies all cells one after the other, reversing each unit of `unit` bytes. Returns `None`, and writes nothing,
    /// if `out` has another length.
    #[inline]
    pub(crate) fn read<'o>(self, unit: usize, mut out: Unfilled<'o>) -> Option<&'o mut [u8]> {
        if !self.is_contiguous() {
            return read_cells(self, unit, out);
        }
        if self.count.checked_mul(self.len) != Some(out.len()) {
            return None;
        }
        // SAFETY: (a) both copies copy initialised bytes.
        let to = unsafe { out.as_uninit() };
        let reversed = if unit <= 1 {
            // SAFETY: by the INVARIANT `count * len` adjacent bytes may be read, and `to` is as long; it is borrowed
            // exclusively, so they do not overlap.
            unsafe { core::ptr::copy_nonoverlapping(self.first, to.as_mut_ptr().cast(), to.len()) };
            true
        } else {
            // SAFETY: (a) by the INVARIANT `count * len` adjacent bytes may be read, and `to` is as long.
            unsafe { copy_contiguous(self.first, unit, to) }
        };
        // SAFETY: (b) one of the copies has written all of it.
        let filled = unsafe { out.assume_filled() };
        if !reversed {
            reverse_units(filled, unit);
        }
        Some(filled)
    }

    /// Copies as [`read`](Self::read) with stores that bypass the caches, where the width allows them.
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

    /// The loop of `stream` for cells of at least `W` bytes.
    #[inline(always)]
    fn stream_cells<const W: usize>(self, out: &mut [u8], change: impl Fn([u8; W]) -> [u8; W]) {
        let count = if W <= self.len { self.count } else { 0 };
        let mut from = self.first;
        nontemporal::fill(
            out,
            (0..count).map(|_| {
                // SAFETY: one of `count` cells, of which at least `W` bytes may be read by the INVARIANT; an array of
                // bytes has no alignment and no invalid value.
                let cell = unsafe { from.cast::<[u8; W]>().read() };
                from = from.wrapping_offset(self.stride);
                change(cell)
            }),
        );
    }
}

// SAFETY: (a) is the INVARIANT.
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
        // Without a comparison with `count`: a loop with one exit is unrolled.
        Some(cell)
    }
}

impl<'m> StridedMut<'m> {
    /// No cells.
    pub(crate) const EMPTY: Self =
        Self { first: core::ptr::dangling_mut(), stride: 0, count: 0, len: 0, memory: PhantomData };

    /// Describes cells in memory of any owner.
    ///
    /// # Safety
    /// - (a) while `'m` lasts, `len` initialised bytes may be read and written at each of `count` addresses, which
    ///   start at `first` and are `stride` bytes apart;
    /// - (b) nothing else reads or writes these bytes meanwhile.
    pub(crate) unsafe fn new(first: *mut u8, stride: isize, count: usize, len: usize) -> Self {
        Self { first, stride, count, len, memory: PhantomData }
    }

    /// Describes cells in a slice, of which the first starts at byte `start`; `None` if not all are inside.
    pub(crate) fn within(bytes: &'m mut [u8], start: usize, stride: isize, count: usize, len: usize) -> Option<Self> {
        if !fits(start, stride, count, len, bytes.len()) {
            return None;
        }
        // SAFETY: (a) all cells are inside `bytes`, (b) which is borrowed exclusively for `'m`.
        Some(unsafe { Self::new(bytes.as_mut_ptr().wrapping_add(start), stride, count, len) })
    }

    /// Divides a slice into adjacent cells of `len` bytes, none if that is 0; a shorter rest is left out.
    pub(crate) fn of_rows(bytes: &'m mut [u8], len: usize) -> Self {
        let count = bytes.len().checked_div(len).unwrap_or(0);
        // SAFETY: (a) `count * len` is at most the length of `bytes`, (b) which is borrowed exclusively for `'m`.
        unsafe { Self::new(bytes.as_mut_ptr(), len.cast_signed(), count, len) }
    }

    /// Returns the part of each cell from byte `offset` on that is `len` bytes long; `None` if cells are shorter.
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

    /// Returns the same cells to be read.
    pub(crate) fn as_strided(&self) -> Strided<'_> {
        // SAFETY: (a) all cells may be read by the INVARIANT, (b) and nothing writes to them while they are borrowed.
        unsafe { Strided::new(self.first, self.stride, self.count, self.len) }
    }

    /// Returns the same cells, borrowed for less long.
    pub(crate) fn reborrow(&mut self) -> StridedMut<'_> {
        StridedMut { memory: PhantomData, ..*self }
    }

    /// Copies the cells of `from`, reversing each unit of `unit` bytes. Returns `None` and writes nothing if the number
    /// or the length of the cells differs.
    #[inline]
    pub(crate) fn copy_from(mut self, from: Strided<'_>, unit: usize) -> Option<()> {
        if (self.count, self.len) != (from.count, from.len) {
            return None;
        }
        // SAFETY: (c) the cells of `self` may be written to (INVARIANT); their number and length are those of `from`. (d)
        // Nothing else reads or writes them, so they do not overlap with the cells of `from`.
        let reversed = unsafe { copy_cells::<_, false>(from, self.first, self.stride, unit) }?;
        if !reversed {
            self.reverse(unit);
        }
        Some(())
    }

    /// Reverses the bytes of each unit of `unit` bytes in each cell.
    pub(crate) fn reverse(&mut self, unit: usize) {
        match unit {
            0 | 1 => {}
            2 => self.reverse_each::<2>(),
            4 => self.reverse_each::<4>(),
            8 => self.reverse_each::<8>(),
            16 => self.reverse_each::<16>(),
            // Only a `DataModel` that the caller builds has units of other widths.
            unit => {
                for cell in 0..self.count {
                    self.reverse_cell(cell, unit);
                }
            }
        }
    }

    /// Reverses units of `W` bytes.
    fn reverse_each<const W: usize>(&mut self) {
        let units = self.len.div_euclid(W);
        let mut cell = self.first;
        for _ in 0..self.count {
            let mut to = cell;
            for _ in 0..units {
                // SAFETY: the `W` bytes at `to` are inside the cell, so they may be read (INVARIANT); an array of bytes has
                // no alignment and no invalid value.
                let bytes = reversed(unsafe { to.cast::<[u8; W]>().read() });
                // SAFETY: the same bytes, which may be written to by the INVARIANT.
                unsafe { to.cast::<[u8; W]>().write(bytes) };
                to = to.wrapping_add(W);
            }
            cell = cell.wrapping_offset(self.stride);
        }
    }

    /// Reverses units of `unit` bytes of one cell byte by byte.
    fn reverse_cell(&mut self, cell: usize, unit: usize) {
        if cell >= self.count {
            return;
        }
        let first = self.first.wrapping_offset(self.stride.wrapping_mul(cell.cast_signed()));
        let units = self.len.checked_div(unit).unwrap_or_default();
        for start in (0..units).map(|index| index.wrapping_mul(unit)) {
            for (low, high) in (0..unit >> 1_u32).zip((0..unit).rev()) {
                let (low, high) =
                    (first.wrapping_add(start.wrapping_add(low)), first.wrapping_add(start.wrapping_add(high)));
                // SAFETY: two different bytes of the cell, which may be read and written by the INVARIANT.
                unsafe { low.swap(high) };
            }
        }
    }
}

/// Copies all cells one after the other, reversing each unit of `unit` bytes. Returns `None` if `out` has another length or
/// an address is missing.
#[inline]
pub(crate) fn read_cells<A: CellAddresses>(from: A, unit: usize, mut out: Unfilled<'_>) -> Option<&mut [u8]> {
    if from.count().checked_mul(from.cell_len()) != Some(out.len()) {
        return None;
    }
    // SAFETY: (a) `copy_cells` copies initialised bytes.
    let to = unsafe { out.as_uninit() }.as_mut_ptr().cast();
    // SAFETY: (c) `out` is as long as all cells, one after the other; (d) it is borrowed exclusively.
    let reversed = unsafe { copy_cells::<A, true>(from, to, 0, unit) }?;
    // SAFETY: (b) no address was missing, so every cell was written.
    let filled = unsafe { out.assume_filled() };
    if !reversed {
        reverse_units(filled, unit);
    }
    Some(filled)
}

/// Copies all cells to places that are `to_stride` bytes apart, or adjacent where `DENSE`. Returns whether the units of
/// `unit` bytes were reversed on the way, or `None` if an address is missing.
///
/// # Safety
/// - (c) `from.cell_len()` bytes may be written at each of `from.count()` addresses, which start at `to` and are `to_stride`
///   bytes apart, or adjacent where `DENSE`;
/// - (d) these bytes do not overlap with the cells that are read.
#[inline(always)]
unsafe fn copy_cells<A: CellAddresses, const DENSE: bool>(
    from: A,
    to: *mut u8,
    to_stride: isize,
    unit: usize,
) -> Option<bool> {
    let len = from.cell_len();
    /// `copy_fixed` for the widths that are listed.
    macro_rules! copy {
        ($($width:literal)+) => {
            match len {
                0 => Some(()),
                // SAFETY: (c) and (d) are those of this function; (e) the width is `len`.
                $($width => unsafe { copy_fixed::<A, DENSE, $width>(from, to, to_stride, |cell| cell) },)+
                // SAFETY: (c) and (d) are those of this function.
                _ => unsafe { copy_any::<A, DENSE>(from, to, to_stride) },
            }
        };
    }
    let copied = match (len, unit) {
        // SAFETY: (c) and (d) are those of this function; (e) the width is `len`.
        (2, 2) => unsafe { copy_fixed::<A, DENSE, 2>(from, to, to_stride, reversed) },
        // SAFETY: as for 2.
        (4, 4) => unsafe { copy_fixed::<A, DENSE, 4>(from, to, to_stride, reversed) },
        // SAFETY: as for 2.
        (8, 8) => unsafe { copy_fixed::<A, DENSE, 8>(from, to, to_stride, reversed) },
        // SAFETY: as for 2.
        (16, 16) => unsafe { copy_fixed::<A, DENSE, 16>(from, to, to_stride, reversed) },
        _ => return copy!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 20 24 32 48 64).map(|()| unit <= 1),
    };
    copied.map(|()| true)
}

/// The loop of `copy_cells` for cells of `W` bytes, each changed on the way.
///
/// # Safety
/// - (c), (d) as for `copy_cells`
/// - (e) `W` is `from.cell_len()`
#[inline(always)]
unsafe fn copy_fixed<A: CellAddresses, const DENSE: bool, const W: usize>(
    mut from: A,
    to: *mut u8,
    to_stride: isize,
    change: impl Fn([u8; W]) -> [u8; W],
) -> Option<()> {
    // Where the stride is a constant, the loop is as fast as one over a slice.
    let to_stride = if DENSE { W.cast_signed() } else { to_stride };
    let mut to = to;
    for _ in 0..from.count() {
        // SAFETY: (b) this is called `count` times.
        let cell = unsafe { from.next() }?;
        // SAFETY: by (e) and duty (a) of `CellAddresses` these `W` bytes may be read; an array of bytes has no alignment and
        // no invalid value.
        let cell = change(unsafe { cell.cast::<[u8; W]>().read() });
        // SAFETY: by (c) and (e) these `W` bytes may be written to.
        unsafe { to.cast::<[u8; W]>().write(cell) };
        to = to.wrapping_offset(to_stride);
    }
    Some(())
}

/// The loop of `copy_cells` for cells of any length.
///
/// # Safety
/// - (c), (d) as for `copy_cells`
#[inline(always)]
unsafe fn copy_any<A: CellAddresses, const DENSE: bool>(mut from: A, to: *mut u8, to_stride: isize) -> Option<()> {
    let len = from.cell_len();
    let to_stride = if DENSE { len.cast_signed() } else { to_stride };
    let mut to = to;
    for _ in 0..from.count() {
        // SAFETY: (b) this is called `count` times.
        let cell = unsafe { from.next() }?;
        // SAFETY: by duty (a) of `CellAddresses` `len` bytes may be read, by (c) as many may be written to, and by (d) they do
        // not overlap.
        unsafe { core::ptr::copy_nonoverlapping(cell, to, len) };
        to = to.wrapping_offset(to_stride);
    }
    Some(())
}

/// Copies adjacent bytes to all of `to`. Returns whether the units of `unit` bytes, more than one, were reversed on the way.
///
/// # Safety
/// - (a) as many bytes as `to` has may be read from `from` on
#[cfg_attr(feature = "std", multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2")))]
unsafe fn copy_contiguous(from: *const u8, unit: usize, to: &mut [MaybeUninit<u8>]) -> bool {
    match unit {
        // SAFETY: (a) is that of this function.
        2 => unsafe { copy_reversed::<2>(from, to) },
        // SAFETY: as for 2.
        4 => unsafe { copy_reversed::<4>(from, to) },
        // SAFETY: as for 2.
        8 => unsafe { copy_reversed::<8>(from, to) },
        // SAFETY: as for 2.
        16 => unsafe { copy_reversed::<16>(from, to) },
        _ => {
            // SAFETY: by (a) as many bytes may be read; `to` is borrowed exclusively, so they do not overlap.
            unsafe { core::ptr::copy_nonoverlapping(from, to.as_mut_ptr().cast(), to.len()) };
            return false;
        }
    }
    true
}

/// Copies adjacent units of `W` bytes to all of `to`, each reversed; a shorter rest is copied as it is.
///
/// # Safety
/// - (a) as many bytes as `to` has may be read from `from` on
#[inline(always)]
unsafe fn copy_reversed<const W: usize>(from: *const u8, to: &mut [MaybeUninit<u8>]) {
    let mut unit_from = from;
    let len = to.len();
    let (units, rest) = to.as_chunks_mut::<W>();
    // Not `unit_from` after the loop: a value that outlives the loop keeps the compiler from vectorising its last steps.
    let rest_from = from.wrapping_add(len.wrapping_sub(rest.len()));
    for unit in units {
        // SAFETY: within the bytes of (a); an array of bytes has no alignment and no invalid value.
        let bytes = reversed(unsafe { unit_from.cast::<[u8; W]>().read() });
        let unit: *mut [MaybeUninit<u8>; W] = unit;
        // SAFETY: `W` bytes that are borrowed exclusively.
        unsafe { unit.cast::<[u8; W]>().write(bytes) };
        unit_from = unit_from.wrapping_add(W);
    }
    if !rest.is_empty() {
        // SAFETY: the last bytes of (a); `rest` is borrowed exclusively, so they do not overlap.
        unsafe { core::ptr::copy_nonoverlapping(rest_from, rest.as_mut_ptr().cast(), rest.len()) };
    }
}

/// Returns the bytes in reverse order.
#[inline(always)]
pub(crate) fn reversed<const W: usize>(mut cell: [u8; W]) -> [u8; W] {
    /// Reverses the bytes as an integer: the compiler vectorises a loop over these better than one over `reverse`, except
    /// for 16 bytes, which are two integers.
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

/// Reverses each unit of `unit` bytes.
#[cfg_attr(feature = "std", multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2")))]
pub(crate) fn reverse_units(bytes: &mut [u8], unit: usize) {
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

/// Units along each side of a tile.
pub(crate) const TILE: usize = 64;
/// Units from one line of a tile to the next. A power of two would map all lines to a few sets of the cache.
pub(crate) const TILE_PITCH: usize = TILE + 8;

/// Returns whether [`transpose`] has a loop for units of this width.
pub(crate) fn can_transpose(width: usize) -> bool {
    matches!(width, 1 | 2 | 4 | 8 | 16)
}

/// Copies the lines of a tile to the columns of `to`, whose rows start `pitch` bytes apart.
#[cfg_attr(feature = "std", multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2")))]
pub(crate) fn transpose(tile: &[u8], to: &mut [u8], pitch: usize, rows: usize, width: usize) {
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
        _ => debug_assert!(false, "no loop for units of {width} bytes: ask `can_transpose` first"),
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

    fn noise(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 31 + at / 7 + 1) as u8).collect()
    }

    /// The divisors of a length that are widths of units, and 1.
    fn units(len: usize) -> impl Iterator<Item = usize> {
        [1, 2, 3, 4, 8, 12, 16].into_iter().filter(move |unit| len.is_multiple_of(*unit))
    }

    /// A cell of noise with each unit reversed.
    fn cell(bytes: &[u8], at: isize, len: usize, unit: usize) -> Vec<u8> {
        let cell = &bytes[at as usize..][..len];
        cell.chunks(unit.max(1)).flat_map(|unit| unit.iter().rev()).copied().collect()
    }

    /// Calls a check for cells of each length and unit in each stride, with the first cell's offset.
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
            // Cells that do not overlap: else the order matters.
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
