//! Limits on the memory and time of the worst formats: bytes of memory for each byte of a format, and time that is linear in
//! its length.
#![allow(unsafe_code, reason = "a global allocator that counts")]

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::cell::Cell;

use pep3118::{DataModel, Dialect, Format, Layout, calcsize_in, reconcile};

/// The system's allocator, with a count of the bytes that each thread holds.
struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn grow(by: usize) {
    let held = HELD.get().wrapping_add(by);
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

// SAFETY: both methods pass their arguments to the system's allocator and return its result.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, block: Block) -> *mut u8 {
        grow(block.size());
        // SAFETY: the requirements on the caller are those of `System.alloc`.
        unsafe { System.alloc(block) }
    }

    unsafe fn dealloc(&self, at: *mut u8, block: Block) {
        HELD.set(HELD.get().wrapping_sub(block.size()));
        // SAFETY: the requirements on the caller are those of `System.dealloc`.
        unsafe { System.dealloc(at, block) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Returns the largest number of bytes that this thread holds at once during `work`, less those it held before.
fn peak(work: impl FnOnce()) -> usize {
    let before = HELD.get();
    PEAK.set(before);
    work();
    // Freeing memory of another thread counts below what was held before.
    PEAK.get().saturating_sub(before)
}

/// Formats of about `len` bytes, each the worst for a part of the code.
fn worst(len: usize) -> Vec<(&'static str, Vec<u8>)> {
    let repeated = |piece: &[u8]| piece.iter().copied().cycle().take(len - len % piece.len()).collect::<Vec<u8>>();
    let around = |open: &[u8], piece: &[u8], close: &[u8]| {
        let pieces = len.saturating_sub(30 * (open.len() + close.len())) / piece.len();
        [open.repeat(30), piece.repeat(pieces), close.repeat(30)].concat()
    };
    vec![
        ("codes", repeated(b"i")),
        ("counts", repeated(b"1h")),
        ("byte orders", repeated(b"<>")),
        ("swapped codes", repeated(b"<i>d")),
        ("names", repeated(b"i:n:")),
        ("one name", [b"i:".to_vec(), vec![b'n'; len - 3], b":".to_vec()].concat()),
        ("empty structures", repeated(b"T{}")),
        ("structures", repeated(b"T{bi}")),
        ("arrays of structures", repeated(b"(2)T{bi}x")),
        ("nested structures", around(b"T{", b"bi", b"}")),
        ("nested arrays", around(b"(2)T{", b"hb", b"}xx")),
        ("shapes", repeated(b"(2,3,4)i")),
        ("pointers", repeated(b"&i")),
        ("functions", repeated(b"X{}")),
        ("a signature", [b"X{".to_vec(), vec![b'i'; len - 3], b"}".to_vec()].concat()),
        ("digits", [vec![b'0'; len - 2], b"1i".to_vec()].concat()),
        ("space", vec![b' '; len]),
        ("unclosed", [repeated(b"i"), b"T{".to_vec()].concat()),
        ("too deep", repeated(b"T{")),
    ]
}

/// Reconciles a format with the itemsize that it has without implicit trailing padding, which computes every alternative.
fn reconciled(format: &[u8]) {
    let itemsize = calcsize_in(format, &Dialect::NUMPY, &DataModel::LP64).unwrap_or(64);
    drop(reconcile(format, Some(itemsize), None, &DataModel::LP64));
}

/// The bytes that `parse` may hold for each byte of the format; `docs/safety.md` promises it.
const PARSE: usize = 320;
/// The bytes that `Layout::read` may hold for each byte of the format.
const READ: usize = 160;
/// The bytes that `reconcile` may hold for each byte of the format, with all alternative layouts.
const RECONCILE: usize = 400;

#[test]
fn memory_is_linear_in_the_length_of_a_format() {
    for len in [1_000, 10_000, 60_000] {
        for (name, format) in worst(len) {
            let check = |what: &str, limit: usize, peak: usize| {
                let each = peak / format.len();
                println!("{what:<10} {name:<22} {len:>6} bytes: {each} for each");
                assert!(each <= limit, "{what} of {name}: {peak} bytes for {}", format.len());
            };
            check("parse", PARSE, peak(|| drop(Format::parse(&format))));
            check("read", READ, peak(|| drop(Layout::read(&format, &Dialect::PEP3118, &DataModel::LP64))));
            check("reconcile", RECONCILE, peak(|| reconciled(&format)));
        }
    }
}

/// Returns the processor time of `work` in seconds, the least of seven runs.
#[cfg(unix)]
fn least(mut work: impl FnMut()) -> f64 {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    let once = |work: &mut dyn FnMut()| {
        let start = now();
        work();
        now() - start
    };
    (0..7).map(|_| once(&mut work)).fold(f64::INFINITY, f64::min)
}

/// A format of 16 times the length takes about 16 times as long where time is linear, and 256 times where it is quadratic.
/// The limit is 100, so that a busy machine does not fail the test.
#[cfg(unix)]
#[test]
fn time_is_linear_in_the_length_of_a_format() {
    let (small, large) = (worst(3_750), worst(60_000));
    for ((name, small), (_, large)) in small.iter().zip(&large) {
        let works: [(&str, &dyn Fn(&[u8])); 3] = [
            ("parse", &|format| drop(Format::parse(format))),
            ("read", &|format| drop(Layout::read(format, &Dialect::PEP3118, &DataModel::LP64))),
            ("reconcile", &reconciled),
        ];
        for (what, work) in works {
            let (short, long) = (least(|| work(small)), least(|| work(large)));
            println!("{what:<10} {name:<22} {:>9.1} us {:>9.1} us", short * 1e6, long * 1e6);
            // Times below 2 microseconds are not measured well enough.
            assert!(long <= 100.0 * short.max(2e-6), "{what} of {name}: {short} s, then {long} s");
        }
    }
}
