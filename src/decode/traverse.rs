//! [`Runs`] and [`copy_items`]: the traversal of the items of a view. [`Runs`] visits the items line by line, and
//! [`copy_items`] copies all items in C or Fortran order.
//!
//! A *line* is a sequence of evenly spaced items along one dimension, or along several dimensions that were merged. A
//! *unit* is a group of adjacent bytes whose reversal changes the byte order of a value, such as the bytes of a number.
//! The *copy* is the slice that [`copy_items`] writes. A *tile* is a square block of items in two dimensions, small
//! enough for the cache.

use alloc::vec::Vec;

use super::element::zeroed;
use super::error::{DecodeError, to_isize};
use super::leaf::{Swap, swap_items};
use super::memory::{Memory, Run};
use crate::align::to_u64;
use crate::nontemporal;
use crate::strided::{Strided, StridedMut, TILE, TILE_PITCH, can_transpose, reverse_units, transpose};
use crate::view::{Order, View};

/// The size of a block in bytes. A block is copied first, and its units are reversed afterwards. A block of this size
/// is still in the first-level cache when its units are reversed.
const SWAP_BLOCK: usize = 1 << 14;
/// The size in bytes of the smallest line that is copied with nontemporal stores, which bypass the caches. For a
/// shorter line, the memory fence costs more time than the stores save.
const LEAST_STREAMED: usize = 1 << 12;
/// The number of items along each side of a tile in `copy_tiles`.
const TILE_ITEMS: usize = 64;

/// A dimension of a view, or several dimensions that were merged into one line.
#[derive(Clone, Copy, Debug)]
struct Axis {
    /// The number of items.
    len: u64,
    /// The distance from one item to the next in the memory of the view, in bytes.
    stride: isize,
    /// The distance from one item to the next in the copy, in bytes, or 0 if no copy is made.
    out_stride: usize,
}

impl Axis {
    /// Returns the number of items as a `usize`. Returns an error if the number is larger than the address space.
    fn items(&self) -> Result<usize, DecodeError> {
        usize::try_from(self.len).map_err(|_| DecodeError::Allocation { bytes: self.len })
    }

    /// Returns two distances in bytes from the first item to the item with the index `index`: the distance in the
    /// memory of the view, and the distance in the copy.
    fn step(&self, index: usize) -> (isize, usize) {
        // The products do not wrap for an index in bounds: the whole view and the whole copy are shorter than
        // `isize::MAX` bytes.
        (self.stride.wrapping_mul(index.cast_signed()), self.out_stride.wrapping_mul(index))
    }

    /// Returns two distances in bytes from the first item to the last item: the distance in the memory of the view, and
    /// the distance in the copy. Returns an error if a distance is larger than the address space.
    fn last_step(&self) -> Result<(isize, usize), DecodeError> {
        let last = self.len.saturating_sub(1);
        let too_large = || DecodeError::Allocation { bytes: self.len };
        let memory = match self.stride {
            0 => Some(0),
            stride => isize::try_from(last).ok().and_then(|last| stride.checked_mul(last)),
        };
        let copy = match self.out_stride {
            0 => Some(0),
            out => usize::try_from(last).ok().and_then(|last| out.checked_mul(last)),
        };
        memory.zip(copy).ok_or_else(too_large)
    }
}

/// Returns the smaller of the numbers `n` and `most` as a `usize`.
pub(super) fn at_most(n: u64, most: usize) -> usize {
    usize::try_from(n).map_or(most, |n| n.min(most))
}

/// Returns the number of leading dimensions of `view` that are needed to reach the rows of its items: all dimensions up
/// to and including the last dimension with pointers (a suboffset of 0 or more). Returns 0 if `view` has no pointers.
pub(crate) fn path_len(view: &View<'_>) -> usize {
    let last = view.suboffsets().and_then(|suboffsets| suboffsets.iter().rposition(|suboffset| *suboffset >= 0));
    last.map_or(0, |last| last.saturating_add(1))
}

