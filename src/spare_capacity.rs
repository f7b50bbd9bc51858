//! Memory that was reserved and never written to.
//!
//! To zero a vector before it is filled is to write it twice: a fifth of the time of large columns.
#![allow(unsafe_code, reason = "hands out the unused room of a vector, and makes it longer by what was filled")]

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use bytemuck::Pod;

/// Fills all of a room and gives it back; what is not filled is not given back.
pub(crate) type Fill<'f> = dyn for<'r> FnMut(&'r mut [MaybeUninit<u8>]) -> &'r mut [u8] + 'f;

/// A vector to whose end elements are written.
pub trait SpareCapacity: core::fmt::Debug {
    /// Appends elements by their bytes.
    fn append(&mut self, elements: &[u8]);

    /// Has the next bytes filled where they are, and nothing if there is no room for them. The vector is
    /// longer only if `fill` gives back all of the room.
    fn grow(&mut self, bytes: usize, fill: &mut Fill<'_>);
}

impl<T: Pod + core::fmt::Debug> SpareCapacity for Vec<T> {
    fn append(&mut self, elements: &[u8]) {
        self.extend(elements.chunks_exact(size_of::<T>().max(1)).map(bytemuck::pod_read_unaligned::<T>));
    }

    fn grow(&mut self, bytes: usize, fill: &mut Fill<'_>) {
        let count = bytes.checked_div(size_of::<T>()).unwrap_or(0);
        let Some(room) = self.spare_capacity_mut().get_mut(..count) else { return };
        let len = size_of_val(room);
        let start: *mut MaybeUninit<u8> = room.as_mut_ptr().cast();
        // SAFETY: the bytes of `room`, which is borrowed exclusively and not used from here on; a byte that
        // may be uninitialised has no alignment and no invalid value.
        let filled = fill(unsafe { core::slice::from_raw_parts_mut(start, len) });
        let all = filled.as_ptr().addr() == start.addr() && filled.len() == len;
        let longer = self.len().saturating_add(count);
        if all {
            // SAFETY: no more than the capacity, which `room` lies in. A `&mut [u8]` to all of it exists, so
            // all of it is initialised, and every pattern of bytes is an element of a `Pod` type.
            unsafe { self.set_len(longer) };
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may panic")]
mod tests {
    use super::*;

    fn filled(room: &mut [MaybeUninit<u8>], byte: u8) -> &mut [u8] {
        room.iter_mut().for_each(|cell| _ = cell.write(byte));
        // SAFETY: all bytes were written just now, and are borrowed for as long.
        unsafe { core::slice::from_raw_parts_mut(room.as_mut_ptr().cast(), room.len()) }
    }

    #[test]
    fn vectors_grow_by_what_is_filled() {
        let mut numbers: Vec<u32> = Vec::with_capacity(4);
        numbers.grow(8, &mut |room| filled(room, 1));
        assert_eq!(numbers, [0x0101_0101; 2]);
        // A part of it, none of it, no room.
        numbers.grow(8, &mut |room| room.get_mut(..4).map(|half| filled(half, 2)).unwrap_or_default());
        numbers.grow(4, &mut |_| &mut []);
        let most = numbers.spare_capacity_mut().len() * 4;
        numbers.grow(most + 4, &mut |room| filled(room, 4));
        assert_eq!(numbers.len(), 2);
        SpareCapacity::append(&mut numbers, &[5; 13]);
        assert_eq!(numbers, [0x0101_0101, 0x0101_0101, 0x0505_0505, 0x0505_0505, 0x0505_0505]);
    }
}
