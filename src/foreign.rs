//! Memory that Rust does not own, copied out of and into through raw pointers.
//!
//! The buffer protocol lends memory that its exporter, and everyone else who holds a buffer of it,
//! may go on writing to. So no reference to it is ever made: bytes are copied to where Rust may look
//! at them.
#![allow(unsafe_code, reason = "the one room for raw reads and writes of foreign memory")]

use alloc::boxed::Box;
use core::mem::MaybeUninit;

use crate::decode::{
    Buffer, BufferMut, Cells, DecodeError, EncodeError, LINE, Memory, MemoryMut, Next, Plan, Run, block_items,
    is_dense, path_len,
};
use crate::view::View;

/// The memory of a buffer.
///
/// INVARIANT: made by `Foreign::new` only, so its duties (a) to (c) hold while it lives.
struct Foreign<'b> {
    buf: *const u8,
    view: &'b View<'b>,
    /// Dimensions up to the last one with a pointer.
    path: usize,
    /// The lowest and one past the highest byte of the items behind one path, counted as in
    /// [`Run::offset`].
    extent: (i64, i64),
}

impl<'b> Foreign<'b> {
    /// # Safety
    /// Until it is dropped:
    /// - (a) without suboffsets, all bytes of `view.extent()`, counted from `buf`, are in one live
    ///   allocation and may be read;
    /// - (b) with suboffsets, so may each pointer that the protocol's way to an item in bounds reads,
    ///   and behind the last one all items that are reached from there;
    /// - (c) nobody writes to any of these bytes while a method runs.
    unsafe fn new(view: &'b View<'b>, buf: *const u8) -> Self {
        let path = path_len(view);
        Self { buf, view, path, extent: extent(view, path) }
    }

    /// Whether a run is one of this buffer, wherever its path leads.
    fn holds(&self, run: &Run<'_>) -> Result<(), DecodeError> {
        let (low, high) = run.extent().unwrap_or((i64::MIN, i64::MAX));
        let itemsize = i64::try_from(run.itemsize).unwrap_or(i64::MAX);
        if run.path.len() != self.path
            || low < self.extent.0
            || high > self.extent.1
            || itemsize != self.view.itemsize()
        {
            return Err(DecodeError::Outside { low, high, len: self.extent.1.unsigned_abs() });
        }
        Ok(())
    }

    /// Where a run starts, if it is one of this buffer.
    fn start(&self, run: &Run<'_>) -> Result<*const u8, DecodeError> {
        self.holds(run)?;
        if run.path.is_empty() {
            return Ok(self.buf.wrapping_offset(distance(run.offset)));
        }
        Ok(self.follow(run.path)?.wrapping_offset(distance(run.offset)))
    }

    /// The ways to a run behind each of `rows` neighbouring pointers, from that of its path on.
    fn pointers(&self, run: &Run<'_>, rows: usize) -> Result<Pointers, DecodeError> {
        self.holds(run)?;
        let (index, before) = run.path.split_last().ok_or(DecodeError::Indirect)?;
        let dimension = before.len();
        let axis = |numbers: Option<&[i64]>| numbers.and_then(|numbers| numbers.get(dimension)).copied();
        let view = self.view;
        let (extent, stride) = (axis(Some(view.shape())).unwrap_or(0), axis(Some(view.strides())).unwrap_or(0));
        let suboffset = axis(view.suboffsets()).filter(|suboffset| *suboffset >= 0).ok_or(DecodeError::Indirect)?;
        let end = i64::try_from(rows).ok().and_then(|rows| index.checked_add(rows));
        if *index < 0 || end.is_none_or(|end| end > extent) {
            let index = end.map_or(i64::MAX, |end| end.saturating_sub(1)).max(*index);
            return Err(crate::view::ViewError::IndexOutOfBounds { dimension, index, extent }.into());
        }
        let here = self.follow(before)?.wrapping_offset(distance(stride.wrapping_mul(*index)));
        let (stride, behind) = (distance(stride), distance(suboffset.wrapping_add(run.offset)));
        Ok(Pointers { here, stride, behind, dimension })
    }