/// Returns one axis for each dimension of `view`. `view` must have items. Each axis has the `out_stride` 0. An axis of
/// one item also has the `stride` 0. Returns an error if a stride is larger than the address space.
fn axes(view: &View<'_>) -> Result<Vec<Axis>, DecodeError> {
    let axes = view.shape().iter().zip(view.strides()).map(|(length, stride)| {
        // The protocol permits any stride for a dimension of one item.
        let stride = if *length == 1 { 0 } else { to_isize(*stride)? };
        Ok(Axis { len: length.unsigned_abs(), stride, out_stride: 0 })
    });
    axes.collect()
}

/// Merges consecutive `axes` whose items form one line, both in the memory of the view and in the copy. Removes axes of
/// one item. Returns the resulting axes in the same order.
fn merge_axes(axes: impl Iterator<Item = Axis>) -> Vec<Axis> {
    let mut merged: Vec<Axis> = Vec::new();
    for axis in axes.filter(|axis| axis.len != 1) {
        if let Some(outer) = merged.last_mut() {
            let one_line = axis.items().is_ok_and(|items| {
                axis.stride.checked_mul(items.cast_signed()) == Some(outer.stride)
                    && axis.out_stride.checked_mul(items) == Some(outer.out_stride)
            });
            if let (true, Some(len)) = (one_line, outer.len.checked_mul(axis.len)) {
                *outer = Axis { len, ..axis };
                continue;
            }
        }
        merged.push(axis);
    }
    merged
}

/// The index of one item on each of several axes, and the offsets of this item. [`advance`](Self::advance) increases
/// the index on the last axis first.
#[derive(Debug)]
struct MultiIndex {
    /// The index of the item on each axis.
    indices: Vec<i64>,
    axes: Vec<Axis>,
    /// The result of [`Axis::last_step`] for each axis.
    last_steps: Vec<(isize, usize)>,
    /// The offset of the item in the memory of the view, in bytes.
    offset: isize,
    /// The offset of the item in the copy, in bytes.
    out_offset: usize,
}

impl MultiIndex {
    /// Creates the position of the first item, with the index 0 on each of `axes`. `offset` is the offset of the first
    /// item in the memory of the view, in bytes. Returns an error if an axis is longer than the address space.
    fn new(axes: Vec<Axis>, offset: isize) -> Result<Self, DecodeError> {
        let last_steps = axes.iter().map(Axis::last_step).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { indices: alloc::vec![0; axes.len()], axes, last_steps, offset, out_offset: 0 })
    }

    /// Advances to the next item. After the last item, returns `false` and starts again at the first item.
    fn advance(&mut self) -> bool {
        let axes = self.axes.iter().zip(&self.last_steps);
        for (index, (axis, last_step)) in self.indices.iter_mut().zip(axes).rev() {
            *index = index.wrapping_add(1);
            if index.unsigned_abs() < axis.len {
                // The sums do not wrap, because the new item is inside the view and inside the copy.
                self.offset = self.offset.wrapping_add(axis.stride);
                self.out_offset = self.out_offset.wrapping_add(axis.out_stride);
                return true;
            }
            *index = 0;
            self.offset = self.offset.wrapping_sub(last_step.0);
            self.out_offset = self.out_offset.wrapping_sub(last_step.1);
        }
        false
    }
}

/// The state of a traversal of all items of a view, line by line. The last index changes fastest.
#[derive(Debug)]
pub(super) struct Runs {
    /// The indices of the current line in the dimensions from the first to the last dimension with pointers.
    path: MultiIndex,
    /// The indices of the current line in the dimensions between `path` and `inner`.
    outer: MultiIndex,
    /// The axis of one line: its number of items and its stride.
    inner: Axis,
    /// The number of items of the current line that [`next_run`](Self::next_run) has returned.
    done: u64,
    /// The offset of the next item in bytes, from the byte that [`Run::offset`] defines.
    offset: isize,
    /// The number of items that [`next_run`](Self::next_run) has not returned yet.
    items_left: u64,
    /// The size of an item in bytes.
    itemsize: usize,
}

