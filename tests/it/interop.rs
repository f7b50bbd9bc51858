//! Values, arrays and record batches of other crates.

#[cfg(feature = "serde")]
mod values;
