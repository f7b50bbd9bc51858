//! Measures the time and the allocations of checks of a `Py_buffer`: the checks of the library, a hand-written check,
//! and `ndarray::ArrayView::from_shape`.
//!
//! `bench-view` prints the nanoseconds of each check in the fastest of five rounds, and the allocations of each check.
//! `bench-view count NAME N` runs the check `NAME` `N` times and prints nothing, so that valgrind can count the
//! instructions of the check:
//!
//! ```text
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null bench-view count structure 1000
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null bench-view count structure 2000
//! ```
//!
//! The difference between the two counts, divided by 1000, is the number of instructions of one check and one turn of
//! the loop. `count nothing` runs the loop without a check.

use std::alloc::{GlobalAlloc, Layout, System};
use std::env::args;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ndarray::{ArrayView, IxDyn, ShapeBuilder as _};
use pep3118::{Block, Checked, Checker, DataModel, Order, RawView, Request, verify_structure};

/// An allocator that counts the calls of `alloc` in [`ALLOCATIONS`].
struct Counting;

/// The number of allocations so far.
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: Both functions pass their arguments to `System` unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: The caller fulfils the requirements of `GlobalAlloc::alloc`, which are the requirements of
        // `System.alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` is the result of `System.alloc` with this `layout`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

const SHAPE: [i64; 3] = [4, 5, 6];
const STRIDES: [i64; 3] = [240, 48, 8];
const LEN: i64 = 960;

/// Returns the fields of a C-contiguous buffer of 4 x 5 x 6 doubles.
fn raw() -> RawView<'static> {
    RawView {
        buf: Some(0x1000),
        len: LEN,
        itemsize: 8,
        ndim: 3,
        format: Some(b"d"),
        shape: Some(&SHAPE),
        strides: Some(&STRIDES),
        ..RawView::default()
    }
}

/// Returns whether all items are inside a block of `memlen` bytes, `len` is the product of the shape and `itemsize`,
/// and the items are C-contiguous. `offset` is the byte of the block at which the item with all indices 0 starts.
///
/// Returns `false` for a negative length or an overflow. Returns `true` without further checks if a length is 0.
#[inline(never)]
fn hand_written(memlen: i64, itemsize: i64, shape: &[i64], strides: &[i64], offset: i64, len: i64) -> bool {
    let (mut low, mut high, mut product, mut contiguous) = (0_i64, itemsize, itemsize, true);
    for (length, stride) in shape.iter().zip(strides).rev() {
        if *length < 0 {
            return false;
        }
        if *length == 0 {
            return true;
        }
        let Some(reach) = stride.checked_mul(*length - 1) else { return false };
        let end = if reach < 0 { &mut low } else { &mut high };
        let Some(sum) = end.checked_add(reach) else { return false };
        *end = sum;
        contiguous &= *length == 1 || *stride == product;
        let Some(bytes) = product.checked_mul(*length) else { return false };
        product = bytes;
    }
    let Some(high) = offset.checked_add(high) else { return false };
    product == len && offset + low >= 0 && high <= memlen && contiguous
}

/// Creates the fields without a check, to measure the loop.
#[inline(never)]
fn nothing() {
    black_box(raw());
}

/// Checks the fields with [`hand_written`].
#[inline(never)]
fn hand() {
    let (shape, strides) = (black_box(&SHAPE), black_box(&STRIDES));
    assert!(black_box(hand_written(black_box(LEN), 8, shape, strides, black_box(0), black_box(LEN))));
}

/// Checks the structure with `verify_structure`.
#[inline(never)]
fn structure() {
    let (shape, strides) = (black_box(&SHAPE[..]), black_box(&STRIDES[..]));
    assert!(verify_structure(black_box(LEN), black_box(8), black_box(3), shape, strides, black_box(0)).is_empty());
}

/// Asserts that the library finds the items C-contiguous.
#[inline(never)]
fn contiguous() {
    assert!(black_box(raw()).is_contiguous(Order::C));
}

/// Validates all fields of a buffer of doubles, for the request `FULL` and a memory block. Asserts that no rule is
/// broken.
#[inline(never)]
fn full() {
    let memory = Some(Block { len: black_box(LEN), offset: 0 });
    let Checked { report, view } = black_box(raw()).check(Request::FULL, None, memory);
    assert!(report.is_empty() && black_box(view).is_some());
}

/// Validates all fields of a buffer of records, for the request `FULL`. Compares the format with the itemsize. The name
/// of this check is `record`.
#[inline(never)]
fn structure_format() {
    let raw = RawView {
        len: LEN,
        itemsize: 16,
        format: Some(b"T{i:a:4xd:b:}"),
        shape: Some(&[60]),
        strides: Some(&[16]),
        ndim: 1,
        ..raw()
    };
    let checker = Checker { model: &DataModel::LP64, ..Checker::DEFAULT };
    assert!(black_box(checker.check(&black_box(raw), Some(Request::FULL))).view.is_some());
}

/// Creates a view of `ndarray` from a shape and strides, and asserts that `ndarray` accepts them. `ndarray` checks that
/// all elements are inside the slice, and counts strides in elements.
#[inline(never)]
fn ndarray_from_shape() {
    static MEMORY: [f64; 120] = [0.0; 120];
    let shape = IxDyn(black_box(&[4, 5, 6])).strides(IxDyn(black_box(&[30, 6, 1])));
    assert!(black_box(ArrayView::from_shape(shape, black_box(&MEMORY[..]))).is_ok());
}

/// The checks by name.
const CASES: [(&str, fn()); 7] = [
    ("nothing", nothing),
    ("hand", hand),
    ("structure", structure),
    ("contiguous", contiguous),
    ("full", full),
    ("record", structure_format),
    ("ndarray", ndarray_from_shape),
];

fn main() {
    let arguments: Vec<String> = args().skip(1).collect();
    if let [command, name, times] = arguments.as_slice() {
        assert_eq!(command, "count");
        let case = CASES.iter().find(|(known, _)| known == name).expect("the name of a case").1;
        for _ in 0..times.parse::<usize>().expect("a number") {
            case();
        }
        return;
    }
    println!("{:<12} {:>8}  allocations", "check", "ns");
    for (name, case) in CASES {
        const TIMES: usize = 1_000_000;
        let best = (0..5).map(|_| {
            let start = Instant::now();
            (0..TIMES).for_each(|_| case());
            start.elapsed()
        });
        let best = best.min().expect("five rounds");
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        case();
        let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
        println!("{name:<12} {:>8.1}  {allocations}", best.as_nanos() as f64 / TIMES as f64);
    }
}
