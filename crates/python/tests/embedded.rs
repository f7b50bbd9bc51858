//! Runs the Python tests inside of this process. A sanitizer or valgrind that checks the process thus also checks the
//! extension module.
//!
//! The test is ignored by default. `make asan` and `make valgrind` run it, with the packages of a virtual
//! environment on `PYTHONPATH`. The environment variable `PYTEST` contains arguments of pytest that select tests.
//! Another test checks that the excluded Python tests exist.

#![allow(missing_docs, reason = "a test has a name that states what it tests")]
#![allow(clippy::unwrap_used, reason = "a test that fails should stop")]

use pyo3::prelude::*;

/// The root directory of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The reason to exclude a test that starts another process: that process cannot import the extension module.
const ANOTHER_PROCESS: &str = "starts another process, in which pep3118 is not installed";

/// The reason to exclude a test that measures freed memory: a sanitizer delays the release of memory.
const DELAYED_FREE: &str = "a sanitizer frees memory later";

/// The excluded tests, as (file, test, reason).
const EXCLUDED: &[(&str, &str, &str)] = &[
    ("test_command.py", "test_other_commands_are_run_by_rust", ANOTHER_PROCESS),
    ("test_command.py", "test_help_names_all_commands", ANOTHER_PROCESS),
    ("test_command.py", "test_a_short_command_imports_only_what_it_needs", ANOTHER_PROCESS),
    ("test_command.py", "test_a_closed_pipe_ends_the_work", ANOTHER_PROCESS),
    ("test_command.py", "test_standard_input_reaches_rust", ANOTHER_PROCESS),
    ("test_command.py", "test_python_and_rust_write_in_order", ANOTHER_PROCESS),
    ("test_command.py", "test_closed_streams_cause_no_traceback", ANOTHER_PROCESS),
    ("test_command.py", "test_output_to_a_full_device_fails", ANOTHER_PROCESS),
    ("test_command.py", "test_a_signal_leaves_the_output_unchanged", ANOTHER_PROCESS),
    ("test_command.py", "test_an_interrupted_audit_has_no_traceback", ANOTHER_PROCESS),
    ("test_emitted_source.py", "test_construct_reads_the_same_values", ANOTHER_PROCESS),
    ("test_emitted_source.py", "test_dissect_reads_the_same_values", ANOTHER_PROCESS),
    ("test_emitted_source.py", "test_numpy_reads_the_same_values", ANOTHER_PROCESS),
    ("test_emitted_source.py", "test_ctypes_reads_the_same_values", ANOTHER_PROCESS),
    ("test_emitted_source.py", "test_unions_of_c_source_are_described", ANOTHER_PROCESS),
    ("test_examples.py", "test_a_script_prints_the_output_in_its_docstring", ANOTHER_PROCESS),
    ("test_examples.py", "test_the_tests_of_the_ci_example_pass", ANOTHER_PROCESS),
    ("test_hostile_names.py", "test_the_commands", ANOTHER_PROCESS),
    ("test_hostile_names.py", "test_the_plugin", ANOTHER_PROCESS),
    ("test_lifetime.py", "test_views_do_not_leak_memory", DELAYED_FREE),
    ("test_lifetime.py", "test_views_that_are_alive_at_shutdown_do_not_crash", ANOTHER_PROCESS),
    ("test_lifetime.py", "test_arrow_releases_a_buffer_in_another_thread", ANOTHER_PROCESS),
    ("test_numpy_reader.py", "test_numpys_tests_pass_with_this_reader", ANOTHER_PROCESS),
    ("test_pytest_plugin.py", "test_the_fixture_passes_fails_and_allows", ANOTHER_PROCESS),
    ("test_pytest_plugin.py", "test_the_list_of_fixtures_contains_the_fixture", ANOTHER_PROCESS),
    ("test_readme.py", "test_a_python_example_prints_its_output", ANOTHER_PROCESS),
    ("test_readme.py", "test_a_console_example_prints_its_output", ANOTHER_PROCESS),
    ("test_records.py", "test_a_pickled_row_is_read_in_another_process", ANOTHER_PROCESS),
    ("test_records.py", "test_mypy_knows_every_attribute", ANOTHER_PROCESS),
    ("test_records.py", "test_pyright_knows_every_attribute", ANOTHER_PROCESS),
    ("test_struct.py", "test_a_failed_allocation_is_a_memory_error", ANOTHER_PROCESS),
    ("test_struct.py", "test_repeated_calls_do_not_leak_memory", DELAYED_FREE),
    ("test_threads.py", "test_the_gil_stays_off", ANOTHER_PROCESS),
];

#[test]
fn every_excluded_test_exists() {
    for (file, test, reason) in EXCLUDED {
        let text = std::fs::read_to_string(format!("{ROOT}/tests/python/{file}")).unwrap();
        assert!(text.contains(&format!("\ndef {test}(")), "{file} has no {test}, which is excluded: {reason}");
    }
}

#[test]
#[ignore = "needs pytest and NumPy on PYTHONPATH: make asan, make valgrind"]
fn pytest_in_this_process() {
    Python::initialize();
    let status = Python::attach(|py| -> PyResult<i32> {
        let sys = py.import("sys")?;
        sys.getattr("path")?.call_method1("insert", (0, format!("{ROOT}/crates/python/python")))?;
        // This executable contains the extension module. Register it, so that `import` does not search for a file.
        let module = pyo3::wrap_pymodule!(_pep3118::_pep3118)(py);
        sys.getattr("modules")?.set_item("pep3118._pep3118", &module)?;
        // `import` sets this attribute only for a module that it has loaded.
        py.import("pep3118")?.setattr("_pep3118", module)?;
        let chosen = std::env::var("PYTEST").unwrap_or_default();
        let mut arguments = vec!["-p", "no:cacheprovider", "-p", "no:faulthandler", "-x", "--rootdir", ROOT];
        let all = format!("{ROOT}/tests/python");
        let excluded: Vec<_> =
            EXCLUDED.iter().map(|(file, test, _)| format!("--deselect=tests/python/{file}::{test}")).collect();
        arguments.extend(excluded.iter().map(String::as_str));
        match chosen.trim() {
            "" => arguments.push(&all),
            chosen => arguments.extend(chosen.split_whitespace()),
        }
        py.import("pytest")?.call_method1("main", (arguments,))?.extract()
    });
    assert_eq!(status.unwrap(), 0, "a Python test failed, see the output of pytest");
}