impl Runs {
    /// Starts a traversal at the first item of `view`. `itemsize` is the size of an item in bytes. Returns an error if
    /// a stride or an offset of `view` is larger than the address space.
    pub(super) fn new(view: &View<'_>, itemsize: usize) -> Result<Self, DecodeError> {
        let items_left = view.item_count();
        let all = if items_left == 0 { Vec::new() } else { axes(view)? };
        let (path, tail) = all.split_at(path_len(view).min(all.len()));
        let offset = if path.is_empty() { to_isize(view.offset())? } else { 0 };
        let mut outer = merge_axes(tail.iter().copied());
        // If no axis after the pointers has more than one item, each line is one item.
        let inner = outer.pop().unwrap_or(Axis { len: 1, stride: 0, out_stride: 0 });
        // The axes of the path get a stride of 0, because `Memory` adds their strides when it follows the pointers.
        let path = path.iter().map(|axis| Axis { stride: 0, ..*axis }).collect();
        let (path, outer) = (MultiIndex::new(path, 0)?, MultiIndex::new(outer, offset)?);
        Ok(Self { path, outer, inner, done: 0, offset, items_left, itemsize })
    }

    /// Returns the number of items of one line. All lines have the same length.
    pub(super) fn line_len(&self) -> u64 {
        self.inner.len
    }

    /// Returns the number of items that [`next_run`](Self::next_run) has not returned yet.
    pub(super) fn items_left(&self) -> u64 {
        self.items_left
    }

    /// Returns the next items as a [`Run`] of at most `most` items, and advances past these items. All items of the run
    /// are in one line. If the current line has no items left, the run starts the next line. Returns `None` after the
    /// last item of the view, or if `most` is 0.
    pub(super) fn next_run(&mut self, most: usize) -> Option<Run<'_>> {
        if self.items_left == 0 || most == 0 {
            return None;
        }
        if self.done >= self.inner.len {
            self.done = 0;
            if !self.outer.advance() {
                self.path.advance();
            }
            self.offset = self.outer.offset;
        }
        let items = at_most(self.inner.len.saturating_sub(self.done), most);
        self.done = self.done.saturating_add(to_u64(items));
        self.items_left = self.items_left.saturating_sub(to_u64(items));
        let Self { offset, inner: Axis { stride, .. }, itemsize, .. } = *self;
        // The sum can wrap only after the last item of the line. A wrapped sum is never used.
        self.offset = offset.wrapping_add(stride.wrapping_mul(items.cast_signed()));
        Some(Run { path: &self.path.indices, offset, stride, items, itemsize })
    }
}

