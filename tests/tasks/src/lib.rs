//! Three common tasks, each in a few lines without `unsafe`. Another task, the check of a `Py_buffer`, is in
//! `tests/validate.rs`, because PyO3 requires `unsafe` for a `__getbuffer__` of one's own.
//!
//! The test `tasks_need_few_lines` counts the lines.
#![forbid(unsafe_code)]

use pep3118::Record;
use pep3118::py::{Exported, open};
use pyo3::prelude::*;

/// One record of the tasks.
#[derive(Record, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Tick {
    /// The price of one share.
    pub price: f64,
    /// The number of shares.
    pub size: i64,
}

/// Returns the sum of the column `price` of any Python object that exports records.
#[pyfunction]
pub fn total(ticks: &Bound<'_, PyAny>) -> PyResult<f64> {
    Ok(open(ticks)?.column::<f64>("price")?.iter().sum())
}

/// Memory of this program that Python reads and writes, for example through `numpy.asarray`.
#[pyclass(frozen)]
pub struct Ticks(pub Exported<Tick>);
pep3118::export!(Ticks, 0);

/// Returns the sum of the field `size` of records in memory of any size. The call decodes 64 records at a time.
#[pyfunction]
pub fn volume(ticks: &Bound<'_, PyAny>) -> PyResult<i64> {
    let mut sum = 0;
    let each = |ticks: &[Tick]| sum += ticks.iter().map(|tick| tick.size).sum::<i64>();
    open(ticks)?.blocks(64, each).map(|()| sum).map_err(PyErr::from)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use pyo3::types::PyModule;

    use super::*;

    /// Attaches to the interpreter, and calls `test`. Panics if `test` returns an error.
    fn with_python(test: impl FnOnce(Python<'_>) -> PyResult<()>) {
        Python::initialize();
        Python::attach(|py| test(py).unwrap_or_else(|error| panic!("{error}")));
    }

    /// Runs `code`, the source of a Python module, and returns the module.
    fn module<'py>(py: Python<'py>, code: &std::ffi::CStr) -> PyResult<Bound<'py, PyModule>> {
        PyModule::from_code(py, code, c"exporters.py", c"exporters")
    }

    #[test]
    fn a_column_of_any_object_is_summed() {
        let code = c"
import ctypes
class Tick(ctypes.BigEndianStructure):
    _fields_ = [('size', ctypes.c_int64), ('price', ctypes.c_double)]
ticks = (Tick * 3)((1, 0.5), (2, 0.25), (3, 8.0))
every_second = memoryview(ticks)[::2]
";
        with_python(|py| {
            let module = module(py, code)?;
            for (name, sum) in [("ticks", 8.75), ("every_second", 8.5)] {
                assert_eq!(wrap_pyfunction!(total, py)?.call1((module.getattr(name)?,))?.extract::<f64>()?, sum);
            }
            Ok(())
        });
    }

    #[test]
    fn python_writes_to_a_vector_of_records() {
        let code = c"
import struct
def write(ticks):
    with memoryview(ticks) as view, view.cast('B') as data:
        struct.pack_into('=dq', data, 16, 2.5, 40)
        return view.format, view.shape, view.readonly
";
        with_python(|py| {
            let ticks = Bound::new(py, Ticks(Exported::from_vec(vec![Tick { price: 1.5, size: 1 }; 2])))?;
            let seen = module(py, code)?.getattr("write")?.call1((&ticks,))?;
            let (format, shape, readonly) = seen.extract::<(String, (usize,), bool)>()?;
            assert_eq!((format.as_str(), shape, readonly), (Tick::FORMAT, (2,), false));
            assert_eq!(ticks.get().0.get(0)?, Tick { price: 1.5, size: 1 });
            assert_eq!(ticks.get().0.get(1)?, Tick { price: 2.5, size: 40 });
            Ok(())
        });
    }

    /// Returns the largest amount of memory in KB that this process has used. `None` if the system does not report it.
    fn peak_memory() -> Option<u64> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// Sums `bytes` bytes of records. The memory is a private mapping: pages that were only read share one page of
    /// zeros, so they are not counted as memory of the process.
    fn folds(bytes: usize) {
        let code = c"
import ctypes, mmap
class Tick(ctypes.Structure):
    _fields_ = [('price', ctypes.c_double), ('size', ctypes.c_int64)]
def exporter(length):
    memory = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    ticks = (Tick * (length // 16)).from_buffer(memory)
    for index in range(0, len(ticks), len(ticks) // 8):
        ticks[index].size = 3
    ticks[-1].size = 7
    return ticks
";
        with_python(|py| {
            let ticks = module(py, code)?.getattr("exporter")?.call1((bytes,))?;
            let before = peak_memory();
            assert_eq!(wrap_pyfunction!(volume, py)?.call1((&ticks,))?.extract::<i64>()?, 8 * 3 + 7);
            if let (Some(before), Some(after)) = (before, peak_memory()) {
                println!("{bytes} bytes: the peak of the memory rose by {} KB to {after} KB", after - before);
                assert!(after - before < 4096, "{before} KB before, {after} KB after");
            }
            Ok(())
        });
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_fold_over_16_mb_needs_memory_for_one_block() {
        folds(1 << 24);
    }

    #[test]
    #[cfg(target_os = "linux")]
    #[ignore = "takes a minute without optimization: `make tasks` runs it"]
    fn a_fold_over_1_gb_needs_memory_for_one_block() {
        folds(1 << 30);
    }

    #[test]
    fn tasks_need_few_lines() {
        let source = include_str!("lib.rs");
        let lines = |first: &str, last: &str| {
            let rest = source.lines().skip_while(|line| !line.starts_with(first));
            rest.take_while(|line| *line != last).count() + 1
        };
        // The first line and the last line of a function count.
        assert_eq!(lines("pub fn total", "}"), 3);
        assert_eq!(lines("#[pyclass(frozen)]", "pep3118::export!(Ticks, 0);"), 3);
        assert_eq!(lines("    let mut sum", "}") - 1, 3);
    }
}
