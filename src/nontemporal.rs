//! [`copy_rows`] and [`fill`]: copies with nontemporal stores, which write to memory without using the caches. On
//! processors other than x86-64, both functions use ordinary stores.
//!
//! An ordinary store to a cache line that is not in a cache first fetches the line from memory. If the whole line is
//! overwritten, the fetch is useless. Such fetches make up a third of the memory traffic of a large copy. A
//! nontemporal store writes the line without the fetch. For data that fits in a cache, a nontemporal store takes
//! several times as long as an ordinary store.
#![allow(unsafe_code, reason = "the nontemporal store instruction, which the compiler does not select, and its fence")]

/// The minimum length in bytes of a copy for which a caller uses [`copy_rows`] or [`fill`]. The caller compares the
/// length with `MIN_LEN`; the two functions do not.
pub(crate) const MIN_LEN: usize = 1 << 24;

/// The length of a cache line in bytes.
pub(crate) const LINE: usize = 64;

/// Copies the first `len` bytes of each row of `from` to the row of `to` with the same index.
///
/// The rows of `from` start `from_pitch` bytes apart. The rows of `to` start `to_pitch` bytes apart. The function ends
/// when `from` or `to` has no more rows. The last row is not copied if it has fewer than `len` bytes in `from` or `to`.
pub(crate) fn copy_rows(from: &[u8], from_pitch: usize, to: &mut [u8], to_pitch: usize, len: usize) {
    let _fence = Fence;
    let rows = from.chunks(from_pitch.max(1)).zip(to.chunks_mut(to_pitch.max(1)));
    for (from, to) in rows {
        if let (Some(from), Some(to)) = (from.get(..len), to.get_mut(..len)) {
            copy_row(from, to);
        }
    }
}

/// Fills `to` with the values of `units`, one after another. When `to` is full, takes no further value from `units`.
///
/// `units` must have enough values to fill `to`. If not, the complete cache lines of `to` after the last value can
/// become zeros. If a unit would cross the end of a cache line, ordinary stores write all values.
pub(crate) fn fill<const N: usize>(to: &mut [u8], mut units: impl Iterator<Item = [u8; N]>) {
    let mut write = |to: &mut [u8]| {
        for (to, unit) in to.as_chunks_mut::<N>().0.iter_mut().zip(units.by_ref()) {
            *to = unit;
        }
    };
    let head = to.as_ptr().align_offset(LINE);
    let fills_lines = head.checked_rem(N) == Some(0) && LINE.checked_rem(N) == Some(0);
    let Some((first, rest)) = to.split_at_mut_checked(head).filter(|_| fills_lines) else {
        // `to` has no complete cache line that can be filled with whole units, so ordinary stores write the units.
        return write(to);
    };
    write(first);
    let _fence = Fence;
    let (lines, last) = rest.as_chunks_mut::<LINE>();
    for to in lines {
        let mut line = [0; LINE];
        write(&mut line);
        store(&line, to);
    }
    write(last);
}

/// Copies `from` to `to`. `from` and `to` must have the same length. Writes complete cache lines of `to` with
/// nontemporal stores, and the bytes before and after these lines with ordinary stores.
#[inline]
fn copy_row(from: &[u8], to: &mut [u8]) {
    let head = to.as_ptr().align_offset(LINE).min(to.len()).min(from.len());
    let ((first, from), (to_first, to)) = (from.split_at(head), to.split_at_mut(head));
    to_first.copy_from_slice(first);
    let ((lines, rest), (to_lines, to_rest)) = (from.as_chunks::<LINE>(), to.as_chunks_mut::<LINE>());
    for (to, from) in to_lines.iter_mut().zip(lines) {
        store(from, to);
    }
    to_rest.copy_from_slice(rest);
}

/// Copies one cache line from `from` to `to`. Uses nontemporal stores if the address of `to` is a multiple of 16 bytes,
/// and ordinary stores if not.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn store(from: &[u8; LINE], to: &mut [u8; LINE]) {
    use core::arch::x86_64::{__m128i, _mm_stream_si128};
    for (to, from) in to.as_chunks_mut::<16>().0.iter_mut().zip(from.as_chunks::<16>().0) {
        let address: *mut __m128i = to.as_mut_ptr().cast();
        if address.is_aligned() {
            // SAFETY: `address` points to 16 bytes that are borrowed exclusively, and is a multiple of 16. Every x86-64
            // processor supports SSE2. The caller drops a `Fence` before the borrow of these bytes ends, so the store
            // is complete before other code reads the bytes.
            unsafe { _mm_stream_si128(address, bytemuck::cast(*from)) };
        } else {
            *to = *from;
        }
    }
}

/// A guard for nontemporal stores. Dropping the guard waits until all earlier nontemporal stores are visible to other
/// threads. On processors other than x86-64, dropping the guard does nothing.
struct Fence;

impl Drop for Fence {
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: Every x86-64 processor supports SSE, and `_mm_sfence` has no other requirement.
        unsafe {
            core::arch::x86_64::_mm_sfence();
        }
    }
}

/// Copies one cache line from `from` to `to` with ordinary stores, because nontemporal stores were measured only on
/// x86-64.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn store(from: &[u8; LINE], to: &mut [u8; LINE]) {
    *to = *from;
}

#[cfg(test)]
#[allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests may panic"
)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    /// Returns `len` bytes in which neighbouring bytes differ.
    fn noise(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 31 + at / 7 + 1) as u8).collect()
    }

    #[test]
    fn rows_of_any_length_are_copied_to_any_address() {
        let from = noise(4096);
        for start in 0..65 {
            for len in (0..70).chain([127, 128, 129, 200]) {
                for (from_pitch, to_pitch) in [(len.max(1), len.max(1)), (201, 333), (333, 200)] {
                    let (mut to, mut expected) = (vec![0xee; 1500], vec![0xee; 1500]);
                    copy_rows(&from[..from_pitch * 4], from_pitch, &mut to[start..start + to_pitch * 4], to_pitch, len);
                    for row in 0..4 {
                        let at = start + row * to_pitch;
                        expected[at..at + len].copy_from_slice(&from[row * from_pitch..row * from_pitch + len]);
                    }
                    assert_eq!(to, expected, "{start} {len} {from_pitch} {to_pitch}");
                }
            }
        }
    }

    #[test]
    fn units_of_any_width_fill_memory_at_any_address() {
        fn units<const N: usize>() {
            let from = noise(N * 80);
            for start in 0..65 {
                for count in [0, 1, 2, 3, 7, 8, 9, 33, 64, 65, 80] {
                    let (mut to, mut units) = (vec![0xee; 1500], from.as_chunks::<N>().0.iter().copied());
                    fill::<N>(&mut to[start..start + N * count], units.by_ref());
                    assert_eq!(units.len(), 80 - count, "{N} {start}: as many as fit");
                    assert_eq!(to[start..start + N * count], from[..N * count], "{N} {start} {count}");
                    assert!(to[..start].iter().chain(&to[start + N * count..]).all(|byte| *byte == 0xee));
                }
            }
        }
        units::<1>();
        units::<2>();
        units::<3>();
        units::<4>();
        units::<8>();
        units::<16>();
    }
}
