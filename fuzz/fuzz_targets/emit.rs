//! Fuzz target: emits formats from the layout of a format, for each target, and compares their sizes with the layout.
#![no_main]
libfuzzer_sys::fuzz_target!(|source: &[u8]| pep3118_fuzz::properties::emit(source));
