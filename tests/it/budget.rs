//! Tests that memory and time are linear in the length of a format, with the worst known formats.
#![allow(unsafe_code, reason = "a global allocator that counts")]

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::cell::Cell;

use pep3118::{DataModel, Dialect, Format, Layout, Picture, Table, calcsize_in, reconcile};

/// An allocator that calls the system's allocator and counts the allocated bytes of each thread.
struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// Adds `by` bytes to the allocated bytes of this thread, and updates the maximum of the thread.
fn grow(by: usize) {
    let held = HELD.get().wrapping_add(by);
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

// SAFETY: Both methods pass their arguments to the system's allocator and return its result.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, block: Block) -> *mut u8 {
        grow(block.size());
        // SAFETY: The caller fulfils the requirements of `System.alloc`, which are the requirements of this method.
        unsafe { System.alloc(block) }
    }

    unsafe fn dealloc(&self, at: *mut u8, block: Block) {
        HELD.set(HELD.get().wrapping_sub(block.size()));
        // SAFETY: The caller fulfils the requirements of `System.dealloc`, which are the requirements of this method.
        unsafe { System.dealloc(at, block) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Runs `work`. Returns the maximum of this thread's allocated bytes during `work`, minus the allocated bytes before
/// `work`.
fn peak(work: impl FnOnce()) -> usize {
    let before = HELD.get();
    PEAK.set(before);
    work();
    // If this thread frees memory of another thread, its count can fall below the count at the start.
    PEAK.get().saturating_sub(before)
}

/// Returns formats of about `len` bytes, each with a name. Each format takes the most time or memory in one function
/// of the library.
fn worst_formats(len: usize) -> Vec<(&'static str, Vec<u8>)> {
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
        ("long paths", {
            let close = [&b"}:"[..], &vec![b'n'; len / 60], b":"].concat();
            around(b"T{", b"T{b}", &close)
        }),
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

/// Reconciles `format` with the itemsize that the format describes without implicit trailing padding. `reconcile`
/// then computes every alternative.
fn reconciled(format: &[u8]) {
    let itemsize = calcsize_in(format, &Dialect::NUMPY, &DataModel::LP64).unwrap_or(64);
    drop(reconcile(format, Some(itemsize), None, &DataModel::LP64));
}

/// Writes the layout of `format` as C source, as Rust source, as a table and as a picture.
fn sources(format: &[u8]) {
    let Ok(layout) = Layout::read(format, &Dialect::PEP3118, &DataModel::LP64) else { return };
    drop(layout.to_c("item"));
    drop(layout.to_rust("Item"));
    drop(Table::new(&layout).to_string());
    drop(Picture::new(&layout).svg());
}

/// The maximum number of bytes that `parse` may allocate for each byte of the format.
const PARSE: usize = 320;
/// The maximum number of bytes that `Layout::read` may allocate for each byte of the format.
const READ: usize = 160;
/// The maximum number of bytes that `reconcile` may allocate for each byte of the format, when it computes all
/// alternatives.
const RECONCILE: usize = 400;
/// The maximum number of bytes that the longest text of a layout may allocate for each byte of the format.
const SOURCE: usize = 2_500;

#[test]
fn memory_is_linear_in_the_length_of_a_format() {
    for len in [1_000, 10_000, 60_000] {
        for (name, format) in worst_formats(len) {
            let check = |what: &str, limit: usize, peak: usize| {
                let each = peak / format.len();
                println!("{what:<10} {name:<22} {len:>6} bytes: {each} for each");
                assert!(each <= limit, "{what} of {name}: {peak} bytes for {}", format.len());
            };
            check("parse", PARSE, peak(|| drop(Format::parse(&format))));
            check("read", READ, peak(|| drop(Layout::read(&format, &Dialect::PEP3118, &DataModel::LP64))));
            check("reconcile", RECONCILE, peak(|| reconciled(&format)));
            check("source", SOURCE, peak(|| sources(&format)));
        }
    }
}

/// Runs `work` seven times. Returns the shortest processor time of a run, in seconds.
#[cfg(unix)]
fn shortest_time(mut work: impl FnMut()) -> f64 {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    let once = |work: &mut dyn FnMut()| {
        let start = now();
        work();
        now() - start
    };
    let (mut least, mut total) = (f64::INFINITY, 0.0);
    for _ in 0..7 {
        let time = once(&mut work);
        (least, total) = (least.min(time), total + time);
        // The times of long runs vary less, so fewer runs are enough.
        if total > 0.2 {
            break;
        }
    }
    least
}

/// A format of 16 times the length takes 16 times as long if time is linear, and 256 times as long if time is
/// quadratic. The limit is 100 times, so that the test also passes on a busy machine.
#[cfg(unix)]
#[test]
fn time_is_linear_in_the_length_of_a_format() {
    let (small, large) = (worst_formats(3_750), worst_formats(60_000));
    for ((name, small), (_, large)) in small.iter().zip(&large) {
        let works: [(&str, &dyn Fn(&[u8])); 4] = [
            ("parse", &|format| drop(Format::parse(format))),
            ("read", &|format| drop(Layout::read(format, &Dialect::PEP3118, &DataModel::LP64))),
            ("reconcile", &reconciled),
            ("source", &sources),
        ];
        for (what, work) in works {
            let (short, long) = (shortest_time(|| work(small)), shortest_time(|| work(large)));
            println!("{what:<10} {name:<22} {:>9.1} us {:>9.1} us", short * 1e6, long * 1e6);
            // Measurements below 2 microseconds are too inaccurate.
            assert!(long <= 100.0 * short.max(2e-6), "{what} of {name}: {short} s, then {long} s");
        }
    }
}
