//! The command as its users call it.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that fails should stop"
)]

mod command;
mod commands;
mod decode;
mod decode_files;
#[cfg(target_os = "linux")]
mod progress;
#[path = "../../../../tests/it/snapshot.rs"]
mod snapshot;

/// The folder of the repository, where `snapshots` is.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
