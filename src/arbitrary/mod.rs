//! Random formats, layouts, `Py_buffer`s and strided memory, for property tests and fuzz targets.
//!
//! The functions take an [`Unstructured`](::arbitrary::Unstructured) of the crate `arbitrary`, which libFuzzer and
//! `arbtest` fill with random bytes. The same bytes give the same result. All results are small, so that a test runs
//! often: an item that [`format()`], [`layout`] or [`StridedBuffer`] describes has at most [`MAX_ITEMSIZE`] bytes.
//!
//! | function | result |
//! |--|--|
//! | [`format()`] | a format that a dialect accepts |
//! | [`nearly_valid_format`] | a format that often has one error |
//! | [`layout`] | a format and its layout |
//! | [`data_model`] | a machine |
//! | [`members`] | a syntax tree, often of a format that cannot be written |
//! | [`raw_view`] | the fields of a `Py_buffer`, correct in half of all cases |
//! | [`number`] | an integer, often an integer at which arithmetic overflows |
//! | [`StridedBuffer`] | memory with N-dimensional items, and the values of the items |
//!
//! [`TOKENS`] is a dictionary for a fuzzer, and [`SEEDS`] are its first inputs.
//!
//! A fuzz target for the parser of another crate, here for PyO3, compares the size of each format:
//!
//! ```ignore
//! #![no_main]
//! use pep3118::{DataModel, Dialect, calcsize};
//! use pyo3::buffer::ElementType;
//! libfuzzer_sys::fuzz_target!(|input: &[u8]| {
//!     let mut bytes = arbitrary::Unstructured::new(input);
//!     let Ok(format) = pep3118::arbitrary::format(&mut bytes, &Dialect::STRUCT, &DataModel::HOST) else { return };
//!     let text = std::ffi::CString::new(format.as_str()).unwrap();
//!     if let ElementType::Float { bytes } = ElementType::from_format(&text) {
//!         assert_eq!(bytes as u64, calcsize(&format).unwrap(), "{format}");
//!     }
//! });
//! ```

mod format;
mod members;
mod raw_view;
mod strided_buffer;

pub use format::{MAX_ITEMSIZE, SEEDS, TOKENS, data_model, format, layout, nearly_valid_format};
pub use members::members;
pub use raw_view::{number, raw_view};
pub use strided_buffer::StridedBuffer;