    /// Where the last pointer on the way leads.
    fn follow(&self, path: &[i64]) -> Result<*const u8, DecodeError> {
        let (view, mut here) = (self.view, self.buf.wrapping_offset(distance(self.view.offset())));
        let axes = view.shape().iter().zip(view.strides()).zip(view.suboffsets().unwrap_or_default());
        for (dimension, (index, ((extent, stride), suboffset))) in path.iter().zip(axes).enumerate() {
            if *index < 0 || index >= extent {
                let (index, extent) = (*index, *extent);
                return Err(crate::view::ViewError::IndexOutOfBounds { dimension, index, extent }.into());
            }
            here = here.wrapping_offset(distance(stride.wrapping_mul(*index)));
            if *suboffset >= 0 {
                // SAFETY: the pointer lies on the way to an item, since every index was compared with
                // its extent: duty (b) of `new` makes it readable, (c) lets nobody write meanwhile.
                // No alignment is asked of it.
                let next = unsafe { here.cast::<*const u8>().read_unaligned() };
                if next.is_null() {
                    return Err(DecodeError::NullPointer { dimension: u64::try_from(dimension).unwrap_or(0) });
                }
                here = next.wrapping_offset(distance(*suboffset));
            }
        }
        Ok(here)
    }
}

/// Pointers that are a stride apart, each with items behind it.
///
/// INVARIANT: made by `Foreign::pointers` only, so by duty (b) of `Foreign::new` as many of them may be
/// read as it was asked for, and all bytes of the run may be read from where `next` leads.
struct Pointers {
    here: *const u8,
    stride: isize,
    /// From where a pointer leads to the first item, in bytes.
    behind: isize,
    dimension: usize,
}

impl Pointers {
    /// Where the next pointer leads; called as often as there are rows.
    #[inline(always)]
    fn next(&mut self) -> Result<*const u8, DecodeError> {
        // SAFETY: one of the pointers of the INVARIANT; no alignment is asked of it.
        let next = unsafe { self.here.cast::<*const u8>().read_unaligned() };
        if next.is_null() {
            return Err(DecodeError::NullPointer { dimension: u64::try_from(self.dimension).unwrap_or(0) });
        }
        self.here = self.here.wrapping_offset(self.stride);
        Ok(next.wrapping_offset(self.behind))
    }

    /// One row after the other, of `N` bytes that adjoin.
    fn read_short<const N: usize>(mut self, out: &mut [u8]) -> Result<(), DecodeError> {
        for row in out.as_chunks_mut::<N>().0 {
            let from = self.next()?;
            // SAFETY: by the INVARIANT these `N` bytes, one row, may be read; an array of bytes has no
            // alignment and no invalid value.
            *row = unsafe { from.cast::<[u8; N]>().read() };
        }
        Ok(())
    }

    /// One row after the other, of `len` bytes that adjoin.
    fn read_long(mut self, len: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        for row in out.chunks_exact_mut(len.max(1)) {
            let from = self.next()?;
            // SAFETY: by the INVARIANT the bytes of one row may be read; `row` is this program's, so they
            // do not overlap.
            unsafe { core::ptr::copy_nonoverlapping(from, row.as_mut_ptr(), row.len()) };
        }
        Ok(())
    }
}

/// The items behind one path.
fn extent(view: &View<'_>, path: usize) -> (i64, i64) {
    if path == 0 {
        let extent = view.extent().or_else(|| view.is_empty().then(Default::default)).unwrap_or_default();
        return (extent.low, extent.high);
    }
    if view.shape().contains(&0) {
        return (0, 0);
    }
    let (mut low, mut high) = (0_i64, view.itemsize());
    for (extent, stride) in view.shape().iter().zip(view.strides()).skip(path) {
        let reach = stride.saturating_mul(extent.saturating_sub(1));
        let end = if reach < 0 { &mut low } else { &mut high };
        *end = end.saturating_add(reach);
    }
    (low, high)
}

/// A distance of a view, which fits the address space because the memory does.
fn distance(bytes: i64) -> isize {
    isize::try_from(bytes).unwrap_or(0)
}

/// Copies `N` bytes from each of the places that are `stride` apart, each changed, until there is no room
/// for `N` more.
///
/// # Safety
/// - (d) at each of `out.len() / N` places that start at `from` and are `stride` bytes apart, `N`
///   bytes may be read.
#[inline(always)]
unsafe fn read_cells<const N: usize>(
    from: *const u8,
    stride: isize,
    out: &mut [MaybeUninit<u8>],
    change: impl Fn([u8; N]) -> [u8; N],
) {
    let mut from = from;
    for cell in out.as_chunks_mut::<N>().0 {
        // SAFETY: one of the places of (d); an array of bytes has no alignment and no invalid value.
        let bytes = change(unsafe { from.cast::<[u8; N]>().read() });
        let cell: *mut [MaybeUninit<u8>; N] = cell;
        // SAFETY: `N` bytes that are borrowed exclusively; an array of bytes has no alignment.
        unsafe { cell.cast::<[u8; N]>().write(bytes) };
        from = from.wrapping_offset(stride);
    }
}

