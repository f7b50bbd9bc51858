//! Fuzz target: emits a format from the layout of a format, for each target.
#![no_main]
libfuzzer_sys::fuzz_target!(|source: &[u8]| pep3118_fuzz::properties::emit(source));
