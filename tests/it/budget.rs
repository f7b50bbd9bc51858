//! Tests that the memory and the time of each operation are linear in the length of its input: a format, a layout or C
//! source. The inputs are the worst known inputs.
#![allow(unsafe_code, reason = "a global allocator that counts")]

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::cell::Cell;

use pep3118::arrow::Mapping;
use pep3118::decode::{Buffer, Plan};
use pep3118::layout::{BitField, LayoutBuilder, MemberSpec, PythonLibrary, SourceLanguage};
use pep3118::{
    Comparison, DataModel, Dialect, Endian, Format, Layout, Picture, RawView, Request, Scalar, Table, Target, Type,
    calcsize_in, reconcile,
};

/// An allocator that calls the system's allocator and counts the allocated bytes of each thread. [`with_failing_allocation`]
/// makes it refuse one allocation.
struct Counting;

thread_local! {
    /// The number of bytes that this thread has allocated and not freed.
    static HELD: Cell<usize> = const { Cell::new(0) };
    /// The maximum of `HELD` since the last call of [`peak`].
    static PEAK: Cell<usize> = const { Cell::new(0) };
    /// The number of large allocations of this thread until one fails, including the failing one. 0 if none fails.
    static UNTIL_FAILURE: Cell<usize> = const { Cell::new(0) };
}

/// The smallest size in bytes of an allocation that [`with_failing_allocation`] counts.
pub(crate) const LARGE: usize = 64 << 10;

/// Runs `work`, and makes the `n`th allocation of at least [`LARGE`] bytes of this thread fail. Returns the result of
/// `work`, and whether an allocation has failed.
pub(crate) fn with_failing_allocation<R>(n: usize, work: impl FnOnce() -> R) -> (R, bool) {
    UNTIL_FAILURE.set(n);
    let result = work();
    (result, UNTIL_FAILURE.replace(0) == 0)
}

/// Returns whether an allocation of `size` bytes must fail.
fn must_fail(size: usize) -> bool {
    let left = UNTIL_FAILURE.get();
    if size < LARGE || left == 0 {
        return false;
    }
    UNTIL_FAILURE.set(left - 1);
    left == 1
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
        if must_fail(block.size()) {
            return std::ptr::null_mut();
        }
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
    // If this thread frees memory of another thread, the count of this thread can fall below the count at the start.
    PEAK.get().saturating_sub(before)
}

/// Returns formats of about `len` bytes. Each format has a label for messages, and takes the most time or memory in one
/// function of the library.
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

/// Returns one format with all `pieces`. The number of each piece is the number of its repetitions.
fn joined(pieces: &[(&[u8], usize)]) -> Vec<u8> {
    pieces.iter().flat_map(|(piece, times)| piece.repeat(*times)).collect()
}

/// Returns formats of about `len` bytes, each with a label for messages. A list of the fields repeats the names and the
/// dimensions of the enclosing records, and thus needs much more memory than the format.
fn worst_records(len: usize) -> Vec<(&'static str, Vec<u8>)> {
    let name = vec![b'n'; len / 2];
    let close = [&b"}:"[..], &vec![b'n'; len / 120], b":"].concat();
    let dims = format!("({}1)T{{", "1,".repeat(31));
    let levels = (len / 140).min(60);
    let named = |number: usize| format!("B:{number}:").into_bytes();
    vec![
        ("equal names", joined(&[(b"T{", 1), (b"B:a:", len / 4), (b"}", 1)])),
        ("distinct names", [&b"T{"[..], &(0..len / 8).flat_map(named).collect::<Vec<u8>>(), b"}"].concat()),
        ("no names", joined(&[(b"T{", 1), (b"B", len), (b"}", 1)])),
        ("names like f0", joined(&[(b"T{", 1), (b"BB:f0:", len / 6), (b"}", 1)])),
        ("numbered names", joined(&[(b"T{", 1), (b"B:a:B:a_2:", len / 10), (b"}", 1)])),
        ("a long name around fields", joined(&[(b"T{T{", 1), (b"b", len / 2), (b"}:", 1), (&name, 1), (b":}", 1)])),
        ("a long name around records", joined(&[(b"T{T{", 1), (b"T{}", len / 6), (b"B}:", 1), (&name, 1), (b":}", 1)])),
        ("a long name around names", joined(&[(b"T{T{", 1), (b"b:x:", len / 8), (b"}:", 1), (&name, 1), (b":}", 1)])),
        ("long names around fields", joined(&[(b"T{", 60), (b"b", len / 2), (&close, 60)])),
        ("dimensions around fields", joined(&[(dims.as_bytes(), levels), (b"b", len / 2), (b"}", levels)])),
        ("dimensions around arrays", joined(&[(dims.as_bytes(), levels), (b"(1)b", len / 8), (b"}", levels)])),
        ("many dimensions", joined(&[(format!("({}1)b", "1,".repeat(63)).as_bytes(), len / 129)])),
        ("names with dots", joined(&[(b"T{", 1), (b"B:a.b:T{B:b:}:a:", len / 16), (b"}", 1)])),
        ("one quote each", joined(&[(b"T{", 1), (b"B:\":", len / 4), (b"}", 1)])),
        ("control characters", joined(&[(b"B:", 1), (b"\x01", len), (b":", 1)])),
        ("swapped numbers", joined(&[(b"T{", 1), (b">hb", len / 3), (b"}", 1)])),
        ("texts", joined(&[(b"T{", 1), (b"3s2w", len / 4), (b"}", 1)])),
        ("bits", joined(&[(b"T{", 1), (b"3t", len / 2), (b"}", 1)])),
    ]
}