/// `read_cells` for the lengths that are listed.
macro_rules! kept {
    ($len:expr, $from:expr, $stride:expr, $out:expr, [$($listed:literal)+] else $otherwise:block) => {
        match $len {
            // SAFETY: (d) is that of the function around.
            $($listed => unsafe { read_cells::<$listed>($from, $stride, $out, |cell| cell) },)+
            _ => $otherwise
        }
    };
}

/// Fills a room with `len` bytes from each of the places that are `stride` apart, units of `unit` bytes
/// swapped; gives back what of it is filled, which is all but what is no room for `len` more.
///
/// # Safety
/// - (d) at each of `out.len() / len` places that start at `from` and are `stride` bytes apart, `len`
///   bytes may be read.
unsafe fn read_column(
    from: *const u8,
    stride: isize,
    len: usize,
    unit: usize,
    out: &mut [MaybeUninit<u8>],
) -> &mut [u8] {
    let filled = out.len().saturating_sub(out.len().checked_rem(len).unwrap_or(out.len()));
    let mut swapped = true;
    match (len, unit) {
        // SAFETY: (d) is that of this function.
        (2, 2) => unsafe {
            read_cells::<2>(from, stride, out, |cell| u16::from_ne_bytes(cell).swap_bytes().to_ne_bytes());
        },
        // SAFETY: as for 2.
        (4, 4) => unsafe {
            read_cells::<4>(from, stride, out, |cell| u32::from_ne_bytes(cell).swap_bytes().to_ne_bytes());
        },
        // SAFETY: as for 2.
        (8, 8) => unsafe {
            read_cells::<8>(from, stride, out, |cell| u64::from_ne_bytes(cell).swap_bytes().to_ne_bytes());
        },
        _ => {
            swapped = unit <= 1;
            kept!(len, from, stride, out, [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 20 24 32] else {
                let mut from = from;
                for item in out.chunks_exact_mut(len.max(1)) {
                    // SAFETY: one of the places of (d); `item` is this program's, so they do not overlap.
                    unsafe { core::ptr::copy_nonoverlapping(from, item.as_mut_ptr().cast(), item.len()) };
                    from = from.wrapping_offset(stride);
                }
            });
        }
    }
    // Taken only now: what is written through `out` would end what a pointer from before may do.
    let start: *mut u8 = out.as_mut_ptr().cast();
    // SAFETY: bytes of `out`, which is borrowed exclusively and not used any more; each was written to
    // above, where only a rest of less than `len` was left out.
    let filled = unsafe { core::slice::from_raw_parts_mut(start, filled) };
    if !swapped {
        crate::decode::swap_in_place(filled, unit);
    }
    filled
}

/// Bytes as room for others.
///
/// # Safety
/// - (f) nothing is written to it but bytes that are initialised.
unsafe fn room(out: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: the same bytes, borrowed for as long; by (f) they stay what a `u8` is.
    unsafe { core::slice::from_raw_parts_mut(out.as_mut_ptr().cast(), out.len()) }
}

/// [`read_column`] to where bytes are already.
///
/// # Safety
/// - (d) as for `read_column`.
unsafe fn read_column_again(from: *const u8, stride: isize, len: usize, unit: usize, out: &mut [u8]) {
    // SAFETY: (f) holds: `read_column` writes what it has read.
    let out = unsafe { room(out) };
    // SAFETY: (d) is that of this function.
    unsafe { read_column(from, stride, len, unit, out) };
}

/// Reads a byte of each line of the cache, in the order in which they lie, which the processor
/// foresees.
///
/// # Safety
/// - (e) `len` bytes may be read from `from` on.
unsafe fn touch(from: *const u8, len: usize) {
    for offset in (0..len).step_by(LINE) {
        // SAFETY: one of the bytes of (e).
        core::hint::black_box(unsafe { from.wrapping_add(offset).read() });
    }
}

