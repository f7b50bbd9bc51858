//! The order in which items are visited: lines of items, as long as the geometry allows.

use alloc::vec::Vec;

use super::error::DecodeError;
use super::memory::{Memory, Run};
use super::swap::{self, Swap, TILE, TILE_PITCH, swap_items};
use crate::nontemporal;
use crate::view::{Order, View};

/// Bytes that are swapped while they are still in the first cache.
const PIECE: usize = 1 << 14;
/// Bytes of a line from which on it is worth the wait for stores past the caches.
const STREAMED: usize = 1 << 12;

/// A dimension.
#[derive(Clone, Copy, Debug)]
struct Axis {
    extent: i64,
    /// Bytes in the memory.
    stride: i64,
    /// Bytes in the copy.
    out: usize,
}

/// Dimensions up to the last one with a pointer.
pub(crate) fn path_len(view: &View<'_>) -> usize {
    let suboffsets = view.suboffsets().unwrap_or_default();
    suboffsets.iter().rposition(|suboffset| *suboffset >= 0).map_or(0, |last| last.saturating_add(1))
}

/// The dimensions behind the last pointer with their strides, neighbours merged, those of one item
/// left out.
fn merged(axes: impl Iterator<Item = Axis>) -> Vec<Axis> {
    let mut merged: Vec<Axis> = Vec::new();
    for axis in axes.filter(|axis| axis.extent != 1) {
        if let Some(outer) = merged.last_mut() {
            let extent = usize::try_from(axis.extent).ok();
            let adjoins = axis.stride.checked_mul(axis.extent) == Some(outer.stride)
                && extent.and_then(|extent| axis.out.checked_mul(extent)) == Some(outer.out);
            if let (true, Some(extent)) = (adjoins, outer.extent.checked_mul(axis.extent)) {
                *outer = Axis { extent, ..axis };
                continue;
            }
        }
        merged.push(axis);
    }
    merged
}

/// The dimensions with the strides of a contiguous copy.
fn axes(view: &View<'_>, order: Order) -> Vec<Axis> {
    let mut out = usize::try_from(view.itemsize()).unwrap_or(0);
    let mut axes: Vec<Axis> = view
        .shape()
        .iter()
        .zip(view.strides())
        .map(|(extent, stride)| Axis { extent: *extent, stride: *stride, out: 0 })
        .collect();
    let fill = |axis: &mut Axis| {
        axis.out = out;
        // What is not empty fits; what is empty is not visited.
        out = out.saturating_mul(usize::try_from(axis.extent).unwrap_or(0));
    };
    match order {
        Order::Fortran => axes.iter_mut().for_each(fill),
        Order::C | Order::Any => axes.iter_mut().rev().for_each(fill),
    }
    axes
}

/// Lines of items with the last index fastest.
#[derive(Debug)]
pub(super) struct Runs {
    path_extents: Vec<i64>,
    path: Vec<i64>,
    outer: Vec<Axis>,
    indices: Vec<i64>,
    inner: Axis,
    /// Items of the line that were visited.
    done: i64,
    /// The first item of the line.
    offset: i64,
    left: u64,
    itemsize: usize,
}

impl Runs {
    pub(super) fn new(view: &View<'_>) -> Self {
        let all = axes(view, Order::C);
        let (path, tail) = all.split_at_checked(path_len(view)).unwrap_or_default();
        let mut outer = merged(tail.iter().copied());
        let inner = outer.pop().unwrap_or(Axis { extent: 1, stride: 0, out: 0 });
        Self {
            path_extents: path.iter().map(|axis| axis.extent).collect(),
            path: alloc::vec![0; path.len()],
            indices: alloc::vec![0; outer.len()],
            outer,
            inner,
            done: 0,
            offset: if path.is_empty() { view.offset() } else { 0 },
            left: view.item_count(),
            itemsize: usize::try_from(view.itemsize()).unwrap_or(0),
        }
    }

    /// Items of one line.
    pub(super) fn line(&self) -> u64 {
        self.inner.extent.unsigned_abs()
    }

