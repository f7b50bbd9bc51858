//! Fuzz target: validates random fields of a `Py_buffer`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = pep3118_fuzz::properties::metadata::check_view(&mut arbitrary::Unstructured::new(input));
});
