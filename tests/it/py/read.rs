//! Tests of the functions that read an opened buffer with one call.

use std::ffi::CStr;

use pep3118::decode::Value;
use pep3118::decode::record::{Mismatch, NotInPlace, RecordError};
use pep3118::py::{Buffer, Records, open};
use pep3118::{EmitError, FlagsError, FormatError, LayoutError, Record, Report, RequestError, ViewError};
use pyo3::exceptions::{PyBufferError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::wrap_pyfunction;

use super::with_python;

/// One record of the array `ticks` in the module of [`TICKS`].
#[derive(Record, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Tick {
    price: f64,
    size: i64,
}

/// The source of a Python module with exporters: `ticks` (4 ctypes structures), `pairs` (nested structures), `many`
/// (10,000 structures) and `numbers` (doubles). `Swapped` is a class with big-endian fields in another order.
const TICKS: &CStr = c"
import array, ctypes

class Tick(ctypes.Structure):
    _fields_ = [('price', ctypes.c_double), ('size', ctypes.c_int64)]

class Swapped(ctypes.BigEndianStructure):
    _fields_ = [('size', ctypes.c_int64), ('flag', ctypes.c_int8), ('price', ctypes.c_double)]

class Pair(ctypes.Structure):
    _fields_ = [('first', Tick), ('rest', Tick * 2)]

rows = ((1.5, 1), (2.5, 2), (3.5, 3), (4.5, 4))
ticks = (Tick * 4)(*rows)
pairs = (Pair * 2)(Pair(rows[0], (rows[1], rows[2])), Pair(rows[3], (rows[2], rows[1])))
many = (Tick * 10000)(*[(i / 2, i) for i in range(10000)])
numbers = array.array('d', [0.5, 1.5, 2.5])
";

/// The records of `ticks` in the module of [`TICKS`].
const ROWS: [Tick; 4] = [
    Tick { price: 1.5, size: 1 },
    Tick { price: 2.5, size: 2 },
    Tick { price: 3.5, size: 3 },
    Tick { price: 4.5, size: 4 },
];

