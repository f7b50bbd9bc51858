//! The integration tests of the library. All tests are in one binary, because one binary links faster than many
//! binaries.
#![allow(missing_docs, reason = "the name of a test states what it checks")]
#![allow(unreachable_pub, reason = "the fuzz targets include some of these files")]
#![allow(clippy::type_complexity, reason = "tables of cases are tuples")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a panic is how a test fails"
)]

mod abi;
mod adversarial;
mod architecture;
#[cfg(feature = "c")]
mod bit_fields;
#[cfg(all(feature = "arrow", feature = "c", feature = "derive", feature = "serde"))]
mod budget;
mod child_process;
mod corpus;
mod decode;
mod diagnostic;
mod docs;
#[cfg(feature = "derive")]
mod examples;
mod exports;
mod format;
#[cfg(feature = "c")]
mod from_c;
mod generators;
#[cfg(any(feature = "arrow", feature = "ndarray", feature = "serde"))]
mod interop;
mod layout;
#[cfg(all(feature = "arrow", feature = "c", feature = "derive", feature = "serde"))]
mod no_memory;
mod npy;
mod numpy_descr;
mod numpy_reader;
mod oracle;
mod properties;
mod property_search;
#[cfg(feature = "pyo3")]
mod py;
mod readers;
#[cfg(feature = "derive")]
mod record;
mod reference_decoder;
mod snapshot;
mod source;

#[cfg(all(feature = "c", feature = "serde", feature = "triple"))]
mod traits;
mod view;

/// The root folder of the repository.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");
