//! Runs one work function many times: to be counted under valgrind, or to be timed.
//!
//! Both harnesses, the library's and RustPython's, are this loop; what differs is the table of works.
//!
//! ```text
//! <program> count WORK CALLS FORMAT     runs it, says nothing
//! <program> serve                       reads lines `WORK TAB CALLS TAB FORMAT`,
//!                                       answers each with nanoseconds per call
//! ```

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::Instant;

/// One thing to measure. It is called through this pointer and is `inline(never)`, so that nothing
/// is known about the format when it is compiled; it returns nothing, so that dropping is in it.
pub type Work<S> = fn(&mut S, &[u8]);

/// Reads the command line and does what it says.
pub fn main<S>(works: &[(&str, Work<S>)], state: &mut S) {
    let find = |name: &str| {
        let found = works.iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("no work is called `{name}`")).1
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["count", work, calls, format] => repeat(find(work), number(calls), format.as_bytes(), state),
        ["serve"] => {
            for line in std::io::stdin().lock().lines() {
                let line = line.expect("a line");
                let [work, calls, format] = line.split('\t').collect::<Vec<_>>().try_into().expect("three columns");
                let (work, calls) = (find(work), number(calls));
                let start = Instant::now();
                repeat(work, calls, format.as_bytes(), state);
                let nanoseconds = start.elapsed().as_nanos() as f64 / f64::from(calls);
                println!("{nanoseconds}");
                std::io::stdout().flush().expect("a reader");
            }
        }
        _ => panic!("`count WORK CALLS FORMAT` or `serve`"),
    }
}

fn repeat<S>(work: Work<S>, calls: u32, format: &[u8], state: &mut S) {
    for _ in 0..calls {
        work(state, black_box(format));
    }
}

fn number(text: &str) -> u32 {
    text.parse().expect("a number of calls")
}