    /// Items that were not visited.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// The next line, of at most `most` items.
    pub(super) fn next(&mut self, most: usize) -> Option<Run<'_>> {
        if self.left == 0 || most == 0 {
            return None;
        }
        if self.done >= self.inner.extent {
            self.done = 0;
            self.advance();
        }
        let rest = self.inner.extent.saturating_sub(self.done);
        let items = rest.min(i64::try_from(most).unwrap_or(i64::MAX));
        // In bounds, so the product is part of a span that fits.
        let offset = self.offset.wrapping_add(self.inner.stride.wrapping_mul(self.done));
        self.done = self.done.saturating_add(items);
        self.left = self.left.saturating_sub(items.unsigned_abs());
        let items = usize::try_from(items).unwrap_or(0);
        Some(Run { path: &self.path, offset, stride: self.inner.stride, items, itemsize: self.itemsize })
    }

    /// Turns the odometer, fastest wheel first.
    fn advance(&mut self) {
        for (index, axis) in self.indices.iter_mut().zip(&self.outer).rev() {
            *index = index.wrapping_add(1);
            if *index < axis.extent {
                self.offset = self.offset.wrapping_add(axis.stride);
                return;
            }
            *index = 0;
            self.offset = self.offset.wrapping_sub(axis.stride.wrapping_mul(axis.extent.wrapping_sub(1)));
        }
        for (index, extent) in self.path.iter_mut().zip(&self.path_extents).rev() {
            *index = index.wrapping_add(1);
            if *index < *extent {
                return;
            }
            *index = 0;
        }
    }
}

/// Copies all items of a view, in an order, into `out`, and swaps what must be swapped.
pub(super) fn gather(
    view: &View<'_>,
    memory: &dyn Memory,
    order: Order,
    swaps: &[Swap],
    out: &mut [u8],
) -> Result<(), DecodeError> {
    let itemsize = usize::try_from(view.itemsize()).unwrap_or(0);
    if view.is_empty() || itemsize == 0 {
        return Ok(());
    }
    if view.is_contiguous(order) {
        // One line, whatever the dimensions.
        let items = view.len().checked_div(view.itemsize()).unwrap_or(0);
        let line = Axis { extent: items, stride: view.itemsize(), out: itemsize };
        return Gather::new(memory, Vec::new(), itemsize, swaps, out).line(line, view.offset(), 0);
    }
    let mut all = axes(view, order);
    let tail = all.split_off(path_len(view).min(all.len()));
    let start = if all.is_empty() { view.offset() } else { 0 };
    // The line that is fastest in the copy comes last.
    let mut tail = tail;
    tail.sort_by_key(|axis| core::cmp::Reverse(axis.out));
    let tail = crosswise(merged(tail.into_iter()));
    let path = alloc::vec![0; all.len()];
    Gather::new(memory, path, itemsize, swaps, out).paths(&all, 0, &tail, start, 0)
}

/// Brings the axis with the shortest steps next to the last, if that has longer ones: together they
/// are gone through in tiles.
fn crosswise(mut axes: Vec<Axis>) -> Vec<Axis> {
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

struct Gather<'g> {
    memory: &'g dyn Memory,
    path: Vec<i64>,
    itemsize: usize,
    swaps: &'g [Swap],
    /// The width of units that fill the item and are swapped.
    whole: Option<usize>,
    out: &'g mut [u8],
    /// Whether the copy is so large that its lines are not kept in the caches.
    large: bool,
    /// Room for a tile and the tile turned, or for a piece; made when it is needed.
    scratch: (Vec<u8>, Vec<u8>),
}

/// Makes a vector as long as it must be.
fn grow(scratch: &mut Vec<u8>, len: usize) -> Result<&mut [u8], DecodeError> {
    if scratch.len() < len {
        *scratch = super::element::zeroed(len)?;
    }
    Ok(scratch.get_mut(..len).unwrap_or_default())
}

impl<'g> Gather<'g> {
    fn new(memory: &'g dyn Memory, path: Vec<i64>, itemsize: usize, swaps: &'g [Swap], out: &'g mut [u8]) -> Self {
        let (whole, large) = (Swap::whole(swaps, itemsize), out.len() >= nontemporal::LEAST);
        Self { memory, path, itemsize, swaps, whole, out, large, scratch: Default::default() }
    }

    fn paths(&mut self, axes: &[Axis], depth: usize, tail: &[Axis], start: i64, at: usize) -> Result<(), DecodeError> {
        let Some(axis) = axes.get(depth) else { return self.lines(tail, start, at) };
        if depth.saturating_add(1) == axes.len()
            && let Some(row) = self.row(*axis, tail)
        {
            return self.rows(*axis, row, start, at);
        }
        let mut at = at;
        for index in 0..axis.extent {
            if let Some(slot) = self.path.get_mut(depth) {
                *slot = index;
            }
            self.paths(axes, depth.saturating_add(1), tail, start, at)?;
            at = at.wrapping_add(axis.out);
        }
        Ok(())
    }

