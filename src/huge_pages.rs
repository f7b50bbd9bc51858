//! Huge pages for large allocations: `madvise` on Linux, nothing elsewhere.
//!
//! The first write to a page that the system has just provided costs more than the copy into it: the system maps and clears
//! each page of 4 KiB. With pages of 2 MiB writing new memory is four to five times as fast.
#![allow(unsafe_code, reason = "one system call that advises the system about memory of this program")]

/// Bytes from which on huge pages are requested.
#[cfg(all(feature = "std", target_os = "linux"))]
const LEAST: usize = 1 << 22;

/// A multiple of the size of small pages on every machine, in bytes.
#[cfg(all(feature = "std", target_os = "linux"))]
const PAGE: usize = 1 << 16;

/// Requests huge pages for memory, best before it is written to. The system may ignore the request; no byte changes.
#[cfg(all(feature = "std", target_os = "linux"))]
pub(crate) fn prefer_large<T>(memory: &mut [T]) {
    let len = size_of_val(memory);
    let start = memory.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(PAGE);
    if len < LEAST || skipped >= len {
        return;
    }
    let whole = len.saturating_sub(skipped) & !PAGE.saturating_sub(1);
    // SAFETY: the range is inside `memory`, which is borrowed exclusively, and starts and ends at page boundaries, so it is
    // memory of this program alone. `MADV_HUGEPAGE` changes the pages that the range is mapped in, and none of its bytes
    // (madvise(2)).
    let answer =
        unsafe { rustix::mm::madvise(start.wrapping_add(skipped).cast(), whole, rustix::mm::Advice::LinuxHugepage) };
    // A kernel without huge pages returns an error, which is ignored: the memory works with small pages too.
    answer.unwrap_or_default();
}

/// Does nothing: other systems have no such request.
#[cfg(not(all(feature = "std", target_os = "linux")))]
pub(crate) fn prefer_large<T>(_memory: &mut [T]) {}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::prefer_large;

    #[test]
    fn bytes_stay_the_same_at_any_length() {
        for len in [0, 1, (1 << 22) - 1, 1 << 22, (1 << 22) + 1, (1 << 23) + 12_345] {
            let mut memory: Vec<u8> = vec![0; len];
            prefer_large(&mut memory);
            assert!(memory.iter().all(|byte| *byte == 0));
            memory.iter_mut().zip((0..251).cycle()).for_each(|(byte, value)| *byte = value);
            prefer_large(&mut memory);
            prefer_large(memory.get_mut(1..).unwrap_or_default());
            assert!(memory.iter().zip((0..251).cycle()).all(|(byte, value)| *byte == value));
        }
        prefer_large(&mut vec![[0_u64; 3]; 400_000]);
        prefer_large(&mut [(); usize::MAX]);
    }
}