/// Returns layouts of `count` fields, each layout with a label for messages. No format describes these layouts.
fn worst_layouts(count: u64) -> Vec<(&'static str, Layout)> {
    let int = Scalar { ty: Type::Int32, size: 4, endian: Endian::Little };
    let built = |offset: &dyn Fn(u64) -> u64, name: Option<&[u8]>| {
        let mut builder = LayoutBuilder::new(4 * count + 4, &DataModel::LP64);
        for index in 0..count {
            builder.value(MemberSpec { name, offset: offset(index), shape: &[] }, int).unwrap();
        }
        builder.finish()
    };
    let mut bits = LayoutBuilder::new(4, &DataModel::LP64);
    for _ in 0..count {
        bits.bit_field(MemberSpec::default(), BitField::new(Type::UInt32, 3, 7).unwrap(), Endian::Little).unwrap();
    }
    vec![
        ("a union", built(&|_| 0, None)),
        ("a union of equal names", built(&|_| 0, Some(b"a"))),
        ("a chain of overlaps", built(&|index| index * 3, Some(b"a"))),
        ("fields in descending order", built(&|index| 4 * (count - index), None)),
        ("all fields on the last", built(&|index| if index % 2 == 0 { 0 } else { 4 * index }, Some(b"a"))),
        ("a union of bit-fields", bits.finish()),
    ]
}

/// Returns C sources of about `len` bytes, each with a label for messages.
fn worst_c(len: usize) -> Vec<(&'static str, String)> {
    let lines = |line: &dyn Fn(usize) -> String| (0..len / 24).map(line).collect::<String>();
    vec![
        ("members", format!("struct s {{ {} }};", "int a;".repeat(len / 6))),
        ("distinct members", format!("struct s {{ {} }};", lines(&|index| format!("int a{index};")))),
        ("declarators", format!("struct s {{ int b{}; }};", lines(&|index| format!(",a{index}")))),
        ("structures", format!("{}struct s {{ int a; }};", lines(&|index| format!("struct t{index} {{ int a; }};")))),
        ("typedefs", {
            let chain = (1..len / 24).map(|index| format!("typedef t{} t{index};", index - 1)).collect::<String>();
            format!("typedef int t0;{chain} struct s {{ t{} a; }};", len / 24 - 1)
        }),
        ("constants", format!("enum e {{ a0{} }}; struct s {{ enum e a; }};", lines(&|index| format!(",b{index}")))),
        ("defines", format!("{}struct s {{ int a; }};", lines(&|index| format!("#define A{index} {index}\n")))),
        ("expressions", format!("struct s {{ int a[1{}]; }};", "+1".repeat(len / 2))),
        ("parentheses", format!("struct s {{ int a[{}1{}]; }};", "(".repeat(len / 2), ")".repeat(len / 2))),
        ("dimensions", format!("struct s {{ int a{}; }};", "[1]".repeat(len / 3))),
        ("pointers", format!("struct s {{ int {}a; }};", "*".repeat(len))),
        ("nested", format!("{} int a; {} s;", "struct {".repeat(len / 10), "} x;".repeat(len / 10))),
        ("comments", format!("struct s {{ int a; {} }};", "/**/".repeat(len / 4))),
        ("unclosed comments", format!("struct s {{ int a; {} }};", "/*".repeat(len / 2))),
        ("bit-fields", format!("struct s {{ {} }};", "int a:3;".repeat(len / 8))),
    ]
}

