//! Memory of an exporter, which Rust does not own: items are copied out and in through raw pointers.
//!
//! The buffer protocol lends memory. Its exporter, and every other consumer, may go on writing to it. No reference to it
//! is ever made; bytes are copied to memory of this program before they are interpreted.
#![allow(unsafe_code, reason = "reads and writes memory of exporters through raw pointers")]

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::decode::{
    Buffer, BufferMut, DecodeError, EncodeError, Memory, MemoryMut, Plan, Run, path_len, to_isize, wide,
};
use crate::strided::{CellAddresses, Strided, StridedMut, read_cells};
use crate::view::{View, ViewError};

/// The memory of a buffer.
///
/// INVARIANT: made by `Foreign::new` only, so its duties (a) to (c) hold while it lives.
struct Foreign<'b> {
    buf: *const u8,
    view: &'b View<'b>,
    itemsize: usize,
    /// Dimensions up to the last one with a pointer; none where the view is empty.
    path: Vec<PathAxis>,
    /// The lowest and one past the highest byte of the items at the end of one path, counted as [`Run::offset`] is.
    bounds: (isize, isize),
}

/// One dimension up to the last one with a pointer.
struct PathAxis {
    extent: i64,
    /// From one index to the next, in bytes.
    stride: isize,
    /// Bytes to add behind the pointer; `None` in a dimension without pointers.
    suboffset: Option<isize>,
}

impl<'b> Foreign<'b> {
    /// # Safety
    /// Until it is dropped:
    /// - (a) without pointers, all bytes of the items, at the offsets from `buf` that `view` has, are in one live
    ///   allocation and may be read;
    /// - (b) with pointers, so may each pointer on the protocol's way to an item in bounds, and all items that are
    ///   reached from the last one;
    /// - (c) nothing writes to any of these bytes while a method of the buffer runs.
    #[inline(always)]
    unsafe fn new(view: &'b View<'b>, buf: *const u8) -> Result<Self, DecodeError> {
        let itemsize = to_isize(view.itemsize())?.cast_unsigned();
        let (path, bounds) = match view.byte_bounds() {
            Some(extent) => (Vec::new(), (to_isize(extent.low)?, to_isize(extent.high)?)),
            None => indirect(view)?,
        };
        Ok(Self { buf, view, itemsize, path, bounds })
    }

    /// Refuses a run that is not part of the view.
    fn check(&self, run: &Run<'_>) -> Result<(), DecodeError> {
        let inside = run.bounds().is_some_and(|(low, high)| low >= self.bounds.0 && high <= self.bounds.1);
        // Adjacent items may be one.
        let whole = run.itemsize.checked_rem(self.itemsize) == Some(0);
        if inside && run.path.len() == self.path.len() && whole {
            return Ok(());
        }
        Err(DecodeError::internal("a run is outside the view"))
    }

    /// Returns the address of the first item of a run.
    fn first(&self, run: &Run<'_>) -> Result<*const u8, DecodeError> {
        self.check(run)?;
        let start = if run.path.is_empty() { self.buf } else { self.follow(run.path)? };
        Ok(start.wrapping_offset(run.offset))
    }

    /// Returns the address that the indices lead to, through pointers where there are any.
    fn follow(&self, indices: &[i64]) -> Result<*const u8, DecodeError> {
        let mut here = self.buf.wrapping_offset(to_isize(self.view.offset())?);
        for (dimension, (index, axis)) in indices.iter().zip(&self.path).enumerate() {
            here = here.wrapping_offset(axis.distance(dimension, *index)?);
            if let Some(suboffset) = axis.suboffset {
                // SAFETY: the pointer is on the way to an item, since every index was compared with its extent: by duty
                // (b) of `new` it may be read, and by (c) nothing writes to it. The read needs no alignment.
                let next = unsafe { here.cast::<*const u8>().read_unaligned() };
                if next.is_null() {
                    return Err(null(dimension));
                }
                here = next.wrapping_offset(suboffset);
            }
        }
        Ok(here)
    }

