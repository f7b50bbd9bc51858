//! Bytes from where a buffer has them to where a struct has them, and the look at what is no value.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::error::wide;
use super::super::swap::{copy_swapped, swap_in_place};
use super::error::RecordError;
use super::model::Check;
use super::reader::Origin;

/// An array of records: elements, and how far they lie apart on both sides, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repeat {
    pub(super) times: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Bytes side by side.
#[derive(Clone, Debug)]
pub(super) struct Move {
    /// From the start of the item, in bytes.
    pub(super) from: usize,
    /// From the start of the struct, in bytes.
    pub(super) to: usize,
    pub(super) len: usize,
    /// Bytes that are swapped together.
    pub(super) width: usize,
    pub(super) swap: bool,
    pub(super) outer: Vec<Repeat>,
}

impl Move {
    /// Neighbours on both sides are one.
    pub(super) fn merged(moves: Vec<Self>) -> Vec<Self> {
        let mut merged: Vec<Self> = Vec::new();
        for next in moves.into_iter().filter(|next| next.len > 0) {
            match merged.last_mut() {
                Some(last) if last.is_continued_by(&next) => last.len = last.len.saturating_add(next.len),
                _ => merged.push(next),
            }
        }
        merged
    }

    fn is_continued_by(&self, next: &Self) -> bool {
        let ends = (self.from.saturating_add(self.len), self.to.saturating_add(self.len));
        let alike = (self.swap, self.width) == (next.swap, next.width) && self.outer == next.outer;
        alike && ends == (next.from, next.to)
    }

    /// The way back.
    pub(super) fn turned(&self) -> Self {
        let turn = |repeat: &Repeat| Repeat { times: repeat.times, from: repeat.to, to: repeat.from };
        Self { from: self.to, to: self.from, outer: self.outer.iter().map(turn).collect(), ..*self }
    }

    /// Whether the bytes are where they should be.
    pub(super) fn is_in_place(&self) -> bool {
        self.from == self.to && self.outer.iter().all(|repeat| repeat.from == repeat.to)
    }

    /// Notes where each byte of the struct comes from.
    pub(super) fn note(&self, places: &mut [Origin]) {
        self.note_from(places, self.from, self.to, &self.outer);
    }

    fn note_from(&self, places: &mut [Origin], from: usize, to: usize, outer: &[Repeat]) {
        let Some((repeat, inner)) = outer.split_first() else {
            let cells = places.get_mut(to..to.saturating_add(self.len)).unwrap_or_default();
            cells.iter_mut().zip(from..).for_each(|(cell, at)| *cell = Origin { at, swap: self.swap });
            return;
        };
        for index in 0..repeat.times {
            let from = from.saturating_add(index.saturating_mul(repeat.from));
            self.note_from(places, from, to.saturating_add(index.saturating_mul(repeat.to)), inner);
        }
    }

    /// Moves the bytes of every item of a block. The sizes are those of an item on both sides.
    pub(super) fn apply(&self, items: &[u8], itemsize: usize, records: &mut [u8], size: usize) {
        if self.outer.is_empty() {
            let (from, to) = ((self.from, itemsize), (self.to, size));
            // The width is chosen outside of the loop.
            match (self.len, self.swap, self.width) {
                (1, _, _) => return cells::<1>(items, from, records, to, |cell| cell),
                (2, false, _) => return cells::<2>(items, from, records, to, |cell| cell),
                (4, false, _) => return cells::<4>(items, from, records, to, |cell| cell),
                (8, false, _) => return cells::<8>(items, from, records, to, |cell| cell),
                (16, false, _) => return cells::<16>(items, from, records, to, |cell| cell),
                (2, true, 2) => return cells::<2>(items, from, records, to, swap16),
                (4, true, 4) => return cells::<4>(items, from, records, to, swap32),
                (8, true, 8) => return cells::<8>(items, from, records, to, swap64),
                _ => {}
            }
        }
        for (item, record) in items.chunks_exact(itemsize.max(1)).zip(records.chunks_exact_mut(size.max(1))) {
            self.descend(item, self.from, record, self.to, &self.outer);
        }
    }

