//! The order in which the items of a view are visited: line by line, or all copied in C or Fortran order.

use alloc::vec::Vec;

use super::element::zeroed;
use super::error::{DecodeError, to_isize, wide};
use super::leaf::{Swap, swap_items};
use super::memory::{Memory, Run};
use crate::nontemporal;
use crate::strided::{Strided, StridedMut, TILE, TILE_PITCH, can_transpose, reverse_units, transpose};
use crate::view::{Order, View};

/// Bytes that are copied and then swapped while they are in the first-level cache.
const PIECE: usize = 1 << 14;
/// Bytes of a line from which on nontemporal stores are worth their fence.
const STREAMED: usize = 1 << 12;
/// Items along each side of a tile of items that cannot be transposed as units.
const ITEM_TILE: usize = 64;

/// A dimension.
#[derive(Clone, Copy, Debug)]
struct Axis {
    extent: u64,
    /// From one item to the next in the memory, in bytes.
    stride: isize,
    /// From one item to the next in the copy, in bytes.
    out: usize,
}

impl Axis {
    /// Returns the extent; it is an error if the address space is smaller.
    fn items(&self) -> Result<usize, DecodeError> {
        usize::try_from(self.extent).map_err(|_| DecodeError::Allocation { bytes: self.extent })
    }

    /// Returns the distance of an item in bounds from the first, in the memory and in the copy.
    fn step(&self, index: usize) -> (isize, usize) {
        // In bounds, so the products are parts of spans that fit.
        (self.stride.wrapping_mul(index.cast_signed()), self.out.wrapping_mul(index))
    }

    /// Returns the distance of the last item from the first, in the memory and in the copy.
    fn reach(&self) -> Result<(isize, usize), DecodeError> {
        let last = self.extent.saturating_sub(1);
        let too_large = || DecodeError::Allocation { bytes: self.extent };
        let memory = match self.stride {
            0 => Some(0),
            stride => isize::try_from(last).ok().and_then(|last| stride.checked_mul(last)),
        };
        let copy = match self.out {
            0 => Some(0),
            out => usize::try_from(last).ok().and_then(|last| out.checked_mul(last)),
        };
        memory.zip(copy).ok_or_else(too_large)
    }
}

/// Returns `n`, but at most `most`.
pub(super) fn at_most(n: u64, most: usize) -> usize {
    usize::try_from(n).map_or(most, |n| n.min(most))
}

/// Returns the number of dimensions up to the last one with a pointer.
pub(crate) fn path_len(view: &View<'_>) -> usize {
    let last = view.suboffsets().and_then(|suboffsets| suboffsets.iter().rposition(|suboffset| *suboffset >= 0));
    last.map_or(0, |last| last.saturating_add(1))
}

/// Returns length and stride of each dimension of a view that is not empty. `out` is 0, and so is the stride of a
/// dimension of one item.
fn axes(view: &View<'_>) -> Result<Vec<Axis>, DecodeError> {
    let axes = view.shape().iter().zip(view.strides()).map(|(extent, stride)| {
        // The stride of a dimension of one item may be any number.
        let stride = if *extent == 1 { 0 } else { to_isize(*stride)? };
        Ok(Axis { extent: extent.unsigned_abs(), stride, out: 0 })
    });
    axes.collect()
}

/// Merges neighbouring dimensions that are one line, and leaves out those of one item.
fn merged(axes: impl Iterator<Item = Axis>) -> Vec<Axis> {
    let mut merged: Vec<Axis> = Vec::new();
    for axis in axes.filter(|axis| axis.extent != 1) {
        if let Some(outer) = merged.last_mut() {
            let one_line = axis.items().is_ok_and(|items| {
                axis.stride.checked_mul(items.cast_signed()) == Some(outer.stride)
                    && axis.out.checked_mul(items) == Some(outer.out)
            });
            if let (true, Some(extent)) = (one_line, outer.extent.checked_mul(axis.extent)) {
                *outer = Axis { extent, ..axis };
                continue;
            }
        }
        merged.push(axis);
    }
    merged
}

