//! RustPython's side of the bench: the parser behind its `struct` module.
//!
//! It reads what `struct` reads; `T{…}`, shapes and names are skipped unread.

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
        let works: [(&str, harness::Work<&VirtualMachine>); 1] = [("rustpython", work_rustpython)];
        harness::main(&works, &mut vm);
    });
}
