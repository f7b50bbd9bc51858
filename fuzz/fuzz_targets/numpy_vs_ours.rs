//! Fuzz target: compares layouts with NumPy's reader of formats.
#![no_main]
libfuzzer_sys::fuzz_target!(init: pep3118_fuzz::cpython::start(), |input: &[u8]| pep3118_fuzz::cpython::numpy(input));
