//! The Python tests inside this process, where a sanitizer or valgrind watches both sides.
//!
//! Ignored: `make asan` and `make valgrind` run it, with the packages of a virtual environment on
//! `PYTHONPATH`.

use pyo3::prelude::*;

#[test]
#[ignore = "needs pytest and NumPy on PYTHONPATH: make asan, make valgrind"]
fn pytest_in_this_process() {
    Python::initialize();
    let status = Python::attach(|py| -> PyResult<i32> {
        let sys = py.import("sys")?;
        let root = env!("CARGO_MANIFEST_DIR");
        sys.getattr("path")?.call_method1("insert", (0, format!("{root}/python")))?;
        // The extension module is compiled into this test.
        let module = pyo3::wrap_pymodule!(pep3118::py::module::_pep3118)(py);
        sys.getattr("modules")?.set_item("pep3118._pep3118", module)?;
        let chosen = std::env::var("PYTEST").unwrap_or_default();
        let mut arguments = vec!["-p", "no:cacheprovider", "-p", "no:faulthandler", "-x", "--rootdir", root];
        let all = format!("{root}/tests/python");
        match chosen.trim() {
            "" => arguments.push(&all),
            chosen => arguments.extend(chosen.split_whitespace()),
        }
        py.import("pytest")?.call_method1("main", (arguments,))?.extract()
    });
    assert_eq!(status.unwrap(), 0, "pytest says what failed");
}
