//! Fuzz target: compares values with `struct.unpack`.
#![no_main]
libfuzzer_sys::fuzz_target!(init: pep3118_fuzz::cpython::start(), |input: &[u8]| pep3118_fuzz::cpython::decode(input));
