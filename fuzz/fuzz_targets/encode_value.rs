//! Fuzz target: encodes random values and columns into random layouts.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = pep3118_fuzz::properties::encode::encode_value(&mut arbitrary::Unstructured::new(input));
});