/// Calls `test` with the module that [`TICKS`] creates.
fn with_ticks(test: impl FnOnce(&Bound<'_, PyModule>) -> PyResult<()>) {
    with_python(|py| test(&PyModule::from_code(py, TICKS, c"ticks.py", c"ticks")?));
}

#[test]
fn records_are_those_of_the_owner() {
    with_ticks(|module| {
        let ticks = module.getattr("ticks")?;
        // The second call uses the cached comparison of the layout with the struct.
        for _ in 0..2 {
            assert_eq!(open(&ticks)?.records::<Tick>()?, ROWS);
        }
        let reversed = module.py().eval(c"memoryview(ticks)[::-1]", Some(&module.dict()), None)?;
        let expected: Vec<Tick> = ROWS.into_iter().rev().collect();
        assert_eq!(open(&reversed)?.records::<Tick>()?, expected);
        Ok(())
    });
}

#[test]
fn one_layout_has_matches_of_several_structs() {
    #[derive(Record, Debug, PartialEq)]
    struct Size {
        size: i64,
    }
    /// The same fields in another order.
    #[derive(Record, Debug, PartialEq)]
    struct Reordered {
        size: i64,
        price: f64,
    }
    with_ticks(|module| {
        let ticks = module.getattr("ticks")?;
        for _ in 0..2 {
            let error = open(&ticks)?.records::<Size>().expect_err("the struct has no price");
            assert!(matches!(error, RecordError::Mismatch(Mismatch::Extra { .. })), "{error}");
            let reordered = open(&ticks)?.records::<Reordered>()?;
            assert_eq!(reordered[3], Reordered { size: 4, price: 4.5 });
            assert_eq!(open(&ticks)?.records::<Tick>()?, ROWS);
        }
        Ok(())
    });
}

#[test]
fn a_new_class_at_the_address_of_a_collected_class_is_not_confused() {
    let code = c"
import ctypes, gc
def make(name, code):
    return type('Item', (ctypes.Structure,), {'_fields_': [(name, code)]})
";
    with_python(|py| {
        let module = PyModule::from_code(py, code, c"make.py", c"make")?;
        let ctypes = py.import("ctypes")?;
        let gc = py.import("gc")?;
        for round in 0..40 {
            let (name, code) = [("a", "c_int64"), ("b", "c_double"), ("c", "c_uint64")][round % 3];
            let item = module.getattr("make")?.call1((name, ctypes.getattr(code)?))?.call0()?;
            item.setattr(name, 7)?;
            let open = open(&item)?;
            let names: Vec<&[u8]> = open.item().item().fields().filter_map(|field| field.name()).collect();
            assert_eq!(names, [name.as_bytes()]);
            match code {
                "c_double" => assert_eq!(open.column::<f64>(name)?, [7.0]),
                "c_int64" => assert_eq!(open.column::<i64>(name)?, [7]),
                _ => assert_eq!(open.column::<u64>(name)?, [7]),
            }
            drop((open, item));
            gc.call_method0("collect")?;
        }
        Ok(())
    });
}

#[test]
fn a_column_is_that_of_the_owner() {
    with_ticks(|module| {
        let ticks = module.getattr("ticks")?;
        assert_eq!(open(&ticks)?.column::<f64>("price")?, [1.5, 2.5, 3.5, 4.5]);
        assert_eq!(open(&ticks)?.column::<i64>("size")?, [1, 2, 3, 4]);
        let pairs = module.getattr("pairs")?;
        assert_eq!(open(&pairs)?.column::<f64>("first.price")?, [1.5, 4.5]);
        assert_eq!(open(&pairs)?.column::<i64>("rest.size")?, [2, 3, 3, 2]);
        for name in ["", ".", "first.", "first", "first.price.x", "rest.none", "price"] {
            let error = open(&pairs)?.column::<f64>(name).expect_err(name);
            assert!(PyErr::from(error).is_instance_of::<PyValueError>(module.py()), "{name}");
        }
        assert!(open(&ticks)?.column::<f64>("size").is_err());
        Ok(())
    });
}

#[test]
fn a_column_whose_name_has_a_dot_is_found() {
    let code = c"
import ctypes
class Dotted(ctypes.Structure):
    _fields_ = [('a.b', ctypes.c_int64), ('a', ctypes.c_int64)]
item = Dotted(3, 4)
";
    with_python(|py| {
        let item = PyModule::from_code(py, code, c"dotted.py", c"dotted")?.getattr("item")?;
        assert_eq!(open(&item)?.column::<i64>("a.b")?, [3]);
        assert_eq!(open(&item)?.column::<i64>("a")?, [4]);
        Ok(())
    });
}

#[test]
fn blocks_have_the_requested_length_except_the_last() {
    with_ticks(|module| {
        let many = module.getattr("many")?;
        let expected = open(&many)?.records::<Tick>()?;
        assert_eq!((expected.len(), expected[9999]), (10_000, Tick { price: 4999.5, size: 9999 }));
        for items in [0, 1, 7, 1024, 4096, 9999, 10_000, usize::MAX] {
            let (mut all, mut lengths) = (Vec::new(), Vec::new());
            open(&many)?.blocks::<Tick>(items, |ticks| {
                lengths.push(ticks.len());
                all.extend_from_slice(ticks);
            })?;
            assert!(all == expected, "{items}");
            let (last, full) = lengths.split_last().expect("at least one block");
            assert!(full.iter().all(|len| *len == items.max(1)) && *last <= items.max(1), "{items}: {lengths:?}");
        }
        Ok(())
    });
}

#[test]
fn an_invalid_value_in_a_later_block_has_its_index() {
    #[derive(Record)]
    struct Letter(char);
    with_python(|py| {
        // A surrogate is not a `char`.
        let text = py.eval(c"'a' * 77 + chr(0xd800) + 'a' * 22", None, None)?;
        let letters = py.import("array")?.getattr("array")?.call1(("u", text))?;
        let mut calls = 0;
        let error = open(&letters)?.blocks::<Letter>(10, |_| calls += 1).expect_err("a surrogate is no char");
        assert_eq!(error.to_string(), "field `f0` of record 77 is 0xd800, which is not a char");
        assert_eq!(calls, 7);
        Ok(())
    });
}

#[test]
fn values_and_elements_are_those_of_the_owner() {
    with_ticks(|module| {
        let numbers = module.getattr("numbers")?;
        assert_eq!(open(&numbers)?.to_vec::<f64>()?, numbers.extract::<Vec<f64>>()?);
        let values: Vec<Value> = open(&numbers)?.values()?.collect::<Result<_, _>>()?;
        assert_eq!(values, [0.5, 1.5, 2.5].map(Value::Float64));
        assert!(open(&numbers)?.to_vec::<f32>().is_err());
        Ok(())
    });
}

/// Returns the sum of the column `price` of any exporter.
#[pyfunction]
fn total(obj: &Bound<'_, PyAny>) -> PyResult<f64> {
    Ok(open(obj)?.column::<f64>("price")?.iter().sum())
}

/// Returns the sum of the field `price` of an exporter of ticks. Decodes the items block by block.
#[pyfunction]
fn folded(obj: &Bound<'_, PyAny>) -> PyResult<f64> {
    let mut sum = 0.0;
    open(obj)?.blocks::<Tick>(4096, |ticks| sum += ticks.iter().map(|tick| tick.price).sum::<f64>())?;
    Ok(sum)
}

/// Returns the sum of the field `size` of all ticks.
#[pyfunction]
fn volume(ticks: Records<Tick>) -> i64 {
    ticks.iter().map(|tick| tick.size).sum()
}

/// Returns the mean of all numbers.
#[pyfunction]
fn mean(numbers: Buffer<f64>) -> PyResult<f64> {
    Ok(numbers.to_vec()?.iter().sum::<f64>() / numbers.view().item_count() as f64)
}

#[test]
fn functions_take_any_exporter() {
    with_ticks(|module| {
        let (py, ticks) = (module.py(), module.getattr("ticks")?);
        assert_eq!(wrap_pyfunction!(total, module)?.call1((&ticks,))?.extract::<f64>()?, 12.0);
        assert_eq!(wrap_pyfunction!(folded, module)?.call1((&ticks,))?.extract::<f64>()?, 12.0);
        let volume = wrap_pyfunction!(volume, module)?;
        assert_eq!(volume.call1((&ticks,))?.extract::<i64>()?, 10);
        let mean = wrap_pyfunction!(mean, module)?;
        let numbers = module.getattr("numbers")?;
        assert_eq!(mean.call1((&numbers,))?.extract::<f64>()?, 1.5);
        assert!(mean.call1((&ticks,)).expect_err("records").is_instance_of::<PyValueError>(py));
        assert!(volume.call1((&numbers,)).expect_err("numbers").is_instance_of::<PyValueError>(py));
        assert!(volume.call1((1,)).expect_err("no buffer").is_instance_of::<PyTypeError>(py));
        Ok(())
    });
}

#[test]
fn every_error_is_a_plain_python_exception() {
    /// Compiles only if an error of the type `E` can be converted to an exception.
    fn converts<E: Into<PyErr>>() {}
    converts::<pep3118::decode::DecodeError>();
    converts::<pep3118::decode::EncodeError>();
    converts::<pep3118::layout::BuildError>();
    converts::<pep3118::py::OpenError>();
    converts::<EmitError>();
    converts::<FlagsError>();
    converts::<FormatError>();
    converts::<LayoutError>();
    converts::<Mismatch>();
    converts::<NotInPlace>();
    converts::<RecordError>();
    converts::<Report>();
    converts::<RequestError>();
    converts::<ViewError>();
    with_python(|py| {
        let errors: [PyErr; 3] = [
            pep3118::parse("T{i").expect_err("no brace").into(),
            "FULL_RW".parse::<pep3118::Request>().expect_err("no flag").into(),
            pep3118::calcsize("T{i").expect_err("no brace").into(),
        ];
        for error in errors {
            assert!(error.get_type(py).is(py.get_type::<PyValueError>()), "{error}");
        }
        let raw = pep3118::RawView { len: 20, itemsize: 4, ndim: 1, shape: Some(&[6]), ..Default::default() };
        let report = raw.check(pep3118::Request::ND, None, None).report;
        assert!(PyErr::from(report).get_type(py).is(py.get_type::<PyBufferError>()));
        let argument = PyErr::from(ViewError::ChunkLength { len: 0 });
        assert!(argument.get_type(py).is(py.get_type::<PyValueError>()), "{argument}");
        let memory = pep3118::decode::DecodeError::Allocation { bytes: 9 };
        let error = PyErr::from(pep3118::decode::EncodeError::from(memory));
        assert!(error.get_type(py).is(py.get_type::<pyo3::exceptions::PyMemoryError>()), "{error}");
        Ok(())
    });
}
