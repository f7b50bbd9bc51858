//! Tests of operations on items for which an allocation fails. An operation must return an error, and must neither panic
//! nor end the process. Without memory for a small allocation, Rust's collections end the process; `docs/safety.md` states
//! this limit.

use pep3118::arrow::Mapping;
use pep3118::decode::{Buffer, BufferMut, Plan, Value};
use pep3118::{DataModel, Dialect, Layout, Order, RawView, Request, View};

use crate::budget::{LARGE, with_failing_allocation};

/// The number of items. All copies of the items are larger than [`LARGE`].
const ITEMS: usize = LARGE;

/// A record of the tests, whose fields have other offsets and another byte order in the items.
#[derive(pep3118::Record, Clone, Debug, PartialEq)]
struct Row {
    a: i32,
    b: f64,
    t: bool,
}

/// The format of the items.
const RECORD: &str = "T{>i:a:<d:b:?:t:3s:s:2w:w:}";

/// Returns the layout of `format` on this machine.
fn layout(format: &str) -> Layout {
    Layout::read(format, &Dialect::PEP3118, &DataModel::HOST).unwrap()
}

/// Returns a view of `items` items of `itemsize` bytes, with a gap of `gap` bytes after each item.
fn view(items: usize, itemsize: usize, gap: usize) -> View<'static> {
    let [items, itemsize, gap] = [items, itemsize, gap].map(|number| i64::try_from(number).unwrap());
    let shape: &'static [i64; 2] = Box::leak(Box::new([2, items / 2]));
    let strides: &'static [i64; 2] = Box::leak(Box::new([(itemsize + gap) * items / 2, itemsize + gap]));
    let raw = RawView {
        len: items * itemsize,
        itemsize,
        ndim: 2,
        shape: Some(shape),
        strides: Some(strides),
        ..RawView::default()
    };
    raw.check(Request::STRIDES, None, None).into_result().unwrap()
}

/// Runs `work` once for each of its large allocations, which fails. Asserts that `work` then returns `false`, its result
/// for an error. Also asserts that `work` has a large allocation, and returns `true` if all allocations succeed.
fn assert_refused(name: &str, mut work: impl FnMut() -> bool) {
    println!("{name}");
    for n in 1.. {
        let (is_ok, has_failed) = with_failing_allocation(n, &mut work);
        if !has_failed {
            assert!(is_ok, "{name} fails with memory");
            assert!(n > 1, "{name} has no large allocation");
            return;
        }
        assert!(!is_ok, "{name}: allocation {n} failed, but the result is no error");
    }
}

#[test]
fn copies_of_items_are_refused_without_memory() {
    let plan = Plan::new(&layout("<i")).unwrap();
    let memory = vec![1; 6 * ITEMS];
    let view = view(ITEMS, 4, 2);
    let buffer = Buffer::new(&view, &plan, &memory).unwrap();
    assert_refused("to_vec", || buffer.to_vec::<i32>(Order::C).is_ok());
    assert_refused("to_vec in Fortran order", || buffer.to_vec::<i32>(Order::Fortran).is_ok());
    assert_refused("to_vec_as", || buffer.to_vec_as::<f64>(Order::C).is_ok());
    assert_refused("to_contiguous", || buffer.to_contiguous(Order::C).is_ok());
    assert_refused("to_contiguous in Fortran order", || buffer.to_contiguous(Order::Fortran).is_ok());
    assert_refused("columns", || buffer.columns(None).is_ok());
    #[cfg(feature = "ndarray")]
    {
        assert_refused("to_array", || buffer.to_array::<i32>().is_ok());
        assert_refused("to_array_as", || buffer.to_array_as::<f64>().is_ok());
    }
    let values = vec![Value::Int(7); ITEMS];
    let mut target = memory.clone();
    assert_refused("write_values", || BufferMut::new(&view, &plan, &mut target).unwrap().write_values(&values).is_ok());
}

