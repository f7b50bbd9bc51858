//! Compares the time of decoding, and of encoding columns and structs, with the time of a baseline, usually `memcpy` of
//! the same bytes.
//!
//! `bench-decode [ROUNDS] [WORD]` prints a line for each operation whose name contains `WORD`: the time of the
//! operation, the time of the baseline, and the ratio. Operation and baseline alternate. Times are medians.
//!
//! `bench-decode serve [WORD]` runs one round for each line of standard input. `run.py` uses this mode to alternate the
//! rounds with rounds of NumPy and CPython, because some goals are relative to these peers.
//!
//! Each `Buffer::from_ptr` gets the address of `memory` or of a table of pointers to `memory`. This memory outlives the
//! buffer, contains every item of the view, and no thread writes to it.

use std::hint::black_box;
use std::io::BufRead as _;

use pep3118::decode::{Buffer, Destination, Plan};
use pep3118::{DataModel, Dialect, Layout, Order, RawView, Record, Request, View, fill_contiguous_strides};

/// The options of the command line.
struct Bench {
    /// The number of rounds of each row. `None` in the mode `serve`, in which standard input determines the number.
    rounds: Option<usize>,
    /// Rows whose name does not contain this word are skipped.
    only: String,
}

impl Bench {
    /// Alternates `operation` and `baseline`, runs each `times` times a round, and prints the median milliseconds of
    /// one run, the ratio and the text `goal`. Does nothing if `name` does not contain the word of the command line.
    ///
    /// In the mode `serve`, prints `name` and `goal`, and then the seconds of one run for each line of standard input.
    /// The line `next` ends the function. The end of the input ends the process.
    fn row(&self, name: &str, goal: &str, times: u32, mut operation: impl FnMut(), mut baseline: impl FnMut()) {
        if !name.contains(&self.only) {
            return;
        }
        let mut samples = (Vec::new(), Vec::new());
        let time = |run: &mut dyn FnMut()| {
            let start = seconds();
            for _ in 0..times {
                run();
            }
            (seconds() - start) / f64::from(times)
        };
        (operation(), baseline());
        let Some(rounds) = self.rounds else {
            println!("{name}\t{goal}");
            for line in std::io::stdin().lock().lines() {
                if line.unwrap() == "next" {
                    return;
                }
                println!("{}\t{}", time(&mut operation), time(&mut baseline));
            }
            std::process::exit(0);
        };
        for _ in 0..rounds {
            samples.0.push(time(&mut operation));
            samples.1.push(time(&mut baseline));
        }
        let median = |samples: &mut Vec<f64>| {
            samples.sort_by(f64::total_cmp);
            samples[samples.len() / 2]
        };
        let (ours, theirs) = (median(&mut samples.0), median(&mut samples.1));
        println!("{name:<54} {:>10.3} {:>10.3}  {:>6.2}  {goal}", ours * 1e3, theirs * 1e3, ours / theirs);
    }
}

/// Returns the processor time of this thread in seconds. Other programs of the machine change the processor time less
/// than the wall-clock time.
fn seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a local variable, so the function can write a `timespec` to it.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "no clock");
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Returns a validated view of items with the given `format` and `itemsize`. Panics if the arguments are invalid.
fn view<'a>(format: &'static [u8], itemsize: i64, shape: &'a [i64], strides: &'a [i64]) -> View<'a> {
    let raw = RawView {
        len: shape.iter().product::<i64>() * itemsize,
        itemsize,
        ndim: shape.len() as i32,
        format: Some(format),
        shape: Some(shape),
        strides: Some(strides),
        ..RawView::default()
    };
    raw.check(Request::FULL_RO, None, None).into_result().unwrap()
}

/// Returns `len` pseudo-random bytes, which are the same in every run.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..len.div_ceil(8))
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .take(len)
        .collect()
}

