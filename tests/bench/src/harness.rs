//! The loop that runs a measured operation many times, under valgrind or with a clock.
//!
//! The programs of the library and of RustPython share this file. Each program has its own table of operations.
//!
//! ```text
//! <program> count OPERATION CALLS FORMAT    runs the operation CALLS times and prints nothing
//! <program> serve                           reads lines `OPERATION TAB CALLS TAB FORMAT` and
//!                                           answers each with nanoseconds per call
//! ```

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::Instant;

/// A measured operation: a function of the program's state and a format.
///
/// An operation is called through a pointer and is `inline(never)`, so that the compiler cannot use the format as a
/// constant. An operation returns nothing, so that the measurement includes dropping the result.
pub type Operation<S> = fn(&mut S, &[u8]);

/// Executes the command of the command line. `operations` are the operations by name. Panics if the command or the name
/// of an operation is unknown.
pub fn main<S>(operations: &[(&str, Operation<S>)], state: &mut S) {
    let find = |name: &str| {
        let found = operations.iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("unknown operation `{name}`")).1
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["count", operation, calls, format] => repeat(find(operation), number(calls), format.as_bytes(), state),
        ["serve"] => {
            for line in std::io::stdin().lock().lines() {
                let line = line.expect("a line");
                let [operation, calls, format] =
                    line.split('\t').collect::<Vec<_>>().try_into().expect("three columns");
                let (operation, calls) = (find(operation), number(calls));
                let start = Instant::now();
                repeat(operation, calls, format.as_bytes(), state);
                let nanoseconds = start.elapsed().as_nanos() as f64 / f64::from(calls);
                println!("{nanoseconds}");
                std::io::stdout().flush().expect("a reader");
            }
        }
        _ => panic!("usage: `count OPERATION CALLS FORMAT` or `serve`"),
    }
}

/// Runs `operation` with `format` `calls` times. `state` is the state of the program.
fn repeat<S>(operation: Operation<S>, calls: u32, format: &[u8], state: &mut S) {
    for _ in 0..calls {
        operation(state, black_box(format));
    }
}

fn number(text: &str) -> u32 {
    text.parse().expect("a number of calls")
}
