#![no_main]
// The format goes up to the first NUL; what follows is memory.
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let at = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (source, memory) = input.split_at(at);
    pep3118_fuzz::properties::decode(source, memory.get(1..).unwrap_or_default());
});
