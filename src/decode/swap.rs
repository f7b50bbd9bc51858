//! The loops over bytes: swap, gather. Each is compiled for its width, and the width is chosen
//! outside the loop.

use alloc::vec::Vec;

use super::leaf::Leaf;
use crate::nontemporal;

/// Units that lie side by side and must be swapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Swap {
    /// From the start of the item, in bytes.
    offset: usize,
    /// Bytes of one unit.
    width: usize,
    /// Number of units.
    units: usize,
    /// Number of repetitions and their distance in bytes, outermost first.
    outer: Vec<(usize, usize)>,
}

impl Swap {
    /// What must be swapped, neighbours of one width merged.
    pub(super) fn of_leaves(leaves: &[Leaf]) -> Vec<Self> {
        let mut swaps: Vec<Self> = Vec::new();
        for leaf in leaves.iter().filter(|leaf| leaf.kernel.swapped() && leaf.run > 0) {
            let swap =
                Self { offset: leaf.offset, width: leaf.kernel.unit, units: leaf.run, outer: leaf.outer.clone() };
            match swaps.last_mut() {
                Some(last) if last.is_continued_by(&swap) => last.units = last.units.saturating_add(swap.units),
                _ => swaps.push(swap),
            }
        }
        swaps
    }

    /// The width of the units, if all of an item is units of one width.
    pub(super) fn whole(swaps: &[Self], itemsize: usize) -> Option<usize> {
        match swaps {
            [swap] if swap.width.saturating_mul(swap.units) == itemsize && swap.outer.is_empty() => Some(swap.width),
            _ => None,
        }
    }

    fn is_continued_by(&self, next: &Self) -> bool {
        let end = self.offset.saturating_add(self.width.saturating_mul(self.units));
        self.width == next.width && end == next.offset && self.outer == next.outer
    }

    /// Swaps the units in every item of `items`.
    fn apply(&self, items: &mut [u8], itemsize: usize) {
        let len = self.width.saturating_mul(self.units);
        if len == itemsize {
            return swap_in_place(items, self.width);
        }
        for item in items.chunks_exact_mut(itemsize.max(1)) {
            self.descend(item, self.offset, &self.outer, len);
        }
    }

    fn descend(&self, item: &mut [u8], offset: usize, outer: &[(usize, usize)], len: usize) {
        let Some(((times, distance), inner)) = outer.split_first() else {
            if let Some(units) = item.get_mut(offset..offset.saturating_add(len)) {
                swap_in_place(units, self.width);
            }
            return;
        };
        for index in 0..*times {
            self.descend(item, offset.saturating_add(index.saturating_mul(*distance)), inner, len);
        }
    }
}

/// Turns whole items into this machine's byte order, or back.
pub(super) fn swap_items(items: &mut [u8], itemsize: usize, swaps: &[Swap]) {
    for swap in swaps {
        swap.apply(items, itemsize);
    }
}

/// A unit that has a byte order.
trait Unit<const W: usize> {
    fn swapped(bytes: [u8; W]) -> [u8; W];
}

/// A unit that lies as it should.
struct Kept;

impl<const W: usize> Unit<W> for Kept {
    #[inline(always)]
    fn swapped(bytes: [u8; W]) -> [u8; W] {
        bytes
    }
}

macro_rules! units {
    ($($integer:ident: $width:literal),+) => {$(
        impl Unit<$width> for $integer {
            #[inline(always)]
            fn swapped(bytes: [u8; $width]) -> [u8; $width] {
                Self::from_ne_bytes(bytes).swap_bytes().to_ne_bytes()
            }
        }
    )+};
}

units!(u16: 2, u32: 4, u64: 8, u128: 16);

#[inline(always)]
fn swap_all<U: Unit<W>, const W: usize>(bytes: &mut [u8]) {
    for unit in bytes.as_chunks_mut::<W>().0 {
        *unit = U::swapped(*unit);
    }
}

/// Swaps each unit of `width` bytes.
#[cfg_attr(feature = "std", multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2")))]
pub(crate) fn swap_in_place(bytes: &mut [u8], width: usize) {
    match width {
        0 | 1 => {}
        2 => swap_all::<u16, 2>(bytes),
        4 => swap_all::<u32, 4>(bytes),
        8 => swap_all::<u64, 8>(bytes),
        16 => swap_all::<u128, 16>(bytes),
        width => bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse),
    }
}

