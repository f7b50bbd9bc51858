//! [`RecordReader`] and [`RecordWriter`]: read and write the values of a struct in an item. The layout of the item can
//! differ from the layout of the struct. [`Access`] converts offsets in the struct to offsets in the item. The code of
//! the derive macro is compiled separately for each implementation of [`Access`].

#[cfg(feature = "pyo3")]
use crate::strided::Cell;
use crate::strided::reversed;

/// Reads the values of a Rust struct from an item.
#[doc(hidden)]
pub trait RecordReader: Copy {
    /// Reads a number of `W` bytes from the item, and returns its bytes in native byte order. `at` is the offset in
    /// bytes of the number in the Rust struct. The offset in the item can differ.
    fn bytes<const W: usize>(self, at: usize) -> [u8; W];
}

/// Writes the values of a Rust struct to an item.
#[doc(hidden)]
pub trait RecordWriter {
    /// Writes the number `bytes` to the item. `bytes` must be in native byte order. `at` is the offset in bytes of the
    /// number in the Rust struct. The offset in the item can differ.
    fn put<const W: usize>(&mut self, at: usize, bytes: [u8; W]);
}

/// A mapping from offsets in a struct to offsets in an item.
pub(crate) trait Access: Copy {
    /// Finds the number that starts `at` bytes after the start of the struct. Returns the offset of this number in the
    /// item in bytes, and whether the bytes of the number must be reversed. Returns `None` if `at` is outside the
    /// struct.
    fn locate(self, at: usize) -> Option<(usize, bool)>;
}

/// The mapping for items in which each value has the same offset as in the struct, and native byte order.
#[derive(Clone, Copy)]
pub(crate) struct Identity;

/// The mapping for items in which each value has the same offset as in the struct, and non-native byte order.
#[derive(Clone, Copy)]
pub(super) struct Swapped;

/// The mapping for items in which some values have other offsets than in the struct. For each byte of the struct, the
/// slice has the offset in the item. All values have native byte order, or non-native byte order if `SWAP` is true.
#[derive(Clone, Copy)]
pub(super) struct Permuted<'p, const SWAP: bool>(pub(super) &'p [usize]);

/// The mapping for items in which some values have other offsets than in the struct, and some values have non-native
/// byte order. The slice has the [`Origin`] of each byte of the struct.
#[derive(Clone, Copy)]
pub(super) struct PermutedMixedEndian<'p>(pub(super) &'p [Origin]);

/// The position in the item of one byte of the struct.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Origin {
    /// The offset in bytes from the start of the item.
    pub(super) offset: usize,
    /// Whether the byte belongs to a value whose byte order must be reversed.
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

/// The bytes of an item: a slice of bytes, or a cell of any memory.
pub(crate) trait ItemBytes: Copy {
    /// Copies `W` bytes that start at byte `offset` of the item. Returns `None` if these bytes extend past the end of
    /// the item.
    fn bytes<const W: usize>(self, offset: usize) -> Option<[u8; W]>;
}

impl ItemBytes for &[u8] {
    #[inline(always)]
    fn bytes<const W: usize>(self, offset: usize) -> Option<[u8; W]> {
        self.get(offset..)?.first_chunk().copied()
    }
}

#[cfg(feature = "pyo3")]
impl ItemBytes for Cell<'_> {
    #[inline(always)]
    fn bytes<const W: usize>(self, offset: usize) -> Option<[u8; W]> {
        Cell::bytes(self, offset)
    }
}

/// The bytes of an item that is decoded, and the mapping from the struct to the item.
#[derive(Clone, Copy)]
pub(crate) struct ItemReader<I, A>(pub(crate) I, pub(crate) A);

impl<I: ItemBytes, A: Access> RecordReader for ItemReader<I, A> {
    #[inline(always)]
    fn bytes<const W: usize>(self, at: usize) -> [u8; W] {
        let Some((offset, swap)) = self.1.locate(at) else { return outside() };
        match self.0.bytes(offset) {
            Some(bytes) if swap => reversed(bytes),
            Some(bytes) => bytes,
            None => outside(),
        }
    }
}

/// The bytes of an item that is overwritten, and the mapping from the struct to the item.
pub(crate) struct ItemWriter<'i, A>(pub(crate) &'i mut [u8], pub(crate) A);

impl<A: Access> RecordWriter for ItemWriter<'_, A> {
    #[inline(always)]
    fn put<const W: usize>(&mut self, at: usize, bytes: [u8; W]) {
        if let Some((offset, swap)) = self.1.locate(at)
            && let Some(place) = self.0.get_mut(offset..).and_then(|bytes| bytes.first_chunk_mut::<W>())
        {
            *place = if swap { reversed(bytes) } else { bytes };
        } else {
            // If this branch called `outside`, the compiler would load the offsets once for each record, and not once
            // for all records.
            debug_assert!(false, "a value of the struct is outside the item");
        }
    }
}

/// Returns `W` zeros for a value outside the item. Only a bug calls this function, because `LayoutMatcher` checks that
/// all values are inside.
///
/// The function is cold and not inlined. The callers then contain a predicted branch, which takes less time than a
/// conditional move.
#[cold]
#[inline(never)]
fn outside<const W: usize>() -> [u8; W] {
    debug_assert!(false, "a value of the struct is outside the item");
    [0; W]
}
