//! Access to the values of a struct in an item whose layout may differ: the derived code is compiled for each kind.

use crate::strided::reversed;

/// An item that the values of a struct are read from.
#[doc(hidden)]
pub trait RecordReader: Copy {
    /// Returns the `W` bytes of the value at byte `at` of the struct, in the byte order of this machine.
    fn bytes<const W: usize>(self, at: usize) -> [u8; W];
}

/// An item that the values of a struct are written to.
#[doc(hidden)]
pub trait RecordWriter {
    /// Writes the `W` bytes of the value at byte `at` of the struct, given in the byte order of this machine.
    fn put<const W: usize>(&mut self, at: usize, bytes: [u8; W]);
}

/// Where the values of a struct are in an item.
pub(super) trait Access: Copy {
    /// Returns the offset in the item of the value at byte `at` of the struct, and whether it is in the other byte order.
    fn locate(self, at: usize) -> Option<(usize, bool)>;
}

/// Each value has the same offset in the item as in the struct.
#[derive(Clone, Copy)]
pub(super) struct Identity;

/// The same, with all values in the other byte order.
#[derive(Clone, Copy)]
pub(super) struct Swapped;

/// Each byte of the struct has its own offset in the item; all values are in one byte order.
#[derive(Clone, Copy)]
pub(super) struct Permuted<'p, const SWAP: bool>(pub(super) &'p [usize]);

/// Each byte of the struct has its own offset in the item, and each value its byte order.
#[derive(Clone, Copy)]
pub(super) struct PermutedMixedEndian<'p>(pub(super) &'p [Origin]);

/// Where a byte of the struct is in the item.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Origin {
    /// From the start of the item, in bytes.
    pub(super) offset: usize,
    /// Whether the value that it is part of is in the other byte order.
    pub(super) swap: bool,
}

impl Access for Identity {
    #[inline(always)]
    fn locate(self, at: usize) -> Option<(usize, bool)> {
        Some((at, false))
    }
}

impl Access for Swapped {
    #[inline(always)]
    fn locate(self, at: usize) -> Option<(usize, bool)> {
        Some((at, true))
    }
}

impl<const SWAP: bool> Access for Permuted<'_, SWAP> {
    #[inline(always)]
    fn locate(self, at: usize) -> Option<(usize, bool)> {
        self.0.get(at).map(|offset| (*offset, SWAP))
    }
}

impl Access for PermutedMixedEndian<'_> {
    #[inline(always)]
    fn locate(self, at: usize) -> Option<(usize, bool)> {
        self.0.get(at).map(|origin| (origin.offset, origin.swap))
    }
}

/// An item to read from.
#[derive(Clone, Copy)]
pub(super) struct ItemReader<'i, A>(pub(super) &'i [u8], pub(super) A);

impl<A: Access> RecordReader for ItemReader<'_, A> {
    #[inline(always)]
    fn bytes<const W: usize>(self, at: usize) -> [u8; W] {
        let Some((offset, swap)) = self.1.locate(at) else { return outside() };
        match self.0.get(offset..).and_then(|bytes| bytes.first_chunk::<W>()) {
            Some(bytes) if swap => reversed(*bytes),
            Some(bytes) => *bytes,
            None => outside(),
        }
    }
}

/// An item to write to.
pub(super) struct ItemWriter<'i, A>(pub(super) &'i mut [u8], pub(super) A);

impl<A: Access> RecordWriter for ItemWriter<'_, A> {
    #[inline(always)]
    fn put<const W: usize>(&mut self, at: usize, bytes: [u8; W]) {
        if let Some((offset, swap)) = self.1.locate(at)
            && let Some(place) = self.0.get_mut(offset..).and_then(|bytes| bytes.first_chunk_mut::<W>())
        {
            *place = if swap { reversed(bytes) } else { bytes };
        } else {
            // Without a call: it would keep the compiler from looking the offsets up once for all records.
            debug_assert!(false, "a value of the struct is outside the item");
        }
    }
}

/// Returns zeros for a value outside the item, which comparing the struct with the plan excludes.
///
/// A cold function, because a predicted branch is cheaper than a conditional move.
#[cold]
#[inline(never)]
fn outside<const W: usize>() -> [u8; W] {
    debug_assert!(false, "a value of the struct is outside the item");
    [0; W]
}
