//! The measured functions of the library, one function for each operation.
//!
//! Callgrind counts the instructions from the entry of a function `work_*` to its return. The count includes called
//! functions, allocation, and dropping the result. The dialect and the data model are read from `State`, so that the
//! compiler cannot use them as constants.

mod harness;

use std::hint::black_box;

use pep3118::layout::calcsize_in;
use pep3118::{DataModel, Dialect, Format, Layout, Scalar};

/// The values that the measured functions use besides the format.
struct State {
    model: DataModel,
    pep3118: Dialect,
    numpy: Dialect,
    python: Dialect,
    layout: Layout,
}

#[inline(never)]
fn work_recognize(state: &mut State, format: &[u8]) {
    black_box(Scalar::recognize(format, &state.model));
}

#[inline(never)]
fn work_calcsize(state: &mut State, format: &[u8]) {
    black_box(calcsize_in(format, &state.python, &state.model).ok());
}

#[inline(never)]
fn work_read(state: &mut State, format: &[u8]) {
    black_box(&Layout::read(format, &state.pep3118, &state.model));
}

#[inline(never)]
fn work_read_into(state: &mut State, format: &[u8]) {
    black_box(state.layout.read_into(format, &state.pep3118, &state.model).is_ok());
}

#[inline(never)]
fn work_read_numpy(state: &mut State, format: &[u8]) {
    black_box(&Layout::read(format, &state.numpy, &state.model));
}

#[inline(never)]
fn work_read_into_numpy(state: &mut State, format: &[u8]) {
    black_box(state.layout.read_into(format, &state.numpy, &state.model).is_ok());
}

#[inline(never)]
fn work_parse(_: &mut State, format: &[u8]) {
    black_box(&Format::parse(format));
}

fn main() {
    let mut state = State {
        model: black_box(DataModel::LP64),
        pep3118: black_box(Dialect::PEP3118),
        numpy: black_box(Dialect::NUMPY),
        python: black_box(Dialect::STRUCT),
        layout: Layout::new(),
    };
    let operations: [(&str, harness::Operation<State>); 7] = [
        ("recognize", work_recognize),
        ("calcsize", work_calcsize),
        ("read", work_read),
        ("read_into", work_read_into),
        ("read_numpy", work_read_numpy),
        ("read_into_numpy", work_read_into_numpy),
        ("parse", work_parse),
    ];
    harness::main(&operations, &mut state);
}
