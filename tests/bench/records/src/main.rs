//! Opens a ctypes array of 4 records and reads the records, beside code by hand for exactly that array.
//!
//!     cargo run --release --manifest-path tests/bench/records/Cargo.toml
//!
//! Rounds of both sides alternate. The figures are nanoseconds, and the ratio is that of the medians.

use std::ffi::CStr;
use std::hint::black_box;
use std::time::Instant;

use pep3118::Record;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

const ROUNDS: usize = 41;
const CALLS: u32 = 2000;

#[derive(Record, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Tick {
    price: f64,
    size: i64,
}

fn by_library(obj: &Bound<'_, PyAny>) -> PyResult<Vec<Tick>> {
    Ok(pep3118::py::open(obj)?.records()?)
}

/// What a developer writes who knows that the items are ticks: the format is compared with the one string that ctypes
/// writes for them.
fn by_hand(obj: &Bound<'_, PyAny>) -> PyResult<Vec<Tick>> {
    let mut buffer = ffi::Py_buffer::new();
    // SAFETY: the object is alive, the struct is writable, and the interpreter is attached.
    if unsafe { ffi::PyObject_GetBuffer(obj.as_ptr(), &mut buffer, ffi::PyBUF_FULL_RO) } != 0 {
        return Err(PyErr::fetch(obj.py()));
    }
    let mut ticks = Vec::new();
    // SAFETY: a format ends with a NUL.
    let format = unsafe { CStr::from_ptr(buffer.format) };
    let fits = buffer.ndim == 1 && buffer.itemsize == 16 && format == c"T{<d:price:<q:size:}";
    if fits {
        for index in 0..buffer.len as usize / 16 {
            // SAFETY: the items are adjacent, and `len` bytes may be read until the release.
            ticks.push(unsafe { buffer.buf.cast::<Tick>().add(index).read_unaligned() });
        }
    }
    // SAFETY: the buffer was acquired above.
    unsafe { ffi::PyBuffer_Release(&mut buffer) };
    if fits { Ok(ticks) } else { Err(PyBufferError::new_err("other items")) }
}

/// Returns the nanoseconds of one call.
fn time(obj: &Bound<'_, PyAny>, read: impl Fn(&Bound<'_, PyAny>) -> PyResult<Vec<Tick>>) -> PyResult<f64> {
    let start = Instant::now();
    for _ in 0..CALLS {
        black_box(read(black_box(obj))?);
    }
    Ok(start.elapsed().as_nanos() as f64 / f64::from(CALLS))
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn main() -> PyResult<()> {
    Python::initialize();
    Python::attach(|py| {
        let code = c"
import ctypes
class Tick(ctypes.Structure):
    _fields_ = [('price', ctypes.c_double), ('size', ctypes.c_int64)]
ticks = (Tick * 4)((1.5, 1), (2.5, 2), (3.5, 3), (4.5, 4))
";
        let module = PyModule::from_code(py, code, c"ticks.py", c"ticks")?;
        let ticks = module.getattr("ticks")?;
        assert_eq!(by_library(&ticks)?, by_hand(&ticks)?);
        let (mut library, mut hand) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            library.push(time(&ticks, by_library)?);
            hand.push(time(&ticks, by_hand)?);
        }
        let (library, hand) = (median(library), median(hand));
        println!("open and 4 records: {library:.0} ns, by hand {hand:.0} ns, ratio {:.2}", library / hand);
        Ok(())
    })
}
