//! Fuzz target: computes the layouts of C source. An input that starts with a NUL selects pieces of source; any other input
//! is the source.
#![no_main]
use pep3118_fuzz::properties::c_source;
libfuzzer_sys::fuzz_target!(|input: &[u8]| match input.split_first() {
    Some((0, rest)) => {
        if let Ok(source) = c_source::source(&mut arbitrary::Unstructured::new(rest)) {
            c_source::from_c(&source);
        }
    }
    _ => c_source::from_c(&String::from_utf8_lossy(input)),
});
