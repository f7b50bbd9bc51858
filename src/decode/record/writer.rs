//! Where the values of a struct go: the mirror of [`RecordReader`](super::RecordReader).

use super::reader::{Mixed, Placed, Same, Swapped, reversed};

/// The bytes of one item, seen as the struct lies.
#[doc(hidden)]
pub trait RecordWriter {
    /// Puts the `W` bytes of the value that the struct has at a byte, given in this machine's order;
    /// nowhere where the item has no such bytes.
    fn put<const W: usize>(&mut self, at: usize, cell: [u8; W]);
}

/// Makes room of an item.
pub(super) trait Rooms: Copy {
    fn put<const W: usize>(self, item: &mut [u8], at: usize, cell: [u8; W]);
}

/// An item and the way into it.
pub(super) struct Item<'i, R>(pub(super) &'i mut [u8], pub(super) R);

impl<R: Rooms> RecordWriter for Item<'_, R> {
    #[inline(always)]
    fn put<const W: usize>(&mut self, at: usize, cell: [u8; W]) {
        self.1.put(self.0, at, cell);
    }
}

#[inline(always)]
fn put<const W: usize>(item: &mut [u8], at: usize, cell: [u8; W]) {
    if let Some(room) = item.get_mut(at..).and_then(|bytes| bytes.first_chunk_mut::<W>()) {
        *room = cell;
    }
}

impl Rooms for Same {
    #[inline(always)]
    fn put<const W: usize>(self, item: &mut [u8], at: usize, cell: [u8; W]) {
        put(item, at, cell);
    }
}

impl Rooms for Swapped {
    #[inline(always)]
    fn put<const W: usize>(self, item: &mut [u8], at: usize, cell: [u8; W]) {
        put(item, at, reversed(cell));
    }
}

impl<const SWAP: bool> Rooms for Placed<'_, SWAP> {
    #[inline(always)]
    fn put<const W: usize>(self, item: &mut [u8], at: usize, cell: [u8; W]) {
        if let Some(at) = self.0.get(at) {
            put(item, *at, if SWAP { reversed(cell) } else { cell });
        }
    }
}

impl Rooms for Mixed<'_> {
    #[inline(always)]
    fn put<const W: usize>(self, item: &mut [u8], at: usize, cell: [u8; W]) {
        if let Some(origin) = self.0.get(at) {
            put(item, origin.at, if origin.swap { reversed(cell) } else { cell });
        }
    }
}