/// The indices of one item along several axes, the last axis fastest.
#[derive(Debug)]
struct MultiIndex {
    indices: Vec<i64>,
    axes: Vec<Axis>,
    /// [`Axis::reach`] of each axis.
    reaches: Vec<(isize, usize)>,
    /// The offset of the item in the memory and in the copy, in bytes.
    offset: isize,
    at: usize,
}

impl MultiIndex {
    /// Starts at index 0 of each axis.
    fn new(axes: Vec<Axis>, offset: isize) -> Result<Self, DecodeError> {
        let reaches = axes.iter().map(Axis::reach).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { indices: alloc::vec![0; axes.len()], axes, reaches, offset, at: 0 })
    }

    /// Moves on by one item; after the last one back to the first, for which the result is `false`.
    fn advance(&mut self) -> bool {
        let axes = self.axes.iter().zip(&self.reaches);
        for (index, (axis, reach)) in self.indices.iter_mut().zip(axes).rev() {
            *index = index.wrapping_add(1);
            if index.unsigned_abs() < axis.extent {
                // In bounds, so the sums are parts of spans that fit.
                self.offset = self.offset.wrapping_add(axis.stride);
                self.at = self.at.wrapping_add(axis.out);
                return true;
            }
            *index = 0;
            self.offset = self.offset.wrapping_sub(reach.0);
            self.at = self.at.wrapping_sub(reach.1);
        }
        false
    }
}

/// The lines of items of a view, the last index fastest.
#[derive(Debug)]
pub(super) struct Runs {
    path: MultiIndex,
    outer: MultiIndex,
    inner: Axis,
    /// Items of the line that were visited.
    done: u64,
    /// The next item of the line.
    offset: isize,
    left: u64,
    itemsize: usize,
}

impl Runs {
    pub(super) fn new(view: &View<'_>, itemsize: usize) -> Result<Self, DecodeError> {
        let left = view.item_count();
        let all = if left == 0 { Vec::new() } else { axes(view)? };
        let (path, tail) = all.split_at(path_len(view).min(all.len()));
        let offset = if path.is_empty() { to_isize(view.offset())? } else { 0 };
        let mut outer = merged(tail.iter().copied());
        let inner = outer.pop().unwrap_or(Axis { extent: 1, stride: 0, out: 0 });
        // The memory itself follows the path.
        let path = path.iter().map(|axis| Axis { stride: 0, ..*axis }).collect();
        let (path, outer) = (MultiIndex::new(path, 0)?, MultiIndex::new(outer, offset)?);
        Ok(Self { path, outer, inner, done: 0, offset, left, itemsize })
    }

    /// Returns the number of items of one line.
    pub(super) fn line(&self) -> u64 {
        self.inner.extent
    }

    /// Returns the number of items that were not visited.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Returns the next items of a line, at most `most`; `None` after the last.
    pub(super) fn next(&mut self, most: usize) -> Option<Run<'_>> {
        if self.left == 0 || most == 0 {
            return None;
        }
        if self.done >= self.inner.extent {
            self.done = 0;
            if !self.outer.advance() {
                self.path.advance();
            }
            self.offset = self.outer.offset;
        }
        let items = at_most(self.inner.extent.saturating_sub(self.done), most);
        self.done = self.done.saturating_add(wide(items));
        self.left = self.left.saturating_sub(wide(items));
        let Self { offset, inner: Axis { stride, .. }, itemsize, .. } = *self;
        // Wraps only after the last item of the line.
        self.offset = offset.wrapping_add(stride.wrapping_mul(items.cast_signed()));
        Some(Run { path: &self.path.indices, offset, stride, items, itemsize })
    }
}

