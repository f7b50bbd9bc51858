//! One integration binary: the crate through its public API.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(unreachable_pub, reason = "the fuzz targets include some of these files")]
#![allow(clippy::type_complexity, reason = "tables of cases are tuples")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that fails should stop"
)]

mod abi;
mod book;
mod budget;
#[cfg(feature = "cli")]
mod cli;
mod corpus;
mod decode;
mod diagnostic;
#[cfg(feature = "pyo3")]
mod embedded;
#[cfg(feature = "derive")]
mod examples;
mod exports;
mod floors;
mod format;
#[cfg(any(feature = "arrow", feature = "ndarray", feature = "serde"))]
mod interop;
mod killers;
mod layout;
mod numpy_reader;
mod oracle;
mod patience;
mod programs;
mod properties;
#[cfg(feature = "pyo3")]
mod py;
mod readers;
#[cfg(feature = "derive")]
mod record;
mod slow_reader;
mod snapshot;
mod source;
mod view;
