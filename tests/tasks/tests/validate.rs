//! The check of a `Py_buffer` in a `__getbuffer__` of one's own, in one line.

use std::ffi::c_int;

use pyo3::ffi;
use pyo3::prelude::*;

/// A class whose `__getbuffer__` reports the shape (6,) for 4 bytes if the field is `true`.
#[pyclass(frozen)]
struct Zeros(bool);

#[pymethods]
impl Zeros {
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        static ZEROS: [u8; 4] = [0; 4];
        static SIX: ffi::Py_ssize_t = 6;
        // SAFETY: the interpreter passes a struct to fill in, and the memory is static.
        if unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), ZEROS.as_ptr().cast_mut().cast(), 4, 1, flags) } != 0 {
            return Err(PyErr::fetch(slf.py()));
        }
        if slf.get().0 {
            // SAFETY: `PyBuffer_FillInfo` has filled in the struct. The consumer only reads the shape.
            unsafe { (*view).shape = (&raw const SIX).cast_mut() };
        }
        // SAFETY: `PyBuffer_FillInfo` has filled in the struct, and the shape has one entry.
        unsafe { pep3118::debug_assert_buffer!(view, flags) };
        Ok(())
    }
}

/// Opens a buffer of `Zeros(is_wrong)` and returns its bytes.
fn open(is_wrong: bool) -> PyResult<Vec<u8>> {
    Python::initialize();
    Python::attach(|py| Ok(pep3118::py::open(Bound::new(py, Zeros(is_wrong))?.as_any())?.to_vec()?))
}

#[test]
fn a_correct_buffer_passes() -> PyResult<()> {
    assert_eq!(open(false)?, [0; 4]);
    Ok(())
}

/// PyO3 passes a panic through the interpreter to the caller in Rust.
#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "error A04: len is 4 bytes")]
fn a_wrong_buffer_panics_in_debug_builds() {
    drop(open(true));
}

#[test]
#[cfg(not(debug_assertions))]
fn a_wrong_buffer_is_an_error_of_the_consumer_in_release_builds() {
    assert!(open(true).is_err());
}
