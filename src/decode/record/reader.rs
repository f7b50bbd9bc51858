//! Where the values of a struct are taken from: the derived code is compiled once for each.

/// The bytes of one item, seen as the struct lies.
#[doc(hidden)]
pub trait RecordReader: Copy {
    /// The `W` bytes of the value that the struct has at a byte, in this machine's order; zeros where
    /// there are none.
    fn cell<const W: usize>(self, at: usize) -> [u8; W];
}

/// Makes a source of an item.
pub(super) trait Sources<'s>: Copy {
    type Item: RecordReader;

    fn of(self, item: &'s [u8]) -> Self::Item;
}

#[inline(always)]
fn cell<const W: usize>(item: &[u8], at: usize) -> [u8; W] {
    match item.get(at..).and_then(|bytes| bytes.first_chunk::<W>()) {
        Some(cell) => *cell,
        None => zeros(),
    }
}

/// Told apart by a jump that is never taken: to choose between two values would take longer.
#[cold]
#[inline(never)]
fn zeros<const W: usize>() -> [u8; W] {
    [0; W]
}

#[inline(always)]
pub(super) fn reversed<const W: usize>(mut cell: [u8; W]) -> [u8; W] {
    cell.reverse();
    cell
}

/// An item that lies as the struct does.
#[derive(Clone, Copy)]
pub(super) struct Same;

/// The same, in the other byte order.
#[derive(Clone, Copy)]
pub(super) struct Swapped;

/// An item of which each byte of the struct has its own place.
#[derive(Clone, Copy)]
pub(super) struct Placed<'p, const SWAP: bool>(pub(super) &'p [usize]);

/// Where a byte of the struct comes from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Origin {
    /// From the start of the item, in bytes.
    pub(super) at: usize,
    /// Whether its value lies in the other byte order.
    pub(super) swap: bool,
}

/// An item of which each byte of the struct has its own place, and each value its byte order.
#[derive(Clone, Copy)]
pub(super) struct Mixed<'p>(pub(super) &'p [Origin]);

#[derive(Clone, Copy)]
pub(super) struct MixedItem<'i>(&'i [u8], &'i [Origin]);

#[derive(Clone, Copy)]
pub(super) struct SameItem<'i>(&'i [u8]);

#[derive(Clone, Copy)]
pub(super) struct SwappedItem<'i>(&'i [u8]);

#[derive(Clone, Copy)]
pub(super) struct PlacedItem<'i, const SWAP: bool>(&'i [u8], &'i [usize]);

impl<'s> Sources<'s> for Same {
    type Item = SameItem<'s>;

    #[inline(always)]
    fn of(self, item: &'s [u8]) -> Self::Item {
        SameItem(item)
    }
}

impl<'s> Sources<'s> for Swapped {
    type Item = SwappedItem<'s>;

    #[inline(always)]
    fn of(self, item: &'s [u8]) -> Self::Item {
        SwappedItem(item)
    }
}

impl<'s, const SWAP: bool> Sources<'s> for Placed<'s, SWAP> {
    type Item = PlacedItem<'s, SWAP>;

    #[inline(always)]
    fn of(self, item: &'s [u8]) -> Self::Item {
        PlacedItem(item, self.0)
    }
}

impl<'s> Sources<'s> for Mixed<'s> {
    type Item = MixedItem<'s>;

    #[inline(always)]
    fn of(self, item: &'s [u8]) -> Self::Item {
        MixedItem(item, self.0)
    }
}

impl RecordReader for MixedItem<'_> {
    #[inline(always)]
    fn cell<const W: usize>(self, at: usize) -> [u8; W] {
        let Some(origin) = self.1.get(at) else { return zeros() };
        let cell = cell(self.0, origin.at);
        if origin.swap { reversed(cell) } else { cell }
    }
}

impl RecordReader for SameItem<'_> {
    #[inline(always)]
    fn cell<const W: usize>(self, at: usize) -> [u8; W] {
        cell(self.0, at)
    }
}

impl RecordReader for SwappedItem<'_> {
    #[inline(always)]
    fn cell<const W: usize>(self, at: usize) -> [u8; W] {
        reversed(cell(self.0, at))
    }
}

impl<const SWAP: bool> RecordReader for PlacedItem<'_, SWAP> {
    #[inline(always)]
    fn cell<const W: usize>(self, at: usize) -> [u8; W] {
        let Some(at) = self.1.get(at) else { return zeros() };
        let cell = cell(self.0, *at);
        if SWAP { reversed(cell) } else { cell }
    }
}
