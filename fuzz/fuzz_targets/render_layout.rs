//! Fuzz target: writes random layouts with every renderer and generator.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = pep3118_fuzz::properties::output::render_layout(&mut arbitrary::Unstructured::new(input));
});