/// An operation of the library: the name, the function, and a limit of memory. The operation may allocate 2 MiB, plus
/// the limit in bytes for each byte of the input.
type Operation<I> = (&'static str, fn(&I), usize);

/// Calls `work` with an item for `plan` in which all bytes are 0. Does nothing if an item has more than 1 MiB, because
/// a value of such an item needs much more memory than the format.
fn with_zero_item(plan: &Plan, work: impl FnOnce(&[u8])) {
    if plan.itemsize() <= 1 << 20 {
        work(&vec![0; plan.itemsize()]);
    }
}

/// Reconciles `format` with its itemsize in the dialect `numpy`, or with 64 if this dialect refuses `format`, and drops
/// the result. With the itemsize of the format, `reconcile` computes every alternative.
fn reconciled(format: &[u8]) {
    let itemsize = calcsize_in(format, &Dialect::NUMPY, &DataModel::LP64).unwrap_or(64);
    drop(reconcile(format, Some(itemsize), None, &DataModel::LP64));
}

/// The operations of the library on a format.
const FORMAT_OPERATIONS: &[Operation<Vec<u8>>] = &[
    ("parse", |format| drop(Format::parse(format)), 400),
    ("parse, replay", |format| drop(Format::parse(format).map(|format| format.to_string())), 400),
    ("AST", |format| drop(Format::parse(format).map(|format| Format::from_members(format.members()))), 800),
    ("resolve", |format| drop(Format::parse(format).map(|f| f.resolve(&Dialect::PEP3118, &DataModel::LP64))), 500),
    ("read", |format| drop(Layout::read(format, &Dialect::PEP3118, &DataModel::LP64)), 160),
    ("calcsize", |format| drop(calcsize_in(format, &Dialect::STRUCT, &DataModel::LP64)), 160),
    ("size_from_format", |format| drop(pep3118::size_from_format(format, &DataModel::LP64)), 160),
    ("reconcile", |format| reconciled(format), 400),
    (
        "messages",
        |format| {
            if let Err(error) = reconcile(format, Some(3), None, &DataModel::LP64) {
                drop(format!("{error} {error:#} {error:?}"));
            }
        },
        500,
    ),
    (
        "compare formats",
        |format| {
            let Ok(parsed) = Format::parse(format) else { return };
            drop(Comparison::of_formats(&parsed, &parsed, &Dialect::PEP3118, &DataModel::LP64));
        },
        800,
    ),
    (
        "check",
        |format| {
            for itemsize in [4, calcsize_in(format, &Dialect::PEP3118, &DataModel::LP64).unwrap_or(64).cast_signed()] {
                let raw = RawView { len: itemsize, itemsize, ndim: 0, format: Some(format), ..RawView::default() };
                let checked = raw.check(Request::FULL_RO, None, None);
                drop(format!("{:#}", checked.report));
                drop(checked.view.map(|view| Plan::for_view(&view, &DataModel::LP64)));
            }
        },
        2_000,
    ),
];

/// The operations of the library on a layout.
const LAYOUT_OPERATIONS: &[Operation<Layout>] = &[
    ("clone", |layout| drop(layout.clone()), 160),
    ("debug", |layout| drop(format!("{layout:?}")), 2_000),
    ("to_c", |layout| drop(layout.to_c("item")), 2_500),
    ("to_rust", |layout| drop(layout.to_rust("Item")), 2_500),
    ("to_python, NumPy", |layout| drop(layout.to_python("item", PythonLibrary::NumPy)), 2_500),
    ("to_python, ctypes", |layout| drop(layout.to_python("item", PythonLibrary::Ctypes)), 2_500),
    ("to_python, construct", |layout| drop(layout.to_python("item", PythonLibrary::Construct)), 2_500),
    ("to_python, dissect", |layout| drop(layout.to_python("item", PythonLibrary::Dissect)), 2_500),
    ("table", |layout| drop(Table::new(layout).to_string()), 2_500),
    ("picture", |layout| drop(Picture::new(layout).to_string()), 2_500),
    ("svg", |layout| drop(Picture::new(layout).svg()), 2_500),
    (
        "emit",
        |layout| {
            for target in [Target::Canonical, Target::Struct, Target::CPython314, Target::NumPy, Target::Cython] {
                drop(layout.emit(target));
            }
        },
        500,
    ),
    ("serialize", |layout| drop(serde_json::to_string(layout)), 2_500),
    ("compare", |layout| drop(Comparison::of_layouts(layout, layout)), 500),
    ("overlaps", |layout| assert!(layout.has_overlaps() == layout.clone().has_overlaps()), 500),
    ("unions", |layout| assert!(layout.fields().filter(|field| field.is_union()).count() < 1 << 20), 500),
    ("alignments", |layout| assert!(layout.item().natural_align().bytes() > 0), 10),
    ("leaves", |layout| layout.leaves().for_each(|(_, leaf)| drop(leaf.to_layout())), 500),
    ("array_of", |layout| drop(layout.array_of(&[2, 3])), 500),
    ("plan", |layout| drop(Plan::new(layout)), 1_500),
    (
        "value",
        |layout| {
            let Ok(plan) = Plan::new(layout) else { return };
            with_zero_item(&plan, |item| {
                let value = plan.value(item).unwrap();
                drop(format!("{value:?}"));
                plan.encode(&value, &mut item.to_vec()).unwrap();
            });
        },
        3_000,
    ),
    (
        "columns",
        |layout| {
            let Ok(plan) = Plan::new(layout) else { return };
            with_zero_item(&plan, |item| {
                if let Ok(columns) = plan.columns(item, None) {
                    let names: Vec<&[u8]> = columns.iter().map(|column| &*column.name).collect();
                    drop(plan.columns(item, &names));
                    drop(plan.encode_columns(&columns));
                }
            });
        },
        3_000,
    ),
    ("mapping", |layout| drop(Mapping::new(layout).map(|mapping| format!("{:?}", mapping.schema()))), 4_000),
    (
        "encoder of a mapping, and C schema",
        |layout| {
            let Ok(mapping) = Mapping::new(layout) else { return };
            drop(mapping.c_schema());
            let encoder = mapping.encoder(mapping.schema()).map(|encoder| {
                drop(encoder.encode(&arrow_array::RecordBatch::new_empty(mapping.schema().clone())));
            });
            drop(encoder);
        },
        8_000,
    ),
    ("mapping of one column", |layout| drop(Mapping::with_columns(layout, &["a"])), 3_000),
    (
        "to_source",
        |layout| SourceLanguage::ALL.into_iter().for_each(|language| drop(layout.to_source("item", language))),
        2_500,
    ),
    (
        "descr of NumPy, and back",
        |layout| {
            if let Ok(descr) = layout.to_numpy_descr() {
                drop(Layout::from_numpy_descr(descr, layout.model()));
            }
        },
        2_500,
    ),
    (
        "deserialize",
        |layout| {
            if let Ok(json) = serde_json::to_string(layout) {
                drop(serde_json::from_str::<Layout>(&json));
            }
        },
        4_000,
    ),
    ("with_names", |layout| drop(layout.with_names(layout.fields().map(|_| "name"))), 500),
    ("names of a plan", |layout| drop(Plan::new(layout).map(|plan| plan.check_names())), 1_500),
    (
        "JSON of a value",
        |layout| {
            let Ok(plan) = Plan::new(layout) else { return };
            with_zero_item(&plan, |item| drop(serde_json::to_string(&plan.value(item).unwrap())));
        },
        3_000,
    ),
    ("mismatch of a record", |layout| drop(Plan::new(layout).map(|plan| plan.read_records::<Row>(&[]))), 1_500),
];

/// The record of the operations on items.
#[derive(pep3118::Record, Clone, Debug)]
struct Row {
    a: i32,
    b: f64,
    t: bool,
}

/// The layout of the items of [`ITEM_OPERATIONS`], with 13 bytes.
const ITEM_FORMAT: &[u8] = b"T{>i:a:<d:b:?:t:}";

/// Calls `work` with a buffer of the items `bytes` in reverse order, and with the plan for the items.
fn with_items(bytes: &[u8], work: impl FnOnce(&Buffer<'_>, &Plan)) {
    let plan = Plan::new(&Layout::read(ITEM_FORMAT, &Dialect::PEP3118, &DataModel::LP64).unwrap()).unwrap();
    let (items, size) = (bytes.len() as i64 / 13, 13);
    let raw = RawView {
        len: items * size,
        itemsize: size,
        ndim: 1,
        shape: Some(&[items]),
        strides: Some(&[-size]),
        ..RawView::default()
    };
    let memory = Some(pep3118::Block { len: bytes.len() as i64, offset: (items - 1) * size });
    let view = raw.check(Request::STRIDES, None, memory).into_result().unwrap();
    work(&Buffer::new(&view, &plan, bytes).unwrap(), &plan);
}

/// The operations of the library on items.
const ITEM_OPERATIONS: &[Operation<Vec<u8>>] = &[
    ("copy", |bytes| with_items(bytes, |buffer, _| drop(buffer.to_contiguous(pep3118::Order::C).unwrap())), 2),
    ("values", |bytes| with_items(bytes, |buffer, _| buffer.values().for_each(|value| drop(value.unwrap()))), 2),
    ("columns of items", |bytes| with_items(bytes, |buffer, _| drop(buffer.columns(None).unwrap())), 4),
    (
        "columns and back",
        |bytes| {
            with_items(bytes, |buffer, plan| {
                drop(plan.encode_columns(&buffer.columns(None).unwrap()).unwrap());
            });
        },
        8,
    ),
    ("column as", |bytes| with_items(bytes, |_, plan| drop(plan.column_as::<f64>("a", bytes).unwrap())), 2),
    (
        "records and back",
        |bytes| {
            with_items(bytes, |buffer, plan| {
                drop(plan.encode_records(&buffer.read_records::<Row>().unwrap()).unwrap());
            });
        },
        8,
    ),
    (
        "chunks",
        |bytes| {
            with_items(bytes, |buffer, _| {
                for part in buffer.chunks(7).unwrap() {
                    drop(part.to_contiguous(pep3118::Order::C).unwrap());
                }
            });
        },
        2,
    ),
    (
        "batch and back",
        |bytes| {
            with_items(bytes, |buffer, _| {
                let layout = Layout::read(ITEM_FORMAT, &Dialect::PEP3118, &DataModel::LP64).unwrap();
                let mapping = Mapping::new(&layout).unwrap();
                let batch = mapping.batch(buffer).unwrap();
                drop(mapping.encoder(mapping.schema()).unwrap().encode(&batch).unwrap());
            });
        },
        8,
    ),
    (
        "write values",
        |bytes| {
            with_items(bytes, |buffer, plan| {
                let values: Vec<_> = buffer.values().take(1).map(Result::unwrap).collect();
                let mut target = bytes.clone();
                for item in target.chunks_exact_mut(13) {
                    plan.encode(&values[0], item).unwrap();
                }
            });
        },
        4,
    ),
];

/// The operations of the library on C source.
const C_OPERATIONS: &[Operation<String>] =
    &[("from_c", |source| drop(Layout::from_c(source, None, &DataModel::LP64)), 1_500)];

/// Asserts that each of `operations` allocates linear memory for each of `inputs`. An input has a name, a value and a
/// length in bytes.
fn assert_linear_memory<I>(operations: &[Operation<I>], inputs: &[(&str, I, usize)]) {
    for (operation, work, limit) in operations {
        for (name, input, len) in inputs {
            let bytes = peak(|| work(input));
            let each = bytes.saturating_sub(2 << 20) / len;
            println!("{operation:<22} {name:<28} {len:>7} bytes: {each:>5} for each, {bytes} in total");
            assert!(each <= *limit, "{operation} of {name}: {bytes} bytes for {len}");
        }
    }
}

/// Returns `formats`, and adds the length in bytes to each format.
fn with_lengths(formats: Vec<(&'static str, Vec<u8>)>) -> Vec<(&'static str, Vec<u8>, usize)> {
    formats.into_iter().map(|(name, format)| (name, format.clone(), format.len())).collect()
}

/// Returns the layouts of the formats of about `len` bytes that the dialect `pep3118` accepts, and [`worst_layouts`].
/// Each layout has a label and a length: the length of the format in bytes, or 4 for each field of [`worst_layouts`].
fn layouts(len: usize) -> Vec<(&'static str, Layout, usize)> {
    let formats = worst_formats(len).into_iter().chain(worst_records(len));
    let read = formats.filter_map(|(name, format)| {
        let layout = Layout::read(&format, &Dialect::PEP3118, &DataModel::LP64).ok()?;
        Some((name, layout, format.len()))
    });
    let count = len / 4;
    let built =
        worst_layouts(u64::try_from(count).unwrap()).into_iter().map(|(name, layout)| (name, layout, 4 * count));
    read.chain(built).collect()
}

/// Returns the C sources of [`worst_c`] for `len`, and adds the length in bytes to each source.
fn sources(len: usize) -> Vec<(&'static str, String, usize)> {
    worst_c(len).into_iter().map(|(name, source)| (name, source.clone(), source.len())).collect()
}

/// The lengths of the inputs in bytes, for tests of memory.
const LENGTHS: [usize; 2] = [2_000, 12_000];

#[test]
fn memory_of_every_operation_on_a_format_is_linear_in_its_length() {
    for len in LENGTHS {
        assert_linear_memory(FORMAT_OPERATIONS, &with_lengths(worst_formats(len)));
        assert_linear_memory(FORMAT_OPERATIONS, &with_lengths(worst_records(len)));
    }
}

#[test]
fn memory_of_every_operation_on_a_layout_is_linear_in_its_length() {
    for len in LENGTHS {
        assert_linear_memory(LAYOUT_OPERATIONS, &layouts(len));
    }
}

#[test]
fn memory_of_the_c_parser_is_linear_in_the_length_of_the_source() {
    for len in LENGTHS {
        assert_linear_memory(C_OPERATIONS, &sources(len));
    }
}

/// Runs `work` up to seven times, but not again after a total of 0.05 seconds. Returns the shortest processor time of a
/// run, in seconds.
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
        if total > 0.05 {
            break;
        }
    }
    least
}

/// Asserts that the time of each of `operations` is linear. Each input of `small` is compared with the input of `large`
/// that has the same label and 8 times the length. Skips inputs of `small` for which `large` has no such input. Linear
/// operations take 8 times as long, and quadratic operations 64 times. The limit is 32 times the time of the small
/// input, which counts as at least 20 microseconds. Times vary on a busy machine, so only a third measurement above the
/// limit fails.
#[cfg(unix)]
fn assert_linear_time<I>(operations: &[Operation<I>], small: &[(&str, I, usize)], large: &[(&str, I, usize)]) {
    for (operation, work, _) in operations {
        for (name, small, _) in small {
            // A layout of the larger input can be refused, for example because the format is too deep.
            let Some((_, large, _)) = large.iter().find(|(other, ..)| other == name) else { continue };
            let measure = || (shortest_time(|| work(small)), shortest_time(|| work(large)));
            // Measurements below 20 microseconds are too inaccurate.
            let is_linear = |(short, long): &(f64, f64)| *long <= 32.0 * short.max(20e-6);
            let (short, long) = (0..2).map(|_| measure()).find(is_linear).unwrap_or_else(measure);
            println!("{operation:<22} {name:<28} {:>9.1} us {:>9.1} us", short * 1e6, long * 1e6);
            assert!(is_linear(&(short, long)), "{operation} of {name}: {short} s, then {long} s");
        }
    }
}

#[cfg(unix)]
#[test]
fn time_of_every_operation_on_a_format_is_linear_in_its_length() {
    let formats = |len| with_lengths(worst_formats(len).into_iter().chain(worst_records(len)).collect());
    assert_linear_time(FORMAT_OPERATIONS, &formats(800), &formats(6_400));
}

#[cfg(unix)]
#[test]
fn time_of_every_operation_on_a_layout_is_linear_in_its_length() {
    assert_linear_time(LAYOUT_OPERATIONS, &layouts(800), &layouts(6_400));
}

#[test]
fn memory_of_every_operation_on_items_is_linear_in_their_size() {
    for items in [10_000, 100_000] {
        assert_linear_memory(ITEM_OPERATIONS, &[("items", vec![1; 13 * items], 13 * items)]);
    }
}

#[cfg(unix)]
#[test]
fn time_of_every_operation_on_items_is_linear_in_their_size() {
    let items = |count: usize| [("items", vec![1; 13 * count], 13 * count)];
    assert_linear_time(ITEM_OPERATIONS, &items(500), &items(4_000));
}

#[cfg(unix)]
#[test]
fn time_of_the_c_parser_is_linear_in_the_length_of_the_source() {
    assert_linear_time(C_OPERATIONS, &sources(1_500), &sources(12_000));
}
