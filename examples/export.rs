//! Exports a `Vec` of structs to Python without a copy: `cargo run --features pyo3,derive --example export`.
//!
//! This program embeds the interpreter. In an extension module the class is the same.
#![allow(unsafe_code, reason = "the buffer methods of a class are `unsafe`")]

use std::ffi::c_int;

use pep3118::py::BufferExporter;
use pep3118::{RawView, Record, Request};
use pyo3::exceptions::PyBufferError;
use pyo3::{ffi, prelude::*};

/// One item. It is `repr(C)`, so that `Sample::FORMAT` describes its fields and its padding.
#[derive(Record)]
#[repr(C)]
struct Sample {
    id: u16,
    at: [f64; 2],
}

/// A Python class that exports its samples as a read-only buffer.
#[pyclass(frozen)]
struct Samples {
    exporter: BufferExporter,
    /// The exported memory. Rust code does not access it again, because Python may read it at any time.
    _memory: Box<[Sample]>,
}

impl Samples {
    fn new(memory: Vec<Sample>) -> PyResult<Self> {
        let memory = memory.into_boxed_slice();
        let items = i64::try_from(memory.len())?;
        let itemsize = i64::try_from(size_of::<Sample>())?;
        let raw = RawView {
            len: items.saturating_mul(itemsize),
            itemsize,
            readonly: 1,
            ndim: 1,
            format: Some(Sample::FORMAT.as_bytes()),
            shape: Some(&[items]),
            ..RawView::default()
        };
        let view = raw.check(Request::FULL_RO, None, None).into_result();
        let view = view.map_err(|report| PyBufferError::new_err(report.to_string()))?;
        // SAFETY: (a) The items of `view` are the items of `memory`. The object owns `memory`, which does not move.
        // (b) `view` is read-only.
        let exporter = unsafe { BufferExporter::new(&view, memory.as_ptr().cast_mut().cast()) };
        Ok(Self { exporter, _memory: memory })
    }
}

#[pymethods]
impl Samples {
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: (a) The interpreter passes a pointer to a `Py_buffer` to fill in. (b) `slf` owns the exporter.
        unsafe { slf.get().exporter.fill(slf.as_any(), view, flags) }
    }

    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: (a) The interpreter passes a `Py_buffer` that `fill` has filled in, and passes it once.
        unsafe { self.exporter.release(view) }
    }
}

fn main() -> PyResult<()> {
    Python::initialize();
    Python::attach(|py| {
        println!("{}", show(py)?);
        Ok(())
    })
}

/// Returns the format, the itemsize and the second sample's `at` as Python reads them, and the result of an audit.
pub(crate) fn show(py: Python<'_>) -> PyResult<String> {
    let samples = vec![Sample { id: 1, at: [0.5, 0.75] }, Sample { id: 2, at: [1.25, -1.0] }];
    let samples = Bound::new(py, Samples::new(samples)?)?;
    let view = py.import("builtins")?.getattr("memoryview")?.call1((&samples,))?;
    let format = view.getattr("format")?.extract::<String>()?;
    let bytes = view.call_method0("tobytes")?.extract::<Vec<u8>>()?;
    let at = py.import("struct")?.call_method1("unpack_from", ("=2d", bytes, 32))?;

    // The audit sends every legal request and checks every rule of the protocol.
    let report = pep3118::py::audit_exporter(samples.as_any())?;
    let findings = if report.is_empty() { "clean".to_owned() } else { report.to_string() };
    Ok(format!("{format} {} {at} {findings}", view.getattr("itemsize")?))
}
