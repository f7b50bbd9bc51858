//! Fuzz target: resolves the layout of a format in the dialect and data model that the last two bytes select.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| pep3118_fuzz::properties::resolve_chosen(input));
