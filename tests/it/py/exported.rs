//! Tests of `Exported` and `export!`, which export memory of a Rust program to Python.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pep3118::decode::DecodeError;
use pep3118::decode::record::RecordError;
use pep3118::py::{Acquired, Exported, audit_exporter, open};
use pep3118::view::ViewError;
use pep3118::{Record, Request};
use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::prelude::*;

use super::with_python;

/// A record with a gap, a flag, a character, and a nested record.
#[derive(Record, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Sample {
    flag: bool,
    at: Point,
    sign: char,
    tags: [u8; 3],
}

#[derive(Record, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Point {
    x: f64,
    y: i16,
}

const SAMPLE: Sample = Sample { flag: true, at: Point { x: 0.5, y: -2 }, sign: 'é', tags: *b"abc" };

/// A Python class that exports samples.
#[pyclass(frozen)]
struct Samples(Exported<Sample>);
pep3118::export!(Samples, 0);

/// A class whose field can be replaced.
#[pyclass]
struct Numbers {
    data: Exported<f64>,
}
pep3118::export!(Numbers, data);

/// A Python class that exports bytes.
#[pyclass(frozen)]
struct Bytes(Exported<u8>);
pep3118::export!(Bytes, 0);

/// Returns `memoryview(obj)`. Returns the exception if the exporter refuses.
fn memoryview<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    obj.py().import("builtins")?.getattr("memoryview")?.call1((obj,))
}

#[test]
fn records_are_read_by_python_and_back() {
    with_python(|py| {
        let other = Sample { flag: false, sign: 'x', ..SAMPLE };
        let samples = Bound::new(py, Samples(Exported::from_vec(vec![SAMPLE, other])))?;
        assert_eq!(memoryview(&samples)?.getattr("format")?.extract::<String>()?, Sample::FORMAT);
        assert_eq!(open(samples.as_any())?.records::<Sample>()?, [SAMPLE, other]);
        assert!(audit_exporter(samples.as_any())?.is_empty());
        samples.get().0.set(0, other)?;
        assert_eq!(open(samples.as_any())?.records::<Sample>()?, [other, other]);
        assert_eq!(samples.get().0.get(1)?, other);
        Ok(())
    });
}

#[test]
#[allow(clippy::multiple_unsafe_ops_per_block, reason = "one statement writes all fields of an item")]
fn gaps_between_fields_are_zero() {
    with_python(|py| {
        let mut items: Vec<Sample> = Vec::with_capacity(3);
        for item in &mut items.spare_capacity_mut()[..3] {
            let item = item.as_mut_ptr();
            // SAFETY: the memory belongs to the vector.
            unsafe { item.write_bytes(0xaa, 1) };
            let Sample { flag, at: Point { x, y }, sign, tags } = SAMPLE;
            // SAFETY: as before. Each assignment writes the bytes of one value. The gaps between the values stay 0xaa.
            unsafe {
                ((*item).flag, (*item).at.x, (*item).at.y, (*item).sign, (*item).tags) = (flag, x, y, sign, tags)
            };
        }
        // SAFETY: all fields of 3 items were written.
        unsafe { items.set_len(3) };
        let samples = Bound::new(py, Samples(Exported::from_vec(items)))?;
        let bytes = memoryview(&samples)?.call_method0("tobytes")?.extract::<Vec<u8>>()?;
        let encoded = pep3118::decode::Plan::new(&Sample::layout()?)?.encode_records(&[SAMPLE; 3])?;
        assert_eq!(bytes, encoded);
        Ok(())
    });
}

#[test]
fn python_writes_into_the_memory() {
    with_python(|py| {
        let numbers = Bound::new(py, Numbers { data: Exported::from_boxed_slice(Box::new([1.0, 2.0, 3.0])) })?;
        let view = memoryview(&numbers)?.call_method1("cast", ("B",))?.call_method1("cast", ("d",))?;
        view.set_item(1, 7.5)?;
        assert_eq!(numbers.borrow().data.get(1)?, 7.5);
        numbers.borrow().data.set(2, -1.0)?;
        assert_eq!(view.call_method0("tolist")?.extract::<Vec<f64>>()?, [1.0, 7.5, -1.0]);
        Ok(())
    });
}

#[test]
fn a_value_that_a_consumer_made_invalid_is_an_error() {
    with_python(|py| {
        let samples = Bound::new(py, Samples(Exported::from_vec(vec![SAMPLE; 2])))?;
        let bytes = memoryview(&samples)?.call_method1("cast", ("B",))?;
        bytes.set_item(size_of::<Sample>(), 2)?;
        assert_eq!(samples.get().0.get(0)?, SAMPLE);
        let error = samples.get().0.get(1).expect_err("2 is no bool");
        assert_eq!(error.to_string(), "field `flag` of record 1 is 0x2, which is not a bool");
        samples.get().0.set(1, SAMPLE)?;
        let sign = std::mem::offset_of!(Sample, sign);
        bytes.set_item(sign + 3, 0xff)?;
        let error = samples.get().0.get(0).expect_err("no character");
        assert_eq!(error.to_string(), "field `sign` of record 0 is 0xff0000e9, which is not a char");
        Ok(())
    });
}

#[test]
fn read_only_memory_refuses_writers() {
    with_python(|py| {
        let bytes = Bound::new(py, Bytes(Exported::from_vec(vec![1, 2]).readonly()))?;
        let error = Acquired::new(bytes.as_any(), Request::FULL).expect_err("read-only");
        assert!(error.is_instance_of::<PyBufferError>(py));
        assert!(memoryview(&bytes)?.set_item(0, 1).expect_err("read-only").is_instance_of::<PyTypeError>(py));
        assert!(bytes.get().0.is_readonly());
        bytes.get().0.set(0, 9)?;
        assert_eq!(open(bytes.as_any())?.to_vec::<u8>()?, [9, 2]);
        Ok(())
    });
}