#[inline(always)]
fn copy_all<U: Unit<W>, const W: usize>(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.as_chunks_mut::<W>().0.iter_mut().zip(from.as_chunks::<W>().0) {
        *to = U::swapped(*from);
    }
}

/// Copies units of `width` bytes, each swapped. Slices of one length.
#[cfg_attr(feature = "std", multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2")))]
pub(super) fn copy_swapped(from: &[u8], to: &mut [u8], width: usize) {
    match width {
        2 => copy_all::<u16, 2>(from, to),
        4 => copy_all::<u32, 4>(from, to),
        8 => copy_all::<u64, 8>(from, to),
        16 => copy_all::<u128, 16>(from, to),
        width => {
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from;
            }
            swap_in_place(to, width);
        }
    }
}

/// One unit of each item to the column. `items` starts with the first unit and need not be whole
/// items: the last is cut short where the field does not start it.
#[inline(always)]
fn gather_units<U: Unit<W>, const W: usize>(items: &[u8], itemsize: usize, column: &mut [u8]) {
    if itemsize < W {
        return;
    }
    let (cells, whole) = (column.as_chunks_mut::<W>().0, items.chunks_exact(itemsize));
    if let (Some(cell), Some(unit)) = (cells.get_mut(whole.len()), whole.remainder().first_chunk::<W>()) {
        *cell = U::swapped(*unit);
    }
    for (cell, item) in cells.iter_mut().zip(whole) {
        if let Some(unit) = item.first_chunk::<W>() {
            *cell = U::swapped(*unit);
        }
    }
}

/// `gather_units` for the widths that are listed.
macro_rules! kept {
    ($width:expr, $from:expr, $itemsize:expr, $column:expr, [$($listed:literal)+] else $otherwise:block) => {
        match $width {
            $($listed => gather_units::<Kept, $listed>($from, $itemsize, $column),)+
            _ => $otherwise
        }
    };
}

/// The cells of a block to their column: `len` bytes that begin every `stride` bytes, units of `unit`
/// bytes of them swapped. `from` begins with the first cell.
pub(super) fn gather(from: &[u8], stride: usize, len: usize, unit: usize, column: &mut [u8]) {
    match (len, unit) {
        (_, 1) if len == stride => {
            if let Some(from) = from.get(..column.len()) {
                column.copy_from_slice(from);
            }
        }
        (_, unit) if len == stride => copy_swapped(from.get(..column.len()).unwrap_or_default(), column, unit),
        (2, 2) => gather_units::<u16, 2>(from, stride, column),
        (4, 4) => gather_units::<u32, 4>(from, stride, column),
        (8, 8) => gather_units::<u64, 8>(from, stride, column),
        (16, 16) => gather_units::<u128, 16>(from, stride, column),
        _ => {
            // A few bytes side by side are copied like one unit.
            kept!(len, from, stride, column, [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 20 24 32] else {
                for (cell, item) in column.chunks_exact_mut(len.max(1)).zip(from.chunks(stride.max(1))) {
                    if let Some(item) = item.get(..len) {
                        cell.copy_from_slice(item);
                    }
                }
            });
            if unit > 1 {
                swap_in_place(column, unit);
            }
        }
    }
}

/// A leaf of whole items to its column, in this machine's byte order.
pub(super) fn gather_leaf(leaf: &Leaf, items: &[u8], itemsize: usize, column: &mut [u8]) {
    let unit = if leaf.kernel.swapped() { leaf.kernel.unit } else { 1 };
    if leaf.outer.is_empty() {
        return gather(items.get(leaf.offset..).unwrap_or_default(), itemsize, leaf.bytes(), unit, column);
    }
    let len = leaf.run.saturating_mul(leaf.kernel.unit);
    if len == 0 {
        return;
    }
    let mut cells = column.chunks_exact_mut(len);
    each_run(leaf, items, itemsize, &mut |run| {
        if let Some(cell) = cells.next()
            && run.len() == cell.len()
        {
            cell.copy_from_slice(run);
        }
    });
    swap_in_place(column, unit);
}

