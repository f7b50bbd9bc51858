//! Compares the library with hand-written code that reads only one format: opens a ctypes array of 4 records and reads
//! the records, and sums a field of a million records. Compares the reading of 4 floats with PyO3's `PyBuffer`.
//!
//!     cargo run --release --manifest-path tests/bench/records/Cargo.toml
//!
//! The rounds of the library and of its peer alternate. The figures are the median and the fastest round, in
//! nanoseconds of one call. On a machine that runs other programs, only the fastest rounds are comparable.
//!
//! Valgrind counts the instructions of the library or of the peer if the program gets the word `library` or `peer`, and
//! a part of a title:
//!
//!     valgrind --tool=callgrind --toggle-collect='*count_calls*' bench-records library '4 floats'

use std::ffi::CStr;
use std::hint::black_box;
use std::time::Instant;

use pep3118::Record;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

/// The number of rounds of each comparison.
const ROUNDS: usize = 101;
/// The number of calls in one round.
const CALLS: u32 = 2000;

#[derive(Record, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Tick {
    price: f64,
    size: i64,
}

/// Reads the ticks with the library.
fn by_library(obj: &Bound<'_, PyAny>) -> PyResult<Vec<Tick>> {
    Ok(pep3118::py::open(obj)?.records()?)
}

/// Reads the ticks with hand-written code. Fails with `BufferError` if the format is not the text that ctypes writes
/// for a tick. The items must be adjacent, which the code does not check.
fn by_hand(obj: &Bound<'_, PyAny>) -> PyResult<Vec<Tick>> {
    let mut buffer = ffi::Py_buffer::new();
    // SAFETY: the object is alive, the struct is writable, and this thread is attached to the interpreter.
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

/// Returns the sum of the prices. `N` items at a time are decoded.
fn folded_by_library<const N: usize>(obj: &Bound<'_, PyAny>) -> PyResult<f64> {
    let mut sum = 0.0;
    pep3118::py::open(obj)?.blocks::<Tick>(N, |ticks| sum += ticks.iter().map(|tick| tick.price).sum::<f64>())?;
    Ok(sum)
}

/// Returns the sum of the prices with hand-written code, which does not check that the items are ticks.
fn folded_by_hand(obj: &Bound<'_, PyAny>) -> PyResult<f64> {
    let mut buffer = ffi::Py_buffer::new();
    // SAFETY: the object is alive, the struct is writable, and this thread is attached to the interpreter.
    if unsafe { ffi::PyObject_GetBuffer(obj.as_ptr(), &mut buffer, ffi::PyBUF_FULL_RO) } != 0 {
        return Err(PyErr::fetch(obj.py()));
    }
    let mut sum = 0.0;
    for index in 0..buffer.len as usize / 16 {
        // SAFETY: the items are adjacent, and `len` bytes may be read until the release.
        sum += unsafe { buffer.buf.cast::<Tick>().add(index).read_unaligned() }.price;
    }
    // SAFETY: the buffer was acquired above.
    unsafe { ffi::PyBuffer_Release(&mut buffer) };
    Ok(sum)
}

/// Returns the sum of the prices. Copies `N` items at a time with `memcpy` without a check of the format, and sums the
/// prices of the copy. No program that copies the items before it gives them to a function is faster.
fn folded_by_copies<const N: usize>(obj: &Bound<'_, PyAny>) -> PyResult<f64> {
    let mut buffer = ffi::Py_buffer::new();
    // SAFETY: the object is alive, the struct is writable, and the interpreter is attached.
    if unsafe { ffi::PyObject_GetBuffer(obj.as_ptr(), &mut buffer, ffi::PyBUF_FULL_RO) } != 0 {
        return Err(PyErr::fetch(obj.py()));
    }
    let (mut sum, items) = (0.0, buffer.len as usize / 16);
    let mut ticks = vec![Tick { price: 0.0, size: 0 }; N];
    for start in (0..items).step_by(N) {
        let count = N.min(items - start);
        // SAFETY: the items are adjacent, and `len` bytes may be read until the release. The vector has `N` items.
        unsafe { buffer.buf.cast::<Tick>().add(start).copy_to_nonoverlapping(ticks.as_mut_ptr(), count) };
        sum += black_box(&ticks[..count]).iter().map(|tick| tick.price).sum::<f64>();
    }
    // SAFETY: the buffer was acquired above.
    unsafe { ffi::PyBuffer_Release(&mut buffer) };
    Ok(sum)
}

/// Reads the floats with the library.
fn floats_by_library(obj: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    Ok(pep3118::py::open(obj)?.to_vec()?)
}

/// Reads the floats with `PyBuffer` of PyO3.
fn floats_by_pyo3(obj: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    pyo3::buffer::PyUntypedBuffer::get(obj)?.as_typed::<f64>()?.to_vec(obj.py())
}

/// Returns the mean nanoseconds of one call of `read` in `calls` calls.
fn time<T>(obj: &Bound<'_, PyAny>, calls: u32, read: impl Fn(&Bound<'_, PyAny>) -> PyResult<T>) -> PyResult<f64> {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(read(black_box(obj))?);
    }
    Ok(start.elapsed().as_nanos() as f64 / f64::from(calls))
}