    fn descend(&self, item: &[u8], from: usize, record: &mut [u8], to: usize, outer: &[Repeat]) {
        let Some((repeat, inner)) = outer.split_first() else {
            let from = item.get(from..from.saturating_add(self.len));
            if let (Some(from), Some(to)) = (from, record.get_mut(to..to.saturating_add(self.len))) {
                match (self.swap, self.len == self.width) {
                    (false, _) => to.copy_from_slice(from),
                    (true, false) => copy_swapped(from, to, self.width),
                    (true, true) => {
                        to.copy_from_slice(from);
                        swap_in_place(to, self.width);
                    }
                }
            }
            return;
        };
        for index in 0..repeat.times {
            let from = from.saturating_add(index.saturating_mul(repeat.from));
            self.descend(item, from, record, to.saturating_add(index.saturating_mul(repeat.to)), inner);
        }
    }
}

fn swap16(cell: [u8; 2]) -> [u8; 2] {
    u16::from_ne_bytes(cell).swap_bytes().to_ne_bytes()
}

fn swap32(cell: [u8; 4]) -> [u8; 4] {
    u32::from_ne_bytes(cell).swap_bytes().to_ne_bytes()
}

fn swap64(cell: [u8; 8]) -> [u8; 8] {
    u64::from_ne_bytes(cell).swap_bytes().to_ne_bytes()
}

/// `W` bytes of every item, each pair an offset and the size of an item.
#[inline(always)]
fn cells<const W: usize>(
    items: &[u8],
    from: (usize, usize),
    records: &mut [u8],
    to: (usize, usize),
    turn: impl Fn([u8; W]) -> [u8; W],
) {
    // Chunks that start with the cell: the last one may end before its item does.
    let items = items.get(from.0..).unwrap_or_default().chunks(from.1.max(1));
    let records = records.get_mut(to.0..).unwrap_or_default().chunks_mut(to.1.max(1));
    for (item, record) in items.zip(records) {
        if let (Some(item), Some(record)) = (item.first_chunk::<W>(), record.first_chunk_mut::<W>()) {
            *record = turn(*item);
        }
    }
}

/// Bytes that may be no value, as they lie in the item.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) check: Check,
    /// From the start of the item, in bytes.
    pub(super) at: usize,
    pub(super) len: usize,
    pub(super) swap: bool,
    pub(super) outer: Vec<Repeat>,
    /// The dotted name.
    pub(super) path: String,
}

impl Test {
    /// Looks at all items of a block; `before` is the number of those before it.
    pub(super) fn apply(&self, items: &[u8], itemsize: usize, before: usize) -> Result<(), RecordError> {
        if self.check == Check::Bool && self.len == 1 && self.outer.is_empty() {
            // All bits of all bools, which is quicker than to stop at the first that is none.
            let bools = items.get(self.at..).unwrap_or_default().iter().step_by(itemsize.max(1));
            if bools.fold(0, |bits, byte| bits | byte) <= 1 {
                return Ok(());
            }
        }
        for (index, item) in items.chunks_exact(itemsize.max(1)).enumerate() {
            let mut seen = 0_usize;
            if let Some((element, value)) = self.descend(item, self.at, &self.outer, &mut seen) {
                let (width, ty) = if self.check == Check::Char { (4, "char") } else { (1, "bool") };
                let single = self.outer.is_empty() && self.len == width;
                let field = if single { self.path.clone() } else { format!("{}[{element}]", self.path) };
                return Err(RecordError::Invalid { record: wide(before.saturating_add(index)), field, value, ty });
            }
        }
        Ok(())
    }

    /// The first element that is no value, with its number.
    fn descend(&self, item: &[u8], at: usize, outer: &[Repeat], seen: &mut usize) -> Option<(usize, u32)> {
        let Some((repeat, inner)) = outer.split_first() else {
            let bytes = item.get(at..at.saturating_add(self.len)).unwrap_or_default();
            let (found, count) = if self.check == Check::Char {
                let units = bytes.as_chunks::<4>().0;
                let value = |unit: &[u8; 4]| {
                    let value = u32::from_ne_bytes(*unit);
                    if self.swap { value.swap_bytes() } else { value }
                };
                let mut values = units.iter().map(value).enumerate();
                (values.find(|(_, value)| char::from_u32(*value).is_none()), units.len())
            } else {
                let mut values = bytes.iter().map(|byte| u32::from(*byte)).enumerate();
                (values.find(|(_, value)| *value > 1), bytes.len())
            };
            let before = *seen;
            *seen = seen.saturating_add(count);
            return found.map(|(index, value)| (before.saturating_add(index), value));
        };
        (0..repeat.times)
            .find_map(|index| self.descend(item, at.saturating_add(index.saturating_mul(repeat.from)), inner, seen))
    }
}
