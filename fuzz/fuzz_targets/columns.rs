//! Fuzz target: decodes random strided memory to values, columns and contiguous copies, and compares the results with
//! the reference decoder.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = pep3118_fuzz::properties::strided::decode_strided(&mut arbitrary::Unstructured::new(input));
});