/// Requests huge pages for the capacity of `vec`, as the library does for its result.
fn request_huge_pages(vec: &mut Vec<u32>) {
    #[cfg(target_os = "linux")]
    {
        let start = vec.spare_capacity_mut().as_mut_ptr().cast::<u8>();
        let skipped = start.align_offset(1 << 16);
        let len = (vec.capacity() * 4 - skipped) & !0xffff;
        // SAFETY: The `len` bytes from `start + skipped` are inside the allocation of `vec`, and the advice changes no
        // byte.
        unsafe { rustix::mm::madvise(start.add(skipped).cast(), len, rustix::mm::Advice::LinuxHugepage) }.unwrap();
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds = match arguments.next() {
        Some(word) if word == "serve" => None,
        rounds => Some(rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(15)),
    };
    let bench = Bench { rounds, only: arguments.next().unwrap_or_default() };
    if rounds.is_some() {
        println!("{:<54} {:>10} {:>10}  {:>6}  goal", "operation", "ms", "memcpy ms", "ratio");
    }

    const ITEMS: usize = 10_000_000;
    let memory = noise(ITEMS * 16);
    let mut copy = vec![1_u8; ITEMS * 16];

    macro_rules! typed {
        ($name:expr, $goal:expr, $times:expr, $format:expr, $element:ty, $items:expr) => {{
            let itemsize = size_of::<$element>() as i64;
            let (shape, strides) = ([$items as i64], [itemsize]);
            let view = view($format, itemsize, &shape, &strides);
            let plan = Plan::for_view(&view, &DataModel::HOST).unwrap();
            let buffer = unsafe { Buffer::from_ptr(&view, &plan, memory.as_ptr()) }.unwrap();
            let mut elements = vec![<$element>::default(); $items];
            let bytes = $items * itemsize as usize;
            bench.row(
                $name,
                $goal,
                $times,
                || buffer.copy_to_slice(black_box(&mut elements[..]), Order::C).unwrap(),
                || black_box(&mut copy[..bytes]).copy_from_slice(black_box(&memory[..bytes])),
            );
        }};
    }
    typed!("native f64, warm", "1.05", 1, b"d", f64, ITEMS);
    {
        let (shape, strides) = ([ITEMS as i64], [8]);
        let view = view(b"d", 8, &shape, &strides);
        let plan = Plan::for_view(&view, &DataModel::HOST).unwrap();
        let buffer = unsafe { Buffer::from_ptr(&view, &plan, memory.as_ptr()) }.unwrap();
        bench.row(
            "native f64, new destination",
            "NumPy 1.05",
            1,
            || drop(black_box(buffer.to_vec::<f64>(Order::C).unwrap())),
            || drop(black_box(memory[..ITEMS * 8].to_vec())),
        );
    }
    typed!("big-endian f64, 80 MB", "1.25", 1, b">d", f64, ITEMS);
    typed!("big-endian f64, 1000 items", "1.6", 20_000, b">d", f64, 1000_usize);
    typed!("big-endian u16, 20 MB", "1.10", 4, b">H", u16, ITEMS);
    {
        let (shape, strides) = ([ITEMS as i64], [2]);
        let view = view(b"e", 2, &shape, &strides);
        let plan = Plan::for_view(&view, &DataModel::HOST).unwrap();
        let buffer = unsafe { Buffer::from_ptr(&view, &plan, memory.as_ptr()) }.unwrap();
        let narrow: Vec<u16> =
            memory[..ITEMS * 2].chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        bench.row(
            "half to f32 (baseline: u16 to u32)",
            "1.1",
            1,
            || drop(black_box(buffer.to_vec_as::<f32>(Order::C).unwrap())),
            || drop(black_box(black_box(&narrow).iter().map(|unit| u32::from(*unit)).collect::<Vec<u32>>())),
        );
        bench.row(
            "half to f32 (u16 to u32 in huge pages)",
            "-",
            1,
            || drop(black_box(buffer.to_vec_as::<f32>(Order::C).unwrap())),
            || {
                let mut wide: Vec<u32> = Vec::with_capacity(ITEMS);
                request_huge_pages(&mut wide);
                wide.extend(black_box(&narrow).iter().map(|unit| u32::from(*unit)));
                drop(black_box(wide));
            },
        );
    }
    {
        let (shape, strides) = ([ITEMS as i64], [16]);
        let view = view(b"d", 8, &shape, &strides);
        let plan = Plan::for_view(&view, &DataModel::HOST).unwrap();
        let buffer = unsafe { Buffer::from_ptr(&view, &plan, memory.as_ptr()) }.unwrap();
        let mut elements = vec![0.0; ITEMS];
        bench.row(
            "every second f64 (baseline: all bytes)",
            "NumPy 0.95",
            1,
            || buffer.copy_to_slice(black_box(&mut elements[..]), Order::C).unwrap(),
            || black_box(&mut copy[..ITEMS * 16]).copy_from_slice(black_box(&memory[..ITEMS * 16])),
        );
    }
    for (name, goal, rows, columns) in [
        ("transposed f64, 3000 x 3000", "NumPy 1.1", 3000_i64, 3000_i64),
        ("transposed f64, 2048 x 4096", "NumPy 0.35", 2048, 4096),
    ] {
        let (shape, strides) = ([columns, rows], [8, 8 * columns]);
        let view = view(b"d", 8, &shape, &strides);
        let plan = Plan::for_view(&view, &DataModel::HOST).unwrap();
        let buffer = unsafe { Buffer::from_ptr(&view, &plan, memory.as_ptr()) }.unwrap();
        let mut elements = vec![0.0; (rows * columns) as usize];
        let bytes = elements.len() * 8;
        bench.row(
            name,
            goal,
            1,
            || buffer.copy_to_slice(black_box(&mut elements[..]), Order::C).unwrap(),
            || black_box(&mut copy[..bytes]).copy_from_slice(black_box(&memory[..bytes])),
        );
    }
    const RECORDS: usize = 1_000_000;
    let doubles: String = format!("T{{{}}}", (0..64).map(|at| format!("<d:x{at}:")).collect::<String>());
    for (name, goal, format, records) in [
        ("columns of <IhBd8s", "1.6", "T{<I:a:<h:b:B:c:<d:d:8s:e:}", RECORDS),
        ("columns of >IhBd8s", "1.2 x that", "T{>I:a:>h:b:B:c:>d:d:8s:e:}", RECORDS),
        ("columns of @BhidQ", "1.6", "T{B:a:h:b:i:c:d:d:Q:e:}", RECORDS),
        ("columns of nested", "1.6", "T{<i:a:T{<d:x:<d:y:}:p:3s:tag:}", RECORDS),
        ("columns of 64 doubles", "2.2", doubles.as_str(), RECORDS / 5),
    ] {
        let layout = Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).unwrap();
        let plan = Plan::new(&layout).unwrap();
        let itemsize = plan.itemsize();
        let bytes = records * itemsize;
        let mut columns = plan.columns(&memory[..bytes], None).unwrap();
        let mut fill = |read: &dyn Fn(Vec<Destination<'_>>)| {
            read(columns.iter_mut().map(|column| destination(&mut column.data)).collect());
        };
        bench.row(
            name,
            goal,
            1,
            || fill(&|destinations| plan.columns_into(black_box(&memory[..bytes]), None, destinations).unwrap()),
            || black_box(&mut copy[..bytes]).copy_from_slice(black_box(&memory[..bytes])),
        );
        let read = plan.columns(&memory[..bytes], None).unwrap();
        let mut back = memory[..bytes].to_vec();
        bench.row(
            &format!("{name}, written"),
            "-",
            1,
            || plan.write_columns(black_box(&read), black_box(&mut back)).unwrap(),
            || black_box(&mut copy[..bytes]).copy_from_slice(black_box(&memory[..bytes])),
        );
        drop(back);
        let (shape, mut strides) = ([records as i64], [0]);
        fill_contiguous_strides(&shape, itemsize as i64, Order::C, &mut strides).unwrap();
        let raw = RawView {
            len: bytes as i64,
            itemsize: itemsize as i64,
            ndim: 1,
            shape: Some(&shape),
            strides: Some(&strides),
            ..RawView::default()
        };
        let view = raw.check(Request::STRIDES, None, None).into_result().unwrap();
        let buffer = unsafe { Buffer::from_ptr(&view, &plan, memory.as_ptr()) }.unwrap();
        bench.row(
            &format!("{name}, foreign memory"),
            goal,
            1,
            || fill(&|destinations| buffer.columns_into(None, destinations).unwrap()),
            || black_box(&mut copy[..bytes]).copy_from_slice(black_box(&memory[..bytes])),
        );
    }
    records(&bench, &memory);
    // Rows that a table of pointers refers to. The peer is CPython's `PyBuffer_ToContiguous`.
    for (name, goal, width, step) in [
        ("indirect rows of 8 KB", "CPython 1.05", 1024_usize, 8_i64),
        ("indirect rows of 32 bytes", "CPython 0.8", 4, 8),
        ("indirect rows of 16 bytes", "CPython 0.8", 2, 8),
        ("indirect rows of 8 bytes", "CPython 0.8", 1, 8),
        ("indirect rows of every second f64", "CPython 0.3", 512, 16),
    ] {
        let rows = 4_000_000 / width;
        let table: Vec<*const u8> = (0..rows).map(|row| memory[row * width * step as usize..].as_ptr()).collect();
        let (shape, strides, suboffsets) = ([rows as i64, width as i64], [8, step], [0, -1]);
        let raw = RawView {
            len: (rows * width * 8) as i64,
            itemsize: 8,
            ndim: 2,
            format: Some(b"d"),
            shape: Some(&shape),
            strides: Some(&strides),
            suboffsets: Some(&suboffsets),
            ..RawView::default()
        };
        let view = raw.check(Request::FULL_RO, None, None).into_result().unwrap();
        let plan = Plan::for_view(&view, &DataModel::HOST).unwrap();
        let buffer = unsafe { Buffer::from_ptr(&view, &plan, table.as_ptr().cast()) }.unwrap();
        let mut elements = vec![0.0_f64; rows * width];
        let bytes = rows * width * 8;
        bench.row(
            name,
            goal,
            1,
            || buffer.copy_to_slice(black_box(&mut elements[..]), Order::C).unwrap(),
            || black_box(&mut copy[..bytes]).copy_from_slice(black_box(&memory[..bytes])),
        );
    }
}

