//! Tests that start the command `pep3118`.
#![allow(missing_docs, reason = "test names describe the behaviour")]
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
#[cfg(target_os = "linux")]
mod completions;
mod decode;
mod decode_files;
mod decode_options;
mod encode;
mod help_lines;
#[cfg(unix)]
mod help_sources;
mod hexdump;
#[cfg(target_os = "linux")]
mod hostile_names;
#[cfg(target_os = "linux")]
mod interruption;
mod json_schema;
#[cfg(all(feature = "parquet", target_endian = "little"))]
mod parquet;
#[cfg(target_os = "linux")]
mod progress;
#[path = "../../../../tests/it/snapshot.rs"]
mod snapshot;
#[cfg(target_os = "linux")]
mod terminal;

/// The folder of the repository, which contains the folder `snapshots`.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
