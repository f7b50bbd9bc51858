//! Fuzz target: compares sizes of formats with `struct.calcsize`.
#![no_main]
libfuzzer_sys::fuzz_target!(init: pep3118_fuzz::cpython::start(), |input: &[u8]| pep3118_fuzz::cpython::calcsize(input));
