//! Fuzz target: reads and writes structs of `#[derive(Record)]`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = pep3118_fuzz::properties::records::read_records(&mut arbitrary::Unstructured::new(input));
});