/// Copies all items of a view in an order into `out`, which is as long as they are together, and applies `swaps`.
pub(super) fn copy_items(
    view: &View<'_>,
    itemsize: usize,
    memory: &dyn Memory,
    order: Order,
    swaps: &[Swap],
    out: &mut [u8],
) -> Result<(), DecodeError> {
    if view.is_empty() || itemsize == 0 {
        return Ok(());
    }
    let (whole, large) = (Swap::uniform_unit(swaps, itemsize), out.len() >= nontemporal::LEAST);
    let mut copy = ItemCopy { memory, itemsize, swaps, whole, out, large, scratch: Default::default() };
    let line = |extent: u64, stride: isize| Axis { extent, stride, out: itemsize };
    if view.is_contiguous(order) {
        // One line, whatever the dimensions.
        return copy.line(&[], line(view.item_count(), itemsize.cast_signed()), to_isize(view.offset())?, 0);
    }
    if let ([extent], [stride], None) = (view.shape(), view.strides(), view.suboffsets()) {
        return copy.line(&[], line(extent.unsigned_abs(), to_isize(*stride)?), to_isize(view.offset())?, 0);
    }
    let mut all = axes(view)?;
    let mut next = itemsize;
    let mut place = |axis: &mut Axis| -> Result<(), DecodeError> {
        axis.out = next;
        next = axis.items()?.checked_mul(next).ok_or_else(|| DecodeError::internal("the copy has no length"))?;
        Ok(())
    };
    match order {
        Order::Fortran => all.iter_mut().try_for_each(&mut place)?,
        Order::C | Order::Any => all.iter_mut().rev().try_for_each(&mut place)?,
    }
    let mut tail = all.split_off(path_len(view).min(all.len()));
    let start = if all.is_empty() { to_isize(view.offset())? } else { 0 };
    // The line that is fastest in the copy comes last.
    tail.sort_by_key(|axis| core::cmp::Reverse(axis.out));
    let mut tail = short_steps_second(merged(tail.into_iter()));

    let inner = match all.last().and_then(|pointers| Some((*pointers, row(*pointers, &tail, itemsize)?))) {
        Some((pointers, row)) => {
            all.pop();
            tail.clear();
            Inner::Rows(pointers, row)
        }
        None => Inner::of(&mut tail, itemsize),
    };
    let (mut path, mut outer) = (MultiIndex::new(all, 0)?, MultiIndex::new(tail, start)?);
    loop {
        let at = path.at.wrapping_add(outer.at);
        match inner {
            Inner::Line(line) => copy.line(&path.indices, line, outer.offset, at)?,
            Inner::Tiles(across, line) if line.out == itemsize && can_transpose(itemsize) => {
                copy.transposed(&path.indices, across, line, outer.offset, at)?;
            }
            Inner::Tiles(across, line) => copy.tiles(&path.indices, across, line, outer.offset, at)?,
            Inner::Rows(pointers, row) => copy.rows(&path.indices, pointers, row, start, at)?,
        }
        if !outer.advance() && !path.advance() {
            return Ok(());
        }
    }
}

/// Moves the axis with the shortest steps in the memory next to the last, if that has longer ones: both are then copied
/// in tiles.
fn short_steps_second(mut axes: Vec<Axis>) -> Vec<Axis> {
    let Some((inner, outer)) = axes.split_last() else { return axes };
    let shortest = outer.iter().enumerate().min_by_key(|(_, axis)| axis.stride.unsigned_abs());
    if let Some((index, axis)) = shortest
        && axis.stride.unsigned_abs() < inner.stride.unsigned_abs()
        && axis.stride != 0
    {
        let axis = axes.remove(index);
        axes.insert(axes.len().saturating_sub(1), axis);
    }
    axes
}

/// Returns the items behind each pointer of an axis, if they are a line and the lines are adjacent in the copy.
fn row(pointers: Axis, tail: &[Axis], itemsize: usize) -> Option<Axis> {
    let row = match tail {
        [] => Axis { extent: 1, stride: 0, out: itemsize },
        [row] => *row,
        _ => return None,
    };
    let len = row.items().ok()?.checked_mul(itemsize)?;
    (row.out == itemsize && pointers.out == len).then_some(row)
}

/// The items that are copied by one call.
#[derive(Clone, Copy, Debug)]
enum Inner {
    Line(Axis),
    /// Two axes, the second one faster in the copy and slower in the memory.
    Tiles(Axis, Axis),
    /// Pointers, and the row behind each.
    Rows(Axis, Axis),
}

impl Inner {
    /// Removes the last axis, or the last two if they are copied in tiles.
    fn of(axes: &mut Vec<Axis>, itemsize: usize) -> Self {
        let Some(line) = axes.pop() else { return Self::Line(Axis { extent: 1, stride: 0, out: itemsize }) };
        let longer =
            |across: &mut Axis| across.stride != 0 && line.stride.unsigned_abs() > across.stride.unsigned_abs();
        match axes.pop_if(longer) {
            Some(across) => Self::Tiles(across, line),
            None => Self::Line(line),
        }
    }
}