#[test]
fn numbers_have_any_number_of_dimensions() {
    with_python(|py| {
        let numbers = || Exported::from_vec((0..6).map(f64::from).collect());
        for shape in [&[6][..], &[2, 3], &[1, 3, 2], &[3, 1, 2, 1]] {
            let numbers = Bound::new(py, Numbers { data: numbers().with_shape(shape)? })?;
            let view = memoryview(&numbers)?;
            assert_eq!(view.getattr("shape")?.extract::<Vec<usize>>()?, shape);
            assert_eq!(open(numbers.as_any())?.to_vec::<f64>()?, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
            let report = audit_exporter(numbers.as_any())?;
            assert!(!report.has_errors(), "{report}");
        }
        for shape in [&[][..], &[5], &[2, 2], &[usize::MAX, 2], &[usize::MAX, 0], &[1; 65]] {
            let error = numbers().with_shape(shape).expect_err("another number of items");
            assert!(matches!(error, ViewError::CastShape { .. } | ViewError::Dimensions { .. }), "{shape:?}");
        }
        let one = Bound::new(py, Numbers { data: Exported::from_vec(vec![2.5]).with_shape(&[])? })?;
        assert_eq!(memoryview(&one)?.call_method0("tolist")?.extract::<f64>()?, 2.5);
        let none = Bound::new(py, Numbers { data: Exported::from_vec(Vec::new()).with_shape(&[2, 0])? })?;
        assert_eq!(memoryview(&none)?.call_method0("tolist")?.extract::<Vec<Vec<f64>>>()?, vec![Vec::<f64>::new(); 2]);
        Ok(())
    });
}

#[test]
fn the_memory_outlives_the_field_that_exported_it() {
    with_python(|py| {
        let numbers = Bound::new(py, Numbers { data: Exported::from_vec(vec![1.5; 1000]) })?;
        let view = memoryview(&numbers)?;
        assert_eq!(numbers.borrow().data.exports(), 1);
        numbers.borrow_mut().data = Exported::from_vec(vec![0.0; 1000]);
        assert_eq!(numbers.borrow().data.exports(), 0);
        assert_eq!(view.call_method0("tolist")?.extract::<Vec<f64>>()?, [1.5; 1000]);
        view.call_method0("release")?;
        // A request during a mutable borrow is refused.
        let borrowed = numbers.borrow_mut();
        assert!(memoryview(&numbers).is_err());
        drop(borrowed);
        // A release during a mutable borrow frees the export.
        let view = memoryview(&numbers)?;
        let borrowed = numbers.borrow_mut();
        view.call_method0("release")?;
        assert_eq!(borrowed.data.exports(), 0);
        Ok(())
    });
}

#[test]
fn foreign_memory_is_owned_until_the_last_release() {
    /// The owner of foreign memory. Sets the flag to `true` when dropped.
    struct Owner(Arc<AtomicBool>);
    impl Drop for Owner {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    with_python(|py| {
        let dropped = Arc::new(AtomicBool::new(false));
        let frame: &'static mut [u8; 4] = Box::leak(Box::new([1, 2, 3, 4]));
        // SAFETY: (a) and (b) the memory lives for ever, and nothing else accesses it.
        let frame = unsafe { Exported::from_foreign(frame.as_mut_ptr(), 4, Owner(Arc::clone(&dropped))) };
        let frame = Bound::new(py, Bytes(frame))?;
        let view = memoryview(&frame)?;
        drop(frame);
        assert_eq!(view.call_method0("tolist")?.extract::<Vec<u8>>()?, [1, 2, 3, 4]);
        assert!(!dropped.load(Ordering::Relaxed));
        drop(view);
        assert!(dropped.load(Ordering::Relaxed));
        Ok(())
    });
}

#[test]
fn an_index_out_of_bounds_is_an_error() {
    let bytes = Exported::from_vec(vec![1_u8, 2]);
    for index in [2, usize::MAX] {
        let error = bytes.get(index).expect_err("two items");
        assert!(matches!(error, RecordError::Access(DecodeError::View(ViewError::IndexOutOfBounds { .. }))), "{error}");
        assert!(bytes.set(index, 0).is_err());
    }
    assert!(Exported::from_vec(Vec::<u8>::new()).get(0).is_err());
}

#[test]
fn threads_read_and_write_items_of_exported_memory() {
    /// Compiles only if several threads can use a `T`.
    fn is_shared<T: Send + Sync>(_: &T) {}
    let numbers = Exported::from_vec(vec![0_u64; 8]);
    is_shared(&numbers);
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let numbers = &numbers;
            scope.spawn(move || {
                for round in 0..1000 {
                    let index = (thread as usize) * 2 + round % 2;
                    numbers.set(index, thread).expect("in bounds");
                    assert_eq!(numbers.get(index).expect("in bounds"), thread);
                }
            });
        }
    });
}

/// A Python class whose items are arrays.
#[pyclass(frozen)]
struct Rows(Exported<[f32; 3]>);
pep3118::export!(Rows, 0);

#[test]
fn an_array_is_an_item() {
    with_python(|py| {
        let rows = Bound::new(py, Rows(Exported::from_vec(vec![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])))?;
        assert_eq!(memoryview(&rows)?.getattr("itemsize")?.extract::<usize>()?, 12);
        assert_eq!(open(rows.as_any())?.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(rows.get().0.get(1)?, [4.0, 5.0, 6.0]);
        Ok(())
    });
}
