//! Common tasks of an extension module, each in a few lines: `cargo run --features pyo3,derive --example tasks`.
//!
//! This program embeds the interpreter. In an extension module the functions and classes are the same.

#![allow(clippy::arithmetic_side_effects, reason = "the program adds numbers as the code of a user does")]

use pep3118::Record;
use pep3118::py::{Exported, open};
use pyo3::prelude::*;

#[derive(Record, Clone, Copy)]
#[repr(C)]
struct Tick {
    price: f64,
    size: i64,
}

/// Returns the sum of the field `price` of any Python object with a buffer: a NumPy array, a ctypes array, a
/// `memoryview`.
#[pyfunction]
fn total(ticks: &Bound<'_, PyAny>) -> PyResult<f64> {
    Ok(open(ticks)?.column::<f64>("price")?.iter().sum())
}

/// Returns the sum of the sizes of all ticks. The call decodes 64 ticks at a time, so it needs memory for 64 structs
/// only.
#[pyfunction]
fn volume(ticks: &Bound<'_, PyAny>) -> PyResult<i64> {
    let mut sum = 0;
    open(ticks)?.blocks(64, |ticks: &[Tick]| sum += ticks.iter().map(|tick| tick.size).sum::<i64>())?;
    Ok(sum)
}

/// Memory of this program that Python reads and writes, for example through `numpy.asarray`.
#[pyclass(frozen)]
struct Ticks(Exported<Tick>);
pep3118::export!(Ticks, 0);

fn main() -> PyResult<()> {
    Python::initialize();
    Python::attach(|py| {
        println!("{}", show(py)?);
        Ok(())
    })
}

/// Returns the sum of the prices of two ticks, the sum of the sizes after Python wrote 40 to the first size, and the
/// first size.
pub(crate) fn show(py: Python<'_>) -> PyResult<String> {
    let ticks = vec![Tick { price: 1.5, size: 1 }, Tick { price: 2.25, size: 2 }];
    let ticks = Bound::new(py, Ticks(Exported::from_vec(ticks)))?;
    let total: f64 = wrap_pyfunction!(total, py)?.call1((&ticks,))?.extract()?;

    // Python writes the size of the first tick, as an element of `numpy.asarray(ticks)` would.
    let view = py.import("builtins")?.getattr("memoryview")?.call1((&ticks,))?.call_method1("cast", ("B",))?;
    py.import("struct")?.call_method1("pack_into", ("=q", view, 8, 40))?;
    let volume: i64 = wrap_pyfunction!(volume, py)?.call1((&ticks,))?.extract()?;
    Ok(format!("{total} {volume} {}", ticks.get().0.get(0)?.size))
}
