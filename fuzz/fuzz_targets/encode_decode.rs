//! Fuzz target: decodes an item, encodes the values and decodes the result. Does the same with columns.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (format, memory) = pep3118_fuzz::format_and_rest(input);
    pep3118_fuzz::properties::decode(format, memory);
});
