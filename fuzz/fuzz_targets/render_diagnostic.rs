#![no_main]
libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    pep3118_fuzz::properties::drawing::render_diagnostic(input.1, input.0.into());
});