/// Copies `N` bytes from each of the places that are `stride` apart, each changed, past the caches.
///
/// # Safety
/// - (d) as for `read_cells`
unsafe fn stream_cells<const N: usize>(
    from: *const u8,
    stride: isize,
    out: &mut [u8],
    change: impl Fn([u8; N]) -> [u8; N],
) {
    let mut from = from;
    // As many as `out` has room for: its length is a multiple of `N`.
    crate::nontemporal::fill(out, || {
        // SAFETY: one of the places of (d); an array of bytes has no alignment and no invalid value.
        let cell = unsafe { from.cast::<[u8; N]>().read() };
        from = from.wrapping_offset(stride);
        change(cell)
    });
}

/// `read_column` past the caches, each item swapped or not; `false` if this is no way for the size.
///
/// # Safety
/// - (d) as for `read_column`
unsafe fn stream_strided(from: *const u8, stride: isize, itemsize: usize, swapped: bool, out: &mut [u8]) -> bool {
    match (itemsize, swapped) {
        // SAFETY: (d) is that of this function.
        (2, false) => unsafe { stream_cells::<2>(from, stride, out, |cell| cell) },
        // SAFETY: as for the first.
        (4, false) => unsafe { stream_cells::<4>(from, stride, out, |cell| cell) },
        // SAFETY: as for the first.
        (8, false) => unsafe { stream_cells::<8>(from, stride, out, |cell| cell) },
        // SAFETY: as for the first.
        (16, false) => unsafe { stream_cells::<16>(from, stride, out, |cell| cell) },
        // SAFETY: as for the first.
        (2, true) => unsafe {
            stream_cells::<2>(from, stride, out, |cell| u16::from_ne_bytes(cell).swap_bytes().to_ne_bytes())
        },
        // SAFETY: as for the first.
        (4, true) => unsafe {
            stream_cells::<4>(from, stride, out, |cell| u32::from_ne_bytes(cell).swap_bytes().to_ne_bytes())
        },
        // SAFETY: as for the first.
        (8, true) => unsafe {
            stream_cells::<8>(from, stride, out, |cell| u64::from_ne_bytes(cell).swap_bytes().to_ne_bytes())
        },
        _ => return false,
    }
    true
}

/// Copies units of `N` bytes that lie one after the other, each changed.
///
/// # Safety
/// - (e) `out.len()` bytes may be read from `from` on.
#[inline(always)]
unsafe fn read_units<const N: usize>(from: *const u8, out: &mut [u8], change: impl Fn([u8; N]) -> [u8; N]) {
    let mut from = from;
    for cell in out.as_chunks_mut::<N>().0 {
        // SAFETY: within the bytes of (e); an array of bytes has no alignment and no invalid value.
        *cell = change(unsafe { from.cast::<[u8; N]>().read() });
        from = from.wrapping_add(N);
    }
}

/// Copies units of `width` bytes that lie one after the other, each swapped; `false` for widths that
/// no integer has.
///
/// # Safety
/// - (e) `out.len()` bytes may be read from `from` on.
#[cfg_attr(feature = "std", multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2")))]
unsafe fn read_contiguous_swapped(from: *const u8, width: usize, out: &mut [u8]) -> bool {
    match width {
        // SAFETY: (e) is that of this function.
        2 => unsafe { read_units::<2>(from, out, |unit| u16::from_ne_bytes(unit).swap_bytes().to_ne_bytes()) },
        // SAFETY: as for 2.
        4 => unsafe { read_units::<4>(from, out, |unit| u32::from_ne_bytes(unit).swap_bytes().to_ne_bytes()) },
        // SAFETY: as for 2.
        8 => unsafe { read_units::<8>(from, out, |unit| u64::from_ne_bytes(unit).swap_bytes().to_ne_bytes()) },
        // SAFETY: as for 2.
        16 => unsafe { read_units::<16>(from, out, |unit| u128::from_ne_bytes(unit).swap_bytes().to_ne_bytes()) },
        _ => return false,
    }
    true
}