#[test]
fn columns_and_records_are_refused_without_memory() {
    let plan = Plan::new(&layout(RECORD)).unwrap();
    let size = plan.itemsize();
    let items = vec![1; size * ITEMS];
    let view = view(ITEMS, size, 0);
    let buffer = Buffer::new(&view, &plan, &items).unwrap();
    assert_refused("columns of a buffer", || buffer.columns(None).is_ok());
    assert_refused("columns of bytes", || plan.columns(&items, None).is_ok());
    assert_refused("column", || plan.column::<i32>("a", &items).is_ok());
    assert_refused("column_as", || plan.column_as::<f64>("a", &items).is_ok());
    let columns = plan.columns(&items, None).unwrap();
    assert_refused("encode_columns", || plan.encode_columns(&columns).is_ok());
    let mut target = items.clone();
    assert_refused("write_columns of a buffer", || {
        BufferMut::new(&view, &plan, &mut target).unwrap().write_columns(&columns).is_ok()
    });
    {
        let plan = Plan::new(&layout("T{>i:a:<d:b:?:t:}")).unwrap();
        let items = vec![1; plan.itemsize() * ITEMS];
        let view = self::view(ITEMS, plan.itemsize(), 0);
        let buffer = Buffer::new(&view, &plan, &items).unwrap();
        let rows: Vec<Row> = plan.read_records(&items).unwrap();
        assert_refused("read_records", || plan.read_records::<Row>(&items).is_ok());
        assert_refused("read_records of a buffer", || buffer.read_records::<Row>().is_ok());
        assert_refused("encode_records", || plan.encode_records(&rows).is_ok());
    }
}

#[test]
fn large_values_are_refused_without_memory() {
    for format in ["100000s", "60000w", "60000u", "(60000)B", "(30000)T{B:a:b:b:}", "(30000)3s", "100000x:v:", "70000p"]
    {
        let plan = Plan::new(&layout(format)).unwrap();
        let item = vec![b'a'; plan.itemsize()];
        let item = match format {
            "60000w" => b"a\0\0\0".repeat(60_000),
            // The bytes after a Pascal string are 0 after a write.
            "70000p" => vec![0; plan.itemsize()],
            _ => item,
        };
        // A Pascal string has at most 255 bytes.
        if format != "70000p" {
            assert_refused(format, || plan.value(&item).is_ok());
        }
        let value = plan.value(&item).unwrap();
        let mut target = item.clone();
        // The encoding of a value may need no memory.
        for n in 1..20 {
            let (encoded, has_failed) = with_failing_allocation(n, || plan.encode(&value, &mut target));
            assert_eq!(encoded.is_err(), has_failed, "{format}");
            assert_eq!(target, item, "{format}");
        }
    }
}

#[test]
fn record_batches_are_refused_without_memory() {
    let layout = layout("T{>i:a:<d:b:?:t:3s:s:}");
    let mapping = Mapping::new(&layout).unwrap();
    let size = usize::try_from(layout.size()).unwrap();
    let items = vec![1; size * ITEMS];
    let plan = Plan::new(&layout).unwrap();
    let view = view(ITEMS, size, 0);
    let buffer = Buffer::new(&view, &plan, &items).unwrap();
    assert_refused("batch", || mapping.batch(&buffer).is_ok());
    assert_refused("batch_of_rows", || mapping.batch_of_rows(&items, ITEMS).is_ok());
    assert_refused("c_array", || mapping.c_array(&buffer).is_ok());
    let shared: arrow_buffer::Buffer = items.clone().into();
    assert_refused("batch_of_bytes", || mapping.batch_of_bytes(shared.clone()).is_ok());
    let batch = mapping.batch(&buffer).unwrap();
    let encoder = mapping.encoder(mapping.schema()).unwrap();
    assert_refused("encode", || encoder.encode(&batch).is_ok());
}