    /// What lies behind each pointer of an axis, if it is a line and the lines adjoin in the copy.
    fn row(&self, axis: Axis, tail: &[Axis]) -> Option<Axis> {
        let row = match tail {
            [] => Axis { extent: 1, stride: 0, out: self.itemsize },
            [row] => *row,
            _ => return None,
        };
        let len = usize::try_from(row.extent).ok()?.checked_mul(self.itemsize)?;
        (row.out == self.itemsize && axis.out == len).then_some(row)
    }

    /// The lines behind all pointers of the last axis that has some.
    fn rows(&mut self, axis: Axis, row: Axis, start: i64, at: usize) -> Result<(), DecodeError> {
        let items = usize::try_from(row.extent).unwrap_or(0);
        let most = if self.swaps.is_empty() { usize::MAX } else { PIECE.checked_div(axis.out).unwrap_or(1).max(1) };
        let mut left = usize::try_from(axis.extent).unwrap_or(0);
        let (mut index, mut at) = (0_i64, at);
        while left > 0 {
            let rows = left.min(most);
            if let Some(slot) = self.path.last_mut() {
                *slot = index;
            }
            let len = rows.saturating_mul(axis.out);
            let Some(out) = self.out.get_mut(at..at.saturating_add(len)) else { return Ok(()) };
            let run = Run { path: &self.path, offset: start, stride: row.stride, items, itemsize: self.itemsize };
            self.memory.read_rows(run, rows, out)?;
            swap_items(out, self.itemsize, self.swaps);
            left = left.saturating_sub(rows);
            index = index.wrapping_add(i64::try_from(rows).unwrap_or(0));
            at = at.wrapping_add(len);
        }
        Ok(())
    }

    fn lines(&mut self, axes: &[Axis], offset: i64, at: usize) -> Result<(), DecodeError> {
        match axes {
            [] => self.piece(offset, 0, 1, at),
            [inner] => self.line(*inner, offset, at),
            [across, inner] if across.stride != 0 && inner.stride.unsigned_abs() > across.stride.unsigned_abs() => {
                if inner.out == self.itemsize && swap::is_turnable(self.itemsize) {
                    self.turned(*across, *inner, offset, at)
                } else {
                    self.tiles(*across, *inner, offset, at)
                }
            }
            [outer, inner @ ..] => {
                let (mut offset, mut at) = (offset, at);
                for _ in 0..outer.extent {
                    self.lines(inner, offset, at)?;
                    (offset, at) = (offset.wrapping_add(outer.stride), at.wrapping_add(outer.out));
                }
                Ok(())
            }
        }
    }

    /// All items of one line.
    fn line(&mut self, axis: Axis, offset: i64, at: usize) -> Result<(), DecodeError> {
        let adjoins = axis.out == self.itemsize;
        let items = usize::try_from(axis.extent).unwrap_or(0);
        let at_once =
            self.swaps.is_empty() || (self.whole.is_some() && usize::try_from(axis.stride) == Ok(self.itemsize));
        // Items that lie apart, and are swapped whole or not at all.
        if adjoins
            && self.large
            && items.saturating_mul(self.itemsize) >= STREAMED
            && usize::try_from(axis.stride) != Ok(self.itemsize)
            && (self.swaps.is_empty() || self.whole == Some(self.itemsize))
        {
            let end = at.saturating_add(items.saturating_mul(self.itemsize));
            let Some(out) = self.out.get_mut(at..end) else { return Ok(()) };
            let run = Run { path: &self.path, offset, stride: axis.stride, items, itemsize: self.itemsize };
            return self.memory.read_past(run, self.whole.is_some(), out);
        }
        if adjoins && at_once {
            return self.piece(offset, axis.stride, items, at);
        }
        // Items that lie apart in the copy are copied one by one.
        let most = if adjoins { PIECE.checked_div(self.itemsize).unwrap_or(1).max(1) } else { 1 };
        let (mut left, mut offset, mut at) = (items, offset, at);
        while left > 0 {
            let items = left.min(most);
            self.piece(offset, axis.stride, items, at)?;
            left = left.saturating_sub(items);
            offset = offset.wrapping_add(axis.stride.wrapping_mul(i64::try_from(items).unwrap_or(0)));
            at = at.wrapping_add(axis.out.wrapping_mul(items));
        }
        Ok(())
    }

