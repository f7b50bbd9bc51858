//! The properties of `tests/it/properties`, for libFuzzer.

#[cfg(feature = "cpython")]
pub mod cpython;
#[path = "../tests/it/properties.rs"]
pub mod properties;
#[path = "../tests/it/reference_decoder.rs"]
pub mod reference_decoder;

/// Splits the input at the first NUL into a format and the bytes after it.
pub fn format_and_rest(input: &[u8]) -> (&[u8], &[u8]) {
    let at = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (format, rest) = input.split_at(at);
    (format, rest.get(1..).unwrap_or_default())
}