/// A copy of all items that is under way.
struct ItemCopy<'c> {
    memory: &'c dyn Memory,
    itemsize: usize,
    swaps: &'c [Swap],
    /// The width of the units that are swapped, if they fill the item.
    whole: Option<usize>,
    out: &'c mut [u8],
    /// Whether the copy is so large that its lines bypass the caches.
    large: bool,
    /// A tile and the transposed tile; empty until they are needed.
    scratch: (Vec<u8>, Vec<u8>),
}

/// The error for an item that has no place in the copy, although the length of the copy was computed from the shape.
fn past_copy() -> DecodeError {
    DecodeError::internal("an item is past the end of the copy")
}

/// Returns `len` bytes of a vector, which is made longer if it must be.
fn grow(scratch: &mut Vec<u8>, len: usize) -> Result<&mut [u8], DecodeError> {
    if scratch.len() < len {
        *scratch = zeroed(len)?;
    }
    scratch.get_mut(..len).ok_or_else(past_copy)
}

impl ItemCopy<'_> {
    fn run<'r>(&self, path: &'r [i64], offset: isize, stride: isize, items: usize) -> Run<'r> {
        Run { path, offset, stride, items, itemsize: self.itemsize }
    }

    /// Copies all items of one line.
    fn line(&mut self, path: &[i64], axis: Axis, offset: isize, at: usize) -> Result<(), DecodeError> {
        let (itemsize, items) = (self.itemsize, axis.items()?);
        let mut source = self.memory.run(&self.run(path, offset, axis.stride, items))?;
        if axis.out != itemsize {
            return self.spread(source, axis, at);
        }
        let len = items.checked_mul(itemsize).and_then(|len| at.checked_add(len));
        let out = len.and_then(|end| self.out.get_mut(at..end)).ok_or_else(past_copy)?;
        let unit = self.whole.unwrap_or(1);
        let (contiguous, single) = (source.is_contiguous(), self.swaps.is_empty() || unit == itemsize);
        if self.large && !contiguous && single && out.len() >= STREAMED {
            return source.stream(unit, out).ok_or_else(past_copy);
        }
        if single || (contiguous && self.whole.is_some()) {
            return source.read(unit, out.into()).map(|_| ()).ok_or_else(past_copy);
        }
        let most = PIECE.checked_div(itemsize).map_or(1, |most| most.max(1));
        for piece in out.chunks_mut(most.saturating_mul(itemsize)) {
            source.split_off(most).read(unit, (&mut *piece).into()).ok_or_else(past_copy)?;
            if self.whole.is_none() {
                swap_items(piece, itemsize, self.swaps)?;
            }
        }
        Ok(())
    }

    /// Copies a line to items that are not adjacent in the copy.
    fn spread(&mut self, source: Strided<'_>, axis: Axis, at: usize) -> Result<(), DecodeError> {
        let stride = isize::try_from(axis.out).map_err(|_| past_copy())?;
        let mut to = StridedMut::within(self.out, at, stride, source.count(), self.itemsize).ok_or_else(past_copy)?;
        to.reborrow().copy_from(source, self.whole.unwrap_or(1)).ok_or_else(past_copy)?;
        if self.whole.is_none() {
            self.swaps.iter().try_for_each(|swap| swap.apply(&mut to))?;
        }
        Ok(())
    }

    /// Copies two dimensions in tiles, so that both sides of a tile stay in the cache.
    fn tiles(&mut self, path: &[i64], across: Axis, line: Axis, offset: isize, at: usize) -> Result<(), DecodeError> {
        let (rows, items) = (across.items()?, line.items()?);
        for top in (0..rows).step_by(ITEM_TILE) {
            for left in (0..items).step_by(ITEM_TILE) {
                let part = Axis { extent: wide(items.saturating_sub(left).min(ITEM_TILE)), ..line };
                for row in top..rows.min(top.saturating_add(ITEM_TILE)) {
                    let ((down, down_at), (right, right_at)) = (across.step(row), line.step(left));
                    let (down, down_at) = (offset.wrapping_add(down), at.wrapping_add(down_at));
                    self.line(path, part, down.wrapping_add(right), down_at.wrapping_add(right_at))?;
                }
            }
        }
        Ok(())
    }

    /// Copies two dimensions of items that are units: a tile is read along the lines of the memory, transposed in the
    /// first-level cache and written along the lines of the copy.
    fn transposed(
        &mut self,
        path: &[i64],
        across: Axis,
        line: Axis,
        offset: isize,
        at: usize,
    ) -> Result<(), DecodeError> {
        let (width, lines, extent) = (self.itemsize, across.items()?, line.items()?);
        let pitch = TILE_PITCH.saturating_mul(width);
        for top in (0..lines).step_by(TILE) {
            let rows = lines.saturating_sub(top).min(TILE);
            for left in (0..extent).step_by(TILE) {
                let items = extent.saturating_sub(left).min(TILE);
                let tile = grow(&mut self.scratch.0, items.saturating_mul(pitch))?;
                let (down, down_at) = across.step(top);
                let (right, right_at) = line.step(left);
                let start = offset.wrapping_add(down).wrapping_add(right);
                let len = rows.saturating_mul(width);
                if usize::try_from(across.stride) == Ok(width) {
                    // One copy for all lines: one for each line took 30 instead of 15 ms for 3000 x 3000 doubles.
                    let run = Run { path, offset: start, stride: line.stride, items, itemsize: len };
                    let to = StridedMut::within(tile, 0, pitch.cast_signed(), items, len).ok_or_else(past_copy)?;
                    to.copy_from(self.memory.run(&run)?, 1).ok_or_else(past_copy)?;
                } else {
                    for (index, row) in tile.chunks_exact_mut(pitch).enumerate() {
                        let offset = start.wrapping_add(line.step(index).0);
                        let run = Run { path, offset, stride: across.stride, items: rows, itemsize: width };
                        self.memory.read(&run, 1, row.get_mut(..len).ok_or_else(past_copy)?)?;
                    }
                }
                // The bytes between the lines are swapped too, and not copied.
                match self.whole {
                    Some(unit) => reverse_units(tile, unit),
                    None => swap_items(tile, width, self.swaps)?,
                }
                let start = at.wrapping_add(down_at).wrapping_add(right_at);
                let to = self.out.get_mut(start..).ok_or_else(past_copy)?;
                if self.large {
                    let turned = grow(&mut self.scratch.1, rows.saturating_mul(pitch))?;
                    transpose(tile, turned, pitch, rows, width);
                    nontemporal::copy_rows(turned, pitch, to, across.out, items.saturating_mul(width));
                } else {
                    transpose(tile, to, across.out, rows, width);
                }
            }
        }
        Ok(())
    }

    /// Copies the rows behind all pointers of an axis; they are adjacent in the copy.
    fn rows(&mut self, before: &[i64], pointers: Axis, row: Axis, start: isize, at: usize) -> Result<(), DecodeError> {
        let (items, rows) = (row.items()?, pointers.items()?);
        // Rows that are swapped are swapped while they are in the cache.
        let most =
            if self.swaps.is_empty() { rows } else { PIECE.checked_div(pointers.out).map_or(1, |most| most.max(1)) };
        let mut path = before.to_vec();
        path.push(0);
        let (mut left, mut at) = (rows, at);
        while left > 0 {
            let rows = left.min(most);
            let end = rows.checked_mul(pointers.out).and_then(|len| at.checked_add(len)).ok_or_else(past_copy)?;
            let out = self.out.get_mut(at..end).ok_or_else(past_copy)?;
            let run = Run { path: &path, offset: start, stride: row.stride, items, itemsize: self.itemsize };
            self.memory.read_rows(&run, rows, out)?;
            swap_items(out, self.itemsize, self.swaps)?;
            (left, at) = (left.saturating_sub(rows), end);
            if let Some(index) = path.last_mut() {
                // At most the extent, which is an i64.
                *index = index.saturating_add_unsigned(wide(rows));
            }
        }
        Ok(())
    }
}