/// Hands out the bytes of every run of a leaf, item after item.
pub(super) fn each_run(leaf: &Leaf, items: &[u8], itemsize: usize, each: &mut impl FnMut(&[u8])) {
    let len = leaf.run.saturating_mul(leaf.kernel.unit);
    for item in items.chunks_exact(itemsize.max(1)) {
        descend(item, leaf.offset, &leaf.outer, len, each);
    }
}

fn descend(item: &[u8], offset: usize, outer: &[(usize, usize)], len: usize, each: &mut impl FnMut(&[u8])) {
    let Some(((times, distance), inner)) = outer.split_first() else {
        if let Some(run) = item.get(offset..offset.saturating_add(len)) {
            each(run);
        }
        return;
    };
    for index in 0..*times {
        descend(item, offset.saturating_add(index.saturating_mul(*distance)), inner, len, each);
    }
}

/// One unit of the column to each item; `items` begins with the first one, as `gather_units` has it.
#[inline(always)]
fn scatter_units<U: Unit<W>, const W: usize>(column: &[u8], items: &mut [u8], itemsize: usize) {
    if itemsize < W {
        return;
    }
    let cells = column.as_chunks::<W>().0;
    let mut whole = items.chunks_exact_mut(itemsize);
    let count = whole.len();
    for (cell, item) in cells.iter().zip(whole.by_ref()) {
        if let Some(unit) = item.first_chunk_mut::<W>() {
            *unit = U::swapped(*cell);
        }
    }
    if let (Some(cell), Some(unit)) = (cells.get(count), whole.into_remainder().first_chunk_mut::<W>()) {
        *unit = U::swapped(*cell);
    }
}

/// A column in this machine's byte order to its leaf in whole items.
pub(super) fn scatter(leaf: &Leaf, column: &[u8], items: &mut [u8], itemsize: usize) {
    let (unit, swapped, len) = (leaf.kernel.unit, leaf.kernel.swapped(), leaf.run.saturating_mul(leaf.kernel.unit));
    if leaf.outer.is_empty() {
        let items = items.get_mut(leaf.offset..).unwrap_or_default();
        match (len, unit) {
            (2, 2) if swapped => return scatter_units::<u16, 2>(column, items, itemsize),
            (4, 4) if swapped => return scatter_units::<u32, 4>(column, items, itemsize),
            (8, 8) if swapped => return scatter_units::<u64, 8>(column, items, itemsize),
            _ if swapped => {}
            _ => {
                macro_rules! kept {
                    ($($len:literal)+) => {
                        match len {
                            $($len => return scatter_units::<Kept, $len>(column, items, itemsize),)+
                            _ => {}
                        }
                    };
                }
                kept!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 20 24 32);
            }
        }
    }
    let mut cells = column.chunks_exact(len.max(1));
    each_run_mut(leaf, items, itemsize, &mut |run| {
        if let Some(cell) = cells.next()
            && run.len() == cell.len()
        {
            run.copy_from_slice(cell);
            if swapped {
                swap_in_place(run, unit);
            }
        }
    });
}

/// Hands out the bytes of every run of a leaf to be written, item after item.
pub(super) fn each_run_mut(leaf: &Leaf, items: &mut [u8], itemsize: usize, each: &mut impl FnMut(&mut [u8])) {
    let len = leaf.run.saturating_mul(leaf.kernel.unit);
    for item in items.chunks_exact_mut(itemsize.max(1)) {
        descend_mut(item, leaf.offset, &leaf.outer, len, each);
    }
}

fn descend_mut(item: &mut [u8], offset: usize, outer: &[(usize, usize)], len: usize, each: &mut impl FnMut(&mut [u8])) {
    let Some(((times, distance), inner)) = outer.split_first() else {
        if let Some(run) = item.get_mut(offset..offset.saturating_add(len)) {
            each(run);
        }
        return;
    };
    for index in 0..*times {
        descend_mut(item, offset.saturating_add(index.saturating_mul(*distance)), inner, len, each);
    }
}

