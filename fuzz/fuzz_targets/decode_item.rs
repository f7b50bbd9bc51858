//! Fuzz target: compares the value of one item with the reference decoder.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (format, memory) = pep3118_fuzz::format_and_rest(input);
    pep3118_fuzz::properties::strided::decode_item(format, memory);
});
