//! Writing to the unused capacity of a vector before it becomes elements.
//!
//! Zeroing a large vector first and then filling it writes the memory twice, which took a fifth of the time of
//! reading large columns.
#![allow(unsafe_code, reason = "lends the unused capacity of a vector and lengthens it by what was filled")]

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use bytemuck::Pod;

/// Memory that is only written to, because it may be uninitialised.
///
/// INVARIANT: only initialised bytes are written through it, so that memory that was initialised stays so.
#[derive(Debug)]
pub struct Unfilled<'m>(&'m mut [MaybeUninit<u8>]);

impl<'m> Unfilled<'m> {
    /// Returns the length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the memory to be written to.
    ///
    /// # Safety
    /// - (a) only initialised bytes are written to it
    pub(crate) unsafe fn as_uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        self.0
    }

    /// Returns the memory as bytes.
    ///
    /// # Safety
    /// - (b) every byte was written to
    pub(crate) unsafe fn assume_filled(self) -> &'m mut [u8] {
        let len = self.0.len();
        let start: *mut u8 = self.0.as_mut_ptr().cast();
        // SAFETY: the same memory, borrowed exclusively for as long; by (b) all of it is initialised.
        unsafe { core::slice::from_raw_parts_mut(start, len) }
    }
}

impl<'m> From<&'m mut [u8]> for Unfilled<'m> {
    fn from(bytes: &'m mut [u8]) -> Self {
        let (start, len) = (bytes.as_mut_ptr().cast(), bytes.len());
        // SAFETY: the same memory, borrowed exclusively for as long; by the INVARIANT it stays initialised.
        Self(unsafe { core::slice::from_raw_parts_mut(start, len) })
    }
}

/// Fills all of the memory that it is given and returns it; a shorter slice means that it was not filled.
pub(crate) type Fill<'f> = dyn for<'m> FnMut(Unfilled<'m>) -> &'m mut [u8] + 'f;

/// A vector whose spare capacity can be filled.
pub trait SpareCapacity: core::fmt::Debug {
    /// Lets `fill` write to the next `bytes` bytes of spare capacity and appends them as elements.
    ///
    /// Returns `false` and leaves the length as it was if the capacity is too small, `bytes` is not a multiple of
    /// the element size, or `fill` does not fill all of it.
    fn grow(&mut self, bytes: usize, fill: &mut Fill<'_>) -> bool;
}

impl<T: Pod + core::fmt::Debug> SpareCapacity for Vec<T> {
    fn grow(&mut self, bytes: usize, fill: &mut Fill<'_>) -> bool {
        let (Some(count), Some(0)) = (bytes.checked_div(size_of::<T>()), bytes.checked_rem(size_of::<T>())) else {
            return false;
        };
        let Some(spare) = self.spare_capacity_mut().get_mut(..count) else { return false };
        let start: *mut MaybeUninit<u8> = spare.as_mut_ptr().cast();
        // SAFETY: the bytes of `spare`, which is borrowed exclusively and not used from here on; a byte that may be
        // uninitialised has no alignment and no invalid value.
        let filled = fill(Unfilled(unsafe { core::slice::from_raw_parts_mut(start, bytes) }));
        if filled.as_ptr().addr() != start.addr() || filled.len() != bytes {
            return false;
        }
        let longer = self.len().saturating_add(count);
        // SAFETY: `spare` ends at `longer` elements, inside the capacity. A `&mut [u8]` to all of `spare` exists, so
        // it is initialised, and every bit pattern is an element of a `Pod` type.
        unsafe { self.set_len(longer) };
        true
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may panic")]
mod tests {
    use super::*;

    fn fill(mut memory: Unfilled<'_>, byte: u8) -> &mut [u8] {
        // SAFETY: (a) `byte` is initialised.
        unsafe { memory.as_uninit() }.fill(MaybeUninit::new(byte));
        // SAFETY: (b) every byte was just written to.
        unsafe { memory.assume_filled() }
    }

    #[test]
    fn vector_grows_by_filled_elements() {
        let mut numbers: Vec<u32> = Vec::with_capacity(4);
        assert!(numbers.grow(8, &mut |memory| fill(memory, 1)));
        assert_eq!(numbers, [0x0101_0101; 2]);
    }

    #[test]
    fn vector_does_not_grow_by_partly_filled_elements() {
        let mut numbers: Vec<u32> = Vec::with_capacity(4);
        assert!(!numbers.grow(8, &mut |memory| fill(memory, 2).get_mut(..4).unwrap_or_default()));
        assert!(!numbers.grow(4, &mut |_| &mut []));
        assert!(!numbers.grow(5, &mut |memory| fill(memory, 2)));
        assert!(numbers.is_empty());
    }

    #[test]
    fn vector_does_not_grow_past_its_capacity() {
        let mut numbers: Vec<u32> = Vec::with_capacity(4);
        let spare = numbers.spare_capacity_mut().len() * 4;
        assert!(!numbers.grow(spare + 4, &mut |memory| fill(memory, 4)));
        assert!(numbers.is_empty());
    }

    #[test]
    fn initialised_bytes_are_overwritten() {
        let mut bytes = [7; 3];
        fill(Unfilled::from(&mut bytes[..]), 9);
        assert_eq!(bytes, [9; 3]);
    }
}