/// Copies all items of `view` from `memory` to `out`, without gaps and in the order `order`. After the copy of an item,
/// reverses the units of `swaps` in this item. `itemsize` is the size of an item in bytes. The length of `out` must be
/// the number of items times `itemsize`. Does nothing if there are no items or if an item has 0 bytes. Returns an error
/// if `memory` returns an error or if `out` is too short.
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
    let (uniform_unit, large) = (Swap::uniform_unit(swaps, itemsize), out.len() >= nontemporal::MIN_LEN);
    let mut copy = ItemCopy { memory, itemsize, swaps, uniform_unit, out, large, scratch: Default::default() };
    let line = |len: u64, stride: isize| Axis { len, stride, out_stride: itemsize };
    if view.is_contiguous(order) {
        // A contiguous view is one line in any number of dimensions.
        return copy.copy_line(&[], line(view.item_count(), itemsize.cast_signed()), to_isize(view.offset())?, 0);
    }
    if let ([length], [stride], None) = (view.shape(), view.strides(), view.suboffsets()) {
        return copy.copy_line(&[], line(length.unsigned_abs(), to_isize(*stride)?), to_isize(view.offset())?, 0);
    }
    let mut all = axes(view)?;
    let mut next = itemsize;
    let mut place = |axis: &mut Axis| -> Result<(), DecodeError> {
        axis.out_stride = next;
        next = axis.items()?.checked_mul(next).ok_or_else(|| DecodeError::internal("the copy has no length"))?;
        Ok(())
    };
    match order {
        Order::Fortran => all.iter_mut().try_for_each(&mut place)?,
        Order::C | Order::Any => all.iter_mut().rev().try_for_each(&mut place)?,
    }
    let mut tail = all.split_off(path_len(view).min(all.len()));
    let start = if all.is_empty() { to_isize(view.offset())? } else { 0 };
    // The axis whose items are adjacent in the copy becomes the last axis.
    tail.sort_by_key(|axis| core::cmp::Reverse(axis.out_stride));
    let mut tail = move_shortest_stride(merge_axes(tail.into_iter()));

    let inner = match all.last().and_then(|pointers| Some((*pointers, row_of_pointer(*pointers, &tail, itemsize)?))) {
        Some((pointers, row)) => {
            all.pop();
            tail.clear();
            InnerLoop::Rows(pointers, row)
        }
        None => InnerLoop::remove_from(&mut tail, itemsize),
    };
    let (mut path, mut outer) = (MultiIndex::new(all, 0)?, MultiIndex::new(tail, start)?);
    loop {
        let out_offset = path.out_offset.wrapping_add(outer.out_offset);
        match inner {
            InnerLoop::Line(line) => copy.copy_line(&path.indices, line, outer.offset, out_offset)?,
            InnerLoop::Tiles(across, line) if line.out_stride == itemsize && can_transpose(itemsize) => {
                copy.copy_transposed(&path.indices, across, line, outer.offset, out_offset)?;
            }
            InnerLoop::Tiles(across, line) => copy.copy_tiles(&path.indices, across, line, outer.offset, out_offset)?,
            InnerLoop::Rows(pointers, row) => copy.copy_rows(&path.indices, pointers, row, start, out_offset)?,
        }
        if !outer.advance() && !path.advance() {
            return Ok(());
        }
    }
}

/// Returns `axes` in the order for copying in tiles. The axis with the shortest stride in the memory of the view moves
/// to the second-last position, unless this axis is the last axis. A later step copies the last two axes in tiles if
/// the second-last axis has the shorter stride.
fn move_shortest_stride(mut axes: Vec<Axis>) -> Vec<Axis> {
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

/// Returns the axis of the row that each pointer of the axis `pointers` leads to. `tail` has the axes of such a row,
/// and `itemsize` is the size of an item in bytes. Returns `None` if the row has several axes, or if the rows are not
/// adjacent in the copy.
fn row_of_pointer(pointers: Axis, tail: &[Axis], itemsize: usize) -> Option<Axis> {
    let row = match tail {
        [] => Axis { len: 1, stride: 0, out_stride: itemsize },
        [row] => *row,
        _ => return None,
    };
    let len = row.items().ok()?.checked_mul(itemsize)?;
    (row.out_stride == itemsize && pointers.out_stride == len).then_some(row)
}

/// The axes that one call of a copy function handles. `copy_items` loops over all other axes.
#[derive(Clone, Copy, Debug)]
enum InnerLoop {
    /// One line.
    Line(Axis),
    /// Two axes that are copied in tiles. The second axis has the shorter stride in the copy and the longer stride in
    /// the memory of the view.
    Tiles(Axis, Axis),
    /// An axis of pointers, and the axis of the row that each pointer leads to.
    Rows(Axis, Axis),
}

impl InnerLoop {
    /// Removes the innermost loop from `axes` and returns the loop. The loop has the last axis, or the last two axes if
    /// both are copied in tiles. `itemsize` is the size of an item in bytes.
    fn remove_from(axes: &mut Vec<Axis>, itemsize: usize) -> Self {
        let Some(line) = axes.pop() else { return Self::Line(Axis { len: 1, stride: 0, out_stride: itemsize }) };
        let longer =
            |across: &mut Axis| across.stride != 0 && line.stride.unsigned_abs() > across.stride.unsigned_abs();
        match axes.pop_if(longer) {
            Some(across) => Self::Tiles(across, line),
            None => Self::Line(line),
        }
    }
}

/// The source, the destination and the options of one call of `copy_items`.
struct ItemCopy<'c> {
    /// The memory of the view.
    memory: &'c dyn Memory,
    /// The size of an item in bytes.
    itemsize: usize,
    /// The units to reverse in each copied item.
    swaps: &'c [Swap],
    /// The size in bytes of the units to reverse. `None` if the units have several sizes, or do not fill the whole
    /// item.
    uniform_unit: Option<usize>,
    /// The slice that the items are copied to.
    out: &'c mut [u8],
    /// Whether the copy is large enough for nontemporal stores, which bypass the caches.
    large: bool,
    /// Memory for a tile, and memory for the transposed tile. Both vectors are empty until the first tile is copied.
    scratch: (Vec<u8>, Vec<u8>),
}

