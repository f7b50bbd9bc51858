//! Fuzz target: renders errors, tables and pictures of a format. The last two bytes select the itemsize and the
//! dialect.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| pep3118_fuzz::properties::drawing::render_chosen(input));
