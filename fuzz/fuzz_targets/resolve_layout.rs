//! Fuzz target: resolves the layout of a format in one dialect and data model.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| pep3118_fuzz::properties::resolve_chosen(input));