    /// Returns the pointers to `rows` neighbouring rows, of which the first is that of the run.
    fn rows(&self, run: &Run<'_>, rows: usize) -> Result<RowPointers, DecodeError> {
        self.check(run)?;
        let (Some((index, before)), Some(axis)) = (run.path.split_last(), self.path.last()) else {
            return Err(DecodeError::Indirect);
        };
        let (dimension, suboffset) = (before.len(), axis.suboffset.ok_or(DecodeError::Indirect)?);
        let last = i64::try_from(rows).ok().and_then(|rows| index.checked_add(rows.checked_sub(1)?));
        axis.distance(dimension, last.ok_or_else(|| DecodeError::internal("a row has no index"))?)?;
        let here = self.follow(before)?.wrapping_offset(axis.distance(dimension, *index)?);
        let row_len = run.items.checked_mul(run.itemsize);
        let row_len = row_len.ok_or_else(|| DecodeError::internal("a row has no length"))?;
        let behind = suboffset.wrapping_add(run.offset);
        Ok(RowPointers { here, stride: axis.stride, count: rows, behind, row_len, dimension })
    }
}

/// Returns the dimensions up to the last one with a pointer, and the lowest and one past the highest byte of the items at
/// the end of one path; no dimensions where the view is empty.
#[cold]
fn indirect(view: &View<'_>) -> Result<(Vec<PathAxis>, (isize, isize)), DecodeError> {
    if view.shape().contains(&0) {
        return Ok((Vec::new(), (0, 0)));
    }
    let len = path_len(view);
    let suboffsets = view.suboffsets().unwrap_or(&[]);
    let axes = view.shape().iter().zip(view.strides());
    let path = axes.clone().zip(suboffsets).take(len).map(|((extent, stride), suboffset)| {
        // The stride of a dimension of one item may be any number.
        let stride = if *extent == 1 { 0 } else { to_isize(*stride)? };
        let suboffset = if *suboffset >= 0 { Some(to_isize(*suboffset)?) } else { None };
        Ok(PathAxis { extent: *extent, stride, suboffset })
    });
    let path = path.collect::<Result<Vec<_>, DecodeError>>()?;
    let (mut low, mut high) = (0_i64, view.itemsize());
    if len == 0 {
        (low, high) = (view.offset(), view.offset().saturating_add(high));
    }
    for (extent, stride) in axes.skip(len) {
        let reach = stride.saturating_mul(extent.saturating_sub(1));
        let end = if reach < 0 { &mut low } else { &mut high };
        *end = end.saturating_add(reach);
    }
    Ok((path, (to_isize(low)?, to_isize(high)?)))
}

impl PathAxis {
    /// Returns the distance of an index from index 0 in bytes.
    fn distance(&self, dimension: usize, index: i64) -> Result<isize, DecodeError> {
        if index < 0 || index >= self.extent {
            return Err(ViewError::IndexOutOfBounds { dimension, index, length: self.extent }.into());
        }
        // In bounds, so the product is part of a span that fits.
        Ok(self.stride.wrapping_mul(to_isize(index)?))
    }
}

/// The error for a NULL pointer.
fn null(dimension: usize) -> DecodeError {
    DecodeError::NullPointer { dimension: wide(dimension) }
}

/// Evenly spaced pointers, each to a row of items.
///
/// INVARIANT: made by `Foreign::rows` only, so by duty (b) of `Foreign::new` the next `count` pointers may be read, and so may
/// all bytes of the row that each leads to.
struct RowPointers {
    here: *const u8,
    stride: isize,
    count: usize,
    /// From where a pointer leads to the first item, in bytes.
    behind: isize,
    /// Bytes of a row of adjacent items.
    row_len: usize,
    dimension: usize,
}

// SAFETY: (a) is the INVARIANT where the items of a row are adjacent.
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
        // SAFETY: by (b) one of the `count` pointers of the INVARIANT. The read needs no alignment.
        let next = unsafe { self.here.cast::<*const u8>().read_unaligned() };
        if next.is_null() {
            return None;
        }
        self.here = self.here.wrapping_offset(self.stride);
        Some(next.wrapping_offset(self.behind))
    }
}