/// Returns the median of `figures` and the smallest figure.
fn median_and_fastest(mut figures: Vec<f64>) -> (f64, f64) {
    figures.sort_by(f64::total_cmp);
    (figures[figures.len() / 2], figures[0])
}

/// Calls `read` 1,000 times, so that callgrind counts the instructions. Call `read` once before, because the first call
/// fills the caches.
#[inline(never)]
fn count_calls<T>(obj: &Bound<'_, PyAny>, read: &impl Fn(&Bound<'_, PyAny>) -> PyResult<T>) -> PyResult<()> {
    (0..1000).try_for_each(|_| read(black_box(obj)).map(|result| drop(black_box(result))))
}

/// Measures `library` and `other` alternately, and prints the medians and the fastest rounds with the title `title`.
/// Panics if the results differ.
///
/// With two arguments on the command line, runs only the side that the first argument names, without measuring. Does
/// nothing if the title does not contain the second argument.
fn compare<T: PartialEq + std::fmt::Debug>(
    title: &str,
    obj: &Bound<'_, PyAny>,
    calls: u32,
    library: impl Fn(&Bound<'_, PyAny>) -> PyResult<T>,
    other: impl Fn(&Bound<'_, PyAny>) -> PyResult<T>,
) -> PyResult<()> {
    assert!(library(obj)? == other(obj)?, "{title}: the results differ");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [side, part] = &arguments[..] {
        return match title.contains(part.as_str()) {
            true if side == "library" => count_calls(obj, &library),
            true => count_calls(obj, &other),
            false => Ok(()),
        };
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(time(obj, calls, &library)?);
        theirs.push(time(obj, calls, &other)?);
    }
    let (ours, theirs) = (median_and_fastest(ours), median_and_fastest(theirs));
    for (name, ours, theirs) in [("median", ours.0, theirs.0), ("fastest", ours.1, theirs.1)] {
        println!("{title}: {name} {ours:.0} ns, beside {theirs:.0} ns, ratio {:.2}", ours / theirs);
    }
    Ok(())
}

fn main() -> PyResult<()> {
    Python::initialize();
    Python::attach(|py| {
        let code = c"
import array, ctypes
class Tick(ctypes.Structure):
    _fields_ = [('price', ctypes.c_double), ('size', ctypes.c_int64)]
ticks = (Tick * 4)((1.5, 1), (2.5, 2), (3.5, 3), (4.5, 4))
values = array.array('d', range(2000000))
million = (Tick * 1000000).from_buffer(values)
floats = array.array('d', [1.5, 2.5, 3.5, 4.5])
";
        let module = PyModule::from_code(py, code, c"ticks.py", c"ticks")?;
        let (ticks, million, floats) =
            (module.getattr("ticks")?, module.getattr("million")?, module.getattr("floats")?);
        compare("open and 4 records, beside code by hand", &ticks, CALLS, by_library, by_hand)?;
        compare("open and 4 floats, beside PyUntypedBuffer", &floats, CALLS, floats_by_library, floats_by_pyo3)?;
        let million = &million;
        compare("1 million records, 64 at a time, beside a loop", million, 1, folded_by_library::<64>, folded_by_hand)?;
        compare("1 million records, 4096 at a time, beside a loop", million, 1, folded_by_library::<4096>, folded_by_hand)?;
        compare("64 copied at a time, beside a loop", million, 1, folded_by_copies::<64>, folded_by_hand)?;
        compare("4096 copied at a time, beside a loop", million, 1, folded_by_copies::<4096>, folded_by_hand)
    })
}
