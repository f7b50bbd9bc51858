//! What checking a `Py_buffer` costs.
//!
//! `bench-view` prints nanoseconds a check; `bench-view count NAME N` runs one of them `N` times and
//! nothing else, for an instruction counter:
//!
//! ```text
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null bench-view count structure 1000
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null bench-view count structure 2000
//! ```
//!
//! The difference between the two, divided by 1000, is the number of instructions of one check, the
//! loop around it included; `count nothing` is the loop alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::env::args;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ndarray::{ArrayView, IxDyn, ShapeBuilder as _};
use pep3118::{Block, Checked, Checker, DataModel, Order, RawView, Request, verify_structure};

/// Counts allocations: a clean view needs none.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

const SHAPE: [i64; 3] = [4, 5, 6];
const STRIDES: [i64; 3] = [240, 48, 8];
const LEN: i64 = 960;

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

/// What a hand-written check does: extent inside the block, product, C-contiguity.
#[inline(never)]
fn hand_written(memlen: i64, itemsize: i64, shape: &[i64], strides: &[i64], offset: i64, len: i64) -> bool {
    let (mut low, mut high, mut product, mut contiguous) = (0_i64, itemsize, itemsize, true);
    for (extent, stride) in shape.iter().zip(strides).rev() {
        if *extent < 0 {
            return false;
        }
        if *extent == 0 {
            return true;
        }
        let Some(reach) = stride.checked_mul(*extent - 1) else { return false };
        let end = if reach < 0 { &mut low } else { &mut high };
        let Some(sum) = end.checked_add(reach) else { return false };
        *end = sum;
        contiguous &= *extent == 1 || *stride == product;
        let Some(bytes) = product.checked_mul(*extent) else { return false };
        product = bytes;
    }
    let Some(high) = offset.checked_add(high) else { return false };
    product == len && offset + low >= 0 && high <= memlen && contiguous
}

type Case = (&'static str, fn());

#[inline(never)]
fn nothing() {
    black_box(raw());
}

#[inline(never)]
fn hand() {
    let (shape, strides) = (black_box(&SHAPE), black_box(&STRIDES));
    assert!(black_box(hand_written(black_box(LEN), 8, shape, strides, black_box(0), black_box(LEN))));
}

#[inline(never)]
fn structure() {
    let (shape, strides) = (black_box(&SHAPE[..]), black_box(&STRIDES[..]));
    assert!(verify_structure(black_box(LEN), black_box(8), black_box(3), shape, strides, black_box(0)).is_empty());
}

#[inline(never)]
fn contiguous() {
    assert!(black_box(raw()).is_contiguous(Order::C));
}

#[inline(never)]
fn full() {
    let memory = Some(Block { len: black_box(LEN), offset: 0 });
    let Checked { report, view } = black_box(raw()).check(Request::FULL, None, memory);
    assert!(report.is_empty() && black_box(view).is_some());
}

#[inline(never)]
fn structure_format() {
    let raw = RawView { len: LEN, itemsize: 16, format: Some(b"T{i:a:4xd:b:}"), shape: Some(&[60]), strides: Some(&[16]), ndim: 1, ..raw() };
    let checker = Checker { model: &DataModel::LP64, ..Checker::DEFAULT };
    assert!(black_box(checker.check(&black_box(raw), Some(Request::FULL))).view.is_some());
}

/// Elements instead of bytes, and an extent check against the slice.
#[inline(never)]
fn ndarray_from_shape() {
    static MEMORY: [f64; 120] = [0.0; 120];
    let shape = IxDyn(black_box(&[4, 5, 6])).strides(IxDyn(black_box(&[30, 6, 1])));
    assert!(black_box(ArrayView::from_shape(shape, black_box(&MEMORY[..]))).is_ok());
}

const CASES: [Case; 7] = [
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