impl Memory for Foreign<'_> {
    fn fills(&self) -> bool {
        true
    }

    fn read_swapped(&self, run: Run<'_>, width: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        let all = run.items.checked_mul(run.itemsize);
        if run.is_contiguous() && all == Some(out.len()) && !out.is_empty() {
            let from = self.start(&run)?;
            // SAFETY: (e) holds: `start` has compared the run, which is as long as `out`, with the
            // extent, whose bytes are readable by (a) or (b) of `new`.
            if unsafe { read_contiguous_swapped(from, width, out) } {
                return Ok(());
            }
        }
        self.read(run, out)?;
        crate::decode::swap_in_place(out, width);
        Ok(())
    }

    fn gather(&self, run: Run<'_>, cells: &mut [Cells<'_>]) -> Result<bool, DecodeError> {
        if run.items == 0 || cells.iter().any(|cells| cells.end().is_none_or(|end| end > run.itemsize)) {
            return Ok(false);
        }
        let (mut from, stride) = (self.start(&run)?, distance(run.stride));
        let (most, dense) = (block_items(run.itemsize), run.is_contiguous() && is_dense(cells, run.itemsize));
        let mut left = run.items;
        while left > 0 {
            let items = left.min(most);
            if dense {
                // SAFETY: (e) holds: the items adjoin, and are of the run that `start` has compared with
                // the extent, whose bytes are readable by (a) or (b) of `new`.
                unsafe { touch(from, items.saturating_mul(run.itemsize)) };
            }
            for cells in cells.iter_mut() {
                let (first, len, unit) = (from.wrapping_add(cells.offset), cells.len, cells.unit);
                match cells.next(items) {
                    // SAFETY: (d) holds: `column` has room for `items` cells at most, each of which lies in
                    // its item by the look at its end, and the items are readable as above.
                    Next::Slice(column) => unsafe { read_column_again(first, stride, len, unit, column) },
                    Next::End(column, bytes) => column.grow(bytes, &mut |room| {
                        // SAFETY: as for the slice: `room` has no more than `bytes`, which are `items` cells.
                        unsafe { read_column(first, stride, len, unit, room) }
                    }),
                }
            }
            left = left.saturating_sub(items);
            from = from.wrapping_offset(stride.wrapping_mul(isize::try_from(items).unwrap_or(0)));
        }
        Ok(true)
    }

    fn read(&self, run: Run<'_>, out: &mut [u8]) -> Result<(), DecodeError> {
        if run.items == 0 || run.itemsize == 0 {
            return Ok(());
        }
        let from = self.start(&run)?;
        let (stride, len) = (distance(run.stride), out.len().min(run.items.saturating_mul(run.itemsize)));
        let out = out.get_mut(..len).unwrap_or_default();
        if run.is_contiguous() {
            // SAFETY: `start` has compared the run with the extent, so by (a) or (b) of `new` these
            // bytes are readable, by (c) not written to; `out` is this program's, so they do not overlap.
            unsafe { core::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len()) };
            return Ok(());
        }
        // SAFETY: (d) holds: `start` has compared all of the run with the extent, whose bytes are readable
        // by (a) or (b) of `new`, and `out` is no longer than its items.
        unsafe { read_column_again(from, stride, run.itemsize, 1, out) };
        Ok(())
    }

    fn read_past(&self, run: Run<'_>, swapped: bool, out: &mut [u8]) -> Result<(), DecodeError> {
        if run.items.checked_mul(run.itemsize) == Some(out.len()) && !out.is_empty() {
            let (from, stride) = (self.start(&run)?, distance(run.stride));
            // SAFETY: (d) holds: `start` has compared all of the run, which is as long as `out`, with the
            // extent, whose bytes are readable by (a) or (b) of `new`.
            if unsafe { stream_strided(from, stride, run.itemsize, swapped, out) } {
                return Ok(());
            }
        }
        if swapped {
            return self.read_swapped(run, run.itemsize, out);
        }
        self.read(run, out)
    }

    fn read_rows(&self, run: Run<'_>, rows: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        let len = run.items.saturating_mul(run.itemsize);
        let all = rows.checked_mul(len).filter(|all| *all > 0);
        let Some(out) = all.and_then(|all| out.get_mut(..all)) else { return Ok(()) };
        let mut pointers = self.pointers(&run, rows)?;
        if !run.is_contiguous() {
            let stride = distance(run.stride);
            for row in out.chunks_exact_mut(len) {
                let from = pointers.next()?;
                // SAFETY: (d) holds: by the INVARIANT of `Pointers` all items of one row may be read.
                unsafe { read_column_again(from, stride, run.itemsize, 1, row) };
            }
            return Ok(());
        }
        // The width is chosen outside of the loop.
        match len {
            1 => pointers.read_short::<1>(out),
            2 => pointers.read_short::<2>(out),
            4 => pointers.read_short::<4>(out),
            8 => pointers.read_short::<8>(out),
            12 => pointers.read_short::<12>(out),
            16 => pointers.read_short::<16>(out),
            24 => pointers.read_short::<24>(out),
            32 => pointers.read_short::<32>(out),
            48 => pointers.read_short::<48>(out),
            64 => pointers.read_short::<64>(out),
            len => pointers.read_long(len, out),
        }
    }
}

