//! Tests of the module `py` in an embedded interpreter. This file has the tests of `BufferExporter`.
#![allow(unsafe_code, reason = "the buffer methods of a class are `unsafe`")]

#[cfg(feature = "derive")]
mod exported;
#[cfg(feature = "derive")]
mod read;
mod validate;

use std::ffi::c_int;

use pep3118::py::{Acquired, BufferExporter, audit_exporter};
use pep3118::{Checker, RawView, Request, RuleId};
use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::types::PyBytes;
use pyo3::{ffi, prelude::*};

/// A Python class that exports items inside 512 bytes of memory, which is never freed.
#[pyclass(frozen)]
struct Samples {
    exporter: BufferExporter,
}

impl Samples {
    /// Creates an exporter of the items that `raw` describes. The memory contains zeros, and `buf` is byte `offset`
    /// of the memory.
    fn new(raw: RawView<'_>, offset: usize) -> Self {
        let memory: &mut [u64; 64] = Box::leak(Box::new([0; 64]));
        let view = Checker::DEFAULT.check(&raw, None).into_result().unwrap_or_else(|report| panic!("{report}"));
        let start = memory.as_mut_ptr().cast::<u8>().wrapping_add(offset);
        // SAFETY: (a) All tests export items inside the 512 bytes, which live for ever. (b) No other code accesses the
        // bytes.
        let exporter = unsafe { BufferExporter::new(&view, start) };
        Self { exporter }
    }
}

#[pymethods]
impl Samples {
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: (a) The interpreter passes a pointer to a `Py_buffer` to fill in. (b) `slf` owns the exporter.
        unsafe { slf.get().exporter.fill(slf.as_any(), view, flags) }
    }

    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: The interpreter passes each `Py_buffer` that `fill` has filled in once.
        unsafe { self.exporter.release(view) }
    }
}

/// The fields for six ints in two rows.
const ROWS: RawView<'static> = RawView {
    buf: None,
    obj: pep3118::Owner::Unknown,
    len: 24,
    itemsize: 4,
    readonly: 0,
    ndim: 2,
    format: Some(b"<i"),
    shape: Some(&[2, 3]),
    strides: Some(&[12, 4]),
    suboffsets: None,
};

/// Calls `test` with an embedded interpreter, and returns its result. Panics if `test` returns an exception.
fn with_python<T>(test: impl FnOnce(Python<'_>) -> PyResult<T>) -> T {
    Python::initialize();
    Python::attach(|py| test(py).unwrap_or_else(|error| panic!("{error}")))
}

#[test]
fn a_class_with_a_buffer_exporter_keeps_every_rule() {
    let memory = [
        RawView { len: 12, ndim: 1, shape: Some(&[3]), strides: Some(&[4]), ..ROWS },
        RawView { len: 12, ndim: 1, shape: Some(&[3]), strides: Some(&[-8]), ..ROWS },
        RawView { len: 12, readonly: 1, ndim: 1, shape: Some(&[3]), strides: Some(&[4]), ..ROWS },
        RawView { len: 0, ndim: 1, shape: Some(&[0]), strides: Some(&[4]), ..ROWS },
        // For exports with other than one dimension, the audit reports the note on `ndim` under SIMPLE (B01), as for
        // memoryview.
        ROWS,
        RawView { strides: Some(&[4, 8]), ..ROWS },
        RawView { strides: Some(&[0, -4]), ..ROWS },
        RawView { len: 4, ndim: 0, shape: None, strides: None, ..ROWS },
    ];
    with_python(|py| {
        for raw in memory {
            let samples = Bound::new(py, Samples::new(raw, 128))?;
            let report = audit_exporter(samples.as_any())?;
            let beside = [RuleId::B01, RuleId::D08];
            let expected: &[RuleId] = if raw.ndim == 1 { &[] } else { &beside };
            assert!(report.without(expected).is_empty(), "{raw:?}: {report}");
            assert!(!report.has_errors(), "{report}");
            assert_eq!(samples.get().exporter.exports(), 0);
        }
        Ok(())
    });
}

#[test]
fn flags_that_are_no_request_are_refused() {
    with_python(|py| {
        let samples = Bound::new(py, Samples::new(ROWS, 0))?;
        for flags in [0x100, 0x200, 0x201, 0x10, 0x20, 0x400, -1, i32::MIN, 4] {
            let asked = Acquired::new(samples.as_any(), Request::from_bits_retain(flags));
            // From CPython 3.13 on the interpreter refuses requests with PyBUF_READ or PyBUF_WRITE (B18).
            let error = asked.expect_err("no such request");
            let known = error.is_instance_of::<PyBufferError>(py)
                || (error.is_instance_of::<pyo3::exceptions::PySystemError>(py) && [0x100, 0x200].contains(&flags));
            assert!(known, "{flags:#x}: {error}");
        }
        assert_eq!(samples.get().exporter.exports(), 0);
        Ok(())
    });
}

#[test]
fn a_request_without_a_struct_is_refused() {
    with_python(|py| {
        let samples = Bound::new(py, Samples::new(ROWS, 0))?;
        // SAFETY: (a) NULL is allowed. (b) The object owns the exporter.
        let filled = unsafe { samples.get().exporter.fill(samples.as_any(), std::ptr::null_mut(), 0) };
        assert!(filled.expect_err("there is nothing to fill in").is_instance_of::<PyBufferError>(py));
        Ok(())
    });
}

#[test]
fn a_buffer_holds_its_exporter() {
    with_python(|py| {
        let samples = Bound::new(py, Samples::new(ROWS, 0))?;
        let first = Acquired::new(samples.as_any(), Request::FULL)?;
        let second = Acquired::new(samples.as_any(), Request::SIMPLE)?;
        assert_eq!(samples.get().exporter.exports(), 2);
        assert_eq!(second.raw().shape, None);
        drop(second);
        assert!(first.exporter(py).is_some_and(|exporter| exporter.is(&samples)));
        assert_eq!(samples.get().exporter.exports(), 1);
        Ok(())
    });
}

#[test]
fn an_audit_of_an_object_without_a_buffer_is_a_type_error() {
    with_python(|py| {
        let error = audit_exporter(&py.None().into_bound(py)).expect_err("None exports nothing");
        assert!(error.is_instance_of::<PyTypeError>(py));
        let bytes = PyBytes::new(py, b"abc");
        assert!(audit_exporter(bytes.as_any())?.is_empty());
        Ok(())
    });
}