/// Creates the error for an item past the end of the copy. Only a bug causes this error, because the length of the copy
/// was computed from the shape.
fn copy_too_short() -> DecodeError {
    DecodeError::internal("an item is past the end of the copy")
}

/// Returns the first `len` bytes of `scratch`, which may contain any bytes. If `scratch` is shorter, first replaces
/// `scratch` with a vector of `len` zeros. Returns an error if the allocation fails.
fn scratch_slice(scratch: &mut Vec<u8>, len: usize) -> Result<&mut [u8], DecodeError> {
    if scratch.len() < len {
        *scratch = zeroed(len)?;
    }
    scratch.get_mut(..len).ok_or_else(copy_too_short)
}

impl ItemCopy<'_> {
    /// Returns the [`Run`] that describes `items` evenly spaced items in the memory of the view. The first item is at
    /// byte `offset`, and the distance between items is `stride` bytes. `path` is the index in each dimension with
    /// pointers, as in [`Run::path`]. The size of each item is `self.itemsize`.
    fn run_along<'r>(&self, path: &'r [i64], offset: isize, stride: isize, items: usize) -> Run<'r> {
        Run { path, offset, stride, items, itemsize: self.itemsize }
    }

    /// Copies the line along `axis`. `path` is the index in each dimension with pointers, as in [`Run::path`]. The
    /// first item starts at byte `offset` in the memory of the view, and at byte `out_offset` in the copy. Returns an
    /// error if the line is outside the memory or the copy.
    fn copy_line(&mut self, path: &[i64], axis: Axis, offset: isize, out_offset: usize) -> Result<(), DecodeError> {
        let (itemsize, items) = (self.itemsize, axis.items()?);
        let mut source = self.memory.run(&self.run_along(path, offset, axis.stride, items))?;
        if axis.out_stride != itemsize {
            return self.copy_spaced_line(source, axis, out_offset);
        }
        let len = items.checked_mul(itemsize).and_then(|len| out_offset.checked_add(len));
        let out = len.and_then(|end| self.out.get_mut(out_offset..end)).ok_or_else(copy_too_short)?;
        // A unit of 1 byte means that no bytes are reversed.
        let unit = self.uniform_unit.unwrap_or(1);
        let (contiguous, single) = (source.is_contiguous(), self.swaps.is_empty() || unit == itemsize);
        if self.large && !contiguous && single && out.len() >= LEAST_STREAMED {
            return source.stream(unit, out).ok_or_else(copy_too_short);
        }
        if single || (contiguous && self.uniform_unit.is_some()) {
            return source.read(unit, out.into()).map(|_| ()).ok_or_else(copy_too_short);
        }
        // A block has at least one item, even if an item is larger than `SWAP_BLOCK`. Items of 0 bytes never reach this
        // line, because `copy_items` returns early.
        let most = SWAP_BLOCK.checked_div(itemsize).map_or(1, |most| most.max(1));
        for piece in out.chunks_mut(most.saturating_mul(itemsize)) {
            source.split_off(most).read(unit, (&mut *piece).into()).ok_or_else(copy_too_short)?;
            if self.uniform_unit.is_none() {
                swap_items(piece, itemsize, self.swaps)?;
            }
        }
        Ok(())
    }

    /// Copies the items of `source`, one line along `axis`, to positions that are not adjacent in the copy. The first
    /// position is at byte `out_offset` of the copy. Returns an error if a position is outside the copy.
    fn copy_spaced_line(&mut self, source: Strided<'_>, axis: Axis, out_offset: usize) -> Result<(), DecodeError> {
        let stride = isize::try_from(axis.out_stride).map_err(|_| copy_too_short())?;
        let mut to = StridedMut::within(self.out, out_offset, stride, source.count(), self.itemsize)
            .ok_or_else(copy_too_short)?;
        // A unit of 1 byte means that no bytes are reversed. If units have several sizes, the loop after the copy
        // reverses the units.
        to.reborrow().copy_from(source, self.uniform_unit.unwrap_or(1)).ok_or_else(copy_too_short)?;
        if self.uniform_unit.is_none() {
            self.swaps.iter().try_for_each(|swap| swap.apply(&mut to))?;
        }
        Ok(())
    }

    /// Copies the items of the two axes `across` and `line` in tiles. A tile fits into the cache both in the memory of
    /// the view and in the copy. `path` is the index in each dimension with pointers. The first item starts at byte
    /// `offset` in the memory of the view, and at byte `out_offset` in the copy. Returns an error if an item is
    /// outside the memory or the copy.
    fn copy_tiles(
        &mut self,
        path: &[i64],
        across: Axis,
        line: Axis,
        offset: isize,
        out_offset: usize,
    ) -> Result<(), DecodeError> {
        let (rows, items) = (across.items()?, line.items()?);
        for top in (0..rows).step_by(TILE_ITEMS) {
            for left in (0..items).step_by(TILE_ITEMS) {
                let part = Axis { len: to_u64(items.saturating_sub(left).min(TILE_ITEMS)), ..line };
                for row in top..rows.min(top.saturating_add(TILE_ITEMS)) {
                    let ((down, down_out), (right, right_out)) = (across.step(row), line.step(left));
                    let (down, down_out) = (offset.wrapping_add(down), out_offset.wrapping_add(down_out));
                    self.copy_line(path, part, down.wrapping_add(right), down_out.wrapping_add(right_out))?;
                }
            }
        }
        Ok(())
    }

    /// Copies the items of the two axes `across` and `line` in tiles, for itemsizes that `transpose` supports. Reads
    /// each tile along the lines of the memory, transposes the tile in the first-level cache, and writes the tile
    /// along the lines of the copy. `path` is the index in each dimension with pointers. The first item starts at byte
    /// `offset` in the memory of the view, and at byte `out_offset` in the copy. Returns an error if an item is
    /// outside the memory or the copy.
    fn copy_transposed(
        &mut self,
        path: &[i64],
        across: Axis,
        line: Axis,
        offset: isize,
        out_offset: usize,
    ) -> Result<(), DecodeError> {
        let (width, lines, line_items) = (self.itemsize, across.items()?, line.items()?);
        let pitch = TILE_PITCH.saturating_mul(width);
        for top in (0..lines).step_by(TILE) {
            let rows = lines.saturating_sub(top).min(TILE);
            for left in (0..line_items).step_by(TILE) {
                let items = line_items.saturating_sub(left).min(TILE);
                let tile = scratch_slice(&mut self.scratch.0, items.saturating_mul(pitch))?;
                let (down, down_out) = across.step(top);
                let (right, right_out) = line.step(left);
                let start = offset.wrapping_add(down).wrapping_add(right);
                let len = rows.saturating_mul(width);
                if usize::try_from(across.stride) == Ok(width) {
                    // The items of a tile row are adjacent in memory. Hence one run copies all rows, and each row is
                    // one item of the run. For 3000 x 3000 doubles this copy took 15 ms. One run for each row took 30
                    // ms.
                    let run = Run { path, offset: start, stride: line.stride, items, itemsize: len };
                    let to = StridedMut::within(tile, 0, pitch.cast_signed(), items, len).ok_or_else(copy_too_short)?;
                    to.copy_from(self.memory.run(&run)?, 1).ok_or_else(copy_too_short)?;
                } else {
                    for (index, row) in tile.chunks_exact_mut(pitch).enumerate() {
                        let offset = start.wrapping_add(line.step(index).0);
                        let run = Run { path, offset, stride: across.stride, items: rows, itemsize: width };
                        self.memory.read(&run, 1, row.get_mut(..len).ok_or_else(copy_too_short)?)?;
                    }
                }
                // The reversal also changes the bytes between the rows of the tile. These bytes are never used.
                match self.uniform_unit {
                    Some(unit) => reverse_units(tile, unit),
                    None => swap_items(tile, width, self.swaps)?,
                }
                let start = out_offset.wrapping_add(down_out).wrapping_add(right_out);
                let to = self.out.get_mut(start..).ok_or_else(copy_too_short)?;
                if self.large {
                    let turned = scratch_slice(&mut self.scratch.1, rows.saturating_mul(pitch))?;
                    transpose(tile, turned, pitch, rows, width);
                    nontemporal::copy_rows(turned, pitch, to, across.out_stride, items.saturating_mul(width));
                } else {
                    transpose(tile, to, across.out_stride, rows, width);
                }
            }
        }
        Ok(())
    }

    /// Copies the rows that the pointers of the axis `pointers` lead to. The rows must be adjacent in the copy.
    /// `before` is the index in each dimension before `pointers`, and `row` is the axis of one row. In each row, the
    /// first item is `start` bytes after the address that the pointer leads to. The first row starts at byte
    /// `out_offset` of the copy. Returns an error if a pointer is NULL or a row is outside the copy.
    fn copy_rows(
        &mut self,
        before: &[i64],
        pointers: Axis,
        row: Axis,
        start: isize,
        out_offset: usize,
    ) -> Result<(), DecodeError> {
        let (items, rows) = (row.items()?, pointers.items()?);
        // Rows with units to reverse are copied in blocks, so that a block is still in the cache when its units are
        // reversed. A block has at least one row.
        let most = if self.swaps.is_empty() {
            rows
        } else {
            SWAP_BLOCK.checked_div(pointers.out_stride).map_or(1, |most| most.max(1))
        };
        let mut path = before.to_vec();
        path.push(0);
        let (mut left, mut out_offset) = (rows, out_offset);
        while left > 0 {
            let rows = left.min(most);
            let end = rows
                .checked_mul(pointers.out_stride)
                .and_then(|len| out_offset.checked_add(len))
                .ok_or_else(copy_too_short)?;
            let out = self.out.get_mut(out_offset..end).ok_or_else(copy_too_short)?;
            let run = Run { path: &path, offset: start, stride: row.stride, items, itemsize: self.itemsize };
            self.memory.read_rows(&run, rows, out)?;
            swap_items(out, self.itemsize, self.swaps)?;
            (left, out_offset) = (left.saturating_sub(rows), end);
            if let Some(index) = path.last_mut() {
                // The index cannot saturate, because the index is at most the length of the axis, and this length is an
                // `i64`.
                *index = index.saturating_add_unsigned(to_u64(rows));
            }
        }
        Ok(())
    }
}