impl Memory for Foreign<'_> {
    fn run(&self, run: &Run<'_>) -> Result<Strided<'_>, DecodeError> {
        if run.items == 0 || run.itemsize == 0 {
            return Ok(Strided::EMPTY);
        }
        let first = self.first(run)?;
        // SAFETY: `first` has compared the run with the bounds of the view, so (a) by (a) or (b) of `new` all its items may
        // be read, (b) by (c) of `new` nothing writes to them: the result is used and dropped by a method of the buffer.
        Ok(unsafe { Strided::new(first, run.stride, run.items, run.itemsize) })
    }

    fn read_rows(&self, run: &Run<'_>, rows: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        if rows == 0 || run.items == 0 || run.itemsize == 0 {
            return Ok(());
        }
        let mut pointers = self.rows(run, rows)?;
        let dimension = pointers.dimension;
        let wrong = || DecodeError::internal("rows do not fill their copy");
        if pointers.row_len.checked_mul(rows) != Some(out.len()) {
            return Err(wrong());
        }
        if run.is_contiguous() {
            return read_cells(pointers, 1, out.into()).map(|_| ()).ok_or_else(|| null(dimension));
        }
        for row in out.chunks_exact_mut(pointers.row_len) {
            // SAFETY: (b) `out` has as many rows as there are pointers.
            let first = unsafe { pointers.next() }.ok_or_else(|| null(dimension))?;
            // SAFETY: (a) by the INVARIANT of `RowPointers` all items of the row may be read, (b) and by (c) of `new` nothing
            // writes to them.
            let items = unsafe { Strided::new(first, run.stride, run.items, run.itemsize) };
            items.read(1, row.into()).ok_or_else(wrong)?;
        }
        Ok(())
    }
}

/// Memory that may be written to.
///
/// INVARIANT: made by `BufferMut::from_ptr` only, so all bytes of the items may be written to, there is no reference to
/// them, and nothing reads them while a method of the buffer runs.
struct ForeignMut<'b>(Foreign<'b>);

impl Memory for ForeignMut<'_> {
    fn run(&self, run: &Run<'_>) -> Result<Strided<'_>, DecodeError> {
        self.0.run(run)
    }

    fn read_rows(&self, run: &Run<'_>, rows: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        self.0.read_rows(run, rows, out)
    }
}

impl MemoryMut for ForeignMut<'_> {
    fn run_mut(&mut self, run: &Run<'_>) -> Result<StridedMut<'_>, DecodeError> {
        if run.items == 0 || run.itemsize == 0 {
            return Ok(StridedMut::EMPTY);
        }
        let first = self.0.first(run)?.cast_mut();
        // SAFETY: `first` has compared the run with the bounds of the view, so (a) by (a) or (b) of `Foreign::new` and by
        // the INVARIANT all its items may be read and written, (b) and nothing else reads or writes them.
        Ok(unsafe { StridedMut::new(first, run.stride, run.items, run.itemsize) })
    }
}

impl<'b> Buffer<'b> {
    /// Makes a buffer over memory of any owner; `buf` is the `buf` of the `Py_buffer`.
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
    /// For all of `'b`:
    /// - (a) without suboffsets, all bytes of [`View::byte_bounds`], counted from `buf`, may be read and are in one live
    ///   allocation;
    /// - (b) with suboffsets, every pointer that [`View::steps`] follows to an item, and every item, may be read. NULL gives
    ///   an error; other invalid pointers are not detected;
    /// - (c) nothing writes to any of these bytes while a method of the buffer runs. In Python: hold the GIL, or what the
    ///   exporter requires in place of it.
    ///
    /// # Errors
    /// - a plan for items of another size
    /// - a view whose distances do not fit the address space of this machine
    pub unsafe fn from_ptr(view: &'b View<'b>, plan: &'b Plan, buf: *const u8) -> Result<Self, DecodeError> {
        // SAFETY: (a) to (c) are those of this function.
        let memory = unsafe { Foreign::new(view, buf) }?;
        Self::over(view, plan, Box::new(memory))
    }
}

impl<'b> BufferMut<'b> {
    /// Makes a writable buffer from a pointer to memory of any owner.
    ///
    /// # Safety
    /// - (a), (b), (c) of [`Buffer::from_ptr`]; in addition, nothing else reads the bytes while a method runs;
    /// - (d) all bytes of the items may be written to, and there is no reference to any of them.
    ///
    /// # Errors
    /// - a read-only view
    /// - a plan for items of another size
    /// - a view whose distances do not fit the address space of this machine
    pub unsafe fn from_ptr(view: &'b View<'b>, plan: &'b Plan, buf: *mut u8) -> Result<Self, EncodeError> {
        // SAFETY: (a) to (c) are those of this function; (d) gives the INVARIANT of `ForeignMut`.
        let memory = unsafe { Foreign::new(view, buf) }?;
        Self::over(view, plan, Box::new(ForeignMut(memory)))
    }
}
