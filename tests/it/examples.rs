//! Tests of the Rust programs in `examples/`: their output, and the number of lines of common tasks.

#[path = "../../examples/npy.rs"]
#[allow(dead_code, reason = "its `main` is the program's")]
mod npy;

#[path = "../../examples/export.rs"]
#[cfg(feature = "pyo3")]
#[allow(dead_code, reason = "its `main` is the program's")]
mod export;

#[path = "../../examples/tasks.rs"]
#[cfg(feature = "pyo3")]
#[allow(dead_code, reason = "its `main` is the program's")]
mod tasks;

/// The NumPy file that the example reads.
const SAMPLES: &[u8] = include_bytes!("../../examples/samples.npy");

#[test]
#[cfg(target_endian = "little")]
fn a_numpy_file_is_read_as_structs_and_as_columns() {
    assert_eq!(
        npy::show(SAMPLES).unwrap(),
        "\
T{<I:id:B:channel:3x>d:at:3s:tag:5x}
offset  size  type           name
     0     4  uint32         id
     4     1  uint8          channel
     5     3  (padding)
     8     8  float64 (big)  at
    16     3  bytes          tag
    19     5  (padding)
Sample { id: 1, at: 0.5, channel: 0, tag: [111, 110, 0] }
Sample { id: 2, at: 0.75, channel: 1, tag: [111, 102, 102] }
Sample { id: 70000, at: 1.25, channel: 0, tag: [111, 110, 0] }
id: UInt32([1, 2, 70000])
channel: UInt8([0, 1, 0])
at: Float64([0.5, 0.75, 1.25])
tag: Bytes([111, 110, 0, 111, 102, 102, 111, 110, 0])
"
    );
}

#[test]
fn other_fields_are_refused_or_shown_as_columns() {
    let swap = |from: &str, to: &str| {
        let at = SAMPLES.windows(from.len()).position(|bytes| bytes == from.as_bytes()).unwrap();
        let mut file = SAMPLES.to_vec();
        file.splice(at..at + from.len(), to.bytes());
        npy::show(&file)
    };
    assert!(swap("'at'", "'ta'").unwrap().contains("no samples: "));
    assert!(swap("'<u4'", "'|O' ").is_err());
    assert!(swap("[", "(").is_err());
}

#[test]
#[cfg(feature = "pyo3")]
fn structs_are_exported_to_python() {
    use pyo3::Python;
    Python::initialize();
    let shown = Python::attach(|py| export::show(py).unwrap());
    assert_eq!(shown, "T{<H:id:6x(2)<d:at:} 24 (1.25, -1.0) 7 clean");
}

#[test]
#[cfg(feature = "pyo3")]
fn common_tasks_return_the_values_that_python_wrote() {
    use pyo3::Python;
    Python::initialize();
    let shown = Python::attach(|py| tasks::show(py).unwrap());
    assert_eq!(shown, "3.75 42 40");
}

/// Returns the number of lines in `source` from the line that starts with `first` to the next line that is `last`,
/// including both lines.
#[cfg(feature = "pyo3")]
fn lines_between(source: &str, first: &str, last: &str) -> usize {
    let start = source.lines().position(|line| line.starts_with(first)).unwrap_or_else(|| panic!("no line {first}"));
    let rest = source.lines().skip(start);
    rest.take_while(|line| *line != last).count() + 1
}

#[test]
#[cfg(feature = "pyo3")]
fn common_tasks_need_few_lines_and_no_unsafe() {
    let tasks = include_str!("../../examples/tasks.rs");
    assert!(!tasks.contains("unsafe"));
    // Each number includes the first line and the last line of the function.
    assert_eq!(lines_between(tasks, "fn total", "}"), 3);
    assert_eq!(lines_between(tasks, "fn volume", "}"), 5);
    assert_eq!(lines_between(tasks, "#[pyclass(frozen)]", "pep3118::export!(Ticks, 0);"), 3);
    // The check of a `Py_buffer` is one macro call.
    let validate = include_str!("py/validate.rs");
    assert_eq!(validate.lines().filter(|line| line.contains("debug_assert_buffer!(view, flags)")).count(), 1);
}
