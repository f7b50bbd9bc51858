//! One integration binary: the crate through its public API.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs
)]

#[cfg(feature = "cli")]
mod cli;
mod corpus;
mod diagnostic;
mod exports;
mod floors;
mod format;
mod layout;
mod numpy_reader;
mod oracle;
mod properties;
mod snapshot;
mod view;