/// A record of 24 bytes that the library decodes field by field.
#[derive(Record, Clone, Copy)]
#[repr(C)]
struct Sample {
    a: u8,
    b: i16,
    c: i32,
    d: f64,
    e: u64,
}

/// The library copies records of this type without decoding their fields, because the type is `AnyBitPattern`.
#[derive(Record, bytemuck::AnyBitPattern, Clone, Copy)]
#[repr(C)]
struct PlainSample {
    a: u8,
    b: i16,
    c: i32,
    d: f64,
    e: u64,
}

/// A record of 24 bytes with a `bool`.
#[derive(Record, Clone, Copy)]
#[repr(C)]
struct Flagged {
    a: bool,
    b: i16,
    c: i32,
    d: f64,
    e: u64,
}

/// Compares the reading of records into new structs with a copy of the same bytes into new memory. Compares the writing
/// of structs into records, and the reading into existing structs, with a copy into existing memory.
fn records(bench: &Bench, memory: &[u8]) {
    /// Prints the rows of one format. `size` is "24 MB" for a million records, or "24 KB" for a thousand.
    fn row<T: Record>(bench: &Bench, name: &str, goal: &str, format: &str, memory: &[u8], size: &str) {
        let (records, times) = if size == "24 MB" { (1_000_000, 1) } else { (1000, 1000) };
        let layout = Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::HOST).unwrap();
        let plan = Plan::new(&layout).unwrap();
        let items = &memory[..records * plan.itemsize()];
        bench.row(
            &format!("structs: {name}, {size}"),
            goal,
            times,
            || drop(black_box(plan.read_records::<T>(black_box(items)).unwrap())),
            || drop(black_box(black_box(items).to_vec())),
        );
        let prepared = plan.records::<T>().unwrap();
        if size == "24 KB" {
            let mut structs = Vec::with_capacity(records);
            let mut copy = vec![0; items.len()];
            bench.row(
                &format!("structs: {name}, {size}, prepared, warm"),
                goal,
                times,
                || {
                    structs.clear();
                    prepared.read_into(black_box(items), black_box(&mut structs)).unwrap();
                },
                || black_box(&mut copy[..]).copy_from_slice(black_box(items)),
            );
        }
        let structs = prepared.read(items).unwrap();
        let (mut back, mut copy) = (items.to_vec(), vec![0; items.len()]);
        bench.row(
            &format!("structs, written: {name}, {size}"),
            "-",
            times,
            || prepared.write(black_box(&structs), black_box(&mut back)).unwrap(),
            || black_box(&mut copy[..]).copy_from_slice(black_box(items)),
        );
    }
    let zeros = vec![0; 1_000_000 * 24];
    let plan = Plan::new(&PlainSample::layout().unwrap()).unwrap();
    let aligned = &memory[memory.as_ptr().align_offset(8)..][..24_000_000];
    bench.row(
        "structs: identical, read in place, 24 MB",
        // Reading in place copies nothing, so its time does not depend on the length.
        "0.05",
        1,
        || {
            black_box(plan.cast_records::<PlainSample>(black_box(aligned)).unwrap());
        },
        || drop(black_box(black_box(aligned).to_vec())),
    );
    for size in ["24 MB", "24 KB"] {
        row::<PlainSample>(bench, "identical, plain", "1.05", PlainSample::FORMAT, memory, size);
        row::<Sample>(bench, "identical, field by field", "1.05", Sample::FORMAT, memory, size);
        row::<Flagged>(bench, "identical, with a bool", "-", Flagged::FORMAT, &zeros, size);
        row::<Sample>(bench, "swapped", "1.35", "T{B:a:x>h:b:>i:c:>d:d:>Q:e:}", memory, size);
        row::<Sample>(bench, "reordered", "1.35", "T{<Q:e:<d:d:<i:c:<h:b:B:a:x}", memory, size);
        row::<Sample>(bench, "moved, both orders", "1.7", "T{<Q:e:>d:d:<i:c:>h:b:B:a:x}", memory, size);
    }
}

/// Returns the memory of the column `data` as the destination of a decoder. Panics for types that no format of this
/// benchmark has.
fn destination(data: &mut pep3118::decode::ColumnData) -> Destination<'_> {
    use pep3118::decode::ColumnData as C;
    match data {
        C::Bytes(elements) | C::UInt8(elements) => elements.as_mut_slice().into(),
        C::Int16(elements) => elements.as_mut_slice().into(),
        C::UInt32(elements) => elements.as_mut_slice().into(),
        C::Int32(elements) => elements.as_mut_slice().into(),
        C::UInt64(elements) => elements.as_mut_slice().into(),
        C::Float64(elements) => elements.as_mut_slice().into(),
        _ => panic!("no format of this benchmark has this type"),
    }
}
