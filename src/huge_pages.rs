//! [`prefer_large`]: asks Linux for huge pages for an allocation of at least 4 MiB. On other systems and without the
//! feature `std`, nothing happens.
//!
//! When a program writes to a new page of 4 KiB for the first time, the system maps and clears the page. Mapping and
//! clearing take longer than copying data to the page. With huge pages of 2 MiB, writing to new memory is four to
//! five times as fast.
#![allow(unsafe_code, reason = "one system call that advises the system about memory of this program")]

/// The minimum length in bytes of an allocation for which huge pages are requested.
#[cfg(all(feature = "std", target_os = "linux"))]
const MIN_LEN: usize = 1 << 22;

/// The address and the length in bytes of each request are multiples of `PAGE`. The system requires multiples of its
/// page size, and `PAGE` is a multiple of the page size of every machine.
#[cfg(all(feature = "std", target_os = "linux"))]
const PAGE: usize = 1 << 16;

/// Asks the system to use huge pages for `memory`. Does nothing if `memory` has fewer than [`MIN_LEN`] bytes.
///
/// A caller should call the function before the first write to `memory`, because the request then has the largest
/// effect. The system can ignore the request. The bytes of `memory` do not change.
#[cfg(all(feature = "std", target_os = "linux"))]
pub(crate) fn prefer_large<T>(memory: &mut [T]) {
    let len = size_of_val(memory);
    let start = memory.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(PAGE);
    if len < MIN_LEN || skipped >= len {
        return;
    }
    let whole_pages = len.saturating_sub(skipped) & !PAGE.saturating_sub(1);
    // SAFETY: The range is inside `memory`, which is borrowed exclusively. The range starts and ends at page
    // boundaries, so its pages contain no other memory. `MADV_HUGEPAGE` changes the mapping of the range to pages, and
    // changes no byte of the range (madvise(2)).
    let result = unsafe {
        rustix::mm::madvise(start.wrapping_add(skipped).cast(), whole_pages, rustix::mm::Advice::LinuxHugepage)
    };
    // A kernel without huge pages returns an error. Memory with small pages works too, so the error is ignored.
    result.unwrap_or_default();
}

/// Does nothing: only Linux supports the request, and the system call needs the feature `std`.
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
