//! Fuzz target: parses a format.
#![no_main]
libfuzzer_sys::fuzz_target!(|source: &[u8]| pep3118_fuzz::properties::parse_format(source));
