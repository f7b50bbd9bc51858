//! Fresh memory in large pages.
//!
//! Memory that the system has just given costs more than the copy into it: each page of 4 KiB is
//! mapped and cleared when it is first touched. In pages of 2 MiB that is four to five times as fast.
#![allow(unsafe_code, reason = "the one call that advises the system about memory")]

/// Bytes from which on large pages are asked for.
#[cfg(all(feature = "std", target_os = "linux"))]
const LEAST: usize = 1 << 22;

/// A multiple of the size of small pages on every machine, in bytes.
#[cfg(all(feature = "std", target_os = "linux"))]
const PAGE: usize = 1 << 16;

/// Asks for large pages where there is room for some; best before the memory is touched. It is a
/// wish: no byte changes, whatever the system answers.
#[cfg(all(feature = "std", target_os = "linux"))]
pub(crate) fn prefer_large<T>(memory: &mut [T]) {
    let len = size_of_val(memory);
    let start = memory.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(PAGE);
    if len < LEAST || skipped >= len {
        return;
    }
    let whole = len.saturating_sub(skipped) & !PAGE.saturating_sub(1);
    // SAFETY: the range lies within `memory`, which is borrowed exclusively, and begins and ends at
    // borders of pages, so nobody else's memory is advised about. `MADV_HUGEPAGE` changes in what
    // pages the range is mapped and none of its bytes (madvise(2)).
    let answer =
        unsafe { rustix::mm::madvise(start.wrapping_add(skipped).cast(), whole, rustix::mm::Advice::LinuxHugepage) };
    // A kernel without large pages refuses, and small ones do as well.
    answer.unwrap_or_default();
}

/// Asks for nothing: only Linux is known to answer.
#[cfg(not(all(feature = "std", target_os = "linux")))]
pub(crate) fn prefer_large<T>(_memory: &mut [T]) {}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::prefer_large;

    /// No byte changes, whether there is room for large pages or not.
    #[test]
    fn wishes_change_nothing() {
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
