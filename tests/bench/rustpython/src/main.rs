//! The measured function of RustPython, the parser of its module `struct`. `run.py --rustpython` runs this program.
//!
//! The parser reads the formats of `struct`. The parser skips `T{…}`, shapes and names without an error.

#[path = "../../src/harness.rs"]
mod harness;

use std::hint::black_box;

use rustpython_vm::buffer::FormatSpec;
use rustpython_vm::{Interpreter, VirtualMachine};

#[inline(never)]
fn work_rustpython(vm: &mut &VirtualMachine, format: &[u8]) {
    black_box(&FormatSpec::parse(format, vm));
}

fn main() {
    Interpreter::without_stdlib(Default::default()).enter(|mut vm| {
        let operations: [(&str, harness::Operation<&VirtualMachine>); 1] = [("rustpython", work_rustpython)];
        harness::main(&operations, &mut vm);
    });
}
