//! Fuzz target: reconciles a format with an itemsize of 0 to 255 bytes, and without an itemsize.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| pep3118_fuzz::properties::reconcile_with(input.1, input.0.into()));
