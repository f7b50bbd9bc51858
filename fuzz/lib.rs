//! The modules of the fuzz targets: the properties of `tests/it/properties`, the decoder of
//! `tests/it/reference_decoder.rs`, and comparisons with CPython and NumPy. `format_and_rest` splits an input into a
//! format and other bytes.

#[cfg(feature = "cpython")]
pub mod cpython;
#[path = "../tests/it/properties.rs"]
pub mod properties;
#[path = "../tests/it/reference_decoder.rs"]
pub mod reference_decoder;

/// Splits `input` into the format before the first NUL and the bytes after the NUL. Without a NUL, the format is the
/// whole input.
pub fn format_and_rest(input: &[u8]) -> (&[u8], &[u8]) {
    let at = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (format, rest) = input.split_at(at);
    (format, rest.get(1..).unwrap_or_default())
}
