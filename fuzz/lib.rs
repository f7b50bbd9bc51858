//! The properties that the tests drive, for libFuzzer to drive further.

#[path = "../tests/it/properties.rs"]
pub mod properties;
