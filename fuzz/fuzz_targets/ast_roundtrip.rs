//! Fuzz target: prints a random syntax tree and parses the printed text.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = pep3118_fuzz::properties::tree::ast_roundtrip(&mut arbitrary::Unstructured::new(input));
});