/// Every `stride`-th value of `width` bytes, forwards: `from` starts with the first one.
#[cfg_attr(feature = "std", multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2")))]
pub(super) fn gather_strided(from: &[u8], stride: usize, width: usize, to: &mut [u8]) {
    match width {
        1 => gather_units::<Kept, 1>(from, stride, to),
        2 => gather_units::<Kept, 2>(from, stride, to),
        4 => gather_units::<Kept, 4>(from, stride, to),
        8 => gather_units::<Kept, 8>(from, stride, to),
        16 => gather_units::<Kept, 16>(from, stride, to),
        width => {
            for (to, from) in to.chunks_exact_mut(width.max(1)).zip(from.chunks(stride.max(1))) {
                if let Some(from) = from.get(..width) {
                    to.copy_from_slice(from);
                }
            }
        }
    }
}

/// Every `stride`-th value of `width` bytes past the caches: backwards where the stride is negative.
/// `from` is what the values span. `false` if this is no way for the width.
pub(super) fn stream_strided(from: &[u8], stride: i64, width: usize, swapped: bool, to: &mut [u8]) -> bool {
    fn units<U: Unit<W>, const W: usize>(from: &[u8], stride: i64, to: &mut [u8]) {
        let step = usize::try_from(stride.unsigned_abs()).unwrap_or(usize::MAX);
        let unit = |item: Option<&[u8]>| {
            item.and_then(|item| item.first_chunk::<W>()).map_or([0; W], |unit| U::swapped(*unit))
        };
        let mut items = from.chunks(step.max(1));
        if stride < 0 {
            nontemporal::fill(to, || unit(items.next_back()));
        } else {
            nontemporal::fill(to, || unit(items.next()));
        }
    }
    match (width, swapped) {
        (2, false) => units::<Kept, 2>(from, stride, to),
        (4, false) => units::<Kept, 4>(from, stride, to),
        (8, false) => units::<Kept, 8>(from, stride, to),
        (16, false) => units::<Kept, 16>(from, stride, to),
        (2, true) => units::<u16, 2>(from, stride, to),
        (4, true) => units::<u32, 4>(from, stride, to),
        (8, true) => units::<u64, 8>(from, stride, to),
        _ => return false,
    }
    true
}

/// The last unit first.
pub(super) fn reverse_units(bytes: &mut [u8], width: usize) {
    match width {
        1 => bytes.reverse(),
        2 => bytes.as_chunks_mut::<2>().0.reverse(),
        4 => bytes.as_chunks_mut::<4>().0.reverse(),
        8 => bytes.as_chunks_mut::<8>().0.reverse(),
        16 => bytes.as_chunks_mut::<16>().0.reverse(),
        width => {
            // Reversed as bytes, then each unit as bytes.
            bytes.reverse();
            bytes.chunks_exact_mut(width.max(1)).for_each(<[u8]>::reverse);
        }
    }
}

/// Units along each side of a tile.
pub(super) const TILE: usize = 64;
/// Units from one line of a tile to the next: no power of two, which would crowd a few sets of the cache.
pub(super) const TILE_PITCH: usize = TILE + 8;

/// Whether tiles of units of so many bytes can be turned.
pub(super) fn is_turnable(width: usize) -> bool {
    matches!(width, 1 | 2 | 4 | 8 | 16)
}

#[inline(always)]
fn turn_units<const W: usize>(tile: &[u8], to: &mut [u8], pitch: usize, rows: usize) {
    let lines = tile.as_chunks::<W>().0.as_chunks::<TILE_PITCH>().0;
    for (index, row) in to.chunks_mut(pitch.max(1)).take(rows.min(TILE)).enumerate() {
        for (cell, line) in row.as_chunks_mut::<W>().0.iter_mut().zip(lines) {
            if let Some(unit) = line.get(index) {
                *cell = *unit;
            }
        }
    }
}

/// Lines of a tile to columns of `to`, whose rows start `pitch` bytes apart.
#[cfg_attr(feature = "std", multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2")))]
pub(super) fn turn(tile: &[u8], to: &mut [u8], pitch: usize, rows: usize, width: usize) {
    match width {
        1 => turn_units::<1>(tile, to, pitch, rows),
        2 => turn_units::<2>(tile, to, pitch, rows),
        4 => turn_units::<4>(tile, to, pitch, rows),
        8 => turn_units::<8>(tile, to, pitch, rows),
        16 => turn_units::<16>(tile, to, pitch, rows),
        _ => {}
    }
}
