//! Fuzz target: applies chains of operations to random views, and compares the items with a list of addresses.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = pep3118_fuzz::properties::chains::view_chain(&mut arbitrary::Unstructured::new(input));
});