/// Memory that may be written to.
///
/// INVARIANT: made by `BufferMut::from_ptr` only, so all bytes of the items may be written to.
struct ForeignMut<'b>(Foreign<'b>);

impl Memory for ForeignMut<'_> {
    fn read_swapped(&self, run: Run<'_>, width: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        self.0.read_swapped(run, width, out)
    }

    fn gather(&self, run: Run<'_>, cells: &mut [Cells<'_>]) -> Result<bool, DecodeError> {
        self.0.gather(run, cells)
    }

    fn read(&self, run: Run<'_>, out: &mut [u8]) -> Result<(), DecodeError> {
        self.0.read(run, out)
    }

    fn read_past(&self, run: Run<'_>, swapped: bool, out: &mut [u8]) -> Result<(), DecodeError> {
        self.0.read_past(run, swapped, out)
    }

    fn read_rows(&self, run: Run<'_>, rows: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        self.0.read_rows(run, rows, out)
    }
}

impl MemoryMut for ForeignMut<'_> {
    fn write(&mut self, run: Run<'_>, from: &[u8]) -> Result<(), DecodeError> {
        if run.items == 0 || run.itemsize == 0 {
            return Ok(());
        }
        let mut to = self.0.start(&run)?.cast_mut();
        for item in from.chunks_exact(run.itemsize).take(run.items) {
            // SAFETY: one item of the run, which `start` has compared with the extent; by the INVARIANT
            // its bytes may be written to. `item` is this program's, so they do not overlap.
            unsafe { core::ptr::copy_nonoverlapping(item.as_ptr(), to, item.len()) };
            to = to.wrapping_offset(distance(run.stride));
        }
        Ok(())
    }
}

impl<'b> Buffer<'b> {
    /// A buffer over memory of any owner; `buf` is the `buf` of the `Py_buffer`.
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
    /// // SAFETY: (a) the three items lie at `last` and before it; (b) there are no suboffsets;
    /// // (c) nobody else has the array.
    /// let buffer = unsafe { Buffer::from_ptr(&view, &plan, last) }?;
    /// assert_eq!(buffer.to_vec::<f64>(Order::C)?, [3.5, 2.5, 1.5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Safety
    /// For all of `'b`:
    /// - (a) without suboffsets, all bytes of [`View::extent`], counted from `buf`, are in one live
    ///   allocation and may be read;
    /// - (b) with suboffsets, so may each pointer that lies on the way of [`View::steps`] to any item,
    ///   and all items behind it. NULL is noticed, other bad pointers are not;
    /// - (c) nobody writes to any of these bytes while a method of the buffer runs. In Python: hold
    ///   the GIL, or whatever the exporter asks for without it.
    ///
    /// # Errors
    /// - a plan for items of another size
    pub unsafe fn from_ptr(view: &'b View<'b>, plan: &'b Plan, buf: *const u8) -> Result<Self, DecodeError> {
        // SAFETY: (a) to (c) are those of this function.
        let memory = unsafe { Foreign::new(view, buf) };
        Self::over(view, plan, Box::new(memory))
    }
}

impl<'b> BufferMut<'b> {
    /// A buffer over memory of any owner, to be written to.
    ///
    /// # Safety
    /// - (a), (b), (c) of [`Buffer::from_ptr`], and by (c) nobody reads while a method runs either;
    /// - (d) all bytes of the items may be written to, and there is no reference to any of them.
    ///
    /// # Errors
    /// - a read-only view
    /// - a plan for items of another size
    pub unsafe fn from_ptr(view: &'b View<'b>, plan: &'b Plan, buf: *mut u8) -> Result<Self, EncodeError> {
        // SAFETY: (a) to (c) are those of this function; (d) gives the INVARIANT of `ForeignMut`.
        let memory = unsafe { Foreign::new(view, buf) };
        Self::over(view, plan, Box::new(ForeignMut(memory)))
    }
}
