//! Tests of `debug_assert_buffer!`, which checks the `Py_buffer` that a class fills in, and of `RawViewBuf::from_ffi`,
//! which copies the fields of a `Py_buffer`.

use std::ffi::c_int;

use pep3118::py::Acquired;
use pep3118::{Owner, RawView, RawViewBuf, Request};
use pyo3::exceptions::PyBufferError;
use pyo3::{ffi, prelude::*};

use super::with_python;

/// A class that exports 4 bytes. The field `len` is the size in bytes that the class reports.
#[pyclass(frozen)]
struct Bytes {
    len: isize,
}

static MEMORY: [u8; 4] = [1, 2, 3, 4];

#[pymethods]
impl Bytes {
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let buf = MEMORY.as_ptr().cast_mut().cast();
        // SAFETY: the interpreter passes a struct to fill in, and the memory is static.
        if unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), buf, 4, 1, flags) } != 0 {
            return Err(PyErr::fetch(slf.py()));
        }
        // SAFETY: `PyBuffer_FillInfo` has filled in the struct.
        unsafe { (*view).len = slf.get().len };
        // SAFETY: as before.
        unsafe { pep3118::debug_assert_buffer!(view, flags) };
        Ok(())
    }
}

#[test]
fn a_valid_buffer_passes_the_assertion() {
    with_python(|py| {
        let bytes = Bound::new(py, Bytes { len: 4 })?;
        for request in [Request::FULL_RO, Request::SIMPLE, Request::ND, Request::STRIDES | Request::FORMAT] {
            let _: Acquired = Acquired::new(bytes.as_any(), request)?;
        }
        let refused = Acquired::new(bytes.as_any(), Request::WRITABLE).expect_err("the memory is read-only");
        assert!(refused.is_instance_of::<PyBufferError>(py));
        Ok(())
    });
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "error A06: len is -4 bytes, less than 0")]
fn a_wrong_len_fails_the_assertion() {
    with_python(|py| {
        let bytes = Bound::new(py, Bytes { len: -4 })?;
        // PyO3 resumes the panic of `__getbuffer__`.
        Acquired::new(bytes.as_any(), Request::FULL_RO).map(drop)
    });
}

#[test]
fn the_fields_of_a_buffer_are_copied() {
    let (mut shape, mut strides, mut memory) = ([2_isize, 3], [12_isize, 4], [0_u32; 6]);
    let mut buffer = ffi::Py_buffer::new();
    buffer.buf = memory.as_mut_ptr().cast();
    (buffer.len, buffer.itemsize, buffer.readonly, buffer.ndim) = (24, 4, 1, 2);
    (buffer.shape, buffer.strides) = (shape.as_mut_ptr(), strides.as_mut_ptr());
    let long = format!("T{{I:{}:}}", "name".repeat(30));
    for format in ["", "<I", "T{<d:price:<q:size:x<i:more:}...", &long] {
        let text = std::ffi::CString::new(format).expect("no NUL");
        buffer.format = text.as_ptr().cast_mut();
        // SAFETY: (a) The arrays have 2 entries. (b) The format is a C string.
        let raw = unsafe { RawViewBuf::from_ffi(&buffer) };
        let expected = RawView {
            buf: Some(memory.as_ptr().addr() as u64),
            obj: Owner::Null,
            len: 24,
            itemsize: 4,
            readonly: 1,
            ndim: 2,
            format: Some(format.as_bytes()),
            shape: Some(&[2, 3]),
            strides: Some(&[12, 4]),
            suboffsets: None,
        };
        assert_eq!(raw.as_raw(), expected);
    }
}
