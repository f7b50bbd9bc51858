//! Values, arrays and record batches of other crates.

#[cfg(feature = "ndarray")]
mod arrays;
#[cfg(feature = "arrow")]
mod arrow;
#[cfg(feature = "serde")]
mod values;
