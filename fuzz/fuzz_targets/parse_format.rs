//! Fuzz target: parses a format, prints the tree and parses the printed text.
#![no_main]
libfuzzer_sys::fuzz_target!(|source: &[u8]| pep3118_fuzz::properties::parse_format(source));
