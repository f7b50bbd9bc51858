//! [`SpareCapacity`]: writes to the unused capacity of a vector, and then increases the length of the vector.
//! [`Unfilled`]: unused capacity that code can write to but not read.
//!
//! Without this module, a large vector would be filled with zeros before its elements are written. When large columns
//! were read in this way, writing the zeros took a fifth of the time.
#![allow(unsafe_code, reason = "gives access to the unused capacity of a vector and sets the new length")]

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use bytemuck::Pod;

/// Memory that can be uninitialised, and that code may write to but not read.
///
/// INVARIANT: only initialised bytes are written to the memory, so that initialised memory stays initialised.
#[derive(Debug)]
pub struct Unfilled<'m>(&'m mut [MaybeUninit<u8>]);

impl<'m> Unfilled<'m> {
    /// Returns the length of the memory in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the memory as a slice for writing.
    ///
    /// # Safety
    /// - (a) The caller writes only initialised bytes to the memory.
    pub(crate) unsafe fn as_uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        self.0
    }

    /// Returns the memory as a slice of initialised bytes.
    ///
    /// # Safety
    /// - (a) Every byte of the memory has been written.
    pub(crate) unsafe fn assume_filled(self) -> &'m mut [u8] {
        let len = self.0.len();
        let start: *mut u8 = self.0.as_mut_ptr().cast();
        // SAFETY: `start` and `len` describe the slice of `self`, which is borrowed exclusively for `'m`. Requirement
        // (a) guarantees that all bytes are initialised.
        unsafe { core::slice::from_raw_parts_mut(start, len) }
    }
}

impl<'m> From<&'m mut [u8]> for Unfilled<'m> {
    fn from(bytes: &'m mut [u8]) -> Self {
        let (start, len) = (bytes.as_mut_ptr().cast(), bytes.len());
        // SAFETY: `start` and `len` describe `bytes`, which is borrowed exclusively for `'m`. The INVARIANT guarantees
        // that `bytes` stays initialised.
        Self(unsafe { core::slice::from_raw_parts_mut(start, len) })
    }
}

/// A function that writes every byte of the memory that it receives, and returns the memory. A function that fails
/// returns an empty or shorter slice.
pub(crate) type Fill<'f> = dyn for<'m> FnMut(Unfilled<'m>) -> &'m mut [u8] + 'f;

/// A vector whose unused capacity can be written to.
pub trait SpareCapacity: core::fmt::Debug {
    /// Calls `fill` with the first `bytes` bytes of the unused capacity, and appends the written bytes as elements.
    ///
    /// Returns `false` and appends nothing in three cases:
    /// - the unused capacity is smaller than `bytes`
    /// - `bytes` is not a multiple of the element size, or the elements have 0 bytes
    /// - `fill` returns a slice other than the memory that `fill` received
    fn grow(&mut self, bytes: usize, fill: &mut Fill<'_>) -> bool;
}

impl<T: Pod + core::fmt::Debug> SpareCapacity for Vec<T> {
    fn grow(&mut self, bytes: usize, fill: &mut Fill<'_>) -> bool {
        let (Some(count), Some(0)) = (bytes.checked_div(size_of::<T>()), bytes.checked_rem(size_of::<T>())) else {
            return false;
        };
        let Some(spare) = self.spare_capacity_mut().get_mut(..count) else { return false };
        let start: *mut MaybeUninit<u8> = spare.as_mut_ptr().cast();
        // SAFETY: `spare` has at least `bytes` bytes, is borrowed exclusively, and is not used after this line.
        // `MaybeUninit<u8>` has alignment 1 and no invalid value.
        let filled = fill(Unfilled(unsafe { core::slice::from_raw_parts_mut(start, bytes) }));
        if filled.as_ptr().addr() != start.addr() || filled.len() != bytes {
            return false;
        }
        let new_len = self.len().saturating_add(count);
        // SAFETY: `new_len` is at most the capacity, because `spare` is a part of the unused capacity. `fill` has
        // returned a `&mut [u8]` to all of `spare`, so the new elements are initialised. Every bit pattern is a valid
        // value of a `Pod` type.
        unsafe { self.set_len(new_len) };
        true
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may panic")]
mod tests {
    use super::*;

    /// Sets every byte of `memory` to `byte`, and returns the memory.
    fn fill(mut memory: Unfilled<'_>, byte: u8) -> &mut [u8] {
        // SAFETY: (a) `byte` is initialised.
        unsafe { memory.as_uninit() }.fill(MaybeUninit::new(byte));
        // SAFETY: (a) `fill` has written every byte.
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