    /// Two dimensions in tiles, so that neither side walks past the cache.
    fn tiles(&mut self, across: Axis, inner: Axis, offset: i64, at: usize) -> Result<(), DecodeError> {
        const SIDE: i64 = 64;
        let mut top = 0_i64;
        while top < across.extent {
            let rows = across.extent.wrapping_sub(top).min(SIDE);
            let mut left = 0_i64;
            while left < inner.extent {
                let items = inner.extent.wrapping_sub(left).min(SIDE);
                for row in top..top.wrapping_add(rows) {
                    let place = |axis: Axis, index: i64| {
                        let out = axis.out.wrapping_mul(usize::try_from(index).unwrap_or(0));
                        (axis.stride.wrapping_mul(index), out)
                    };
                    let ((down, down_out), (right, right_out)) = (place(across, row), place(inner, left));
                    let line = Axis { extent: items, ..inner };
                    let offset = offset.wrapping_add(down).wrapping_add(right);
                    self.line(line, offset, at.wrapping_add(down_out).wrapping_add(right_out))?;
                }
                left = left.wrapping_add(items);
            }
            top = top.wrapping_add(rows);
        }
        Ok(())
    }

    /// The same where items are units: a tile is read along the lines of the memory, turned where it is
    /// in the first cache, and written along those of the copy.
    fn turned(&mut self, across: Axis, inner: Axis, offset: i64, at: usize) -> Result<(), DecodeError> {
        let (width, lines, extent) = (self.itemsize, across.extent, inner.extent);
        let pitch = TILE_PITCH.saturating_mul(width);
        let place = |axis: Axis, index: usize| {
            let steps = i64::try_from(index).unwrap_or(0);
            (axis.stride.wrapping_mul(steps), axis.out.wrapping_mul(index))
        };
        let (lines, extent) = (usize::try_from(lines).unwrap_or(0), usize::try_from(extent).unwrap_or(0));
        let mut top = 0_usize;
        while top < lines {
            let rows = lines.saturating_sub(top).min(TILE);
            let mut left = 0_usize;
            while left < extent {
                let items = extent.saturating_sub(left).min(TILE);
                let tile = grow(&mut self.scratch.0, TILE.saturating_mul(pitch))?;
                let (down, down_out) = place(across, top);
                for (index, line) in tile.chunks_exact_mut(pitch.max(1)).take(items).enumerate() {
                    let (right, _) = place(inner, left.saturating_add(index));
                    let offset = offset.wrapping_add(down).wrapping_add(right);
                    let run = Run { path: &self.path, offset, stride: across.stride, items: rows, itemsize: width };
                    let line = line.get_mut(..rows.saturating_mul(width)).unwrap_or_default();
                    match self.whole {
                        Some(unit) => self.memory.read_swapped(run, unit, line)?,
                        None => {
                            self.memory.read(run, line)?;
                            swap_items(line, width, self.swaps);
                        }
                    }
                }
                let tile = tile.get(..items.saturating_mul(pitch)).unwrap_or_default();
                let (_, right_out) = place(inner, left);
                let start = at.wrapping_add(down_out).wrapping_add(right_out);
                let Some(to) = self.out.get_mut(start..) else { return Ok(()) };
                if self.large {
                    let turned = grow(&mut self.scratch.1, TILE.saturating_mul(pitch))?;
                    swap::turn(tile, turned, pitch, rows, width);
                    let turned = turned.get(..rows.saturating_mul(pitch)).unwrap_or_default();
                    nontemporal::copy_rows(turned, pitch, to, across.out, items.saturating_mul(width));
                } else {
                    swap::turn(tile, to, across.out, rows, width);
                }
                left = left.saturating_add(items);
            }
            top = top.saturating_add(rows);
        }
        Ok(())
    }

    /// Items that adjoin in the copy.
    fn piece(&mut self, offset: i64, stride: i64, items: usize, at: usize) -> Result<(), DecodeError> {
        let end = at.saturating_add(items.saturating_mul(self.itemsize));
        let Some(out) = self.out.get_mut(at..end) else { return Ok(()) };
        let run = Run { path: &self.path, offset, stride, items, itemsize: self.itemsize };
        if let Some(width) = self.whole {
            return self.memory.read_swapped(run, width, out);
        }
        self.memory.read(run, out)?;
        swap_items(out, self.itemsize, self.swaps);
        Ok(())
    }
}
