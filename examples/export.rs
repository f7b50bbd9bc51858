//! Exports a `Vec` of structs to Python without a copy: `cargo run --features pyo3,derive --example export`.
//!
//! This program embeds the interpreter. In an extension module the class is the same.

use pep3118::Record;
use pep3118::py::Exported;
use pyo3::prelude::*;

/// One item. The struct is `repr(C)`, so that `Sample::FORMAT` describes the fields and the padding.
#[derive(Record)]
#[repr(C)]
struct Sample {
    id: u16,
    at: [f64; 2],
}

/// A Python class that exports its samples as a writable buffer.
#[pyclass(frozen)]
struct Samples(Exported<Sample>);
pep3118::export!(Samples, 0);

fn main() -> PyResult<()> {
    Python::initialize();
    Python::attach(|py| {
        println!("{}", show(py)?);
        Ok(())
    })
}

/// Returns one line of text. Python reads the format, the itemsize and the field `at` of the second sample, and then
/// writes the field `id` of the first sample. The line has these four values and the result of an audit.
pub(crate) fn show(py: Python<'_>) -> PyResult<String> {
    let samples = vec![Sample { id: 1, at: [0.5, 0.75] }, Sample { id: 2, at: [1.25, -1.0] }];
    let samples = Bound::new(py, Samples(Exported::from_vec(samples)))?;
    let view = py.import("builtins")?.getattr("memoryview")?.call1((&samples,))?;
    let format = view.getattr("format")?.extract::<String>()?;
    let bytes = view.call_method0("tobytes")?.extract::<Vec<u8>>()?;
    let module = py.import("struct")?;
    let at = module.call_method1("unpack_from", ("=2d", bytes, 32))?;
    module.call_method1("pack_into", ("=H", view.call_method1("cast", ("B",))?, 0, 7))?;
    let id = samples.get().0.get(0)?.id;

    // The audit sends every legal request and checks every rule of the protocol.
    let report = pep3118::py::audit_exporter(samples.as_any())?;
    let findings = if report.is_empty() { "clean".to_owned() } else { report.to_string() };
    Ok(format!("{format} {} {at} {id} {findings}", view.getattr("itemsize")?))
}
